"""How a change of the catalog becomes one transaction, and what is checked before training so that the change can succeed.

Every change reads what is there, then appends rows whose primary keys (name, sequence), (model, sequence), (model, version) follow from
what it read. Two changes at once therefore meet at a key, and only one of them commits. With no transaction open, a change has a short one
of its own, under a lock for the database, and is tried again from the start after a conflict. In the user's transaction it is part of that:
no retry, and the error ends the transaction.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TypeVar

from sqlml import sql
from sqlml.engines.engine import Engine
from sqlml.errors import Error, IntegrityError, NotSupportedError, OperationalError, ProgrammingError, did_you_mean

T = TypeVar("T")

PAUSES_SECONDS = (0.01, 0.03, 0.1, 0.3)
"""Before each further attempt. The lock keeps sqlml's own changes apart; what is left are users' transactions that are about to end."""

_locks: dict[str, threading.Lock] = defaultdict(threading.Lock)
_locks_guard = threading.Lock()


def run_change(engine: Engine, database: str, change: Callable[[], T], *, timeout_seconds: float) -> T:
    """Runs `change`, all of it or nothing.

    Raises: IntegrityError `version_conflict` when someone else changed the same model; OperationalError `lock_timeout`; what `change`
        raises.
    """
    if engine.in_transaction:
        try:
            return change()
        except Error as error:
            if not is_conflict(error):
                raise
            raise _conflict(database, "ROLLBACK, then run the statement again") from error
    with _locked(engine, database, timeout_seconds):
        for pause in (*PAUSES_SECONDS, None):
            try:
                return _attempt(engine, change)
            except Error as error:
                if not is_conflict(error):
                    raise
                if pause is None:
                    raise _conflict(database, "run the statement again when the other transaction has ended") from error
            time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


@contextlib.contextmanager
def consistent_reads(engine: Engine) -> Iterator[None]:
    """Several queries that see one state of the database, whoever drops or publishes meanwhile."""
    if engine.in_transaction:
        yield
        return
    engine.begin()
    try:
        yield
    finally:
        # Nothing was written, and an error has ended the transaction already.
        with contextlib.suppress(Error):
            engine.rollback()


def is_conflict(error: Error) -> bool:
    """Whether the engine refused a row or an object that somebody else wrote at the same time."""
    return error.code == "transaction_conflict" or (error.code == "constraint_violation" and "key" in error.message.lower())


def check_writable(engine: Engine, database: str) -> str:
    """The database as the engine spells it.

    Raises: ProgrammingError `unknown_database`; OperationalError `read_only_database`.
    """
    attached = {name.lower(): (name, read_only) for name, read_only in engine.databases().items()}
    if database.lower() not in attached:
        names = [name for name, _ in attached.values()]
        raise ProgrammingError(
            f"there is no database {database}",
            code="unknown_database",
            hint=did_you_mean(database, names) or f"attached are: {', '.join(names)}",
        )
    name, read_only = attached[database.lower()]
    if read_only:
        raise OperationalError(
            f"database {name} is read-only",
            code="read_only_database",
            hint="open or attach it for writing, or name a model in another database",
        )
    return name


def check_schema_exists(engine: Engine, database: str, schema: str) -> str:
    """The schema as the engine spells it.

    Raises: ProgrammingError `unknown_schema`.
    """
    found = engine.rows(f"SELECT schema_name FROM {sql.call('duckdb_schemas')} WHERE database_name = $1 AND NOT internal", [database])
    schemas = {str(text).lower(): str(text) for text in ("main", *(name for (name,) in found))}
    if schema.lower() not in schemas:
        raise ProgrammingError(
            f"there is no schema {schema} in database {database}", code="unknown_schema",
            hint=did_you_mean(schema, list(schemas.values())) or f"CREATE SCHEMA {sql.quote(schema)} makes it",
        )  # fmt: skip
    return schemas[schema.lower()]


def check_writable_in_transaction(engine: Engine, database: str) -> None:
    """Refuses a database that the user's open transaction may not write, since it has written another one.

    The engine cannot be asked. A statement that changes nothing is refused for the same reason as the publishing would be, and the
    transaction is lost either way: any error ends it.

    Raises: NotSupportedError `one_database_per_transaction`.
    """
    if not engine.in_transaction:
        return
    try:
        engine.rows(f"CREATE SCHEMA IF NOT EXISTS {sql.quote(database)}.main")
    except Error as error:
        if error.code != "one_database_per_transaction":
            raise
        raise NotSupportedError(
            f"this transaction has already written another database, so it cannot publish a model in {database}",
            code="one_database_per_transaction", hint="COMMIT first, then run the statement again",
        ) from error  # fmt: skip


def _attempt(engine: Engine, change: Callable[[], T]) -> T:
    engine.begin()
    try:
        result = change()
        engine.commit()
    except BaseException:
        # A commit that failed has rolled back already; what counts is that nothing stays open.
        with contextlib.suppress(Error):
            engine.rollback()
        raise
    return result


@contextlib.contextmanager
def _locked(engine: Engine, database: str, timeout_seconds: float) -> Iterator[None]:
    path = engine.rows(f"SELECT path FROM {sql.call('duckdb_databases')} WHERE database_name = $1", [database])
    # Databases in memory have no path; that unrelated ones of one name share a lock costs nothing.
    name = str(path[0][0]) if path and path[0][0] is not None else f":memory: {database}"
    with _locks_guard:
        lock = _locks[name]
    if not lock.acquire(timeout=timeout_seconds):
        raise OperationalError(
            f"another statement has been writing models to {database} for {timeout_seconds:g} seconds",
            code="lock_timeout",
            hint="try again",
        )
    try:
        yield
    finally:
        lock.release()


def _conflict(database: str, hint: str) -> IntegrityError:
    # Also of two that make the first model of a database: they meet at the schema, and there is no model to name.
    return IntegrityError(f"someone else changed models of database {database} at the same time", code="version_conflict", hint=hint)
