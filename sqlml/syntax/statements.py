"""Scripts to statements: where one ends and the next begins, and what each is.

A statement that is ours becomes its node; any other becomes a `Query` with the ML calls in it. What has no hint of ML in it is not looked
at beyond its first words, so that every statement of the engine passes through, and its errors are reported by the engine.
"""

from __future__ import annotations

import contextlib
import re

from sqlml.errors import Error, NotSupportedError, ProgrammingError
from sqlml.source import Source, Span
from sqlml.syntax.cursor import Cursor
from sqlml.syntax.function_names import BIGQUERY_FUNCTIONS, TEXT_FUNCTIONS
from sqlml.syntax.ml_calls import find_calls
from sqlml.syntax.model_statements import is_model_statement, parse_model_statement
from sqlml.syntax.nodes import Query, Statement
from sqlml.syntax.settings import is_setting_statement, parse_setting_statement
from sqlml.syntax.tokens import TokenKind, match_brackets, scan, tokenize

_HINTS = "|".join(("ml", "models?", "model_options", "versions", "sqlml", *sorted(TEXT_FUNCTIONS | BIGQUERY_FUNCTIONS)))
_ML_HINT = re.compile(rf"(?<![a-z0-9_])(?:{_HINTS})(?![a-z0-9_])", re.IGNORECASE | re.ASCII)
"""A statement of ours, or one with a call of ours, has one of these words in it."""
_OPENS = ("(", "[", "{")
_CLOSES = (")", "]", "}")


def parse_script(source: Source, dialect: str = "duckdb") -> list[Statement]:
    """All statements of a text.

    Raises: ProgrammingError `syntax_error`, `option_literal`, `function_position`, `function_argument`; NotSupportedError
        `statement_not_supported`, `clause_not_supported`, `function_not_supported`. The error has its place and the text.
    """
    try:
        spans = split_statements(source, dialect)
    except Error as error:
        if error.code != "syntax_error" or _ML_HINT.search(source.text):
            error.with_source(source)
            raise
        # Whatever does not end is the engine's to report; it refuses the whole text before anything of it runs.
        return [Query((), False, Span(0, len(source.text)))]
    return [parse_statement(source, span, dialect) for span in spans]


def parse_statement(source: Source, span: Span, dialect: str = "duckdb") -> Statement:
    """One statement of a text.

    Args: span, where it stands, as `split_statements` gives it.
    Raises: as `parse_script`.
    """
    try:
        return _parse_statement(source, span, dialect)
    except Error as error:
        error.with_source(source)
        raise


def parse_query(source: Source, span: Span, dialect: str = "duckdb") -> Query:
    """The ML calls in a part of a text that is a query, such as the training query of a model.

    Raises: as `parse_script`, for calls.
    """
    try:
        return _parse_query(source, span, dialect)
    except Error as error:
        error.with_source(source)
        raise


def split_statements(source: Source, dialect: str = "duckdb") -> list[Span]:
    """The spans of the statements of a text: from the first token to the last, without ";" and the comments around.

    Raises: ProgrammingError `syntax_error` for a string, quoted name or comment that does not end.
    """
    text = source.text
    spans: list[Span] = []
    start: int | None = None
    stop = depth = 0
    for kind, begin, end in scan(text, dialect):
        if kind is TokenKind.SYMBOL:
            symbol = text[begin:end]
            if symbol == ";" and depth == 0:
                if start is not None:
                    spans.append(Span(start, stop))
                start = None
                continue
            if symbol in _OPENS:
                depth += 1
            elif symbol in _CLOSES:
                depth = max(0, depth - 1)
        if start is None:
            start = begin
        stop = end
    if start is not None:
        spans.append(Span(start, stop))
    return spans


def is_complete(text: str, dialect: str = "duckdb") -> bool:
    """Whether the text ends in ";" outside of quotes, brackets and comments: what a line editor asks before it runs anything."""
    depth = 0
    last = ""
    try:
        for kind, begin, end in scan(text, dialect):
            last = text[begin:end] if kind is TokenKind.SYMBOL else ""
            if last in _OPENS:
                depth += 1
            elif last in _CLOSES:
                depth = max(0, depth - 1)
    except Error:
        return False
    return last == ";" and depth == 0


def _parse_statement(source: Source, span: Span, dialect: str) -> Statement:
    if not _ML_HINT.search(source.text, span.start, span.end):
        with contextlib.suppress(ProgrammingError):  # a literal without end, which the engine reports
            return Query((), _creates_view(source.text, span, dialect), span)
        return Query((), False, span)
    tokens = tokenize(source.text, dialect, span)
    pairs, bracket_error = match_brackets(tokens)
    cursor = Cursor(source.text, tokens, pairs, dialect)
    if is_setting_statement(cursor):
        if bracket_error is not None:
            raise bracket_error
        return parse_setting_statement(cursor)
    if is_model_statement(cursor):
        if bracket_error is not None:
            raise bracket_error
        return parse_model_statement(cursor)
    if cursor.accept_words("EXPLAIN"):
        cursor.accept_words("ANALYZE")
        if is_model_statement(cursor):
            raise NotSupportedError(
                "EXPLAIN of a statement about models is not available in this release",
                code="statement_not_supported",
                span=tokens[0].span,
                hint="EXPLAIN the query behind AS, or a query with ML.PREDICT",
            )
        cursor.index = 0
    calls, unnamed = find_calls(cursor, bracket_error)
    return Query(calls, _creates_view(source.text, span, dialect), span, unnamed)


def _parse_query(source: Source, span: Span, dialect: str) -> Query:
    if not _ML_HINT.search(source.text, span.start, span.end):
        return Query((), False, span)
    tokens = tokenize(source.text, dialect, span)
    pairs, bracket_error = match_brackets(tokens)
    calls, unnamed = find_calls(Cursor(source.text, tokens, pairs, dialect), bracket_error)
    return Query(calls, False, span, unnamed)


def _creates_view(text: str, span: Span, dialect: str) -> bool:
    """Whether the statement is CREATE VIEW, CREATE MACRO or the like; decided on its first words."""
    for index, (_, begin, end) in enumerate(scan(text, dialect, span.start, span.end)):
        word = text[begin:end].upper()
        if index == 0 and word != "CREATE":
            return False
        if index and word not in _BEFORE_VIEW:
            return word in _VIEWS
    return False


_VIEWS = ("VIEW", "MACRO", "FUNCTION")
_BEFORE_VIEW = frozenset({"OR", "REPLACE", "TEMP", "TEMPORARY", "LOCAL", "GLOBAL", "RECURSIVE", "MATERIALIZED", "AGGREGATE"})
