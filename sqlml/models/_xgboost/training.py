"""Rounds of XGBoost over our matrices: one iteration reported per round, early stopping as BigQuery has it, cancelling between rounds.

The loss of a round is computed here, in blocks of one size and in row order, because XGBoost's own sums depend on the number of threads
and the loss decides when training stops.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sqlml.errors import IntegrityError, OperationalError
from sqlml.models._xgboost import native
from sqlml.models._xgboost.booster import state_from_booster
from sqlml.models._xgboost.matrices import (
    MAX_BINS,
    MAX_NATIVE_CATEGORIES,
    Matrices,
    TreeMethod,
    column_bins,
    feature_categories,
    open_matrices,
    ordered_columns,
)
from sqlml.models._xgboost.trees import REGRESSION
from sqlml.training.data import Iteration, Progress, Trained, TrainingData

if TYPE_CHECKING:
    import xgboost

_LOSS_ROWS = 1 << 16

_HISTOGRAM_BYTES = 1 << 31
"""What the histograms of a tree's nodes may take before they are worked out anew instead of kept. Each has 16 bytes for every bin of every
column: with 100,000 one-hot columns the 870 nodes of a tree of depth 15 took 1.4 GB, and with a million more than 13 GB."""
_KEPT_HISTOGRAMS = 1 << 16
"""XGBoost's own bound on them."""

_SMALLEST_PROBABILITY = np.float32(1e-16)
"""XGBoost's own bound on what a row may cost in log loss."""


@dataclass(frozen=True)
class Plan:
    """What to train. `parameters` are XGBoost's own, without seed; `objective` one of trees.OBJECTIVES."""

    objective: str
    parameters: Mapping[str, object]
    tree_method: TreeMethod
    native_categories: bool
    n_rounds: int
    learning_rate: float
    min_rel_progress: float | None = None
    """Least relative fall of the loss in a round, None for no early stopping."""


def train_ensemble(data: TrainingData, plan: Plan, progress: Progress) -> Trained:
    """An ensemble, the same for the same rows in the same order, whatever the blocks and threads.

    Raises: DataError `infinite_feature`, `infinite_label`, `training_too_large`; OperationalError `training_failed`, `training_diverged`;
        what `progress` raises.
    """
    import xgboost

    parameters = {
        **plan.parameters,
        "objective": plan.objective,
        "tree_method": plan.tree_method,
        "seed": data.seed % (1 << 31),
        "max_bin": column_bins(data.layout),
    }
    categories = feature_categories(data.layout, native=plan.native_categories)
    if plan.native_categories and (ordered := ordered_columns(data.layout)):
        progress.notice(
            "ordered_categories",
            f"{', '.join(ordered)}: more than {MAX_NATIVE_CATEGORIES:,} categories, so that splits take their codes as ordered numbers; "
            "category_encoding_method = 'TARGET_ENCODING' orders boosted trees' categories by the label",
        )
    try:
        with xgboost.config_context(verbosity=0), open_matrices(data, categories, plan.tree_method, progress) as matrices:
            booster, iterations = _boost(parameters, matrices, plan, progress)
            progress.check()
            state = state_from_booster(booster, categories)
    except xgboost.core.XGBoostError as error:
        raise native.failure("train", str(error)) from error
    except IntegrityError as error:
        raise OperationalError(
            "training did not converge: the scores of some leaves are not finite numbers", code="training_diverged",
            hint="lower learn_rate, or scale the label",
        ) from error  # fmt: skip
    return Trained(state, tuple(iterations))


def _boost(parameters: dict[str, object], matrices: Matrices, plan: Plan, progress: Progress) -> tuple[xgboost.Booster, list[Iteration]]:
    """Runs the rounds, until they are all done or one improves the loss too little."""
    import xgboost

    parameters["max_cached_hist_node"] = _kept_histograms(matrices.train, plan.tree_method)
    booster = xgboost.Booster(parameters, [matrix for matrix in (matrices.train, matrices.evaluation) if matrix is not None])
    iterations: list[Iteration] = []
    previous: float | None = None
    for index in range(plan.n_rounds):
        progress.check()
        start = time.perf_counter()
        booster.update(matrices.train, index)
        loss = _loss(booster, matrices.train, plan.objective)
        eval_loss = None if matrices.evaluation is None else _loss(booster, matrices.evaluation, plan.objective)
        duration_ms = round((time.perf_counter() - start) * 1000)
        iteration = Iteration(index + 1, loss, eval_loss, plan.learning_rate, duration_ms)
        iterations.append(iteration)
        progress.iteration(iteration, plan.n_rounds)
        current = loss if eval_loss is None else eval_loss
        if plan.min_rel_progress is not None and previous is not None and not _improves(previous, current, plan.min_rel_progress):
            break
        previous = current
    return booster, iterations


def _kept_histograms(matrix: xgboost.DMatrix, tree_method: TreeMethod) -> int:
    """How many nodes' histograms fit into _HISTOGRAM_BYTES. The number of bins follows from the rows, so the trees do as well."""
    n_bins = int(matrix.get_quantile_cut()[0][-1]) if tree_method == "hist" else min(MAX_BINS * matrix.num_col(), matrix.num_nonmissing())
    return max(1, min(_KEPT_HISTOGRAMS, _HISTOGRAM_BYTES // (16 * max(1, n_bins))))


def _improves(previous: float, current: float, min_rel_progress: float) -> bool:
    return previous > 0.0 and previous - current >= min_rel_progress * previous


def _loss(booster: xgboost.Booster, matrix: xgboost.DMatrix, objective: str) -> float:
    labels, row_weights = native.view_floats(matrix, "label"), native.view_floats(matrix, "weight")
    return mean_loss(objective, native.view_scores(booster, matrix), labels, row_weights)


def mean_loss(objective: str, scores: NDArray[np.float32], labels: NDArray[np.float32], row_weights: NDArray[np.float32]) -> float:
    """The weighted mean of the squared error (regression) or of the log loss (classification).

    Shapes: `scores[n_rows]` or `[n_rows, n_classes]`; `labels[n_rows]`; `row_weights[n_rows]`, or empty for equal weights.
    Source: XGBoost's rmse squared, logloss, mlogloss; equal to 1e-6, the log being taken in float32 there and here.
    """
    total, total_weight = 0.0, 0.0
    for start in range(0, len(labels), _LOSS_ROWS):
        rows = slice(start, start + _LOSS_ROWS)
        losses = _row_losses(objective, scores[rows], labels[rows])
        if len(row_weights):
            weights = row_weights[rows].astype(np.float64)
            losses = losses * weights
            total_weight += float(weights.sum())
        else:
            total_weight += len(losses)
        total += float(losses.sum(dtype=np.float64))
    return total / total_weight if total_weight > 0.0 else 0.0


def _row_losses(objective: str, scores: NDArray[np.float32], labels: NDArray[np.float32]) -> NDArray[np.floating]:
    if objective == REGRESSION:
        errors = scores.astype(np.float64) - labels
        return np.asarray(errors * errors)
    if scores.ndim == 2:
        probabilities = scores[np.arange(len(labels)), labels.astype(np.intp)]
    else:
        probabilities = np.where(labels > 0.5, scores, np.float32(1.0) - scores)
    return np.asarray(-np.log(np.maximum(probabilities, _SMALLEST_PROBABILITY)))
