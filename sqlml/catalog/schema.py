"""Whether schema `sqlml` of a database is there, is ours, and is of a format that this release knows.

A stranger's `_versions` may be a view over `read_text`, a table whose column is computed, or carry a trigger that runs with our INSERT. So
before anything is read, the engine's own description of each table must equal what `tables` would create, and no trigger may stand on any
of them. The description costs 0.7 ms a statement, and is asked for every time: another connection may change the schema, or attach another
file by that name, whenever it likes. What is remembered is the answer to equal descriptions.
"""

from __future__ import annotations

import datetime
import functools
import re
from dataclasses import dataclass

from sqlml import sql
from sqlml.catalog.migrations import migrate
from sqlml.catalog.sizes import check_sizes
from sqlml.catalog.tables import FORMAT, FORMAT_TABLE, SCHEMA, TABLES, Table, tables_of
from sqlml.catalog.views import VIEWS, VIEWS_SINCE
from sqlml.engines.engine import Engine
from sqlml.errors import IntegrityError

_HERE = f"{sql.call('lower', 'database_name')} = {sql.call('lower', '$1')} AND {sql.call('lower', 'schema_name')} = '{SCHEMA}'"
_FOUND = " UNION ALL ".join(
    f"SELECT '{kind}', table_name, {text} FROM {sql.call(function)} WHERE {_HERE}"
    for kind, text, function in (("table", "sql", "duckdb_tables"), ("trigger", "trigger_name", "duckdb_triggers"))
)
_TABLES = (
    f"SELECT table_name, sql, database_oid, table_oid FROM {sql.call('duckdb_tables')}"
    f" WHERE database_name = $1 AND schema_name = '{SCHEMA}'"
)
_TRIGGERS = f"SELECT table_name FROM {sql.call('duckdb_triggers')} WHERE {_HERE}"
_VIEWS = f"SELECT view_name FROM {sql.call('duckdb_views')} WHERE {_HERE}"
HIGHEST_FORMAT = sql.call("max", "format")
"""Of the rows of FORMAT_TABLE."""
_TOKEN = re.compile(r'"(?:[^"]|"")*"|\w+|\S')
_REFERENCE = "__sqlml_reference"
_HEAD_TOKENS = len(("create", "table", "sqlml", ".", "name"))
_MAX_DESCRIPTION = 100_000
"""Characters of all definitions in the schema; ours are 6,000, and with a user's tables beside them seldom more."""
_printed_by_engine: dict[Table, tuple[str, ...]] = {}
_PLAIN_NAME = re.compile(r'"([a-z_]+)"')


@dataclass(frozen=True, slots=True)
class Layout:
    """Tables that are ours, every one described as a format has it."""

    format: int
    identity: tuple[tuple[object, ...], ...]
    """Name and the engine's numbers of each table and its database: others once a table is made anew or another file is attached."""


def read_layout(engine: Engine, database: str) -> Layout | None:
    """The tables if they can be read without harm; None where `check_schema` has to say what they are.

    The format number has not been looked at, nor triggers, which run with changes only.

    Raises: IntegrityError `catalog_too_large`.
    """
    found = engine.rows(_TABLES, [database])
    number = _format_of(frozenset((str(name), str(text)) for name, text, *_ in found)) if _is_short(found) else None
    if number is None:
        return None
    layout = Layout(number, tuple(sorted((name, *numbers) for name, _, *numbers in found)))
    check_sizes(engine, database, layout.identity, tables_of(number))
    return layout


def check_schema(engine: Engine, database: str) -> int:
    """The format of the schema, 0 when the database has none; nothing but the engine's own catalog is read before it is known to be ours.

    Args: database, its name as the engine spells it.
    Raises: IntegrityError `foreign_catalog`, `newer_format`, `catalog_too_large`.
    """
    layout = read_layout(engine, database)
    if layout is not None:
        found = engine.rows(
            f"SELECT {HIGHEST_FORMAT}, NULL FROM {FORMAT_TABLE.path(database)} UNION ALL SELECT NULL, * FROM ({_TRIGGERS})", [database]
        )
        ours = {table.name for table in TABLES}
        if (layout.format, None) in found and not any(str(table).lower() in ours for _, table in found):
            return layout.format
    return _examine(engine, database)


def _examine(engine: Engine, database: str) -> int:
    """As `check_schema`, table by table, so that the error can say what is wrong."""
    found = engine.rows(_FOUND, [database])
    tables = {str(name).lower(): str(text) for kind, name, text in found if kind == "table"}
    triggers = {str(name).lower(): str(trigger) for kind, name, trigger in found if kind == "trigger"}
    if not any(table.name in tables for table in TABLES):
        views = {str(name).lower() for (name,) in engine.rows(_VIEWS, [database])}
        for table in TABLES:
            if table.name in views:
                raise _foreign(database, f"{table.name} is a view")
        return 0
    for table in TABLES:
        if table.name in triggers:
            raise _foreign(database, f"{table.name} has the trigger {triggers[table.name]}")
    _check_table(engine, FORMAT_TABLE, tables, database)
    ((number,),) = engine.rows(f"SELECT {HIGHEST_FORMAT} FROM {FORMAT_TABLE.path(database)}")
    if not isinstance(number, int) or number < 1:
        raise _foreign(database, "it has no format number")
    if number > FORMAT:
        raise IntegrityError(
            f"the models of database {database} were written by a newer sqlml (format {number}, this one knows {FORMAT})",
            code="newer_format", hint="upgrade: pip install --upgrade sqlml",
        )  # fmt: skip
    for table in tables_of(number):
        _check_table(engine, table, tables, database)
    check_sizes(engine, database, (database, tuple(tables.items())), tables_of(number))
    return number


def ensure_schema(engine: Engine, database: str, at: datetime.datetime) -> None:
    """Creates the schema, or brings it to the present format, inside the open transaction.

    Raises: IntegrityError `foreign_catalog` when something of the user's stands where ours would.
    """
    current = check_schema(engine, database)
    if current == FORMAT:
        return
    ours = {name for name in VIEWS if VIEWS_SINCE.get(name, 1) <= current} | {table.name for table in tables_of(current)}
    new = {*VIEWS, *(table.name for table in TABLES)} - ours
    names = [*engine.rows(_FOUND, [database]), *(("view", name, "") for (name,) in engine.rows(_VIEWS, [database]))]
    for kind, name, _ in names:
        if str(name).lower() in new:
            raise _foreign(database, f"{name} is a {kind} of somebody else's")
    migrate(engine, database, current, at)


def _is_short(found: list[tuple[object, ...]]) -> bool:
    return sum(len(str(text)) for _, text, *_ in found) <= _MAX_DESCRIPTION


@functools.lru_cache(maxsize=16)
def _format_of(described: frozenset[tuple[str, str]]) -> int | None:
    """The newest format all of whose tables are described just so; None where none is."""
    texts = dict(described)
    if len(texts) < len(described):
        return None
    for number in range(FORMAT, 0, -1):
        if all(table.name in texts and tokens_of(texts[table.name]) == _expected(table) for table in tables_of(number)):
            return number
    return None


def _check_table(engine: Engine, table: Table, found: dict[str, str], database: str) -> None:
    text = found.get(table.name)
    if text is None:
        raise _foreign(database, f"table {table.name} is missing")
    tokens = tokens_of(text)
    if tokens != _expected(table) and tokens != _printed(engine, table):
        raise _foreign(database, f"table {table.name} is another one")


@functools.lru_cache(maxsize=64)
def tokens_of(text: str) -> tuple[str, ...]:
    """A definition without what does not matter: spaces, case, and quotes around plain names, which new keywords bring about."""
    if len(text) > 20_000:
        return ()
    tokens = _TOKEN.findall(text.lower())
    return tuple(_PLAIN_NAME.sub(r"\1", token) if token.startswith('"') else token for token in tokens)


@functools.cache
def _expected(table: Table) -> tuple[str, ...]:
    return tokens_of(f"CREATE TABLE {SCHEMA}.{table.name}({table.definition});")


def _printed(engine: Engine, table: Table) -> tuple[str, ...]:
    """The definition as this release of the engine prints it, should it differ from ours: from a temporary table, made for a moment."""
    if table not in _printed_by_engine:
        engine.rows(f"CREATE TEMP TABLE {sql.quote(_REFERENCE)}({table.definition})")
        ((text,),) = engine.rows(
            f"SELECT sql FROM {sql.call('duckdb_tables')} WHERE database_name = 'temp' AND table_name = '{_REFERENCE}'"
        )
        engine.rows(f"DROP TABLE temp.main.{sql.quote(_REFERENCE)}")
        tokens = tokens_of(str(text))
        _printed_by_engine[table] = (*_expected(table)[:_HEAD_TOKENS], *tokens[tokens.index("(") :])
    return _printed_by_engine[table]


def _foreign(database: str, reason: str) -> IntegrityError:
    return IntegrityError(
        f"schema {SCHEMA} of database {database} was not made by sqlml: {reason}", code="foreign_catalog",
        hint=f"rename or drop what stands in schema {SCHEMA}; sqlml keeps its models there",
    )  # fmt: skip
