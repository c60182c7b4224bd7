"""LINEAR_REG: least squares with l1 and l2 penalties.

    CREATE MODEL body_mass OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['body_mass_g']) AS SELECT …

is scikit-learn's LinearRegression on standardised numbers and one-hot categories; with `l2_reg` Ridge(alpha = n_rows * l2_reg / 2), with
`l1_reg` Lasso(alpha = l1_reg / 2). The loss is the mean squared error + l1 |w|_1 + l2/2 |w|^2, the intercept free.

One pass collects moments, from which every strategy works. A matrix too wide to square is read once per iteration.

AUTO_STRATEGY takes gradient descent where BigQuery does for want of rows, unless the matrix is sparse or calculate_p_values asks for
standard errors, which belong to the minimum. Where BigQuery does for the number of columns (above 10,000; here above 4,096 when the matrix
is sparse), it takes conjugate gradients, or L-BFGS with l1_reg, and says so in a notice. The reason: on two numbers and a column of
100,000 categories gradient descent ends at R² 0.80, which the numbers alone explain; conjugate gradients reach the minimum, 0.97, in 6
passes. They go on to the minimum, for up to 500 iterations, unless the statement gives max_iterations or min_rel_progress. A learning rate
in the statement asks for gradient descent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlml.errors import DataError
from sqlml.features.layout import CategoryTerm, Layout
from sqlml.models._conjugate_gradients import conjugate_gradients
from sqlml.models._gradient_descent import Penalty, descend
from sqlml.models._least_squares import Moments, accumulate_moments, drop_constant_columns, solve, solve_by_qr
from sqlml.models._linear_attributions import explanation_sql, explanations
from sqlml.models._linear_errors import linear_errors
from sqlml.models._linear_options import (
    ENCODING_OPTIONS,
    LEARN_RATE_OPTIONS,
    OTHER_OPTIONS,
    REGULARISATION_OPTIONS,
    check_linear,
    check_p_value_columns,
    encoding,
    schedule,
)
from sqlml.models._linear_sql import linear_sql
from sqlml.models._options import Boolean, Float, Integer, Option, OptionError, Options, String
from sqlml.models._penalised_quadratic import minimise_penalised_quadratic
from sqlml.models._quasi_newton import quasi_newton
from sqlml.models._spec import ModelSpec, Reading, Task
from sqlml.models._squared_loss import MomentsLoss, StreamedLoss
from sqlml.models._standard_errors import ERRORS, check_errors, no_errors, tell_approximate
from sqlml.models._supervised_options import (
    LABEL_OPTIONS,
    LINEAGE_OPTIONS,
    REGISTRY_OPTIONS,
    SPLIT_OPTIONS,
    TUNING_OPTIONS,
    model_type_option,
)
from sqlml.state import damaged_state, floats
from sqlml.training.data import Iteration, Progress, Trained, TrainingData

MAX_COLUMNS_OF_NORMAL_EQUATION = 10_000
_MAX_COLUMNS_OF_MOMENTS = 4_096
"""Above, the matrix of products takes more memory and time than reading the rows once per iteration."""

_MAX_COLUMNS_OF_QR = 1_024
"""Above, a sparse matrix is not made dense for a decomposition; conjugate gradients take it."""

_ITERATIONS = 500
"""The limit of conjugate gradients and L-BFGS where the statement gives none."""

_RATES = frozenset({"learn_rate_strategy", "learn_rate", "ls_init_learn_rate"})

_ITERATION_OPTIONS = (
    Option(
        "optimize_strategy", String(("AUTO_STRATEGY", "BATCH_GRADIENT_DESCENT", "NORMAL_EQUATION")), default="AUTO_STRATEGY",
        doc="AUTO_STRATEGY: the exact minimum with l1_reg, gradient descent for fewer than 10 rows a column (neither for a sparse matrix "
        "nor with calculate_p_values), else the normal equation; for more than 10,000 columns (4,096 sparse ones) conjugate gradients, "
        "with l1_reg L-BFGS.",
    ),
    Option(
        "learn_rate_strategy", String(("LINE_SEARCH", "CONSTANT")), default="LINE_SEARCH",
        doc="Gradient descent: LINE_SEARCH tries 2r, r, r/2 and r/4 and keeps the best, CONSTANT stays at learn_rate.",
    ),
    *LEARN_RATE_OPTIONS,
    Option(
        "max_iterations", Integer(ge=1), default=20,
        doc="Gradient descent: the most iterations. Conjugate gradients and L-BFGS go on up to 500 where the statement does not say.",
    ),
    Option("early_stop", Boolean(), default=True, doc="Whether min_rel_progress may stop iterations."),
    Option(
        "min_rel_progress", Float(ge=0.0), default=0.01,
        doc="Gradient descent stops when an iteration lowers the loss (of the evaluation rows, if there are any) by a smaller share. "
        "Conjugate gradients and L-BFGS go on to the minimum unless the statement gives it.",
    ),
)  # fmt: skip

_ONLY_ITERATIVE = tuple(option.name for option in _ITERATION_OPTIONS if option.name != "optimize_strategy")


@dataclass(frozen=True)
class LinearState:
    """Weights of the learner's columns."""

    intercept: float
    weights: NDArray[np.float64] = floats("n_columns")
    standard_errors: NDArray[np.float64] = field(default_factory=no_errors, metadata=ERRORS)
    """See `_standard_errors.standard_errors`; empty without calculate_p_values."""
    degrees_of_freedom: int = 0
    """Of the standard errors; 0 where there are none."""

    def check(self) -> None:
        check_errors(self.standard_errors, len(self.weights))
        if (self.degrees_of_freedom < 1) != bool(np.isnan(self.standard_errors).all()):
            raise damaged_state("the degrees of freedom do not fit the standard errors")


def train(data: TrainingData, options: Options, progress: Progress) -> Trained:
    """Trains by the strategy that the options and the shape of the data ask for.

    Raises: DataError `too_many_columns`, `no_rows`, `not_finite`.
    """
    n_columns = data.layout.n_columns
    strategy = options["optimize_strategy"]
    _check_cardinality(options, n_columns)
    if strategy == "AUTO_STRATEGY":
        strategy = _automatic_strategy(data, options, progress)
    if strategy == "BATCH_GRADIENT_DESCENT":
        return _descend(data, options, progress)
    if strategy == "ITERATIVE":
        return _iterate(data, options, progress)
    ignored = sorted(options.given & set(_ONLY_ITERATIVE))
    if ignored:
        progress.notice(
            "option_without_effect",
            f"{', '.join(ignored)}: without effect, since the exact minimum is computed; "
            "optimize_strategy = 'BATCH_GRADIENT_DESCENT' heeds it",
        )
    began = time.perf_counter()
    fit_intercept = options["fit_intercept"]
    moments = accumulate_moments(data.train_blocks(), n_columns, progress)
    if options["l1_reg"] > 0.0:
        weights, intercept = _penalised(moments, options, progress)
    else:
        solution = solve(moments, data.layout, l2=options["l2_reg"], fit_intercept=fit_intercept)
        if solution is None and data.layout.is_sparse and n_columns > _MAX_COLUMNS_OF_QR:
            return _iterate(data, options, progress)
        if solution is None:
            solution = solve_by_qr(data.train_blocks(), moments, l2=options["l2_reg"], fit_intercept=fit_intercept, progress=progress)
        weights, intercept = solution
    evaluation = accumulate_moments(data.eval_blocks(), n_columns, progress) if data.n_eval else None
    iteration = Iteration(
        0,
        moments.mean_squared_error(weights, intercept),
        None if evaluation is None else evaluation.mean_squared_error(weights, intercept),
        duration_ms=round(1000.0 * (time.perf_counter() - began)),
    )
    progress.iteration(iteration, 1)
    return Trained(_state(data, weights, float(intercept), options, progress, moments), (iteration,))


def _check_cardinality(options: Options, n_columns: int) -> None:
    if options["optimize_strategy"] == "NORMAL_EQUATION" and n_columns > MAX_COLUMNS_OF_NORMAL_EQUATION:
        raise DataError(
            f"NORMAL_EQUATION takes up to {MAX_COLUMNS_OF_NORMAL_EQUATION:,} columns after encoding, got {n_columns:,}",
            code="too_many_columns", hint="use optimize_strategy = 'BATCH_GRADIENT_DESCENT', or leave out columns with many categories",
        )  # fmt: skip
    check_p_value_columns(options, n_columns)


def _automatic_strategy(data: TrainingData, options: Options, progress: Progress) -> str:
    n_columns = data.layout.n_columns
    is_wide = n_columns > (_MAX_COLUMNS_OF_MOMENTS if data.layout.is_sparse or options["l1_reg"] > 0.0 else MAX_COLUMNS_OF_NORMAL_EQUATION)
    if is_wide and options.given & _RATES:
        return "BATCH_GRADIENT_DESCENT"
    if is_wide:
        method = "L-BFGS" if options["l1_reg"] > 0.0 else "conjugate gradients"
        progress.notice(
            "iterative_solution",
            f"{n_columns:,} columns: the minimum is found by {method}, which read all rows once or twice per iteration; "
            "optimize_strategy = 'BATCH_GRADIENT_DESCENT' takes gradient descent",
        )
        return "ITERATIVE"
    if options["l1_reg"] > 0.0:
        return "EXACT"
    if options["calculate_p_values"]:
        return "NORMAL_EQUATION"
    if data.n_train < 10 * n_columns and not data.layout.is_sparse:
        progress.notice(
            "gradient_descent",
            f"{data.n_train} training rows for {n_columns} columns: AUTO_STRATEGY takes gradient descent below 10 rows a column; "
            "optimize_strategy = 'NORMAL_EQUATION' gives the exact minimum",
        )
        return "BATCH_GRADIENT_DESCENT"
    return "NORMAL_EQUATION"


def _state(
    data: TrainingData, weights: NDArray[np.float64], intercept: float, options: Options, progress: Progress, moments: Moments | None = None
) -> LinearState:
    """The state, with standard errors where they are asked for."""
    if not options["calculate_p_values"]:
        return LinearState(intercept, weights)
    errors, degrees = linear_errors(
        data, moments or accumulate_moments(data.train_blocks(), len(weights), progress), weights, intercept,
        l2=options["l2_reg"], fit_intercept=options["fit_intercept"], progress=progress,
    )  # fmt: skip
    return LinearState(intercept, weights, errors, degrees)


def _penalised(moments: Moments, options: Options, progress: Progress) -> tuple[NDArray[np.float64], float]:
    """The exact minimum with both penalties."""
    fit_intercept = options["fit_intercept"]
    matrix, vector, _ = moments.quadratic(fit_intercept)
    drop_constant_columns(matrix, vector, moments.mean)
    constant = np.diag(matrix) <= 0.0
    matrix *= 2.0
    matrix[np.diag_indices_from(matrix)] += np.where(constant, 0.0, options["l2_reg"])
    minimum = minimise_penalised_quadratic(matrix, 2.0 * vector, options["l1_reg"], progress)
    if not minimum.converged:
        progress.notice(
            "not_converged",
            f"the conditions of the minimum are met to {minimum.violation:.1e} only, since columns are nearly redundant; l2_reg helps",
        )
    weights = minimum.weights
    return weights, moments.best_intercept(weights) if fit_intercept else 0.0


def _descend(data: TrainingData, options: Options, progress: Progress) -> Trained:
    n_columns = data.layout.n_columns
    fit_intercept = options["fit_intercept"]
    loss: MomentsLoss | StreamedLoss
    if n_columns <= _MAX_COLUMNS_OF_MOMENTS:
        moments = accumulate_moments(data.train_blocks(), n_columns, progress)
        evaluation = accumulate_moments(data.eval_blocks(), n_columns, progress) if data.n_eval else None
        loss = MomentsLoss(moments, evaluation, fit_intercept)
    else:
        loss = StreamedLoss(data, fit_intercept, progress)
    descent = descend(loss, np.zeros(n_columns), Penalty(options["l1_reg"], options["l2_reg"], n_columns), schedule(options), progress)
    if options["calculate_p_values"]:
        tell_approximate(progress)
    return Trained(_state(data, descent.point, float(loss.intercept(descent.point)), options, progress), descent.iterations)


def _iterate(data: TrainingData, options: Options, progress: Progress) -> Trained:
    """The minimum by an iterative method that keeps a few vectors of all columns."""
    loss = StreamedLoss(data, options["fit_intercept"], progress)
    limit = options["max_iterations"] if "max_iterations" in options.given else _ITERATIONS
    least = options["min_rel_progress"] if options["early_stop"] and "min_rel_progress" in options.given else None
    if options["l1_reg"] > 0.0:
        penalty = Penalty(options["l1_reg"], options["l2_reg"], loss.n_weights)
        optimum = quasi_newton(loss, penalty, max_iterations=limit, min_rel_progress=least, progress=progress)
        weights, iterations, is_done = optimum.point, optimum.iterations, optimum.end != "limit"
    else:
        fit = conjugate_gradients(loss, options["l2_reg"], max_iterations=limit, min_rel_progress=least, progress=progress)
        weights, iterations, is_done = fit.weights, fit.iterations, fit.converged
        if options["l2_reg"] == 0.0 and options["fit_intercept"]:
            weights = _shortened(weights, loss, data.layout)
    if not is_done:
        progress.notice(
            "not_converged",
            f"training stopped after {len(iterations)} iterations (max_iterations), before the minimum was reached. Give a larger "
            "max_iterations, or l2_reg if columns are nearly redundant",
        )
    return Trained(LinearState(float(loss.intercept(weights)), weights), iterations)


def _shortened(weights: NDArray[np.float64], loss: StreamedLoss, layout: Layout) -> NDArray[np.float64]:
    """The weights of smallest norm among those that differ by constants which the intercept takes: what `solve` finds in the same place.

    The columns of a one-hot term add up to 1 in every row, so all its weights may move together.
    """
    weights = weights.copy()
    varies = loss.curvatures() > 0.0
    for term, columns in zip(layout.terms, layout.slices, strict=True):
        if isinstance(term, CategoryTerm) and term.dropped is None and abs(float(loss.mean[columns].sum()) - 1.0) <= 1e-12:
            of_term = weights[columns]
            of_term[varies[columns]] -= of_term[varies[columns]].mean() if varies[columns].any() else 0.0
    return weights


def predict(state: LinearState, features: NDArray[np.floating]) -> NDArray[np.floating]:
    """Predicted labels, `[n_rows]`."""
    predictions: NDArray[np.float64] = features @ state.weights + state.intercept
    return predictions


def scores_sql(state: LinearState, layout: Layout) -> str:
    """The prediction as one expression of type DOUBLE."""
    return linear_sql(state.weights[None, :], np.array([state.intercept]), layout)[0]


def attributions_sql(state: LinearState, layout: Layout) -> str:
    return explanation_sql(state.weights[None, :], np.array([state.intercept]), layout, scores_sql(state, layout))


def explainer(state: LinearState, layout: Layout, approximate: bool) -> Callable[[Any], NDArray[np.float64]]:  # noqa: ARG001 - exact
    return explanations(state.weights[None, :], np.array([state.intercept]), layout, lambda features: predict(state, features))


def check(options: Options) -> None:
    """Rules between options.

    Raises: OptionError.
    """
    check_linear(options)
    if options["optimize_strategy"] == "NORMAL_EQUATION" and options["l1_reg"] > 0.0:
        raise OptionError(
            "optimize_strategy", f"optimize_strategy = 'NORMAL_EQUATION' needs l1_reg = 0, got {options['l1_reg']:g}",
            code="option_not_applicable", hint="leave optimize_strategy out: with l1_reg the exact minimum is found without it",
        )  # fmt: skip


SPEC = ModelSpec(
    model_type="LINEAR_REG",
    task=Task.REGRESSION,
    doc="Predicts a number as a weighted sum of the features (least squares, ridge, lasso).",
    options=(
        model_type_option("LINEAR_REG"),
        *LABEL_OPTIONS,
        *_ITERATION_OPTIONS,
        *REGULARISATION_OPTIONS,
        *ENCODING_OPTIONS,
        *SPLIT_OPTIONS,
        *OTHER_OPTIONS,
        *TUNING_OPTIONS,
        *LINEAGE_OPTIONS,
        *REGISTRY_OPTIONS,
    ),
    encoding=encoding,
    reading=Reading(ordered=False, passes="one"),
    state=LinearState,
    n_columns=lambda state: state.weights.shape[-1],
    train=train,
    predict=predict,
    scores_sql=scores_sql,
    attributions_sql=attributions_sql,
    explainer=explainer,
    check=check,
)
