"""The arguments of an ML function: `MODEL m`, `TABLE t`, `(query)`, `STRUCT(value AS name)`, `name => value`, other literals.

Which of them a function takes, how many and with what names is for its declaration.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlml.errors import NotSupportedError, ProgrammingError
from sqlml.source import Span
from sqlml.syntax.create_model import QUERY_STARTS
from sqlml.syntax.cursor import Cursor
from sqlml.syntax.literals import enter_struct, parse_struct_fields, parse_value
from sqlml.syntax.names import expect_label, is_name, parse_model_name, unquote
from sqlml.syntax.nodes import ModelName, OptionSetting, QueryArgument, TableArgument, Value
from sqlml.syntax.tokens import TokenKind


@dataclass
class Arguments:
    """The arguments of one call, sorted by kind and in order within each."""

    models: list[ModelName] = field(default_factory=list)
    data: list[TableArgument | QueryArgument] = field(default_factory=list)
    settings: list[OptionSetting] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)


def parse_arguments(cursor: Cursor) -> Arguments:
    """Reads all arguments; the cursor stands over what is between the brackets of the call.

    Raises: ProgrammingError `function_argument`, `option_literal`, `syntax_error`; NotSupportedError `clause_not_supported`.
    """
    arguments = Arguments()
    while not cursor.at_end:
        _parse_argument(cursor, arguments)
        if cursor.at_end:
            break
        if not cursor.accept_symbol(","):
            cursor.fail('"," or ")"')
        if cursor.at_end:
            cursor.fail("an argument")
    return arguments


def _parse_argument(cursor: Cursor, arguments: Arguments) -> None:
    following = cursor.peek(1)
    if cursor.at_symbol(","):
        cursor.fail("an argument")
    if following is not None and following.is_symbol("=>", ":="):
        token = expect_label(cursor, "a setting")
        cursor.take()
        name = unquote(token, cursor.dialect)
        arguments.settings.append(OptionSetting(name, parse_value(cursor, f"setting {name}"), token.span))
    elif cursor.at_word("MODEL") and not (following is not None and following.is_symbol(".")):
        cursor.take()
        arguments.models.append(parse_model_name(cursor, versions=True))
    elif cursor.at_word("TABLE"):
        arguments.data.append(_parse_table(cursor))
    elif _at_query(cursor):
        arguments.data.append(_parse_query(cursor))
    elif (fields := enter_struct(cursor)) is not None:
        arguments.settings.extend(parse_struct_fields(fields))
    elif cursor.at_word(*QUERY_STARTS):
        start = cursor.index
        cursor.skip_value()
        span = cursor.span_from(start)
        raise ProgrammingError("a query must stand in brackets", code="function_argument", span=span, hint="write (SELECT …)")
    else:
        if (path := _bare_path(cursor)) is not None:
            raise _bare_name(cursor, path, first=not arguments.models and not arguments.data)
        arguments.values.append(parse_value(cursor, "an argument of an ML function"))


def _at_query(cursor: Cursor) -> bool:
    """Whether a query in brackets comes next; more brackets may be around it."""
    ahead = 0
    while (token := cursor.peek(ahead)) is not None and token.is_symbol("("):
        ahead += 1
    return ahead > 0 and token is not None and token.is_word(*QUERY_STARTS)


def _parse_query(cursor: Cursor) -> QueryArgument:
    start = cursor.index
    query = cursor.brackets().content
    assert query is not None, "the query has a first token"
    return QueryArgument(query, cursor.span_from(start))


def _parse_table(cursor: Cursor) -> TableArgument:
    start = cursor.index
    cursor.take()
    path_start = cursor.index
    token = cursor.peek()
    if token is None or not (is_name(token) or token.kind is TokenKind.STRING):
        cursor.fail("the name of a table", hint="a query goes in brackets without TABLE" if cursor.at_symbol("(") else None)
    cursor.take()
    while cursor.accept_symbol("."):
        expect_label(cursor, 'the table after "."')
    path = cursor.span_from(path_start)
    if cursor.at_words("FOR", "SYSTEM_TIME"):
        clause = cursor.index
        cursor.skip_value()
        raise NotSupportedError("FOR SYSTEM_TIME is not available", code="clause_not_supported", span=cursor.span_from(clause))
    if cursor.at_symbol("("):
        cursor.take()
        raise ProgrammingError(
            "TABLE takes the name of a table, not a call", code="function_argument", span=path, hint="write a query: (SELECT * FROM …)"
        )
    return TableArgument(path, cursor.span_from(start))


def _bare_path(cursor: Cursor) -> Span | None:
    """The span of the argument when it is a name and nothing else."""
    start = cursor.index
    token = cursor.peek()
    if token is None or token.kind is TokenKind.STRING or not is_name(token):
        return None
    cursor.take()
    while cursor.accept_symbol("."):
        if cursor.at_end:
            break
        cursor.take()
    if cursor.at_symbol("@") and cursor.index + 1 < cursor.stop:
        cursor.index += 2
    span = cursor.span_from(start)
    ended = cursor.at_end or cursor.at_symbol(",")
    cursor.index = start
    return span if ended else None


def _bare_name(cursor: Cursor, span: Span, *, first: bool) -> ProgrammingError:
    name = cursor.text[span.start : span.end]
    if first:
        return ProgrammingError(
            "expected MODEL or TABLE before a name", code="function_argument", span=span,
            hint=f"a model is given as MODEL {name}, a table as TABLE {name}, a query in brackets",
        )  # fmt: skip
    return ProgrammingError(
        "a table must be given with TABLE, or as a query in brackets", code="function_argument", span=span,
        hint=f"write TABLE {name} or (SELECT * FROM {name})",
    )  # fmt: skip
