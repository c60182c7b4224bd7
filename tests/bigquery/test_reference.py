"""The documentation of the BigQuery flavour: it is what the table says, and its examples hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from bigquery_values import connect, value_of

import sqlml
from sqlml.bigquery.constructs import EXPRESSIONS, QUERIES, REFUSED, STATEMENTS, TYPES, Construct, Refused
from sqlml.bigquery.reference import reference
from sqlml.bigquery.table import TRANSLATIONS
from sqlml.bigquery.translate import Context, translate
from sqlml.bigquery.types import DUCKDB_TYPES

DOCUMENT = Path(__file__).parents[2] / "docs" / "bigquery.md"
CONSTRUCTS = [*QUERIES, *EXPRESSIONS, *STATEMENTS]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    opened = connect()
    yield opened
    opened.close()


def test_the_document_is_what_the_table_says() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == reference(), "python -m sqlml.bigquery.reference docs/bigquery.md"


def test_every_function_is_in_the_document() -> None:
    text = reference()
    assert [name for name in TRANSLATIONS if f"`{name}" not in text and f" {name}" not in text] == []


@pytest.mark.parametrize("construct", [one for one in CONSTRUCTS if one.example is not None], ids=lambda one: one.name)
def test_the_value_of_an_example(construct: Construct, connection: duckdb.DuckDBPyConnection) -> None:
    assert construct.example is not None
    assert value_of(f"{construct.example.sql}\n", connection) == construct.example.value


@pytest.mark.parametrize("construct", [one for one in CONSTRUCTS if one.statements], ids=lambda one: one.name)
def test_statements_run(construct: Construct, connection: duckdb.DuckDBPyConnection) -> None:
    for statement in construct.statements:
        connection.execute(translate(statement, Context()))
        assert sqlml.check(statement) == []


@pytest.mark.parametrize("refused", REFUSED, ids=lambda one: one.name)
def test_what_is_refused(refused: Refused) -> None:
    codes = {problem.code for problem in sqlml.check(refused.example)}
    assert codes
    assert codes <= {"construct_not_supported", "statement_not_supported", "clause_not_supported", "unknown_function"}


@pytest.mark.parametrize(("bigquery", "duckdb_name"), [(name, to) for name, to, _ in TYPES if name in DUCKDB_TYPES])
def test_types_are_those_of_the_table(bigquery: str, duckdb_name: str) -> None:
    assert DUCKDB_TYPES[bigquery] == duckdb_name
