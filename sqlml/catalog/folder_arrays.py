"""Learned arrays as one file of plain bytes, and back.

    {"arrays": [{"section": …, "name": …, "kind": "floats" | "integers" | "strings", "shape": […]}, …]}   a line of JSON
    the values of each, in that order: 8 bytes a number, little-endian; texts as the length of each in bytes (8 bytes, -1 for NULL),
    then all of them in UTF-8

Nothing is compressed or shared, so that what is read is never larger than the file, and no library has to take the file apart: bytes that
an attacker chose made Arrow's Parquet reader end the process.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from sqlml.catalog.chunks import MAX_ARRAYS, MAX_VALUES, Arrays, check_size
from sqlml.catalog.folder_rows import damaged_export
from sqlml.errors import NotSupportedError
from sqlml.state import Array

_MAX_HEAD_BYTES = 1 << 24
_MAX_DIMENSIONS = 8
_WIDTH = 8
_NUMBERS = {"floats": "<f8", "integers": "<i8"}


def array_bytes(arrays: Arrays) -> Iterator[bytes | memoryview]:
    """The file's content, an array at a time.

    Raises: NotSupportedError `model_too_large`.
    """
    check_size(arrays)
    flat = [(section, name, array) for section, part in arrays.items() for name, array in part.items()]
    head = [{"section": section, "name": name, "kind": _kind(array), "shape": list(array.shape)} for section, name, array in flat]
    yield json.dumps({"arrays": head}, separators=(",", ":")).encode() + b"\n"
    for _, _, array in flat:
        if array.strings is None:
            values = array.floats if array.integers is None else array.integers
            yield np.ascontiguousarray(values, _NUMBERS[_kind(array)]).tobytes()
        else:
            texts = [None if text is None else text.encode() for text in array.strings]
            yield np.array([-1 if text is None else len(text) for text in texts], "<i8").tobytes()
            yield b"".join(text for text in texts if text is not None)


def arrays_from_bytes(name: str, data: bytes) -> dict[str, dict[str, Array]]:
    """The arrays in a file.

    Args: name, of the file, for messages.
    Raises: IntegrityError `damaged_export`.
    """
    end = data.find(b"\n", 0, _MAX_HEAD_BYTES)
    position = end + 1
    arrays: dict[str, dict[str, Array]] = {}
    for section, title, kind, shape in _head(name, data[: max(0, end)]):
        array, position = _array(name, data, position, kind, shape)
        if title in arrays.setdefault(section, {}):
            raise damaged_export(f"{name} has an array twice")
        arrays[section][title] = array
    if position != len(data):
        raise damaged_export(f"{name} has {len(data) - position} bytes too many")
    try:
        check_size(arrays)
    except NotSupportedError as error:
        raise damaged_export(f"{name} has more than a model can have") from error
    return arrays


def _head(name: str, line: bytes) -> list[tuple[str, str, str, tuple[int, ...]]]:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise damaged_export(f"{name} does not begin with a list of its arrays") from error
    entries = content.get("arrays") if isinstance(content, dict) else None
    if not isinstance(entries, list) or len(entries) > MAX_ARRAYS:
        raise damaged_export(f"{name} does not begin with a list of its arrays")
    return [_entry(name, entry) for entry in entries]


def _entry(name: str, entry: Any) -> tuple[str, str, str, tuple[int, ...]]:
    keys = ("section", "name", "kind", "shape")
    section, title, kind, shape = (entry.get(key) for key in keys) if isinstance(entry, dict) else (None, None, None, None)
    if isinstance(section, str) and isinstance(title, str) and kind in ("floats", "integers", "strings") and isinstance(shape, list):
        is_shape = len(shape) <= _MAX_DIMENSIONS and all(type(size) is int and 0 <= size <= MAX_VALUES for size in shape)
        if is_shape:
            return section, title, str(kind), tuple(shape)
    raise damaged_export(f"{name} has an array of no kind or shape")


def _array(name: str, data: bytes, position: int, kind: str, shape: tuple[int, ...]) -> tuple[Array, int]:
    """The array that begins at a position, and where it ends."""
    n_values = 1
    for size in shape:
        n_values *= size
    stop = position + n_values * _WIDTH
    if stop > len(data):
        raise damaged_export(f"{name} has fewer values than it says")
    numbers = np.frombuffer(data, _NUMBERS.get(kind, "<i8"), n_values, position)
    if kind == "floats":
        return Array(shape, floats=numbers.astype(np.float64)), stop
    if kind == "integers":
        return Array(shape, integers=numbers.astype(np.int64)), stop
    texts: list[str | None] = []
    for length in numbers.tolist():
        if not -1 <= length <= len(data) - stop:
            raise damaged_export(f"{name} has a text that does not end")
        try:
            texts.append(None if length < 0 else data[stop : stop + length].decode())
        except UnicodeDecodeError as error:
            raise damaged_export(f"{name} has a text that is not UTF-8") from error
        stop += max(0, length)
    return Array(shape, strings=tuple(texts)), stop


def _kind(array: Array) -> str:
    return "strings" if array.strings is not None else "integers" if array.integers is not None else "floats"
