from __future__ import annotations

from collections.abc import Iterator

import pytest

import sqlml


@pytest.fixture
def connection() -> Iterator[sqlml.Connection]:
    with sqlml.connect() as connection:
        yield connection


@pytest.fixture
def cursor(connection: sqlml.Connection) -> sqlml.Cursor:
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE birds (id INTEGER, name VARCHAR, mass DOUBLE)")
    cursor.execute("INSERT INTO birds VALUES (1, 'adelie', 3700.5), (2, 'gentoo', NULL), (3, 'chinstrap', 3733.0)")
    return cursor
