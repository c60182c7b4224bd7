"""Dates and times where there is no function to give an example of: EXTRACT, literals, INTERVAL, sums; columns of unknown types; errors."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from bigquery_values import connect, shown, value_of

from sqlml.bigquery.translate import Context, translate
from sqlml.errors import Error


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    opened = connect()
    opened.execute(
        "CREATE TABLE t AS SELECT DATE '2020-01-31' AS d, TIMESTAMP '2020-01-31 10:20:30' AS dt, TIMESTAMPTZ '2020-01-31 10:20:30+00' AS ts,"
        " TIME '10:20:30' AS tm, CAST(3 AS BIGINT) AS n, 'America/New_York' AS zone, '+05:30' AS shift"
    )
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("EXTRACT(DAYOFWEEK FROM DATE '2024-01-07')", "1"),
        ("EXTRACT(DAYOFWEEK FROM DATE '2024-01-06')", "7"),
        ("EXTRACT(DAYOFYEAR FROM DATE '2024-12-31')", "366"),
        ("EXTRACT(WEEK FROM DATE '2017-11-05')", "45"),
        ("EXTRACT(WEEK FROM DATE '2022-01-01')", "0"),
        ("EXTRACT(WEEK FROM DATE '2023-01-01')", "1"),
        ("EXTRACT(WEEK(MONDAY) FROM DATE '2017-11-05')", "44"),
        ("EXTRACT(WEEK(MONDAY) FROM DATE '2017-11-06')", "45"),
        ("EXTRACT(WEEK(WEDNESDAY) FROM DATE '2024-01-02')", "0"),
        ("EXTRACT(WEEK(WEDNESDAY) FROM DATE '2024-01-03')", "1"),
        ("EXTRACT(ISOWEEK FROM DATE '2017-11-05')", "44"),
        ("EXTRACT(ISOYEAR FROM DATE '2024-12-30')", "2025"),
        ("EXTRACT(QUARTER FROM DATETIME '2024-12-31 00:00:00')", "4"),
        ("EXTRACT(MICROSECOND FROM TIMESTAMP '2008-12-25 05:30:01.123456+00')", "123456"),
        ("EXTRACT(MILLISECOND FROM TIMESTAMP '2008-12-25 05:30:01.123456+00')", "123"),
        ("EXTRACT(MICROSECOND FROM TIME '05:30:01.5')", "500000"),
        ("EXTRACT(HOUR FROM TIME '15:30:00')", "15"),
        ("EXTRACT(DATE FROM DATETIME '2008-12-25 15:30:00')", "2008-12-25"),
        ("EXTRACT(TIME FROM TIMESTAMP '2008-12-25 15:30:00+00')", "15:30:00"),
        ("EXTRACT(DATETIME FROM TIMESTAMP '2008-12-25 15:30:00+00')", "2008-12-25 15:30:00"),
        ("EXTRACT(DAY FROM TIMESTAMP '2008-12-25 05:30:00+00' AT TIME ZONE 'America/Los_Angeles')", "24"),
        ("EXTRACT(DATE FROM TIMESTAMP '2008-12-25 22:30:00+00' AT TIME ZONE '+05:30')", "2008-12-26"),
        ("(SELECT EXTRACT(HOUR FROM ts AT TIME ZONE zone) FROM t)", "5"),
        ("(SELECT EXTRACT(MINUTE FROM ts AT TIME ZONE shift) FROM t)", "50"),
        ("EXTRACT(YEAR FROM NULL)", "NULL"),
        ("EXTRACT(DAY FROM DATE '2021-05-20' - DATE '2020-04-19')", "396"),
        ("(SELECT EXTRACT(DAY FROM d - DATE '2019-01-31') FROM t)", "365"),
        ("EXTRACT(HOUR FROM TIMESTAMP '2021-06-01 12:34:56' - TIMESTAMP '2021-05-31 00:00:00')", "36"),
        ("(SELECT EXTRACT(HOUR FROM (a.ts - b.dt)) FROM t AS a, (SELECT DATETIME '2020-01-29 10:20:30' AS dt) AS b)", "48"),
        ("EXTRACT(DAY FROM TIMESTAMP '2021-06-01 12:34:56' - TIMESTAMP '2021-05-31 00:00:00')", "0"),
        ("EXTRACT(MONTH FROM INTERVAL '1-2 3 4:5:6.7' YEAR TO SECOND)", "2"),
        ("EXTRACT(MINUTE FROM INTERVAL '-1-2 3 -4:5:6.7' YEAR TO SECOND)", "-5"),
        ("EXTRACT(DAY FROM INTERVAL '-1-2 3 -4:5:6.7' YEAR TO SECOND)", "3"),
        ("EXTRACT(SECOND FROM INTERVAL '10:20.5' MINUTE TO SECOND)", "20"),
        ("EXTRACT(HOUR FROM INTERVAL '4 10' DAY TO HOUR)", "10"),
    ],
)
def test_extract(sql: str, value: str, connection: duckdb.DuckDBPyConnection) -> None:
    assert value_of(sql, connection) == value


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("TIMESTAMP '2020-07-01 00:00:00 America/New_York'", "2020-07-01 04:00:00+00"),
        ("TIMESTAMP '2020-7-1 1:2:3+5'", "2020-06-30 20:02:03+00"),
        ("TIMESTAMP '2020-07-01T00:00:00.5Z'", "2020-07-01 00:00:00.500000+00"),
        ("TIMESTAMP '2020-07-01 00:00:00-08:30'", "2020-07-01 08:30:00+00"),
        ("TIMESTAMP '2020-07-01'", "2020-07-01 00:00:00+00"),
        ("CAST('2020-7-1 1:2:3+5' AS TIMESTAMP)", "2020-06-30 20:02:03+00"),
        ("DATETIME '2020-7-1 1:2:3'", "2020-07-01 01:02:03"),
        ("DATE '2020-7-1'", "2020-07-01"),
        ("TIME '1:2:3'", "01:02:03"),
    ],
)
def test_literals(sql: str, value: str, connection: duckdb.DuckDBPyConnection) -> None:
    assert value_of(sql, connection) == value


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("DATE '2020-01-01' + 5", "2020-01-06"),
        ("5 + DATE '2020-01-01'", "2020-01-06"),
        ("DATE '2020-01-01' - 5", "2019-12-27"),
        ("CURRENT_DATE - 1 = DATE_SUB(CURRENT_DATE(), INTERVAL 1 DAY)", "true"),
        ("(SELECT d + 1 FROM t)", "2020-02-01"),
        ("(SELECT DATE_TRUNC(d, MONTH) - 1 FROM t)", "2019-12-31"),
        ("(SELECT n + 1 FROM t)", "4"),
        ("DATE '2020-01-31' + INTERVAL 1 MONTH", "2020-02-29 00:00:00"),
        ("TIMESTAMP '2020-01-31' - INTERVAL 90 MINUTE", "2020-01-30 22:30:00+00"),
        ("(SELECT dt + INTERVAL n DAY FROM t)", "2020-02-03 10:20:30"),
        ("(SELECT tm + INTERVAL 1 HOUR FROM t)", "11:20:30"),
        ("DATETIME '2020-01-31 00:00:00' + (INTERVAL 1 DAY + INTERVAL 2 HOUR)", "2020-02-01 02:00:00"),
    ],
)
def test_sums(sql: str, value: str, connection: duckdb.DuckDBPyConnection) -> None:
    assert value_of(sql, connection) == value


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("DATE_ADD(d, INTERVAL n MONTH)", "2020-04-30"),
        ("DATE_SUB(d, INTERVAL 1 WEEK)", "2020-01-24"),
        ("DATE_ADD(dt, INTERVAL 1 HOUR)", "2020-01-31 11:20:30"),
        ("DATE_ADD(ts, INTERVAL 1 DAY)", "2020-02-01 10:20:30+00"),
        ("DATETIME_ADD(d, INTERVAL 1 DAY)", "2020-02-01 00:00:00"),
        ("DATE_TRUNC(d, WEEK)", "2020-01-26"),
        ("DATE_TRUNC(ts, WEEK)", "2020-01-26 00:00:00+00"),
        ("DATE_TRUNC(DATE_ADD(DATE_TRUNC(DATE_SUB(d, INTERVAL 1 MONTH), MONTH), INTERVAL 1 YEAR), QUARTER)", "2020-10-01"),
        ("TIMESTAMP_TRUNC(dt, MONTH)", "2020-01-01 00:00:00"),
        ("TIMESTAMP_TRUNC(ts, DAY, zone)", "2020-01-31 05:00:00+00"),
        ("DATE(ts, shift)", "2020-01-31"),
        ("DATE(dt)", "2020-01-31"),
        ("DATETIME(ts, zone)", "2020-01-31 05:20:30"),
        ("DATETIME(d, tm)", "2020-01-31 10:20:30"),
        ("TIME(ts)", "10:20:30"),
        ("TIMESTAMP(dt, zone)", "2020-01-31 15:20:30+00"),
        ("TIMESTAMP(d, zone)", "2020-01-31 05:00:00+00"),
        ("DATE_DIFF(d, '2020-01-01', DAY)", "30"),
        ("DATE_DIFF(ts, TIMESTAMP '2020-01-30 10:20:31', DAY)", "0"),
        ("TIMESTAMP_DIFF(ts, '2020-01-30 10:20:31', HOUR)", "23"),
        ("DATETIME_DIFF(dt, DATETIME '2020-01-30 23:59:59', DAY)", "1"),
        ("LAST_DAY(dt, WEEK(MONDAY))", "2020-02-02"),
        ("FORMAT_TIMESTAMP('%F %H:%M %Ez', ts, zone)", "2020-01-31 05:20 -05:00"),
        ("FORMAT_TIME('%T', tm)", "10:20:30"),
        ("UNIX_SECONDS(ts)", "1580466030"),
    ],
)
def test_columns_whose_types_are_not_known(sql: str, value: str, connection: duckdb.DuckDBPyConnection) -> None:
    ((found,),) = connection.execute(translate(f"SELECT {sql} FROM t", Context())).fetchall()
    assert shown(found) == value


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("DATE '2020-02-30'", "is no DATE"),
        ("TIMESTAMP '2020-01-01 25:00:00'", "is no TIMESTAMP"),
        ("TIMESTAMP '2020-01-01 00:00:00.1234567'", "is no TIMESTAMP"),
        ("DATETIME '2020-01-01 00:00:00+00'", "is no DATETIME"),
        ("DATE_ADD(DATE '2020-01-01', INTERVAL 1 HOUR)", "no part HOUR"),
        ("DATE_ADD(DATE '2020-01-01', 5)", "takes INTERVAL"),
        ("DATE_DIFF(DATE '2020-01-01', DATE '2020-01-01', FORTNIGHT)", "FORTNIGHT"),
        ("TIMESTAMP_ADD(TIMESTAMP '2020-01-01', INTERVAL 1 MONTH)", "MONTH"),
        ("EXTRACT(NANOSECOND FROM TIMESTAMP '2020-01-01')", "NANOSECOND"),
        ("INTERVAL 1.5 DAY", "whole number"),
        ("INTERVAL 'x' YEAR TO MONTH", "is no INTERVAL"),
        ("FORMAT_DATE('%H', DATE '2020-01-01')", "%H"),
        ("FORMAT_DATETIME('%Ez', DATETIME '2020-01-01')", "%Ez"),
        ("FORMAT_DATE('%q', DATE '2020-01-01')", "%q"),
        ("FORMAT_DATE(x, DATE '2020-01-01')", "written as text"),
        ("PARSE_DATE('%Y %U', '2020 5')", "%U"),
        ("PARSE_TIME('%Y', '2020')", "%Y"),
        ("TIMESTAMP('2020-01-01 00:00:00+00', 'UTC')", "time zone already"),
        ("DATETIME(TIMESTAMP '2020-01-01', 'nowhere!')", "no time zone"),
        ("CURRENT_DATE('+25:00')", "no time zone"),
    ],
)
def test_refused_when_translated(sql: str, words: str) -> None:
    with pytest.raises(Error) as caught:
        translate(f"SELECT {sql}", Context())
    assert words in str(caught.value)
    assert caught.value.span is not None


@pytest.mark.parametrize(
    "sql",
    [
        "DATE_ADD(d, INTERVAL 1 HOUR)",
        "DATE_ADD(ts, INTERVAL 1 MONTH)",
        "DATE_TRUNC(d, HOUR)",
        "DATE_DIFF(ts, ts, MONTH)",
        "DATE(2023, 2, n * 10)",
        "PARSE_DATE('%F', zone)",
        "DATE(ts, 'Nowhere/There')",
        "TIMESTAMP('2020-01-01', shift || '?')",
        "TIMESTAMP_SECONDS(n * 100000000000)",
    ],
)
def test_refused_when_run(sql: str, connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error):
        connection.execute(translate(f"SELECT {sql} FROM t", Context())).fetchall()
