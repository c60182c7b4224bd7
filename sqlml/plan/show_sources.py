"""Lineage in words: the rows of DESCRIBE MODEL about what a version was trained on."""

from __future__ import annotations

from collections.abc import Sequence

from sqlml.catalog.records import SourceRecord

_SHOWN_PARTS = 3
"""Files of a data set, or partitions of a table, that are listed; `sqlml.model_lineage` has all."""
_SHOWN_COLUMNS = 8
_SIZES = ("bytes", "kB", "MB", "GB", "TB")


def describe_sources(sources: Sequence[SourceRecord]) -> list[tuple[str, str]]:
    """Name and description of each source; of many parts of one source the first few, and how many more there are."""
    parts: dict[int, list[SourceRecord]] = {}
    for source in sources:
        if _is_part(source) and source.part_of is not None:
            parts.setdefault(source.part_of, []).append(source)
    rows: list[tuple[str, str]] = []
    for index, source in enumerate(sources):
        if _is_part(source) and source.part_of is not None:
            continue
        rows.append((_name(source), _description(source, sources)))
        found = parts.get(index, [])
        # One more than fits is as long as the line that would stand for it.
        shown = found if len(found) <= _SHOWN_PARTS + 1 else found[:_SHOWN_PARTS]
        rows += [(_name(part), _description(part, sources)) for part in shown]
        if len(shown) < len(found):
            rows.append((f"{len(found) - len(shown)} more {found[0].kind}s of {source.name}", "in sqlml.model_lineage"))
    return rows


def _is_part(source: SourceRecord) -> bool:
    return source.kind in ("file", "partition")


def _name(source: SourceRecord) -> str:
    if source.kind == "query":
        return "query"
    if source.kind == "partition":
        return f"partition {source.partition} of {source.name}"
    return f"{source.kind} {source.name}"


def _description(source: SourceRecord, sources: Sequence[SourceRecord]) -> str:
    parts: list[str] = []
    if source.n_rows is not None:
        parts.append(f"{source.n_rows} row{'s' * (source.n_rows != 1)}")
    if source.size_bytes is not None:
        parts.append(_size(source.size_bytes))
    if source.modified_at is not None:
        parts.append(f"of {source.modified_at.isoformat(sep=' ', timespec='seconds')}")
    if source.snapshot is not None:
        parts.append(f"snapshot {source.snapshot}")
    if source.fingerprint is not None:
        parts.append(f"{'checksum' if source.kind == 'model' else 'fingerprint'} {source.fingerprint}")
    if source.columns is not None and not _is_part(source):
        more = len(source.columns) - _SHOWN_COLUMNS
        parts.append(f"columns {', '.join(source.columns[:_SHOWN_COLUMNS])}" + (f" and {more} more" if more > 0 else ""))
    if source.part_of is not None and not _is_part(source) and 0 <= source.part_of < len(sources):
        parts.append(f"through {_name(sources[source.part_of])}")
    return ", ".join(parts)


def _size(size: int) -> str:
    """A number of bytes in the largest unit of which there is one."""
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_SIZES) - 1:
        value, unit = value / 1000, unit + 1
    return f"{size} bytes" if unit == 0 else f"{value:.3g} {_SIZES[unit]}"
