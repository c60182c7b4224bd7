"""Tokens are exact: their spans cover all but white space and comments, and begin where DuckDB's own tokenizer says."""

from __future__ import annotations

import time

import duckdb
import pytest

from sqlml.errors import ProgrammingError
from sqlml.source import Span
from sqlml.syntax.tokens import TokenKind, match_brackets, scan, tokenize


def texts(sql: str, dialect: str = "duckdb") -> list[str]:
    return [token.text for token in tokenize(sql, dialect)]


def kinds(sql: str, dialect: str = "duckdb") -> list[tuple[str, str]]:
    return [(token.kind.name, token.text) for token in tokenize(sql, dialect)]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("`a.b-c d`.`e``f`", [("QUOTED", "`a.b-c d`"), ("SYMBOL", "."), ("QUOTED", "`e``f`")]),
        ("\ufeffSELECT 1", [("WORD", "SELECT"), ("NUMBER", "1")]),
        ("a\u00a0b\u3000c", [("WORD", "a"), ("WORD", "b"), ("WORD", "c")]),
        ("0x1F .5 5. 1_000 1e5 1.5E-3", [("NUMBER", n) for n in ["0x1F", ".5", "5.", "1_000", "1e5", "1.5E-3"]]),
        ("1a 1__0", [("NUMBER", "1"), ("WORD", "a"), ("NUMBER", "1__0")]),
        ("$$a;'b$$ $t$ $$ $t$", [("STRING", "$$a;'b$$"), ("STRING", "$t$ $$ $t$")]),
        ("a$$b", [("WORD", "a$$b")]),
        (r"E'a\'b' 'a''b' 'a\'", [("STRING", r"E'a\'b'"), ("STRING", "'a''b'"), ("STRING", r"'a\'")]),
        ("1 /* a /* b */ ' */ -- ' \n 2", [("NUMBER", "1"), ("NUMBER", "2")]),
        ("1 --x\r2", [("NUMBER", "1"), ("NUMBER", "2")]),
        ("? ?2 $1 $name @name", [("PARAMETER", p) for p in ["?", "?2", "$1", "$name", "@name"]]),
        (":name", [("SYMBOL", ":"), ("WORD", "name")]),
        ("m@3 m@best", [("WORD", "m"), ("SYMBOL", "@"), ("NUMBER", "3"), ("WORD", "m"), ("SYMBOL", "@"), ("WORD", "best")]),
        ("@-5 a <@b", [("SYMBOL", "@"), ("SYMBOL", "-"), ("NUMBER", "5"), ("WORD", "a"), ("SYMBOL", "<@"), ("WORD", "b")]),
        ("a=@b", [("WORD", "a"), ("SYMBOL", "="), ("PARAMETER", "@b")]),
        ("é 😀 a_1$", [("WORD", "é"), ("WORD", "😀"), ("WORD", "a_1$")]),
        ("{# x #}", [("SYMBOL", "{"), ("SYMBOL", "#"), ("WORD", "x"), ("SYMBOL", "#"), ("SYMBOL", "}")]),
        ("a=>b::c", [("WORD", "a"), ("SYMBOL", "=>"), ("WORD", "b"), ("SYMBOL", "::"), ("WORD", "c")]),
        ("\\ \x00", [("SYMBOL", "\\"), ("SYMBOL", "\x00")]),
    ],
)
def test_duckdb_lexemes(sql: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("'''a'b'''", [("STRING", "'''a'b'''")]),
        ('"""a"\n"b"""', [("STRING", '"""a"\n"b"""')]),
        ("'' \"\" 'x'", [("STRING", "''"), ("STRING", '""'), ("STRING", "'x'")]),
        (r"r'a\'b' B'x' rb'y'", [("STRING", r"r'a\'b'"), ("STRING", "B'x'"), ("STRING", "rb'y'")]),
        (r"'it\'s'", [("STRING", r"'it\'s'")]),
        ("`a.b`", [("QUOTED", "`a.b`")]),
        ("# a comment\n1", [("NUMBER", "1")]),
        ("1 /* a /* b */ 2", [("NUMBER", "1"), ("NUMBER", "2")]),
        ("@x @@row_count", [("PARAMETER", "@x"), ("SYMBOL", "@@"), ("WORD", "row_count")]),
        ("a<@b", [("WORD", "a"), ("SYMBOL", "<"), ("PARAMETER", "@b")]),
    ],
)
def test_bigquery_lexemes(sql: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(sql, "bigquery") == expected


@pytest.mark.parametrize(
    "sql",
    [
        "EXPLAIN SELECT * FROM ML.PREDICT(MODEL m, TABLE t)",
        "SELECT a[1:2], 'x''y', E'a\\'b', \"q\"\"r\", `b q` FROM t WHERE x >= 1.5e3 AND y<>.5",
        "PREPARE p AS SELECT 1; CALL f(x); SHOW TABLES",
        "SELECT $$a;b$$, $tag$ c $tag$, 0x1F, 1_000, 5. -- end",
        "SELECT map {'a': 1}, x -> x + 1, {'b': [1, 2]} /* c /* d */ */ FROM m@3",
    ],
)
def test_words_and_literals_begin_where_duckdb_says(sql: str) -> None:
    ours = {token.span.start for token in tokenize(sql) if token.kind not in {TokenKind.SYMBOL, TokenKind.PARAMETER}}
    kinds_of_duckdb = {str(kind).rsplit(".", 1)[-1] for _, kind in duckdb.tokenize(sql)}
    assert kinds_of_duckdb <= {"keyword", "identifier", "string_const", "numeric_const", "operator", "comment"}
    theirs = {start for start, kind in duckdb.tokenize(sql) if str(kind).rsplit(".", 1)[-1] not in {"operator", "comment"}}
    # DuckDB 2.0 reads 0x1F as 0 and x1F, and calls the dot of a path an identifier.
    odd = {start for start in theirs if sql[start - 1 : start + 1] == "0x" or (sql[start] == "." and not sql[start + 1].isdigit())}
    assert ours == theirs - odd


def test_spans_are_exact_and_count_from_the_start_of_the_text() -> None:
    sql = "SELECT /* x */ 'é' ,  1.5"
    for token in tokenize(sql):
        assert sql[token.span.start : token.span.end] == token.text
    part = tokenize(sql, span=Span(15, 18))
    assert [(token.text, token.span) for token in part] == [("'é'", Span(15, 18))]


@pytest.mark.parametrize(
    ("sql", "dialect", "place", "what"),
    [
        ("SELECT 'abc", "duckdb", (7, 8), "string"),
        ("SELECT 'a''b", "duckdb", (7, 8), "string"),
        (r"SELECT E'abc\'", "duckdb", (7, 9), "string"),
        ('SELECT "abc', "duckdb", (7, 8), "quoted name"),
        ("SELECT `abc", "duckdb", (7, 8), "quoted name"),
        ("SELECT $t$abc$", "duckdb", (7, 10), "dollar-quoted string"),
        ("SELECT 1 /* a /* b */", "duckdb", (9, 11), "comment"),
        ("SELECT 'abc\n'", "bigquery", (7, 8), "string"),
        ("SELECT '''abc''", "bigquery", (7, 10), "string"),
        (r"SELECT r'abc\'", "bigquery", (7, 9), "string"),
        ('SELECT "abc', "bigquery", (7, 8), "string"),
        ("SELECT /* abc", "bigquery", (7, 9), "comment"),
    ],
)
def test_what_does_not_end_is_reported_where_it_begins(sql: str, dialect: str, place: tuple[int, int], what: str) -> None:
    with pytest.raises(ProgrammingError) as caught:
        tokenize(sql, dialect)
    assert (caught.value.code, caught.value.span) == ("syntax_error", Span(*place))
    assert caught.value.message == f"unterminated {what}"


def test_unknown_dialect() -> None:
    with pytest.raises(ProgrammingError) as caught:
        tokenize("SELECT 1", "oracle")
    assert caught.value.code == "unknown_dialect"


@pytest.mark.parametrize(
    ("sql", "place"), [("f(1", (1, 2)), ("f)", (1, 2)), ("f(1]", (3, 4)), ("([1)", (3, 4)), ("{(}", (2, 3)), ("(()", (0, 1))]
)
def test_bracket_errors_point_at_the_bracket(sql: str, place: tuple[int, int]) -> None:
    _, error = match_brackets(tokenize(sql))
    assert error is not None
    assert error.span == Span(*place)


def test_brackets_are_paired_by_index() -> None:
    assert match_brackets(tokenize("f(a[1], {b})")) == ({1: 10, 3: 5, 7: 9}, None)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (1, 'abc', 2.5, NULL, x.y);\n" * 20_000,
        "'" + "a''" * 300_000,
        "/*" * 300_000,
        "$a$" + "$b" * 300_000,
        "E'" + "\\'" * 300_000,
        "@" * 300_000,
        "-" * 3 + "/" * 300_000,
    ],
    ids=["inserts", "quotes", "comments", "dollars", "escapes", "at signs", "slashes"],
)
def test_a_megabyte_takes_no_more_than_linear_time(sql: str) -> None:
    began = time.process_time()
    try:
        n_tokens = sum(1 for _ in scan(sql))
    except ProgrammingError:
        n_tokens = 0
    assert n_tokens <= len(sql)
    assert time.process_time() - began < 5.0
