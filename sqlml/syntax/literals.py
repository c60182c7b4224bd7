"""Literals as Python values: what stands behind `=` in OPTIONS, in a settings STRUCT, and behind `=>`.

Every literal form of BigQuery ML's options, and nothing that has to be computed: options are checked before anything runs. Whether a
value suits its option is for the declaration of the option.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import TypeVar

from sqlml.errors import ProgrammingError
from sqlml.source import Span
from sqlml.syntax.cursor import Cursor
from sqlml.syntax.names import expect_label, is_name, unquote
from sqlml.syntax.nodes import IntervalText, OptionSetting, ParameterRef, Value
from sqlml.syntax.parameters import parameter_key
from sqlml.syntax.strings import parse_date, parse_timestamp, string_value
from sqlml.syntax.tokens import Token, TokenKind
from sqlml.types import HparamCandidates, HparamRange

_MAX_GENERATED = 100_000
_STEP_SLACK = 1e-9
"""Of a step: 0.1 + 2 * 0.1 is a little more than 0.3, which is meant to be the last."""
_MAX_DEPTH = 50
"""Nested arrays and structs; the deepest that any option takes is 3."""
_FLOAT_TYPES = ("FLOAT64", "DOUBLE", "FLOAT", "FLOAT8", "REAL")
_DECIMAL_TYPES = ("NUMERIC", "BIGNUMERIC", "DECIMAL", "BIGDECIMAL")


_T = TypeVar("_T")


class _NotALiteral(Exception):
    """What was met is no literal; never leaves this module."""


def parse_value(cursor: Cursor, owner: str) -> Value:
    """One literal, up to a comma, AS or the end.

    Args: owner, what the value is for, as in "option learn_rate".
    Raises: ProgrammingError `option_literal` with the span of the whole value; `syntax_error` for a missing one.
    """
    start = cursor.index
    if cursor.at_end or cursor.at_symbol(","):
        cursor.fail("a value")
    try:
        value = _read(cursor, 0)
    except _NotALiteral:
        value = _FAILED
    behind = cursor.peek()
    if value is _FAILED or not (behind is None or behind.is_symbol(",") or behind.is_word("AS")):
        after = cursor.peek(1)
        if value is not _FAILED and is_name(behind) and after is not None and after.is_symbol("=", "=>"):
            cursor.fail('","')
        cursor.index = start
        cursor.skip_value("AS")
        span = cursor.span_from(start)
        raise ProgrammingError(f"{owner} must be a literal", code="option_literal", span=span, hint=_literal_hint(cursor, start))
    return Value(value, cursor.span_from(start))


def parse_settings(cursor: Cursor, what: str = "option") -> tuple[OptionSetting, ...]:
    """`name = value, …` up to the end of the cursor; a comma may follow the last one.

    Args: what, each of them, for messages.
    Raises: as `parse_value`; ProgrammingError `syntax_error`.
    """
    settings = []
    while not cursor.at_end:
        token = expect_label(cursor, f"{'an' if what == 'option' else 'a'} {what}")
        name = unquote(token, cursor.dialect)
        cursor.expect_symbol("=", hint=f"each {what} is written name = value")
        settings.append(OptionSetting(name, parse_value(cursor, f"{what} {name}"), token.span))
        if not cursor.at_end and not cursor.accept_symbol(","):
            cursor.fail('"," or ")"')
    return tuple(settings)


def parse_struct_fields(cursor: Cursor) -> tuple[OptionSetting, ...]:
    """`value AS name, …` of a settings STRUCT; a field without a name is an error.

    Raises: as `parse_value`; ProgrammingError `function_argument`, `syntax_error`.
    """
    settings: list[OptionSetting] = []
    while not cursor.at_end:
        if settings:
            cursor.expect_symbol(",")
        value = parse_value(cursor, "a field of STRUCT")
        if not cursor.accept_words("AS"):
            raise ProgrammingError(
                "a field of STRUCT has no name", code="function_argument", span=value.span,
                hint="settings are matched by name: STRUCT(0.5 AS threshold)",
            )  # fmt: skip
        token = expect_label(cursor, "the field")
        settings.append(OptionSetting(unquote(token, cursor.dialect), value, token.span))
    return tuple(settings)


def enter_struct(cursor: Cursor) -> Cursor | None:
    """Reads `STRUCT(…)` or `STRUCT<…>(…)` and gives a cursor over the fields, or None (and reads nothing) when something else comes."""
    if not cursor.at_word("STRUCT"):
        return None
    start = cursor.index
    cursor.take()
    with contextlib.suppress(_NotALiteral):
        _skip_type_arguments(cursor)
    if not cursor.at_symbol("("):
        cursor.index = start
        return None
    return cursor.brackets()


_FAILED = object()


def _read(cursor: Cursor, depth: int) -> object:
    """One literal, without looking at what follows."""
    token = cursor.peek()
    if token is None:
        raise _NotALiteral
    if depth > _MAX_DEPTH:
        raise ProgrammingError(f"a literal is nested more than {_MAX_DEPTH} deep", code="syntax_error", span=token.span)
    match token.kind:
        case TokenKind.STRING:
            return _read_string(cursor)
        case TokenKind.QUOTED:
            if token.text[0] != '"':
                raise _NotALiteral
            cursor.take()
            return unquote(token, cursor.dialect)
        case TokenKind.NUMBER:
            return _number(cursor.take())
        case TokenKind.PARAMETER:
            key = parameter_key(token, cursor.question_marks_before(cursor.index))
            cursor.take()
            return ParameterRef(key)
        case TokenKind.SYMBOL:
            return _read_symbol(cursor, token, depth)
        case TokenKind.WORD:
            return _read_word(cursor, token, depth)


def _read_string(cursor: Cursor) -> str:
    token = cursor.take()
    text = _string(token, cursor.dialect)
    # Standard SQL and BigQuery join literals with white space between them.
    while (following := cursor.peek()) is not None and following.kind is TokenKind.STRING:
        if following.span.start == cursor.tokens[cursor.index - 1].span.end:
            cursor.fail('","', hint="a quote inside a string is written \\'" if cursor.dialect == "bigquery" else None)
        text += _string(cursor.take(), cursor.dialect)
    return text


def _string(token: Token, dialect: str) -> str:
    value = string_value(token.text, dialect)
    if value is None:
        raise _NotALiteral
    return value


def _read_symbol(cursor: Cursor, token: Token, depth: int) -> object:
    match token.text:
        case "-" | "+":
            cursor.take()
            number = cursor.peek()
            if number is None or number.kind is not TokenKind.NUMBER:
                raise _NotALiteral
            value = _number(cursor.take())
            return -value if token.text == "-" else value
        case "[":
            return _read_items(cursor.brackets(), depth, trailing_comma=True)
        case "(":
            items = _read_items(cursor.brackets(), depth)
            if not items:
                raise _NotALiteral
            return items[0] if len(items) == 1 else tuple(items)
    raise _NotALiteral


def _read_word(cursor: Cursor, token: Token, depth: int) -> object:
    word = token.text.upper()
    if word in _CONSTANTS:
        cursor.take()
        return _CONSTANTS[word]
    if word == "STRUCT":
        fields = enter_struct(cursor)
        if fields is None:
            raise _NotALiteral
        return tuple(_read_items(fields, depth, named=True))
    following = cursor.peek(1)
    if following is None:
        raise _NotALiteral
    if word == "R" and following.kind is TokenKind.STRING and following.span.start == token.span.end:
        cursor.take()
        return _string(cursor.take(), cursor.dialect)
    if word == "INTERVAL":
        return _read_interval(cursor)
    if word in _TYPED and following.kind is TokenKind.STRING:
        cursor.take()
        text = _string(cursor.peek() or token, cursor.dialect)
        span = token.span.to(cursor.take().span)
        return _convert(_TYPED[word], word, text, span)
    if word == "ARRAY":
        cursor.take()
        _skip_type_arguments(cursor)
        if not cursor.at_symbol("["):
            raise _NotALiteral
        return _read_items(cursor.brackets(), depth, trailing_comma=True)
    if word == "CAST" and following.is_symbol("("):
        return _read_cast(cursor)
    if word == "GENERATE_ARRAY" and following.is_symbol("("):
        start = cursor.index
        cursor.take()
        return _generated(_read_items(cursor.brackets(), depth), cursor.span_from(start))
    if word in {"HPARAM_RANGE", "HPARAM_CANDIDATES"} and following.is_symbol("("):
        start = cursor.index
        cursor.take()
        arguments = _read_items(cursor.brackets(), depth)
        return _hyperparameter(word, arguments, cursor.span_from(start))
    raise _NotALiteral


_CONSTANTS: dict[str, object] = {"TRUE": True, "FALSE": False, "NULL": None}
_TYPED: dict[str, Callable[[str], object]] = {
    "DATE": parse_date,
    "DATETIME": lambda text: parse_timestamp(text, zone=False),
    "TIMESTAMP": parse_timestamp,
    "TIMESTAMPTZ": parse_timestamp,
    **dict.fromkeys(_DECIMAL_TYPES, float),
}


def _read_items(cursor: Cursor, depth: int, *, named: bool = False, trailing_comma: bool = False) -> list[object]:
    items: list[object] = []
    while not cursor.at_end:
        items.append(_read(cursor, depth + 1))
        if named and cursor.accept_words("AS"):
            expect_label(cursor, "the field")
        if cursor.at_end:
            break
        if not cursor.accept_symbol(","):
            raise _NotALiteral
        if cursor.at_end and not trailing_comma:
            cursor.fail("a value")
    return items


def _number(token: Token) -> int | float:
    text = token.text.replace("_", "")
    try:
        if text[:2] in {"0x", "0X"}:
            return int(text, 16)
        return int(text) if text.isdecimal() else float(text)
    except ValueError:  # more digits than Python reads
        raise ProgrammingError("the number has too many digits", code="option_literal", span=token.span) from None


def _read_interval(cursor: Cursor) -> IntervalText:
    start = cursor.index
    cursor.take()
    cursor.accept_symbol("-")
    amount = cursor.peek()
    if amount is None or amount.kind not in {TokenKind.NUMBER, TokenKind.STRING}:
        raise _NotALiteral
    cursor.take()
    if (unit := cursor.peek()) is not None and unit.kind is TokenKind.WORD and not unit.is_word("AS"):
        cursor.take()
        if cursor.accept_words("TO"):
            if (unit := cursor.peek()) is None or unit.kind is not TokenKind.WORD:
                cursor.fail("a unit of time")
            cursor.take()
    span = cursor.span_from(start)
    return IntervalText(cursor.text[span.start : span.end])


def _read_cast(cursor: Cursor) -> float:
    """`CAST('+inf' AS FLOAT64)`: infinities and NaN have no literal of their own."""
    start = cursor.index
    cursor.take()
    inner = cursor.brackets()
    value = _read(inner, 0)
    if not inner.accept_words("AS") or not inner.at_word(*_FLOAT_TYPES) or not isinstance(value, str | int | float):
        raise _NotALiteral
    inner.take()
    if not inner.at_end:
        raise _NotALiteral
    return _convert(float, "FLOAT64", value, cursor.span_from(start))


def _convert(convert: Callable[..., _T], type_name: str, value: object, span: Span) -> _T:
    try:
        return convert(value)
    except (ValueError, OverflowError):
        raise ProgrammingError(f"{value!r} is no {type_name}", code="option_literal", span=span) from None


def _generated(arguments: list[object], span: Span) -> list[object]:
    """The numbers of `GENERATE_ARRAY(first, last [, step])`, the last one included where a step meets it."""
    numbers = [value for value in arguments if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)]
    step = numbers[2] if len(numbers) == 3 else 1
    if len(numbers) != len(arguments) or len(numbers) not in (2, 3) or step == 0:
        raise ProgrammingError(
            "GENERATE_ARRAY takes two numbers and a step other than 0",
            code="option_literal",
            span=span,
            hint="GENERATE_ARRAY(0.1, 0.9, 0.1)",
        )
    count = math.floor((numbers[1] - numbers[0]) / step + _STEP_SLACK) + 1
    if count > _MAX_GENERATED:
        raise ProgrammingError(f"GENERATE_ARRAY gives {count} numbers, {_MAX_GENERATED} at most", code="option_literal", span=span)
    return [numbers[0] + index * step for index in range(max(0, count))]


def _hyperparameter(word: str, arguments: list[object], span: Span) -> object:
    if word == "HPARAM_RANGE":
        if len(arguments) == 2:
            low, high = arguments
            if isinstance(low, int | float) and isinstance(high, int | float) and not isinstance(low, bool) and not isinstance(high, bool):
                return HparamRange(_convert(float, "FLOAT64", low, span), _convert(float, "FLOAT64", high, span))
        raise ProgrammingError("HPARAM_RANGE takes two numbers", code="option_literal", span=span, hint="HPARAM_RANGE(0.01, 0.5)")
    if len(arguments) == 1 and isinstance(arguments[0], list):
        return HparamCandidates(tuple(arguments[0]))
    raise ProgrammingError("HPARAM_CANDIDATES takes one array", code="option_literal", span=span, hint="HPARAM_CANDIDATES([4, 6, 8])")


def _skip_type_arguments(cursor: Cursor) -> None:
    """Moves behind `<…>`."""
    depth = 0
    while cursor.at_symbol("<") or depth:
        if cursor.at_end:
            raise _NotALiteral
        token = cursor.take()
        depth += token.is_symbol("<") - token.is_symbol(">")


def _literal_hint(cursor: Cursor, start: int) -> str:
    token = cursor.tokens[start]
    if cursor.index == start + 1 and token.kind in {TokenKind.WORD, TokenKind.QUOTED}:
        return f"write a string as '{unquote(token, cursor.dialect)}'"
    if token.is_symbol("(", "{") or token.is_word("SELECT"):
        return "options are read before anything runs; compute the value first and pass it as a parameter"
    return "a number, string, TRUE, FALSE, NULL, date, array [ … ], STRUCT( … ) or parameter"
