"""Mutates stored versions of every model type, and looks whether anything but a refusal of ours comes out.

    python tests/fuzz/state_fuzzer.py --mutations 100000 --seed 0

Each mutation changes arrays (values, shapes, kinds, lengths, swapped and missing ones) or the record of a version, and goes through the
validator that stands before every use of a model (`LoadedModels.adopt`). A sample of what it accepts is asked for everything that a model can
be asked for. The work is done in forked processes, one for each chunk of mutations: a crash ends a fork, a hang is ended by a watchdog, and
both are counted with the mutation that did it. `--only N` runs one mutation in this process, to look at it.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import datetime
import faulthandler
import json
import os
import random
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1] / "hostile")]
import sample_models

from sqlml.catalog.reader import VersionId
from sqlml.catalog.records import FeatureRecord, ModelKey, Reference, StoredVersion, VersionRecord
from sqlml.errors import Error, InternalError
from sqlml.session.session import Session, open_session
from sqlml.state import Array

INTEGERS = [
    -(2**63),
    -(2**62),
    -(2**31),
    -2,
    -1,
    0,
    1,
    2,
    3,
    7,
    63,
    64,
    1024,
    2**24 - 1,
    2**24,
    2**31 - 1,
    2**31,
    2**32,
    2**53,
    2**62,
    2**63 - 1,
]
FLOATS = [0.0, -0.0, 1.0, -1.0, 5e-324, 1e-300, 3e38, 1e39, 1e150, 1e300, -1e300, 1.7e308, float("inf"), float("-inf"), float("nan")]
TEXTS = [
    "", "x", "NULL", "rooms", "side", "price", "id", 'x"; DROP TABLE houses; --', "'", '"', "a\x00b", "\u202e", "DOUBLE", "VARCHAR", "BIGINT", "DOUBLE[]",
    "VARCHAR[]", "STRUCT(a INTEGER)", "STRUCT(" * 500 + "INTEGER", "TIMESTAMP", "DATE", "BOOLEAN", "DECIMAL(38,10)", "BLOB", "ENUM('a')", "DOUBLE[99]",
    "(SELECT content FROM read_text('/etc/passwd'))", "DOUBLE) FROM houses --", "one_hot", "codes", "target", "dummy", "x" * 5000, "[]" * 400, "year_",
    "\ud7ff", "binary:logistic", "multi:softprob", "reg:squarederror", "most frequent text", "quantile 0.5", "mean", "north", "true", "false",
    "STRUCT(index BIGINT, value DOUBLE)[]",
]  # fmt: skip
CLAUSES = [
    "x", "", "*", "rooms AS rooms, area AS area, side AS side, filled AS filled, is_big", "(SELECT 1) AS rooms", "getenv('HOME') AS rooms", "* EXCEPT (side)",
    "ML.STANDARD_SCALER(rooms) OVER () AS rooms", "read_text('/etc/passwd') AS rooms", "(" * 3000 + "rooms" + ")" * 3000 + " AS rooms", "rooms" + " + 1" * 3000,
]  # fmt: skip
JSON_VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1e308,
    "x",
    "",
    [],
    {},
    [None],
    {"a": []},
    [[1, 2]],
    10**400,
    "9" * 5000,
    [["a", 1.5]],
    -0.5,
    2.5,
]

TOLD = {
    "engine_error",
    "conversion_error",
    "batch_function_failed",
    "batch_function_shape",
    "feature_type",
    "function_arguments",
    "label_type",
}
ASKED = 12
"""Statements about one accepted mutation at most."""
SECONDS = 20
"""A mutation may take so long, its statements included."""
MEMORY = 3 << 30
"""Address space that a fork may take beyond what it has at first."""


def load_seeds(session: Session) -> list[StoredVersion]:
    """Every version of the sample database."""
    catalog = session._catalog
    database = session._engine.current_database()
    return [catalog.load(info.key, stored.version) for info in catalog.list_models(database) for stored in catalog.versions(info.key)]


# ---- Mutations ----


def mutate(seeds: list[StoredVersion], number: int, seed: int) -> StoredVersion:
    """The mutation of that number; the same for the same seed."""
    chance = random.Random(f"{seed} {number}")
    stored = seeds[number % len(seeds)]
    arrays = {section: dict(part) for section, part in stored.arrays.items()}
    record = stored.record
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        if chance.random() < 0.2:
            record = _mutated_record(record, chance)
        else:
            _mutate_arrays(arrays, seeds, chance)
    return replace(stored, arrays=arrays, record=record, checksum=f"{seed}-{number}", model_id=f"m{number}")


def _mutate_arrays(arrays: dict[str, dict[str, Array]], seeds: list[StoredVersion], chance: random.Random) -> None:
    section = chance.choice(sorted(arrays))
    part = arrays[section]
    if not part:
        return
    name = chance.choice(sorted(part))
    kind = chance.random()
    if kind < 0.02:
        del part[name]
    elif kind < 0.03:
        del arrays[section]
    elif kind < 0.04:
        part["more"] = part[name]
    elif kind < 0.07:
        other = chance.choice(sorted(part))
        part[name], part[other] = part[other], part[name]
    elif kind < 0.09:
        # A section, or an array, of another model.
        donor = chance.choice(seeds).arrays
        if section in donor:
            part.update({name: donor[section][name]} if name in donor[section] and chance.random() < 0.5 else dict(donor[section]))
    elif kind < 0.17 and len(part) > 1:
        _resize_together(part, chance)
    else:
        part[name] = mutated_array(part[name], chance, name)


def _resize_together(part: dict[str, Array], chance: random.Random) -> None:
    """Lengthens or shortens all arrays that share a length, so that what looks at sizes only is passed."""
    sizes = sorted({size for array in part.values() for size in array.shape})
    if not sizes:
        return
    size, by = chance.choice(sizes), chance.choice([-1, 1, 2])
    for name, array in part.items():
        if any(length < 0 for length in array.shape) or _n_values(array) != np.prod(array.shape, dtype=object):
            continue  # a mutation before made it contradict itself
        for axis, length in enumerate(array.shape):
            if length == size and length + by >= 0:
                array = _resized(array, axis, by)  # noqa: PLW2901
        part[name] = array


def _resized(array: Array, axis: int, by: int) -> Array:
    if array.strings is not None:
        values = array.strings[:by] if by < 0 else (*array.strings, *(array.strings[-1:] or ("",)) * by)
        return Array((len(values),), strings=values)
    flat = array.integers if array.integers is not None else array.floats
    shaped = flat.reshape(array.shape)
    if by < 0:
        shaped = np.delete(shaped, range(shaped.shape[axis] + by, shaped.shape[axis]), axis)
    else:
        last = (
            shaped.take([-1] * by, axis)
            if shaped.shape[axis]
            else np.zeros((*shaped.shape[:axis], by, *shaped.shape[axis + 1 :]), flat.dtype)
        )
        shaped = np.concatenate([shaped, last], axis)
    return _numbers(shaped.shape, shaped.ravel())


def _n_values(array: Array) -> int:
    values = next(values for values in (array.integers, array.floats, array.strings) if values is not None)
    return len(values)


def _numbers(shape: tuple[int, ...], values: Any) -> Array:
    values = np.ascontiguousarray(values)
    return Array(shape, integers=values) if values.dtype.kind == "i" else Array(shape, floats=values)


def mutated_array(array: Array, chance: random.Random, name: str) -> Array:
    """An array with something changed; the shape fits the values nearly always, since the catalog's reader sees to it."""
    if chance.random() < 0.03:
        return _other_kind(array)
    if chance.random() < 0.03:
        size = chance.choice([0, 1, 2, 2**40, -1])
        return replace(array, shape=chance.choice([(), (size,), (*array.shape, 1), (size, size), (1, *array.shape), array.shape[::-1]]))
    if array.strings is not None:
        return _mutated_texts(array, chance, name)
    values = (array.integers if array.integers is not None else array.floats).copy()
    extremes = INTEGERS if array.integers is not None else FLOATS
    match chance.randrange(8):
        case 0 | 1 | 2 if len(values):
            for _ in range(chance.randint(1, 3)):
                values[chance.randrange(len(values))] = chance.choice(extremes)
        case 3 if len(values):
            with np.errstate(all="ignore"):
                values[chance.randrange(len(values))] += chance.choice([-2, -1, 1, 2])
        case 4 if len(values):
            order = list(range(len(values)))
            chance.shuffle(order)
            values = values[order]
        case 5 if len(values):
            values[:] = chance.choice(extremes)
        case 6 if len(values):
            values = np.sort(values)[:: chance.choice([1, -1])]
        case _:
            at = chance.randrange(len(values) + 1)
            values = (
                np.delete(values, min(at, len(values) - 1))
                if len(values) and chance.random() < 0.5
                else np.insert(values, at, chance.choice(extremes))
            )
            return _numbers((len(values),) if array.shape != () else (), values)
    return _numbers(array.shape, values)


def _other_kind(array: Array) -> Array:
    if array.strings is not None:
        return Array(array.shape, integers=np.zeros(len(array.strings), np.int64))
    if array.integers is not None:
        return Array(array.shape, floats=array.integers.astype(float))
    return Array(array.shape, strings=tuple(str(value) for value in array.floats.tolist()))


def _mutated_texts(array: Array, chance: random.Random, name: str) -> Array:
    texts = list(array.strings)
    pool = CLAUSES if name == "clause" else [*TEXTS, *(text for text in texts if text is not None)]
    match chance.randrange(5):
        case 0 | 1 if texts:
            texts[chance.randrange(len(texts))] = chance.choice(pool)
        case 2 if texts:
            chance.shuffle(texts)
        case 3 if texts:
            texts[chance.randrange(len(texts))] = None
        case _:
            if texts and chance.random() < 0.5:
                del texts[chance.randrange(len(texts))]
            else:
                texts.insert(chance.randrange(len(texts) + 1), chance.choice(pool))
    return Array((len(texts),) if array.shape != () else (), strings=tuple(texts))


def _mutated_record(record: VersionRecord, chance: random.Random) -> VersionRecord:
    """Anything that the columns of the record's tables can hold."""
    names = [item.name for item in dataclasses.fields(record)]
    name = chance.choice([*names, "features", "classes", "options", "model_type", "label"])
    value = getattr(record, name)
    changed: Any
    match name:
        case "features":
            changed = _mutated_features(value, chance)
        case "options":
            key = chance.choice(sorted(value)) if value else "x"
            changed = (
                {**value, key: chance.choice(JSON_VALUES)}
                if chance.random() < 0.8
                else {other: value[other] for other in value if other != key}
            )
        case "model_type":
            types = [
                "LINEAR_REG",
                "LOGISTIC_REG",
                "KMEANS",
                "PCA",
                "TRANSFORM_ONLY",
                "BOOSTED_TREE_REGRESSOR",
                "BOOSTED_TREE_CLASSIFIER",
                "XGBOOST",
            ]
            changed = chance.choice([*types, "RANDOM_FOREST_CLASSIFIER", "os.system", "../x", "", "linear_reg", "_registry"])
        case "iterations":
            changed = tuple(replace(item, loss=chance.choice([*FLOATS, None])) for item in value) if value else ()
        case "sources":
            changed = tuple(
                replace(item, name=chance.choice(TEXTS), n_rows=chance.choice([None, *INTEGERS]), part_of=chance.choice(INTEGERS))
                for item in value
            )
        case "metrics":
            changed = {chance.choice([*TEXTS, *value]): chance.choice([*FLOATS, None])}
        case _ if isinstance(value, int):
            changed = chance.choice(INTEGERS)
        case _ if isinstance(value, tuple):
            changed = (
                value[:-1] if value and chance.random() < 0.3 else (*value, chance.choice(TEXTS)) if chance.random() < 0.5 else value[::-1]
            )
        case _ if isinstance(value, Mapping):
            changed = {**value, chance.choice(TEXTS): chance.choice(TEXTS)}
        case "label" | "label_type":
            changed = chance.choice([None, *TEXTS])
        case _:
            changed = chance.choice(TEXTS)
    return replace(record, **{name: changed})


def _mutated_features(features: tuple[FeatureRecord, ...], chance: random.Random) -> tuple[FeatureRecord, ...]:
    changed = list(features)
    if not changed or chance.random() < 0.15:
        changed.append(FeatureRecord(chance.choice(TEXTS), chance.choice(TEXTS)))
    elif chance.random() < 0.15:
        changed.pop(chance.randrange(len(changed)))
    else:
        at = chance.randrange(len(changed))
        name = chance.choice([item.name for item in dataclasses.fields(FeatureRecord)] + ["name", "sql_type"])
        value: Any = chance.choice(TEXTS) if name in ("name", "sql_type") else chance.choice([None, *FLOATS])
        if name in ("category_count", "null_count", "dimension"):
            value = chance.choice(INTEGERS)
        changed[at] = replace(changed[at], **{name: value})
    return tuple(changed)


# ---- What is done with one ----


class _Forged:
    """A catalog whose one model is the mutation; anything else is the real catalog's."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.stored: StoredVersion | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def load(self, key: ModelKey, reference: Reference = None) -> StoredVersion:
        return self.stored or self.real.load(key, reference)

    def versions(self, key: ModelKey) -> tuple[StoredVersion, ...]:
        return (self.stored,) if self.stored else self.real.versions(key)

    def identify(self, key: ModelKey, reference: Reference = None) -> VersionId:
        stored = self.stored
        return VersionId(stored.model_id, stored.version, stored.checksum) if stored else self.real.identify(key, reference)


class Hang(BaseException):
    """A mutation took too long."""


@dataclass
class Report:
    """What came of mutations."""

    counts: collections.Counter[str] = field(default_factory=collections.Counter)
    findings: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        self.counts += other.counts
        self.findings += other.findings


class Subject:
    """A session whose models are mutations."""

    def __init__(self, database: str) -> None:
        self.session: Session = open_session(database, read_only=True, config={"threads": 1, "memory_limit": "1GB"})
        self.seeds = load_seeds(self.session)
        self.forged = _Forged(self.session._catalog)
        self.session._catalog = self.forged  # type: ignore[assignment]
        self.session._models._catalog = self.forged  # type: ignore[assignment]

    def try_one(self, number: int, seed: int, share: float, report: Report) -> None:
        stored = mutate(self.seeds, number, seed)
        models = self.session._models
        try:
            model = self.session._worker.run(lambda token, emit: models.adopt(stored))
        except InternalError:
            raise
        except Error as error:
            report.counts["refused"] += 1
            report.counts[f"refused as {error.code}"] += 1
            return
        models.release(model)
        report.counts["accepted"] += 1
        chance = random.Random(f"{seed} {number} asked")
        if chance.random() < share:
            self.ask(stored, chance, report)

    def ask(self, stored: StoredVersion, chance: random.Random, report: Report) -> None:
        """Statements about a mutation that the validator took."""
        self.forged.stored = stored
        report.counts["predicted"] += 1
        try:
            texts = [text for text in sample_models.statements(stored.key.name) if not text.startswith(("ALTER", "DROP", "SHOW MODELS"))]
            predictions = [text for text in texts if "ML.PREDICT" in text or "ML.TRANSFORM" in text]
            for text in {*predictions[:1], *chance.sample(texts, min(ASKED, len(texts)))}:
                try:
                    outcome = self.session.run(text)
                    while self.session.fetch(outcome, 10_000):
                        pass
                    report.counts["statements answered"] += 1
                except Error as error:
                    report.counts["statements refused"] += 1
                    report.counts[f"statement refused as {error.code}"] += 1
                    if error.code in TOLD and os.environ.get("FUZZ_TELL"):
                        report.findings.append(f"{text}: {error.code}: {error.message[:600]}")
                    if isinstance(error, InternalError) or "FATAL" in error.message or "INTERNAL" in error.message:
                        report.counts["surprises"] += 1
                        cause = "".join(traceback.format_exception(error.__cause__)) if error.__cause__ else ""
                        report.findings.append(f"{text}: {error.code}: {error.message}\n{cause[-1500:]}")
        finally:
            self.forged.stored = None
            for place in list(self.session._models._loaded):
                self.session._models.release(self.session._models._loaded.pop(place))


def run_range(subject: Subject, numbers: Iterator[int] | range, seed: int, share: float, report: Report, told: Any = None) -> None:
    """Mutations one after the other, under a watchdog."""

    def alarm(_number: int, _frame: object) -> None:
        raise Hang

    signal.signal(signal.SIGALRM, alarm)
    for number in numbers:
        if told is not None:
            told(number)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        # Where no Python code runs, the alarm above is not heard.
        faulthandler.dump_traceback_later(2 * SECONDS, exit=True)
        before = len(report.findings)
        try:
            subject.try_one(number, seed, share, report)
        except Hang:
            report.counts["hangs"] += 1
            report.findings.append(f"hang\n{traceback.format_exc()[-1500:]}")
        except Exception:
            report.counts["surprises"] += 1
            report.findings.append(traceback.format_exc()[-2500:])
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        report.counts["mutations"] += 1
        report.findings[before:] = [f"--only {number} --seed {seed}: {text}" for text in report.findings[before:]]
    faulthandler.cancel_dump_traceback_later()


# ---- Forks ----


def fork_chunk(database: str, numbers: range, seed: int, share: float) -> Report:
    """Runs numbers in a process of their own; goes on behind a mutation that killed it."""
    report = Report()
    start = numbers.start
    while start < numbers.stop:
        part, last = _forked(database, range(start, numbers.stop), seed, share)
        report.add(part)
        if last is None:
            break
        report.counts["mutations"] += 1
        start = last + 1
    return report


def _forked(database: str, numbers: range, seed: int, share: float) -> tuple[Report, int | None]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reading)
            _limit_memory()
            report = Report()
            with os.fdopen(writing, "wb", buffering=0) as out:
                subject = Subject(database)
                done = 0

                def told(number: int) -> None:
                    nonlocal done, report
                    _send(out, {"counts": dict(report.counts), "findings": report.findings, "at": number})
                    report.counts.clear()
                    report.findings.clear()

                run_range(subject, numbers, seed, share, report, told)
                _send(out, {"counts": dict(report.counts), "findings": report.findings, "at": None})
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    report, at, ended = Report(), numbers.start, False
    with os.fdopen(reading, "rb") as messages:
        while len(head := messages.read(4)) == 4:
            message = json.loads(messages.read(struct.unpack("<I", head)[0]))
            report.add(Report(collections.Counter(message["counts"]), message["findings"]))
            ended = message["at"] is None
            at = at if ended else message["at"]
    _, status = os.waitpid(child, 0)
    if ended and status == 0:
        return report, None
    signalled = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    report.counts["crashes" if signalled else "hangs"] += 1
    report.findings.append(
        f"--only {at} --seed {seed}: the process ended with " + (f"signal {signalled}" if signalled else f"code {status >> 8}")
    )
    return report, at


def _send(out: Any, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode()
    out.write(struct.pack("<I", len(data)) + data)


def _limit_memory() -> None:
    with open("/proc/self/statm") as statm:
        now = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))


def fuzz(database: str, first: int, n_mutations: int, seed: int, *, share: float, chunk: int, processes: int, say: Any = None) -> Report:
    """All mutations from a number on, some processes at a time."""
    from concurrent.futures import ThreadPoolExecutor

    chunks = [range(start, min(start + chunk, first + n_mutations)) for start in range(first, first + n_mutations, chunk)]
    total = Report()
    # Each chunk has a starter of its own, which is single-threaded: forking a process with threads is not safe.
    with ThreadPoolExecutor(processes) as pool:
        for number, part in enumerate(pool.map(lambda numbers: _started(database, numbers, seed, share), chunks), start=1):
            total.add(part)
            if say is not None:
                say(number, len(chunks), total)
    return total


def _started(database: str, numbers: range, seed: int, share: float) -> Report:
    command = [
        sys.executable,
        "-W",
        "error::RuntimeWarning",
        __file__,
        "--database",
        database,
        "--chunk-of",
        f"{numbers.start}:{numbers.stop}",
        "--seed",
        str(seed),
        "--share",
        str(share),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"a chunk ended with {done.returncode}: {done.stderr[-3000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return Report(collections.Counter(found["counts"]), found["findings"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutations", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=0.1, help="of the accepted mutations that are asked for predictions")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--chunk", type=int, default=2_500)
    parser.add_argument("--only", type=int, help="run this mutation alone, in this process, and ask it everything")
    parser.add_argument("--database", help=argparse.SUPPRESS)
    parser.add_argument("--chunk-of", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.chunk_of is not None:
        first, last = map(int, arguments.chunk_of.split(":"))
        report = fork_chunk(arguments.database, range(first, last), arguments.seed, arguments.share)
        print(json.dumps({"counts": report.counts, "findings": report.findings}))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "seeds.duckdb")
        subprocess.run([sys.executable, sample_models.__file__, str(database)], check=True)
        if arguments.only is not None:
            report = Report()
            subject = Subject(str(database))
            run_range(subject, range(arguments.only, arguments.only + 1), arguments.seed, 1.0, report)
            print(*report.findings, dict(report.counts), sep="\n")
            return 0
        began = time.monotonic()
        report = fuzz(
            str(database), 0, arguments.mutations, arguments.seed, share=arguments.share, chunk=arguments.chunk, processes=arguments.processes,
            say=lambda number, of, so_far: print(f"chunk {number} of {of}: {_line(so_far)}", file=sys.stderr),
        )  # fmt: skip
    print(f"state fuzzer, seed {arguments.seed}, {datetime.timedelta(seconds=round(time.monotonic() - began))}: {_line(report)}")
    for name, count in sorted(report.counts.items(), key=lambda item: -item[1]):
        print(f"  {count:>8}  {name}")
    for finding in report.findings[:40]:
        print(f"\nFINDING {finding}")
    return 1 if report.findings else 0


def _line(report: Report) -> str:
    names = ("mutations", "refused", "accepted", "predicted", "statements answered", "crashes", "hangs", "surprises")
    return ", ".join(f"{name} {report.counts[name]}" for name in names)


if __name__ == "__main__":
    sys.exit(main())
