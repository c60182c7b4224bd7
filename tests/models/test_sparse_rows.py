"""Sparse rows give the models and scores that the same dense rows give, and are never made dense as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sparse_rows import SparseData, layout_of_codes, rows_of_codes

from sqlml.errors import DataError
from sqlml.features.layout import CategoryTerm, Layout, NumericTerm, VectorTerm
from sqlml.models import _row_chunks, kmeans
from sqlml.models._initial_centroids import _sample
from sqlml.models._lloyd import Points
from sqlml.models._options import Options, check_options
from sqlml.models._registry import find_model_type
from sqlml.models._row_chunks import cut
from sqlml.models._sparse import dense
from sqlml.models._xgboost import matrices, training
from sqlml.models._xgboost.matrices import feature_categories
from sqlml.state import checksum, to_arrays
from sqlml.training.data import ArrayData, Block, SilentProgress, Trained

N_ROWS, N_CATEGORIES = 2_000, [300, 20]
N_COLUMNS = 2 + sum(N_CATEGORIES)


def options_of(model_type: str, given: dict[str, object]) -> Options:
    spec = find_model_type(model_type)
    options, _ = check_options(spec.options, given, model_type)
    spec.check(options)
    return options


def fit(model_type: str, data: ArrayData, progress: SilentProgress | None = None, **given: object) -> Trained:
    return find_model_type(model_type).train(data, options_of(model_type, given), progress or SilentProgress())


def predict(model_type: str, state: object, features: Any) -> NDArray[np.floating]:
    return find_model_type(model_type).predict(state, features)


@cache
def table() -> tuple[sparse.csr_array, NDArray[np.float64]]:
    """Rows of two numbers and two categories, and a number that depends on them."""
    rng = np.random.default_rng(3)
    numbers = rng.normal(size=(N_ROWS, 2))
    numbers[::5, 1] = 0.0
    codes = [rng.integers(0, count, N_ROWS) for count in N_CATEGORIES]
    effects = [rng.normal(size=count) for count in N_CATEGORIES]
    label = 50.0 + numbers @ [1.0, -2.0] + effects[0][codes[0]] + effects[1][codes[1]] + 0.5 * rng.normal(size=N_ROWS)
    return rows_of_codes(numbers, codes, N_CATEGORIES), label


def sparse_data(n_classes: int = 0, **more: Any) -> SparseData:
    rows, label = table()
    if n_classes:
        label = np.searchsorted(np.quantile(label, np.arange(1, n_classes) / n_classes), label).astype(float)
    return SparseData(layout_of_codes(2, N_CATEGORIES), rows, label, n_classes=n_classes, seed=5, **more)


def dense_data(n_classes: int = 0, **more: Any) -> ArrayData:
    data = sparse_data(n_classes)
    layout = Layout(data.layout.terms)
    return ArrayData(layout, data.features.toarray(), data.labels, n_classes=n_classes, seed=5, **more)  # type: ignore[attr-defined]


def weights() -> NDArray[np.float64]:
    return np.random.default_rng(8).integers(0, 4, N_ROWS) / 2.0


# The same model --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model_type", "n_classes", "given", "tolerance"),
    [
        ("LINEAR_REG", 0, {"optimize_strategy": "NORMAL_EQUATION"}, 1e-9),
        ("LINEAR_REG", 0, {"optimize_strategy": "NORMAL_EQUATION", "l2_reg": 0.01}, 1e-9),
        ("LINEAR_REG", 0, {"optimize_strategy": "NORMAL_EQUATION", "l2_reg": 0.01, "fit_intercept": False}, 1e-9),
        ("LINEAR_REG", 0, {"l1_reg": 0.005, "l2_reg": 0.01}, 1e-9),
        ("LINEAR_REG", 0, {"optimize_strategy": "BATCH_GRADIENT_DESCENT"}, 1e-9),
        ("LOGISTIC_REG", 2, {"l2_reg": 0.01}, 1e-9),
        ("LOGISTIC_REG", 2, {"l2_reg": 0.01, "l1_reg": 0.001}, 1e-9),
        ("LOGISTIC_REG", 2, {"learn_rate_strategy": "CONSTANT"}, 1e-9),
        ("LOGISTIC_REG", 3, {"l2_reg": 0.01}, 1e-5),  # L-BFGS
        ("KMEANS", 0, {"num_clusters": 5}, 1e-9),
        ("KMEANS", 0, {"num_clusters": 5, "kmeans_init_method": "KMEANS++"}, 1e-9),
        ("KMEANS", 0, {"num_clusters": 5, "distance_type": "COSINE"}, 1e-9),
        ("PCA", 0, {"num_principal_components": 4}, 1e-9),
    ],
)  # fmt: skip
@pytest.mark.parametrize("weighted", [False, True])
def test_sparse_and_dense_rows_give_the_same_model(
    model_type: str, n_classes: int, given: dict[str, object], tolerance: float, weighted: bool
) -> None:
    row_weights = weights() if weighted else None
    if weighted and not find_model_type(model_type).task.is_supervised:
        pytest.skip("has no weights")
    thin = fit(model_type, sparse_data(n_classes, row_weights=row_weights), **given)
    full = fit(model_type, dense_data(n_classes, row_weights=row_weights), **given)
    for field in fields(full.state):  # type: ignore[arg-type]
        of_thin, of_full = getattr(thin.state, field.name), getattr(full.state, field.name)
        np.testing.assert_allclose(of_thin, of_full, rtol=tolerance, atol=tolerance, err_msg=field.name)
    for name, value in full.metrics.items():
        assert thin.metrics[name] == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    ("model_type", "n_classes", "given"),
    [
        ("LINEAR_REG", 0, {"l2_reg": 0.01}),
        ("LOGISTIC_REG", 2, {"l2_reg": 0.01}),
        ("LOGISTIC_REG", 3, {"l2_reg": 0.01}),
        ("KMEANS", 0, {"num_clusters": 5}),
        ("KMEANS", 0, {"num_clusters": 5, "distance_type": "COSINE"}),
        ("PCA", 0, {"num_principal_components": 4}),
    ],
)  # fmt: skip
def test_sparse_and_dense_rows_have_the_same_scores(model_type: str, n_classes: int, given: dict[str, object]) -> None:
    data = sparse_data(n_classes)
    state = fit(model_type, data, **given).state
    rows: Any = data.features
    scores = predict(model_type, state, rows)
    np.testing.assert_allclose(scores, predict(model_type, state, rows.toarray()), rtol=1e-12, atol=1e-13)
    for n_rows in (1, 7):
        parts = [predict(model_type, state, rows[start : start + n_rows]) for start in range(0, 70, n_rows)]
        np.testing.assert_array_equal(np.concatenate(parts), scores[:70])
    assert predict(model_type, state, rows[:0]).shape == (0, *scores.shape[1:])


def test_a_centroid_where_rows_are_is_no_distance_away() -> None:
    rows = sparse.csr_array(np.repeat(np.eye(6)[:3], 4, axis=0))
    data = SparseData(layout_of_codes(0, [6]), rows)
    trained = fit("KMEANS", data, num_clusters=3)
    np.testing.assert_array_equal(np.sort(predict("KMEANS", trained.state, rows), axis=1)[:, 0], 0.0)
    np.testing.assert_array_equal(trained.state.sizes, 4)  # type: ignore[attr-defined]
    with pytest.raises(DataError) as caught:
        fit("KMEANS", data, num_clusters=4)
    assert caught.value.code == "too_few_rows"
    assert "only 3 different" in str(caught.value)


def test_rows_that_differ_in_stored_zeros_only_are_the_same_row() -> None:
    rows = sparse.csr_array((np.array([1.0, 0.0, 1.0, 2.0]), np.array([0, 1, 0, 1]), np.array([0, 2, 3, 4])), shape=(3, 2))
    with pytest.raises(DataError) as caught:
        fit("KMEANS", SparseData(layout_of_codes(2, []), rows), num_clusters=3)
    assert "only 2 different" in str(caught.value)


@pytest.mark.parametrize("n_categories", [200, 1_500])
def test_redundant_columns(n_categories: int) -> None:
    """The same category twice: many weights fit equally well, and predictions are those of the category once."""
    rng = np.random.default_rng(4)
    codes = np.concatenate([np.arange(n_categories), rng.integers(0, n_categories, 3 * n_categories)])
    label = rng.normal(size=n_categories)[codes] + rng.normal(size=len(codes))
    rows = rows_of_codes(np.empty((len(codes), 0)), [codes, codes], [n_categories, n_categories])
    data = SparseData(layout_of_codes(0, [n_categories, n_categories]), rows, label)
    state = fit("LINEAR_REG", data, optimize_strategy="NORMAL_EQUATION").state
    means = np.bincount(codes, label) / np.bincount(codes)
    np.testing.assert_allclose(predict("LINEAR_REG", state, rows), means[codes], rtol=1e-8, atol=1e-8)


def test_a_category_of_all_rows_has_no_weight() -> None:
    rng = np.random.default_rng(7)
    numbers, codes = rng.normal(size=(900, 1)), rng.integers(0, 400, 900)
    rows = rows_of_codes(numbers, [np.zeros(900, int), codes], [1, 400])
    data = SparseData(layout_of_codes(1, [1, 400]), rows, numbers[:, 0] + 0.1 * codes, row_weights=rng.random(900))
    state = fit("LINEAR_REG", data, optimize_strategy="NORMAL_EQUATION", l2_reg=0.01).state
    assert state.weights[1] == 0.0  # type: ignore[attr-defined]


@pytest.mark.parametrize("data", [sparse_data(), dense_data()])
def test_random_rows_come_in_the_order_of_the_draw(data: ArrayData) -> None:
    found: Any = _sample(Points(data, False, SilentProgress()), 50, np.random.default_rng(1))
    expected: Any = data.features[np.random.default_rng(1).choice(N_ROWS, 50, replace=False)]
    np.testing.assert_array_equal(np.asarray(dense(found)), np.asarray(dense(expected)))


# Wide matrices against scikit-learn ------------------------------------------------------------------------------------------------------


@cache
def wide_table() -> tuple[sparse.csr_array, NDArray[np.float64]]:
    rng = np.random.default_rng(6)
    n_rows, n_categories = 30_000, 20_000
    numbers, codes = rng.normal(size=(n_rows, 2)), rng.integers(0, n_categories, n_rows)
    label = 7.0 + numbers @ [1.0, -2.0] + rng.normal(size=n_categories)[codes] + 0.3 * rng.normal(size=n_rows)
    return rows_of_codes(numbers, [codes], [n_categories]), label


def wide_data(**more: Any) -> SparseData:
    rows, label = wide_table()
    return SparseData(layout_of_codes(2, [20_000]), rows, label, **more)


def test_wide_ridge_equals_scikit_learn() -> None:
    progress = SilentProgress()
    trained = fit("LINEAR_REG", wide_data(), progress, l2_reg=1e-4)
    rows, label = wide_table()
    expected = Ridge(alpha=len(label) * 1e-4 / 2.0, solver="sparse_cg", tol=1e-13, max_iter=10_000).fit(rows, label)
    np.testing.assert_allclose(trained.state.weights, expected.coef_, rtol=1e-7, atol=1e-9)  # type: ignore[attr-defined]
    assert trained.state.intercept == pytest.approx(expected.intercept_, rel=1e-9)  # type: ignore[attr-defined]
    assert [code for code, _ in progress.notices] == ["iterative_solution"]
    assert len(trained.iterations) <= 20
    residuals = predict("LINEAR_REG", trained.state, rows) - label
    assert trained.iterations[-1].loss == pytest.approx(float(np.mean(residuals**2)), rel=1e-9)


def test_wide_lasso_equals_scikit_learn() -> None:
    trained = fit("LINEAR_REG", wide_data(), l1_reg=1e-4)
    rows, label = wide_table()
    expected = Lasso(alpha=0.5e-4, tol=1e-9, max_iter=100_000).fit(sparse.csc_array(rows), label)
    np.testing.assert_allclose(predict("LINEAR_REG", trained.state, rows), expected.predict(rows), atol=2e-4)
    zeros = trained.state.weights == 0.0  # type: ignore[attr-defined]
    assert zeros.any()
    assert np.mean(zeros == (expected.coef_ == 0.0)) > 0.995


def test_wide_logistic_regression_equals_scikit_learn() -> None:
    rows, label = wide_table()
    classes = (label > 7.0).astype(float)
    data = replace(wide_data(n_classes=2), labels=classes)
    trained = fit("LOGISTIC_REG", data, l2_reg=1e-4)
    expected = LogisticRegression(C=1.0 / (len(label) * 1e-4), solver="newton-cg", tol=1e-10, max_iter=1_000).fit(rows, classes)
    np.testing.assert_allclose(predict("LOGISTIC_REG", trained.state, rows), expected.predict_proba(rows)[:, 1], atol=1e-5)


def test_a_column_of_many_categories_is_fitted_to_the_optimum() -> None:
    """Where gradient descent would leave the categories at nothing."""
    rows, label = wide_table()
    trained = fit("LINEAR_REG", wide_data())
    codes = rows.indices.reshape(-1, 3)[:, 2] - 2
    # The optimum: the label's mean in each category, given the slopes of what deviates from it.
    counts = np.bincount(codes)
    numbers = np.column_stack([rows.data.reshape(-1, 3)[:, :2], label])
    centred = numbers - np.column_stack([np.bincount(codes, column) / np.maximum(counts, 1) for column in numbers.T])[codes]
    slopes = np.linalg.lstsq(centred[:, :2], centred[:, 2])[0]
    best = float(np.mean((centred[:, 2] - centred[:, :2] @ slopes) ** 2))
    np.testing.assert_allclose(trained.state.weights[:2], slopes, rtol=1e-7)  # type: ignore[attr-defined]
    assert trained.iterations[-1].loss == pytest.approx(best, rel=1e-9)
    # Of all equally good weights, those whose one-hot columns add up to nothing.
    seen = counts > 0
    assert trained.state.weights[2 : 2 + len(counts)][seen].mean() == pytest.approx(0.0, abs=1e-12)  # type: ignore[attr-defined]
    descended = fit("LINEAR_REG", wide_data(), optimize_strategy="BATCH_GRADIENT_DESCENT")
    assert descended.iterations[-1].loss > 10.0 * best  # type: ignore[operator]


def test_options_steer_conjugate_gradients() -> None:
    progress = SilentProgress()
    assert len(fit("LINEAR_REG", wide_data(), progress, max_iterations=2).iterations) == 2
    assert [code for code, _ in progress.notices] == ["iterative_solution", "not_converged"]
    early = fit("LINEAR_REG", wide_data(), min_rel_progress=0.5)
    late = fit("LINEAR_REG", wide_data(), min_rel_progress=0.5, early_stop=False)
    assert len(early.iterations) < len(late.iterations)
    by_rate = fit("LINEAR_REG", wide_data(), learn_rate_strategy="CONSTANT", learn_rate=0.2, max_iterations=1)
    assert by_rate.iterations[0].learning_rate == 0.2
    rows, label = wide_table()
    held_out = fit("LINEAR_REG", wide_data(eval_features=rows[:100], eval_labels=label[:100]))
    errors = predict("LINEAR_REG", held_out.state, rows[:100]) - label[:100]
    assert held_out.iterations[-1].eval_loss == pytest.approx(float(np.mean(errors**2)), rel=1e-9)


def test_a_label_that_does_not_vary() -> None:
    trained = fit("LINEAR_REG", replace(wide_data(), labels=np.full(30_000, 3.0)))
    assert trained.state.intercept == 3.0  # type: ignore[attr-defined]
    assert not trained.state.weights.any()  # type: ignore[attr-defined]
    assert [iteration.loss for iteration in trained.iterations] == [0.0]


@pytest.mark.parametrize(("where", "code"), [("features", "not_finite"), ("labels", "not_finite"), ("weights", "no_rows")])
@pytest.mark.parametrize("is_wide", [False, True])
def test_bad_rows(where: str, code: str, is_wide: bool) -> None:
    data = wide_data() if is_wide else sparse_data()
    rows: Any = data.features.copy()
    label = data.labels.copy()
    row_weights = np.ones(len(label))
    if where == "features":
        rows.data[0] = np.inf
    elif where == "labels":
        label[3] = np.nan
    else:
        row_weights[:] = 0.0
    with pytest.raises(DataError) as caught:
        fit("LINEAR_REG", replace(data, features=rows, labels=label, row_weights=row_weights))
    assert caught.value.code == code


# Trees -----------------------------------------------------------------------------------------------------------------------------------


def with_missing(rows: sparse.csr_array) -> NDArray[np.float32]:
    """The rows as trees see them: what is not stored is missing."""
    present = sparse.csr_array((np.ones(rows.nnz), rows.indices, rows.indptr), shape=rows.shape).toarray() > 0.0
    return np.where(present, rows.toarray(), np.nan).astype(np.float32)


def tree_data(**more: Any) -> SparseData:
    rows, label = table()
    rows = rows.astype(np.float32)
    rows.data[9::12] = np.nan
    data = SparseData(replace_encoding(layout_of_codes(2, N_CATEGORIES)), rows, label, seed=5)
    return replace(data, **more)


def replace_encoding(layout: Any) -> Any:
    return type(layout)(layout.terms, "one_hot", False)


TREES: dict[str, object] = {"category_encoding_method": "ONE_HOT_ENCODING", "max_iterations": 5, "early_stop": False}


@pytest.mark.parametrize("tree_method", ["HIST", "APPROX", "EXACT"])
def test_trees_equal_those_of_the_library_on_the_same_rows(tree_method: str) -> None:
    data = tree_data()
    trained = fit("BOOSTED_TREE_REGRESSOR", data, **TREES, tree_method=tree_method)
    rows: Any = data.features
    booster = xgboost.train(
        {"max_depth": 6, "seed": 5, "tree_method": tree_method.lower(), "subsample": 1.0, "lambda": 1.0, "min_child_weight": 1},
        xgboost.DMatrix(rows, data.labels), num_boost_round=5,
    )  # fmt: skip
    scores = predict("BOOSTED_TREE_REGRESSOR", trained.state, rows)
    np.testing.assert_array_equal(scores, booster.predict(xgboost.DMatrix(rows)))
    np.testing.assert_array_equal(scores, predict("BOOSTED_TREE_REGRESSOR", trained.state, with_missing(rows)))
    assert len(np.unique(trained.state.features)) > 10  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("model_type", "n_classes", "given"),
    [
        ("BOOSTED_TREE_REGRESSOR", 0, TREES),
        ("BOOSTED_TREE_CLASSIFIER", 3, TREES),
        ("RANDOM_FOREST_CLASSIFIER", 2, {"num_parallel_tree": 5}),
    ],
)
def test_scores_of_sparse_rows_do_not_depend_on_batches(model_type: str, n_classes: int, given: dict[str, object]) -> None:
    data = tree_data()
    if n_classes:
        data = replace(data, labels=sparse_data(n_classes).labels, n_classes=n_classes)
    state = fit(model_type, data, **given).state
    rows: Any = data.features
    predictor = find_model_type(model_type).predictor
    assert predictor is not None
    scores = predictor(state)
    expected = predict(model_type, state, rows)
    for n_rows in (1, 7, N_ROWS):
        parts = [scores(rows[start : start + n_rows]) for start in range(0, min(N_ROWS, 70 * n_rows), n_rows)]
        np.testing.assert_array_equal(np.concatenate(parts), expected[: 70 * n_rows])
    np.testing.assert_array_equal(scores(with_missing(rows)), expected)
    assert scores(rows[:0]).shape == (0, *expected.shape[1:])


@pytest.mark.parametrize("block_rows", [1, 7, 700])
def test_trees_of_sparse_rows_do_not_depend_on_blocks(monkeypatch: pytest.MonkeyPatch, block_rows: int) -> None:
    # Several batches, whose ends are nowhere near those of the blocks.
    monkeypatch.setattr(matrices, "BATCH_BYTES", 20_000)
    state = fit("BOOSTED_TREE_REGRESSOR", tree_data(), **TREES).state
    again = fit("BOOSTED_TREE_REGRESSOR", tree_data(block_rows=block_rows), **TREES).state
    assert checksum(to_arrays(again)) == checksum(to_arrays(state))


def test_sparse_bins_on_disk_give_the_same_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, label = table()
    data = tree_data(eval_features=rows[:300].astype(np.float32), eval_labels=label[:300])
    trained = fit("BOOSTED_TREE_REGRESSOR", data, **TREES)
    monkeypatch.setattr(matrices, "EXTERNAL_BYTES", 1)
    on_disk = fit("BOOSTED_TREE_REGRESSOR", data, **TREES)
    assert checksum(to_arrays(on_disk.state)) == checksum(to_arrays(trained.state))
    assert on_disk.iterations[-1].eval_loss == trained.iterations[-1].eval_loss


def test_an_infinite_feature_among_sparse_rows_is_named() -> None:
    data = tree_data()
    rows: Any = data.features.copy()
    rows.data[4 * 100] = np.inf
    with pytest.raises(DataError) as caught:
        fit("BOOSTED_TREE_REGRESSOR", replace(data, features=rows), **TREES)
    assert caught.value.code == "infinite_feature"
    assert "feature x0 " in str(caught.value)


def test_trees_without_splits_score_wide_rows() -> None:
    rows, _ = table()
    data = tree_data(features=rows.astype(np.float32), labels=np.full(N_ROWS, 2.5))
    state = fit("BOOSTED_TREE_REGRESSOR", data, **TREES).state
    np.testing.assert_allclose(predict("BOOSTED_TREE_REGRESSOR", state, data.features), 2.5)


def test_categories_of_columns_follow_the_layout() -> None:
    """Other terms take several columns, and target encoding turns categories into numbers."""
    vector = VectorTerm("v", "v", '"v"', 3, np.zeros(3))
    category = CategoryTerm("g", "g", '"g"', ("a", "b"), (0.5, 0.5), targets=np.zeros((2, 2)), unseen=np.zeros(2))
    number = NumericTerm("x", "x", '"x"', 0.0, 1.0, 0.0, 1.0)
    codes = Layout((vector, category, number), "codes", False)
    assert feature_categories(codes, native=True).tolist() == [0, 0, 0, 2, 0]
    assert feature_categories(codes, native=False).tolist() == [0] * 5
    targets = Layout((vector, category, number), "target", False)
    assert feature_categories(targets, native=True).tolist() == [0] * 6


def test_too_many_native_categories_are_ordered_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(9)
    codes = rng.integers(0, 40, 500)
    terms = (CategoryTerm("g", "g", '"g"', tuple(map(str, range(40))), (1 / 40,) * 40), NumericTerm("x", "x", '"x"', 0.0, 1.0, 0.0, 1.0))
    rows = np.column_stack([codes, rng.normal(size=500)]).astype(np.float32)
    data = ArrayData(Layout(terms, "codes", False), rows, rng.normal(size=40)[codes])
    progress = SilentProgress()
    native = fit("BOOSTED_TREE_REGRESSOR", data, progress).state
    assert native.feature_categories.tolist() == [40, 0]  # type: ignore[attr-defined]
    assert progress.notices == []
    monkeypatch.setattr(matrices, "MAX_NATIVE_CATEGORIES", 39)
    ordered = fit("BOOSTED_TREE_REGRESSOR", data, progress, early_stop=False).state
    assert ordered.feature_categories.tolist() == [0, 0]  # type: ignore[attr-defined]
    ((code, message),) = progress.notices
    assert code == "ordered_categories"
    assert message.startswith("g: more than")
    booster = xgboost.train(
        {"max_depth": 6, "seed": 0, "tree_method": "hist", "min_child_weight": 1}, xgboost.DMatrix(rows, data.labels), num_boost_round=20
    )
    np.testing.assert_array_equal(predict("BOOSTED_TREE_REGRESSOR", ordered, rows), booster.predict(xgboost.DMatrix(rows)))


def test_wide_tables_have_fewer_bins(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = tuple(NumericTerm(f"x{index}", f"x{index}", f'"x{index}"', 0.0, 1.0, 0.0, 1.0) for index in range(2_000))
    assert matrices.column_bins(Layout(numbers[:512], "codes", False)) == 256
    assert matrices.column_bins(Layout(numbers, "codes", False)) == 65
    assert matrices.column_bins(Layout(numbers * 4, "codes", False)) == 32
    assert matrices.column_bins(layout_of_codes(2, [100_000])) == 256
    monkeypatch.setattr(matrices, "TOTAL_BINS", 64 * 2)
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(1_000, 2)).astype(np.float32)
    data = ArrayData(
        Layout(numbers[:2], "codes", False), rows, rows[:, 0] + rng.normal(size=1_000), eval_features=rows, eval_labels=rows[:, 0]
    )
    state = fit("BOOSTED_TREE_REGRESSOR", data, early_stop=False).state
    parameters = {"max_depth": 6, "seed": 0, "tree_method": "hist", "max_bin": 64}
    booster = xgboost.train(parameters, xgboost.QuantileDMatrix(rows, data.labels, max_bin=64), num_boost_round=20)
    np.testing.assert_array_equal(predict("BOOSTED_TREE_REGRESSOR", state, rows), booster.predict(xgboost.DMatrix(rows)))


def test_deep_trees_keep_few_histograms_of_wide_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether they are kept makes no difference but rounding's."""
    kept = fit("BOOSTED_TREE_REGRESSOR", tree_data(), **TREES).state
    matrix = xgboost.QuantileDMatrix(np.arange(80, dtype=float).reshape(40, 2), np.zeros(40), max_bin=32)
    assert training._kept_histograms(matrix, "hist") == 65_536
    n_bins = sum(len(np.unique(cuts)) for cuts in np.split(matrix.get_quantile_cut()[1], matrix.get_quantile_cut()[0][1:-1]))
    monkeypatch.setattr(training, "_HISTOGRAM_BYTES", 7 * 16 * n_bins)
    assert training._kept_histograms(matrix, "hist") == 7
    again = fit("BOOSTED_TREE_REGRESSOR", tree_data(), **TREES).state
    rows = tree_data().features
    np.testing.assert_allclose(
        predict("BOOSTED_TREE_REGRESSOR", again, rows), predict("BOOSTED_TREE_REGRESSOR", kept, rows), rtol=1e-5, atol=1e-5
    )


# Limits and chunks -----------------------------------------------------------------------------------------------------------------------


def test_k_means_refuses_more_centroids_than_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kmeans, "_MAX_CENTROID_VALUES", 5 * N_COLUMNS)
    fit("KMEANS", sparse_data(), num_clusters=5)
    with pytest.raises(DataError) as caught:
        fit("KMEANS", sparse_data(), num_clusters=6)
    assert caught.value.code == "too_many_columns"
    assert f"at most {5 * N_COLUMNS // 6} columns after encoding with 6 clusters, got {N_COLUMNS}" in str(caught.value)


def test_limits_of_columns() -> None:
    assert find_model_type("PCA").max_columns == 10_000
    assert find_model_type("LINEAR_REG").max_columns == 2_000_000


@pytest.mark.parametrize(
    ("model_type", "n_classes", "given"),
    [
        ("LINEAR_REG", 0, {}),
        ("LINEAR_REG", 0, {"optimize_strategy": "BATCH_GRADIENT_DESCENT"}),
        ("LINEAR_REG", 0, {"l1_reg": 0.001}),
        ("LOGISTIC_REG", 2, {"l2_reg": 0.001}),
        ("LOGISTIC_REG", 3, {"l2_reg": 0.001}),
        ("KMEANS", 0, {"num_clusters": 3}),
        ("KMEANS", 0, {"num_clusters": 3, "kmeans_init_method": "KMEANS++"}),
        ("KMEANS", 0, {"num_clusters": 3, "distance_type": "COSINE"}),
        ("BOOSTED_TREE_REGRESSOR", 0, TREES),
    ],
)  # fmt: skip
def test_rows_are_not_made_dense(monkeypatch: pytest.MonkeyPatch, model_type: str, n_classes: int, given: dict[str, object]) -> None:
    """6,000 rows of 100,001 columns would be 4.8 GB."""
    rng = np.random.default_rng(10)
    numbers, codes = rng.normal(size=(6_000, 1)), rng.integers(0, 100_000, 6_000)
    dtype = "float32" if given is TREES else "float64"
    rows = rows_of_codes(numbers, [codes], [100_000], dtype)
    label = np.digitize(numbers[:, 0], [-0.5, 0.5]) if n_classes == 3 else numbers[:, 0] > 0 if n_classes else numbers[:, 0]
    layout = layout_of_codes(1, [100_000])
    largest = 0
    plain = sparse.csr_array.toarray

    def toarray(self: Any, *args: Any, **keywords: Any) -> Any:
        nonlocal largest
        largest = max(largest, self.shape[0] * self.shape[1] * 8)
        assert largest <= 32 * 2**20
        return plain(self, *args, **keywords)

    monkeypatch.setattr(sparse.csr_array, "toarray", toarray)
    data = SparseData(replace_encoding(layout) if given is TREES else layout, rows, np.asarray(label, float), n_classes=n_classes)
    state = fit(model_type, data, **given).state
    assert np.isfinite(predict(model_type, state, rows)).all()


def blocks_of(rows: sparse.csr_array, sizes: list[int]) -> Iterator[Block]:
    start = 0
    for size in [*sizes, rows.shape[0]]:
        part: Any = rows[start : start + size]
        yield Block(part, np.arange(start, start + part.shape[0], dtype=float), np.ones(part.shape[0]))
        start = min(start + size, rows.shape[0])


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), max_size=40), st.lists(st.integers(0, 12), max_size=12), st.integers(1, 9), st.integers(1, 12))
def test_chunks_of_sparse_rows_depend_on_rows_alone(counts: list[int], sizes: list[int], n_rows: int, n_stored: int) -> None:
    indptr = np.cumsum([0, *counts])
    columns = np.concatenate([np.arange(count) for count in counts]) if counts else np.empty(0)
    rows = sparse.csr_array((np.arange(1.0, indptr[-1] + 1), columns.astype(np.int32), indptr), shape=(len(counts), 6))
    chunks = list(cut(blocks_of(rows, sizes), 1, n_rows, n_stored))
    whole = list(cut(blocks_of(rows, []), 1, n_rows, n_stored))
    assert [chunk.labels.tolist() for chunk in chunks] == [chunk.labels.tolist() for chunk in whole]
    for chunk in chunks:
        features: Any = chunk.features
        assert 0 < features.shape[0] <= n_rows
        assert features.nnz <= n_stored or np.count_nonzero(np.diff(features.indptr)) == 1
    if counts:
        np.testing.assert_array_equal(sparse.vstack([chunk.features for chunk in chunks]).toarray(), rows.toarray())


@pytest.mark.parametrize(("model_type", "n_classes"), [("LINEAR_REG", 0), ("LOGISTIC_REG", 2), ("KMEANS", 0), ("PCA", 0)])
def test_models_of_sparse_rows_do_not_depend_on_blocks(monkeypatch: pytest.MonkeyPatch, model_type: str, n_classes: int) -> None:
    monkeypatch.setattr(_row_chunks, "_SPARSE_VALUES", 999)
    given: dict[str, object] = {"PCA": {"num_principal_components": 2}, "KMEANS": {"num_clusters": 3}}.get(model_type, {"l2_reg": 0.1})  # type: ignore[assignment]
    state = fit(model_type, sparse_data(n_classes), **given).state
    for block_rows in (1, 7):
        again = fit(model_type, sparse_data(n_classes, block_rows=block_rows), **given).state
        assert checksum(to_arrays(again)) == checksum(to_arrays(state))
