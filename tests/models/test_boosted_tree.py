"""BOOSTED_TREE_CLASSIFIER and BOOSTED_TREE_REGRESSOR against XGBoost itself, and what they add to it."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from numpy.typing import NDArray

from sqlml.errors import NotSupportedError, OperationalError, ProgrammingError
from sqlml.features.layout import CategoryTerm, Layout, NumericTerm
from sqlml.models._options import Effect, Options, check_options
from sqlml.models._registry import find_model_type
from sqlml.models._spec import ModelSpec
from sqlml.state import from_arrays, to_arrays
from sqlml.training.data import ArrayData, Iteration, SilentProgress, Trained

CLASSIFIER = find_model_type("boosted_tree_classifier")
REGRESSOR = find_model_type("BOOSTED_TREE_REGRESSOR")
N_ROWS = 3000
TYPES = ["q", "c", "c", "q"]
LAYOUT = Layout(
    (
        NumericTerm("x", "x", "x", 0.0, 1.0, 0.0, 1.0),
        CategoryTerm("few", "few", "few", tuple("abcde"), (0.2,) * 5),
        CategoryTerm("many", "many", "many", tuple(f"k{index:03}" for index in range(80)), (1 / 80,) * 80),
        NumericTerm("y", "y", "y", 0.0, 1.0, 0.0, 1.0),
    ),
    categories_as="codes",
    impute=False,
)


def rows(n_rows: int = N_ROWS, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    matrix = np.column_stack(
        [rng.normal(size=n_rows), rng.integers(0, 5, n_rows), rng.integers(0, 80, n_rows), rng.exponential(size=n_rows)]
    ).astype(np.float32)
    matrix[rng.random(matrix.shape) < 0.08] = np.nan
    return matrix


def labels(matrix: NDArray[np.float32], n_classes: int) -> NDArray[np.float64]:
    values = np.nan_to_num(matrix.astype(np.float64), nan=3.0)
    noise = np.random.default_rng(9).normal(size=len(matrix))
    score = 2.0 * (values[:, 2] % 7 > 3) + values[:, 0] * (values[:, 1] > 2) + np.log1p(values[:, 3]) + 0.3 * noise
    if n_classes == 0:
        return np.asarray(score)
    return np.searchsorted(np.quantile(score, np.arange(1, n_classes) / n_classes), score).astype(np.float64)


def array_data(n_classes: int = 0, **more: Any) -> ArrayData:
    matrix = rows()
    return ArrayData(LAYOUT, matrix, labels(matrix, n_classes), n_classes=n_classes, seed=5, **more)


def with_evaluation(n_classes: int = 0, **more: Any) -> ArrayData:
    matrix = rows(800, seed=3)
    return array_data(n_classes, eval_features=matrix, eval_labels=labels(matrix, n_classes), **more)


def checked(spec: ModelSpec, **given: Any) -> Options:
    options, _ = check_options(spec.options, given, "model type")
    spec.check(options)
    return options


def train(data: ArrayData, progress: SilentProgress | None = None, **given: Any) -> Trained:
    spec = CLASSIFIER if data.n_classes else REGRESSOR
    return spec.train(data, checked(spec, **given), progress or SilentProgress())


def scores(trained: Trained, matrix: NDArray[np.float32]) -> NDArray[np.floating]:
    return REGRESSOR.predict(trained.state, matrix)


OBJECTIVES: dict[int, dict[str, Any]] = {
    0: {"objective": "reg:squarederror"},
    2: {"objective": "binary:logistic"},
    4: {"objective": "multi:softprob", "num_class": 4},
}
GOLDENS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "defaults": ({}, {"max_depth": 6, "eta": 0.3}),
    "all numbers": (
        {"learn_rate": 0.11, "max_tree_depth": 4, "l1_reg": 0.5, "l2_reg": 2.5, "min_split_loss": 0.7, "min_tree_child_weight": 3},
        {"eta": 0.11, "max_depth": 4, "alpha": 0.5, "lambda": 2.5, "gamma": 0.7, "min_child_weight": 3},
    ),
    "samples": (
        {"subsample": 0.6, "colsample_bytree": 0.75, "colsample_bylevel": 0.75, "colsample_bynode": 0.9},
        {"subsample": 0.6, "colsample_bytree": 0.75, "colsample_bylevel": 0.75, "colsample_bynode": 0.9},
    ),
    "boosted forest": ({"num_parallel_tree": 3, "subsample": 0.5}, {"num_parallel_tree": 3, "subsample": 0.5}),
    "dart": ({"booster_type": "dart", "dropout": 0.4}, {"booster": "dart", "rate_drop": 0.4}),
    "dart, forest weights": (
        {"booster_type": "DART", "dropout": 0.4, "dart_normalize_type": "FOREST"},
        {"booster": "dart", "rate_drop": 0.4, "normalize_type": "forest"},
    ),
    "approx": ({"tree_method": "approx"}, {"tree_method": "approx"}),
    "exact": ({"tree_method": "EXACT"}, {"tree_method": "exact"}),
    "no columns asked for": ({"colsample_bytree": 0.0}, {"colsample_bytree": 0.0}),
}  # fmt: skip


@pytest.mark.parametrize("n_classes", OBJECTIVES)
@pytest.mark.parametrize("name", GOLDENS)
def test_same_bits_as_xgboost(name: str, n_classes: int) -> None:
    given, parameters = GOLDENS[name]
    matrix = rows()
    method = parameters.get("tree_method", "hist")
    kind = xgboost.QuantileDMatrix if method == "hist" else xgboost.DMatrix
    types = None if method == "exact" else TYPES
    reference = kind(matrix, labels(matrix, n_classes), feature_types=types, enable_categorical=True)
    booster = xgboost.train({"tree_method": method, "seed": 5, **OBJECTIVES[n_classes], **parameters}, reference, 8)
    trained = train(array_data(n_classes), max_iterations=8, early_stop=False, **given)
    state = from_arrays(REGRESSOR.state, to_arrays(trained.state))
    for features in (matrix, rows(500, seed=1)):
        expected = booster.inplace_predict(features)
        assert REGRESSOR.predict(state, features).tobytes() == expected.tobytes()
        assert REGRESSOR.predictor is not None
        assert REGRESSOR.predictor(state)(features).tobytes() == expected.tobytes()
    assert len(np.unique(expected)) > 20


def test_same_bits_as_xgboost_with_weights() -> None:
    matrix = rows()
    weights = np.random.default_rng(1).exponential(size=N_ROWS)
    reference = xgboost.QuantileDMatrix(matrix, labels(matrix, 2), weight=weights, feature_types=TYPES)
    booster = xgboost.train({"objective": "binary:logistic", "seed": 5}, reference, 5)
    trained = train(array_data(2, row_weights=weights), max_iterations=5, early_stop=False)
    assert scores(trained, matrix).tobytes() == booster.inplace_predict(matrix).tobytes()
    assert scores(trained, matrix).tobytes() != scores(train(array_data(2), max_iterations=5, early_stop=False), matrix).tobytes()


def test_one_hot_columns_are_numbers() -> None:
    layout = Layout(LAYOUT.terms, "one_hot", impute=False)
    matrix = layout.expand(rows())
    target = labels(rows(), 0)
    options = checked(REGRESSOR, category_encoding_method="one_hot_encoding", max_iterations=5, early_stop=False)
    assert REGRESSOR.encoding(options).categories == "one_hot"
    trained = REGRESSOR.train(ArrayData(layout, matrix, target, seed=5), options, SilentProgress())
    booster = xgboost.train({"seed": 5}, xgboost.QuantileDMatrix(matrix, target), 5)
    assert scores(trained, matrix).tobytes() == booster.inplace_predict(matrix).tobytes()


def test_native_categories_beat_ordered_codes() -> None:
    matrix, target = rows(2000, seed=8), labels(rows(2000, seed=8), 0)
    errors = [np.mean((scores(train(array_data(), tree_method=method), matrix) - target) ** 2) for method in ("hist", "exact")]
    assert errors[0] < 0.8 * errors[1]


@pytest.mark.parametrize("n_classes", OBJECTIVES)
def test_training_info(n_classes: int) -> None:
    matrix, evaluation = rows(), rows(800, seed=3)
    weights = np.random.default_rng(1).exponential(size=N_ROWS)
    reference = xgboost.QuantileDMatrix(matrix, labels(matrix, n_classes), weight=weights, feature_types=TYPES)
    held_out = xgboost.QuantileDMatrix(evaluation, labels(evaluation, n_classes), feature_types=TYPES, ref=reference)
    history: dict[str, dict[str, list[float]]] = {}
    parameters = {"seed": 5, "eta": 0.2, **OBJECTIVES[n_classes]}
    evals = [(reference, "train"), (held_out, "eval")]
    xgboost.train(parameters, reference, 6, evals=evals, evals_result=history, verbose_eval=False)
    progress = SilentProgress()
    trained = train(with_evaluation(n_classes, row_weights=weights), progress, max_iterations=6, early_stop=False, learn_rate=0.2)
    metric = {0: "rmse", 2: "logloss", 4: "mlogloss"}[n_classes]
    power = 2 if n_classes == 0 else 1
    assert [row.iteration for row in trained.iterations] == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose([row.loss for row in trained.iterations], np.array(history["train"][metric]) ** power, rtol=2e-6)
    np.testing.assert_allclose([row.eval_loss for row in trained.iterations], np.array(history["eval"][metric]) ** power, rtol=2e-6)
    assert {row.learning_rate for row in trained.iterations} == {0.2}
    assert all(row.duration_ms >= 0 for row in trained.iterations)
    assert tuple(progress.iterations) == trained.iterations


def test_no_evaluation_rows_no_eval_loss() -> None:
    assert all(row.eval_loss is None for row in train(array_data(), max_iterations=2).iterations)


@pytest.mark.parametrize("data", [array_data(2), with_evaluation(2)], ids=["training loss", "evaluation loss"])
def test_early_stop_after_the_first_small_improvement(data: ArrayData) -> None:
    def watched(iteration: Iteration) -> float:
        loss = iteration.loss if iteration.eval_loss is None else iteration.eval_loss
        assert loss is not None
        return loss

    every = [watched(row) for row in train(data, early_stop=False, max_iterations=40).iterations]
    falls = [(before - after) / before for before, after in itertools.pairwise(every)]
    for least in (0.02, 0.05):
        expected = next(index for index, fall in enumerate(falls) if fall < least) + 2
        stopped = train(data, max_iterations=40, min_rel_progress=least)
        assert 2 < expected < 40
        assert [watched(row) for row in stopped.iterations] == every[:expected]
        assert stopped.state.n_trees == expected
    assert len(train(data, max_iterations=3, min_rel_progress=0.0).iterations) == 3


def test_nothing_left_to_learn_stops() -> None:
    matrix = rows(200)
    trained = REGRESSOR.train(ArrayData(LAYOUT, matrix, np.full(200, 3.0)), checked(REGRESSOR), SilentProgress())
    assert [row.loss for row in trained.iterations] == [0.0, 0.0]
    np.testing.assert_array_equal(scores(trained, matrix), 3.0)


@pytest.mark.parametrize("n_classes", OBJECTIVES)
def test_block_size_does_not_matter(n_classes: int) -> None:
    results = [train(with_evaluation(n_classes, block_rows=size), subsample=0.7) for size in (1000, 1 << 16, 17)]
    reference = scores(results[0], rows()).tobytes()
    assert all(scores(result, rows()).tobytes() == reference for result in results)
    losses = [[(row.loss, row.eval_loss) for row in result.iterations] for result in results]
    assert losses[1] == losses[0]
    assert losses[2] == losses[0]


def digest(n_classes: int) -> str:
    trained = train(with_evaluation(n_classes), subsample=0.7, colsample_bynode=0.7, max_iterations=5, early_stop=False)
    shown = hashlib.sha256(scores(trained, rows()).tobytes())
    shown.update(repr([(row.loss, row.eval_loss) for row in trained.iterations]).encode())
    return shown.hexdigest()


def test_threads_and_processes_do_not_matter() -> None:
    script = (
        "import importlib.util, sys\n"
        "spec = importlib.util.spec_from_file_location('models_here', sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "print(module.digest(0), module.digest(2), module.digest(4))\n"
    )
    expected = f"{digest(0)} {digest(2)} {digest(4)}"
    for n_threads in ("1", "2"):
        environment = {**os.environ, "OMP_NUM_THREADS": n_threads}
        done = subprocess.run(
            [sys.executable, "-c", script, str(Path(__file__))], env=environment, capture_output=True, text=True, timeout=100, check=True
        )
        assert done.stdout.strip() == expected


def test_another_seed_samples_other_rows() -> None:
    matrix = rows()
    data = [ArrayData(LAYOUT, matrix, labels(matrix, 0), seed=seed) for seed in (1, 1, 2, 2**40)]
    first, again, other, large = (scores(train(item, subsample=0.5), matrix).tobytes() for item in data)
    assert first == again
    assert first != other
    assert first != large


class StopsAfter(SilentProgress):
    """Cancels at the n-th finished iteration, as the session does: every later call raises."""

    def __init__(self, n_iterations: int) -> None:
        super().__init__()
        self.n_iterations = n_iterations

    def check(self) -> None:
        if len(self.iterations) >= self.n_iterations:
            raise OperationalError("stopped", code="cancelled")

    def iteration(self, iteration: Iteration, of: int | None = None) -> None:
        super().iteration(iteration, of)
        self.check()


@pytest.mark.parametrize("n_iterations", [0, 1, 3, 10])
def test_cancelling_ends_with_the_round(n_iterations: int) -> None:
    progress = StopsAfter(n_iterations)
    with pytest.raises(OperationalError) as error:
        train(with_evaluation(2), progress, max_iterations=10, early_stop=False)
    assert error.value.code == "cancelled"
    assert len(progress.iterations) == n_iterations


def test_failures_of_the_library_speak_plainly() -> None:
    data = array_data()
    weights = np.ones(N_ROWS)
    weights[5] = -1.0
    with pytest.raises(OperationalError) as error:
        train(ArrayData(LAYOUT, data.features, data.labels, weights))
    assert error.value.code == "training_failed"
    assert "weights must be positive" in str(error.value).lower()
    for word in ("xgboost", ".cc", "check failed", "trace", "/"):
        assert word not in str(error.value).lower()


def test_divergence_is_an_error() -> None:
    with pytest.raises(OperationalError) as error:
        train(array_data(), learn_rate=1e30, early_stop=False)
    assert error.value.code == "training_diverged"


def test_min_rel_progress_without_early_stop_is_noticed() -> None:
    progress = SilentProgress()
    train(array_data(), progress, max_iterations=2, early_stop=False, min_rel_progress=0.5)
    assert [code for code, _ in progress.notices] == ["option_without_effect"]


# Options ---------------------------------------------------------------------------------------------------------------------------------

REFERENCE_OPTIONS = {
    "model_type", "booster_type", "dart_normalize_type", "num_parallel_tree", "max_tree_depth", "dropout", "l1_reg", "l2_reg", "learn_rate",
    "tree_method", "min_tree_child_weight", "colsample_bytree", "colsample_bylevel", "colsample_bynode", "min_split_loss", "subsample",
    "category_encoding_method", "instance_weight_col", "xgboost_version", "enable_global_explain", "approx_global_feature_contrib",
    "early_stop", "min_rel_progress", "input_label_cols", "max_iterations", "data_split_method", "data_split_eval_fraction",
    "data_split_test_fraction", "data_split_col", "num_trials", "max_parallel_trials", "hparam_tuning_algorithm",
    "hparam_tuning_objectives", "model_registry", "vertex_ai_model_id", "vertex_ai_model_version_aliases", "kms_key_name",
}  # fmt: skip
OWN_OPTIONS = {"lineage_partition_col"}


def test_every_option_of_the_reference_is_declared() -> None:
    assert {option.name for option in REGRESSOR.options} == REFERENCE_OPTIONS | OWN_OPTIONS
    assert {option.name for option in CLASSIFIER.options} == REFERENCE_OPTIONS | OWN_OPTIONS | {"auto_class_weights", "class_weights"}
    for spec in (REGRESSOR, CLASSIFIER):
        for option in spec.options:
            assert option.doc
            assert option.reason or option.effect is Effect.HONOURED
        assert len({option.name for option in spec.options}) == len(spec.options)


def test_defaults_are_the_references() -> None:
    options = checked(REGRESSOR)
    expected = {
        "booster_type": "GBTREE", "dart_normalize_type": "TREE", "num_parallel_tree": 1, "max_tree_depth": 6, "dropout": 0.0, "l1_reg": 0.0,
        "l2_reg": 1.0, "learn_rate": 0.3, "tree_method": "AUTO", "min_tree_child_weight": 1, "colsample_bytree": 1.0,
        "colsample_bylevel": 1.0, "colsample_bynode": 1.0,
        "min_split_loss": 0.0, "subsample": 1.0, "category_encoding_method": "LABEL_ENCODING", "early_stop": True,
        "min_rel_progress": 0.01, "max_iterations": 20,
    }  # fmt: skip
    assert {name: options[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"max_tree_depth": 0}, "option_value"),
        ({"max_tree_depth": 65}, "option_value"),
        ({"subsample": 0}, "option_value"),
        ({"subsample": 1.01}, "option_value"),
        ({"colsample_bynode": -0.1}, "option_value"),
        ({"learn_rate": -1}, "option_value"),
        ({"l1_reg": -0.5}, "option_value"),
        ({"max_iterations": 0}, "option_value"),
        ({"num_parallel_tree": 0}, "option_value"),
        ({"min_tree_child_weight": 0.5}, "option_value"),
        ({"booster_type": "GBLINEAR"}, "option_value"),
        ({"tree_method": "gpu_hist"}, "option_value"),
        ({"xgboost_version": "3.0"}, "option_value"),
        ({"dropout": 0.5}, "option_not_applicable"),
        ({"dart_normalize_type": "FOREST"}, "option_not_applicable"),
        ({"approx_global_feature_contrib": False}, "option_not_applicable"),
        ({"warm_start": True}, "unknown_option"),
        ({"instance_weight_col": "w", "auto_class_weights": True}, "options_exclude_each_other"),
    ],
)  # fmt: skip
def test_wrong_options(given: dict[str, Any], code: str) -> None:
    with pytest.raises(ProgrammingError) as error:
        checked(CLASSIFIER, **given)
    assert error.value.code == code


@pytest.mark.parametrize("given", [{"num_trials": 5}])
def test_what_is_not_available(given: dict[str, Any]) -> None:
    with pytest.raises(NotSupportedError) as error:
        checked(REGRESSOR, **given)
    assert error.value.code == "option_not_supported"
    assert error.value.option == next(iter(given))  # type: ignore[attr-defined]  # set for the caret


@pytest.mark.parametrize(
    "given",
    [{"xgboost_version": "0.9"}, {"xgboost_version": "2.1"}],
)
def test_what_is_accepted_with_a_notice(given: dict[str, Any]) -> None:
    _, notices = check_options(REGRESSOR.options, given, "model type")
    assert len(notices) == 1
    assert next(iter(given)) in notices[0]


def test_encoding_rules() -> None:
    rules = REGRESSOR.encoding(checked(REGRESSOR))
    assert (rules.numbers, rules.impute, rules.categories, rules.dtype) == ("raw", False, "codes", "float32")
    assert CLASSIFIER.reading.ordered


def test_declaring_them_loads_no_library() -> None:
    script = (
        "import sys\n"
        "from sqlml.models._registry import find_model_type\n"
        "find_model_type('BOOSTED_TREE_CLASSIFIER'), find_model_type('RANDOM_FOREST_REGRESSOR')\n"
        "print([name for name in ('xgboost', 'sklearn', 'pandas', 'scipy') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
