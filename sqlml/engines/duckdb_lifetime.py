"""The end of an engine: closed, collected, or still open when the interpreter ends."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from sqlml.engines.duckdb_functions import EngineFunctions

_FREE_ATTEMPTS = 200
"""A hundredth of a second each."""


@dataclass
class Held:
    """What the process holds for an engine; without a reference to it, since it is also freed when the engine is collected."""

    connection: duckdb.DuckDBPyConnection
    owns_connection: bool
    functions: EngineFunctions
    lock: threading.RLock
    stop_reading: Callable[[], object] | None = None
    """Ends the open result."""

    def free(self) -> None:
        """Stops what runs, removes the functions, closes the connection."""
        # Functions that are taken away below a statement crash the process. At the interpreter's end a thread may still be in one, and
        # DuckDB's own threads read ahead for an open result.
        for _ in range(_FREE_ATTEMPTS):
            if self.lock.acquire(timeout=0.01):
                break
            self.connection.interrupt()
        else:
            return
        try:
            if self.stop_reading is not None:
                with contextlib.suppress(Exception):
                    self.stop_reading()
            self.functions.release()
            if self.owns_connection:
                self.connection.close()
        finally:
            self.lock.release()
