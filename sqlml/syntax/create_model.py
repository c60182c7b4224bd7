"""CREATE MODEL: its clauses in their one order, each at most once.

    CREATE [OR REPLACE] MODEL [IF NOT EXISTS] name [TRANSFORM (…)] [OPTIONS (…)] [AS query]

The select list of TRANSFORM and the training query stay spans of the text.
"""

from __future__ import annotations

from typing import NoReturn

from sqlml.errors import NotSupportedError, ProgrammingError
from sqlml.source import Span
from sqlml.syntax.cursor import Cursor
from sqlml.syntax.literals import parse_settings
from sqlml.syntax.names import parse_model_name
from sqlml.syntax.nodes import CreateModel, OptionSetting
from sqlml.syntax.tokens import TokenKind

QUERY_STARTS = ("SELECT", "WITH", "FROM", "VALUES", "TABLE", "PIVOT", "UNPIVOT", "DESCRIBE", "SHOW", "SUMMARIZE")
"""Words a query may begin with in DuckDB."""

_BRACKETED = ("TRANSFORM", "INPUT", "OUTPUT", "OPTIONS")
_ORDER = (*_BRACKETED[:3], "REMOTE", "OPTIONS", "AS")
_SHAPE = "CREATE MODEL name [TRANSFORM (…)] [OPTIONS (…)] AS query"


def parse_create_model(cursor: Cursor) -> CreateModel:
    """Reads from CREATE to the end of the statement.

    Raises: ProgrammingError `syntax_error`, `option_literal`; NotSupportedError `clause_not_supported`.
    """
    start = cursor.index
    cursor.take()
    replace = cursor.accept_words("OR", "REPLACE")
    if cursor.at_word("TEMP", "TEMPORARY"):
        raise NotSupportedError("there are no temporary models", code="clause_not_supported", span=cursor.here, hint="leave the word out")
    cursor.expect_word("MODEL")
    if_not_exists = _parse_if_not_exists(cursor, replace)
    if _at_clause(cursor) in _BRACKETED:
        cursor.fail("the name of a model")
    name = parse_model_name(cursor, versions=False)

    transform: Span | None = None
    options: tuple[OptionSetting, ...] = ()
    options_span: Span | None = None
    query: Span | None = None
    done: list[str] = []
    while not cursor.at_end:
        clause = _at_clause(cursor)
        if clause is None:
            _check_copy(cursor, name.span)
            _fail_between_clauses(cursor, done)
        _check_order(cursor, clause, done)
        done.append(clause)
        clause_start = cursor.index
        cursor.take()
        match clause:
            case "TRANSFORM":
                inner = cursor.brackets()
                transform = inner.content
                if transform is None:
                    inner.fail("a select list")
            case "OPTIONS":
                options = parse_settings(cursor.brackets())
                options_span = cursor.span_from(clause_start)
            case "AS":
                query = _parse_query(cursor, options_span is None)
            case "INPUT" | "OUTPUT":
                cursor.brackets()
                raise _not_supported(f"the clause {clause}", cursor.span_from(clause_start))
            case _:
                cursor.accept_words("WITH", "CONNECTION")
                cursor.index += not cursor.at_end
                raise _not_supported("a remote model", cursor.span_from(clause_start))
    return CreateModel(name, replace, if_not_exists, options, options_span, transform, query, cursor.span_from(start))


def _parse_if_not_exists(cursor: Cursor, replace: bool) -> bool:
    start = cursor.index
    if not cursor.at_words("IF", "NOT"):
        return False
    cursor.accept_words("IF", "NOT")
    cursor.expect_word("EXISTS")
    if replace:
        raise ProgrammingError(
            "OR REPLACE and IF NOT EXISTS contradict each other", code="syntax_error", span=cursor.span_from(start), hint="keep one of them"
        )
    return True


def _at_clause(cursor: Cursor) -> str | None:
    """The clause that begins here; a word alone is none, so that a model may be called "options"."""
    token = cursor.peek()
    if token is None or token.kind is not TokenKind.WORD:
        return None
    word = token.text.upper()
    following = cursor.peek(1)
    if word in _BRACKETED:
        return word if following is not None and following.is_symbol("(") else None
    if word == "REMOTE":
        return word if following is not None and following.is_word("WITH") else None
    return word if word == "AS" else None


def _check_order(cursor: Cursor, clause: str, done: list[str]) -> None:
    if clause in done:
        raise ProgrammingError(f"{clause} is given twice", code="syntax_error", span=cursor.here, hint="put both into one")
    later = next((other for other in done if _ORDER.index(other) > _ORDER.index(clause)), None)
    if later is not None:
        raise ProgrammingError(f"{clause} must stand before {later}", code="syntax_error", span=cursor.here, hint=f"the order is {_SHAPE}")


def _check_copy(cursor: Cursor, name: Span) -> None:
    """`CREATE MODEL name COPY other` is BigQuery's way to make a copy."""
    word, source = cursor.peek(), cursor.index + 1
    if word is None or not word.is_word("COPY", "CLONE") or source >= cursor.stop:
        return
    original = parse_model_name(cursor.within(source, cursor.stop), versions=True).span
    hint = f"write COPY MODEL {cursor.text[original.start : original.end]} TO {cursor.text[name.start : name.end]}"
    raise NotSupportedError(f"CREATE MODEL … {word.text.upper()} is not available", code="clause_not_supported", span=word.span, hint=hint)


def _fail_between_clauses(cursor: Cursor, done: list[str]) -> NoReturn:
    if cursor.at_word(*QUERY_STARTS) or cursor.at_symbol("("):
        cursor.fail("AS before the query", hint="write AS before the query")
    left = [f"{clause} (" for clause in ("TRANSFORM", "OPTIONS") if not any(_ORDER.index(other) >= _ORDER.index(clause) for other in done)]
    cursor.fail(" or ".join([*left, "AS"]), hint=f"the order is {_SHAPE}")


def _parse_query(cursor: Cursor, options_missing: bool) -> Span:
    """The training query up to the end of the statement, without brackets around all of it."""
    inner = cursor.within(cursor.index, cursor.stop)
    while inner.at_symbol("(") and inner.pairs[inner.index] == inner.stop - 1:
        outer, inner = inner, inner.within(inner.index + 1, inner.stop - 1)
        if inner.at_words("TRAINING_DATA", "AS") or inner.at_words("CUSTOM_HOLIDAY", "AS"):
            raise _not_supported("a query of holidays beside the training data", outer.content)
    if not (inner.at_word(*QUERY_STARTS) or inner.at_symbol("(")):
        inner.fail("a query after AS", hint="a training query begins with SELECT, WITH or FROM")
    content = inner.content
    assert content is not None, "the query has a first token"
    if options_missing:
        _check_options_behind(inner)
    cursor.index = cursor.stop
    return content


def _check_options_behind(query: Cursor) -> None:
    # `FROM t OPTIONS (a = 1)` would reach the engine as an alias with columns, and its message would say nothing of the order.
    for index in range(query.index, query.stop - 3):
        first, bracket, name, equals = query.tokens[index : index + 4]
        if first.is_word("OPTIONS") and bracket.is_symbol("(") and name.kind is TokenKind.WORD and equals.is_symbol("="):
            raise ProgrammingError("OPTIONS must stand before AS", code="syntax_error", span=first.span, hint=f"the order is {_SHAPE}")


def _not_supported(what: str, span: Span | None) -> NotSupportedError:
    return NotSupportedError(f"{what} is not available in this release", code="clause_not_supported", span=span)
