"""Runs the records of a `.test` file through a door. A failure says file and line, what was expected and what came.

After each `statement error` the database must be as it was before: schemas, tables, views, and the rows in the tables are compared
(through one of the doors).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlml import errors
from sqltest.doors import Answer, Door
from sqltest.records import Dialect, Fails, Load, Notices, Ok, Query, Reconnect, Record, Require, read_records
from sqltest.values import as_text, is_expected

DATA = Path(__file__).parents[2] / "sql_examples" / "data"


_FAILING_ONE_IN = 4
"""Of the statements that fail so many are tried where each opens the database anew; the other doors try all."""


class Mismatch(AssertionError):
    """A record that did not do what the file says."""


class Unavailable(Exception):
    """The file requires what is not there."""


class Runner:
    """One file, one door, one scratch directory."""

    def __init__(self, path: Path, door: type[Door], scratch: Path) -> None:
        self._path = path
        self._open = door
        self._scratch = scratch
        self._database = scratch / "test.duckdb"
        self._read_only = False
        self._dialect = "duckdb"
        self._door: Door | None = None
        self._last: Answer | None = None
        self._seen: object = None
        """What was in the database after the last failure; None where something was done since."""

    def run(self) -> None:
        """Runs the file.

        Raises: Mismatch; Unavailable; MalformedTest.
        """
        records = list(read_records(self._path.read_text(encoding="utf-8")))
        try:
            for group in ([record] for record in records) if self._open.keeps_session else together(records):
                if len(group) > 1:
                    self._run_together(group)
                else:
                    self._run(group[0])
        finally:
            self._close()

    def _run(self, record: Record) -> None:
        if not isinstance(record, Fails):
            self._seen = None
        match record:
            case Ok():
                self._run_ok(record)
            case Query():
                self._check_rows(record, self._run_ok(record))
            case Fails():
                self._run_failing(record)
            case Notices():
                self._check_notices(record)
            case Require(name=name):
                self._require(name)
            case Load(path=path, read_only=read_only):
                self._close()
                self._database, self._read_only = Path(self._filled(path)), read_only
            case Dialect(name=name):
                self._close()
                self._dialect = name
            case Reconnect(read_only=read_only):
                self._close()
                self._read_only = read_only

    def _close(self) -> None:
        if self._door is not None:
            self._door.close()
            self._door = None

    def _require(self, name: str) -> None:
        if name == "session":
            if not self._open.keeps_session:
                raise Unavailable("this way in opens the database anew for every statement")
        elif importlib.util.find_spec(name) is None:
            raise Unavailable(f"{name} is not installed")

    def _opened(self) -> Door:
        if self._door is None:
            self._door = self._open(self._database, read_only=self._read_only, dialect=self._dialect)
        return self._door

    def _execute(self, sql: str) -> Answer:
        return self._opened().run(self._filled(sql))

    def _look(self, sql: str) -> list[tuple[object, ...]]:
        return self._opened().look(sql)

    def _filled(self, text: str) -> str:
        return text.replace("{data}", DATA.as_posix()).replace("{tmp}", self._scratch.as_posix())

    def _run_ok(self, record: Ok | Query) -> Answer:
        try:
            self._last = self._execute(record.sql)
        except errors.Error as error:
            raise self._mismatch(record, "no error", f"{type(error).__name__} {error.code}\n{error}") from error
        return self._last

    def _run_together(self, group: Sequence[Record]) -> None:
        self._seen = self._last = None
        parts = [record for record in group if isinstance(record, Ok | Query)]
        try:
            answers = self._opened().run_script([self._filled(record.sql) for record in parts])
        except errors.Error as error:
            raise self._mismatch(
                parts[0], "no error in the script that starts here", f"{type(error).__name__} {error.code}\n{error}"
            ) from error
        for record, answer in zip(parts, answers, strict=True):
            if isinstance(record, Query):
                self._check_rows(record, answer)

    def _run_failing(self, record: Fails) -> None:
        before = self._contents() if self._seen is None else self._seen
        self._last = None
        try:
            answer = self._execute(record.sql)
        except errors.Error as error:
            self._check_error(record, error)
        else:
            raise self._mismatch(record, f"error {record.code}", f"no error{_shown(answer)}")
        after = self._contents()
        if before is not None and after is not None and before != after:
            raise self._mismatch(record, f"the database as it was before:\n{before}", str(after))
        self._seen = after

    def _check_error(self, record: Fails, error: errors.Error) -> None:
        place = (error.line, error.column)
        got = f"error {error.code}{'' if error.span is None else ' at {}:{}'.format(*place)}\n{error}"
        if error.code != record.code:
            raise self._mismatch(record, f"error {record.code}", got) from error
        if record.place is not None and place != record.place:
            raise self._mismatch(record, "a place of {}:{}".format(*record.place), got) from error
        for text in record.texts:
            if text not in str(error):
                raise self._mismatch(record, f"an error that says: {text}", got) from error

    def _contents(self) -> object:
        """What is in the database; None while an aborted transaction hides it, and where looking would mean to open it each time."""
        if not self._open.looks_inside:
            return None
        try:
            objects = self._look(
                "SELECT 'schema' AS kind, database_name AS place, schema_name AS name FROM duckdb_schemas() WHERE NOT internal"
                " UNION ALL SELECT 'view', schema_name, view_name FROM duckdb_views() WHERE NOT internal AND NOT starts_with(view_name, '__sqlml_')"
                " ORDER BY ALL"
            )
            tables = self._look("SELECT database_name, schema_name, table_name FROM duckdb_tables() WHERE NOT internal ORDER BY ALL")
            names = [".".join('"' + str(part).replace('"', '""') + '"' for part in table) for table in tables]
            counts = " UNION ALL ".join(f"SELECT count(*), sum(hash(t)) FROM {name} AS t" for name in names)
            return objects, names, self._look(counts) if names else []
        except errors.Error as error:
            if error.code == "transaction_aborted":
                return None
            raise

    def _check_rows(self, record: Query, answer: Answer) -> None:
        if answer.names is None:
            raise self._mismatch(record, "rows", "a statement without rows")
        if answer.rows and len(answer.names) != len(record.types):
            raise self._mismatch(record, f"{len(record.types)} columns", f"{len(answer.names)}: {', '.join(answer.names)}")
        if record.header is not None and answer.names and answer.names != record.header:
            raise self._mismatch(record, f"columns {', '.join(record.header)}", ", ".join(answer.names))
        rows = sorted(answer.rows, key=_sort_key) if record.is_sorted else answer.rows
        expected = sorted(record.rows) if record.is_sorted else list(record.rows)
        if len(rows) != len(expected):
            raise self._mismatch(record, f"{len(expected)} rows\n{_table(expected)}", f"{len(rows)} rows{_shown(answer)}")
        for number, (row, wanted) in enumerate(zip(rows, expected, strict=True), start=1):
            for value, text, kind in zip(row, wanted, record.types, strict=True):
                if not is_expected(value, text, kind, record.approx):
                    raise self._mismatch(record, f"in row {number} {text!r}\n{_table(expected)}", f"{as_text(value)!r}{_shown(answer)}")

    def _check_notices(self, record: Notices) -> None:
        if self._last is None:
            raise self._mismatch(record, "a statement before it that succeeded", "none")
        got = self._last.notices
        if record.code == "none":
            if got:
                raise self._mismatch(record, "no notice", str(got))
            return
        fitting = [message for code, message in got if code in (record.code, None)]
        if not any(all(text in message for text in record.texts) for message in fitting):
            raise self._mismatch(record, f"notice {record.code} {' '.join(record.texts)}", str(got) if got else "no notice")

    def _mismatch(self, record: Ok | Query | Fails | Notices, expected: str, got: str) -> Mismatch:
        sql = "" if isinstance(record, Notices) else f"\n{_indented(self._filled(record.sql))}"
        return Mismatch(f"{self._path}:{record.line}{sql}\nexpected: {expected}\ngot: {got}")


def together(records: Sequence[Record]) -> Iterator[list[Record]]:
    """The records in groups, of statements and queries that can run as one script; what a notice is asked of runs alone.

    Of those that fail one in four is there, the first of a file always.
    """
    group: list[Record] = []
    n_failing = 0
    for index, record in enumerate(records):
        following = records[index + 1] if index + 1 < len(records) else None
        if isinstance(record, Ok | Query) and not isinstance(following, Notices):
            group.append(record)
            continue
        if isinstance(record, Fails):
            n_failing += 1
            if n_failing % _FAILING_ONE_IN != 1:
                continue  # without an effect, so that what follows is the same
        if group:
            yield group
        yield [record]
        group = []
    if group:
        yield group


def _sort_key(row: tuple[object, ...]) -> tuple[str, ...]:
    return tuple(map(as_text, row))


def _table(rows: list[tuple[str, ...]]) -> str:
    return "\n".join("  " + "\t".join(row) for row in rows)


def _shown(answer: Answer) -> str:
    return "\n" + _table([tuple(map(as_text, row)) for row in answer.rows])


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))
