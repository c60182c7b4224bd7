"""`sqlml` as its users start it: output, errors, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sqlml.cli.exit_codes import ExitCode

Run = Callable[..., "subprocess.CompletedProcess[str]"]
ENDLESS = "SELECT count(*) FROM range(100_000_000) a, range(100_000) b WHERE a.range + b.range = 7"


def test_every_exit_code_has_its_number() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0, "STATEMENT_FAILED": 1, "USAGE": 2, "CANNOT_OPEN": 3, "INTERNAL": 4, "CANCELLED": 130, "BROKEN_PIPE": 141,
        "TERMINATED": 143,
    }  # fmt: skip


def test_version(sqlml: Run) -> None:
    done = sqlml("--version")
    assert (done.returncode, done.stdout.split()[0], done.stderr) == (0, "sqlml", "")


def test_help(sqlml: Run, tmp_path: Path) -> None:
    done = sqlml("help", "weights")
    assert (done.returncode, done.stdout.splitlines()[0], done.stderr) == (0, "ML.WEIGHTS", "")
    assert "ML.WEIGHTS" in sqlml("help").stdout.split()
    done = sqlml("help", "weihgts")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "sqlml: there is no page weihgts\nhint: did you mean ML.WEIGHTS?\n")
    assert list(tmp_path.iterdir()) == []


def test_commands_run_in_order(sqlml: Run) -> None:
    done = sqlml("-c", "CREATE TABLE t AS SELECT 1 AS x", "-c", "INSERT INTO t VALUES (2); SELECT sum(x) AS s FROM t")
    assert (done.returncode, done.stdout, done.stderr) == (0, " s\n───\n 3\n(1 row)\n", "")


def test_every_result_of_a_script_is_printed(sqlml: Run, tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("SELECT 1 AS a; CREATE TABLE t (x INTEGER);\n-- nothing\nSELECT 'b' AS b;\n")
    done = sqlml("run", "a.sql")
    assert (done.returncode, done.stdout, done.stderr) == (0, " a\n───\n 1\n(1 row)\n b\n───\n b\n(1 row)\n", "")


def test_a_script_on_standard_input(sqlml: Run) -> None:
    for arguments in ((), ("-",), ("run", "-")):
        done = sqlml(*arguments, "--format", "csv", stdin="SELECT 1 AS a;\nSELECT 'é' AS b")
        assert (done.returncode, done.stdout, done.stderr) == (0, "a\n1\nb\né\n", "")
    assert sqlml(stdin="").returncode == 0


def test_the_database_keeps_what_was_done(sqlml: Run) -> None:
    assert sqlml("a.duckdb", "-c", "CREATE TABLE t AS SELECT 7 AS x").returncode == 0
    assert sqlml("run", "-", "--database", "a.duckdb", "--format", "csv", stdin="FROM t").stdout == "x\n7\n"
    done = sqlml("a.duckdb", "--read-only", "-c", "CREATE TABLE u AS SELECT 1")
    assert done.returncode == 1
    assert "read-only" in done.stderr


def test_long_and_wide_results_are_whole_in_a_pipe(sqlml: Run) -> None:
    columns = ", ".join(f"range AS column_{number}" for number in range(50))
    lines = sqlml("-c", f"SELECT {columns} FROM range(2500)").stdout.splitlines()
    assert len(lines) == 2503
    assert "column_49" in lines[0]


def test_json_and_csv(sqlml: Run) -> None:
    query = "SELECT 1 AS a, NULL AS b, [1.5, 2] AS c UNION ALL SELECT 2, 'x', []"
    assert json.loads(sqlml("--format", "json", "-c", query + " ORDER BY a").stdout) == [
        {"a": 1, "b": None, "c": [1.5, 2.0]},
        {"a": 2, "b": "x", "c": []},
    ]
    assert sqlml("--format", "csv", "-c", query + " ORDER BY a").stdout == 'a,b,c\n1,,"[1.5, 2.0]"\n2,x,[]\n'


def test_parameters(sqlml: Run, tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("SELECT $n + 1 AS n; SELECT 'plain' AS p; SELECT $s || '!' AS s;")
    done = sqlml("run", "a.sql", "--format", "csv", "--param", "n=41", "--param", "s='42'")
    assert (done.stdout, done.stderr) == ("n\n42\np\nplain\ns\n42!\n", "")


def test_a_failed_statement_stops_the_script(sqlml: Run, tmp_path: Path) -> None:
    (tmp_path / "job.sql").write_text("CREATE TABLE t AS SELECT 1 AS x;\nSELECT\n  nowhere FROM t;\nDROP TABLE t;\n")
    done = sqlml("run", "job.sql", "--database", "a.duckdb")
    assert done.returncode == 1
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith("job.sql:3:3: error: ")
    assert lines[1:3] == ["    nowhere FROM t;", "    ^^^^^^^"] or lines[1] == "    nowhere FROM t;"
    assert "^" in lines[2]
    assert sqlml("a.duckdb", "--format", "csv", "-c", "FROM t").stdout == "x\n1\n"  # what ran before stays done


def test_an_error_on_standard_input_is_placed(sqlml: Run) -> None:
    done = sqlml(stdin="SELECT 1;\n\nSELECT FROM;")
    assert done.returncode == 1
    assert done.stderr.startswith("<stdin>:3:")


def test_errors_have_no_traceback_and_no_colour(sqlml: Run) -> None:
    for text in (
        "SELECT * FROM nowhere",
        "SELEC 1",
        "SELECT 'open",
        "SELECT 1/;",
        "\x00",
        "SELECT * FROM ML.PREDICT(MODEL none, TABLE none)",
        "CREATE MODEL",
    ):
        done = sqlml("-", stdin=text)
        assert done.returncode == 1, text
        assert "error:" in done.stderr
        assert "Traceback" not in done.stderr
        assert "Exception" not in done.stderr
        assert "\x1b" not in done.stderr


def test_what_cannot_be_read_or_opened(sqlml: Run, tmp_path: Path) -> None:
    (tmp_path / "bytes.sql").write_bytes(b"SELECT '\xff'")
    for arguments, code, said in (
        (("run", "none.sql"), 2, "none.sql"),
        (("run", "bytes.sql"), 2, "UTF-8"),
        (("run", "."), 2, "cannot read ."),
        (("--nonsense",), 2, "--nonsense"),
        (("no/such/folder/a.duckdb", "-c", "SELECT 1"), 3, "no/such/folder/a.duckdb"),
        (("bytes.sqlite", "--read-only", "-c", "SELECT 1"), 3, "bytes.sqlite"),
    ):
        done = sqlml(*arguments)
        assert (done.returncode, done.stdout) == (code, ""), arguments
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_a_bug_of_ours_is_told_apart(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from sqlml.cli.main import main
    from sqlml.render.display import Display

    def broken(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(Display, "outcome", broken)
    assert main(["-c", "SELECT 1"]) == ExitCode.INTERNAL
    captured = capsys.readouterr().err
    assert captured.startswith("internal error: by zero")
    assert "Traceback" not in captured


@contextmanager
def started(*arguments: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """The command at work; killed if the test leaves before it ends."""
    with subprocess.Popen(
        [sys.executable, "-m", "sqlml", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", cwd=cwd
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_reader_that_leaves(tmp_path: Path) -> None:
    with started("--format", "csv", "-c", "SELECT * FROM range(3_000_000)", cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "range\n"
        process.stdout.close()
        assert process.wait(30) == ExitCode.BROKEN_PIPE
        assert process.stderr.read() == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, ExitCode.CANCELLED), (signal.SIGTERM, ExitCode.TERMINATED)])
def test_signals_cancel(sqlml: Run, tmp_path: Path, number: int, code: ExitCode) -> None:
    with started("a.duckdb", "-c", f"CREATE TABLE t AS SELECT 1 AS x; SELECT x FROM t; {ENDLESS}", cwd=tmp_path) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        assert lines == [" x\n", "───\n", " 1\n", "(1 row)\n"]  # the first statements are done
        time.sleep(0.3)
        begin = time.monotonic()
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
        assert time.monotonic() - begin < 1.5
        assert (process.returncode, said) == (code, "cancelled\n")
    assert sqlml("a.duckdb", "--format", "csv", "-c", "FROM t").stdout == "x\n1\n"


def test_the_module_is_the_command(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "sqlml", "-c", "SELECT 'é' AS a, 2 AS b"], capture_output=True, env=environment, cwd=tmp_path, check=True
    )
    assert done.stdout == b" a | b\n---+---\n \\xe9 | 2\n(1 row)\n"


def test_a_script_that_predicts_with_trees_ends_well(sqlml: Run, tmp_path: Path) -> None:
    """The engine's threads call back into Python there, and Python then counts them as threads of its own."""
    script = tmp_path / "trees.sql"
    script.write_text(
        "CREATE TABLE t AS SELECT i AS x, i % 7 AS k, i * 2e0 AS label FROM range(300000) r(i);"
        "CREATE MODEL m OPTIONS (model_type = 'BOOSTED_TREE_REGRESSOR', max_iterations = 2) AS SELECT * FROM t;"
        "SELECT count(predicted_label) > 0 AS done FROM ML.PREDICT(MODEL m, TABLE t);"
    )
    for _ in range(2):
        finished = sqlml("run", str(script))
        assert finished.returncode == 0, finished.stderr
        assert "Error" not in finished.stderr
