"""ML.ADVANCED_WEIGHTS: the weights of a linear or logistic regression with their standard errors and p-values, the intercept last.

    CREATE MODEL body_mass OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['body_mass_g'],
        category_encoding_method = 'DUMMY_ENCODING', calculate_p_values = TRUE) AS SELECT …
    SELECT * FROM ML.ADVANCED_WEIGHTS(MODEL body_mass)
    SELECT * FROM ML.ADVANCED_WEIGHTS(MODEL body_mass, STRUCT(TRUE AS standardize))

One row per number and per category; the category that DUMMY_ENCODING drops has weight 0, standard error 0 and p-value NaN. The positions
of an array stand where categories do. `standardize` means what it means in ML.WEIGHTS, and changes no p-value but the intercept's.

Errors and p-values are statsmodels': of the training rows, sigma² (X'X)⁻¹ with n - k degrees of freedom and Student's t for linear
regression, the inverse of the observed information and the normal distribution for logistic regression. A weight that the rows do not
determine has NULL for both, and so has the intercept without fit_intercept.

BigQuery divides by n, takes the normal distribution for linear regression as well, in an approximation, and leaves the intercept's error
and p-value NULL unless standardised; here the intercept has them always: they are as well defined as any other's.
Source: reference, functions 3.3; semantics 4.
"""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa

from sqlml.errors import ProgrammingError
from sqlml.features.layout import CategoryTerm, NumericTerm
from sqlml.functions._feature_values import column_labels
from sqlml.functions._linear_units import INTERCEPT, in_units, intercept_at
from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, LoadedModel, Relation
from sqlml.functions.weights import STANDARDIZE
from sqlml.models._standard_errors import p_values
from sqlml.models.linear_reg import LinearState
from sqlml.models.logistic_reg import LogisticState
from sqlml.types import DOUBLE, VARCHAR, Column, Schema

_SCHEMA = Schema(
    (
        Column("processed_input", VARCHAR),
        Column("category", VARCHAR),
        Column("weight", DOUBLE),
        Column("standard_error", DOUBLE),
        Column("p_value", DOUBLE),
    )
)

_Row = tuple[str, str | None, float, float | None, float | None]


def bind(call: BoundCall, context: CallContext) -> Relation:
    """Raises: ProgrammingError `without_p_values`."""
    model = call.model
    if not len(model.state.standard_errors):
        raise ProgrammingError(
            f"model {model.version.key} was not trained with calculate_p_values = TRUE, so it has no standard errors",
            code="without_p_values",
            hint="create it again with calculate_p_values = TRUE and category_encoding_method = 'DUMMY_ENCODING', as linear regression or "
            "logistic regression of two classes; ML.WEIGHTS gives the weights alone",
        )  # fmt: skip
    columns = zip(*_rows(model, call.settings["standardize"]), strict=True)
    types = (pa.string(), pa.string(), pa.float64(), pa.float64(), pa.float64())
    table = pa.table({column.name: pa.array(values, type_) for column, values, type_ in zip(_SCHEMA, columns, types, strict=True)})
    return Relation(context.table(table), _SCHEMA, "rows", "read from the weights of the model")


def _rows(model: LoadedModel, standardize: bool) -> list[_Row]:
    state: LinearState | LogisticState = model.state
    layout, errors = model.layout, state.standard_errors[:-2]
    if isinstance(state, LinearState):
        weights, intercept, degrees = state.weights, state.intercept, state.degrees_of_freedom
    else:
        weights, intercept, degrees = state.weights[0], float(state.intercepts[0]), 0
    chances = p_values(weights, errors, degrees)
    n_train = model.version.record.n_train
    rows: list[_Row] = []
    for term, columns in zip(layout.terms, layout.slices, strict=True):
        of_term = [
            (in_units(term, weight, standardize, n_train), in_units(term, error, standardize, n_train), chance)
            for weight, error, chance in zip(*(values[columns].tolist() for values in (weights, errors, chances)), strict=True)
        ]
        if isinstance(term, CategoryTerm) and term.dropped is not None:
            of_term.insert(term.dropped, (0.0, 0.0, math.nan))
        for label, (weight, error, chance) in zip(column_labels(term), of_term, strict=True):
            rows.append(_row(term.name, None if isinstance(term, NumericTerm) else label, weight, error, chance))
    of_intercept = intercept_at(layout, weights, intercept, standardize)
    error = float(state.standard_errors[-1 if standardize else -2])
    chance = float(p_values(np.array([of_intercept]), np.array([error]), degrees)[0])
    return [*rows, _row(INTERCEPT, None, of_intercept, error, chance)]


def _row(name: str, category: str | None, weight: float, error: float, chance: float) -> _Row:
    """NULL for what is not determined; a p-value of NaN is that of 0 / 0."""
    if math.isnan(error):
        return name, category, float(weight), None, None
    return name, category, float(weight), float(error), float(chance)


SPEC = FunctionSpec(
    name="ADVANCED_WEIGHTS",
    doc="The weights of a linear or logistic regression with standard errors and p-values.",
    data="none",
    settings=(STANDARDIZE,),
    applies_to=lambda spec: spec.state in (LinearState, LogisticState),
    bind=bind,
)
