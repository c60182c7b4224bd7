"""One life of a process: it recovers what the last one left, checks it, changes it, and dies."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlml
from sqlml.dbapi.connection import Connection
from sqlml.errors import Error

from . import points
from .changes import choose
from .expected import LEDGER, MAIN, OTHER, POINTS, VARIANTS, Change, State, after, predict, statements
from .invariants import digest, look, strange_files
from .journal import Journal, read
from .lesson import FIRST, Lesson

FILES = {"journal.jsonl", "before"}
_TORN_BLOCK = re.compile(r"computed checksum (?P<checksum>\d+) does not match stored checksum \d+ in block at location (?P<location>\d+)")
"""DuckDB 2.0 adds to its block of metadata in place, and a process that dies within that write leaves a block whose checksum is that of the
whole one. What the last checkpoint refers to is in it unchanged, so with its checksum renewed everything must be there; each time is told in
the report, since no user can do that."""


@dataclass(frozen=True)
class Plan:
    """How one life goes; `seed` decides what is not said."""

    kind: str
    """Of the change that death is meant for."""
    where: str
    """before | after | in (a step), file (at a size), stage (of a checkpoint), time (decided by the parent), opening (by the parent), none."""
    step: int = 0
    seed: int = 0
    has_bystander: bool = False
    """Whether another connection has an uncommitted model in an open transaction."""
    checkpoints_often: bool = False
    """Whether COMMIT brings a checkpoint about."""

    @property
    def shown(self) -> dict[str, Any]:
        return asdict(self)


def live(folder: Path, plan: Plan, lesson: Lesson, ready: int) -> None:
    """Runs until it dies; only what ends early returns.

    Args:
        ready: file descriptor that is written to when the change is about to start.
    """
    journal = Journal(folder / "journal.jsonl")
    moments = random.Random(plan.seed)
    try:
        connection = _recover(folder, plan, lesson, journal)
        if plan.where == "none":
            connection.close()
            journal.write("finished")
            os._exit(0)
        _change(folder, connection, plan, lesson, journal, moments, ready)
    except BaseException as error:  # noqa: BLE001 - whatever goes wrong is a finding
        if not isinstance(error, SystemExit):
            told = "".join(traceback.format_exception(error))
            journal.write("violation", f"{type(error).__name__}: {error}\n{told}")
    os._exit(3)


def _recover(folder: Path, plan: Plan, lesson: Lesson, journal: Journal) -> Connection:
    log = folder / f"{MAIN}.duckdb.wal"
    log_bytes = log.stat().st_size if log.exists() else 0
    _keep_evidence(folder)
    try:
        connection = _open(folder, plan, lesson)
    except Error as error:
        torn = _TORN_BLOCK.search(str(error))
        if torn is None:
            raise
        _renew_checksum(folder / f"{MAIN}.duckdb", int(torn["location"]), int(torn["checksum"]))
        journal.write("torn", torn["location"])
        connection = _open(folder, plan, lesson)
    state, problems = look(connection, lesson.variants)
    problems += strange_files(folder, FILES)
    if state == journal.state:
        settled = "absent"
    elif journal.pending is not None and state == _with_pending(journal):
        settled = "there"
    else:
        problems.append(f"the state is {state}, must be {journal.state}" + (f" or {_with_pending(journal)}" if journal.pending else ""))
        settled = "absent"
    if problems:
        journal.write("violation", "; ".join(problems))
        os._exit(3)
    journal.write("recovered", {"log_bytes": log_bytes, "pending": journal.pending and journal.pending["do"], "settled": settled})
    if journal.pending is not None:
        journal.write("settled", settled)
    return connection


def _renew_checksum(path: Path, location: int, checksum: int) -> None:
    with path.open("r+b") as file:
        file.seek(location)
        file.write(checksum.to_bytes(8, "little"))


def _with_pending(journal: Journal) -> State:
    assert journal.pending is not None
    return after(journal.state, journal.pending)


def _open(folder: Path, plan: Plan, lesson: Lesson) -> Connection:
    config = {"threads": 1, **({"checkpoint_threshold": "20KB"} if plan.checkpoints_often else {})}
    connection = sqlml.connect(folder / f"{MAIN}.duckdb", config=config)
    connection.session()._settings.allow_recorded_queries = True
    if lesson.has_copy:
        connection.execute(f"ATTACH '{folder / f'{OTHER}.duckdb'}' AS {OTHER}")
    tables = {row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'").fetchall()}
    for name, statement in (("points", POINTS), ("ledger", LEDGER)):
        if name not in tables:
            connection.execute(statement)
    return connection


def _change(folder: Path, connection: Connection, plan: Plan, lesson: Lesson, journal: Journal, moments: random.Random, ready: int) -> None:
    # The next version has the right number: its state is looked at before the change that death is meant for.
    if plan.where != "time" and plan.kind != FIRST:
        for change in choose("replace", journal.state, moments):
            _run(connection, change, lesson, journal)
        state, problems = look(connection, lesson.variants) if moments.random() < 0.2 else (journal.state, [])
        if state != journal.state or problems:
            journal.write("violation", f"after a publish: {state} {problems}, must be {journal.state}")
            os._exit(3)
    changes = choose("create" if plan.kind == FIRST else plan.kind, journal.state, moments)
    for change in changes[:-1]:
        _run(connection, change, lesson, journal)
    bystander = _bystander(folder, connection, journal.state) if plan.has_bystander else None
    os.write(ready, b"!")
    os.close(ready)
    _arm(folder, connection, plan, moments, journal)
    _run(connection, changes[-1], lesson, journal)
    if changes[-1]["do"] == "close":
        points.die()
    if plan.where == "time":  # until the parent ends it
        for _ in range(100):
            # DuckDB refuses a checkpoint while somebody else's transaction has written.
            kinds = [kind for kind in lesson.kinds if kind != "checkpoint" or bystander is None]
            for change in choose(moments.choice(kinds), journal.state, moments):
                if change["do"] != "close":
                    _run(connection, change, lesson, journal)
    journal.write("dies", "after the acknowledgement", sync=False)
    del bystander
    points.die()


def _arm(folder: Path, connection: Connection, plan: Plan, moments: random.Random, journal: Journal) -> None:
    def tell(point: str) -> None:
        journal.write("dies", point, sync=False)

    match plan.where:
        case "before" | "after":
            points.die_at_step(plan.step, where=plan.where, delay=0, tell=tell)
        case "in" if plan.kind == "close":
            points.die_soon(moments.uniform(0, 0.015), tell, "in close")
        case "in":
            points.die_at_step(plan.step, where="in", delay=moments.uniform(0, 0.008), tell=tell)
        case "file":
            log = folder / f"{MAIN}.duckdb.wal"
            size = log.stat().st_size if log.exists() else 0
            if plan.kind in {"checkpoint", "close"} or plan.checkpoints_often:
                size = (folder / f"{MAIN}.duckdb").stat().st_size if moments.random() < 0.7 else 0
            tell("at a byte of a file")
            points.die_at_file_size(size + moments.randrange(1, 30_000))
        case "stage":
            stage = moments.choice(points.CHECKPOINT_STAGES)
            connection.execute(f"SET debug_checkpoint_abort = '{stage}'")
            tell(f"in a checkpoint, {stage}")


def _run(connection: Connection, change: Change, lesson: Lesson, journal: Journal) -> None:
    journal.write("begun", change)
    try:
        if change["do"] == "close":
            connection.close()
        else:
            connection.session()._settings.keep_versions = change.get("keep")
        for statement in statements(change):
            connection.execute(statement)
    except Error:
        if any(kind == "dies" and "checkpoint" in str(value) for kind, value in _tail(journal)):
            points.die()  # DuckDB ended its checkpoint where it was told to
        raise
    journal.write("acknowledged")
    if connection.is_open and change["do"] in {"create", "replace"}:
        version = journal.state["models"][change["name"]]["last"]
        found = digest(connection.execute(predict(f"{change['name']}@{version}", change["variant"])).fetchall())
        if found != lesson.predictions[change["variant"]]:
            journal.write("violation", f"{change} predicts {found}, must be {lesson.predictions[change['variant']]}")
            os._exit(3)
        journal.write("predicted", [change["name"], version, found])


def _tail(journal: Journal) -> list[Any]:
    return read(journal.path)[-3:]


def _bystander(folder: Path, connection: Connection, state: State) -> Connection | None:
    """Another connection with an open transaction, in which there is a model that nobody will ever see."""
    if not state["models"]:
        return None
    other = sqlml.connect(folder / f"{MAIN}.duckdb", config={"threads": 1, **_same(connection)})
    other.execute("BEGIN")
    other.execute(f"CREATE MODEL {MAIN}.ghost {VARIANTS['linear 1']}")
    other.execute(f"INSERT INTO {MAIN}.ledger VALUES (-1)")
    return other


def _same(connection: Connection) -> dict[str, str]:
    ((value,),) = connection.execute("SELECT current_setting('checkpoint_threshold')").fetchall()
    return {} if value == "16.0 MiB" else {"checkpoint_threshold": "20KB"}


def _keep_evidence(folder: Path) -> None:
    kept = folder / "before"
    kept.mkdir(exist_ok=True)
    for old in kept.iterdir():
        old.unlink()
    for path in folder.glob("*.duckdb*"):
        with contextlib.suppress(IsADirectoryError):
            shutil.copy(path, kept / path.name)
