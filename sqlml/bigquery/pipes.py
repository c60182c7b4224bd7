"""Pipe syntax, cut into pieces that sqlglot reads rightly.

It puts one operator after the other into one SELECT, where `LIMIT 1` and a WHERE behind it would change places. So an operator that
must see the rows of all before it gets them from a subquery: `FROM t |> LIMIT 1 |> WHERE a` is read as
`FROM (FROM t |> LIMIT 1) AS t |> WHERE a`.
Operators that sqlglot does not know are said with those that it does: `|> SET` is `|> SELECT * REPLACE`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlml.errors import NotSupportedError, ProgrammingError
from sqlml.source import Span
from sqlml.syntax.tokens import Token, TokenKind

_JOINS = ("JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL")
_WRITTEN = ("SET", "DROP", "RENAME", "WINDOW")
"""Operators that are written anew."""
_KNOWN = (
    "SELECT", "EXTEND", *_WRITTEN, "AGGREGATE", "WHERE", "ORDER", "LIMIT", "AS", "DISTINCT", *_JOINS, "UNION", "INTERSECT", "EXCEPT",
    "PIVOT", "UNPIVOT", "TABLESAMPLE",
)  # fmt: skip
_SHOWN = (
    "SELECT, EXTEND, SET, DROP, RENAME, WINDOW, AGGREGATE, WHERE, ORDER BY, LIMIT, AS, DISTINCT, JOIN, UNION, INTERSECT, EXCEPT, PIVOT,"
    " UNPIVOT, TABLESAMPLE"
)
_INSTEAD = {
    "CALL": "write SELECT … FROM the_function((the query), …)",
    "ASSERT": "write |> WHERE IF(condition, TRUE, ERROR('…'))",
    "WITH": "write WITH before the whole query",
}
_KEEP_ALIAS = ("EXTEND", *_WRITTEN, "WHERE", "ORDER", "LIMIT", "DISTINCT", "TABLESAMPLE")
"""Operators behind which the table's name can still be written before a column."""


@dataclass
class Edits:
    """Changes by the index of a token."""

    instead: dict[int, str] = field(default_factory=dict)
    """What stands in the place of a token."""
    before: dict[int, str] = field(default_factory=dict)
    after: dict[int, str] = field(default_factory=dict)

    def put_before(self, index: int, text: str) -> None:
        self.before[index] = text + self.before.get(index, "")

    def put_after(self, index: int, text: str) -> None:
        self.after[index] = self.after.get(index, "") + text


def rewrite_pipes(tokens: Sequence[Token], edits: Edits) -> None:
    """Adds what has to be changed.

    Raises: NotSupportedError `construct_not_supported` for an operator that is not available; ProgrammingError `syntax_error`.
    """
    for start, pipes, end in _chains(tokens):
        for pipe, stop in zip(pipes, [*pipes[1:], end], strict=True):
            _write(tokens, pipe + 2, stop, edits)
        _nest(tokens, start, pipes, edits)


def _is_pipe(tokens: Sequence[Token], index: int) -> bool:
    following = tokens[index + 1] if index + 1 < len(tokens) else None
    return (
        tokens[index].is_symbol("|") and following is not None and following.is_symbol(">")
        and following.span.start == tokens[index].span.end
    )  # fmt: skip


def _chains(tokens: Sequence[Token]) -> Iterator[tuple[int, list[int], int]]:
    """Of each query with pipes: where it starts, its pipes, and where it ends."""
    groups: list[tuple[int, int | None, list[int]]] = [(0, None, [])]
    for index, token in enumerate(tokens):
        first, start, pipes = groups[-1]
        if token.is_symbol("(", "["):
            groups.append((index + 1, None, []))
        elif token.is_symbol(")", "]"):
            if pipes:
                yield (first if start is None else start), pipes, index
            if len(groups) > 1:
                groups.pop()
            else:
                groups = [(index + 1, None, [])]
        elif start is None and not pipes and token.is_word("SELECT", "FROM"):
            groups[-1] = (first, index, pipes)
        elif _is_pipe(tokens, index):
            pipes.append(index)
    for first, start, pipes in groups[:1]:
        if pipes:
            yield (first if start is None else start), pipes, len(tokens)


def _write(tokens: Sequence[Token], first: int, end: int, edits: Edits) -> None:
    """Checks one operator, and writes it anew where that is needed."""
    if first >= end or tokens[first].kind is not TokenKind.WORD:
        return  # the parser says what is missing
    token = tokens[first]
    word = token.text.upper()
    if word not in _KNOWN:
        raise NotSupportedError(
            f"the pipe operator {word} is not available", code="construct_not_supported", span=token.span,
            hint=_INSTEAD.get(word, f"there are {_SHOWN}"),
        )  # fmt: skip
    if word == "AGGREGATE":
        _write_aggregate(tokens, first, end, edits)
    if word not in _WRITTEN:
        return
    if end == first + 1:
        raise ProgrammingError(f"|> {word} needs something to work on", code="syntax_error", span=token.span)
    if word == "SET":
        _write_set(tokens, first, end, edits)
    elif word == "WINDOW":
        edits.instead[first] = "EXTEND"
    else:
        edits.instead[first] = "SELECT * EXCEPT (" if word == "DROP" else "SELECT * RENAME ("
        edits.put_after(end - 1, ")")


def _write_aggregate(tokens: Sequence[Token], first: int, end: int, edits: Edits) -> None:
    """Says every direction and every name: the parser orders by the columns that have a direction, and by names."""
    group = next((index for index in _outer(tokens, first + 1, end) if tokens[index].is_word("GROUP")), end)
    n_unnamed = 0
    for start, stop in _items(tokens, first + 1, group):
        is_directed = tokens[stop - 1].is_word("ASC", "DESC")
        named = stop - 1 - is_directed
        if tokens[named].is_symbol(")"):
            if is_directed and named > start:
                edits.put_after(named, f" AS f{n_unnamed}_")
            n_unnamed += 1
    if group + 3 < end and tokens[group + 1].is_word("AND") and tokens[group + 2].is_word("ORDER"):
        for start, stop in _items(tokens, group + 4, end):
            if not any(tokens[index].is_word("ASC", "DESC", "NULLS") for index in _outer(tokens, start, stop)):
                edits.put_after(stop - 1, " ASC")


def _outer(tokens: Sequence[Token], first: int, end: int) -> Iterator[int]:
    """The tokens that stand in no brackets, a closing one too."""
    depth = 0
    for index in range(first, end):
        depth -= tokens[index].is_symbol(")", "]")
        if depth == 0:
            yield index
        depth += tokens[index].is_symbol("(", "[")


def _items(tokens: Sequence[Token], first: int, end: int) -> Iterator[tuple[int, int]]:
    """Where each item of a list begins and ends."""
    start = first
    for index in [*(index for index in _outer(tokens, first, end) if tokens[index].is_symbol(",")), end]:
        if index > start:
            yield start, index
        start = index + 1


def _write_set(tokens: Sequence[Token], first: int, end: int, edits: Edits) -> None:
    """`SET a = x, b = y` as `SELECT * REPLACE (x AS a, y AS b)`."""
    starts = [first + 1]
    depth = 0
    for index in range(first + 1, end):
        depth += tokens[index].is_symbol("(", "[") - tokens[index].is_symbol(")", "]")
        if depth == 0 and tokens[index].is_symbol(",") and _is_setting(tokens, index + 1):
            starts.append(index + 1)
    edits.instead[first] = "SELECT * REPLACE ("
    for start, stop in zip(starts, [*(start - 1 for start in starts[1:]), end], strict=True):
        if not _is_setting(tokens, start) or stop <= start + 2:
            raise ProgrammingError(
                "|> SET takes column = expression", code="syntax_error", span=Span(tokens[start].span.start, tokens[stop - 1].span.end)
            )
        edits.instead[start] = edits.instead[start + 1] = ""
        edits.put_after(stop - 1, f" AS {tokens[start].text}")
    edits.put_after(end - 1, ")")


def _is_setting(tokens: Sequence[Token], index: int) -> bool:
    return index + 1 < len(tokens) and tokens[index].kind in (TokenKind.WORD, TokenKind.QUOTED) and tokens[index + 1].is_symbol("=")


def _nest(tokens: Sequence[Token], start: int, pipes: Sequence[int], edits: Edits) -> None:
    """Puts what is before an operator into a subquery, where the operator must see its rows as they are then."""
    alias, is_one = _alias(tokens, start, pipes[0])
    state = "FROM" if tokens[start].is_word("FROM") else "DONE"
    for pipe in pipes:
        if pipe + 2 >= len(tokens):
            return
        word = tokens[pipe + 2].text.upper()
        if word == "AS":
            edits.put_before(start, "FROM (")
            edits.instead[pipe], edits.instead[pipe + 1] = ")", ""
            named = tokens[pipe + 3] if pipe + 3 < len(tokens) else None
            alias, is_one, state = (None if named is None else named.text), True, "FROM"
            continue
        if _needs_subquery(state, word, is_one=is_one):
            edits.put_before(start, "FROM (")
            edits.put_before(pipe, f") AS {alias} " if alias is not None else ") ")
            is_one = True
        if word in _JOINS:
            alias, is_one, state = None, False, "FROM"
        else:
            alias = alias if word in _KEEP_ALIAS else None
            state = word if word in ("WHERE", "ORDER", "LIMIT") else "DONE"


def _needs_subquery(state: str, word: str, *, is_one: bool) -> bool:
    if state == "FROM":
        return word in ("PIVOT", "UNPIVOT", "TABLESAMPLE", "UNION", "INTERSECT", "EXCEPT") and not is_one
    if state == "WHERE":
        if word in _JOINS:
            # A condition on one side does not care for an inner or left join behind it, but its columns must stay those of that side.
            return is_one or word in ("RIGHT", "FULL", "NATURAL")
        return word not in ("WHERE", "ORDER", "LIMIT", "SELECT", "EXTEND", "AGGREGATE", *_WRITTEN)
    return not (state == "ORDER" and word == "LIMIT")


def _alias(tokens: Sequence[Token], start: int, end: int) -> tuple[str | None, bool]:
    """The name of the one table of a FROM clause, and whether there is but one; (None, …) where that is not plain."""
    if not tokens[start].is_word("FROM"):
        return None, True
    depth = 0
    outer: list[Token] = []
    for token in tokens[start + 1 : end]:
        if token.is_symbol("(", "["):
            depth += 1
        elif token.is_symbol(")", "]"):
            depth -= 1
            if depth == 0:
                outer.append(token)
        elif depth == 0:
            outer.append(token)
    if any(token.is_symbol(",") or token.is_word(*_JOINS) for token in outer):
        return None, False
    names = [token for token in outer if token.kind in (TokenKind.WORD, TokenKind.QUOTED)]
    if (
        not outer
        or outer[-1] not in names
        or any(token.is_word("WITH", "OFFSET", "FOR", "TABLESAMPLE", "PIVOT", "UNPIVOT") for token in outer)
    ):
        return None, True
    last = outer[-1].text
    last = f"`{last.strip('`').rpartition('.')[2]}`" if last.startswith("`") else last
    return (None if "__sqlml" in last else last), True
