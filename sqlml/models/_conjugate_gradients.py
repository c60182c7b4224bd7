"""Least squares for more columns than a matrix of their products is worth: conjugate gradients, one pass over the rows per step.

The columns are scaled to equal curvature first. A table of a few numbers and one column with very many categories is then nearly solved
after ten to thirty steps, where gradient descent, whose steps are bounded by the numbers, would leave the categories where they began.
Besides the rows, a few vectors of all columns are in memory.

Source: Hestenes and Stiefel (1952), on the normal equations with Jacobi scaling.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqlml.models._bad_rows import not_finite
from sqlml.models._gradient_descent import makes_progress
from sqlml.models._squared_loss import StreamedLoss
from sqlml.training.data import Iteration, Progress

Vector = NDArray[np.float64]

_TOLERANCE = 1e-10
"""Of the gradient, relative to the one at the start; the distance of the loss from its minimum is the square of it."""

_ENOUGH = 1e-7
"""The gradient above which the user is told that the limit of iterations ended it."""

_MAX_STARTS = 4
"""The gradient is carried along from step to step; it is worked out afresh at the end, and where rounding has moved it, the method starts
again from there."""


@dataclass(frozen=True, slots=True)
class LeastSquares:
    """`remaining` is the size of the gradient relative to the one at the start; `stopped_early` by min_rel_progress."""

    weights: Vector
    iterations: tuple[Iteration, ...]
    remaining: float
    stopped_early: bool

    @property
    def converged(self) -> bool:
        return self.stopped_early or self.remaining <= _ENOUGH


def conjugate_gradients(
    loss: StreamedLoss, l2: float, *, max_iterations: int, min_rel_progress: float | None, progress: Progress
) -> LeastSquares:
    """Minimises mean squared error + l2/2 |w|^2 from 0.

    Args: min_rel_progress, stops after an iteration that lowers the loss (of the evaluation rows, if there are any) by a smaller share;
    None does not. Raises: DataError `not_finite`, and what the loss raises.
    """
    scale = _scale(loss.curvatures(), l2)
    weights = np.zeros(len(scale))
    iterations: list[Iteration] = []
    first = remaining = objective = np.inf
    watched: float | None = None
    for start in range(_MAX_STARTS):
        objective, residual = _objective_and_residual(loss, weights, scale, l2)
        square = float(residual @ residual)
        if start == 0:
            first = square
        remaining = float(np.sqrt(square / first)) if first > 0.0 else 0.0
        if remaining <= (_TOLERANCE if start == 0 else 10.0 * _TOLERANCE):
            break
        progress.check()
        direction = residual.copy()
        while square > _TOLERANCE**2 * first:
            if len(iterations) == max_iterations:
                return LeastSquares(weights, tuple(iterations), remaining, stopped_early=False)
            began = time.perf_counter()
            image = loss.curvature_times(direction * scale) * scale + l2 * scale**2 * direction
            curvature = float(direction @ image)
            if not curvature > 0.0:
                break  # rounding is all that is left
            length = square / curvature
            weights = weights + length * scale * direction
            residual -= length * image
            objective -= 0.5 * length * square
            previous, square = square, float(residual @ residual)
            direction *= square / previous
            direction += residual
            remaining = float(np.sqrt(square / first))
            value = max(0.0, objective - 0.5 * l2 * float(weights @ weights))
            evaluation = loss.evaluation_loss(weights)
            duration_ms = round(1000.0 * (time.perf_counter() - began))
            iterations.append(Iteration(len(iterations), value, evaluation, length, duration_ms=duration_ms))
            progress.iteration(iterations[-1], max_iterations)
            now = objective if evaluation is None else evaluation
            if min_rel_progress is not None and watched is not None and not makes_progress(watched, now, min_rel_progress):
                return LeastSquares(weights, tuple(iterations), remaining, stopped_early=True)
            watched = now
    if not iterations:
        # The start is the minimum.
        iterations.append(Iteration(0, objective, loss.evaluation_loss(weights)))
        progress.iteration(iterations[0], max_iterations)
    return LeastSquares(weights, tuple(iterations), remaining, stopped_early=False)


def _scale(curvatures: Vector, l2: float) -> Vector:
    """One over the root of each column's curvature with the penalty; 0 for columns without variance, whose weights stay 0."""
    total = np.where(curvatures > 0.0, curvatures + l2, np.inf)
    scale: Vector = 1.0 / np.sqrt(total)
    return scale


def _objective_and_residual(loss: StreamedLoss, weights: Vector, scale: Vector, l2: float) -> tuple[float, Vector]:
    values, gradients = loss.values_and_gradients(weights[None, :])
    objective = float(values[0]) + 0.5 * l2 * float(weights @ weights)
    if not np.isfinite(objective):
        raise not_finite()
    return objective, -(gradients[0] + l2 * weights) * scale
