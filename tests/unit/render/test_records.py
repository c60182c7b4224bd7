from __future__ import annotations

import csv
import io
import json

from sqlml.render.records import csv_lines, json_lines
from sqlml.types import Column, Schema, SqlType

SCHEMA = Schema((Column("a", SqlType("VARCHAR")), Column("b,c", SqlType("DOUBLE"))))
ROWS: list[tuple[object, ...]] = [("x", 0.1), ('say "hi",\nthen', None), (None, 2.0), ("", float("nan"))]


def pages(rows: list[tuple[object, ...]]):  # type: ignore[no-untyped-def]
    waiting = [rows[:2], rows[2:], []]
    return lambda n_rows: waiting.pop(0)


def test_csv_reads_back() -> None:
    text = "\n".join(csv_lines(SCHEMA, pages(ROWS))) + "\n"
    assert text.startswith('a,"b,c"\nx,0.1\n')
    assert list(csv.reader(io.StringIO(text, newline="")))[1:] == [["x", "0.1"], ['say "hi",\nthen', ""], ["", "2.0"], ["", "nan"]]


def test_csv_tells_null_from_the_empty_string() -> None:
    assert list(csv_lines(SCHEMA, pages([(None, None), ("", None)])))[1:] == [",", '"",']


def test_csv_of_a_lone_null_is_no_empty_line() -> None:
    one = Schema((Column("a", SqlType("VARCHAR")),))
    assert list(csv_lines(one, pages([(None,)]))) == ["a", '""']


def test_json_reads_back() -> None:
    lines = list(json_lines(SCHEMA, pages(ROWS)))
    assert len(lines) == 6
    assert json.loads("\n".join(lines)) == [
        {"a": "x", "b,c": 0.1}, {"a": 'say "hi",\nthen', "b,c": None}, {"a": None, "b,c": 2.0}, {"a": "", "b,c": "NaN"},
    ]  # fmt: skip


def test_json_of_no_rows() -> None:
    assert json.loads("".join(json_lines(SCHEMA, lambda n_rows: []))) == []
