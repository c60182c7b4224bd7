"""Where a statement begins in its text, and with which word."""

from __future__ import annotations

import re

_LINE_END = re.compile(r"[\r\n]|\Z")
_COMMENT_MARK = re.compile(r"/\*|\*/")
_WORD = re.compile(r"\w+")


def statement_start(sql: str) -> int:
    """The first character that is neither space, comment nor semicolon; 0 when there is none.

    DuckDB cuts these off, and then counts the places of its error messages as if it had not: it must not see them.
    """
    position = 0
    while position < len(sql):
        if sql[position].isspace() or sql[position] in ";\ufeff\u200b":
            position += 1
        elif sql.startswith("--", position):
            end = _LINE_END.search(sql, position)
            position = end.end() if end else len(sql)
        elif sql.startswith("/*", position):
            end_of_comment = _comment_end(sql, position)
            if end_of_comment is None:
                return position
            position = end_of_comment
        else:
            return position
    return 0


def first_word(sql: str) -> str:
    """The first word of a statement in capitals; "" when it begins with something else."""
    found = _WORD.match(sql, statement_start(sql))
    return found[0].upper() if found else ""


def _comment_end(sql: str, position: int) -> int | None:
    """Where a comment ends; comments nest."""
    depth = 0
    for mark in _COMMENT_MARK.finditer(sql, position):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return None
