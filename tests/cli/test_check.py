"""`sqlml check`: exit codes, text for people, JSON."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from sqlml.cli.main import main


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    (tmp_path / "good.sql").write_text("SELECT SAFE_DIVIDE(1, 2)", encoding="utf-8")
    (tmp_path / "bad.sql").write_text("SELECT 1;\nSELECT\n\tFLOR(1.5), NOPE(2)", encoding="utf-8")
    (tmp_path / "binary.sql").write_bytes(b"SELECT '\xff'")
    return tmp_path


def test_all_is_fine(scripts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(scripts / "good.sql")]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "1 file: nothing found that would not run\n"


def test_problems_with_place_and_advice(scripts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(scripts / "bad.sql")
    assert main(["check", str(scripts / "good.sql"), path]) == 1
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[:4] == [
        f"{path}:3:2: unknown_function: there is no function FLOR, or sqlml does not know it",
        "  \tFLOR(1.5), NOPE(2)",
        "  \t^^^^",
        "  hint: did you mean FLOOR?",
    ]
    assert lines[4].startswith(f"{path}:3:13: unknown_function: ")
    assert shown.err == "2 problems in 1 of 2 files\n"


def test_json(scripts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(scripts / "bad.sql")
    assert main(["check", "--json", path]) == 1
    first, second = json.loads(capsys.readouterr().out)
    assert first == {
        "file": path, "line": 3, "column": 2, "start": 18, "end": 22, "code": "unknown_function", "construct": "FLOR",
        "message": "there is no function FLOR, or sqlml does not know it", "hint": "did you mean FLOOR?",
    }  # fmt: skip
    assert second["construct"] == "NOPE"
    assert main(["check", "--json", str(scripts / "good.sql")]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\ufeffSELECT NOPE(1)".encode())))
    assert main(["check", "-"]) == 1
    assert capsys.readouterr().out.startswith("<stdin>:1:8: unknown_function: ")


@pytest.mark.parametrize("name", ["missing.sql", "binary.sql"])
def test_a_file_that_cannot_be_read(name: str, scripts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(scripts / name), str(scripts / "bad.sql")]) == 2
    shown = capsys.readouterr()
    assert name in shown.err
    assert "FLOR" in shown.out  # the others are checked all the same


def test_the_other_flavour(scripts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (scripts / "duck.sql").write_text("FROM t SELECT list_sum([1])", encoding="utf-8")
    assert main(["check", "--dialect", "duckdb", str(scripts / "duck.sql")]) == 0
    assert main(["check", str(scripts / "duck.sql")]) == 1
    capsys.readouterr()


def test_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["check"], ["check", "--dialect", "mysql", "x.sql"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
    capsys.readouterr()
