"""IMPORT MODEL: what an exported folder holds, everything checked that it says of itself.

Hashes tell a damaged folder, not a forged one: whoever writes a folder writes its hashes too. So rows and arrays pass the same checks as
those of a stranger's database (`rows`, `chunks`, `state`), and what they hold is for the caller to validate as when a model is loaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlml.catalog.current import CurrentModel, current_model
from sqlml.catalog.folder import (
    MANIFEST,
    MAX_ARRAYS_BYTES,
    MAX_MANIFEST_BYTES,
    MAX_TABLE_BYTES,
    MAX_VERSIONS,
    arrays_file,
    file_names,
    open_folder,
    parse_manifest,
    read_file,
    table_file,
)
from sqlml.catalog.folder_arrays import arrays_from_bytes
from sqlml.catalog.folder_rows import damaged_export, from_lines
from sqlml.catalog.records import ModelKey, StoredVersion
from sqlml.catalog.rows import Rows, created_at, record_from_rows, stored_checksum, version_checksum
from sqlml.catalog.tables import EVENTS, FORMAT, RECORD_TABLES, VERSIONS, Table, insert, to_arrow
from sqlml.engines.engine import Engine
from sqlml.errors import IntegrityError

_LARGEST = (1 << 31) - 1
_EVENTS_AT_ONCE = 10_000
_ROOM = 1_000
"""Events that a model that was imported has room for, at least."""


@contextlib.contextmanager
def imported_folder(path: Path) -> Iterator[ImportedFolder]:
    """The model in a folder, which stays open meanwhile.

    Raises: OperationalError `no_such_folder`, `files_unreadable`; IntegrityError `damaged_export`, `newer_format`.
    """
    folder = open_folder(path)
    try:
        yield ImportedFolder(path, folder)
    finally:
        os.close(folder)


class ImportedFolder:
    """An exported model, its manifest read and its tables in memory; arrays are read a version at a time.

    Args: folder, the open descriptor of `path`.
    """

    def __init__(self, path: Path, folder: int) -> None:
        self._path, self._folder = path, folder
        data = read_file(folder, path, MANIFEST, at_most=MAX_MANIFEST_BYTES)
        self.sha256 = hashlib.sha256(data).hexdigest()
        """Of the manifest, and so of everything."""
        self._manifest = parse_manifest(data)
        self.is_whole = self._manifest.get("is_whole") is True
        self.versions = _versions(self._manifest)
        self._model_id = self._manifest.get("model_id")
        self._storage_format = _storage_format(self._manifest)
        self._files = _files(self._manifest, file_names(self.versions, is_whole=self.is_whole))
        self._rows = self._group_rows()
        self._events = self._read_table(EVENTS) if self.is_whole else None

    def load(self, version: int, key: ModelKey) -> StoredVersion:
        """A version with its arrays, checked against its checksum.

        Args: key, where it will live.
        Raises: IntegrityError `damaged_export`, `damaged_state`.
        """
        rows = self._rows[version]
        record = record_from_rows(rows)
        arrays = arrays_from_bytes(arrays_file(version), self._read(arrays_file(version), MAX_ARRAYS_BYTES))
        if version_checksum(rows, arrays) != stored_checksum(rows):
            raise damaged_export(f"version {version} does not match its checksum")
        return StoredVersion(key, str(self._model_id), version, record, created_at(rows), arrays, stored_checksum(rows))

    def model(self, key: ModelKey) -> CurrentModel | None:
        """The model as it was exported, under the name that it will have; None for one version.

        Raises: IntegrityError `damaged_export`, `damaged_state`.
        """
        if self._events is None:
            return None
        last = self._events[-1] | {name: dict(self._events[-1][name] or ()) for name in ("aliases", "labels")}
        claim = {"schema_name": key.schema, "model_name": key.name, "model_id": self._model_id, "sequence": 0}
        return current_model(key.database, claim, last)

    def write_history(self, engine: Engine, place: ModelKey, model_id: str) -> None:
        """Writes the events of a whole model for its new id, under the name that it has now."""
        assert self._events is not None  # of one version there are none
        new = {"model_id": model_id, "schema_name": place.schema, "model_name": place.name}
        for start in range(0, len(self._events), _EVENTS_AT_ONCE):
            rows = [{**event, **new} for event in self._events[start : start + _EVENTS_AT_ONCE]]
            insert(engine, place.database, EVENTS, to_arrow(EVENTS, rows))

    # ---- Inside ----

    def _group_rows(self) -> dict[int, Rows]:
        """The rows of all tables, by version."""
        found: dict[int, dict[str, list[dict[str, Any]]]] = {
            version: {table.name: [] for table in RECORD_TABLES} for version in self.versions
        }
        for table in RECORD_TABLES:
            for row in sorted(self._read_table(table), key=lambda row: (row["version"], row.get("position", 0))):
                if row["version"] not in found:
                    raise damaged_export(f"{table_file(table.name)} has a row of version {row['version']}")
                found[row["version"]][table.name].append(row)
        for version, tables in found.items():
            if len(tables[VERSIONS.name]) != 1:
                raise damaged_export(f"version {version} has {len(tables[VERSIONS.name])} records")
        return dict(found)

    def _read_table(self, table: Table) -> list[dict[str, Any]]:
        name = table_file(table.name)
        rows = list(from_lines(name, self._read(name, MAX_TABLE_BYTES), table.at(self._storage_format)))
        if any(row["model_id"] != self._model_id for row in rows):
            raise damaged_export(f"{name} has rows of another model")
        if table is EVENTS:
            _check_events(rows)
        return rows

    def _read(self, name: str, at_most: int) -> bytes:
        size, digest = self._files[name]
        return read_file(self._folder, self._path, name, at_most=at_most, size=size, digest=digest)


def _versions(manifest: Mapping[str, Any]) -> tuple[int, ...]:
    numbers = manifest.get("versions")
    is_list = isinstance(numbers, list) and 0 < len(numbers) <= MAX_VERSIONS and all(type(number) is int for number in numbers)
    if not is_list or not isinstance(numbers, list) or numbers != sorted(set(numbers)) or not 0 < numbers[0] <= numbers[-1] <= _LARGEST:
        raise damaged_export("the manifest names no versions, or not in order")
    if manifest.get("is_whole") is not True and len(numbers) != 1:
        raise damaged_export("the manifest has several versions without their history")
    return tuple(numbers)


def _storage_format(manifest: Mapping[str, Any]) -> int:
    number = manifest.get("storage_format")
    if type(number) is not int or number < 2:  # older releases exported nothing
        raise damaged_export("the manifest has no storage format")
    if number > FORMAT:
        raise IntegrityError(
            f"the model was exported by a newer sqlml (storage format {number}, this one knows {FORMAT})", code="newer_format",
            hint="upgrade: pip install --upgrade sqlml",
        )  # fmt: skip
    return number


def _files(manifest: Mapping[str, Any], names: list[str]) -> dict[str, tuple[int, str]]:
    """Size and hash by name, of just these files."""
    files = manifest.get("files")
    if not isinstance(files, dict) or set(files) != set(names):
        raise damaged_export("the manifest lists other files than its versions have")
    found: dict[str, tuple[int, str]] = {}
    for name, entry in files.items():
        size, digest = (entry.get("bytes"), entry.get("sha256")) if isinstance(entry, dict) else (None, None)
        if type(size) is not int or not isinstance(digest, str):
            raise damaged_export(f"the manifest has no size and hash of {name}")
        found[name] = (size, digest)
    return found


def _check_events(events: Sequence[Mapping[str, Any]]) -> None:
    sequences = [event["sequence"] for event in events]
    if not sequences or sequences[0] < 1 or any(first >= second for first, second in itertools.pairwise(sequences)):
        raise damaged_export("the events are not in order")
    if sequences[-1] > _LARGEST - _ROOM:
        raise damaged_export("the events are numbered beyond any use")
