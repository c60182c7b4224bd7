from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from numpy.typing import NDArray

from sqlml.errors import IntegrityError, InternalError
from sqlml.models._xgboost.booster import booster_from_state, predict, predictor_from_state, state_from_booster
from sqlml.models._xgboost.trees import TreeState
from sqlml.state import Array, from_arrays, to_arrays

N_ROWS = 4000
CATEGORIES = np.array([0, 6, 150, 0, 1])
"""A number, a short and a long list of categories, a number, a single category."""


def features(n_rows: int = N_ROWS, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    matrix = np.column_stack(
        [
            rng.normal(size=n_rows),
            *(rng.integers(0, n, n_rows) for n in (6, 150)),
            rng.exponential(size=n_rows),
            np.zeros(n_rows),
        ]
    ).astype(np.float32)
    matrix[rng.random(matrix.shape) < 0.1] = np.nan
    return matrix


def labels(matrix: NDArray[np.float32]) -> NDArray[np.float64]:
    """Four classes that depend on every column and on what is missing."""
    values = np.nan_to_num(matrix, nan=7.0)
    return np.asarray((values[:, 2] % 3 + (values[:, 0] > 0.5) + (values[:, 1] > 2) * (values[:, 3] > 1) + (values[:, 4] > 0)) % 4)


def trained(**parameters: Any) -> xgboost.Booster:
    matrix = features()
    target = labels(matrix)
    objective = parameters.get("objective", "reg:squarederror")
    if objective == "binary:logistic":
        target = (target > 1).astype(float)
    if objective == "multi:softprob":
        parameters["num_class"] = 4
    types = ["c" if n else "q" for n in CATEGORIES]
    exact = parameters.get("tree_method") == "exact"
    data = xgboost.DMatrix(matrix, target, feature_types=None if exact else types, enable_categorical=True)
    booster: xgboost.Booster = xgboost.train({"max_depth": 5, "seed": 1, **parameters}, data, 6)
    return booster


CASES: dict[str, dict[str, Any]] = {
    "regression": {},
    "binary": {"objective": "binary:logistic"},
    "multiclass": {"objective": "multi:softprob"},
    "dart": {"booster": "dart", "rate_drop": 0.5, "one_drop": 1},
    "dart multiclass": {"booster": "dart", "rate_drop": 0.5, "one_drop": 1, "objective": "multi:softprob"},
    "forest": {"num_parallel_tree": 7, "subsample": 0.7, "colsample_bynode": 0.6},
    "multiclass forest": {"num_parallel_tree": 3, "subsample": 0.7, "objective": "multi:softprob"},
    "pruned": {"gamma": 5.0},
    "exact and pruned": {"gamma": 5.0, "tree_method": "exact", "max_depth": 9},
    "approx": {"tree_method": "approx"},
    "leafwise": {"grow_policy": "lossguide", "max_leaves": 40, "max_depth": 0},
    "deep": {"max_depth": 30, "min_child_weight": 0, "lambda": 0.0},
    "stumps of one leaf": {"alpha": 1e9},
}


def stored(booster: xgboost.Booster, categories: NDArray[np.int64] = CATEGORIES) -> TreeState:
    return from_arrays(TreeState, to_arrays(state_from_booster(booster, categories)))


@pytest.mark.parametrize("name", CASES)
def test_scores_are_the_same_bits(name: str) -> None:
    booster = trained(**CASES[name])
    categories = np.zeros(5, np.int64) if CASES[name].get("tree_method") == "exact" else CATEGORIES
    state = stored(booster, categories)
    for matrix in (features(), features(1000, seed=5), features(1)):
        expected = booster.inplace_predict(matrix)
        for scores in (predict(state, matrix), predictor_from_state(state)(matrix)):
            assert scores.shape == expected.shape
            assert scores.dtype == np.float32
            assert scores.tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", CASES)
def test_a_booster_written_from_a_state_gives_the_same_state(name: str) -> None:
    categories = np.zeros(5, np.int64) if CASES[name].get("tree_method") == "exact" else CATEGORIES
    arrays = to_arrays(state_from_booster(trained(**CASES[name]), categories))
    again = to_arrays(state_from_booster(booster_from_state(from_arrays(TreeState, arrays)), categories))
    for key, array in arrays.items():
        assert_same(array, again[key])


def assert_same(left: Array, right: Array) -> None:
    assert left.shape == right.shape
    for name in ("floats", "integers"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))
    assert left.strings == right.strings


def test_importances_survive() -> None:
    booster = trained(gamma=1.0)
    again = booster_from_state(stored(booster))
    for kind in ("weight", "gain", "cover"):
        assert again.get_score(importance_type=kind) == booster.get_score(importance_type=kind)


def test_shapley_values_survive() -> None:
    booster = trained(max_depth=3)
    matrix = xgboost.DMatrix(features(50), feature_types=["c" if n else "q" for n in CATEGORIES], enable_categorical=True)
    again = booster_from_state(stored(booster))
    np.testing.assert_array_equal(again.predict(matrix, pred_contribs=True), booster.predict(matrix, pred_contribs=True))


def test_another_process_gives_the_same_bits(tmp_path: Path) -> None:
    state = stored(trained(objective="multi:softprob"))
    arrays = {name: array.integers if array.integers is not None else array.floats for name, array in to_arrays(state).items()}
    arrays |= {"objective": np.array(state.objective)}
    np.savez(tmp_path / "state.npz", **arrays)  # type: ignore[arg-type]  # all are arrays here
    np.save(tmp_path / "features.npy", features())
    script = (
        "import sys, numpy as np\n"
        "from sqlml.models._xgboost.booster import predictor_from_state\n"
        "from sqlml.models._xgboost.trees import TreeState\n"
        "from sqlml.state import Array, from_arrays\n"
        "stored = np.load(sys.argv[1] + '/state.npz')\n"
        "arrays = {}\n"
        "for name in stored.files:\n"
        "    value = stored[name]\n"
        "    shape = () if name in ('objective', 'n_parallel_trees') else value.shape\n"
        "    kind = {'U': 'strings', 'f': 'floats', 'i': 'integers'}[value.dtype.kind]\n"
        "    arrays[name] = Array(shape, **{kind: (str(value),) if kind == 'strings' else value.reshape(-1)})\n"
        "scores = predictor_from_state(from_arrays(TreeState, arrays))(np.load(sys.argv[1] + '/features.npy'))\n"
        "np.save(sys.argv[1] + '/scores.npy', scores)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60)
    assert np.load(tmp_path / "scores.npy").tobytes() == predict(state, features()).tobytes()


def test_impossible_codes_count_as_missing() -> None:
    state = stored(trained())
    assert state.missing_left[state.is_category_split].min() == 0, (
        "some split must send missing values right, where XGBoost does not send these"
    )
    matrix, wanted = features(300), features(300)
    for column, codes in ((1, (-1.0, 6.0, -1e30, 1e30, np.inf, -np.inf, 16777216.0)), (2, (150.0, -0.5, 3e9))):
        rows = np.arange(0, 300, 2)
        matrix[rows, column] = np.resize(np.array(codes, np.float32), len(rows))
        wanted[rows, column] = np.nan
    before = matrix.copy()
    assert predict(state, matrix).tobytes() == predict(state, wanted).tobytes()
    assert predictor_from_state(state)(matrix).tobytes() == predict(state, wanted).tobytes()
    np.testing.assert_array_equal(matrix, before)


def test_infinite_and_huge_numbers_are_predicted() -> None:
    state = stored(trained())
    matrix = features(4).astype(np.float64)
    matrix[:, 0] = [np.inf, -np.inf, 1e300, -1e300]
    scores = predictor_from_state(state)(matrix)
    assert np.isfinite(scores).all()
    assert scores.tobytes() == predict(state, matrix).tobytes()


def test_any_layout_of_memory_is_read() -> None:
    predictor = predictor_from_state(stored(trained()))
    matrix = features(500)
    expected = predictor(matrix)
    assert predictor(np.asfortranarray(matrix)).tobytes() == expected.tobytes()
    assert predictor(matrix.astype(np.float64)).tobytes() == expected.tobytes()
    assert predictor(np.repeat(matrix, 2, axis=0)[::2]).tobytes() == expected.tobytes()
    read_only = matrix.copy()
    read_only.flags.writeable = False
    assert predictor(read_only).tobytes() == expected.tobytes()


def test_batches_of_any_size() -> None:
    for case in ("binary", "multiclass"):
        state = stored(trained(**CASES[case]))
        predictor = predictor_from_state(state)
        matrix = features(200)
        expected = predictor(matrix)
        for size in (1, 7, 64):
            parts = [predictor(matrix[start : start + size]) for start in range(0, 200, size)]
            assert np.concatenate(parts).tobytes() == expected.tobytes()
        assert predictor(matrix[:0]).shape == expected[:0].shape == predict(state, matrix[:0]).shape


def test_many_threads_at_once() -> None:
    predictor = predictor_from_state(stored(trained(objective="multi:softprob")))
    matrix = features(2048)
    expected = predictor(matrix)
    wrong: list[int] = []

    def work(number: int) -> None:
        for step in range(30):
            rows = slice(number, 2048 - step)
            if predictor(matrix[rows]).tobytes() != expected[rows].tobytes():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_matrix_of_another_width_is_refused() -> None:
    state = stored(trained())
    for function in (predictor_from_state(state), lambda matrix: predict(state, matrix)):
        with pytest.raises(IntegrityError) as error:
            function(features(3)[:, :4])
        assert error.value.code == "damaged_state"


def test_infinite_thresholds_are_kept() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.choice([3e38, -3e38], size=(500, 1)).astype(np.float32)
    matrix[::3] = np.nan
    target = np.isnan(matrix[:, 0]) * 3.0 + (matrix[:, 0] > 0)
    booster = xgboost.train({"max_depth": 3}, xgboost.QuantileDMatrix(matrix, target), 3)
    state = stored(booster, np.zeros(1, np.int64))
    assert np.isinf(state.values).any()
    assert predict(state, matrix).tobytes() == booster.inplace_predict(matrix).tobytes()


def test_unknown_boosters_are_refused() -> None:
    matrix = features(100)[:, :1]
    linear = xgboost.train({"booster": "gblinear"}, xgboost.DMatrix(np.nan_to_num(matrix), matrix[:, 0] > 0), 1)
    with pytest.raises(InternalError) as error:
        state_from_booster(linear, np.zeros(1, np.int64))
    assert error.value.code == "unknown_booster"
