"""ML.WEIGHTS: what a linear or logistic regression has learned, one row per input, the intercept last.

    SELECT * FROM ML.WEIGHTS(MODEL body_mass)
    SELECT * FROM ML.WEIGHTS(MODEL body_mass, STRUCT(TRUE AS standardize))

By default weights apply to the input columns as they are. With `standardize` they apply to numbers of mean 0 and (sample) standard
deviation 1, which makes them comparable; weights of categories stay, and the intercept is the prediction at mean numbers without any
category. The numbers of an array have a weight per position, which stands where those of categories do, under '0', '1', …; they are not
scaled. A multiclass model has all this once per class.
Source: reference, functions 3.2; semantics 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sqlml.features.layout import CategoryTerm, Layout, NumericTerm
from sqlml.functions._feature_values import column_labels
from sqlml.functions._linear_units import INTERCEPT, in_units, intercept_at
from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, Relation
from sqlml.models._options import Boolean, Option
from sqlml.models.linear_reg import LinearState
from sqlml.models.logistic_reg import LogisticState
from sqlml.state import FloatArray
from sqlml.types import DOUBLE, VARCHAR, Column, Schema, SqlType

_CATEGORY_WEIGHTS = SqlType("STRUCT(category VARCHAR, weight DOUBLE)[]")
_ARROW_CATEGORY_WEIGHTS = pa.list_(pa.struct({"category": pa.string(), "weight": pa.float64()}))


@dataclass(frozen=True, slots=True)
class _Row:
    processed_input: str
    weight: float | None
    category_weights: list[dict[str, object]] | None


def bind(call: BoundCall, context: CallContext) -> Relation:
    model = call.model
    weights, intercepts = _outputs(model.state)
    standardize = call.settings["standardize"]
    n_train = model.version.record.n_train
    rows = [
        _rows(model.layout, of_output, intercept, standardize, n_train) for of_output, intercept in zip(weights, intercepts, strict=True)
    ]
    flat = [row for of_output in rows for row in of_output]
    columns: dict[str, tuple[SqlType, pa.Array]] = {
        "processed_input": (VARCHAR, pa.array([row.processed_input for row in flat], pa.string())),
        "weight": (DOUBLE, pa.array([row.weight for row in flat], pa.float64())),
        "category_weights": (_CATEGORY_WEIGHTS, pa.array([row.category_weights for row in flat], _ARROW_CATEGORY_WEIGHTS)),
    }
    if len(rows) > 1:
        labels = [label for label, of_output in zip(model.classes, rows, strict=True) for _ in of_output]
        columns["class_label"] = (VARCHAR, pa.array(labels, pa.string()))
    schema = Schema(tuple(Column(name, type_) for name, (type_, _) in columns.items()))
    table = pa.table({name: values for name, (_, values) in columns.items()})
    return Relation(context.table(table), schema, "rows", "read from the weights of the model")


def _outputs(state: LinearState | LogisticState) -> tuple[FloatArray, FloatArray]:
    """Weights `[n_outputs, n_columns]` and intercepts `[n_outputs]`."""
    if isinstance(state, LinearState):
        return state.weights[None, :], np.array([state.intercept])
    return state.weights, state.intercepts


def _rows(layout: Layout, weights: FloatArray, intercept: float, standardize: bool, n_train: int) -> list[_Row]:
    rows = []
    for term, columns in zip(layout.terms, layout.slices, strict=True):
        of_term = weights[columns].tolist()
        if isinstance(term, NumericTerm):
            rows.append(_Row(term.name, in_units(term, of_term[0], standardize, n_train), None))
            continue
        if isinstance(term, CategoryTerm) and term.dropped is not None:
            of_term.insert(term.dropped, 0.0)
        rows.append(
            _Row(
                term.name, None,
                [{"category": category, "weight": weight} for category, weight in zip(column_labels(term), of_term, strict=True)],
            )
        )  # fmt: skip
    return [*rows, _Row(INTERCEPT, intercept_at(layout, weights, intercept, standardize), None)]


STANDARDIZE = Option(
    "standardize", Boolean(), default=False,
    doc="Weights of numbers scaled to mean 0 and standard deviation 1, instead of those of the columns as they are.",
)  # fmt: skip

SPEC = FunctionSpec(
    name="WEIGHTS",
    doc="The weights of a linear or logistic regression, one row per input, the intercept last.",
    data="none",
    settings=(STANDARDIZE,),
    applies_to=lambda spec: spec.state in (LinearState, LogisticState),
    bind=bind,
)
