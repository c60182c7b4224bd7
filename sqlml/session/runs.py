"""The script that a session runs: what it changes carries its id, and at its end a row tells how it went."""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass, replace

from sqlml.catalog.runs import Run, record_run
from sqlml.catalog.store import Catalog
from sqlml.engines.engine import Engine
from sqlml.errors import Error

LOCK_SECONDS = 5.0
"""How long the row waits for others who write to the database."""


@dataclass(frozen=True, slots=True)
class RunningScript:
    """A script that has begun."""

    run_id: str
    name: str
    database: str
    """The session's database when it began."""
    started_at: datetime.datetime


def begin_script(name: str, engine: Engine, catalog: Catalog) -> RunningScript:
    """From now on events carry the script's id."""
    script = RunningScript(uuid.uuid4().hex, name, engine.current_database(), _now())
    catalog.cause = replace(catalog.cause, run_id=script.run_id)
    return script


def end_script(script: RunningScript, engine: Engine, catalog: Catalog, n_statements: int, error: BaseException | None) -> None:
    """Writes the script's row. A transaction that it left open is rolled back first, as closing would.

    Args: error, what ended it early; an interruption counts as cancelled.
    Raises: sqlml errors where there is a place for the row and it cannot be written.
    """
    actor, host = catalog.cause.actor, catalog.cause.host
    catalog.cause = replace(catalog.cause, run_id=None)
    status, code, message = _ending(error)
    if engine.in_transaction:
        engine.rollback()
        message = message or "the transaction that it left open was rolled back"
    run = Run(script.run_id, script.name, script.started_at, _now(), actor, host, n_statements, status, code, message)
    record_run(engine, script.database, run, timeout_seconds=LOCK_SECONDS)


def _ending(error: BaseException | None) -> tuple[str, str | None, str | None]:
    """Status, code and message of how a script ended."""
    match error:
        case None:
            return "succeeded", None, None
        case Error():
            return ("cancelled" if error.code == "cancelled" else "failed"), error.code, error.message
        case KeyboardInterrupt():
            return "cancelled", "cancelled", "the script was cancelled"
        case BrokenPipeError():
            return "failed", "broken_pipe", "the reader of its output went away"
    return "failed", "internal", f"sqlml failed unexpectedly: {error or type(error).__name__}"


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
