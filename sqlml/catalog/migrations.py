"""The numbered steps from one storage format to the next.

Each runs inside the transaction of the change that needed it, and is recorded in `_format`. A released step is never edited: databases
written by it exist. A new format adds a function at the end, and raises `tables.FORMAT`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping

from sqlml import sql
from sqlml.catalog.tables import EVENTS, FORMAT, FORMAT_TABLE, RUNS, SCHEMA, SOURCES, TABLES, VERSIONS, Table, insert, to_arrow
from sqlml.catalog.views import VIEWS
from sqlml.engines.engine import Engine

_KEPT = 'temp.main."__sqlml_migrated"'


def trace(engine: Engine, database: str) -> None:
    """Format 2: who, where and why of every event; what a version needs to be trained again; details of sources; runs."""
    empty = "system.main.map()"
    _widen(engine, database, EVENTS.at(2), {})
    _widen(engine, database, VERSIONS.at(2), {"format": "1", "parameters": empty, "context": empty, "environment": empty})
    _widen(engine, database, SOURCES.at(2), {})
    create_table(engine, database, RUNS.at(2))


MIGRATIONS: tuple[Callable[[Engine, str], None], ...] = (trace,)
"""From format 1 to 2, and so on."""


def migrate(engine: Engine, database: str, current: int, at: datetime.datetime) -> None:
    """Brings the schema from format `current` (0: not there) to FORMAT."""
    assert len(MIGRATIONS) == FORMAT - 1
    if current:
        for number, step in enumerate(MIGRATIONS[current - 1 :], start=current + 1):
            step(engine, database)
            _note_format(engine, database, number, at)
    else:
        engine.rows(f"CREATE SCHEMA IF NOT EXISTS {sql.quote(database)}.{sql.quote(SCHEMA)}")
        for table in TABLES:
            create_table(engine, database, table)
        _note_format(engine, database, FORMAT, at)
    for name in VIEWS:
        create_view(engine, database, name)


def create_view(engine: Engine, database: str, name: str) -> None:
    """Makes one of VIEWS, in place of one that is there."""
    engine.rows(f"CREATE OR REPLACE VIEW {sql.quote(database)}.{sql.quote(SCHEMA)}.{sql.quote(name)} AS {VIEWS[name]}")


def _note_format(engine: Engine, database: str, number: int, at: datetime.datetime) -> None:
    insert(engine, database, FORMAT_TABLE, to_arrow(FORMAT_TABLE, [{"format": number, "applied_at": at}]))


def create_table(engine: Engine, database: str, table: Table) -> None:
    engine.rows(f"CREATE TABLE {table.path(database)}({table.definition})")


def _widen(engine: Engine, database: str, table: Table, filled: Mapping[str, str]) -> None:
    """Gives a table the columns that it lacks: NULL, or the SQL of `filled`.

    The engine cannot add a column that may not be NULL, so the table is made again around its rows.
    """
    engine.rows(f"CREATE TEMP TABLE {_KEPT} AS SELECT * FROM {table.path(database)}")
    known = {column.name for column in engine.describe(f"SELECT * FROM {_KEPT}")}
    engine.rows(f"DROP TABLE {table.path(database)}")
    create_table(engine, database, table)
    items = ", ".join(sql.quote(name) if name in known else filled.get(name, "NULL") for name in table.names)
    engine.rows(f"INSERT INTO {table.path(database)} ({sql.columns(table.names)}) SELECT {items} FROM {_KEPT}")
    engine.rows(f"DROP TABLE {_KEPT}")
