"""The SQL that sqlml generates, in one place: quoting, literals, function calls.

Another engine translates what is built here, so it stays a plain subset. Functions are always called as
`system.main.fn(…)`: a macro in a stranger's database may carry the name of a built-in and would run instead.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Sequence

_BRANCH = 64
"""Terms summed flat before brackets are used; DuckDB refuses expressions nested deeper than 1,000 and plans a flat chain slowly."""


def quote(name: str) -> str:
    """An identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """A Python value as a SQL literal; floats keep every bit."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value)
        case float():
            if math.isnan(value):
                return "CAST('nan' AS DOUBLE)"
            if math.isinf(value):
                return f"CAST('{'-' if value < 0 else ''}inf' AS DOUBLE)"
            text = repr(value)  # an exponent makes the literal a DOUBLE; without one it would be a DECIMAL
            return text if "e" in text else f"{text}e0"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case datetime.datetime():
            return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
        case datetime.date():
            return f"DATE '{value.isoformat()}'"
        case list() | tuple():
            return "[" + ", ".join(literal(item) for item in value) + "]"
    raise TypeError(f"no SQL literal for {type(value).__name__}")


def call(function: str, *arguments: str) -> str:
    """A call of a built-in function that no macro can shadow."""
    return f"system.main.{quote(function)}({', '.join(arguments)})"


def cast(expression: str, type_name: str) -> str:
    return f"CAST({expression} AS {type_name})"


def total(terms: Sequence[str]) -> str:
    """The sum of the terms as balanced brackets; "0.0" for none."""
    if not terms:
        return "0.0"
    if len(terms) <= _BRANCH:
        return "(" + " + ".join(terms) + ")"
    size = math.ceil(len(terms) / _BRANCH)
    return total([total(terms[start : start + size]) for start in range(0, len(terms), size)])


def columns(names: Iterable[str]) -> str:
    return ", ".join(quote(name) for name in names)
