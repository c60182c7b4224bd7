"""A program may end without closing anything: nothing is written as it ends, and what was done is kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import sqlml


@pytest.mark.parametrize(
    "ending",
    [
        "",
        "connection.close()",
        "cursor.close()",
        "connection.execute('BEGIN')",
        "del connection",
        "raise SystemExit",
        "rows = iter(cursor); next(rows)",
    ],
)
def test_a_program_ends_in_silence(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "a.duckdb"
    program = f"""
import sqlml
connection = sqlml.connect({str(path)!r})
connection.execute("CREATE TABLE t AS SELECT range AS x FROM range(5000)")
cursor = connection.execute("FROM t")
{ending}
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with sqlml.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (5000,)
