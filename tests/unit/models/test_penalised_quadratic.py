from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Lasso

from sqlml.errors import OperationalError
from sqlml.models._penalised_quadratic import minimise_penalised_quadratic
from sqlml.training.data import SilentProgress


def problem(n_rows: int, n_columns: int, correlation: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n_rows, 1))
    rows = np.sqrt(1.0 - correlation) * rng.normal(size=(n_rows, n_columns)) + np.sqrt(correlation) * common
    labels = rows @ (rng.normal(size=n_columns) * (rng.random(n_columns) < 0.3)) + rng.normal(size=n_rows)
    return rows, labels, rows.T @ rows / n_rows, rows.T @ labels / n_rows


def value(matrix: np.ndarray, vector: np.ndarray, l1: float, weights: np.ndarray) -> float:
    return float(0.5 * weights @ matrix @ weights - vector @ weights + l1 * np.abs(weights).sum())


@pytest.mark.parametrize("l1", [0.01, 0.2])
@pytest.mark.parametrize("shape", [(300, 10, 0.0), (300, 20, 0.95), (60, 30, 0.5)])
def test_it_is_the_lasso(shape: tuple[int, int, float], l1: float) -> None:
    rows, labels, matrix, vector = problem(*shape)
    minimum = minimise_penalised_quadratic(matrix, vector, l1, SilentProgress())
    expected = Lasso(alpha=l1, fit_intercept=False, tol=1e-15, max_iter=200_000).fit(rows, labels).coef_
    assert minimum.converged
    np.testing.assert_allclose(minimum.weights, expected, atol=1e-6)
    np.testing.assert_array_equal(minimum.weights == 0.0, expected == 0.0)


@pytest.mark.parametrize("shape", [(40, 120, 0.9), (200, 200, 0.999)])
def test_conditions_of_the_minimum_hold_where_columns_are_redundant(shape: tuple[int, int, float]) -> None:
    _, _, matrix, vector = problem(*shape)
    l1 = 0.01
    minimum = minimise_penalised_quadratic(matrix, vector, l1, SilentProgress())
    gradient = matrix @ minimum.weights - vector
    used = minimum.weights != 0.0
    np.testing.assert_allclose(gradient[used], -l1 * np.sign(minimum.weights[used]), atol=1e-8)
    assert np.abs(gradient[~used]).max() <= l1 + 1e-8
    rng = np.random.default_rng(1)
    least = value(matrix, vector, l1, minimum.weights)
    assert all(value(matrix, vector, l1, minimum.weights + 0.01 * rng.normal(size=len(vector))) >= least for _ in range(50))


def test_without_l1_it_is_a_linear_system() -> None:
    _, _, matrix, vector = problem(300, 10, 0.5)
    minimum = minimise_penalised_quadratic(matrix, vector, 0.0, SilentProgress())
    np.testing.assert_allclose(minimum.weights, np.linalg.solve(matrix, vector), rtol=1e-9)


def test_a_large_l1_leaves_nothing_and_columns_without_curvature_stay_out() -> None:
    _, _, matrix, vector = problem(300, 10, 0.5)
    assert not minimise_penalised_quadratic(matrix, vector, float(np.abs(vector).max()), SilentProgress()).weights.any()
    matrix[3], matrix[:, 3], vector[3] = 0.0, 0.0, 0.0
    start = np.ones(10)
    minimum = minimise_penalised_quadratic(matrix, vector, 0.01, SilentProgress(), start)
    assert minimum.weights[3] == 0.0
    assert minimum.converged
    assert start.tolist() == [1.0] * 10
    empty = minimise_penalised_quadratic(np.zeros((2, 2)), np.zeros(2), 0.0, SilentProgress())
    assert (empty.weights.tolist(), empty.converged) == ([0.0, 0.0], True)


def test_it_can_be_cancelled() -> None:
    class Cancelled(SilentProgress):
        def check(self) -> None:
            raise OperationalError("cancelled", code="cancelled")

    _, _, matrix, vector = problem(300, 10, 0.5)
    with pytest.raises(OperationalError):
        minimise_penalised_quadratic(matrix, vector, 0.01, Cancelled())
