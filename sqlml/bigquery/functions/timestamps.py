"""TIMESTAMP and its functions: points in time (DuckDB's TIMESTAMP WITH TIME ZONE; the connection's time zone is UTC)."""

from __future__ import annotations

from sqlml import sql
from sqlml.bigquery import moment_parts, moments
from sqlml.bigquery.functions.dates import RANGE, bucket
from sqlml.bigquery.functions.formatting import DIFFERS, formatted, parsed
from sqlml.bigquery.moment_rules import now
from sqlml.bigquery.moments import DATE, DATETIME, TIMESTAMP, cast, error, fn, instant, kind_of, local, typed, zone
from sqlml.bigquery.translation import Call, Example, Translation

_LEAST, _MOST = -62135596800000000, 253402300799999999
"""Microseconds of the first and the last TIMESTAMP."""


def _timestamp(call: Call) -> str:
    if len(call) == 1:
        return cast(typed(call, 0, TIMESTAMP), TIMESTAMP)
    text, clock = call.text(0), zone(call, 1)
    if text is not None:
        value = moments.read_literal(text, DATETIME)
        if value is None:
            moments.literal(call, text, TIMESTAMP)
            call.fail(f"{text!r} has a time zone already", "leave out the second argument")
        return instant(value, clock)
    value = typed(call, 0, DATETIME)
    if kind_of(value):
        return instant(value, clock)
    both = error("the text has a time zone already: TIMESTAMP takes no second one")
    has_zone = fn("regexp_matches", cast(value, "VARCHAR"), "'(:[0-9.]+ *[+-][0-9:]+|[A-Za-z]+)$'")
    return f"CASE WHEN {moments.is_kind(value, 'VARCHAR')} AND {has_zone} THEN {both} ELSE {instant(value, clock)} END"


def _current(_: Call) -> str:
    return now(TIMESTAMP, None)


def _of_number(micros: int) -> str:
    """TIMESTAMP_SECONDS and its like, of so many microseconds."""
    least, most = -(-_LEAST // micros), _MOST // micros
    outside = error("there is no such TIMESTAMP")
    number = f"CASE WHEN {{0}} BETWEEN {least} AND {most} THEN {{0}} * {micros} WHEN {{0}} IS NULL THEN NULL ELSE {outside} END"
    return cast(fn("make_timestamp", number), TIMESTAMP)


def _unix(unit: str, micros: int) -> str:
    """Rounded down, before 1970 too."""
    moment = "CAST({0} AS TIMESTAMP WITH TIME ZONE)"
    return f"({fn('epoch_us', fn('date_trunc', sql.literal(unit), moment))} // {micros})"


def _string(call: Call) -> str:
    """As CAST … AS STRING, in a time zone: 0, 3 or 6 digits behind the seconds, minutes of the offset where there are any."""
    value = typed(call, 0, TIMESTAMP)
    kind = kind_of(value)
    if len(call) > 1:
        clock = local(value, zone(call, 1))
        offset = fn("date_diff", "'minute'", local(value, "'UTC'"), clock)
        return f"({_written(clock)} || {_offset(offset)})"
    if kind == DATE:
        return cast(value, "VARCHAR")
    if kind == TIMESTAMP:
        return f"({_written(value)} || '+00')"
    if kind == DATETIME:
        return _written(value)
    moment = f"TRY_CAST({value} AS TIMESTAMP)"
    text = fn("json_extract_string", f"TRY_CAST({value} AS JSON)", "'$'")
    is_text = f"{fn('json_type', f'TRY_CAST({value} AS JSON)')} = 'VARCHAR'"
    return (
        f"CASE WHEN {moments.is_kind(value, 'JSON')} THEN CASE WHEN {value} IS NULL OR {is_text} THEN {text}"
        f" ELSE {error('STRING takes JSON that is text')} END WHEN {moments.is_kind(value, TIMESTAMP)} THEN {_written(moment)} || '+00'"
        f" WHEN {moments.is_kind(value, DATETIME)} THEN {_written(moment)} ELSE {cast(value, 'VARCHAR')} END"
    )


def _written(clock: str) -> str:
    return fn("regexp_replace", fn("strftime", clock, "'%Y-%m-%d %H:%M:%S.%f'"), "'(\\.000000|000)$'", "''")


def _offset(minutes: str) -> str:
    sign = f"CASE WHEN {minutes} < 0 THEN '-' ELSE '+' END"
    hours, rest = f"{fn('abs', minutes)} // 60", f"{fn('abs', minutes)} % 60"
    whole, broken = fn("printf", "'%s%02d'", sign, hours), fn("printf", "'%s%02d:%02d'", sign, hours, rest)
    return f"CASE WHEN {rest} = 0 THEN {whole} ELSE {broken} END"


def _array(call: Call) -> str:
    number, part = moment_parts.step_of(call, 2, (*moment_parts.TIME_PARTS, "DAY"))
    first, last = cast(typed(call, 0, TIMESTAMP), TIMESTAMP), cast(typed(call, 1, TIMESTAMP), TIMESTAMP)
    series = fn("generate_series", first, last, moment_parts.step(number, part))
    return f"CASE WHEN {number} = 0 THEN {error('the step must not be zero')} ELSE {series} END"


ROWS = (
    Translation(
        "CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP()", _current, arity=(0, 0),
        differs="The moment at which the transaction began.", examples=(Example("CURRENT_TIMESTAMP() > TIMESTAMP '2024-01-01'", "true"),
        Example("CURRENT_TIMESTAMP = CURRENT_TIMESTAMP()", "true")),
    ),
    Translation(
        "TIMESTAMP", "TIMESTAMP(string[, time_zone]), TIMESTAMP(date[, time_zone]), TIMESTAMP(datetime[, time_zone])",
        _timestamp, arity=(1, 2),
        examples=(
            Example("TIMESTAMP('2008-12-25 15:30:00+00')", "2008-12-25 15:30:00+00"),
            Example("TIMESTAMP('2008-12-25 15:30:00', 'America/Los_Angeles')", "2008-12-25 23:30:00+00"),
            Example("TIMESTAMP('2008-12-25 15:30:00 UTC')", "2008-12-25 15:30:00+00"),
            Example("TIMESTAMP(DATETIME '2008-12-25 15:30:00')", "2008-12-25 15:30:00+00"),
            Example("TIMESTAMP(DATE '2008-12-25')", "2008-12-25 00:00:00+00"),
            Example("TIMESTAMP(DATE '2008-12-25', '+05:30')", "2008-12-24 18:30:00+00"),
            Example("TIMESTAMP('2008-1-5T5:3:0-8')", "2008-01-05 13:03:00+00"),
            Example("TIMESTAMP('2008-12-25')", "2008-12-25 00:00:00+00"),
            Example("TIMESTAMP('2020-11-01 01:30:00', 'America/Los_Angeles')", "2020-11-01 08:30:00+00"),
            Example("TIMESTAMP('2020-11-01 01:30:00', NULL)", "NULL"),
            Example("TIMESTAMP('2020-03-08 02:30:00 America/Los_Angeles')", "2020-03-08 10:30:00+00"), Example("TIMESTAMP(NULL)", "NULL"),
            Example("(SELECT TIMESTAMP(a, 'America/New_York') FROM (SELECT '2020-07-01 12:00:00' AS a))", "2020-07-01 16:00:00+00"),
            Example("(SELECT SAFE.TIMESTAMP(a, 'UTC') FROM (SELECT '2020-07-01 12:00:00+05' AS a))", "NULL"),
            Example("(SELECT TIMESTAMP(a, 'UTC') FROM (SELECT '2020-07-01' AS a))", "2020-07-01 00:00:00+00"),
        ),
    ),
    Translation(
        "TIMESTAMP_ADD", "TIMESTAMP_ADD(timestamp, INTERVAL number part)",
        lambda call: moment_parts.moved(call, TIMESTAMP, "+"), arity=(2, 2), differs=RANGE,
        examples=(
            Example("TIMESTAMP_ADD(TIMESTAMP '2008-12-25 15:30:00+00', INTERVAL 10 MINUTE)", "2008-12-25 15:40:00+00"),
            Example("TIMESTAMP_ADD('2008-12-25 15:30:00+00', INTERVAL 2 DAY)", "2008-12-27 15:30:00+00"),
            Example("TIMESTAMP_ADD(NULL, INTERVAL 2 DAY)", "NULL"),
        ),
    ),
    Translation(
        "TIMESTAMP_SUB", "TIMESTAMP_SUB(timestamp, INTERVAL number part)",
        lambda call: moment_parts.moved(call, TIMESTAMP, "-"), arity=(2, 2), differs=RANGE,
        examples=(Example("TIMESTAMP_SUB(TIMESTAMP '2008-12-25 15:30:00+00', INTERVAL 10 MINUTE)", "2008-12-25 15:20:00+00"),),
    ),
    Translation(
        "TIMESTAMP_DIFF", "TIMESTAMP_DIFF(end_timestamp, start_timestamp, part)",
        lambda call: moment_parts.distance(call, TIMESTAMP), arity=(3, 3),
        examples=(
            Example("TIMESTAMP_DIFF(TIMESTAMP '2010-07-07 10:20:00+00', TIMESTAMP '2008-12-25 15:30:00+00', HOUR)", "13410"),
            Example("TIMESTAMP_DIFF(TIMESTAMP '2018-08-14', TIMESTAMP '2018-10-14', DAY)", "-61"),
            Example("TIMESTAMP_DIFF('2001-02-01 01:00:00', '2001-02-01 00:00:01', HOUR)", "0"),
            Example("TIMESTAMP_DIFF('2001-02-01 00:00:01', '2001-02-01 01:00:00', MINUTE)", "-59"),
            Example("TIMESTAMP_DIFF(NULL, TIMESTAMP '2018-10-14', DAY)", "NULL"),
            Example("(SELECT TIMESTAMP_DIFF(a, TIMESTAMP '2024-01-01 00:00:01', DAY) FROM (SELECT TIMESTAMP '2024-01-02' AS a))",
                    "0"),
        ),
    ),
    Translation(
        "TIMESTAMP_TRUNC", "TIMESTAMP_TRUNC(timestamp, part[, time_zone])",
        lambda call: moment_parts.truncated(call, TIMESTAMP), arity=(2, 3),
        examples=(
            Example("TIMESTAMP_TRUNC(TIMESTAMP '2008-12-25 15:30:00+00', DAY, 'UTC')", "2008-12-25 00:00:00+00"),
            Example("TIMESTAMP_TRUNC(TIMESTAMP '2008-12-25 15:30:00+00', DAY, 'America/Los_Angeles')", "2008-12-25 08:00:00+00"),
            Example("TIMESTAMP_TRUNC(TIMESTAMP '2017-11-06 00:00:00+12', WEEK(MONDAY), 'UTC')", "2017-10-30 00:00:00+00"),
            Example("TIMESTAMP_TRUNC(TIMESTAMP '2017-11-06 00:00:00+12', WEEK(MONDAY), 'Pacific/Auckland')", "2017-11-05 11:00:00+00"),
            Example("TIMESTAMP_TRUNC('2015-06-15 00:00:00+00', ISOYEAR)", "2014-12-29 00:00:00+00"),
            Example("TIMESTAMP_TRUNC(TIMESTAMP '2020-11-01 09:45:00+00', HOUR, 'America/Los_Angeles')", "2020-11-01 09:00:00+00"),
            Example("TIMESTAMP_TRUNC(TIMESTAMP '2020-11-01 09:45:00+00', HOUR, '+05:30')", "2020-11-01 09:30:00+00"),
            Example("TIMESTAMP_TRUNC(DATETIME '2020-11-01 09:45:00', HOUR)", "2020-11-01 09:00:00"),
        ),
    ),
    Translation(
        "FORMAT_TIMESTAMP", "FORMAT_TIMESTAMP(format, timestamp[, time_zone])",
        lambda call: formatted(call, TIMESTAMP), arity=(2, 3), differs=DIFFERS,
        examples=(
            Example("FORMAT_TIMESTAMP('%c', TIMESTAMP '2050-12-25 15:30:55+00', 'UTC')", "Sun Dec 25 15:30:55 2050"),
            Example("FORMAT_TIMESTAMP('%b-%d-%Y', TIMESTAMP '2050-12-25 15:30:55+00')", "Dec-25-2050"),
            Example("FORMAT_TIMESTAMP('%Y-%m-%dT%H:%M:%SZ', TIMESTAMP '2050-12-25 15:30:55', 'UTC')", "2050-12-25T15:30:55Z"),
            Example("FORMAT_TIMESTAMP('%H:%M %z %Ez %Z', TIMESTAMP '2020-12-25 15:30:55+00', 'America/Los_Angeles')",
                    "07:30 -0800 -08:00 UTC-8"),
            Example("FORMAT_TIMESTAMP('%H:%M %z %Ez %Z', TIMESTAMP '2020-12-25 15:30:55+00', '+05:30')", "21:00 +0530 +05:30 UTC+5:30"),
            Example("FORMAT_TIMESTAMP('%z %Ez %Z %s', TIMESTAMP '1970-01-01 00:00:05+00')", "+0000 +00:00 UTC 5"),
            Example("FORMAT_TIMESTAMP('%z', NULL)", "NULL"), Example("FORMAT_TIMESTAMP('%Ez', TIMESTAMP '2020-12-25', '-00:30')", "-00:30"),
        ),
    ),
    Translation(
        "PARSE_TIMESTAMP", "PARSE_TIMESTAMP(format, text[, time_zone])", lambda call: parsed(call, TIMESTAMP), arity=(2, 3),
        examples=(
            Example("PARSE_TIMESTAMP('%a %b %e %I:%M:%S %Y', 'Thu Dec 25 07:30:00 2008')", "2008-12-25 07:30:00+00"),
            Example("PARSE_TIMESTAMP('%c', 'Thu Dec 25 07:30:00 2008')", "2008-12-25 07:30:00+00"),
            Example("PARSE_TIMESTAMP('%Y-%m-%d %H:%M', '2024-07-01 08:00', 'America/New_York')", "2024-07-01 12:00:00+00"),
            Example("PARSE_TIMESTAMP('%Y-%m-%dT%H:%M:%E*S%Ez', '2024-07-01T08:00:00.5+05:30')", "2024-07-01 02:30:00.500000+00"),
            Example("PARSE_TIMESTAMP('%Y-%m-%dT%H:%M:%SZ', '2024-07-01T08:00:00Z')", "2024-07-01 08:00:00+00"),
            Example("PARSE_TIMESTAMP('%s', '1700000000')", "2023-11-14 22:13:20+00"),
            Example("PARSE_TIMESTAMP('%F %T %Z', '2024-07-01 08:00:00 America/New_York')", "2024-07-01 12:00:00+00"),
            Example("PARSE_TIMESTAMP('%F', NULL)", "NULL"),
            Example("SAFE.PARSE_TIMESTAMP('%a %b %e %I:%M:%S', 'Thu Dec 25 07:30:00 2008')", "NULL"),
        ),
    ),
    Translation(
        "TIMESTAMP_SECONDS", "TIMESTAMP_SECONDS(number)", _of_number(10**6),
        examples=(
            Example("TIMESTAMP_SECONDS(1230219000)", "2008-12-25 15:30:00+00"), Example("TIMESTAMP_SECONDS(-1)", "1969-12-31 23:59:59+00"),
            Example("SAFE.TIMESTAMP_SECONDS(253402300800)", "NULL"), Example("TIMESTAMP_SECONDS(NULL)", "NULL"),
        ),
    ),
    Translation(
        "TIMESTAMP_MILLIS", "TIMESTAMP_MILLIS(number)", _of_number(1000),
        examples=(Example("TIMESTAMP_MILLIS(1230219000000)", "2008-12-25 15:30:00+00"),),
    ),
    Translation(
        "TIMESTAMP_MICROS", "TIMESTAMP_MICROS(number)", _of_number(1),
        examples=(Example("TIMESTAMP_MICROS(1230219000000000)", "2008-12-25 15:30:00+00"),
                  Example("TIMESTAMP_MICROS(-1)", "1969-12-31 23:59:59.999999+00")),
    ),
    Translation(
        "UNIX_SECONDS", "UNIX_SECONDS(timestamp)", _unix("second", 10**6),
        examples=(
            Example("UNIX_SECONDS(TIMESTAMP '2008-12-25 15:30:00+00')", "1230219000"),
            Example("UNIX_SECONDS(TIMESTAMP '1970-01-01 00:00:01.8+00')", "1"),
            Example("UNIX_SECONDS(TIMESTAMP '1969-12-31 23:59:58.5+00')", "-2"), Example("UNIX_SECONDS(NULL)", "NULL"),
        ),
    ),
    Translation(
        "UNIX_MILLIS", "UNIX_MILLIS(timestamp)", _unix("millisecond", 1000),
        examples=(
            Example("UNIX_MILLIS(TIMESTAMP '2008-12-25 15:30:00+00')", "1230219000000"),
            Example("UNIX_MILLIS(TIMESTAMP '1970-01-01 00:00:00.0018+00')", "1"),
            Example("UNIX_MILLIS(TIMESTAMP '1969-12-31 23:59:59.9985+00')", "-2"),
        ),
    ),
    Translation(
        "UNIX_MICROS", "UNIX_MICROS(timestamp)", "system.main.epoch_us(CAST({0} AS TIMESTAMP WITH TIME ZONE))",
        examples=(Example("UNIX_MICROS(TIMESTAMP '2008-12-25 15:30:00+00')", "1230219000000000"),),
    ),
    Translation(
        "STRING", "STRING(timestamp[, time_zone]), STRING(date), STRING(datetime), STRING(json)", _string, arity=(1, 2),
        examples=(
            Example("STRING(TIMESTAMP '2008-12-25 15:30:00+00', 'UTC')", "2008-12-25 15:30:00+00"),
            Example("STRING(TIMESTAMP '2008-12-25 15:30:00+00', 'America/Los_Angeles')", "2008-12-25 07:30:00-08"),
            Example("STRING(TIMESTAMP '2008-12-25 15:30:00.5+00', '+05:30')", "2008-12-25 21:00:00.500+05:30"),
            Example("STRING(DATE '2008-12-25')", "2008-12-25"),
            Example("STRING(TIMESTAMP '2008-12-25 15:30:00.1205+00')", "2008-12-25 15:30:00.120500+00"),
            Example("STRING(DATETIME '2008-12-25 15:30:00')", "2008-12-25 15:30:00"),
            Example("(SELECT STRING(a) FROM (SELECT TIMESTAMP '2008-12-25 15:30:00' AS a))", "2008-12-25 15:30:00+00"),
            Example("(SELECT STRING(a) FROM (SELECT DATE '2008-12-25' AS a))", "2008-12-25"), Example("STRING(NULL)", "NULL"),
        ),
    ),
    Translation(
        "GENERATE_TIMESTAMP_ARRAY", "GENERATE_TIMESTAMP_ARRAY(start_timestamp, end_timestamp, INTERVAL number part)", _array, arity=(3, 3),
        examples=(
            Example("GENERATE_TIMESTAMP_ARRAY('2016-10-05 00:00:00', '2016-10-07 00:00:00', INTERVAL 1 DAY)",
                    "[2016-10-05 00:00:00+00, 2016-10-06 00:00:00+00, 2016-10-07 00:00:00+00]"),
            Example("GENERATE_TIMESTAMP_ARRAY('2016-10-05 00:00:02', '2016-10-05 00:00:00', INTERVAL -1 SECOND)",
                    "[2016-10-05 00:00:02+00, 2016-10-05 00:00:01+00, 2016-10-05 00:00:00+00]"),
            Example("GENERATE_TIMESTAMP_ARRAY('2016-10-06 00:00:00', '2016-10-05 00:00:00', INTERVAL 1 HOUR)", "[]"),
            Example("GENERATE_TIMESTAMP_ARRAY('2016-10-05 00:00:00', NULL, INTERVAL 1 HOUR)", "NULL"),
            Example("SAFE.GENERATE_TIMESTAMP_ARRAY('2016-10-05 00:00:00', '2016-10-06 00:00:00', INTERVAL 0 HOUR)", "NULL"),
        ),
    ),
    Translation(
        "TIMESTAMP_BUCKET", "TIMESTAMP_BUCKET(timestamp, INTERVAL number part[, origin])",
        lambda call: bucket(call, TIMESTAMP), arity=(2, 3),
        examples=(
            Example("TIMESTAMP_BUCKET(TIMESTAMP '1949-12-30 13:00:00', INTERVAL 12 HOUR)", "1949-12-30 12:00:00+00"),
            Example("TIMESTAMP_BUCKET(TIMESTAMP '2000-12-20 00:00:00', INTERVAL 7 DAY, TIMESTAMP '2000-12-22 12:00:00')",
                    "2000-12-15 12:00:00+00"),
        ),
    ),
)  # fmt: skip
