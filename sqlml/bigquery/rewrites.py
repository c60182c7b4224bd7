"""What sqlglot does not read, said so that it does: edits of the text, token by token, before it is parsed.

Pipe operators become those that it knows (`|> SET` is `SELECT * REPLACE`), an array in FROM with its offsets becomes UNNEST, clauses that say
how BigQuery stores what LOAD DATA brings are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlml.errors import NotSupportedError, ProgrammingError
from sqlml.source import Span
from sqlml.syntax.tokens import Token, TokenKind

_READ = (
    "SELECT", "EXTEND", "AGGREGATE", "WHERE", "ORDER", "LIMIT", "AS", "DISTINCT", "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL",
    "UNION", "INTERSECT", "EXCEPT", "PIVOT", "UNPIVOT", "TABLESAMPLE",
)  # fmt: skip
"""Pipe operators that sqlglot knows, by their first word."""
_WRITTEN = ("SET", "DROP", "RENAME", "WINDOW")
"""Those that are rewritten."""
_INSTEAD = {
    "CALL": "write SELECT … FROM the_function((the query), …)",
    "ASSERT": "write |> WHERE IF(condition, TRUE, ERROR('…'))",
    "WITH": "write WITH before the whole query",
}


@dataclass
class Edits:
    """Changes by the index of a token."""

    instead: dict[int, str] = field(default_factory=dict)
    """What stands in the place of a token."""
    before: dict[int, str] = field(default_factory=dict)
    after: dict[int, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.instead or self.before or self.after)


def edits(tokens: Sequence[Token]) -> Edits:
    """What has to be changed.

    Raises: NotSupportedError `construct_not_supported` for a pipe operator that is not available; ProgrammingError `syntax_error`.
    """
    found = Edits()
    for index, token in enumerate(tokens):
        if token.is_symbol("|") and _is_pipe(tokens, index):
            _pipe(tokens, index + 2, found)
        elif token.is_word("OFFSET") and index and tokens[index - 1].is_word("WITH"):
            _array_with_offset(tokens, index - 1, found)
    if tokens and tokens[0].is_word("LOAD"):
        _load(tokens, found)
    if len(tokens) > 2 and tokens[0].is_word("DROP") and tokens[1].is_word("TABLE") and tokens[2].is_word("FUNCTION"):
        found.instead[1] = ""
    for index in (1, 3):  # CREATE SNAPSHOT TABLE, CREATE OR REPLACE SNAPSHOT TABLE
        if len(tokens) > index + 1 and tokens[0].is_word("CREATE") and tokens[index].is_word("SNAPSHOT") and tokens[index + 1].is_word("TABLE"):
            found.instead[index] = ""
    return found


def _is_pipe(tokens: Sequence[Token], index: int) -> bool:
    following = tokens[index + 1] if index + 1 < len(tokens) else None
    return following is not None and following.is_symbol(">") and following.span.start == tokens[index].span.end


def _pipe(tokens: Sequence[Token], first: int, found: Edits) -> None:
    if first >= len(tokens) or tokens[first].kind is not TokenKind.WORD:
        return  # the parser says what is missing
    token = tokens[first]
    word = token.text.upper()
    if word in _READ:
        return
    if word not in _WRITTEN:
        raise NotSupportedError(
            f"the pipe operator {word} is not available", code="construct_not_supported", span=token.span,
            hint=_INSTEAD.get(word, f"there are {', '.join(dict.fromkeys((*_READ, *_WRITTEN)))}"),
        )  # fmt: skip
    end = _end_of_operator(tokens, first + 1)
    if end == first + 1:
        raise ProgrammingError(f"|> {word} needs something to work on", code="syntax_error", span=token.span)
    match word:
        case "SET":
            _set(tokens, first, end, found)
        case "DROP":
            found.instead[first] = "SELECT * EXCEPT ("
            found.after[end - 1] = ")"
        case "RENAME":
            found.instead[first] = "SELECT * RENAME ("
            found.after[end - 1] = ")"
        case _:
            found.instead[first] = "EXTEND"


def _end_of_operator(tokens: Sequence[Token], start: int) -> int:
    """The index behind the last token of a pipe operator."""
    depth = 0
    for index in range(start, len(tokens)):
        token = tokens[index]
        if token.is_symbol("(", "["):
            depth += 1
        elif token.is_symbol(")", "]"):
            depth -= 1
            if depth < 0:
                return index
        elif depth == 0 and (token.is_symbol(";") or (token.is_symbol("|") and _is_pipe(tokens, index))):
            return index
    return len(tokens)


def _set(tokens: Sequence[Token], first: int, end: int, found: Edits) -> None:
    """`SET a = x, b = y` as `SELECT * REPLACE (x AS a, y AS b)`."""
    starts = [first + 1]
    depth = 0
    for index in range(first + 1, end):
        depth += tokens[index].is_symbol("(", "[") - tokens[index].is_symbol(")", "]")
        if depth == 0 and tokens[index].is_symbol(",") and _is_setting(tokens, index + 1):
            starts.append(index + 1)
    found.instead[first] = "SELECT * REPLACE ("
    for start, stop in zip(starts, [*(start - 1 for start in starts[1:]), end], strict=True):
        if not _is_setting(tokens, start) or stop <= start + 2:
            raise ProgrammingError(
                "|> SET takes column = expression", code="syntax_error", span=Span(tokens[start].span.start, tokens[stop - 1].span.end)
            )
        found.instead[start] = found.instead[start + 1] = ""
        found.after[stop - 1] = found.after.get(stop - 1, "") + f" AS {tokens[start].text}"
    found.after[end - 1] += ")"


def _is_setting(tokens: Sequence[Token], index: int) -> bool:
    return index + 1 < len(tokens) and tokens[index].kind in (TokenKind.WORD, TokenKind.QUOTED) and tokens[index + 1].is_symbol("=")


def _array_with_offset(tokens: Sequence[Token], at: int, found: Edits) -> None:
    """`FROM t, t.array AS e WITH OFFSET`: the path goes into UNNEST."""
    last = at - 1
    if last > 1 and _is_name(tokens[last]) and tokens[last - 1].is_word("AS"):
        last -= 2
    elif last > 0 and _is_name(tokens[last]) and (_is_name(tokens[last - 1]) or tokens[last - 1].is_symbol(")")):
        last -= 1
    if last < 0 or not _is_name(tokens[last]):
        return
    start = last
    while start > 1 and tokens[start - 1].is_symbol(".") and _is_name(tokens[start - 2]):
        start -= 2
    if start in (0, last) or not (tokens[start - 1].is_symbol(",") or tokens[start - 1].is_word("JOIN", "FROM")):
        return
    found.before[start] = "UNNEST("
    found.after[last] = ")"


def _is_name(token: Token) -> bool:
    return token.kind in (TokenKind.WORD, TokenKind.QUOTED)


def _load(tokens: Sequence[Token], found: Edits) -> None:
    """Leaves out TEMP, TABLE, PARTITION BY, CLUSTER BY and OPTIONS in front of the files, and WITH … behind them; `definitions` looks at the tokens itself."""
    depth = 0
    leaves_out = False
    seen_files = False
    for index, token in enumerate(tokens):
        depth += token.is_symbol("(") - token.is_symbol(")")
        if depth == 0 and token.is_word("FROM") and index + 1 < len(tokens) and tokens[index + 1].is_word("FILES"):
            leaves_out, seen_files = False, True
        elif (depth == 0 and token.is_word("WITH") and seen_files) or (
            not seen_files and depth == 0 and token.is_word("PARTITION", "CLUSTER", "OPTIONS") and index > 3
        ):
            leaves_out = True
        elif index in (3, 4) and not seen_files and token.is_word("TEMP", "TEMPORARY", "TABLE") and not leaves_out:
            found.instead[index] = ""
            continue
        if leaves_out:
            found.instead[index] = ""
