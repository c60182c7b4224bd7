"""KMEANS against scikit-learn from the same start, and what it does with starts, empty clusters and odd rows."""

from __future__ import annotations

import itertools

import duckdb
import numpy as np
import pytest
from sklearn.cluster import KMeans, kmeans_plusplus
from sklearn.metrics import davies_bouldin_score
from sklearn.metrics.pairwise import cosine_distances

from sqlml.errors import DataError, NotSupportedError
from sqlml.features.expressions import category, code
from sqlml.features.layout import NULL_CATEGORY, CategoryTerm, Layout, NumericTerm
from sqlml.models._initial_centroids import different_rows, plus_plus_rows, random_rows
from sqlml.models._lloyd import Points
from sqlml.models._options import OptionError, Options, check_options
from sqlml.models._spec import TooLargeForSql
from sqlml.models.kmeans import SPEC, KMeansState
from sqlml.state import from_arrays, to_arrays
from sqlml.training.data import ArrayData, SilentProgress, Trained
from sqlml.types import SqlType


def numeric_layout(n_columns: int) -> Layout:
    return Layout(tuple(NumericTerm(f"x{i}", f"x{i}", f'"x{i}"', 0.0, 1.0, 0.0, 1.0) for i in range(n_columns)))


def blobs(n_rows: int = 600, n_columns: int = 4, n_blobs: int = 3, spread: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.normal(size=(n_blobs, n_columns))[rng.integers(n_blobs, size=n_rows)] * 3.0 + rng.normal(size=(n_rows, n_columns)) * spread


def options(**given: object) -> Options:
    checked, _ = check_options(SPEC.options, given, "model type KMEANS")
    SPEC.check(checked)
    return checked


def fit(rows: np.ndarray, *, marked: np.ndarray | None = None, progress: SilentProgress | None = None, **given: object) -> Trained:
    if marked is not None:
        given |= {"kmeans_init_method": "CUSTOM", "kmeans_init_col": "start"}
    data = ArrayData(numeric_layout(rows.shape[1]), rows, seed=7, marked_rows=marked, block_rows=100)
    return SPEC.train(data, options(**given), progress or SilentProgress())


def to_the_end(**given: object) -> dict[str, object]:
    return {"early_stop": False, "max_iterations": 300, **given}


def test_equal_to_scikit_learn_from_the_same_start() -> None:
    rows = blobs()
    start = rows[[3, 50, 99, 400, 500]]
    trained = fit(rows, marked=start, **to_the_end())
    reference = KMeans(5, init=start, n_init=1, tol=0.0, max_iter=300).fit(rows)
    state = trained.state
    np.testing.assert_allclose(state.centroids, reference.cluster_centers_, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(state.sizes, np.bincount(reference.labels_))
    np.testing.assert_allclose(SPEC.predict(state, rows), reference.transform(rows), rtol=1e-9)
    assert trained.metrics["mean_squared_distance"] == pytest.approx(reference.inertia_ / len(rows), rel=1e-12)
    assert trained.metrics["davies_bouldin_index"] == pytest.approx(davies_bouldin_score(rows, reference.labels_), rel=1e-9)


@pytest.mark.parametrize("max_iterations", [1, 3])
def test_equal_to_scikit_learn_when_stopped_early(max_iterations: int) -> None:
    rows = blobs(spread=3.0)
    start = rows[:6]
    trained = fit(rows, marked=start, early_stop=False, max_iterations=max_iterations)
    reference = KMeans(6, init=start, n_init=1, tol=0.0, max_iter=max_iterations).fit(rows)
    np.testing.assert_allclose(trained.state.centroids, reference.cluster_centers_, rtol=1e-9, atol=1e-12)
    assert len(trained.iterations) == max_iterations
    # The index counts from the means of the clusters, which are not the centroids yet.
    labels = SPEC.predict(trained.state, rows).argmin(axis=1)
    assert trained.metrics["davies_bouldin_index"] == pytest.approx(davies_bouldin_score(rows, labels), rel=1e-9)


def test_training_info_describes_the_model_in_its_last_row() -> None:
    rows = blobs()
    progress = SilentProgress()
    trained = fit(rows, num_clusters=4, progress=progress)
    assert progress.iterations == list(trained.iterations)
    assert [iteration.iteration for iteration in trained.iterations] == list(range(len(trained.iterations)))
    losses = [iteration.loss for iteration in trained.iterations]
    assert losses == sorted(losses, reverse=True)
    last = trained.iterations[-1]
    assert last.loss == trained.metrics["mean_squared_distance"]
    distances = SPEC.predict(trained.state, rows)
    nearest = distances.argmin(axis=1)
    for centroid_id, radius, size in last.cluster_info:
        own = distances[nearest == centroid_id - 1, centroid_id - 1]
        assert size == len(own)
        assert radius == pytest.approx(np.sqrt((own**2).mean()), rel=1e-9)
    assert [info[0] for info in last.cluster_info] == [1, 2, 3, 4]
    assert last.eval_loss is None


def test_early_stop_ends_with_the_first_iteration_that_gains_too_little() -> None:
    rows = blobs(spread=3.0)
    everything = fit(rows, marked=rows[:6], **to_the_end())
    losses = [iteration.loss for iteration in everything.iterations]
    stopped = fit(rows, marked=rows[:6], max_iterations=300, min_rel_progress=0.02)
    gains = [1.0 - after / before for before, after in itertools.pairwise(losses)]
    assert 2 < len(stopped.iterations) < len(losses)
    # Iteration i + 1 has gains[i]; the first gain is that over the start, which no row shows.
    assert len(stopped.iterations) == 2 + next(index for index, gain in enumerate(gains) if gain < 0.02)


def test_a_run_that_is_cut_off_says_so() -> None:
    progress = SilentProgress()
    fit(blobs(spread=3.0), num_clusters=8, max_iterations=2, early_stop=False, progress=progress)
    assert [code for code, _ in progress.notices] == ["not_converged"]
    assert "2 iterations" in progress.notices[0][1]
    progress = SilentProgress()
    fit(blobs(), num_clusters=3, progress=progress, **to_the_end())
    assert progress.notices == []


def test_an_empty_cluster_starts_again_at_the_farthest_row() -> None:
    rng = np.random.default_rng(5)
    rows = np.concatenate([rng.normal(size=(50, 2)) * 0.1, rng.normal(size=(50, 2)) * 0.1 + 10.0, [[40.0, 40.0]]])
    # The third start is nobody's nearest.
    start = np.array([[0.0, 0.0], [10.0, 10.0], [-500.0, 500.0]])
    trained = fit(rows, marked=start, **to_the_end())
    reference = KMeans(3, init=start, n_init=1, tol=0.0).fit(rows)
    np.testing.assert_allclose(trained.state.centroids, reference.cluster_centers_, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(trained.state.centroids[2], [40.0, 40.0])
    assert trained.state.sizes.tolist() == [50, 50, 1]


def test_the_row_that_fills_an_empty_cluster_leaves_its_own() -> None:
    rows = np.concatenate([blobs(), [[40.0] * 4]])
    start = np.concatenate([rows[:2], [[-900.0] * 4]])
    trained = fit(rows, marked=start, early_stop=False, max_iterations=1)
    reference = KMeans(3, init=start, n_init=1, tol=0.0, max_iter=1).fit(rows)
    np.testing.assert_allclose(trained.state.centroids, reference.cluster_centers_, rtol=1e-9, atol=1e-12)


def test_two_empty_clusters_start_at_different_rows() -> None:
    rows = np.array([[0.0], [0.1], [9.0], [9.0], [7.0]])
    trained = fit(rows, marked=np.array([[0.0], [-800.0], [-900.0]]), **to_the_end())
    assert sorted(trained.state.centroids[:, 0].tolist()) == pytest.approx([0.05, 7.0, 9.0])


def test_cosine_is_spherical_k_means() -> None:
    rows = blobs(n_columns=5, spread=0.6)
    start = rows[[3, 50, 99]]
    trained = fit(rows, marked=start, distance_type="COSINE", **to_the_end())
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    centroids = start
    for _ in range(100):
        labels = cosine_distances(rows, centroids).argmin(axis=1)
        centroids = np.array([unit[labels == cluster].mean(axis=0) for cluster in range(3)])
    squared = cosine_distances(rows, centroids)
    distances = SPEC.predict(trained.state, rows)
    np.testing.assert_allclose(distances, np.sqrt(squared), rtol=1e-9, atol=2e-8)
    np.testing.assert_array_equal(trained.state.sizes, np.bincount(labels))
    assert trained.metrics["mean_squared_distance"] == pytest.approx(squared.min(axis=1).mean(), rel=1e-9)
    np.testing.assert_allclose(trained.state.means, [rows[labels == cluster].mean(axis=0) for cluster in range(3)], rtol=1e-9)
    losses = [iteration.loss for iteration in trained.iterations]
    assert losses == sorted(losses, reverse=True)
    spreads = np.array([np.sqrt(squared[labels == cluster, cluster]).mean() for cluster in range(3)])
    apart = np.sqrt(cosine_distances(centroids))
    ratios = [[(spreads[i] + spreads[j]) / apart[i, j] for j in range(3) if j != i] for i in range(3)]
    assert trained.metrics["davies_bouldin_index"] == pytest.approx(np.max(ratios, axis=1).mean(), rel=1e-9)


def test_cosine_of_a_row_without_direction_is_zero() -> None:
    rows = np.concatenate([blobs(), np.zeros((3, 4))])
    trained = fit(rows, num_clusters=3, distance_type="COSINE")
    np.testing.assert_array_equal(SPEC.predict(trained.state, np.zeros((1, 4))), [[1.0, 1.0, 1.0]])
    assert trained.state.sizes.sum() == len(rows)


@pytest.mark.parametrize("method", [random_rows, plus_plus_rows])
def test_starts_are_different_training_rows_drawn_by_the_seed(method) -> None:
    # Nine rows in ten are equal, so that chance alone would find the same row again and again.
    rng = np.random.default_rng(2)
    rows = np.where(rng.random((500, 1)) < 0.9, 1.0, rng.integers(0, 40, (500, 1)).astype(float))
    points = Points(ArrayData(numeric_layout(1), rows), False, SilentProgress())
    starts = [method(points, 20, seed) for seed in (1, 1, 2)]
    for start in starts:
        assert len(np.unique(start)) == 20
        assert np.isin(start, rows).all()
    np.testing.assert_array_equal(starts[0], starts[1])
    assert set(starts[0][:, 0]) != set(starts[2][:, 0])


def test_random_draws_every_row_equally_often() -> None:
    rows = np.arange(40.0)[:, None]
    points = Points(ArrayData(numeric_layout(1), rows, block_rows=7), False, SilentProgress())
    counts = np.bincount(np.concatenate([random_rows(points, 4, seed)[:, 0] for seed in range(500)]).astype(int), minlength=40)
    # 50 each expected, standard deviation below 7.
    assert counts.min() > 22
    assert counts.max() < 78


def test_plus_plus_starts_once_in_every_group() -> None:
    rng = np.random.default_rng(3)
    rows = np.repeat(np.arange(8.0), 50)[:, None] * 100.0 + rng.normal(size=(400, 1))
    points = Points(ArrayData(numeric_layout(1), rows), False, SilentProgress())
    for seed in range(5):
        assert sorted(np.round(plus_plus_rows(points, 8, seed)[:, 0] / 100.0)) == list(range(8))


def test_plus_plus_takes_the_best_of_its_candidates() -> None:
    rows = np.random.default_rng(3).normal(size=(800, 2))
    points = Points(ArrayData(numeric_layout(2), rows), False, SilentProgress())

    def total(centroids: np.ndarray) -> float:
        return float(((rows[:, None, :] - centroids) ** 2).sum(axis=2).min(axis=1).sum())

    ours = np.mean([total(plus_plus_rows(points, 20, seed)) for seed in range(20)])
    greedy = np.mean([total(kmeans_plusplus(rows, 20, random_state=seed)[0]) for seed in range(20)])
    single = np.mean([total(kmeans_plusplus(rows, 20, random_state=seed, n_local_trials=1)[0]) for seed in range(20)])
    assert abs(ours - greedy) < 0.3 * (single - greedy)


def test_different_rows_reads_no_further_than_needed() -> None:
    class Counting(ArrayData):
        read = 0

        def train_blocks(self):
            for block in super().train_blocks():
                type(self).read += len(block.features)
                yield block

    rows = np.arange(600_000.0)[:, None]
    data = Counting(numeric_layout(1), rows, block_rows=50_000)
    found = different_rows(Points(data, False, SilentProgress()), 3)
    np.testing.assert_array_equal(found, [[0.0], [1.0], [2.0]])
    assert Counting.read < len(rows)


@pytest.mark.parametrize(("n_rows", "n_clusters"), [(2, 2), (30, 2), (400, 3), (4000, 4)])
def test_default_number_of_clusters(n_rows: int, n_clusters: int) -> None:
    trained = fit(np.random.default_rng(0).normal(size=(n_rows, 2)))
    assert len(trained.state.centroids) == n_clusters


def test_default_number_of_clusters_is_no_more_than_there_are_different_rows() -> None:
    assert len(fit(np.repeat([[0.0], [1.0]], 5000, axis=0)).state.centroids) == 2


def test_custom_start_decides_the_number_of_clusters() -> None:
    rows = blobs()
    assert len(fit(rows, marked=rows[:5]).state.centroids) == 5


@pytest.mark.parametrize(
    ("rows", "marked", "given", "code", "words"),
    [
        ([[1.0]], None, {}, "too_few_rows", "got 1"),
        ([[1.0]] * 50, None, {}, "too_few_rows", "got 1"),
        ([[1.0], [2.0], [3.0]] * 9, None, {"num_clusters": 5}, "too_few_rows", "num_clusters is 5"),
        ([[1.0], [2.0]] * 9, [[1.0], [2.0]], {"num_clusters": 3}, "initial_centroids", "TRUE in 2 rows"),
        ([[1.0], [2.0]] * 9, [[1.0]], {}, "initial_centroids", "TRUE in 1 rows"),
        ([[1.0], [2.0]] * 9, [[1.0], [1.0]], {}, "initial_centroids", "only 1 differ"),
    ],
)
def test_data_that_cannot_be_clustered(rows, marked, given, code: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        fit(np.array(rows), marked=None if marked is None else np.array(marked), **given)
    assert caught.value.code == code
    assert words in str(caught.value)
    assert caught.value.hint


def test_options_that_do_not_go_together() -> None:
    with pytest.raises(OptionError) as caught:
        options(kmeans_init_method="CUSTOM")
    assert (caught.value.code, caught.value.option) == ("missing_option", "kmeans_init_method")
    with pytest.raises(OptionError) as caught:
        options(kmeans_init_col="start")
    assert caught.value.code == "option_not_applicable"
    with pytest.raises(NotSupportedError) as rejected:
        options(warm_start=True)
    assert rejected.value.code == "option_not_supported"


def test_numbers_are_centred_unless_angles_count() -> None:
    assert SPEC.encoding(options()).numbers == "standardize"
    assert SPEC.encoding(options(standardize_features=False)).numbers == "centre"
    assert SPEC.encoding(options(standardize_features=False, distance_type="COSINE")).numbers == "raw"
    assert SPEC.encoding(options()).categories == "one_hot"


LAYOUT = Layout(
    (
        NumericTerm("a", "a", '"a"', 2.0, 3.0, 2.0, 3.0),
        CategoryTerm("g", "g", '"g"', ("u", "v", "w"), (0.5, 0.3, 0.2)),
        NumericTerm("b", "b", '"b"', -1.0, 0.5, -1.0, 0.5),
    )
)


def scores_in_sql(state: KMeansState, layout: Layout, table: str) -> np.ndarray:
    connection = duckdb.connect()
    rows = connection.execute(f"SELECT {SPEC.scores_sql(state, layout)} FROM ({table})").fetchall()
    return np.array([row[0] for row in rows])


def mixed_state(*, is_cosine: bool) -> KMeansState:
    centroids = np.array([[0.5, 1.0, 0.0, 0.0, -0.25], [-1.0, 0.25, 0.5, 0.25, 2.0]])
    if is_cosine:
        centroids /= np.linalg.norm(centroids, axis=1, keepdims=True) * np.sqrt(2.0)
    return KMeansState(is_cosine, centroids, centroids, np.ones(2), np.array([3, 4]))


@pytest.mark.parametrize("is_cosine", [False, True])
def test_sql_handles_missing_numbers_and_unseen_categories(is_cosine: bool) -> None:
    state = mixed_state(is_cosine=is_cosine)
    table = "FROM (VALUES (5.0, 0, NULL), (NULL, NULL, 1.0), (2.0, 2, -1.0), (NULL, NULL, NULL)) AS t(a, g, b)"
    values = np.array([[1.0, 0, 0.0], [0.0, np.nan, 4.0], [0.0, 2, 0.0], [0.0, np.nan, 0.0]])
    expected = SPEC.predict(state, LAYOUT.expand(values))
    np.testing.assert_allclose(scores_in_sql(state, LAYOUT, table), expected, rtol=1e-12)


def test_sql_keeps_its_digits_close_to_a_centroid_and_far_from_the_origin() -> None:
    centroids = np.array([[1e6, -1e6], [1e6 + 1e-3, -1e6]])
    state = KMeansState(False, centroids, centroids, np.ones(2), np.array([1, 1]))
    scores = scores_in_sql(state, numeric_layout(2), "SELECT 1e6 + 1e-3 AS x0, -1e6 + 1e-3 AS x1")
    gaps = np.array([1e6 + 1e-3, -1e6 + 1e-3]) - centroids
    np.testing.assert_allclose(scores[0], np.hypot(gaps[:, 0], gaps[:, 1]), rtol=1e-12)


@pytest.mark.parametrize("layout", [Layout(LAYOUT.terms[1:2]), Layout(LAYOUT.terms[::2])], ids=["categories only", "numbers only"])
@pytest.mark.parametrize("is_cosine", [False, True])
def test_sql_of_one_kind_of_term(layout: Layout, is_cosine: bool) -> None:
    trained = SPEC.train(
        ArrayData(layout, layout.expand(np.array([[0.0, 1.0], [1.0, 2.0], [2.0, 0.5]] * 5)[:, : len(layout.terms)]), seed=1),
        options(num_clusters=2, distance_type="COSINE" if is_cosine else "EUCLIDEAN"),
        SilentProgress(),
    )
    table = "FROM (VALUES (5.0, 0, -2.0), (2.5, 1, 4.0), (0.0, 2, 1.0)) AS t(a, g, b)"
    values = np.array([[0.0], [1.0], [2.0]]) if len(layout.terms) == 1 else np.array([[1.0, -2.0], [1 / 6, 10.0], [-2 / 3, 4.0]])
    np.testing.assert_allclose(
        scores_in_sql(trained.state, layout, table), SPEC.predict(trained.state, layout.expand(values)), rtol=1e-9, atol=2e-8
    )


def test_sql_names_the_terms_once_when_there_are_many() -> None:
    rng = np.random.default_rng(0)
    centroids = rng.normal(size=(30, 20))
    state = KMeansState(False, centroids, centroids, np.ones(30), np.ones(30, np.int64))
    text = SPEC.scores_sql(state, numeric_layout(20))
    assert text.count('"x3"') == 1
    row = rng.normal(size=(1, 20))
    table = "SELECT " + ", ".join(f"{value!r}::DOUBLE AS x{i}" for i, value in enumerate(row[0].tolist()))
    np.testing.assert_allclose(scores_in_sql(state, numeric_layout(20), table), SPEC.predict(state, row), rtol=1e-12)


def test_sql_works_with_terms_that_hold_subqueries_in_a_view() -> None:
    # Many categories are looked up by a subquery, which must be planned once and not once per cluster.
    names = [f"k{index:02}" for index in range(40)]
    expression = code(category("g", SqlType("VARCHAR")), names, 40, None)
    assert "SELECT" in expression
    layout = Layout(
        (
            CategoryTerm("g", "g", expression, (*names, NULL_CATEGORY), (1 / 41,) * 41),
            NumericTerm("a", "a", '"a"', 2.0, 3.0, 2.0, 3.0),
        )
    )
    centroids = np.random.default_rng(0).random((6, 42))
    state = KMeansState(False, centroids, centroids, np.ones(6), np.ones(6, np.int64))
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS FROM (VALUES (0, 'k39', 5.0), (1, NULL, 2.0), (2, 'new', NULL), (3, 'k00', 8.0)) AS t(id, g, a)")
    text = SPEC.scores_sql(state, layout)
    assert text.count(expression) == 1
    connection.execute(f"CREATE VIEW v AS SELECT id, {text} AS distances FROM t")
    scores = [row[0] for row in connection.execute("SELECT distances FROM v WHERE id < 4 ORDER BY id").fetchall()]
    expected = SPEC.predict(state, layout.expand(np.array([[39.0, 1.0], [40.0, 0.0], [np.nan, 0.0], [0.0, 2.0]])))
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


def test_sql_form_has_a_limit() -> None:
    centroids = np.zeros((100, 50))
    with pytest.raises(TooLargeForSql):
        SPEC.scores_sql(KMeansState(False, centroids, centroids, np.ones(100), np.ones(100, np.int64)), numeric_layout(50))


def test_damaged_state_is_refused() -> None:
    arrays = to_arrays(mixed_state(is_cosine=False))
    radii = arrays["radii"]
    assert radii.floats is not None
    radii.floats[0] = -1.0
    with pytest.raises(Exception, match="damaged") as caught:
        from_arrays(KMeansState, arrays)
    assert caught.value.code == "damaged_state"
