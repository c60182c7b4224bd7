"""Processes killed while they change a catalog; `python -m tests.crash` kills more of them, and says what is checked."""

from __future__ import annotations

import lzma
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sqlml.catalog.tables import FORMAT

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(400)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forks with SIGKILL")
def test_a_hundred_deaths_leave_every_change_whole_or_absent(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash", "--kills", "100", "--seed", "1", "--folder", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=380, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.match(r"kills: (\d+), recoveries: (\d+) \(write-ahead log replayed: (\d+)\), killed during a recovery: (\d+)", done.stdout)
    assert found is not None, done.stdout
    kills, recoveries, replayed, interrupted = map(int, found.groups())
    # Every state that a death left was opened again, by the next process or by one after it.
    assert (kills, recoveries) == (100, 100 - interrupted)
    assert replayed > 20
    assert "violations: 0" in done.stdout
    # Deaths fall on both sides of a commit.
    assert re.search(r"whole: [1-9]\d*, absent: [1-9]\d*", done.stdout), done.stdout


@pytest.mark.timeout(400)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forks with SIGKILL")
@pytest.mark.parametrize("number", range(1, FORMAT))
def test_a_death_while_an_old_database_is_brought_up_leaves_the_old_or_the_new_format(tmp_path: Path, number: int) -> None:
    kept = ROOT / "tests" / "compat" / "databases"
    old = tmp_path / "kept.duckdb"
    old.write_bytes(lzma.decompress((kept / f"format_{number}.duckdb.xz").read_bytes()))
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.migrations", str(old), str(kept / f"format_{number}.json")],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
        capture_output=True, text=True, timeout=380, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = {line.partition(": ")[0]: line.partition(": ")[2] for line in done.stdout.splitlines()}
    assert set(found.values()) == {f"killed, [{number}]", f"killed, {list(range(number, FORMAT + 1))}"}
    assert found["before COMMIT"] == f"killed, [{number}]"
    assert found["after COMMIT"] != found["before COMMIT"]
