"""All pages as one Markdown document, docs/functions.md.

python -m sqlml.help.reference docs/functions.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from sqlml.help.docstrings import Paragraph
from sqlml.help.pages import Entry, Kind, Page, find_page, topics

_TITLES: dict[Kind, str] = {
    "function": "Functions of a model or of data",
    "preprocessing": "Preprocessing functions",
    "model type": "Model types",
}
_HEAD = """\
# Functions and model types

Made from the declarations in the code by `python -m sqlml.help.reference docs/functions.md`; do not edit. `sqlml help NAME` on the command
line and `.help NAME` in the shell show the same pages.
"""


def reference() -> str:
    """The document, with a line end behind it."""
    parts = [_HEAD]
    for kind, names in topics().items():
        links = "\n".join(f"- [{name}](#{_anchor(name)}): {find_page(name).summary}" for name in names)
        parts += [f"## {_TITLES[kind]}\n\n{links}\n", *(_markdown(find_page(name)) for name in names)]
    return "\n".join(parts)


def _anchor(name: str) -> str:
    return name.lower().replace(".", "")


def _markdown(page: Page) -> str:
    parts = [f"### {page.name}", page.summary, f"```sql\n{page.usage}\n```"]
    if page.entries:
        header = ["name", "type", "default", "meaning"] if any(entry.doc for entry in page.entries) else ["name", "type", "default"]
        parts.append(
            "\n".join([_row(header), _row(["---"] * len(header)), *(_row(_cells(entry)[: len(header)]) for entry in page.entries)])
        )
    if page.applies_to:
        parts.append(f"{page.applies_title.capitalize()}: {', '.join(page.applies_to)}.")
    if page.columns:
        parts.append(f"Columns: {page.columns}.")
    if page.examples:
        parts += ["Example:" if len(page.examples) == 1 else "Examples:", *(f"```sql\n{example}\n```" for example in page.examples)]
    for block in page.notes:
        if isinstance(block, Paragraph):
            parts.append(f"{'- ' * block.is_item}{block.text}")
        else:
            parts.append(f"```text\n{block.text}\n```")
    return "\n\n".join(parts) + "\n"


def _cells(entry: Entry) -> list[str]:
    return [f"`{entry.name}`", entry.type, f"`{entry.default}`" if entry.default else "", entry.doc]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
