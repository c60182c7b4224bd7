"""Pages as plain text of up to 100 columns, for the shell and the command."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from sqlml.help.docstrings import Block, Paragraph
from sqlml.help.pages import Entry, Kind, Page, find_page, topics

WIDTH = 100
_TITLES: dict[Kind, str] = {
    "function": "functions of a model or of data, in FROM",
    "preprocessing": "preprocessing functions, in SELECT or TRANSFORM",
    "model type": "model types, in CREATE MODEL",
}


def page_text(page: Page) -> str:
    """A page, without a line end behind it. Examples stand as they were written, however long."""
    parts = [f"{page.name}\n{_filled(page.summary, 2)}", f"usage\n{_filled(page.usage, 2, hanging=4)}"]
    if page.entries:
        parts.append("\n".join([page.entries_title, *(_entry(entry) for entry in page.entries)]))
    if page.applies_to:
        parts.append(f"{page.applies_title}\n{_filled(', '.join(page.applies_to), 2)}")
    if page.columns:
        parts.append(f"columns\n{_filled(page.columns, 2)}")
    if page.examples:
        parts.append(
            "\n".join(["example" if len(page.examples) == 1 else "examples", *(textwrap.indent(one, "  ") for one in page.examples)])
        )
    if page.notes:
        parts.append(f"notes\n{_notes(page.notes)}")
    return "\n\n".join(parts)


def index_text() -> str:
    """All names, each with what it is."""
    parts = []
    for kind, names in topics().items():
        width = max(len(name) for name in names)
        rows = [
            textwrap.fill(
                find_page(name).summary,
                WIDTH,
                initial_indent=f"  {name:{width}}  ",
                subsequent_indent=" " * (width + 4),
                break_on_hyphens=False,
            )
            for name in names
        ]
        parts.append("\n".join([_TITLES[kind], *rows]))
    return "\n\n".join([*parts, "A name after help shows its page: ML.PREDICT, predict, LINEAR_REG."])


def _notes(blocks: Sequence[Block]) -> str:
    """Paragraphs with an empty line between them, items of a list without."""
    text = ""
    was_item = False
    for block in blocks:
        is_item = isinstance(block, Paragraph) and block.is_item
        text += ("\n" if was_item and is_item else "\n\n") * bool(text)
        if isinstance(block, Paragraph):
            text += _filled(f"{'- ' * is_item}{block.text}", 2, hanging=2 + 2 * is_item)
        else:
            text += textwrap.indent(block.text, "      ")
        was_item = is_item
    return text


def _entry(entry: Entry) -> str:
    head = _filled(f"{entry.name}  {entry.type}{f', default {entry.default}' if entry.default else ''}", 2, hanging=6)
    return f"{head}\n{_filled(entry.doc, 6)}" if entry.doc else head


def _filled(text: str, indent: int, *, hanging: int | None = None) -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent if hanging is None else hanging), break_on_hyphens=False,
        break_long_words=False,
    )  # fmt: skip
