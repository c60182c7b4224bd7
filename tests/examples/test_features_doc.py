"""The table of functions in docs/features.md: every example gives the result beside it, and every function is there."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

import sqlml
from sqlml.functions._registry import VALUE_FUNCTIONS
from sqlml.syntax.function_names import BIGQUERY_FUNCTIONS

TEXT = (Path(__file__).parents[2] / "docs" / "features.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `((?:ML\.)?[A-Z_]+\(.*?)` \| (?:`(.*?)` )?\| `(.*?)` \| .* \|$", re.MULTILINE)
EXAMPLES = ROW.findall(TEXT)


def rounded(value: object) -> object:
    """The value with its numbers to four digits."""
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return round(float(value), 4) if isinstance(value, float | Decimal) else value


def test_every_function_has_an_example():
    assert {call.split("(")[0] for call, _, _ in EXAMPLES} == set(VALUE_FUNCTIONS) - BIGQUERY_FUNCTIONS


@pytest.mark.parametrize(("call", "rows", "result"), EXAMPLES, ids=[call for call, _, _ in EXAMPLES])
def test_an_example_gives_its_result(call, rows, result):
    query = f"SELECT {call}"
    if rows:
        column = f"SELECT unnest({rows}) AS x, generate_subscripts({rows}, 1) AS n"
        query = f"SELECT list(v ORDER BY n) FROM (SELECT {call} AS v, n FROM ({column}))"
    with sqlml.connect(":memory:") as connection:
        ((found,),) = connection.execute(query).fetchall()
        ((shown,),) = connection.execute(f"SELECT {result}").fetchall()
    assert rounded(found) == rounded(shown)
