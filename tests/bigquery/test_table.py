"""Every row of the table of translations: its examples give BigQuery's documented values on DuckDB."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from bigquery_values import connect, value_of

from sqlml.bigquery.table import TOPICS, TRANSLATIONS
from sqlml.bigquery.translate import Context, translate
from sqlml.bigquery.translation import Example, Translation
from sqlml.errors import Error

ROWS = [row for rows in TOPICS.values() for row in rows]
CASES = [pytest.param(example, id=f"{row.name}: {example.sql}") for row in ROWS for example in row.examples]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    opened = connect()
    yield opened
    opened.close()


@pytest.mark.parametrize("example", CASES)
def test_the_documented_value(example: Example, connection: duckdb.DuckDBPyConnection) -> None:
    assert value_of(example.sql, connection) == example.value


def test_every_name_stands_once() -> None:
    assert len(TRANSLATIONS) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_has_an_example_and_counts_its_arguments(row: Translation) -> None:
    assert row.examples
    assert row.name in row.signature
    with pytest.raises(Error) as caught:
        translate(f"SELECT {row.name}({', '.join(['x'] * (row.arity[1] + 1))})", Context())
    assert caught.value.code == "function_argument"
    assert caught.value.span is not None
