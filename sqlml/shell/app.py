"""The shell's loop: read, run, show, again. No error ends it; Ctrl-C stops what runs, Ctrl-D leaves."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlml.errors import Error, InternalError, ProgrammingError
from sqlml.printable import printable_block
from sqlml.session.outcome import ConsentAsked, Event
from sqlml.shell.commands import COMMANDS, LEAVING, find_command
from sqlml.shell.reader import Reader, open_reader

if TYPE_CHECKING:
    from sqlml.render.display import Display
    from sqlml.session.session import Session


class Shell:
    """A session, a display and the settings that dot commands change."""

    def __init__(self, session: Session, display: Display, *, confirm: Callable[[str], str] = input) -> None:
        self.session = session
        self.confirm = confirm
        """Asks a question and gives the line that was typed."""
        session.ask_for_consent()
        self.display = display
        self.timer = False
        self.is_done = False

    def run(self, reader: Reader) -> None:
        """Reads and runs until the user leaves."""
        while not self.is_done:
            try:
                text = reader.read()
            except EOFError:
                return
            except KeyboardInterrupt as interrupt:
                _raise_unless_ctrl_c(interrupt)
                continue
            self.take(text)

    def take(self, text: str) -> None:
        """Runs one input: a dot command, or statements."""
        words = text.strip().rstrip(";").split()
        if not words:
            return
        if len(words) == 1 and words[0].lower() in LEAVING:
            self.is_done = True
        elif words[0].startswith("."):
            self._run_command(words[0], words[1:])
        else:
            self.run_statements(text)

    def run_statements(self, text: str) -> None:
        """Runs statements and shows what they give, or why they fail."""
        started = time.monotonic()
        try:
            for outcome in self.session.run_each(text, on_event=self._on_event):
                self.display.outcome(self.session, outcome)
                if outcome.n_rows_changed >= 0:
                    self.display.say(f"{outcome.n_rows_changed} row{'s' * (outcome.n_rows_changed != 1)} changed")
        except Error as error:
            self.display.error(error)
        except KeyboardInterrupt as interrupt:
            self.display.cancelled()
            _raise_unless_ctrl_c(interrupt)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not take the user's session and temporary tables with it
            self.display.error(InternalError(f"unexpected failure: {error}", code="internal"))
        if self.timer:
            self.display.say(f"{time.monotonic() - started:.3f} s")

    def _on_event(self, event: Event) -> None:
        if isinstance(event, ConsentAsked):
            event.answer(self._agrees(event))
        else:
            self.display.on_event(event)

    def _agrees(self, asked: ConsentAsked) -> bool:
        """Shows a recorded statement that somebody else wrote, and asks whether to run its query. Anything but yes is no."""
        shown = printable_block(f"{asked.model} was not made in this session. Its training query would run again:\n{asked.statement}")
        try:
            return self.confirm(f"{shown}\nrun it? [y/N] ").strip().lower() in {"y", "yes"}
        except EOFError:
            return False

    def _run_command(self, name: str, arguments: list[str]) -> None:
        try:
            command = find_command(name)
            if arguments and not command.takes_argument:
                raise ProgrammingError(f"{name} takes nothing after it, got {' '.join(arguments)}", code="command_argument")
            command.run(self, arguments)
        except Error as error:
            self.display.error(error)


def _raise_unless_ctrl_c(interrupt: KeyboardInterrupt) -> None:
    """Ctrl-C is plain KeyboardInterrupt; a subclass means that the process was told to end."""
    if type(interrupt) is not KeyboardInterrupt:
        raise interrupt


def run_shell(session: Session, display: Display, *, database: str) -> None:
    """Opens the shell on a session, until the user leaves."""
    import sqlml

    name = "a database in memory" if database == ":memory:" else database
    display.say(f"sqlml {sqlml.__version__} on {name}\nEnd statements with ;   {', '.join(COMMANDS)}   Ctrl-D leaves")
    Shell(session, display).run(open_reader(display.terminal, lambda: session.dialect))
