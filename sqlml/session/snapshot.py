"""The transaction that a training reads in: one snapshot of the data, whatever else is committed meanwhile."""

from __future__ import annotations

import threading

from sqlml.engines.engine import Engine
from sqlml.training.rows import TrainingRows


class Snapshot:
    """The transaction that a training reads in. Closing it twice, or from another thread after the first gave up, is harmless."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_ours = not engine.in_transaction
        self._lock = threading.Lock()
        self._is_open = True
        if self._is_ours:
            engine.begin()

    @property
    def is_ours(self) -> bool:
        """Whether it is a transaction of our own, which nobody misses when it fails; else it is the user's."""
        return self._is_ours

    def close(self, rows: TrainingRows | None = None) -> None:
        """Rolls our own transaction back; in the user's, drops what was staged."""
        with self._lock:
            if not self._is_open:
                return
            self._is_open = False
            if self._is_ours:
                self._engine.rollback()
            elif rows is not None:
                rows.close()

    def abandon(self) -> None:
        """Closes on behalf of a thread that was given up: our transaction is rolled back, the user's is aborted."""
        with self._lock:
            if self._is_open:
                self._is_open = False
                self._engine.rollback()
