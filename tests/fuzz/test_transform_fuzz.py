"""Broken TRANSFORM clauses and calls of preprocessing functions: only our own errors, with a place inside the text, and no function of the
engine that reads more than a row."""

from __future__ import annotations

import random
import re

import pytest

from sqlml.errors import Error, InternalError
from sqlml.session.session import Session, open_session
from sqlml.source import Source, Span
from sqlml.syntax import parse_transform
from sqlml.syntax.nodes import Transform
from sqlml.syntax.scalar_functions import KEYWORDS, SCALAR_FUNCTIONS, TYPES

CLAUSES = (
    "ML.STANDARD_SCALER(x) OVER () AS a, label",
    "* EXCEPT (s) REPLACE (x + 1 AS x), ML.POLYNOMIAL_EXPAND(STRUCT(x, y AS z), 2).*",
    "ML.FEATURE_CROSS(STRUCT(s, upper(s) AS t)).*, ML.BUCKETIZE(x, [1, 2.5], FALSE, 'bucket_ranges') b, label",
    "ML.TF_IDF(ML.NGRAMS(string_split(s, ' '), [1, 2]), 10, 2) OVER () AS w, CASE WHEN x IS DISTINCT FROM 3 THEN 'a' ELSE \"s\" END AS c, label",
    "ML.IMPUTER(x, 'mean') OVER () AS m, CAST(y AS DECIMAL(10, 2)) AS d, EXTRACT(year FROM day) AS t, label",
    "TF_IDF(ML.NGRAMS([s, 'b'], [1, 1])) OVER () AS f, FARM_FINGERPRINT(s) AS h, label",
)
PIECES = (
    "(", ")", "[", "]", "{", "}", ",", ".", "*", "AS", "OVER", "OVER ()", "ML.", "STRUCT(", "EXCEPT", "REPLACE", "SELECT", "FROM t", "?", "$1", "@n",
    "'", '"', "--", "/*", "*/", ";", "::", "read_text('x')", "ML.PREDICT(MODEL m, TABLE t)", "x", "label", "1e999", "NULL", "\u202e", "é", "\x00", "avg(x)",
    "random()", "=>", "ML.STANDARD_SCALER(", "bag_of_words(", "lambda i: i", "FILTER (WHERE x)", "DISTINCT", "",
)  # fmt: skip


def mutations(count: int, seed: int) -> list[str]:
    """Clauses with words taken out, doubled, swapped or replaced."""
    chance = random.Random(seed)
    found = []
    for _ in range(count):
        words = re.findall(r"\w+|\s+|[^\w\s]", chance.choice(CLAUSES))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(words))
            match chance.randrange(4):
                case 0:
                    del words[at]
                case 1:
                    words.insert(at, chance.choice(PIECES))
                case 2:
                    words[at] = chance.choice(PIECES)
                case _:
                    other = chance.randrange(len(words))
                    words[at], words[other] = words[other], words[at]
            words = words or ["x"]
        found.append("".join(words))
    return found


LEXEME = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/|(?P<name>\"(?:[^\"]|\"\")*\"|[A-Za-z_]\w*)|[0-9]+(?:[eE][0-9]+)?", re.DOTALL)


def parsed(text: str) -> Transform | None:
    """The clause, or None when it is refused as it should be."""
    try:
        return parse_transform(Source(text), Span(0, len(text)))
    except Error as error:
        refusal = error
    assert not isinstance(refusal, InternalError)
    assert refusal.span is None or 0 <= refusal.span.start <= len(text), text
    return None


@pytest.mark.parametrize("seed", range(5))
def test_a_clause_that_is_accepted_calls_nothing_but_functions_of_a_row(seed: int) -> None:
    for text in mutations(400, seed):
        clause = parsed(text)
        if clause is None:
            continue
        ours = {call.function_span.end for call in clause.calls}
        for found in LEXEME.finditer(text):
            name = found["name"]
            assert name is None or name.upper() != "SELECT", text
            if name is not None and text[found.end() :].lstrip().startswith("(") and found.end() not in ours:
                assert name.strip('"').upper() in SCALAR_FUNCTIONS | KEYWORDS | TYPES | {"OVER"}, text


@pytest.fixture(scope="module")
def session() -> Session:
    opened = open_session(":memory:")
    opened.run("CREATE TABLE t AS SELECT i AS x, i / 2 AS y, 'w' || i AS s, DATE '2026-01-01' AS day, i * 2e0 AS label FROM range(20) r(i)")
    return opened


def refused(session: Session, statement: str) -> Error | None:
    try:
        session.fetch(session.run(statement), 3)
    except Error as error:
        return error
    return None


@pytest.mark.parametrize("seed", range(5))
def test_broken_statements_fail_with_our_errors_only(session: Session, seed: int) -> None:
    for text in mutations(60, 100 + seed):
        for statement in (
            f"CREATE OR REPLACE MODEL m TRANSFORM ({text}) OPTIONS (model_type = 'TRANSFORM_ONLY') AS SELECT * FROM t",
            f"SELECT {text} FROM t",
        ):
            refusal = refused(session, statement)
            if refusal is not None:
                assert not isinstance(refusal, InternalError), (statement, refusal)
                assert "Traceback" not in str(refusal)
                assert refusal.span is None or refusal.span.start <= len(statement)
    assert session.fetch(session.run("SELECT count(*) FROM t"), 1) == [(20,)]
