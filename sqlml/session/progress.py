"""Progress of a training as events, with the time left estimated from the iterations so far."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlml.session.outcome import Event, IterationDone, Notice, StageStarted
from sqlml.session.worker import CancelToken
from sqlml.training.data import Iteration


class EventProgress:
    """A Progress that checks a token and emits events.

    Args: is_shown, whether stages and iterations are events; notices always are.
    """

    def __init__(self, token: CancelToken, emit: Callable[[Event], None], *, is_shown: bool = True) -> None:
        self._is_shown = is_shown
        self._token = token
        self._emit = emit
        self._started: float | None = None
        self._done = 0
        self.notices: list[Notice] = []

    def check(self) -> None:
        self._token.check()

    def stage(self, name: str, n_rows: int | None = None) -> None:
        self.check()
        if name == "training":
            self._started = time.monotonic()
        if self._is_shown:
            self._emit(StageStarted(name, n_rows))

    def iteration(self, iteration: Iteration, of: int | None = None) -> None:
        self.check()
        self._done += 1
        left = None
        if of is not None and self._started is not None:
            left = (time.monotonic() - self._started) / self._done * max(0, of - self._done)
        if self._is_shown:
            self._emit(IterationDone(iteration, of, left))

    def notice(self, code: str, message: str) -> None:
        notice = Notice(code, message)
        self.notices.append(notice)
        self._emit(notice)
