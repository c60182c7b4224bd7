"""BYTES taken apart, as SQL: the engine does that with text only, so it goes through their hexadecimal digits, two for each.

Types of columns are not known when a statement is translated. What tells by itself that it is BYTES is a literal, a cast to BYTES or a
function that gives them.
"""

from __future__ import annotations

from sqlml.bigquery.moments import closes

_MAKERS = ("system.main.unhex(", "system.main.encode(", "system.main.from_base64(")
_CAST, _BLOB = "CAST(", " AS BLOB)"


def is_bytes(text: str) -> bool:
    """Whether a translated text says itself that it is BYTES."""
    if not text.lstrip("(").startswith((_CAST, *_MAKERS)):
        return False  # at once: a long expression is asked for every part of it
    while text.startswith("(") and closes(text, 0) == len(text) - 1:
        text = text[1:-1]
    if text.startswith(_CAST):
        return text.endswith(_BLOB) and closes(text, len(_CAST) - 1) == len(text) - 1
    maker = next((maker for maker in _MAKERS if text.startswith(maker)), None)
    return maker is not None and closes(text, len(maker) - 1) == len(text) - 1


def digits(value: str) -> str:
    """SQL (VARCHAR) of the hexadecimal digits, in capitals."""
    return f"system.main.hex({value})"


def size(value: str) -> str:
    return f"system.main.octet_length({value})"


def part(value: str, first: str, length: str | None = None) -> str:
    """SQL (BLOB) of the bytes from a place on, which counts from 1."""
    rest = "" if length is None else f", 2 * {length}"
    return f"system.main.substring({digits(value)}, 2 * ({first}) - 1{rest})"


def reverse(value: str) -> str:
    pairs = f"system.main.regexp_extract_all({digits(value)}, '..')"
    return of_digits(f"system.main.array_to_string(system.main.list_reverse({pairs}), '')")


def of_digits(text: str) -> str:
    """SQL (BLOB) of hexadecimal digits; it shows that it is BYTES."""
    return f"system.main.unhex({text})"
