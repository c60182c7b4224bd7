"""A place in the tokens of one statement: what recursive descent reads with, and where "expected …, found …" is worded."""

from __future__ import annotations

from typing import NoReturn

from sqlml.errors import ProgrammingError
from sqlml.source import Span
from sqlml.syntax.tokens import Token, TokenKind

_SHOWN = 30
"""Characters of a token that a message repeats."""


class Cursor:
    """Reads the tokens of one statement from left to right.

    `pairs` gives the closing bracket of an opening one, both as indices of tokens; `stop` is the index behind the last token to read, so
    that a cursor can be narrowed to what stands between two brackets.
    """

    def __init__(
        self, text: str, tokens: list[Token], pairs: dict[int, int], dialect: str, index: int = 0, stop: int | None = None
    ) -> None:
        self.text = text
        self.tokens = tokens
        self.pairs = pairs
        self.dialect = dialect
        self.index = index
        self.stop = len(tokens) if stop is None else stop

    def within(self, start: int, stop: int) -> Cursor:
        """Another cursor over the tokens from `start` up to `stop`."""
        return Cursor(self.text, self.tokens, self.pairs, self.dialect, start, stop)

    def peek(self, ahead: int = 0) -> Token | None:
        """The token that many places ahead, or None behind the last."""
        at = self.index + ahead
        return self.tokens[at] if at < self.stop else None

    @property
    def at_end(self) -> bool:
        return self.index >= self.stop

    def at_word(self, *words: str) -> bool:
        """Whether the next token is one of these words."""
        token = self.peek()
        return token is not None and token.is_word(*words)

    def at_symbol(self, *symbols: str) -> bool:
        token = self.peek()
        return token is not None and token.is_symbol(*symbols)

    def at_words(self, *words: str) -> bool:
        """Whether the next tokens are these words, one after the other."""
        return all((token := self.peek(ahead)) is not None and token.is_word(word) for ahead, word in enumerate(words))

    def take(self) -> Token:
        """The next token, which the caller knows to be there."""
        token = self.tokens[self.index]
        self.index += 1
        return token

    def accept_words(self, *words: str) -> bool:
        """Reads these words if all of them come next."""
        if self.at_words(*words):
            self.index += len(words)
            return True
        return False

    def accept_symbol(self, symbol: str) -> bool:
        if self.at_symbol(symbol):
            self.index += 1
            return True
        return False

    def expect_word(self, *words: str, hint: str | None = None) -> Token:
        """Reads one of these words.

        Raises: ProgrammingError `syntax_error`.
        """
        if not self.at_word(*words):
            self.fail(" or ".join(words), hint=hint)
        return self.take()

    def expect_symbol(self, symbol: str, hint: str | None = None) -> Token:
        if not self.at_symbol(symbol):
            self.fail(f'"{symbol}"', hint=hint)
        return self.take()

    def expect_end(self, expected: str = "the end of the statement", hint: str | None = None) -> None:
        if not self.at_end:
            self.fail(expected, hint=hint)

    def brackets(self) -> Cursor:
        """Reads an opening bracket and all up to the closing one, and gives a cursor over what stands between them."""
        opening = self.index
        closing = self.pairs[opening]
        self.index = closing + 1
        return self.within(opening + 1, closing)

    def skip_value(self, *stops: str) -> None:
        """Moves to the next comma outside brackets, one of the words, or the end."""
        while not self.at_end and not self.at_symbol(",") and not self.at_word(*stops):
            self.index = self.pairs.get(self.index, self.index) + 1

    def span_from(self, start: int) -> Span:
        """The span from the token at index `start` to the token read last."""
        return self.tokens[start].span.to(self.tokens[max(self.index - 1, start)].span)

    @property
    def content(self) -> Span | None:
        """The span of all tokens still to read, or None when there are none."""
        return None if self.at_end else self.tokens[self.index].span.to(self.tokens[self.stop - 1].span)

    @property
    def here(self) -> Span:
        """The span of the next token; at the end of the statement an empty one behind it, and within brackets the closing bracket."""
        if self.index < len(self.tokens):
            return self.tokens[self.index].span
        end = self.tokens[-1].span.end if self.tokens else 0
        return Span(end, end)

    @property
    def found(self) -> str:
        """What comes next, for a message."""
        if self.index >= len(self.tokens):
            return "the end of the statement"
        text = self.tokens[self.index].text
        shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
        return shown if self.tokens[self.index].kind in {TokenKind.STRING, TokenKind.QUOTED} else f'"{shown}"'

    def fail(self, expected: str, *, span: Span | None = None, hint: str | None = None) -> NoReturn:
        """Raises: ProgrammingError `syntax_error`, saying what was expected and what was found."""
        raise ProgrammingError(f"expected {expected}, found {self.found}", code="syntax_error", span=span or self.here, hint=hint)

    def question_marks_before(self, index: int) -> int:
        """How many `?` stand before the token at `index`."""
        return sum(1 for token in self.tokens[:index] if token.kind is TokenKind.PARAMETER and token.text == "?")
