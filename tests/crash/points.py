"""Where a process dies: before or after a statement of the engine, within one, at a byte of a file, within a checkpoint, or at any time.

The statements that a change runs are learned once from a run of it (`Recorder`). A point is named after its statement, "before INSERT
_versions"; reading statements in a row count as one.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlml.engines.duckdb import DuckDBEngine

_run = DuckDBEngine.run
_WRITE = re.compile(
    r'(INSERT|DELETE|CREATE TABLE|CREATE OR REPLACE VIEW|CREATE SCHEMA|ALTER TABLE|UPDATE|CREATE TEMP TABLE|CREATE TABLE)\b[^"]*((?:"\w+"\.?)*)'
)
CHECKPOINT_STAGES = ("after_free_list_write", "before_header", "before_truncate")
"""Where DuckDB's own tests end a checkpoint: before its header, which makes it valid, and before the log that it replaces is emptied."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # the signal is on its way


def name_of(statement: str) -> str:
    """What a statement is called in a report."""
    text = " ".join(statement.split())
    found = _WRITE.match(text)
    if found is None:
        word = text.partition(" ")[0].upper()
        return "SELECT" if word in {"WITH", "FROM", "EXPLAIN", "DESCRIBE"} else word
    target = found[2].rstrip(".").split(".")[-1].strip('"')
    return f"{found[1]} {target}".strip()


def steps(names: list[str]) -> list[str]:
    """The names without repetitions of SELECT."""
    return [name for index, name in enumerate(names) if name != "SELECT" or index == 0 or names[index - 1] != "SELECT"]


@dataclass
class Recorder:
    """Learns which statements run."""

    names: list[str] = field(default_factory=list)

    def __enter__(self) -> Recorder:
        def run(engine: DuckDBEngine, sql: str, parameters: Any = None) -> Any:
            self.names.append(name_of(sql))
            return _run(engine, sql, parameters)

        DuckDBEngine.run = run  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        DuckDBEngine.run = _run  # type: ignore[method-assign]


def die_at_step(number: int, *, where: str, delay: float, tell: Callable[[str], None]) -> None:
    """Dies at the number-th step from now: "before", "after", or "in" it, `delay` seconds after it began."""
    last, count = "", 0

    def run(engine: DuckDBEngine, sql: str, parameters: Any = None) -> Any:
        nonlocal last, count
        name = name_of(sql)
        count += name != "SELECT" or last != "SELECT"
        last = name
        if count != number:
            return _run(engine, sql, parameters)
        tell(f"{where} {name}")
        if where == "before":
            die()
        if where == "in":
            _die_soon(delay)
        result = _run(engine, sql, parameters)
        if where == "after":
            die()
        return result

    DuckDBEngine.run = run  # type: ignore[method-assign]


def die_soon(delay: float, tell: Callable[[str], None], name: str) -> None:
    tell(name)
    _die_soon(delay)


def _die_soon(delay: float) -> None:
    def wait() -> None:
        time.sleep(delay)
        die()

    threading.Thread(target=wait, daemon=True).start()


def die_at_file_size(n_bytes: int) -> None:
    """The kernel ends the process with SIGXFSZ at the first byte of any file beyond; what is before it is written."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, resource.RLIM_INFINITY))
