"""TRANSFORM end to end: learned values against scikit-learn, the same values standing alone, and clauses that a stranger has written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sqlml.catalog.records import ModelKey
from sqlml.engines.duckdb import DuckDBEngine
from sqlml.errors import Error
from sqlml.session.session import Session, open_session
from sqlml.state import Array

Run = Callable[..., list[tuple[Any, ...]]]

ANALYTIC = {
    "scaled": "ML.STANDARD_SCALER(age)",
    "part": "ML.MIN_MAX_SCALER(hours_per_week)",
    "signed": "ML.MAX_ABS_SCALER(age - 40)",
    "robust": "ML.ROBUST_SCALER(age, [10, 90])",
    "filled": "ML.IMPUTER(nullif(age, 40), 'mean')",
    "middle": "ML.IMPUTER(nullif(age, 40), 'median')",
    "usual": "ML.IMPUTER(nullif(education, ' Bachelors'), 'most_frequent')",
    "common": "ML.IMPUTER(nullif(hours_per_week, 40), 'most_frequent')",
    "bin": "ML.QUANTILE_BUCKETIZE(age, 7)",
    "label": "ML.LABEL_ENCODER(occupation, 5)",
    "hot": "ML.ONE_HOT_ENCODER(education, 'most_frequent', 8, 20)",
    "many": "ML.MULTI_HOT_ENCODER([sex, race, sex], 4)",
    "bag": "ML.BAG_OF_WORDS(ML.NGRAMS(string_split(lower(trim(education)), '-'), [1, 2]), 20)",
    "weighted": "ML.TF_IDF(string_split(lower(trim(education)), '-'), 20)",
    "terms": "TF_IDF(string_split(lower(trim(education)), '-'), 20)",
}
"""One of every analytic function."""


def test_a_clause_gives_what_the_functions_give_standing_alone(session: Session, run: Run) -> None:
    items = ", ".join(f"{call} OVER () AS {name}" for name, call in ANALYTIC.items())
    session.run("CREATE TABLE part_of_it AS SELECT row_number() OVER () AS id, * FROM census LIMIT 3000")
    session.run(f"CREATE MODEL prepared TRANSFORM (id, {items}) OPTIONS (model_type = 'TRANSFORM_ONLY') AS SELECT * FROM part_of_it")
    names = ", ".join(ANALYTIC)
    kept = run(f"SELECT {names} FROM ML.TRANSFORM(MODEL prepared, TABLE part_of_it) ORDER BY id")
    alone = run(f"SELECT {items}, id FROM part_of_it ORDER BY id")
    assert len(kept) == 3000
    for name, of_model, of_query in zip(ANALYTIC, zip(*kept, strict=True), list(zip(*alone, strict=True)), strict=False):
        if isinstance(of_model[0], float):
            # What a model keeps of a sum of floats has 13 digits, or it would differ with the number of threads.
            np.testing.assert_allclose(np.array(of_model), np.array(of_query), rtol=1e-12, atol=1e-12, err_msg=name)
        elif name in {"weighted", "terms"}:
            for left, right in zip(of_model, of_query, strict=True):
                assert [next(iter(pair.values())) for pair in left] == [next(iter(pair.values())) for pair in right]
                np.testing.assert_allclose([list(p.values())[1] for p in left], [list(p.values())[1] for p in right], rtol=1e-12)
        else:
            assert of_model == of_query, name


def test_scalers_equal_those_of_scikit_learn_on_rows_they_have_not_seen(session: Session, run: Run) -> None:
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

    session.run("CREATE TABLE seen AS SELECT age, hours_per_week FROM census WHERE functional_weight % 3 = 0")
    session.run("CREATE TABLE unseen AS SELECT row_number() OVER () AS id, age, hours_per_week FROM census WHERE functional_weight % 3 = 1")
    session.run(
        "CREATE MODEL m TRANSFORM (ML.STANDARD_SCALER(age) OVER () AS a, ML.MAX_ABS_SCALER(age) OVER () AS b,"
        " ML.MIN_MAX_SCALER(hours_per_week) OVER () AS c) OPTIONS (model_type = 'TRANSFORM_ONLY') AS SELECT * FROM seen"
    )
    seen = np.array(run("SELECT age, hours_per_week FROM seen"), np.float64)
    unseen = np.array(run("SELECT age, hours_per_week FROM unseen ORDER BY id"), np.float64)
    found = np.array(run("SELECT a, b, c FROM ML.TRANSFORM(MODEL m, TABLE unseen) ORDER BY id"))
    expected = [
        StandardScaler().fit(seen[:, :1]).transform(unseen[:, :1]),
        MaxAbsScaler().fit(seen[:, :1]).transform(unseen[:, :1]),
        MinMaxScaler(clip=True).fit(seen[:, 1:]).transform(unseen[:, 1:]),
    ]
    np.testing.assert_allclose(found, np.hstack(expected), rtol=1e-12, atol=1e-12)


def test_statistics_of_twenty_functions_take_three_scans(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    rows = DuckDBEngine.rows
    monkeypatch.setattr(DuckDBEngine, "rows", lambda self, text, *rest: read.append(text) or rows(self, text, *rest))
    items = ", ".join(f"{call} OVER () AS {name}" for name, call in ANALYTIC.items())
    more = ", ".join(f"ML.STANDARD_SCALER(age * {index}) OVER () AS more_{index}" for index in range(5))
    session.run(f"CREATE MODEL m TRANSFORM ({items}, {more}) OPTIONS (model_type = 'TRANSFORM_ONLY') AS SELECT * FROM census")
    assert sum("__sqlml_a0" in text for text in read) == 3


def test_more_terms_than_a_statement_holds(session: Session, run: Run) -> None:
    session.run("CREATE TABLE words AS SELECT 'w' || (i % 15000) AS w, [w, 'x' || (i % 3)] AS l FROM range(45000) r(i)")
    session.run(
        "CREATE MODEL m TRANSFORM (w, ML.LABEL_ENCODER(w, 20000, 0) OVER () AS code, ML.MULTI_HOT_ENCODER(l, 20000, 0) OVER () AS hot,"
        " ML.TF_IDF(l, 20000, 0) OVER () AS tf) OPTIONS (model_type = 'TRANSFORM_ONLY') AS SELECT * FROM words"
    )
    ordered = sorted(f"w{index}" for index in range(15000))
    found = run("SELECT w, code, hot, tf FROM ML.TRANSFORM(MODEL m, (SELECT * FROM words LIMIT 500 OFFSET 15000))")
    for word, code, hot, weighted in found:
        assert code == ordered.index(word) + 1
        assert [item["index"] for item in hot] == [code, 15001 + (int(word[1:]) % 3)]
        np.testing.assert_allclose(weighted[0]["value"], 0.5 * np.log(1 + 45000 / (1 + 3)), rtol=1e-12)
    with pytest.raises(Error) as caught:
        session.run("CREATE VIEW v AS SELECT * FROM ML.TRANSFORM(MODEL m, TABLE words)")
    assert caught.value.code == "view_needs_sql_form"


def test_a_model_answers_alike_when_it_is_loaded_anew(tmp_path: Path) -> None:
    path = str(tmp_path / "kept.duckdb")
    statement = (
        "CREATE MODEL m TRANSFORM (ML.STANDARD_SCALER(x) OVER () AS a, ML.LABEL_ENCODER(s, 9, 0) OVER () AS b, ML.HASH_BUCKETIZE(s, 7) AS c,"
        " ML.FEATURE_CROSS(STRUCT(s, s AS t)).*, label) OPTIONS (model_type = 'BOOSTED_TREE_REGRESSOR', max_iterations = 3)"
        " AS SELECT i AS x, 's' || (i % 4) AS s, i * 1.5e0 AS label FROM range(200) r(i)"
    )
    query = "SELECT predicted_label FROM ML.PREDICT(MODEL m, (SELECT i AS x, 's' || (i % 5) AS s FROM range(50) r(i))) ORDER BY x"
    session = open_session(path)
    session.run(statement)
    before = session.fetch(session.run(query), 100)
    session.close()
    session = open_session(path)
    assert session.fetch(session.run(query), 100) == before
    session.close()


@pytest.mark.parametrize(
    "clause",
    [
        "read_text('/etc/hostname') AS a, label",
        "(SELECT content FROM read_text('/etc/hostname')) AS a, label",
        "getenv('HOME') AS a, label",
        "x AS a, label) FROM range(3); DROP TABLE penguins; --",
        "ML.STANDARD_SCALER(x) OVER () AS a, ML.STANDARD_SCALER(label) OVER () AS b, label",
        "x AS b, label",
        "",
        "'unterminated",
    ],
)
def test_a_forged_clause_runs_nothing(session: Session, run: Run, clause: str) -> None:
    session.run(
        "CREATE MODEL m TRANSFORM (ML.STANDARD_SCALER(x) OVER () AS a, label) OPTIONS (model_type = 'LINEAR_REG', l2_reg = 1.0)"
        " AS SELECT i AS x, i * 2e0 AS label FROM range(10) r(i)"
    )
    catalog = session._catalog
    key = ModelKey("test", "main", "m")
    stored = catalog.load(key, None)
    arrays = {section: dict(fields) for section, fields in stored.arrays.items()}
    arrays["transform"]["clause"] = Array((), strings=(clause,))
    catalog.publish(replace(key, name="forged"), stored.record, arrays, replace=False, if_not_exists=False)
    with pytest.raises(Error) as caught:
        run("SELECT * FROM ML.PREDICT(MODEL forged, (SELECT 1 AS x))")
    assert caught.value.code == "damaged_state"
    assert run("SELECT count(*) > 0 FROM penguins") == [(True,)]


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("types", Array((2,), strings=("BIGINT) FROM read_text('x'", "DOUBLE"))),
        ("kinds", Array((2,), strings=("mean", "max"))),
        ("columns", Array((2,), strings=("x", "X"))),
        ("term_offsets", Array((3,), integers=np.array([0, 5, 0]))),
        ("counts", Array((1,), integers=np.array([-1]))),
    ],
)
def test_forged_statistics_are_refused(session: Session, run: Run, name: str, array: Array) -> None:
    session.run(
        "CREATE MODEL m TRANSFORM (ML.STANDARD_SCALER(x) OVER () AS a, label) OPTIONS (model_type = 'LINEAR_REG', l2_reg = 1.0)"
        " AS SELECT i AS x, i * 2e0 AS label FROM range(10) r(i)"
    )
    key = ModelKey("test", "main", "m")
    stored = session._catalog.load(key, None)
    arrays = {section: dict(fields) for section, fields in stored.arrays.items()}
    arrays["transform"][name] = array
    session._catalog.publish(replace(key, name="forged"), stored.record, arrays, replace=False, if_not_exists=False)
    with pytest.raises(Error) as caught:
        run("SELECT * FROM ML.PREDICT(MODEL forged, (SELECT 1 AS x))")
    assert caught.value.code == "damaged_state"


def test_what_a_clause_mends_does_not_stop_the_training(session: Session, run: Run) -> None:
    session.run(
        "CREATE MODEL m TRANSFORM (CASE WHEN isfinite(x) THEN x END AS x, label) OPTIONS (model_type = 'LINEAR_REG', l2_reg = 0.1)"
        " AS SELECT CASE WHEN i = 3 THEN 'inf'::DOUBLE ELSE i END AS x, i * 2e0 AS label FROM range(10) r(i)"
    )
    assert run("SELECT count(predicted_label) FROM ML.PREDICT(MODEL m, (SELECT 'inf'::DOUBLE AS x))") == [(1,)]
