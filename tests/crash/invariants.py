"""A look at a recovered database: its state as in `expected`, and everything that must hold whatever its state is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlml.catalog.records import ModelKey
from sqlml.dbapi.connection import Connection

from .expected import MAIN, OTHER, State, predict

DETAILS = ("_metrics", "_iterations", "_features", "_sources", "_state")
_LAST_CLAIM = "(SELECT (arg_max(n, sequence)).model_id AS model_id FROM {d}.sqlml._names AS n GROUP BY schema_key, name_key)"
_LAST_EVENT = "(SELECT model_id, arg_max(e, sequence) AS e FROM {d}.sqlml._events AS e GROUP BY model_id)"
_EMPTY = {
    **{f"rows of {table} without a version": f"SELECT count(*) FROM {{d}}.sqlml.{table} ANTI JOIN {{d}}.sqlml._versions USING (model_id, version)"
       for table in DETAILS},
    **{f"versions without rows of {table}": f"SELECT count(*) FROM {{d}}.sqlml._versions ANTI JOIN {{d}}.sqlml.{table} USING (model_id, version)"
       for table in ("_features", "_state", "_sources")},
    "versions of no model": f"SELECT count(*) FROM {{d}}.sqlml._versions ANTI JOIN {_LAST_CLAIM} USING (model_id)",
    "models without a log": f"SELECT count(*) FROM {_LAST_CLAIM} ANTI JOIN {{d}}.sqlml._events USING (model_id) WHERE model_id IS NOT NULL",
    "logs of models that nobody ever claimed": "SELECT count(*) FROM {d}.sqlml._events ANTI JOIN {d}.sqlml._names USING (model_id)",
    "claims with gaps": "SELECT count(*) FROM (SELECT min(sequence) AS a, max(sequence) AS b, count(*) AS n FROM {d}.sqlml._names GROUP BY schema_key, name_key) WHERE a <> 1 OR b <> n",
    "logs with gaps": "SELECT count(*) FROM (SELECT min(sequence) AS a, max(sequence) AS b, count(*) AS n FROM {d}.sqlml._events GROUP BY model_id) WHERE a <> 1 OR b <> n",
    "models claimed twice": f"SELECT count(*) FROM (SELECT model_id FROM {_LAST_CLAIM} WHERE model_id IS NOT NULL GROUP BY model_id HAVING count(*) > 1)",
    "versions that were never published": "SELECT count(*) FROM {d}.sqlml._versions AS v ANTI JOIN (SELECT * FROM {d}.sqlml._events "
    "WHERE event IN ('version_published', 'copied')) AS e ON e.model_id = v.model_id AND e.version = v.version",
    "defaults of no version": f"SELECT count(*) FROM {_LAST_EVENT} AS l ANTI JOIN {{d}}.sqlml._versions AS v ON v.model_id = l.model_id AND "
    "v.version = l.e.default_version WHERE l.e.default_version IS NOT NULL",
    "models whose log counts other versions than there are": f"SELECT count(*) FROM {_LAST_EVENT} AS l WHERE l.e.n_versions <> "
    "(SELECT count(*) FROM {d}.sqlml._versions AS v WHERE v.model_id = l.model_id)",
    "runs": "SELECT count(*) FROM {d}.sqlml._runs",
}  # fmt: skip
"""Queries that must give 0, in the database {d}."""


def look(connection: Connection, predictions: Mapping[str, str]) -> tuple[State, list[str]]:
    """The state, with versions by the name of what they predict; and what is wrong.

    Args: predictions, digest of what is predicted -> name of a variant.
    """
    problems: list[str] = []
    state: State = {"models": {}, "ledger": []}
    rows = connection.execute("SELECT database_name, schema_name, table_name, temporary FROM duckdb_tables()").fetchall()
    tables = {(row[0], row[1], row[2]) for row in rows}
    problems += [f"a temporary table {row[2]}" for row in rows if row[3]]
    if (MAIN, "main", "ledger") in tables:
        state["ledger"] = [entry for (entry,) in connection.execute(f"SELECT entry FROM {MAIN}.ledger ORDER BY entry").fetchall()]
    for database in (MAIN, OTHER):
        if any((row[0], row[1]) == (database, "sqlml") for row in tables):
            _look_at_models(connection, database, predictions, state, problems)
        elif connection.execute(f"SELECT 1 FROM duckdb_schemas() WHERE (database_name, schema_name) = ('{database}', 'sqlml')").fetchall():
            problems.append(f"a schema sqlml without tables in {database}")
    return state, problems


def strange_files(folder: Path, known: set[str]) -> list[str]:
    """Files that are neither known nor DuckDB's own beside a database."""
    return [
        f"a file {path.name}"
        for path in folder.iterdir()
        if path.name not in known and not path.name.startswith((f"{MAIN}.duckdb", f"{OTHER}.duckdb"))
    ]


def digest(rows: Any) -> str:
    """Of the rows of a query, to the last bit."""
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]


def _look_at_models(connection: Connection, database: str, predictions: Mapping[str, str], state: State, problems: list[str]) -> None:
    names = list(_EMPTY)
    query = ", ".join(f"({_EMPTY[name].format(d=database)})" for name in names)
    counts = connection.execute(f"SELECT {query}").fetchall()[0]
    problems += [f"{count} {name} in {database}" for name, count in zip(names, counts, strict=True) if count]
    catalog = connection.session()._catalog
    found = connection.execute(
        f"SELECT schema_name, model_name, default_version, n_versions, description FROM {database}.sqlml.models"
    ).fetchall()
    if {(row[0], row[1]) for row in found} != {(info.key.schema, info.key.name) for info in catalog.list_models(database)}:
        problems.append(f"the view of models shows others than the catalog has in {database}")
    for schema, name, default, n_versions, description in found:
        key = ModelKey(database, schema, name)
        info = catalog.find(key)
        if info is None or (info.default_version, info.n_versions, info.description) != (default, n_versions, description):
            problems.append(f"the view of models shows something else than the catalog says of {key}")
        aliases = connection.execute(
            f"SELECT alias, version FROM {database}.sqlml.model_aliases WHERE schema_name = ? AND model_name = ?", [schema, name]
        ).fetchall()
        versions = connection.execute(
            f"SELECT version, model_type, is_default FROM {database}.sqlml.model_versions WHERE schema_name = ? AND model_name = ?",
            [schema, name],
        ).fetchall()
        ((last,),) = connection.execute(
            f"SELECT arg_max(last_version, sequence) FROM {database}.sqlml._events WHERE model_id = ?",
            [info.model_id if info else ""],
        ).fetchall()
        if [row[0] for row in versions if row[2]] != [default]:
            problems.append(f"{key} has no one default version")
        for alias, number in aliases:
            if catalog.identify(key, alias) != catalog.identify(key, number):
                problems.append(f"alias {alias} of {key} does not resolve")
        shown: dict[str, str] = {}
        for number, model_type, _ in versions:
            reference = f"{database}.{name}@{number}"
            variant = next(name for name in _VARIANT_OF_TYPE[model_type])
            predicted = digest(connection.execute(predict(reference, variant)).fetchall())
            shown[str(number)] = predictions.get(predicted, f"unknown predictions {predicted}")
        state["models"][f"{database}.{name}"] = {
            "versions": shown, "default": default, "last": last, "aliases": dict(aliases), "description": description,
        }  # fmt: skip


_VARIANT_OF_TYPE = {
    "LINEAR_REG": ("linear",), "LOGISTIC_REG": ("classes",), "KMEANS": ("clusters",), "BOOSTED_TREE_REGRESSOR": ("trees",),
}  # fmt: skip
