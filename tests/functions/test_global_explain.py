"""ML.GLOBAL_EXPLAIN: means of what ML.EXPLAIN_PREDICT says of the same rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sqlml.errors import Error, IntegrityError
from sqlml.functions import _kept_attributions
from sqlml.functions._kept_attributions import GlobalAttributions
from sqlml.session.session import open_session
from sqlml.state import from_arrays, to_arrays

Run = Callable[..., list[tuple[Any, ...]]]

TYPES = [
    ("y", "LINEAR_REG", ""), ("y", "BOOSTED_TREE_REGRESSOR", ""),
    ("y", "RANDOM_FOREST_REGRESSOR", "num_parallel_tree = 6, approx_global_feature_contrib = FALSE"),
    ("two", "LOGISTIC_REG", ""), ("two", "BOOSTED_TREE_CLASSIFIER", ""), ("three", "LOGISTIC_REG", "l2_reg = 0.01"),
    ("three", "BOOSTED_TREE_CLASSIFIER", ""),
]  # fmt: skip


@pytest.fixture(scope="module")
def run() -> Run:
    session = open_session(":memory:")

    def run(statement: str) -> list[tuple[Any, ...]]:
        outcome = session.run(statement)
        return [] if outcome.result is None else session.fetch(outcome, 1_000_000)

    run(
        "CREATE TABLE rows AS SELECT i, hash(i) % 1000 / 100e0 AS a, hash(i + 7) % 1000 / 10e0 AS b, chr((97 + hash(i + 3) % 3)::INT) AS k"
        " FROM range(400) r(i)"
    )
    run(
        "CREATE TABLE labelled AS SELECT *, a * 100 + a * b AS y, a + b / 10 > 9.5 AS two,"
        " CASE WHEN a * b > 300 THEN 'high' WHEN k = 'a' THEN 'mid' ELSE 'low' END AS three, i % 4 = 0 AS held_out FROM rows"
    )
    return run


def train(run: Run, label: str, model_type: str, more: str = "", table: str = "labelled") -> None:
    options = f"model_type = '{model_type}', input_label_cols = ['{label}'], enable_global_explain = TRUE{', ' * bool(more)}{more}"
    run(f"CREATE OR REPLACE MODEL m OPTIONS ({options}) AS SELECT a, b, k, {label}{', held_out' * ('CUSTOM' in more)} FROM {table}")


def means(run: Run, label: str, *, by: str = "", where: str = "TRUE", settings: str = "") -> list[tuple[Any, ...]]:
    data = f"(SELECT a, b, k FROM labelled WHERE {where})"
    return run(
        f"SELECT {by}{', ' * bool(by)}pair.feature, avg(abs(pair.attribution)) FROM (SELECT {by}{', ' * bool(by)}"
        f"unnest(top_feature_attributions) AS pair FROM ML.EXPLAIN_PREDICT(MODEL m, {data}, STRUCT(9 AS top_k_features{settings})))"
        f" GROUP BY ALL ORDER BY {by}{', ' * bool(by)}2 DESC"
    )


@pytest.mark.parametrize(("label", "model_type", "more"), TYPES)
def test_means_of_the_training_rows_where_none_evaluate(run: Run, label: str, model_type: str, more: str) -> None:
    train(run, label, model_type, more)
    check(run("SELECT * FROM ML.GLOBAL_EXPLAIN(MODEL m)"), sorted(means(run, label), key=lambda row: -row[1]))
    if label == "y":
        assert run("SELECT * FROM ML.GLOBAL_EXPLAIN(MODEL m, STRUCT(TRUE AS class_level_explain))") == run(
            "SELECT * FROM ML.GLOBAL_EXPLAIN(MODEL m)"
        )
        return
    found = run("SELECT * FROM ML.GLOBAL_EXPLAIN(MODEL m, STRUCT(TRUE AS class_level_explain))")
    wanted = means(run, label, by=f"predicted_{label}")
    wanted = [(str(name).lower(), feature, value) for name, feature, value in wanted]
    check(found, sorted(wanted, key=lambda row: (row[0], -row[2])))


def check(found: list[tuple[Any, ...]], wanted: list[tuple[Any, ...]]) -> None:
    assert [row[:-1] for row in found] == [row[:-1] for row in wanted]
    assert np.allclose([row[-1] for row in found], [row[-1] for row in wanted], rtol=1e-12, atol=0)


def test_means_of_the_evaluation_rows(run: Run) -> None:
    train(run, "y", "LINEAR_REG", "data_split_method = 'CUSTOM', data_split_col = 'held_out'")
    found = run("SELECT * FROM ML.GLOBAL_EXPLAIN(MODEL m)")
    check(found, sorted(means(run, "y", where="held_out"), key=lambda row: -row[1]))


def test_many_parallel_trees_are_approximate_unless_told(run: Run) -> None:
    approximate = ", TRUE AS approx_feature_contrib"
    for model_type, n_trees, expected in (
        ("RANDOM_FOREST_REGRESSOR", 50, approximate), ("RANDOM_FOREST_REGRESSOR", 49, ""),
        ("BOOSTED_TREE_REGRESSOR", 10, approximate), ("BOOSTED_TREE_REGRESSOR", 9, ""),
    ):  # fmt: skip
        options = f"num_parallel_tree = {n_trees}, max_tree_depth = 4, subsample = 0.7"
        train(run, "y", model_type, options)
        found = run("SELECT * FROM ML.GLOBAL_EXPLAIN(MODEL m)")
        check(found, sorted(means(run, "y", settings=expected), key=lambda row: -row[1]))
        other = [row[-1] for row in sorted(means(run, "y", settings="" if expected else approximate), key=lambda row: -row[1])]
        assert not np.allclose([row[-1] for row in found], other, rtol=1e-6)
        train(run, "y", model_type, f"{options}, approx_global_feature_contrib = {not expected}")
        assert np.allclose([row[-1] for row in run("SELECT * FROM ML.GLOBAL_EXPLAIN(MODEL m)")], other, rtol=1e-12)


def test_many_rows_are_sampled_by_their_content(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    train(run, "y", "LINEAR_REG")
    everything = run("SELECT * FROM ML.GLOBAL_EXPLAIN(MODEL m)")
    monkeypatch.setattr(_kept_attributions, "MAX_ROWS", 100)
    found = []
    for order in ("a", "b DESC"):
        run(f"CREATE OR REPLACE TABLE ordered AS SELECT * FROM labelled ORDER BY {order}")
        train(run, "y", "LINEAR_REG", table="ordered")
        found.append(run("SELECT * FROM ML.GLOBAL_EXPLAIN(MODEL m)"))
    assert found[0] == found[1]
    assert found[0] != everything
    assert [row[0] for row in found[0]] == [row[0] for row in everything]
    assert np.allclose([row[1] for row in found[0]], [row[1] for row in everything], rtol=0.5)


def test_the_ten_largest_of_each_class(run: Run) -> None:
    features = ", ".join(f"hash(i * {index + 3}) % 100 / {101 - index}e0 AS f{index}" for index in range(15))
    total = " + ".join(f"f{index}" for index in range(15))
    run(f"CREATE OR REPLACE TABLE wide AS SELECT *, {total} > 8 AS y FROM (SELECT {features} FROM range(300) r(i))")
    run(
        "CREATE OR REPLACE MODEL m OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['y'], l2_reg = 0.01,"
        " enable_global_explain = TRUE) AS SELECT * FROM wide"
    )
    assert run("SELECT class_label, count(*) FROM ML.GLOBAL_EXPLAIN(MODEL m, STRUCT(TRUE AS class_level_explain)) GROUP BY ALL ORDER BY 1") == [
        ("false", 10), ("true", 10),
    ]  # fmt: skip
    assert run("SELECT count(*) FROM ML.GLOBAL_EXPLAIN(MODEL m)") == [(15,)]


@pytest.mark.parametrize("model_type", ["LINEAR_REG", "BOOSTED_TREE_REGRESSOR"])
def test_not_asked_for_at_training(run: Run, model_type: str) -> None:
    run(f"CREATE OR REPLACE MODEL m OPTIONS (model_type = '{model_type}', input_label_cols = ['y']) AS SELECT a, y FROM labelled")
    with pytest.raises(Error) as error:
        run("SELECT * FROM ML.GLOBAL_EXPLAIN(MODEL m)")
    assert error.value.code == "not_explained"
    assert "enable_global_explain = TRUE" in str(error.value)


GOOD: dict[str, Any] = {
    "n_rows": 5, "attributions": np.array([1.0, 0.5]), "class_rows": np.array([3, 2]), "class_features": np.array([[0, 1], [1, 0]]),
    "class_attributions": np.array([[1.0, 0.5], [2.0, 0.0]]),
}  # fmt: skip


def test_a_strangers_state_is_checked() -> None:
    from_arrays(GlobalAttributions, to_arrays(GlobalAttributions(**GOOD)))
    regressor = {"n_rows": 2**53, "attributions": np.array([1.0, 0.5]), "class_rows": np.zeros(0, np.int64)}
    none = {"class_features": np.zeros((0, 2), np.int64), "class_attributions": np.zeros((0, 2))}
    from_arrays(GlobalAttributions, to_arrays(GlobalAttributions(**regressor, **none)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"attributions": np.array([1.0, -0.5])}, {"attributions": np.array([1.0, np.nan])}, {"class_rows": np.array([3])},
        {"class_rows": np.array([3, -1])}, {"class_features": np.array([[0, 2], [1, 0]])}, {"class_features": np.array([[0, -1], [1, 0]])},
        {"class_attributions": np.array([[1.0, 0.5]])}, {"class_attributions": np.array([[-1.0, 0.5], [1.0, 1.0]])}, {"n_rows": -1},
        {"n_rows": 0, "class_rows": np.array([0, 0])}, {"n_rows": 2**53 + 1, "class_rows": np.array([2**53, 1])},
        {"class_features": np.array([[0, 0], [1, 0]])}, {"class_features": np.array([[0, 1], [1, 1]])},
        {"class_rows": np.array([3, 1])}, {"class_rows": np.array([3, 3])}, {"class_rows": np.array([2**63 - 1, 2**63 - 1])},
        {"class_rows": np.array([0, 0])},
    ],
)  # fmt: skip
def test_a_strangers_nonsense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        from_arrays(GlobalAttributions, to_arrays(GlobalAttributions(**{**GOOD, **wrong})))
