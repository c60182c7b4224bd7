"""The parts of one SELECT around a call: what makes its rows, and items of its list that have no name.

Only the clause words of one bracket level are looked at; nothing of an expression is understood.
"""

from __future__ import annotations

from sqlml.source import Span
from sqlml.syntax.cursor import Cursor
from sqlml.syntax.nodes import QueryScope
from sqlml.syntax.tokens import Token, TokenKind

_SET_OPERATIONS = frozenset({"UNION", "INTERSECT", "EXCEPT"})
_ENDS_ROWS = frozenset({"GROUP", "HAVING", "WINDOW", "QUALIFY", "ORDER", "LIMIT", "OFFSET", "RETURNING"}) | _SET_OPERATIONS
_ENDS_LIST = frozenset({"FROM", "WHERE", "INTO"}) | _ENDS_ROWS
_OPERATORS = frozenset({
    "AND", "OR", "NOT", "IN", "IS", "LIKE", "ILIKE", "GLOB", "SIMILAR", "TO", "BETWEEN", "ESCAPE", "COLLATE", "ELSE", "THEN", "WHEN",
    "CASE", "FROM", "DISTINCT",
})  # fmt: skip
"""Words before a last word that make it an operand, and no alias."""
_VALUES = frozenset({"END", "NULL", "TRUE", "FALSE", "ISNULL", "NOTNULL", "UNKNOWN"})
"""Words that end an expression and are no alias."""


def query_scope(cursor: Cursor, select: int, start: int, stop: int) -> QueryScope:
    """What makes the rows of the SELECT at index `select`, whose bracket level holds the tokens from `start` up to `stop`."""
    tokens = cursor.tokens
    relation: Span | None = None
    condition: Span | None = None
    is_grouped = False
    clause: str | None = None
    begin = start
    for index in _level(cursor, select, stop):
        word = _word(tokens[index])
        if word in _ENDS_ROWS | {"FROM", "WHERE"} and not (word == "FROM" and _word_before(tokens, index) == "DISTINCT"):
            if word == "EXCEPT" and clause is None:
                continue  # of `* EXCEPT (…)` in the select list
            relation, condition = _close(tokens, clause, begin, index, relation, condition)
            if word in _SET_OPERATIONS:
                clause = None
                break
            is_grouped |= word in {"GROUP", "HAVING"}
            clause, begin = word, index
    else:
        relation, condition = _close(tokens, clause, begin, stop, relation, condition)
    if relation is None:
        relation = _leading_from(cursor, select, start)
    end = tokens[select].span.start
    return QueryScope(relation or Span(end, end), condition, is_grouped)


def _close(
    tokens: list[Token], clause: str | None, begin: int, end: int, relation: Span | None, condition: Span | None
) -> tuple[Span | None, Span | None]:
    if clause in {"FROM", "WHERE"} and end > begin:
        span = tokens[begin].span.to(tokens[end - 1].span)
        return (span, condition) if clause == "FROM" else (relation, span)
    return relation, condition


def _leading_from(cursor: Cursor, select: int, start: int) -> Span | None:
    """The FROM in front of a SELECT, as DuckDB allows."""
    found: int | None = None
    for index in _level(cursor, start - 1, select):
        word = _word(cursor.tokens[index])
        if word == "FROM":
            found = index
        elif word in _SET_OPERATIONS or word == "SELECT":
            found = None
    return None if found is None else cursor.tokens[found].span.to(cursor.tokens[select - 1].span)


def unnamed_item(cursor: Cursor, select: int, stop: int, call: int) -> Span | None:
    """The item of a select list that holds the token at index `call`, if it has no alias.

    Args: select, the index of SELECT; stop, the index behind its bracket level.
    """
    tokens = cursor.tokens
    begin = select + 1
    while begin < stop and _word(tokens[begin]) in {"DISTINCT", "ALL"}:
        begin += 1
        if begin + 1 < stop and _word(tokens[begin]) == "ON" and tokens[begin + 1].is_symbol("("):
            begin = cursor.pairs.get(begin + 1, begin + 1) + 1
    for index in [*_level(cursor, begin - 1, stop), stop]:
        ends = index == stop or tokens[index].is_symbol(",") or (_word(tokens[index]) in _ENDS_LIST and not _is_operand(tokens, index))
        if not ends:
            continue
        if begin <= call < index:
            return tokens[begin].span.to(tokens[index - 1].span) if _lacks_alias(cursor, begin, index) else None
        if index == stop or not tokens[index].is_symbol(","):
            return None
        begin = index + 1
    return None


def _is_operand(tokens: list[Token], index: int) -> bool:
    """Whether a clause word belongs to an expression: IS DISTINCT FROM, * EXCEPT (…)."""
    word = _word(tokens[index])
    return (word == "FROM" and _word_before(tokens, index) == "DISTINCT") or (word == "EXCEPT" and tokens[index - 1].is_symbol("*"))


def _lacks_alias(cursor: Cursor, start: int, stop: int) -> bool:
    tokens = cursor.tokens
    if stop - start > 1 and tokens[start + 1].is_symbol(":"):
        return False
    level = list(_level(cursor, start - 1, stop))
    if any(_word(tokens[index]) == "AS" for index in level):
        return False
    if any(_is_star(tokens, index, start) for index in level):
        return False
    last = tokens[stop - 1]
    if last.kind not in {TokenKind.WORD, TokenKind.QUOTED} or _word(last) in _VALUES:
        return True
    before = tokens[stop - 2]
    if before.kind is TokenKind.SYMBOL:
        return not before.is_symbol(")", "]", "}")
    return _word(before) in _OPERATORS


def _is_star(tokens: list[Token], index: int, start: int) -> bool:
    """Whether a token stands for several columns: `*`, `t.*`, `COLUMNS(…)`."""
    if _word(tokens[index]) == "COLUMNS":
        return True
    return tokens[index].is_symbol("*") and (index == start or tokens[index - 1].is_symbol("."))


def _level(cursor: Cursor, after: int, stop: int) -> list[int]:
    """The indices behind `after` on the same bracket level; an opening bracket stands for all of its contents."""
    indices = []
    index = after + 1
    while index < stop:
        indices.append(index)
        index = cursor.pairs.get(index, index) + 1
    return indices


def _word(token: Token) -> str:
    return token.text.upper() if token.kind is TokenKind.WORD else ""


def _word_before(tokens: list[Token], index: int) -> str:
    return _word(tokens[index - 1]) if index else ""
