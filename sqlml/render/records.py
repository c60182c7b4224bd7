"""Rows for programs: CSV with a header line, or JSON with one object a line inside an array."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlml.render.tables import Fetch
from sqlml.render.values import as_csv, as_json
from sqlml.types import Schema

_PAGE = 10_000


def csv_lines(schema: Schema, fetch: Fetch) -> Iterator[str]:
    """RFC 4180 with "\\n" line ends. A NULL is an empty field, an empty string a quoted one."""
    yield _csv_line(schema.names)
    while rows := fetch(_PAGE):
        yield from (_csv_line(row) for row in rows)


def _csv_line(row: tuple[object, ...]) -> str:
    fields = []
    for value in row:
        text = as_csv(value)
        # A lone empty field would be an empty line, which readers skip.
        needs_quotes = value == "" or (not text and len(row) == 1) or any(character in text for character in ',"\n\r')
        fields.append('"' + text.replace('"', '""') + '"' if needs_quotes else text)
    return ",".join(fields)


def json_lines(schema: Schema, fetch: Fetch) -> Iterator[str]:
    """An array of objects, each on its line. Columns of one name keep the last value, as JSON readers do."""
    last: str | None = None
    yield "["
    while rows := fetch(_PAGE):
        for row in rows:
            if last is not None:
                yield f"{last},"
            last = json.dumps({name: as_json(value) for name, value in zip(schema.names, row, strict=True)}, ensure_ascii=False)
    if last is not None:
        yield last
    yield "]"
