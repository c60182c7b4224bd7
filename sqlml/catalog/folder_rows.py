"""Rows of the catalog's tables as JSON Lines, and back with every value of the type that its column has.

Doubles keep every bit; those that JSON lacks are written as text. A map is an object, a time is in ISO's form.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sqlml.catalog.tables import MAX_ROWS, MAX_TEXT_BYTES, Table
from sqlml.errors import IntegrityError

_MAX_LINE_BYTES = 4 * MAX_TEXT_BYTES
_NOT_IN_JSON = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def damaged_export(reason: str) -> IntegrityError:
    """The error for a folder that is not as it was written."""
    return IntegrityError(
        f"the exported model is damaged: {reason}", code="damaged_export", hint="export the model again, and copy all of the folder"
    )


def to_lines(rows: Iterable[Mapping[str, Any]], table: Table) -> Iterator[bytes]:
    """Rows as Arrow gives them, a line each; columns that the rows lack are NULL."""
    for row in rows:
        values = {name: _plain(row.get(name), declared) for name, declared in table.columns}
        yield json.dumps(values, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def from_lines(name: str, data: bytes, table: Table) -> Iterator[dict[str, Any]]:
    """The rows of a file, with just the columns of the table, as Arrow would give them.

    Args: name, of the file, for messages.
    Raises: IntegrityError `damaged_export`.
    """
    if data and not data.endswith(b"\n"):
        raise damaged_export(f"{name} ends in the middle of a row")
    start = n_rows = 0
    while start < len(data):
        end = data.index(b"\n", start)
        n_rows += 1
        if n_rows > MAX_ROWS or end - start > _MAX_LINE_BYTES:
            raise damaged_export(f"{name} has too many rows, or one that is too long")
        yield _row(name, data[start:end], table)
        start = end + 1


def _row(name: str, line: bytes, table: Table) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise damaged_export(f"{name} has a line that is no JSON") from error
    if not isinstance(row, dict) or tuple(row) != table.names:
        raise damaged_export(f"{name} has other columns than sqlml writes")
    values: dict[str, Any] = {}
    for column, declared in table.columns:
        value = row[column]
        must_be_there = declared.endswith(" NOT NULL") or column in table.key
        try:
            values[column] = None if value is None and not must_be_there else _CONVERTERS[declared.removesuffix(" NOT NULL")](value)
        except (ValueError, OverflowError) as error:
            raise damaged_export(f"{name} has a value in {column} that is none of type {declared}") from error
    return values


def _plain(value: Any, declared: str) -> Any:
    """A value as JSON has it."""
    match value:
        case datetime.datetime():
            return value.isoformat()
        case float() if not math.isfinite(value):
            return str(value)
        case list() if declared.startswith("MAP"):
            return {key: _plain(item, "") for key, item in value}
        case list():
            return [_plain(item, "") for item in value]
        case dict():
            return {key: _plain(item, "") for key, item in value.items()}
    return value


def _integer(bits: int) -> Callable[[object], int]:
    def convert(value: object) -> int:
        if type(value) is not int or not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
            raise ValueError
        return value

    return convert


def _double(value: object) -> float:
    if isinstance(value, str) and value in _NOT_IN_JSON:
        return _NOT_IN_JSON[value]
    if type(value) not in (int, float) or not math.isfinite(value):  # type: ignore[arg-type]  # a number
        raise ValueError
    return float(value)  # type: ignore[arg-type]  # a number


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    value.encode()  # half of a surrogate pair is no text
    return value


def _time(value: object) -> datetime.datetime:
    time = datetime.datetime.fromisoformat(_text(value))
    if time.tzinfo is not None:
        raise ValueError
    return time


def _list_of(convert: Callable[[object], object]) -> Callable[[object], list[object]]:
    def convert_all(value: object) -> list[object]:
        if not isinstance(value, list):
            raise ValueError
        return [None if item is None else convert(item) for item in value]

    return convert_all


def _map_to(convert: Callable[[object], object]) -> Callable[[object], list[tuple[str, object]]]:
    def convert_all(value: object) -> list[tuple[str, object]]:
        if not isinstance(value, dict):
            raise ValueError
        return [(_text(key), convert(item)) for key, item in value.items()]

    return convert_all


def _cluster(value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or tuple(value) != ("centroid_id", "cluster_radius", "cluster_size"):
        raise ValueError
    return {
        "centroid_id": _integer(64)(value["centroid_id"]), "cluster_radius": _double(value["cluster_radius"]),
        "cluster_size": _integer(64)(value["cluster_size"]),
    }  # fmt: skip


_CONVERTERS: Mapping[str, Callable[[object], Any]] = {
    "INTEGER": _integer(32),
    "BIGINT": _integer(64),
    "DOUBLE": _double,
    "VARCHAR": _text,
    "TIMESTAMP": _time,
    "VARCHAR[]": _list_of(_text),
    "MAP(VARCHAR, VARCHAR)": _map_to(_text),
    "MAP(VARCHAR, INTEGER)": _map_to(_integer(32)),
    "STRUCT(centroid_id BIGINT, cluster_radius DOUBLE, cluster_size BIGINT)[]": _list_of(_cluster),
}
