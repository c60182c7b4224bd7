"""Dates: DATE and its functions, arrays of dates, buckets."""

from __future__ import annotations

from sqlml import sql
from sqlml.bigquery import moment_parts, moments
from sqlml.bigquery.functions.formatting import DIFFERS, formatted, parsed
from sqlml.bigquery.moment_rules import now
from sqlml.bigquery.moments import DATE, DATETIME, TIMESTAMP, cast, error, fn, local, typed, zone
from sqlml.bigquery.translation import Call, Example, Translation

RANGE = "A result after the year 9999 or before 0001 is no error."


def year_checked(year: str) -> str:
    """A year as an argument of make_date, which takes any."""
    return f"CASE WHEN {year} BETWEEN 1 AND 9999 THEN {year} WHEN {year} IS NULL THEN NULL ELSE {error('the year must be 1 to 9999')} END"


def _date(call: Call) -> str:
    if len(call) == 3:
        return cast(fn("make_date", year_checked(call.sql(0)), call.sql(1), call.sql(2)), DATE)
    if len(call) == 2:
        return cast(local(typed(call, 0, TIMESTAMP), zone(call, 1)), DATE)
    text = call.text(0)
    if text is not None and moments.read_literal(text, DATE) is None:
        return cast(moments.literal(call, text, TIMESTAMP), DATE)
    return cast(typed(call, 0, DATE), DATE)


def _current(call: Call) -> str:
    return now(DATE, zone(call, 0) if len(call) else None)


def _last_day(call: Call) -> str:
    part = call.part(1, (*moment_parts.WEEKS, "MONTH", "QUARTER", "YEAR", "ISOYEAR")) if len(call) > 1 else "MONTH"
    return moment_parts.last_day(part, typed(call, 0, DATE))


def _array(call: Call) -> str:
    """Every date is counted from the first one, so that months after the 31st end on the 31st again where they can."""
    first, last = cast(typed(call, 0, DATE), DATE), cast(typed(call, 1, DATE), DATE)
    number, part = moment_parts.step_of(call, 2, moment_parts.STEP_PARTS) if len(call) > 2 else ("CAST(1 AS BIGINT)", "DAY")
    unit = {"WEEK": 7, "QUARTER": 3, "YEAR": 12}.get(part, 1)
    apart, stride = ("day", "to_days") if part in ("DAY", "WEEK") else ("month", "to_months")
    by = f"({number} * {unit})"
    count = f"{fn('date_diff', sql.literal(apart), first, last)} // {by} + 1"
    item = cast(f"{first} + {fn(stride, f'__sqlml_i * {by}')}", DATE)
    dates = fn("list_transform", fn("range", "0", fn("greatest", count, "0")), f"lambda __sqlml_i: {item}")
    within = fn("list_filter", dates, f"lambda __sqlml_d: CASE WHEN {by} > 0 THEN __sqlml_d <= {last} ELSE __sqlml_d >= {last} END")
    empty = f"{by} > 0 AND {last} < {first} OR {by} < 0 AND {last} > {first}"
    return (
        f"CASE WHEN {first} IS NULL OR {last} IS NULL OR {by} IS NULL THEN NULL WHEN {by} = 0 THEN {error('the step must not be zero')}"
        f" WHEN {empty} THEN CAST([] AS DATE[]) ELSE {within} END"
    )


def bucket(call: Call, kind: str) -> str:
    """The value of DATE_BUCKET, DATETIME_BUCKET, TIMESTAMP_BUCKET."""
    number, part = moment_parts.step_of(call, 1, _BUCKETS[kind])
    value = cast(typed(call, 0, kind), kind)
    origin = cast(typed(call, 2, kind) if len(call) > 2 else "'1950-01-01'", kind)
    width = f"CASE WHEN {number} > 0 THEN {moment_parts.step(number, part)} ELSE {error('the width of a bucket must be positive')} END"
    return cast(fn("time_bucket", width, value, origin), kind)


_BUCKETS = {
    DATE: moment_parts.STEP_PARTS,
    DATETIME: (*moment_parts.TIME_PARTS, *moment_parts.STEP_PARTS),
    TIMESTAMP: (*moment_parts.TIME_PARTS, "DAY"),
}


def _unix(call: Call) -> str:
    return fn("date_diff", "'day'", "DATE '1970-01-01'", cast(typed(call, 0, DATE), DATE))


ROWS = (
    Translation(
        "CURRENT_DATE", "CURRENT_DATE([time_zone])", _current, arity=(0, 1),
        examples=(Example("CURRENT_DATE() = DATE(CURRENT_TIMESTAMP())", "true"), Example("CURRENT_DATE('+00:00') = CURRENT_DATE", "true")),
    ),
    Translation(
        "DATE", "DATE(year, month, day), DATE(timestamp[, time_zone]), DATE(datetime)", _date, arity=(1, 3),
        examples=(
            Example("DATE(2016, 12, 25)", "2016-12-25"), Example("DATE(DATETIME '2016-12-25 23:59:59')", "2016-12-25"),
            Example("DATE(TIMESTAMP '2016-12-25 05:30:00+07', 'America/Los_Angeles')", "2016-12-24"),
            Example("DATE('2024-2-9')", "2024-02-09"),
            Example("SAFE.DATE(2023, 2, 29)", "NULL"), Example("SAFE.DATE(0, 2, 1)", "NULL"), Example("DATE(NULL, 1, 1)", "NULL"),
            Example("DATE(TIMESTAMP '2016-12-25 22:30:00+00', '+05:30')", "2016-12-26"),
            Example("DATE(TIMESTAMP '2016-12-25 22:30:00+00', NULL)", "NULL"),
        ),
    ),
    Translation(
        "DATE_ADD", "DATE_ADD(date, INTERVAL number part)", lambda call: moment_parts.moved(call, DATE, "+"), arity=(2, 2), differs=RANGE,
        examples=(
            Example("DATE_ADD(DATE '2008-12-25', INTERVAL 5 DAY)", "2008-12-30"),
            Example("DATE_ADD(DATE '2024-01-31', INTERVAL 1 MONTH)", "2024-02-29"),
            Example("DATE_ADD('2024-02-29', INTERVAL 1 YEAR)", "2025-02-28"),
            Example("DATE_ADD(DATE '2024-01-31', INTERVAL -1 QUARTER)", "2023-10-31"),
            Example("DATE_ADD(DATE '2024-01-31', INTERVAL 2 WEEK)", "2024-02-14"), Example("DATE_ADD(NULL, INTERVAL 2 WEEK)", "NULL"),
            Example("DATE_ADD(DATETIME '2024-01-31 10:00:00', INTERVAL 1 HOUR)", "2024-01-31 11:00:00"),
        ),
    ),
    Translation(
        "DATE_SUB", "DATE_SUB(date, INTERVAL number part)", lambda call: moment_parts.moved(call, DATE, "-"), arity=(2, 2), differs=RANGE,
        examples=(
            Example("DATE_SUB(DATE '2008-12-25', INTERVAL 5 DAY)", "2008-12-20"),
            Example("DATE_SUB(DATE '2024-03-31', INTERVAL 1 MONTH)", "2024-02-29"),
            Example("DATE_SUB(DATE '2024-03-31', INTERVAL 2 + 1 QUARTER)", "2023-06-30"),
        ),
    ),
    Translation(
        "DATE_DIFF", "DATE_DIFF(end_date, start_date, part)", lambda call: moment_parts.distance(call, DATE), arity=(3, 3),
        examples=(
            Example("DATE_DIFF(DATE '2010-07-07', DATE '2008-12-25', DAY)", "559"),
            Example("DATE_DIFF(DATE '2017-10-15', DATE '2017-10-14', DAY)", "1"),
            Example("DATE_DIFF(DATE '2017-10-15', DATE '2017-10-14', WEEK)", "1"),
            Example("DATE_DIFF('2017-12-30', '2014-12-30', YEAR)", "3"),
            Example("DATE_DIFF('2017-12-30', '2014-12-30', ISOYEAR)", "2"), Example("DATE_DIFF('2017-12-18', '2017-12-17', WEEK)", "0"),
            Example("DATE_DIFF('2017-12-18', '2017-12-17', WEEK(MONDAY))", "1"),
            Example("DATE_DIFF('2017-12-18', '2017-12-17', ISOWEEK)", "1"),
            Example("DATE_DIFF('2017-12-17', '2017-12-18', WEEK(MONDAY))", "-1"),
            Example("DATE_DIFF('2024-02-01', '2024-01-31', MONTH)", "1"),
            Example("DATE_DIFF('2024-02-01', '2023-12-31', QUARTER)", "1"), Example("DATE_DIFF(NULL, '2023-12-31', DAY)", "NULL"),
            Example("DATE_DIFF('2024-01-10', '2024-01-08', WEEK(WEDNESDAY))", "1"),
            Example("DATE_DIFF(DATETIME '2024-01-02 00:00:00', DATETIME '2024-01-01 23:00:00', DAY)", "1"),
            Example("DATE_DIFF(TIMESTAMP '2024-01-02 00:00:00', TIMESTAMP '2024-01-01 23:00:00', DAY)", "0"),
        ),
    ),
    Translation(
        "DATE_TRUNC", "DATE_TRUNC(date, part), DATE_TRUNC(timestamp, part[, time_zone])",
        lambda call: moment_parts.truncated(call, DATE), arity=(2, 3),
        examples=(
            Example("DATE_TRUNC(DATE '2008-12-25', MONTH)", "2008-12-01"),
            Example("DATE_TRUNC(DATE '2017-11-05', WEEK(MONDAY))", "2017-10-30"),
            Example("DATE_TRUNC(DATE '2015-06-15', ISOYEAR)", "2014-12-29"), Example("DATE_TRUNC(DATE '2017-11-05', WEEK)", "2017-11-05"),
            Example("DATE_TRUNC(DATE '2017-11-04', WEEK)", "2017-10-29"),
            Example("DATE_TRUNC(DATE '2017-11-04', WEEK(SATURDAY))", "2017-11-04"),
            Example("DATE_TRUNC(DATE '2017-11-05', ISOWEEK)", "2017-10-30"),
            Example("DATE_TRUNC(DATE '2017-11-05', QUARTER)", "2017-10-01"),
            Example("DATE_TRUNC('2017-11-05', YEAR)", "2017-01-01"),
            Example("DATE_TRUNC(DATETIME '2017-11-05 10:20:30', HOUR)", "2017-11-05 10:00:00"),
            Example("DATE_TRUNC(TIMESTAMP '2017-11-05 10:20:30', MONTH)", "2017-11-01 00:00:00+00"),
            Example("DATE_TRUNC(NULL, MONTH)", "NULL"),
            Example("DATE_TRUNC(TIMESTAMP '2017-11-01 05:20:30', MONTH, 'America/Los_Angeles')", "2017-10-01 07:00:00+00"),
        ),
    ),
    Translation(
        "LAST_DAY", "LAST_DAY(date[, part])", _last_day, arity=(1, 2),
        examples=(
            Example("LAST_DAY(DATE '2008-11-25')", "2008-11-30"), Example("LAST_DAY(DATE '2008-11-25', MONTH)", "2008-11-30"),
            Example("LAST_DAY(DATE '2008-11-25', YEAR)", "2008-12-31"), Example("LAST_DAY(DATE '2008-11-10', WEEK(SUNDAY))", "2008-11-15"),
            Example("LAST_DAY(DATE '2008-11-10', WEEK(MONDAY))", "2008-11-16"),
            Example("LAST_DAY(DATE '2024-02-10', QUARTER)", "2024-03-31"),
            Example("LAST_DAY(DATE '2020-06-10', ISOYEAR)", "2021-01-03"), Example("LAST_DAY(DATE '2021-06-10', ISOYEAR)", "2022-01-02"),
            Example("LAST_DAY(DATETIME '2024-02-10 10:00:00', MONTH)", "2024-02-29"), Example("LAST_DAY(NULL)", "NULL"),
            Example("LAST_DAY(DATE '2008-11-10', ISOWEEK)", "2008-11-16"),
        ),
    ),
    Translation(
        "DATE_FROM_UNIX_DATE", "DATE_FROM_UNIX_DATE(days)", "CAST(DATE '1970-01-01' + system.main.to_days({0}) AS DATE)",
        differs=RANGE, examples=(Example("DATE_FROM_UNIX_DATE(14238)", "2008-12-25"), Example("DATE_FROM_UNIX_DATE(-1)", "1969-12-31")),
    ),
    Translation(
        "UNIX_DATE", "UNIX_DATE(date)", _unix,
        examples=(
            Example("UNIX_DATE(DATE '2008-12-25')", "14238"), Example("UNIX_DATE(DATE '1969-12-31')", "-1"),
            Example("UNIX_DATE(NULL)", "NULL"),
        ),
    ),
    Translation(
        "FORMAT_DATE", "FORMAT_DATE(format, date)", lambda call: formatted(call, DATE), arity=(2, 2), differs=DIFFERS,
        examples=(
            Example("FORMAT_DATE('%x', DATE '2008-12-25')", "12/25/08"),
            Example("FORMAT_DATE('%b-%d-%Y', DATE '2008-12-25')", "Dec-25-2008"),
            Example("FORMAT_DATE('%b %Y', DATE '2008-12-25')", "Dec 2008"), Example("FORMAT_DATE('%Y%m%d', '2024-01-05')", "20240105"),
            Example("FORMAT_DATE('%A %a %B %h %e', DATE '2024-01-05')", "Friday Fri January Jan  5"),
            Example("FORMAT_DATE('%F %D %j %U %W %V %G-%g %u %w', DATE '2024-12-30')", "2024-12-30 12/30/24 365 52 53 01 2025-25 1 1"),
            Example("FORMAT_DATE('%Y-Q%Q 100%% %C', DATE '2024-08-30')", "2024-Q3 100% 20"), Example("FORMAT_DATE('%Y', NULL)", "NULL"),
            Example("FORMAT_DATE('%u %w', DATE '2024-12-29')", "7 0"), Example("FORMAT_DATE('%n%t|', DATE '2024-12-29')", "\n\t|"),
            Example("FORMAT_DATE('', DATE '2024-12-29')", ""), Example("FORMAT_DATE(\"it's\", DATE '2024-12-29')", "it's"),
        ),
    ),
    Translation(
        "PARSE_DATE", "PARSE_DATE(format, text)", lambda call: parsed(call, DATE), arity=(2, 2),
        examples=(
            Example("PARSE_DATE('%A %b %e %Y', 'Thursday Dec 25 2008')", "2008-12-25"),
            Example("PARSE_DATE('%F', '2000-12-30')", "2000-12-30"),
            Example("PARSE_DATE('%x', '12/25/08')", "2008-12-25"), Example("PARSE_DATE('%Y%m%d', '20081225')", "2008-12-25"),
            Example("SAFE.PARSE_DATE('%Y %A %b %e', 'Thursday Dec 25 2008')", "NULL"), Example("PARSE_DATE('%m/%d', '2/5')", "1970-02-05"),
            Example("PARSE_DATE('%b %e %Y', '  december  5   2008 ')", "2008-12-05"),
            Example("SAFE.PARSE_DATE('%Y-%m-%d', '2023-02-30')", "NULL"),
            Example("PARSE_DATE('%y-%m-%d', '69-1-1')", "1969-01-01"), Example("PARSE_DATE('%Y-%m-%d', NULL)", "NULL"),
        ),
    ),
    Translation(
        "GENERATE_DATE_ARRAY", "GENERATE_DATE_ARRAY(start_date, end_date[, INTERVAL number part])", _array, arity=(2, 3),
        examples=(
            Example("GENERATE_DATE_ARRAY('2016-10-05', '2016-10-08')", "[2016-10-05, 2016-10-06, 2016-10-07, 2016-10-08]"),
            Example("GENERATE_DATE_ARRAY('2016-10-05', '2016-10-09', INTERVAL 2 DAY)", "[2016-10-05, 2016-10-07, 2016-10-09]"),
            Example("GENERATE_DATE_ARRAY('2016-10-05', '2016-10-01', INTERVAL -3 DAY)", "[2016-10-05, 2016-10-02]"),
            Example("GENERATE_DATE_ARRAY('2016-10-05', '2016-10-05', INTERVAL 8 DAY)", "[2016-10-05]"),
            Example("GENERATE_DATE_ARRAY('2016-10-10', '2016-10-05', INTERVAL 1 DAY)", "[]"),
            Example("GENERATE_DATE_ARRAY('2016-10-05', NULL)", "NULL"),
            Example("GENERATE_DATE_ARRAY('2016-01-01', '2016-12-31', INTERVAL 2 MONTH)",
                    "[2016-01-01, 2016-03-01, 2016-05-01, 2016-07-01, 2016-09-01, 2016-11-01]"),
            Example("GENERATE_DATE_ARRAY('2016-01-31', '2016-04-29', INTERVAL 1 MONTH)", "[2016-01-31, 2016-02-29, 2016-03-31]"),
            Example("GENERATE_DATE_ARRAY('2016-03-31', '2016-01-30', INTERVAL -1 MONTH)", "[2016-03-31, 2016-02-29, 2016-01-31]"),
            Example("SAFE.GENERATE_DATE_ARRAY('2016-03-31', '2016-01-30', INTERVAL 0 MONTH)", "NULL"),
        ),
    ),
    Translation(
        "DATE_BUCKET", "DATE_BUCKET(date, INTERVAL number part[, origin])", lambda call: bucket(call, DATE), arity=(2, 3),
        examples=(
            Example("DATE_BUCKET(DATE '1949-12-29', INTERVAL 2 DAY)", "1949-12-28"),
            Example("DATE_BUCKET(DATE '1950-01-02', INTERVAL 2 DAY)", "1950-01-01"),
            Example("DATE_BUCKET(DATE '2000-12-23', INTERVAL 7 DAY, DATE '2000-12-24')", "2000-12-17"),
            Example("DATE_BUCKET(DATE '2024-05-23', INTERVAL 1 QUARTER)", "2024-04-01"),
        ),
    ),
)  # fmt: skip
