"""A catalog in a database file called `db`, with a clock that the test moves."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import catalog_samples
import pytest

from sqlml.catalog.store import Catalog
from sqlml.engines.duckdb import DuckDBEngine, open_engine


class Clock:
    def __init__(self) -> None:
        self.time = catalog_samples.START

    def __call__(self) -> datetime.datetime:
        return self.time

    def advance(self, **duration: float) -> None:
        self.time += datetime.timedelta(**duration)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "db.duckdb"


@pytest.fixture
def engine(path: Path) -> Iterator[DuckDBEngine]:
    opened = open_engine(path)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalog(engine: DuckDBEngine, clock: Clock) -> Catalog:
    return Catalog(engine, now=clock, actor="tester")
