"""What sqlglot does not read, said so that it does: edits of the text, token by token, before it is parsed.

Pipe syntax (`pipes`), an array in FROM with its offsets, which becomes UNNEST, and clauses that say how BigQuery stores a table, which are
left out where the parser does not know them.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml.bigquery.pipes import Edits, rewrite_pipes
from sqlml.syntax.tokens import Token, TokenKind


def edits(tokens: Sequence[Token]) -> Edits:
    """What has to be changed.

    Raises: NotSupportedError `construct_not_supported` for a pipe operator that is not available; ProgrammingError `syntax_error`.
    """
    found = Edits()
    rewrite_pipes(tokens, found)
    for index, token in enumerate(tokens):
        if token.is_word("OFFSET") and index and tokens[index - 1].is_word("WITH"):
            _array_with_offset(tokens, index - 1, found)
    if tokens and tokens[0].is_word("LOAD"):
        _load(tokens, found)
    if len(tokens) > 2 and tokens[0].is_word("DROP") and tokens[1].is_word("TABLE") and tokens[2].is_word("FUNCTION"):
        found.instead[1] = ""
    for index in (1, 3):  # CREATE SNAPSHOT TABLE, CREATE OR REPLACE SNAPSHOT TABLE
        if (
            len(tokens) > index + 1
            and tokens[0].is_word("CREATE")
            and tokens[index].is_word("SNAPSHOT")
            and tokens[index + 1].is_word("TABLE")
        ):
            found.instead[index] = ""
    return found


def _array_with_offset(tokens: Sequence[Token], at: int, found: Edits) -> None:
    """`FROM t, t.array AS e WITH OFFSET`: the path goes into UNNEST."""
    last, alias = at - 1, ""
    if last > 1 and _is_name(tokens[last]) and tokens[last - 1].is_word("AS"):
        last -= 2
    elif last > 0 and _is_name(tokens[last]) and (_is_name(tokens[last - 1]) or tokens[last - 1].is_symbol(")")):
        last -= 1
    else:
        alias = f" AS {tokens[last].text}"
    if last < 0 or not _is_name(tokens[last]):
        return
    start = last
    while start > 1 and tokens[start - 1].is_symbol(".") and _is_name(tokens[start - 2]):
        start -= 2
    if start in (0, last) or not (tokens[start - 1].is_symbol(",") or tokens[start - 1].is_word("JOIN", "FROM")):
        return
    found.put_before(start, "UNNEST(")
    found.put_after(last, f"){alias}")


def _is_name(token: Token) -> bool:
    return token.kind in (TokenKind.WORD, TokenKind.QUOTED)


def _load(tokens: Sequence[Token], found: Edits) -> None:
    """Leaves out TEMP, TABLE, PARTITION BY, CLUSTER BY and OPTIONS in front of the files, and WITH … behind them.

    `files.load` looks for them in the text.
    """
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
