"""REFRESH MODEL: its clauses in their one order, each at most once.

REFRESH MODEL name [OPTIONS (…)] [IF DATA CHANGED] [WITH (name = value, …)] [PROMOTE IF condition] [AS alias]
"""

from __future__ import annotations

from sqlml.source import Span
from sqlml.syntax.cursor import Cursor
from sqlml.syntax.literals import parse_settings
from sqlml.syntax.names import parse_alias, parse_model_name
from sqlml.syntax.nodes import OptionSetting, RefreshModel

_SHAPE = "REFRESH MODEL name [OPTIONS (…)] [IF DATA CHANGED] [WITH (…)] [PROMOTE IF condition] [AS alias]"


def parse_refresh_model(cursor: Cursor) -> RefreshModel:
    """Reads from REFRESH to the end of the statement.

    Raises: ProgrammingError `syntax_error`, `option_literal`.
    """
    start = cursor.index
    cursor.index += 2
    name = parse_model_name(cursor, versions=False)
    options, options_span = _settings(cursor, "OPTIONS")
    if_data_changed = False
    if cursor.accept_words("IF"):
        cursor.expect_word("DATA", hint="IF DATA CHANGED")
        cursor.expect_word("CHANGED")
        if_data_changed = True
    parameters, _ = _settings(cursor, "WITH")
    condition = _condition(cursor) if cursor.accept_words("PROMOTE") else None
    alias, alias_span = parse_alias(cursor) if cursor.accept_words("AS") else (None, None)
    cursor.expect_end("the end of the statement", hint=f"the order is {_SHAPE}")
    return RefreshModel(name, options, options_span, if_data_changed, parameters, condition, alias, alias_span, cursor.span_from(start))


def _settings(cursor: Cursor, word: str) -> tuple[tuple[OptionSetting, ...], Span | None]:
    start = cursor.index
    if not cursor.accept_words(word):
        return (), None
    if not cursor.at_symbol("("):
        cursor.fail('"("')
    settings = parse_settings(cursor.brackets(), "parameter" if word == "WITH" else "option")
    return settings, cursor.span_from(start)


def _condition(cursor: Cursor) -> Span:
    cursor.expect_word("IF", hint="PROMOTE IF roc_auc >= incumbent.roc_auc")
    start = cursor.index
    while not cursor.at_end and not cursor.at_word("AS"):
        cursor.index = cursor.pairs.get(cursor.index, cursor.index) + 1
    if cursor.index == start:
        cursor.fail("a condition", hint="PROMOTE IF roc_auc >= incumbent.roc_auc")
    return cursor.span_from(start)
