"""Whether a transaction is open or has failed, whatever the user runs."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from sqlml.engines.duckdb import DuckDBEngine, adopt_engine, open_engine
from sqlml.engines.duckdb_text import first_word, statement_start
from sqlml.errors import Error, IntegrityError, NotSupportedError, OperationalError, ProgrammingError


@pytest.fixture(params=["own", "adopted"])
def engine(request: pytest.FixtureRequest) -> Iterator[DuckDBEngine]:
    engine = open_engine() if request.param == "own" else adopt_engine(duckdb.connect())
    engine.run("CREATE TABLE t (i INTEGER PRIMARY KEY)")
    yield engine
    engine.close()


@pytest.mark.parametrize(
    "begin", ["BEGIN", "begin transaction", "START TRANSACTION", "/* a */ -- b\n ; BEGIN", "BEGIN TRANSACTION READ ONLY"]
)
@pytest.mark.parametrize("end", ["COMMIT", "end", "ROLLBACK", "abort", "  \n rollback transaction;"])
def test_every_way_in_and_out(engine: DuckDBEngine, begin: str, end: str) -> None:
    assert not engine.in_transaction
    engine.run(begin)
    assert engine.in_transaction
    assert not engine.in_aborted_transaction
    engine.run("SELECT 1")
    assert engine.in_transaction
    engine.run(end)
    assert not engine.in_transaction


@pytest.mark.parametrize(
    "mistake", ["SELECT nope", "selec", "SELECT error('x')", "INSERT INTO t VALUES (1), (1)", "BEGIN", "SELECT * FROM nope", "SELECT $1"]
)
def test_errors_fail_the_transaction(engine: DuckDBEngine, mistake: str) -> None:
    with pytest.raises(Error):
        engine.rows(mistake if mistake != "BEGIN" else "ROLLBACK")
    assert not engine.in_transaction
    engine.begin()
    engine.run("INSERT INTO t VALUES (7)")
    with pytest.raises(Error):
        engine.rows(mistake)
    assert engine.in_transaction
    assert engine.in_aborted_transaction
    with pytest.raises(OperationalError) as caught:
        engine.rows("SELECT 1")
    assert caught.value.code == "transaction_aborted"
    engine.rollback()
    assert not engine.in_transaction
    assert engine.rows("SELECT count(*) FROM t") == [(0,)]


@pytest.mark.parametrize("commit", ["COMMIT", "end transaction", "-- done\nCOMMIT"])
def test_the_commit_of_a_failed_transaction_does_not_pass_in_silence(engine: DuckDBEngine, commit: str) -> None:
    engine.begin()
    engine.run("INSERT INTO t VALUES (7)")
    with pytest.raises(ProgrammingError):
        engine.run("SELECT nope")
    with pytest.raises(OperationalError) as caught:
        engine.run(commit)
    assert caught.value.code == "transaction_aborted"
    assert not engine.in_transaction
    assert engine.rows("SELECT count(*) FROM t") == [(0,)]


def test_abort_transaction(engine: DuckDBEngine) -> None:
    engine.abort_transaction()
    assert not engine.in_transaction
    engine.begin()
    engine.run("INSERT INTO t VALUES (7)")
    older = engine.run("SELECT * FROM range(5)")
    engine.abort_transaction()
    assert engine.in_aborted_transaction
    engine.abort_transaction()
    assert len(older.fetch(9)) == 5
    with pytest.raises(OperationalError) as caught:
        engine.commit()
    assert caught.value.code == "transaction_aborted"
    assert engine.rows("SELECT count(*) FROM t") == [(0,)]


def test_abort_transaction_under_the_lenient_policy(engine: DuckDBEngine) -> None:
    engine.run("SET default_transaction_invalidation_policy = 'SYNTACTIC_ERRORS_DO_NOT_INVALIDATE'")
    engine.begin()
    with pytest.raises(ProgrammingError):
        engine.run("SELECT nope")
    assert engine.in_transaction
    assert not engine.in_aborted_transaction
    engine.abort_transaction()
    assert engine.in_aborted_transaction
    engine.rollback()


def test_a_transaction_on_a_streaming_result(engine: DuckDBEngine) -> None:
    engine.begin()
    result = engine.run("SELECT * FROM range(1_000_000)")
    assert engine.in_transaction
    result.fetch(1)
    assert engine.in_transaction
    result.close()
    assert engine.in_transaction
    assert not engine.in_aborted_transaction
    engine.commit()
    assert not engine.in_transaction


def test_closing_a_result_that_writes_keeps_the_transaction(engine: DuckDBEngine) -> None:
    engine.run("CREATE SEQUENCE s")
    engine.begin()
    engine.run("INSERT INTO t VALUES (7)")
    result = engine.run("SELECT nextval('s') FROM range(1_000_000)")
    result.fetch(1)
    result.close()
    engine.commit()
    assert engine.rows("SELECT i FROM t") == [(7,)]


def test_a_stream_that_fails_fails_the_transaction(engine: DuckDBEngine) -> None:
    engine.begin()
    result = engine.run("SELECT CASE WHEN i = 5_900_000 THEN error('x') ELSE i END FROM range(6_000_000) r(i)")
    with pytest.raises(ProgrammingError):
        list(iter(lambda: result.fetch(1_000_000), []))
    assert engine.in_aborted_transaction
    engine.rollback()
    assert not engine.in_transaction


def test_an_adopted_connection_in_a_transaction() -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t (i INTEGER)")
    connection.execute("BEGIN; INSERT INTO t VALUES (1)")
    engine = adopt_engine(connection)
    assert engine.in_transaction
    engine.run("INSERT INTO t VALUES (2)")
    connection.execute("COMMIT")
    assert not engine.in_transaction
    connection.begin()
    assert engine.in_transaction
    with pytest.raises(duckdb.BinderException):
        connection.execute("SELECT nope")
    assert engine.in_aborted_transaction
    connection.rollback()
    assert not engine.in_transaction
    connection.begin()
    engine.close()
    connection.execute("INSERT INTO t VALUES (3)")
    connection.commit()
    assert connection.execute("SELECT count(*) FROM t").fetchall() == [(3,)]


def test_a_result_that_nobody_holds_does_not_keep_from_asking() -> None:
    connection = duckdb.connect()
    engine = adopt_engine(connection)
    connection.begin()
    engine.run("SELECT * FROM range(10_000_000)").fetch(1)
    gc.collect()
    assert engine.in_transaction
    engine.close()


def test_asking_leaves_the_users_own_result_alone() -> None:
    connection = duckdb.connect()
    engine = adopt_engine(connection)
    connection.execute("SELECT * FROM range(1_000_000)")
    connection.fetchmany(1)
    assert not engine.in_transaction
    assert connection.fetchmany(1) == [(1,)]


def test_a_transaction_ends_with_its_connection(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "a.db")
    engine.run("CREATE TABLE t (i INTEGER)")
    engine.begin()
    engine.run("INSERT INTO t VALUES (1)")
    engine.close()
    again = open_engine(tmp_path / "a.db")
    assert again.rows("SELECT count(*) FROM t") == [(0,)]
    again.close()


def test_conflicts(tmp_path: Path) -> None:
    one, other = open_engine(tmp_path / "a.db"), open_engine(tmp_path / "a.db")
    one.run("CREATE TABLE t (i INTEGER PRIMARY KEY, v INTEGER)")
    one.run("INSERT INTO t VALUES (1, 1)")
    one.begin()
    other.begin()
    one.run("UPDATE t SET v = 2")
    with pytest.raises(IntegrityError) as caught:
        other.run("UPDATE t SET v = 3")
    assert caught.value.code == "transaction_conflict"
    other.rollback()
    other.begin()
    other.run("INSERT INTO t VALUES (2, 2)")
    one.run("INSERT INTO t VALUES (2, 3)")
    one.commit()
    with pytest.raises(IntegrityError) as caught:
        other.commit()
    assert caught.value.code == "constraint_violation"
    assert not other.in_transaction
    assert other.rows("SELECT * FROM t ORDER BY i") == [(1, 2), (2, 3)]
    one.run("ATTACH ':memory:' AS more")
    one.run("CREATE TABLE more.t (i INTEGER)")
    one.begin()
    one.run("INSERT INTO t VALUES (3, 3)")
    with pytest.raises(NotSupportedError) as refused:
        one.run("INSERT INTO more.t VALUES (1)")
    assert refused.value.code == "one_database_per_transaction"
    one.close()
    other.close()


@pytest.mark.parametrize(
    ("sql", "start", "word"),
    [
        ("BEGIN", 0, "BEGIN"), ("  commit;", 2, "COMMIT"), ("-- BEGIN\rSELECT 1", 9, "SELECT"), ("/* a /* b */ */ end", 16, "END"),
        ("/* BEGIN", 0, ""), ("", 0, ""), ("-- nothing", 0, ""), ("(SELECT 1)", 0, ""), ("\ufeff;\u3000x", 3, "X"),
    ],
)  # fmt: skip
def test_where_a_statement_starts(sql: str, start: int, word: str) -> None:
    assert statement_start(sql) == start
    assert first_word(sql) == word
