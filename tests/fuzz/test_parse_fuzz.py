"""Any text gives statements or an error of ours that points into the text, in bounded time."""

from __future__ import annotations

import random
import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sqlml.errors import DatabaseError
from sqlml.source import Source, Span
from sqlml.syntax import Query, find_parameters, is_complete, parse_script, print_statement, split_statements
from sqlml.syntax.nodes import InformationTable

PIECES = [
    "CREATE", "OR", "REPLACE", "TEMP", "MODEL", "IF", "NOT", "EXISTS", "DROP", "ALTER", "SHOW", "MODELS", "VERSIONS", "TYPES", "TYPE",
    "DESCRIBE", "SET", "DEFAULT", "VERSION", "OPTIONS", "TRANSFORM", "INPUT", "REMOTE", "WITH", "CONNECTION", "AS", "SELECT", "FROM",
    "JOIN", "WHERE", "LATERAL", "PIVOT", "RECURSIVE", "MATERIALIZED", "TABLE", "STRUCT", "ARRAY", "CAST", "INTERVAL", "DATE",
    "TIMESTAMP", "NULL", "TRUE", "HPARAM_RANGE", "HPARAM_CANDIDATES", "LIKE", "FOR", "SYSTEM_TIME", "EXPLAIN", "INSERT", "INTO", "VIEW",
    "MACRO", "CALL", "REFRESH", "VERIFY", "COPY", "EXPORT", "IMPORT", "ALIAS", "RENAME", "TO", "OF", "PROMOTE", "DATA", "CHANGED",
    "INFORMATION_SCHEMA", "MODEL_OPTIONS", "UNION", "DISTINCT", "IS", "ML", "m", "t", "PREDICT", "EVALUATE", "STANDARD_SCALER",
    'ml', '.', '(', ')', '[', ']', '{', '}', ',', ';', ':', '=', '=>', ':=', '::', '@', '@x', '?', '?1', '$1', '$n', '$$', '$t$', "'a'",
    "'it''s'", "E'\\n'", '"q"', '`a.b`', '`x', '1', '.5', '1e5', '0x1F', '-', '+', '*', '<', '>', '--', '/*', '*/', '#', "'", '"', '\\',
    'a.b', 'm@3', 'ML.PREDICT(', 'MODEL\xa0m', 'é', '😀', '\ufeff', '\x00', '\n', '', '-- ',
]  # fmt: skip

VALID = (
    """CREATE OR REPLACE MODEL a.b TRANSFORM (x, ML.STANDARD_SCALER(y) OVER () AS z)
    OPTIONS (a = 'x', b = [('k', .5)], c = HPARAM_RANGE(1, 2), d = INTERVAL 10 HOUR, e = STRUCT(1 AS f),
             g = TIMESTAMP '2030-01-01 00:00:00 UTC', h = CAST('inf' AS FLOAT64), i = @p) AS (SELECT 1)""",
    """WITH RECURSIVE c (n) AS (SELECT 1),
    d AS (FROM ML.PREDICT(MODEL m@3, (SELECT * FROM ML.EVALUATE(MODEL `a.b`, TABLE c)), STRUCT(0.5 AS t)))
    SELECT (SELECT max(x) FROM ML.WEIGHTS(MODEL "q", a => [1, 2])) FROM d, e: ML.PREDICT(MODEL n@best, TABLE d) JOIN f USING (g)""",
    """ALTER MODEL IF EXISTS a.b SET OPTIONS (labels = [('k', 'v')]); DROP MODEL m@2; SHOW MODELS FROM a LIKE 'x%';
    DESCRIBE MODEL TYPE linear_reg""",
    """ALTER MODEL IF EXISTS a.b SET ALIAS "my choice" = champion; ALTER MODEL m DROP ALIAS x; ALTER MODEL m RENAME TO n;
    REFRESH MODEL m OPTIONS (a = 1) IF DATA CHANGED WITH (b = DATE '2026-01-01') PROMOTE IF (x AS y) > incumbent.z AS best;
    VERIFY MODEL m FOR SYSTEM_TIME AS OF now() - INTERVAL (1) DAY; COPY OR REPLACE MODEL a@2 TO b.c.d; COPY model TO 'x';
    EXPORT MODEL m OPTIONS (uri = 'x'); IMPORT OR REPLACE MODEL m OPTIONS (uri = 'x')""",
    """WITH a AS (SELECT models.x FROM `p.s.INFORMATION_SCHEMA.MODELS`) SELECT (SELECT 1 FROM a), b.* FROM a,
    b: INFORMATION_SCHEMA.MODEL_OPTIONS JOIN s."information_schema".models c ON TRUE JOIN information_schema.tables USING (d)""",
    """CREATE VIEW v AS SELECT $$;$$, 'it''s', E'a\\'b' /* /* */ */ FROM ML.PREDICT(MODEL m, TABLE t) -- end
    WHERE x = ? AND y = $2""",
)


CODES = {
    "syntax_error", "option_literal", "function_position", "function_argument", "function_not_supported", "clause_not_supported",
    "statement_not_supported", "mixed_parameters",
}  # fmt: skip


def refused(error: DatabaseError, text: str) -> bool:
    """Whether the error is as errors should be: a known code, and a place in the text."""
    inside = error.span is not None and 0 <= error.span.start <= error.span.end <= len(text)
    return inside and error.code in CODES and bool(str(error.with_source(Source(text))))


def check_parameters(text: str, dialect: str) -> None:
    try:
        find_parameters(Source(text), None, dialect)
    except DatabaseError as error:
        if not refused(error, text):
            raise


def check_split(text: str, dialect: str) -> None:
    try:
        spans = split_statements(Source(text), dialect)
    except DatabaseError as error:
        if not refused(error, text):
            raise
        return
    check_order(spans, text)


def check_order(spans: list[Span], text: str) -> None:
    edges = [edge for span in spans for edge in (span.start, span.end)]
    assert edges == sorted(edges)
    assert not edges or (edges[0] >= 0 and edges[-1] <= len(text))


def check_parse(text: str, dialect: str) -> None:
    source = Source(text)
    try:
        nodes = parse_script(source, dialect)
    except DatabaseError as error:
        if not refused(error, text):
            raise
        return
    check_order([node.span for node in nodes], text)
    for node in nodes:
        assert print_statement(node, source)
        for call in node.calls if isinstance(node, Query) else ():
            assert node.span.start <= call.span.start < call.span.end <= node.span.end
            named = call.span if isinstance(call, InformationTable) else call.function_span
            assert re.match(r"ml|.*information_schema", text[named.start : named.end], re.IGNORECASE | re.DOTALL)


def check(text: str, dialect: str) -> None:
    is_complete(text, dialect)
    check_parameters(text, dialect)
    check_split(text, dialect)
    check_parse(text, dialect)


def check_in_time(text: str, dialect: str) -> None:
    began = time.process_time()
    check(text, dialect)
    assert time.process_time() - began < 2.0


dialects = st.sampled_from(["duckdb", "bigquery"])


@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from([" ", " ", "", "\n"])), max_size=40), dialects)
@settings(max_examples=300, deadline=None)
def test_pieces_of_statements(pieces: list[tuple[str, str]], dialect: str) -> None:
    check_in_time("".join(piece + gap for piece, gap in pieces), dialect)


@given(st.sampled_from(["", "CREATE MODEL m OPTIONS (a = ", "SELECT * FROM ML.PREDICT(", "SHOW MODELS "]), st.text(max_size=60), dialects)
@example("SHOW MODELS ", "LIKE \ud800", "duckdb")
@settings(max_examples=200, deadline=None)
def test_any_characters(start: str, text: str, dialect: str) -> None:
    check_in_time(start + text, dialect)


@pytest.mark.parametrize("text", VALID)
def test_mutations_of_valid_statements(text: str) -> None:
    rng = random.Random(20260101)
    for _ in range(150):
        mutated = text
        for _ in range(rng.randint(1, 3)):
            start = rng.randrange(len(mutated) + 1)
            end = min(len(mutated), start + rng.choice([0, 0, 1, 1, 2, 8, 40]))
            insert = rng.choice(
                ["", "", rng.choice(PIECES), rng.choice("()[]{},;.@?$'\"`-*/\\ \n"), mutated[: rng.randrange(len(mutated) + 1)]]
            )
            mutated = mutated[:start] + insert + mutated[end:]
        check(mutated, "duckdb")
        check(mutated, "bigquery")


@pytest.mark.parametrize("text", VALID)
def test_prefixes_of_valid_statements(text: str) -> None:
    for end in range(0, len(text), 3):
        check(text[:end], "duckdb")


@pytest.mark.parametrize(
    "piece",
    [
        "(",
        ")",
        "[",
        "ML.PREDICT(",
        "FROM ML.PREDICT(MODEL m, (",
        "ML.f(MODEL m, ",
        "WITH a AS (",
        "CASE ",
        "x.",
        "?,",
        "a => [",
        "STRUCT(",
        "ARRAY<",
        "@",
        "m@",
        "/*",
    ],
)
def test_repetitions(piece: str) -> None:
    for start in ("SELECT * FROM ML.PREDICT(MODEL m, ", "CREATE MODEL m OPTIONS (a = ", "SELECT model FROM "):
        check_in_time(start + piece * 2_000, "duckdb")
        check_in_time(start + piece * 2_000 + "]" * 2_000 + ")" * 2_001, "duckdb")
