"""What names and times mean while a recorded statement runs: the schema, database and time zone that it was written in, and back.

Both are settings of the connection and belong to the user, so they are restored whatever happens. In a transaction that has failed nothing
can be set; then it is done before the next statement that may.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlml import sql
from sqlml.engines.engine import Engine
from sqlml.errors import Error, ProgrammingError
from sqlml.shown_names import shown_name
from sqlml.source import Span

_SETTINGS = ("search_path", "TimeZone")


class Naming:
    """The connection's naming, for one session."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._before: dict[str, str] = {}

    @contextmanager
    def of(self, context: Mapping[str, str], database: str, place: Span) -> Iterator[None]:
        """For as long as it is open, names mean what they meant when a version was made.

        Args:
            context: as `VersionRecord.context`; empty for versions of the first storage format, which did not record it.
            database: the model's own.
            place: where the running statement names the model.
        Raises: ProgrammingError `unknown_schema`.
        """
        try:
            try:
                self._enter(context, database)
            except Error as error:
                raise error.at(place) from error.__cause__
            yield
        finally:
            self.restore()

    def restore(self) -> None:
        """Gives the user's naming back, unless an aborted transaction forbids it for now. From any thread."""
        with self._lock:
            if not self._before or self._engine.in_aborted_transaction:
                return
            before, self._before = self._before, {}
            for name, value in before.items():
                self._engine.rows(f"SET {name} = {sql.literal(value)}")

    def _enter(self, context: Mapping[str, str], database: str) -> None:
        # The first storage format kept no schema; a name without one was most likely meant in the model's own database.
        is_elsewhere = not context and database != self._engine.current_database()
        schema, zone = context.get("schema", "main" if is_elsewhere else None), context.get("time_zone")
        place = context.get("database") or database
        with self._lock:
            if schema is not None and (place, schema) != (self._engine.current_database(), self._engine.current_schema()):
                self._check(place, schema)
                self._keep("search_path")
                self._engine.rows(f"USE {sql.quote(place)}.{sql.quote(schema)}")
            if zone and zone != self._value("TimeZone"):
                self._keep("TimeZone")
                try:
                    self._engine.rows(f"SET TimeZone = {sql.literal(zone)}")
                except Error as error:
                    raise ProgrammingError(
                        f"the time zone {zone[:100]} that the training query was written in is not known here",
                        code="unknown_time_zone",
                        hint="set TimeZone as you need it and train anew with CREATE OR REPLACE MODEL",
                    ) from error

    def _check(self, database: str, schema: str) -> None:
        if not self._engine.rows(
            f"SELECT 1 FROM {sql.call('duckdb_schemas')} WHERE database_name = $1 AND schema_name = $2", [database, schema]
        ):
            raise ProgrammingError(
                f"the training query was written in schema {shown_name(database)}.{shown_name(schema)}, which is not there",
                code="unknown_schema",
                hint=f"ATTACH the database as {shown_name(database)}, or CREATE SCHEMA with the tables that the query reads",
            )  # fmt: skip

    def _keep(self, name: str) -> None:
        self._before.setdefault(name, self._value(name))

    def _value(self, name: str) -> str:
        found = self._engine.rows(f"SELECT value FROM {sql.call('duckdb_settings')} WHERE name = $1", [name])
        return "" if not found or found[0][0] is None else str(found[0][0])
