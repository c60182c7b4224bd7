"""A PEP 249 connection: one session, many cursors.

Cursors of a connection share its session, hence its transaction and its temporary tables. Statements commit by themselves, as in DuckDB,
unless `BEGIN` opened a transaction. What a statement means is the session's; here are only the rules of the Python interface.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sqlml import errors
from sqlml.dbapi.cursor import Cursor, Message
from sqlml.errors import InterfaceError

if TYPE_CHECKING:
    import os

    import duckdb

    from sqlml.engines.engine import Parameters
    from sqlml.session.outcome import EventHandler
    from sqlml.session.session import Session


def connect(
    database: str | os.PathLike[str] | duckdb.DuckDBPyConnection = ":memory:",
    *,
    read_only: bool = False,
    config: Mapping[str, object] | None = None,
    dialect: str | None = None,
    settings: Mapping[str, object] | None = None,
    on_event: EventHandler | None = None,
) -> Connection:
    """Opens a database file, an in-memory database, or sqlml on an open DuckDB connection.

    Args:
        database: a path, ":memory:", or a connection, which stays open when sqlml's is closed.
        read_only: open the file for reading; models in it predict.
        config: DuckDB's settings, e.g. `{"threads": 2}`.
        dialect: the SQL flavour, "duckdb" or "bigquery"; with the latter the connection's time zone is UTC.
        settings: sqlml's settings, e.g. `{"keep_versions": 10}`, as `SHOW sqlml` lists them. They are stronger than the environment
            (`SQLML_KEEP_VERSIONS`) and the configuration file, and `SET sqlml.keep_versions = …` changes them.
        on_event: called with what a running statement says: stages, iterations, notices.
    Raises: OperationalError when the database cannot be opened; NotSupportedError for another dialect; ProgrammingError
        `unknown_setting`, `setting_value`, `configuration_file`.
    """
    from sqlml.session.session import open_session  # brings DuckDB, Arrow and the parser; `import sqlml` must stay quick

    path = database if isinstance(database, str) or not hasattr(database, "__fspath__") else database.__fspath__()
    return Connection(open_session(path, read_only=read_only, config=config, dialect=dialect, settings=settings), on_event=on_event)


class Connection:
    """An open database. Used by one thread at a time; `interrupt` may come from any.

    As a context manager it ends an open transaction (COMMIT, or ROLLBACK when the block failed) and closes. A connection that is
    dropped without `close` is closed when it is collected; an open transaction is then rolled back.
    """

    # PEP 249's optional extension: code that has only a connection can catch its errors.
    Warning = errors.Warning
    Error = errors.Error
    InterfaceError = errors.InterfaceError
    DatabaseError = errors.DatabaseError
    DataError = errors.DataError
    OperationalError = errors.OperationalError
    IntegrityError = errors.IntegrityError
    InternalError = errors.InternalError
    ProgrammingError = errors.ProgrammingError
    NotSupportedError = errors.NotSupportedError

    def __init__(self, session: Session, *, on_event: EventHandler | None = None) -> None:
        self.on_event = on_event
        self.messages: list[Message] = []
        """Notices of the statement that ran last, on whichever cursor: (class, notice)."""
        self._session: Session | None = session
        self._closing = weakref.finalize(self, session.close)

    def cursor(self) -> Cursor:
        """A new cursor in the connection's transaction."""
        self.session()
        return Cursor(self)

    def execute(self, sql: str, parameters: Parameters = None) -> Cursor:
        """Runs statements on a new cursor."""
        return self.cursor().execute(sql, parameters)

    def commit(self) -> None:
        """Commits the open transaction; without one there is nothing to do."""
        self._end_transaction("COMMIT")

    def rollback(self) -> None:
        """Rolls the open transaction back; without one there is nothing to do."""
        self._end_transaction("ROLLBACK")

    def interrupt(self) -> None:
        """Cancels the running statement, which then raises OperationalError `cancelled`. From any thread."""
        self.session().cancel()

    cancel = interrupt

    def close(self) -> None:
        """Closes the session and all its cursors; an open transaction is rolled back. A second close does nothing."""
        self._session = None
        self._closing()

    @property
    def is_open(self) -> bool:
        return self._session is not None

    def session(self) -> Session:
        """The session below.

        Raises: InterfaceError `closed`.
        """
        if self._session is None:
            raise InterfaceError("the connection is closed", code="closed", hint="open another with sqlml.connect(…)")
        return self._session

    def _end_transaction(self, statement: str) -> None:
        session = self.session()
        self.messages.clear()
        if session.in_transaction:
            session.run(statement)

    def __enter__(self) -> Self:
        self.session()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._session is None:
            return
        try:
            if kind is None:
                self.commit()
        finally:
            self.close()
