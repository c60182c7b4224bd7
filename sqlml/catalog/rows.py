"""A version's record as rows of the catalog's tables, and back with everything checked.

The columns are listed in `tables`. What comes back from a database is a stranger's: a value that the columns admit and a record does not is
`damaged_state`, never a surprise further up.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, TypeVar

import pyarrow as pa

from sqlml.catalog.records import FeatureRecord, SourceRecord, VersionRecord
from sqlml.catalog.tables import (
    FEATURES,
    FORMAT,
    ITERATIONS,
    MAX_ROWS,
    METRICS,
    RECORD_TABLES,
    SOURCES,
    VERSIONS,
    Table,
    read,
    to_arrow,
)
from sqlml.engines.engine import Engine
from sqlml.errors import NotSupportedError
from sqlml.state import Array, checksum, damaged_state
from sqlml.training.data import Iteration

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""Rows by table name."""
Item = TypeVar("Item")
_PLACE = ("model_id", "version", "position")


def record_to_tables(record: VersionRecord, model_id: str, version: int, created_at: datetime.datetime) -> dict[str, pa.Table]:
    """The rows of a version by table name; `checksum` is still empty.

    Raises: NotSupportedError `model_too_large` for more details than are read back.
    """
    whole = {
        **{name: getattr(record, name) for name in VERSIONS.names if hasattr(record, name)},
        **{name: dict(getattr(record, name)) for name in ("libraries", "parameters", "context", "environment")},
        "options": {name: json.dumps(value) for name, value in record.options.items()},
        "model_id": model_id, "version": version, "created_at": created_at, "checksum": "",
    }  # fmt: skip
    details: dict[Table, list[dict[str, Any]]] = {
        METRICS: [{"metric": name, "value": value} for name, value in record.metrics.items()],
        ITERATIONS: [_iteration_to_row(iteration) for iteration in record.iterations],
        FEATURES: [asdict(feature) for feature in record.features],
        SOURCES: [asdict(source) for source in record.sources],
    }
    tables = {VERSIONS.name: to_arrow(VERSIONS, [whole])}
    for table, rows in details.items():
        if len(rows) > MAX_ROWS:
            raise NotSupportedError(f"a model may have at most {MAX_ROWS} rows of {table.name}, got {len(rows)}", code="model_too_large")
        placed = [{"model_id": model_id, "version": version, "position": position, **row} for position, row in enumerate(rows)]
        tables[table.name] = to_arrow(table, placed)
    return tables


def with_checksum(tables: Mapping[str, pa.Table], arrays: Mapping[str, Mapping[str, Array]]) -> dict[str, pa.Table]:
    """The rows with the checksum of all of them and of the arrays."""
    digest = version_checksum({name: table.to_pylist() for name, table in tables.items()}, arrays)
    versions = tables[VERSIONS.name]
    column = versions.schema.get_field_index("checksum")
    return {**tables, VERSIONS.name: versions.set_column(column, versions.schema.field(column), pa.array([digest], pa.string()))}


def version_checksum(rows: Rows, arrays: Mapping[str, Mapping[str, Array]]) -> str:
    """SHA-256 over everything that is stored of a version: the columns that its own format has, so that a migration changes no checksum.

    Raises: IntegrityError `damaged_state` for a format that nobody knows.
    """
    number = rows[VERSIONS.name][0].get("format", 1)
    if not 1 <= number <= FORMAT:
        raise damaged_state(f"its format is {number}")
    names = {table.name: set(table.at(number).names) for table in RECORD_TABLES if table.since <= number}
    record = {
        kind: [
            {**{name: row[name] for name in row if name in names[kind]}, **({"checksum": ""} if kind == VERSIONS.name else {})}
            for row in found
        ]
        for kind, found in rows.items()
        if kind in names
    }
    text = json.dumps(record, sort_keys=True, default=datetime.datetime.isoformat)
    flat = {f"{len(section)} {section} {name}": array for section, part in arrays.items() for name, array in part.items()}
    return checksum({"record": Array((), strings=(text,)), **flat})


def read_rows(engine: Engine, database: str, model_id: str, version: int | None = None) -> dict[int, Rows]:
    """The stored rows of one version, or of all versions of a model, by version."""
    which = "" if version is None else " AND version = $2"
    parameters: list[object] = [model_id] if version is None else [model_id, version]
    found: dict[int, dict[str, list[dict[str, Any]]]] = {}
    for table in RECORD_TABLES:
        rows = read(engine, f"SELECT * FROM {table.path(database)} WHERE model_id = $1{which}", parameters)
        for row in sorted(rows, key=lambda row: row.get("position", 0)):
            if table is VERSIONS:
                found[row["version"]] = {kind.name: [] for kind in RECORD_TABLES}
            if row["version"] in found:
                found[row["version"]][table.name].append(row)
    return dict(found)


def record_from_rows(rows: Rows) -> VersionRecord:
    """The record of one version.

    Raises: IntegrityError `damaged_state`.
    """
    (whole,) = rows[VERSIONS.name]
    plain = {field.name: whole[field.name] for field in fields(VersionRecord) if field.name in whole}
    for name in ("given_options", "classes", "notices"):
        plain[name] = _texts(whole[name], name)
    for name in ("parameters", "context", "environment"):
        plain[name] = dict(_pairs(whole.get(name, []), name))
    plain.setdefault("format", 1)
    for name, found in rows.items():
        if name != VERSIONS.name and [row["position"] for row in found] != list(range(len(found))):
            raise damaged_state(f"rows of {name} are missing")
    return VersionRecord(**{
        **plain,
        "options": {name: _json(text, name) for name, text in _pairs(whole["options"], "options")},
        "libraries": dict(_pairs(whole["libraries"], "libraries")),
        "metrics": {row["metric"]: row["value"] for row in rows[METRICS.name]},
        "iterations": tuple(_items(rows[ITERATIONS.name], _iteration_from_row)),
        "features": tuple(_items(rows[FEATURES.name], lambda row: FeatureRecord(**row))),
        "sources": tuple(_items(rows[SOURCES.name], _source_from_row)),
    })  # fmt: skip


def read_options(row: Mapping[str, Any]) -> tuple[dict[str, object], tuple[str, ...]]:
    """The effective options in a row of `_versions`, and the names of those that the statement gave.

    Raises: IntegrityError `damaged_state`.
    """
    options = {name: _json(text, name) for name, text in _pairs(row["options"], "options")}
    return options, _texts(row["given_options"], "given_options")


def stored_checksum(rows: Rows) -> str:
    return str(rows[VERSIONS.name][0]["checksum"])


def created_at(rows: Rows) -> datetime.datetime:
    value = rows[VERSIONS.name][0]["created_at"]
    assert isinstance(value, datetime.datetime)  # the column is a TIMESTAMP that may not be NULL
    return value


def _items(found: Sequence[Mapping[str, Any]], convert: Callable[[dict[str, Any]], Item]) -> list[Item]:
    return [convert({name: value for name, value in row.items() if name not in _PLACE}) for row in found]


def _iteration_to_row(iteration: Iteration) -> dict[str, Any]:
    row: dict[str, Any] = {field.name: getattr(iteration, field.name) for field in fields(Iteration)}
    clusters = iteration.cluster_info
    row["cluster_info"] = None if clusters is None else [
        {"centroid_id": centroid, "cluster_radius": radius, "cluster_size": size} for centroid, radius, size in clusters
    ]  # fmt: skip
    return row


def _iteration_from_row(row: dict[str, Any]) -> Iteration:
    clusters = row.pop("cluster_info")
    if clusters is None:
        return Iteration(**row)
    if any(cluster is None or None in cluster.values() for cluster in clusters):
        raise damaged_state("cluster_info holds NULL")
    return Iteration(**row, cluster_info=tuple((item["centroid_id"], item["cluster_radius"], item["cluster_size"]) for item in clusters))


def _source_from_row(row: dict[str, Any]) -> SourceRecord:
    columns = row.get("columns")
    return SourceRecord(**{**row, "columns": None if columns is None else _texts(columns, "columns")})


def _texts(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or any(item is None for item in value):
        raise damaged_state(f"{name} holds NULL")
    return tuple(value)


def _pairs(value: object, name: str) -> tuple[tuple[str, Any], ...]:
    if not isinstance(value, list) or any(item is None or item[1] is None for item in value):
        raise damaged_state(f"{name} holds NULL")
    return tuple(value)


def _json(text: str, name: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged_state(f"option {name} is no JSON") from error
