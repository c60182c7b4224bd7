"""Reading: several lines until the semicolon, history, Ctrl-C and Ctrl-D."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from sqlml.shell.reader import PlainReader, PromptReader, history_path, is_finished, open_history


@contextmanager
def typed(text: str) -> Iterator[tuple[PromptReader, PipeInput]]:
    with create_pipe_input() as keys:
        keys.send_text(text)
        yield PromptReader(lambda: "duckdb", history=InMemoryHistory(), keyboard=keys, screen=DummyOutput()), keys


@pytest.mark.parametrize(
    ("text", "finished"),
    [
        ("", True), ("  \n", True), (".help", True), (".nonsense", True), ("quit", True), ("EXIT", True),
        ("SELECT 1;", True), ("SELECT 1", False),
        ("SELECT ';", False), ("SELECT 1; SELECT 2", False), ("SELECT 1; -- done", True), ("/* ; */", False), ("SELECT 1 -- ;", False),
    ],
)  # fmt: skip
def test_when_enter_runs(text: str, finished: bool) -> None:
    assert is_finished(text, "duckdb") is finished


def test_one_line() -> None:
    with typed("SELECT 1;\r") as (reader, _):
        assert reader.read() == "SELECT 1;"


def test_lines_until_the_semicolon() -> None:
    with typed("SELECT\r  1;\rSELECT 2;\r") as (reader, _):
        assert [line.strip() for line in reader.read().split("\n")] == ["SELECT", "1;"]
        assert reader.read() == "SELECT 2;"


def test_ctrl_c_gives_the_line_up_and_ctrl_d_leaves() -> None:
    with typed("SELECT 1\x03") as (reader, keys):
        with pytest.raises(KeyboardInterrupt):
            reader.read()
        keys.send_text("\x04")
        with pytest.raises(EOFError):
            reader.read()


def test_ctrl_d_does_not_leave_in_the_middle_of_a_statement() -> None:
    with typed("SELECT 1\x04;\r") as (reader, _):
        assert reader.read() == "SELECT 1;"


def test_the_plain_reader() -> None:
    prompts = []
    lines = iter(["SELECT", "1;", ".help"])

    def read_line(prompt: str) -> str:
        prompts.append(prompt)
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    reader = PlainReader(lambda: "duckdb", read_line)
    assert [reader.read(), reader.read()] == ["SELECT\n1;", ".help"]
    assert prompts == ["sqlml> ", "  ...> ", "sqlml> "]
    with pytest.raises(EOFError):
        reader.read()


def test_history_is_a_file_of_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    history = open_history()
    assert isinstance(history, FileHistory)
    history.append_string("SELECT 'secret';")
    path = tmp_path / "state" / "sqlml" / "history"
    assert history_path() == path
    assert "secret" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("value", ["", "relative/path"])
def test_history_without_a_usable_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", value)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert history_path() == tmp_path / ".local" / "state" / "sqlml" / "history"


def test_history_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert isinstance(open_history(), InMemoryHistory)
