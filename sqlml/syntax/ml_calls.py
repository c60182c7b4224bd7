"""ML functions in a statement that is otherwise the engine's: where they stand, and which common table expressions they see.

Nothing else of the statement is parsed. One pass over the tokens keeps, for every open bracket, whether a relation may come next: after
FROM, JOIN, a comma of a FROM clause, and so on. `ML.NAME(` in any other place is an error, since DuckDB would only say that there is no
such function. In the query of a common table expression those before it are in scope, and it itself never is: its text holds the call.

What is not meant as ours is left alone: a column `ml.x`, a table `ml.t` with its column list, a function `ml.f(…)` of a
schema ml unless it has the name of an ML function or takes MODEL or TABLE. A quoted "ml" is never ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlml.errors import Error, ProgrammingError
from sqlml.source import Span
from sqlml.syntax.create_model import QUERY_STARTS
from sqlml.syntax.cursor import Cursor
from sqlml.syntax.function_names import BIGQUERY_FUNCTIONS, ROW_FUNCTIONS, TEXT_FUNCTIONS, VALUE_FUNCTIONS
from sqlml.syntax.information_schema import information_table_end, read_information_table
from sqlml.syntax.ml_arguments import parse_arguments
from sqlml.syntax.names import is_name
from sqlml.syntax.nodes import InformationTable, MLCall, UnnamedItem, ValueCall
from sqlml.syntax.select_items import query_scope, unnamed_item
from sqlml.syntax.tokens import Token, TokenKind
from sqlml.syntax.value_calls import parse_value_call

_FRAME_STARTS = frozenset({*QUERY_STARTS, "INSERT", "UPDATE", "DELETE", "MERGE"})
"""A bracket that begins with one of these holds a query, so FROM in it begins a clause; in EXTRACT(year FROM d) it does not."""
_ENDS_FROM = frozenset({
    "SELECT", "WHERE", "GROUP", "HAVING", "WINDOW", "QUALIFY", "ORDER", "LIMIT", "OFFSET", "UNION", "INTERSECT", "EXCEPT",
    "RETURNING", "SET", "VALUES", "WHEN",
})  # fmt: skip
"""Words behind which a comma no longer separates relations."""
_DECLARES = frozenset({
    "INTO", "TABLE", "VIEW", "MACRO", "FUNCTION", "REFERENCES", "COPY", "UPDATE", "EXISTS", "INDEX", "TYPE", "CALL",
})  # fmt: skip
"""Words before the name of something that may be in a schema called ml; a bracket behind it is a column list."""
_TAKES_RELATION = ("DESCRIBE", "DESC", "SUMMARIZE", "SHOW")
_BEFORE_STATEMENT = ("EXPLAIN", "ANALYZE", "AS")


@dataclass(slots=True)
class _Frame:
    """What is known inside one pair of brackets; the outermost frame is the statement."""

    opening: int
    holds_query: bool = False
    """Whether FROM begins a clause here."""
    expects_relation: bool = False
    in_from: bool = False
    alias_at: int = -2
    """Index of a name where a relation was expected: with ":" behind it, it was the relation's alias."""
    select_at: int = -1
    """Index of the last SELECT."""
    ctes: list[Span] = field(default_factory=list)
    recursive: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """A call in its place, its arguments not read yet; or a table of ours."""

    start: int
    opening: int
    """Index of the bracket before the arguments; of the last part of its name for a table, which has none."""
    ctes: tuple[Span, ...]
    recursive: bool
    is_value: bool
    selects: tuple[tuple[int, int], ...]
    """The SELECTs around the call, innermost first: the index of each, and of the bracket that it stands in (-1: in none)."""
    is_table: bool = False


Call = MLCall | ValueCall | InformationTable


def find_calls(cursor: Cursor, bracket_error: Error | None) -> tuple[tuple[Call, ...], tuple[UnnamedItem, ...]]:
    """The calls of a statement in order of their place, inner ones before the one that holds them, and the items of select lists that hold
    calls and have no alias.

    Args: bracket_error, what is wrong with the brackets of the statement; raised only when there is a call, else the engine reports it.
    Raises: ProgrammingError `function_position`, `function_argument`, `option_literal`, `syntax_error`; NotSupportedError
        `clause_not_supported`.
    """
    found = _Walk(cursor, bracket_error).run()
    found.sort(key=lambda call: call.opening if call.is_table else cursor.pairs[call.opening])
    return tuple(_read_call(cursor, call) for call in found), _unnamed_items(cursor, found)


def _unnamed_items(cursor: Cursor, found: list[_Found]) -> tuple[UnnamedItem, ...]:
    spans: dict[tuple[int, int], UnnamedItem] = {}
    for call in found:
        for select, bracket in call.selects:
            span = unnamed_item(cursor, select, _level_end(cursor, bracket), call.start)
            if span is not None:
                spans[span.start, span.end] = UnnamedItem(span)
    return tuple(spans.values())


def _level_end(cursor: Cursor, bracket: int) -> int:
    return cursor.stop if bracket < 0 else cursor.pairs[bracket]


def _read_call(cursor: Cursor, call: _Found) -> Call:
    if call.is_table:
        return read_information_table(cursor.tokens, call.start, call.opening, cursor.dialect)
    if call.is_value:
        scope = None
        if call.selects:
            select, bracket = call.selects[0]
            scope = query_scope(cursor, select, bracket + 1, _level_end(cursor, bracket))
        return parse_value_call(cursor, call.start, call.opening, scope=scope, ctes=call.ctes, recursive=call.recursive)
    closing = cursor.pairs[call.opening]
    arguments = parse_arguments(cursor.within(call.opening + 1, closing))
    name = cursor.tokens[call.opening - 1]
    return MLCall(
        function=name.text.upper(),
        function_span=cursor.tokens[call.start].span.to(name.span),
        models=tuple(arguments.models),
        data=tuple(arguments.data),
        settings=tuple(arguments.settings),
        values=tuple(arguments.values),
        ctes=call.ctes,
        recursive=call.recursive,
        span=cursor.tokens[call.start].span.to(cursor.tokens[closing].span),
    )


class _Walk:
    """One pass over the tokens of a statement, with a stack of its own: brackets nest as deep as the text likes."""

    def __init__(self, cursor: Cursor, bracket_error: Error | None) -> None:
        self.tokens = cursor.tokens
        self.pairs = cursor.pairs
        self.dialect = cursor.dialect
        self.bracket_error = bracket_error
        self.frames = [_Frame(opening=-1, holds_query=True)]
        self.cte_bodies: dict[int, int] = {}
        """Index of the bracket before a CTE's query to the index of the CTE's name."""
        self.calls: list[_Found] = []

    def run(self) -> list[_Found]:
        index = 0
        while index < len(self.tokens):
            token = self.tokens[index]
            if token.kind is TokenKind.SYMBOL:
                self._symbol(index, token)
            elif token.kind is TokenKind.WORD and token.text.upper() == "ML" and self._is_ours(index):
                self._call(index)
                index += 2
            elif self._is_text_function(index, token):
                self._value_call(index, index + 1)
            elif self.frames[-1].expects_relation and (end := information_table_end(self.tokens, index, self.dialect)) is not None:
                self._information_table(index, end)
                index = end
            else:
                self._word(index, token)
            index += 1
        return self.calls

    def _symbol(self, index: int, token: Token) -> None:
        frame = self.frames[-1]
        match token.text:
            case "(":
                self._open(index, frame)
            case "[" | "{":
                self.frames.append(_Frame(index))
            case ")" | "]" | "}":
                self._close(index)
            case ",":
                frame.expects_relation = frame.in_from
            case ":" if frame.alias_at == index - 1:
                frame.expects_relation = True
            case _:
                frame.expects_relation = False

    def _open(self, index: int, outer: _Frame) -> None:
        inner = _Frame(index)
        first = self._at(index + 1)
        if self.calls and self.calls[-1].opening == index:
            pass  # arguments: queries among them are in brackets of their own
        elif first is not None and first.kind is TokenKind.WORD and first.text.upper() in _FRAME_STARTS:
            inner.holds_query = True
        elif outer.expects_relation:
            inner.holds_query = inner.expects_relation = inner.in_from = True
        elif first is not None and first.is_symbol("("):
            inner.holds_query = True
        self.frames.append(inner)

    def _close(self, index: int) -> None:
        if len(self.frames) == 1:
            return
        opening = self.frames.pop().opening
        frame = self.frames[-1]
        frame.expects_relation = False
        if opening in self.cte_bodies:
            frame.ctes.append(self.tokens[self.cte_bodies[opening]].span.to(self.tokens[index].span))
            if (behind := self._at(index + 1)) is not None and behind.is_symbol(","):
                self._note_cte(index + 2)

    def _word(self, index: int, token: Token) -> None:
        frame = self.frames[-1]
        word = token.text.upper() if token.kind is TokenKind.WORD else ""
        if not frame.holds_query or word not in _KEYWORDS or self._follows_dot(index):
            if frame.expects_relation and token.kind in {TokenKind.WORD, TokenKind.QUOTED}:
                frame.alias_at = index
            frame.expects_relation = False
        elif word == "FROM":
            frame.in_from = not self._is_distinct_from(index)
            frame.expects_relation = frame.in_from and not self._before(index, "DELETE")
        elif word in {"JOIN", "USING"}:
            frame.in_from = frame.expects_relation = True
        elif word == "LATERAL":
            pass  # the relation is still to come
        elif word in {"PIVOT", "UNPIVOT", "PIVOT_WIDER", "PIVOT_LONGER"}:
            frame.expects_relation = not frame.in_from
        elif word in _TAKES_RELATION:
            frame.expects_relation = index == 0 or self.tokens[index - 1].is_symbol("(") or self._before(index, *_BEFORE_STATEMENT)
        elif word == "WITH":
            self._with(index, frame)
        elif word == "SELECT":
            frame.in_from = frame.expects_relation = False
            frame.select_at = index
        elif not self._before(index, "AS", "WITH"):
            frame.in_from = frame.expects_relation = False

    def _with(self, index: int, frame: _Frame) -> None:
        frame.expects_relation = False
        recursive = (after := self._at(index + 1)) is not None and after.is_word("RECURSIVE")
        if self._note_cte(index + 1):
            return
        if recursive and self._note_cte(index + 2):
            frame.recursive = True

    def _note_cte(self, index: int) -> bool:
        """Whether `name [(columns)] [USING KEY (…)] AS [[NOT] MATERIALIZED] (` stands at an index; then the bracket is remembered."""
        name = self._at(index)
        if name is None or name.kind not in {TokenKind.WORD, TokenKind.QUOTED, TokenKind.STRING}:
            return False
        at = self._behind_brackets(index + 1)
        if self._word_at(at, "USING") and self._word_at(at + 1, "KEY"):
            at = self._behind_brackets(at + 2)
        if not self._word_at(at, "AS"):
            return False
        at += 1
        at += self._word_at(at, "NOT")
        at += self._word_at(at, "MATERIALIZED")
        if not self._opens(at):
            return False
        self.cte_bodies[at] = index
        return True

    def _call(self, index: int) -> None:
        span = self.tokens[index].span.to(self.tokens[index + 2].span)
        name = self.tokens[index + 2].text.upper()
        if name in VALUE_FUNCTIONS and not self._takes_ml_argument(index + 3):
            if self.frames[-1].expects_relation:
                raise ProgrammingError(
                    f"ML.{name} gives a value for each row and cannot stand where a table does", code="function_position", span=span,
                    hint=f"write SELECT ML.{name}(…) FROM …",
                )  # fmt: skip
            self._value_call(index, index + 3)
            return
        if not self.frames[-1].expects_relation:
            raise ProgrammingError(
                f"ML.{name} gives rows and cannot stand here", code="function_position", span=span,
                hint=f"an ML function is a table: SELECT … FROM ML.{name}(…)",
            )  # fmt: skip
        self._note(index, index + 3, is_value=False)

    def _information_table(self, start: int, end: int) -> None:
        if self.bracket_error is not None:
            self.frames[-1].expects_relation = False
            return  # the engine reports it
        self._note(start, end, is_value=False, is_table=True)

    def _value_call(self, start: int, opening: int) -> None:
        self._note(start, opening, is_value=True)

    def _note(self, start: int, opening: int, *, is_value: bool, is_table: bool = False) -> None:
        if self.bracket_error is not None:
            raise self.bracket_error
        self.frames[-1].expects_relation = False
        scopes = [frame for frame in self.frames if frame.ctes]
        ctes = tuple(cte for frame in scopes for cte in frame.ctes)
        selects = tuple((frame.select_at, frame.opening) for frame in reversed(self.frames) if frame.select_at >= 0)
        self.calls.append(_Found(start, opening, ctes, any(frame.recursive for frame in scopes), is_value, selects, is_table))

    def _is_text_function(self, index: int, token: Token) -> bool:
        """Whether one of BigQuery's functions outside ML is called at an index; not where something of that name is made."""
        names = TEXT_FUNCTIONS | BIGQUERY_FUNCTIONS if self.dialect == "bigquery" else TEXT_FUNCTIONS
        if token.kind is not TokenKind.WORD or token.text.upper() not in names or not self._opens(index + 1):
            return False
        frame = self.frames[-1]
        return not self._follows_dot(index) and not frame.expects_relation and not self._before(index, *_DECLARES)

    def _is_ours(self, index: int) -> bool:
        """Whether the word ML at an index begins a call that is meant for us."""
        dot, name = self._at(index + 1), self._at(index + 2)
        if dot is None or not dot.is_symbol(".") or name is None or name.kind is not TokenKind.WORD or not self._opens(index + 3):
            return False
        if self._follows_dot(index):
            return False
        if self._takes_ml_argument(index + 3):
            return True
        if index > 0 and self.tokens[index - 1].kind is TokenKind.WORD:
            before = self.tokens[index - 1].text.upper()
            if before in _DECLARES or (before == "ON" and any(token.is_word("INDEX") for token in self.tokens[:4])):
                return False
        return name.text.upper() in ROW_FUNCTIONS or name.text.upper() in VALUE_FUNCTIONS

    def _takes_ml_argument(self, opening: int) -> bool:
        """Whether an argument begins with MODEL or TABLE and a name."""
        at = opening + 1
        end = self.pairs.get(opening, at + 2)  # in a bracket that is not closed only the first argument, or a row of them takes forever
        while at < end:
            if self._word_at(at, "MODEL", "TABLE") and at + 1 < end and is_name(self._at(at + 1)):
                return True
            while at < end and not ((token := self._at(at)) is None or token.is_symbol(",")):
                at = self.pairs.get(at, at) + 1
            at += 1
        return False

    def _is_distinct_from(self, index: int) -> bool:
        """Whether FROM belongs to IS [NOT] DISTINCT FROM."""
        return self._before(index, "DISTINCT") and self._before(index - 1, "IS", "NOT")

    def _at(self, index: int) -> Token | None:
        return self.tokens[index] if 0 <= index < len(self.tokens) else None

    def _word_at(self, index: int, *words: str) -> bool:
        token = self._at(index)
        return token is not None and token.is_word(*words)

    def _before(self, index: int, *words: str) -> bool:
        return self._word_at(index - 1, *words)

    def _follows_dot(self, index: int) -> bool:
        before = self._at(index - 1)
        return before is not None and before.is_symbol(".")

    def _opens(self, index: int) -> bool:
        token = self._at(index)
        return token is not None and token.is_symbol("(")

    def _behind_brackets(self, index: int) -> int:
        """The index behind a pair of brackets, or the same index when there is none."""
        return self.pairs.get(index, index) + 1 if self._opens(index) and index in self.pairs else index


_KEYWORDS = _ENDS_FROM | {
    "FROM", "JOIN", "USING", "LATERAL", "PIVOT", "UNPIVOT", "PIVOT_WIDER", "PIVOT_LONGER", "WITH", *_TAKES_RELATION,
}  # fmt: skip
