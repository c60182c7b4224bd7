"""ML.DETECT_ANOMALIES against numpy and scikit-learn on the same columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA

import sqlml


@pytest.fixture
def connection() -> Iterator[sqlml.Connection]:
    with sqlml.connect() as opened:
        yield opened


def run(connection: sqlml.Connection, text: str) -> list[Any]:
    cursor = connection.cursor()
    cursor.execute(text)
    return cursor.fetchall() if cursor.description else []


def test_k_means_counts_distances_in_radii(connection: sqlml.Connection) -> None:
    run(connection, "CREATE TABLE t AS SELECT i, sin(i * i) + i % 3 * 2 AS x, 10 * cos(i) * (1 + i % 3) AS y FROM range(1000) r(i)")
    run(
        connection,
        "CREATE MODEL m OPTIONS (model_type = 'KMEANS', num_clusters = 3, early_stop = FALSE, max_iterations = 100) AS SELECT x, y FROM t",
    )
    points = np.array(run(connection, "SELECT x, y FROM t ORDER BY i"))
    centre, scale = points.mean(axis=0), points.std(axis=0)
    listed = run(connection, "SELECT numerical_value FROM ML.CENTROIDS(MODEL m) ORDER BY centroid_id, feature")
    centroids = (np.array(listed).reshape(3, 2) - centre) / scale
    distances = np.linalg.norm((points - centre)[:, None] / scale - centroids[None], axis=2)
    nearest = distances.argmin(axis=1)
    radii = np.array([np.sqrt((distances[nearest == k, k] ** 2).mean()) for k in range(3)])
    ratios = distances / radii
    for contamination in (0.0, 0.013, 0.1, 0.5):
        found = run(connection, f"SELECT * FROM ML.DETECT_ANOMALIES(MODEL m, STRUCT({contamination} AS contamination), TABLE t) ORDER BY i")
        np.testing.assert_allclose([row[1] for row in found], ratios.min(axis=1), rtol=1e-9)
        assert [row[2] for row in found] == (ratios.argmin(axis=1) + 1).tolist()
        threshold = np.quantile(ratios.min(axis=1), 1 - contamination)
        above = ratios.min(axis=1) > threshold * (1 + 1e-9)
        assert [row[0] for row in found] == above.tolist()
        assert sum(above) == pytest.approx(1000 * contamination, abs=1)


def test_a_cluster_of_equal_rows_has_no_radius(connection: sqlml.Connection) -> None:
    run(connection, "CREATE TABLE t AS SELECT CASE WHEN i < 50 THEN 0e0 ELSE 100e0 END AS x FROM range(100) r(i)")
    run(connection, "CREATE MODEL m OPTIONS (model_type = 'KMEANS', num_clusters = 2, standardize_features = FALSE) AS SELECT x FROM t")
    query = "SELECT is_anomaly, normalized_distance FROM ML.DETECT_ANOMALIES(MODEL m, STRUCT(0.1 AS contamination), (SELECT * FROM (VALUES (0e0), (1e0)) v(x)))"
    assert sorted(run(connection, query)) == [(False, 0.0), (True, float("inf"))]


@pytest.mark.parametrize("n_components", [1, 2, 5])
def test_pca_gives_the_error_of_the_reconstruction(connection: sqlml.Connection, n_components: int) -> None:
    run(
        connection,
        "CREATE TABLE t AS SELECT i, sin(i) AS a, cos(i) + sin(i * 7) AS b, sin(i) * 3 + cos(i * 5) / 2 AS c,"
        " CASE WHEN i % 7 < 3 THEN 'u' WHEN i % 7 < 5 THEN 'v' ELSE 'w' END AS k FROM range(400) r(i)",
    )
    run(connection, f"CREATE MODEL m OPTIONS (model_type = 'PCA', num_principal_components = {n_components}) AS SELECT a, b, c, k FROM t")
    rows = run(connection, "SELECT a, b, c, k FROM t ORDER BY i")
    numbers = np.array([row[:3] for row in rows])
    matrix = np.hstack(
        [(numbers - numbers.mean(axis=0)) / numbers.std(axis=0), np.array([[row[3] == k for k in "uvw"] for row in rows], float)]
    )
    model = PCA(n_components).fit(matrix)
    errors = ((matrix - model.inverse_transform(model.transform(matrix))) ** 2).mean(axis=1)
    found = run(connection, "SELECT * FROM ML.DETECT_ANOMALIES(MODEL m, STRUCT(0.05 AS contamination), TABLE t) ORDER BY i")
    np.testing.assert_allclose([row[1] for row in found], errors, rtol=1e-9, atol=1e-14)
    if n_components < 5:
        assert [row[0] for row in found] == (errors > np.quantile(errors, 0.95)).tolist()
    # NULL takes the mean, and a category that training has not seen sets no column.
    ((error,),) = run(
        connection,
        "SELECT mean_squared_error FROM ML.DETECT_ANOMALIES(MODEL m, STRUCT(0.05 AS contamination), (SELECT NULL::DOUBLE a, 2e0 b, 1e0 c, 'new' k))",
    )
    row = (np.array([[numbers[:, 0].mean(), 2.0, 1.0]]) - numbers.mean(axis=0)) / numbers.std(axis=0)
    row = np.hstack([row, np.zeros((1, 3))])
    assert error == pytest.approx(((row - model.inverse_transform(model.transform(row))) ** 2).mean(), rel=1e-9)


def test_pca_of_arrays_is_pca_of_their_columns(connection: sqlml.Connection) -> None:
    run(
        connection,
        "CREATE TABLE t AS SELECT *, [a, b] AS v, list_filter(['p', 'q', 'q'], lambda e: e = 'p' AND p = 1 OR e = 'q' AND q = 1) AS l,"
        " [{'index': 0, 'value': s / 2}, {'index': 2, 'value': u}, {'index': 0, 'value': s / 2}] AS w FROM"
        " (SELECT i, sin(i) AS a, cos(i * 3) AS b, CAST(i % 2 = 0 AS INTEGER) AS p, CAST(i % 3 > 0 AS INTEGER) AS q,"
        " sin(i * 5) AS s, 0e0 AS z, cos(i * i) AS u FROM range(300) r(i))",
    )
    options = "OPTIONS (model_type = 'PCA', num_principal_components = 3, scale_features = FALSE)"
    run(connection, f"CREATE MODEL columns {options} AS SELECT a, b, p, q, s, z, u FROM t")
    run(connection, f"CREATE MODEL arrays {options} AS SELECT v, l, w FROM t")
    query = "SELECT mean_squared_error FROM ML.DETECT_ANOMALIES(MODEL {}, STRUCT(0.1 AS contamination), TABLE t) ORDER BY i"
    plain, packed = (np.array(run(connection, query.format(name)))[:, 0] for name in ("columns", "arrays"))
    np.testing.assert_allclose(packed, plain, rtol=1e-9)


def test_a_transform_reads_the_raw_columns(connection: sqlml.Connection) -> None:
    run(connection, "CREATE TABLE t AS SELECT i, sin(i) AS a, cos(i * 3) AS b FROM range(300) r(i)")
    for kind, options in (("KMEANS", "num_clusters = 3"), ("PCA", "num_principal_components = 1")):
        run(
            connection,
            f"CREATE MODEL m{kind} TRANSFORM (a * 2 AS a, a + b AS c) OPTIONS (model_type = '{kind}', {options}) AS SELECT a, b FROM t",
        )
        found = run(connection, f"SELECT is_anomaly, a, b FROM ML.DETECT_ANOMALIES(MODEL m{kind}, STRUCT(0.1 AS contamination), TABLE t)")
        assert sum(row[0] for row in found) == 30
        assert sorted(row[1:] for row in found) == sorted(run(connection, "SELECT a, b FROM t"))


def test_the_threshold_is_that_of_training(connection: sqlml.Connection) -> None:
    run(connection, "CREATE TABLE t AS SELECT sin(i) AS a, cos(i * 3) AS b FROM range(300) r(i)")
    run(connection, "CREATE MODEL m OPTIONS (model_type = 'KMEANS', num_clusters = 2) AS SELECT a, b FROM t")
    query = "SELECT avg(CAST(is_anomaly AS INTEGER)) FROM ML.DETECT_ANOMALIES(MODEL m, STRUCT(0.1 AS contamination), {})"
    assert run(connection, query.format("(SELECT a * 100 AS a, b FROM t)"))[0][0] > 0.9
    assert run(connection, query.format("(SELECT 0e0 AS a, 0e0 AS b)"))[0][0] == 0.0
