"""ML.METRICS against the values that BigQuery gave and scikit-learn's, over columns of every type that it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sklearn import metrics as sk

import sqlml
from sqlml.dbapi.cursor import Cursor
from sqlml.errors import Error

OBSERVED = "SELECT i < 12 AS a, i < 11 OR i BETWEEN 12 AND 21 AS p FROM range(62) r(i)"
"""TP 11, FP 10, FN 1, TN 40: reference, functions 2.2."""


@pytest.fixture(scope="module")
def cursor() -> Iterator[Cursor]:
    cursor = sqlml.connect().cursor()
    cursor.execute(f"CREATE TABLE observed AS {OBSERVED}")
    cursor.execute("CREATE TABLE numbers AS SELECT i % 7 AS a, (i * 3) % 5 AS p FROM range(30) r(i)")
    yield cursor
    cursor.connection.close()


def one(cursor: Cursor, data: str, more: str = "") -> dict[str, Any]:
    (row,) = cursor.execute(f"SELECT * FROM ML.METRICS({data}, predicted_col => 'P', actual_col => 'a'{more})").fetchall()
    return dict(zip([column[0] for column in cursor.description or ()], row, strict=True))


def test_bool_is_of_the_true_class(cursor):
    for more in ("", ", task_type => 'Classification'"):
        ours = one(cursor, "TABLE observed", more)
        assert ours == {name: pytest.approx(value, rel=1e-6) for name, value in _names(0.5238095, 11 / 12, 0.8225806, 0.6666667).items()}


@pytest.mark.parametrize("type_", ["VARCHAR", "ENUM('true', 'false')"])
def test_text_is_averaged_even_of_two_classes(cursor, type_):
    ours = one(cursor, f"(SELECT a::VARCHAR::{type_} AS a, p::VARCHAR AS p FROM observed)")
    assert ours == {
        name: pytest.approx(value, rel=1e-6) for name, value in _names(0.7497096, (11 / 12 + 0.8) / 2, 0.8225806, 0.7728938).items()
    }


@pytest.mark.parametrize("types", [("BIGINT", "TINYINT"), ("DOUBLE", "FLOAT"), ("DECIMAL(9,2)", "DECIMAL(4,1)"), ("UBIGINT", "HUGEINT")])
def test_numbers_are_regression(cursor, types):
    data = f"(SELECT a::{types[0]} AS a, p::{types[1]} AS p FROM numbers)"
    actual, predicted = zip(*cursor.execute("SELECT a, p FROM numbers").fetchall(), strict=True)
    ours = one(cursor, data, ", task_type => 'regression'")
    expected = {
        "mean_absolute_error": sk.mean_absolute_error(actual, predicted),
        "mean_squared_error": sk.mean_squared_error(actual, predicted),
        "mean_squared_log_error": sk.mean_squared_log_error(actual, predicted),
        "median_absolute_error": sk.median_absolute_error(actual, predicted),
        "r2_score": sk.r2_score(actual, predicted),
        "explained_variance": sk.explained_variance_score(actual, predicted),
    }
    assert list(ours) == list(expected)
    assert ours == {name: pytest.approx(value, rel=1e-12) for name, value in expected.items()}
    assert one(cursor, data) == ours


def test_rows_with_a_null_do_not_count(cursor):
    full = one(cursor, "TABLE observed")
    assert one(cursor, "(FROM observed UNION ALL SELECT true, NULL UNION ALL SELECT NULL, true)".replace("(FROM", "(SELECT * FROM")) == full
    for data in ("observed WHERE false", "(SELECT NULL::VARCHAR AS a, 'x' AS p)", "numbers WHERE false"):
        assert set(one(cursor, f"(SELECT * FROM {data})").values()) == {None}


def test_a_class_on_one_side_only_counts(cursor):
    ours = one(cursor, "(SELECT 'x' AS a, unnest(['x', 'y']) AS p)")
    assert ours == _names(0.5, 0.25, 0.5, pytest.approx(1 / 3, rel=1e-15))


@pytest.mark.parametrize(
    ("data", "more", "code"),
    [
        ("(SELECT 1 AS a, 1.5e0 AS p)", "", "column_type"), ("(SELECT 'x' AS a, TRUE AS p)", "", "column_type"),
        ("(SELECT 'x' AS a, 'y' AS p)", ", task_type => 'regression'", "column_type"), ("TABLE numbers", ", task_type => 'classification'", "column_type"),
        ("(SELECT [1] AS a, [1] AS p)", "", "column_type"), ("(SELECT DATE '2024-01-01' AS a, DATE '2024-01-01' AS p)", "", "column_type"),
        ("(SELECT 1 AS a)", "", "unknown_column"), ("TABLE numbers", ", task_type => 'ranking'", "option_value"),
    ],
)  # fmt: skip
def test_bad_input(cursor, data, more, code):
    with pytest.raises(Error) as raised:
        one(cursor, data, more)
    assert raised.value.code == code


def _names(precision: float, recall: float, accuracy: float, f1_score: float) -> dict[str, float]:
    return {"precision": precision, "recall": recall, "accuracy": accuracy, "f1_score": f1_score}
