"""Text and places in it: what lets every message point.

Offsets count characters of the text as the user gave it. Lines and columns count from 1, columns in characters.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlml.printable import printable

_WIDEST = 200
"""Characters of a line that an excerpt shows."""
_BEFORE = 100
"""Those of them that may stand before the place."""


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` (inclusive) to `end` (exclusive)."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of the other."""
        return Span(self.start, other.end)


@dataclass(frozen=True, slots=True)
class Source:
    """A text with a name: a script's path, or "" for what was typed or passed."""

    text: str
    name: str = ""

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Line and column of a character, both from 1."""
        before = self.text[:offset]
        line = before.count("\n") + 1
        return line, offset - (before.rfind("\n") + 1) + 1

    def excerpt(self, span: Span) -> str:
        """Three lines: where, the line of text, and carets below the place (to the end of the line at most).

        Of a very long line, what is around the place, with "…" for what was left out.
        """
        line, column = self.line_and_column(span.start)
        start = span.start - (column - 1)
        end = self.text.find("\n", start)
        text = self.text[start : len(self.text) if end < 0 else end].rstrip("\r")
        width = max(1, min(span.end, start + len(text)) - span.start)
        text, caret, width = _window(text, column - 1, width)
        # One character for one, so that the caret stays where it is.
        text = "".join(character if character.isprintable() or character == "\t" else "." for character in text)
        # Tabs are kept below tabs, so that the caret stands under its character whatever the tab width.
        indent = "".join("\t" if character == "\t" else " " for character in text[:caret])
        where = f"  line {line}, column {column}" + (f" of {printable(self.name)}" if self.name else "")
        return f"{where}\n  {text}\n  {indent}{'^' * width}"


def _window(text: str, caret: int, width: int) -> tuple[str, int, int]:
    """The part of a line that is shown, and where the caret and how many carets stand in it."""
    if len(text) <= _WIDEST:
        return text, caret, width
    start = max(0, min(caret - _BEFORE, len(text) - _WIDEST))
    before, behind = "…" * (start > 0), "…" * (start + _WIDEST < len(text))
    return f"{before}{text[start : start + _WIDEST]}{behind}", caret - start + len(before), max(1, min(width, start + _WIDEST - caret))
