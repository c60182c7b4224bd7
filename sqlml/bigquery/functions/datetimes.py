"""DATETIME and its functions: dates with a time of day, without a time zone (DuckDB's TIMESTAMP)."""

from __future__ import annotations

from sqlml.bigquery import moment_parts, moments
from sqlml.bigquery.functions.dates import RANGE, bucket, year_checked
from sqlml.bigquery.functions.formatting import DIFFERS, formatted, parsed
from sqlml.bigquery.moment_rules import now
from sqlml.bigquery.moments import DATE, DATETIME, TIME, TIMESTAMP, any_zone, cast, fn, kind_of, local, typed, zone
from sqlml.bigquery.translation import Call, Example, Translation


def _datetime(call: Call) -> str:
    if len(call) == 6:
        year, month, day, hour, minute, second = call.sqls
        date = fn("make_date", year_checked(year), month, day)
        return cast(f"{date} + {fn('make_time', hour_checked(hour), minute, second_checked(second))}", DATETIME)
    if len(call) not in (1, 2):
        call.fail(f"DATETIME takes 1, 2 or 6 arguments, got {len(call)}")
    if len(call) == 1:
        text = call.text(0)
        if text is not None and moments.read_literal(text, DATETIME) is None:
            return cast(moments.literal(call, text, TIMESTAMP), DATETIME)
        return cast(typed(call, 0, DATETIME), DATETIME)
    if call.text(1) is not None:
        return local(typed(call, 0, TIMESTAMP), zone(call, 1))
    value, second = typed(call, 0, DATETIME), call.sql(1)
    if kind_of(second) == TIME:
        return cast(f"{cast(value, DATE)} + {second}", DATETIME)
    with_time = f"TRY_CAST({value} AS DATE) + TRY_CAST({second} AS TIME)"
    return cast(f"CASE WHEN {moments.is_kind(second, TIME)} THEN {with_time} ELSE {local(value, any_zone(second))} END", DATETIME)


def hour_checked(hour: str) -> str:
    """An hour as an argument of make_time, which takes 24."""
    return f"CASE WHEN {hour} > 23 THEN {moments.error('the hour must be 0 to 23')} ELSE {hour} END"


def second_checked(second: str) -> str:
    """A second as an argument of make_time, which takes 60, and fractions."""
    return f"CASE WHEN {second} >= 60 THEN {moments.error('the second must be 0 to 59')} ELSE {second} END"


def _current(call: Call) -> str:
    return now(DATETIME, zone(call, 0) if len(call) else None)


ROWS = (
    Translation(
        "CURRENT_DATETIME", "CURRENT_DATETIME([time_zone])", _current, arity=(0, 1),
        examples=(
            Example("CURRENT_DATETIME() = DATETIME(CURRENT_TIMESTAMP())", "true"),
            Example("DATETIME_DIFF(CURRENT_DATETIME('+05:30'), CURRENT_DATETIME('UTC'), MINUTE)", "330"),
        ),
    ),
    Translation(
        "DATETIME", "DATETIME(year, month, day, hour, minute, second), DATETIME(date[, time]), DATETIME(timestamp[, time_zone])", _datetime,
        arity=(1, 6),
        examples=(
            Example("DATETIME(2008, 12, 25, 05, 30, 00)", "2008-12-25 05:30:00"),
            Example("DATETIME(TIMESTAMP '2008-12-25 05:30:00+00', 'America/Los_Angeles')", "2008-12-24 21:30:00"),
            Example("DATETIME(TIMESTAMP '2008-12-25 05:30:00+00')", "2008-12-25 05:30:00"),
            Example("DATETIME(DATE '2008-12-25')", "2008-12-25 00:00:00"),
            Example("DATETIME(DATE '2008-12-25', TIME '05:30:00')", "2008-12-25 05:30:00"), Example("DATETIME(NULL)", "NULL"),
            Example("DATETIME(DATE '2008-12-25', TIME(5, 30, 0))", "2008-12-25 05:30:00"),
            Example("(SELECT DATETIME(a, b) FROM (SELECT DATE '2008-12-25' AS a, TIME '05:30:00' AS b))", "2008-12-25 05:30:00"),
            Example("(SELECT DATETIME(a, b) FROM (SELECT TIMESTAMP '2008-12-25 05:30:00' AS a, '+05:30' AS b))", "2008-12-25 11:00:00"),
            Example("SAFE.DATETIME(2008, 12, 25, 24, 0, 0)", "NULL"), Example("SAFE.DATETIME(2008, 12, 25, 23, 0, 60)", "NULL"),
        ),
    ),
    Translation(
        "DATETIME_ADD", "DATETIME_ADD(datetime, INTERVAL number part)",
        lambda call: moment_parts.moved(call, DATETIME, "+"), arity=(2, 2), differs=RANGE,
        examples=(
            Example("DATETIME_ADD(DATETIME '2008-12-25 15:30:00', INTERVAL 10 MINUTE)", "2008-12-25 15:40:00"),
            Example("DATETIME_ADD(DATETIME '2024-01-31 15:30:00', INTERVAL 1 MONTH)", "2024-02-29 15:30:00"),
            Example("DATETIME_ADD(DATE '2024-01-31', INTERVAL 90 SECOND)", "2024-01-31 00:01:30"),
            Example("DATETIME_ADD('2024-01-31 00:00:00', INTERVAL 1500 MILLISECOND)", "2024-01-31 00:00:01.500000"),
        ),
    ),
    Translation(
        "DATETIME_SUB", "DATETIME_SUB(datetime, INTERVAL number part)",
        lambda call: moment_parts.moved(call, DATETIME, "-"), arity=(2, 2), differs=RANGE,
        examples=(
            Example("DATETIME_SUB(DATETIME '2008-12-25 15:30:00', INTERVAL 10 MINUTE)", "2008-12-25 15:20:00"),
            Example("DATETIME_SUB(DATETIME '2024-03-31 15:30:00', INTERVAL 1 MONTH)", "2024-02-29 15:30:00"),
            Example("DATETIME_SUB(DATETIME '2024-03-31 00:00:00', INTERVAL 1 MICROSECOND)", "2024-03-30 23:59:59.999999"),
        ),
    ),
    Translation(
        "DATETIME_DIFF", "DATETIME_DIFF(end_datetime, start_datetime, part)",
        lambda call: moment_parts.distance(call, DATETIME), arity=(3, 3),
        examples=(
            Example("DATETIME_DIFF(DATETIME '2010-07-07 10:20:00', DATETIME '2008-12-25 15:30:00', DAY)", "559"),
            Example("DATETIME_DIFF(DATETIME '2017-10-15 00:00:00', DATETIME '2017-10-14 00:00:00', WEEK)", "1"),
            Example("DATETIME_DIFF('2017-12-18', '2017-12-17', WEEK(MONDAY))", "1"),
            Example("DATETIME_DIFF('2017-12-30 00:00:00', '2014-12-30 00:00:00', ISOYEAR)", "2"),
            Example("DATETIME_DIFF(DATETIME '2017-10-15 00:00:00', DATETIME '2017-10-14 23:59:59', HOUR)", "1"),
            Example("DATETIME_DIFF(DATETIME '2017-10-15 00:00:00.5', DATETIME '2017-10-15 00:00:00', MILLISECOND)", "500"),
            Example("(SELECT DATETIME_DIFF(a, DATETIME '2024-01-01 00:00:59', MINUTE) FROM (SELECT DATETIME '2024-01-01 00:01:00' AS a))",
                    "1"),
        ),
    ),
    Translation(
        "DATETIME_TRUNC", "DATETIME_TRUNC(datetime, part), DATETIME_TRUNC(timestamp, part[, time_zone])",
        lambda call: moment_parts.truncated(call, DATETIME),
        arity=(2, 3),
        examples=(
            Example("DATETIME_TRUNC(DATETIME '2008-12-25 15:30:00', DAY)", "2008-12-25 00:00:00"),
            Example("DATETIME_TRUNC(DATETIME '2017-11-05 00:00:00', WEEK(MONDAY))", "2017-10-30 00:00:00"),
            Example("DATETIME_TRUNC('2015-06-15 00:00:00', ISOYEAR)", "2014-12-29 00:00:00"),
            Example("DATETIME_TRUNC(DATETIME '2008-12-25 15:30:31.123456', MILLISECOND)", "2008-12-25 15:30:31.123000"),
        ),
    ),
    Translation(
        "FORMAT_DATETIME", "FORMAT_DATETIME(format, datetime)", lambda call: formatted(call, DATETIME), arity=(2, 2), differs=DIFFERS,
        examples=(
            Example("FORMAT_DATETIME('%c', DATETIME '2008-12-25 15:30:00')", "Thu Dec 25 15:30:00 2008"),
            Example("FORMAT_DATETIME('%b-%d-%Y', DATETIME '2008-12-25 15:30:00')", "Dec-25-2008"),
            Example("FORMAT_DATETIME('%F %T %R %I %l %k %p %P', DATETIME '2008-12-25 05:30:00')",
                    "2008-12-25 05:30:00 05:30 05  5  5 AM am"),
            Example("FORMAT_DATETIME('%I %l %r', DATETIME '2008-12-25 00:30:00')", "12 12 12:30:00 AM"),
            Example("FORMAT_DATETIME('%E*S|%E3S|%E6S|%E0S', DATETIME '2008-12-25 00:30:05.12')", "05.12|05.120|05.120000|05"),
            Example("FORMAT_DATETIME('%E*S %s', DATETIME '1969-12-31 23:59:50.5')", "50.5 -10"),
            Example("FORMAT_DATETIME('%E*S', DATETIME '1969-12-31')", "00"),
        ),
    ),
    Translation(
        "PARSE_DATETIME", "PARSE_DATETIME(format, text)", lambda call: parsed(call, DATETIME), arity=(2, 2),
        examples=(
            Example("PARSE_DATETIME('%Y-%m-%d %H:%M:%S', '1998-10-18 13:45:55')", "1998-10-18 13:45:55"),
            Example("PARSE_DATETIME('%m/%d/%Y %I:%M:%S %p', '8/30/2018 2:23:38 pm')", "2018-08-30 14:23:38"),
            Example("PARSE_DATETIME('%A, %B %e, %Y', 'Wednesday, December 19, 2018')", "2018-12-19 00:00:00"),
            Example("PARSE_DATETIME('%a %b %e %I:%M:%S %Y', 'Thu Dec 25 07:30:00 2008')", "2008-12-25 07:30:00"),
            Example("PARSE_DATETIME('%c', 'Thu Dec 25 07:30:00 2008')", "2008-12-25 07:30:00"),
            Example("PARSE_DATETIME('%F %H:%M:%E*S', '2024-01-05 07:30:05.25')", "2024-01-05 07:30:05.250000"),
            Example("PARSE_DATETIME('%F %H:%M:%E*S', '2024-01-05 07:30:05')", "2024-01-05 07:30:05"),
            Example("PARSE_DATETIME('%H', '7')", "1970-01-01 07:00:00"),
            Example("SAFE.PARSE_DATETIME('%a %b %e %I:%M:%S', 'Thu Dec 25 07:30:00 2008')", "NULL"),
        ),
    ),
    Translation(
        "DATETIME_BUCKET", "DATETIME_BUCKET(datetime, INTERVAL number part[, origin])", lambda call: bucket(call, DATETIME), arity=(2, 3),
        examples=(
            Example("DATETIME_BUCKET(DATETIME '1949-12-30 13:00:00', INTERVAL 12 HOUR)", "1949-12-30 12:00:00"),
            Example("DATETIME_BUCKET(DATETIME '2000-12-20 00:00:00', INTERVAL 7 DAY, DATETIME '2000-12-22 12:00:00')",
                    "2000-12-15 12:00:00"),
        ),
    ),
)  # fmt: skip
