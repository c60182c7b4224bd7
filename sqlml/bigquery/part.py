"""What a text in BigQuery's SQL is. sqlglot reads whole statements, so anything else is put into one."""

from __future__ import annotations

from enum import Enum


class Part(Enum):
    """The text that stands before and behind a part, so that both are a statement."""

    STATEMENT = ("", "")
    RELATION = ("SELECT * FROM ", "")
    """The path of a table."""
    CTE = ("WITH ", " SELECT 1")
    """`name AS (query)`."""
    EXPRESSION = ("SELECT ", "")
    FROM = ("SELECT 1 ", "")
    """A FROM clause with what it joins, the word included."""
    WHERE = ("SELECT 1 FROM t ", "")
    """A WHERE clause, the word included."""
