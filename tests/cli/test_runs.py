"""`sqlml.runs`: a row for each script, and its id on what it changed."""

from __future__ import annotations

import csv
import io
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
POINTS = "CREATE TABLE points AS SELECT i AS x, 3.0 + 2.0 * i AS label FROM range(40) r(i)"
TRAIN = "CREATE OR REPLACE MODEL line OPTIONS (model_type = 'linear_reg') AS FROM points"
ENDLESS = "SELECT count(*) FROM range(100_000_000) a, range(100_000) b WHERE a.range + b.range = 7"


@pytest.fixture
def sqlml(sqlml_here: Run) -> Run:
    return sqlml_here


@pytest.fixture
def database(sqlml: Run, tmp_path: Path) -> str:
    """A database with a model, made without a script."""
    done = sqlml("a.duckdb", "-c", f"{POINTS}; {TRAIN}")
    assert done.returncode == 0, done.stderr
    return str(tmp_path / "a.duckdb")


def rows(sqlml: Run, database: str, query: str) -> list[dict[str, str]]:
    done = sqlml(database, "--format", "csv", "-c", query)
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def runs(sqlml: Run, database: str) -> list[tuple[str, str, str, str]]:
    found = rows(sqlml, database, "SELECT * FROM sqlml.runs ORDER BY started_at")
    assert all(row["actor"] and row["host"] and row["run_id"] and row["started_at"] <= row["finished_at"] for row in found)
    return [(row["name"], row["status"], row["n_statements"], row["error_code"]) for row in found]


def test_a_script_that_succeeds(sqlml: Run, database: str, tmp_path: Path) -> None:
    (tmp_path / "job.sql").write_text(f"{TRAIN}; SELECT 1; ALTER MODEL line SET ALIAS champion = 2")
    assert sqlml("run", "job.sql", "--database", database).returncode == 0
    assert runs(sqlml, database) == [("job.sql", "succeeded", "3", "")]
    events = rows(
        sqlml,
        database,
        "SELECT event, r.name, e.statement FROM sqlml.model_events e LEFT JOIN sqlml.runs r USING (run_id) ORDER BY sequence",
    )
    assert [(row["event"], row["name"]) for row in events] == [
        ("created", ""), ("version_published", ""), ("version_published", "job.sql"), ("alias_set", "job.sql"),
    ]  # fmt: skip
    assert [row["statement"] for row in events[2:]] == [TRAIN, "ALTER MODEL line SET ALIAS champion = 2"]


def test_the_script_that_makes_the_first_model(sqlml: Run, tmp_path: Path) -> None:
    (tmp_path / "job.sql").write_text(f"{POINTS}; {TRAIN}")
    assert sqlml("run", "job.sql", "--database", "b.duckdb").returncode == 0
    assert runs(sqlml, str(tmp_path / "b.duckdb")) == [("job.sql", "succeeded", "2", "")]


def test_a_script_on_standard_input(sqlml: Run, database: str) -> None:
    assert sqlml(database, stdin="SELECT 1").returncode == 0
    assert sqlml("run", "-", "--database", database, stdin="SELECT 1; SELECT 2").returncode == 0
    assert runs(sqlml, database) == [("<stdin>", "succeeded", "1", ""), ("<stdin>", "succeeded", "2", "")]


def test_a_script_that_fails(sqlml: Run, database: str, tmp_path: Path) -> None:
    (tmp_path / "job.sql").write_text("SELECT 1; BEGIN; ALTER MODEL line SET ALIAS champion = 1; SELECT * FROM nowhere; SELECT 2")
    done = sqlml("run", "job.sql", "--database", database)
    assert (done.returncode, done.stderr.count("notice")) == (1, 0)
    assert runs(sqlml, database) == [("job.sql", "failed", "3", "unknown_table")]
    assert 'unknown table "nowhere"' in rows(sqlml, database, "FROM sqlml.runs")[0]["message"]
    assert rows(sqlml, database, "FROM sqlml.model_aliases") == []


def test_a_transaction_left_open_does_not_take_the_row_with_it(sqlml: Run, database: str) -> None:
    assert sqlml(database, stdin="BEGIN; ALTER MODEL line SET ALIAS champion = 1").returncode == 0
    assert runs(sqlml, database) == [("<stdin>", "succeeded", "2", "")]
    assert rows(sqlml, database, "FROM sqlml.runs")[0]["message"] == "the transaction that it left open was rolled back"
    assert rows(sqlml, database, "FROM sqlml.model_aliases") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_script_that_is_cancelled(sqlml: Run, database: str, tmp_path: Path, number: int) -> None:
    (tmp_path / "job.sql").write_text(f"ALTER MODEL line SET ALIAS champion = 1; SELECT 'now' AS x; {ENDLESS}")
    command = [sys.executable, "-m", "sqlml", "run", "job.sql", "--database", database]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "now" not in process.stdout.readline():
            pass
        time.sleep(0.2)
        process.send_signal(number)
        said = process.communicate(timeout=30)[1]
    assert said.endswith("cancelled\n")
    assert runs(sqlml, database) == [("job.sql", "cancelled", "2", "cancelled")]


def test_nothing_is_written_where_no_model_is(sqlml: Run, tmp_path: Path) -> None:
    assert sqlml("c.duckdb", stdin="CREATE TABLE t AS SELECT 1 AS x; SELECT * FROM nowhere").returncode == 1
    found = rows(sqlml, str(tmp_path / "c.duckdb"), "SELECT count(*) AS n FROM duckdb_schemas() WHERE schema_name = 'sqlml'")
    assert found == [{"n": "0"}]


def test_neither_for_single_statements_nor_for_readers(sqlml: Run, database: str) -> None:
    assert sqlml(database, "-c", "SELECT 1").returncode == 0
    done = sqlml(database, "--read-only", stdin="SELECT 1 AS x")
    assert (done.returncode, done.stderr) == (0, "")
    assert runs(sqlml, database) == []


def test_a_row_that_cannot_be_written_is_no_failure(sqlml: Run, database: str) -> None:
    with duckdb.connect(database) as connection:  # sqlml itself refuses
        connection.execute("DROP TABLE sqlml._runs")
    done = sqlml(database, stdin="SELECT 1 AS x")
    assert (done.returncode, done.stdout) == (0, " x\n───\n 1\n(1 row)\n")
    assert done.stderr.startswith("notice: the run could not be recorded in sqlml.runs: schema sqlml of database a was not made by sqlml")


def test_the_database_of_the_run_is_the_one_it_began_with(sqlml: Run, database: str, tmp_path: Path) -> None:
    assert sqlml(database, stdin="ATTACH 'other.duckdb' AS other; USE other; CREATE TABLE t AS SELECT 1 AS x").returncode == 0
    assert runs(sqlml, database) == [("<stdin>", "succeeded", "3", "")]
