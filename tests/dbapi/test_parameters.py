"""Values for `?`, `$1` and `$name`."""

from __future__ import annotations

import datetime

import pytest

import sqlml


@pytest.mark.parametrize(
    ("sql", "parameters", "row"),
    [
        ("SELECT ? + 1", [1], (2,)),
        ("SELECT ?, ?", (1, "a"), (1, "a")),
        ("SELECT $2, $1", ["a", "b"], ("b", "a")),
        ("SELECT $x * 2, $y", {"x": 4, "y": None}, (8, None)),
        ("SELECT ? = DATE '2026-01-02'", [sqlml.Date(2026, 1, 2)], (True,)),
        ("SELECT ?", [datetime.datetime(2026, 1, 2, 3)], (datetime.datetime(2026, 1, 2, 3),)),
        ("SELECT ?", [sqlml.Binary(b"\x00a")], (b"\x00a",)),
        ("SELECT ?", [[1, 2]], ([1, 2],)),
        ('SELECT \'?\', "$x", ? FROM (SELECT 1 AS "$x") -- ?', [5], ("?", 1, 5)),
        ("SELECT 1", [], (1,)),
        ("SELECT 1", None, (1,)),
    ],
)
def test_values_arrive(connection: sqlml.Connection, sql: str, parameters: object, row: tuple[object, ...]) -> None:
    assert connection.execute(sql, parameters).fetchall() == [row]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sql", "parameters", "code"),
    [
        ("SELECT ?", None, "missing_parameter"),
        ("SELECT ?", [], "missing_parameter"),
        ("SELECT ?, ?", [1], "missing_parameter"),
        ("SELECT $x", {}, "missing_parameter"),
        ("SELECT ?", [1, 2], "excess_parameter"),
        ("SELECT $x", {"y": 1}, "excess_parameter"),
        ("SELECT $x", [1], "excess_parameter"),
        ("SELECT 1", [1], "excess_parameter"),
        ("SELECT ?", [object()], "parameter_type"),
    ],
)
def test_the_wrong_number_names_or_values(connection: sqlml.Connection, sql: str, parameters: object, code: str) -> None:
    with pytest.raises(sqlml.ProgrammingError) as caught:
        connection.execute(sql, parameters)  # type: ignore[arg-type]
    assert caught.value.code == code


@pytest.mark.parametrize("parameters", ["a", b"a", 5, {1, 2}, object(), (value for value in [1])])
def test_parameters_of_the_wrong_type(connection: sqlml.Connection, parameters: object) -> None:
    with pytest.raises(sqlml.InterfaceError) as caught:
        connection.execute("SELECT ?", parameters)  # type: ignore[arg-type]
    assert caught.value.code == "parameters_type"
    assert "[value]" in str(caught.value.hint)


def test_executemany(cursor: sqlml.Cursor) -> None:
    cursor.executemany("INSERT INTO birds VALUES (?, ?, NULL)", [(4, "emperor"), (5, "king")])
    assert cursor.rowcount == 2
    assert cursor.description is None
    assert cursor.execute("SELECT count(*) FROM birds").fetchone() == (5,)
    cursor.executemany("DELETE FROM birds WHERE id = $id", iter([{"id": 4}, {"id": 5}, {"id": 6}]))
    assert cursor.rowcount == 2


def test_executemany_of_nothing(cursor: sqlml.Cursor) -> None:
    cursor.executemany("INSERT INTO birds VALUES (?, ?, NULL)", [])
    assert cursor.rowcount == 0


def test_executemany_drops_rows(cursor: sqlml.Cursor) -> None:
    cursor.executemany("SELECT ?", [[1], [2]])
    assert cursor.description is None
    with pytest.raises(sqlml.InterfaceError):
        cursor.fetchall()


@pytest.mark.parametrize("sets", ["abc", {"a": 1}, 5, [5], ["ab"]])
def test_executemany_of_the_wrong_type(cursor: sqlml.Cursor, sets: object) -> None:
    with pytest.raises(sqlml.InterfaceError) as caught:
        cursor.executemany("SELECT ?", sets)  # type: ignore[arg-type]
    assert caught.value.code == "parameters_type"
