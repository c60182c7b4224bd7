"""KMEANS: rows grouped around centroids.

    CREATE MODEL groups OPTIONS (model_type = 'KMEANS', num_clusters = 4) AS SELECT …

Equal to `sklearn.cluster.KMeans(init=…, n_init=1, algorithm='lloyd')` from the same start, when both go on until nothing moves. The
clustering itself is `_lloyd`, the start `_initial_centroids`; here are the options, the state, and the distances, in Python and in SQL.

COSINE: the distance is sqrt(1 - cos), and a centroid points where the mean of its rows' directions does, since this lowers the mean squared
distance (spherical k-means). What ML.CENTROIDS shows is then the plain mean of the rows, in their own units.
Source: reference, statements 3.2 and functions 3.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqlml import sql
from sqlml.errors import DataError
from sqlml.features.layout import Layout
from sqlml.models._initial_centroids import different_rows, plus_plus_rows, random_rows
from sqlml.models._lloyd import Fit, Nearest, Points, add_sums, davies_bouldin_index, directions, lloyd, squared_distances
from sqlml.models._options import Boolean, Effect, Float, Integer, Option, OptionError, Options, String
from sqlml.models._sparse import as_floats, dense
from sqlml.models._spec import EncodingRules, ModelSpec, Reading, Task
from sqlml.models._supervised_options import LINEAGE_OPTIONS, REGISTRY_OPTIONS, TUNING_OPTIONS, model_type_option
from sqlml.models._terms_sql import TermValues, by_code, category_columns, check_size, dot_product, let, numeric_columns, over_terms
from sqlml.state import FloatArray, IntArray, damaged_state, floats, integers
from sqlml.training.data import Progress, Trained, TrainingData

_MIN_CLUSTERS, _MAX_CLUSTERS = 2, 100

_MAX_CENTROID_VALUES = 40_000_000
"""Numbers of all centroids: 320 MB. Training keeps six arrays of that size at most: centroids, their transpose, sums, means, twice."""


@dataclass(frozen=True)
class KMeansState:
    """The clusters, in the space of the learner's matrix."""

    is_cosine: bool
    centroids: FloatArray = floats("n_clusters", "n_columns")
    """What distances count from. COSINE: directions of length 1/sqrt(2), so that two of them are their cosine distance apart."""
    means: FloatArray = floats("n_clusters", "n_columns")
    """What ML.CENTROIDS shows: EUCLIDEAN the centroids, COSINE the mean of the cluster's rows. One-hot columns hold shares."""
    radii: FloatArray = floats("n_clusters")
    """Root mean square distance of the cluster's rows."""
    sizes: IntArray = integers("n_clusters", ge=0)

    def check(self) -> None:
        if not len(self.centroids) or (self.radii < 0.0).any():
            raise damaged_state("clusters are missing or out of range")


def train(data: TrainingData, options: Options, progress: Progress) -> Trained:
    """Raises: DataError `too_few_rows`, `too_many_columns`, `initial_centroids`."""
    from threadpoolctl import threadpool_limits

    # The last bits of a matrix product depend on the number of threads, and its threads cost more than they give on chunks of this size.
    with threadpool_limits(limits=1, user_api="blas"):
        return _train(Points(data, options["distance_type"] == "COSINE", progress), options)


def predict(state: KMeansState, features: NDArray[np.floating]) -> FloatArray:
    """Distances to all centroids. Shapes: `features[n_rows, n_columns]`; result `[n_rows, n_clusters]`."""
    points = as_floats(features)
    if state.is_cosine:
        points = directions(points)
    squares = [squared_distances(points, centroid, is_cosine=state.is_cosine) for centroid in state.centroids]
    return np.sqrt(np.column_stack(squares))


def scores_sql(state: KMeansState, layout: Layout) -> str:
    """Distances to all centroids as DOUBLE[].

    EUCLIDEAN sums squared differences: expanded squares would cost as much and lose digits close to a centroid.
    """
    check_size(layout, len(state.centroids))
    if state.is_cosine:
        return over_terms(layout, len(state.centroids), lambda values: _cosine_distances(state, layout, values))
    return over_terms(
        layout,
        len(state.centroids),
        lambda values: sql.call("list_value", *(_distance(values, layout, centroid) for centroid in state.centroids)),
    )


def _distance(values: TermValues, layout: Layout, centroid: FloatArray) -> str:
    squares = []
    if values.numbers is not None:
        distance = sql.call("list_distance", values.numbers, sql.literal(centroid[numeric_columns(layout)].tolist()))
        if not values.codes:
            return distance
        squares.append(sql.call("pow", distance, "2"))
    for code, columns in zip(values.codes, category_columns(layout), strict=True):
        shares = centroid[columns]
        # A row with code c has 1 in column c and 0 in the others; a row of an unseen category has 0 in all.
        unseen = float(shares @ shares)
        squares.append(by_code(code, (unseen - shares**2 + (1.0 - shares) ** 2).tolist(), unseen))
    return sql.call("sqrt", sql.total(squares))


def _cosine_distances(state: KMeansState, layout: Layout, values: TermValues) -> str:
    squares = [f"CASE WHEN {code} IS NULL THEN 0 ELSE 1 END" for code in values.codes]
    if values.numbers is not None:
        squares.append(sql.call("list_dot_product", values.numbers, values.numbers))
    inner = {"numbers": values.numbers} if values.numbers is not None else {}
    inner |= {f"code_{index}": code for index, code in enumerate(values.codes)}
    inner["length"] = sql.call("sqrt", sql.total(squares))

    def distances(row: str) -> str:
        named = TermValues(
            f"{row}.numbers" if values.numbers is not None else None, tuple(f"{row}.code_{index}" for index in range(len(values.codes)))
        )
        results = []
        for centroid in state.centroids * math.sqrt(2.0):
            cosine = f"{dot_product(named, layout, centroid)} / {row}.length"
            # Rounding may put the cosine of a row and its own direction just above 1.
            distance = sql.call("sqrt", sql.call("greatest", f"1.0e0 - {cosine}", "0.0e0"))
            results.append(f"CASE WHEN {row}.length = 0 THEN 1.0e0 ELSE {distance} END")
        return sql.call("list_value", *results)

    return let("sqlml_direction", inner, distances)


def _train(points: Points, options: Options) -> Trained:
    fit = lloyd(
        points,
        _initial_centroids(points, options),
        max_iterations=options["max_iterations"],
        min_rel_progress=options["min_rel_progress"] if options["early_stop"] else None,
    )
    state = KMeansState(
        is_cosine=points.is_cosine,
        centroids=fit.centroids,
        means=_row_means(points, fit) if points.is_cosine else fit.centroids,
        radii=fit.clusters.radii,
        sizes=fit.clusters.sizes,
    )
    metrics = {"davies_bouldin_index": davies_bouldin_index(points, fit), "mean_squared_distance": fit.clusters.loss}
    return Trained(state, fit.iterations, metrics)


def _initial_centroids(points: Points, options: Options) -> FloatArray:
    method = options["kmeans_init_method"]
    if method == "CUSTOM":
        return _marked_centroids(points, options["num_clusters"], options["kmeans_init_col"])
    n_clusters = _n_clusters(points, options["num_clusters"])
    return (random_rows if method == "RANDOM" else plus_plus_rows)(points, n_clusters, points.data.seed)


def _n_clusters(points: Points, given: int | None) -> int:
    """The number of clusters: as given, or from the number of rows.

    Raises: DataError `too_few_rows` when there are not as many different rows.
    """
    wanted = given
    if wanted is None:
        wanted = min(_MAX_CLUSTERS, max(_MIN_CLUSTERS, round(math.log10(max(1, points.n_rows)))))
    _check_centroids(wanted, points.n_columns)
    n_different = len(different_rows(points, wanted))
    if n_different < _MIN_CLUSTERS:
        raise DataError(
            f"k-means needs at least {_MIN_CLUSTERS} different rows, got {n_different}", code="too_few_rows",
            hint="look at what the training query returns",
        )  # fmt: skip
    if given is not None and n_different < given:
        raise DataError(
            f"num_clusters is {given}, but the training rows have only {n_different} different values", code="too_few_rows",
            hint=f"set num_clusters to {n_different} or less",
        )  # fmt: skip
    return min(wanted, n_different)


def _check_centroids(n_clusters: int, n_columns: int) -> None:
    """Raises: DataError `too_many_columns` where the centroids would not fit into memory."""
    if n_clusters * n_columns > _MAX_CENTROID_VALUES:
        raise DataError(
            f"k-means takes at most {_MAX_CENTROID_VALUES // n_clusters:,} columns after encoding with {n_clusters} clusters, "
            f"got {n_columns:,}",
            code="too_many_columns", hint="ask for fewer clusters, or leave out columns with very many different values",
        )  # fmt: skip


def _marked_centroids(points: Points, n_clusters: int | None, column: str) -> FloatArray:
    """The rows that the user chose.

    Raises: DataError `initial_centroids` when they are too few, too many or equal.
    """
    rows = points.data.initial_rows()
    n_marked = 0 if rows is None else rows.shape[0]
    if n_clusters is not None and n_marked != n_clusters:
        raise DataError(
            f"num_clusters is {n_clusters}, but {column} is TRUE in {n_marked} rows", code="initial_centroids",
            hint="mark one row for every cluster",
        )  # fmt: skip
    if rows is None or not _MIN_CLUSTERS <= n_marked <= _MAX_CLUSTERS:
        raise DataError(
            f"{column} is TRUE in {n_marked} rows; it must be in {_MIN_CLUSTERS} to {_MAX_CLUSTERS}", code="initial_centroids",
            hint="mark one row for every cluster",
        )  # fmt: skip
    _check_centroids(n_marked, points.n_columns)
    marked: FloatArray = as_floats(dense(rows))
    if points.is_cosine:
        marked = directions(marked)
    n_different = len(np.unique(marked, axis=0))
    if n_different < len(marked):
        raise DataError(
            f"{column} marks {len(marked)} rows of which only {n_different} differ", code="initial_centroids",
            hint="mark rows that differ in their features",
        )  # fmt: skip
    return marked


def _row_means(points: Points, fit: Fit) -> FloatArray:
    """The mean of each cluster's rows as they are, not as directions. An empty cluster shows its direction."""
    sums = np.zeros_like(fit.centroids)
    nearest = Nearest(fit.centroids, is_cosine=True)
    for rows in points.raw_chunks():
        add_sums(sums, rows, nearest(directions(rows)))
    sizes = fit.clusters.sizes[:, None]
    return np.where(sizes > 0, sums / np.maximum(sizes, 1), fit.centroids)


def encoding(options: Options) -> EncodingRules:
    """Distances do not depend on where the origin is, and are summed most exactly around the mean; angles do depend on it."""
    if options["standardize_features"]:
        return EncodingRules(numbers="standardize")
    return EncodingRules(numbers="raw" if options["distance_type"] == "COSINE" else "centre")


def check(options: Options) -> None:
    """Raises: OptionError `missing_option`."""
    if options["kmeans_init_method"] == "CUSTOM" and not options["kmeans_init_col"]:
        raise OptionError(
            "kmeans_init_method", "kmeans_init_method = 'CUSTOM' needs kmeans_init_col", code="missing_option",
            hint="name the BOOLEAN column that is TRUE for the rows to start from, as kmeans_init_col = 'column'",
        )  # fmt: skip


SPEC = ModelSpec(
    model_type="KMEANS",
    task=Task.CLUSTERING,
    doc="Groups rows around centroids by distance.",
    options=(
        model_type_option("KMEANS"),
        Option(
            "num_clusters", Integer(ge=_MIN_CLUSTERS, le=_MAX_CLUSTERS), tunable=True,
            doc="Number of clusters. Default: log10 of the number of rows, rounded, at least 2, and no more than there are different rows; "
            "with CUSTOM the number of rows that kmeans_init_col marks.",
        ),
        Option(
            "kmeans_init_method", String(("RANDOM", "KMEANS++", "CUSTOM")), default="RANDOM",
            doc="Where the centroids start. RANDOM: at different rows drawn by the seed. KMEANS++: at rows far from each other, of 32,768 "
            "drawn by the seed. CUSTOM: at the rows that kmeans_init_col marks.",
        ),
        Option(
            "kmeans_init_col", String(), only_if=("kmeans_init_method", "CUSTOM"),
            doc="A BOOLEAN column, TRUE in as many rows as there are clusters; no feature.",
        ),
        Option(
            "distance_type", String(("EUCLIDEAN", "COSINE")), default="EUCLIDEAN",
            doc="EUCLIDEAN: the length of the difference. COSINE: sqrt(1 - cos) of the angle between the rows.",
        ),
        Option("standardize_features", Boolean(), default=True, doc="Whether numbers are scaled to mean 0 and standard deviation 1."),
        Option("max_iterations", Integer(ge=1), default=20, doc="Iterations at most; each is one pass over the data."),
        Option("early_stop", Boolean(), default=True, doc="Whether training stops when an iteration improves the loss too little."),
        Option(
            "min_rel_progress", Float(ge=0.0), default=0.01,
            doc="With early_stop: the iteration that lowers the loss by less than this share is the last.",
        ),
        Option(
            "warm_start", Boolean(), default=False, effect=Effect.REJECTED,
            reason="training cannot go on from an earlier version in this release; kmeans_init_method = 'CUSTOM' starts from chosen rows",
            doc="Goes on from the existing model's centroids.",
        ),
        *TUNING_OPTIONS,
        *LINEAGE_OPTIONS,
        *REGISTRY_OPTIONS,
    ),
    encoding=encoding,
    reading=Reading(ordered=True, passes="many"),
    state=KMeansState,
    n_columns=lambda state: state.centroids.shape[1],
    train=train,
    predict=predict,
    scores_sql=scores_sql,
    check=check,
)  # fmt: skip
