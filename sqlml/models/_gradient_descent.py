"""Batch gradient descent as BigQuery describes it: learning rates by line search or constant, early stopping, a limit of iterations.

It serves any loss that can be asked for its value and gradient at a few points at once, because a line search tries four learning rates
per pass over the rows. Penalties are added here; l1 by its proximal step, which gives exact zeros.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from sqlml.models._bad_rows import not_finite
from sqlml.training.data import Iteration, Progress

Vector = NDArray[np.float64]
_MAX_REDUCTIONS = 12
"""Of the four rates of a line search by 16, while each of them would raise the loss."""
_DIVERGED = 1e6
"""A constant learning rate that has raised the loss by this factor does not come back."""


class Loss(Protocol):
    """A mean loss without penalties, as a function of flat parameters."""

    def values_and_gradients(self, points: NDArray[np.float64]) -> tuple[Vector, NDArray[np.float64]]:
        """One pass over the training rows. Shapes: `points[n_points, n_parameters]`; values `[n_points]`, gradients as points."""
        ...

    def evaluation_loss(self, point: Vector) -> float | None:
        """The loss on the evaluation rows; None without any."""
        ...


@dataclass(frozen=True, slots=True)
class Penalty:
    """l1 |w|_1 + l2/2 |w|^2 on the first `n_weights` parameters; the intercepts behind them are free."""

    l1: float
    l2: float
    n_weights: int

    def value(self, point: Vector) -> float:
        weights = point[: self.n_weights]
        return self.l1 * float(np.abs(weights).sum()) + 0.5 * self.l2 * float(weights @ weights)

    def step(self, point: Vector, gradient: Vector, rate: float) -> Vector:
        """The proximal gradient step."""
        moved: Vector = point - rate * gradient
        weights = moved[: self.n_weights]
        weights -= rate * self.l2 * point[: self.n_weights]
        if self.l1 > 0.0:
            weights[:] = np.sign(weights) * np.maximum(np.abs(weights) - rate * self.l1, 0.0)
        return moved


@dataclass(frozen=True, slots=True)
class Schedule:
    """The options that steer the descent."""

    strategy: Literal["LINE_SEARCH", "CONSTANT"]
    rate: float
    """The first rate of a line search, or the constant."""
    max_iterations: int
    min_rel_progress: float | None
    """Relative fall of the loss below which it stops; None goes on to the end."""


@dataclass(frozen=True, slots=True)
class Descent:
    point: Vector
    iterations: tuple[Iteration, ...]


def makes_progress(previous: float, current: float, min_rel_progress: float) -> bool:
    """Whether the loss has fallen by the share that early stopping asks for."""
    return previous > 0.0 and (previous - current) / previous >= min_rel_progress


def descend(loss: Loss, start: Vector, penalty: Penalty, schedule: Schedule, progress: Progress) -> Descent:
    """Gradient descent from `start`.

    A line search tries twice the rate r of the iteration before, r, r/2 and r/4, and keeps the best; where all four would raise the loss
    it goes on with smaller ones, so that a first rate that is too large does no harm. Early stopping looks at the evaluation rows if
    there are any.

    Raises: DataError `not_finite`, and what the loss raises.
    """
    values, gradients = loss.values_and_gradients(start[None, :])
    point, gradient = start, gradients[0]
    objective = first_objective = float(values[0]) + penalty.value(start)
    if not math.isfinite(objective):
        raise not_finite()
    rate = schedule.rate
    watched: float | None = None
    iterations: list[Iteration] = []
    for index in range(schedule.max_iterations):
        began = time.perf_counter()
        step = _best_step(loss, point, gradient, penalty, _rates(schedule, rate))
        for _ in range(_MAX_REDUCTIONS):
            if schedule.strategy == "CONSTANT" or step.objective <= objective:
                break
            step = _best_step(loss, point, gradient, penalty, _rates(schedule, step.rate / 8.0))
        if schedule.strategy == "LINE_SEARCH" and step.objective > objective:
            break  # no step along the gradient lowers it: the minimum, as far as numbers go
        if step.objective > _DIVERGED * max(first_objective, np.finfo(np.float64).tiny):
            progress.notice(
                "diverged",
                f"the loss grows without limit at learn_rate {step.rate:g}; training stopped after {index} iterations. "
                "Use a smaller learn_rate, or learn_rate_strategy = 'LINE_SEARCH'",
            )
            break
        point, gradient, objective, rate = step.point, step.gradient, step.objective, step.rate
        evaluation = loss.evaluation_loss(point)
        iterations.append(Iteration(index, step.value, evaluation, rate, duration_ms=round(1000.0 * (time.perf_counter() - began))))
        progress.iteration(iterations[-1], schedule.max_iterations)
        now = objective if evaluation is None else evaluation
        if schedule.min_rel_progress is not None and watched is not None and not makes_progress(watched, now, schedule.min_rel_progress):
            break
        watched = now
    return Descent(point, tuple(iterations))


@dataclass(frozen=True, slots=True)
class _Step:
    point: Vector
    gradient: Vector
    value: float
    objective: float
    rate: float


def _rates(schedule: Schedule, rate: float) -> list[float]:
    return [rate] if schedule.strategy == "CONSTANT" else [2.0 * rate, rate, rate / 2.0, rate / 4.0]


def _best_step(loss: Loss, point: Vector, gradient: Vector, penalty: Penalty, rates: list[float]) -> _Step:
    """The step to the lowest objective; infinite where no rate gives a finite one."""
    points = np.array([penalty.step(point, gradient, rate) for rate in rates])
    values, gradients = loss.values_and_gradients(points)
    objectives = np.array([value + penalty.value(candidate) for value, candidate in zip(values, points, strict=True)])
    objectives = np.where(np.isfinite(objectives), objectives, math.inf)
    best = int(objectives.argmin())
    return _Step(points[best], gradients[best], float(values[best]), float(objectives[best]), rates[best])
