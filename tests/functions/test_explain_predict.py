"""ML.EXPLAIN_PREDICT against shap and XGBoost's own contributions, and what holds of every explanation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import shap
import xgboost
from numpy.typing import NDArray

from sqlml.catalog.records import ModelKey
from sqlml.errors import Error
from sqlml.models._xgboost.booster import booster_from_state
from sqlml.models._xgboost.contributions import _by_feature
from sqlml.session.session import Session, open_session

Run = Callable[..., list[tuple[Any, ...]]]

ROWS = """
CREATE TABLE rows AS
SELECT i, hash(i) % 1000 / 100e0 AS a, hash(i + 7) % 1000 / 10e0 AS b, hash(i + 5) % 8 / 1e0 AS c,
  CASE WHEN i % 50 = 3 THEN NULL ELSE chr((97 + hash(i + 3) % 3)::INT) END AS k,
  TIMESTAMP '2024-01-01' + to_hours(i::INT) AS ts,
  {'u': hash(i + 9) % 10, 'v': chr((112 + hash(i + 11) % 2)::INT)} AS s
FROM range(800) r(i)
"""
LABELS = """
CREATE TABLE labelled AS
SELECT *, a * 100 + a * b + CASE WHEN k = 'a' THEN 500 ELSE 0 END + 4000 AS y, a + b / 10 + c / 20 > 9.5 AS two,
  CASE WHEN a * b > 300 THEN 'high' WHEN k = 'a' THEN 'mid' ELSE 'low' END AS three
FROM rows
"""
TYPES = {
    "y": ("LINEAR_REG", "BOOSTED_TREE_REGRESSOR", "RANDOM_FOREST_REGRESSOR"),
    "two": ("LOGISTIC_REG", "BOOSTED_TREE_CLASSIFIER", "RANDOM_FOREST_CLASSIFIER"),
    "three": ("LOGISTIC_REG", "BOOSTED_TREE_CLASSIFIER", "RANDOM_FOREST_CLASSIFIER"),
}
SMALL = {"BOOSTED": "max_iterations = 8, max_tree_depth = 4, early_stop = FALSE", "RANDOM_": "num_parallel_tree = 8, max_tree_depth = 5"}


@pytest.fixture(scope="module")
def session() -> Session:
    return open_session(":memory:")


@pytest.fixture(scope="module")
def run(session: Session) -> Run:
    def run(statement: str) -> list[tuple[Any, ...]]:
        outcome = session.run(statement)
        return [] if outcome.result is None else session.fetch(outcome, 1_000_000)

    run(ROWS)
    run(LABELS)
    return run


def train(run: Run, model_type: str, label: str, columns: str, more: str = "") -> None:
    options = ", ".join(text for text in (SMALL.get(model_type[:7], ""), more) if text)
    run(
        f"CREATE OR REPLACE MODEL m OPTIONS (model_type = '{model_type}', input_label_cols = ['{label}']{', ' * bool(options)}{options}) AS"
        f" SELECT {columns}, {label} FROM labelled"
    )


def explain(run: Run, label: str, settings: str = "99 AS top_k_features", data: str = "rows") -> list[dict[str, Any]]:
    is_classifier = label != "y"
    names = [f"predicted_{label}", *(["probability"] * is_classifier), "top_feature_attributions", "baseline_prediction_value"]
    names += ["prediction_value", "approximation_error", "i"]
    found = run(f"SELECT {', '.join(names)} FROM ML.EXPLAIN_PREDICT(MODEL m, TABLE {data}, STRUCT({settings})) ORDER BY i")
    names[0] = "predicted"
    return [dict(zip(names, row, strict=True)) for row in found]


def matrix_of(rows: list[dict[str, Any]], names: list[str]) -> NDArray[np.float64]:
    by_name = [{pair["feature"]: pair["attribution"] for pair in row["top_feature_attributions"]} for row in rows]
    assert all(set(row) == set(names) for row in by_name)
    return np.array([[row[name] for name in names] for row in by_name])


def column(rows: list[dict[str, Any]], name: str) -> NDArray[np.float64]:
    return np.array([row[name] for row in rows], np.float64)


def numbers(run: Run, *names: str) -> NDArray[np.float64]:
    return np.array(run(f"SELECT {', '.join(names)} FROM rows ORDER BY i"), np.float64)


def booster_of(session: Session) -> xgboost.Booster:
    state = session._models.load(ModelKey("memory", "main", "m"), None).state
    return booster_from_state(state)


# Every model -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("label", "model_type"), [(label, name) for label, names in TYPES.items() for name in names])
def test_attributions_add_up_to_what_is_predicted(run: Run, label: str, model_type: str) -> None:
    train(run, model_type, label, "a, b, k, ts, s")
    rows = explain(run, label)
    attributions = matrix_of(rows, ["a", "b", "k", "ts", "s_u", "s_v"])
    value = column(rows, "prediction_value")
    assert np.allclose(column(rows, "baseline_prediction_value") + attributions.sum(axis=1), value, rtol=1e-14, atol=1e-12)
    assert not column(rows, "approximation_error").any()
    extra = "" if label == "y" else f", predicted_{label}_probs"
    predicted = run(f"SELECT predicted_{label}{extra} FROM ML.PREDICT(MODEL m, TABLE rows) ORDER BY i")
    assert [row["predicted"] for row in rows] == [row[0] for row in predicted]
    if label == "y":
        assert value.tolist() == [row[0] for row in predicted]
        return
    probabilities = [{pair["label"]: pair["prob"] for pair in pairs} for _, pairs in predicted]
    wanted = [pairs[row["predicted"]] for pairs, row in zip(probabilities, rows, strict=True)]
    assert column(rows, "probability").tolist() == wanted
    if label == "two":
        assert np.allclose(1.0 / (1.0 + np.exp(-value)), wanted, atol=1e-6, rtol=0)
        assert (value > 0.0).all()


def test_largest_come_first_and_equals_in_the_order_of_the_features(run: Run) -> None:
    unused = ", ".join(f"0 AS z{99 - index}" for index in range(40))
    query = f"SELECT i, {unused}, i % 7 AS p, i % 5 AS q, -2e0 * (i % 7) + 9 * (i % 5) AS y FROM range(70) r(i)"
    run(f"CREATE OR REPLACE TABLE constants AS {query}")
    run(
        "CREATE OR REPLACE MODEL m OPTIONS (model_type = 'BOOSTED_TREE_REGRESSOR', input_label_cols = ['y']) AS"
        " SELECT * EXCLUDE (i) FROM constants"
    )
    for row in explain(run, "y", "30 AS top_k_features", "constants"):
        pairs = row["top_feature_attributions"]
        assert len(pairs) == 30
        assert {pair["feature"] for pair in pairs[:2]} == {"p", "q"}
        assert abs(pairs[0]["attribution"]) >= abs(pairs[1]["attribution"]) > 0.0
        assert [pair["feature"] for pair in pairs[2:]] == [f"z{99 - index}" for index in range(28)]


@pytest.mark.parametrize("model_type", ["LOGISTIC_REG", "BOOSTED_TREE_CLASSIFIER"])
def test_the_lower_class_turns_the_signs(run: Run, model_type: str) -> None:
    train(run, model_type, "two", "a, b, k")
    high, low = (explain(run, "two", f"99 AS top_k_features, {threshold} AS threshold") for threshold in (0.0, 1.0))
    assert {row["predicted"] for row in high} == {True}
    assert {row["predicted"] for row in low} == {False}
    for upper, lower in zip(high, low, strict=True):
        assert lower["prediction_value"] == -upper["prediction_value"]
        assert lower["baseline_prediction_value"] == -upper["baseline_prediction_value"]
        turned = [{**pair, "attribution": -pair["attribution"]} for pair in upper["top_feature_attributions"]]
        assert lower["top_feature_attributions"] == turned
        assert lower["probability"] == 1.0 - upper["probability"]


# Linear models ---------------------------------------------------------------------------------------------------------------------------


def linear_of(run: Run, class_label: str | None = None) -> tuple[NDArray[np.float64], float]:
    where = "" if class_label is None else f" WHERE class_label = '{class_label}'"
    found = dict(run(f"SELECT processed_input, weight FROM ML.WEIGHTS(MODEL m){where}"))
    intercept = found.pop("__INTERCEPT__")
    return np.array(list(found.values())), intercept


def test_linear_regression_is_shaps_linear_explainer(run: Run) -> None:
    train(run, "LINEAR_REG", "y", "a, b, c")
    weights, intercept = linear_of(run)
    features = numbers(run, "a", "b", "c")
    means = np.array(run("SELECT list(mean ORDER BY input) FROM ML.FEATURE_INFO(MODEL m)"))[0]
    expected = shap.LinearExplainer((weights, intercept), masker=shap.maskers.Independent(means))
    rows = explain(run, "y")
    assert np.allclose(matrix_of(rows, ["a", "b", "c"]), expected.shap_values(features), rtol=1e-12, atol=1e-10)
    assert np.allclose(column(rows, "baseline_prediction_value"), expected.expected_value, rtol=1e-12)


def test_logistic_regression_is_shaps_linear_explainer_per_class(run: Run) -> None:
    train(run, "LOGISTIC_REG", "three", "a, b, c", "l2_reg = 0.01")
    features = numbers(run, "a", "b", "c")
    means = np.array(run("SELECT list(mean ORDER BY input) FROM ML.FEATURE_INFO(MODEL m)"))[0]
    rows = explain(run, "three")
    found = matrix_of(rows, ["a", "b", "c"])
    for name in ("high", "low", "mid"):
        of_class = np.array([row["predicted"] == name for row in rows])
        expected = shap.LinearExplainer(linear_of(run, name), masker=shap.maskers.Independent(means))
        assert np.allclose(found[of_class], expected.shap_values(features[of_class]), rtol=1e-12, atol=1e-10)
    assert len({row["predicted"] for row in rows}) > 1


@pytest.mark.parametrize("model_type", ["LINEAR_REG", "LOGISTIC_REG"])
@pytest.mark.parametrize("options", ["", "fit_intercept = FALSE", "category_encoding_method = 'DUMMY_ENCODING'"])
def test_the_baseline_is_the_intercept_of_the_standardised_model(run: Run, model_type: str, options: str) -> None:
    label = "y" if model_type == "LINEAR_REG" else "two"
    train(run, model_type, label, "a, b, k", options)
    weights = run("SELECT * FROM ML.WEIGHTS(MODEL m, STRUCT(TRUE AS standardize))")
    by_name = {name: (weight, categories) for name, weight, categories in weights}
    rows = explain(run, label, "99 AS top_k_features" if label == "y" else "99 AS top_k_features, 0.0 AS threshold")
    assert np.allclose(column(rows, "baseline_prediction_value"), by_name["__INTERCEPT__"][0], rtol=1e-12)
    of_category = {pair["category"]: pair["weight"] for pair in by_name["k"][1]}
    given = [name or "_null_filler" for (name,) in run("SELECT k FROM rows ORDER BY i")]
    assert matrix_of(rows, ["a", "b", "k"])[:, 2].tolist() == [of_category[name] for name in given]


@pytest.mark.parametrize("label", ["y", "two", "three"])
def test_a_linear_model_too_large_for_sql_gives_the_same(run: Run, label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    train(run, "LINEAR_REG" if label == "y" else "LOGISTIC_REG", label, "a, b, k, ts, s", "" if label == "y" else "l2_reg = 0.01")
    in_sql = explain(run, label)
    monkeypatch.setattr("sqlml.models._linear_attributions.MAX_TERMS", 1)
    in_python = explain(run, label)
    names = ["a", "b", "k", "ts", "s_u", "s_v"]
    assert np.allclose(matrix_of(in_sql, names), matrix_of(in_python, names), rtol=1e-10, atol=1e-10)
    if label != "y":
        assert [row["predicted"] for row in in_sql] == [row["predicted"] for row in in_python]
    assert np.allclose(column(in_sql, "prediction_value"), column(in_python, "prediction_value"), rtol=1e-12, atol=1e-10)


def test_arrays_are_one_feature(run: Run) -> None:
    run("CREATE OR REPLACE TABLE lists AS SELECT i, [a, b] AS v, [k, 'z'] AS w, a * 3 - b AS y FROM rows")
    for model_type in ("LINEAR_REG", "BOOSTED_TREE_REGRESSOR"):
        run(f"CREATE OR REPLACE MODEL m OPTIONS (model_type = '{model_type}', input_label_cols = ['y']) AS SELECT v, w, y FROM lists")
        rows = explain(run, "y", data="lists")
        total = matrix_of(rows, ["v", "w"]).sum(axis=1) + column(rows, "baseline_prediction_value")
        assert np.allclose(total, column(rows, "prediction_value"), rtol=1e-12, atol=1e-10)
        if model_type == "LINEAR_REG":
            assert np.allclose(matrix_of(rows, ["v", "w"])[:, 0], numbers(run, "a", "b") @ [3.0, -1.0], rtol=1e-9, atol=1e-9)


# Trees -----------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["y", "two", "three"])
@pytest.mark.parametrize("family", ["BOOSTED_TREE", "RANDOM_FOREST", "DART"])
@pytest.mark.parametrize("approximate", [False, True])
def test_trees_are_xgboosts_contributions(run: Run, session: Session, label: str, family: str, approximate: bool) -> None:
    name = f"{'BOOSTED_TREE' if family == 'DART' else family}_{'REGRESSOR' if label == 'y' else 'CLASSIFIER'}"
    train(run, name, label, "a, b, c", "booster_type = 'DART', dropout = 0.5" if family == "DART" else "")
    matrix = xgboost.DMatrix(numbers(run, "a", "b", "c"))
    expected = booster_of(session).predict(matrix, pred_contribs=True, approx_contribs=approximate, strict_shape=True).astype(np.float64)
    rows = explain(run, label, f"99 AS top_k_features, {approximate} AS approx_feature_contrib")
    found = np.column_stack([matrix_of(rows, ["a", "b", "c"]), column(rows, "baseline_prediction_value")])
    if label == "y":
        expected = expected[:, 0]
    elif label == "two":
        expected = expected[:, 0] * np.where([row["predicted"] for row in rows], 1.0, -1.0)[:, None]
    else:
        expected = expected[np.arange(len(rows)), [["high", "low", "mid"].index(row["predicted"]) for row in rows]]
    # For numbers XGBoost's float32 sums miss the prediction; the rest is in the largest attribution.
    assert np.allclose(found, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("label", ["y", "two"])
def test_trees_are_shaps_tree_explainer(run: Run, session: Session, label: str) -> None:
    train(run, "BOOSTED_TREE_REGRESSOR" if label == "y" else "BOOSTED_TREE_CLASSIFIER", label, "a, b, c")
    explainer = shap.TreeExplainer(booster_of(session))
    explainer.model.model_type = "internal"  # or it would ask XGBoost
    expected = explainer.shap_values(numbers(run, "a", "b", "c").astype(np.float32), check_additivity=False)
    rows = explain(run, label, "99 AS top_k_features" if label == "y" else "99 AS top_k_features, 0.0 AS threshold")
    assert np.allclose(matrix_of(rows, ["a", "b", "c"]), expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("encoding", ["ONE_HOT_ENCODING", "TARGET_ENCODING", "LABEL_ENCODING"])
def test_the_columns_of_a_category_are_one_feature(run: Run, encoding: str) -> None:
    train(run, "BOOSTED_TREE_CLASSIFIER", "three", "a, k, b", f"category_encoding_method = '{encoding}'")
    rows = explain(run, "three")
    assert np.abs(matrix_of(rows, ["a", "k", "b"])[:, 1]).max() > 0.1


def test_a_wide_sparse_matrix(run: Run) -> None:
    run("CREATE OR REPLACE TABLE wide AS SELECT i, 'k' || i % 400 AS k, a, (i % 400 < 100)::INT * 50e0 + a AS y FROM rows")
    options = "input_label_cols = ['y'], category_encoding_method = 'ONE_HOT_ENCODING', max_iterations = 60, early_stop = FALSE"
    run(f"CREATE OR REPLACE MODEL m OPTIONS (model_type = 'BOOSTED_TREE_REGRESSOR', {options}) AS SELECT k, a, y FROM wide")
    rows = explain(run, "y", data="wide")
    found = matrix_of(rows, ["k", "a"])
    assert np.allclose(found.sum(axis=1) + column(rows, "baseline_prediction_value"), column(rows, "prediction_value"), rtol=1e-12)
    options = "model_type = 'LINEAR_REG', input_label_cols = ['y'], l2_reg = 0.001, data_split_method = 'NO_SPLIT'"
    run(f"CREATE OR REPLACE MODEL m OPTIONS ({options}) AS SELECT k, a, y FROM wide")
    rows = explain(run, "y", data="wide")
    assert (matrix_of(rows, ["k", "a"])[:, 0] > 0.0).tolist() == [index % 400 < 100 for index in range(800)]


# Input -----------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model_type", ["LINEAR_REG", "BOOSTED_TREE_REGRESSOR"])
def test_under_transform_features_are_its_outputs(run: Run, model_type: str) -> None:
    run(
        f"CREATE OR REPLACE MODEL m TRANSFORM (ML.STANDARD_SCALER(a) OVER () AS scaled, b * 2 AS twice, k, y)"
        f" OPTIONS (model_type = '{model_type}', input_label_cols = ['y']) AS SELECT a, b, k, y FROM labelled"
    )
    rows = explain(run, "y")
    found = matrix_of(rows, ["scaled", "twice", "k"])
    assert np.allclose(found.sum(axis=1) + column(rows, "baseline_prediction_value"), column(rows, "prediction_value"), rtol=1e-12)
    assert [row["i"] for row in rows] == list(range(800))


@pytest.mark.parametrize("model_type", ["LOGISTIC_REG", "BOOSTED_TREE_CLASSIFIER"])
def test_missing_and_unseen_values(run: Run, model_type: str) -> None:
    train(run, model_type, "three", "a, b, k")
    run("CREATE OR REPLACE TABLE odd (i INT, a DOUBLE, b DOUBLE, k VARCHAR)")
    run("INSERT INTO odd VALUES (0, NULL, NULL, NULL), (1, 'nan', 5, 'never seen'), (2, 3, 7, 'a')")
    rows = explain(run, "three", data="odd")
    assert np.allclose(
        column(rows, "baseline_prediction_value") + matrix_of(rows, ["a", "b", "k"]).sum(axis=1),
        column(rows, "prediction_value"),
        rtol=1e-12,
    )
    if model_type == "LOGISTIC_REG":
        of_row = {pair["feature"]: pair["attribution"] for pair in rows[0]["top_feature_attributions"]}
        assert (of_row["a"], of_row["b"]) == (0.0, 0.0)
    assert run("SELECT * FROM ML.EXPLAIN_PREDICT(MODEL m, (SELECT * FROM odd WHERE FALSE))") == []


def test_many_threads_at_once_give_the_same(run: Run) -> None:
    train(run, "BOOSTED_TREE_CLASSIFIER", "two", "a, b, k")
    run("CREATE OR REPLACE TABLE much AS SELECT rows.* REPLACE (rows.i + 800 * n AS i) FROM rows, range(300) copies(n)")
    query = "SELECT {} FROM ML.EXPLAIN_PREDICT(MODEL m, TABLE {}, STRUCT(3 AS top_k_features))"
    values = "top_feature_attributions, baseline_prediction_value, prediction_value"
    assert run(query.format("count(*)", "much")) == [(240_000,)]
    distinct = f"SELECT count(*) FROM (SELECT DISTINCT i % 800, {values} FROM ({query.format('*', 'much')}))"
    assert run(distinct) == [(800,)]


def test_models_that_cannot_be_explained(run: Run) -> None:
    run("CREATE OR REPLACE MODEL clusters OPTIONS (model_type = 'KMEANS', num_clusters = 2) AS SELECT a, b FROM rows")
    with pytest.raises(Error) as error:
        run("SELECT * FROM ML.EXPLAIN_PREDICT(MODEL clusters, TABLE rows)")
    assert error.value.code == "function_not_applicable"
    assert error.value.hint is not None
    assert "LOGISTIC_REG, BOOSTED_TREE_CLASSIFIER" in error.value.hint


def test_columns_of_a_feature_need_not_be_neighbours() -> None:
    contributions = np.array([[1.0, 2.0, 4.0, 8.0], [0.5, 0.0, 0.25, 0.0]], np.float32)
    assert _by_feature(contributions, np.array([1, 0, 1, 3]), 4).tolist() == [[2.0, 5.0, 0.0, 8.0], [0.0, 0.75, 0.0, 0.0]]
