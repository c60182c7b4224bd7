"""Metrics of numeric predictions against scikit-learn's."""

from __future__ import annotations

import math

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from sqlml.metrics.regression import regression_metrics

CONNECTION = duckdb.connect()
"""Shared, since opening one takes longer than most queries here."""
NAMES = ("mean_absolute_error", "mean_squared_error", "mean_squared_log_error", "median_absolute_error", "r2_score", "explained_variance")

# Multiples of 1/64, whose sums are exact: equal labels have then exactly no variance, in scikit-learn too.
numbers = st.integers(-(2**16), 2**16).map(lambda i: i / 64)
pairs = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=40)


def evaluate(actual: list[float | None], predicted: list[float | None]) -> dict[str, float | None]:
    rows = pa.table({"y": pa.array(actual, pa.float64()), "p": pa.array(predicted, pa.float64())})
    CONNECTION.register("rows", rows)
    result = CONNECTION.sql(regression_metrics("FROM rows", '"y"', '"p"')).to_arrow_table()
    assert tuple(result.column_names) == NAMES
    assert set(result.schema.types) == {pa.float64()}
    assert result.num_rows == 1
    return result.to_pylist()[0]


def reference(actual: list[float], predicted: list[float]) -> dict[str, float | None]:
    return {
        "mean_absolute_error": sk.mean_absolute_error(actual, predicted),
        "mean_squared_error": sk.mean_squared_error(actual, predicted),
        "mean_squared_log_error": sk.mean_squared_log_error(actual, predicted) if min(*actual, *predicted) >= 0 else None,
        "median_absolute_error": sk.median_absolute_error(actual, predicted),
        "r2_score": sk.r2_score(actual, predicted) if len(actual) > 1 else None,
        "explained_variance": sk.explained_variance_score(actual, predicted),
    }


def assert_close(ours: dict[str, float | None], expected: dict[str, float | None]) -> None:
    for name, value in expected.items():
        assert ours[name] == (value if value is None else pytest.approx(value, rel=1e-12, abs=1e-12, nan_ok=True)), name


@settings(max_examples=60, deadline=None)
@given(pairs)
def test_equal_to_scikit_learn(rows):
    actual, predicted = map(list, zip(*rows, strict=True))
    assert_close(evaluate(actual, predicted), reference(actual, predicted))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(numbers.map(abs), numbers.map(abs)), min_size=2, max_size=40))
def test_equal_to_scikit_learn_without_negative_values(rows):
    actual, predicted = map(list, zip(*rows, strict=True))
    ours = evaluate(actual, predicted)
    assert ours["mean_squared_log_error"] is not None
    assert_close(ours, reference(actual, predicted))


def test_log_error_keeps_small_values():
    assert evaluate([1e-9], [3e-9])["mean_squared_log_error"] == pytest.approx(4e-18, rel=1e-8)
    assert evaluate([0.49, 0.5, 0.51], [0.0, 0.0, 0.0])["mean_squared_log_error"] == pytest.approx(
        sk.mean_squared_log_error([0.49, 0.5, 0.51], [0.0] * 3), rel=1e-14
    )


@pytest.mark.parametrize(("actual", "predicted"), [([-0.5, 2.0], [1.0, 2.0]), ([1.0, 2.0], [1.0, -1.0]), ([1.0, 2.0], [1.0, -7.0])])
def test_negative_values_have_no_log_error_and_all_other_metrics(actual, predicted):
    ours = evaluate(actual, predicted)
    assert ours.pop("mean_squared_log_error") is None
    assert None not in ours.values()


@pytest.mark.parametrize(("predicted", "score"), [([3.0, 3.0, 3.0], 1.0), ([3.0, 3.0, 3.5], 0.0)])
def test_equal_labels(predicted, score):
    ours = evaluate([3.0, 3.0, 3.0], predicted)
    assert ours["r2_score"] == score
    assert ours["explained_variance"] == score


def test_constant_error_is_explained_and_not_accurate():
    ours = evaluate([1.0, 2.0, 3.0], [2.0, 3.0, 4.0])
    assert ours["explained_variance"] == 1.0
    assert ours["r2_score"] == -0.5


def test_one_row_has_no_r2():
    ours = evaluate([2.0], [1.0])
    assert ours["r2_score"] is None
    assert ours["median_absolute_error"] == 1.0


@pytest.mark.parametrize("rows", [([], []), ([None, 1.0], [1.0, None])])
def test_without_rows_every_metric_is_null(rows):
    assert set(evaluate(*rows).values()) == {None}


def test_rows_with_null_do_not_count():
    assert evaluate([1.0, None, 4.0, 2.0], [2.0, 9.0, 2.0, None]) == evaluate([1.0, 4.0], [2.0, 2.0])


def test_nan_is_not_hidden():
    ours = evaluate([1.0, 2.0, 3.0], [1.0, math.nan, 3.0])
    assert all(math.isnan(ours[name]) for name in ("mean_absolute_error", "mean_squared_error", "r2_score", "explained_variance"))


def test_labels_far_from_zero_lose_nothing():
    rng = np.random.default_rng(1)
    actual = rng.integers(-64, 64, 5_000) / 64
    predicted = actual + rng.integers(-8, 8, 5_000) / 64
    near = evaluate(actual.tolist(), predicted.tolist())
    far = evaluate((actual + 2.0**40).tolist(), (predicted + 2.0**40).tolist())
    for name in ("mean_squared_error", "r2_score", "explained_variance"):
        assert far[name] == pytest.approx(near[name], rel=1e-12)


def test_order_and_threads_do_not_matter():
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 1002 + sin(i) * 1000 AS y, y + cos(i * 7) AS p, hash(i) AS h FROM range(300_000) r(i)")
        ours = []
        for threads, relation in ((1, "FROM t"), (2, "FROM t"), (2, "FROM t ORDER BY h")):
            connection.execute(f"SET threads = {threads}")
            ours.append(connection.execute(regression_metrics(relation, "y", "p")).fetchone())
    for other in ours[1:]:
        assert other == pytest.approx(ours[0], rel=1e-14)


def test_the_relation_is_evaluated_once():
    with duckdb.connect() as connection:
        connection.execute("CREATE SEQUENCE calls")
        connection.execute("CREATE TABLE t AS SELECT i::DOUBLE AS y FROM range(100) r(i)")
        connection.execute(regression_metrics("SELECT y, y + 0 * nextval('calls') AS p FROM t", "y", "p")).fetchall()
        assert connection.execute("SELECT currval('calls')").fetchone() == (100,)


def test_names_of_the_relation_do_not_clash_with_ours():
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE pairs AS SELECT 1.0 AS predicted, 3.0 AS actual, 5.0 AS centre")
        row = connection.execute(regression_metrics("FROM pairs", "predicted", "centre")).fetchone()
    assert row is not None
    assert row[0] == 4.0
