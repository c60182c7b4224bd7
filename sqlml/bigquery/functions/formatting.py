"""BigQuery's format elements (%Y, %E*S …) in DuckDB: what FORMAT_… writes and PARSE_… reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product

from sqlml import sql
from sqlml.bigquery.moments import DATE, DATETIME, TIME, TIMESTAMP, cast, fn, instant, local, typed, zone
from sqlml.bigquery.translation import Call

_ELEMENT = re.compile(r"%(E4Y|E\*S|E\d+S|Ez|[EO].|.|$)", re.DOTALL)
_TIME_ELEMENTS = frozenset("cHIklMPpRrSsTX")
_DATE_ELEMENTS = frozenset("AaBbhCcDdeFGgJjmQsUuVWwxYy")
_COMPOSED: Mapping[str, str] = {
    "F": "%Y-%m-%d", "T": "%H:%M:%S", "X": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "x": "%m/%d/%y", "r": "%I:%M:%S %p", "h": "%b",
    "c": "%a %b %e %H:%M:%S %Y", "E4Y": "%Y", "n": "\n", "t": "\t", "E0S": "%S",
}  # fmt: skip
"""Elements that stand for others, for writing and for reading."""

DIFFERS = "%Y writes years before 1000 with four digits."


def _expanded(format_: str) -> str:
    """The format with elements that stand for others replaced."""
    return _ELEMENT.sub(lambda found: _expanded(_COMPOSED[found[1]]) if found[1] in _COMPOSED else found[0], format_)


def _format_of(call: Call) -> str:
    text = call.text(0)
    if text is None:
        call.refuse(f"the format of {call.name} must be written as text", "a format that is computed cannot be translated")
    return text


def _belongs(call: Call, text: str, kind: str) -> None:
    """Refuses elements that the type does not have.

    BigQuery writes them as they stand and refuses to read them.
    """
    for found in _ELEMENT.finditer(text):
        letter = found[1].lstrip("EO*0123456789")[:1]
        lacks = (
            (kind == DATE and letter in _TIME_ELEMENTS)
            or (kind == TIME and letter in _DATE_ELEMENTS)
            or (kind != TIMESTAMP and letter != "" and letter in "Zz")
        )
        if lacks:
            name = {DATE: "DATE", TIME: "TIME", DATETIME: "DATETIME"}[kind]
            call.refuse(
                f"the format element {found[0]} says nothing about a {name}", "use the function of a type that has it, or leave it out"
            )


# writing

_SAME = frozenset("YmdHMSyjpIAaBbUVWGuw%")
"""Elements that strftime of DuckDB writes as BigQuery does."""


def formatted(call: Call, kind: str) -> str:
    """The value of FORMAT_DATE, FORMAT_DATETIME, FORMAT_TIMESTAMP, FORMAT_TIME."""
    if call.arguments[0].sql() == "NULL":
        return cast("NULL", "VARCHAR")
    text = _format_of(call)
    value = typed(call, 1, kind)
    _belongs(call, text, kind)
    moment, offset = value, "0"
    if kind == TIME:
        moment = f"(DATE '1970-01-01' + {value})"
    elif kind == TIMESTAMP and len(call) > 2:
        moment = local(value, zone(call, 2))
        offset = fn("date_diff", "'minute'", local(value, "'UTC'"), moment)
    pieces: list[str] = []
    pending = ""
    done = 0
    expanded = _expanded(text)
    for found in _ELEMENT.finditer(expanded):
        pending += expanded[done : found.start()]
        done = found.end()
        if found[1] in _SAME:
            pending += found[0]
            continue
        if pending:
            pieces.append(_strftime(moment, pending))
            pending = ""
        pieces.append(_written(call, found, moment, value, offset))
    pending += expanded[done:]
    if not expanded:
        return f"CASE WHEN {moment} IS NOT NULL THEN '' END"
    if pending:
        pieces.append(_strftime(moment, pending))
    return pieces[0] if len(pieces) == 1 else f"({' || '.join(pieces)})"


def _strftime(moment: str, format_: str) -> str:
    return fn("strftime", moment, sql.literal(format_))


def _written(call: Call, found: re.Match[str], moment: str, value: str, offset: str) -> str:
    def part(name: str) -> str:
        return fn("date_part", f"'{name}'", moment)

    def padded(number: str, width: int, letter: str) -> str:
        return fn("lpad", cast(number, "VARCHAR"), str(width), f"'{letter}'")

    match found[1]:
        case "e":
            return padded(part("day"), 2, " ")
        case "k":
            return padded(part("hour"), 2, " ")
        case "l":
            return padded(f"({part('hour')} + 11) % 12 + 1", 2, " ")
        case "C":
            return padded(f"{part('year')} // 100", 2, "0")
        case "g":
            return padded(f"{part('isoyear')} % 100", 2, "0")
        case "J":
            days = fn("date_diff", "'day'", fn("date_trunc", "'isoyear'", moment), moment)
            return padded(f"{days} + 1", 3, "0")
        case "Q":
            return cast(part("quarter"), "VARCHAR")
        case "P":
            return fn("lower", _strftime(moment, "%p"))
        case "s":
            return cast(fn("epoch_us", fn("date_trunc", "'second'", value)) + " // 1000000", "VARCHAR")
        case "E*S":
            return fn("rtrim", fn("rtrim", _strftime(moment, "%S.%f"), "'0'"), "'.'")
        case digits if re.fullmatch(r"E[1-6]S", digits):
            return fn("left", _strftime(moment, "%S.%f"), str(3 + int(digits[1])))
        case "z" | "Ez":
            return _offset_text(moment, offset, ":" if found[1] == "Ez" else "", "", "%02d")
        case "Z":
            return _zone_name(moment, offset)
        case other:
            return call.refuse(
                f"the format element %{other} is not available", "the format elements that can be used are listed in docs/bigquery.md"
            )


def _offset_text(moment: str, offset: str, between: str, before: str, digits: str) -> str:
    """+0530 or +05:30. It is NULL where the value is."""
    number = fn("date_diff", "'day'", moment, moment) if offset == "0" else offset
    return fn("printf", f"'{before}%s{digits}{between}%02d'", _sign(number), f"{fn('abs', number)} // 60", f"{fn('abs', number)} % 60")


def _sign(number: str) -> str:
    return f"CASE WHEN {number} < 0 THEN '-' ELSE '+' END"


def _zone_name(moment: str, offset: str) -> str:
    """UTC, UTC-8, UTC+5:30: what BigQuery calls time zones."""
    if offset == "0":
        return f"CASE WHEN {moment} IS NOT NULL THEN 'UTC' END"
    hours, minutes = f"{fn('abs', offset)} // 60", f"{fn('abs', offset)} % 60"
    whole = fn("printf", "'UTC%s%d'", _sign(offset), hours)
    broken = fn("printf", "'UTC%s%d:%02d'", _sign(offset), hours, minutes)
    return f"CASE WHEN {offset} = 0 THEN 'UTC' WHEN {minutes} = 0 THEN {whole} ELSE {broken} END"


# reading

_READ: Mapping[str, tuple[str, ...]] = {
    **{letter: (f"%{letter}",) for letter in "YmdHMSyjpIz%"},
    "A": ("%A", "%a"), "a": ("%a", "%A"), "B": ("%B", "%b"), "b": ("%b", "%B"), "e": ("%d",), "k": ("%H",), "l": ("%I",), "P": ("%p",),
    "E*S": ("%S.%f", "%S"), "Ez": ("%z",), "Z": ("%Z",), **{f"E{digits}S": ("%S.%f", "%S") for digits in range(1, 7)},
}  # fmt: skip
"""Each element as strptime of DuckDB reads it: any of these. BigQuery reads names of months and weekdays long or short."""


def parsed(call: Call, kind: str) -> str:
    """The value of PARSE_DATE, PARSE_DATETIME, PARSE_TIMESTAMP, PARSE_TIME."""
    if call.arguments[0].sql() == "NULL":
        return cast("NULL", kind)
    text = _format_of(call)
    _belongs(call, text, kind)
    value = call.sql(1)
    expanded = re.sub(r"\s+", " ", _expanded(text)).strip()
    names = [found[1] for found in _ELEMENT.finditer(expanded)]
    if names == ["s"] and expanded == "%s":
        return cast(fn("make_timestamp", f"CAST({value} AS BIGINT) * 1000000"), kind)
    value = fn("trim", value, "' \t\n\r'")
    if " " in expanded:
        value = fn("regexp_replace", value, "'\\s+'", "' '", "'g'")
    formats = _formats(call, expanded)
    if not {"Y", "y"} & set(names):  # a date without a year is one of 1970
        value, formats = f"'1970 ' || {value}", [f"%Y {format_}" for format_ in formats]
    written = sql.literal(formats[0]) if len(formats) == 1 else "[" + ", ".join(map(sql.literal, formats)) + "]"
    found = fn("strptime", value, written)
    if kind != TIMESTAMP:
        return cast(found, kind)
    if {"z", "Ez", "Z"} & set(names):
        return cast(found, TIMESTAMP)
    return instant(found, zone(call, 2) if len(call) > 2 else "'UTC'")


def _formats(call: Call, text: str) -> list[str]:
    choices: list[tuple[str, ...]] = []
    done = 0
    for found in _ELEMENT.finditer(text):
        known = _READ.get(found[1])
        if known is None:
            call.refuse(f"{call.name} does not read the format element %{found[1]}", "read the other parts, or take the text apart")
        choices += [(text[done : found.start()],), known]
        done = found.end()
    return ["".join(parts) for parts in product(*choices, (text[done:],))]
