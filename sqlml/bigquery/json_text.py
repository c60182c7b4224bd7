"""A value as the JSON text that BigQuery's TO_JSON_STRING writes, as SQL made from the value's type.

The text is exact to the last character, since splits hash it: FARM_FINGERPRINT(TO_JSON_STRING(t)).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from sqlml import sql
from sqlml.bigquery.number_text import decimal, moment, real
from sqlml.types import Kind, SqlType

_EXACT = 2**53
"""Integers up to here are numbers in JSON, beyond it text: a reader may take numbers for FLOAT64."""
_NARROW = frozenset({"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"})
_PLAIN = re.compile(r'\(?[\w".]+\s*\)?')
_NAME = "__sqlml_json"
_DECIMAL, _BRACKET = "'DECIMAL'", "']'"


class NoJson(Exception):
    """A type that has no JSON text; its name is the argument."""


def json_text(value: str, type_: SqlType, *, pretty: bool = False, wide_as_text: bool = True) -> str:
    """SQL (VARCHAR) of the JSON text of a value; `null` for NULL.

    Args: wide_as_text, whether integers beyond 2**53 and fractions of NUMERIC are written as text, as TO_JSON_STRING does.
    Raises: NoJson.
    """
    write = _Writer(pretty, wide_as_text)
    if _PLAIN.fullmatch(value):
        return write.value(value, type_, 0)
    # Computed once: the text names its value several times.
    element = f"{_NAME}0"
    return f"{sql.call('list_transform', f'[{value}]', f'lambda {element}: {write.value(element, type_, 1)}')}[1]"


def untyped_json_text(value: str, *, wide_as_text: bool = True) -> str:
    """SQL (VARCHAR) of the JSON text of a value whose type only the engine will know: scalars, and arrays of them.

    Anything else is an error when the statement runs.
    """
    write = _Writer(pretty=False, wide_as_text=wide_as_text)
    kind = sql.call("typeof", value)
    cases = []
    for name in _SCALARS:
        for type_ in (name, f"{name}[]"):
            converted = f"TRY_CAST({value} AS {type_})"
            cases.append(f"WHEN {sql.literal(type_)} THEN {write.value(converted, SqlType(type_), 0)}")
    number = f"TRY_CAST(CAST({value} AS VARCHAR) AS DECIMAL(38, 9))"
    is_number = f"{sql.call('starts_with', kind, _DECIMAL)} AND NOT {sql.call('suffix', kind, _BRACKET)}"
    message = sql.literal(
        "the JSON text of a STRUCT needs to know its type; make it in a subquery of its own: (SELECT TO_JSON_STRING(t) FROM … AS t)"
    )
    numeric = write.value(number, SqlType("DECIMAL(38,9)"), 0)
    return (
        f"CASE WHEN {value} IS NULL THEN 'null' WHEN {is_number} THEN {numeric} ELSE CASE {kind} {' '.join(cases)}"
        f" ELSE system.main.error({message}) END END"
    )


class _Writer:
    def __init__(self, pretty: bool, wide_as_text: bool) -> None:
        self._pretty = pretty
        self._wide_as_text = wide_as_text

    def value(self, value: str, type_: SqlType, depth: int, indent: int = 0) -> str:
        """Args: depth, of names that are taken; indent, of brackets around the value."""
        if type_.name == '"NULL"':
            return "'null'"
        return f"CASE WHEN {value} IS NULL THEN 'null' ELSE {self._text(value, type_, depth, indent)} END"

    def _text(self, value: str, type_: SqlType, depth: int, indent: int) -> str:
        if type_.element is not None:
            return self._array(value, type_.element, depth, indent)
        if type_.kind is Kind.STRUCT and type_.fields:
            return self._struct(value, type_, depth, indent)
        if type_.name == "JSON":
            return self._json(value, indent)
        if type_.name in {"BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT"}:
            return self._integer(value)
        if type_.name.startswith("DECIMAL"):
            return self._decimal(value)
        write = _SCALAR_TEXTS.get(type_.name) or (_SCALAR_TEXTS["VARCHAR"] if type_.name.startswith("ENUM") else None)
        if write is None:
            raise NoJson(type_.name)
        return write(value)

    def _array(self, value: str, element: SqlType, depth: int, indent: int) -> str:
        name = f"{_NAME}{depth}"
        texts = sql.call("list_transform", value, f"lambda {name}: {self.value(name, element, depth + 1, indent + 1)}")
        opening, between, closing = self._layout(indent)
        joined = sql.call("array_to_string", texts, sql.literal(f",{between}"))
        text = f"{sql.literal(f'[{opening}')} || {joined} || {sql.literal(f'{closing}]')}"
        return f"CASE WHEN {sql.call('len', value)} = 0 THEN '[]' ELSE {text} END"

    def _struct(self, value: str, type_: SqlType, depth: int, indent: int) -> str:
        opening, between, closing = self._layout(indent)
        parts = []
        for index, field in enumerate(type_.fields):
            before = f"{{{opening}" if index == 0 else f",{between}"
            name = json.dumps(field.name, ensure_ascii=False).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
            parts.append(sql.literal(f"{before}{name}:{' ' * self._pretty}"))
            place = sql.literal(field.name) if field.name else str(index + 1)
            inner = sql.call("struct_extract" if field.name else "struct_extract_at", value, place)
            parts.append(self.value(inner, field.type, depth, indent + 1))
        parts.append(sql.literal(f"{closing}}}"))
        return sql.call("concat", *parts)

    def _layout(self, indent: int) -> tuple[str, str, str]:
        """What stands behind an opening bracket, behind a comma and before the closing bracket."""
        if not self._pretty:
            return "", "", ""
        inner = "\n" + "  " * (indent + 1)
        return inner, inner, "\n" + "  " * indent

    def _json(self, value: str, indent: int) -> str:
        """Members in alphabetical order, as BigQuery keeps them."""
        normal = sql.call("json_normalize", value)
        if not self._pretty:
            return normal
        lines = sql.call("string_split", sql.call("json_pretty", normal), "chr(10)")
        depth = f"({sql.call('strlen', 'line')} - {sql.call('strlen', sql.call('ltrim', 'line'))}) // 2"
        spaces = sql.call("repeat", "' '", depth)
        written = sql.call("list_transform", lines, f"lambda line: {spaces} || {sql.call('ltrim', 'line')}")
        return sql.call("array_to_string", written, sql.literal("\n" + "  " * indent))

    def _integer(self, value: str) -> str:
        text = f"CAST({value} AS VARCHAR)"
        if not self._wide_as_text:
            return text
        return f"CASE WHEN {value} BETWEEN -{_EXACT} AND {_EXACT} THEN {text} ELSE '\"' || {text} || '\"' END"

    def _decimal(self, value: str) -> str:
        text = decimal(value)
        if not self._wide_as_text:
            return text
        has_places = sql.call("contains", text, "'.'")
        return f"CASE WHEN {value} BETWEEN -{_EXACT} AND {_EXACT} AND NOT {has_places} THEN {text} ELSE '\"' || {text} || '\"' END"


def _real(value: str) -> str:
    infinite = f"CASE WHEN {sql.call('isnan', value)} THEN '\"NaN\"' WHEN {value} > 0 THEN '\"Infinity\"' ELSE '\"-Infinity\"' END"
    return f"CASE WHEN {sql.call('isfinite', value)} THEN {real(value)} ELSE {infinite} END"


def _string(value: str) -> str:
    """Control characters are written with small hexadecimal digits, and the separators of lines and paragraphs as well."""
    quoted = f"CAST({sql.call('to_json', f'CAST({value} AS VARCHAR)')} AS VARCHAR)"
    code = sql.call("unicode", "c")
    marked = f"CAST({sql.call('to_json', 'c')} AS VARCHAR)"
    inside = sql.call("substring", marked, "2", f"{sql.call('length', marked)} - 2")
    small = sql.call("lower", inside)
    separators = f"WHEN {code} = 8232 THEN '\\u2028' WHEN {code} = 8233 THEN '\\u2029'"
    written = f"CASE {separators} WHEN {code} < 32 THEN {small} ELSE {inside} END"
    characters = sql.call("list_transform", sql.call("string_split", f"CAST({value} AS VARCHAR)", "''"), f"lambda c: {written}")
    special = sql.call("regexp_matches", f"CAST({value} AS VARCHAR)", r"'[\x0b\x0e\x0f\x1a-\x1f\x{2028}\x{2029}]'")
    joined = sql.call("array_to_string", characters, "''")
    return f"CASE WHEN {special} THEN '\"' || {joined} || '\"' ELSE {quoted} END"


def _interval(value: str) -> str:
    """ISO 8601: the parts that are not 0, each with its sign."""
    names = ("year", "month", "day", "hour", "minute", "microsecond")
    years, months, days, hours, minutes, micros = (sql.call("datepart", sql.literal(name), value) for name in names)
    micros = f"({micros} % 60000000)"
    sign = f"CASE WHEN {micros} < 0 THEN '-' ELSE '' END"
    whole = f"CAST({sql.call('abs', micros)} // 1000000 AS VARCHAR)"
    rest = sql.call("rtrim", sql.call("printf", "'.%06d'", f"{sql.call('abs', micros)} % 1000000"), "'0.'")
    date = " || ".join(
        f"CASE WHEN {part} = 0 THEN '' ELSE {part} || '{mark}' END" for part, mark in ((years, "Y"), (months, "M"), (days, "D"))
    )
    time = " || ".join(f"CASE WHEN {part} = 0 THEN '' ELSE {part} || '{mark}' END" for part, mark in ((hours, "H"), (minutes, "M")))
    seconds = f"CASE WHEN {micros} = 0 THEN '' ELSE {sign} || {whole} || {rest} || 'S' END"
    clock = f"CASE WHEN {hours} = 0 AND {minutes} = 0 AND {micros} = 0 THEN '' ELSE 'T' || {time} || {seconds} END"
    return f"'\"' || COALESCE(NULLIF('P' || {date} || {clock}, 'P'), 'P0Y') || '\"'"


def _quoted(text: Callable[[str], str]) -> Callable[[str], str]:
    return lambda value: f"'\"' || {text(value)} || '\"'"


def _cast(value: str) -> str:
    return f"CAST({value} AS VARCHAR)"


_DATETIME = "%Y-%m-%dT%H:%M:%S"
_SCALAR_TEXTS: Mapping[str, Callable[[str], str]] = {
    "BOOLEAN": _cast, "DOUBLE": _real, "FLOAT": lambda value: _real(f"CAST(CAST({value} AS VARCHAR) AS DOUBLE)"),
    "VARCHAR": _string, "UUID": _string, "BLOB": _quoted(lambda value: sql.call("to_base64", value)), "DATE": _quoted(_cast),
    "TIMESTAMP": _quoted(lambda value: moment(value, _DATETIME)),
    **dict.fromkeys(
        ("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), _quoted(lambda value: moment(f"CAST({value} AS TIMESTAMP)", _DATETIME))
    ),
    "TIMESTAMP WITH TIME ZONE": _quoted(lambda value: moment(sql.call("timezone", "'UTC'", value), f"{_DATETIME}Z")),
    "TIME": _quoted(lambda value: moment(f"(DATE '1970-01-01' + {value})", "%H:%M:%S")), "INTERVAL": _interval,
    **dict.fromkeys(_NARROW, _cast),
}  # fmt: skip
_SCALARS = (
    "BIGINT", "INTEGER", "DOUBLE", "VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIME", "BLOB", "JSON",
    "INTERVAL", "HUGEINT", "FLOAT",
)  # fmt: skip
"""Types that are tried where only the engine knows."""
