"""What differs between the sources that a version recorded and the same sources now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlml.catalog.records import SourceRecord


@dataclass(frozen=True, slots=True)
class SourceChange:
    """A source that is not as it was."""

    change: Literal["added", "removed", "changed", "unknown"]
    """"unknown" where one of the two has nothing to compare by."""
    then: SourceRecord | None
    """None of what was added."""
    now: SourceRecord | None
    """None of what was removed."""

    @property
    def source(self) -> SourceRecord:
        found = self.then or self.now
        assert found is not None, "a change is of something"
        return found

    def __str__(self) -> str:
        """In words: which source, and what happened to it."""
        source = self.source
        name = "the rows of the query" if source.kind == "query" else f"{source.kind} {source.name}"
        if source.kind == "partition":
            name = f"partition {source.partition} of {source.name}"
        match self.change:
            case "added" | "removed":
                rows = "" if source.n_rows is None else f" ({source.n_rows} rows)"
                return f"{name}: {self.change}{rows}"
            case "unknown":
                return f"{name}: cannot be compared"
        return f"{name}: {self._difference()}"

    def _difference(self) -> str:
        then, now = self.then, self.now
        assert then is not None, "only what was there has changed"
        assert now is not None, "only what is there has changed"
        if then.kind == "model":
            return "another version or content"
        if then.kind == "view":
            return "its definition changed"
        if then.columns is not None and now.columns is not None and (gone := sorted(set(then.columns) - set(now.columns))):
            return f"columns that are gone: {', '.join(gone)}"
        if then.n_rows != now.n_rows and then.n_rows is not None and now.n_rows is not None:
            return f"{then.n_rows} rows then, {now.n_rows} now"
        if then.snapshot != now.snapshot and then.fingerprint is None:
            return f"snapshot {then.snapshot} then, {now.snapshot} now"
        if then.fingerprint is None and then.size_bytes != now.size_bytes:
            return f"{then.size_bytes} bytes then, {now.size_bytes} now"
        return "as many rows, other values"


def compare_sources(recorded: Sequence[SourceRecord], now: Sequence[SourceRecord], *, same_hash: bool = True) -> tuple[SourceChange, ...]:
    """What was added, removed or changed, in the order of what was recorded.

    A view has no content of its own: its definition counts, where it was recorded, and what is under it. Time and size of a file do not
    count where its content is known.

    Args: same_hash, whether the engine's hash is that of the recording (`VersionRecord.hash_vector`); else fingerprints say nothing.
    """
    before, after = _by_identity(recorded), _by_identity(now)
    changes: list[SourceChange] = []
    for identity, then in before.items():
        present = after.get(identity)
        if present is None:
            changes.append(SourceChange("removed", then, None))
        elif (change := _compare(then, present, same_hash)) is not None:
            changes.append(SourceChange(change, then, present))
    changes += [SourceChange("added", None, record) for identity, record in after.items() if identity not in before]
    return tuple(changes)


def _by_identity(records: Sequence[SourceRecord]) -> dict[tuple[str, str, str], SourceRecord]:
    found: dict[tuple[str, str, str], SourceRecord] = {}
    for record in records:
        # The query is one, whatever its text; a model's version is part of its name.
        name = "" if record.kind == "query" else record.name
        found.setdefault((record.kind, name, (record.partition or "") if record.kind == "partition" else ""), record)
    return found


def _compare(then: SourceRecord, now: SourceRecord, same_hash: bool) -> Literal["changed", "unknown"] | None:
    if then.kind == "view":
        if then.fingerprint is None or then.fingerprint == now.fingerprint:
            return None  # releases before did not record it, in the same storage format
        return "unknown" if now.fingerprint is None else "changed"
    if then.columns is not None and now.columns is not None and then.columns != now.columns:
        return "changed"
    if None not in (then.n_rows, now.n_rows) and then.n_rows != now.n_rows:
        return "changed"
    if None not in (then.fingerprint, now.fingerprint) and (same_hash or then.kind == "model"):
        return None if then.fingerprint == now.fingerprint else "changed"
    if None not in (then.snapshot, now.snapshot):
        return None if then.snapshot == now.snapshot else "changed"
    if then.kind == "file" and None not in (then.size_bytes, now.size_bytes, then.modified_at, now.modified_at):
        return None if (then.size_bytes, then.modified_at) == (now.size_bytes, now.modified_at) else "changed"
    return "unknown"
