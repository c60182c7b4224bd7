"""A session on a database file, and the tables that the tests of the whole road use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlml.session.session import Session, open_session

DATA = Path(__file__).parents[2] / "sql_examples" / "data"
Run = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened = open_session(str(tmp_path / "test.duckdb"))
    opened.run(f"CREATE TABLE penguins AS FROM read_csv('{DATA / 'penguins.csv'}')")
    opened.run(f"CREATE VIEW census AS FROM read_parquet('{DATA / 'census_adult_income.parquet'}')")
    yield opened
    opened.close()


@pytest.fixture
def run(session: Session) -> Run:
    """Runs a text and gives all rows of its last statement."""

    def rows(text: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        outcome = session.run(text, parameters)
        found: list[tuple[Any, ...]] = []
        while part := session.fetch(outcome, 10_000):
            found += part
        return found

    return rows
