"""A copy of a database with a model of every kind, a process that is attacked by it, and a folder that nobody may touch."""

from __future__ import annotations

import collections
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import sample_models
from forging import WIRES, Tripwire
from victim import Victim

EVERY = 20
"""Of the cases of one attack, one in so many is tried by default: each takes a second, and there are hundreds. SQLML_ALL_ATTACKS=1 tries all."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("SQLML_ALL_ATTACKS"):
        return
    here = Path(__file__).parent
    seen: collections.Counter[str] = collections.Counter()
    left_out = []
    for item in items:
        if item.path.parent == here and isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            name = f"{item.path.name}::{item.originalname}"
            if seen[name] % EVERY:
                left_out.append(item)
            seen[name] += 1
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "sample.duckdb"
    sample_models.make(path)
    return path


@pytest.fixture
def database(sample: Path, tmp_path: Path) -> Path:
    path = tmp_path / "hostile.duckdb"
    shutil.copyfile(sample, path)
    return path


@pytest.fixture(scope="session")
def victim() -> Iterator[Victim]:
    started = Victim()
    yield started
    started.close()


@pytest.fixture
def secret(tmp_path: Path) -> Iterator[Path]:
    """A folder with a file `secret.csv`; the test fails when anybody has touched it."""
    folder = tmp_path / "secret"
    folder.mkdir()
    (folder / "secret.csv").write_text("a,b\nTOPSECRET,2\n")
    wire = WIRES[folder] = Tripwire(folder)
    yield folder
    touched = wire.touched()
    wire.close()
    assert touched == []
