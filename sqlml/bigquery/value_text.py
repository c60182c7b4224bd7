"""A value as the text that FORMAT writes for %t, or as the literal for %T, as SQL that asks the engine for its type."""

from __future__ import annotations

from collections.abc import Callable

from sqlml import sql
from sqlml.bigquery.number_text import decimal, moment, real

_DATE_TIME, _TIME = "%Y-%m-%d %H:%M:%S", "%H:%M:%S"
_COMMA, _DECIMAL, _BRACKET, _UTC = "', '", "'DECIMAL'", "']'", "'UTC'"
_DOUBLE, _SINGLE = "'\"'", "''''"
_DOUBLE_CODE, _SINGLE_CODE = "'22'", "'27'"
_WHOLE = ("BIGINT", "INTEGER", "BOOLEAN", "HUGEINT", "SMALLINT", "TINYINT", "UBIGINT", "UINTEGER")


def value_text(value: str, *, literal: bool) -> str:
    """SQL (VARCHAR) of a scalar, or of an array of scalars in square brackets; `NULL` for NULL. A STRUCT is an error when it runs."""
    kind = sql.call("typeof", value)
    number = f"TRY_CAST(CAST({value} AS VARCHAR) AS DECIMAL(38, 9))"
    is_number = f"{sql.call('starts_with', kind, _DECIMAL)} AND NOT {sql.call('suffix', kind, _BRACKET)}"
    message = sql.literal("FORMAT writes no value of this type; write its fields one by one, or use TO_JSON_STRING")
    cases = [
        f"WHEN {is_number} THEN {_marked('NUMERIC', decimal(number), literal)}",
        *_cases(value, kind, _WHOLE if literal else (*_WHOLE, "VARCHAR", "DATE"), "VARCHAR", lambda text: text),
        *_cases(value, kind, ("DOUBLE", "FLOAT"), "DOUBLE", lambda real_: _real(real_, literal)),
        *_cases(value, kind, ("TIMESTAMP",), "TIMESTAMP", lambda time: _marked("DATETIME", f"({moment(time, _DATE_TIME)})", literal)),
        *_cases(
            value,
            kind,
            ("TIMESTAMP WITH TIME ZONE",),
            "TIMESTAMP WITH TIME ZONE",
            lambda time: _marked("TIMESTAMP", _instant(time), literal),
        ),
        *_cases(value, kind, ("TIME",), "TIME", lambda time: _marked("TIME", _time(time), literal)),
        *_cases(value, kind, ("BLOB",), "BLOB", lambda data: _bytes(data, literal)),
        *_cases(value, kind, ("JSON",), "JSON", lambda data: _json(data, literal)),
    ]
    if literal:
        cases += _cases(value, kind, ("VARCHAR",), "VARCHAR", _quoted)
        cases += _cases(value, kind, ("DATE",), "VARCHAR", lambda date: _marked("DATE", date, literal))
    return f"CASE WHEN {value} IS NULL THEN 'NULL' {' '.join(cases)} ELSE system.main.error({message}) END"


def _cases(value: str, kind: str, types: tuple[str, ...], read_as: str, write: Callable[[str], str]) -> list[str]:
    """For values of some types, and for arrays of them."""
    scalars, arrays = ", ".join(map(sql.literal, types)), ", ".join(sql.literal(f"{type_}[]") for type_ in types)
    texts = sql.call(
        "list_transform", f"TRY_CAST({value} AS {read_as}[])", f"lambda e: CASE WHEN e IS NULL THEN 'NULL' ELSE {write('e')} END"
    )
    return [
        f"WHEN {kind} IN ({scalars}) THEN {write(f'TRY_CAST({value} AS {read_as})')}",
        f"WHEN {kind} IN ({arrays}) THEN '[' || {sql.call('array_to_string', texts, _COMMA)} || ']'",
    ]


def _marked(name: str, text: str, literal: bool) -> str:
    """The literal is the text in quotes behind the name of the type."""
    return f"'{name} \"' || {text} || '\"'" if literal else text


def _real(value: str, literal: bool) -> str:
    """Always with a point or an exponent."""
    text = f"({real(value)})"
    infinite = f"'CAST(\"' || {text} || '\" AS FLOAT64)'" if literal else text
    pointed = sql.call("regexp_replace", text, "'^(-?[0-9]+)$'", "'\\1.0'")
    return f"CASE WHEN {sql.call('isfinite', value)} THEN {pointed} ELSE {infinite} END"


def _instant(value: str) -> str:
    return f"({moment(sql.call('timezone', _UTC, value), _DATE_TIME)}) || '+00'"


def _time(value: str) -> str:
    moment_ = f"(DATE '1970-01-01' + {value})"
    return f"({moment(moment_, _TIME)})"


def _quoted(text: str) -> str:
    """In double quotes, or in single ones where it has double ones and no single ones."""
    escaped = text
    for found, written in (("'\\'", "'\\\\'"), ("'\n'", "'\\n'"), ("'\r'", "'\\r'"), ("'\t'", "'\\t'")):
        escaped = sql.call("replace", escaped, found, written)
    single = f"{sql.call('contains', text, _DOUBLE)} AND NOT {sql.call('contains', text, _SINGLE)}"
    doubled = sql.call("replace", escaped, _DOUBLE, "'\\\"'")
    return f"CASE WHEN {single} THEN '''' || {escaped} || '''' ELSE '\"' || {doubled} || '\"' END"


def _bytes(value: str, literal: bool) -> str:
    """What cannot be printed in hexadecimal; the literal in the quotes that need no escaping, where there are such."""
    pairs = sql.call("regexp_extract_all", sql.call("hex", value), "'..'")
    single = f"({sql.call('list_contains', pairs, _DOUBLE_CODE)} AND NOT {sql.call('list_contains', pairs, _SINGLE_CODE)})"
    is_quote = f"(p = {_DOUBLE_CODE} AND NOT {single})" if literal else f"p IN ({_DOUBLE_CODE}, {_SINGLE_CODE})"
    character = sql.call("decode", sql.call("unhex", "p"))
    written = (
        f"CASE WHEN p = '0A' THEN '\\n' WHEN p = '0D' THEN '\\r' WHEN p = '09' THEN '\\t' WHEN p = '5C' THEN '\\\\'"
        f" WHEN {is_quote} THEN '\\' || {character} WHEN p BETWEEN '20' AND '7E' THEN {character}"
        f" ELSE '\\x' || {sql.call('lower', 'p')} END"
    )
    text = sql.call("array_to_string", sql.call("list_transform", pairs, f"lambda p: {written}"), "''")
    quote = f"(CASE WHEN {single} THEN {_SINGLE} ELSE {_DOUBLE} END)"
    return f"'b' || {quote} || {text} || {quote}" if literal else text


def _json(value: str, literal: bool) -> str:
    text = sql.call("json_normalize", value)
    return f"'JSON ' || ({_quoted(text)})" if literal else text
