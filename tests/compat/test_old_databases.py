"""Databases written in every released storage format: they answer as they did, read-only too, and the first change brings them up."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest
from kept_databases import QUESTIONS

import sqlml
from sqlml.catalog.tables import FORMAT

DATABASES = Path(__file__).with_name("databases")
FORMATS = sorted(int(path.stem.removeprefix("format_")) for path in DATABASES.glob("*.json"))


def unpack(number: int, folder: Path) -> Path:
    path = folder / "kept.duckdb"
    path.write_bytes(lzma.decompress((DATABASES / f"format_{number}.duckdb.xz").read_bytes()))
    return path


def check_answers(connection: sqlml.Connection, number: int) -> None:
    expected = json.loads((DATABASES / f"format_{number}.json").read_text())
    for question, rows in zip(QUESTIONS, expected, strict=True):
        assert json.loads(json.dumps([list(row) for row in connection.execute(question).fetchall()], default=str)) == rows, question


def formats(connection: sqlml.Connection) -> list[int]:
    return [number for (number,) in connection.execute("SELECT format FROM sqlml._format ORDER BY format").fetchall()]


def test_the_present_format_is_kept_for_the_future() -> None:
    assert list(range(1, FORMAT + 1)) == FORMATS


@pytest.mark.parametrize("number", FORMATS)
def test_an_old_database_is_read_without_a_write(number: int, tmp_path: Path) -> None:
    path = unpack(number, tmp_path)
    before = path.read_bytes()
    with sqlml.connect(path, read_only=True) as connection:
        check_answers(connection, number)
        assert formats(connection) == [number]
    assert path.read_bytes() == before


@pytest.mark.parametrize("number", FORMATS)
def test_the_first_change_brings_an_old_database_up_and_loses_nothing(number: int, tmp_path: Path) -> None:
    path = unpack(number, tmp_path)
    with sqlml.connect(path) as connection:
        check_answers(connection, number)
        assert formats(connection) == [number]
        connection.execute("CREATE MODEL fresh OPTIONS (model_type = 'kmeans', num_clusters = 2) AS SELECT rooms FROM houses")
        connection.execute("DROP MODEL fresh")
        assert formats(connection)[-1] == FORMAT
        assert {name for (name,) in connection.execute("SELECT model_name FROM sqlml.model_events").fetchall()} > {"fresh", "gone"}
        connection.execute("CREATE OR REPLACE MODEL groups OPTIONS (model_type = 'kmeans', num_clusters = 2) AS SELECT rooms FROM houses")
        connection.execute("ALTER MODEL groups SET DEFAULT VERSION = 1")
    with sqlml.connect(path, read_only=True) as connection:
        expected = json.loads((DATABASES / f"format_{number}.json").read_text())
        for question, rows in list(zip(QUESTIONS, expected, strict=True))[:8]:
            assert json.loads(json.dumps([list(row) for row in connection.execute(question).fetchall()], default=str)) == rows, question
        assert connection.execute("SELECT * FROM sqlml.model_aliases").fetchall() == []


@pytest.mark.parametrize("number", FORMATS)
def test_a_rolled_back_change_leaves_the_old_format(number: int, tmp_path: Path) -> None:
    with sqlml.connect(unpack(number, tmp_path)) as connection:
        connection.execute("BEGIN; ALTER MODEL groups SET OPTIONS (description = 'later'); ROLLBACK")
        assert formats(connection) == [number]
        check_answers(connection, number)
