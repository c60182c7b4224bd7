"""The select list of TRANSFORM: which outputs it makes, of which columns, and that nothing stands in it but functions of one row.

The expressions themselves stay spans of the text. Whatever is stored with a model is read by this again before it runs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from sqlml.errors import Error, NotSupportedError, ProgrammingError, did_you_mean
from sqlml.source import Source, Span
from sqlml.syntax.cursor import Cursor
from sqlml.syntax.function_names import VALUE_FUNCTIONS
from sqlml.syntax.ml_calls import find_calls
from sqlml.syntax.names import is_name, unquote
from sqlml.syntax.nodes import Transform, TransformColumn, TransformFields, TransformStar, ValueCall
from sqlml.syntax.scalar_functions import AGGREGATES, KEYWORDS, SCALAR_FUNCTIONS, TYPES
from sqlml.syntax.tokens import Token, TokenKind, match_brackets, tokenize

_QUERY_WORDS = frozenset({"SELECT", "VALUES", "TABLE", "PIVOT", "UNPIVOT", "DESCRIBE", "SUMMARIZE", "SHOW", "WITH", "EXISTS"})
_FROM_INSIDE = frozenset({"EXTRACT", "SUBSTRING", "TRIM", "OVERLAY"})
_WINDOW = "a TRANSFORM clause holds no window function but those of ML"
_MAX_TOKENS = 50_000
_MAX_CHAIN = 32
_MAX_GROWTH = 10_000
_MAX_ARGUMENTS = 8
_FORMATS = frozenset({"FORMAT", "PRINTF"})
_GROWING = _FORMATS | {"REPEAT", "LPAD", "RPAD", "LIST_RESIZE", "ARRAY_RESIZE", "RANGE", "GENERATE_SERIES"}
_WIDE = re.compile(r"\d{5}|\*|\{[^}]*\{")
_ZONED = frozenset({"TIMESTAMPTZ", "TIMETZ"})
_CLOCKS = frozenset({
    "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP", "CURRENT_USER", "SESSION_USER", "CURRENT_CATALOG",
    "CURRENT_SCHEMA", "CURRENT_ROLE",
})  # fmt: skip


def parse_transform(source: Source, span: Span, dialect: str = "duckdb", *, check: bool = True) -> Transform:
    """The select list between the brackets of TRANSFORM.

    Args: check, whether what may not stand there is refused: not where the clause is about to be translated, and read again.
    Raises: ProgrammingError `syntax_error`, `transform_expression` for what a TRANSFORM may not hold, `transform_alias`; as `find_calls`.
        Every one with the text and the place in it.
    """
    try:
        return _parse(source, span, dialect, check)
    except Error as error:
        error.with_source(source)
        raise


def _parse(source: Source, span: Span, dialect: str, check: bool) -> Transform:
    tokens = tokenize(source.text, dialect, span)
    _check_size(tokens, span)
    pairs, bracket_error = match_brackets(tokens)
    if bracket_error is not None:
        raise bracket_error
    cursor = Cursor(source.text, tokens, pairs, dialect)
    found, _ = find_calls(cursor, None)
    calls = [call for call in found if isinstance(call, ValueCall)]
    for call in found:
        if not isinstance(call, ValueCall):
            _refuse("a TRANSFORM clause holds no subquery", call.span)
    if check:
        _check_tokens(cursor, calls)
    items: list[TransformStar | TransformColumn | TransformFields] = []
    while not cursor.at_end:
        start = cursor.index
        cursor.skip_value()
        if cursor.index == start:
            cursor.fail("a column or an expression")
        items.append(_item(cursor.within(start, cursor.index)))
        if not cursor.at_end and cursor.accept_symbol(",") and cursor.at_end:
            break
    return Transform(tuple(items), tuple(calls), _names(tokens, dialect), span)


def _check_size(tokens: Sequence[Token], span: Span) -> None:
    """A clause of a stranger's may have any length, and the engine takes a minute to find out that `a.b.c…` of 10,000 names is nothing."""
    if len(tokens) > _MAX_TOKENS:
        _refuse(f"a TRANSFORM clause holds at most {_MAX_TOKENS:,} words and symbols, this one {len(tokens):,}", span)
    n_chained = 0
    for index, token in enumerate(tokens):
        if token.is_symbol("."):
            n_chained = n_chained + 1 if index > 1 and tokens[index - 2].is_symbol(".") else 1
            if n_chained > _MAX_CHAIN:
                _refuse(f"a TRANSFORM clause takes at most {_MAX_CHAIN} fields of fields", token.span)


def _item(cursor: Cursor) -> TransformStar | TransformColumn | TransformFields:
    whole = cursor.content
    if whole is None:
        cursor.fail("a column or an expression")
    if cursor.at_symbol("*"):
        return _star(cursor, whole)
    tokens = cursor.tokens[cursor.index : cursor.stop]
    if len(tokens) > 2 and tokens[-1].is_symbol("*") and tokens[-2].is_symbol("."):
        return TransformFields(tokens[0].span.to(tokens[-3].span), whole)
    start = cursor.index
    cursor.skip_value("AS")
    expression, stop = cursor.span_from(start), cursor.index
    if cursor.accept_words("AS"):
        token = cursor.peek()
        if token is None or not (is_name(token) or token.kind is TokenKind.WORD):
            cursor.fail("a name after AS")
        alias = cursor.take()
        if not cursor.at_end:
            cursor.fail('","')
        return TransformColumn(expression, unquote(alias, cursor.dialect), _plain_name(cursor, start, stop), alias.span, whole)
    name = _plain_name(cursor, start, cursor.stop)
    if name is not None:
        return TransformColumn(expression, name, name, None, whole)
    if len(tokens) > 1 and is_name(tokens[-1]) and (tokens[-2].kind is not TokenKind.SYMBOL or tokens[-2].is_symbol(")", "]", "}")):
        before = tokens[-2]
        if not before.is_word(*KEYWORDS) and not tokens[-1].is_word("END"):
            return TransformColumn(tokens[0].span.to(before.span), unquote(tokens[-1], cursor.dialect), None, tokens[-1].span, whole)
    raise ProgrammingError("an expression in TRANSFORM needs a name", code="transform_alias", span=whole, hint="write expression AS name")


def _plain_name(cursor: Cursor, start: int, stop: int) -> str | None:
    """The column, when the tokens from `start` up to `stop` are one and nothing else."""
    return unquote(cursor.tokens[start], cursor.dialect) if stop == start + 1 and is_name(cursor.tokens[start]) else None


def _star(cursor: Cursor, span: Span) -> TransformStar:
    cursor.take()
    left_out: list[tuple[str, Span]] = []
    replaced: list[TransformColumn] = []
    while not cursor.at_end:
        if cursor.at_word("EXCEPT", "EXCLUDE") and not left_out:
            cursor.take()
            if cursor.at_symbol("("):
                inner = cursor.brackets()
                while not inner.at_end:
                    if not is_name(inner.peek()):
                        inner.fail("the name of a column")
                    token = inner.take()
                    left_out.append((unquote(token, cursor.dialect), token.span))
                    if not inner.at_end and not inner.accept_symbol(","):
                        inner.fail('"," or ")"')
            elif is_name(cursor.peek()):
                token = cursor.take()
                left_out.append((unquote(token, cursor.dialect), token.span))
            if not left_out:
                cursor.fail("columns in brackets")
        elif cursor.at_word("REPLACE") and not replaced:
            cursor.take()
            if not cursor.at_symbol("("):
                cursor.fail("expressions in brackets")
            inner = cursor.brackets()
            while not inner.at_end:
                start = inner.index
                inner.skip_value()
                item = _item(inner.within(start, inner.index))
                if not isinstance(item, TransformColumn) or item.alias_span is None:
                    raise ProgrammingError(
                        "REPLACE takes expression AS column", code="syntax_error", span=item.span, hint="write * REPLACE (a * 2 AS a)"
                    )
                replaced.append(item)
                inner.accept_symbol(",")
        else:
            cursor.fail('"," or ")"')
    return TransformStar(tuple(left_out), tuple(replaced), span)


def _check_tokens(cursor: Cursor, calls: list[ValueCall]) -> None:
    """Refuses whatever could read more than the row, or differ from one run to the next."""
    tokens, pairs = cursor.tokens, cursor.pairs
    ours = {call.function_span.end for call in calls}
    overs = {call.over.start for call in calls if call.over is not None}
    opened = {closing: opening for opening, closing in pairs.items()}
    inside: list[str] = []
    for index, token in enumerate(tokens):
        word = token.text.upper() if token.kind is TokenKind.WORD else ""
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        before = tokens[index - 1] if index else None
        if token.kind is TokenKind.PARAMETER:
            raise NotSupportedError(
                "a TRANSFORM clause takes no parameters", code="transform_expression", span=token.span,
                hint="it is kept with the model: write the value, or compute the column in the query after AS",
            )  # fmt: skip
        if token.is_symbol("#"):
            _refuse("a column is read by its name in a TRANSFORM clause, not by its place", token.span, "predictions find columns by name")
        if word in _ZONED or (word == "WITH" and following is not None and following.is_word("TIME")):
            _refuse(
                "a time with zone in a TRANSFORM clause would follow the session's time zone", token.span,
                "columns with a zone are read in UTC: write TIMESTAMP",
            )  # fmt: skip
        if token.is_symbol("("):
            inside.append(before.text.upper() if before is not None and before.kind is TokenKind.WORD else "")
        elif token.is_symbol(")") and index in opened:
            inside.pop()
        if word == "OVER" and token.span.start not in overs and following is not None and (following.is_symbol("(") or is_name(following)):
            _refuse(_WINDOW, token.span, "compute it in the query after AS")
        follows_dot = before is not None and before.is_symbol(".")
        if word in _QUERY_WORDS and not follows_dot and (word == "SELECT" or (before is not None and before.is_symbol("("))):
            _refuse("a TRANSFORM clause holds no subquery", token.span, "join or compute it in the query after AS")
        if word == "FROM" and not (before is not None and before.is_word("DISTINCT")) and not (inside and inside[-1] in _FROM_INSIDE):
            _refuse("a TRANSFORM clause holds no subquery", token.span, "join or compute it in the query after AS")
        if word in _CLOCKS and not follows_dot:
            _refuse(f"{word} in a TRANSFORM clause would make predictions differ from day to day", token.span, "pass it as a column")
        if (
            following is not None
            and following.is_symbol("(")
            and token.kind in {TokenKind.WORD, TokenKind.QUOTED}
            and token.span.end not in ours
        ):
            is_ml = index > 1 and follows_dot and tokens[index - 2].is_word("ML")
            closing = pairs.get(index + 1, index)
            if not is_ml and closing + 1 < len(tokens) and tokens[closing + 1].is_word("OVER"):
                _refuse(_WINDOW, token.span, "compute it in the query after AS")
            _check_function(token, cursor.dialect, is_ml)
            if unquote(token, cursor.dialect).upper() in _GROWING and closing > index:
                is_method = follows_dot and not (
                    index > 3 and tokens[index - 2].text.strip('"').upper() == "MAIN" and tokens[index - 3].is_symbol(".")
                )
                if is_method:
                    _refuse(f"write {token.text}(…) as a function of all its arguments in a TRANSFORM clause", token.span)
                _check_growth(cursor, token, index + 2, closing)


def _check_growth(cursor: Cursor, function: Token, start: int, stop: int) -> None:
    """What a function makes out of nothing has a limit that can be read: the engine computes `repeat('x', 2000000000)` as soon as it is
    told of it, whatever its memory limit is.

    Args: start, stop, where its arguments stand.
    """
    name = unquote(function, cursor.dialect).upper()
    hint = f"write a number of at most {_MAX_GROWTH:,}, or compute it in the query after AS"
    if name in _FORMATS:
        text = cursor.tokens[start] if start < stop else function
        is_whole = start + 1 == stop or cursor.tokens[start + 1].is_symbol(",")
        if text.kind is not TokenKind.STRING or not is_whole or _WIDE.search(text.text):
            _refuse(f"{name} in a TRANSFORM clause takes a text whose widths have four digits at most", text.span, hint)
        return
    inner = cursor.within(start, stop)
    for number in range(_MAX_ARGUMENTS):
        first = inner.index
        inner.skip_value()
        counts = number == 1 or name in {"RANGE", "GENERATE_SERIES"}
        if counts and not _is_small(cursor, first, inner.index):
            _refuse(f"{name} in a TRANSFORM clause takes a plain number or a length as its limit", function.span, hint)
        if not inner.accept_symbol(","):
            return


def _is_small(cursor: Cursor, start: int, stop: int) -> bool:
    """Whether tokens are small whole numbers and lengths, added up."""
    index = start
    while index < stop:
        token = cursor.tokens[index]
        if token.kind is TokenKind.NUMBER:
            if not token.text.isdecimal() or int(token.text[:9]) > _MAX_GROWTH:
                return False
        elif token.is_word("LEN", "LENGTH", "ARRAY_LENGTH", "STRLEN") and cursor.pairs.get(index + 1) is not None:
            index = cursor.pairs[index + 1]
        elif not token.is_symbol("+", "-"):
            return False
        index += 1
    return True


def _check_function(token: Token, dialect: str, is_ml: bool) -> None:
    name = unquote(token, dialect)
    key = name.upper()
    if is_ml:
        raise ProgrammingError(
            f"unknown function ML.{name}", code="unknown_function", span=token.span,
            hint=did_you_mean(key, sorted(VALUE_FUNCTIONS)) or "TRANSFORM takes the preprocessing functions of ML",
        )  # fmt: skip
    if key in SCALAR_FUNCTIONS or (token.kind is TokenKind.WORD and (key in KEYWORDS or key in TYPES or key == "OVER")):
        return
    if key in AGGREGATES:
        _refuse(
            f"{name} looks at many rows, which a TRANSFORM clause cannot: predictions are made row by row", token.span,
            "use an analytic ML function such as ML.STANDARD_SCALER(x) OVER (), or compute it in the query after AS",
        )  # fmt: skip
    _refuse(
        f"{name} is no function that a TRANSFORM clause may call", token.span,
        "it takes the engine's functions of one row (arithmetic, text, dates, lists) and those of ML; "
        "compute anything else in the query after AS",
    )  # fmt: skip


def _refuse(message: str, span: Span, hint: str | None = None) -> NoReturn:
    raise ProgrammingError(message, code="transform_expression", span=span, hint=hint)


def _names(tokens: list[Token], dialect: str) -> tuple[tuple[str, Span], ...]:
    """Every word that may be a column: what of these is one, the columns say."""
    names = []
    for index, token in enumerate(tokens):
        if token.kind not in {TokenKind.WORD, TokenKind.QUOTED}:
            continue
        follows_dot = index > 0 and tokens[index - 1].is_symbol(".")
        calls = index + 1 < len(tokens) and tokens[index + 1].is_symbol("(") and token.kind is TokenKind.WORD
        if not follows_dot and not calls:
            names.append((unquote(token, dialect), token.span))
    return tuple(names)
