"""SET sqlml.<name> = value, RESET sqlml.<name> and SHOW sqlml. Settings of the engine are the engine's to read.

SET sqlml.name { = | TO } { value | word | DEFAULT }
"""

from __future__ import annotations

from sqlml.errors import NotSupportedError
from sqlml.syntax.cursor import Cursor
from sqlml.syntax.literals import parse_value
from sqlml.syntax.names import expect_label, unquote
from sqlml.syntax.nodes import ResetSetting, SetSetting, ShowSettings, Value
from sqlml.syntax.tokens import TokenKind

_PREFIX = "SQLML"
_SCOPES = ("SESSION", "GLOBAL", "LOCAL")
_LITERAL_WORDS = ("TRUE", "FALSE", "NULL")


def is_setting_statement(cursor: Cursor) -> bool:
    """Whether the statement at the cursor is about our settings."""
    if cursor.at_word("SHOW"):
        return cursor.at_words("SHOW", _PREFIX) and cursor.peek(2) is None
    if not cursor.at_word("SET", "RESET"):
        return False
    scope = cursor.peek(1)
    ahead = 2 if scope is not None and scope.is_word(*_SCOPES) else 1
    name, dot = cursor.peek(ahead), cursor.peek(ahead + 1)
    return name is not None and name.is_word(_PREFIX) and dot is not None and dot.is_symbol(".")


def parse_setting_statement(cursor: Cursor) -> SetSetting | ResetSetting | ShowSettings:
    """Raises: ProgrammingError `syntax_error`, `option_literal`; NotSupportedError `clause_not_supported`."""
    start = cursor.index
    verb = cursor.take().text.upper()
    if verb == "SHOW":
        cursor.take()
        return ShowSettings(cursor.span_from(start))
    if cursor.at_word("GLOBAL", "LOCAL"):
        raise NotSupportedError(
            f"a setting of sqlml belongs to the session, not {cursor.tokens[cursor.index].text.upper()}", code="clause_not_supported",
            span=cursor.here, hint="for all sessions, write it into the configuration file",
        )  # fmt: skip
    cursor.accept_words("SESSION")
    cursor.index += 2
    token = expect_label(cursor, "a setting")
    name = unquote(token, cursor.dialect)
    if verb == "RESET":
        cursor.expect_end()
        return ResetSetting(name, token.span, cursor.span_from(start))
    if not cursor.accept_words("TO"):
        cursor.expect_symbol("=", hint=f"SET sqlml.{name} = value")
    if cursor.accept_words("DEFAULT"):
        cursor.expect_end()
        return ResetSetting(name, token.span, cursor.span_from(start))
    value = _parse_word(cursor) or parse_value(cursor, f"sqlml.{name}")
    cursor.expect_end()
    return SetSetting(name, token.span, value, cursor.span_from(start))


def _parse_word(cursor: Cursor) -> Value | None:
    """A value without quotes, as in `SET sqlml.progress = off`."""
    token = cursor.peek()
    if token is None or cursor.peek(1) is not None or token.kind is not TokenKind.WORD or token.is_word(*_LITERAL_WORDS):
        return None
    cursor.take()
    return Value(token.text, token.span)
