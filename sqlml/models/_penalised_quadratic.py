"""The minimum of 1/2 w'Aw - b'w + l1 |w|_1: what the lasso and each proximal Newton step come down to.

Coordinate descent finds which weights are not 0 and their signs; given those, the rest is a linear system, solved exactly. So the result
is exact, where coordinate descent alone would creep along correlated columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqlml.training.data import Progress

Vector = NDArray[np.float64]

_TOLERANCE = 1e-12
"""Of the optimality conditions, relative to the largest of |b| and l1."""

_MAX_ROUNDS = 1_000
_SWEEPS = 3
"""Sweeps of coordinate descent between two exact steps."""


@dataclass(frozen=True, slots=True)
class Minimum:
    """`violation` is by how much the optimality conditions fail, relative to the largest of |b| and l1."""

    weights: Vector
    violation: float

    @property
    def converged(self) -> bool:
        return self.violation <= 1e-9


def minimise_penalised_quadratic(
    matrix: NDArray[np.float64], vector: Vector, l1: float, progress: Progress, start: Vector | None = None
) -> Minimum:
    """Minimises 1/2 w'Aw - b'w + l1 |w|_1 for a symmetric, positive semidefinite A; columns without curvature stay at 0.

    Source: coordinate descent as in Friedman, Hastie, Tibshirani (2010); the exact step as in Lee et al. (2006), feature-sign search.
    """
    curvature = np.diag(matrix)
    usable = np.flatnonzero(curvature > 0.0)
    weights = np.zeros(len(vector)) if start is None else np.where(curvature > 0.0, start, 0.0)
    unit = max(float(np.abs(vector).max(initial=0.0)), l1)
    if unit == 0.0 or len(usable) == 0:
        return Minimum(np.zeros(len(vector)), 0.0)
    gradient = matrix @ weights - vector
    best, least = weights.copy(), np.inf
    for _ in range(_MAX_ROUNDS):
        progress.check()
        # All columns once, then those that are not 0: most of the work is on few of them.
        _sweep(matrix, weights, gradient, l1, usable)
        for _ in range(_SWEEPS):
            _sweep(matrix, weights, gradient, l1, np.flatnonzero(weights))
        _step_on_support(matrix, vector, weights, l1)
        gradient = matrix @ weights - vector  # afresh, so that rounding does not add up
        violation = _violation(weights, gradient, l1, usable) / unit
        if violation < least:
            best, least = weights.copy(), violation
        if violation <= _TOLERANCE:
            break
    return Minimum(best, least)


def _sweep(matrix: NDArray[np.float64], weights: Vector, gradient: Vector, l1: float, columns: NDArray[np.intp]) -> None:
    """One round of coordinate descent over `columns`; changes weights and gradient in place."""
    for column in columns:
        curvature = matrix[column, column]
        old = weights[column]
        target = old * curvature - gradient[column]
        new = np.sign(target) * max(abs(target) - l1, 0.0) / curvature
        if new != old:
            weights[column] = new
            gradient += (new - old) * matrix[column]


def _step_on_support(matrix: NDArray[np.float64], vector: Vector, weights: Vector, l1: float) -> None:
    """Moves the weights that are not 0 towards their exact minimum with these signs; those that would change sign become 0.

    The system is lifted by a trace of a ridge, which gives a direction even where columns are redundant; repeated steps correct for it.
    """
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    support = np.flatnonzero(weights)
    if len(support) == 0:
        return
    system = matrix[np.ix_(support, support)]
    current = weights[support]
    signs = np.sign(current)
    right = vector[support] - l1 * signs
    gradient = system @ current - right
    lifted = system + 1e-10 * float(np.diag(system).mean()) * np.eye(len(support))
    try:
        factor = cho_factor(lifted, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError:
        return  # coordinate descent does it alone
    direction = -cho_solve(factor, gradient, check_finite=False)
    if not np.isfinite(direction).all():
        return
    target = current + direction
    crossing = target * signs < 0.0
    if l1 == 0.0 or not crossing.any():
        weights[support] = target
        return
    share = current[crossing] / (current[crossing] - target[crossing])
    first = current + float(share.min()) * direction
    first[np.flatnonzero(crossing)[share <= share.min()]] = 0.0
    # Setting all of them to 0 at once is often lower still, and then saves many rounds.
    all_at_once = np.where(crossing, 0.0, target)
    values = [0.5 * point @ system @ point - right @ point for point in (first, all_at_once)]
    weights[support] = all_at_once if values[1] < values[0] else first


def _violation(weights: Vector, gradient: Vector, l1: float, usable: NDArray[np.intp]) -> float:
    """The largest distance of 0 from the subgradient."""
    gradient, weights = gradient[usable], weights[usable]
    at_zero = np.maximum(np.abs(gradient) - l1, 0.0)
    elsewhere = np.abs(gradient + l1 * np.sign(weights))
    return float(np.where(weights == 0.0, at_zero, elsewhere).max(initial=0.0))
