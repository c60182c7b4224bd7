"""Whether a query gives the same rows whenever it runs over the same data: what in its text, or behind it, speaks against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlml.source import Source, Span
from sqlml.syntax.names import unquote
from sqlml.syntax.tokens import Token, TokenKind, match_brackets, tokenize

_RANDOM = ["RANDOM", "UUID", "GEN_RANDOM_UUID", "UUIDV4", "UUIDV7", "SETSEED", "RAND", "GENERATE_UUID"]
_CLOCKS = [
    "NOW",
    "GET_CURRENT_TIMESTAMP",
    "GET_CURRENT_TIME",
    "TRANSACTION_TIMESTAMP",
    "TODAY",
    "CURRENT_LOCALTIMESTAMP",
    "CURRENT_LOCALTIME",
]
_CLOCK_WORDS = ["CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_DATETIME", "LOCALTIME", "LOCALTIMESTAMP"]
_SEQUENCES = ["NEXTVAL", "CURRVAL"]
_FIRST = ["FIRST", "LAST", "ANY_VALUE", "ARBITRARY", "FIRST_VALUE", "LAST_VALUE", "ARG_MIN", "ARG_MAX", "MIN_BY", "MAX_BY"]
_SESSION = ["GETVARIABLE", "CURRENT_SETTING"]
_CUTOFF = "pass the time as a parameter: its value is recorded, and REFRESH MODEL … WITH (…) gives a new one"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something in a query that may give other rows from the same data. `is_certain` where it does as a rule."""

    what: str
    advice: str
    is_certain: bool


def doubts(source: Source, span: Span) -> tuple[Doubt, ...]:
    """What speaks against a query's being repeatable, in the order of the text, each thing once. Nothing behind it is looked into."""
    tokens = tokenize(source.text, "duckdb", span)
    pairs, _ = match_brackets(tokens)
    found: dict[str, Doubt] = {}
    for index, token in enumerate(tokens):
        doubt = _doubt(tokens, pairs, index, token)
        if doubt is not None:
            found.setdefault(doubt.what, doubt)
    return tuple(found.values())


def doubts_behind(source: Source, span: Span, views: Mapping[str, str], macros: Mapping[str, str]) -> tuple[Doubt, ...]:
    """What speaks against it in the views that a query reads and in the macros that it or they call.

    Args: views and macros, by name, the names of macros in lower case: their text.
    """
    behind = {f"view {name}": text for name, text in views.items()}
    unread = [source.text[span.start : span.end], *views.values()]
    while unread:
        for name in sorted(_called(unread.pop()) & macros.keys()):
            if f"macro {name}" not in behind:
                behind[f"macro {name}"] = macros[name]
                unread.append(macros[name])
    return tuple(
        replace(doubt, what=f"{doubt.what} in {name}")
        for name, text in behind.items()
        for doubt in doubts(Source(text), Span(0, len(text)))
    )


def _called(text: str) -> frozenset[str]:
    """The names of all functions that a text calls, in lower case, without schemas."""
    tokens = tokenize(text, "duckdb", Span(0, len(text)))
    return frozenset(
        unquote(token, "duckdb").lower()
        for index, token in enumerate(tokens)
        if token.kind in (TokenKind.WORD, TokenKind.QUOTED) and _is_call(tokens, index)
    )


def _doubt(tokens: list[Token], pairs: dict[int, int], index: int, token: Token) -> Doubt | None:
    if token.kind is TokenKind.QUOTED and _is_call(tokens, index):
        token = Token(TokenKind.WORD, unquote(token, "duckdb"), token.span)
    if token.kind is not TokenKind.WORD or (index and tokens[index - 1].is_symbol(".") and not _is_call(tokens, index)):
        return None
    word = token.text.upper()
    called = _is_call(tokens, index)
    if called and word in _RANDOM:
        return Doubt(f"{word.lower()}()", "draw by content instead, as in WHERE hash(id) % 10 = 0", True)
    if (called and word in _CLOCKS) or word in _CLOCK_WORDS:
        return Doubt(f"{word.lower()}{'()' if called else ''}", _CUTOFF, True)
    if called and word in _SEQUENCES:
        return Doubt(f"{word.lower()}()", "number rows by row_number() OVER (ORDER BY …)", True)
    if called and word in _SESSION:
        return Doubt(f"{word.lower()}()", "what a connection has set is not recorded: pass the value as a parameter", False)
    if called and word in _FIRST:
        return Doubt(f"{word.lower()}()", "it depends on the order of rows where several qualify: write min, max, or ORDER BY in it", False)
    if word == "TABLESAMPLE" or (word == "USING" and index + 1 < len(tokens) and tokens[index + 1].is_word("SAMPLE")):
        return Doubt("SAMPLE", "it draws anew each time: draw by content instead, as in WHERE hash(id) % 10 = 0", True)
    if word == "LIMIT" and index + 1 < len(tokens):
        return _limit(tokens, pairs, index)
    return None


def _is_call(tokens: list[Token], index: int) -> bool:
    return index + 1 < len(tokens) and tokens[index + 1].is_symbol("(")


def _limit(tokens: list[Token], pairs: dict[int, int], index: int) -> Doubt | None:
    """A LIMIT, by the ORDER BY of its own query, which stands before it outside of other brackets."""
    closing = {end: start for start, end in pairs.items()}
    position = index - 1
    while position > 0 and not tokens[position].is_symbol("("):
        if position in closing:
            position = closing[position] - 1
            continue
        if tokens[position].is_word("BY") and tokens[position - 1].is_word("ORDER"):
            if tokens[position + 1].is_word("ALL"):
                return None  # rows that tie are equal in all columns
            return Doubt("LIMIT", "its ORDER BY must leave no ties: add a unique column to it", False)
        position -= 1
    return Doubt("LIMIT without ORDER BY", "it takes any rows: add ORDER BY over a unique column", True)
