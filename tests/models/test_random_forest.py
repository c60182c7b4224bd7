"""RANDOM_FOREST_CLASSIFIER and RANDOM_FOREST_REGRESSOR against XGBoost's own random forests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xgboost
from numpy.typing import NDArray

from sqlml.errors import NotSupportedError, ProgrammingError
from sqlml.features.layout import CategoryTerm, Layout, NumericTerm
from sqlml.models._options import Effect, Options, check_options
from sqlml.models._registry import find_model_type
from sqlml.models._spec import ModelSpec
from sqlml.state import from_arrays, to_arrays
from sqlml.training.data import ArrayData, SilentProgress, Trained

CLASSIFIER = find_model_type("RANDOM_FOREST_CLASSIFIER")
REGRESSOR = find_model_type("RANDOM_FOREST_REGRESSOR")
LAYOUT = Layout(
    (
        NumericTerm("x", "x", "x", 0.0, 1.0, 0.0, 1.0),
        CategoryTerm("c", "c", "c", tuple("abcdefghij"), (0.1,) * 10),
        NumericTerm("y", "y", "y", 0.0, 1.0, 0.0, 1.0),
    ),
    categories_as="codes",
    impute=False,
)


def rows(n_rows: int = 1500, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    matrix = np.column_stack([rng.normal(size=n_rows), rng.integers(0, 10, n_rows), rng.normal(size=n_rows)]).astype(np.float32)
    matrix[rng.random(matrix.shape) < 0.05] = np.nan
    return matrix


def labels(matrix: NDArray[np.float32], n_classes: int) -> NDArray[np.float64]:
    values = np.nan_to_num(matrix.astype(np.float64), nan=2.0)
    score = values[:, 0] * (values[:, 1] % 3) + values[:, 2]
    return np.asarray(score if n_classes == 0 else np.digitize(score, [-1.0, 1.0]) if n_classes == 3 else (score > 0).astype(float))


def checked(spec: ModelSpec, **given: Any) -> Options:
    options, _ = check_options(spec.options, given, "model type")
    spec.check(options)
    return options


def train(n_classes: int, *, block_rows: int = 1 << 16, evaluate: bool = False, **given: Any) -> Trained:
    spec = CLASSIFIER if n_classes else REGRESSOR
    matrix, held_out = rows(), rows(400, seed=2)
    more: dict[str, Any] = {"eval_features": held_out, "eval_labels": labels(held_out, n_classes)} if evaluate else {}
    data = ArrayData(LAYOUT, matrix, labels(matrix, n_classes), n_classes=n_classes, seed=3, block_rows=block_rows, **more)
    return spec.train(data, checked(spec, **given), SilentProgress())


@pytest.mark.parametrize("n_classes", [0, 2, 3])
def test_same_bits_as_xgboosts_own_random_forest(n_classes: int) -> None:
    matrix = rows()
    kind = xgboost.XGBRFClassifier if n_classes else xgboost.XGBRFRegressor
    forest = kind(
        n_estimators=30, max_depth=7, reg_lambda=1.0, subsample=0.8, colsample_bynode=0.8, learning_rate=1.0, random_state=3,
        tree_method="hist", feature_types=["q", "c", "q"], enable_categorical=True,
    )  # fmt: skip
    forest.fit(matrix, labels(matrix, n_classes))
    trained = train(n_classes, num_parallel_tree=30, max_tree_depth=7)
    state = from_arrays(REGRESSOR.state, to_arrays(trained.state))
    for features in (matrix, rows(200, seed=9)):
        expected = forest.get_booster().inplace_predict(features)
        assert REGRESSOR.predict(state, features).tobytes() == expected.tobytes()
        assert CLASSIFIER.predictor is not None
        assert CLASSIFIER.predictor(state)(features).tobytes() == expected.tobytes()


def test_defaults() -> None:
    options = checked(CLASSIFIER)
    expected = {
        "num_parallel_tree": 100, "max_tree_depth": 15, "subsample": 0.8, "colsample_bynode": 0.8, "colsample_bytree": 1.0,
        "colsample_bylevel": 1.0, "l1_reg": 0.0, "l2_reg": 1.0, "min_tree_child_weight": 1, "min_split_loss": 0.0, "tree_method": "AUTO",
    }  # fmt: skip
    assert {name: options[name] for name in expected} == expected
    trained = train(3)
    assert trained.state.n_parallel_trees == 100
    assert trained.state.n_trees == 300


@pytest.mark.parametrize("n_classes", [0, 2, 3])
def test_one_iteration_from_one(n_classes: int) -> None:
    trained = train(n_classes, evaluate=True, num_parallel_tree=10)
    (row,) = trained.iterations
    assert (row.iteration, row.learning_rate) == (1, 1.0)
    target = labels(rows(400, seed=2), n_classes)
    scores = REGRESSOR.predict(trained.state, rows(400, seed=2)).astype(np.float64)
    if n_classes == 0:
        expected = np.mean((scores - target) ** 2)
    elif n_classes == 2:
        expected = -np.mean(np.log(np.where(target > 0, scores, 1 - scores)))
    else:
        expected = -np.mean(np.log(scores[np.arange(400), target.astype(int)]))
    assert row.eval_loss == pytest.approx(expected, rel=1e-5)
    assert row.loss is not None
    assert row.loss < row.eval_loss


def test_block_size_does_not_matter() -> None:
    first, second = (train(3, block_rows=size, num_parallel_tree=10) for size in (1000, 1 << 16))
    assert REGRESSOR.predict(first.state, rows()).tobytes() == REGRESSOR.predict(second.state, rows()).tobytes()


def test_some_columns_must_be_left_out() -> None:
    with pytest.raises(ProgrammingError) as error:
        checked(REGRESSOR, colsample_bynode=1.0)
    assert error.value.code == "option_value"
    assert error.value.option == "colsample_bynode"  # type: ignore[attr-defined]  # OptionError's
    checked(REGRESSOR, colsample_bynode=1.0, colsample_bytree=0.5)
    checked(REGRESSOR, colsample_bynode=1.0, colsample_bylevel=0.9)


ABSENT = ("booster_type", "dart_normalize_type", "dropout", "learn_rate", "max_iterations", "category_encoding_method", "warm_start")


@pytest.mark.parametrize("name", ABSENT)
def test_options_of_boosting_are_unknown(name: str) -> None:
    with pytest.raises(ProgrammingError) as error:
        checked(REGRESSOR, **{name: 1})
    assert error.value.code == "unknown_option"


@pytest.mark.parametrize("given", [{"subsample": 1.0}, {"subsample": 0.0}, {"num_parallel_tree": 1}, {"max_tree_depth": 0}])
def test_ranges(given: dict[str, Any]) -> None:
    with pytest.raises(ProgrammingError) as error:
        checked(REGRESSOR, **given)
    assert error.value.code == "option_value"


def test_options_without_effect_are_noticed() -> None:
    _, notices = check_options(CLASSIFIER.options, {"early_stop": False, "min_rel_progress": 0.5, "max_tree_depth": 3}, "model type")
    assert len(notices) == 2
    assert {option.name for option in CLASSIFIER.options} - {option.name for option in REGRESSOR.options} == {
        "auto_class_weights",
        "class_weights",
    }
    assert all(option.reason for option in CLASSIFIER.options if option.effect is not Effect.HONOURED)


def test_tuning_is_refused() -> None:
    with pytest.raises(NotSupportedError):
        checked(REGRESSOR, num_trials=3)
