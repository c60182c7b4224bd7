"""A database file that was cut off or in which a byte was changed: every read of a model ends in an error of ours or in the right answer.

    python -m tests.durability

cuts the file at every block and within it, changes bytes in every block and in each of the three header pages, and does both to the
write-ahead log. Each damaged copy is opened by a process of its own, so that a crash is seen. Right is what was predicted before, of versions
that had been there together at some time: the end of a log that was cut off is lost, as after a loss of power.
"""

from __future__ import annotations

import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.expected import LEDGER, MAIN, POINTS, VARIANTS, predict
from tests.crash.invariants import digest

BLOCK = 1 << 18
HEADER = 1 << 12
N_HEADERS = 3
TIMEOUT_SECONDS = 60
STEPS = (
    ("m1", "linear 1"), ("m1", "linear 2"), ("m2", "transform 1"), ("m3", "clusters 2"), ("m4", "trees 1"), ("m5", "classes 1"), ("m2", "transform 3"),
)  # fmt: skip
"""Models that are published, and what as."""
Found = dict[str, str]
"""Model version -> what it predicts."""


@dataclass(frozen=True)
class Damage:
    """One change of a file; the log beside it stays."""

    file: str
    what: str
    """cut (the file ends at `at`) | flip (the byte there has another value) | zero (the block that starts there is empty)."""
    at: int
    bits: int = 0

    def apply(self, folder: Path) -> None:
        with (folder / self.file).open("r+b") as file:
            if self.what == "cut":
                file.truncate(self.at)
                return
            file.seek(self.at)
            old = file.read(1 if self.what == "flip" else BLOCK)
            file.seek(self.at)
            file.write(bytes([old[0] ^ self.bits]) if self.what == "flip" else bytes(len(old)))


@dataclass
class Outcome:
    """What came of all damages."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)


def make(folder: Path, *, with_log: bool) -> list[Found]:
    """Writes the template in a process of its own; with a log, that process dies before a checkpoint.

    Returns: what there was after each commit.
    """
    folder.mkdir()
    child = os.fork()
    if child == 0:
        _make(folder, with_log)
    assert os.waitpid(child, 0)[1] in {0, signal.SIGKILL}
    assert (folder / f"{MAIN}.duckdb.wal").exists() == with_log
    shutil.copy(folder / "states.json", folder.parent / f"states{int(with_log)}.json")
    (folder / "states.json").unlink()
    states: list[Found] = json.loads((folder.parent / f"states{int(with_log)}.json").read_text())
    return states


def _make(folder: Path, with_log: bool) -> None:
    import sqlml

    connection = sqlml.connect(folder / f"{MAIN}.duckdb", config={"threads": 1})
    connection.execute(POINTS)
    connection.execute(LEDGER)
    states: list[Found] = [{}]
    last: Counter[str] = Counter()
    for index, (name, variant) in enumerate(STEPS):
        connection.execute(f"CREATE OR REPLACE MODEL {name} {VARIANTS[variant]}")
        last[name] += 1
        said = digest(connection.execute(predict(f"{name}@{last[name]}", variant)).fetchall())
        states.append({**states[-1], f"{name}@{last[name]}": said})
        if with_log and index == 1:
            connection.execute("CHECKPOINT")
    (folder / "states.json").write_text(json.dumps(states))
    if with_log:
        os.kill(os.getpid(), signal.SIGKILL)
    connection.close()
    os._exit(0)


def damages(folder: Path, moments: random.Random) -> Iterator[Damage]:
    """All of them, of the files in a folder."""
    name = f"{MAIN}.duckdb"
    size = (folder / name).stat().st_size
    starts = [HEADER * page for page in range(N_HEADERS)] + list(range(HEADER * N_HEADERS, size, BLOCK))
    for start in starts:
        length = HEADER if start < HEADER * N_HEADERS else min(BLOCK, size - start)
        yield Damage(name, "cut", start)
        yield Damage(name, "cut", start + moments.randrange(1, length))
        # The first bytes of a block are its checksum; those after it are always of use, if the block is.
        for at in (moments.randrange(8), 8 + moments.randrange(64), moments.randrange(length), moments.randrange(length)):
            yield Damage(name, "flip", start + at, 1 << moments.randrange(8))
        yield Damage(name, "flip", start + moments.randrange(min(length, 4096)), 0xFF)
        if length == BLOCK:
            yield Damage(name, "zero", start)
    log = folder / f"{name}.wal"
    if log.exists():
        n_bytes = log.stat().st_size
        for part in range(128):
            lower, upper = n_bytes * part // 128, n_bytes * (part + 1) // 128
            yield Damage(log.name, "cut", moments.randrange(lower, upper))
            yield Damage(log.name, "flip", moments.randrange(lower, upper), 1 << moments.randrange(8))
            yield Damage(log.name, "flip", moments.randrange(lower, upper), 0xFF)
        for at in range(64):
            yield Damage(log.name, "flip", at, 1 << moments.randrange(8))


def sweep(folder: Path, template: Path, states: list[Found], wanted: list[Damage]) -> Outcome:
    """Opens a copy for each damage."""
    outcome = Outcome()
    for damage in wanted:
        place = folder / "copy"
        shutil.copytree(template, place)
        damage.apply(place)
        result = _in_a_process(place, states)
        kind = "changed the log" if damage.file.endswith(".wal") else "changed the file"
        outcome.counts[f"{kind}, {damage.what}: {result.partition(';')[0]}"] += 1
        if not result.startswith(("error ", "right")):
            outcome.findings.append(f"{damage}: {result}")
        shutil.rmtree(place)
    return outcome


def _in_a_process(place: Path, states: list[Found]) -> str:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 2)  # the C++ library's last words
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.write(writing, _read(place, states).encode()[:4000])
        os._exit(0)
    os.close(writing)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not (done := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(reading)
            return "hangs"
        time.sleep(0.002)
    said = os.read(reading, 4000).decode()
    os.close(reading)
    if os.WIFSIGNALED(done[1]):
        return f"crashes with {signal.Signals(os.WTERMSIG(done[1])).name}"
    return said or f"ends with status {done[1]}"


def _read(place: Path, states: list[Found]) -> str:
    """`right`, `error …`, or what is wrong."""
    import sqlml
    from sqlml.errors import Error

    variants = _variants()
    found: Found = {}
    errors: list[str] = []
    try:
        connection = sqlml.connect(place / f"{MAIN}.duckdb", config={"threads": 1})
        names = [f"{name}@{version}" for name, version in connection.execute(
            f"SELECT model_name, version FROM {MAIN}.sqlml.model_versions"
        ).fetchall()]  # fmt: skip
    except Error as error:
        # Where the views cannot be read, or are not there yet, models may still be asked for by their names.
        if "connection" not in locals():
            return _told(error)
        errors.append(_told(error))
        names = list(variants)
    except BaseException as error:  # noqa: BLE001 - that is what is looked for
        return f"raises {type(error).__name__}; {traceback.format_exc()[-1500:]}"
    for name in names:
        if name not in variants:
            return f"has a model {name} that nobody made"
        try:
            found[name] = digest(connection.execute(predict(name, variants[name])).fetchall())
        except Error as error:
            errors.append(_told(error))
        except BaseException as error:  # noqa: BLE001
            return f"raises {type(error).__name__}; {traceback.format_exc()[-1500:]}"
    for name, said in found.items():
        if said != states[-1][name]:
            return f"predicts something else of {name}"
    if errors:
        return errors[0]
    return "right" if found in states else f"shows versions that were never there together: {sorted(found)}"


def _told(error: BaseException) -> str:
    text = str(error)
    if re.search(r"Traceback|_duckdb\.|\w+Exception|std::", text):
        return f"shows the library's insides; {text}"
    return f"error {getattr(error, 'code', '')}; {text}"


def _variants() -> dict[str, str]:
    last: Counter[str] = Counter()
    found = {}
    for name, variant in STEPS:
        last[name] += 1
        found[f"{name}@{last[name]}"] = variant
    return found


def run(folder: Path, *, every: int = 1, seed: int = 0) -> Outcome:
    """The sweep over all damages, or over an n-th of them."""
    total = Outcome()
    for with_log in (False, True):
        template = folder / f"template{int(with_log)}"
        states = make(template, with_log=with_log)
        everything = list(damages(template, random.Random(seed)))
        wanted = random.Random(seed).sample(everything, len(everything) // every)
        outcome = sweep(folder, template, states, wanted)
        total.counts.update(outcome.counts)
        total.findings += outcome.findings
    return total


def report(outcome: Outcome, seconds: float) -> str:
    """As it is printed."""
    lines = [f"damaged copies: {sum(outcome.counts.values())}, seconds: {seconds:.0f}"]
    lines += [f"  {name}: {n}" for name, n in sorted(outcome.counts.items())]
    return "\n".join([*lines, f"findings: {len(outcome.findings)}", *outcome.findings]) + "\n"


if __name__ == "__main__":
    sys.exit("run python -m tests.durability")
