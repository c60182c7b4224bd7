"""The columns of a query that the engine may well refuse, asked so that an open transaction does not notice.

DuckDB ends a transaction at the first name or type that does not fit. So the query is bound on a connection of its own, where empty tables
stand for those that it names: what the transaction has made or changed, and what is temporary, has the columns that it has there.
Macros and types that the transaction made are not seen; a query of them is one that cannot be asked.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sqlml import sql
from sqlml.engines.duckdb_calls import _sqlml_call as call
from sqlml.engines.duckdb_query_tree import Node, Rows, TableName, Unreadable, names, parse, query_text
from sqlml.types import Column, Schema, SqlType

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from sqlml.engines.engine import Parameters

_STAND_IN = "__sqlml_probe_"
_MAX_TABLES = 100
"""Tables of one query that get a stand-in; asking for the columns of one takes a millisecond."""
_KNOWN = (
    "SELECT database_name, schema_name, table_name FROM system.main.duckdb_tables()"
    " UNION ALL SELECT database_name, schema_name, view_name FROM system.main.duckdb_views()"
)


def columns_apart(connection: duckdb.DuckDBPyConnection, rows: Rows, query: str, parameters: Parameters) -> Schema | None:
    """The columns of a query, or None where the engine refuses it or cannot be asked.

    Args: connection, that of the transaction, to open another beside it; rows, runs a query in the transaction. Only a query of tables that
    do not exist as the statement names them can fail there, and that statement would.
    """
    try:
        tree = parse(rows, query)
    except Unreadable:
        return None
    tables = _tables(rows, tree)
    qualified = {path: f"{_STAND_IN}{index}" for index, path in enumerate(tables) if len(path) > 1}
    if qualified:
        _put_in(tree, qualified)
        query = query_text(rows, tree)
    ((search_path, database, schema),) = rows(
        "SELECT system.main.current_setting('search_path'), system.main.current_database(), system.main.current_schema()"
    )
    path = str(search_path or "") or f"{sql.quote(str(database))}.{sql.quote(str(schema))}"
    try:
        with contextlib.closing(call(connection.cursor)) as beside:
            call(beside.execute, f"SET search_path = {sql.literal(path)}")
            for name, columns in tables.items():
                # An unqualified name means the temporary table before any other; the text stays as it is, CTEs of that name included.
                made = ", ".join(f"{sql.quote(column.name)} {column.type}" for column in columns)
                call(beside.execute, f"CREATE TEMPORARY TABLE {sql.quote(qualified.get(name, name[-1]))} ({made})")
            found = call(beside.execute, f"DESCRIBE {query}", parameters or None).fetchall()
    except (AttributeError, NameError, AssertionError):
        raise  # a bug here must not pass for a refusal
    except Exception:  # noqa: BLE001 - DuckDB's client raises its own classes and Python's; all mean that there is no answer
        return None
    return Schema(tuple(Column(row[0], SqlType(row[1])) for row in found))


def _tables(rows: Rows, tree: Node) -> dict[tuple[str, ...], Schema]:
    """The tables and views that a tree names and that exist, each with its columns."""
    paths = {tuple(part.casefold() for part in name.path): name.path for name in names(tree) if isinstance(name, TableName)}
    if not paths:
        return {}
    known = {tuple(str(part).casefold() for part in row) for row in rows(_KNOWN)}
    found = {}
    for key, path in list(paths.items())[:_MAX_TABLES]:
        if any(place[-1] == key[-1] and set(key) <= set(place) for place in known):
            described = rows(f"DESCRIBE SELECT * FROM {'.'.join(sql.quote(part) for part in path)}")
            found[path] = Schema(tuple(Column(str(row[0]), SqlType(str(row[1]))) for row in described))
    return found


def _put_in(tree: Node, stand_ins: Mapping[tuple[str, ...], str]) -> None:
    """Renames tables with qualified names, which are no CTEs wherever they stand; columns call them as before."""
    by_key = {tuple(part.casefold() for part in path): name for path, name in stand_ins.items()}
    pending: list[object] = [tree]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if value.get("type") == "BASE_TABLE":
                path = [str(part) for part in value["qualified_name"]["path"]]
                stand_in = by_key.get(tuple(part.casefold() for part in path))
                if stand_in is not None and len(path) > 1:
                    value["qualified_name"]["path"] = [stand_in]
                    value["alias"] = value.get("alias") or path[-1]
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
