"""Rules for dates and times that are no functions: EXTRACT, INTERVAL, AT TIME ZONE, literals, CURRENT_DATE, and sums with dates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlglot import exp

from sqlml import sql
from sqlml.bigquery import moment_parts, moments
from sqlml.bigquery.moments import DATE, DATETIME, INTERVAL, TIME, TIMESTAMP, cast, fn, kind_of
from sqlml.bigquery.translation import TEXT, generate, raw, render
from sqlml.errors import ProgrammingError

if TYPE_CHECKING:
    from sqlml.bigquery.translate import Translating

NOW = "system.main.now()"

_LITERALS = {
    exp.DType.DATE: DATE, exp.DType.TIMESTAMP: DATETIME, exp.DType.DATETIME: DATETIME, exp.DType.TIMESTAMPTZ: TIMESTAMP,
    exp.DType.TIME: TIME,
}  # fmt: skip


def literal(node: exp.Cast, work: Translating) -> exp.Expr | None:
    """DATE '…', TIMESTAMP '…', DATETIME '…', TIME '…', or CAST of such a text. None for any other cast.

    The text is read here: DuckDB takes other texts than BigQuery, and not all of BigQuery's (`2026-1-1 5:00:00+5`).
    Raises: ProgrammingError `function_argument`, for a text that is no such value.
    """
    text, kind = node.this, _type_of(node)
    if kind is None or not isinstance(text, exp.Literal) or not text.is_string or node.args.get("format"):
        return None
    value = moments.read_literal(str(text.this), kind)
    if value is None:
        raise _wrong(node, work, f"{str(text.this)!r} is no {moments.NAMES[kind]}", moments.literal_hint(kind))
    return raw(value)


def _type_of(node: exp.Cast) -> str | None:
    """The kind that a cast is to; its type may be translated already."""
    to = node.args.get("to")
    if isinstance(to, exp.DataType):
        return _LITERALS.get(to.this)
    return to.name if isinstance(to, exp.Var) and to.name in _LITERALS.values() else None


# INTERVAL


_SPANS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
_SPAN_TEXTS = {
    "YEAR": r"(\d+)",
    "MONTH": r"(\d+)",
    "DAY": r"([+-]?\d+)",
    "HOUR": r"(\d+)",
    "MINUTE": r"(\d+)",
    "SECOND": r"(\d+(?:\.\d{0,6})?)",
}


def interval(node: exp.Interval, work: Translating) -> exp.Expr:
    """INTERVAL number part, and INTERVAL '1-2' YEAR TO MONTH."""
    unit = node.args.get("unit")
    if isinstance(unit, exp.IntervalSpan):
        return raw(_span(node, unit.this.name.upper(), unit.expression.name.upper(), work))
    part = str(unit.name).upper() if unit is not None else ""
    if part not in (*moment_parts.TIME_PARTS, *moment_parts.STEP_PARTS):
        raise _wrong(node, work, f"INTERVAL takes a part such as DAY, got {part or 'none'}")
    number = node.this
    if number is None:
        raise _wrong(node, work, "INTERVAL takes a number before its part", f"write INTERVAL 1 {part}")
    if isinstance(number, exp.Literal):
        text = str(number.this)
        if not re.fullmatch(r"[+-]?\d+", text):
            raise _wrong(node, work, f"INTERVAL takes a whole number, got {text!r}", "write INTERVAL 90 MINUTE for an hour and a half")
        written = f"CAST({text.removeprefix('+')} AS BIGINT)"
    else:
        written = render(number)
    result = raw(cast(moment_parts.step(written, part), INTERVAL))
    result.meta[moment_parts.STEP] = (written, part)
    return result


def _span(node: exp.Interval, first: str, last: str, work: Translating) -> str:
    parts = _SPANS[_SPANS.index(first) : _SPANS.index(last) + 1] if first in _SPANS and last in _SPANS else ()
    if len(parts) < 2 or not isinstance(node.this, exp.Literal):
        raise _wrong(node, work, f"INTERVAL has no parts {first} TO {last} of this value", "write INTERVAL '1-2' YEAR TO MONTH")
    pattern, signed = "", {first} & {"MONTH", "MINUTE"} | {"YEAR", "HOUR"} & set(parts)
    for index, part in enumerate(parts):
        before = "" if index == 0 else {"MONTH": "-", "DAY": " ", "HOUR": " ", "MINUTE": ":", "SECOND": ":"}[part]
        sign = rf"(?P<s{part}>[+-]?)" if part in signed else ""
        pattern += before + sign + _SPAN_TEXTS[part]
    found = re.fullmatch(pattern, str(node.this.this).strip())
    if found is None:
        raise _wrong(
            node, work, f"{str(node.this.this)!r} is no INTERVAL {first} TO {last}", "write INTERVAL '1-2 3 4:5:6.7' YEAR TO SECOND"
        )
    values = [value for name, value in zip(_names(found), found.groups(), strict=True) if name is None]
    months = days = micros = 0
    negative_time = any(found.groupdict().get(f"s{part}") == "-" for part in ("HOUR", "MINUTE") if part in parts)
    negative_months = any(found.groupdict().get(f"s{part}") == "-" for part in ("YEAR", "MONTH") if part in parts)
    for part, value in zip(parts, values, strict=True):
        match part:
            case "YEAR" | "MONTH":
                months += int(value) * (12 if part == "YEAR" else 1)
            case "DAY":
                days += int(value)
            case "SECOND":
                whole, _, fraction = value.partition(".")
                micros += int(whole) * 10**6 + int((fraction or "0").ljust(6, "0"))
            case _:
                micros += int(value) * (3600 if part == "HOUR" else 60) * 10**6
    months, micros = -months if negative_months else months, -micros if negative_time else micros
    return cast(f"{fn('to_months', str(months))} + {fn('to_days', str(days))} + {fn('to_microseconds', str(micros))}", INTERVAL)


def _names(found: re.Match[str]) -> list[str | None]:
    """The name of each group, or None."""
    by_index = {index: name for name, index in found.re.groupindex.items()}
    return [by_index.get(index + 1) for index in range(found.re.groups)]


def _wrong(node: exp.Expr, work: Translating, message: str, hint: str | None = None) -> ProgrammingError:
    return ProgrammingError(message, code="function_argument", span=work.read.span_of(node), hint=hint)


# EXTRACT and AT TIME ZONE


def extract(node: exp.Extract, work: Translating) -> exp.Expr:
    part = _extracted_part(node.this)
    if part not in moment_parts.EXTRACTED:
        raise _wrong(node, work, f"EXTRACT has no part {part}", f"the parts are {', '.join(moment_parts.EXTRACTED)}")
    value = node.expression
    while isinstance(value, exp.Paren):
        value = value.this
    if isinstance(value, exp.Null):
        return raw(cast("NULL", "BIGINT"))
    if isinstance(value, exp.Sub):
        text = _difference(value)
    else:
        text = render(value)
        if isinstance(value, exp.Literal) and value.is_string:
            raise _wrong(node, work, "EXTRACT takes a date or time, got text", "write DATE '…' or TIMESTAMP '…'")
    return raw(moment_parts.extracted(part, text))


def _extracted_part(node: exp.Expr) -> str:
    if isinstance(node, exp.WeekStart):
        return f"WEEK({node.name.upper()})"
    if isinstance(node, exp.Func) and node.expressions:
        return f"WEEK({node.expressions[0].name.upper()})"
    return node.name.upper()


def _difference(node: exp.Sub) -> str:
    """The INTERVAL between two values: whole days between dates, time between others (36:00:00 where DuckDB says 1 day 12:00:00)."""
    left, right = render(node.this), render(node.expression)
    if INTERVAL in (kind_of(left), kind_of(right)):
        return f"({left} - {right})"
    days = fn("to_days", fn("date_diff", "'day'", f"TRY_CAST({right} AS TIMESTAMP)", f"TRY_CAST({left} AS TIMESTAMP)"))
    passed = [fn("epoch_us", f"TRY_CAST({text} AS TIMESTAMP)") for text in (left, right)]
    time = fn("to_microseconds", f"{passed[0]} - {passed[1]}")
    return (
        f"CASE WHEN {moments.is_kind(left, DATE)} THEN {days} WHEN {fn('typeof', left)} LIKE 'TIMESTAMP%' THEN {time}"
        f" ELSE TRY_CAST({left} - {right} AS INTERVAL) END"
    )


def at_time_zone(node: exp.AtTimeZone, work: Translating) -> exp.Expr:
    if not isinstance(node.parent, exp.Extract):
        raise work.refuse(node, "AT TIME ZONE stands in EXTRACT only", "write DATETIME(timestamp, 'America/New_York')")
    return raw(moments.local(render(node.this), _zone(node.args["zone"], work)))


def _zone(node: exp.Expr, work: Translating) -> str:
    if isinstance(node, exp.Literal) and node.is_string:
        name = moments.zone_text(str(node.this))
        if name is None:
            raise _wrong(
                node, work, f"{str(node.this)!r} is no time zone", "write a name such as 'America/New_York' or an offset such as '+05:30'"
            )
        return sql.literal(name)
    return moments.any_zone(render(node))


# now


def current(node: exp.Expr, work: Translating) -> exp.Expr:
    """CURRENT_DATE, CURRENT_DATETIME, CURRENT_TIME, CURRENT_TIMESTAMP without brackets."""
    given = node.args.get("this")
    return raw(now(_NOW[type(node)], None if given is None else _zone(given, work)))


_NOW: Mapping[type[exp.Expr], str] = {
    exp.CurrentDate: DATE, exp.CurrentDatetime: DATETIME, exp.CurrentTime: TIME, exp.CurrentTimestamp: TIMESTAMP,
}  # fmt: skip


def now(kind: str, zone: str | None) -> str:
    """The moment at which the transaction began, as a value of a kind."""
    if kind == TIMESTAMP:
        return cast(NOW, TIMESTAMP)
    return cast(moments.local(NOW, zone or "'UTC'"), kind)


# sums


def add(node: exp.Add, work: Translating) -> exp.Expr:
    """DATE + INT64 and INT64 + DATE, where the text says that it is a DATE or may be one. DuckDB takes the rest as BigQuery does."""
    del work
    left, right = render(node.this), render(node.expression)
    for date, number in ((left, right), (right, left)):
        if kind_of(date) == DATE and kind_of(number) == "":
            return raw(cast(f"{date} + CAST({number} AS INTEGER)", DATE))
    return _days(node, left, "+", right) or _interval_sum(node, left, "+", right)


def subtract(node: exp.Sub, work: Translating) -> exp.Expr:
    """DATE - INT64, and the INTERVAL between two values, where the text says what they are."""
    del work
    left, right = render(node.this), render(node.expression)
    kinds = kind_of(left), kind_of(right)
    if kinds == (DATE, DATE):
        return raw(cast(fn("to_days", f"{left} - {right}"), INTERVAL))
    if kinds in ((TIMESTAMP, TIMESTAMP), (DATETIME, DATETIME)):
        return raw(cast(fn("to_microseconds", f"{fn('epoch_us', left)} - {fn('epoch_us', right)}"), INTERVAL))
    if kinds[0] == DATE and kinds[1] == "" and not isinstance(node.expression, exp.Column):
        return raw(cast(f"{left} - CAST({right} AS INTEGER)", DATE))
    return _days(node, left, "-", right) or _interval_sum(node, left, "-", right)


_SMALL = re.compile(r"CAST\((\d{1,9}) AS BIGINT\)")


def _days(node: exp.Add | exp.Sub, left: str, sign: str, right: str) -> exp.Expr | None:
    """A column, or what a function makes of one, and a whole number: DuckDB adds 32 bits to a DATE, not 64.

    Columns of 64 bits and of floating point give the same either way.
    """
    found = _SMALL.fullmatch(right)
    may_be_date = isinstance(node.this, exp.Column) or left.startswith("system.main.cast_to_type(")
    return raw(f"({left} {sign} CAST({found[1]} AS INTEGER))") if found is not None and may_be_date else None


def _interval_sum(node: exp.Add | exp.Sub, left: str, sign: str, right: str) -> exp.Expr:
    if kind_of(left) == kind_of(right) == INTERVAL:
        return raw(cast(f"{left} {sign} {right}", INTERVAL))
    node.meta[TEXT] = f"{generate(node.this)} {sign} {generate(node.expression)}"  # a long sum asks for it at every sign
    return node
