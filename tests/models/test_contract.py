"""What every model type promises, checked on all of them: the declaration, the state, and that nothing but the rows decides.

A model type is in here by being in MODEL_TYPES. Known failures are listed with their reason, and are strict: a check that begins to
pass must leave the list.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import duckdb
import numpy as np
import pytest
from sparse_rows import SparseData, sparse_layout, sparse_rows

from sqlml.errors import Error, NotSupportedError, OperationalError
from sqlml.features.layout import CategoryTerm, EncodingRules, Layout, NumericTerm, Term
from sqlml.models._options import Effect, Float, Integer, Option, OptionError, Options, String, check_options
from sqlml.models._registry import MODEL_TYPES, find_model_type
from sqlml.models._spec import ModelSpec, Task
from sqlml.state import checksum, from_arrays, to_arrays
from sqlml.training.data import ArrayData, Iteration, SilentProgress, Trained

KNOWN_FAILURES: dict[tuple[str, str], str] = {}
"""(check, case) -> the reason."""

REQUIRED_OPTIONS: dict[str, dict[str, object]] = {"PCA": {"num_principal_components": 3}}

N_ROWS = 240


@dataclass(frozen=True)
class Case:
    """A model type as a statement would train it."""

    name: str
    model_type: str
    n_classes: int = 0
    given: dict[str, object] = field(default_factory=dict)

    @property
    def spec(self) -> ModelSpec:
        return find_model_type(self.model_type)

    @property
    def options(self) -> Options:
        checked, _ = check_options(self.spec.options, {**REQUIRED_OPTIONS.get(self.model_type, {}), **self.given}, self.model_type)
        self.spec.check(checked)
        return checked


def every_case() -> Iterator[Case]:
    # A few small trees show what many large ones would.
    trees: dict[str, dict[str, object]] = {"BOOSTED_TREE": {"max_iterations": 4}, "RANDOM_FOREST": {"num_parallel_tree": 5}}
    variants: dict[str, list[tuple[str, dict[str, object]]]] = {
        "LINEAR_REG": [
            ("dummy", {"category_encoding_method": "DUMMY_ENCODING"}),
            ("descent", {"optimize_strategy": "BATCH_GRADIENT_DESCENT"}),
        ],
        "LOGISTIC_REG": [("dummy", {"category_encoding_method": "DUMMY_ENCODING"}), ("l1", {"l1_reg": 0.01})],
        "BOOSTED_TREE_REGRESSOR": [
            ("one_hot", {"category_encoding_method": "ONE_HOT_ENCODING"}),
            ("target", {"category_encoding_method": "TARGET_ENCODING"}),
        ],
        "KMEANS": [
            ("cosine", {"distance_type": "COSINE"}),
            ("plus_plus", {"kmeans_init_method": "KMEANS++", "num_clusters": 4}),
            ("raw", {"standardize_features": False}),
        ],
        "PCA": [("unscaled", {"scale_features": False})],
    }
    for model_type in MODEL_TYPES:
        if not find_model_type(model_type).task.predicts:
            continue
        given = next((small for prefix, small in trees.items() if model_type.startswith(prefix)), {})
        for n_classes in (2, 3) if find_model_type(model_type).task is Task.CLASSIFICATION else (0,):
            name = model_type.lower() + (f"-{n_classes}_classes" if n_classes else "")
            yield Case(name, model_type, n_classes, given)
            for variant, more in variants.get(model_type, []):
                yield Case(f"{name}-{variant}", model_type, n_classes, {**given, **more})


CASES = tuple(every_case())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Gives `case` all cases, the known failures of this check marked as such."""
    if "case" not in metafunc.fixturenames:
        return
    check = metafunc.function.__name__
    reasons = [KNOWN_FAILURES.get((check, case.name)) for case in CASES]
    marks = [[] if reason is None else [pytest.mark.xfail(strict=True, reason=reason)] for reason in reasons]
    metafunc.parametrize("case", [pytest.param(case, id=case.name, marks=mark) for case, mark in zip(CASES, marks, strict=True)])


@pytest.fixture(params=MODEL_TYPES)
def spec(request: pytest.FixtureRequest) -> ModelSpec:
    return find_model_type(request.param)


# Rows ------------------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """Two numbers with gaps and a category by its code. Shapes: all `[n_rows]`; NaN where the value is missing or the category unseen."""

    a: np.ndarray
    b: np.ndarray
    g: np.ndarray

    @property
    def values(self) -> np.ndarray:
        return np.column_stack([self.a, self.b, self.g])


def training_table(n_rows: int = N_ROWS) -> Table:
    rng = np.random.default_rng(11)
    g = rng.choice(3, size=n_rows, p=[0.2, 0.5, 0.3]).astype(float)
    a = 40.0 + 8.0 * rng.normal(size=n_rows) + 5.0 * g
    b = rng.exponential(size=n_rows) - 0.05 * a
    b[::17] = np.nan
    return Table(a, b, g)


def new_table() -> Table:
    rng = np.random.default_rng(12)
    table = Table(30.0 + 20.0 * rng.random(50), rng.normal(size=50), rng.integers(0, 3, 50).astype(float))
    table.a[3] = table.b[3] = table.b[5] = table.g[3] = table.g[7] = np.nan
    return table


def layout_of(table: Table, rules: EncodingRules) -> Layout:
    """What the encoding learns from the rows, for the rules of a model type."""
    terms: list[Term] = []
    for name, values in (("a", table.a), ("b", table.b)):
        mean, stddev = float(np.nanmean(values)), float(np.nanstd(values))
        centre = 0.0 if rules.numbers == "raw" else mean
        scale = stddev if rules.numbers == "standardize" and stddev > 1e-14 * abs(mean) else 1.0
        terms.append(NumericTerm(name, name, f'"{name}"', mean, stddev, centre, scale))
    shares = tuple(np.bincount(table.g.astype(int), minlength=3) / len(table.g))
    dropped = int(np.argmax(shares)) if rules.categories == "dummy" else None
    targets = unseen = None
    if rules.categories == "target":
        labels = labels_of(table, 0)
        targets = np.array([[labels[table.g == code].mean() if (table.g == code).any() else labels.mean()] for code in range(3)])
        unseen = np.array([labels.mean()])
    terms.append(CategoryTerm("g", "g", '"g"', ("x", "y", "z"), shares, dropped, targets, unseen))
    return Layout(tuple(terms), "one_hot" if rules.categories == "dummy" else rules.categories, rules.impute)


def matrix_of(table: Table, layout: Layout, rules: EncodingRules) -> np.ndarray:
    values = table.values
    for index, term in enumerate(layout.terms):
        if isinstance(term, NumericTerm):
            column = values[:, index]
            if rules.impute:
                column = np.where(np.isnan(column), term.mean, column)
            values[:, index] = (column - term.centre) / term.scale
    return np.ascontiguousarray(layout.expand(values.astype(rules.dtype)))


def labels_of(table: Table, n_classes: int) -> np.ndarray:
    target = 0.3 * table.a - np.nan_to_num(table.b) + 2.0 * (table.g == 1) + np.random.default_rng(13).normal(size=len(table.a))
    if n_classes == 0:
        return target
    return np.searchsorted(np.quantile(target, np.arange(1, n_classes) / n_classes), target).astype(float)


def data_of(case: Case, table: Table, **more: Any) -> ArrayData:
    rules = case.spec.encoding(case.options)
    layout = layout_of(table, rules)
    labels = labels_of(table, case.n_classes) if case.spec.task.is_supervised else np.empty(0)
    return ArrayData(layout, matrix_of(table, layout, rules), labels, **{"n_classes": case.n_classes, "seed": 5, **more})


def train(case: Case, table: Table | None = None, **more: Any) -> Trained:
    return case.spec.train(data_of(case, table or training_table(), **more), case.options, SilentProgress())


@cache
def state_of(name: str) -> Any:
    """The state that a case learns, for the checks that only predict with it."""
    return train(next(case for case in CASES if case.name == name)).state


def new_matrix(case: Case) -> np.ndarray:
    rules = case.spec.encoding(case.options)
    return matrix_of(new_table(), layout_of(training_table(), rules), rules)


# Declaration -----------------------------------------------------------------------------------------------------------------------------


def test_spec_is_where_its_name_says(spec: ModelSpec) -> None:
    assert spec.model_type in MODEL_TYPES
    assert find_model_type(spec.model_type.lower()) is spec
    assert spec.doc.endswith(".")


def test_every_option_says_what_it_does(spec: ModelSpec) -> None:
    names = [name for option in spec.options for name in (option.name, *option.aliases)]
    assert len(set(names)) == len(names)
    assert names == [name.lower() for name in names]
    for option in spec.options:
        assert option.doc, option.name
        assert option.type.describe(), option.name
        assert bool(option.reason) == (option.effect is not Effect.HONOURED), option.name
        if option.only_if is not None:
            assert option.only_if[0] in names


def test_defaults_are_values_of_their_option(spec: ModelSpec) -> None:
    for option in spec.options:
        if option.default is not None:
            written = list(option.default) if isinstance(option.default, tuple) else option.default
            assert option.type.convert(written) == option.default, option.name
    checked, notices = check_options(spec.options, {}, spec.model_type)
    assert notices == []
    assert dict(checked) == {option.name: option.default for option in spec.options}


def test_bounds_of_options_hold_on_both_sides(spec: ModelSpec) -> None:
    for option in spec.options:
        for value, is_inside in bounds(option):
            assert verdict(spec, option, value) == ("accepted" if is_inside else "option_value"), f"{option.name} = {value!r}"


def bounds(option: Option) -> Iterator[tuple[object, bool]]:
    """Values just inside and just outside of what an option takes."""
    type_ = option.type
    if isinstance(type_, Integer | Float):

        def beside(limit: float, towards: float) -> float:
            return limit + math.copysign(1, towards) if isinstance(type_, Integer) else math.nextafter(limit, towards)

        limits = ((type_.ge, -math.inf, False), (type_.gt, -math.inf, True), (type_.le, math.inf, False), (type_.lt, math.inf, True))
        for limit, outside, is_open in limits:
            if limit is not None:
                yield limit, not is_open
                yield beside(limit, -outside if is_open else outside), is_open
        yield "a text", False
        yield True, False
        yield math.nan, False
    if isinstance(type_, Integer):
        yield 2.5, False
    if isinstance(type_, String) and type_.choices:
        for choice in type_.choices:
            yield choice.lower(), True
        yield type_.choices[0] + "?", False


def verdict(spec: ModelSpec, option: Option, value: object) -> str:
    """ "accepted", or the code of the refusal. An option that is not available here still tells good values from bad ones."""
    given: dict[str, object] = {option.name: value}
    if option.only_if is not None:
        given[option.only_if[0]] = option.only_if[1]
    try:
        check_options(spec.options, given, spec.model_type)
    except NotSupportedError as error:
        return "accepted" if option.effect is Effect.REJECTED else error.code
    except OptionError as error:
        return error.code if error.option == option.name else f"{error.code} of {error.option}"
    return "accepted"


# Predictions -----------------------------------------------------------------------------------------------------------------------------


def test_scores_have_the_shape_of_the_task(case: Case) -> None:
    scores = case.spec.predict(state_of(case.name), new_matrix(case))
    n_rows = len(new_table().a)
    match case.spec.task:
        case Task.REGRESSION:
            assert scores.shape == (n_rows,)
        case Task.CLASSIFICATION:
            assert scores.shape == ((n_rows,) if case.n_classes == 2 else (n_rows, case.n_classes))
            assert ((scores >= 0.0) & (scores <= 1.0)).all()
            if case.n_classes > 2:
                np.testing.assert_allclose(scores.sum(axis=1), 1.0, rtol=1e-6)
        case Task.CLUSTERING | Task.DIMENSION_REDUCTION:
            assert scores.ndim == 2
            assert len(scores) == n_rows
    assert np.isfinite(scores).all()


def test_a_stored_state_gives_identical_predictions(case: Case) -> None:
    state = state_of(case.name)
    restored = from_arrays(case.spec.state, to_arrays(state))
    assert type(restored) is case.spec.state
    features = new_matrix(case)
    np.testing.assert_array_equal(case.spec.predict(restored, features), case.spec.predict(state, features))


@pytest.mark.parametrize("n_rows", [1, 7])
def test_predictions_do_not_depend_on_the_batch(case: Case, n_rows: int) -> None:
    state = state_of(case.name)
    features = new_matrix(case)
    batches = [case.spec.predict(state, features[start : start + n_rows]) for start in range(0, len(features), n_rows)]
    np.testing.assert_allclose(np.concatenate(batches), case.spec.predict(state, features), rtol=1e-12, atol=1e-14)


def test_no_rows_give_no_predictions(case: Case) -> None:
    state = state_of(case.name)
    expected = case.spec.predict(state, new_matrix(case))
    assert case.spec.predict(state, new_matrix(case)[:0]).shape == (0, *expected.shape[1:])


def test_predictor_equals_predict_from_several_threads(case: Case) -> None:
    state = state_of(case.name)
    features = new_matrix(case)
    predict = case.spec.predictor(state) if case.spec.predictor is not None else (lambda rows: case.spec.predict(state, rows))
    batches = [features[start : start + 5] for start in range(0, len(features), 5)] * 8
    with ThreadPoolExecutor(4) as pool:
        scores = np.concatenate(list(pool.map(predict, batches)))
    np.testing.assert_allclose(scores, np.concatenate([case.spec.predict(state, features)] * 8), rtol=1e-12, atol=1e-14)


def test_sql_equals_python(case: Case) -> None:
    if case.spec.scores_sql is None:
        return
    state = state_of(case.name)
    table = new_table()
    layout = layout_of(training_table(), case.spec.encoding(case.options))
    connection = duckdb.connect()
    connection.execute("CREATE TABLE rows (id INTEGER, a DOUBLE, b DOUBLE, g INTEGER)")
    values = [[None if math.isnan(value) else value for value in row] for row in table.values.tolist()]
    connection.executemany("INSERT INTO rows VALUES (?, ?, ?, ?)", [(index, *row) for index, row in enumerate(values)])
    expression = case.spec.scores_sql(state, layout)
    described = connection.execute(f"DESCRIBE SELECT {expression} AS score FROM rows").fetchall()
    scores = np.array([row[0] for row in connection.execute(f"SELECT {expression} FROM rows ORDER BY id").fetchall()])
    expected = case.spec.predict(state, new_matrix(case))
    assert described[0][1] == ("DOUBLE" if expected.ndim == 1 else "DOUBLE[]")
    np.testing.assert_allclose(scores, expected, rtol=1e-9, atol=1e-12)


# Sparse rows -----------------------------------------------------------------------------------------------------------------------------


def with_zeros_missing(case: Case, layout: Layout, matrix: np.ndarray) -> np.ndarray:
    """The dense matrix that a sparse one of the same numbers stands for: trees miss what is not stored."""
    if case.spec.predictor is None:
        return matrix
    stored = np.asarray(sparse_rows(np.where(np.isnan(matrix), 1.0, matrix), layout).astype(bool).toarray())
    for term, columns in zip(layout.terms, layout.slices, strict=True):
        stored[:, columns] |= isinstance(term, NumericTerm)
    return np.where(stored, matrix, np.nan).astype(matrix.dtype)


def test_sparse_rows_have_the_same_scores(case: Case) -> None:
    layout = layout_of(training_table(), case.spec.encoding(case.options))
    if layout.categories_as == "codes":
        return  # never sparse
    features = new_matrix(case)
    rows = sparse_rows(features, layout)
    expected = case.spec.predict(state_of(case.name), with_zeros_missing(case, layout, features))
    predict = case.spec.predictor(state_of(case.name)) if case.spec.predictor is not None else None
    for scores in (case.spec.predict(state_of(case.name), rows), expected if predict is None else predict(rows)):
        np.testing.assert_allclose(scores, expected, rtol=1e-12, atol=1e-13)


def test_sparse_rows_train_the_same_model(case: Case) -> None:
    data = data_of(case, training_table())
    if data.layout.categories_as == "codes":
        return
    full = replace(data, features=with_zeros_missing(case, data.layout, data.features))
    thin = SparseData(sparse_layout(data.layout), sparse_rows(data.features, data.layout), data.labels, n_classes=data.n_classes, seed=5)
    features = with_zeros_missing(case, data.layout, new_matrix(case))
    expected = case.spec.predict(case.spec.train(full, case.options, SilentProgress()).state, features)
    scores = case.spec.predict(case.spec.train(thin, case.options, SilentProgress()).state, features)
    np.testing.assert_allclose(scores, expected, rtol=1e-9, atol=1e-11)


# Training --------------------------------------------------------------------------------------------------------------------------------


def test_same_rows_and_seed_give_the_same_state(case: Case) -> None:
    assert checksum(to_arrays(train(case).state)) == checksum(to_arrays(state_of(case.name)))


@pytest.mark.parametrize("block_rows", [1, 7])
def test_training_does_not_depend_on_the_blocks(case: Case, block_rows: int) -> None:
    state = train(case, block_rows=block_rows).state
    features = new_matrix(case)
    expected = case.spec.predict(state_of(case.name), features)
    np.testing.assert_allclose(case.spec.predict(state, features), expected, rtol=1e-9, atol=1e-12)


def test_iterations_are_reported_as_they_are_kept(case: Case) -> None:
    progress = SilentProgress()
    trained = case.spec.train(data_of(case, training_table()), case.options, progress)
    assert progress.iterations == list(trained.iterations)
    first = trained.iterations[0].iteration
    assert [iteration.iteration for iteration in trained.iterations] == list(range(first, first + len(trained.iterations)))
    assert all(iteration.duration_ms >= 0 for iteration in trained.iterations)
    assert all(type(value) is float and math.isfinite(value) for value in trained.metrics.values())


@dataclass
class Cancelled(SilentProgress):
    """Cancels at a check, counted from 1, or at the first iteration."""

    at_check: int | None = None
    n_checks: int = 0
    error: OperationalError = field(default_factory=lambda: OperationalError("cancelled", code="cancelled"))

    def check(self) -> None:
        self.n_checks += 1
        if self.n_checks == self.at_check:
            raise self.error

    def iteration(self, iteration: Iteration, of: int | None = None) -> None:
        if self.at_check is None:
            raise self.error


@pytest.mark.parametrize("when", ["first check", "last check", "first iteration"])
def test_cancelling_ends_the_training_with_that_error(case: Case, when: str) -> None:
    data = data_of(case, training_table(), block_rows=10)
    progress = Cancelled(at_check={"first check": 1, "last check": -1, "first iteration": None}[when])
    if when == "last check":
        case.spec.train(data, case.options, progress)
        progress = Cancelled(at_check=progress.n_checks)
    with pytest.raises(OperationalError) as caught:
        case.spec.train(data, case.options, progress)
    assert caught.value is progress.error


def test_one_row_trains_or_is_refused_with_a_reason(case: Case) -> None:
    table = training_table()
    one = Table(table.a[1:2], table.b[1:2], table.g[1:2])
    refusal: Error | None = None
    scores = np.zeros(1)
    try:
        scores = case.spec.predict(train(case, one).state, new_matrix(case))
    except Error as error:
        refusal = error
    assert np.isfinite(scores).all()
    assert refusal is None or (refusal.code and refusal.hint)


def test_a_constant_column_does_no_harm(case: Case) -> None:
    table = training_table()
    constant = Table(np.full(len(table.a), 7.0), table.b, table.g)
    rules = case.spec.encoding(case.options)
    scores = case.spec.predict(train(case, constant).state, matrix_of(new_table(), layout_of(constant, rules), rules))
    assert np.isfinite(scores).all()
