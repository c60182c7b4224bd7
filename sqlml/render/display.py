"""Shows outcomes: data on standard output in the format asked for, everything said about them on standard error."""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlml.errors import Error
from sqlml.printable import printable_block, printable_lines
from sqlml.render.events import ProgressLine
from sqlml.render.messages import error_text
from sqlml.render.records import csv_lines, json_lines
from sqlml.render.tables import Fetch, Row, draw
from sqlml.render.terminal import Terminal
from sqlml.session.outcome import Event, Notice, Outcome
from sqlml.session.results import TableResult

if TYPE_CHECKING:
    from sqlml.session.session import Session
    from sqlml.types import Schema


class Format(enum.StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class Display:
    """The one place where the command line and the shell write."""

    def __init__(
        self, terminal: Terminal, *, output_format: Format = Format.TABLE, quiet: bool = False, progress: bool = True, max_rows: int = 40
    ) -> None:
        self.terminal = terminal
        self.output_format = output_format
        self.quiet = quiet
        self.max_rows = max_rows
        """Rows of a table shown on a terminal."""
        self._progress = ProgressLine(terminal) if progress and not quiet else None
        self._said: list[Notice] = []

    def on_event(self, event: Event) -> None:
        """Takes what the running statement says; for Session.run."""
        if isinstance(event, Notice):
            self._said.append(event)
        if self._progress is not None:
            self._progress.on_event(event)

    def outcome(self, session: Session, outcome: Outcome) -> None:
        """Shows what a statement left: its rows, its notices, its message."""
        try:
            if outcome.schema is not None:
                self._rows(session, outcome)
        finally:
            if outcome.result is not None:
                outcome.result.close()
        self._end_progress()
        self._said.clear()
        for notice in outcome.notices:
            self.notice(notice)
        if outcome.message:
            self.say(printable_block(outcome.message))

    def error(self, error: Error) -> None:
        """Shows why a statement failed, after the notices that it gave before."""
        self._end_progress()
        for notice in self._said:
            self.notice(notice)
        self._said.clear()
        self._to_err(error_text(error, self.terminal))

    def cancelled(self) -> None:
        """Says that the running statement was stopped."""
        self._end_progress()
        self._said.clear()
        self._to_err("cancelled")

    def notice(self, notice: Notice) -> None:
        """Shows a notice, unless quiet."""
        if not self.quiet:
            self._to_err(f"{self.terminal.yellow('notice:')} {printable_block(notice.message)}")

    def say(self, message: str) -> None:
        """Shows a line beside the data, unless quiet."""
        if not self.quiet:
            self._to_err(printable_lines(message))

    def _rows(self, session: Session, outcome: Outcome) -> None:
        schema = outcome.schema
        assert schema is not None

        def fetch(n_rows: int) -> list[Row]:
            rows = session.fetch(outcome, n_rows)
            self._end_progress()
            return rows

        # What sqlml says about itself (SHOW …, DESCRIBE …) is short enough to be shown whole.
        max_rows = sys.maxsize - 1 if isinstance(outcome.result, TableResult) else self.max_rows
        for line in self._lines(schema, fetch, max_rows):
            self.terminal.out.write(line + "\n")
        self.terminal.out.flush()

    def _lines(self, schema: Schema, fetch: Fetch, max_rows: int) -> Iterator[str]:
        match self.output_format:
            case Format.TABLE:
                return draw(schema, fetch, self.terminal, max_rows)
            case Format.CSV:
                return csv_lines(schema, fetch)
            case Format.JSON:
                return json_lines(schema, fetch)

    def _end_progress(self) -> None:
        if self._progress is not None:
            self._progress.clear()

    def _to_err(self, text: str) -> None:
        self.terminal.out.flush()
        self.terminal.err.write(text + "\n")
        self.terminal.err.flush()
