"""Errors, notices and messages as text for standard error.

An error reads like a compiler's: `script.sql:3:11: error: message`, the line with its caret, the hint. Values and names in it may come from
a stranger's database, so control characters are written out.
"""

from __future__ import annotations

from sqlml.errors import Error
from sqlml.printable import printable, printable_block
from sqlml.render.terminal import Terminal

_CONTEXT = 30
"""Characters kept before the caret when a line is wider than the terminal."""


def error_text(error: Error, terminal: Terminal) -> str:
    """An error as lines: place, message and code; excerpt with caret; hint.

    The place stands in front where the text has a name, so that editors and logs can jump to it, and below where it was typed.
    """
    place = ""
    lines: list[str] = []
    if error.span is not None and error.source is not None:
        line, column = error.source.line_and_column(error.span.start)
        _, text, carets = error.source.excerpt(error.span).split("\n")
        text, carets = _cut(text, carets, terminal.width)
        lines = [text, terminal.red(carets)]
        if error.source.name:
            place = f"{printable(error.source.name)}:{line}:{column}: "
        else:
            lines.insert(0, f"  line {line}, column {column}")
    if error.hint:
        lines.append(f"hint: {printable_block(error.hint)}")
    return "\n".join([f"{place}{terminal.red('error:')} {printable_block(error.message)} [{error.code}]", *lines])


def _cut(text: str, carets: str, width: int) -> tuple[str, str]:
    """The excerpt's two lines, with a window of a line that is too wide."""
    start = 0
    if len(text) > width:
        caret = carets.index("^")
        start = max(0, min(caret - _CONTEXT, len(text) - width))
    return text[start : start + width].rstrip(), carets[start : start + width]
