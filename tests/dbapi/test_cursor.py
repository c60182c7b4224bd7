"""PEP 249: cursors, rows and what is known about them."""

from __future__ import annotations

import importlib.util

import pyarrow as pa
import pytest

import sqlml


def test_execute_gives_the_cursor_back(cursor: sqlml.Cursor) -> None:
    assert cursor.execute("SELECT 1") is cursor


def test_fetchone(cursor: sqlml.Cursor) -> None:
    cursor.execute("SELECT id, name FROM birds ORDER BY id")
    assert cursor.fetchone() == (1, "adelie")
    assert cursor.fetchone() == (2, "gentoo")
    assert cursor.fetchone() == (3, "chinstrap")
    assert cursor.fetchone() is None
    assert cursor.fetchone() is None


def test_fetchmany(cursor: sqlml.Cursor) -> None:
    cursor.execute("SELECT id FROM birds ORDER BY id")
    assert cursor.fetchmany() == [(1,)]  # arraysize is 1
    assert cursor.fetchmany(0) == []
    assert cursor.fetchmany(5) == [(2,), (3,)]
    assert cursor.fetchmany(5) == []
    cursor.arraysize = 2
    cursor.execute("SELECT id FROM birds ORDER BY id")
    assert cursor.fetchmany() == [(1,), (2,)]


@pytest.mark.parametrize("size", [-1, 1.5, "2"])
def test_fetchmany_of_nonsense(cursor: sqlml.Cursor, size: object) -> None:
    cursor.execute("SELECT 1")
    with pytest.raises(sqlml.InterfaceError) as caught:
        cursor.fetchmany(size)  # type: ignore[arg-type]
    assert caught.value.code == "fetch_size"


def test_fetches_follow_each_other(cursor: sqlml.Cursor) -> None:
    cursor.execute("SELECT range FROM range(5000) ORDER BY range")
    assert cursor.fetchone() == (0,)
    assert cursor.fetchmany(3) == [(1,), (2,), (3,)]
    assert next(iter(cursor)) == (4,)
    assert cursor.rownumber == 5
    assert cursor.fetchmany(2000) == [(number,) for number in range(5, 2005)]
    assert cursor.fetchone() == (2005,)
    assert cursor.fetchall() == [(number,) for number in range(2006, 5000)]
    assert cursor.fetchall() == []
    assert cursor.rownumber == 5000


def test_iteration(cursor: sqlml.Cursor) -> None:
    assert list(cursor.execute("SELECT range FROM range(3) ORDER BY range")) == [(0,), (1,), (2,)]
    assert iter(cursor) is cursor


def test_description(cursor: sqlml.Cursor) -> None:
    assert cursor.connection.cursor().description is None
    cursor.execute("SELECT id, name, mass, [id] AS ids FROM birds WHERE false")
    assert cursor.description is not None
    assert all(len(column) == 7 and column[2:] == (None,) * 5 for column in cursor.description)
    assert [column[0] for column in cursor.description] == ["id", "name", "mass", "ids"]
    assert [column[1] for column in cursor.description] == ["INTEGER", "VARCHAR", "DOUBLE", "INTEGER[]"]
    assert [column[1] == sqlml.NUMBER for column in cursor.description] == [True, False, True, False]
    assert cursor.description[1][1] == sqlml.STRING
    cursor.execute("CREATE TABLE other (x INTEGER)")
    assert cursor.description is None


def test_rowcount(cursor: sqlml.Cursor) -> None:
    assert cursor.connection.cursor().rowcount == -1
    assert cursor.execute("INSERT INTO birds VALUES (4, 'emperor', 1), (5, 'king', 2)").rowcount == 2
    assert cursor.execute("UPDATE birds SET mass = 0").rowcount == 5
    assert cursor.execute("DELETE FROM birds WHERE id > 3").rowcount == 2
    assert cursor.execute("DELETE FROM birds WHERE false").rowcount == 0
    assert cursor.execute("SELECT * FROM birds").rowcount == -1
    assert cursor.execute("CREATE TABLE other (x INTEGER)").rowcount == -1


def test_rownumber_lastrowid_and_sizes(cursor: sqlml.Cursor) -> None:
    assert cursor.rownumber is None
    cursor.execute("SELECT * FROM birds")
    assert cursor.rownumber == 0
    cursor.fetchmany(2)
    assert cursor.rownumber == 2
    assert cursor.lastrowid is None
    cursor.setinputsizes([None])
    cursor.setoutputsize(10)
    cursor.setoutputsize(10, 1)


@pytest.mark.parametrize("fetch", ["fetchone", "fetchmany", "fetchall", "arrow", "df", "pl", "__next__"])
def test_fetch_without_a_result(cursor: sqlml.Cursor, fetch: str) -> None:
    unused = cursor.connection.cursor()
    for without in (
        unused,
        cursor.execute("CREATE TABLE other (x INTEGER)"),
        cursor.execute("INSERT INTO other VALUES (1)"),
        cursor.execute(""),
    ):
        with pytest.raises(sqlml.InterfaceError) as caught:
            getattr(without, fetch)()
        assert caught.value.code == "no_result"
        assert caught.value.hint


def test_a_failed_execute_leaves_no_result(cursor: sqlml.Cursor) -> None:
    cursor.execute("SELECT 1")
    with pytest.raises(sqlml.Error):
        cursor.execute("SELECT * FROM nowhere")
    assert cursor.description is None
    with pytest.raises(sqlml.InterfaceError):
        cursor.fetchall()


def test_a_result_stays_readable_while_another_cursor_works(connection: sqlml.Connection) -> None:
    one = connection.execute("SELECT range FROM range(100000) ORDER BY range")
    assert one.fetchone() == (0,)
    other = connection.execute("SELECT 'x'")
    connection.execute("CREATE TABLE t AS SELECT 1 AS x")
    assert len(one.fetchall()) == 99_999
    assert other.fetchall() == [("x",)]


def test_the_last_of_several_statements_gives_the_rows(connection: sqlml.Connection) -> None:
    cursor = connection.execute("CREATE TABLE t AS SELECT 1 AS x; SELECT 'no'; INSERT INTO t VALUES (2); SELECT x FROM t ORDER BY x;")
    assert cursor.fetchall() == [(1,), (2,)]


def test_statements_before_an_error_stay_done(connection: sqlml.Connection) -> None:
    text = "CREATE TABLE t AS SELECT 1 AS x;\nSELECT 1 +\n  y FROM t;\nDROP TABLE t"
    with pytest.raises(sqlml.Error) as caught:
        connection.execute(text)
    assert (caught.value.line, caught.value.column) == (3, 3)
    assert "^" in str(caught.value)
    assert connection.execute("FROM t").fetchall() == [(1,)]


def test_values_come_as_python_values(connection: sqlml.Connection) -> None:
    import datetime
    import decimal

    row = connection.execute(
        "SELECT 1, 1.5::DOUBLE, 'a', NULL, true, DATE '2026-01-02', TIMESTAMP '2026-01-02 03:04:05', 1.50::DECIMAL(4,2), "
        "[1, 2], {'a': 1}, 'x'::BLOB, [{'label': 'yes', 'prob': 0.5::DOUBLE}]"
    ).fetchone()
    assert row == (
        1, 1.5, "a", None, True, datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, 3, 4, 5), decimal.Decimal("1.50"),
        [1, 2], {"a": 1}, b"x", [{"label": "yes", "prob": 0.5}],
    )  # fmt: skip
    assert isinstance(row[4], bool)


def test_arrow(cursor: sqlml.Cursor) -> None:
    table = cursor.execute("SELECT id, name FROM birds ORDER BY id").arrow()
    assert isinstance(table, pa.Table)
    assert table.to_pydict() == {"id": [1, 2, 3], "name": ["adelie", "gentoo", "chinstrap"]}
    assert cursor.rownumber == 3
    assert cursor.fetchall() == []
    empty = cursor.execute("SELECT id FROM birds WHERE false").arrow()
    assert empty.schema.names == ["id"]
    assert empty.num_rows == 0


@pytest.mark.parametrize("take", ["arrow", "df", "pl"])
def test_arrow_after_a_fetch_says_so(cursor: sqlml.Cursor, take: str) -> None:
    cursor.execute("SELECT * FROM birds").fetchone()
    with pytest.raises(sqlml.InterfaceError) as caught:
        getattr(cursor, take)()
    assert caught.value.code == "rows_already_fetched"
    assert len(cursor.fetchall()) == 2


def test_df(cursor: sqlml.Cursor) -> None:
    frame = cursor.execute("SELECT id, mass FROM birds ORDER BY id").df()
    assert list(frame.columns) == ["id", "mass"]
    assert frame["id"].tolist() == [1, 2, 3]
    assert frame["mass"].isna().tolist() == [False, True, False]


def test_pl(cursor: sqlml.Cursor) -> None:
    polars = pytest.importorskip("polars")
    frame = cursor.execute("SELECT id, name FROM birds ORDER BY id").pl()
    assert isinstance(frame, polars.DataFrame)
    assert frame["name"].to_list() == ["adelie", "gentoo", "chinstrap"]


@pytest.mark.parametrize(("take", "package"), [("df", "pandas"), ("pl", "polars")])
def test_a_missing_package_is_named_and_rows_are_kept(
    cursor: sqlml.Cursor, monkeypatch: pytest.MonkeyPatch, take: str, package: str
) -> None:
    monkeypatch.setattr("sqlml.dbapi.cursor.find_spec", lambda name: None if name == package else importlib.util.find_spec(name))
    cursor.execute("SELECT id FROM birds")
    with pytest.raises(sqlml.NotSupportedError) as caught:
        getattr(cursor, take)()
    assert caught.value.code == "missing_package"
    assert caught.value.hint == f"pip install {package}"
    assert len(cursor.fetchall()) == 3


def test_close_and_context_manager(cursor: sqlml.Cursor) -> None:
    with cursor as same:
        assert same is cursor
        cursor.execute("SELECT 1")
    uses = [cursor.fetchone, cursor.fetchmany, cursor.fetchall, cursor.arrow, cursor.__enter__, lambda: cursor.execute("SELECT 1"),
            lambda: cursor.executemany("SELECT 1", []), lambda: next(cursor), lambda: cursor.setoutputsize(1)]  # fmt: skip
    for use in uses:
        with pytest.raises(sqlml.InterfaceError) as caught:
            use()
        assert caught.value.code == "closed"
    cursor.close()
    assert cursor.connection.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.parametrize("statement", [None, 1, b"SELECT 1", ["SELECT 1"]])
def test_a_statement_is_a_string(cursor: sqlml.Cursor, statement: object) -> None:
    with pytest.raises(sqlml.InterfaceError) as caught:
        cursor.execute(statement)  # type: ignore[arg-type]
    assert caught.value.code == "statement_type"
