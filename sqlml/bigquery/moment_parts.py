"""Parts of dates and times: steps from value to value, distances, truncation, and what EXTRACT takes out of one."""

from __future__ import annotations

from sqlml import sql
from sqlml.bigquery.moments import (
    DATE,
    DATETIME,
    NAMES,
    TIME,
    TIMESTAMP,
    cast,
    error,
    fn,
    instant,
    is_kind,
    kind_of,
    local,
    seed,
    typed,
    zone,
)
from sqlml.bigquery.translation import Call

STEP = "sqlml_step"
"""In the `meta` of a node that was INTERVAL number part: the number's SQL and the part."""

WEEKDAYS = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")
WEEKS = ("WEEK", *(f"WEEK({day})" for day in WEEKDAYS), "ISOWEEK")
TIME_PARTS = ("MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR")
STEP_PARTS = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
LONG_PARTS = ("DAY", *WEEKS, "MONTH", "QUARTER", "YEAR", "ISOYEAR")

_MICROSECONDS = {"MICROSECOND": 1, "MILLISECOND": 1000, "SECOND": 10**6, "MINUTE": 60 * 10**6, "HOUR": 3600 * 10**6, "DAY": 86400 * 10**6}


# steps and distances


def step_of(call: Call, index: int, allowed: tuple[str, ...]) -> tuple[str, str]:
    """The number and the part of INTERVAL number part.

    Raises: ProgrammingError `function_argument`.
    """
    step = call.arguments[index].meta.get(STEP)
    if step is None:
        if "__sqlml" in call.sql(index):
            call.refuse(f"SAFE.{call.name} takes no INTERVAL whose number can be an error itself", "compute the number in a subquery")
        call.fail(f"{call.name} takes INTERVAL, a number and a part", "write INTERVAL 5 DAY")
    number, part = step
    if part not in allowed:
        call.fail(f"the part of {call.name} must be one of {', '.join(allowed)}, got {part}")
    return number, part


def step(number: str, part: str) -> str:
    """An INTERVAL of so many parts, as a call or in brackets."""
    match part:
        case "MILLISECOND":
            return fn("to_microseconds", f"{number} * 1000")
        case "SECOND":
            return fn("to_microseconds", f"{number} * 1000000")
        case "QUARTER":
            return fn("to_months", f"{number} * 3")
        case "DAY" | "WEEK" | "MONTH" | "YEAR" | "HOUR" | "MINUTE" | "MICROSECOND":
            return fn(f"to_{part.lower()}s", number)
        case _:
            raise ValueError(part)


def moved(call: Call, kind: str, sign: str) -> str:
    """The value of …_ADD and …_SUB."""
    number, part = step_of(
        call, 1, TIME_PARTS if kind == TIME else (*TIME_PARTS, "DAY") if kind == TIMESTAMP else (*TIME_PARTS, *STEP_PARTS)
    )
    value = typed(call, 0, kind)
    known = kind_of(value)
    by = step(number, part)
    if part in TIME_PARTS:
        by = _unless(call, value, known, kind, DATE, by, part)
    elif part != "DAY":
        by = _unless(call, value, known, kind, TIMESTAMP, by, part)
    return same(f"{value} {sign} {by}", value, known, kind)


def same(text: str, value: str, known: str, kind: str) -> str:
    """A result that has the type of `value`: DuckDB makes TIMESTAMPs of DATEs."""
    if known:
        return cast(text, DATETIME if known == DATE and kind == DATETIME else known)
    return fn("cast_to_type", text, seed(value)) if kind == DATE else f"({text})"


def _unless(call: Call, value: str, known: str, kind: str, wrong: str, by: str, part: str) -> str:
    """A step, or an error for a value of a kind that has no such part."""
    message = f"{call.name} has no part {part} for a {NAMES[wrong]}"
    if known == wrong and not (wrong == DATE and kind != DATE):
        call.fail(message)
    if known or kind == TIME or (kind == DATETIME and wrong == DATE):
        return by
    return f"CASE WHEN {is_kind(seed(value), wrong)} THEN {error(message)} ELSE {by} END"


def _shift(part: str) -> int:
    """How many days later weeks would have to begin for them to begin on Monday: 1 for WEEK, which begins on Sunday."""
    day = part.removeprefix("WEEK").strip("()") or "SUNDAY"
    return 0 if part == "ISOWEEK" else 1 - WEEKDAYS.index(day)


def shifted(value: str, days: int) -> str:
    return value if days == 0 else f"({value} {'+' if days > 0 else '-'} {fn('to_days', str(abs(days)))})"


def boundaries(part: str, later: str, earlier: str) -> str:
    """How many borders of a part are between two values, as DATE_DIFF and DATETIME_DIFF count."""
    if part in WEEKS:
        return f"({fn('date_diff', sql.literal('day'), start(part, earlier), start(part, later))} // 7)"
    return fn("date_diff", f"'{part.lower()}'", earlier, later)


def distance(call: Call, kind: str) -> str:
    """The value of …_DIFF: TIMESTAMPs in whole parts, others in borders between them."""
    part = call.part(2, TIME_PARTS if kind == TIME else (*TIME_PARTS, *LONG_PARTS))
    later, earlier = typed(call, 0, kind), typed(call, 1, kind)
    known = {kind_of(later), kind_of(earlier)} - {""}
    if (known and TIMESTAMP not in known) or kind == TIME:
        if known == {DATE} and part in TIME_PARTS and kind == DATE:
            call.fail(f"{call.name} has no part {part} for a DATE", "use DATETIME_DIFF")
        return boundaries(part, later, earlier)
    if part in _MICROSECONDS:
        whole = f"({fn('epoch_us', later)} - {fn('epoch_us', earlier)}) // {_MICROSECONDS[part]}"
    else:
        whole = error(f"{call.name} has no part {part} for a TIMESTAMP")
    if TIMESTAMP in known:
        if part not in _MICROSECONDS:
            call.fail(f"{call.name} has no part {part} for a TIMESTAMP", "use DATE_DIFF of DATE(…), or DATETIME_DIFF of DATETIME(…)")
        return f"({whole})"
    is_timestamp = f"{is_kind(seed(later), TIMESTAMP)} OR {is_kind(seed(earlier), TIMESTAMP)}"
    return f"CASE WHEN {is_timestamp} THEN {whole} ELSE {boundaries(part, later, earlier)} END"


# truncation


def start(part: str, value: str) -> str:
    """Where the part begins that a value is in. A DATE becomes a TIMESTAMP."""
    if part in WEEKS:
        days = _shift(part)
        return shifted(fn("date_trunc", "'week'", shifted(value, days)), -days)
    return fn("date_trunc", f"'{part.lower()}'", value)


def truncated(call: Call, kind: str) -> str:
    """The value of …_TRUNC, in a time zone if there is one."""
    part = call.part(1, (*TIME_PARTS, *LONG_PARTS))
    value = typed(call, 0, kind)
    known = kind_of(value)
    if len(call) > 2:
        return _truncated_in(part, value, zone(call, 2))
    inner = value
    if part in TIME_PARTS and kind == DATE:
        message = f"{call.name} has no part {part} for a DATE"
        if known == DATE:
            call.fail(message)
        if not known:
            inner = f"CASE WHEN {is_kind(seed(value), DATE)} THEN {error(message)} ELSE {value} END"
    return same(start(part, inner), value, known, kind)


def _truncated_in(part: str, value: str, zone: str) -> str:
    clock = local(value, zone)
    if part in TIME_PARTS:  # what was passed since then is taken off: clocks show an hour twice when summer time ends
        return cast(f"{cast(value, TIMESTAMP)} - ({clock} - {start(part, clock)})", TIMESTAMP)
    return instant(start(part, clock), zone)


def last_day(part: str, value: str) -> str:
    """The last day of the part that a value is in."""
    first = start(part, value)
    if part in WEEKS:
        return cast(f"{first} + {fn('to_days', '6')}", DATE)
    if part == "ISOYEAR":  # 52 or 53 weeks long: 54 weeks later it is the next year
        following = fn("date_trunc", "'isoyear'", f"{first} + {fn('to_days', '378')}")
    else:
        following = f"{first} + {fn('to_months', {'MONTH': '1', 'QUARTER': '3', 'YEAR': '12'}[part])}"
    return cast(f"{following} - {fn('to_days', '1')}", DATE)


# parts of a value


EXTRACTED = (*TIME_PARTS, "DAYOFWEEK", "DAY", "DAYOFYEAR", *WEEKS, "MONTH", "QUARTER", "YEAR", "ISOYEAR", "DATE", "TIME", "DATETIME")


def extracted(part: str, value: str) -> str:
    """The value of EXTRACT."""
    match part:
        case "DATE":
            return cast(value, DATE)
        case "DATETIME":
            return cast(value, DATETIME)
        case "TIME":
            return cast(cast(value, DATETIME), TIME)
        case "DAYOFWEEK":
            return f"({_part('dayofweek', value)} + 1)"
        case "MILLISECOND":
            return f"({_part('millisecond', value)} % 1000)"
        case "MICROSECOND":
            return f"({_part('microsecond', value)} % 1000000)"
        case "ISOWEEK":
            return _part("week", value)
        case _ if part in WEEKS:
            return f"(({_part('dayofyear', value)} + 6 - ({_part('dayofweek', value)} + {6 + _shift(part)}) % 7) // 7)"
        case _:
            return _part(part.lower(), value)


def _part(name: str, value: str) -> str:
    return fn("date_part", f"'{name}'", value)
