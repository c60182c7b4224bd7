"""The numbered steps from one storage format to the next.

Each runs inside the transaction of the change that needed it, and is recorded in `_format`. A released step is never edited: databases
written by it exist. A new format adds a function at the end.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from sqlml import sql
from sqlml.catalog.tables import FORMAT_TABLE, SCHEMA, TABLES, insert, to_arrow
from sqlml.catalog.views import VIEWS
from sqlml.engines.engine import Engine


def create(engine: Engine, database: str) -> None:
    """Format 1: the schema with its tables and views."""
    schema = f"{sql.quote(database)}.{sql.quote(SCHEMA)}"
    engine.rows(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    for table in TABLES:
        engine.rows(f"CREATE TABLE {table.path(database)}({table.definition})")
    for name, query in VIEWS.items():
        engine.rows(f"CREATE VIEW {schema}.{sql.quote(name)} AS {query}")


MIGRATIONS: tuple[Callable[[Engine, str], None], ...] = (create,)
FORMAT = len(MIGRATIONS)
"""The format that this release writes."""


def migrate(engine: Engine, database: str, current: int, at: datetime.datetime) -> None:
    """Brings the schema from format `current` (0: not there) to FORMAT."""
    for number, step in enumerate(MIGRATIONS[current:], start=current + 1):
        step(engine, database)
        insert(engine, database, FORMAT_TABLE, to_arrow(FORMAT_TABLE, [{"format": number, "applied_at": at}]))
