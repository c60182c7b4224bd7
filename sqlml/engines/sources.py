"""What a query reads, as an engine answers it: names resolved, and how each can be read by itself. Nothing is read here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ReadSource:
    """A view, table or set of files that a query reads, directly or through a view."""

    kind: Literal["view", "table", "dataset"]
    path: tuple[str, ...]
    """Of a view or table: database, schema and name. Of a set of files: what the call names, as one text."""
    part_of: int | None = None
    """Index of the view through which it is read."""
    columns: tuple[str, ...] | None = None
    """Columns that the engine's plan reads of it, sorted; None where the plan does not tell."""
    definition: str | None = None
    """Of a view: its query, as text."""
    relation: str | None = None
    """SQL that stands behind FROM and gives its rows; None where it cannot be read by itself."""
    parameters: Mapping[str, object] | None = None
    """Parameters that `relation` uses."""
    condition: str | None = None
    """Of files: a condition on the names of folders that tells which of them the query reads."""
    n_files: int | None = None
    """Of files: how many of them the query reads, where there is a condition."""
    listing: str | None = None
    """Of files: a query of path, size in bytes and time of modification (microseconds since 1970, UTC) of them all."""
    snapshot_query: str | None = None
    """A query of one value, the snapshot that is read, for storage that has snapshots."""


FILE_NAME = "__sqlml_file"
"""The column of `ReadSource.relation` that holds the path of a row's file."""


@dataclass(frozen=True, slots=True)
class QuerySources:
    """The answer about one query."""

    sources: tuple[ReadSource, ...] = ()
    """A view stands before what is read through it."""
    problems: tuple[str, ...] = ()
    """What could not be found out, in words for the user."""
    is_plain: bool = False
    """Whether the query gives all rows of its one table or set of files as they are: columns left out at most."""
