"""LINEAR_REG against scikit-learn, and the SQL form against Python."""

from __future__ import annotations

import itertools

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, Ridge

from sqlml.errors import DataError, IntegrityError, NotSupportedError, OperationalError
from sqlml.features.layout import CategoryTerm, Layout, NumericTerm
from sqlml.models import linear_reg
from sqlml.models._least_squares import accumulate_moments, solve
from sqlml.models._options import OptionError, Options, check_options
from sqlml.models._spec import TooLargeForSql
from sqlml.models.linear_reg import SPEC, LinearState
from sqlml.state import Array, from_arrays, to_arrays
from sqlml.training.data import ArrayData, SilentProgress, Trained


def numeric(name: str, mean: float = 0.0, stddev: float = 1.0) -> NumericTerm:
    return NumericTerm(name, name, f'"{name}"', mean, stddev, mean, stddev if stddev > 0.0 else 1.0)


def category(name: str, n_codes: int, dropped: int | None = None) -> CategoryTerm:
    return CategoryTerm(name, name, f'"{name}"', tuple(f"v{code}" for code in range(n_codes)), (1 / n_codes,) * n_codes, dropped)


def numeric_layout(n_columns: int) -> Layout:
    return Layout(tuple(numeric(f"x{index}") for index in range(n_columns)))


def options(**given_options: object) -> Options:
    checked, _ = check_options(SPEC.options, given_options, "model type LINEAR_REG")
    SPEC.check(checked)
    return checked


def fit(data: ArrayData, progress: SilentProgress | None = None, **given_options: object) -> Trained:
    return SPEC.train(data, options(**given_options), progress or SilentProgress())


def mixed_rows(dropped: int | None = None, n_rows: int = 900) -> tuple[Layout, np.ndarray, np.ndarray]:
    """Numbers, and two categories whose columns add up to the same constant, unless one of each is dropped."""
    rng = np.random.default_rng(3)
    layout = Layout((numeric("a"), category("c", 5, dropped), numeric("b"), category("d", 3, dropped), numeric("e")))
    numbers, c, d = rng.normal(size=(n_rows, 3)), rng.integers(0, 5, n_rows), rng.integers(0, 3, n_rows)
    matrix = layout.expand(np.column_stack([numbers[:, 0], c, numbers[:, 1], d, numbers[:, 2]]))
    labels = numbers @ [2.0, -1.0, 0.3] + 0.7 * c - d + rng.normal(size=n_rows)
    return layout, matrix, labels


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("dropped", [None, 1])
def test_weights_are_those_of_scikit_learn(fit_intercept: bool, dropped: int | None) -> None:
    layout, matrix, labels = mixed_rows(dropped)
    trained = fit(ArrayData(layout, matrix, labels, block_rows=250), fit_intercept=fit_intercept)
    expected = LinearRegression(fit_intercept=fit_intercept).fit(matrix, labels)
    np.testing.assert_allclose(trained.state.weights, expected.coef_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(trained.state.intercept, expected.intercept_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(SPEC.predict(trained.state, matrix), expected.predict(matrix), rtol=1e-9, atol=1e-12)
    (iteration,) = trained.iterations
    assert iteration.iteration == 0
    assert iteration.eval_loss is None
    assert iteration.loss == pytest.approx(np.mean((expected.predict(matrix) - labels) ** 2), rel=1e-10)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("l2_reg", [1e-4, 0.05, 30.0])
def test_l2_reg_is_ridge(fit_intercept: bool, l2_reg: float) -> None:
    layout, matrix, labels = mixed_rows()
    trained = fit(ArrayData(layout, matrix, labels), l2_reg=l2_reg, fit_intercept=fit_intercept)
    expected = Ridge(alpha=len(labels) * l2_reg / 2, fit_intercept=fit_intercept, solver="svd").fit(matrix, labels)
    np.testing.assert_allclose(trained.state.weights, expected.coef_, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(trained.state.intercept, expected.intercept_, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("l1_reg", [0.02, 0.4])
def test_l1_reg_is_the_lasso_with_exact_zeros(fit_intercept: bool, l1_reg: float) -> None:
    layout, matrix, labels = mixed_rows()
    progress = SilentProgress()
    trained = fit(ArrayData(layout, matrix, labels), progress, l1_reg=l1_reg, fit_intercept=fit_intercept)
    expected = Lasso(alpha=l1_reg / 2, fit_intercept=fit_intercept, tol=1e-14, max_iter=100_000).fit(matrix, labels)
    np.testing.assert_allclose(SPEC.predict(trained.state, matrix), expected.predict(matrix), rtol=1e-7, atol=1e-7)
    np.testing.assert_array_equal(trained.state.weights == 0.0, expected.coef_ == 0.0)
    assert (trained.state.weights == 0.0).any()
    assert progress.notices == []


def test_both_penalties_are_the_elastic_net() -> None:
    layout, matrix, labels = mixed_rows()
    l1_reg, l2_reg = 0.1, 0.3
    trained = fit(ArrayData(layout, matrix, labels), l1_reg=l1_reg, l2_reg=l2_reg)
    # scikit-learn halves the mean squared error: alpha * l1_ratio = l1 / 2, alpha * (1 - l1_ratio) = l2 / 2.
    alpha = (l1_reg + l2_reg) / 2
    expected = ElasticNet(alpha=alpha, l1_ratio=l1_reg / 2 / alpha, tol=1e-14, max_iter=100_000).fit(matrix, labels)
    np.testing.assert_allclose(trained.state.weights, expected.coef_, rtol=1e-8, atol=1e-10)


def test_row_weights_count_rows() -> None:
    layout, matrix, labels = mixed_rows()
    weights = np.random.default_rng(0).uniform(0.0, 3.0, len(labels))
    weights[::7] = 0.0
    for l2_reg in (0.0, 0.2):
        trained = fit(ArrayData(layout, matrix, labels, row_weights=weights, block_rows=70), l2_reg=l2_reg)
        if l2_reg:
            expected = Ridge(alpha=weights.sum() * l2_reg / 2, solver="cholesky").fit(matrix, labels, weights)
        else:
            expected = LinearRegression().fit(matrix, labels, weights)
        np.testing.assert_allclose(trained.state.weights, expected.coef_, rtol=1e-9, atol=1e-12)


def test_a_badly_conditioned_matrix_is_solved_from_its_rows() -> None:
    rng = np.random.default_rng(5)
    base = rng.normal(size=500)
    matrix = np.column_stack([base, base + 1e-6 * rng.normal(size=500), rng.normal(size=500)])
    labels = matrix @ [1.0, 2.0, 3.0]
    data = ArrayData(numeric_layout(3), matrix, labels, block_rows=100)
    moments = accumulate_moments(data.train_blocks(), 3, SilentProgress())
    assert solve(moments, data.layout, l2=0.0, fit_intercept=True) is None
    trained = fit(data)
    # The normal equations alone would be wrong in the fourth digit here.
    np.testing.assert_allclose(trained.state.weights, [1.0, 2.0, 3.0], rtol=1e-8)
    ridge = fit(data, l2_reg=1e-13)
    expected = Ridge(alpha=500 * 1e-13 / 2, solver="svd").fit(matrix, labels)
    np.testing.assert_allclose(ridge.state.weights, expected.coef_, rtol=1e-7)


def test_the_same_column_twice_shares_its_weight() -> None:
    rng = np.random.default_rng(6)
    column, other = rng.normal(size=300), rng.normal(size=300)
    labels = 4.0 * column - other + 1.0
    trained = fit(ArrayData(numeric_layout(3), np.column_stack([column, other, column]), labels))
    np.testing.assert_allclose(trained.state.weights, [2.0, -1.0, 2.0], rtol=1e-9)
    np.testing.assert_allclose(trained.state.intercept, 1.0, rtol=1e-9)


def test_a_constant_column_has_no_weight() -> None:
    rng = np.random.default_rng(7)
    matrix = np.column_stack([rng.normal(size=200), np.full(200, 0.1), np.zeros(200)])
    trained = fit(ArrayData(numeric_layout(3), matrix, 2.0 * matrix[:, 0] + 5.0, block_rows=30))
    np.testing.assert_allclose(trained.state.weights, [2.0, 0.0, 0.0], rtol=1e-12, atol=0.0)
    np.testing.assert_allclose(trained.state.intercept, 5.0, rtol=1e-12)
    # Without an intercept the constant column is what holds the constant.
    without = fit(ArrayData(numeric_layout(3), matrix, 2.0 * matrix[:, 0] + 5.0), fit_intercept=False)
    np.testing.assert_allclose(without.state.weights, [2.0, 50.0, 0.0], rtol=1e-12, atol=0.0)


def test_large_offsets_cost_no_digits() -> None:
    rng = np.random.default_rng(8)
    centred = rng.normal(size=(3_000, 3))
    labels = centred @ [1.0, -2.0, 0.5] + rng.normal(size=3_000)
    expected = LinearRegression().fit(centred, labels)
    trained = fit(ArrayData(numeric_layout(3), centred + 1e9, labels + 1e9, block_rows=500))
    # Adding 1e9 itself rounds the columns to 1e-7.
    np.testing.assert_allclose(trained.state.weights, expected.coef_, rtol=1e-6)
    assert trained.iterations[0].loss == pytest.approx(np.mean((expected.predict(centred) - labels) ** 2), rel=1e-6)


def test_one_row_and_more_columns_than_rows() -> None:
    one = fit(ArrayData(numeric_layout(2), np.array([[1.0, 2.0]]), np.array([7.0])))
    np.testing.assert_allclose(SPEC.predict(one.state, np.array([[1.0, 2.0]])), [7.0])
    rng = np.random.default_rng(9)
    matrix, labels = rng.normal(size=(10, 25)), rng.normal(size=10)
    trained = fit(ArrayData(numeric_layout(25), matrix, labels), optimize_strategy="NORMAL_EQUATION")
    expected = LinearRegression().fit(matrix, labels)
    np.testing.assert_allclose(trained.state.weights, expected.coef_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(SPEC.predict(trained.state, matrix), labels, rtol=1e-9)


@pytest.mark.parametrize("given_options", [{}, {"l1_reg": 0.1}, {"optimize_strategy": "BATCH_GRADIENT_DESCENT"}, {"l2_reg": 1e-14}])
def test_block_sizes_change_no_bit(given_options: dict[str, object]) -> None:
    layout, matrix, labels = mixed_rows(n_rows=3_000)
    states = [fit(ArrayData(layout, matrix, labels, block_rows=size), **given_options).state for size in (1, 977, 3_000)]
    for state in states[1:]:
        np.testing.assert_array_equal(state.weights, states[0].weights)
        assert state.intercept == states[0].intercept


def test_no_rows_and_infinite_values_are_errors() -> None:
    layout = numeric_layout(1)
    for strategy in ("NORMAL_EQUATION", "BATCH_GRADIENT_DESCENT"):
        with pytest.raises(DataError) as empty:
            fit(ArrayData(layout, np.empty((0, 1)), np.empty(0)), optimize_strategy=strategy)
        assert empty.value.code == "no_rows"
        for value in (np.inf, np.nan, 1e200):
            matrix = np.ones((30, 1))
            matrix[3] = value
            with pytest.raises(DataError) as infinite:
                fit(ArrayData(layout, matrix, np.arange(30.0)), optimize_strategy=strategy)
            assert infinite.value.code == "not_finite"


def test_evaluation_rows_get_a_loss_of_their_own() -> None:
    layout, matrix, labels = mixed_rows()
    for given_options in ({}, {"optimize_strategy": "BATCH_GRADIENT_DESCENT"}, {"l1_reg": 0.1}):
        trained = fit(ArrayData(layout, matrix[:600], labels[:600], eval_features=matrix[600:], eval_labels=labels[600:]), **given_options)
        errors = SPEC.predict(trained.state, matrix[600:]) - labels[600:]
        assert trained.iterations[-1].eval_loss == pytest.approx(np.mean(errors**2), rel=1e-9)


# Strategies ------------------------------------------------------------------------------------------------------------------------------


def test_automatic_strategy_follows_the_shape_of_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    layout, matrix, labels = mixed_rows()
    enough = 10 * layout.n_columns
    assert len(fit(ArrayData(layout, matrix[:enough], labels[:enough])).iterations) == 1
    progress = SilentProgress()
    few = fit(ArrayData(layout, matrix[: enough - 1], labels[: enough - 1]), progress)
    assert len(few.iterations) > 1
    assert few.iterations[0].learning_rate is not None
    assert [code for code, _ in progress.notices] == ["gradient_descent"]
    exact = fit(ArrayData(layout, matrix[: enough - 1], labels[: enough - 1]), optimize_strategy="NORMAL_EQUATION")
    assert exact.iterations[0].loss < few.iterations[-1].loss
    monkeypatch.setattr(linear_reg, "MAX_COLUMNS_OF_NORMAL_EQUATION", 4)
    assert len(fit(ArrayData(layout, matrix, labels)).iterations) > 1
    with pytest.raises(DataError) as too_many:
        fit(ArrayData(layout, matrix, labels), optimize_strategy="normal_equation")
    assert too_many.value.code == "too_many_columns"


def test_options_of_gradient_descent_are_named_when_they_do_nothing() -> None:
    layout, matrix, labels = mixed_rows()
    progress = SilentProgress()
    fit(ArrayData(layout, matrix, labels), progress, max_iterations=5, early_stop=False)
    ((code, message),) = progress.notices
    assert code == "option_without_effect"
    assert message.startswith("early_stop, max_iterations:")


@pytest.mark.parametrize("first_rate", [0.05, 3.0])
def test_gradient_descent_with_line_search_tries_four_rates(first_rate: float) -> None:
    _, matrix, labels = mixed_rows()
    matrix = matrix[:, [0, 6, 10]]
    trained = fit(
        ArrayData(numeric_layout(3), matrix, labels),
        optimize_strategy="BATCH_GRADIENT_DESCENT", ls_init_learn_rate=first_rate, max_iterations=4, early_stop=False,
    )  # fmt: skip
    centred, target = matrix - matrix.mean(axis=0), labels - labels.mean()
    weights, rate = np.zeros(3), first_rate
    for iteration in trained.iterations:
        gradient = -2.0 * centred.T @ (target - centred @ weights) / len(labels)
        losses = {r: np.mean((target - centred @ (weights - r * gradient)) ** 2) for r in (2 * rate, rate, rate / 2, rate / 4)}
        rate = min(losses, key=losses.__getitem__)
        weights = weights - rate * gradient
        assert iteration.learning_rate == rate
        assert iteration.loss == pytest.approx(losses[rate], rel=1e-12)
    assert [iteration.iteration for iteration in trained.iterations] == [0, 1, 2, 3]
    np.testing.assert_allclose(trained.state.weights, weights, rtol=1e-10)


def test_gradient_descent_reaches_the_exact_minimum_when_it_may_go_on() -> None:
    layout, matrix, labels = mixed_rows()
    data = ArrayData(layout, matrix, labels)
    for penalties in ({}, {"l2_reg": 0.1}, {"l1_reg": 0.1, "l2_reg": 0.01}):
        exact = fit(data, **penalties)
        descended = fit(data, optimize_strategy="BATCH_GRADIENT_DESCENT", max_iterations=2_000, min_rel_progress=1e-15, **penalties)
        np.testing.assert_allclose(SPEC.predict(descended.state, matrix), SPEC.predict(exact.state, matrix), atol=1e-6)
    assert (descended.state.weights == 0.0).any()


def test_early_stopping_looks_at_the_evaluation_rows() -> None:
    layout, matrix, labels = mixed_rows()
    given_options = {"optimize_strategy": "BATCH_GRADIENT_DESCENT", "max_iterations": 50}
    free = fit(ArrayData(layout, matrix, labels), early_stop=False, **given_options)
    assert len(free.iterations) == 50
    stopped = fit(ArrayData(layout, matrix, labels), min_rel_progress=0.01, **given_options)
    losses = [iteration.loss for iteration in stopped.iterations]
    falls = [(before - after) / before for before, after in itertools.pairwise(losses)]
    assert all(fall >= 0.01 for fall in falls[:-1])
    assert falls[-1] < 0.01
    # Evaluation rows whose labels know nothing stop it at once, though the training loss still falls.
    unrelated = np.random.default_rng(1).normal(size=50) * 100.0
    evaluated = fit(ArrayData(layout, matrix, labels, eval_features=matrix[:50], eval_labels=unrelated), **given_options)
    assert len(evaluated.iterations) == 2


def test_a_constant_rate_that_is_too_large_stops_with_a_notice() -> None:
    layout, matrix, labels = mixed_rows()
    progress = SilentProgress()
    trained = fit(
        ArrayData(layout, matrix, labels), progress, optimize_strategy="BATCH_GRADIENT_DESCENT", learn_rate_strategy="CONSTANT",
        learn_rate=30.0, max_iterations=500, early_stop=False,
    )  # fmt: skip
    assert [code for code, _ in progress.notices] == ["diverged"]
    assert len(trained.iterations) < 5
    assert np.isfinite(trained.state.weights).all()
    steady = fit(
        ArrayData(layout, matrix, labels), optimize_strategy="BATCH_GRADIENT_DESCENT", learn_rate_strategy="CONSTANT", learn_rate=0.2
    )
    assert {iteration.learning_rate for iteration in steady.iterations} == {0.2}


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_wide_matrix_is_descended_row_by_row_to_the_same_result(monkeypatch: pytest.MonkeyPatch, fit_intercept: bool) -> None:
    layout, matrix, labels = mixed_rows()
    weights = np.random.default_rng(0).uniform(0.5, 2.0, 700)
    data = ArrayData(layout, matrix[:700], labels[:700], weights, eval_features=matrix[700:], eval_labels=labels[700:], block_rows=99)
    given_options = {"optimize_strategy": "BATCH_GRADIENT_DESCENT", "fit_intercept": fit_intercept, "l1_reg": 0.05}
    expected = fit(data, **given_options)
    monkeypatch.setattr(linear_reg, "_MAX_COLUMNS_OF_MOMENTS", 2)
    streamed = fit(data, **given_options)
    np.testing.assert_allclose(streamed.state.weights, expected.state.weights, rtol=1e-9, atol=1e-12)
    assert streamed.state.intercept == pytest.approx(expected.state.intercept, rel=1e-9)
    for one, other in zip(streamed.iterations, expected.iterations, strict=True):
        assert (one.loss, one.eval_loss, one.learning_rate) == pytest.approx((other.loss, other.eval_loss, other.learning_rate), rel=1e-9)


def test_cancelling_ends_training() -> None:
    class Cancelled(SilentProgress):
        def check(self) -> None:
            raise OperationalError("cancelled", code="cancelled")

    layout, matrix, labels = mixed_rows()
    for given_options in ({}, {"l1_reg": 0.1}, {"optimize_strategy": "BATCH_GRADIENT_DESCENT"}):
        with pytest.raises(OperationalError) as cancelled:
            fit(ArrayData(layout, matrix, labels), Cancelled(), **given_options)
        assert cancelled.value.code == "cancelled"


# Options ---------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_options", "option", "code"),
    [
        ({"learn_rate": 0.1}, "learn_rate", "option_not_applicable"),
        ({"ls_init_learn_rate": 0.1, "learn_rate_strategy": "CONSTANT"}, "ls_init_learn_rate", "option_not_applicable"),
        ({"l1_reg": -1}, "l1_reg", "option_value"),
        ({"max_iterations": 0}, "max_iterations", "option_value"),
        ({"optimize_strategy": "NORMAL_EQUATION", "l1_reg": 0.1}, "optimize_strategy", "option_not_applicable"),
        ({"calculate_p_values": True}, "calculate_p_values", "option_not_applicable"),
        (
            {"calculate_p_values": True, "category_encoding_method": "DUMMY_ENCODING", "l1_reg": 1},
            "calculate_p_values", "option_not_applicable",
        ),
        ({"auto_class_weights": True}, "auto_class_weights", "unknown_option"),
        ({"category_encoding_method": "LABEL_ENCODING"}, "category_encoding_method", "option_value"),
    ],
)  # fmt: skip
def test_options_that_do_not_go_together(given_options: dict[str, object], option: str, code: str) -> None:
    with pytest.raises(OptionError) as error:
        options(**given_options)
    assert (error.value.option, error.value.code) == (option, code)


def test_warm_start_is_refused() -> None:
    with pytest.raises(NotSupportedError, match="from the start"):
        options(warm_start=True)
    options(warm_start=False)


def test_p_values_need_a_small_model() -> None:
    given_options = {"calculate_p_values": True, "category_encoding_method": "DUMMY_ENCODING"}
    layout = Layout((category("c", 1_001, dropped=0),))
    with pytest.raises(DataError) as error:
        fit(ArrayData(layout, np.zeros((10, 1_000)), np.zeros(10)), **given_options)
    assert error.value.code == "too_many_columns"


# Prediction ------------------------------------------------------------------------------------------------------------------------------


def table_of(layout: Layout, rng: np.random.Generator, n_rows: int = 40) -> duckdb.DuckDBPyConnection:
    """A table `t` with a column for each term; every seventh value is NULL."""
    connection = duckdb.connect()
    names = ", ".join(f'"{term.column}" {"INTEGER" if isinstance(term, CategoryTerm) else "DOUBLE"}' for term in layout.terms)
    connection.execute(f"CREATE TABLE t ({names})")
    values: list[list[object]] = []
    for _ in range(n_rows):
        row: list[object] = [
            int(rng.integers(0, len(term.categories))) if isinstance(term, CategoryTerm) else float(rng.normal(term.mean, term.stddev))
            for term in layout.terms
        ]
        values.append([None if rng.random() < 1 / 7 else value for value in row])
    connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(layout.terms))})", values)
    return connection


def matrix_of(layout: Layout, connection: duckdb.DuckDBPyConnection) -> np.ndarray:
    """The learner's matrix, by the expressions that training reads."""
    expressions = ", ".join(f"CAST({layout.value_sql(term)} AS DOUBLE)" for term in layout.terms)
    rows = connection.execute(f"SELECT {expressions} FROM t").fetchall()
    return layout.expand(np.array([[np.nan if value is None else value for value in row] for row in rows]))


terms = st.one_of(
    st.tuples(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3)),
    st.tuples(st.just(2e9), st.just(0.5)),
    st.tuples(st.integers(1, 40), st.booleans()),
)


@given(st.lists(terms, min_size=1, max_size=12), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_the_sql_form_equals_python(kinds: list[tuple[float, float | bool]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    layout = Layout(
        tuple(
            category(f"c {index}", int(first), int(first) // 2 if second else None)
            if isinstance(second, bool)
            else numeric(f"x {index}", first, second)
            for index, (first, second) in enumerate(kinds)
        )
    )
    weights = rng.normal(size=layout.n_columns)
    weights[rng.random(layout.n_columns) < 0.2] = 0.0
    state = LinearState(float(rng.normal()), weights)
    connection = table_of(layout, rng)
    expected = SPEC.predict(state, matrix_of(layout, connection))
    assert SPEC.scores_sql is not None
    got = np.array(connection.execute(f"SELECT {SPEC.scores_sql(state, layout)} FROM t").fetchall())[:, 0]
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12 * (1.0 + np.abs(weights).sum()))


def test_the_sql_form_of_a_wide_model_is_balanced_and_bounded() -> None:
    assert SPEC.scores_sql is not None
    layout = numeric_layout(2_000)
    state = LinearState(1.0, np.ones(2_000))
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE t AS SELECT {', '.join(f'1.0::DOUBLE AS x{index}' for index in range(2_000))}")
    assert connection.execute(f"SELECT {SPEC.scores_sql(state, layout)} FROM t").fetchall() == [(2_001.0,)]
    with pytest.raises(TooLargeForSql):
        SPEC.scores_sql(LinearState(1.0, np.ones(2_001)), numeric_layout(2_001))
    with pytest.raises(TooLargeForSql):
        SPEC.scores_sql(LinearState(1.0, np.ones(20_001)), Layout((category("c", 20_001),)))


def test_a_stored_state_comes_back_or_is_refused() -> None:
    state = LinearState(2.5, np.array([1.0, -0.0, 3.0]))
    again = from_arrays(LinearState, to_arrays(state))
    np.testing.assert_array_equal(again.weights, state.weights)
    assert again.intercept == 2.5
    damaged = {**to_arrays(state), "weights": Array((2,), floats=np.array([1.0, np.nan]))}
    with pytest.raises(IntegrityError):
        from_arrays(LinearState, damaged)
