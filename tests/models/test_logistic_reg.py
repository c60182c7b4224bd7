"""LOGISTIC_REG against scikit-learn and statsmodels, and the SQL form against Python."""

from __future__ import annotations

import warnings

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from sqlml.errors import DataError, IntegrityError, OperationalError
from sqlml.features.layout import CategoryTerm, Layout, NumericTerm
from sqlml.models import logistic_reg
from sqlml.models._options import OptionError, Options, check_options
from sqlml.models._spec import TooLargeForSql
from sqlml.models.logistic_reg import SPEC, LogisticState
from sqlml.state import from_arrays, to_arrays
from sqlml.training.data import ArrayData, SilentProgress, Trained

N_CLASSES = [2, 4]


def numeric(name: str, mean: float = 0.0, stddev: float = 1.0) -> NumericTerm:
    return NumericTerm(name, name, f'"{name}"', mean, stddev, mean, stddev)


def category(name: str, n_codes: int, dropped: int | None = None) -> CategoryTerm:
    return CategoryTerm(name, name, f'"{name}"', tuple(f"v{code}" for code in range(n_codes)), (1 / n_codes,) * n_codes, dropped)


def numeric_layout(n_columns: int) -> Layout:
    return Layout(tuple(numeric(f"x{index}") for index in range(n_columns)))


def options(**given_options: object) -> Options:
    checked, _ = check_options(SPEC.options, given_options, "model type LOGISTIC_REG")
    SPEC.check(checked)
    return checked


def fit(data: ArrayData, progress: SilentProgress | None = None, **given_options: object) -> Trained:
    return SPEC.train(data, options(**given_options), progress or SilentProgress())


def mixed_rows(n_classes: int, dropped: int | None = None, n_rows: int = 1_200) -> tuple[Layout, np.ndarray, np.ndarray]:
    """Numbers and two categories; the classes overlap."""
    rng = np.random.default_rng(n_classes)
    layout = Layout((numeric("a"), category("c", 5, dropped), numeric("b"), category("d", 3, dropped)))
    numbers, c, d = rng.normal(size=(n_rows, 2)), rng.integers(0, 5, n_rows), rng.integers(0, 3, n_rows)
    matrix = layout.expand(np.column_stack([numbers[:, 0], c, numbers[:, 1], d]))
    hidden = numbers @ [1.0, -0.5] + 0.3 * c - 0.4 * d + rng.logistic(size=n_rows)
    edges = np.quantile(hidden, np.arange(1, n_classes) / n_classes)
    return layout, matrix, np.digitize(hidden, edges).astype(np.float64)


def probabilities(trained: Trained, matrix: np.ndarray) -> np.ndarray:
    """Of all classes, `[n_rows, n_classes]`."""
    scores = SPEC.predict(trained.state, matrix)
    return np.column_stack([1.0 - scores, scores]) if scores.ndim == 1 else scores


def objective(state: LogisticState, matrix: np.ndarray, labels: np.ndarray, l1_reg: float, l2_reg: float) -> float:
    logits = matrix @ state.weights.T + state.intercepts
    if state.n_classes == 2:
        logits = np.column_stack([np.zeros(len(logits)), logits[:, 0]])
    losses = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(labels)), labels.astype(int)]
    return float(losses.mean() + l1_reg * np.abs(state.weights).sum() + l2_reg / 2 * np.square(state.weights).sum())


def reference(
    matrix: np.ndarray, labels: np.ndarray, l2_reg: float, weights: np.ndarray | None = None, **given: object
) -> LogisticRegression:
    total = len(labels) if weights is None else weights.sum()
    penalty = 1.0 / (total * l2_reg) if l2_reg else np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its line search complains once no digit is left to win
        return LogisticRegression(C=penalty, solver="newton-cg", tol=1e-13, max_iter=10_000, **given).fit(matrix, labels, weights)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("l2_reg", [1e-3, 0.2])
@pytest.mark.parametrize("n_classes", N_CLASSES)
def test_weights_are_those_of_scikit_learn(n_classes: int, l2_reg: float, fit_intercept: bool) -> None:
    layout, matrix, labels = mixed_rows(n_classes)
    row_weights = np.random.default_rng(0).uniform(0.2, 3.0, len(labels))
    progress = SilentProgress()
    data = ArrayData(layout, matrix, labels, row_weights, n_classes=n_classes, block_rows=250)
    trained = fit(data, progress, l2_reg=l2_reg, fit_intercept=fit_intercept)
    expected = reference(matrix, labels, l2_reg, row_weights, fit_intercept=fit_intercept)
    np.testing.assert_allclose(trained.state.weights, expected.coef_, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(
        trained.state.intercepts - trained.state.intercepts.mean() * (n_classes > 2), np.broadcast_to(expected.intercept_, trained.state.intercepts.shape),
        rtol=1e-8, atol=1e-9,
    )  # fmt: skip
    assert progress.notices == []
    assert len(trained.iterations) <= 8
    losses = -np.log(expected.predict_proba(matrix)[np.arange(len(labels)), labels.astype(int)])
    # The last step, too small to be worth a pass, is not in the loss that is shown.
    assert trained.iterations[-1].loss == pytest.approx(np.average(losses, weights=row_weights), rel=1e-7)


@pytest.mark.parametrize("dropped", [None, 2])
@pytest.mark.parametrize("n_classes", N_CLASSES)
def test_without_a_penalty_probabilities_are_those_of_scikit_learn(n_classes: int, dropped: int | None) -> None:
    layout, matrix, labels = mixed_rows(n_classes, dropped)
    trained = fit(ArrayData(layout, matrix, labels, n_classes=n_classes))
    expected = reference(matrix, labels, 0.0)
    np.testing.assert_allclose(probabilities(trained, matrix), expected.predict_proba(matrix), rtol=1e-8, atol=1e-10)
    if dropped is None:
        # Of the many weights with these probabilities the smallest: those of a category add up to 0.
        for columns in (layout.slices[1], layout.slices[3]):
            np.testing.assert_allclose(trained.state.weights[:, columns].sum(axis=1), 0.0, atol=1e-9)


def test_dummy_encoding_gives_the_maximum_likelihood_of_statsmodels() -> None:
    import statsmodels.api as sm

    layout, matrix, labels = mixed_rows(2, dropped=0)
    trained = fit(ArrayData(layout, matrix, labels, n_classes=2))
    expected = sm.Logit(labels, sm.add_constant(matrix)).fit(disp=0, method="newton", tol=1e-14, maxiter=100).params
    np.testing.assert_allclose(np.append(trained.state.intercepts, trained.state.weights[0]), expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("l1_reg", [0.003, 0.03])
@pytest.mark.parametrize("n_classes", N_CLASSES)
def test_l1_reg_sets_weights_to_zero_at_the_optimum(n_classes: int, l1_reg: float) -> None:
    layout, matrix, labels = mixed_rows(n_classes)
    l2_reg = 0.01
    trained = fit(ArrayData(layout, matrix, labels, n_classes=n_classes), l1_reg=l1_reg, l2_reg=l2_reg)
    total = l1_reg + l2_reg
    expected = LogisticRegression(C=1.0 / (len(labels) * total), l1_ratio=l1_reg / total, solver="saga", tol=1e-11, max_iter=50_000).fit(
        matrix, labels
    )
    np.testing.assert_allclose(trained.state.weights, expected.coef_, atol=1e-7)
    np.testing.assert_array_equal(trained.state.weights == 0.0, expected.coef_ == 0.0)
    assert (trained.state.weights == 0.0).any()


def test_l1_reg_alone_without_an_intercept() -> None:
    layout, matrix, labels = mixed_rows(2)
    trained = fit(ArrayData(layout, matrix, labels, n_classes=2), l1_reg=0.01, fit_intercept=False)
    expected = LogisticRegression(
        C=1.0 / (len(labels) * 0.01), l1_ratio=1.0, solver="saga", tol=1e-11, max_iter=50_000, fit_intercept=False
    ).fit(matrix, labels)
    np.testing.assert_allclose(trained.state.weights, expected.coef_, atol=1e-6)
    assert trained.state.intercepts.tolist() == [0.0]


@pytest.mark.parametrize("penalties", [{"l2_reg": 1e-3}, {"l1_reg": 0.01}, {"l1_reg": 0.01, "l2_reg": 0.01}, {}])
@pytest.mark.parametrize("n_classes", N_CLASSES)
def test_quasi_newton_ends_where_newton_does(monkeypatch: pytest.MonkeyPatch, n_classes: int, penalties: dict[str, float]) -> None:
    layout, matrix, labels = mixed_rows(n_classes)
    data = ArrayData(layout, matrix, labels, n_classes=n_classes)
    expected = fit(data, **penalties)
    monkeypatch.setattr(logistic_reg, "_MAX_WEIGHTS_OF_NEWTON", 0)
    progress = SilentProgress()
    trained = fit(data, progress, **penalties)
    assert progress.notices == []
    both = {"l1_reg": 0.0, "l2_reg": 0.0, **penalties}
    assert objective(trained.state, matrix, labels, **both) == pytest.approx(objective(expected.state, matrix, labels, **both), rel=1e-9)
    np.testing.assert_allclose(probabilities(trained, matrix), probabilities(expected, matrix), atol=1e-4)
    if "l1_reg" in penalties:
        assert (trained.state.weights == 0.0).any()
    limited = SilentProgress()
    fit(data, limited, max_iterations=2, **penalties)
    assert [code for code, _ in limited.notices] == ["not_converged"]
    assert len(limited.iterations) == 2
    assert len(fit(data, min_rel_progress=0.5, **penalties).iterations) < len(trained.iterations)


@pytest.mark.parametrize("newton", [True, False])
@pytest.mark.parametrize("n_classes", N_CLASSES)
def test_separated_classes_end_with_finite_weights_and_a_notice(monkeypatch: pytest.MonkeyPatch, n_classes: int, newton: bool) -> None:
    if not newton:
        monkeypatch.setattr(logistic_reg, "_MAX_WEIGHTS_OF_NEWTON", 0)
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(500, 3))
    edges = [0.0] if n_classes == 2 else [-1.0, 0.0, 1.0]
    labels = np.digitize(matrix[:, 0], edges).astype(np.float64)
    progress = SilentProgress()
    trained = fit(ArrayData(numeric_layout(3), matrix, labels, n_classes=n_classes), progress)
    assert [code for code, _ in progress.notices] == ["separated_classes"]
    assert np.isfinite(trained.state.weights).all()
    assert (probabilities(trained, matrix).argmax(axis=1) == labels).all()
    assert trained.iterations[-1].loss < 1e-4
    calm = SilentProgress()
    fit(ArrayData(numeric_layout(3), matrix, labels, n_classes=n_classes), calm, l2_reg=0.01)
    assert calm.notices == []


def test_a_category_of_one_class_does_not_spoil_the_rest() -> None:
    layout, matrix, labels = mixed_rows(2)
    labels[matrix[:, layout.slices[1].start] == 1.0] = 1.0
    trained = fit(ArrayData(layout, matrix, labels, n_classes=2))
    scores = SPEC.predict(trained.state, matrix)
    assert scores[matrix[:, layout.slices[1].start] == 1.0].min() > 0.999
    others = matrix[:, layout.slices[1].start] == 0.0
    alone = fit(ArrayData(layout, matrix[others], labels[others], n_classes=2))
    np.testing.assert_allclose(scores[others], SPEC.predict(alone.state, matrix[others]), atol=1e-5)


def test_redundant_and_constant_columns() -> None:
    rng = np.random.default_rng(2)
    column, other = rng.normal(size=400), rng.normal(size=400)
    labels = (column - other + rng.logistic(size=400) > 0).astype(np.float64)
    matrix = np.column_stack([column, other, column, np.full(400, 0.3), np.zeros(400)])
    trained = fit(ArrayData(numeric_layout(5), matrix, labels, n_classes=2))
    expected = reference(np.column_stack([column, other]), labels, 0.0)
    weights = trained.state.weights[0]
    np.testing.assert_allclose([weights[0] + weights[2], weights[1]], expected.coef_[0], rtol=1e-7)
    assert weights[0] == pytest.approx(weights[2], rel=1e-6)
    assert weights[3:].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("given_options", [{}, {"l1_reg": 0.01}, {"learn_rate_strategy": "LINE_SEARCH"}])
@pytest.mark.parametrize("n_classes", N_CLASSES)
def test_block_sizes_change_no_bit(n_classes: int, given_options: dict[str, object]) -> None:
    layout, matrix, labels = mixed_rows(n_classes)
    states = [
        fit(ArrayData(layout, matrix, labels, n_classes=n_classes, block_rows=size), **given_options).state for size in (1, 977, 5_000)
    ]
    for state in states[1:]:
        np.testing.assert_array_equal(state.weights, states[0].weights)
        np.testing.assert_array_equal(state.intercepts, states[0].intercepts)


@pytest.mark.parametrize("n_classes", N_CLASSES)
def test_the_order_of_rows_changes_nothing_to_speak_of(n_classes: int) -> None:
    layout, matrix, labels = mixed_rows(n_classes)
    order = np.random.default_rng(1).permutation(len(labels))
    one = fit(ArrayData(layout, matrix, labels, n_classes=n_classes)).state
    other = fit(ArrayData(layout, matrix[order], labels[order], n_classes=n_classes)).state
    np.testing.assert_allclose(other.weights, one.weights, rtol=1e-11, atol=1e-12)


# How it ends -----------------------------------------------------------------------------------------------------------------------------


def test_the_default_goes_on_to_the_optimum_and_min_rel_progress_stops_it() -> None:
    layout, matrix, labels = mixed_rows(2)
    data = ArrayData(layout, matrix, labels, n_classes=2)
    whole = fit(data)
    assert [iteration.iteration for iteration in whole.iterations] == list(range(len(whole.iterations)))
    assert len(fit(data, min_rel_progress=0.05).iterations) < len(whole.iterations)
    assert len(fit(data, min_rel_progress=0.05, early_stop=False).iterations) == len(whole.iterations)
    progress = SilentProgress()
    assert len(fit(data, progress, max_iterations=1).iterations) == 1
    ((code, message),) = progress.notices
    assert code == "not_converged"
    assert "1 iterations" in message


@pytest.mark.parametrize("n_classes", N_CLASSES)
def test_a_given_learn_rate_strategy_is_gradient_descent(n_classes: int) -> None:
    layout, matrix, labels = mixed_rows(n_classes)
    data = ArrayData(layout, matrix, labels, n_classes=n_classes)
    searched = fit(data, learn_rate_strategy="LINE_SEARCH", max_iterations=3_000, min_rel_progress=1e-14, l2_reg=0.01)
    optimum = fit(data, l2_reg=0.01)
    np.testing.assert_allclose(probabilities(searched, matrix), probabilities(optimum, matrix), atol=1e-5)
    assert searched.iterations[0].learning_rate in (0.2, 0.1, 0.05, 0.025)
    constant = fit(data, learn_rate_strategy="CONSTANT", learn_rate=0.5, max_iterations=3, early_stop=False)
    weights, intercepts = np.zeros_like(constant.state.weights), np.zeros_like(constant.state.intercepts)
    targets = labels[:, None] if n_classes == 2 else np.eye(n_classes)[labels.astype(int)]
    for _ in range(3):
        scores = SPEC.predict(LogisticState(n_classes, weights, intercepts), matrix).reshape(len(labels), -1)
        weights = weights - 0.5 * (scores - targets).T @ matrix / len(labels)
        intercepts = intercepts - 0.5 * (scores - targets).mean(axis=0)
    np.testing.assert_allclose(constant.state.weights, weights, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(constant.state.intercepts, intercepts, rtol=1e-10, atol=1e-14)


def test_evaluation_rows_get_a_loss_of_their_own() -> None:
    layout, matrix, labels = mixed_rows(4)
    for given_options in ({}, {"learn_rate_strategy": "LINE_SEARCH"}):
        data = ArrayData(layout, matrix[:800], labels[:800], eval_features=matrix[800:], eval_labels=labels[800:], n_classes=4)
        trained = fit(data, **given_options)
        of_label = probabilities(trained, matrix[800:])[np.arange(len(labels) - 800), labels[800:].astype(int)]
        assert trained.iterations[-1].eval_loss == pytest.approx(-np.log(of_label).mean(), rel=1e-6)


def test_labels_and_rows_that_cannot_be_learned() -> None:
    layout = numeric_layout(1)
    cases = {
        "one_class": ArrayData(layout, np.ones((5, 1)), np.zeros(5), n_classes=1),
        "too_many_classes": ArrayData(layout, np.ones((60, 1)), np.arange(60.0), n_classes=51),
        "no_rows": ArrayData(layout, np.empty((0, 1)), np.empty(0), n_classes=2),
        "not_finite": ArrayData(layout, np.array([[1.0], [np.inf], [2.0]]), np.array([0.0, 1.0, 0.0]), n_classes=2),
    }
    for code, data in cases.items():
        for given_options in ({}, {"learn_rate_strategy": "LINE_SEARCH"}):
            with pytest.raises(DataError) as error:
                fit(data, **given_options)
            assert error.value.code == code


def test_p_values_are_for_two_classes() -> None:
    layout, matrix, labels = mixed_rows(4, dropped=0)
    with pytest.raises(DataError) as error:
        fit(ArrayData(layout, matrix, labels, n_classes=4), calculate_p_values=True, category_encoding_method="DUMMY_ENCODING")
    assert error.value.code == "p_values_of_classes"


@pytest.mark.parametrize(
    ("given_options", "option"),
    [
        ({"optimize_strategy": "NORMAL_EQUATION"}, "optimize_strategy"),
        ({"learn_rate": 0.1}, "learn_rate"),
        ({"auto_class_weights": True, "class_weights": [("a", 1.0)]}, "class_weights"),
        ({"calculate_p_values": True}, "calculate_p_values"),
    ],
)
def test_options_that_do_not_go_together(given_options: dict[str, object], option: str) -> None:
    with pytest.raises(OptionError) as error:
        options(**given_options)
    assert error.value.option == option


@pytest.mark.parametrize("limit", [0, 600])
def test_cancelling_ends_training(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    class Cancelled(SilentProgress):
        checks = 0

        def check(self) -> None:
            self.checks += 1
            if self.checks > 3:
                raise OperationalError("cancelled", code="cancelled")

    monkeypatch.setattr(logistic_reg, "_MAX_WEIGHTS_OF_NEWTON", limit)
    layout, matrix, labels = mixed_rows(2)
    with pytest.raises(OperationalError) as cancelled:
        fit(ArrayData(layout, matrix, labels, n_classes=2), Cancelled())
    assert cancelled.value.code == "cancelled"


# Prediction ------------------------------------------------------------------------------------------------------------------------------


@given(st.integers(2, 12), st.lists(st.integers(1, 25), max_size=3), st.integers(0, 4), st.floats(0.1, 400.0), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_the_sql_form_equals_python(n_classes: int, categories: list[int], n_numbers: int, size: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    layout = Layout(
        (
            *(category(f"c {index}", n_codes, n_codes // 2 if index % 2 else None) for index, n_codes in enumerate(categories)),
            *(numeric(f"x {index}", float(rng.normal()), float(rng.uniform(0.1, 3.0))) for index in range(n_numbers)),
        )
    )
    n_outputs = 1 if n_classes == 2 else n_classes
    state = LogisticState(n_classes, rng.normal(size=(n_outputs, layout.n_columns)) * size, rng.normal(size=n_outputs))
    connection = duckdb.connect()
    names = [f'"{term.column}" {"INTEGER" if isinstance(term, CategoryTerm) else "DOUBLE"}' for term in layout.terms]
    connection.execute(f"CREATE TABLE t ({', '.join([*names, 'id INTEGER'])})")
    for row in range(25):
        values = [
            int(rng.integers(0, len(term.categories))) if isinstance(term, CategoryTerm) else float(rng.normal()) for term in layout.terms
        ]
        values = [None if rng.random() < 1 / 7 else value for value in values]
        connection.execute(f"INSERT INTO t VALUES ({', '.join('?' * (len(values) + 1))})", [*values, row])
    encoded = ", ".join([*(f"CAST({layout.value_sql(term)} AS DOUBLE)" for term in layout.terms), "0.0"])
    rows = connection.execute(f"SELECT {encoded} FROM t ORDER BY id").fetchall()
    matrix = layout.expand(np.array([[np.nan if value is None else value for value in row[:-1]] for row in rows]).reshape(len(rows), -1))
    assert SPEC.scores_sql is not None
    connection.execute(f"CREATE VIEW scored AS SELECT id, {SPEC.scores_sql(state, layout)} AS score FROM t")
    got = np.array([row[0] for row in connection.execute("SELECT score FROM scored ORDER BY id").fetchall()])
    expected = SPEC.predict(state, matrix)
    assert got.shape == expected.shape
    # Far out, a probability is as uncertain as its exponent is large.
    np.testing.assert_allclose(got, expected, rtol=1e-12 * (1.0 + 10.0 * size), atol=1e-12)
    if n_classes > 2:
        np.testing.assert_allclose(got.sum(axis=1), 1.0, rtol=1e-12)


def test_a_code_that_is_looked_up_is_looked_up_once() -> None:
    layout = Layout((CategoryTerm("c", "c", "(SELECT d.code FROM d WHERE d.value = t.c)", tuple("abcdefghijklmnopqrst"), (0.05,) * 20),))
    state = LogisticState(3, np.arange(60.0).reshape(3, 20) / 60, np.zeros(3))
    assert SPEC.scores_sql is not None
    expression = SPEC.scores_sql(state, layout)
    assert expression.count("SELECT") == 1
    connection = duckdb.connect()
    connection.execute("CREATE TABLE d AS SELECT chr(97 + i::INTEGER) AS value, i::INTEGER AS code FROM range(20) r(i)")
    connection.execute("CREATE TABLE t AS SELECT * FROM (VALUES ('a'), ('t'), ('zz'), (NULL)) v(c)")
    got = np.array([row[0] for row in connection.execute(f"SELECT {expression} FROM t").fetchall()])
    matrix = layout.expand(np.array([[0.0], [19.0], [np.nan], [np.nan]]))
    np.testing.assert_allclose(got, SPEC.predict(state, matrix), rtol=1e-13)


def test_extreme_logits_overflow_nowhere() -> None:
    layout = numeric_layout(1)
    far = np.array([[-1e6], [-800.0], [0.0], [800.0], [1e6]])
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS SELECT * FROM (VALUES (-1e6::DOUBLE), (-800), (0), (800), (1e6)) v(x0)")
    assert SPEC.scores_sql is not None
    binary = LogisticState(2, np.array([[1.0]]), np.array([0.0]))
    assert SPEC.predict(binary, far).tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert [row[0] for row in connection.execute(f"SELECT {SPEC.scores_sql(binary, layout)} FROM t").fetchall()] == [
        0.0,
        0.0,
        0.5,
        1.0,
        1.0,
    ]
    three = LogisticState(3, np.array([[-1.0], [0.0], [1.0]]), np.zeros(3))
    got = np.array([row[0] for row in connection.execute(f"SELECT {SPEC.scores_sql(three, layout)} FROM t").fetchall()])
    np.testing.assert_allclose(got, SPEC.predict(three, far), rtol=1e-13)
    assert got[0].tolist() == [1.0, 0.0, 0.0]


def test_a_model_with_very_many_weights_has_no_sql_form() -> None:
    assert SPEC.scores_sql is not None
    layout = Layout((category("c", 1_000),))
    SPEC.scores_sql(LogisticState(20, np.ones((20, 1_000)), np.ones(20)), layout)
    with pytest.raises(TooLargeForSql):
        SPEC.scores_sql(LogisticState(21, np.ones((21, 1_000)), np.ones(21)), layout)


def test_a_stored_state_comes_back_or_is_refused() -> None:
    state = LogisticState(3, np.arange(6.0).reshape(3, 2), np.array([1.0, 2.0, 3.0]))
    again = from_arrays(LogisticState, to_arrays(state))
    np.testing.assert_array_equal(again.weights, state.weights)
    assert again.n_classes == 3
    for n_classes in (1, 2, 4):
        with pytest.raises(IntegrityError) as damaged:
            from_arrays(LogisticState, to_arrays(LogisticState(n_classes, state.weights, state.intercepts)))
        assert damaged.value.code == "damaged_state"
