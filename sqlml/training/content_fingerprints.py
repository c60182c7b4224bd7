"""Fingerprints of what is in a table or a set of files: the number of rows and the sum of their hashes, in one pass of the engine.

A sum does not depend on the order of rows, nor on how many threads read them. It is that of `TrainingRows.survey`: a query that gives all
rows of a table has the table's fingerprint. Rows that change are found with certainty but for 1 in 2**64; a fingerprint is no defence
against somebody who wants two contents to look the same.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlml import sql
from sqlml.engines.sources import FILE_NAME

Rows = Callable[..., "list[tuple[object, ...]]"]
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
"""What stands for NULL in the name of a partition, as in names of folders."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is in a source, over some of its columns."""

    n_rows: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PartContent:
    """A file or a partition of a source."""

    name: str
    """The file's path; of a partition the value as text."""
    content: Content


@dataclass(frozen=True, slots=True)
class PartedContent:
    """A source with its parts."""

    content: Content
    n_parts: int
    parts: tuple[PartContent, ...]
    """In order of their names, as many as were asked for."""


@dataclass(frozen=True, slots=True)
class FileState:
    size_bytes: int | None
    modified_at: datetime.datetime | None
    """UTC."""


def content(n_rows: object, total: object) -> Content:
    """From a count and a sum of hashes, NULL for no rows."""
    return Content(int(str(n_rows)), f"{int(str(total or 0)) % 2**64:016x}")


def content_of(rows: Rows, relation: str, columns: Sequence[str]) -> Content:
    """The content of a relation over some of its columns (at least one), whatever their order."""
    (row,) = rows(f"SELECT {_aggregates(columns)} FROM {relation}")
    return content(*row)


def content_by_part(
    rows: Rows, relation: str, columns: Sequence[str], part: str, limit: int, parameters: Mapping[str, object] | None, condition: str | None
) -> PartedContent:
    """The content of a relation, and of the rows of each value of `part`, an SQL expression."""
    where = "" if condition is None else f" WHERE {condition}"
    groups = f"SELECT {sql.cast(part, 'VARCHAR')} AS part, {_aggregates(columns)} FROM {relation}{where} GROUP BY 1"
    totals = [f"{sql.call(function, name)} OVER ()" for function, name in (("sum", "n"), ("sum", "h"), ("count", "*"))]
    found = rows(
        f"SELECT part, n, h, {', '.join(totals)} FROM ({groups}) AS g (part, n, h) ORDER BY part NULLS LAST LIMIT {limit}", parameters
    )
    parts = tuple(PartContent(NULL_PARTITION if row[0] is None else str(row[0]), content(row[1], row[2])) for row in found)
    if not found:
        return PartedContent(Content(0, content(0, 0).fingerprint), 0, ())
    return PartedContent(content(found[0][3], found[0][4]), int(str(found[0][5])), parts)


def content_by_file(
    rows: Rows, relation: str, columns: Sequence[str], limit: int, parameters: Mapping[str, object] | None, condition: str | None
) -> PartedContent:
    """The content of a set of files, and of each of them."""
    return content_by_part(rows, relation, columns, FILE_NAME, limit, parameters, condition)


def file_states(rows: Rows, listing: str) -> dict[str, FileState]:
    """Sizes and times by path, as the engine lists them."""
    return {str(path): FileState(_whole(size), _time(modified)) for path, size, modified in rows(listing)}


def partition_of(path: str) -> str | None:
    """The `column=value` folders of a path, joined with "/"."""
    folders = [folder for folder in path.replace("\\", "/").split("/")[:-1] if "=" in folder.strip("=")]
    return "/".join(folders) or None


def _aggregates(columns: Sequence[str]) -> str:
    hashed = sql.call("hash", sql.columns(sorted(columns)))
    return f"{sql.call('count', '*')}, {sql.call('sum', sql.cast(hashed, 'HUGEINT'))}"


def _whole(value: object) -> int | None:
    return None if value is None else int(str(value))


def _time(microseconds: object) -> datetime.datetime | None:
    if microseconds is None:
        return None
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=int(str(microseconds)))
