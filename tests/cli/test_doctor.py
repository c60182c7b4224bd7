"""`sqlml doctor` as its users start it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from sqlml import connect

Run = Callable[..., "subprocess.CompletedProcess[str]"]
MODEL = "CREATE OR REPLACE MODEL {name} OPTIONS (model_type = '{kind}', input_label_cols = ['y']) AS SELECT range AS x, range * 2.0 AS y FROM range(50)"


@pytest.fixture
def sqlml(sqlml_here: Run) -> Run:
    return sqlml_here


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, of three versions and of one."""
    path = tmp_path_factory.mktemp("doctor") / "shop.duckdb"
    with connect(str(path)) as connection:
        for _ in range(3):
            connection.execute(MODEL.format(name="line", kind="linear_reg"))
        connection.execute(MODEL.format(name="trees", kind="boosted_tree_regressor"))
        connection.execute("ALTER MODEL line SET ALIAS champion = 1")
    return path


@pytest.fixture
def database(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path))


def change(path: Path, *statements: str) -> None:
    with duckdb.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)


def report(sqlml: Run, path: Path, *options: str) -> tuple[int, dict[str, list[dict[str, object]]]]:
    done = sqlml("doctor", str(path), "--json", *options)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_a_healthy_database(sqlml: Run, database: Path) -> None:
    before = database.read_bytes()
    done = sqlml("doctor", str(database))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split() for line in lines[2:6]] == [
        ["line", "│", "1", "│", "LINEAR_REG", "│", *lines[2].split()[6:10], "│", "sound,", "champion"],
        ["line", "│", "2", "│", "LINEAR_REG", "│", *lines[3].split()[6:10], "│", "sound"],
        ["line", "│", "3", "│", "LINEAR_REG", "│", *lines[4].split()[6:10], "│", "sound,", "default"],
        ["trees", "│", "1", "│", "BOOSTED_TREE_REGRESSOR", "│", *lines[5].split()[6:10], "│", "sound,", "default"],
    ]
    assert lines[-1].startswith("healthy: 2 models, 4 versions, ")
    assert database.read_bytes() == before
    assert sorted(path.name for path in database.parent.iterdir()) == ["shop.duckdb"]


def test_json(sqlml: Run, database: Path) -> None:
    code, found = report(sqlml, database, "--keep-versions", "1")
    assert code == 0
    assert (found["healthy"], found["findings"], found["removed"], found["format"]) == (True, [], [], found["latest_format"])
    line, trees = found["models"]
    assert (line["model"], trees["model"]) == ("line", "trees")
    versions = line["versions"]
    assert isinstance(versions, list)
    assert [(v["version"], v["is_default"], v["aliases"], v["damage"], v["is_surplus"]) for v in versions] == [
        (1, False, ["champion"], None, False), (2, False, [], None, True), (3, True, [], None, False),
    ]  # fmt: skip
    assert line["n_bytes"] == sum(v["n_bytes"] for v in versions) > 0


def test_damage_is_found_and_named(sqlml: Run, database: Path) -> None:
    change(
        database,
        "UPDATE sqlml._state SET floats = list_reverse(floats) WHERE section = 'state' AND version = 2 AND len(floats) > 1",
        "UPDATE sqlml._versions SET n_rows = 51 WHERE version = 2",
    )
    done = sqlml("doctor", str(database))
    assert done.returncode == 1
    assert "│ the stored state of this model is damaged: it does not match its checksum" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 problem (1 damaged_version): 2 models, 4 versions, ")


def test_trees_that_would_be_refused_when_loaded_are_damage_though_the_checksum_fits(sqlml: Run, database: Path) -> None:
    from sqlml.catalog.chunks import read_arrays
    from sqlml.catalog.rows import read_rows, version_checksum
    from sqlml.engines.duckdb import open_engine

    change(
        database, "UPDATE sqlml._state SET integers = list_transform(integers, lambda x: 1) WHERE section = 'state' AND name ILIKE '%left%'"
    )
    engine = open_engine(database)
    ((model_id,),) = engine.rows("SELECT model_id FROM sqlml._versions WHERE model_type = 'BOOSTED_TREE_REGRESSOR'")
    checksum = version_checksum(read_rows(engine, "shop", str(model_id), 1)[1], read_arrays(engine, "shop", str(model_id), 1))
    engine.rows("UPDATE sqlml._versions SET checksum = $1 WHERE model_id = $2", [checksum, model_id])
    engine.close()
    code, found = report(sqlml, database)
    assert code == 1
    assert [(f["kind"], f["model"], f["version"]) for f in found["findings"]] == [("damaged_version", "trees", 1)]
    assert "checksum" not in str(found["findings"][0]["message"])


def test_repair(sqlml: Run, database: Path) -> None:
    change(database, "INSERT INTO sqlml._metrics VALUES ('nobody', 1, 0, 'loss', 1.0), ('nobody', 2, 0, 'loss', 1.0)")
    done = sqlml("doctor", str(database))
    assert done.returncode == 1
    assert "--repair removes the rows that nothing can reach" in done.stdout
    done = sqlml("doctor", str(database), "--repair")
    assert (done.returncode, done.stderr) == (0, "")
    assert "removed 2 rows of 2 versions that nothing could reach" in done.stdout
    done = sqlml("doctor", str(database), "--repair")
    assert (done.returncode, "nothing to repair" in done.stdout) == (0, True)
    query = "SELECT round(sum(predicted_y)) AS s FROM ML.PREDICT(MODEL {}, (SELECT 10 AS x))"
    assert sqlml(str(database), "--read-only", "--format", "csv", "-c", query.format("line@champion")).stdout == "s\n20.0\n"


def test_repair_leaves_a_strangers_catalog_alone(sqlml: Run, database: Path) -> None:
    change(
        database, "INSERT INTO sqlml._metrics VALUES ('nobody', 1, 0, 'loss', 1.0)", "CREATE TABLE log(x VARCHAR)",
        "CREATE TRIGGER t AFTER DELETE ON sqlml._metrics FOR EACH STATEMENT INSERT INTO main.log SELECT 'ran'",
    )  # fmt: skip
    done = sqlml("doctor", str(database), "--repair")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("1 problem (1 foreign_catalog)")
    assert done.stderr.startswith("error: nothing was repaired: schema sqlml of database shop was not made by sqlml")
    with duckdb.connect(database, read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM log").fetchone() == (0,)


@pytest.mark.parametrize("content", [None, b"", b"no database at all\n" * 1000])
def test_what_is_no_database(sqlml: Run, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "some.duckdb"
    if content is not None:
        path.write_bytes(content)
    for option in ((), ("--repair",), ("--json",)):
        done = sqlml("doctor", str(path), *option)
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr.startswith("error: ")
    assert path.exists() == (content is not None)


def test_wrong_usage(sqlml: Run) -> None:
    for arguments in ((), ("a", "b"), ("a", "--keep-versions", "0"), ("a", "--keep-versions", "x"), ("a", "--all")):
        assert sqlml("doctor", *arguments).returncode == 2


def test_a_file_damaged_anywhere_is_reported_and_never_a_crash(sqlml: Run, database: Path) -> None:
    whole = database.read_bytes()
    for place in range(4096, len(whole), len(whole) // 6):
        damaged = bytearray(whole)
        damaged[place : place + 64] = bytes(byte ^ 0xFF for byte in damaged[place : place + 64])
        database.write_bytes(bytes(damaged))
        done = sqlml("doctor", str(database))
        # Where no model lies, nothing is wrong with the models.
        assert done.returncode in (0, 1, 3), done
        assert "Traceback" not in done.stderr + done.stdout
    database.write_bytes(whole[: len(whole) // 2])
    assert sqlml("doctor", str(database)).returncode in (1, 3)


def test_names_cannot_command_the_terminal(sqlml: Run, tmp_path: Path) -> None:
    path = tmp_path / "memory.duckdb"
    name = '"\x1b[31m\u202ered ""x"""'
    assert sqlml(str(path), "-q", "-c", MODEL.format(name=name, kind="linear_reg")).returncode == 0
    done = sqlml("doctor", str(path))
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert '"\\x1b[31m\\u202ered ""x"""' in done.stdout
    assert "\u202e" not in sqlml("doctor", str(path), "--json").stdout


def test_views_are_made_anew(sqlml: Run, database: Path) -> None:
    change(database, "DROP VIEW sqlml.models", "CREATE OR REPLACE VIEW sqlml.runs AS SELECT * FROM read_text('/etc/hostname')")
    code, found = report(sqlml, database)
    assert (code, [finding["kind"] for finding in found["findings"]]) == (1, ["lost_view", "changed_view"])
    done = sqlml("doctor", str(database))
    assert done.returncode == 1
    assert "--repair makes the views models, runs anew" in done.stdout
    assert "--repair removes" not in done.stdout
    done = sqlml("doctor", str(database), "--repair")
    assert (done.returncode, done.stderr) == (0, "")
    assert "made anew: the views models, runs" in done.stdout
    assert sqlml(str(database), "--read-only", "--format", "csv", "-c", "SELECT model_name FROM sqlml.models; FROM sqlml.runs").stdout == (
        "model_name\nline\ntrees\nrun_id,name,started_at,finished_at,status,n_statements,error_code,message,actor,host\n"
    )


def test_views_and_rows_are_repaired_together(sqlml: Run, database: Path) -> None:
    change(database, "DROP VIEW sqlml.model_lineage", "INSERT INTO sqlml._metrics VALUES ('nobody', 1, 0, 'loss', 1.0)")
    done = sqlml("doctor", str(database))
    assert "--repair removes the rows that nothing can reach and makes the view model_lineage anew" in done.stdout
    code, found = report(sqlml, database, "--repair")
    assert (code, found["healthy"], found["findings"], found["views_made"]) == (0, True, [], ["model_lineage"])
    assert len(found["removed"]) == 1
