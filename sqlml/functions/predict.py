"""ML.PREDICT: the model's answer for every row, in front of the row's own columns.

    SELECT * FROM ML.PREDICT(MODEL churn, TABLE customers, STRUCT(0.7 AS threshold))

    SELECT * FROM ML.PREDICT(MODEL prices, TABLE houses, STRUCT(0.9 AS confidence_level))

With `confidence_level`, regressors add prediction_interval_lower_bound and prediction_interval_upper_bound behind the prediction: the
interval that holds that share of new values, whatever their distribution, as far as new rows are like those held out from training
(split-conformal).

A relation of as many rows as its input. The scores come from the model as SQL or from its native predictor; turning scores into output
columns is SQL in both.
Classes of a binary classifier are listed with the positive one first, as the vendor's samples are. Prediction intervals are sqlml's own.
Source: reference, functions 1.1.
"""

from __future__ import annotations

from sqlml import sql
from sqlml.functions._beside_input import beside_input
from sqlml.functions._labels import class_sql, classes_sql, label_type
from sqlml.functions._prediction_interval import CONFIDENCE_LEVEL, half_width
from sqlml.functions._prediction_interval import SETTING as INTERVAL
from sqlml.functions._settings import TRIAL_ID, check_threshold, threshold_setting
from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, LoadedModel, Relation
from sqlml.models._options import Boolean, Option, OptionError
from sqlml.models._spec import Task
from sqlml.types import BIGINT, DOUBLE, Column, SqlType

_SCORE = "__sqlml_score"
_ANY_THRESHOLD = 0.5
"""The columns are the same with each."""
_NEAREST = 5
"""Centroids listed in NEAREST_CENTROIDS_DISTANCE, at most."""


def bind(call: BoundCall, context: CallContext) -> Relation:
    model, data = call.model, call.data
    assert data is not None  # the spec requires it
    check_threshold(model, call.settings)
    if "keep_original_columns" in call.settings.given and model.spec.task is not Task.DIMENSION_REDUCTION:
        raise OptionError("keep_original_columns", "keep_original_columns applies to PCA models only", code="option_not_applicable")
    level = call.settings[INTERVAL]
    width = None if level is None else half_width(model, level)
    scores = context.scores(model, data)
    outputs = _outputs(model, call.settings["threshold"])
    if width is not None:
        outputs += _interval(width)
    keep = model.spec.task is not Task.DIMENSION_REDUCTION or call.settings["keep_original_columns"]
    inner = [f"{scores.sql} AS {_SCORE}"]
    query, schema = beside_input("ML.PREDICT", outputs, inner, scores.data.relation, scores.data, data, keep=keep)
    return Relation(query, schema, scores.form, scores.reason)


def output_columns(model: LoadedModel) -> list[Column]:
    """What a prediction puts in front of the input's columns when nothing else is asked of it; none where the model predicts nothing."""
    return [column for column, _ in _outputs(model, _ANY_THRESHOLD)] if model.spec.task.predicts else []


def _outputs(model: LoadedModel, threshold: float) -> list[tuple[Column, str]]:
    """The model's own columns, and their SQL over `__sqlml_score`."""
    match model.spec.task:
        case Task.REGRESSION:
            return [(Column(f"predicted_{model.label}", DOUBLE), _SCORE)]
        case Task.CLASSIFICATION:
            return _classification(model, threshold)
        case Task.CLUSTERING:
            return _clustering()
        case Task.DIMENSION_REDUCTION:
            count = len(model.state.components)
            return [
                (Column(f"principal_component_{index}", DOUBLE), sql.call("list_extract", _SCORE, str(index)))
                for index in range(1, count + 1)
            ]
        case Task.PREPROCESSING:
            raise AssertionError("the spec excludes it")


def _interval(half_width: float) -> list[tuple[Column, str]]:
    width = sql.literal(half_width)
    return [
        (Column("prediction_interval_lower_bound", DOUBLE), f"{_SCORE} - {width}"),
        (Column("prediction_interval_upper_bound", DOUBLE), f"{_SCORE} + {width}"),
    ]


def _classification(model: LoadedModel, threshold: float) -> list[tuple[Column, str]]:
    type_ = label_type(model)
    label = Column(f"predicted_{model.label}", type_)
    probs = Column(f"predicted_{model.label}_probs", SqlType(f'STRUCT("label" {type_}, prob DOUBLE)[]'))
    if len(model.classes) == 2:
        negative, positive = class_sql(model, 0), class_sql(model, 1)
        predicted = f"CASE WHEN {_SCORE} > {sql.literal(threshold)} THEN {positive} ELSE {negative} END"
        pairs = (_pair(positive, _SCORE), _pair(negative, f"1.0e0 - {_SCORE}"))
        return [(label, predicted), (probs, sql.call("list_value", *pairs))]
    classes = classes_sql(model)
    best = sql.call("list_position", _SCORE, sql.call("list_aggregate", _SCORE, "'max'"))
    positions = sql.call("range", "1", str(len(model.classes) + 1))
    pair = _pair(sql.call("list_extract", classes, "i"), sql.call("list_extract", _SCORE, "i"))
    return [
        (label, sql.call("list_extract", classes, best)),
        (probs, sql.call("list_transform", positions, f"lambda i: {pair}")),
    ]


def _pair(label: str, probability: str) -> str:
    return sql.call("struct_pack", f"label := {label}", f"prob := {probability}")


def _clustering() -> list[tuple[Column, str]]:
    order = sql.call("list_grade_up", _SCORE)
    nearest = sql.call("list_slice", order, "1", str(_NEAREST))
    pair = sql.call("struct_pack", "CENTROID_ID := CAST(i AS BIGINT)", f"DISTANCE := {sql.call('list_extract', _SCORE, 'i')}")
    return [
        (Column("CENTROID_ID", BIGINT), sql.cast(sql.call("list_extract", order, "1"), "BIGINT")),
        (
            Column("NEAREST_CENTROIDS_DISTANCE", SqlType("STRUCT(CENTROID_ID BIGINT, DISTANCE DOUBLE)[]")),
            sql.call("list_transform", nearest, f"lambda i: {pair}"),
        ),
    ]


SPEC = FunctionSpec(
    name="PREDICT",
    doc="The model's prediction for every row of the input, in front of the input's columns.",
    data="required",
    settings=(
        threshold_setting(),
        CONFIDENCE_LEVEL,
        Option("keep_original_columns", Boolean(), default=False, doc="PCA: whether the input's columns follow the components."),
        TRIAL_ID,
    ),
    applies_to=lambda spec: spec.task.predicts,
    bind=bind,
)
