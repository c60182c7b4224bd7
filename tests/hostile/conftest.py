"""A copy of a database with a model of every kind, a process that is attacked by it, and a folder that nobody may touch."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import sample_models
from forging import WIRES, Tripwire
from victim import Victim


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
