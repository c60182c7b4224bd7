"""TIME and its functions: a time of day."""

from __future__ import annotations

from sqlml.bigquery import moment_parts
from sqlml.bigquery.functions.datetimes import hour_checked, second_checked
from sqlml.bigquery.functions.formatting import formatted, parsed
from sqlml.bigquery.moment_rules import now
from sqlml.bigquery.moments import DATETIME, TIME, TIMESTAMP, cast, fn, local, typed, zone
from sqlml.bigquery.translation import Call, Example, Translation


def _time(call: Call) -> str:
    if len(call) == 3:
        return cast(fn("make_time", hour_checked(call.sql(0)), call.sql(1), second_checked(call.sql(2))), TIME)
    if len(call) == 2:
        return cast(local(typed(call, 0, TIMESTAMP), zone(call, 1)), TIME)
    if call.text(0) is not None and ":" in str(call.text(0)) and "-" not in str(call.text(0)):
        return typed(call, 0, TIME)
    return cast(cast(typed(call, 0, TIMESTAMP), DATETIME), TIME)


def _current(call: Call) -> str:
    return now(TIME, zone(call, 0) if len(call) else None)


def _truncated(call: Call) -> str:
    part = call.part(1, moment_parts.TIME_PARTS)
    return cast(moment_parts.start(part, f"(DATE '1970-01-01' + {cast(typed(call, 0, TIME), TIME)})"), TIME)


ROWS = (
    Translation(
        "CURRENT_TIME", "CURRENT_TIME([time_zone])", _current, arity=(0, 1),
        examples=(Example("CURRENT_TIME() = TIME(CURRENT_TIMESTAMP())", "true"), Example("CURRENT_TIME('UTC') = CURRENT_TIME", "true")),
    ),
    Translation(
        "TIME", "TIME(hour, minute, second), TIME(timestamp[, time_zone]), TIME(datetime)", _time, arity=(1, 3),
        examples=(
            Example("TIME(15, 30, 00)", "15:30:00"), Example("TIME(TIMESTAMP '2008-12-25 15:30:00+08', 'America/Los_Angeles')", "23:30:00"),
            Example("TIME(DATETIME '2008-12-25 15:30:00.000000')", "15:30:00"), Example("SAFE.TIME(24, 0, 0)", "NULL"),
            Example("TIME(1, NULL, 0)", "NULL"),
            Example("TIME(TIMESTAMP '2008-12-25 15:30:00+00')", "15:30:00"), Example("SAFE.TIME(23, 60, 0)", "NULL"),
            Example("SAFE.TIME(23, 0, 60)", "NULL"),
        ),
    ),
    Translation(
        "TIME_ADD", "TIME_ADD(time, INTERVAL number part)", lambda call: moment_parts.moved(call, TIME, "+"), arity=(2, 2),
        examples=(
            Example("TIME_ADD(TIME '15:30:00', INTERVAL 10 MINUTE)", "15:40:00"),
            Example("TIME_ADD(TIME '23:30:00', INTERVAL 1 HOUR)", "00:30:00"),
            Example("TIME_ADD(TIME '23:30:00', INTERVAL -49 HOUR)", "22:30:00"),
        ),
    ),
    Translation(
        "TIME_SUB", "TIME_SUB(time, INTERVAL number part)", lambda call: moment_parts.moved(call, TIME, "-"), arity=(2, 2),
        examples=(
            Example("TIME_SUB(TIME '15:30:00', INTERVAL 10 MINUTE)", "15:20:00"),
            Example("TIME_SUB(TIME '00:30:00', INTERVAL 1 HOUR)", "23:30:00"),
        ),
    ),
    Translation(
        "TIME_DIFF", "TIME_DIFF(end_time, start_time, part)", lambda call: moment_parts.distance(call, TIME), arity=(3, 3),
        examples=(
            Example("TIME_DIFF(TIME '15:30:00', TIME '14:35:00', MINUTE)", "55"),
            Example("TIME_DIFF(TIME '15:00:00', TIME '14:59:59', HOUR)", "1"),
            Example("TIME_DIFF('14:00:00', '15:00:00', SECOND)", "-3600"),
            Example("TIME_DIFF('14:00:00.25', '14:00:00', MICROSECOND)", "250000"),
        ),
    ),
    Translation(
        "TIME_TRUNC", "TIME_TRUNC(time, part)", _truncated, arity=(2, 2),
        examples=(
            Example("TIME_TRUNC(TIME '15:30:00', HOUR)", "15:00:00"), Example("TIME_TRUNC(TIME '15:30:59.9', SECOND)", "15:30:59"),
            Example("TIME_TRUNC(NULL, HOUR)", "NULL"),
        ),
    ),
    Translation(
        "FORMAT_TIME", "FORMAT_TIME(format, time)", lambda call: formatted(call, TIME), arity=(2, 2),
        examples=(
            Example("FORMAT_TIME('%R', TIME '15:30:00')", "15:30"),
            Example("FORMAT_TIME('%I:%M %p %E*S', TIME '15:30:05.5')", "03:30 PM 05.5"),
            Example("FORMAT_TIME('%H', NULL)", "NULL"),
        ),
    ),
    Translation(
        "PARSE_TIME", "PARSE_TIME(format, text)", lambda call: parsed(call, TIME), arity=(2, 2),
        examples=(
            Example("PARSE_TIME('%I:%M:%S', '07:30:00')", "07:30:00"), Example("PARSE_TIME('%T', '07:30:00')", "07:30:00"),
            Example("SAFE.PARSE_TIME('%I:%M', '07:30:00')", "NULL"), Example("PARSE_TIME('%I:%M:%S %p', '2:23:38 pm')", "14:23:38"),
            Example("PARSE_TIME('%H', '15')", "15:00:00"),
        ),
    ),
)  # fmt: skip
