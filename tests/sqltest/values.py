"""Values of a result as the text that a `.test` file writes, and whether they are what it expects."""

from __future__ import annotations

import datetime
import math
import re
from decimal import Decimal


def as_text(value: object) -> str:
    """A value as DuckDB prints it; `(empty)` for the empty string."""
    return "(empty)" if value == "" else _text(value, nested=False)


def _text(value: object, *, nested: bool) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value)
        case str():
            # A value may hold the tabs and newlines that part values and rows.
            text = value.replace("\t", "\\t").replace("\n", "\\n")
            return f"'{text}'" if nested else text
        case list() | tuple():
            return "[" + ", ".join(_text(item, nested=True) for item in value) + "]"
        case dict():
            return "{" + ", ".join(f"'{name}': {_text(item, nested=True)}" for name, item in value.items()) + "}"
        case datetime.datetime():
            return value.isoformat(sep=" ")
    return str(value)


def is_expected(value: object, expected: str, kind: str, approx: float | None) -> bool:
    """Whether a value is what the file says.

    Args:
        kind: the type letter of the column. A number of kind I or R is compared as a number.
        approx: relative tolerance; absolute where the expected number is 0. Numbers inside lists and structs are compared so, too.
    """
    if expected.startswith("<REGEX>:"):
        return re.fullmatch(expected.removeprefix("<REGEX>:"), as_text(value)) is not None
    if value is None or expected == "NULL":
        return value is None and expected == "NULL"
    match kind:
        case "B":
            return isinstance(value, bool) and as_text(value) == expected
        case "I":
            # Arrow has no 128-bit integers: they come as decimals.
            return isinstance(value, int | Decimal) and not isinstance(value, bool) and value == int(expected)
        case "R":
            return (
                isinstance(value, float | int | Decimal) and not isinstance(value, bool) and _close(float(value), float(expected), approx)
            )
    return as_text(value) == expected if approx is None else _close_text(as_text(value), expected, approx)


_NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?|-?\binf\b|\bnan\b")


def _close_text(got: str, expected: str, approx: float) -> bool:
    """Whether two texts differ at most in the numbers in them, and in those by the tolerance."""
    if _NUMBER.sub("#", got) != _NUMBER.sub("#", expected):
        return False
    pairs = zip(_NUMBER.findall(got), _NUMBER.findall(expected), strict=True)
    return all(_close(float(one), float(other), approx) for one, other in pairs)


def _close(got: float, expected: float, approx: float | None) -> bool:
    if math.isnan(got) or math.isnan(expected):
        return math.isnan(got) and math.isnan(expected)
    if approx is None or math.isinf(got) or math.isinf(expected):
        return got == expected
    return abs(got - expected) <= approx * (abs(expected) or 1.0)
