"""Calls that read files: `read_parquet('…')`, `'data/*.csv'`, and how the same files can be read again with the path beside each row."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlml import sql
from sqlml.engines.duckdb_query_tree import Node, Rows, TableCall, expression_text, parameters_of
from sqlml.engines.sources import FILE_NAME, ReadSource
from sqlml.errors import Error

_READERS = {
    "read_parquet": "read_parquet", "parquet_scan": "read_parquet", "read_csv": "read_csv", "read_csv_auto": "read_csv_auto",
    "read_json": "read_json", "read_json_auto": "read_json_auto", "read_ndjson": "read_ndjson", "read_ndjson_auto": "read_ndjson_auto",
    "read_text": "read_text", "read_blob": "read_blob",
}  # fmt: skip
_WITH_OWN_NAME = ("read_text", "read_blob")
"""These name the file in a column that is always there."""
_ENDINGS = (
    (re.compile(r"\.parquet$", re.IGNORECASE), "read_parquet"),
    (re.compile(r"\.(csv|tsv)(\.gz|\.zst)?$", re.IGNORECASE), "read_csv_auto"),
    (re.compile(r"\.(json|jsonl|ndjson)(\.gz|\.zst)?$", re.IGNORECASE), "read_json_auto"),
)


def reader_of(name: str) -> str | None:
    """The reader behind the name of a function, or behind a path that stands where a table would; None for other names."""
    if name in _READERS:
        return _READERS[name]
    return next((reader for ending, reader in _ENDINGS if ending.search(name)), None)


class FileReads:
    """Makes sources of such calls."""

    def __init__(self, rows: Rows, rows_apart: Rows, parameters: Mapping[str, object]) -> None:
        self._rows = rows
        self._rows_apart = rows_apart
        self._parameters = parameters

    def paths(self, call: TableCall) -> str | list[str] | None:
        """The value of the first argument, a path, a pattern, or a list of them; None where it cannot be known."""
        given = next((expression for name, expression in call.arguments if not name), None)
        if given is None:
            return None
        if given.get("class") == "CONSTANT":
            return str(given["literal"].get("text", ""))
        try:
            ((value,),) = self._rows_apart(f"SELECT {expression_text(self._rows, given)}", self._used(given))
        except (Error, ValueError):
            return None
        if isinstance(value, str):
            return value
        return [str(item) for item in value] if isinstance(value, list) and value else None

    def source(self, call: TableCall, parent: int | None) -> tuple[ReadSource, str | None]:
        """The set of files that a call reads, and what is missing of it."""
        reader = reader_of(call.function) or call.function
        paths = self.paths(call)
        if paths is None:
            return ReadSource("dataset", (f"{call.function}(…)",), parent), f"which files {call.function}(…) reads is not in the lineage"
        name = paths if isinstance(paths, str) else ", ".join(paths)
        given = [(key, expression) for key, expression in call.arguments if key and key != "filename"]
        used: dict[str, object] = {}
        arguments = [sql.literal(paths)]
        for key, expression in given:
            arguments.append(f"{sql.quote(key)} := {expression_text(self._rows, expression)}")
            used |= self._used(expression) or {}
        if reader in _WITH_OWN_NAME:
            relation = f"(SELECT *, filename AS {FILE_NAME} FROM {sql.call(reader, *arguments)})"
        else:
            relation = sql.call(reader, *arguments, f"filename := {sql.literal(FILE_NAME)}")
        listing = (
            f"SELECT filename, size, {sql.call('epoch_us', 'last_modified')} FROM {sql.call('read_blob', sql.literal(paths))}"
        )  # fmt: skip
        return ReadSource("dataset", (name,), parent, relation=relation, parameters=used or None, listing=listing), None

    def _used(self, expression: Node) -> dict[str, object] | None:
        return {name: self._parameters[name] for name in parameters_of(expression) if name in self._parameters} or None
