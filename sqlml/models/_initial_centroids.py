"""Where k-means starts: different training rows, drawn by chance from a seed or chosen by the user.

Rows arrive in an order that their content fixes, so the same seed draws the same rows. Two equal starting points would leave a cluster
empty; every method here gives different ones.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sqlml.models._lloyd import Points, squared_distances
from sqlml.models._sparse import as_csr, dense, is_sparse, joined
from sqlml.state import FloatArray

_SAMPLE_ROWS = 32_768
_SAMPLE_BYTES = 64 * 2**20
"""KMEANS++ looks at a uniform sample of at most so many rows and bytes. The exact method needs a pass over all rows for each centroid, and
the start matters less than the iterations that follow, which see all rows."""


def different_rows(points: Points, limit: int) -> FloatArray:
    """The first different points, in the order of rows; fewer than `limit` when there are no more."""
    found = np.empty((0, points.n_columns))
    for chunk in points.chunks():
        found = _add_different(found, chunk, limit)
        if len(found) == limit:
            break
    return found


def random_rows(points: Points, n_centroids: int, seed: int) -> FloatArray:
    """Different points drawn uniformly from the rows."""
    # More than needed, since rows of categories are often equal.
    drawn = _sample(points, min(points.n_rows, 4 * n_centroids), np.random.default_rng(seed))
    return _filled(points, _add_different(np.empty((0, points.n_columns)), drawn, n_centroids), n_centroids)


def plus_plus_rows(points: Points, n_centroids: int, seed: int) -> FloatArray:
    """Points far from each other: each is drawn with a probability that grows with its squared distance from those before it.

    Of a few candidates the one that lowers the total distance most is taken.
    Source: Arthur and Vassilvitskii 2007, with the greedy candidates of sklearn.cluster.kmeans_plusplus.
    """
    random = np.random.default_rng(seed)
    n_sample = min(_SAMPLE_ROWS, int(_SAMPLE_BYTES / points.row_bytes))
    sample = _sample(points, min(points.n_rows, max(n_sample, 4 * n_centroids)), random)
    chosen = [int(random.integers(sample.shape[0]))]
    closest = squared_distances(sample, dense(sample[chosen])[0], is_cosine=points.is_cosine)
    n_candidates = 2 + int(math.log(n_centroids))
    while len(chosen) < n_centroids:
        cumulated = np.cumsum(closest)
        if cumulated[-1] <= 0.0:
            break
        draws = random.random(n_candidates) * cumulated[-1]
        # The last point stands for a draw that rounding put behind the total.
        candidates = np.minimum(np.searchsorted(cumulated, draws, side="right"), int(np.flatnonzero(closest)[-1]))
        best, closer, row = np.inf, closest, chosen[0]
        for candidate in candidates.tolist():
            points.progress.check()
            distances = np.minimum(closest, squared_distances(sample, dense(sample[[candidate]])[0], is_cosine=points.is_cosine))
            if (total := float(distances.sum())) < best:
                best, closer, row = total, distances, candidate
        chosen.append(row)
        closest = closer
    return _filled(points, dense(sample[chosen]), n_centroids)


def _sample(points: Points, n_rows: int, random: np.random.Generator) -> Any:
    """Rows drawn without replacement, in the order of the draw, dense or sparse as they are."""
    positions = random.choice(points.n_rows, n_rows, replace=False)
    order = np.argsort(positions)
    ascending = positions[order]
    found = []
    start = 0
    for chunk in points.chunks():
        first, last = np.searchsorted(ascending, (start, start + chunk.shape[0]))
        if last > first:
            found.append(chunk[ascending[first:last] - start])
        start += chunk.shape[0]
        if last == n_rows:
            break
    return joined(found)[np.argsort(order)]


def _add_different(found: FloatArray, rows: Any, limit: int) -> FloatArray:
    """`found` with the rows that equal none of it, up to `limit` in all. Dense, whatever the rows are."""
    if is_sparse(rows):
        return _add_different_sparse(found, rows, limit)
    for known in found:
        rows = rows[(rows != known).any(axis=1)]
    added = [found]
    n_found = len(found)
    while len(rows) and n_found < limit:
        added.append(rows[:1])
        n_found += 1
        rows = rows[(rows != rows[0]).any(axis=1)]
    return np.concatenate(added)


def _add_different_sparse(found: FloatArray, rows: Any, limit: int) -> FloatArray:
    """The same by a number for each row, its product with fixed random numbers: equal rows have equal ones, and practically no others."""
    if len(found) >= limit:
        return found
    factors = np.random.default_rng(0).normal(size=rows.shape[1])
    numbers = rows @ factors
    new = np.sort(np.unique(numbers, return_index=True)[1])
    new = new[~np.isin(numbers[new], as_csr(found) @ factors)][: limit - len(found)]
    return np.concatenate([found, dense(rows[new])])


def _filled(points: Points, centroids: FloatArray, n_centroids: int) -> FloatArray:
    """The centroids, completed with other rows where chance found too few different ones."""
    if len(centroids) == n_centroids:
        return centroids
    # n_centroids different rows hold at least as many new ones as are missing.
    return _add_different(centroids, different_rows(points, n_centroids), n_centroids)
