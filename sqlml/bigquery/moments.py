"""Dates and times: kinds of values, literals and time zones, as SQL of DuckDB that functions and rules share.

Types of columns are not known when a statement is translated. DuckDB's own functions are overloaded for DATE, TIMESTAMP (BigQuery's
DATETIME) and TIMESTAMP WITH TIME ZONE, so most texts are the same for all three; where they are not, `typeof` decides, which DuckDB
computes when it plans. Texts mention an argument as rarely as they can: calls are nested, and every mention is a copy.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping

from sqlglot import exp

from sqlml import sql
from sqlml.bigquery.translation import Call

DATE, DATETIME, TIMESTAMP, TIME, INTERVAL = "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIME", "INTERVAL"
"""Kinds of values, by DuckDB's names."""

NAMES: Mapping[str, str] = {DATE: "DATE", DATETIME: "DATETIME", TIMESTAMP: "TIMESTAMP", TIME: "TIME"}
"""BigQuery's names of the kinds."""


def fn(name: str, *arguments: str) -> str:
    """A call of one of DuckDB's own functions, whatever macros there are."""
    return f"system.main.{name}({', '.join(arguments)})"


def error(message: str) -> str:
    return fn("error", sql.literal(message))


def cast(text: str, kind: str) -> str:
    return f"CAST({text} AS {kind})"


# kinds of values


_CAST = re.compile(r"CAST\((.*) AS (DATE|TIMESTAMP|TIMESTAMP WITH TIME ZONE|TIME|INTERVAL)\)", re.DOTALL)


_KIND_NAMES = (DATE, DATETIME, TIMESTAMP, TIME, INTERVAL)


def kind_of(text: str) -> str:
    """What a translated text is as it stands, when it says so itself: CAST(… AS DATE) is a DATE. "" when it does not."""
    if not text.rstrip(")").endswith(_KIND_NAMES):
        return ""  # at once: a sum of many is asked for every part of it
    while text.startswith("(") and closes(text, 0) == len(text) - 1:
        text = text[1:-1]
    found = _CAST.fullmatch(text)
    return found[2] if found is not None and closes(text, 4) == len(text) - 1 else ""


def closes(text: str, start: int) -> int:
    """Where the bracket at `start` is closed; quotes are passed over."""
    depth, quote = 0, ""
    for index in range(start, len(text)):
        letter = text[index]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth == 0:
                return index
    return -1


def seed(text: str) -> str:
    """What has the type of a text and is shorter, if there is such a thing: the column in DATE_ADD(DATE_TRUNC(column, MONTH), …).

    Without it a text that asks for the type of its argument would double with every call around it.
    """
    start = "system.main.cast_to_type("
    if not text.startswith(start) or closes(text, len(start) - 1) != len(text) - 1:
        return text
    position = len(start)
    while (comma := text.find(", ", position)) >= 0:
        if closes(f"({text[comma + 2 :]}", 0) == len(text) - comma - 2:
            return text[comma + 2 : -1]
        position = comma + 2
    return text


def typed(call: Call, index: int, kind: str) -> str:
    """An argument; text and NULL become values of `kind`, as BigQuery coerces literals."""
    text = call.text(index)
    if text is not None:
        return literal(call, text, kind)
    if isinstance(call.arguments[index], exp.Null):
        return cast("NULL", kind)
    return call.sql(index)


def is_kind(text: str, kind: str) -> str:
    """A condition that is computed when the statement is planned."""
    return f"{fn('typeof', text)} = '{kind}'"


# literals


_DATE_TEXT = r"(\d{4,5})-(\d{1,2})-(\d{1,2})"
_TIME_TEXT = r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{0,6}))?"
_MOMENT = re.compile(rf"{_DATE_TEXT}(?:[ Tt](?:{_TIME_TEXT})?)?(?: *([+-]\d{{1,2}}(?::\d{{1,2}})?)|([Zz])| ([A-Za-z_]+(?:/[\w+-]+)*))?")
_ONLY_TIME = re.compile(_TIME_TEXT)
_OFFSET = re.compile(r"([+-])(\d{1,2})(?::(\d{1,2}))?")
_ZONE = re.compile(r"[A-Za-z_]+(?:/[\w+-]+)*")


def read_literal(text: str, kind: str) -> str | None:
    """A literal's value as SQL; None if BigQuery does not take the text as a value of that kind."""
    try:
        if kind == TIME:
            found = _ONLY_TIME.fullmatch(text)
            return None if found is None else cast(sql.literal(_time(found, 1)), TIME)
        found = _MOMENT.fullmatch(text)
        if found is None:
            return None
        date = datetime.date(int(found[1]), int(found[2]), int(found[3])).isoformat()
        clock = _time(found, 4) if found[4] else "00:00:00"
        zone = found[8] or found[9] or found[10]
        if kind == DATE:
            return None if zone else cast(sql.literal(date), DATE)
        if kind == DATETIME:
            return None if zone else cast(sql.literal(f"{date} {clock}"), DATETIME)
        if found[10]:
            return instant(cast(sql.literal(f"{date} {clock}"), DATETIME), sql.literal(found[10]))
        return cast(sql.literal(f"{date} {clock}{_offset(found[8]) if found[8] else '+00:00'}"), TIMESTAMP)
    except ValueError:  # no such day or hour
        return None


def _time(found: re.Match[str], first: int) -> str:
    hour, minute, second, fraction = found[first], found[first + 1], found[first + 2], found[first + 3] or ""
    return datetime.time(int(hour), int(minute), int(second), int(fraction.ljust(6, "0"))).isoformat()


def _offset(text: str) -> str:
    found = _OFFSET.fullmatch(text)
    if found is None or int(found[2]) > 14 or int(found[3] or 0) > 59:
        raise ValueError(text)
    return f"{found[1]}{int(found[2]):02d}:{int(found[3] or 0):02d}"


def literal(call: Call, text: str, kind: str) -> str:
    """Raises: ProgrammingError `function_argument`."""
    value = read_literal(text, kind)
    if value is None:
        call.fail(f"{text!r} is no {NAMES[kind]}", _LITERAL_HINTS[kind])
    return value


_LITERAL_HINTS: Mapping[str, str] = {
    DATE: "write it as '2026-01-31'", DATETIME: "write it as '2026-01-31 10:00:00', with no time zone",
    TIMESTAMP: "write it as '2026-01-31 10:00:00+00', with at most six digits behind the seconds", TIME: "write it as '10:00:00'",
}  # fmt: skip


def literal_hint(kind: str) -> str:
    return _LITERAL_HINTS[kind]


# zones


def zone_text(text: str) -> str | None:
    """A time zone as DuckDB names it: offsets are GMT+05:30. None for what is no time zone."""
    try:
        return f"GMT{_offset(text)}"
    except ValueError:
        return "UTC" if text.upper() == "Z" else text if _ZONE.fullmatch(text) else None


def zone(call: Call, index: int) -> str:
    """An argument that is a time zone: `America/New_York` or `+05:30`.

    Raises: ProgrammingError `function_argument`.
    """
    text = call.text(index)
    if text is None:
        return any_zone(call.sql(index))
    name = zone_text(text)
    if name is None:
        call.fail(f"{text!r} is no time zone", "write a name such as 'America/New_York' or an offset such as '+05:30'")
    return sql.literal(name)


def any_zone(text: str) -> str:
    """A time zone that is computed."""
    return fn("regexp_replace", cast(text, "VARCHAR"), "'^([+-])'", "'GMT\\1'")


def local(text: str, zone: str) -> str:
    """The DATETIME that clocks show in a zone."""
    return cast(fn("timezone", zone, cast(text, TIMESTAMP)), DATETIME)


def instant(text: str, zone: str) -> str:
    """The TIMESTAMP at which clocks in a zone show a DATETIME; the first of two when an hour is shown twice (DuckDB: the last)."""
    value = cast(text, DATETIME)
    found = fn("timezone", zone, value)
    if zone == "'UTC'" or zone.startswith("'GMT"):
        return cast(found, TIMESTAMP)
    before = f"{found} - {fn('to_hours', '1')}"
    return cast(f"CASE WHEN {fn('timezone', zone, before)} = {value} THEN {before} ELSE {found} END", TIMESTAMP)
