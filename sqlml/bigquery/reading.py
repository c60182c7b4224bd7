"""Text of a BigQuery query to a tree, with the way back to the text.

sqlglot knows many functions by name and forgets how they were spelled. They are therefore renamed before it reads them, so that each arrives
as a call of an unknown function, its arguments in order, with its number in its name. Strings arrive in one plain spelling.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sqlml.bigquery.refusals import refused
from sqlml.bigquery.rewrites import edits
from sqlml.bigquery.statements import scripting_error
from sqlml.errors import ProgrammingError
from sqlml.source import Span
from sqlml.syntax.strings import bytes_value, string_value
from sqlml.syntax.tokens import Token, TokenKind, tokenize

CALL = re.compile(r"__sqlml_fn_(\d+)_(.+)", re.IGNORECASE | re.DOTALL)
SAFE = "SAFE__"
"""Between number and name of a function that was called with the prefix SAFE."""

_BEFORE_CALL = frozenset({
    "AGGREGATE", "ALL", "AND", "AS", "BETWEEN", "BY", "CASE", "DEFAULT", "DISTINCT", "DO", "ELSE", "END", "ESCAPE", "EXCEPT", "EXTEND", "FROM",
    "HAVING", "IF", "IN", "INTERVAL", "IS", "JOIN", "LEFT", "LIKE", "LIMIT", "MAX", "MIN", "NOT", "OF", "OFFSET", "ON", "OR", "QUALIFY", "RANGE",
    "RETURN", "RETURNS", "RIGHT", "ROWS", "SELECT", "SET", "STRUCT", "THEN", "UNION", "USING", "VALUE", "VALUES", "WHEN", "WHERE", "WHILE", "WINDOW",
})  # fmt: skip
"""Words behind which an expression, or a function in FROM, may begin. Behind any other word a name and a bracket are something else: a
column and its type, a table and its columns."""
_NO_CALL = frozenset({
    "ALL", "AND", "ANY", "ARRAY", "AS", "BETWEEN", "BY", "CASE", "CAST", "CUBE", "DISTINCT", "ELSE", "END", "EXISTS", "EXTRACT", "FROM",
    "GROUPING", "HAVING", "IF", "IN", "INTERVAL", "IS", "JOIN", "LIKE", "LIMIT", "NOT", "NUMERIC", "BIGNUMERIC", "OFFSET", "ON", "OR",
    "ORDINAL", "OVER", "PIVOT", "QUALIFY", "ROLLUP", "SAFE_CAST", "SAFE_OFFSET", "SAFE_ORDINAL", "SELECT", "SETS", "SOME", "THEN",
    "UNION", "UNNEST", "UNPIVOT", "USING", "VALUES", "WEEK", "WHEN", "WHERE", "WINDOW", "WITH", "FILES", "INSERT", "KEY", "OPTIONS", "PARTITION",
    "TABLE",
})  # fmt: skip
"""Words whose brackets have a grammar of their own."""
_NAMESPACES = ("AI", "NET")
"""Words before the names of functions that sqlglot knows, so that it would not leave them as they are written."""
_BEFORE_STAR = ("SELECT", "DISTINCT", "STRUCT", "VALUE", "ALL")


@dataclass(frozen=True)
class Read:
    """A tree and where its parts stood in the text."""

    tree: exp.Expr
    text: str
    changes: tuple[tuple[Span, Span], ...]
    """Of each name or string that was changed: its span in the text, and in the text that sqlglot read."""
    calls: tuple[int, ...]
    """Which of the changes are functions, by number."""

    def call_span(self, number: int) -> Span:
        """Where the name of a function stands."""
        return self.changes[self.calls[number]][0]

    def span_of(self, node: exp.Expr) -> Span:
        """Where a node stands, as far as the tree tells: its name, or the first name in it, or all of the text."""
        for found in node.walk():
            name = CALL.fullmatch(found.name) if isinstance(found, exp.Anonymous) else None
            if name is not None:
                return self.call_span(int(name[1]))
            start, end = found.meta.get("start"), found.meta.get("end")
            if isinstance(start, int) and isinstance(end, int):
                return self.origin(Span(start, end + 1))
        return Span(0, len(self.text))

    def origin(self, span: Span) -> Span:
        """A span of the text that sqlglot read as a span of `text`."""
        start = self._back(span.start)
        return Span(start, max(start + 1, min(self._back(span.end - 1) + 1, len(self.text))))

    def _back(self, position: int) -> int:
        shift = 0
        for written, renamed in self.changes:
            if renamed.start > position:
                break
            if position < renamed.end:
                return written.start
            shift = renamed.end - written.end
        return max(0, min(position - shift, len(self.text)))


def read(text: str) -> Read:
    """One statement.

    Raises: ProgrammingError `syntax_error`.
    """
    tokens = tokenize(text, "bigquery")
    not_available = scripting_error(tokens) or refused(tokens)
    if not_available is not None:
        raise not_available
    _check_symbols(tokens)
    renamed, changes, calls = _rename(_with_plain_space(text, tokens), tokens)
    found = Read(exp.Null(), text, changes, tuple(calls))
    logger = logging.getLogger("sqlglot")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        trees = sqlglot.parse(renamed, read="bigquery")
    except SqlglotError as error:
        raise _syntax_error(error, renamed, found) from None
    except RecursionError:
        raise ProgrammingError("the statement is nested too deeply", code="syntax_error", span=Span(0, len(text))) from None
    except (AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError):
        # The parser takes some things for granted that a text need not have.
        raise ProgrammingError("the statement cannot be read", code="syntax_error", span=Span(0, len(text))) from None
    finally:
        logger.setLevel(level)
    trees = [tree for tree in trees if tree is not None]
    if len(trees) != 1 or trees[0] is None:
        raise ProgrammingError("expected one statement", code="syntax_error", span=Span(0, len(text)))
    command = trees[0].find(exp.Command)
    if command is not None:
        raise ProgrammingError(f"BigQuery has no statement that begins so: {_first_words(text)}", code="syntax_error", span=tokens[0].span)
    tree = trees[0]
    assert isinstance(tree, exp.Expr)
    return Read(_mended(tree) if _MENDED.search(renamed) else tree, text, changes, tuple(calls))


_DEEPEST = 100
"""Brackets within brackets. The parser calls itself for each, and for CASE, NOT and signs."""


def _check_symbols(tokens: list[Token]) -> None:
    """Raises: ProgrammingError `syntax_error` for a character that no statement has, and for what is nested too deeply."""
    depth = signs = 0
    for token in tokens:
        word = token.text.upper()
        if token.kind is TokenKind.SYMBOL and not word.isprintable():
            raise ProgrammingError("did not expect a character that cannot be shown", code="syntax_error", span=token.span)
        if word in ("(", "[", "{", "CASE"):
            depth += 1
        elif word in (")", "]", "}", "END"):
            depth = max(0, depth - 1)
        signs = signs + 1 if word in ("NOT", "-", "+", "~") else 0
        if depth + signs > _DEEPEST:
            raise ProgrammingError("the statement is nested too deeply", code="syntax_error", span=token.span)


_UNUSUAL_SPACE = re.compile(r"[^\x21-\x7e \t\n\r]")


def _with_plain_space(text: str, tokens: list[Token]) -> str:
    """The text with spaces for everything between tokens that sqlglot would take for a part of a name, such as a byte order mark."""
    if not _UNUSUAL_SPACE.search(text):
        return text
    parts: list[str] = []
    done = 0
    for token in tokens:
        parts += [_UNUSUAL_SPACE.sub(" ", text[done : token.span.start]), token.text]
        done = token.span.end
    return "".join([*parts, text[done:]])


_MENDED = re.compile(r"_STRUCT\(|\]\s*\[|`\s*(?:\(|/\*|--|#)|\bMERGE\b", re.IGNORECASE)
_PLACES = {"OFFSET": (0, False), "ORDINAL": (1, False), "SAFE_OFFSET": (0, True), "SAFE_ORDINAL": (1, True)}


def _mended(tree: exp.Expr) -> exp.Expr:
    """What sqlglot would not read well: STRUCT(…), for which it tries a type first, at every level of nested ones twice; a place in an
    array behind which another one follows; the path of a function in one pair of backticks; VALUES behind INSERT, within MERGE.
    """
    root = exp.Tuple(expressions=[tree])
    for node in list(tree.find_all(exp.Anonymous)):
        if isinstance(node.this, exp.Identifier):
            _split_path(node)
            continue
        name = CALL.fullmatch(str(node.this))
        if name is not None and name[2].upper() == "STRUCT":
            node.replace(exp.Struct(expressions=[_field(item) for item in node.expressions]))
        elif name is None and isinstance(node.parent, exp.Bracket) and str(node.this).upper() in _PLACES and len(node.expressions) == 1:
            first, is_safe = _PLACES[str(node.this).upper()]
            node.parent.set("offset", first)
            node.parent.set("safe", is_safe)
            node.replace(node.expressions[0])
        elif str(node.this).upper() == "VALUES" and isinstance(node.parent, exp.Tuple) and isinstance(node.parent.parent, exp.Insert):
            insert = node.parent.parent
            insert.set("this", None)
            insert.set("expression", exp.Tuple(expressions=[_with_default(value) for value in node.expressions]))
    found = root.expressions[0]
    assert isinstance(found, exp.Expr)
    return found


def _with_default(value: exp.Expr) -> exp.Expr:
    """A value of VALUES, where DEFAULT is no column."""
    is_default = isinstance(value, exp.Column) and len(value.parts) == 1 and not value.this.quoted and value.name.upper() == "DEFAULT"
    return exp.var("DEFAULT") if is_default else value


def _split_path(node: exp.Anonymous) -> None:
    """A call of `project.dataset.f` with its owner beside it, as in project.dataset.f; and of `f` as of f."""
    *owner, name = node.name.split(".")
    if CALL.fullmatch(name):
        return  # a name of ours, which nobody else may use
    node.meta.update(node.this.meta)
    node.set("this", name)
    if isinstance(node.parent, exp.Table) and owner:
        node.parent.set("db", exp.to_identifier(".".join(owner), quoted=True))
    elif owner and not isinstance(node.parent, exp.Dot):
        node.replace(exp.Dot(this=exp.to_identifier(".".join(owner), quoted=True), expression=node.copy()))


def _field(item: exp.Expr) -> exp.Expr:
    return exp.PropertyEQ(this=item.args["alias"], expression=item.this) if isinstance(item, exp.Alias) else item


def _rename(text: str, tokens: list[Token]) -> tuple[str, tuple[tuple[Span, Span], ...], list[int]]:
    """The text with functions renamed and strings in one plain spelling; where the changes are; which of them are functions."""
    parts: list[str] = []
    changes: list[tuple[Span, Span]] = []
    calls: list[int] = []
    done = length = 0
    edited = edits(tokens)

    def put(start: int, end: int, new: str) -> None:
        nonlocal done, length
        length += start - done
        changes.append((Span(start, end), Span(length, length + len(new))))
        parts.extend([text[done:start], new])
        length += len(new)
        done = end

    for index, token in enumerate(tokens):
        if index in edited.before:
            put(token.span.start, token.span.start, edited.before[index])
        found = edited.instead.get(index)
        if found is None and token.kind is TokenKind.STRING:
            found = _plain_string(token, len(calls), calls, len(changes))
        start = token.span.start
        if found is None and token.kind is TokenKind.WORD:
            called = _called(tokens, index)
            if called is not None:
                start, prefix = called
                found = f"__sqlml_fn_{len(calls)}_{prefix}{token.text.upper()}"
                calls.append(len(changes))
        if found is not None:
            put(start, token.span.end, found)
        if index in edited.after:
            put(token.span.end, token.span.end, edited.after[index])
    return "".join([*parts, text[done:]]), tuple(changes), calls


def _called(tokens: list[Token], index: int) -> tuple[int, str] | None:
    """Where the name of a function begins, and what goes before it; None for a word that is no call."""
    token = tokens[index]
    if index + 1 >= len(tokens) or not tokens[index + 1].is_symbol("(") or token.text.upper() in _NO_CALL:
        return None
    start, prefix = token.span.start, ""
    before = tokens[index - 1] if index else None
    if before is not None and before.is_symbol("."):
        owner = tokens[index - 2] if index > 1 else None
        if owner is None or not owner.is_word("SAFE", *_NAMESPACES):
            return None
        start, prefix = owner.span.start, SAFE if owner.is_word("SAFE") else f"{owner.text.upper()}__"
        before = tokens[index - 3] if index > 2 else None
        if before is not None and before.is_symbol("."):  # SAFE.NET.HOST
            if index < 4 or prefix == SAFE or not tokens[index - 4].is_word("SAFE"):
                return None
            start = tokens[index - 4].span.start
            before = tokens[index - 5] if index > 4 else None
    if before is None:
        return None if index else (start, prefix)
    if before.kind is TokenKind.SYMBOL:
        is_star = before.is_symbol("*") and (index < 2 or tokens[index - 2].is_symbol(",", ".") or tokens[index - 2].is_word(*_BEFORE_STAR))
        opens = not before.is_symbol(")", "]", "}") and not (is_star and token.is_word("REPLACE", "EXCEPT"))
        return (start, prefix) if opens else None
    if before.is_word("AS") and token.is_word("STRUCT"):
        return None  # SELECT AS STRUCT (a + b) AS c
    return (start, prefix) if before.kind is TokenKind.WORD and before.text.upper() in _BEFORE_CALL else None


def _plain_string(token: Token, number: int, calls: list[int], change: int) -> str:
    """A literal in the one spelling that needs no rules: escapes done, quotes single; bytes as a call of FROM_HEX."""
    data = bytes_value(token.text)
    if data is not None:
        calls.append(change)
        return f"__sqlml_fn_{number}_FROM_HEX('{data.hex()}')"
    value = string_value(token.text, "bigquery") or ""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


_EXPECTING = re.compile(r"Expect(?:ing|ed) ([\w ,()\[\]{}=]+?)(?: but got .*|\.)?$")


def _syntax_error(error: SqlglotError, renamed: str, read: Read) -> ProgrammingError:
    details = getattr(error, "errors", None)
    if not details:
        return ProgrammingError("a string or comment does not end", code="syntax_error", span=Span(0, len(read.text)))
    line, column = details[0].get("line") or 1, details[0].get("col") or 1
    highlight = str(details[0].get("highlight") or "")
    end = sum(len(part) for part in renamed.splitlines(keepends=True)[: line - 1]) + column
    span = read.origin(Span(max(0, end - max(1, len(highlight))), max(1, end)))
    found = read.text[span.start : span.end]
    description = str(details[0].get("description") or "")
    expecting = _EXPECTING.match(description)
    if not found.strip():
        message = "the statement is not complete"
    elif expecting is not None:
        message = f"expected {expecting[1].strip()} near {found!r}"
    else:
        message = f"something is missing near {found!r}" if description.startswith("Required") else f"did not expect {found!r}"
    return ProgrammingError(message, code="syntax_error", span=span)


def _first_words(text: str) -> str:
    return " ".join(text.split()[:3])[:60]
