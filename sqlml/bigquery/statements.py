"""Statements that are no SQL of BigQuery's to translate: those left to the engine as they are written, since BigQuery has no such or they
say the same in both, and those of BigQuery's scripts, which are not available.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlml.errors import Error, NotSupportedError, ProgrammingError
from sqlml.source import Source, Span
from sqlml.syntax.tokens import Token, TokenKind, scan, tokenize

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


_PARAMETERS = "pass values as parameters (@name)"


def assigned_variable(tokens: Sequence[Token]) -> ProgrammingError | None:
    """The error for SET of several variables, of one of the system's or to a query; SET of a single name may be a setting of the engine's."""
    if len(tokens) < 3 or not tokens[0].is_word("SET"):
        return None
    is_query = len(tokens) > 4 and tokens[2].is_symbol("=") and tokens[3].is_symbol("(") and tokens[4].is_word("SELECT", "WITH")
    if is_query or tokens[1].is_symbol("(", "@@") or tokens[1].text.startswith("@"):
        return ProgrammingError(
            "SET of variables is not available: a script is a row of statements", code="statement_not_supported", span=tokens[0].span,
            hint=_PARAMETERS,
        )  # fmt: skip
    return None


def check_assignment(source: Source, span: Span) -> None:
    """Raises: ProgrammingError `statement_not_supported` for a SET that cannot be meant for the engine."""
    if [source.text[start:end].upper() for _, start, end in _first(source, span)][:1] == ["SET"]:
        error = assigned_variable(tokenize(source.text, "bigquery", span))
        if error is not None:
            raise error


def explain_setting(error: Error) -> None:
    """Says of a setting that the engine does not know that it may have been meant as a variable."""
    if error.message.startswith("unknown setting ") and not (error.hint or "").startswith("did you mean"):
        error.hint = f"variables of scripts (DECLARE, SET) are not available: {_PARAMETERS}"
