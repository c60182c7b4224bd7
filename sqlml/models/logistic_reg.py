"""LOGISTIC_REG: logistic regression for two classes and for more.

    CREATE MODEL churn OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['churned'], l2_reg = 0.01) AS SELECT …

is scikit-learn's LogisticRegression(C = 1 / (n_rows * l2_reg)) on standardised numbers and one-hot categories, with its optimum found to
more digits. The loss is the weighted mean log loss + l1 |w|_1 + l2/2 |w|^2, the intercepts free. Two classes have one output, the log
odds of the higher one; more classes have one output each, whose softmax are the probabilities.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlml.errors import DataError
from sqlml.features.layout import Layout
from sqlml.models._gradient_descent import Penalty, descend
from sqlml.models._linear_attributions import explanation_sql, explanations
from sqlml.models._linear_options import (
    ENCODING_OPTIONS,
    LEARN_RATE_OPTIONS,
    OTHER_OPTIONS,
    REGULARISATION_OPTIONS,
    PValuesError,
    check_linear,
    check_p_value_columns,
    encoding,
    schedule,
)
from sqlml.models._linear_sql import linear_list_sql, linear_sql, sigmoid_sql, softmax_sql
from sqlml.models._logistic_errors import logistic_errors
from sqlml.models._logistic_loss import LogisticLoss
from sqlml.models._newton import Optimum, newton
from sqlml.models._options import Boolean, Float, Integer, Option, Options, String
from sqlml.models._quasi_newton import quasi_newton
from sqlml.models._spec import ModelSpec, Reading, Task
from sqlml.models._standard_errors import ERRORS, check_errors, no_errors, tell_approximate
from sqlml.models._supervised_options import (
    CLASS_WEIGHT_OPTIONS,
    LABEL_OPTIONS,
    LINEAGE_OPTIONS,
    REGISTRY_OPTIONS,
    SPLIT_OPTIONS,
    TUNING_OPTIONS,
    model_type_option,
)
from sqlml.state import damaged_state, floats
from sqlml.training.data import Progress, Trained, TrainingData

MAX_CLASSES = 50
"""BigQuery's limit."""

_MAX_WEIGHTS_OF_NEWTON = 600
"""Above, a pass that adds up second derivatives costs more than the many passes that L-BFGS takes."""

_ITERATIONS_OF_LBFGS = 500
"""The limit where the statement gives none: 20 of its steps would end far from the optimum."""

_WIDE, _ITERATIONS_OF_WIDE = 100_000, 100
"""The same above so many weights, where each step takes long. With a penalty the optimum takes 15 to 50; without one, categories whose rows
are all of one class have no finite optimum, and a limit is what ends it."""

_ITERATION_OPTIONS = (
    Option(
        "learn_rate_strategy", String(("LINE_SEARCH", "CONSTANT")), default="LINE_SEARCH",
        doc="Unless the statement gives it, the optimum is found by Newton's method (L-BFGS above 600 weights). LINE_SEARCH: gradient "
        "descent that tries 2r, r, r/2 and r/4 and keeps the best. CONSTANT: gradient descent at learn_rate.",
    ),
    *LEARN_RATE_OPTIONS,
    Option(
        "max_iterations", Integer(ge=1), default=20,
        doc="The most iterations. Newton's method needs 5 to 10 as a rule. L-BFGS goes on up to 500 (above 100,000 "
        "weights 100) where the statement does not say.",
    ),
    Option("early_stop", Boolean(), default=True, doc="Whether min_rel_progress may stop training."),
    Option(
        "min_rel_progress", Float(ge=0.0), default=0.01,
        doc="Training stops when an iteration lowers the loss (of the evaluation rows, if there are any) by a smaller share. Newton's "
        "method and L-BFGS go on to the optimum unless the statement gives it.",
    ),
)  # fmt: skip

_GRADIENT_DESCENT_OPTIONS = frozenset({"learn_rate_strategy", "learn_rate", "ls_init_learn_rate"})


@dataclass(frozen=True)
class LogisticState:
    """Weights of the learner's columns: one output for two classes, one per class for more."""

    n_classes: int
    weights: NDArray[np.float64] = floats("n_outputs", "n_columns")
    intercepts: NDArray[np.float64] = floats("n_outputs")
    standard_errors: NDArray[np.float64] = field(default_factory=no_errors, metadata=ERRORS)
    """See `_standard_errors.standard_errors`; empty without calculate_p_values."""

    def check(self) -> None:
        if self.n_classes < 2 or len(self.intercepts) != (1 if self.n_classes == 2 else self.n_classes):
            raise damaged_state("the number of outputs does not fit the number of classes")
        check_errors(self.standard_errors, self.weights.shape[1])
        if self.n_classes > 2 and len(self.standard_errors):
            raise damaged_state("weights of several classes have no standard errors")


def train(data: TrainingData, options: Options, progress: Progress) -> Trained:
    """Finds the optimum, or descends towards it where the options ask for gradient descent.

    Raises: DataError `one_class`, `too_many_classes`, `too_many_columns`, `no_rows`, `not_finite`, `p_values_of_classes`.
    """
    _check_classes(data, options)
    check_p_value_columns(options, data.layout.n_columns)
    loss = LogisticLoss(data, options["fit_intercept"], progress)
    penalty = Penalty(options["l1_reg"], options["l2_reg"], loss.n_weights)
    if options.given & _GRADIENT_DESCENT_OPTIONS:
        descent = descend(loss, np.zeros(loss.n_parameters), penalty, schedule(options), progress)
        if options["calculate_p_values"]:
            tell_approximate(progress)
        return Trained(_state(data, loss, descent.point, options, progress), descent.iterations)
    early_stop = options["min_rel_progress"] if options["early_stop"] and "min_rel_progress" in options.given else None
    limit = options["max_iterations"]
    if loss.n_weights <= _MAX_WEIGHTS_OF_NEWTON:
        optimum = newton(loss, data.layout, penalty, max_iterations=limit, min_rel_progress=early_stop, progress=progress)
    else:
        if "max_iterations" not in options.given:
            limit = _ITERATIONS_OF_LBFGS if loss.n_weights <= _WIDE else _ITERATIONS_OF_WIDE
        optimum = quasi_newton(loss, penalty, max_iterations=limit, min_rel_progress=early_stop, progress=progress)
    _tell(optimum, progress)
    is_finite = optimum.end != "separated"
    return Trained(_state(data, loss, optimum.point, options, progress, is_finite=is_finite), optimum.iterations)


def _check_classes(data: TrainingData, options: Options) -> None:
    if data.n_classes < 2:
        raise DataError(
            f"LOGISTIC_REG needs two classes or more, got {data.n_classes}", code="one_class",
            hint="check the label column and the WHERE clause of the training query",
        )  # fmt: skip
    if data.n_classes > MAX_CLASSES:
        raise DataError(
            f"LOGISTIC_REG takes up to {MAX_CLASSES} classes, got {data.n_classes}", code="too_many_classes",
            hint="BOOSTED_TREE_CLASSIFIER takes more; a label that is a quantity asks for LINEAR_REG",
        )  # fmt: skip
    if options["calculate_p_values"] and data.n_classes > 2:
        raise PValuesError(
            f"calculate_p_values = TRUE needs two classes, got {data.n_classes}", code="p_values_of_classes",
            hint="leave calculate_p_values out; weights of several classes have no p-values of their own",
        )  # fmt: skip


def _tell(optimum: Optimum, progress: Progress) -> None:
    """The notices of an end that is not the optimum."""
    if optimum.end == "separated":
        progress.notice(
            "separated_classes",
            "the features tell the classes apart without error, so the best weights are infinite; training stopped after "
            f"{len(optimum.iterations)} iterations at loss {optimum.iterations[-1].loss:.1e}. Give l2_reg for finite weights, and look for "
            "a feature that knows the label",
        )
    elif optimum.end == "limit":
        progress.notice(
            "not_converged",
            f"training stopped after {len(optimum.iterations)} iterations (max_iterations); a further one might lower the loss by "
            f"{optimum.remaining:.1e} of it. Give a larger max_iterations, or l2_reg if a category goes with one class only",
        )


def _state(
    data: TrainingData, loss: LogisticLoss, point: NDArray[np.float64], options: Options, progress: Progress, *, is_finite: bool = True
) -> LogisticState:
    """The state at a point, with the standard errors there. Args: is_finite, whether there is an optimum, which is where they belong."""
    weights, intercepts = loss.split(point)
    state = LogisticState(data.n_classes, weights.copy(), intercepts.copy())
    if not options["calculate_p_values"]:
        return state
    if not is_finite:
        progress.notice(
            "no_standard_errors", "ML.ADVANCED_WEIGHTS has no standard errors and no p-values, since the best weights are infinite"
        )
        return replace(state, standard_errors=np.full(loss.n_columns + 2, np.nan))
    errors = logistic_errors(
        data, state.weights[0], float(state.intercepts[0]), l2=options["l2_reg"], fit_intercept=options["fit_intercept"],
        weighted=bool(options["auto_class_weights"] or options["class_weights"]), progress=progress,
    )  # fmt: skip
    return replace(state, standard_errors=errors)


def predict(state: LogisticState, features: NDArray[np.floating]) -> NDArray[np.floating]:
    """The probability of the higher class `[n_rows]`, or of all classes `[n_rows, n_classes]`."""
    logits: NDArray[np.float64] = features @ state.weights.T + state.intercepts
    if state.n_classes == 2:
        with np.errstate(over="ignore"):  # exp overflows to infinity, which gives 0
            return np.asarray(1.0 / (1.0 + np.exp(-logits[:, 0])))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def scores_sql(state: LogisticState, layout: Layout) -> str:
    """The same as one expression: DOUBLE for two classes, DOUBLE[] for more."""
    if state.n_classes == 2:
        return sigmoid_sql(linear_sql(state.weights, state.intercepts, layout)[0])
    return softmax_sql(linear_list_sql(state.weights, state.intercepts, layout))


def attributions_sql(state: LogisticState, layout: Layout) -> str:
    return explanation_sql(state.weights, state.intercepts, layout, scores_sql(state, layout))


def explainer(state: LogisticState, layout: Layout, approximate: bool) -> Callable[[Any], NDArray[np.float64]]:  # noqa: ARG001 - exact
    return explanations(state.weights, state.intercepts, layout, lambda features: predict(state, features))


SPEC = ModelSpec(
    model_type="LOGISTIC_REG",
    task=Task.CLASSIFICATION,
    doc="Predicts the probability of each class from a weighted sum of the features.",
    options=(
        model_type_option("LOGISTIC_REG"),
        *LABEL_OPTIONS,
        *_ITERATION_OPTIONS,
        *REGULARISATION_OPTIONS,
        *CLASS_WEIGHT_OPTIONS,
        *ENCODING_OPTIONS,
        *SPLIT_OPTIONS,
        *OTHER_OPTIONS,
        *TUNING_OPTIONS,
        *LINEAGE_OPTIONS,
        *REGISTRY_OPTIONS,
    ),
    encoding=encoding,
    reading=Reading(ordered=False, passes="many"),
    state=LogisticState,
    max_classes=50,
    n_columns=lambda state: state.weights.shape[-1],
    train=train,
    predict=predict,
    scores_sql=scores_sql,
    attributions_sql=attributions_sql,
    explainer=explainer,
    check=check_linear,
)
