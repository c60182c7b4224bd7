from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def sqlml(tmp_path: Path) -> Run:
    """Runs the command in a folder of its own, without a terminal."""

    def run(*arguments: str, stdin: str = "", cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "sqlml", *arguments],
            input=stdin,
            cwd=cwd,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def sqlml_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same in this process, which costs a tenth: for tests of what a command does, where `sqlml` is for how it starts and ends."""
    from sqlml.cli.main import main

    def run(*arguments: str, stdin: str = "", cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        out, err = io.StringIO(), io.StringIO()
        with monkeypatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            patch.chdir(cwd)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            try:
                code = int(main(list(arguments)))
            except SystemExit as ended:  # how argparse refuses
                code = int(ended.code or 0)
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    return run
