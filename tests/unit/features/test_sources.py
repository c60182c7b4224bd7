"""Which types are features, what they become, and what a feature takes at prediction."""

from __future__ import annotations

import pytest

from sqlml.errors import DataError
from sqlml.features.sources import Shape, Source, accepts, find_sources, given_type, shape
from sqlml.types import Column, SqlType, stored_type


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DECIMAL(10,2)", Shape.NUMBER), ("VARCHAR", Shape.CATEGORY), ("TIMESTAMP", Shape.TIMESTAMP),
        ("DOUBLE[]", Shape.VECTOR), ("FLOAT[768]", Shape.VECTOR), ("DECIMAL(3,1)[]", Shape.VECTOR),
        ("VARCHAR[]", Shape.MULTI_HOT), ("BOOLEAN[]", Shape.MULTI_HOT), ("DATE[2]", Shape.MULTI_HOT), ("BLOB[]", Shape.MULTI_HOT),
        ("TIMESTAMP[]", Shape.MULTI_HOT), ("TIMESTAMP WITH TIME ZONE[]", None), ("ENUM('a]', 'b')[]", Shape.MULTI_HOT),
        ("STRUCT(i BIGINT, v DOUBLE)[]", Shape.SPARSE), ('STRUCT("a b" UTINYINT, "c,d" DECIMAL(3,1))[]', Shape.SPARSE),
        ("TUPLE(INTEGER, FLOAT)[]", Shape.SPARSE),
        ("STRUCT(i DOUBLE, v DOUBLE)[]", None), ("STRUCT(i BIGINT, v VARCHAR)[]", None), ("STRUCT(i BIGINT)[]", None),
        ("STRUCT(a BIGINT)", None), ("DOUBLE[][]", None), ("MAP(INTEGER, INTEGER)", None), ("INTERVAL", None),
    ],
)  # fmt: skip
def test_shapes(name: str, expected: Shape | None) -> None:
    assert shape(SqlType(name)) is expected


def test_structs_are_expanded_one_level() -> None:
    columns = [Column("s", SqlType('STRUCT(x INTEGER, "b c" VARCHAR, e DOUBLE[])')), Column("y", SqlType("DATE"))]
    sources = find_sources(columns)
    assert [(source.name, source.type.name) for source in sources] == [
        ("s_x", "INTEGER"), ("s_b c", "VARCHAR"), ("s_e", "DOUBLE[]"), ("y", "DATE"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "code", "text"),
    [
        ({"s": "STRUCT(a STRUCT(b INTEGER))"}, "feature_type", "field a of column s is a struct itself"),
        ({"s": "TUPLE(INTEGER, INTEGER)"}, "feature_type", "without names"),
        ({"s": "STRUCT(a MAP(INTEGER, INTEGER))"}, "feature_type", "has type MAP"),
        ({"m": "MAP(INTEGER, INTEGER)"}, "feature_type", "cannot be a feature"),
        ({"s": "STRUCT(a INTEGER)", "S_A": "INTEGER"}, "duplicate_feature", "column S_A"),
        ({"s_a": "STRUCT(b INTEGER)", "s": "STRUCT(a_b INTEGER)"}, "duplicate_feature", "field"),
    ],
)
def test_what_cannot_be_a_feature(columns: dict[str, str], code: str, text: str) -> None:
    with pytest.raises(DataError, match=text) as caught:
        find_sources([Column(name, SqlType(type_)) for name, type_ in columns.items()])
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("trained", "given", "accepted"),
    [
        ("DOUBLE", "INTEGER", True), ("DOUBLE", "VARCHAR", False), ("TIMESTAMP", "DATE", True), ("DATE", "TIMESTAMP", False),
        ("DOUBLE[]", "INTEGER[3]", True), ("DOUBLE[]", "VARCHAR[]", False), ("DOUBLE[]", "DOUBLE", False), ("DOUBLE[]", '"NULL"[]', True),
        ("VARCHAR[]", "ENUM('a')[]", True), ("VARCHAR[]", "DATE[]", False), ("VARCHAR[]", '"NULL"', True),
        ("STRUCT(i BIGINT, v DOUBLE)[]", "STRUCT(a INTEGER, b FLOAT)[]", True),
        ("STRUCT(i BIGINT, v DOUBLE)[]", "STRUCT(a DOUBLE, b FLOAT)[]", False),
        ("STRUCT(a INTEGER, b VARCHAR)", "STRUCT(c DATE, B VARCHAR, A DOUBLE)", True),
        ("STRUCT(a INTEGER, b VARCHAR)", "STRUCT(a INTEGER)", False), ("STRUCT(a INTEGER)", "INTEGER", False),
    ],
)  # fmt: skip
def test_types_at_prediction(trained: str, given: str, accepted: bool) -> None:
    assert accepts(SqlType(trained), SqlType(given)) is accepted


def test_a_field_has_the_type_that_it_has_in_the_input() -> None:
    struct = SqlType("STRUCT(c DATE, A BIGINT, t DATE)")
    assert given_type(SqlType("DOUBLE"), struct, "a").name == "BIGINT"
    assert given_type(SqlType("TIMESTAMP"), struct, "T").name == "TIMESTAMP"
    assert given_type(SqlType("DOUBLE"), SqlType('"NULL"'), "a").name == '"NULL"'
    assert given_type(SqlType("DOUBLE"), SqlType('"NULL"'), "").name == "DOUBLE"
    assert Source("s", "a", SqlType('"NULL"')).sql == "NULL"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DECIMAL(18,3)", "DECIMAL(18,3)"), ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH TIME ZONE"), ("FLOAT[768]", "FLOAT[768]"),
        ('STRUCT(a INTEGER, "b""c, d" DOUBLE[])[]', 'STRUCT("a" INTEGER, "b""c, d" DOUBLE[])[]'),
        ("INTEGER); DROP TABLE t; --", None), ("STRUCT(a INTEGER); DROP TABLE t; --)", None), ('STRUCT("a INTEGER)', None),
        ("STRUCT(a INTEGER, b)", None), ("STRUCT()", None), ("[]", None), ("ENUM('a')", None), ("MAP(INTEGER, INTEGER)", None),
        ("(SELECT 1)", None), ("STRUCT(a (SELECT 1))", None), ("INTEGER[](SELECT 1)", None), ("a" * 200_000, None),
        ("STRUCT(a " * 50 + "INTEGER" + ")" * 50, None),
    ],
)  # fmt: skip
def test_stored_types_are_put_together_anew_or_refused(name: str, expected: str | None) -> None:
    found = stored_type(name)
    assert (found and found.name) == expected
