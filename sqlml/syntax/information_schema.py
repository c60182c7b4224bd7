"""`INFORMATION_SCHEMA.MODELS` and `.MODEL_OPTIONS` where a relation may stand: the engine cannot hold tables in a schema of that name.

Everything else in information_schema is the engine's.
"""

from __future__ import annotations

from sqlml.shown_names import RESERVED
from sqlml.syntax.names import is_name, unquote
from sqlml.syntax.nodes import InformationTable
from sqlml.syntax.tokens import Token, TokenKind

SCHEMA = "information_schema"
TABLES = ("models", "model_options")
MAX_SCOPE = 2
"""database.schema"""
_BEHIND_RELATION = RESERVED | {
    "ANTI", "ASOF", "AT", "CROSS", "FULL", "INNER", "LEFT", "NATURAL", "OFFSET", "PIVOT", "POSITIONAL", "RETURNING", "RIGHT", "SEMI",
    "TABLESAMPLE", "UNPIVOT",
}  # fmt: skip
"""Words that may follow a relation and are no alias of it; AS and the words of joins among them."""
_SHOWS = ("DESCRIBE", "DESC", "SUMMARIZE", "SHOW")


def information_table_end(tokens: list[Token], index: int, dialect: str) -> int | None:
    """The index of the last token of a reference to one of the tables that begins at an index; None for anything else."""
    parts, last = _path(tokens, index, dialect)
    is_ours = 2 <= len(parts) <= 2 + MAX_SCOPE and parts[-2].lower() == SCHEMA and parts[-1].lower() in TABLES
    behind = tokens[last + 1] if last + 1 < len(tokens) else None
    return last if is_ours and not (behind is not None and behind.is_symbol("(", ".")) else None


def read_information_table(tokens: list[Token], start: int, end: int, dialect: str) -> InformationTable:
    """The reference between two tokens, which `information_table_end` has found."""
    parts, _ = _path(tokens, start, dialect)
    before = tokens[start - 1] if start else None
    has_alias = _has_alias(tokens[end + 1] if end + 1 < len(tokens) else None) or (before is not None and before.is_symbol(":"))
    takes_alias = not has_alias and not (before is not None and before.is_word(*_SHOWS))
    return InformationTable(parts[-1].lower(), parts[:-2], parts[-1] if takes_alias else None, tokens[start].span.to(tokens[end].span))


def _path(tokens: list[Token], index: int, dialect: str) -> tuple[tuple[str, ...], int]:
    """The parts of the dotted name at an index, and the index of its last token; backticks may hold several parts."""
    parts: tuple[str, ...] = ()
    while index < len(tokens) and (tokens[index].kind is TokenKind.WORD or is_name(tokens[index])):
        name = unquote(tokens[index], dialect)
        parts += tuple(name.split(".")) if tokens[index].text[0] == "`" else (name,)
        if not (index + 2 < len(tokens) and tokens[index + 1].is_symbol(".")):
            break
        index += 2
    return parts, index


def _has_alias(token: Token | None) -> bool:
    """Whether an alias stands behind a relation."""
    if token is None:
        return False
    if token.is_word("AS"):
        return True
    return token.kind is TokenKind.QUOTED or (token.kind is TokenKind.WORD and token.text.upper() not in _BEHIND_RELATION)
