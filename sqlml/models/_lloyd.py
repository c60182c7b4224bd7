"""Lloyd's algorithm over a stream of rows: one pass assigns every row to its nearest centroid and sums the rows of each cluster.

Nothing grows with the number of rows. Distances that are reported are sums of squared differences, not expanded squares, so they keep
their digits close to a centroid. For COSINE the rows are scaled to length 1/sqrt(2): the squared Euclidean distance between two of
them is then 1 - cos, the square of BigQuery's cosine distance, and the mean of a cluster's rows points where the sum of
those squares is least. Where the first centroids come from is `_initial_centroids`' business.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sqlml.models._row_chunks import row_chunks
from sqlml.state import FloatArray, IntArray
from sqlml.training.data import Iteration, Progress, TrainingData

_CHUNK_VALUES = 1 << 16
"""Numbers in a chunk: 0.5 MB. A pass makes several arrays of that size, which the allocator hands out again and again; arrays of 2 MB come
as fresh pages each time and take five times as long per row."""


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

    def chunks(self) -> Iterator[FloatArray]:
        """All points, `[n_rows, n_columns]` a chunk, the same chunks each time."""
        for rows in self.raw_chunks():
            yield directions(rows) if self.is_cosine else rows

    def raw_chunks(self) -> Iterator[FloatArray]:
        """The rows as they are, not as directions."""
        n_rows = max(256, _CHUNK_VALUES // max(1, self.n_columns))
        for block in row_chunks(self.data.train_blocks(), n_rows, self.progress):
            yield np.asarray(block.features, np.float64)


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


def directions(rows: FloatArray) -> FloatArray:
    """Rows scaled to length 1/sqrt(2); rows of zeros stay zeros."""
    lengths = np.sqrt(2.0 * np.einsum("ij,ij->i", rows, rows))
    lengths[lengths == 0.0] = 1.0
    scaled: FloatArray = rows / lengths[:, None]
    return scaled


def squared_distances(points: FloatArray, centroids: FloatArray, *, is_cosine: bool) -> FloatArray:
    """Row by row. A point or centroid without a direction has no angle with anything: its cosine counts as 0, as in scikit-learn.

    Shapes: `points[n_rows, n_columns]`, `centroids[n_rows, n_columns]` or one for all `[n_columns]`; result `[n_rows]`.
    """
    differences = points - centroids
    squares: FloatArray = np.einsum("ij,ij->i", differences, differences)
    if is_cosine:
        squares[~(points.any(axis=1) & centroids.any(axis=-1))] = 1.0
    return squares


def nearest(points: FloatArray, centroids: FloatArray, *, is_cosine: bool) -> IntArray:
    """The index of each point's centroid, the first of equally near ones."""
    scores = points @ (-2.0 * centroids.T)
    if not is_cosine:
        scores += np.einsum("ij,ij->i", centroids, centroids)
    labels: IntArray = np.argmin(scores, axis=1)
    return labels


def assign(points: Points, centroids: FloatArray) -> Clusters:
    """One pass over the points."""
    n_clusters = len(centroids)
    sizes = np.zeros(n_clusters, np.int64)
    squares = np.zeros(n_clusters)
    sums = np.zeros_like(centroids)
    for chunk in points.chunks():
        labels = nearest(chunk, centroids, is_cosine=points.is_cosine)
        distances = squared_distances(chunk, centroids[labels], is_cosine=points.is_cosine)
        sizes += np.bincount(labels, minlength=n_clusters)
        squares += np.bincount(labels, distances, minlength=n_clusters)
        sums += _sums(chunk, labels, n_clusters)
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
    for chunk in points.chunks():
        labels = nearest(chunk, fit.centroids, is_cosine=points.is_cosine)
        distances = np.sqrt(squared_distances(chunk, means[labels], is_cosine=points.is_cosine))
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


def _sums(points: FloatArray, labels: IntArray, n_clusters: int) -> FloatArray:
    """The sum of the points of each cluster, as a product with the indicators of the labels."""
    indicators = np.zeros((n_clusters, len(points)))
    indicators[labels, np.arange(len(points))] = 1.0
    return indicators @ points


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
    for chunk in points.chunks():
        labels = nearest(chunk, centroids, is_cosine=points.is_cosine)
        distances = squared_distances(chunk, centroids[labels], is_cosine=points.is_cosine)
        for row in np.argsort(-distances, kind="stable"):
            distance = float(distances[row])
            if distance <= (found[-1][0] if len(found) == n_points else 0.0):
                break
            if not any(np.array_equal(chunk[row], point) for _, point, _ in found):
                found.append((distance, chunk[row].copy(), int(labels[row])))
                found.sort(key=lambda entry: -entry[0])
                del found[n_points:]
    return [(point, owner) for _, point, owner in found]


def _iteration(index: int, clusters: Clusters, duration_ms: int) -> Iteration:
    info = zip(range(1, len(clusters.sizes) + 1), clusters.radii.tolist(), clusters.sizes.tolist(), strict=True)
    return Iteration(index, clusters.loss, duration_ms=duration_ms, cluster_info=tuple(info))
