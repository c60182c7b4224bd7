"""What differs between recorded sources and present ones, in data and in words."""

from __future__ import annotations

import datetime

import pytest

from sqlml.catalog.records import SourceRecord
from sqlml.training.source_changes import compare_sources

QUERY = SourceRecord("query", "SELECT * FROM t", 10, "aa")
TABLE = SourceRecord("table", "main.t", 10, "ab", columns=("x", "y"))
FILES = SourceRecord("dataset", "d/*.parquet", 5, "ac")
FILE = SourceRecord("file", "d/1.parquet", 2, "ad", part_of=2, size_bytes=7)
DAY = SourceRecord("partition", "main.t", 4, "ae", part_of=1, partition="day=1")
MODEL = SourceRecord("model", "main.prep@1", fingerprint="af")
ALL = (QUERY, TABLE, FILES, FILE, DAY, MODEL)


def changed(record: SourceRecord, **fields: object) -> SourceRecord:
    from dataclasses import replace

    return replace(record, **fields)  # type: ignore[arg-type]


def test_the_same_sources_differ_in_nothing() -> None:
    assert compare_sources(ALL, tuple(reversed(ALL))) == ()


@pytest.mark.parametrize(
    ("then", "now", "change", "words"),
    [
        (TABLE, changed(TABLE, n_rows=12, fingerprint="bb"), "changed", "table main.t: 10 rows then, 12 now"),
        (TABLE, changed(TABLE, fingerprint="bb"), "changed", "table main.t: as many rows, other values"),
        (TABLE, changed(TABLE, columns=("x",)), "changed", "table main.t: columns that are gone: y"),
        (TABLE, None, "removed", "table main.t: removed (10 rows)"),
        (None, FILE, "added", "file d/1.parquet: added (2 rows)"),
        (DAY, changed(DAY, fingerprint="bb"), "changed", "partition day=1 of main.t: as many rows, other values"),
        (QUERY, changed(QUERY, n_rows=9), "changed", "the rows of the query: 10 rows then, 9 now"),
        (MODEL, changed(MODEL, fingerprint="bb"), "changed", "model main.prep@1: another version or content"),
        (TABLE, changed(TABLE, fingerprint=None, n_rows=None), "unknown", "table main.t: cannot be compared"),
    ],
)
def test_a_difference_is_found_and_told(then: SourceRecord | None, now: SourceRecord | None, change: str, words: str) -> None:
    (found,) = compare_sources((then,) if then else (), (now,) if now else ())
    assert (found.change, str(found)) == (change, words)


def test_a_file_that_was_only_touched_has_not_changed() -> None:
    touched = changed(FILE, modified_at=datetime.datetime(2026, 1, 1), size_bytes=9)
    assert compare_sources((FILE,), (touched,)) == ()


def test_fingerprints_of_another_hash_say_nothing_but_rows_do() -> None:
    assert [found.change for found in compare_sources((TABLE,), (changed(TABLE, fingerprint="bb"),), same_hash=False)] == ["unknown"]
    assert [found.change for found in compare_sources((TABLE,), (changed(TABLE, n_rows=1),), same_hash=False)] == ["changed"]


def test_a_view_is_compared_by_its_definition_where_that_was_recorded() -> None:
    view = SourceRecord("view", "main.v")
    assert compare_sources((view,), (view,)) == ()
    assert compare_sources((view,), (changed(view, fingerprint="aa"),)) == ()
    (found,) = compare_sources((changed(view, fingerprint="aa"),), (changed(view, fingerprint="bb"),), same_hash=False)
    assert (found.change, str(found)) == ("changed", "view main.v: its definition changed")


def test_a_snapshot_tells_where_there_is_no_fingerprint() -> None:
    lake = SourceRecord("table", "lake.main.t", snapshot="7")
    assert compare_sources((lake,), (lake,)) == ()
    assert str(compare_sources((lake,), (changed(lake, snapshot="8"),))[0]) == "table lake.main.t: snapshot 7 then, 8 now"
