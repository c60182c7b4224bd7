from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from sqlml.errors import OperationalError
from sqlml.render.display import Display, Format
from sqlml.render.events import ProgressLine, duration_text, iteration_text
from sqlml.render.terminal import Terminal
from sqlml.session.outcome import IterationDone, Notice, Outcome, StageStarted, StatementStarted
from sqlml.session.results import TableResult
from sqlml.training.data import Iteration
from sqlml.types import Column, Schema, SqlType

Make = Callable[..., Terminal]
SCHEMA = Schema((Column("a", SqlType("BIGINT")),))
NOTICE = Notice("nulls_imputed", "3 NULLs imputed")


class Rows:
    """A result that remembers being closed, and a session that reads it."""

    def __init__(self, n_rows: int) -> None:
        self.left: list[tuple[object, ...]] = [(number,) for number in range(n_rows)]
        self.closed = False

    def fetch(self, _outcome: Outcome, n_rows: int) -> list[tuple[object, ...]]:
        taken, self.left = self.left[:n_rows], self.left[n_rows:]
        return taken

    def close(self) -> None:
        self.closed = True


def show(display: Display, rows: Rows | None, *notices: Notice, message: str = "") -> None:
    result: Any = rows
    display.outcome(result, Outcome(SCHEMA if rows else None, result, message, notices))


def written(terminal: Terminal) -> tuple[str, str]:
    return terminal.out.getvalue(), terminal.err.getvalue()  # type: ignore[attr-defined]


def test_data_and_words_go_apart(make_terminal: Make) -> None:
    terminal = make_terminal()
    show(Display(terminal), Rows(2), NOTICE, message="model m: version 1")
    assert written(terminal) == (" a\n───\n 0\n 1\n(2 rows)\n", "notice: 3 NULLs imputed\nmodel m: version 1\n")


def test_quiet_keeps_data_and_errors(make_terminal: Make) -> None:
    terminal = make_terminal()
    display = Display(terminal, output_format=Format.CSV, quiet=True)
    show(display, Rows(1), NOTICE, message="model m: version 1")
    display.error(OperationalError("disk full", code="disk_full"))
    assert written(terminal) == ("a\n0\n", "error: disk full [disk_full]\n")


def test_a_result_is_given_up_after_it_was_shown(make_terminal: Make) -> None:
    rows = Rows(100)
    show(Display(make_terminal(), max_rows=5), rows)
    assert rows.closed
    assert len(rows.left) == 94


def test_what_sqlml_says_about_itself_is_shown_whole(make_terminal: Make) -> None:
    terminal = make_terminal()
    result: Any = TableResult(pa.table({"a": list(range(100))}))
    session: Any = SimpleNamespace(fetch=lambda outcome, n_rows: result.fetch(n_rows))
    Display(terminal, max_rows=5).outcome(session, Outcome(result.schema, result, ""))
    assert written(terminal)[0].endswith(" 99\n(100 rows)\n")


def test_notices_before_a_failure_are_shown_once(make_terminal: Make) -> None:
    terminal = make_terminal()
    display = Display(terminal)
    display.on_event(NOTICE)
    display.error(OperationalError("disk full", code="disk_full"))
    display.error(OperationalError("again", code="again"))
    assert written(terminal)[1] == "notice: 3 NULLs imputed\nerror: disk full [disk_full]\nerror: again [again]\n"


def test_a_notice_that_came_as_event_and_in_the_outcome_is_shown_once(make_terminal: Make) -> None:
    terminal = make_terminal()
    display = Display(terminal)
    display.on_event(NOTICE)
    show(display, None, NOTICE)
    display.error(OperationalError("disk full", code="disk_full"))
    assert written(terminal)[1] == "notice: 3 NULLs imputed\nerror: disk full [disk_full]\n"


def test_progress_is_drawn_on_a_terminal_and_taken_away(make_terminal: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("sqlml.render.events.time.monotonic", lambda: clock.now)
    for terminal, is_drawn in ((make_terminal(), True), (make_terminal(tty=False), False), (make_terminal(term="dumb"), False)):
        monkeypatch.setenv("TERM", "dumb" if not is_drawn else "xterm")
        clock.now = 0.0
        line = ProgressLine(terminal)
        line.on_event(StatementStarted("CREATE MODEL m", 0))
        line.on_event(StageStarted("reading", 342))
        assert written(terminal)[1] == ""  # too soon
        clock.now = 5.0
        line.on_event(StageStarted("training"))
        line.on_event(IterationDone(Iteration(7, 0.25), of=10, seconds_left=65))
        line.clear()
        assert ("iteration 7 of 10, loss 0.25, 1 min 05 s left" in written(terminal)[1]) is is_drawn
        assert written(terminal)[0] == ""


def test_iterations_in_words() -> None:
    assert iteration_text(IterationDone(Iteration(3, 0.123456, 0.5), None, None)) == "iteration 3, loss 0.1235, eval loss 0.5"
    assert iteration_text(IterationDone(Iteration(0, None), 20, 3.21)) == "iteration 0 of 20, 3.2 s left"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.96, "10.0 s"), (42.4, "42 s"), (59.7, "1 min 00 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
