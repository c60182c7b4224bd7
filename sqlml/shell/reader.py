"""Reads one input at a time: with prompt-toolkit on a terminal, line by line on one that cannot move its cursor."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import completion_is_selected
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer

from sqlml.shell.commands import LEAVING
from sqlml.shell.completion import suggest
from sqlml.shell.highlighting import MLSqlLexer
from sqlml.syntax import is_complete

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

    from sqlml.render.terminal import Terminal

PROMPT = "sqlml> "
CONTINUATION = "  ...> "


class Reader(Protocol):
    """Where inputs come from."""

    def read(self) -> str:
        """The next dot command or complete statements.

        Raises: EOFError at the end; KeyboardInterrupt when the user gives the input up.
        """
        ...


def open_reader(terminal: Terminal, dialect: Callable[[], str]) -> Reader:
    """The reader that suits the terminal.

    Args: dialect, gives the flavour of the moment, which SET changes.
    """
    if terminal.is_dumb or not terminal.out_is_terminal:
        return PlainReader(dialect)
    return PromptReader(dialect, history=open_history())


def is_finished(text: str, dialect: str) -> bool:
    """Whether Enter runs the input: nothing at all, a dot command, a word to leave, or statements up to their last semicolon."""
    stripped = text.strip()
    return not stripped or stripped.startswith(".") or stripped.lower() in LEAVING or is_complete(text, dialect)


class PlainReader:
    """Lines through `input()`."""

    def __init__(self, dialect: Callable[[], str], read_line: Callable[[str], str] = input) -> None:
        self._dialect = dialect
        self._read_line = read_line

    def read(self) -> str:
        lines = [self._read_line(PROMPT)]
        while not is_finished("\n".join(lines), self._dialect()):
            lines.append(self._read_line(CONTINUATION))
        return "\n".join(lines)


class PromptReader:
    """An editor of several lines with history, highlighting and completion."""

    def __init__(
        self, dialect: Callable[[], str], *, history: History, keyboard: Input | None = None, screen: Output | None = None
    ) -> None:
        self._session: PromptSession[str] = PromptSession(
            PROMPT,
            multiline=True,
            prompt_continuation=CONTINUATION,
            history=history,
            auto_suggest=AutoSuggestFromHistory(),
            lexer=PygmentsLexer(MLSqlLexer),
            completer=_StatementCompleter(),
            complete_while_typing=False,
            key_bindings=_bindings(dialect),
            input=keyboard,
            output=screen,
        )

    def read(self) -> str:
        return self._session.prompt()


def _bindings(dialect: Callable[[], str]) -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("enter", filter=~completion_is_selected)
    def _enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if is_finished(buffer.text, dialect()):
            buffer.validate_and_handle()
        else:
            buffer.newline(copy_margin=True)

    @bindings.add("enter", filter=completion_is_selected)
    def _take(event: KeyPressEvent) -> None:
        event.current_buffer.complete_state = None

    return bindings


class _StatementCompleter(Completer):
    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        for suggestion in suggest(document.text_before_cursor):
            yield Completion(suggestion.text, start_position=-suggestion.replaces, display_meta=suggestion.kind)


def history_path() -> Path:
    """Where typed statements are kept: `$XDG_STATE_HOME/sqlml/history`, by default under `~/.local/state`."""
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".local" / "state") / "sqlml" / "history"


def open_history() -> History:
    """The history file, readable by its owner only, since statements may hold secrets.

    Where there can be none, history lasts as long as the shell.
    """
    path = history_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    except OSError:
        return InMemoryHistory()
    return FileHistory(path)
