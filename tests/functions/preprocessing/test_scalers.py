"""Scalers: a column of numbers on the scale of its own statistics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

INF, NAN = math.inf, math.nan
SCALERS = ["ML.STANDARD_SCALER", "ML.MIN_MAX_SCALER", "ML.MAX_ABS_SCALER", "ML.ROBUST_SCALER"]


def column(*values: object, type_: str = "DOUBLE") -> dict[str, Any]:
    return {"x": (type_, values)}


def test_standard_scaler_uses_the_population_deviation(preprocess: Any) -> None:
    root = math.sqrt(2)
    assert preprocess("ML.STANDARD_SCALER", column(1, 2, 3, 4, 5)) == [-2 / root, -1 / root, 0, 1 / root, 2 / root]


def test_min_max_scaler(preprocess: Any) -> None:
    assert preprocess("ML.MIN_MAX_SCALER", column(1, 2, None, 3, 5)) == [0, 0.25, None, 0.5, 1]


def test_min_max_scaler_caps_what_is_beyond_the_training_rows(preprocess: Any) -> None:
    found = preprocess("ML.MIN_MAX_SCALER", column(-1, 0, 1, 4, 9, -INF, INF), training=column(0, 4))
    assert found == [0, 0, 0.25, 1, 1, 0, 1]


def test_max_abs_scaler(preprocess: Any) -> None:
    assert preprocess("ML.MAX_ABS_SCALER", column(-3, 1, 2, 3, 4, 5)) == [-0.6, 0.2, 0.4, 0.6, 0.8, 1.0]


def test_robust_scaler_takes_existing_numbers_as_quantiles(preprocess: Any) -> None:
    found = preprocess("ML.ROBUST_SCALER", column(-3, 1, 2, 3, 4, 5))
    assert found == [-5 / 3, -1 / 3, 0, 1 / 3, 2 / 3, 1]


@pytest.mark.parametrize(
    ("literals", "expected"),
    [
        ({"quantile_range": [10, 90]}, [(x - 2) / 8 for x in (-3, 1, 2, 3, 4, 5)]),
        ({"with_median": False}, [x / 3 for x in (-3, 1, 2, 3, 4, 5)]),
        ({"with_quantile_range": False}, [x - 2 for x in (-3, 1, 2, 3, 4, 5)]),
        ({"with_median": False, "with_quantile_range": False}, [-3, 1, 2, 3, 4, 5]),
    ],
)
def test_robust_scaler_settings(preprocess: Any, literals: dict[str, Any], expected: list[float]) -> None:
    assert preprocess("ML.ROBUST_SCALER", column(-3, 1, 2, 3, 4, 5), **literals) == expected


@pytest.mark.parametrize("function", SCALERS)
@pytest.mark.parametrize("type_", ["DOUBLE", "FLOAT", "TINYINT", "UBIGINT", "HUGEINT", "DECIMAL(9,3)"])
def test_scalers_give_float64_and_keep_null(preprocess: Any, function: str, type_: str) -> None:
    values = column(1, None, 2, 4, type_=type_)
    assert preprocess.type(function, values) == "DOUBLE"
    found = preprocess(function, values)
    assert found[1] is None
    assert found == preprocess(function, column(1, None, 2, 4))
    assert [found[index] for index in (0, 2, 3)] == preprocess(function, column(1, 2, 4))  # NULL is in no statistic


@pytest.mark.parametrize("function", SCALERS)
def test_scalers_give_null_where_all_is_null(preprocess: Any, function: str) -> None:
    assert preprocess(function, column(None, None)) == [None, None]
    assert preprocess(function, column(1, None), training=column(None)) == [None, None]


@pytest.mark.parametrize(
    ("function", "constant", "expected"),
    [
        ("ML.STANDARD_SCALER", 0.1, [0, 0, None, 0]),
        ("ML.MIN_MAX_SCALER", 0.1, [0, 1, None, 0]),
        ("ML.ROBUST_SCALER", 0.1, [0, 0.9, None, -0.1]),
        ("ML.MAX_ABS_SCALER", 0.0, [0, 1, None, 0]),
    ],
)
def test_scalers_of_a_column_that_does_not_vary(preprocess: Any, function: str, constant: float, expected: list[float | None]) -> None:
    same = column(*[constant] * 2500)
    assert preprocess(function, same) == [0.0] * 2500
    assert preprocess(function, column(constant, 1, None, 0), training=same) == expected


@pytest.mark.parametrize("function", SCALERS)
def test_a_nan_stays_one_and_leaves_an_error_nowhere(preprocess: Any, function: str) -> None:
    assert math.isnan(preprocess(function, column(1, NAN, 3))[1])
    assert math.isnan(preprocess(function, column(NAN), training=column(1, 2, 3))[0])
    assert len(preprocess(function, column(1, INF, -INF))) == 3


@pytest.mark.parametrize(
    ("function", "scaler"),
    [("ML.STANDARD_SCALER", StandardScaler()), ("ML.MIN_MAX_SCALER", MinMaxScaler(clip=True)), ("ML.MAX_ABS_SCALER", MaxAbsScaler())],
)
@pytest.mark.parametrize("seed", range(5))
def test_training_then_applying_equals_scikit_learn(preprocess: Any, function: str, scaler: Any, seed: int) -> None:
    random = np.random.default_rng(seed)
    trained, given = (random.normal(random.normal() * 100, 10.0 ** random.integers(-3, 6), 500) for _ in range(2))
    expected = scaler.fit(trained[:, None]).transform(given[:, None])[:, 0]
    found = preprocess(function, column(*given), training=column(*trained))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_robust_scaler_equals_numpy_s_inverted_cdf(preprocess: Any, seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(size=random.integers(2, 200))
    low, median, high = np.quantile(values, [0.2, 0.5, 0.7], method="inverted_cdf")
    found = preprocess("ML.ROBUST_SCALER", column(*values), quantile_range=[20, 70])
    np.testing.assert_allclose(found, (values - median) / (high - low), rtol=1e-14)


@pytest.mark.parametrize(
    "quantiles", [[0, 75], [25, 100], [75, 25], [25, 25], [25], [25, 50, 75], [25.5, 75], ["25", 75], 25, None, [True, 75]]
)
def test_quantile_ranges_that_are_refused(preprocess: Any, quantiles: object) -> None:
    with pytest.raises(ValueError, match="0 < low < high < 100"):
        preprocess("ML.ROBUST_SCALER", column(1), quantile_range=quantiles)
