"""PCA against scikit-learn's exact solver, and the SQL form against Python."""

from __future__ import annotations

import dataclasses

import duckdb
import numpy as np
import pytest
from sklearn.decomposition import PCA

from sqlml.errors import DataError
from sqlml.features.layout import CategoryTerm, Layout, NumericTerm
from sqlml.models import pca
from sqlml.models._options import OptionError, Options, check_options
from sqlml.models._row_chunks import chunk_rows
from sqlml.models._spec import TooLargeForSql
from sqlml.models.pca import SPEC, PCAState
from sqlml.state import from_arrays, to_arrays
from sqlml.training.data import ArrayData, SilentProgress, Trained


def numeric_layout(n_columns: int) -> Layout:
    return Layout(tuple(NumericTerm(f"x{i}", f"x{i}", f'"x{i}"', 0.0, 1.0, 0.0, 1.0) for i in range(n_columns)))


def options(**given: object) -> Options:
    checked, _ = check_options(SPEC.options, given, "model type PCA")
    SPEC.check(checked)
    return checked


def fit(
    rows: np.ndarray, layout: Layout | None = None, progress: SilentProgress | None = None, block_rows: int = 100, **given: object
) -> Trained:
    data = ArrayData(layout or numeric_layout(rows.shape[1]), rows, block_rows=block_rows)
    return SPEC.train(data, options(**given), progress or SilentProgress())


def correlated(n_rows: int = 700, n_columns: int = 6) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n_rows, n_columns)) @ rng.normal(size=(n_columns, n_columns)) + rng.normal(size=n_columns) * 50.0


LAYOUT = Layout(
    (
        NumericTerm("a", "a", '"a"', 2.0, 3.0, 2.0, 3.0),
        CategoryTerm("g", "g", '"g"', ("u", "v", "w"), (0.5, 0.3, 0.2)),
        NumericTerm("b", "b", '"b"', -1.0, 0.5, -1.0, 0.5),
    )
)


def mixed_values(n_rows: int = 400) -> np.ndarray:
    rng = np.random.default_rng(4)
    codes = rng.choice(3, size=n_rows, p=[0.5, 0.3, 0.2]).astype(float)
    a = rng.normal(size=n_rows) + codes
    return np.column_stack([a, codes, 0.7 * a + rng.normal(size=n_rows)])


def test_equal_to_scikit_learn_over_several_chunks() -> None:
    # The rows rise, so that every chunk has means of its own.
    rows = correlated(5000, 200) + np.linspace(0.0, 300.0, 5000)[:, None]
    assert len(rows) > 3 * chunk_rows(200)
    state = fit(rows, num_principal_components=5).state
    reference = PCA(5, svd_solver="full").fit(rows)
    np.testing.assert_allclose(state.explained_variance, reference.explained_variance_, rtol=1e-9)
    np.testing.assert_allclose(state.components, reference.components_, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(state.total_variance, rows.var(axis=0, ddof=1).sum(), rtol=1e-12)


@pytest.mark.parametrize("kind", ["numbers", "with categories"])
def test_equal_to_scikit_learn(kind: str) -> None:
    layout = numeric_layout(6) if kind == "numbers" else LAYOUT
    matrix = correlated() if kind == "numbers" else LAYOUT.expand(mixed_values())
    n_components = 6 if kind == "numbers" else 4
    trained = fit(matrix, layout, num_principal_components=n_components)
    reference = PCA(n_components, svd_solver="full").fit(matrix)
    state = trained.state
    np.testing.assert_allclose(state.explained_variance, reference.explained_variance_, rtol=1e-9)
    np.testing.assert_allclose(state.explained_variance_ratio, reference.explained_variance_ratio_, rtol=1e-9)
    np.testing.assert_allclose(state.components, reference.components_, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(state.column_means, reference.mean_, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(SPEC.predict(state, matrix), reference.transform(matrix), rtol=1e-9, atol=1e-10)
    assert trained.metrics == {"total_explained_variance_ratio": pytest.approx(reference.explained_variance_ratio_.sum(), rel=1e-9)}


def test_means_far_from_zero_lose_no_digits() -> None:
    rows = correlated() + 1e7
    trained = fit(rows, num_principal_components=6)
    reference = PCA(svd_solver="full").fit(rows - 1e7)
    np.testing.assert_allclose(trained.state.explained_variance, reference.explained_variance_, rtol=1e-7)


@pytest.mark.parametrize("target", [0.3, 0.8, 0.95, 0.999999])
def test_explained_variance_ratio_takes_the_fewest_components(target: float) -> None:
    rows = correlated()
    trained = fit(rows, pca_explained_variance_ratio=target)
    assert len(trained.state.components) == PCA(target, svd_solver="full").fit(rows).n_components_
    assert trained.metrics["total_explained_variance_ratio"] > target


def test_a_target_that_rounding_keeps_out_of_reach_takes_all_components() -> None:
    assert pca._n_components(np.array([0.6, 0.4 - 1e-12]), 1.0 - 1e-15, 2) == 2


def test_signs_do_not_depend_on_rounding_when_entries_are_equally_large() -> None:
    # Two standardised columns always have components (1, 1) and (1, -1).
    rng = np.random.default_rng(8)
    for _ in range(20):
        x = rng.normal(size=50)
        rows = np.column_stack([x, -x + rng.normal(size=50)])
        rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
        components = fit(rows, num_principal_components=2).state.components
        assert (components[:, 0] > 0.0).all()


def test_numbers_are_scaled_only_when_asked() -> None:
    assert SPEC.encoding(options(num_principal_components=1)).numbers == "standardize"
    assert SPEC.encoding(options(num_principal_components=1, scale_features=False)).numbers == "centre"
    assert SPEC.encoding(options(num_principal_components=1)).categories == "one_hot"


@pytest.mark.parametrize("block_rows", [1, 7, 10_000])
def test_blocks_do_not_change_a_bit(block_rows: int) -> None:
    rows = correlated(3000, 200)
    expected = fit(rows, num_principal_components=3, block_rows=999).state
    state = fit(rows, num_principal_components=3, block_rows=block_rows).state
    np.testing.assert_array_equal(state.components, expected.components)
    np.testing.assert_array_equal(state.explained_variance, expected.explained_variance)


def test_one_iteration_is_reported() -> None:
    progress = SilentProgress()
    trained = fit(correlated(), num_principal_components=2, progress=progress)
    assert progress.iterations == list(trained.iterations)
    assert [(iteration.iteration, iteration.loss) for iteration in trained.iterations] == [(0, None)]
    assert progress.notices == []


def test_randomized_says_that_it_is_exact() -> None:
    progress = SilentProgress()
    trained = fit(correlated(), num_principal_components=2, pca_solver="randomized", progress=progress)
    assert [code for code, _ in progress.notices] == ["exact_solution"]
    np.testing.assert_array_equal(
        trained.state.components, fit(correlated(), num_principal_components=2, pca_solver="FULL").state.components
    )


@pytest.mark.parametrize(
    ("rows", "given", "code", "words"),
    [
        (np.zeros((1, 2)), {"num_principal_components": 1}, "too_few_rows", "got 1"),
        (np.zeros((0, 2)), {"num_principal_components": 1}, "too_few_rows", "got 0"),
        (np.eye(3, 9), {"num_principal_components": 4}, "too_few_rows", "only 3 training rows"),
        (np.eye(9, 3), {"num_principal_components": 4}, "too_many_components", "only 3 columns"),
        (np.ones((9, 3)), {"num_principal_components": 1}, "no_variance", "none of the 3"),
        (np.ones((9, 3)), {"pca_explained_variance_ratio": 0.5}, "no_variance", "none of the 3"),
        (np.zeros((2, pca.MAX_COLUMNS + 1)), {"num_principal_components": 1}, "too_many_columns", "10001"),
    ],
)
def test_data_without_components(rows: np.ndarray, given: dict[str, object], code: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        fit(rows, **given)
    assert caught.value.code == code
    assert words in str(caught.value)
    assert caught.value.hint


def test_exactly_one_way_to_choose_the_number_of_components() -> None:
    with pytest.raises(OptionError) as caught:
        options()
    assert caught.value.code == "missing_option"
    with pytest.raises(OptionError) as caught:
        options(num_principal_components=2, pca_explained_variance_ratio=0.5)
    assert (caught.value.code, caught.value.option) == ("options_exclude_each_other", "pca_explained_variance_ratio")


def test_sql_equals_python_with_missing_numbers_and_unseen_categories() -> None:
    state = fit(LAYOUT.expand(mixed_values()), LAYOUT, num_principal_components=3).state
    rows = "VALUES (5.0, 0, NULL), (NULL, NULL, 1.0), (2.0, 2, -1.0), (NULL, NULL, NULL)"
    values = np.array([[1.0, 0, 0.0], [0.0, np.nan, 4.0], [0.0, 2, 0.0], [0.0, np.nan, 0.0]])
    found = duckdb.connect().execute(f"SELECT {SPEC.scores_sql(state, LAYOUT)} FROM ({rows}) AS t(a, g, b)").fetchall()
    np.testing.assert_allclose([row[0] for row in found], SPEC.predict(state, LAYOUT.expand(values)), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("n_components", [2, 20])
def test_sql_of_numbers_only(n_components: int) -> None:
    rows = correlated(300, 20)
    layout = numeric_layout(20)
    state = fit(rows, num_principal_components=n_components).state
    table = "SELECT " + ", ".join(f"{value!r}::DOUBLE AS x{i}" for i, value in enumerate(rows[5].tolist()))
    found = duckdb.connect().execute(f"SELECT {SPEC.scores_sql(state, layout)} FROM ({table})").fetchall()
    np.testing.assert_allclose(found[0][0], SPEC.predict(state, rows[5:6])[0], rtol=1e-9, atol=1e-11)


def test_sql_form_has_a_limit() -> None:
    state = PCAState(1.0, np.ones((50, 100)), np.zeros(100), np.ones(50))
    with pytest.raises(TooLargeForSql):
        SPEC.scores_sql(state, numeric_layout(100))


def test_damaged_state_is_refused() -> None:
    state = dataclasses.replace(fit(correlated(), num_principal_components=2).state, total_variance=0.0)
    with pytest.raises(Exception, match="damaged") as caught:
        from_arrays(PCAState, to_arrays(state))
    assert caught.value.code == "damaged_state"
