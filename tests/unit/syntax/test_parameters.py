"""Parameters and their places."""

from __future__ import annotations

import pytest

from sqlml.errors import ProgrammingError
from sqlml.source import Source, Span
from sqlml.syntax import find_parameters


def keys(sql: str, dialect: str = "duckdb") -> list[tuple[str, int | str]]:
    return [(sql[span.start : span.end], key) for span, key in find_parameters(Source(sql), None, dialect)]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT ?, x WHERE y = ?", [("?", 0), ("?", 1)]),
        ("SELECT $2, $1, ?3", [("$2", 1), ("$1", 0), ("?3", 2)]),
        ("SELECT $name, @other, $name", [("$name", "name"), ("@other", "other"), ("$name", "name")]),
        ("SELECT '?', \"$1\", `@x`, $$ ? $$ -- ?\n /* $1 */", []),
        ("SELECT * FROM ML.PREDICT(MODEL m@3, TABLE t), ML.EVALUATE(MODEL `a.b`@best) WHERE x > @x", [("@x", "x")]),
        ("SELECT * FROM ML.PREDICT(MODEL m@best, TABLE t, STRUCT(? AS threshold)) WHERE x = ?", [("?", 0), ("?", 1)]),
        ("SELECT @ -5, @(x), a <@ b, a@>b, x@y", []),
        ("SELECT a$1, a$b", []),
        ("SELECT x[$1:?2]", [("$1", 0), ("?2", 1)]),
        ("SELECT ?::INT+?", [("?", 0), ("?", 1)]),
        ("SELECT :name", []),
    ],
)
def test_parameters_of_duckdb(sql: str, expected: list[tuple[str, int | str]]) -> None:
    assert keys(sql) == expected


def test_parameters_of_bigquery() -> None:
    assert keys("SELECT @a, @@row_count, '@b', \"@c\", x<@d # @e", "bigquery") == [("@a", "a"), ("@d", "d")]


def test_parameters_of_a_part_count_from_its_start() -> None:
    assert find_parameters(Source("SELECT ?; SELECT 1, ?"), Span(10, 21)) == [(Span(20, 21), 0)]


def test_mixed_parameters() -> None:
    with pytest.raises(ProgrammingError) as caught:
        find_parameters(Source("SELECT ?, $2"))
    assert (caught.value.code, caught.value.span) == ("mixed_parameters", Span(10, 12))


def test_parameters_count_from_one() -> None:
    with pytest.raises(ProgrammingError) as caught:
        find_parameters(Source("SELECT $0"))
    assert (caught.value.code, caught.value.span) == ("syntax_error", Span(7, 9))
