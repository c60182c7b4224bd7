"""Mutated tree states: each is refused as damaged, or loaded and asked for scores without harm.

XGBoost runs in another process, so that a crash there is a failed test and not the end of the run.
"""

from __future__ import annotations

import json
import subprocess
import sys

N_MUTATIONS = 3000

SCRIPT = """
import json, sys
import numpy as np, xgboost
from sqlml.errors import IntegrityError
from sqlml.models._xgboost.booster import predictor_from_state, state_from_booster
from sqlml.models._xgboost.trees import TreeState
from sqlml.state import Array, from_arrays, to_arrays

rng = np.random.default_rng(int(sys.argv[2]))
categories = np.array([0, 5, 70])
matrix = np.column_stack([rng.normal(size=300), rng.integers(0, 5, 300), rng.integers(0, 70, 300)]).astype(np.float32)
matrix[rng.random(matrix.shape) < 0.1] = np.nan
target = (np.nan_to_num(matrix[:, 0]) + np.nan_to_num(matrix[:, 2]) > 30) + np.isnan(matrix[:, 1])
data = xgboost.DMatrix(matrix, target.astype(float), feature_types=["q", "c", "c"], enable_categorical=True)
seeds = []
for parameters in (
    {"objective": "reg:squarederror"},
    {"objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 2, "subsample": 0.5},
    {"objective": "reg:squarederror", "booster": "dart", "rate_drop": 0.5, "one_drop": 1},
):
    seeds.append(to_arrays(state_from_booster(xgboost.train({"max_depth": 3, "nthread": 1, **parameters}, data, 2), categories)))
INTEGERS = [-(2**63), -(2**31), -2, -1, 0, 1, 2, 3, 63, 64, 2**24 - 1, 2**24, 2**31 - 1, 2**31, 2**32, 2**63 - 1]
FLOATS = [0.0, -0.0, 1.0, -1.0, 1e-45, 3e38, 1e39, 1e300, np.inf, -np.inf, np.nan]


def mutated(array):
    if array.strings is not None:
        return Array(array.shape, strings=(str(rng.choice(["binary:logistic", "multi:softprob", "reg:squarederror", "rank:ndcg", ""])),))
    is_float = array.floats is not None
    values = (array.floats if is_float else array.integers).copy()
    shape = array.shape
    kind = rng.integers(0, 7)
    if len(values) and kind <= 2:
        at = rng.integers(0, len(values), rng.integers(1, 4))
        values[at] = rng.choice(FLOATS if is_float else INTEGERS, len(at))
    elif len(values) and kind == 3:
        at = rng.integers(0, len(values))
        values[at] = values[at] + rng.integers(-2, 3)
    elif len(values) and kind == 4:
        rng.shuffle(values)
    elif len(values) and kind == 5:
        values = np.delete(values, rng.integers(0, len(values)))
    else:
        values = np.insert(values, rng.integers(0, len(values) + 1), rng.choice(values) if len(values) else 0)
    if shape != ():
        shape = (len(values),)
    if rng.random() < 0.02:
        shape = (*shape, 1)
    return Array(shape, floats=values) if is_float else Array(shape, integers=values)


counts = {"refused": 0, "predicted": 0}
for step in range(int(sys.argv[1])):
    arrays = dict(seeds[step % len(seeds)])
    for name in rng.choice(list(arrays), rng.integers(1, 3), replace=False):
        arrays[name] = mutated(arrays[name])
    if rng.random() < 0.01:
        del arrays[str(rng.choice(list(arrays)))]
    try:
        state = from_arrays(TreeState, arrays)
        with np.errstate(all="ignore"):
            scores = predictor_from_state(state)(matrix)
        assert len(scores) == len(matrix)
        counts["predicted"] += 1
    except IntegrityError as error:
        assert error.code == "damaged_state", error
        counts["refused"] += 1
print(json.dumps(counts))
"""


def test_mutated_states_never_crash() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(N_MUTATIONS), "11"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    counts = json.loads(done.stdout.splitlines()[-1])
    assert counts["refused"] + counts["predicted"] == N_MUTATIONS
    assert min(counts.values()) > N_MUTATIONS // 10, counts
