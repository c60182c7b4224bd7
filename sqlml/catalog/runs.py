"""Runs: a row for each script or job that ended, in the database that it ran on. Events that it made carry its id."""

from __future__ import annotations

import datetime
from dataclasses import asdict, dataclass

from sqlml.catalog.publishing import run_change
from sqlml.catalog.schema import check_schema
from sqlml.catalog.tables import RUNS, insert, to_arrow
from sqlml.engines.engine import Engine

MAX_MESSAGE_LENGTH = 10_000


@dataclass(frozen=True, slots=True)
class Run:
    """A script that ended. Times are UTC."""

    run_id: str
    name: str
    """Of its file, as it was given; "<stdin>" for standard input."""
    started_at: datetime.datetime
    finished_at: datetime.datetime
    actor: str
    host: str
    n_statements: int
    """Statements that ran to their end."""
    status: str
    """"succeeded", "failed" or "cancelled"."""
    error_code: str | None = None
    message: str | None = None


def record_run(engine: Engine, database: str, run: Run, *, timeout_seconds: float) -> bool:
    """Writes the row of a run.

    Nothing is written to a database that is gone or read-only, nor to one whose models are of an older format or that has none: a script
    is no reason to make tables in it.

    Args: database, as the engine spells it; no transaction is open.
    Returns: whether there was a place for it.
    Raises: IntegrityError `foreign_catalog`, `newer_format`; what writing raises.
    """
    if engine.databases().get(database, True) or check_schema(engine, database) < RUNS.since:
        return False
    row = asdict(run) | {"message": run.message and run.message[:MAX_MESSAGE_LENGTH]}
    run_change(engine, database, lambda: insert(engine, database, RUNS, to_arrow(RUNS, [row])), timeout_seconds=timeout_seconds)
    return True
