"""A slice of `state_fuzzer`, the same mutations every time: nothing comes out of a mutated version but an answer or a refusal of ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FUZZER = Path(__file__).with_name("state_fuzzer.py")


def test_mutated_versions_are_refused_or_answer() -> None:
    command = [sys.executable, str(FUZZER), "--mutations", "600", "--chunk", "300", "--share", "0.1", "--seed", "20260101"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    counts = {name: int(count) for count, name in (line.split(maxsplit=1) for line in done.stdout.splitlines()[1:] if line.startswith(" "))}
    assert counts["mutations"] == 600
    assert counts["refused"] + counts["accepted"] == 600
    assert min(counts["refused"], counts["accepted"]) > 60
    assert counts["statements answered"] > 40
    assert not {"crashes", "hangs", "surprises"} & set(counts)
