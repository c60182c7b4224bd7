"""Universal Binary JSON as XGBoost writes and reads it: typed arrays are numpy arrays, everything else plain Python values.

Only for bytes that this process has just made: `read_ubjson` takes what a booster of ours gave, `write_ubjson` makes what a booster
is given. Nothing that comes out of a database is ever read here.

Source: ubjson.org, draft 12, in the dialect of XGBoost: counts and lengths are int64, arrays always carry a count.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np

_ARRAY_TYPES = {b"U": ">u1", b"i": ">i1", b"I": ">i2", b"l": ">i4", b"L": ">i8", b"d": ">f4", b"D": ">f8"}
_INTEGERS = {b"U": ">B", b"i": ">b", b"I": ">h", b"l": ">i", b"L": ">q"}
_NUMBERS = {**_INTEGERS, b"d": ">f", b"D": ">d"}
_CONSTANTS: dict[bytes, object] = {b"Z": None, b"T": True, b"F": False}
_MARKERS = {np.dtype(name).newbyteorder("="): marker for marker, name in _ARRAY_TYPES.items()}


def read_ubjson(data: bytes | bytearray) -> object:
    """The value that the bytes hold.

    Raises: ValueError when they are not in the dialect.
    """
    try:
        value, end = _read_value(data, 0)
    except (struct.error, KeyError, ValueError) as error:
        raise ValueError("not UBJSON in XGBoost's dialect") from error
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes after the end")
    return value


def write_ubjson(value: object) -> bytes:
    """The bytes of a value: mappings, sequences, strings, integers, floats, booleans, None and one-dimensional numpy arrays."""
    parts: list[bytes] = []
    _write_value(value, parts)
    return b"".join(parts)


def _read_value(data: bytes | bytearray, at: int) -> tuple[object, int]:
    marker = bytes(data[at : at + 1])
    at += 1
    if marker == b"{":
        return _read_object(data, at)
    if marker == b"[":
        return _read_array(data, at)
    if marker == b"S":
        return _read_text(data, at)
    if marker in _CONSTANTS:
        return _CONSTANTS[marker], at
    layout = _NUMBERS[marker]
    return struct.unpack_from(layout, data, at)[0], at + struct.calcsize(layout)


def _read_object(data: bytes | bytearray, at: int) -> tuple[dict[str, object], int]:
    members: dict[str, object] = {}
    while data[at : at + 1] != b"}":
        name, at = _read_text(data, at)
        members[name], at = _read_value(data, at)
    return members, at + 1


def _read_array(data: bytes | bytearray, at: int) -> tuple[object, int]:
    element_type = None
    if data[at : at + 1] == b"$":
        element_type = np.dtype(_ARRAY_TYPES[bytes(data[at + 1 : at + 2])])
        at += 2
    if data[at : at + 1] != b"#":
        raise ValueError("an array without a count")
    count, at = _read_integer(data, at + 1)
    if element_type is not None:
        end = at + count * element_type.itemsize
        return np.frombuffer(data, element_type, count, at).astype(element_type.newbyteorder("=")), end
    items = []
    for _ in range(count):
        item, at = _read_value(data, at)
        items.append(item)
    return items, at


def _read_text(data: bytes | bytearray, at: int) -> tuple[str, int]:
    length, at = _read_integer(data, at)
    return str(data[at : at + length], "utf-8"), at + length


def _read_integer(data: bytes | bytearray, at: int) -> tuple[int, int]:
    layout = _INTEGERS[bytes(data[at : at + 1])]
    number: int = struct.unpack_from(layout, data, at + 1)[0]
    if number < 0:
        raise ValueError("a negative length")
    return number, at + 1 + struct.calcsize(layout)


def _write_value(value: object, parts: list[bytes]) -> None:
    match value:
        case None:
            parts.append(b"Z")
        case bool():
            parts.append(b"T" if value else b"F")
        case int():
            parts.append(b"L" + struct.pack(">q", value))
        case float():
            parts.append(b"D" + struct.pack(">d", value))
        case str():
            parts.append(b"S" + _text(value))
        case np.ndarray():
            marker = _MARKERS[value.dtype]
            parts += (b"[$" + marker + b"#" + _length(len(value)), value.astype(value.dtype.newbyteorder(">")).tobytes())
        case Mapping():
            parts.append(b"{")
            for name, member in value.items():
                parts.append(_text(name))
                _write_value(member, parts)
            parts.append(b"}")
        case Sequence():
            parts.append(b"[#" + _length(len(value)))
            for item in value:
                _write_value(item, parts)
        case _:
            raise TypeError(f"no UBJSON form for {type(value).__name__}")


def _text(text: str) -> bytes:
    data = text.encode()
    return _length(len(data)) + data


def _length(number: int) -> bytes:
    return b"L" + struct.pack(">q", number)
