"""`sqlml check`: reads scripts without running them and says what would not run, for people or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlml.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from sqlml.plan.check import Problem

_STDIN = "-"


@dataclass(frozen=True, slots=True)
class CheckArguments:
    """What `sqlml check` was asked."""

    files: tuple[str, ...]
    """Paths; "-" for standard input."""
    dialect: str
    as_json: bool


def run_check(arguments: CheckArguments) -> ExitCode:
    """Checks every file that can be read and shows what was found."""
    from sqlml.plan.check import check
    from sqlml.printable import printable

    found: list[Problem] = []
    unreadable = False
    for path in arguments.files:
        try:
            text = _text(path)
        except OSError as error:
            sys.stderr.write(f"sqlml: cannot read {path}: {error.strerror or error}\n")
            unreadable = True
        except UnicodeDecodeError as error:
            sys.stderr.write(f"sqlml: {path} is not UTF-8 text (byte {error.start})\n")
            unreadable = True
        else:
            problems = check(text, arguments.dialect, "<stdin>" if path == _STDIN else path)
            found += problems
            if not arguments.as_json:
                sys.stdout.writelines(printable(line, keep="\t") + "\n" for problem in problems for line in _for_people(problem))
    if arguments.as_json:
        sys.stdout.write(json.dumps([_as_json(problem) for problem in found], indent=2, ensure_ascii=False) + "\n")
    elif not unreadable:
        sys.stderr.write(_summary(found, len(arguments.files)))
    return ExitCode.USAGE if unreadable else ExitCode.PROBLEMS_FOUND if found else ExitCode.OK


def _text(path: str) -> str:
    """Raises: OSError, UnicodeDecodeError."""
    data = sys.stdin.buffer.read() if path == _STDIN else Path(path).read_bytes()
    return data.decode("utf-8-sig")


def _for_people(problem: Problem) -> Sequence[str]:
    lines = [f"{problem.source.name}:{problem.line}:{problem.column}: {problem.code}: {problem.message}"]
    # The first line of an excerpt says where, which stands before the message already.
    lines += problem.source.excerpt(problem.span).split("\n")[1:]
    return [*lines, f"  hint: {problem.hint}"] if problem.hint else lines


def _as_json(problem: Problem) -> dict[str, object]:
    return {
        "file": problem.source.name, "line": problem.line, "column": problem.column, "start": problem.span.start, "end": problem.span.end,
        "code": problem.code, "message": problem.message, "construct": problem.construct, "hint": problem.hint,
    }  # fmt: skip


def _summary(problems: Sequence[Problem], n_files: int) -> str:
    files = f"{n_files} file{'s' * (n_files != 1)}"
    if not problems:
        return f"{files}: nothing found that would not run\n"
    n_bad = len({problem.source.name for problem in problems})
    return f"{len(problems)} problem{'s' * (len(problems) != 1)} in {n_bad} of {files}\n"
