"""Every SQL and Python block of the README runs, and gives what the README shows below it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(sql|python)\n(.*?)^```\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [found.groups() for found in BLOCK.finditer((ROOT / "README.md").read_text(encoding="utf-8"))]


@pytest.fixture
def project(tmp_path):
    shutil.copytree(ROOT / "sql_examples", tmp_path / "sql_examples")
    return tmp_path


def timeless(text: str) -> str:
    """The text without the seconds that training took."""
    return re.sub(r" in \d+\.\d+ s\b", " in some seconds", text)


def test_every_block_shows_its_output():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(BLOCKS) == len(re.findall(r"^```(?:sql|python)$", text, re.MULTILINE)) >= 3


@pytest.mark.parametrize(("language", "code", "shown"), BLOCKS, ids=[f"{language}-{n}" for n, (language, *_) in enumerate(BLOCKS)])
def test_a_block_gives_what_is_shown(language, code, shown, project):
    command = [sys.executable, "-c", code] if language == "python" else [sys.executable, "-m", "sqlml", "--no-progress"]
    done = subprocess.run(
        command, input=None if language == "python" else code, cwd=project, text=True, encoding="utf-8", check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,  # what a terminal shows: rows, and what is said beside them
    )  # fmt: skip
    assert timeless(done.stdout) == timeless(shown)
