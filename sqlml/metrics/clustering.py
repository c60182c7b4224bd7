"""Metrics of a clustering as SQL over the distances to all centroids."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sqlml import sql


def clustering_metrics(relation: str, distances: str, centroids: NDArray[np.float64]) -> str:
    """One row: davies_bouldin_index, mean_squared_distance.

    Args: relation, a query with a column `distances` (DOUBLE[], by centroid); centroids `[n_clusters, n_columns]`.
    Clusters without a row do not take part in the index; with fewer than two it is NULL.
    Source: sklearn.metrics.davies_bouldin_score, with the model's centroids.
    """
    apart = np.sqrt(((centroids[:, None, :] - centroids[None, :, :]) ** 2).sum(axis=2))
    least = sql.call("list_aggregate", distances, "'min'")
    cluster = sql.call("list_position", distances, least)
    spread = sql.call("avg", "distance")
    between = sql.call("list_extract", sql.call("list_extract", sql.literal(apart.tolist()), "a.cluster"), "b.cluster")
    ratio = sql.call("max", f"(a.spread + b.spread) / nullif({between}, 0.0e0)")
    mean_square = f"{sql.call('sum', 'a.squares')} / {sql.call('sum', 'a.n')}"
    return (
        f"WITH assigned AS (SELECT {least} AS distance, {cluster} AS cluster FROM ({relation})),"
        f" clusters AS (SELECT cluster, {spread} AS spread, {sql.call('sum', 'distance * distance')} AS squares,"
        f" {sql.call('count', '*')} AS n FROM assigned GROUP BY cluster),"
        f" worst AS (SELECT a.cluster, {ratio} AS ratio FROM clusters a JOIN clusters b ON a.cluster <> b.cluster GROUP BY a.cluster)"
        f" SELECT (SELECT {sql.call('avg', 'ratio')} FROM worst) AS davies_bouldin_index, {mean_square} AS mean_squared_distance"
        f" FROM clusters a"
    )
