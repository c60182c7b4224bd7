"""What an attacker does to a database: changes it with plain DuckDB, then makes the checksums right again.

A checksum without a key proves nothing about who wrote it, so no attack may stop at it: what is tested is what stands behind.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from sqlml.catalog.chunks import read_arrays
from sqlml.catalog.rows import read_rows, version_checksum
from sqlml.engines.duckdb import adopt_engine
from sqlml.errors import Error


@contextmanager
def attacker(path: Path, *, reseals: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
    """A plain connection to the database; at the end the checksums of all versions are made to fit."""
    connection = duckdb.connect(str(path))
    try:
        yield connection
        if reseals:
            reseal(connection)
    finally:
        connection.close()


def reseal(connection: duckdb.DuckDBPyConnection) -> None:
    """Stores the checksum that belongs to what is there now, wherever it can be computed at all."""
    engine = adopt_engine(connection)
    database = engine.current_database()
    for model_id, version in connection.execute("SELECT model_id, version FROM sqlml._versions").fetchall():
        try:
            rows = read_rows(engine, database, model_id, version)[version]
            digest = version_checksum(rows, read_arrays(engine, database, model_id, version))
        except Error:
            continue  # refused before any checksum is looked at
        connection.execute("UPDATE sqlml._versions SET checksum = ? WHERE model_id = ? AND version = ?", [digest, model_id, version])


def model_id(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    found = connection.execute("SELECT model_id FROM sqlml._names WHERE name_key = ? ORDER BY sequence DESC LIMIT 1", [name]).fetchone()
    assert found is not None
    return str(found[0])


def set_array(
    connection: duckdb.DuckDBPyConnection, model: str, name: str, values: str, *, shape: str | None = None, section: str = "state"
) -> None:
    """Overwrites a stored array of one chunk; `values` and `shape` are SQL."""
    where = f"model_id = '{model_id(connection, model)}' AND section = '{section}' AND name = '{name}'"
    (kind,) = connection.execute(
        f"SELECT CASE WHEN integers IS NOT NULL THEN 'integers' WHEN floats IS NOT NULL THEN 'floats' ELSE 'strings' END FROM sqlml._state WHERE {where}"
    ).fetchone()  # type: ignore[misc]  # it is there
    connection.execute(f"UPDATE sqlml._state SET {kind} = {values} WHERE {where} AND chunk = 0")
    if shape is not None:
        connection.execute(f"UPDATE sqlml._state SET shape = {shape} WHERE {where} AND chunk = 0")


class Tripwire:
    """Notices when anybody opens, makes or changes a file in a folder (inotify)."""

    _OPEN, _CREATE, _MODIFY, _DELETE = 0x20, 0x100, 0x2, 0x200

    def __init__(self, folder: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_NONBLOCK)
        watch = libc.inotify_add_watch(self._descriptor, os.fsencode(folder), self._OPEN | self._CREATE | self._MODIFY | self._DELETE)
        if self._descriptor < 0 or watch < 0:
            raise OSError(ctypes.get_errno(), "inotify")

    def touched(self) -> list[str]:
        """Names of the files that were touched since the last look."""
        try:
            data = os.read(self._descriptor, 1 << 16)
        except BlockingIOError:
            return []
        names, at = [], 0
        while at < len(data):
            (length,) = struct.unpack_from("I", data, at + 12)
            names.append(data[at + 16 : at + 16 + length].rstrip(b"\0").decode())
            at += 16 + length
        return names

    def close(self) -> None:
        os.close(self._descriptor)


WIRES: dict[Path, Tripwire] = {}
"""The tripwire of each folder that is watched."""


def forget(folder: Path) -> None:
    """Lets a tripwire forget what the attacker's own statements opened."""
    WIRES[folder].touched()
