"""Statements that are no SQL of BigQuery's to translate: those left to the engine as they are written, since BigQuery has no such or they
say the same in both, and those of BigQuery's scripts, which are not available.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlml.errors import NotSupportedError
from sqlml.source import Source, Span
from sqlml.syntax.tokens import Token, TokenKind, scan

_OF_ENGINE = frozenset({
    "ABORT", "ATTACH", "BEGIN", "CHECKPOINT", "COMMIT", "DESC", "DESCRIBE", "DETACH", "INSTALL", "PRAGMA", "RESET", "ROLLBACK", "SET", "SHOW",
    "START", "USE",
})  # fmt: skip


def is_of_engine(source: Source, span: Span) -> bool:
    """Whether a statement is about the engine and not about data: transactions, settings, attached databases."""
    words = [source.text[start:end].upper() for _, start, end in _first(source, span)]
    if words[:1] == ["BEGIN"]:
        return words[1:2] in ([], ["TRANSACTION"], ["WORK"])
    return (words[:1] == ["LOAD"] and words[1:2] != ["DATA"]) or (bool(words) and words[0] in _OF_ENGINE)


def _first(source: Source, span: Span) -> list[tuple[object, int, int]]:
    found: list[tuple[object, int, int]] = []
    for token in scan(source.text, "bigquery", span.start, span.end):
        found.append(token)
        if len(found) == 2:
            break
    return found


_PLAIN_SQL = "write the statements one after the other; parameters (@name) hold what variables would"
_SCRIPTING: Mapping[str, str] = {
    "DECLARE": "pass the value as a parameter (@name), or keep it in a table: CREATE TEMP TABLE settings AS SELECT …",
    "EXECUTE": "write the statement itself; EXECUTE IMMEDIATE runs text that is not known before",
    "CALL": "write the statements of the procedure",
    "ASSERT": "SELECT IF(condition, TRUE, ERROR('…')) fails the same way",
    "RAISE": "SELECT ERROR('…') fails the same way",
    **dict.fromkeys(
        (
            "BEGIN", "BREAK", "CASE", "CONTINUE", "ELSE", "ELSEIF", "END", "EXCEPTION", "FOR", "IF", "ITERATE", "LEAVE", "LOOP", "REPEAT",
            "RETURN", "UNTIL", "WHILE",
        ),
        _PLAIN_SQL,
    ),
}  # fmt: skip
"""First words of BigQuery's procedural language, and what to write instead."""


def scripting_error(tokens: Sequence[Token]) -> NotSupportedError | None:
    """The error for a statement of BigQuery's procedural language; None for any other statement."""
    words = [token.text.upper() if token.kind is TokenKind.WORD else token.text for token in tokens[:4]]
    if not words or tokens[0].kind is not TokenKind.WORD:
        return None
    first = tokens[0].span
    made = words[1:] if words[1:3] != ["OR", "REPLACE"] else words[3:]
    if words[0] == "CREATE" and made[:1] == ["PROCEDURE"]:
        return NotSupportedError(
            "there are no procedures: CREATE PROCEDURE is not available", code="statement_not_supported", span=first, hint=_PLAIN_SQL
        )
    hint = _SCRIPTING.get(words[0])
    if hint is None or (words[0] == "BEGIN" and words[1:2] in ([], ["TRANSACTION"], ["WORK"])):
        return None
    name = "EXECUTE IMMEDIATE" if words[0] == "EXECUTE" else words[0]
    return NotSupportedError(
        f"{name} is not available: a script is a row of statements, without variables and blocks", code="statement_not_supported", span=first,
        hint=hint,
    )  # fmt: skip
