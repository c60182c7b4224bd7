"""Rows as a table of text, fitted to a width.

Drawn here and not by rich: a table goes out while its rows still come (the first page decides the widths), columns that do not fit are
left out by name where rich would wrap every row, and a hundred thousand rows take a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from sqlml.printable import printable, printable_lines
from sqlml.render.terminal import Terminal
from sqlml.render.values import as_cell, is_number
from sqlml.types import Column, Schema

Row = tuple[object, ...]
Fetch = Callable[[int], list[Row]]

_PAGE = 1_000
_MIN_WIDTH = 12
"""Text columns are cut to this before a whole column is left out."""
_NAMES_SHOWN = 6
"""Hidden columns that the note names."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns are drawn, how wide, and the names of those left out."""

    columns: tuple[Column, ...]
    widths: tuple[int, ...]
    hidden: tuple[str, ...]
    fits: bool
    """Whether every value of the rows looked at is shown whole."""


def fit(schema: Schema, rows: Sequence[Row], width: int | None) -> Layout:
    """Chooses columns and widths from the first rows: numbers stay whole, long texts are cut, then columns are left out from the right.

    Args:
        width: columns of the terminal; None where there is no limit.
    """
    columns = schema.columns
    natural = [max([cell_len(printable(c.name)), *(cell_len(_cell(row[i], c)) for row in rows)]) for i, c in enumerate(columns)]
    if width is None or _total(natural) <= width:
        return Layout(columns, tuple(natural), (), fits=True)
    capped = natural
    for cap in range(max(natural), _MIN_WIDTH - 1, -1):
        capped = [n if is_number(column.type) else min(n, cap) for n, column in zip(natural, columns, strict=True)]
        if _total(capped) <= width:
            break
    shown = len(capped)
    while shown > 1 and _total(capped[:shown]) > width:
        shown -= 1
    if shown == 1:
        capped[0] = min(capped[0], width - 2)
    return Layout(columns[:shown], tuple(capped[:shown]), schema.names[shown:], fits=False)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + 3 * (len(widths) - 1) + 2


def _cell(value: object, column: Column) -> str:
    return printable(as_cell(value, column.type))


def draw(schema: Schema, fetch: Fetch, terminal: Terminal, max_rows: int) -> Iterator[str]:
    """The lines of a table with its notes.

    Args:
        fetch: gives the next rows, none at the end.
        max_rows: rows shown on a terminal; elsewhere all are.
    """
    limited = terminal.out_is_terminal
    rows = fetch(max_rows + 1 if limited else _PAGE)
    if schema.names == ("explain_key", "explain_value"):  # a plan is a drawing of its own
        yield from (line for _, plan in rows for line in printable_lines(str(plan)).split("\n"))
        return
    more = limited and len(rows) > max_rows
    rows = rows[:max_rows] if limited else rows
    layout = fit(schema, rows, terminal.width if limited else None)
    if len(rows) == 1 and (not layout.fits or any(isinstance(value, str) and "\n" in value for value in rows[0])):
        yield from _one_row(schema, rows[0], terminal)
        yield "(1 row)"
        return
    yield from _header(layout, terminal)
    n_rows = 0
    while rows:
        yield from (_row_line(row, layout, terminal) for row in rows)
        n_rows += len(rows)
        rows = [] if limited else fetch(_PAGE)
    yield f"(first {n_rows} rows; there are more)" if more else f"({n_rows} row{'s' * (n_rows != 1)})"
    if layout.hidden:
        names = ", ".join(map(printable, layout.hidden[:_NAMES_SHOWN])) + (", …" if len(layout.hidden) > _NAMES_SHOWN else "")
        yield f"({len(layout.hidden)} of {len(schema)} columns hidden: {names})"


def _header(layout: Layout, terminal: Terminal) -> Iterator[str]:
    bar, rule, cross = ("│", "─", "┼") if terminal.draws_lines else ("|", "-", "+")
    names = (
        _sized(printable(column.name), width, terminal, right=is_number(column.type))
        for column, width in zip(layout.columns, layout.widths, strict=True)
    )
    yield (" " + f" {bar} ".join(names)).rstrip()
    yield cross.join(rule * (width + 2) for width in layout.widths)


def _row_line(row: Row, layout: Layout, terminal: Terminal) -> str:
    bar = "│" if terminal.draws_lines else "|"
    cells = []
    for value, column, width in zip(row, layout.columns, layout.widths, strict=False):  # hidden columns are left out
        cell = _sized(_cell(value, column), width, terminal, right=is_number(column.type))
        cells.append(terminal.dim(cell) if value is None else cell)
    return (" " + f" {bar} ".join(cells)).rstrip()


def _one_row(schema: Schema, row: Row, terminal: Terminal) -> Iterator[str]:
    """A single row that is too wide: a line per column, values whole, line breaks kept."""
    bar = "│" if terminal.draws_lines else "|"
    width = max(cell_len(printable(name)) for name in schema.names)
    for value, column in zip(row, schema, strict=True):
        lines = printable_lines(as_cell(value, column.type)).split("\n")
        for number, line in enumerate(lines):
            name = printable(column.name) if number == 0 else ""
            yield f" {set_cell_size(name, width)} {bar} {terminal.dim(line) if value is None else line}".rstrip()


def _sized(text: str, width: int, terminal: Terminal, *, right: bool) -> str:
    size = cell_len(text)
    if size > width and terminal.out_is_terminal:
        return set_cell_size(text, width - 1) + ("…" if terminal.draws_lines else "~")
    padding = " " * (width - size)
    return padding + text if right else text + padding
