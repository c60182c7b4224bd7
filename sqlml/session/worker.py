"""One thread that runs statements, so that the caller's thread stays free for signals and for drawing.

Python delivers Ctrl-C to the main thread only between its own steps, and a statement that calls back into Python from the engine's
threads would hold it for as long as it runs. The caller waits on a queue, where events and the end of the work arrive in order.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from sqlml.errors import OperationalError
from sqlml.session.outcome import Event, EventHandler

T = TypeVar("T")

GRACE_SECONDS = 0.7
"""How long a cancelled statement may take to end before control returns without it."""


class CancelToken:
    """Set once, when the statement is cancelled; everything that could change something asks it first."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def is_cancelled(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        if self._event.is_set():
            raise cancelled()


def cancelled() -> OperationalError:
    return OperationalError("the statement was cancelled; nothing was changed", code="cancelled")


class Worker:
    """Runs one piece of work at a time on its own thread."""

    def __init__(self, interrupt: Callable[[], None], on_abandon: Callable[[], None]) -> None:
        self._interrupt = interrupt
        self._on_abandon = on_abandon
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._token: CancelToken | None = None
        self._start()

    def run(self, work: Callable[[CancelToken, Callable[[Event], None]], T], on_event: EventHandler | None = None) -> T:
        """Runs the work, hands its events to on_event on this thread, and gives its result or raises its error.

        KeyboardInterrupt on this thread, or an error of on_event, cancels the work, is raised again within a second, and leaves work that
        does not end behind.
        """
        token = CancelToken()
        inbox: queue.SimpleQueue[tuple[str, object]] = queue.SimpleQueue()
        is_done = threading.Event()

        def task() -> None:
            try:
                inbox.put(("result", work(token, lambda event: inbox.put(("event", event)))))
            except BaseException as error:  # noqa: BLE001 - carried to the caller's thread, whatever it is
                inbox.put(("error", error))
            finally:
                is_done.set()

        self._token = token
        self._work.put(task)
        try:
            return self._wait(inbox, token, on_event)
        except BaseException:
            if not is_done.is_set() and not token.is_cancelled:
                token.cancel()
                self._leave(is_done)
            raise
        finally:
            self._token = None

    def cancel(self) -> None:
        """Cancels what is running, from any thread."""
        token = self._token
        if token is not None:
            token.cancel()
            self._interrupt()

    def close(self) -> None:
        """Ends the thread, and waits for it: what a thread holds at the interpreter's end is a leak to DuckDB, which then says so."""
        self._work.put(None)
        if self._thread is not threading.current_thread():
            self._thread.join(GRACE_SECONDS)

    def _start(self) -> None:
        work = self._work

        def loop() -> None:
            while (task := work.get()) is not None:
                task()
                task = None  # an idle thread keeps nothing alive

        # A daemon: a library that computes on must not keep the interpreter from ending.
        self._thread = threading.Thread(target=loop, name="sqlml worker", daemon=True)
        self._thread.start()

    def _wait(self, inbox: queue.SimpleQueue[tuple[str, object]], token: CancelToken, on_event: EventHandler | None) -> T:  # type: ignore[type-var]  # bound by the caller's work
        deadline: float | None = None
        while True:
            try:
                kind, value = inbox.get(timeout=0.05)
            except queue.Empty:
                if token.is_cancelled:
                    deadline = deadline or time.monotonic() + GRACE_SECONDS
                    self._interrupt()
                    if time.monotonic() > deadline:
                        self._abandon()
                        raise cancelled() from None
                continue
            if kind == "event":
                if on_event is not None:
                    on_event(value)  # type: ignore[arg-type]  # an Event
            elif kind == "error":
                assert isinstance(value, BaseException)
                raise value
            else:
                return value  # type: ignore[return-value]  # what work returned

    def _leave(self, is_done: threading.Event) -> None:
        """Waits a short while for cancelled work to end."""
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline:
            self._interrupt()
            if is_done.wait(0.05):
                return
        self._abandon()

    def _abandon(self) -> None:
        """Gives the thread up to what it is doing; its token keeps it from touching anything, and it ends with its task."""
        old = self._work
        self._work = queue.SimpleQueue()
        old.put(None)
        self._start()
        self._on_abandon()
