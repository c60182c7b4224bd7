"""Text to tokens with exact spans, in the lexical rules of DuckDB and of BigQuery.

Apart because ML statements are cut out of text that must otherwise reach the engine as written: `text[token.span.start:token.span.end]`
is the token, and what lies between tokens is white space or a comment, nothing else. sqlglot's tokenizer does not give that: it swallows
what follows EXPLAIN, CALL, PREPARE and EXECUTE into one token with a wrong place, hides `{# … #}` as a comment, joins a byte order mark
to the next word, and does not say where an unterminated string began. So the flavours' lexical rules are written here, as one regular
expression each; the tests compare the result with DuckDB's own tokenizer.

A lexeme that no flavour knows becomes a symbol of one character: what it means is for the parser or the engine to say.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlml.errors import ProgrammingError
from sqlml.source import Span


class TokenKind(enum.Enum):
    """What a token is; keywords are words, since hardly any is reserved everywhere."""

    WORD = "word"
    QUOTED = "quoted identifier"
    STRING = "string"
    NUMBER = "number"
    PARAMETER = "parameter"
    SYMBOL = "symbol"


@dataclass(frozen=True, slots=True)
class Token:
    """A lexeme as written, with its quotes."""

    kind: TokenKind
    text: str
    span: Span

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these words, given in capitals, in any case and without quotes."""
        return self.kind is TokenKind.WORD and self.text.upper() in words

    def is_symbol(self, *symbols: str) -> bool:
        return self.kind is TokenKind.SYMBOL and self.text in symbols


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """The lexical rules of a flavour."""

    pattern: re.Pattern[str]
    nested_comments: bool


_SPACE = "\t\n\x0b\x0c\r \u00a0\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff"
"""What DuckDB 2.0 takes for white space, tried character by character. Python's `\\s` has U+0085 and U+001C too, and no byte order mark."""

_NAME_START = rf"[^\x00-@\[-\^`{{-\x7f{_SPACE}]"
_NAME_PART = rf"[^\x00-#%-/:-@\[-\^`{{-\x7f{_SPACE}]"
_TAG_PART = rf"[^\x00-/:-@\[-\^`{{-\x7f{_SPACE}]"
_NAME = rf"{_NAME_START}{_NAME_PART}*+"
"""Letters, "_", digits and "$" after the first, and everything beyond ASCII that is no white space, as in DuckDB."""

_NUMBER = r"0[xX][0-9a-fA-F][0-9a-fA-F_]*+|(?:[0-9][0-9_]*+(?:\.[0-9_]*+)?|\.[0-9][0-9_]*+)(?:[eE][+-]?[0-9][0-9_]*+)?"
_NAMED_PARAMETER = rf"""(?<!{_NAME_PART})(?<!["'`)\]@])@{_NAME}"""
"""Not right behind a name, a literal or a bracket: there "@" is an operator, or names the version of a model."""
_SYMBOLS = r"->>|->|=>|:=|::|<=|>=|<>|!=|==|\|\||@@|@>"


def _lexicon(*, comment: str, string: str, quoted: str, opening: str, dollar: str, symbols: str, nested_comments: bool) -> _Lexicon:
    # Possessive quantifiers (*+): an unterminated literal must fail in one pass, and never be matched in a shorter, wrong way.
    alternatives = {
        "STRING": string,
        "QUOTED": quoted,
        "OPENING": opening,
        "WORD": _NAME,
        "NUMBER": _NUMBER,
        "COMMENT": r"/\*",
        "DOLLAR": dollar,
        "PARAMETER": rf"\?[0-9]*+|\$(?:[0-9]++|{_NAME})|{_NAMED_PARAMETER}",
        "SYMBOL": rf"{symbols}|.",
    }
    groups = "|".join(f"(?P<{name}>{pattern})" for name, pattern in alternatives.items())
    return _Lexicon(re.compile(f"(?:[{_SPACE}]++|{comment})*+(?:{groups})", re.DOTALL), nested_comments)


_BIGQUERY_PREFIX = "(?:[rR][bB]?+|[bB][rR]?+)?+"
_LEXICONS = {
    "duckdb": _lexicon(
        comment=r"--[^\r\n]*+",
        string=r"'[^']*+(?:''[^']*+)*+'|[eE]'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'",
        quoted=r'"[^"]*+(?:""[^"]*+)*+"|`[^`]*+(?:``[^`]*+)*+`',
        opening=r"""[eE]?'|"|`""",
        dollar=rf"\$(?:{_NAME_START}{_TAG_PART}*+)?\$",
        symbols=rf"{_SYMBOLS}|<@",
        nested_comments=True,
    ),
    "bigquery": _lexicon(
        comment=r"(?:--|#)[^\r\n]*+",
        string=_BIGQUERY_PREFIX
        + r"""(?:"{3}(?:[^"\\]|\\.|"(?!""))*+"{3}|'{3}(?:[^'\\]|\\.|'(?!''))*+'{3}"""
        + r"""|"(?!"")(?:[^"\\\r\n]|\\.)*+"|'(?!'')(?:[^'\\\r\n]|\\.)*+')""",
        quoted=r"`(?:[^`\\\r\n]|\\.)*+`",
        opening=_BIGQUERY_PREFIX + r"""(?:"{3}|'{3}|"|')|`""",
        dollar=r"(?!)",
        symbols=_SYMBOLS,
        nested_comments=False,
    ),
}
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_UNTERMINATED = {"'": "string", '"': "string", "`": "quoted name", "$": "dollar-quoted string", "/": "comment"}

DIALECTS = tuple(_LEXICONS)


def scan(text: str, dialect: str = "duckdb", start: int = 0, end: int | None = None) -> Iterator[tuple[TokenKind, int, int]]:
    """The tokens of a text as (kind, start, end), without the cost of an object each.

    Raises: ProgrammingError `syntax_error` for a string, quoted name or comment that does not end, with the place where it begins;
        `unknown_dialect`.
    """
    lexicon = _lexicon_of(dialect)
    match = lexicon.pattern.match
    kinds = TokenKind.__members__
    end = len(text) if end is None else end
    position = start
    while found := match(text, position, end):
        group = found.lastgroup
        assert group is not None, "every alternative is a named group"
        begin, position = found.span(group)
        kind = kinds.get(group)
        if kind is None:
            opening = found[group]
            if group == "COMMENT":
                position = _comment_end(text, begin, end, lexicon.nested_comments)
                continue
            close = text.find(opening, position, end) if group == "DOLLAR" else -1
            if close < 0:
                raise _unterminated(opening, begin, dialect)
            kind, position = TokenKind.STRING, close + len(opening)
        yield kind, begin, position


def tokenize(text: str, dialect: str = "duckdb", span: Span | None = None) -> list[Token]:
    """The tokens of a text, or of a part of it; spans count from the start of the text in both cases.

    Raises: as `scan`.
    """
    start, end = (0, len(text)) if span is None else (span.start, span.end)
    return [Token(kind, text[begin:stop], Span(begin, stop)) for kind, begin, stop in scan(text, dialect, start, end)]


def match_brackets(tokens: list[Token]) -> tuple[dict[int, int], ProgrammingError | None]:
    """Index of every opening bracket to that of its closing one, and the first error among the brackets, if there is one."""
    pairs: dict[int, int] = {}
    open_brackets: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind is not TokenKind.SYMBOL:
            continue
        if token.text in _CLOSES:
            open_brackets.append(index)
        elif token.text in _CLOSES.values():
            if not open_brackets:
                return pairs, ProgrammingError(f'unmatched "{token.text}"', code="syntax_error", span=token.span)
            opening = tokens[open_brackets[-1]]
            if _CLOSES[opening.text] != token.text:
                return pairs, ProgrammingError(
                    f'expected "{_CLOSES[opening.text]}" for the bracket before, found "{token.text}"', code="syntax_error", span=token.span
                )
            pairs[open_brackets.pop()] = index
    if open_brackets:
        opening = tokens[open_brackets[-1]]
        return pairs, ProgrammingError(
            f'"{opening.text}" is not closed', code="syntax_error", span=opening.span, hint=f'add a "{_CLOSES[opening.text]}"'
        )
    return pairs, None


_CLOSES = {"(": ")", "[": "]", "{": "}"}


def _lexicon_of(dialect: str) -> _Lexicon:
    lexicon = _LEXICONS.get(dialect)
    if lexicon is None:
        raise ProgrammingError(f'unknown dialect "{dialect}"', code="unknown_dialect", hint=f"known are {', '.join(DIALECTS)}")
    return lexicon


def _comment_end(text: str, begin: int, end: int, nested: bool) -> int:
    if not nested:
        close = text.find("*/", begin + 2, end)
        if close < 0:
            raise _unterminated("/*", begin, "")
        return close + 2
    depth = 0
    position = begin
    while edge := _COMMENT_EDGE.search(text, position, end):
        position = edge.end()
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return position
    raise _unterminated("/*", begin, "")


def _unterminated(opening: str, begin: int, dialect: str) -> ProgrammingError:
    quote = opening.lstrip("eErRbB")[0]
    what = "quoted name" if quote == '"' and dialect == "duckdb" else _UNTERMINATED[quote]
    span = Span(begin, begin + len(opening))
    return ProgrammingError(f"unterminated {what}", code="syntax_error", span=span, hint=f"the {what} that begins here has no end")
