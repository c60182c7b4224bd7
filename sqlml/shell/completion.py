"""What may follow, as a pure function of the text before the cursor: keywords, ML functions, model types, dot commands."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlml.functions._registry import FUNCTIONS, VALUE_FUNCTIONS
from sqlml.models._registry import MODEL_TYPES
from sqlml.shell.commands import COMMANDS

KEYWORDS = (
    "ALTER", "AND", "AS", "ASC", "ATTACH", "BEGIN", "BETWEEN", "BY", "CASE", "CAST", "COMMIT", "COPY", "CREATE", "CROSS", "DELETE",
    "DESC", "DESCRIBE", "DETACH", "DISTINCT", "DROP", "ELSE", "END", "EXCEPT", "EXISTS", "EXPLAIN", "FALSE", "FROM", "FULL", "GROUP",
    "HAVING", "IF", "IN", "INNER", "INSERT", "INTERSECT", "INTO", "IS", "JOIN", "LEFT", "LIKE", "LIMIT", "MODEL", "MODELS", "MODEL TYPE",
    "MODEL TYPES", "NOT", "NULL", "OFFSET", "ON", "OPTIONS", "OR", "ORDER", "OUTER", "OVER", "PARTITION", "PIVOT", "QUALIFY", "REPLACE",
    "RIGHT", "ROLLBACK", "SCHEMA", "SELECT", "SET", "SHOW", "STRUCT", "SUMMARIZE", "TABLE", "THEN", "TO", "TRUE", "UNION", "UNPIVOT",
    "UPDATE", "USE", "USING", "VALUES", "VERSIONS", "VIEW", "WHEN", "WHERE", "WINDOW", "WITH",
)  # fmt: skip

_OPEN_STRING = re.compile(r"\bmodel_type\s*=\s*(['\"])(\w*)$", re.IGNORECASE)
_AFTER_TYPE = re.compile(r"\bDESCRIBE\s+MODEL\s+TYPE\s+(\w*)$", re.IGNORECASE)
_CLOSED_TEXT = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*\n|/\*.*?\*/", re.DOTALL)
_OPENING = re.compile(r"['\"]|--|/\*")
_HELP = re.compile(r"\s*\.help\s+(\S*)$", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z_][\w.]*$")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text to put in place of the last `replaces` characters."""

    text: str
    replaces: int
    kind: str


def suggest(before: str) -> list[Suggestion]:
    """What may stand at the cursor, in alphabetical order; nothing before a word is begun, and nothing inside comments and strings."""
    if match := _HELP.match(before):
        return _matching(match[1], (*(f"ML.{name}" for name in FUNCTIONS), *VALUE_FUNCTIONS, *MODEL_TYPES), "page")
    if before.lstrip().startswith("."):
        return _matching(before.lstrip(), tuple(COMMANDS), "command")
    if match := _OPEN_STRING.search(before):
        return _matching(match[2], MODEL_TYPES, "model type")
    if _inside_text(before):
        return []
    if match := _AFTER_TYPE.search(before):
        return _matching(match[1], MODEL_TYPES, "model type")
    match = _WORD.search(before)
    if match is None:
        return []
    functions = tuple(f"ML.{name}" for name in FUNCTIONS)
    return _matching(match[0], functions, "function") + _matching(match[0], KEYWORDS, "keyword")


def _matching(word: str, candidates: tuple[str, ...], kind: str) -> list[Suggestion]:
    """Candidates that begin with the word; keywords in lower case when the word is."""
    found = sorted(candidate for candidate in candidates if candidate.lower().startswith(word.lower()) and candidate != word)
    lower = kind == "keyword" and word.islower()
    return [Suggestion(candidate.lower() if lower else candidate, len(word), kind) for candidate in found]


def _inside_text(before: str) -> bool:
    """Whether the cursor stands in a string, a quoted name or a comment: one is left open once the closed ones are taken out."""
    return _OPENING.search(_CLOSED_TEXT.sub(" ", before)) is not None
