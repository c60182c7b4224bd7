"""The runner of `.test` files: what it lets pass, and above all what it does not."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from sqlml.errors import OperationalError, ProgrammingError
from sqlml.source import Source, Span
from sqltest.doors import Answer
from sqltest.records import MalformedTest
from sqltest.runner import DATA, Mismatch, Runner, Unavailable
from sqltest.values import as_text, is_expected

SETUP = "statement ok\nCREATE TABLE t AS SELECT 1 AS a, 'x' AS b\n\n"


class PlainDoor:
    """DuckDB, with one statement that fails as sqlml's do, one that spoils the database first, and one that gives notices."""

    keeps_session = True
    looks_inside = True
    opened = 0

    def __init__(self, database: Path, *, read_only: bool, dialect: str = "duckdb") -> None:
        self.dialect = dialect
        self._connection = duckdb.connect(str(database), read_only=read_only)
        PlainDoor.opened += 1

    def run(self, sql: str) -> Answer:
        if "fail" in sql:
            if "spoil" in sql:
                self._connection.execute("INSERT INTO t VALUES (2, 'y')")
            if "abort" in sql:
                with contextlib.suppress(duckdb.CatalogException):
                    self._connection.execute("SELECT * FROM nowhere")
            start = sql.index("fail")
            raise ProgrammingError("it failed", code="some_code", span=Span(start, start + 4), hint="do not", source=Source(sql))
        if "noticed" in sql:
            return Answer(None, [], (("imputed", "2 rows"), ("other", "3 rows")))
        try:
            self._connection.execute(sql)
        except duckdb.TransactionException as error:
            raise OperationalError(str(error), code="transaction_aborted") from error
        description = self._connection.description
        rows = self._connection.fetchall()
        return Answer(tuple(column[0] for column in description or ()), rows, ())

    def look(self, sql: str) -> list[tuple[object, ...]]:
        return self.run(sql).rows

    def close(self) -> None:
        self._connection.close()


class ForgetfulDoor(PlainDoor):
    keeps_session = False
    looks_inside = False


def run(text: str, tmp_path: Path, door: type[PlainDoor] = PlainDoor) -> None:
    path = tmp_path / "file.test"
    path.write_text(text)
    Runner(path, door, tmp_path).run()


@pytest.mark.parametrize(
    "record",
    [
        "query IT header\nFROM t\n----\na\tb\n1\tx",
        "query I rowsort\nSELECT * FROM (VALUES (2), (1))\n----\n1\n2",
        "query R approx=0.01\nSELECT 1.001::DOUBLE\n----\n1",
        "query T approx=0.01\nSELECT [{'p': 0.501}]\n----\n[{'p': 0.5}]",
        "query T\nSELECT NULL\n----\nNULL",
        "query T\nSELECT ''\n----\n(empty)",
        "query T\nSELECT 'abc'\n----\n<REGEX>:a.*",
        "query B\nSELECT 1 = 1\n----\ntrue",
        "query I\nSELECT a FROM t WHERE a > 1\n----",
        "statement error some_code\nfail",
        "statement error some_code 2:3\n--\n  fail\n----\nit failed\nhint: do not",
        "statement ok\nnoticed\n\nnotice imputed\n2 rows\n\nnotice other",
        "notice none",
        f"query T\nSELECT '{{data}}'\n----\n{DATA.as_posix()}",
    ],
)
def test_what_holds_passes(record, tmp_path):
    run(SETUP + record, tmp_path)


@pytest.mark.parametrize(
    ("record", "expected", "got"),
    [
        ("query I\nSELECT a FROM t\n----\n2", "in row 1 '2'", "'1'"),
        ("query IT header\nFROM t\n----\na\tc\n1\tx", "columns a, c", "a, b"),
        ("query I\nFROM t\n----\n1", "1 columns", "2: a, b"),
        ("query I\nSELECT a FROM t\n----\n1\n1", "2 rows", "1 rows"),
        ("query I\nSELECT a FROM t\n----", "0 rows", "1 rows"),
        ("query I\nSELECT * FROM (VALUES (2), (1))\n----\n1\n2", "in row 1 '1'", "'2'"),
        ("query I\nSELECT 1.0::DOUBLE\n----\n1", "'1'", "'1.0'"),
        ("query R\nSELECT 1.001::DOUBLE\n----\n1", "'1'", "'1.001'"),
        ("query R approx=1e-4\nSELECT 1.001::DOUBLE\n----\n1", "'1'", "'1.001'"),
        ("query T approx=1e-4\nSELECT [{'p': 0.501}]\n----\n[{'p': 0.5}]", "[{'p': 0.5}]", "[{'p': 0.501}]"),
        ("query T approx=1\nSELECT [{'p': 0.5}]\n----\n[{'q': 0.5}]", "'q'", "'p'"),
        ("query T\nSELECT 'NULL '\n----\nNULL", "'NULL'", "'NULL '"),
        ("query T\nSELECT 'abc'\n----\n<REGEX>:b.*", "<REGEX>:b.*", "'abc'"),
        ("query T\nSELECT '' WHERE false\n----\n(empty)", "1 rows", "0 rows"),
        ("statement ok\nfail", "no error", "ProgrammingError some_code"),
        ("query I\nfail\n----\n1", "no error", "some_code"),
        ("statement error some_code\nSELECT 1", "error some_code", "no error"),
        ("statement error other_code\nfail", "error other_code", "error some_code at 1:1"),
        ("statement error some_code 1:2\nfail", "a place of 1:2", "error some_code at 1:1"),
        ("statement error some_code 1:1\nfail\n----\nit failed\nhint: never", "an error that says: hint: never", "hint: do not"),
        ("statement error some_code\nfail and spoil", "the database as it was", "2"),
        ("statement ok\nnoticed\n\nnotice imputed\n3 rows", "notice imputed 3 rows", "2 rows"),
        ("statement ok\nnoticed\n\nnotice unknown", "notice unknown", "imputed"),
        ("statement ok\nnoticed\n\nnotice none", "no notice", "imputed"),
        ("notice imputed", "notice imputed", "no notice"),
        ("statement error some_code\nfail\n\nnotice none", "a statement before it", "none"),
    ],
)
def test_what_does_not_hold_fails(record, expected, got, tmp_path):
    with pytest.raises(Mismatch) as failure:
        run(SETUP + record, tmp_path)
    where, *_ = str(failure.value).splitlines()
    line = record[: record.rindex("notice")].count("\n") + 4 if "\n\nnotice" in record else 4
    assert where == f"{tmp_path / 'file.test'}:{line}"
    told, came = str(failure.value).split("\nexpected: ")[1].split("\ngot: ")
    assert expected in told
    assert got in came


def test_the_statement_is_shown(tmp_path):
    with pytest.raises(Mismatch, match=r"\n  SELECT a\n  FROM t\nexpected: "):
        run(SETUP + "query I\nSELECT a\nFROM t\n----\n2", tmp_path)


def test_a_transaction_that_is_aborted_is_not_compared(tmp_path):
    records = "statement ok\nBEGIN\n\nstatement error some_code\nfail and abort\n\nstatement ok\nROLLBACK"
    run(SETUP + records, tmp_path)


def test_reconnect_opens_the_same_database(tmp_path):
    before = PlainDoor.opened
    run(SETUP + "reconnect\n\nquery I\nSELECT a FROM t\n----\n1", tmp_path)
    assert PlainDoor.opened == before + 2


def test_load_opens_another(tmp_path):
    run(SETUP + "load {tmp}/other.duckdb\n\nquery I\nSELECT count(*) FROM duckdb_tables()\n----\n0", tmp_path)


def test_read_only(tmp_path):
    with pytest.raises(duckdb.InvalidInputException, match="read-only"):
        run(SETUP + "reconnect readonly\n\nstatement ok\nINSERT INTO t VALUES (2, 'y')", tmp_path)


def test_require(tmp_path):
    run("require duckdb\n\nrequire session\n\n" + SETUP, tmp_path)
    with pytest.raises(Unavailable, match="no_such_package is not installed"):
        run("require no_such_package", tmp_path)
    with pytest.raises(Unavailable, match="anew"):
        run("require session", tmp_path, ForgetfulDoor)


def test_a_malformed_file_fails(tmp_path):
    with pytest.raises(MalformedTest):
        run("statement", tmp_path)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"), (True, "true"), (1, "1"), (0.1, "0.1"), (1e300, "1e+300"), (float("inf"), "inf"), ("", "(empty)"),
        ("a\tb\nc", r"a\tb\nc"), ([1, None, "x"], "[1, NULL, 'x']"), ({"a": [True]}, "{'a': [true]}"),
    ],
)  # fmt: skip
def test_values_as_text(value, text):
    assert as_text(value) == text


def test_a_tolerance_is_relative_and_absolute_at_zero():
    assert is_expected(1e-6 + 1e-12, "1e-6", "R", 1e-5)
    assert not is_expected(2e-6, "1e-6", "R", 1e-5)
    assert is_expected(1e-6, "0", "R", 1e-5)
    assert not is_expected(1e-4, "0", "R", 1e-5)
    assert is_expected(float("nan"), "nan", "R", 1e-5)
    assert not is_expected(float("inf"), "1", "R", 1e-5)


@pytest.mark.parametrize(("rows", "code"), [("1", 0), ("2", 1)])
def test_pytest_collects_a_file_for_each_door_and_fails_with_it(rows, code, tmp_path):
    here = Path(__file__).parents[1]
    (tmp_path / "conftest.py").write_text((here / "sql" / "conftest.py").read_text())
    (tmp_path / "one.test").write_text(f"query I\nSELECT 1 AS a\n----\n{rows}\n")
    options = ["-q", "--import-mode=importlib", "-p", "no:cacheprovider", "-o", f"pythonpath={here}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    counted = "2 passed" if code == 0 else "2 failed"
    assert counted in done.stdout
    if code:
        assert "one.test:1\n" in done.stdout
        assert "through: command" in done.stdout


def test_a_file_names_its_dialect(tmp_path: Path) -> None:
    class Spy(PlainDoor):
        seen: list[str] = []  # noqa: RUF012 - a class of this test alone

        def run(self, sql: str) -> Answer:
            self.seen.append(self.dialect)
            return super().run(sql)

    run(f"{SETUP}dialect bigquery\n\nquery I\nSELECT a FROM t\n----\n1\n", tmp_path, Spy)
    assert Spy.seen == ["duckdb", "bigquery"]
