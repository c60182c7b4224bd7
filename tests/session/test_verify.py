"""VERIFY MODEL: what counts as identical, which queries cannot be repeated, and that nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sqlml.catalog.records import ModelKey
from sqlml.plan.repeatability import doubts
from sqlml.session.differences import array_difference, difference_of
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
