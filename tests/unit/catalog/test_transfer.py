"""Copies of models: what is the same, what is new, and what stops one."""

from __future__ import annotations

from pathlib import Path

import pytest
from kept_databases import STATEMENTS

import sqlml

MODELS = ("price", 'shop."Big ""one"""', "shop.sides", "groups", "directions", "cleaned")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a model of each kind."""
    path = tmp_path_factory.mktemp("models") / "a.duckdb"
    with sqlml.connect(path) as connection:
        connection.execute(STATEMENTS)
    return path


def predictions(connection: sqlml.Connection, model: str, *, of: str | None = None) -> list[tuple[object, ...]]:
    function = "TRANSFORM" if (of or model) == "cleaned" else "PREDICT"
    return connection.execute(f"SELECT * FROM ML.{function}(MODEL {model}, TABLE houses) ORDER BY ALL").fetchall()


@pytest.mark.parametrize("model", MODELS)
def test_a_copy_predicts_the_same(model: str, trained: Path, tmp_path: Path) -> None:
    with sqlml.connect(trained) as connection:
        connection.execute(f"ATTACH '{tmp_path / 'other.duckdb'}' AS other")
        connection.execute(f"COPY MODEL {model} TO other.main.copied")
        assert predictions(connection, "other.main.copied", of=model) == predictions(connection, model)
        connection.execute("DETACH other")
    with sqlml.connect(tmp_path / "other.duckdb", read_only=True) as connection:
        connection.execute(f"ATTACH '{trained}' AS origin (READ_ONLY)")
        connection.execute("CREATE TEMP TABLE houses AS FROM origin.houses")
        original = predictions(connection, f"origin.{model if '.' in model else f'main.{model}'}", of=model)
        assert predictions(connection, "copied", of=model) == original


def test_versions_that_are_not_the_default_are_copied_too(trained: Path, tmp_path: Path) -> None:
    with sqlml.connect(trained) as connection:
        connection.execute(f"ATTACH '{tmp_path / 'other.duckdb'}' AS other; COPY MODEL price TO other.main.price")
        for version in (2, 3):
            assert predictions(connection, f"other.price@{version}") == predictions(connection, f"price@{version}")
        assert connection.execute("SELECT version FROM other.sqlml.model_versions ORDER BY ALL").fetchall() == [(2,), (3,)]
        connection.execute(
            "CREATE OR REPLACE MODEL other.price OPTIONS (model_type = 'kmeans', num_clusters = 2) AS SELECT rooms FROM houses"
        )
        assert connection.execute("SELECT max(version) FROM other.sqlml.model_versions").fetchall() == [(4,)]


def test_a_damaged_version_is_not_copied(tmp_path: Path) -> None:
    with sqlml.connect(tmp_path / "a.duckdb") as connection:
        connection.execute("CREATE TABLE t AS SELECT i AS x, 2 * i AS label FROM range(20) r(i)")
        connection.execute("CREATE MODEL m OPTIONS (model_type = 'linear_reg') AS FROM t")
        connection.session()._engine.rows("UPDATE sqlml._state SET floats = [1.0] WHERE floats IS NOT NULL AND len(floats) = 1")
        with pytest.raises(sqlml.IntegrityError) as caught:
            connection.execute("COPY MODEL m TO n")
        assert caught.value.code == "damaged_state"
        assert connection.execute("SELECT model_name FROM sqlml.models").fetchall() == [("m",)]
        assert connection.execute("SELECT count(*) FROM sqlml.model_events WHERE event = 'copied'").fetchall() == [(0,)]


def test_a_log_that_names_versions_that_are_gone_is_not_copied(tmp_path: Path) -> None:
    with sqlml.connect(tmp_path / "a.duckdb") as connection:
        connection.execute("CREATE TABLE t AS SELECT i AS x, 2 * i AS label FROM range(20) r(i)")
        connection.execute("CREATE MODEL m OPTIONS (model_type = 'linear_reg') AS FROM t")
        connection.execute("CREATE OR REPLACE MODEL m OPTIONS (model_type = 'linear_reg') AS FROM t")
        connection.session()._engine.rows("DELETE FROM sqlml._versions WHERE version = 2")
        with pytest.raises(sqlml.IntegrityError) as caught:
            connection.execute("COPY MODEL m TO n")
        assert caught.value.code == "damaged_state"


def test_a_cancelled_copy_leaves_nothing(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlml.connect(trained) as connection:
        connection.execute(f"ATTACH '{tmp_path / 'other.duckdb'}' AS other")

        def stop(*_: object, **__: object) -> None:
            raise sqlml.OperationalError("stopped", code="cancelled")

        with monkeypatch.context() as patched:
            patched.setattr("sqlml.catalog.transfer.write_version", stop)
            with pytest.raises(sqlml.OperationalError, match="stopped"):
                connection.execute("COPY MODEL price TO other.main.price")
        assert connection.execute(
            "SELECT count(*) FROM duckdb_schemas() WHERE schema_name = 'sqlml' AND database_name = 'other'"
        ).fetchall() == [(0,)]
        connection.execute("COPY MODEL price TO other.main.price")
