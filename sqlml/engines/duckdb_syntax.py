"""What DuckDB's parser says of a text, without a database."""

from __future__ import annotations

import duckdb

from sqlml.engines.duckdb_errors import translated
from sqlml.errors import Error


def syntax_error(statement: str) -> Error | None:
    """What is wrong with a statement, its place in the statement; None where the parser takes it."""
    with duckdb.connect(":memory:") as connection:
        try:
            connection.extract_statements(statement)
        except duckdb.Error as error:
            return translated(error, statement)
    return None
