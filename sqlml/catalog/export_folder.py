"""EXPORT MODEL: a model or one of its versions into a folder, read as one state of the database and a version at a time."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as library_version
from pathlib import Path
from typing import Any

import pyarrow as pa

from sqlml import sql
from sqlml.catalog.current import CurrentModel, version_numbers
from sqlml.catalog.folder import (
    FOLDER_FORMAT,
    KIND,
    MANIFEST,
    arrays_file,
    check_free,
    file_names,
    publish_folder,
    render_manifest,
    table_file,
)
from sqlml.catalog.folder_arrays import array_bytes
from sqlml.catalog.folder_rows import to_lines
from sqlml.catalog.publishing import consistent_reads
from sqlml.catalog.records import ModelKey, Reference
from sqlml.catalog.references import resolve
from sqlml.catalog.rows import record_to_tables, with_checksum
from sqlml.catalog.schema import check_schema
from sqlml.catalog.store import Catalog
from sqlml.catalog.tables import EVENTS, FORMAT, RECORD_TABLES
from sqlml.engines.engine import Engine
from sqlml.state import damaged_state

_BLOCK = 1 << 20
_EVENTS_AT_ONCE = 2048


def export_model(
    engine: Engine, catalog: Catalog, key: ModelKey, reference: Reference, path: Path, *, overwrite: bool, check: Callable[[], None]
) -> tuple[int, ...]:
    """Writes the folder: all versions and the history without a reference, else the version that is meant.

    Args: check, called between versions, raises when the statement was cancelled.
    Returns: the numbers of the versions.
    Raises: ProgrammingError `unknown_model`, `unknown_version`, `unknown_alias`, `no_version_then`, `folder_exists`; IntegrityError
        `damaged_state`; OperationalError `no_such_folder`, `files_unwritable`.
    """
    check_free(path, overwrite=overwrite)
    with consistent_reads(engine):
        model = catalog.current(key)
        versions = tuple(version_numbers(engine, model)) if reference is None else (resolve(engine, model, reference).version,)

        def write(folder: Path) -> None:
            if reference is None:
                _write_events(engine, model, folder)
            _write_versions(catalog, model, versions, folder, check)
            _write_manifest(catalog, model, versions, folder, is_whole=reference is None)

        publish_folder(path, write, overwrite=overwrite)
    return versions


def _write_versions(catalog: Catalog, model: CurrentModel, versions: tuple[int, ...], folder: Path, check: Callable[[], None]) -> None:
    with contextlib.ExitStack() as stack:
        files = {table: stack.enter_context((folder / table_file(table.name)).open("xb")) for table in RECORD_TABLES}
        for number in versions:
            check()
            stored = catalog.load(model.key, number)
            record = replace(stored.record, format=FORMAT)
            rows = with_checksum(record_to_tables(record, stored.model_id, number, stored.created_at), stored.arrays)
            for table, file in files.items():
                file.writelines(to_lines(rows[table.name].to_pylist(), table))
            with (folder / arrays_file(number)).open("xb") as file:
                file.writelines(array_bytes(stored.arrays))


def _write_events(engine: Engine, model: CurrentModel, folder: Path) -> None:
    known = EVENTS.at(check_schema(engine, model.key.database)).names
    query = f"SELECT {sql.columns(known)} FROM {EVENTS.path(model.key.database)} WHERE model_id = $1 AND sequence <= $2 ORDER BY sequence"
    batches = engine.batches(query, [model.model_id, model.event], n_rows=_EVENTS_AT_ONCE)
    with contextlib.closing(batches), (folder / table_file(EVENTS.name)).open("xb") as file:
        for batch in batches:
            try:
                rows = batch.to_pylist()
            except (pa.ArrowException, ValueError, OverflowError) as error:
                raise damaged_state("its log holds a value that is out of range") from error
            file.writelines(to_lines(rows, EVENTS))


def _write_manifest(catalog: Catalog, model: CurrentModel, versions: tuple[int, ...], folder: Path, *, is_whole: bool) -> None:
    info, cause = model.info, catalog.cause
    aliases = info.aliases if is_whole else [alias for alias in info.aliases if alias[1] in versions]
    content: dict[str, Any] = {
        "kind": KIND, "format": FOLDER_FORMAT, "storage_format": FORMAT, "is_whole": is_whole, "model_id": info.model_id,
        "model": {
            "database": info.key.database, "schema": info.key.schema, "name": info.key.name, "model_type": info.model_type,
            "default_version": info.default_version if is_whole else versions[0], "aliases": dict(aliases),
            "description": info.description, "labels": [list(label) for label in info.labels],
            "expires_at": None if info.expires_at is None else info.expires_at.isoformat(), "created_at": info.created_at.isoformat(),
        },
        "versions": list(versions),
        "exported": {"at": catalog.now.isoformat(), "by": cause.actor, "host": cause.host, "sqlml": _own_version()},
        "files": {name: _described(folder / name) for name in file_names(versions, is_whole=is_whole)},
    }  # fmt: skip
    (folder / MANIFEST).write_bytes(render_manifest(content))


def _described(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
        return {"bytes": file.tell(), "sha256": digest.hexdigest()}


def _own_version() -> str | None:
    try:
        return library_version("sqlml")
    except PackageNotFoundError:
        return None
