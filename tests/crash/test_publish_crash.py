"""A process killed while it publishes: the version is there, whole, or it is not there at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from catalog_samples import arrays, assert_same_arrays, key, record

from sqlml.catalog.store import Catalog
from sqlml.engines.duckdb import open_engine

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forks with SIGKILL")
ROOT = Path(__file__).parents[2]


def kill_publishers(template: Path, folder: Path, statements: range, n_moments: int) -> list[tuple[Path, bool]]:
    """The written copies, and whether each writer was killed."""
    program = Path(__file__).with_name("_publish_and_die.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    done = subprocess.run(
        [sys.executable, str(program), str(template), str(folder), str(n_moments), *map(str, statements)],
        env=environment, capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    lines = [line.split() for line in done.stdout.splitlines()]
    return [(folder / name, what == "killed") for name, what in lines]


@pytest.mark.parametrize("has_model", [True, False])
def test_a_killed_publisher_leaves_a_whole_version_or_none(tmp_path: Path, has_model: bool) -> None:
    template = tmp_path / "template.duckdb"
    engine = open_engine(template)
    if has_model:
        Catalog(engine).publish(key(database="template"), record(seed=1), arrays())
    engine.close()

    outcomes = set()
    copies = kill_publishers(template, tmp_path, statements=range(1, 30, 3) if has_model else range(1, 60, 4), n_moments=4)
    for path, was_killed in copies:
        engine = open_engine(path)
        catalog = Catalog(engine)
        place = key(database=path.stem)
        info = catalog.find(place)
        n_before = int(has_model)
        n_versions = 0 if info is None else info.n_versions
        assert n_versions in (n_before, n_before + 1)
        is_published = n_versions == n_before + 1
        assert is_published or was_killed
        outcomes.add((was_killed, is_published))
        if info is None:
            assert engine.rows("SELECT 1 FROM duckdb_schemas() WHERE schema_name = 'sqlml'") == []
        else:
            stored = catalog.load(place)
            assert stored.record.seed == (2 if is_published else 1)
            assert_same_arrays(stored.arrays, arrays(50.0 if is_published else 1.0))
            for table in ("_versions", "_metrics", "_iterations", "_features", "_sources", "_state"):
                assert engine.rows(f"SELECT count(DISTINCT (model_id, version)) FROM sqlml.{table}") == [(n_versions,)]
        assert catalog.publish(place, record(), arrays(), replace=True) == n_versions + 1
        engine.close()
    # The kills fall on both sides of the commit.
    assert (True, False) in outcomes
    assert {is_published for _, is_published in outcomes} == {True, False}
