"""The ways in that a `.test` file is run through. Each gives an answer or raises an sqlml error; the runner sees no difference."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import sqlml
from sqlml import errors
from sqlml.source import Source, Span


@dataclass(frozen=True)
class Answer:
    """What a statement gave."""

    names: tuple[str, ...] | None
    """None for a statement without rows."""
    rows: list[tuple[object, ...]]
    notices: tuple[tuple[str | None, str], ...]
    """(code, message); the command shows no codes."""


_MARK = "sqltest_mark"
"""Column of a query that stands behind each statement of a script."""


class Door(Protocol):
    """An open database."""

    keeps_session: bool
    """Whether statements share a transaction, temporary tables and settings."""
    looks_inside: bool
    """Whether `look` is there to compare what the database holds before and after a failure."""

    def __init__(self, database: Path, *, read_only: bool, dialect: str = "duckdb") -> None: ...
    def run(self, sql: str) -> Answer: ...
    def run_script(self, texts: Sequence[str]) -> list[Answer]:
        """Runs statements that must succeed as one script; asked of doors that do not keep the session."""
        ...

    def look(self, sql: str) -> list[tuple[object, ...]]:
        """Rows of a query in the engine's SQL, whatever the flavour is."""
        ...

    def close(self) -> None: ...


class DbApiDoor:
    """`sqlml.connect()` and a cursor; of every second query the rows are taken as Arrow."""

    keeps_session = True
    looks_inside = True

    def __init__(self, database: Path, *, read_only: bool, dialect: str = "duckdb") -> None:
        self._connection = sqlml.connect(str(database), read_only=read_only, dialect=dialect)
        self._n_queries = 0

    def run(self, sql: str) -> Answer:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            notices = tuple((warning.code, warning.message) for _, warning in cursor.messages)
            if cursor.description is None:
                return Answer(None, [], notices)
            names = tuple(column[0] for column in cursor.description)
            self._n_queries += 1
            if self._n_queries % 2:
                return Answer(names, cursor.fetchall(), notices)
            table = cursor.arrow()
            assert tuple(table.column_names) == names
            columns = [column.to_pylist() for column in table.columns]
            return Answer(names, list(zip(*columns, strict=True)), notices)

    def run_script(self, texts: Sequence[str]) -> list[Answer]:
        return [self.run(text) for text in texts]

    def look(self, sql: str) -> list[tuple[object, ...]]:
        return self._connection.session()._engine.rows(sql)

    def close(self) -> None:
        self._connection.close()


class CommandDoor:
    """`sqlml -c` on the file: every statement that fails, and every run of others between two, opens the database anew, so what it needs
    must be in the file."""

    keeps_session = False
    looks_inside = False

    def __init__(self, database: Path, *, read_only: bool, dialect: str = "duckdb") -> None:
        self._arguments = [
            str(database), "--format", "json", "--no-progress", "--dialect", dialect, *(["--read-only"] if read_only else []),
        ]  # fmt: skip

    def run(self, sql: str) -> Answer:
        out, err = self._printed(sql)
        notices = tuple((None, line.removeprefix("notice: ")) for line in err.splitlines() if line.startswith("notice: "))
        if not out.strip():
            return Answer(None, [], notices)
        objects = json.loads(out)
        names = tuple(objects[0]) if objects else ()
        return Answer(names, [tuple(row.values()) for row in objects], notices)

    def run_script(self, texts: Sequence[str]) -> list[Answer]:
        out, _ = self._printed("".join(f"{text}\n;\nSELECT 1 AS {_MARK};\n" for text in texts))
        return _answers(out, len(texts))

    def _printed(self, sql: str) -> tuple[str, str]:
        from sqlml.cli.main import main

        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([*self._arguments, "-c", sql])
        if code != 0:
            raise _read_error(err.getvalue(), sql)
        return out.getvalue(), err.getvalue()

    def look(self, sql: str) -> list[tuple[object, ...]]:
        raise NotImplementedError("looking would mean to open the database each time")

    def close(self) -> None:
        pass


def _answers(text: str, n_statements: int) -> list[Answer]:
    """What each statement of a script printed: arrays in JSON, and behind each statement that of the mark."""
    decoder, rest = json.JSONDecoder(), text.strip()
    answers = []
    last = Answer(None, [], ())
    while rest:
        objects, end = decoder.raw_decode(rest)
        rest = rest[end:].lstrip()
        if objects and list(objects[0]) == [_MARK]:
            answers.append(last)
            last = Answer(None, [], ())
        else:
            last = Answer(tuple(objects[0]) if objects else (), [tuple(row.values()) for row in objects], ())
    assert len(answers) == n_statements, text
    return answers


def _read_error(text: str, sql: str) -> errors.Error:
    """The error that the command printed, as the other doors raise it."""
    found = re.search(r"^error: (.*) \[(\w+)\]$", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"the command failed without an error:\n{text}"
    error = errors.Error(text.strip(), code=found[2])
    place = re.search(r"^  line (\d+), column (\d+)$", text, re.MULTILINE)
    if place is not None:
        before = sql.split("\n")[: int(place[1]) - 1]
        start = sum(len(line) + 1 for line in before) + int(place[2]) - 1
        error.at(Span(start, start + 1)).with_source(Source(sql))
    return error


DOORS = {"dbapi": DbApiDoor, "command": CommandDoor}
