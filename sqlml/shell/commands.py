"""The dot commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlml.errors import ProgrammingError, did_you_mean

if TYPE_CHECKING:
    from sqlml.shell.app import Shell


@dataclass(frozen=True, slots=True)
class Command:
    """A dot command: how it is written, what it does."""

    usage: str
    doc: str
    run: Callable[[Shell, list[str]], None]
    takes_argument: bool = False


def find_command(name: str) -> Command:
    """The command of a name, in any case.

    Raises: ProgrammingError `unknown_command`.
    """
    command = COMMANDS.get(name.lower())
    if command is None:
        hint = did_you_mean(name, tuple(COMMANDS)) or f"there are {', '.join(COMMANDS)}"
        raise ProgrammingError(f"unknown command {name}", code="unknown_command", hint=hint)
    return command


def _help(shell: Shell, arguments: list[str]) -> None:
    from sqlml.help.pages import find_page
    from sqlml.help.text import index_text, page_text

    match arguments:
        case []:
            width = max(len(command.usage) for command in COMMANDS.values())
            lines = [f"  {command.usage:{width}}  {command.doc}" for command in COMMANDS.values()]
            shell.display.say("\n".join([*lines, _KEYS]))
        case [word] if word.lower() == "all":
            shell.display.say(index_text())
        case [name]:
            shell.display.say(page_text(find_page(name)))
        case _:
            raise ProgrammingError(f".help takes one name, got {' '.join(arguments)}", code="command_argument")


def _quit(shell: Shell, _arguments: list[str]) -> None:
    shell.is_done = True


def _tables(shell: Shell, _arguments: list[str]) -> None:
    shell.run_statements("SHOW TABLES")


def _models(shell: Shell, _arguments: list[str]) -> None:
    shell.run_statements("SHOW MODELS")


def _timer(shell: Shell, arguments: list[str]) -> None:
    match [argument.lower() for argument in arguments]:
        case ["on"]:
            shell.timer = True
        case ["off"]:
            shell.timer = False
        case []:
            shell.display.say(f"timer is {'on' if shell.timer else 'off'}")
        case _:
            raise ProgrammingError(f".timer takes on or off, got {' '.join(arguments)}", code="command_argument")


def _rows(shell: Shell, arguments: list[str]) -> None:
    match arguments:
        case []:
            shell.display.say(f"tables show up to {shell.display.max_rows} rows")
        case [number] if number.isdecimal() and int(number) > 0:
            shell.display.max_rows = int(number)
        case _:
            raise ProgrammingError(f".rows takes a number above 0, got {' '.join(arguments)}", code="command_argument")


_KEYS = """\
Statements end with ; and may take several lines. Tab completes, Ctrl-R searches the history,
Ctrl-C clears the line or cancels what runs."""

COMMANDS = {
    ".help": Command(
        ".help [NAME]", "show this; the page of an ML function or model type; .help all lists them", _help, takes_argument=True
    ),
    ".quit": Command(".quit", "leave, as Ctrl-D does", _quit),
    ".tables": Command(".tables", "the tables and views: SHOW TABLES", _tables),
    ".models": Command(".models", "the models: SHOW MODELS", _models),
    ".timer": Command(".timer on|off", "show how long statements take", _timer, takes_argument=True),
    ".rows": Command(".rows N", "show up to N rows of a result", _rows, takes_argument=True),
}

LEAVING = frozenset({"quit", "exit"})
"""Words that leave without a dot, since everybody tries them."""
