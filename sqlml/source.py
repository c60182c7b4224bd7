"""Text and places in it: what lets every message point.

Offsets count characters of the text as the user gave it. Lines and columns count from 1, columns in characters.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlml.printable import printable


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
        """Three lines: where, the line of text, and carets below the place (to the end of the line at most)."""
        line, column = self.line_and_column(span.start)
        start = span.start - (column - 1)
        end = self.text.find("\n", start)
        text = self.text[start : len(self.text) if end < 0 else end].rstrip("\r")
        width = max(1, min(span.end, start + len(text)) - span.start)
        # One character for one, so that the caret stays where it is.
        text = "".join(character if character.isprintable() or character == "\t" else "." for character in text)
        # Tabs are kept below tabs, so that the caret stands under its character whatever the tab width.
        indent = "".join("\t" if character == "\t" else " " for character in text[: column - 1])
        where = f"  line {line}, column {column}" + (f" of {printable(self.name)}" if self.name else "")
        return f"{where}\n  {text}\n  {indent}{'^' * width}"
