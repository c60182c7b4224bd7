"""PEP 249: what the module itself must have."""

from __future__ import annotations

import datetime
import time

import pytest

import sqlml


def test_globals() -> None:
    assert sqlml.apilevel == "2.0"
    assert sqlml.threadsafety == 1
    assert sqlml.paramstyle == "qmark"
    assert callable(sqlml.connect)


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("Warning", Exception), ("Error", Exception), ("InterfaceError", "Error"), ("DatabaseError", "Error"),
        ("DataError", "DatabaseError"),
        ("OperationalError", "DatabaseError"), ("IntegrityError", "DatabaseError"), ("InternalError", "DatabaseError"),
        ("ProgrammingError", "DatabaseError"), ("NotSupportedError", "DatabaseError"),
    ],
)  # fmt: skip
def test_exception_hierarchy(name: str, base: str | type) -> None:
    error = getattr(sqlml, name)
    assert error.__bases__ == (getattr(sqlml, base) if isinstance(base, str) else base,)
    assert not issubclass(sqlml.Warning, sqlml.Error)
    assert getattr(sqlml.Connection, name) is error


@pytest.mark.parametrize(
    ("type_object", "equal", "different"),
    [
        (sqlml.STRING, ["VARCHAR", "ENUM('a', 'b')", "UUID"], ["BIGINT", "VARCHAR[]", "BLOB"]),
        (sqlml.NUMBER, ["BIGINT", "DOUBLE", "DECIMAL(18,3)", "UHUGEINT", "FLOAT"], ["VARCHAR", "BOOLEAN", "DOUBLE[]", "DATE"]),
        (sqlml.DATETIME, ["DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIME", "TIMESTAMP_NS"], ["VARCHAR", "INTERVAL", "INTEGER"]),
        (sqlml.BINARY, ["BLOB"], ["VARCHAR", "BIT"]),
        (sqlml.ROWID, [], ["BIGINT", "VARCHAR", "BLOB"]),
    ],
)
def test_type_objects(type_object: object, equal: list[str], different: list[str]) -> None:
    for name in equal:
        assert type_object == name
        assert name == type_object
    for name in different:
        assert type_object != name
        assert name != type_object


def test_type_objects_differ_from_each_other() -> None:
    objects = [sqlml.STRING, sqlml.NUMBER, sqlml.DATETIME, sqlml.BINARY, sqlml.ROWID]
    assert [[one == other for other in objects] for one in objects] == [[i == j for j in range(5)] for i in range(5)]
    assert repr(sqlml.STRING) == "sqlml.STRING"


def test_constructors() -> None:
    assert sqlml.Date(2026, 2, 3) == datetime.date(2026, 2, 3)
    assert sqlml.Time(4, 5, 6) == datetime.time(4, 5, 6)
    assert sqlml.Timestamp(2026, 2, 3, 4, 5, 6) == datetime.datetime(2026, 2, 3, 4, 5, 6)
    assert sqlml.Binary(b"ab") == b"ab"
    ticks = time.mktime((2026, 2, 3, 4, 5, 6, 0, 0, -1))
    assert sqlml.DateFromTicks(ticks) == datetime.date(2026, 2, 3)
    assert sqlml.TimeFromTicks(ticks) == datetime.time(4, 5, 6)
    assert sqlml.TimestampFromTicks(ticks) == datetime.datetime(2026, 2, 3, 4, 5, 6)


def test_version_is_a_string() -> None:
    assert sqlml.__version__[0].isdigit()
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        sqlml.nothing_of_this_name  # noqa: B018


def test_all_names_exist() -> None:
    assert all(hasattr(sqlml, name) for name in sqlml.__all__)


def test_callproc_and_nextset_are_absent() -> None:
    assert not hasattr(sqlml.Cursor, "callproc")
    assert not hasattr(sqlml.Cursor, "nextset")
