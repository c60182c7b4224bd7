"""What a version knows of its data: fingerprints, files, other databases, and that nothing of it makes a training fail."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlml.session.session import Session, open_session
from sqlml.training import lineage
from sqlml.training.data import SilentProgress
from sqlml.training.lineage import LineageQuery, changed_sources, present_sources

Run = Callable[..., list[tuple[Any, ...]]]
LINEAR = "OPTIONS (model_type = 'linear_reg', input_label_cols = ['y'])"
COLUMNS = "kind, name, n_rows, fingerprint, columns, partition"


@pytest.fixture
def train(run: Run) -> Any:
    """Trains m and gives the sources of its last version by kind and name."""
    run("CREATE TABLE t AS SELECT i AS id, i % 5 AS x, 3e0 * (i % 5) AS y FROM range(60) r(i)")

    def trained(query: str, parameters: Any = None) -> dict[tuple[str, str], tuple[Any, ...]]:
        run(f"CREATE OR REPLACE MODEL m {LINEAR} AS {query}", parameters)
        rows = run(
            f"SELECT {COLUMNS} FROM sqlml.model_lineage WHERE model_name = 'm' AND version ="
            " (SELECT max(version) FROM sqlml.model_versions WHERE model_name = 'm') ORDER BY position"
        )
        return {(row[0], row[1] if row[0] != "query" else ""): row[2:] for row in rows}

    return trained


def test_a_fingerprint_follows_content_and_not_order(run: Run, train: Any) -> None:
    first = train("SELECT x, y FROM t WHERE id >= 0")[("table", "main.t")]
    run("CREATE OR REPLACE TABLE t AS FROM t ORDER BY y DESC, id DESC")
    assert train("SELECT x, y FROM t WHERE id >= 0")[("table", "main.t")] == first
    run("UPDATE t SET x = x + 1 WHERE id = 7")
    changed = train("SELECT x, y FROM t WHERE id >= 0")[("table", "main.t")]
    assert (changed[0], changed[1] != first[1]) == (60, True)


def test_a_plain_table_has_the_fingerprint_that_a_pass_of_its_own_gives(run: Run, train: Any) -> None:
    plain = train("SELECT y, x FROM t")
    filtered = train("SELECT y, x FROM t WHERE x >= 1")
    assert plain[("table", "main.t")] == (*plain[("query", "")][:2], ["x", "y"], None)
    assert filtered[("table", "main.t")] == plain[("table", "main.t")]
    assert filtered[("query", "")][0] == 48


def test_a_field_that_is_called_as_its_struct_is_not_taken_for_it(run: Run, train: Any) -> None:
    run("CREATE TABLE nested AS SELECT {'x': x, 'other': id} AS x, y FROM t")
    found = train("SELECT nested.x.x, y FROM nested")
    assert found[("table", "main.nested")][1] != found[("query", "")][1]


def test_the_own_database_has_no_name_and_others_have(run: Run, train: Any, tmp_path: Path) -> None:
    run(f"ATTACH '{tmp_path / 'other.duckdb'}' AS other; CREATE TABLE other.u AS SELECT i AS id, i AS z FROM range(60) r(i)")
    run('CREATE TABLE "a.b" AS FROM t')
    assert {name for kind, name in train('SELECT b.x, z, b.y FROM "a.b" AS b JOIN other.u USING (id)') if kind == "table"} == {
        'main."a.b"', "other.main.u",
    }  # fmt: skip
    run("CREATE TEMP TABLE mine AS FROM t")
    assert ("table", "temp.main.mine") in train("SELECT x, y FROM mine")


def test_parameters_name_files(run: Run, train: Any, tmp_path: Path) -> None:
    run(f"COPY t TO '{tmp_path / 't.csv'}'")
    found = train("SELECT x, y FROM read_csv(?) WHERE id < ?", [str(tmp_path / "t.csv"), 30])
    assert found[("file", str(tmp_path / "t.csv"))][0] == 60
    assert found[("query", "")][0] == 30


def test_a_file_that_vanishes_is_told_and_the_training_goes_on(
    session: Session, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows were read; in a transaction, too, nothing is lost."""
    run(f"COPY (SELECT i AS x, 2e0 * i AS y FROM range(30) r(i)) TO '{tmp_path / 't.csv'}'")
    original = lineage.training_sources

    def late(*arguments: Any) -> Any:
        (tmp_path / "t.csv").unlink()
        return original(*arguments)

    monkeypatch.setattr("sqlml.session.train.training_sources", late)
    run("BEGIN; CREATE TABLE kept AS SELECT 1 AS a")
    outcome = session.run(f"CREATE MODEL m {LINEAR} AS SELECT x, y FROM '{tmp_path / 't.csv'}'")
    run("COMMIT")
    assert [notice.code for notice in outcome.notices] == ["lineage"]
    assert "t.csv" in outcome.notices[0].message
    assert run("SELECT kind, n_rows FROM sqlml.model_lineage ORDER BY position") == [("query", 30), ("dataset", None)]
    assert run("FROM kept") == [(1,)]


def test_cancelling_reaches_a_fingerprint_over_files(session: Session, run: Run, tmp_path: Path) -> None:
    """A cancelled pass is no missing fingerprint: the training ends."""
    from sqlml.errors import OperationalError

    run(f"COPY (SELECT i AS x, 2e0 * i AS y FROM range(30) r(i)) TO '{tmp_path / 't.csv'}'")

    def cancelled(*arguments: Any) -> Any:
        raise OperationalError("cancelled", code="cancelled")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lineage, "content_by_file", cancelled)
        with pytest.raises(OperationalError) as caught:
            session.run(f"CREATE MODEL m {LINEAR} AS SELECT x, y FROM '{tmp_path / 't.csv'}'")
    assert caught.value.code == "cancelled"


def test_more_files_than_are_kept_are_counted(run: Run, train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "MAX_PARTS", 2)
    run(f"COPY (SELECT x, y FROM t) TO '{tmp_path / 'days'}' (FORMAT parquet, PARTITION_BY (x))")
    pattern = f"{tmp_path}/days/*/*.parquet"
    found = train(f"SELECT x, y FROM '{pattern}'")
    assert found[("dataset", pattern)][0] == 60
    assert len([kind for kind, _ in found if kind == "file"]) == 3  # a row beyond the limit tells that there are more
    assert any(
        "of 5 files" in text for (texts,) in run("SELECT notices FROM sqlml.model_versions WHERE model_name = 'm'") for text in texts
    )


def test_present_sources_tell_which_file_was_added_removed_or_changed(tmp_path: Path) -> None:
    session = open_session(":memory:")
    engine = session._engine
    folder = tmp_path / "days"
    rows = "SELECT i AS x, 2e0 * i AS y, i % 3 AS day FROM range(30) r(i)"
    engine.rows(f"COPY ({rows}) TO '{folder}' (FORMAT parquet, PARTITION_BY (day))")
    query = LineageQuery(f"SELECT x, y FROM read_parquet('{folder}/*/*.parquet')", None, ("x", "y"), "memory")
    recorded, problems = present_sources(engine, query, (), SilentProgress())
    assert problems == ()
    assert changed_sources(engine, query, recorded, SilentProgress(), same_hash=True) == ((), ())
    engine.rows(f"COPY (SELECT x + 1 AS x, y FROM '{folder}/day=0/*.parquet') TO '{folder}/new.parquet'")
    shutil.rmtree(folder / "day=1")
    shutil.move(folder / "new.parquet", next((folder / "day=0").iterdir()))
    shutil.copytree(folder / "day=2", folder / "day=9")
    changes, _ = changed_sources(engine, query, recorded, SilentProgress(), same_hash=True)
    found = {(change.source.partition, change.change) for change in changes if change.source.kind == "file"}
    assert found == {("day=0", "changed"), ("day=1", "removed"), ("day=9", "added")}
    session.close()


def test_a_present_fingerprint_is_over_the_recorded_columns(run: Run, session: Session) -> None:
    """Another plan of the same query, one that reads more columns, is no other data."""
    engine = session._engine
    run("CREATE TABLE t AS SELECT i AS id, i AS x, i AS y FROM range(9) r(i)")
    less = LineageQuery("SELECT x, y FROM t", None, ("x", "y"), engine.current_database())
    more = LineageQuery("SELECT x, y FROM t WHERE id % 2 = 0", None, ("x", "y"), engine.current_database())
    recorded, _ = present_sources(engine, less, (), SilentProgress())
    changes, _ = changed_sources(engine, more, recorded, SilentProgress(), same_hash=True)
    assert [change.source.kind for change in changes] == ["query"]


def test_a_version_says_where_it_was_trained(run: Run, train: Any) -> None:
    train("SELECT x, y FROM t")
    ((environment,),) = run("SELECT DISTINCT environment FROM sqlml.model_versions WHERE model_name = 'm'")
    assert environment["engine"].startswith("duckdb ")
    assert int(environment["memory_bytes"]) > 1 << 20
    assert {"platform", "processor", "n_cpus", "threads"} <= set(environment)


def test_describe_shows_the_first_files_and_how_many_more_there_are(run: Run, train: Any, tmp_path: Path) -> None:
    run(f"COPY (SELECT x, y FROM t) TO '{tmp_path / 'days'}' (FORMAT parquet, PARTITION_BY (x))")
    train(f"SELECT x, y FROM '{tmp_path}/days/*/*.parquet'")
    shown = [(name, value) for group, name, value in run("DESCRIBE MODEL m") if group == "source"]
    assert [name.partition(" ")[0] for name, _ in shown] == ["query", "dataset", "file", "file", "file", "2"]
    assert shown[1][1].startswith("60 rows, ")
    assert "fingerprint" in shown[0][1]
    assert "columns x, y" in shown[1][1]
