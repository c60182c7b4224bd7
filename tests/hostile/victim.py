"""A process that opens a hostile database and runs statements over it, so that a crash, a hang or a blow-up is an answer and not the end.

Reads jobs as JSON lines, writes an answer for each: what every statement gave, and how much memory the job took at its peak.
"""

from __future__ import annotations

import faulthandler
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 60
"""A job may take so long; it takes a second or two where nobody else uses the machine."""


@dataclass(frozen=True)
class Answer:
    """What one statement gave: `code` is "" for rows, else the code of our error; anything else that came out is "surprise"."""

    statement: str
    code: str
    message: str
    rows: list[list[str]]


@dataclass(frozen=True)
class Answers:
    """What a job gave."""

    statements: list[Answer]
    peak_mb: float
    """Memory beyond what the process held before."""
    died: str = ""

    def codes(self) -> set[str]:
        return {answer.code for answer in self.statements}


class Victim:
    """The process, started when it is needed and again when it has died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the object

    def run(self, database: Path, statements: list[str], *, read_only: bool = False, folder: Path | None = None) -> Answers:
        """Opens the database in the process and runs the statements there, each whatever became of the one before."""
        if self._process is None or self._process.poll() is not None:
            self._stop()
            self._process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        job = {"database": str(database), "statements": statements, "read_only": read_only, "folder": str(folder or database.parent)}
        process.stdin.write(json.dumps(job).encode() + b"\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], SECONDS)
        line = process.stdout.readline() if ready else b""
        if not line:
            process.kill()
            why = f"ended with {process.wait()}" if ready else f"hung for {SECONDS} s"
            self._said.seek(0)
            said = self._said.read().decode(errors="replace")
            self._stop()
            return Answers([], 0.0, f"{why}: {said[-2000:]}")
        found = json.loads(line)
        return Answers([Answer(**answer) for answer in found["answers"]], found["peak_mb"])

    def close(self) -> None:
        self._stop()
        self._said.close()

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            with self._process:
                pass
            self._process = None


MAX_MB = 900
"""What a job may take: engine buffers, XGBoost and the sample's models need about 300."""


def assert_harmless(answers: Answers) -> None:
    """Every statement gave rows or an error of ours, in bounded memory."""
    assert not answers.died, answers.died
    assert [answer for answer in answers.statements if answer.code == "surprise"] == []
    assert not any("TOPSECRET" in str(answer) for answer in answers.statements)
    assert answers.peak_mb < MAX_MB


def main() -> None:
    """The process."""
    import numpy  # noqa: F401 - what is loaded once is not a job's memory
    import xgboost  # noqa: F401

    import sqlml

    sqlml.connect().execute("SELECT 1").fetchall()
    faulthandler.enable()
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        job = json.loads(line)
        os.chdir(job["folder"])
        faulthandler.dump_traceback_later(SECONDS - 5, exit=True)
        before = _memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        answers = _run(job)
        faulthandler.cancel_dump_traceback_later()
        out.write(json.dumps({"answers": answers, "peak_mb": (_memory("VmHWM") - before) / 1024}) + "\n")
        out.flush()


def _run(job: dict[str, Any]) -> list[dict[str, Any]]:
    import sqlml

    answers = []
    try:
        connection = sqlml.connect(job["database"], read_only=job["read_only"], config={"threads": 2, "memory_limit": "1GB"})
    except Exception as error:
        return [_failed("open", error)]
    with connection:
        for statement in job["statements"]:
            began = time.monotonic()
            try:
                cursor = connection.execute(statement)
                rows = [] if cursor.description is None else cursor.fetchall()
                answers.append(
                    {"statement": statement, "code": "", "message": "", "rows": [[str(value)[:200] for value in row] for row in rows[:5]]}
                )
            except Exception as error:
                answers.append(_failed(statement, error))
            if time.monotonic() - began > SECONDS / 4:
                answers[-1]["code"] = "surprise"
                answers[-1]["message"] += f" (after {time.monotonic() - began:.0f} s)"
    return answers


def _failed(statement: str, error: Exception) -> dict[str, Any]:
    from sqlml.errors import Error, InternalError

    is_ours = isinstance(error, Error) and not isinstance(error, InternalError)
    code = getattr(error, "code", "") if is_ours else "surprise"
    return {"statement": statement, "code": code, "message": f"{type(error).__name__}: {error}"[:3000], "rows": []}


def _memory(name: str) -> int:
    """Of this process, in KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise OSError(f"no {name}")


if __name__ == "__main__":
    main()
