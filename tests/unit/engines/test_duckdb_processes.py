"""What only whole processes show: a clean end, a locked file, a released one, imports."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sqlml.engines.duckdb import open_engine
from sqlml.errors import OperationalError

START = """
import sys, threading, time
import duckdb
from sqlml.engines.duckdb import adopt_engine, open_engine
path = sys.argv[1]
def total(values):
    return values.sum(axis=1)
def engine_with_function(engine):
    render = engine.batch_function(1, total, dtype="float64", output="scalar")
    assert engine.rows(f"SELECT {render(['1', '2'])}") == [(3.0,)]
    return engine, render
"""


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    program = START + textwrap.dedent(code)
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


ENDS = {
    "closed": "engine, _ = engine_with_function(open_engine(path)); engine.close()",
    "left open": "engine, _ = engine_with_function(open_engine(path))",
    "left open in memory": "engine, _ = engine_with_function(open_engine())",
    "two left open": "one = engine_with_function(open_engine(path)); other = engine_with_function(open_engine(path))",
    "one closed, one left": "one, _ = engine_with_function(open_engine(path)); two, _ = engine_with_function(open_engine(path)); one.close()",
    "collected": "engine_with_function(open_engine(path)); import gc; gc.collect()",
    "in a cycle": "engine, _ = engine_with_function(open_engine(path)); engine.itself = engine; del engine",
    "adopted": "connection = duckdb.connect(path); engine, _ = engine_with_function(adopt_engine(connection))",
    "adopted, connection closed": "connection = duckdb.connect(path); engine, _ = engine_with_function(adopt_engine(connection)); connection.close()",
    "a result open": "engine, r = engine_with_function(open_engine(path)); result = engine.run(f\"SELECT {r(['i'])} FROM range(9000000) t(i)\")",
    "a stream open": "engine, r = engine_with_function(open_engine(path)); s = engine.batches(f\"SELECT {r(['i'])} FROM range(9000000) t(i)\"); next(s)",
    "a transaction open": "engine, _ = engine_with_function(open_engine(path)); engine.begin(); engine.run('CREATE TABLE t (i INTEGER)')",
    "a table registered": "import pyarrow as pa; engine, _ = engine_with_function(open_engine(path)); engine.register('t', pa.table({'a': [1]}))",
    "a failure not fetched": """
        engine, r = engine_with_function(open_engine(path))
        engine.drop_batch_function(1)
        try:
            engine.connection.execute(f"SELECT {r(['1'])}")
        except duckdb.Error:
            pass
    """,
    "exit within": "engine, _ = engine_with_function(open_engine(path)); sys.exit(0)",
}


@pytest.mark.parametrize("end", ENDS)
def test_the_interpreter_ends_cleanly(tmp_path: Path, end: str) -> None:
    process = run(ENDS[end], tmp_path / "a.db")
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")
    engine = open_engine(tmp_path / "a.db")
    assert engine.rows("SELECT count(*) FROM duckdb_tables()") == [(0,)]
    engine.close()


def test_the_interpreter_ends_while_a_daemon_thread_is_in_a_statement(tmp_path: Path) -> None:
    process = run(
        """
        engine, r = engine_with_function(open_engine(path))
        from sqlml.errors import Error
        def work():
            try:
                engine.rows(f"SELECT sum({r(['i'])}) FROM range(2000000000) t(i)")
            except Error:
                pass
        threading.Thread(target=work, daemon=True).start()
        time.sleep(0.5)
        """,
        tmp_path / "a.db",
    )
    # Python stops the thread wherever it is, and DuckDB's client may complain of what it held.
    assert (process.returncode, process.stdout) == (0, "")
    assert "Traceback" not in process.stderr


def test_another_process_has_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    engine = open_engine(path)
    attempt = """
        from sqlml.errors import OperationalError
        try:
            open_engine(path).close()
            print("opened")
        except OperationalError as error:
            print(error.code, error.hint is not None, "python" in str(error))
    """
    engine.batch_function(1, lambda values: values[:, 0], dtype="float64", output="scalar")
    assert run(attempt, path).stdout == "file_locked True False\n"
    engine.close()
    assert run(attempt, path).stdout == "opened\n"


def test_a_process_that_was_killed_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    process = run(
        "engine, _ = engine_with_function(open_engine(path)); engine.run('CREATE TABLE t AS SELECT 1 AS a'); import os; os._exit(9)", path
    )
    assert process.returncode == 9
    engine = open_engine(path)
    assert engine.rows("SELECT a FROM t") == [(1,)]
    engine.close()


def test_importing_the_engine_is_cheap(tmp_path: Path) -> None:
    process = run(
        """
        heavy = {"pandas", "sklearn", "xgboost", "scipy", "numpy", "pyarrow"}
        engine = open_engine(path)
        engine.run("CREATE TABLE t (i INTEGER)")
        engine.run("INSERT INTO t VALUES (1)")
        assert engine.rows("SELECT i FROM t") == [(1,)]
        print(sorted(heavy & set(sys.modules)))
        """,
        tmp_path / "a.db",
    )
    assert process.stdout == "[]\n"


def test_the_lock_is_told_from_other_errors(tmp_path: Path) -> None:
    (tmp_path / "directory.db").mkdir()
    with pytest.raises(OperationalError) as caught:
        open_engine(tmp_path / "directory.db")
    assert caught.value.code == "io_error"
