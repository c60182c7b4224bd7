"""What BigQuery has and sqlml has not, told by its words: the parser would not read it, or take it for something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlml.errors import NotSupportedError
from sqlml.source import Span
from sqlml.syntax.tokens import Token, TokenKind

_NO_INDEX = "leave the statement out: queries give the same rows without"
_NO_RIGHTS = "leave the statement out: whoever can open the database may read and change all of it"
_NO_CAPACITY = "leave the statement out: there is nothing to reserve"
_STATEMENTS: Mapping[tuple[str, ...], tuple[str, str]] = {
    ("CREATE", "EXTERNAL", "TABLE"): (
        "external tables are", "LOAD DATA INTO t FROM FILES (format = 'CSV', uris = ['file.csv']) brings their rows into a table",
    ),
    ("DROP", "EXTERNAL", "TABLE"): ("external tables are", "DROP TABLE drops a table"),
    ("DROP", "SNAPSHOT", "TABLE"): ("DROP SNAPSHOT TABLE is", "a snapshot is a table here: DROP TABLE drops it"),
    ("CREATE", "MATERIALIZED", "VIEW"): ("materialized views are", "CREATE VIEW v AS SELECT … reads its rows anew each time"),
    ("ALTER", "MATERIALIZED", "VIEW"): ("materialized views are", "leave the statement out"),
    **{(word, "SEARCH", "INDEX"): ("search indexes are", _NO_INDEX) for word in ("CREATE", "DROP", "ALTER")},
    **{(word, "VECTOR", "INDEX"): ("vector indexes are", _NO_INDEX) for word in ("CREATE", "DROP", "ALTER")},
    ("CREATE", "ROW", "ACCESS", "POLICY"): ("row access policies are", "CREATE VIEW v AS SELECT … WHERE … shows some of the rows"),
    ("DROP", "ROW", "ACCESS", "POLICY"): ("row access policies are", _NO_RIGHTS),
    ("DROP", "ALL", "ROW", "ACCESS", "POLICIES"): ("row access policies are", _NO_RIGHTS),
    ("GRANT",): ("GRANT is", _NO_RIGHTS),
    ("REVOKE",): ("REVOKE is", _NO_RIGHTS),
    ("UNDROP",): ("UNDROP is", "what was dropped is gone; make it anew"),
    **{(word, made): (f"{word} {made} is", _NO_CAPACITY) for word in ("CREATE", "DROP", "ALTER") for made in ("CAPACITY", "RESERVATION", "ASSIGNMENT")},
    **{("ALTER", made): (f"ALTER {made} is", "leave the statement out: its options have no effect here") for made in ("SCHEMA", "PROJECT", "ORGANIZATION", "BI_CAPACITY")},
}  # fmt: skip
"""First words of statements, without OR REPLACE: what is not available, and advice."""
_OF_TABLES: Mapping[str, str] = {
    "APPENDS": "tables keep no history of their rows here; a column with the time of the change tells it",
    "CHANGES": "tables keep no history of their rows here; a column with the time of the change tells it",
    "GAP_FILL": "LEFT JOIN the rows to UNNEST(GENERATE_DATE_ARRAY(first, last)) and fill with LAST_VALUE(x IGNORE NULLS) OVER (…)",
    "VECTOR_SEARCH": "SELECT … ORDER BY COSINE_DISTANCE(a, b) LIMIT n finds the nearest rows",
}
"""Functions that take a TABLE, and what to write instead."""
NO_SERVICE = "there is no service to ask; train a model here"


def refused(tokens: Sequence[Token]) -> NotSupportedError | None:
    """The error for a statement that has such a construct; None for any other statement."""
    found = _statement(tokens) or _language(tokens)
    for index, token in enumerate(tokens):
        if found is not None:
            break
        if token.is_symbol("@@"):
            found = _variable(tokens, index)
        elif token.is_word("TABLE"):
            found = _function(tokens, index)
    return found


def _statement(tokens: Sequence[Token]) -> NotSupportedError | None:
    words = [token.text.upper() if token.kind is TokenKind.WORD else "" for token in tokens[:7]]
    skipped = 2 if words[1:3] == ["OR", "REPLACE"] else 0
    words[1:] = words[1 + skipped :]
    for n_words in range(1, 6):
        found = _STATEMENTS.get(tuple(words[:n_words]))
        if found is not None:
            what, hint = found
            is_made = words[0] in ("CREATE", "DROP", "ALTER")
            # Of DROP ALL ROW ACCESS POLICIES the caret stands below what there is none of.
            first = tokens[0] if not is_made else tokens[1 + skipped + (words[1] == "ALL")]
            return _error(f"{what} not available", Span(first.span.start, tokens[n_words - 1 + skipped].span.end), hint)
    return None


def _language(tokens: Sequence[Token]) -> NotSupportedError | None:
    """`CREATE FUNCTION f(x INT64) RETURNS INT64 LANGUAGE js …`, and functions of a service."""
    if not tokens or not tokens[0].is_word("CREATE") or not any(token.is_word("FUNCTION") for token in tokens[1:6]):
        return None
    depth = 0
    for index, token in enumerate(tokens[:-1]):
        depth += token.is_symbol("(") - token.is_symbol(")")
        following = tokens[index + 1]
        if depth == 0 and token.is_word("LANGUAGE") and following.kind is TokenKind.WORD and not following.is_word("SQL"):
            span = Span(token.span.start, following.span.end)
            return _error(
                f"functions in {following.text} are not available",
                span,
                "write the body in SQL: CREATE TEMP FUNCTION f(x INT64) AS (x + 1)",
            )
        if depth == 0 and token.is_word("REMOTE") and following.is_word("WITH"):
            last = tokens[index + 2] if index + 2 < len(tokens) else following
            return _error(
                "remote functions are not available",
                Span(token.span.start, last.span.end),
                "there is no service to ask; write the body in SQL",
            )
    return None


def _variable(tokens: Sequence[Token], index: int) -> NotSupportedError | None:
    """`@@error.message`"""
    if index + 1 == len(tokens):
        return None
    last = index + 1
    while last + 2 < len(tokens) and tokens[last + 1].is_symbol(".") and tokens[last + 2].kind is TokenKind.WORD:
        last += 2
    name = "".join(token.text for token in tokens[index : last + 1])
    span = Span(tokens[index].span.start, tokens[last].span.end)
    return _error(
        f"{name} is not available: there are no system variables", span, "write the value itself, or pass it as a parameter (@name)"
    )


def _function(tokens: Sequence[Token], index: int) -> NotSupportedError | None:
    """`FROM f(TABLE t)`: ML calls, which take such arguments, have been read before."""
    if index < 3 or index + 1 == len(tokens) or not tokens[index - 1].is_symbol("("):
        return None
    first = index - 2
    while first > 1 and tokens[first - 1].is_symbol("."):
        first -= 2
    before = tokens[first - 1]
    if not (before.is_word("FROM", "JOIN") or before.is_symbol(",")) or not _is_name(tokens[index + 1]) or not _is_name(tokens[first]):
        return None
    name = "".join(token.text for token in tokens[first : index - 1])
    span = Span(tokens[first].span.start, tokens[index - 2].span.end)
    if name.upper().startswith("AI."):
        return _error(f"{name} is not available", span, NO_SERVICE)
    hint = _OF_TABLES.get(name.upper())
    if hint is not None:
        return _error(f"{name} is not available", span, hint)
    return _error(f"{name}(TABLE …) is not available", span, "only functions of ML take a TABLE; write the function with names or values")


def _is_name(token: Token) -> bool:
    return token.kind in (TokenKind.WORD, TokenKind.QUOTED)


def _error(message: str, span: Span, hint: str) -> NotSupportedError:
    return NotSupportedError(message, code="construct_not_supported", span=span, hint=hint)


def format_clauses(tokens: Sequence[Token]) -> list[Span]:
    """Where `FORMAT '…'` stands in casts, from the first to the last."""
    found: list[Span] = []
    opened: list[bool] = []
    """Of every open bracket, whether it is a cast's, behind AS."""
    for index, token in enumerate(tokens):
        if token.is_symbol("("):
            opened.append(False)
        elif token.is_symbol(")"):
            if opened:
                opened.pop()
        elif token.is_word("AS") and opened:
            opened[-1] = True
        elif token.is_word("FORMAT") and opened and opened[-1] and index + 1 < len(tokens) and tokens[index + 1].kind is TokenKind.STRING:
            found.append(Span(token.span.start, _last(tokens, index + 1).span.end))
    return found


def _last(tokens: Sequence[Token], index: int) -> Token:
    """The last token before the bracket that closes what an index is in."""
    depth = 0
    for at in range(index, len(tokens)):
        depth += tokens[at].is_symbol("(") - tokens[at].is_symbol(")")
        if depth < 0:
            return tokens[at - 1]
    return tokens[-1]
