"""CAST and SAFE_CAST give BigQuery's values, whatever the type of the value is."""

from __future__ import annotations

import duckdb
import pytest
from bigquery_values import connect, value_of


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return connect()


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("CAST(2.5 AS INT64)", "3"), ("CAST(-2.5 AS INT64)", "-3"), ("CAST(3.5 AS INT64)", "4"), ("CAST(2.4 AS INT64)", "2"),
        ("CAST(NUMERIC '2.5' AS INT64)", "3"), ("CAST('12' AS INT64)", "12"), ("CAST('-0x1F' AS INT64)", "-31"), ("CAST('0xff' AS INT64)", "255"),
        ("CAST(TRUE AS INT64)", "1"), ("CAST(NULL AS INT64)", "NULL"), ("SAFE_CAST('2.5' AS INT64)", "NULL"), ("SAFE_CAST('x' AS INT64)", "NULL"),
        ("SAFE_CAST(1e30 AS INT64)", "NULL"), ("SAFE_CAST(CAST('nan' AS FLOAT64) AS INT64)", "NULL"),
        ("CAST(1.0 AS STRING)", "1"), ("CAST(1e16 AS STRING)", "1e+16"), ("CAST(0.1 + 0.2 AS STRING)", "0.30000000000000004"), ("CAST(1.5 AS STRING)", "1.5"), ("CAST(CAST('nan' AS FLOAT64) AS STRING)", "NaN"),
        ("CAST(CAST('inf' AS FLOAT64) AS STRING)", "inf"), ("CAST(NUMERIC '1.50' AS STRING)", "1.5"), ("CAST(NUMERIC '10' AS STRING)", "10"),
        ("CAST(TRUE AS STRING)", "true"), ("CAST(b'ab' AS STRING)", "ab"), ("CAST('ab' AS BYTES)", 'b"ab"'),
        ("CAST(DATE '2026-01-31' AS STRING)", "2026-01-31"), ("CAST(TIMESTAMP '2026-01-31 10:00:00+00' AS STRING)", "2026-01-31 10:00:00+00"),
        ("CAST(TIMESTAMP '2020-01-01 00:00:00.5+00' AS STRING)", "2020-01-01 00:00:00.500+00"),
        ("CAST(TIMESTAMP '2020-01-01 00:00:00.12+00' AS STRING)", "2020-01-01 00:00:00.120+00"),
        ("CAST(TIMESTAMP '2020-01-01 00:00:00.1234+00' AS STRING)", "2020-01-01 00:00:00.123400+00"),
        ("CAST(DATETIME '2020-01-01 00:00:00.123' AS STRING)", "2020-01-01 00:00:00.123"),
        ("CAST(DATETIME '2020-01-01 00:00:00.123456' AS STRING)", "2020-01-01 00:00:00.123456"),
        ("CAST(DATETIME '2020-01-01 00:00:00.00001' AS STRING)", "2020-01-01 00:00:00.000010"),
        ("CAST(TIME '00:00:00.5' AS STRING)", "00:00:00.500"), ("CAST(TIME '12:30:01' AS STRING)", "12:30:01"),
        ("CAST(TIME '12:30:01.00025' AS STRING)", "12:30:01.000250"), ("SAFE_CAST(TIME '12:30:01.1' AS STRING)", "12:30:01.100"),
        ("(SELECT CAST(x AS STRING) FROM (SELECT DATETIME '2020-01-01 10:00:00.25' AS x))", "2020-01-01 10:00:00.250"),
        ("CAST('2.5' AS STRING)", "2.5"), ("CAST(CAST(NULL AS TIME) AS STRING)", "NULL"),
        ("CAST('true' AS BOOL)", "true"), ("CAST('FALSE' AS BOOL)", "false"), ("SAFE_CAST('t' AS BOOL)", "NULL"), ("CAST(2 AS BOOL)", "true"),
        ("CAST('1.5' AS FLOAT64)", "1.5"), ("SAFE_CAST('a' AS FLOAT64)", "NULL"), ("CAST('2026-01-31' AS DATE)", "2026-01-31"),
        ("CAST(TIMESTAMP '2026-01-31 23:00:00-05' AS DATE)", "2026-02-01"), ("CAST('1.1234567894' AS NUMERIC)", "1.123456789"),
        ("CAST([1, 2] AS ARRAY<FLOAT64>)", "[1.0, 2.0]"), ("CAST(STRUCT(1 AS a) AS STRUCT<a FLOAT64>)", "{a: 1.0}"),
    ],
)  # fmt: skip
def test_values(expression: str, value: str, connection: duckdb.DuckDBPyConnection) -> None:
    assert value_of(expression, connection) == value


@pytest.mark.parametrize(
    "expression", ["CAST('2.5' AS INT64)", "CAST('' AS INT64)", "CAST('yes' AS BOOL)", "CAST(1e30 AS INT64)", "CAST('x' AS FLOAT64)"]
)
def test_bad_values_are_errors(expression: str, connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error):
        value_of(expression, connection)
