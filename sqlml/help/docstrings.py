"""A function module's docstring as blocks: examples as they stand, paragraphs and list items to be filled anew.

The form is that of the modules in `sqlml.functions`: a title line, then paragraphs; lines indented by four are an example, "- " begins an
item whose further lines are indented by two; "Source:" begins a paragraph of its own.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

_NUMBER = r"\d+(?:\.\d+)*"
_SECTIONS = re.compile(
    rf"Source: reference, functions {_NUMBER}(?: and {_NUMBER})?(?:(?:;| and|,) semantics {_NUMBER})?(?: and 10 #\d+)?(?P<end>\.\s*|$)?"
)
"""Where our own specification says it, which no user has: they are told of BigQuery's reference where a remark on it follows."""


def _told_of(section: re.Match[str]) -> str:
    return "" if section["end"] is not None else "Source: BigQuery's reference"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text without line ends; `is_item` for an item of a list."""

    text: str
    is_item: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """Lines that stand as they were written: statements, or a formula."""

    text: str

    @property
    def is_sql(self) -> bool:
        return "SELECT" in self.text


Block = Paragraph | Example


def read_docstring(docstring: str) -> tuple[Block, ...]:
    """The blocks behind the title, in order."""
    blocks: list[Block] = []
    lines: list[str] = []

    def end() -> None:
        if not lines:
            return
        if lines[0].startswith("    "):
            blocks.append(Example("\n".join(line[4:].rstrip() for line in lines)))
        else:
            is_item = lines[0].startswith("- ")
            text = _SECTIONS.sub(_told_of, " ".join(line.strip() for line in lines).removeprefix("- ")).strip()
            if text:
                blocks.append(Paragraph(text, is_item))
        lines.clear()

    for line in inspect.cleandoc(docstring).splitlines()[1:]:
        begins = line.startswith(("- ", "Source:")) or (bool(lines) and line.startswith("    ") != lines[0].startswith("    "))
        if not line.strip() or begins:
            end()
        if line.strip():
            lines.append(line)
    end()
    return tuple(blocks)
