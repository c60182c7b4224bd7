"""Names of models and schemas: `a.b.c`, `"quoted"."parts"`, a whole path in backticks, `@version`.

Plain words are names unless SQL reserves them. Names of tables are not read here: their text goes to the engine.
"""

from __future__ import annotations

import re

from sqlml.errors import ProgrammingError
from sqlml.shown_names import RESERVED
from sqlml.source import Span
from sqlml.syntax.cursor import Cursor
from sqlml.syntax.nodes import ModelName
from sqlml.syntax.tokens import Token, TokenKind

MAX_PARTS = 3
"""database.schema.model"""

_BACKSLASH = re.compile(r"\\(.)", re.DOTALL)


def is_name(token: Token | None) -> bool:
    """Whether a name may begin with this token."""
    if token is None:
        return False
    if token.kind is TokenKind.WORD:
        return token.text.upper() not in RESERVED
    return token.kind is TokenKind.QUOTED or (token.kind is TokenKind.STRING and token.text.startswith('"'))


def expect_label(cursor: Cursor, owner: str) -> Token:
    """Reads the name of an option or field, where no word of SQL is in the way.

    Raises: ProgrammingError `syntax_error`.
    """
    token = cursor.peek()
    if token is None or not (token.kind is TokenKind.WORD or is_name(token)):
        cursor.fail(f"the name of {owner}")
    return cursor.take()


def parse_name(cursor: Cursor, what: str) -> tuple[tuple[str, ...], Span]:
    """The parts of a name, without quotes, and its span.

    Args: what, the thing named, for messages.
    Raises: ProgrammingError `syntax_error`.
    """
    start = cursor.index
    token = cursor.peek()
    if token is None or not is_name(token):
        cursor.fail(f"the name of a {what}", hint=_name_hint(token))
    parts = _parts_of(cursor.take(), cursor.dialect)
    while cursor.at_symbol("."):
        cursor.take()
        token = cursor.peek()
        if token is None or not (is_name(token) or token.kind is TokenKind.WORD):
            cursor.fail('a name after "."', hint=_name_hint(token))
        parts += _parts_of(cursor.take(), cursor.dialect)
    span = cursor.span_from(start)
    if not all(parts):
        raise ProgrammingError(f"a part of the name of the {what} is empty", code="syntax_error", span=span)
    if cursor.at_symbol("-") and cursor.here.start == span.end:
        cursor.fail(f"the end of the name of the {what}", hint='a name with "-" in it is written in backticks')
    return parts, span


def parse_model_name(cursor: Cursor, *, versions: bool) -> ModelName:
    """The name of a model, with its version where the statement allows one.

    Raises: ProgrammingError `syntax_error`.
    """
    start = cursor.index
    parts, span = parse_name(cursor, "model")
    if len(parts) > MAX_PARTS:
        raise ProgrammingError(
            f"the name of a model has at most {MAX_PARTS} parts, got {len(parts)}", code="syntax_error", span=span,
            hint="write model, schema.model or database.schema.model",
        )  # fmt: skip
    reference: str | int | None = None
    if _at_version(cursor):
        at = cursor.index
        reference = _parse_version(cursor)
        if not versions:
            raise ProgrammingError(
                "this statement is about a model with all its versions", code="syntax_error", span=cursor.span_from(at),
                hint='leave out "@" and what follows',
            )  # fmt: skip
    as_of = _parse_as_of(cursor, versions, reference is not None)
    return ModelName(parts, reference, cursor.span_from(start), as_of)


def _parse_as_of(cursor: Cursor, versions: bool, has_version: bool) -> Span | None:
    """The expression behind FOR SYSTEM_TIME AS OF, if that follows."""
    start = cursor.index
    if not cursor.accept_words("FOR", "SYSTEM_TIME"):
        return None
    cursor.expect_word("AS")
    cursor.expect_word("OF")
    if cursor.at_end or cursor.at_symbol(","):
        cursor.fail("a time", hint="FOR SYSTEM_TIME AS OF TIMESTAMP '2026-01-31 12:00:00'")
    at = cursor.index
    cursor.skip_value("TO", "OPTIONS")
    if not versions or has_version:
        raise ProgrammingError(
            "a version is named by a number, an alias or a time, not by two of them" if has_version
            else "this statement is about a model with all its versions",
            code="syntax_error", span=cursor.span_from(start), hint="leave out FOR SYSTEM_TIME and what follows",
        )  # fmt: skip
    return cursor.span_from(at)


def parse_version(cursor: Cursor) -> tuple[int | str, Span]:
    """A version number or an alias, without "@".

    Raises: ProgrammingError `syntax_error`.
    """
    start = cursor.index
    token = cursor.peek()
    if token is not None and token.kind is TokenKind.NUMBER and token.text.isdecimal() and len(token.text) < _LONG:
        cursor.take()
        return int(token.text), cursor.span_from(start)
    if token is None or not (is_name(token) or token.kind is TokenKind.WORD):
        cursor.fail("a version number or an alias")
    return parse_alias(cursor)


def parse_alias(cursor: Cursor) -> tuple[str, Span]:
    """The name of an alias, and its span.

    Raises: ProgrammingError `syntax_error`.
    """
    start = cursor.index
    token = cursor.peek()
    if token is None or not (is_name(token) or token.kind is TokenKind.WORD):
        cursor.fail("an alias", hint="an alias is a name, such as champion")
    alias = unquote(cursor.take(), cursor.dialect)
    if not alias:
        raise ProgrammingError("the alias is empty", code="syntax_error", span=cursor.span_from(start))
    return alias, cursor.span_from(start)


_LONG = 19
"""Digits that a version number cannot have: it is a BIGINT."""


def _at_version(cursor: Cursor) -> bool:
    token = cursor.peek()
    return token is not None and (token.is_symbol("@") or (token.kind is TokenKind.PARAMETER and token.text.startswith("@")))


def _parse_version(cursor: Cursor) -> int | str:
    # A gap would make `m @name` a version here and a parameter elsewhere.
    at = cursor.tokens[cursor.index]
    behind = cursor.peek(1)
    if at.span.start != cursor.tokens[cursor.index - 1].span.end or behind is None or behind.span.start != at.span.end:
        cursor.fail("the end of the name of the model", hint='a version follows without space: "m@3", "m@champion"')
    cursor.take()
    return parse_version(cursor)[0]


def unquote(token: Token, dialect: str) -> str:
    """The name that a word, quoted identifier or double-quoted string stands for."""
    if token.kind is TokenKind.WORD:
        return token.text
    quote, inner = token.text[0], token.text[1:-1]
    if dialect == "bigquery":
        return _BACKSLASH.sub(r"\1", inner)
    return inner.replace(quote * 2, quote)


def _parts_of(token: Token, dialect: str) -> tuple[str, ...]:
    name = unquote(token, dialect)
    # BigQuery writes a path in one pair of backticks; the double quotes of standard SQL hold one part, dots included.
    return tuple(name.split(".")) if token.text[0] == "`" else (name,)


def _name_hint(token: Token | None) -> str | None:
    if token is None:
        return None
    if token.kind is TokenKind.STRING:
        return "a name is written without quotes, in double quotes or in backticks"
    if token.kind is TokenKind.WORD:
        return f'"{token.text}" is a word of SQL; to use it as a name, put it in double quotes or backticks'
    return None
