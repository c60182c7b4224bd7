"""Preprocessing functions where a value may stand: `ML.BUCKETIZE(x, [1, 2])`, `ML.STANDARD_SCALER(x) OVER ()`, `FARM_FINGERPRINT(s)`.

Their arguments stay spans of the text, with the literal or the fields of a STRUCT beside where an argument is one. Which a function takes
is for its declaration.
"""

from __future__ import annotations

from sqlml.errors import Error, ProgrammingError
from sqlml.source import Span
from sqlml.syntax.cursor import Cursor
from sqlml.syntax.literals import enter_struct, parse_value
from sqlml.syntax.names import is_name, unquote
from sqlml.syntax.nodes import QueryScope, StructField, Value, ValueArgument, ValueCall
from sqlml.syntax.tokens import TokenKind


def parse_value_call(
    cursor: Cursor, start: int, opening: int, *, scope: QueryScope | None, ctes: tuple[Span, ...], recursive: bool
) -> ValueCall:
    """The call whose name begins at index `start` and whose bracket opens at `opening`.

    Raises: ProgrammingError `function_argument`, `syntax_error`.
    """
    tokens = cursor.tokens
    closing = cursor.pairs[opening]
    name = ".".join(token.text.upper() for token in tokens[start:opening] if not token.is_symbol("."))
    arguments = _arguments(cursor.within(opening + 1, closing))
    behind = cursor.within(closing + 1, len(tokens))
    over: Span | None = None
    is_empty = False
    if behind.at_word("FILTER", "WITHIN", "IGNORE", "RESPECT"):
        raise ProgrammingError(
            f"{name} takes nothing between its arguments and OVER ()", code="function_argument", span=behind.here,
            hint="filter the rows of the query instead",
        )  # fmt: skip
    if behind.at_word("OVER"):
        at = behind.index
        behind.take()
        if behind.at_symbol("(") and behind.index in behind.pairs:
            is_empty = behind.brackets().content is None
            over = behind.span_from(at)
        elif is_name(behind.peek()):
            behind.take()
            over = behind.span_from(at)
    end = over or tokens[closing].span
    return ValueCall(
        function=name, function_span=tokens[start].span.to(tokens[opening - 1].span), arguments=arguments, over=over,
        over_is_empty=is_empty, scope=scope, ctes=ctes, recursive=recursive, span=tokens[start].span.to(end),
    )  # fmt: skip


def _arguments(cursor: Cursor) -> tuple[ValueArgument, ...]:
    arguments: list[ValueArgument] = []
    while not cursor.at_end:
        start = cursor.index
        cursor.skip_value()
        if cursor.index == start:
            cursor.fail("an argument")
        arguments.append(_argument(cursor.within(start, cursor.index)))
        if not cursor.at_end and cursor.accept_symbol(",") and cursor.at_end:
            cursor.fail("an argument")
    return tuple(arguments)


def _argument(cursor: Cursor) -> ValueArgument:
    name, name_span = None, None
    following = cursor.peek(1)
    if following is not None and following.is_symbol("=>", ":="):
        token = cursor.take()
        name, name_span = unquote(token, cursor.dialect), token.span
        cursor.take()
    span = cursor.content
    if span is None:
        cursor.fail("a value")
    if cursor.at_word("DISTINCT", "ALL") and cursor.peek(1) is not None:
        raise ProgrammingError("an argument of an ML function takes no DISTINCT or ALL", code="function_argument", span=span)
    for index in range(cursor.index, cursor.stop):
        token = cursor.tokens[index]
        before = cursor.tokens[index - 1]
        is_star = token.is_symbol("*") and (before.is_symbol("(", ",", ".") or index == cursor.index)
        if is_star or (token.is_word("COLUMNS") and index + 1 < cursor.stop and cursor.tokens[index + 1].is_symbol("(")):
            raise ProgrammingError(
                "an argument of an ML function is one value, not several columns", code="function_argument", span=token.span,
                hint="name the column; several calls make several columns",
            )  # fmt: skip
    return ValueArgument(span, name, name_span, _literal(cursor), _fields(cursor))


def _literal(cursor: Cursor) -> Value | None:
    """The argument as a literal, or None when it has to be computed."""
    reading = cursor.within(cursor.index, cursor.stop)
    try:
        value = parse_value(reading, "an argument")
    except Error:
        return None
    return value if reading.at_end else None


def _fields(cursor: Cursor) -> tuple[StructField, ...] | None:
    """The fields of `STRUCT(a, b AS c)` or `{'c': b}`, or None when the argument is neither."""
    reading = cursor.within(cursor.index, cursor.stop)
    if reading.at_symbol("{") and reading.pairs.get(reading.index) == reading.stop - 1:
        return _braced_fields(reading.brackets())
    inner = enter_struct(reading)
    if inner is None or not reading.at_end:
        return None
    fields: list[StructField] = []
    while not inner.at_end:
        start = inner.index
        inner.skip_value("AS")
        if inner.index == start:
            inner.fail("a field")
        expression = inner.span_from(start)
        stop = inner.index
        name = None
        if inner.accept_words("AS"):
            if not is_name(inner.peek()):
                inner.fail("the name of a field")
            name = unquote(inner.take(), inner.dialect)
        elif (last := inner.tokens[stop - 1]).kind in {TokenKind.WORD, TokenKind.QUOTED} and _is_path(inner, start, stop):
            name = unquote(last, inner.dialect)
        fields.append(StructField(name, expression))
        if not inner.at_end and not inner.accept_symbol(","):
            inner.fail('"," or ")"')
    return tuple(fields)


def _braced_fields(inner: Cursor) -> tuple[StructField, ...] | None:
    fields: list[StructField] = []
    while not inner.at_end:
        token = inner.take()
        if token.kind not in {TokenKind.STRING, TokenKind.WORD, TokenKind.QUOTED} or not inner.accept_symbol(":"):
            return None
        name = token.text if token.kind is TokenKind.WORD else token.text[1:-1].replace(token.text[0] * 2, token.text[0])
        start = inner.index
        inner.skip_value()
        if inner.index == start:
            inner.fail("a field")
        fields.append(StructField(name, inner.span_from(start)))
        if not inner.at_end:
            inner.accept_symbol(",")
    return tuple(fields)


def _is_path(cursor: Cursor, start: int, stop: int) -> bool:
    """Whether tokens are a column, as in `a` or `t.a`."""
    parts = cursor.tokens[start:stop]
    names = all(is_name(token) or (index and token.kind is TokenKind.WORD) for index, token in enumerate(parts[::2]))
    return len(parts) % 2 == 1 and names and all(token.is_symbol(".") for token in parts[1::2])
