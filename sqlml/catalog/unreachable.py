"""Rows of versions that nothing can reach any more: which they are, provably, and their removal.

A version is out of reach when no name and no log knows its model, or when the log says that the version or the whole model was dropped, or
when the log never came to its number. A version that the last event of its model names, as the default or by an alias, is never among them,
nor is one of a model whose log is lost while a name still claims it: that is damage, and damage is not tidied away.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from sqlml import sql
from sqlml.catalog.current import is_last
from sqlml.catalog.tables import EVENTS, NAMES, RECORD_TABLES, STATE, VERSIONS
from sqlml.engines.engine import Engine

CAUSES = {
    "unknown_model": "no name and no log knows the model",
    "dropped_model": "the log says that the model was dropped",
    "dropped_version": "the log says that the version was dropped",
    "unpublished": "the log never came to this version",
}
_TABLES = (*RECORD_TABLES, STATE)
_REMOVED = "__sqlml_removed"
_SIZE = (
    f"8 * (COALESCE({sql.call('len', 'integers')}, 0) + COALESCE({sql.call('len', 'floats')}, 0))"
    f" + COALESCE({sql.call('strlen', sql.cast('strings', 'VARCHAR'))}, 0)"
)
_CAUSE = f"""CASE
  WHEN s.version = l.default_version OR {sql.call("list_contains", sql.call("map_values", "l.aliases"), "s.version")} THEN NULL
  WHEN l.model_id IS NULL AND c.model_id IS NULL THEN 'unknown_model'
  WHEN l.model_id IS NULL THEN NULL
  WHEN h.model_id IS NULL AND l.event IN ('dropped', 'expired') THEN 'dropped_model'
  WHEN d.model_id IS NOT NULL THEN 'dropped_version'
  WHEN s.version > l.last_version THEN 'unpublished'
END"""
"""Of stored rows s, the last event l of the model, its claims c, the claim h that holds now, and the event d that dropped the version."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What is stored under the id of a model and the number of a version."""

    model_id: str
    version: int
    model_type: str | None
    """None where the row of the version itself is missing."""
    n_rows: int
    """Of all tables."""
    n_bytes: int
    """Learned numbers and texts."""
    cause: str | None
    """Why nothing reaches it, a key of CAUSES; None where something may."""


def stored_rows(engine: Engine, database: str) -> list[Rows]:
    """Everything that is stored of versions, by model and version."""
    count, total = sql.call("count_star"), sql.call("sum", "n_bytes")
    parts = []
    for table in _TABLES:
        n_bytes = sql.call("sum", _SIZE) if table is STATE else "0"
        model_type = sql.call("any_value", "model_type") if table is VERSIONS else "NULL"
        parts.append(
            f"SELECT model_id, version, {count} AS n_rows, {n_bytes} AS n_bytes, {model_type} AS model_type FROM {table.path(database)}"
            " GROUP BY model_id, version"
        )
    stored = (
        f"SELECT model_id, version, {sql.call('sum', 'n_rows')} AS n_rows, {total} AS n_bytes, "
        f"{sql.call('any_value', 'model_type')} AS model_type FROM ({' UNION ALL '.join(parts)}) GROUP BY model_id, version"
    )
    events, names = EVENTS.path(database), NAMES.path(database)
    claims = f"SELECT DISTINCT model_id FROM {names}"
    found = engine.rows(
        f"SELECT s.model_id, s.version, s.model_type, {sql.cast('s.n_rows', 'BIGINT')}, {sql.cast('s.n_bytes', 'BIGINT')}, {_CAUSE}"
        f" FROM ({stored}) AS s"
        f" LEFT JOIN (SELECT * FROM {events} WHERE {is_last(EVENTS, database, 'model_id')}) AS l ON l.model_id = s.model_id"
        f" LEFT JOIN ({claims}) AS c ON c.model_id = s.model_id"
        f" LEFT JOIN ({claims} WHERE {is_last(NAMES, database, 'schema_key, name_key')}) AS h ON h.model_id = s.model_id"
        f" LEFT JOIN (SELECT DISTINCT model_id, version FROM {events} WHERE event = 'version_dropped') AS d"
        " ON d.model_id = s.model_id AND d.version = s.version"
    )
    rows = [Rows(*row) for row in found]  # type: ignore[arg-type]  # as the query has it
    return sorted(rows, key=lambda row: (row.model_id, row.version))


def remove_unreachable(engine: Engine, database: str) -> list[Rows]:
    """Deletes what nothing can reach, inside the open transaction.

    Returns: what was deleted.
    """
    found = [row for row in stored_rows(engine, database) if row.cause is not None]
    if found:
        places = {"model_id": [row.model_id for row in found], "version": pa.array([row.version for row in found], pa.int32())}
        engine.register(_REMOVED, pa.table(places))
        try:
            for table in _TABLES:
                engine.rows(f"DELETE FROM {table.path(database)} WHERE (model_id, version) IN (SELECT (model_id, version) FROM {_REMOVED})")
        finally:
            engine.unregister(_REMOVED)
    return found
