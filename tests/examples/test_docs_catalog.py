"""docs/catalog.md is one session: its blocks run one after another on birds.duckdb, each in a process of its own, and give what it shows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import sqlml
from sqlml.settings import SETTINGS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "catalog.md").read_text(encoding="utf-8")
_BLOCK = re.compile(
    r"^```(sql|python)\n(.*?)^```\n\n```text\n(.*?)^```$|^```console\n\$ (sqlml [^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
_CHANGING = (
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?"), "<time>"),
    (re.compile(r" in \d+\.\d+ s\b"), " in some seconds"),
    (re.compile(r"\b[0-9a-f]{16,64}\b"), "<hash>"),
    (re.compile(r"(?<=exported to )\S+"), "<folder>"),
    (re.compile(r"\b\d+(?:\.\d+)? [kM]?B\b"), "<size>"),
)
"""What another run, another machine or another release of the engine gives otherwise, and no reader relies on."""


@dataclass(frozen=True)
class Block:
    command: list[str]
    typed: str | None
    """What comes on standard input."""
    shown: str


def blocks(text: str) -> list[Block]:
    """In the order of the text."""
    found = []
    for language, code, shown, command, answer in _BLOCK.findall(text):
        if command:
            found.append(Block([sys.executable, "-m", *command.split()], None, answer))
        elif language == "python":
            found.append(Block([sys.executable, "-c", code], None, shown))
        else:
            found.append(Block([sys.executable, "-m", "sqlml", "--no-progress", "birds.duckdb"], code, shown))
    return found


def run(block: Block, folder: Path) -> str:
    """What a terminal shows: rows, and what is said beside them."""
    done = subprocess.run(
        block.command, input=block.typed, cwd=folder, text=True, encoding="utf-8", check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL if block.typed is None else None,
    )  # fmt: skip
    return done.stdout


def lasting(text: str) -> str:
    """The text without what changes, and without the widths of columns that follow from it."""
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return re.sub(r"[ ─]+", " ", text)


BLOCKS = blocks(TEXT)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What every block gives, run in order: a block builds on those before it."""
    folder = tmp_path_factory.mktemp("catalog")
    shutil.copytree(ROOT / "sql_examples", folder / "sql_examples")
    return [run(block, folder) for block in BLOCKS]


def test_every_block_shows_its_output():
    assert len(BLOCKS) == len(re.findall(r"^```(?:sql|python)$|^```console\n\$ sqlml ", TEXT, re.MULTILINE)) >= 15


def test_every_view_is_there_with_its_columns():
    shown = {
        name: re.findall(r"`(\w+)`", columns)
        for name, columns in re.findall(r"^\| `(\w+)` \| (`schema_name`.*|`\w+_.*) \|$", TEXT, re.MULTILINE)
    }
    with sqlml.connect(":memory:") as connection:
        connection.execute("CREATE MODEL m OPTIONS (model_type = 'KMEANS', num_clusters = 2) AS SELECT range AS x FROM range(9)")
        columns = connection.execute(
            "SELECT table_name, column_name FROM duckdb_columns() INNER JOIN duckdb_views() AS v ON table_name = view_name AND v.schema_name = 'sqlml' "
            "WHERE NOT v.internal ORDER BY column_index"
        ).fetchall()
    found: dict[str, list[str]] = {}
    for view, column in columns:
        found.setdefault(view, []).append(column)
    assert shown == found


def test_every_setting_is_there_as_it_is_declared():
    shown = re.findall(r"^\| `(\w+)` \| `[^`]*` \| (.*) \|$", TEXT, re.MULTILINE)
    assert shown == [(setting.name, setting.doc) for setting in SETTINGS.values()]


@pytest.mark.parametrize("n", range(len(BLOCKS)))
def test_a_block_gives_what_is_shown(n, outputs):
    assert lasting(outputs[n]) == lasting(BLOCKS[n].shown)
