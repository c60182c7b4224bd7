"""Whether the readable views are there and say what this release would make them say; they hold no data, so they can be made anew.

sqlml itself reads tables only. But people and monitors read the views, and one that somebody else put in their place tells them what it
likes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlml import sql
from sqlml.catalog.migrations import create_table, create_view
from sqlml.catalog.schema import tokens_of
from sqlml.catalog.tables import FORMAT, SCHEMA, TABLES
from sqlml.catalog.views import VIEWS, VIEWS_SINCE
from sqlml.engines.engine import Engine
from sqlml.errors import Error

_REFERENCE = "__sqlml_views"
_HERE = f"WHERE database_name = $1 AND {sql.call('lower', 'schema_name')} = '{SCHEMA}'"


@dataclass(frozen=True, slots=True)
class BrokenView:
    """A view of ours that is not as it should be."""

    name: str
    kind: str
    """"lost_view", "changed_view"."""
    problem: str
    """As a sentence."""
    can_be_made: bool
    """Whether it could be made anew just now."""
    is_pending: bool = False
    """Whether the next change of the catalog makes it anyway, since it brings the storage to a newer format."""


def broken_views(engine: Engine, database: str, format_number: int) -> list[BrokenView]:
    """The views of a catalog of that format that are missing or say something else. What older releases made them say is not known."""
    found = _definitions(engine, database)
    rows = engine.rows(f"SELECT table_name FROM {sql.call('duckdb_tables')} {_HERE}", [database])
    tables = {str(name).lower() for (name,) in rows}
    is_old = format_number < FORMAT
    expected = {} if is_old else _expected(engine)
    broken: list[BrokenView] = []
    for name in VIEWS:
        if VIEWS_SINCE.get(name, 1) > format_number:
            continue
        if name in tables:
            problem = f"a table stands where view {SCHEMA}.{name} belongs; rename or drop it, then --repair makes the view anew"
            broken.append(BrokenView(name, "lost_view", problem, can_be_made=False))
        elif name not in found and is_old:
            problem = f"view {SCHEMA}.{name} is gone; the next change makes it anew"
            broken.append(BrokenView(name, "lost_view", problem, can_be_made=False, is_pending=True))
        elif name not in found:
            broken.append(BrokenView(name, "lost_view", f"view {SCHEMA}.{name} is gone; --repair makes it anew", can_be_made=True))
        elif not is_old and found[name] != expected[name]:
            problem = f"view {SCHEMA}.{name} is not the one that sqlml makes; --repair makes it anew"
            broken.append(BrokenView(name, "changed_view", problem, can_be_made=True))
    return broken


def make_views(engine: Engine, database: str, names: Sequence[str]) -> None:
    """Makes these views anew, inside the open transaction."""
    for name in names:
        create_view(engine, database, name)


def _definitions(engine: Engine, database: str) -> dict[str, tuple[str, ...]]:
    """What each view in the schema is, by its name."""
    rows = engine.rows(f"SELECT view_name, sql FROM {sql.call('duckdb_views')} {_HERE}", [database])
    return {str(name).lower(): tokens_of(str(text)) for name, text in rows}


def _expected(engine: Engine) -> dict[str, tuple[str, ...]]:
    """The same of ours, as this release of the engine prints them: from a database in memory, made for a moment."""
    engine.rows(f"ATTACH ':memory:' AS {_REFERENCE}")
    try:
        engine.rows(f"CREATE SCHEMA {_REFERENCE}.{SCHEMA}")
        for table in TABLES:
            create_table(engine, _REFERENCE, table)
        make_views(engine, _REFERENCE, tuple(VIEWS))
        return _definitions(engine, _REFERENCE)
    finally:
        with contextlib.suppress(Error):
            engine.rows(f"DETACH DATABASE IF EXISTS {_REFERENCE}")
