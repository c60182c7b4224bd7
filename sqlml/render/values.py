"""One value as text for a table, as a CSV field, as a JSON value.

A table is for people: ten significant digits, NULL spelt out. CSV and JSON are for programs: every digit, NULL empty or null.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import json
import math

from sqlml.types import Kind, SqlType

_DIGITS = 10
"""Significant digits of a DOUBLE in a table; sixteen fill the screen and nobody reads them."""
_FLOAT_DIGITS = 7
"""A FLOAT has no more than seven."""


def is_number(type_: SqlType) -> bool:
    """Whether a column stands to the right."""
    return type_.kind is Kind.NUMBER


def as_cell(value: object, type_: SqlType) -> str:
    """The value for a table."""
    if isinstance(value, float):
        return _short(value, _FLOAT_DIGITS if type_.name == "FLOAT" else _DIGITS)
    return _nested(value)


def _nested(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case float():
            return _short(value, _DIGITS)
        case bytes():
            return "\\x" + value.hex()
        case list() | tuple():
            return "[" + ", ".join(map(_nested, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{_nested(key)}: {_nested(item)}" for key, item in value.items()) + "}"
    return str(value)


def _short(value: float, digits: int) -> str:
    if not math.isfinite(value):
        return str(value)
    text = f"{value:.{digits}g}"
    return text if any(character in text for character in ".e") else f"{text}.0"


def as_csv(value: object) -> str:
    """The value for a CSV field; lists and structs as JSON, NULL as nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case list() | tuple() | dict():
            return json.dumps(as_json(value), ensure_ascii=False)
    return str(value)


def as_json(value: object) -> object:
    """The value as what `json` can write without loss.

    A DECIMAL becomes a number where a double holds it exactly, else a string; NaN and infinities, which JSON lacks, become
    "NaN", "Infinity", "-Infinity" as in BigQuery's JSON; a BLOB becomes base64.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case decimal.Decimal():
            number = float(value)
            return number if decimal.Decimal(repr(number)) == value else str(value)
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case list() | tuple():
            return [as_json(item) for item in value]
        case dict():
            return {key if isinstance(key, str) else as_csv(key): as_json(item) for key, item in value.items()}
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
    return str(value)
