from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from sqlml.features.layout import NULL_CATEGORY, CategoryTerm, Layout, NumericTerm
from sqlml.functions._registry import find_function
from sqlml.models._options import check_options
from sqlml.models._registry import MODEL_TYPES, find_model_type
from sqlml.models.linear_reg import LinearState
from sqlml.models.logistic_reg import LogisticState
from sqlml.training.data import ArrayData, SilentProgress

LAYOUT = Layout(
    (
        NumericTerm("age", "age", '"age"', 40.0, 10.0, 40.0, 10.0),
        CategoryTerm("_TS_DOW_day", "day", '"day"', (" 1", "2", NULL_CATEGORY), (0.5, 0.3, 0.2)),
        CategoryTerm("sex", "sex", '"sex"', ("f", "m", "x"), (0.2, 0.5, 0.3), dropped=1),
        NumericTerm("fixed", "fixed", '"fixed"', 3.0, 0.0, 3.0, 1.0),
    )
)
WEIGHTS = [5.0, 0.1, 0.2, -0.3, 7.0, 8.0, 0.0]


def pairs(*values: tuple[str, float]) -> list[dict[str, object]]:
    return [{"category": category, "weight": weight} for category, weight in values]


def rows_of(age: float, intercept: float) -> list[dict[str, Any]]:
    return [
        {"processed_input": "age", "weight": age, "category_weights": None},
        {"processed_input": "_TS_DOW_day", "weight": None, "category_weights": pairs((" 1", 0.1), ("2", 0.2), ("_null_filler", -0.3))},
        {"processed_input": "sex", "weight": None, "category_weights": pairs(("f", 7.0), ("m", 0.0), ("x", 8.0))},
        {"processed_input": "fixed", "weight": 0.0, "category_weights": None},
        {"processed_input": "__INTERCEPT__", "weight": intercept, "category_weights": None},
    ]


def test_weights_are_those_of_the_input_columns(model_rows: Any) -> None:
    state = LinearState(100.0, np.array(WEIGHTS))
    rows = model_rows("WEIGHTS", "LINEAR_REG", state=state, layout=LAYOUT)
    assert rows == rows_of(0.5, 100.0 - 0.5 * 40.0)
    assert list(rows[0]) == ["processed_input", "weight", "category_weights"]


def test_standardised_weights_use_the_standard_deviation_of_the_sample(model_rows: Any) -> None:
    state = LinearState(100.0, np.array(WEIGHTS))
    rows = model_rows("WEIGHTS", "LINEAR_REG", state=state, layout=LAYOUT, settings={"standardize": True}, n_train=5)
    assert rows[0]["weight"] == pytest.approx(5.0 * math.sqrt(5 / 4), rel=1e-15)
    assert rows[1:] == rows_of(0.0, 100.0)[1:]
    one_row = model_rows("WEIGHTS", "LINEAR_REG", state=state, layout=LAYOUT, settings={"standardize": True}, n_train=1)
    assert one_row[0]["weight"] == 5.0


def test_a_binary_classifier_has_one_set_of_weights(model_rows: Any) -> None:
    state = LogisticState(2, np.array([WEIGHTS]), np.array([100.0]))
    rows = model_rows("WEIGHTS", "LOGISTIC_REG", state=state, layout=LAYOUT, classes=("no", "yes"))
    assert rows == rows_of(0.5, 80.0)


def test_more_classes_have_a_set_each(model_rows: Any) -> None:
    weights = np.array(WEIGHTS)
    state = LogisticState(3, np.array([weights, weights, -weights]), np.array([100.0, 0.0, 1.0]))
    rows = model_rows("WEIGHTS", "LOGISTIC_REG", state=state, layout=LAYOUT, classes=("1", "2", "3"))
    assert list(rows[0]) == ["processed_input", "weight", "category_weights", "class_label"]
    assert [row["class_label"] for row in rows] == ["1"] * 5 + ["2"] * 5 + ["3"] * 5
    assert [row["weight"] for row in rows if row["processed_input"] == "__INTERCEPT__"] == [80.0, -20.0, 21.0]
    assert rows[11]["category_weights"] == pairs((" 1", -0.1), ("2", -0.2), ("_null_filler", 0.3))
    assert [{name: value for name, value in row.items() if name != "class_label"} for row in rows[:5]] == rows_of(0.5, 80.0)


def test_weights_of_a_trained_model_are_those_of_the_raw_columns(model_rows: Any) -> None:
    rng = np.random.default_rng(0)
    raw = rng.normal([50.0, -3.0], [20.0, 0.5], size=(400, 2))
    labels = raw @ [0.3, 2.0] + rng.normal(size=400)
    mean, stddev = raw.mean(axis=0), raw.std(axis=0)
    layout = Layout(
        tuple(NumericTerm(name, name, name, mean[i], stddev[i], mean[i], stddev[i]) for i, name in enumerate(("a", "b")))
    )  # fmt: skip
    spec = find_model_type("LINEAR_REG")
    data = ArrayData(layout, (raw - mean) / stddev, labels)
    state = spec.train(data, check_options(spec.options, {}, "it")[0], SilentProgress()).state
    expected = LinearRegression().fit(raw, labels)
    rows = model_rows("WEIGHTS", "LINEAR_REG", state=state, layout=layout, n_train=400)
    np.testing.assert_allclose([row["weight"] for row in rows], [*expected.coef_, expected.intercept_], rtol=1e-9)
    standardised = model_rows("WEIGHTS", "LINEAR_REG", state=state, layout=layout, n_train=400, settings={"standardize": True})
    sample = raw.std(axis=0, ddof=1)
    np.testing.assert_allclose(
        [row["weight"] for row in standardised], [*(expected.coef_ * sample), expected.predict(mean[None, :])[0]], rtol=1e-9
    )


def test_only_linear_models_have_weights() -> None:
    applies = {name for name in MODEL_TYPES if find_function("WEIGHTS").applies_to(find_model_type(name))}
    assert applies == {"LINEAR_REG", "LOGISTIC_REG"}
