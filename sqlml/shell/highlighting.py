"""Colours for what is typed: pygments' SQL with the words of BigQuery ML."""

from __future__ import annotations

from pygments.lexer import inherit, words
from pygments.lexers.sql import SqlLexer
from pygments.token import Keyword, Name

_WORDS = (
    "DESCRIBE", "MODEL", "MODELS", "OPTIONS", "PIVOT", "QUALIFY", "REPLACE", "SHOW", "STRUCT", "SUMMARIZE", "TRANSFORM",
    "UNPIVOT", "VERSIONS",
)  # fmt: skip


class MLSqlLexer(SqlLexer):
    """SQL with ML functions as functions."""

    name = "SQL with BigQuery ML"
    aliases = ["sqlml"]  # noqa: RUF012 - pygments declares so
    tokens = {  # noqa: RUF012 - pygments' own way of declaring
        "root": [
            (r"(?i)\bML\.\w+", Name.Function),
            (words(_WORDS, prefix=r"(?i)\b", suffix=r"\b"), Keyword),
            inherit,
        ]
    }
