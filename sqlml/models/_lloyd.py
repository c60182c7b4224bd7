"""Lloyd's algorithm over a stream of rows: one pass assigns every row to its nearest centroid and sums the rows of each cluster.

Nothing grows with the number of rows. Distances that are reported are sums of squared differences, not expanded squares, so they keep
their digits close to a centroid; of sparse rows only the squares of a centroid where a row stores nothing are a difference of sums.
Centroids are dense, and sparse rows are never made so. For COSINE the rows are scaled to length 1/sqrt(2): the squared Euclidean distance
between two of them is then 1 - cos, the square of BigQuery's cosine distance, and the mean of a cluster's rows points where the sum of
those squares is least. Where the first centroids come from is `_initial_centroids`' business.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sqlml.models._row_chunks import row_chunks, sparse_rows
from sqlml.models._sparse import as_floats, csr, dense, is_sparse, row_of_stored, row_sums
from sqlml.state import FloatArray, IntArray
from sqlml.training.data import Iteration, Progress, TrainingData

_CHUNK_VALUES = 1 << 16
"""Numbers in a chunk: 0.5 MB. A pass makes several arrays of that size, which the allocator hands out again and again; arrays of 2 MB come
as fresh pages each time and take five times as long per row."""

_OUTPUTS = 16
"""Distances per row that the length of a sparse chunk allows for, whatever the number of clusters, so that chunks depend on rows alone."""


@dataclass(frozen=True)
class Points:
    """The training rows as points of the model's space."""

    data: TrainingData
    is_cosine: bool
    progress: Progress

    @property
    def n_rows(self) -> int:
        return self.data.n_train

    @property
    def n_columns(self) -> int:
        return self.data.layout.n_columns

    @property
    def row_bytes(self) -> float:
        """What a row takes in memory, as numbers or as numbers and their columns."""
        layout = self.data.layout
        return 12.0 * max(1.0, layout.mean_stored) if layout.is_sparse else 8.0 * max(1, layout.n_columns)

    def chunks(self) -> Iterator[Any]:
        """All points, `[n_rows, n_columns]` a chunk, dense or sparse, the same chunks each time."""
        for rows in self.raw_chunks():
            yield directions(rows) if self.is_cosine else rows

    def raw_chunks(self) -> Iterator[Any]:
        """The rows as they are, not as directions."""
        n_rows = max(256, _CHUNK_VALUES // max(1, self.n_columns))
        for block in row_chunks(self.data.train_blocks(), n_rows, self.progress, sparse_rows=sparse_rows(_OUTPUTS)):
            yield as_floats(block.features)


@dataclass(frozen=True)
class Clusters:
    """What one pass finds. Shapes: `sizes[n_clusters]`, `sums[n_clusters, n_columns]`, `squares[n_clusters]` (summed squared distances)."""

    sizes: IntArray
    sums: FloatArray
    squares: FloatArray

    @property
    def loss(self) -> float:
        """Mean squared distance of the points to their centroids."""
        return float(self.squares.sum() / self.sizes.sum())

    @property
    def radii(self) -> FloatArray:
        """Root mean square distance of each cluster's points; 0 for an empty cluster."""
        return np.sqrt(self.squares / np.maximum(self.sizes, 1))


@dataclass(frozen=True)
class Fit:
    """The end of Lloyd's algorithm: `clusters` belong to `centroids`."""

    centroids: FloatArray
    clusters: Clusters
    iterations: tuple[Iteration, ...]


def directions(rows: Any) -> Any:
    """Rows scaled to length 1/sqrt(2); rows of zeros stay zeros."""
    squares = row_sums(rows, np.square(rows.data)) if is_sparse(rows) else np.einsum("ij,ij->i", rows, rows)
    lengths = np.sqrt(2.0 * squares)
    lengths[lengths == 0.0] = 1.0
    if is_sparse(rows):
        return csr(rows.data / lengths[row_of_stored(rows)], rows.indices, rows.indptr, rows.shape[1])
    return rows / lengths[:, None]


def squared_distances(points: Any, centroids: FloatArray, *, is_cosine: bool, labels: IntArray | None = None) -> FloatArray:
    """Row by row. A point or centroid without a direction has no angle with anything: its cosine counts as 0, as in scikit-learn.

    Args: labels, the centroid of each row.
    Shapes: `points[n_rows, n_columns]`, dense or sparse; `centroids[n_clusters, n_columns]` with labels, otherwise one for all,
    `[n_columns]`, or of dense points one each, `[n_rows, n_columns]`; result `[n_rows]`.
    """
    squares: FloatArray
    if is_sparse(points):
        stored = centroids[points.indices] if labels is None else centroids[labels[row_of_stored(points)], points.indices]
        lengths = np.einsum("...j,...j->...", centroids, centroids)
        elsewhere = (lengths if labels is None else lengths[labels]) - row_sums(points, stored * stored)
        differences = points.data - stored
        squares = row_sums(points, differences * differences) + np.maximum(elsewhere, 0.0)
        has_direction = row_sums(points, np.square(points.data)) > 0.0
    else:
        of_rows = centroids if labels is None else centroids[labels]
        differences = points - of_rows
        squares = np.einsum("ij,ij->i", differences, differences)
        has_direction = points.any(axis=1)
    if is_cosine:
        directed = np.asarray(centroids.any(axis=-1))
        squares[~(has_direction & (directed if labels is None else directed[labels]))] = 1.0
    return squares


class Nearest:
    """Finds the nearest of some centroids, the first of equally near ones."""

    def __init__(self, centroids: FloatArray, *, is_cosine: bool) -> None:
        # In the order in which products with sparse rows read it, which would otherwise be made for each of them.
        self._factors = np.ascontiguousarray(-2.0 * centroids.T)
        self._lengths = 0.0 if is_cosine else np.einsum("ij,ij->i", centroids, centroids)

    def __call__(self, points: Any) -> IntArray:
        """The index of each point's centroid. Shapes: `points[n_rows, n_columns]`; result `[n_rows]`."""
        scores = points @ self._factors
        scores += self._lengths
        labels: IntArray = np.argmin(scores, axis=1)
        return labels


def assign(points: Points, centroids: FloatArray) -> Clusters:
    """One pass over the points."""
    n_clusters = len(centroids)
    sizes = np.zeros(n_clusters, np.int64)
    squares = np.zeros(n_clusters)
    sums = np.zeros_like(centroids)
    nearest = Nearest(centroids, is_cosine=points.is_cosine)
    for chunk in points.chunks():
        labels = nearest(chunk)
        distances = squared_distances(chunk, centroids, is_cosine=points.is_cosine, labels=labels)
        sizes += np.bincount(labels, minlength=n_clusters)
        squares += np.bincount(labels, distances, minlength=n_clusters)
        add_sums(sums, chunk, labels)
    return Clusters(sizes, sums, squares)


def lloyd(points: Points, centroids: FloatArray, *, max_iterations: int, min_rel_progress: float | None) -> Fit:
    """Moves the centroids to the means of their points until nothing moves, or the loss falls too slowly, or time is up.

    Args: min_rel_progress, the iteration that lowers the loss by less than this share is the last; None to go on until nothing moves.
    Each iteration moves the centroids and then assigns the points, so the last row of the training info describes the model.
    """
    started = time.perf_counter()
    clusters = assign(points, centroids)
    iterations: list[Iteration] = []
    gain = 0.0
    for index in range(max_iterations):
        moved = _moved(points, centroids, clusters)
        is_settled = np.array_equal(moved, centroids)
        loss_before = clusters.loss
        centroids, clusters = moved, assign(points, moved)
        now = time.perf_counter()
        iterations.append(_iteration(index, clusters, round((now - started) * 1000)))
        started = now
        points.progress.iteration(iterations[-1], of=max_iterations)
        gain = (loss_before - clusters.loss) / loss_before if loss_before > 0.0 else 0.0
        if is_settled or (min_rel_progress is not None and gain < min_rel_progress):
            break
    else:
        points.progress.notice(
            "not_converged",
            f"k-means stopped after {max_iterations} iterations; the last one lowered the loss by {gain:.2%} (max_iterations allows more)",
        )
    return Fit(centroids, clusters, tuple(iterations))


def davies_bouldin_index(points: Points, fit: Fit) -> float:
    """How much the clusters overlap: 0 is best. Clusters without a point take no part.

    Reads the points once more, since distances count from the mean of a cluster's points, which the centroid is only when nothing moves.
    Source: sklearn.metrics.davies_bouldin_score; for COSINE the same ratio of cosine distances.
    """
    filled = fit.clusters.sizes > 0
    means = _means(fit.clusters, fit.centroids, is_cosine=points.is_cosine)
    sums = np.zeros(len(means))
    nearest = Nearest(fit.centroids, is_cosine=points.is_cosine)
    for chunk in points.chunks():
        labels = nearest(chunk)
        distances = np.sqrt(squared_distances(chunk, means, is_cosine=points.is_cosine, labels=labels))
        sums += np.bincount(labels, distances, minlength=len(means))
    spreads = sums[filled] / fit.clusters.sizes[filled]
    means = means[filled]
    worst = np.zeros(len(means))
    for index, mean in enumerate(means):
        apart = np.sqrt(squared_distances(means, mean, is_cosine=points.is_cosine))
        apart[index] = np.inf
        # Two clusters with one mean cannot be compared; scikit-learn leaves them out as well.
        apart[apart == 0.0] = np.inf
        worst[index] = ((spreads + spreads[index]) / apart).max()
    return float(worst.mean())


def add_sums(sums: FloatArray, points: Any, labels: IntArray) -> None:
    """Adds the points of each cluster, as a product with the indicators of the labels. Shapes: `sums[n_clusters, n_columns]`."""
    n_clusters, n_points = len(sums), len(labels)
    if not is_sparse(points):
        indicators = np.zeros((n_clusters, n_points))
        indicators[labels, np.arange(n_points)] = 1.0
        sums += indicators @ points
        return
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(n_clusters + 1))
    of_clusters = csr(np.ones(n_points), order, starts, n_points) @ points
    sums[row_of_stored(of_clusters), of_clusters.indices] += of_clusters.data


def _means(clusters: Clusters, otherwise: FloatArray, *, is_cosine: bool) -> FloatArray:
    filled = clusters.sizes > 0
    means = np.where(filled[:, None], clusters.sums / np.maximum(clusters.sizes, 1)[:, None], otherwise)
    return directions(means) if is_cosine else means


def _moved(points: Points, centroids: FloatArray, clusters: Clusters) -> FloatArray:
    """The next centroids: the clusters' means. An empty cluster starts again at the point that is farthest from its own centroid.

    Source: sklearn.cluster.KMeans relocates empty clusters in this way.
    """
    empty = np.flatnonzero(clusters.sizes == 0)
    if len(empty):
        sizes, sums = clusters.sizes.copy(), clusters.sums.copy()
        for cluster, (point, owner) in zip(empty, _farthest(points, centroids, len(empty)), strict=False):
            sums[owner] -= point
            sizes[owner] -= 1
            sums[cluster] = point
            sizes[cluster] = 1
        clusters = Clusters(sizes, sums, clusters.squares)
    return _means(clusters, centroids, is_cosine=points.is_cosine)


def _farthest(points: Points, centroids: FloatArray, n_points: int) -> list[tuple[FloatArray, int]]:
    """Up to n_points different points that are not at their centroids, with their clusters, the farthest first."""
    found: list[tuple[float, FloatArray, int]] = []
    nearest = Nearest(centroids, is_cosine=points.is_cosine)
    for chunk in points.chunks():
        labels = nearest(chunk)
        distances = squared_distances(chunk, centroids, is_cosine=points.is_cosine, labels=labels)
        for row in np.argsort(-distances, kind="stable"):
            distance = float(distances[row])
            if distance <= (found[-1][0] if len(found) == n_points else 0.0):
                break
            candidate = dense(chunk[[row]])[0]
            if not any(np.array_equal(candidate, point) for _, point, _ in found):
                found.append((distance, candidate, int(labels[row])))
                found.sort(key=lambda entry: -entry[0])
                del found[n_points:]
    return [(point, owner) for _, point, owner in found]


def _iteration(index: int, clusters: Clusters, duration_ms: int) -> Iteration:
    info = zip(range(1, len(clusters.sizes) + 1), clusters.radii.tolist(), clusters.sizes.tolist(), strict=True)
    return Iteration(index, clusters.loss, duration_ms=duration_ms, cluster_info=tuple(info))
