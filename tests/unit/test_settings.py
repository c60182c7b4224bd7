"""Settings: where they come from, which is stronger, and what is said of a wrong one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import sqlml
from sqlml.session.settings_sources import initial_settings
from sqlml.settings import SETTINGS, Settings


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQLML_CONFIG", "")
    for name in SETTINGS:
        monkeypatch.delenv(f"SQLML_{name.upper()}", raising=False)


def write(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    monkeypatch.setenv("SQLML_CONFIG", str(path))
    return path


def shown(connection: sqlml.Connection) -> dict[str, tuple[str, str]]:
    return {row[0]: (row[1], row[3]) for row in connection.execute("SHOW sqlml").fetchall()}


def test_every_setting_is_declared_and_its_default_is_of_its_type() -> None:
    assert set(SETTINGS) == {field.name for field in dataclasses.fields(Settings)} - {"origins"}
    for setting in SETTINGS.values():
        assert setting.doc
        assert setting.of_engine or setting.type.convert(setting.default) == setting.default


def test_each_origin_is_stronger_than_the_one_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = write(monkeypatch, tmp_path, "[settings]\nseed = 1\nkeep_versions = 1\nprogress = false\nlock_timeout_seconds = 1\n")
    monkeypatch.setenv("SQLML_SEED", "2")
    monkeypatch.setenv("SQLML_KEEP_VERSIONS", "2")
    monkeypatch.setenv("SQLML_PROGRESS", "on")
    with sqlml.connect(settings={"seed": 3, "keep_versions": 3}) as connection:
        connection.execute("SET sqlml.seed = 4")
        found = shown(connection)
        assert found["seed"] == ("4", "SQL")
        assert found["keep_versions"] == ("3", "connection")
        assert found["progress"] == ("true", "SQLML_PROGRESS")
        assert found["lock_timeout_seconds"] == ("1", str(path))
        assert found["allow_recorded_queries"] == ("false", "default")
        connection.execute("RESET sqlml.seed")
        assert shown(connection)["seed"] == ("3", "connection")


def test_a_list_of_folders_from_text_and_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write(monkeypatch, tmp_path, '[settings]\nallow_files = ["/a", "/b"]\n')
    assert initial_settings().allow_files == ("/a", "/b")
    monkeypatch.setenv("SQLML_ALLOW_FILES", "/c:/d/../e")
    assert initial_settings().allow_files == ("/c", "/e")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("[settings]\nsed = 1\n", "unknown_setting", "seed"), ("[settings]\nseed = 'x'\n", "setting_value", "whole number"),
        ("seed = 1\n", "configuration_file", "[settings]"), ("[settings\n", "configuration_file", "no TOML"),
        ("[settings]\ndialect = 'oracle'\n", "dialect_not_supported", "oracle"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_named(text: str, code: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = write(monkeypatch, tmp_path, text)
    with pytest.raises(sqlml.DatabaseError, match=r"(?s).*") as caught:
        sqlml.connect()
    assert caught.value.code == code
    assert said in str(caught.value)
    assert code == "dialect_not_supported" or str(path) in str(caught.value)


def test_a_file_that_was_named_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SQLML_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(sqlml.ProgrammingError) as caught:
        sqlml.connect()
    assert caught.value.code == "configuration_file"


def test_the_usual_file_may_be_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SQLML_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert initial_settings() == Settings()
    (tmp_path / "sqlml").mkdir()
    (tmp_path / "sqlml" / "config.toml").write_text("[settings]\nseed = 9\n")
    assert initial_settings().seed == 9


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [("SQLML_SEED", "many", "setting_value"), ("SQLML_SEEED", "1", "unknown_setting"), ("SQLML_KEEP_VERSION", "1", "unknown_setting")],
)
def test_a_wrong_variable_is_named(variable: str, value: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(sqlml.ProgrammingError) as caught:
        initial_settings()
    assert caught.value.code == code
    assert variable in str(caught.value)


def test_a_variable_of_somebody_else_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQLML_SERVICE_HOST", "10.0.0.1")
    assert initial_settings() == Settings()


def test_a_wrong_argument_of_connect() -> None:
    with pytest.raises(sqlml.ProgrammingError) as caught:
        sqlml.connect(settings={"keep_version": 1})
    assert caught.value.code == "unknown_setting"
    assert "keep_versions" in str(caught.value)
    with pytest.raises(sqlml.ProgrammingError) as caught:
        sqlml.connect(settings={"memory_limit": "much"})
    assert caught.value.code == "setting_value"
    assert "connection" in str(caught.value)


def test_the_engine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQLML_THREADS", "1")
    with sqlml.connect(config={"threads": 2}) as connection:
        assert connection.execute("SELECT current_setting('threads')").fetchall() == [(1,)]
        connection.execute("SET sqlml.threads = 3")
        assert connection.execute("SELECT current_setting('threads')").fetchall() == [(3,)]
        connection.execute("RESET sqlml.threads")
        assert connection.execute("SELECT current_setting('threads')").fetchall() == [(1,)]


def test_a_value_may_be_a_parameter() -> None:
    with sqlml.connect() as connection:
        connection.execute("SET sqlml.seed = ?", [5])
        assert shown(connection)["seed"] == ("5", "SQL")


def test_without_progress_there_are_no_events_of_it() -> None:
    events: list[object] = []
    with sqlml.connect(on_event=events.append, settings={"progress": False}) as connection:
        connection.execute("CREATE TABLE t AS SELECT i AS x, 2 * i AS label FROM range(20) r(i)")
        connection.execute("CREATE MODEL m OPTIONS (model_type = 'linear_reg') AS FROM t")
        quiet = {type(event).__name__ for event in events}
        connection.execute("SET sqlml.progress = on; CREATE MODEL n OPTIONS (model_type = 'linear_reg') AS FROM t")
        assert quiet < {type(event).__name__ for event in events}
        assert "StageStarted" not in quiet
