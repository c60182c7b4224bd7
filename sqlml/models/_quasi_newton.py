"""L-BFGS for losses with more weights than a matrix of second derivatives is worth.

scipy's L-BFGS-B minimises; the columns are scaled to equal curvature first, since those of rare categories would otherwise hardly move.
With l1 each weight is the difference of two that are not negative, which gives exact zeros.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sqlml.models._gradient_descent import Penalty, makes_progress
from sqlml.models._logistic_loss import Evaluated
from sqlml.models._newton import Optimum, is_separated
from sqlml.training.data import Iteration, Progress

Vector = NDArray[np.float64]

_TOLERANCE = 1e-13
"""Relative fall of the loss at which it ends."""

_MEMORY = 20
_LEAST_MEMORY = 5
"""Steps from which the curvature is estimated. Each takes two vectors of all parameters."""

_MEMORY_BYTES = 1 << 30
"""What those vectors may take before there are fewer of them."""


class SmoothLoss(Protocol):
    """A mean loss without penalties, as a function of flat parameters: the weights, then whatever has no penalty."""

    @property
    def n_weights(self) -> int: ...
    @property
    def n_parameters(self) -> int: ...
    def curvatures(self) -> Vector:
        """An upper bound of the second derivative by each weight, `[n_weights]`."""
        ...

    def evaluate(self, point: Vector, *, curvature: bool) -> Evaluated: ...
    def evaluation_loss(self, point: Vector) -> float | None: ...


def quasi_newton(loss: SmoothLoss, penalty: Penalty, *, max_iterations: int, min_rel_progress: float | None, progress: Progress) -> Optimum:
    """Minimises loss + penalty from 0. The arguments are those of `newton`."""
    from scipy.optimize import Bounds, OptimizeResult, minimize

    n_weights = loss.n_weights
    scale = np.ones(loss.n_parameters)
    curvature = loss.curvatures()
    # A column of zeros, or one that does not vary, keeps the weight 0.
    scale[:n_weights] = 1.0 / np.sqrt(np.where(curvature > 0.0, curvature + penalty.l2, np.inf))
    split = penalty.l1 > 0.0
    iterations: list[Iteration] = []
    seen: dict[bytes, Evaluated] = {}
    watched: float | None = None
    end = "limit"
    remaining = np.inf
    previous = np.inf
    began = time.perf_counter()

    def point_of(variables: Vector) -> Vector:
        if split:
            variables = np.concatenate([variables[:n_weights] - variables[n_weights : 2 * n_weights], variables[2 * n_weights :]])
        point: Vector = variables * scale
        return point

    def objective(variables: Vector) -> tuple[float, Vector]:
        point = point_of(variables)
        here = loss.evaluate(point, curvature=False)
        seen[_name(variables)] = replace(here, gradient=np.empty(0))
        gradient = here.gradient.copy()
        gradient[:n_weights] += penalty.l2 * point[:n_weights]
        gradient *= scale
        ridge = 0.5 * penalty.l2 * float(point[:n_weights] @ point[:n_weights])
        if not split:
            return here.value + ridge, gradient
        toll = penalty.l1 * scale[:n_weights]
        parts = np.concatenate([gradient[:n_weights] + toll, toll - gradient[:n_weights], gradient[n_weights:]])
        return here.value + ridge + float(toll @ (variables[:n_weights] + variables[n_weights : 2 * n_weights])), parts

    def finished(intermediate_result: OptimizeResult) -> None:
        nonlocal watched, end, remaining, previous, began
        here = seen[_name(intermediate_result.x)]
        seen.clear()
        point = point_of(intermediate_result.x)
        evaluation = loss.evaluation_loss(point)
        value = float(intermediate_result.fun)
        remaining, previous = (abs(previous - value) / value if value > 0.0 else 0.0), value
        iterations.append(
            Iteration(len(iterations), here.value, evaluation, 1.0, duration_ms=round(1000.0 * (time.perf_counter() - began)))
        )
        began = time.perf_counter()
        progress.iteration(iterations[-1], max_iterations)
        if is_separated(here, penalty):
            end = "separated"
            raise StopIteration
        now = value if evaluation is None else evaluation
        if min_rel_progress is not None and watched is not None and not makes_progress(watched, now, min_rel_progress):
            end = "early"
            raise StopIteration
        watched = now

    start = np.zeros(loss.n_parameters + (n_weights if split else 0))
    bounds = None
    if split:
        bounds = Bounds(np.where(np.arange(len(start)) < 2 * n_weights, 0.0, -np.inf), np.full(len(start), np.inf))
    memory = max(_LEAST_MEMORY, min(_MEMORY, _MEMORY_BYTES // (16 * len(start))))
    result = minimize(
        objective, start, jac=True, method="L-BFGS-B", callback=finished,
        bounds=bounds,
        options={"maxiter": max_iterations, "maxfun": 10 * max_iterations + 100, "maxcor": memory, "ftol": _TOLERANCE, "gtol": 1e-10},
    )  # fmt: skip
    point = point_of(result.x)
    if end == "limit" and (result.success or remaining <= 1e-9):
        return Optimum(point, tuple(iterations), "converged", remaining)
    return Optimum(point, tuple(iterations), end, remaining)  # type: ignore[arg-type]  # one of its literals


def _name(variables: Vector) -> bytes:
    """A name of a point that takes no room."""
    return hashlib.blake2b(np.ascontiguousarray(variables).data, digest_size=16).digest()
