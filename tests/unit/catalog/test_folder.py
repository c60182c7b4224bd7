"""Exported folders: what comes back is what went out, and nothing else is taken."""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import catalog_samples
import pytest
from kept_databases import STATEMENTS

import sqlml
from sqlml.catalog.folder import render_manifest
from sqlml.catalog.folder_arrays import array_bytes, arrays_from_bytes
from sqlml.catalog.folder_rows import from_lines, to_lines
from sqlml.catalog.rows import record_to_tables, version_checksum
from sqlml.catalog.tables import RECORD_TABLES

MODELS = ("price", 'shop."Big ""one"""', "shop.sides", "groups", "directions", "cleaned")


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> sqlml.Connection:
    """A database with a model of each kind."""
    opened = sqlml.connect(tmp_path_factory.mktemp("models") / "a.duckdb")
    opened.execute(STATEMENTS)
    return opened


@pytest.fixture
def empty(tmp_path: Path) -> sqlml.Connection:
    return sqlml.connect(tmp_path / "empty.duckdb")


@pytest.fixture
def folder(connection: sqlml.Connection, tmp_path: Path) -> Path:
    connection.execute(f"EXPORT MODEL groups OPTIONS (uri = '{tmp_path / 'groups'}')")
    return tmp_path / "groups"


def refused(connection: sqlml.Connection, folder: Path) -> str:
    """The code of the error that the folder meets; nothing is there afterwards."""
    with pytest.raises(sqlml.DatabaseError) as caught:
        connection.execute(f"IMPORT MODEL m OPTIONS (uri = '{folder}')")
    assert connection.execute("SELECT count(*) FROM duckdb_schemas() WHERE schema_name = 'sqlml'").fetchall() == [(0,)]
    return caught.value.code


def forge(folder: Path, name: str, data: bytes, change: Callable[[dict[str, Any]], None] = lambda content: None) -> None:
    """Puts other bytes into a file and makes the manifest agree."""
    (folder / name).write_bytes(data)
    content = json.loads((folder / "manifest.json").read_bytes())
    del content["sha256"]
    if name in content["files"]:
        content["files"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    change(content)
    (folder / "manifest.json").write_bytes(render_manifest(content))


@pytest.mark.parametrize("model", MODELS)
def test_a_model_that_went_through_a_folder_predicts_the_same(model: str, connection: sqlml.Connection, tmp_path: Path) -> None:
    function = "TRANSFORM" if model == "cleaned" else "PREDICT"
    connection.execute(f"EXPORT MODEL {model} OPTIONS (uri = '{tmp_path / 'out'}')")
    connection.execute(f"ATTACH '{tmp_path / 'b.duckdb'}' AS b; IMPORT MODEL b.main.back OPTIONS (uri = '{tmp_path / 'out'}')")
    found, original = (
        connection.execute(f"SELECT * FROM ML.{function}(MODEL {name}, TABLE houses) ORDER BY ALL").fetchall()
        for name in ("b.main.back", model)
    )
    connection.execute("DETACH b")
    assert found == original


def test_everything_of_the_catalog_comes_back(connection: sqlml.Connection, tmp_path: Path) -> None:
    connection.execute(f"EXPORT MODEL price OPTIONS (uri = '{tmp_path / 'out'}')")
    connection.execute(f"ATTACH '{tmp_path / 'b.duckdb'}' AS b; IMPORT MODEL b.main.price OPTIONS (uri = '{tmp_path / 'out'}')")
    for view, left_out in (
        ("models", "modified_at, model_id"), ("model_versions", "checksum"), ("model_metrics", "version"), ("training_info", "version"),
        ("model_lineage", "version"),
    ):  # fmt: skip
        query = "SELECT * EXCLUDE ({}) FROM {}sqlml.{} WHERE model_name = 'price' ORDER BY ALL"
        found, original = (connection.execute(query.format(left_out, at, view)).fetchall() for at in ("b.", ""))
        assert found == original, view
    connection.execute("DETACH b")


def test_a_database_of_an_older_format_is_exported_and_copied(tmp_path: Path) -> None:
    kept = Path(__file__).parents[2] / "compat" / "databases" / "format_1.duckdb.xz"
    (tmp_path / "old.duckdb").write_bytes(lzma.decompress(kept.read_bytes()))
    with sqlml.connect(tmp_path / "new.duckdb") as connection:
        connection.execute(f"ATTACH '{tmp_path / 'old.duckdb'}' AS old (READ_ONLY)")
        connection.execute(f"COPY MODEL old.main.price TO copied; EXPORT MODEL old.main.price OPTIONS (uri = '{tmp_path / 'out'}')")
        connection.execute(f"IMPORT MODEL imported OPTIONS (uri = '{tmp_path / 'out'}')")
        first, second, third = (
            connection.execute(f"SELECT predicted_price FROM ML.PREDICT(MODEL {name}@3, TABLE old.houses) ORDER BY id").fetchall()
            for name in ("old.main.price", "copied", "imported")
        )
        assert first == second == third
        assert connection.execute("SELECT DISTINCT format FROM sqlml._versions").fetchall() == [(2,)]
        assert connection.execute("SELECT DISTINCT description FROM sqlml.models").fetchall() == [("what a house costs",)]


def test_no_byte_can_change(folder: Path, empty: sqlml.Connection) -> None:
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert "arrays_1.bin" in files
    for name, data in files.items():
        for position in {0, len(data) // 3, len(data) // 2, len(data) - 1}:
            changed = bytearray(data)
            changed[position] ^= 1
            (folder / name).write_bytes(bytes(changed))
            assert refused(empty, folder) == "damaged_export", (name, position)
        for cut in (data[:-1], data + b"\0", b""):
            (folder / name).write_bytes(cut)
            assert refused(empty, folder) == "damaged_export", name
        (folder / name).unlink()
        assert refused(empty, folder) == "damaged_export", name
        (folder / name).write_bytes(data)
    # The history is under no version's checksum, and is well-formed still.
    (folder / "events.jsonl").write_bytes(files["events.jsonl"].replace(b'"created"', b'"creased"'))
    assert refused(empty, folder) == "damaged_export"
    (folder / "events.jsonl").write_bytes(files["events.jsonl"].replace(b'"created"', b'"treated"'))
    assert refused(empty, folder) == "damaged_export"
    (folder / "events.jsonl").write_bytes(files["events.jsonl"])
    empty.execute(f"IMPORT MODEL m OPTIONS (uri = '{folder}')")


def test_a_link_or_a_pipe_is_not_followed(folder: Path, empty: sqlml.Connection, tmp_path: Path) -> None:
    for name in ("arrays_1.bin", "versions.jsonl", "manifest.json"):
        kept = tmp_path / "kept"
        shutil.move(folder / name, kept)
        (folder / name).symlink_to(kept)
        assert refused(empty, folder) == "damaged_export"
        (folder / name).unlink()
        os.mkfifo(folder / name)
        assert refused(empty, folder) == "damaged_export"
        (folder / name).unlink()
        shutil.move(kept, folder / name)


def test_a_folder_whose_link_leaves_the_allowed_ones(folder: Path, empty: sqlml.Connection, tmp_path: Path) -> None:
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed" / "link").symlink_to(folder)
    empty.execute(f"SET sqlml.allow_files = ['{tmp_path / 'allowed'}']")
    assert refused(empty, tmp_path / "allowed" / "link") == "files_not_allowed"
    with pytest.raises(sqlml.OperationalError) as caught:
        empty.execute(f"IMPORT MODEL m OPTIONS (uri = '{tmp_path / 'allowed' / '..' / 'groups'}')")
    assert caught.value.code == "files_not_allowed"


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(versions=[]), lambda content: content.update(versions=[1, 1]),
        lambda content: content.update(versions=[True]), lambda content: content.update(versions=["../../etc/passwd"]),
        lambda content: content.update(versions=[1 << 40]), lambda content: content.update(versions=[1, 2]),
        lambda content: content.update(files={**content["files"], "../outside": {"bytes": 1, "sha256": ""}}),
        lambda content: content.update(files={name: {"bytes": -1, "sha256": "x"} for name in content["files"]}),
        lambda content: content.update(files=[]), lambda content: content.update(storage_format="2"),
        lambda content: content.update(model_id=None), lambda content: content.update(model_id="another"),
        lambda content: content.update(is_whole=False), lambda content: content.update(kind="other"),
    ],
)  # fmt: skip
def test_a_manifest_that_says_something_else_is_refused(
    change: Callable[[dict[str, Any]], None], folder: Path, empty: sqlml.Connection
) -> None:
    forge(folder, "metrics.jsonl", (folder / "metrics.jsonl").read_bytes(), change)
    assert refused(empty, folder) == "damaged_export"


def test_a_newer_folder_says_so(folder: Path, empty: sqlml.Connection) -> None:
    forge(folder, "metrics.jsonl", (folder / "metrics.jsonl").read_bytes(), lambda content: content.update(format=2))
    assert refused(empty, folder) == "newer_format"
    forge(folder, "metrics.jsonl", (folder / "metrics.jsonl").read_bytes(), lambda content: content.update(format=1, storage_format=99))
    assert refused(empty, folder) == "newer_format"


def test_deeply_nested_json_is_refused(folder: Path, empty: sqlml.Connection) -> None:
    (folder / "manifest.json").write_bytes(b'{"a":' * 100_000)
    assert refused(empty, folder) == "damaged_export"


def lines(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def as_bytes(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        (
            "events.jsonl",
            [
                {"default_version": 3}, {"default_version": None}, {"last_version": 0}, {"sequence": 1}, {"sequence": 2**31 - 1},
                {"sequence": 1.5}, {"sequence": "1"}, {"aliases": {"a": 9}}, {"aliases": ["a"]}, {"happened_at": None},
                {"happened_at": "yesterday"}, {"labels": {"a": None}}, {"model_id": "other"}, {"more": 1}, {"event": "\ud800"},
            ],
        ),
        (
            "versions.jsonl",
            [
                {"version": 2}, {"version": 1 << 40}, {"statement": None}, {"options": {"a": "no json"}}, {"options": {"a": None}},
                {"n_rows": True}, {"n_rows": 10**400}, {"created_at": "2026-01-01T00:00:00+01:00"}, {"classes": [None]}, {"format": 99},
                {"model_type": "no such"}, {"seed": 1},
            ],
        ),
        ("features.jsonl", [{"position": 5}, {"sql_type": "nonsense"}, {"mean": "many"}, {"mean": [[[]]]}, {"name": "other"}]),
    ],
)  # fmt: skip
def test_forged_rows_are_refused(name: str, changes: list[dict[str, Any]], folder: Path, empty: sqlml.Connection) -> None:
    rows = lines(folder, name)
    for change in changes:
        forge(folder, name, as_bytes([*rows[:-1], {**rows[-1], **change}]))
        assert refused(empty, folder) in {"damaged_export", "damaged_state", "unknown_model_type", "newer_format"}, change
    for data in (b"", b"\n", b"[" * 100_000 + b"\n", b"1\n", as_bytes(rows)[:-1], as_bytes([*rows, rows[-1]]), b"\xff\n"):
        forge(folder, name, data)
        assert refused(empty, folder) in {"damaged_export", "damaged_state"}, data[:10]
    forge(folder, name, as_bytes(rows))
    empty.execute(f"IMPORT MODEL m OPTIONS (uri = '{folder}')")


def test_forged_arrays_are_refused(folder: Path, empty: sqlml.Connection) -> None:
    data = (folder / "arrays_1.bin").read_bytes()
    head, _, values = data.partition(b"\n")
    entries = json.loads(head)["arrays"]
    for change in (
        {"shape": [1 << 27]}, {"shape": [1 << 40]}, {"shape": [-1]}, {"shape": [1] * 9}, {"shape": None}, {"shape": [0]}, {"shape": [True]},
        {"kind": "objects"}, {"kind": ["floats"]}, {"kind": "strings"}, {"section": None}, {"section": "other"}, {"name": "other"},
    ):  # fmt: skip
        forged = json.dumps({"arrays": [{**entries[0], **change}, *entries[1:]]}).encode() + b"\n" + values
        forge(folder, "arrays_1.bin", forged)
        assert refused(empty, folder) in {"damaged_export", "damaged_state"}, change
    for forged in (b"", head, b"\n" + values, data + b"\0" * 8, data[:-8], b'{"arrays":[]}\n', b"[" * 100_000 + b"\n", b'{"arrays":1}\n'):
        forge(folder, "arrays_1.bin", forged)
        assert refused(empty, folder) in {"damaged_export", "damaged_state"}, forged[:20]


def test_mutated_arrays_are_read_or_refused(connection: sqlml.Connection, tmp_path: Path) -> None:
    connection.execute(f"EXPORT MODEL shop.sides OPTIONS (uri = '{tmp_path / 'out'}')")
    data = (tmp_path / "out" / "arrays_1.bin").read_bytes()
    generator = random.Random(1)
    n_refused = 0
    for _ in range(2_000):
        changed = bytearray(data)
        for _ in range(generator.randint(1, 4)):
            changed[generator.randrange(min(len(data), generator.choice((4_000, len(data)))))] = generator.randrange(256)
        try:
            arrays_from_bytes("arrays_1.bin", bytes(changed))
        except sqlml.IntegrityError:
            n_refused += 1
    assert 500 < n_refused < 2_000


def test_arrays_keep_every_bit() -> None:
    found = arrays_from_bytes("a", b"".join(array_bytes(catalog_samples.arrays())))
    expected = catalog_samples.arrays()
    assert {section: set(part) for section, part in found.items()} == {section: set(part) for section, part in expected.items()}
    for section, part in expected.items():
        for name, array in part.items():
            other = found[section][name]
            assert other.shape == array.shape
            assert other.strings == array.strings
            for values, others in ((array.floats, other.floats), (array.integers, other.integers)):
                assert (values is None) == (others is None)
                assert values is None or others is None or values.tobytes() == others.tobytes()


def test_rows_keep_every_value() -> None:
    for name, table in record_to_tables(catalog_samples.record(), "id", 1, catalog_samples.START).items():
        declared = next(known for known in RECORD_TABLES if known.name == name)
        assert list(from_lines(name, b"".join(to_lines(table.to_pylist(), declared)), declared)) == table.to_pylist()


def test_a_state_that_would_be_refused_when_loaded_is_not_imported(
    connection: sqlml.Connection, empty: sqlml.Connection, tmp_path: Path
) -> None:
    """Everything agrees, checksums included: only what the state means is wrong."""
    folder = tmp_path / "trees"
    connection.execute(f"EXPORT MODEL shop.sides OPTIONS (uri = '{folder}')")
    arrays = arrays_from_bytes("arrays_1.bin", (folder / "arrays_1.bin").read_bytes())
    columns = arrays["state"]["features"].integers
    assert columns is not None
    columns[0] = 999  # the first tree parts rows by a column that there is not
    rows = {table.name: list(from_lines("", (folder / f"{table.name[1:]}.jsonl").read_bytes(), table)) for table in RECORD_TABLES}
    rows["_versions"][0]["checksum"] = version_checksum(rows, arrays)
    forge(folder, "versions.jsonl", b"".join(to_lines(rows["_versions"], RECORD_TABLES[0])))
    forge(folder, "arrays_1.bin", b"".join(array_bytes(arrays)))
    assert refused(empty, folder) == "damaged_state"


def test_an_export_that_fails_leaves_nothing(connection: sqlml.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("sqlml.catalog.export_folder.render_manifest", fail)
        with pytest.raises(sqlml.OperationalError, match="No space left") as caught:
            connection.execute(f"EXPORT MODEL groups OPTIONS (uri = '{tmp_path / 'out'}')")
    assert caught.value.code == "files_unwritable"
    assert list(tmp_path.iterdir()) == []


def test_an_overwritten_export_is_the_new_one(connection: sqlml.Connection, folder: Path, empty: sqlml.Connection) -> None:
    with pytest.raises(sqlml.ProgrammingError) as caught:
        connection.execute(f"EXPORT MODEL directions OPTIONS (uri = '{folder}')")
    assert caught.value.code == "folder_exists"
    connection.execute(f"EXPORT MODEL directions OPTIONS (uri = '{folder}', overwrite = true)")
    assert json.loads((folder / "manifest.json").read_text())["model"]["name"] == "directions"
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []
    (folder / "mine.txt").write_text("kept")
    with pytest.raises(sqlml.ProgrammingError, match=r"mine\.txt"):
        connection.execute(f"EXPORT MODEL directions OPTIONS (uri = '{folder}', overwrite = true)")
    assert (folder / "mine.txt").read_text() == "kept"
    empty.execute(f"IMPORT MODEL m OPTIONS (uri = '{folder}')")


def test_an_import_is_part_of_the_transaction(folder: Path, empty: sqlml.Connection) -> None:
    empty.execute(f"BEGIN; IMPORT MODEL m OPTIONS (uri = '{folder}')")
    assert empty.execute("SELECT model_name FROM sqlml.models").fetchall() == [("m",)]
    empty.rollback()
    assert empty.execute("SELECT count(*) FROM duckdb_schemas() WHERE schema_name = 'sqlml'").fetchall() == [(0,)]
