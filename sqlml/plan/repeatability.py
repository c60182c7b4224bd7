"""Whether a query gives the same rows whenever it runs over the same data: what in its text, or behind it, speaks against it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from sqlml.source import Source, Span
from sqlml.syntax.names import unquote
from sqlml.syntax.tokens import Token, TokenKind, match_brackets, tokenize

_RANDOM = ["RANDOM", "UUID", "GEN_RANDOM_UUID", "UUIDV4", "UUIDV7", "SETSEED", "RAND", "GENERATE_UUID"]
_CLOCKS = [
    "NOW",
    "GET_CURRENT_TIMESTAMP",
    "GET_CURRENT_TIME",
    "TRANSACTION_TIMESTAMP",
    "TODAY",
    "CURRENT_LOCALTIMESTAMP",
    "CURRENT_LOCALTIME",
]
_CLOCK_WORDS = ["CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_DATETIME", "LOCALTIME", "LOCALTIMESTAMP"]
_SEQUENCES = ["NEXTVAL", "CURRVAL"]
_ORDERED_AGGREGATES = [
    *("FIRST", "LAST", "ANY_VALUE", "ARBITRARY", "ARG_MIN", "ARG_MAX", "MIN_BY", "MAX_BY"),
    *("LIST", "ARRAY_AGG", "STRING_AGG", "GROUP_CONCAT", "LISTAGG"),
]
"""Aggregates that follow the order of rows, unless ORDER BY stands in them."""
_ORDERED_WINDOWS = ["ROW_NUMBER", "FIRST_VALUE", "LAST_VALUE", "NTH_VALUE", "LAG", "LEAD", "NTILE"]
"""Window functions that follow it. rank() and its like take rows as equal where OVER has no order."""
_SET_OPERATIONS = ["UNION", "INTERSECT", "EXCEPT"]
_SESSION = ["GETVARIABLE", "CURRENT_SETTING"]
_CUTOFF = "pass the time as a parameter: its value is recorded, and REFRESH MODEL … WITH (…) gives a new one"


ROW_ID = "rowid"
"""What a doubt is about that only the columns of tables can settle: one of them may be called so."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something in a query that may give other rows from the same data. `is_certain` where it does as a rule."""

    what: str
    advice: str
    is_certain: bool


def doubts(source: Source, span: Span) -> tuple[Doubt, ...]:
    """What speaks against a query's being repeatable, in the order of the text, each thing once. Nothing behind it is looked into."""
    text = _Text(source.text, span)
    found: dict[str, Doubt] = {}
    for index in range(len(text.tokens)):
        doubt = _doubt(text, index)
        if doubt is not None:
            found.setdefault(doubt.what, doubt)
    return tuple(found.values())


def doubts_behind(
    source: Source, span: Span, views: Mapping[str, str], macros: Mapping[str, str], temporary: Collection[str] = ()
) -> tuple[Doubt, ...]:
    """What speaks against it in the views that a query reads and in the macros that it or they call.

    Args: views and macros, by name, the names of macros in lower case: their text; temporary, the macros that the session alone has.
    """
    behind = {f"view {name}": text for name, text in views.items()}
    unread = [source.text[span.start : span.end], *views.values()]
    while unread:
        for name in sorted(_called(unread.pop()) & macros.keys()):
            if f"macro {name}" not in behind:
                behind[f"macro {name}"] = macros[name]
                unread.append(macros[name])
    lost = [temporary_doubt("macro", name) for name in macros if f"macro {name}" in behind and name in temporary]
    return (
        *lost,
        *(
            replace(doubt, what=f"{doubt.what} in {name}")
            for name, text in behind.items()
            for doubt in doubts(Source(text), Span(0, len(text)))
        ),
    )


def temporary_doubt(kind: str, name: str) -> Doubt:
    """About a table, view or macro that goes with its session."""
    return Doubt(f"temporary {kind} {name}", f"another session does not have it: CREATE {kind.upper()} without TEMP keeps it", False)


class _Text:
    """The tokens of a query, and which brackets belong together."""

    def __init__(self, text: str, span: Span) -> None:
        self.tokens = tokenize(text, "duckdb", span)
        self.closing, _ = match_brackets(self.tokens)
        self.opening = {end: start for start, end in self.closing.items()}

    def word(self, index: int) -> str:
        """The word at a place, in capitals; "" for what is none, and beyond the ends."""
        token = self.tokens[index] if 0 <= index < len(self.tokens) else None
        return token.text.upper() if token is not None and token.kind is TokenKind.WORD else ""

    def name(self, index: int) -> str:
        """The name at a place in lower case, written with quotes or without; "" for what is none."""
        token = self.tokens[index] if index < len(self.tokens) else None
        return unquote(token, "duckdb").lower() if token is not None and token.kind in (TokenKind.WORD, TokenKind.QUOTED) else ""

    def is_symbol(self, index: int, *symbols: str) -> bool:
        return 0 <= index < len(self.tokens) and self.tokens[index].is_symbol(*symbols)

    def level(self, start: int) -> Iterator[int]:
        """The places from one on up to the bracket that closes around it, without what stands in brackets of its own."""
        while start < len(self.tokens) and not self.is_symbol(start, ")", "]", "}"):
            yield start
            start = self.closing.get(start, start) + 1

    def is_order(self, index: int) -> bool:
        return self.word(index) == "ORDER" and self.word(index + 1) == "BY"

    def has_order(self, bracket: int) -> bool:
        """Whether ORDER BY stands in these brackets, and not in others within."""
        return any(self.is_order(index) for index in self.level(bracket + 1))

    def window(self, name: str) -> int | None:
        """The bracket that a WINDOW clause gives a name."""
        for index in range(1, len(self.tokens) - 2):
            is_listed = self.word(index - 1) == "WINDOW" or self.is_symbol(index - 1, ",")
            if is_listed and self.name(index) == name and self.word(index + 1) == "AS" and self.is_symbol(index + 2, "("):
                return index + 2
        return None


def _called(text: str) -> frozenset[str]:
    """The names of all functions that a text calls, in lower case, without schemas."""
    tokens = tokenize(text, "duckdb", Span(0, len(text)))
    return frozenset(
        unquote(token, "duckdb").lower()
        for index, token in enumerate(tokens)
        if token.kind in (TokenKind.WORD, TokenKind.QUOTED) and _is_call(tokens, index)
    )


def _doubt(text: _Text, index: int) -> Doubt | None:
    token = text.tokens[index]
    called = _is_call(text.tokens, index)
    if token.kind is TokenKind.QUOTED and called:
        token = Token(TokenKind.WORD, unquote(token, "duckdb"), token.span)
    if token.kind is not TokenKind.WORD:
        return None
    word = token.text.upper()
    if called:
        return _doubt_of_call(text, index, word)
    if word == "ROWID":
        return _row_id(text)
    if text.is_symbol(index - 1, "."):
        return None
    if word in _CLOCK_WORDS:
        return Doubt(word.lower(), _CUTOFF, True)
    if word == "TABLESAMPLE" or (word == "USING" and text.word(index + 1) == "SAMPLE"):
        return Doubt("SAMPLE", "it draws anew each time: draw by content instead, as in WHERE hash(id) % 10 = 0", True)
    if (word in ("LIMIT", "OFFSET") and index + 1 < len(text.tokens)) or (word == "FETCH" and text.word(index + 1) in ("FIRST", "NEXT")):
        return _limit(text, index, word)
    if word == "OVER":  # a window by its name
        return _frame(text, index)
    return None


def _doubt_of_call(text: _Text, index: int, word: str) -> Doubt | None:
    """Of a word with brackets behind it: a function, or a word of the grammar."""
    if word in _RANDOM:
        return Doubt(f"{word.lower()}()", "draw by content instead, as in WHERE hash(id) % 10 = 0", True)
    if word in _CLOCKS or word in _CLOCK_WORDS:
        return Doubt(f"{word.lower()}()", _CUTOFF, True)
    if word in _SEQUENCES:
        return Doubt(f"{word.lower()}()", "number rows by row_number() OVER (ORDER BY …)", True)
    if word in _SESSION:
        return Doubt(f"{word.lower()}()", "what a connection has set is not recorded: pass the value as a parameter", False)
    if word == "TABLESAMPLE":
        return Doubt("SAMPLE", "it draws anew each time: draw by content instead, as in WHERE hash(id) % 10 = 0", True)
    if word in ("LIMIT", "OFFSET"):
        return _limit(text, index, word)
    if word == "OVER":
        return _frame(text, index)
    if word == "ON" and text.word(index - 1) == "DISTINCT":
        return _distinct_on(text, index)
    if word in _ORDERED_AGGREGATES or word in _ORDERED_WINDOWS:
        return _ordered(text, index, word)
    return None


def _is_call(tokens: list[Token], index: int) -> bool:
    return index + 1 < len(tokens) and tokens[index + 1].is_symbol("(")


def _limit(text: _Text, index: int, word: str) -> Doubt | None:
    """A LIMIT, OFFSET or FETCH, by the ORDER BY of its own query, which stands before it outside of other brackets."""
    position = index - 1
    while position > 0 and not text.is_symbol(position, "("):
        if position in text.opening:
            position = text.opening[position] - 1
            continue
        if word != "LIMIT" and text.word(position) in ("LIMIT", "OFFSET"):
            return None  # of the same query, which is named already
        if text.is_order(position - 1):
            if text.word(position + 1) == "ALL":
                return None  # rows that tie are equal in all columns
            return Doubt(word, "its ORDER BY must leave no ties: add a unique column to it", False)
        position -= 1
    return Doubt(f"{word} without ORDER BY", "it takes any rows: add ORDER BY over a unique column", True)


def _distinct_on(text: _Text, index: int) -> Doubt | None:
    """DISTINCT ON takes the first row of each: by the ORDER BY of its query, behind it, where that goes beyond what is in ON."""
    bracket = index + 1
    for position in text.level(text.closing.get(bracket, bracket) + 1):
        if text.word(position) in _SET_OPERATIONS:
            break  # an ORDER BY behind it is that of all rows together
        if text.is_order(position):
            keys = _keys(text, position + 2)
            if keys == {("all",)} or not keys <= _keys(text, bracket + 1):
                return None
            return Doubt("DISTINCT ON", "its ORDER BY must say which row of each is taken: add a unique column to it", False)
    return Doubt("DISTINCT ON without ORDER BY", "it takes any row of each: add ORDER BY with what tells these rows apart", True)


def _keys(text: _Text, start: int) -> set[tuple[str, ...]]:
    """The expressions of a list from a place on, as their words in lower case, without directions."""
    keys: list[list[str]] = [[]]
    is_direction = False
    for position in text.level(start):
        word = text.word(position)
        if text.is_symbol(position, ",", ";"):
            keys.append([])
            is_direction = False
        elif word in ("LIMIT", "OFFSET", "FETCH", "USING"):
            break
        elif not is_direction and word not in ("ASC", "DESC", "NULLS"):
            end = text.closing.get(position, position)
            keys[-1] += [text.name(part) or text.tokens[part].text for part in range(position, end + 1)]
        else:
            is_direction = True
    return {tuple(key) for key in keys if key}


def _ordered(text: _Text, index: int, word: str) -> Doubt | None:
    """A function that follows the order of rows, by the ORDER BY in it or in its window."""
    bracket = index + 1
    end = text.closing.get(bracket, bracket)
    is_listed = text.word(end + 1) == "AS" and (text.is_symbol(end + 2, "(") or text.word(end + 2) in ("MATERIALIZED", "NOT"))
    if text.word(index - 1) == "AS" or is_listed:
        return None  # the name of a table, with those of its columns
    if text.has_order(bracket):
        return None
    after = end + 1
    while text.word(after) in ("WITHIN", "FILTER", "IGNORE", "RESPECT"):
        if text.word(after) in ("IGNORE", "RESPECT"):
            after += 2
            continue
        inner = after + 2 if text.word(after) == "WITHIN" else after + 1
        if text.word(after) == "WITHIN" and text.is_symbol(inner, "(") and text.has_order(inner):
            return None
        after = text.closing.get(inner, inner) + 1
    if text.word(after) == "OVER" and _has_window_order(text, after):
        return None
    if word in _ORDERED_WINDOWS:
        return Doubt(
            f"{word.lower()}() OVER without ORDER BY", "it takes rows in any order: add ORDER BY over a unique column to OVER", True
        )
    return Doubt(f"{word.lower()}()", "it depends on the order of rows where several qualify: write min, max, or ORDER BY in it", False)


def _frame(text: _Text, over: int) -> Doubt | None:
    """A window of so many ROWS before and behind, which are any rows where there is no order."""
    if not any(text.word(position) == "ROWS" and _is_frame(text, position) for bracket in _windows(text, over)
               for position in text.level(bracket + 1)) or _has_window_order(text, over):  # fmt: skip
        return None
    return Doubt("a frame of ROWS without ORDER BY", "it takes rows in any order: add ORDER BY over a unique column to OVER", True)


def _is_frame(text: _Text, rows: int) -> bool:
    """Whether ROWS begins a frame, and is no column of that name."""
    return any(text.word(position) in ("PRECEDING", "FOLLOWING", "CURRENT") for position in text.level(rows + 1))


def _has_window_order(text: _Text, over: int) -> bool:
    return any(text.has_order(bracket) for bracket in _windows(text, over))


def _windows(text: _Text, over: int) -> list[int]:
    """The brackets that say what a window is: those behind OVER, and those of the names in them."""
    found: list[int] = []
    bracket = over + 1 if text.is_symbol(over + 1, "(") else text.window(text.name(over + 1))
    while bracket is not None and bracket not in found:
        found.append(bracket)
        bracket = text.window(text.name(bracket + 1))
    return found


def _row_id(text: _Text) -> Doubt | None:
    """The place of a row in its table; unless the text itself names a column so."""
    if any(text.word(position) == "AS" and text.name(position + 1) == "rowid" for position in range(len(text.tokens))):
        return None
    return Doubt(
        ROW_ID, "it is the place of a row in its table, which loading or changing the table moves: take a column that is stored", False
    )
