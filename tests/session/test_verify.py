"""VERIFY MODEL: what counts as identical, which queries cannot be repeated, and that nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sqlml.catalog.records import ModelKey
from sqlml.errors import OperationalError, ProgrammingError
from sqlml.plan.repeatability import doubts
from sqlml.session.differences import array_difference, difference_of
from sqlml.session.outcome import StageStarted
from sqlml.session.session import Session, open_session
from sqlml.source import Source, Span
from sqlml.state import Array

ROWS = "CREATE TABLE points AS SELECT i AS x, 'k' || i % 3 AS kind, 2e0 * i + i % 5 AS y, i % 4 < 2 AS yes FROM range(900) r(i)"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened = open_session(str(tmp_path / "test.duckdb"))
    opened.run(ROWS)
    opened.run("CREATE VIEW numbers AS SELECT x, y FROM points")
    yield opened
    opened.close()


def verified(session: Session, name: str = "m") -> dict[str, tuple[Any, ...]]:
    outcome = session.run(f"VERIFY MODEL {name}")
    return {row[0]: row[1:] for row in session.fetch(outcome, 1000)}


@pytest.mark.parametrize(
    "create",
    [
        "OPTIONS (model_type = 'logistic_reg', input_label_cols = ['yes']) AS SELECT x, kind, yes FROM points",
        "OPTIONS (model_type = 'logistic_reg', input_label_cols = ['kind']) AS SELECT x, y, kind FROM points",
        "OPTIONS (model_type = 'boosted_tree_classifier', input_label_cols = ['kind']) AS SELECT x, y, kind FROM points",
        "OPTIONS (model_type = 'kmeans', num_clusters = 3) AS SELECT x, y FROM points",
        "OPTIONS (model_type = 'pca', num_principal_components = 2) AS SELECT x, y FROM points",
        "TRANSFORM (ML.MIN_MAX_SCALER(x) OVER () AS x, y) OPTIONS (model_type = 'linear_reg', input_label_cols = ['y']) AS FROM numbers",
        "TRANSFORM (ML.QUANTILE_BUCKETIZE(x, 4) OVER () AS x) OPTIONS (model_type = 'transform_only') AS SELECT x FROM points",
        "OPTIONS (model_type = 'linear_reg', input_label_cols = ['y']) AS SELECT p.x, p.y FROM points p JOIN points q ON p.x = q.x",
    ],
)
def test_every_kind_of_model_is_identical(session: Session, create: str) -> None:
    session.run(f"CREATE MODEL m {create}")
    parts = verified(session)
    assert [part for part, (identical, *_) in parts.items() if identical is not True] == []
    assert ("predictions" in parts) == ("transform_only" not in create)


def test_a_state_that_is_not_what_the_record_makes_is_found(session: Session) -> None:
    session.run("CREATE MODEL m OPTIONS (model_type = 'linear_reg', input_label_cols = ['y']) AS SELECT x, y FROM points")
    session.run("SET sqlml.allow_recorded_queries = true")
    catalog, key = session._catalog, ModelKey("test", "main", "m")
    stored = catalog.load(key)
    state = dict(stored.arrays["state"])
    weights = state["intercept"]
    assert weights.floats is not None
    for change, same in ((1e-14, True), (1e-9, False)):
        state["intercept"] = replace(weights, floats=weights.floats * (1 + change))
        catalog.publish(key, stored.record, {**stored.arrays, "state": state}, replace=True)
        parts = verified(session)
        assert parts["state"][0] is same
        assert "largest difference" in parts["state"][3]
        assert parts["predictions"][0] is same


def test_other_libraries_and_another_hash_are_said(session: Session) -> None:
    session.run("CREATE MODEL m OPTIONS (model_type = 'linear_reg', input_label_cols = ['y']) AS SELECT x, y FROM points")
    session.run("SET sqlml.allow_recorded_queries = true")
    catalog, key = session._catalog, ModelKey("test", "main", "m")
    stored = catalog.load(key)
    record = replace(stored.record, libraries={**stored.record.libraries, "duckdb": "1.0.0"}, hash_vector="1")
    catalog.publish(key, record, stored.arrays, replace=True)
    parts = verified(session)
    assert parts["libraries"][0] is False
    assert parts["libraries"][1] == "duckdb 1.0.0"
    assert parts["data"][0] is None
    assert "cannot be compared" in parts["data"][3]
    assert parts["split"][0] is None


def test_a_version_of_the_first_format_can_be_verified(session: Session) -> None:
    session.run("CREATE MODEL m OPTIONS (model_type = 'linear_reg', input_label_cols = ['y']) AS SELECT x, y FROM points")
    session.run("SET sqlml.allow_recorded_queries = true")
    catalog, key = session._catalog, ModelKey("test", "main", "m")
    stored = catalog.load(key)
    catalog.publish(key, replace(stored.record, context={}, parameters={}, environment={}), stored.arrays, replace=True)
    parts = verified(session)
    assert parts["predictions"][0] is True
    assert "was not recorded" in parts["query"][3]


@pytest.mark.parametrize("in_transaction", [False, True])
def test_it_leaves_nothing(session: Session, in_transaction: bool) -> None:
    session.run("CREATE MODEL m OPTIONS (model_type = 'linear_reg', input_label_cols = ['y']) AS SELECT p.x, y FROM points p, range(2)")
    if in_transaction:
        session.run("BEGIN")
    verified(session)
    left = session.run("SELECT count(*) FROM duckdb_tables() WHERE temporary UNION ALL SELECT count(*) FROM sqlml.model_versions")
    assert session.fetch(left, 10) == [(0,), (1,)]
    if in_transaction:
        session.run("COMMIT")
    assert not session.in_transaction


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT x FROM t", {}),
        ("SELECT random FROM t ORDER BY x", {}),
        ("SELECT x FROM t WHERE RANDOM() < 0.1", {"random()": True}),
        ("SELECT x FROM t TABLESAMPLE 10%", {"SAMPLE": True}),
        ("SELECT x FROM t USING SAMPLE 10", {"SAMPLE": True}),
        ("SELECT x FROM t JOIN s USING (sample)", {}),
        ("SELECT uuid() AS u, now() AS n, x FROM t WHERE d < current_date", {"uuid()": True, "now()": True, "current_date": True}),
        ("SELECT x FROM t LIMIT 10", {"LIMIT without ORDER BY": True}),
        ("SELECT x FROM t ORDER BY x LIMIT 10", {"LIMIT": False}),
        ("SELECT x FROM t ORDER BY ALL LIMIT 10", {}),
        ("SELECT x FROM (SELECT x FROM t ORDER BY x) LIMIT 10", {"LIMIT without ORDER BY": True}),
        ("SELECT x FROM t WHERE x IN (SELECT y FROM s LIMIT 3) ORDER BY x", {"LIMIT without ORDER BY": True}),
        ("SELECT k, first(x), any_value(y) FROM t GROUP BY k", {"first()": False, "any_value()": False}),
        ("SELECT 'random()' AS x -- now()\nFROM t /* LIMIT 3 */", {}),
        ('SELECT "now" FROM t', {}),
        ("SELECT x, y FROM t OFFSET 100", {"OFFSET without ORDER BY": True}),
        ("SELECT x, y FROM t ORDER BY x OFFSET 100", {"OFFSET": False}),
        ("SELECT x, y FROM t LIMIT 10 OFFSET 100", {"LIMIT without ORDER BY": True}),
        ("SELECT x FROM t OFFSET 100 ROWS FETCH FIRST 10 ROWS ONLY", {"OFFSET without ORDER BY": True}),
        ("SELECT x FROM t FETCH NEXT 10 ROWS ONLY", {"FETCH without ORDER BY": True}),
        ('SELECT t."offset", s.offset FROM t', {}),
        ("SELECT DISTINCT x, y FROM t", {}),
        ("SELECT DISTINCT ON (x) x, y FROM t", {"DISTINCT ON without ORDER BY": True}),
        ("SELECT DISTINCT ON (x) x, y FROM t ORDER BY x", {"DISTINCT ON": False}),
        ("SELECT DISTINCT ON (t.x, k) x, y FROM t ORDER BY k DESC NULLS LAST, t.X", {"DISTINCT ON": False}),
        ("SELECT DISTINCT ON (x) x, y FROM t ORDER BY x, y DESC", {}),
        ("SELECT DISTINCT ON (x) x, y FROM t ORDER BY ALL", {}),
        ("SELECT y FROM (SELECT DISTINCT ON (x) x, y FROM t) ORDER BY y, x", {"DISTINCT ON without ORDER BY": True}),
        ("SELECT DISTINCT ON (x) x, y FROM t UNION ALL SELECT x, y FROM s ORDER BY x, y", {"DISTINCT ON without ORDER BY": True}),
        ("SELECT row_number() OVER () AS n FROM t", {"row_number() OVER without ORDER BY": True}),
        ("SELECT row_number() OVER (PARTITION BY k) AS n FROM t", {"row_number() OVER without ORDER BY": True}),
        ("SELECT row_number() OVER (PARTITION BY k ORDER BY x) AS n, lag(x) OVER (ORDER BY x) AS l FROM t", {}),
        (
            "SELECT LAG(x) OVER w, lead(x, 2) OVER v FROM t WINDOW w AS (PARTITION BY k), v AS (w ORDER BY x)",
            {"lag() OVER without ORDER BY": True},
        ),
        ("SELECT lag(x) OVER (w ROWS UNBOUNDED PRECEDING) FROM t WINDOW W AS (ORDER BY x)", {}),
        ("SELECT first_value(x ORDER BY x) OVER (), ntile(3) OVER () FROM t", {"ntile() OVER without ORDER BY": True}),
        (
            "SELECT nth_value(x, 2 IGNORE NULLS) OVER (), last_value(x) OVER (ORDER BY x) FROM t",
            {"nth_value() OVER without ORDER BY": True},
        ),
        ("SELECT sum(x) FILTER (WHERE x > 1) OVER (ROWS 3 PRECEDING) FROM t", {"a frame of ROWS without ORDER BY": True}),
        ("SELECT sum(x) OVER (PARTITION BY k), rank() OVER (), avg(x) OVER (ORDER BY x ROWS 3 PRECEDING) FROM t", {}),
        ("SELECT x AS rows, sum(rows) OVER (PARTITION BY rows) FROM t", {}),
        (
            "SELECT first(x) OVER (ORDER BY x), list(x) OVER (PARTITION BY k), any_value(x) OVER () FROM t",
            {"list()": False, "any_value()": False},
        ),
        ("SELECT rowid, t.rowid FROM t", {"rowid": False}),
        ("SELECT rowid FROM (SELECT x AS rowid FROM t)", {}),
        ('SELECT "rowid", row_number, lag FROM t', {}),
        (
            "SELECT list(x), array_agg(y), STRING_AGG(k, ','), group_concat(k), listagg(k, ',') FROM t",
            {"list()": False, "array_agg()": False, "string_agg()": False, "group_concat()": False, "listagg()": False},
        ),
        (
            "SELECT first(x ORDER BY y), list(DISTINCT x ORDER BY x), string_agg(k, ',' ORDER BY k), \"last\"(x ORDER BY y) FROM t ORDER BY x NULLS FIRST",
            {},
        ),
        ("SELECT last(x), arbitrary((SELECT max(y) FROM s ORDER BY 1)) FROM t", {"last()": False, "arbitrary()": False}),
        ("SELECT string_agg(k, ',') WITHIN GROUP (ORDER BY k), arg_min(x, y) FROM t", {"arg_min()": False}),
        ("WITH list(a) AS (SELECT x FROM t), last(b) AS MATERIALIZED (FROM list) SELECT * FROM last AS first(c)", {}),
        ("SELECT 'first(x) OFFSET 3' AS rowid_, $$row_number() OVER ()$$ AS y FROM t -- DISTINCT ON (x)\n /* list(x) */", {}),
    ],
)
def test_what_cannot_be_repeated_is_named(query: str, expected: dict[str, bool]) -> None:
    found = doubts(Source(query), Span(0, len(query)))
    assert {doubt.what: doubt.is_certain for doubt in found} == expected
    assert all(doubt.advice for doubt in found)


def test_a_query_that_cannot_be_repeated_is_named_with_what_to_do(session: Session) -> None:
    session.run(
        "CREATE MODEL m OPTIONS (model_type = 'linear_reg', input_label_cols = ['y']) AS SELECT x, y FROM points WHERE random() < 0.9 LIMIT 700"
    )
    identical, _, _, detail = verified(session)["query"]
    assert identical is False
    assert detail.startswith("cannot be repeated: random(): draw by content")
    assert "LIMIT without ORDER BY" in detail


def test_what_stands_in_views_and_macros_is_named(session: Session) -> None:
    session.run("CREATE VIEW near AS SELECT x, y FROM points WHERE random() < 0.9")
    session.run("CREATE VIEW nearer AS SELECT * FROM near")
    session.run("CREATE MACRO shifted(v) AS v + coalesce(getvariable('offset'), 0)")
    session.run("CREATE MACRO moved(v) AS shifted(v)")
    session.run("CREATE MACRO unused() AS uuid()")
    session.run("CREATE MODEL m OPTIONS (model_type = 'linear_reg', input_label_cols = ['y']) AS SELECT moved(x) AS x, y FROM nearer")
    identical, _, _, detail = verified(session)["query"]
    assert identical is False
    assert "random() in view main.near: draw by content" in detail
    assert "getvariable() in macro shifted: what a connection has set is not recorded" in detail
    assert "uuid" not in detail


def test_order_that_views_and_macros_leave_open_is_named(session: Session) -> None:
    session.run("CREATE VIEW numbered AS SELECT x, y, row_number() OVER (PARTITION BY kind) AS n FROM points")
    session.run("CREATE VIEW single AS SELECT DISTINCT ON (n) x, y, first(x) OVER () AS f FROM numbered")
    session.run("CREATE MACRO latest(v) AS last(v)")
    session.run("CREATE MACRO part(k) AS TABLE SELECT x, y, f FROM single OFFSET k")
    session.run(
        "CREATE MODEL m OPTIONS (model_type = 'linear_reg', input_label_cols = ['y']) AS SELECT latest(x) AS x, y, f FROM part(10) GROUP BY y, f"
    )
    identical, _, _, detail = verified(session)["query"]
    assert identical is False
    for what in (
        "row_number() OVER without ORDER BY in view main.numbered: ", "DISTINCT ON without ORDER BY in view main.single: ",
        "first_value() OVER without ORDER BY in view main.single: ", "last() in macro latest: ", "OFFSET without ORDER BY in view main.part: ",
    ):  # fmt: skip
        assert what in detail


def test_a_column_called_rowid_is_no_place_of_a_row(session: Session) -> None:
    create = "CREATE OR REPLACE MODEL m OPTIONS (model_type = 'linear_reg', input_label_cols = ['y']) AS SELECT rowid, y FROM "
    session.run("CREATE TABLE named AS SELECT x AS rowid, y FROM points")
    session.run(f"{create} named")
    assert verified(session)["query"][0] is True
    session.run(f"{create} points")
    identical, _, _, detail = verified(session)["query"]
    assert identical is None
    assert detail.startswith("rowid: ")


@pytest.mark.parametrize(
    ("create", "query", "what"),
    [
        ("CREATE TEMP TABLE mine AS FROM points", "SELECT x, y FROM mine", "temporary table mine: another session does not have it"),
        ("CREATE TEMP VIEW mine AS FROM points", "SELECT x, y FROM mine", "temporary view mine: another session does not have it"),
        (
            "CREATE TEMP MACRO mine(v) AS v + 1",
            "SELECT mine(x) AS x, y FROM points",
            "temporary macro mine: another session does not have it",
        ),
    ],
)
def test_what_another_session_does_not_have_is_named(session: Session, create: str, query: str, what: str) -> None:
    session.run(create)
    session.run(f"CREATE MODEL m OPTIONS (model_type = 'linear_reg', input_label_cols = ['y']) AS {query}")
    identical, _, _, detail = verified(session)["query"]
    assert identical is None
    assert detail.startswith(what)


LINEAR = "OPTIONS (model_type = 'linear_reg', input_label_cols = ['y'])"


def test_a_view_that_changed_is_named(session: Session) -> None:
    session.run("CREATE VIEW low AS SELECT x, y FROM points WHERE x < 200; CREATE VIEW lower AS SELECT * FROM low")
    session.run("CREATE MACRO part(k) AS TABLE SELECT x, y FROM points WHERE x > k")
    session.run(f"CREATE MODEL m {LINEAR} AS FROM lower UNION ALL FROM part(800)")
    session.run("CREATE OR REPLACE VIEW low AS SELECT x, y FROM points WHERE x < 200")
    parts = verified(session)
    assert [parts[f"view main.{name}"][0] for name in ("low", "lower", "part")] == [True, True, True]
    session.run("CREATE OR REPLACE VIEW low AS SELECT x, y FROM points WHERE x < 100")
    session.run("CREATE OR REPLACE MACRO part(k) AS TABLE SELECT x, y FROM points WHERE x > k OR x = 1")
    parts = verified(session)
    for name in ("low", "part"):
        identical, recorded, now, detail = parts[f"view main.{name}"]
        assert (identical, detail) == (False, f"view main.{name}: its definition changed")
        assert recorded != now
    assert parts["view main.lower"][0] is True
    assert parts["data"][0] is False
    session.run("CREATE OR REPLACE VIEW lower AS SELECT x, y FROM points WHERE x < 200")
    parts = verified(session)
    assert parts["view main.low"][0] is False
    assert parts["view main.low"][3] == "view main.low: removed"


def test_of_a_view_without_a_recorded_definition_nothing_is_said(session: Session) -> None:
    session.run(f"CREATE MODEL m {LINEAR} AS FROM numbers")
    session.run("SET sqlml.allow_recorded_queries = true")
    catalog, key = session._catalog, ModelKey("test", "main", "m")
    stored = catalog.load(key)
    sources = tuple(replace(source, fingerprint=None) if source.kind == "view" else source for source in stored.record.sources)
    catalog.publish(key, replace(stored.record, sources=sources), stored.arrays, replace=True)
    session.run("CREATE OR REPLACE VIEW numbers AS SELECT x, y FROM points WHERE x >= 0")
    assert "view main.numbers" not in verified(session)


def test_another_release_of_the_engine_may_write_a_view_otherwise(session: Session) -> None:
    session.run(f"CREATE MODEL m {LINEAR} AS FROM numbers")
    session.run("SET sqlml.allow_recorded_queries = true")
    catalog, key = session._catalog, ModelKey("test", "main", "m")
    stored = catalog.load(key)
    catalog.publish(key, replace(stored.record, libraries={**stored.record.libraries, "duckdb": "1.0.0"}), stored.arrays, replace=True)
    session.run("CREATE OR REPLACE VIEW numbers AS SELECT x, y FROM points WHERE x >= 0")
    identical, _, _, detail = verified(session)["view main.numbers"]
    assert identical is None
    assert "another release of the engine" in detail


def test_a_variable_of_the_connection_leaves_it_open(session: Session) -> None:
    session.run("SET VARIABLE top = 500")
    session.run(
        "CREATE MODEL m OPTIONS (model_type = 'linear_reg', input_label_cols = ['y']) AS SELECT x, y FROM points WHERE x < getvariable('top')"
    )
    identical, _, _, detail = verified(session)["query"]
    assert identical is None
    assert detail.startswith("getvariable(): what a connection has set")


def test_differences_of_numbers() -> None:
    assert difference_of([1.0, None], [1.0, None]).is_within(0)
    assert not difference_of([1.0, None], [None, 1.0]).is_within(1)
    assert difference_of([1e9, 1.0], [1e9, 1.0 + 1e-6]).relative == pytest.approx(1e-15, rel=1e-3)
    assert not difference_of([1.0], [float("nan")]).is_within(1)
    assert difference_of([float("nan")], [float("nan")]).is_within(0)
    assert not difference_of([0.0], [1e-300]).is_within(1e-12) or difference_of([0.0], [1e-300]).relative == 1


def test_differences_of_arrays() -> None:
    one = Array((2,), integers=np.array([1, 2]))
    assert array_difference("a", one, one).is_within(0)
    assert array_difference("a", one, Array((2,), integers=np.array([1, 3]))).words() == "1 value of a changed"
    assert "another shape: 2 then, none now" in array_difference("a", one, None).words()
    assert not array_difference("a", Array((1,), strings=("x",)), Array((1,), strings=("y",))).is_within(1)


# ---- What cannot be trained again is told part by part ----


def outcome_of(parts: dict[str, tuple[Any, ...]]) -> dict[str, bool | None]:
    return {part: row[0] for part, row in parts.items()}


def test_a_table_that_is_gone_is_a_part(session: Session) -> None:
    session.run("CREATE TABLE sizes AS SELECT x, x % 7 AS size FROM points")
    session.run(f"CREATE MODEL m {LINEAR} AS SELECT size, y FROM sizes JOIN numbers USING (x)")
    session.run("DROP TABLE sizes")
    parts = verified(session)
    assert outcome_of(parts) == {
        "query": False, "data": None, "table main.sizes": False, "view main.numbers": True, "table main.points": True, "libraries": True,
        "options": True, "training": None,
    }  # fmt: skip
    assert parts["query"][3] == 'does not run: unknown table "sizes"'
    assert parts["table main.sizes"][3] == "table main.sizes: gone"
    assert parts["table main.sizes"][1].startswith("900 rows, ")
    assert "nothing was trained" in parts["training"][3]


def test_a_column_that_is_gone_is_named(session: Session) -> None:
    session.run(f"CREATE MODEL m {LINEAR} AS SELECT x, kind, y FROM points")
    session.run("ALTER TABLE points DROP kind")
    parts = verified(session)
    assert (parts["query"][0], parts["query"][3]) == (False, 'does not run: unknown column "kind"')
    assert (parts["table main.points"][0], parts["table main.points"][3]) == (False, "table main.points: columns that are gone: kind")
    assert parts["options"][0] is True


def test_a_view_that_stands_in_the_way_is_named(session: Session) -> None:
    session.run(f"CREATE MODEL m {LINEAR} AS SELECT x, y FROM numbers")
    session.run("CREATE OR REPLACE VIEW numbers AS SELECT x FROM points")
    parts = verified(session)
    assert parts["query"][0] is False
    assert (parts["view main.numbers"][0], parts["view main.numbers"][3]) == (False, "view main.numbers: its definition changed")
    session.run("DROP VIEW numbers")
    assert verified(session)["view main.numbers"][3] == "view main.numbers: gone"
    session.run("CREATE VIEW numbers AS SELECT x, y FROM points; DROP TABLE points")
    parts = verified(session)
    assert parts["view main.numbers"][0] is None
    assert (parts["table main.points"][0], parts["table main.points"][3]) == (False, "table main.points: gone")


def test_a_table_without_rows_is_a_part(session: Session) -> None:
    session.run(f"CREATE MODEL m {LINEAR} AS SELECT x, y FROM points")
    session.run("DELETE FROM points")
    parts = verified(session)
    assert outcome_of(parts) == {
        "query": True, "data": False, "table main.points": False, "libraries": True, "options": True, "training": False,
    }  # fmt: skip
    assert parts["data"][3] == "the rows of the query: 900 rows then, 0 now"
    assert "row" in parts["training"][3]
    assert not session.in_transaction
    left = session.run("SELECT count(*) FROM duckdb_tables() WHERE temporary UNION ALL SELECT count(*) FROM sqlml.model_versions")
    assert session.fetch(left, 10) == [(0,), (1,)]


def test_rows_that_cannot_be_computed_any_more_are_a_part(session: Session) -> None:
    session.run("CREATE TABLE texts AS SELECT x::VARCHAR AS x, y FROM points")
    session.run(f"CREATE MODEL m {LINEAR} AS SELECT x::DOUBLE AS x, y FROM texts")
    session.run("UPDATE texts SET x = 'much' WHERE x = '7'")
    parts = verified(session)
    assert parts["query"][0] is False
    assert "much" in parts["query"][3]
    assert (parts["table main.texts"][0], parts["table main.texts"][3]) == (False, "table main.texts: as many rows, other values")


def test_a_parent_that_is_gone_is_a_part(session: Session) -> None:
    session.run(
        "CREATE MODEL scaled TRANSFORM (ML.STANDARD_SCALER(x) OVER () AS x, y) OPTIONS (model_type = 'transform_only') AS FROM numbers"
    )
    session.run(f"CREATE MODEL m {LINEAR} AS SELECT x, y FROM ML.TRANSFORM(MODEL scaled, TABLE points)")
    assert verified(session)["model main.scaled@1"][0] is True
    session.run("DROP MODEL scaled")
    parts = verified(session)
    assert parts["query"][0] is False
    assert "scaled" in parts["query"][3]
    assert (parts["model main.scaled@1"][0], parts["model main.scaled@1"][3]) == (False, "model main.scaled@1: gone")
    assert parts["table main.points"][0] is True


@pytest.mark.parametrize("in_it", [False, True])
def test_a_database_that_is_not_attached_is_named(session: Session, tmp_path: Path, in_it: bool) -> None:
    session.run(f"ATTACH '{tmp_path / 'other.duckdb'}' AS other; CREATE TABLE other.far AS SELECT x, y FROM points")
    if in_it:
        session.run(f"USE other; CREATE MODEL test.main.m {LINEAR} AS SELECT x, y FROM far; USE test")
    else:
        session.run(f"CREATE MODEL m {LINEAR} AS SELECT x, y FROM other.far")
    session.run("DETACH other")
    parts = verified(session)
    assert parts["query"][0] is False
    name = "table other.main.far"
    assert (parts[name][0], parts[name][3]) == (False, f"{name}: gone: no database other is attached")
    assert parts["libraries"][0] is True


def test_files_that_are_gone_leave_it_open_what_they_held(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "points.parquet"
    session.run(f"COPY points TO '{path}'")
    session.run(f"CREATE MODEL m {LINEAR} AS SELECT x, y FROM '{path}'")
    path.unlink()
    parts = verified(session)
    assert parts["query"][0] is False
    assert "no file matches" in parts["query"][3]
    assert parts[f"dataset {path}"][0] is None


def test_a_partition_of_a_table_is_compared_without_the_query(session: Session) -> None:
    create = LINEAR.replace("'linear_reg'", "'linear_reg', lineage_partition_col = 'kind'")
    session.run("CREATE TABLE other AS FROM points")
    session.run(f"CREATE MODEL m {create} AS SELECT points.x, points.y FROM points JOIN other USING (x)")
    session.run("DROP TABLE other; DELETE FROM points WHERE kind = 'k1'")
    parts = verified(session)
    assert parts["partition kind=k1"][3] == "partition kind=k1 of main.points: removed (300 rows)"
    assert "partition kind=k2" not in parts


def test_options_of_another_release_are_a_part(session: Session) -> None:
    session.run(f"CREATE MODEL m {LINEAR} AS SELECT x, y FROM points")
    session.run("SET sqlml.allow_recorded_queries = true")
    catalog, key = session._catalog, ModelKey("test", "main", "m")
    stored = catalog.load(key)
    statement = stored.record.statement.replace("input_label_cols", "l3_reg = 1.0, input_label_cols")
    catalog.publish(key, replace(stored.record, statement=statement), stored.arrays, replace=True)
    parts = verified(session)
    assert parts["options"][0] is False
    assert "l3_reg" in parts["options"][3]
    assert parts["query"][0] is None
    assert parts["table main.points"][0] is True


def test_what_the_user_did_stays_an_error(session: Session, tmp_path: Path) -> None:
    session.run(f"CREATE MODEL m {LINEAR} AS SELECT x, y FROM points")
    with pytest.raises(ProgrammingError, match="unknown"):
        session.run("VERIFY MODEL unknown")

    def on_event(event: Any) -> None:
        if isinstance(event, StageStarted) and event.stage == "training":
            session.cancel()

    with pytest.raises(OperationalError) as raised:
        session.run("VERIFY MODEL m", on_event=on_event)
    assert raised.value.code == "cancelled"
    session.run("BEGIN; DROP TABLE points CASCADE")
    with pytest.raises(ProgrammingError) as lost:
        session.run("VERIFY MODEL m")
    assert lost.value.code == "unknown_table", "the engine has ended the transaction with it: rows would hide that"
    session.run("ROLLBACK")
    assert not session.in_transaction
    assert verified(session)["predictions"][0] is True
