"""The same statements give the same rows through Python, a script, -c and the shell."""

from __future__ import annotations

import csv
import io
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import sqlml as dbapi
from sqlml.render.display import Display, Format
from sqlml.render.terminal import Terminal
from sqlml.session.session import open_session
from sqlml.shell.app import Shell

Run = Callable[..., "subprocess.CompletedProcess[str]"]

PREPARE = """\
CREATE TABLE birds AS
  SELECT ['adelie', 'gentoo', 'chinstrap'][1 + range % 3] AS species, CASE WHEN range % 11 > 0 THEN 180 + range % 50 END AS flipper,
         3000 + 10 * (range % 50) + 100 * (range % 3) AS mass
  FROM range(300);
CREATE OR REPLACE MODEL weight
  OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['mass']) AS
  SELECT * FROM birds;
"""
QUERIES = [
    "SELECT * FROM ML.EVALUATE(MODEL weight);",
    "SELECT species, avg(predicted_mass) AS mean FROM ML.PREDICT(MODEL weight, TABLE birds) GROUP BY species ORDER BY species;",
]


def as_csv(rows: list[list[str]]) -> list[list[str]]:
    """Numbers to nine digits: sums in SQL may differ in the last bits from run to run."""
    return [[f"{float(field):.9g}" if field.replace(".", "").lstrip("-").isdigit() else field for field in row] for row in rows]


def read(text: str) -> list[list[str]]:
    return as_csv(list(csv.reader(io.StringIO(text))))


def through_python() -> list[list[str]]:
    rows: list[list[str]] = []
    with dbapi.connect() as connection:
        connection.execute(PREPARE)
        for query in QUERIES:
            cursor = connection.execute(query)
            assert cursor.description is not None
            rows.append([column[0] for column in cursor.description])
            rows += [[str(value) for value in row] for row in cursor]
    return as_csv(rows)


def through_the_shell() -> list[list[str]]:
    out = io.StringIO()
    session = open_session()
    shell = Shell(session, Display(Terminal(out, io.StringIO()), output_format=Format.CSV))
    for text in (PREPARE, *QUERIES):
        shell.take(text)
    session.close()
    return read(out.getvalue())


def test_the_same_rows(sqlml: Run, tmp_path: Path) -> None:
    text = PREPARE + "\n".join(QUERIES)
    (tmp_path / "job.sql").write_text(text)
    script = sqlml("run", "job.sql", "--format", "csv")
    assert (script.returncode, "model weight: version 1" in script.stderr, "notice:" in script.stderr) == (0, True, True)
    expected = read(script.stdout)
    assert [row[0] for row in expected] == ["mean_absolute_error", expected[1][0], "species", "adelie", "chinstrap", "gentoo"]
    assert read(sqlml("--format", "csv", stdin=text).stdout) == expected
    assert read(sqlml("-c", PREPARE, "-c", " ".join(QUERIES), "--format", "csv").stdout) == expected
    assert through_python() == expected
    assert through_the_shell() == expected


def test_a_model_of_one_door_is_there_in_the_next(sqlml: Run) -> None:
    assert sqlml("a.duckdb", "-c", PREPARE, "--quiet").stderr == ""
    first, second = (sqlml("a.duckdb", "--read-only", "--format", "csv", stdin=QUERIES[1]).stdout for _ in range(2))
    assert first == second != ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_of_training(sqlml: Run, tmp_path: Path, number: int, code: int) -> None:
    train = (
        "CREATE MODEL slow OPTIONS (model_type = 'BOOSTED_TREE_REGRESSOR', input_label_cols = ['y'], max_iterations = 5000, early_stop = FALSE, "
        "data_split_method = 'NO_SPLIT') AS SELECT random() AS a, random() AS b, random() AS y FROM range(200000)"
    )
    command = [sys.executable, "-m", "sqlml", "a.duckdb", "-c", f"SELECT 1 AS ready; {train}"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(4)][-1] == "(1 row)\n"
        time.sleep(2.5)
        begin = time.monotonic()
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
        assert time.monotonic() - begin < 2.0  # a second, and the time to end the process
    assert (process.returncode, said) == (code, "cancelled\n")
    assert sqlml("a.duckdb", "--format", "json", "-c", "SHOW MODELS").stdout.split() == ["[", "]"]


def test_an_error_about_a_model_names_line_and_column(sqlml: Run, tmp_path: Path) -> None:
    (tmp_path / "job.sql").write_text(PREPARE + "SELECT *\nFROM ML.PREDICT(MODEL wieght, TABLE birds);\nDROP TABLE birds;\n")
    done = sqlml("run", "job.sql")
    assert done.returncode == 1
    assert "job.sql:9:23: error: " in done.stderr
    assert "FROM ML.PREDICT(MODEL wieght, TABLE birds);\n                        ^^^^^^\n" in done.stderr
    assert "hint: did you mean weight?" in done.stderr
