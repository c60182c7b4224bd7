"""Newton's method for logistic regression: few passes over the rows, and the optimum to the last digits.

Each step minimises the quadratic model of the loss plus the penalties exactly; it is halved while it does not lower the loss. With l1
this is the proximal Newton method. The matrix of second derivatives has a row for each weight; where that is too large, `_quasi_newton`
takes over.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sqlml.features.layout import Layout
from sqlml.models._blas_threads import single_blas_thread
from sqlml.models._gradient_descent import Penalty, makes_progress
from sqlml.models._least_squares import redundant_directions, solve_positive
from sqlml.models._logistic_loss import Curvature, Evaluated, LogisticLoss
from sqlml.models._penalised_quadratic import minimise_penalised_quadratic
from sqlml.training.data import Iteration, Progress

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

_TOLERANCE = 1e-12
"""Share of the loss that a further step may still win when training stops. The last step is taken, and squares the error once more."""

_TOLERANCE_AT_THE_LIMIT = 1e-8
"""The same where max_iterations ended it; above, the user is told."""

SEPARATED_LOSS = 1e-4
"""Without a penalty, classes that are told apart without error drive the weights to infinity; at this mean loss it stops."""

_MAX_HALVINGS = 30


@dataclass(frozen=True, slots=True)
class Optimum:
    """`remaining` is the share of the loss that a further step might win."""

    point: Vector
    iterations: tuple[Iteration, ...]
    end: Literal["converged", "separated", "early", "limit"]
    remaining: float


@dataclass(frozen=True, slots=True)
class _Step:
    direction: Vector
    decrease: float
    """Of the objective, to first order."""


def newton(
    loss: LogisticLoss, layout: Layout, penalty: Penalty, *, max_iterations: int, min_rel_progress: float | None, progress: Progress
) -> Optimum:
    """Minimises loss + penalty from 0.

    Args: min_rel_progress, stops after an iteration that lowers the loss (of the evaluation rows, if there are any) by a smaller share;
    None does not.
    """
    with single_blas_thread():
        return _newton(loss, layout, penalty, max_iterations, min_rel_progress, progress)


def _newton(
    loss: LogisticLoss, layout: Layout, penalty: Penalty, max_iterations: int, min_rel_progress: float | None, progress: Progress
) -> Optimum:
    point = np.zeros(loss.n_parameters)
    here = loss.evaluate(point, curvature=True)
    objective = here.value
    iterations: list[Iteration] = []
    watched: float | None = None
    remaining = np.inf
    for index in range(max_iterations + 1):
        step = _step(loss, layout, here, point, penalty, progress)
        remaining = 0.5 * step.decrease / objective if objective > 0.0 else 0.0
        if remaining <= _TOLERANCE:
            return Optimum(point + step.direction, tuple(iterations), "converged", remaining)
        if index == max_iterations:
            break
        began = time.perf_counter()
        found = _line_search(loss, point, objective, step, penalty)
        if found is None:
            # No step lowers the loss although the model says so: rounding has the last word.
            return Optimum(point, tuple(iterations), "converged" if remaining <= _TOLERANCE_AT_THE_LIMIT else "limit", remaining)
        length, point, here, objective = found
        evaluation = loss.evaluation_loss(point)
        iterations.append(Iteration(index, here.value, evaluation, length, duration_ms=round(1000.0 * (time.perf_counter() - began))))
        progress.iteration(iterations[-1], max_iterations)
        if is_separated(here, penalty):
            return Optimum(point, tuple(iterations), "separated", remaining)
        now = objective if evaluation is None else evaluation
        if min_rel_progress is not None and watched is not None and not makes_progress(watched, now, min_rel_progress):
            return Optimum(point, tuple(iterations), "early", remaining)
        watched = now
    return Optimum(point, tuple(iterations), "converged" if remaining <= _TOLERANCE_AT_THE_LIMIT else "limit", remaining)


def is_separated(here: Evaluated, penalty: Penalty) -> bool:
    """Whether the classes are told apart without error, and nothing but the penalty would hold the weights."""
    return here.margin > 0.0 and here.value <= SEPARATED_LOSS and penalty.l1 == penalty.l2 == 0.0


def _line_search(
    loss: LogisticLoss, point: Vector, objective: float, step: _Step, penalty: Penalty
) -> tuple[float, Vector, Evaluated, float] | None:
    length = 1.0
    for _ in range(_MAX_HALVINGS):
        moved = point + length * step.direction
        there = loss.evaluate(moved, curvature=True)
        value = there.value + penalty.value(moved)
        # The allowance is what rounding makes of the sum.
        if value <= objective - 1e-4 * length * step.decrease + 1e-14 * abs(objective):
            return length, moved, there, value
        length /= 2.0
    return None


def _step(loss: LogisticLoss, layout: Layout, here: Evaluated, point: Vector, penalty: Penalty, progress: Progress) -> _Step:
    """To the minimum of the quadratic model, with the intercepts eliminated from it."""
    assert here.curvature is not None
    n_weights = loss.n_weights
    curvature = here.curvature
    gradient = here.gradient[:n_weights]
    eliminator = _intercept_eliminator(curvature)
    if loss.fit_intercept:
        matrix = curvature.weights - curvature.mixed @ eliminator @ curvature.mixed.T
        matrix = 0.5 * (matrix + matrix.T)
        slope = gradient - curvature.mixed @ (eliminator @ here.gradient[n_weights:])
    else:
        matrix, slope = curvature.weights.copy(), gradient.copy()
    flat = np.diag(matrix) <= 1e-14 * np.diag(curvature.weights)  # columns without variance: the intercept does their work
    matrix[flat] = 0.0
    matrix[:, flat] = 0.0
    weights = point[:n_weights]
    slope = np.where(flat, 0.0, slope + penalty.l2 * weights)
    if penalty.l1 > 0.0:
        matrix[np.diag_indices_from(matrix)] += np.where(flat, 0.0, penalty.l2)
        target = minimise_penalised_quadratic(matrix, matrix @ weights - slope, penalty.l1, progress, start=weights).weights
        moved = target - weights
        decrease = -float(slope @ moved) + penalty.l1 * float(np.abs(weights).sum() - np.abs(target).sum())
    else:
        moved = _solve(matrix, -slope, penalty.l2, loss, layout)
        decrease = -float(slope @ moved)
    direction = np.zeros(loss.n_parameters)
    direction[:n_weights] = moved
    if loss.fit_intercept:
        direction[n_weights:] = -eliminator @ (here.gradient[n_weights:] + curvature.mixed.T @ moved)
        decrease += float(here.gradient[n_weights:] @ eliminator @ here.gradient[n_weights:])
    return _Step(direction, max(decrease, 0.0))


def _intercept_eliminator(curvature: Curvature) -> Matrix:
    """The inverse of the intercepts' curvature; without the direction in which all classes move together, which changes nothing."""
    block = curvature.intercepts
    if len(block) == 1:
        return np.array([[1.0 / block[0, 0] if block[0, 0] > 0.0 else 0.0]])
    return np.asarray(np.linalg.pinv(block, rcond=1e-13, hermitian=True), np.float64)


def _solve(matrix: Matrix, vector: Vector, l2: float, loss: LogisticLoss, layout: Layout) -> Vector:
    """The step of smallest norm."""
    redundant = _redundant_directions(matrix, loss, layout)
    solution = solve_positive(matrix, vector, ridge=l2, redundant=redundant, min_reciprocal_condition=1e-12)
    if solution is not None:
        return solution
    # Columns that are redundant for reasons that the layout does not know: leave out what has no curvature.
    scale = np.sqrt(np.maximum(np.diag(matrix), 0.0) + l2)
    scale[scale == 0.0] = 1.0
    values, vectors = np.linalg.eigh((matrix + l2 * np.eye(len(matrix))) / scale[:, None] / scale)
    kept = values > 1e-12 * max(float(values[-1]), 0.0)
    return np.asarray((vectors[:, kept] / values[kept]) @ (vectors[:, kept].T @ (vector / scale)) / scale, np.float64)


def _redundant_directions(matrix: Matrix, loss: LogisticLoss, layout: Layout) -> Matrix:
    """Directions that change no probability: of one-hot terms, and the same change for all classes."""
    n_columns, n_outputs = loss.n_columns, loss.n_outputs
    if n_outputs == 1:
        return redundant_directions(layout, matrix, loss.fit_intercept)
    together = np.kron(np.full((n_outputs, 1), n_outputs**-0.5), np.eye(n_columns))
    first = matrix[:n_columns, :n_columns]
    of_terms = redundant_directions(layout, first, loss.fit_intercept)
    # Of the terms, in the differences between classes; what all classes have in common is in `together` already.
    contrasts = np.linalg.qr(np.column_stack([np.ones(n_outputs), np.eye(n_outputs)[:, 1:]]))[0][:, 1:]
    return np.concatenate([together, np.kron(contrasts, of_terms)], axis=1)
