"""Types both ways: what a statement's type becomes, and what a column of a result is called."""

from __future__ import annotations

import pytest

import sqlml
from sqlml.bigquery.types import bigquery_type


@pytest.mark.parametrize(
    ("expression", "type_name"),
    [
        ("1", "INT64"), ("1.5", "FLOAT64"), ("NUMERIC '1.5'", "NUMERIC"), ("BIGNUMERIC '1.5'", "BIGNUMERIC"), ("TRUE", "BOOL"), ("'x'", "STRING"),
        ("b'x'", "BYTES"), ("DATE '2020-01-01'", "DATE"), ("DATETIME '2020-01-01 00:00:00'", "DATETIME"), ("TIME '10:00:00'", "TIME"),
        ("TIMESTAMP '2020-01-01 00:00:00'", "TIMESTAMP"), ("JSON '{}'", "JSON"), ("INTERVAL 1 DAY", "INTERVAL"), ("[1, 2]", "ARRAY<INT64>"),
        ("STRUCT(1 AS a, 'x' AS b)", "STRUCT<a INT64, b STRING>"), ("[STRUCT(1 AS a, 'x' AS b)]", "ARRAY<STRUCT<a INT64, b STRING>>"),
        ("STRUCT([1] AS `a b`)", "STRUCT<`a b` ARRAY<INT64>>"), ("CAST(1 AS NUMERIC)", "NUMERIC"), ("CAST('2020-01-01' AS DATE)", "DATE"),
        ("CAST([1] AS ARRAY<FLOAT64>)", "ARRAY<FLOAT64>"), ("COUNT(*)", "INT64"), ("SUM(1)", "INT64"), ("SUM(1.5)", "FLOAT64"), ("AVG(1)", "FLOAT64"),
        ("MAX(1)", "INT64"), ("7 / 2", "FLOAT64"), ("DIV(7, 2)", "INT64"), ("MOD(7, 2)", "INT64"), ("ROUND(2.5)", "FLOAT64"), ("ABS(-1)", "INT64"),
        ("SUM(NUMERIC '1.5')", "NUMERIC"), ("LENGTH('x')", "INT64"), ("CURRENT_TIMESTAMP()", "TIMESTAMP"), ("CURRENT_DATE()", "DATE"),
        ("ARRAY_AGG(1)", "ARRAY<INT64>"), ("1 + 1", "INT64"), ("1 + 1.5", "FLOAT64"), ("IF(TRUE, 1, 2)", "INT64"), ("1 = 1", "BOOL"),
        ("SAFE_CAST('x' AS INT64)", "INT64"), ("GENERATE_ARRAY(1, 3)", "ARRAY<INT64>"), ("-1", "INT64"), ("0x1F", "INT64"),
        ("FARM_FINGERPRINT('x')", "INT64"), ("EXTRACT(YEAR FROM DATE '2020-01-01')", "INT64"), ("DATE_DIFF(DATE '2020-01-01', DATE '2020-01-01', DAY)", "INT64"),
        ("STDDEV(1.0)", "FLOAT64"), ("ANY_VALUE('x')", "STRING"), ("COUNTIF(TRUE)", "INT64"), ("STRING_AGG('x')", "STRING"), ("SIGN(-2)", "INT64"),
        ("APPROX_COUNT_DISTINCT(1)", "INT64"), ("ROW_NUMBER() OVER ()", "INT64"), ("ARRAY_LENGTH([1])", "INT64"), ("POW(2, 3)", "FLOAT64"),
    ],
)  # fmt: skip
def test_types_of_columns(expression: str, type_name: str) -> None:
    with sqlml.connect(dialect="bigquery") as connection:
        description = connection.execute(f"SELECT {expression} AS c").description
    assert description is not None
    assert description[0][:2] == ("c", type_name)


@pytest.mark.parametrize(
    ("declared", "shown"),
    [
        ("INT64", "INT64"), ("INTEGER", "INT64"), ("BYTEINT", "INT64"), ("FLOAT64", "FLOAT64"), ("NUMERIC", "NUMERIC"), ("NUMERIC(10, 2)", "NUMERIC"),
        ("DECIMAL", "NUMERIC"), ("BIGNUMERIC", "BIGNUMERIC"), ("BIGDECIMAL", "BIGNUMERIC"), ("BOOL", "BOOL"), ("BOOLEAN", "BOOL"),
        ("STRING", "STRING"), ("STRING(10)", "STRING"), ("BYTES", "BYTES"), ("BYTES(4)", "BYTES"), ("DATE", "DATE"), ("DATETIME", "DATETIME"),
        ("TIME", "TIME"), ("TIMESTAMP", "TIMESTAMP"), ("JSON", "JSON"), ("INTERVAL", "INTERVAL"), ("ARRAY<DATE>", "ARRAY<DATE>"),
        ("STRUCT<a INT64, b ARRAY<STRUCT<c STRING>>>", "STRUCT<a INT64, b ARRAY<STRUCT<c STRING>>>"),
    ],
)  # fmt: skip
def test_types_of_tables(declared: str, shown: str) -> None:
    with sqlml.connect(dialect="bigquery") as connection:
        connection.execute(f"CREATE TABLE t (c {declared})")
        description = connection.execute("SELECT c FROM t").description
        in_schema = connection.execute("SELECT data_type FROM main.INFORMATION_SCHEMA.COLUMNS").fetchall()
    assert description is not None
    assert description[0][1] == shown
    assert in_schema == [(shown,)]


def test_the_flavour_of_a_result_is_that_of_its_statement() -> None:
    with sqlml.connect() as connection:
        before = connection.execute("SELECT 1 AS a")
        connection.execute("SET sqlml.dialect = 'bigquery'")
        after = connection.execute("SELECT 1 AS a")
        assert before.description is not None
        assert after.description is not None
        assert (before.description[0][1], after.description[0][1]) == ("INTEGER", "INT64")


def test_type_objects_know_both_names() -> None:
    with sqlml.connect(dialect="bigquery") as connection:
        description = connection.execute(
            "SELECT 1 AS a, 'x' AS b, b'x' AS c, DATETIME '2020-01-01 00:00:00' AS d, NUMERIC '1' AS e"
        ).description
    assert description is not None
    kinds = [sqlml.NUMBER, sqlml.STRING, sqlml.BINARY, sqlml.DATETIME, sqlml.NUMBER]
    assert [column[1] for column in description] == kinds


@pytest.mark.parametrize(
    ("duckdb", "name"),
    [
        ("ENUM('a', 'b')", "STRING"), ("DOUBLE[3]", "ARRAY<FLOAT64>"), ("MAP(VARCHAR, INTEGER)", "ARRAY<STRUCT<key STRING, value INT64>>"),
        ("UUID", "STRING"), ("HUGEINT", "NUMERIC"), ("DECIMAL(38,0)", "BIGNUMERIC"), ("TIMESTAMP_NS", "DATETIME"), ("GEOMETRY", "GEOMETRY"),
    ],
)  # fmt: skip
def test_types_that_bigquery_lacks(duckdb: str, name: str) -> None:
    assert bigquery_type(duckdb) == name
