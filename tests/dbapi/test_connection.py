"""PEP 249: connections, transactions, closing."""

from __future__ import annotations

import gc
import threading
import time
import warnings
from pathlib import Path

import duckdb
import pytest

import sqlml


def test_memory_by_default() -> None:
    with sqlml.connect() as connection:
        assert connection.execute("SELECT 40 + 2").fetchall() == [(42,)]


@pytest.mark.parametrize("as_text", [True, False])
def test_a_file_keeps_its_tables(tmp_path: Path, as_text: bool) -> None:
    path = tmp_path / "a.duckdb"
    with sqlml.connect(str(path) if as_text else path) as connection:
        connection.execute("CREATE TABLE t AS SELECT 7 AS x")
    with sqlml.connect(path, read_only=True) as connection:
        assert connection.execute("FROM t").fetchall() == [(7,)]
        with pytest.raises(sqlml.Error):
            connection.execute("CREATE TABLE u AS SELECT 1")


def test_config_reaches_duckdb() -> None:
    with sqlml.connect(config={"threads": 1}) as connection:
        assert connection.execute("SELECT current_setting('threads')").fetchone() == (1,)


def test_an_open_duckdb_connection_is_used_and_stays_open() -> None:
    with duckdb.connect() as theirs:
        theirs.execute("CREATE TEMP TABLE t AS SELECT 7 AS x")
        with sqlml.connect(theirs) as connection:
            assert connection.execute("FROM t").fetchall() == [(7,)]
            connection.execute("CREATE TABLE u AS SELECT 8 AS x")
        assert theirs.execute("FROM u").fetchall() == [(8,)]


def test_a_database_that_cannot_be_opened() -> None:
    with pytest.raises(sqlml.OperationalError) as caught:
        sqlml.connect("/no such folder/a.duckdb")
    assert "/no such folder/a.duckdb" in str(caught.value)


def test_another_dialect_is_refused() -> None:
    with pytest.raises(sqlml.Error):
        sqlml.connect(dialect="oracle")


def test_cursors_share_temporary_tables_and_the_transaction(connection: sqlml.Connection) -> None:
    one, other = connection.cursor(), connection.cursor()
    one.execute("CREATE TEMP TABLE t AS SELECT 1 AS x")
    one.execute("BEGIN")
    one.execute("INSERT INTO t VALUES (2)")
    assert other.execute("FROM t ORDER BY x").fetchall() == [(1,), (2,)]
    connection.rollback()
    assert other.execute("FROM t").fetchall() == [(1,)]


def test_commit_keeps_and_rollback_undoes(tmp_path: Path) -> None:
    connection = sqlml.connect(tmp_path / "a.duckdb")
    connection.execute("CREATE TABLE t (x INTEGER)")
    connection.execute("BEGIN; INSERT INTO t VALUES (1)")
    connection.commit()
    connection.execute("BEGIN; INSERT INTO t VALUES (2)")
    connection.rollback()
    assert connection.execute("FROM t").fetchall() == [(1,)]
    connection.close()


def test_without_a_transaction_commit_and_rollback_do_nothing(connection: sqlml.Connection) -> None:
    connection.commit()
    connection.rollback()
    connection.execute("CREATE TABLE t AS SELECT 1 AS x")
    connection.rollback()
    assert connection.execute("FROM t").fetchall() == [(1,)]  # statements commit by themselves


def test_a_block_that_ends_commits_and_one_that_fails_rolls_back(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with sqlml.connect(path) as connection:
        connection.execute("CREATE TABLE t (x INTEGER)")
        connection.execute("BEGIN; INSERT INTO t VALUES (1)")
    with pytest.raises(sqlml.ProgrammingError, match="nowhere"), sqlml.connect(path) as connection:
        connection.execute("BEGIN; INSERT INTO t VALUES (2); SELECT * FROM nowhere")
    with sqlml.connect(path) as connection:
        assert connection.execute("FROM t").fetchall() == [(1,)]


def test_close_rolls_back(tmp_path: Path) -> None:
    connection = sqlml.connect(tmp_path / "a.duckdb")
    connection.execute("CREATE TABLE t (x INTEGER)")
    connection.execute("BEGIN; INSERT INTO t VALUES (1)")
    connection.close()
    with sqlml.connect(tmp_path / "a.duckdb") as again:
        assert again.execute("FROM t").fetchall() == []


def test_after_close_everything_raises(connection: sqlml.Connection) -> None:
    cursor = connection.execute("SELECT 1")
    connection.close()
    connection.close()  # a second time does nothing
    uses = [
        connection.cursor, connection.commit, connection.rollback, connection.interrupt, connection.__enter__,
        lambda: connection.execute("SELECT 1"), lambda: cursor.execute("SELECT 1"), cursor.fetchone, cursor.fetchall, cursor.arrow,
        lambda: cursor.setinputsizes([1]),
    ]  # fmt: skip
    for use in uses:
        with pytest.raises(sqlml.InterfaceError) as caught:
            use()
        assert caught.value.code == "closed"
        assert caught.value.hint
    cursor.close()


def test_a_dropped_connection_frees_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        connection = sqlml.connect(path)
        connection.execute("CREATE TABLE t AS SELECT 1 AS x")
        del connection
        gc.collect()
    with duckdb.connect(path, read_only=True) as plain:  # refused while the file is open for writing
        assert plain.execute("FROM t").fetchall() == [(1,)]


def test_a_cursor_keeps_its_connection() -> None:
    cursor = sqlml.connect().execute("SELECT 1")
    gc.collect()
    assert cursor.fetchall() == [(1,)]


def test_interrupt_from_another_thread(connection: sqlml.Connection) -> None:
    timer = threading.Timer(0.3, connection.interrupt)
    timer.start()
    started = time.monotonic()
    with pytest.raises(sqlml.OperationalError) as caught:
        connection.execute("SELECT count(*) FROM range(100_000_000) a, range(100_000) b WHERE a.range + b.range = 7").fetchall()
    timer.join()
    assert caught.value.code == "cancelled"
    assert time.monotonic() - started < 1.3
    assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_threads_may_share_the_module(tmp_path: Path) -> None:
    found: list[object] = []

    def work(number: int) -> None:
        with sqlml.connect() as connection:
            found.append(connection.execute("SELECT sum(range) FROM range(?)", [number]).fetchone())

    threads = [threading.Thread(target=work, args=(number,)) for number in (10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found, key=str) == [(190,), (435,), (45,)]


def test_events_are_handed_out() -> None:
    events: list[object] = []
    with sqlml.connect(on_event=events.append) as connection:
        connection.execute("SELECT 1; SELECT 2")
    assert [(event.index, event.sql.strip().rstrip(";")) for event in events] == [(0, "SELECT 1"), (1, "SELECT 2")]


@pytest.mark.parametrize("settings", [{1: 2}, [1], "keep_versions"])
def test_settings_that_are_no_names_and_values(settings):
    with pytest.raises(sqlml.InterfaceError) as caught:
        sqlml.connect(":memory:", settings=settings)
    assert (caught.value.code, caught.value.hint) == ("settings", "write settings={'keep_versions': 10}")


def test_what_an_error_says_cannot_command_a_terminal() -> None:
    with sqlml.connect(":memory:") as connection, pytest.raises(sqlml.Error) as caught:
        connection.execute('SELECT * FROM ML.PREDICT(MODEL "\x1b[31m\u202ered", (SELECT 1 AS x))')
    shown = str(caught.value)
    assert "\\x1b[31m\\u202ered" in shown
    assert all(character.isprintable() or character == "\n" for character in shown)


def test_a_name_without_end_does_not_flood_an_error() -> None:
    with sqlml.connect(":memory:") as connection, pytest.raises(sqlml.Error) as caught:
        connection.execute(f'ALTER MODEL "{"n" * 10_000}" DROP ALIAS champion')
    assert len(caught.value.hint or "") + len(str(caught.value).split("  line")[0]) < 5_000
