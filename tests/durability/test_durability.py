"""Disks that are full, files that may not be written, files that are damaged: an error that says so, and never a wrong prediction."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="works on forks with limits of their own"),
    pytest.mark.timeout(400),
]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=380, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_a_full_disk_is_told_and_leaves_what_was_committed(tmp_path: Path) -> None:
    cases = (
        ("publish", 100), ("publish", 2000), ("publish", 1 << 20), ("first publish", 100), ("first publish", 20_000), ("transaction", 100),
        ("transaction", 3000), ("drop", 10), ("drop", 500), ("copy", 100), ("copy", 5000), ("checkpoint", 1), ("checkpoint", 300_000),
    )  # fmt: skip
    done = run("tests.durability.full_disk", str(tmp_path), *(str(part) for case in cases for part in case))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    before = answers[1]["kill.m@1"]
    for index, (name, n_bytes) in enumerate(cases):
        said, found = answers[2 * index : 2 * index + 2]
        if n_bytes == 1 << 20:
            # There is room enough: the limit alone does no harm.
            assert said["class"] is None
            assert set(found) == {"entries", "kill.m@1", "kill.m@2"}
            continue
        assert (said["class"], said["code"]) == ("OperationalError", "disk_full"), (name, n_bytes, said)
        assert "no room" in said["message"]
        assert "free some space" in said["hint"]
        assert found == {"entries": 0, **({} if name == "first publish" else {"kill.m@1": before})}, (name, n_bytes)


def test_a_file_that_may_not_be_written_predicts_when_it_is_opened_for_reading() -> None:
    for_writing, for_reading = (json.loads(line) for line in run("tests.durability.read_only_medium").stdout.splitlines())
    assert for_writing[:2] == ["OperationalError", "permission_denied"]
    assert "read-only" in for_writing[2]
    assert for_reading[:3] == [8, "OperationalError", "read_only_database"]


def test_a_damaged_file_gives_an_error_or_the_right_predictions() -> None:
    """A part of the damages; `python -m tests.durability` does all of them."""
    done = run("tests.durability", "--every", "20")
    assert "findings: 0" in done.stdout
    # Both happen: damage that is told, and damage that is nowhere where it matters.
    assert "changed the file, flip: error damaged_file" in done.stdout
    assert "changed the log, flip: error damaged_file" in done.stdout
    assert "changed the log, cut: right" in done.stdout
