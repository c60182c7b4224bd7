"""What a running statement says, drawn on the last line of a terminal: stage, iterations, loss, time left.

Drawn only where standard error is a terminal that can move its cursor. The line appears when a statement has run for a moment, so that
quick ones do not flicker, and is gone when it ends.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sqlml.printable import printable
from sqlml.render.terminal import Terminal
from sqlml.session.outcome import Event, IterationDone, StageStarted, StatementStarted

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_APPEARS_AFTER_SECONDS = 0.4


class ProgressLine:
    """The progress of one statement at a time."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._enabled = terminal.err_is_terminal and not terminal.is_dumb
        self._started = time.monotonic()
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def on_event(self, event: Event) -> None:
        """Draws an event; notices are for `messages`."""
        if not self._enabled:
            return
        match event:
            case StatementStarted():
                self.clear()
                self._started = time.monotonic()
            case StageStarted():
                rows = f" {event.n_rows:,} rows" if event.n_rows is not None else ""
                self._draw(printable(event.stage) + rows, done=None, of=None, detail="")
            case IterationDone():
                self._draw("training", done=event.iteration.iteration, of=event.of, detail=iteration_text(event))

    def clear(self) -> None:
        """Takes the line away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _draw(self, stage: str, *, done: int | None, of: int | None, detail: str) -> None:
        if time.monotonic() - self._started < _APPEARS_AFTER_SECONDS:
            return
        if self._progress is None:
            self._progress, self._task = _open_line(self._terminal)
        assert self._task is not None
        self._progress.update(self._task, description=stage, completed=done or 0, total=of, detail=detail)


def _open_line(terminal: Terminal) -> tuple[Progress, TaskID]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    columns = (
        SpinnerColumn("line"),
        TextColumn("{task.description}", markup=False),
        BarColumn(30),
        TextColumn("{task.fields[detail]}", markup=False),
    )
    progress = Progress(*columns, console=Console(file=terminal.err), transient=True, redirect_stdout=False, redirect_stderr=False)
    task = progress.add_task("", total=None, detail="")
    progress.start()
    return progress, task


def iteration_text(event: IterationDone) -> str:
    """One iteration in words, e.g. `iteration 12 of 50, loss 0.0123, eval loss 0.0140, 8 s left`."""
    iteration = event.iteration
    parts = [f"iteration {iteration.iteration}" + (f" of {event.of}" if event.of is not None else "")]
    if iteration.loss is not None:
        parts.append(f"loss {iteration.loss:.4g}")
    if iteration.eval_loss is not None:
        parts.append(f"eval loss {iteration.eval_loss:.4g}")
    if event.seconds_left is not None:
        parts.append(f"{duration_text(event.seconds_left)} left")
    return ", ".join(parts)


def duration_text(seconds: float) -> str:
    """`0.2 s`, `42 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
