"""Terms in SQL give the codes and numbers that they promise, whatever the number of categories."""

from __future__ import annotations

import datetime

import duckdb
import pytest

from sqlml import sql
from sqlml.features import expressions
from sqlml.types import SqlType


def _one(expression: str, value: object, type_name: str) -> object:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t AS SELECT CAST($1 AS {type_name}) AS x", [value])
        ((result,),) = connection.execute(f"SELECT {expression} FROM t").fetchall()
        return result


@pytest.mark.parametrize("n_categories", [1, 3, expressions.CASE_LIMIT, expressions.CASE_LIMIT + 1, 500])
@pytest.mark.parametrize("null_code", [None, 7777])
def test_code_finds_known_unseen_and_missing_categories(n_categories: int, null_code: int | None) -> None:
    categories = [f"it's {index}" for index in range(n_categories)]
    code = expressions.code('"x"', categories, null_code, None)
    assert _one(code, categories[-1], "VARCHAR") == n_categories - 1
    assert _one(code, "unseen", "VARCHAR") is None
    assert _one(code, None, "VARCHAR") == null_code


def test_code_reads_a_dictionary() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE d AS SELECT 'v' || range AS __sqlml_value, CAST(range AS INTEGER) AS __sqlml_code FROM range(20000)"
        )
        code = expressions.code('"x"', [f"v{index}" for index in range(20000)], 20000, "d")
        rows = connection.execute(f"SELECT {code} FROM (VALUES ('v17'), ('nope'), (NULL)) AS t(x)").fetchall()
    assert rows == [(17,), (None,), (20000,)]


def test_number_counts_nan_as_missing() -> None:
    assert _one(expressions.number("x", SqlType("DOUBLE")), float("nan"), "DOUBLE") is None
    assert _one(expressions.number("x", SqlType("FLOAT")), float("nan"), "FLOAT") is None
    assert _one(expressions.number("x", SqlType("DECIMAL(5,2)")), "1.25", "DECIMAL(5,2)") == 1.25
    assert _one(expressions.number("x", SqlType("BIGINT")), 7, "BIGINT") == 7.0


@pytest.mark.parametrize(
    ("moment", "parts"),
    [
        # The first Sunday of 2023 is 1 January, of 2024 is 7 January: BigQuery's WEEK counts the days before it as week 0.
        (datetime.datetime(2023, 1, 1, 5, 6), ("1", "1", "1", "5", "6", "1", "2023")),
        (datetime.datetime(2024, 1, 6, 23, 59), ("6", "7", "1", "23", "59", "0", "2024")),
        (datetime.datetime(2024, 1, 7), ("7", "1", "1", "0", "0", "1", "2024")),
        (datetime.datetime(2024, 12, 31), ("31", "3", "12", "0", "0", "52", "2024")),
    ],
)
def test_timestamp_parts_are_those_of_bigquery(moment: datetime.datetime, parts: tuple[str, ...]) -> None:
    got = tuple(
        _one(expressions.category("x", SqlType("TIMESTAMP"), part.prefix), moment, "TIMESTAMP") for part in expressions.TIMESTAMP_PARTS
    )
    assert got == parts


def test_timestamps_with_a_zone_do_not_depend_on_the_sessions_zone() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT TIMESTAMPTZ '2024-03-01 23:30:00+00' AS x")
        results = []
        for zone in ("UTC", "Asia/Tokyo"):
            connection.execute(f"SET TimeZone = {sql.literal(zone)}")
            type_ = SqlType("TIMESTAMP WITH TIME ZONE")
            query = f"SELECT {expressions.number('x', type_)}, {expressions.category('x', type_, '_TS_DOM_')} FROM t"
            results.append(connection.execute(query).fetchall())
    assert results[0] == results[1] == [(1709335800.0, "1")]
