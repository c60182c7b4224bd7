"""The command line as a value."""

from __future__ import annotations

import pytest

from sqlml.cli.arguments import parse_arguments, read_script


def parse(*arguments: str, terminal: bool = True):  # type: ignore[no-untyped-def]
    return parse_arguments(arguments, stdin_is_terminal=terminal)


def test_the_shell() -> None:
    for arguments, database in (((), ":memory:"), (("a.duckdb",), "a.duckdb")):
        found = parse(*arguments)
        assert (found.database, found.script, found.commands) == (database, None, ())


def test_standard_input() -> None:
    assert (parse("a.duckdb", terminal=False).database, parse("a.duckdb", terminal=False).script) == ("a.duckdb", "-")
    assert (parse("-").database, parse("-").script) == (":memory:", "-")
    assert parse("run", "-").script == "-"


def test_commands() -> None:
    found = parse("-c", "SELECT 1", "a.duckdb", "-c", "SELECT 2", terminal=False)
    assert (found.commands, found.database, found.script) == (("SELECT 1", "SELECT 2"), "a.duckdb", None)


def test_help() -> None:
    assert (parse("help", "ML.PREDICT").topic, parse("help").topic, parse().topic, parse("run", "help").topic) == (
        "ML.PREDICT",
        "",
        None,
        None,
    )
    assert parse("help", terminal=False).script is None
    with pytest.raises(SystemExit):
        parse("help", "ML.PREDICT", "now")


def test_run() -> None:
    found = parse("run", "a.sql", "--database", "a.duckdb", "--read-only", "--format", "json", "--quiet", "--no-progress")
    assert (found.script, found.database, found.read_only, found.format, found.quiet, found.progress) == (
        "a.sql",
        "a.duckdb",
        True,
        "json",
        True,
        False,
    )
    assert parse("run", "a.sql").database == ":memory:"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3), ("-3", -3), ("0.5", 0.5), ("1e3", 1000.0), (".5", 0.5), ("true", True), ("FALSE", False), ("null", None), ("abc", "abc"),
        ("", ""), ("2026-01-02", "2026-01-02"), ("'007'", "007"), ("'it''s'", "it's"), ("a=b", "a=b"), ("1.2.3", "1.2.3"),
        ("١", 1), ("nan", "nan"),
    ],
)  # fmt: skip
def test_parameter_values(text: str, value: object) -> None:
    found = parse("-c", "x", "--param", f"p={text}").parameters
    assert found == {"p": value}
    assert type(found["p"]) is type(value)


def test_parameters_together() -> None:
    assert parse("-c", "x", "--param", "a=1", "--param", "b=2").parameters == {"a": 1, "b": 2}
    assert parse("-c", "x").parameters is None


def test_settings() -> None:
    found = parse("-c", "x", "--set", "seed=7", "--set", "keep_versions=null", "--set", "allow_files=/a:/b", "--allow-recorded-queries")
    assert found.settings == {"seed": 7, "keep_versions": None, "allow_files": ("/a", "/b"), "allow_recorded_queries": True}
    assert parse("-c", "x").settings == {}
    assert parse("run", "a.sql", "--set", "seed=1", "--set", "seed=2").settings == {"seed": 2}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "xml"], "xml"), (["--dialect", "oracle"], "unknown flavour"), (["--dialect", "mysql"], "mysql"),
        (["--param", "x"], "NAME=VALUE"), (["--set", "seed"], "NAME=VALUE"), (["--set", "sed=1"], "seed"), (["--set", "seed=x"], "whole"),
        (["--param", "1x=2"], "NAME=VALUE"), (["a.sql"], "sqlml run a.sql"), (["run"], "SCRIPT"), (["a", "b"], "b"), (["--vers"], "--vers"),
        (["run", "a.sql", "-c", "x"], "-c"), (["run", "a.sql", "--database", "b.sql"], "b.sql"),
    ],
)  # fmt: skip
def test_wrong_usage(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(*arguments)
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_scripts_keep_their_line_ends_and_lose_their_mark(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "a.sql"
    path.write_bytes("\ufeffSELECT 'é\r\n'".encode())
    assert read_script(str(path)) == "SELECT 'é\r\n'"
    path.write_bytes(b"SELECT '\xe9'")
    with pytest.raises(UnicodeDecodeError):
        read_script(str(path))
