"""Kills processes that change a catalog, a thousand times, and looks at what each left behind.

    python -m tests.crash --kills 1000 --seed 0

Each process is a fork that opens the database of the one before it, checks everything that must hold (`invariants`), publishes, makes a
change, and dies: before, after or in a statement of the engine, at a byte of a file, at a stage of a checkpoint, while it opens, or at any
time. A database lives through some 20 deaths. The report counts kills and recoveries by kind of change and by point; the exit code is 1 when
anything did not hold, and the files that show it are kept.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import multiprocessing
import os
import pkgutil
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import sqlml

from .journal import read
from .lesson import FIRST, Lesson, learn
from .rounds import Plan, live

LIVES = 20
"""Deaths of one database."""
TIMEOUT_SECONDS = 60.0


@dataclass
class Tally:
    """What happened."""

    kills: int = 0
    recoveries: int = 0
    interrupted: int = 0
    """Deaths while a process opened and checked what another had left."""
    with_log: int = 0
    torn: int = 0
    """Databases that DuckDB could not open before the checksum of a block was renewed."""
    settled: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.kills += other.kills
        self.recoveries += other.recoveries
        self.interrupted += other.interrupted
        self.torn += other.torn
        self.with_log += other.with_log
        for mine, others in ((self.settled, other.settled), (self.kinds, other.kinds), (self.points, other.points)):
            mine.update(others)
        self.violations += other.violations


def plans(lesson: Lesson, seed: int, n_kills: int) -> list[Plan]:
    """One for each kill: every step of every kind of change before anything is done twice, and other deaths between them."""
    moments = random.Random(seed)
    kinds = lesson.kinds
    steps = [Plan(kind, where, step) for kind in kinds for step in range(1, len(lesson.steps[kind]) + 1) for where in ("before", "after")]
    firsts = [Plan(FIRST, where, step) for step in range(1, len(lesson.steps[FIRST]) + 1) for where in ("before", "after")]
    ends = [(kind, step) for kind in kinds for step, name in enumerate(lesson.steps[kind], start=1) if name in {"COMMIT", "CHECKPOINT"}]
    commits = [*(Plan(kind, where, step) for kind, step in ends for where in ("in", "after")), *[Plan("close", "in")] * 4]
    stages = [Plan("checkpoint", "stage"), Plan("close", "stage"), Plan("transaction", "stage", checkpoints_often=True),
              Plan("replace", "stage", checkpoints_often=True)]  # fmt: skip
    files = [Plan(kind, "file", checkpoints_often=often) for kind in kinds for often in (False, True)]
    times = [*(Plan(kind, "time") for kind in kinds), *(Plan(kind, "opening") for kind in kinds[:4])]
    decks = [_cards(deck, moments) for deck in (steps, commits, stages, files, times)]
    first = _cards(firsts, moments)
    made = []
    for number in range(n_kills):
        is_new = number % LIVES == 0
        plan = next(first if is_new else moments.choices(decks, weights=(50, 15, 5, 10, 20))[0])
        plan = replace(plan, seed=moments.randrange(1 << 30), has_bystander=plan.kind != "checkpoint" and moments.random() < 0.15)
        made.append(plan if plan.checkpoints_often else replace(plan, checkpoints_often=moments.random() < 0.2))
    return made


def _cards(deck: list[Plan], moments: random.Random) -> Iterator[Plan]:
    while True:
        yield from moments.sample(deck, len(deck))


def kill_one_database(folder: Path, planned: list[Plan], lesson: Lesson) -> Tally:
    """Lives one after the other on one database, and a last look at it."""
    tally = Tally()
    folder.mkdir()
    for plan in [*planned, Plan("none", "none")]:
        before = len(read(folder / "journal.jsonl"))
        status = _live(folder, plan, lesson)
        entries = read(folder / "journal.jsonl")[before:]
        found = [value for kind, value in entries if kind == "violation"]
        died = os.WIFSIGNALED(status) and os.WTERMSIG(status) in {signal.SIGKILL, signal.SIGXFSZ}
        ends_well = plan.where == "none" and os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0
        if not found and not died and not ends_well:
            found = [f"a process ended with status {status}"]
        for recovered in [value for kind, value in entries if kind == "recovered"]:
            tally.recoveries += before > 0
            tally.with_log += recovered["log_bytes"] > 0
            if recovered["pending"] is not None:
                tally.settled[recovered["settled"]] += 1
        tally.torn += sum(kind == "torn" for kind, _ in entries)
        if died:
            tally.kills += 1
            tally.interrupted += not any(kind == "recovered" for kind, _ in entries)
            tally.kinds[_running(read(folder / "journal.jsonl"), plan)] += 1
            tally.points[next((value for kind, value in reversed(entries) if kind == "dies"), f"at a random time ({_phase(entries)})")] += 1
        if found:
            tally.violations += [f"{json.dumps(plan.shown)} in {folder}: {text}" for text in found]
            return tally
    shutil.rmtree(folder)
    return tally


def _running(entries: list[list[Any]], plan: Plan) -> str:
    begun = [value for kind, value in entries if kind == "begun"]
    return plan.kind if not begun or plan.where != "time" else str(begun[-1]["do"])


def _phase(entries: list[list[Any]]) -> str:
    return "in a change" if any(kind == "recovered" for kind, _ in entries) else "while opening and checking"


def _live(folder: Path, plan: Plan, lesson: Lesson) -> int:
    """Forks, kills where the plan says that the parent does it, and gives the exit status."""
    moments = random.Random(plan.seed + 1)
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ready)
        live(folder, plan, lesson, told)
        os._exit(4)
    os.close(told)
    if plan.where == "opening":
        time.sleep(moments.uniform(0, 0.3))
        os.kill(child, signal.SIGKILL)
    elif plan.where == "time" and os.read(ready, 1):
        time.sleep(moments.uniform(0, 0.25))
        os.kill(child, signal.SIGKILL)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            os.close(ready)
            return status
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGABRT)
            os.waitpid(child, 0)
            return signal.SIGABRT
        time.sleep(0.002)


def import_everything() -> None:
    """Once, and not in every fork. No database is opened here: a process that has threads must not fork."""
    import duckdb  # noqa: F401
    import pyarrow as pa
    import scipy.linalg
    import scipy.special  # noqa: F401
    import sklearn.utils.validation  # noqa: F401
    import xgboost  # noqa: F401

    for module in pkgutil.walk_packages(sqlml.__path__, "sqlml."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    pa.array([1])  # imports pandas


def _teach(folder: Path) -> Lesson:
    """In a fork, since it opens a database."""
    folder.mkdir()
    child = os.fork()
    if child == 0:
        try:
            learn(folder).write(folder / "lesson.json")
            os._exit(0)
        finally:
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
            os._exit(1)
    if os.waitpid(child, 0)[1] != 0:
        raise SystemExit("the changes do not run even when nobody is killed")
    return Lesson.read(folder / "lesson.json")


def _work(job: int, jobs: int, folder: Path, planned: list[Plan], lesson: Lesson) -> Tally:
    tally = Tally()
    for number, start in itertools.islice(enumerate(range(0, len(planned), LIVES)), job, None, jobs):
        tally.add(kill_one_database(folder / f"database{number}", planned[start : start + LIVES], lesson))
    return tally


def run(n_kills: int, seed: int, jobs: int, folder: Path) -> Tally:
    """Kills so often and gives what happened."""
    import_everything()
    lesson = _teach(folder / "lesson")
    planned = plans(lesson, seed, n_kills)
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        tallies = pool.starmap(_work, [(job, jobs, folder, planned, lesson) for job in range(jobs)])
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


def report(tally: Tally, seconds: float) -> str:
    """As it is printed."""
    lines = [
        f"kills: {tally.kills}, recoveries: {tally.recoveries} (write-ahead log replayed: {tally.with_log}), killed during a recovery: {tally.interrupted}, seconds: {seconds:.0f}",
        f"statements in flight: {sum(tally.settled.values())}, of which whole: {tally.settled['there']}, absent: {tally.settled['absent']}",
        "kills by statement: " + ", ".join(f"{kind} {n}" for kind, n in sorted(tally.kinds.items())),
        "kills by point: " + ", ".join(f"{point} {n}" for point, n in sorted(tally.points.items())),
        f"blocks that DuckDB left half written, each whole again with its checksum renewed: {tally.torn}",
        f"violations: {len(tally.violations)}",
        *tally.violations,
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--folder", type=Path, help="where databases stand; those that show a violation are kept")
    given = parser.parse_args()
    started = time.monotonic()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    folder = Path(tempfile.mkdtemp(prefix="sqlml_crash_", dir=given.folder))
    tally = run(given.kills, given.seed, given.jobs, folder)
    sys.stdout.write(report(tally, time.monotonic() - started))
    if not tally.violations:
        shutil.rmtree(folder)
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main())
