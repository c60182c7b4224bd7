"""ML.EXPLAIN_PREDICT: predictions with what each feature added to them, in front of the rows' own columns.

    SELECT * FROM ML.EXPLAIN_PREDICT(MODEL churn, TABLE customers, STRUCT(3 AS top_k_features, 0.7 AS threshold))

    prediction_value = baseline_prediction_value + the sum of all attributions

Features are what the learner reads: the columns of the training query or the outputs of TRANSFORM, fields of structs one by one; the
categories of a column and the parts of a timestamp are one feature. Regression explains the prediction, classification the log odds (two
classes) or the logit (more) of the class that is predicted: where the lower of two classes is, all signs are turned.

Linear models: Shapley values against the row with every number at its mean and without a category, whose value is the baseline, as in
ML.WEIGHTS with `standardize`: weight times (number - mean), the weight of the category, weight times number in arrays. Trees: TreeSHAP,
or with `approx_feature_contrib` what every split on the row's way changed; the baseline is the mean over the training rows as the trees
know it. Both are exact sums, so approximation_error is 0.
A relation of as many rows as its input. Source: reference, functions 4 and 4.1. The reference has predicted_<label> of a regressor as text
in places; here it is the number, as in ML.PREDICT.
"""

from __future__ import annotations

from sqlml import sql
from sqlml.functions._beside_input import kept_columns
from sqlml.functions._labels import class_sql, classes_sql, label_type
from sqlml.functions._settings import check_threshold, threshold_setting
from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, LoadedModel, Relation
from sqlml.models._options import Boolean, Effect, Integer, Option, OptionError
from sqlml.models._spec import Task
from sqlml.models._xgboost.trees import TreeState
from sqlml.types import DOUBLE, Column, Schema, SqlType

_EXPLAINED, _SCORE, _BASELINE, _ATTRIBUTIONS = "__sqlml_explained", "__sqlml_score", "__sqlml_baseline", "__sqlml_attributions"
_TOP = SqlType("STRUCT(feature VARCHAR, attribution DOUBLE)[]")


def bind(call: BoundCall, context: CallContext) -> Relation:
    model, data, settings = call.model, call.data, call.settings
    assert data is not None  # the spec requires it
    check_threshold(model, settings)
    if settings["approx_feature_contrib"] and model.spec.state is not TreeState:
        raise OptionError(
            "approx_feature_contrib",
            f"approx_feature_contrib applies to trees only; this is a {model.spec.model_type} model, whose attributions are exact",
            code="option_not_applicable", hint="leave it out",
        )  # fmt: skip
    explained = context.explanations(model, data, approximate=settings["approx_feature_contrib"])
    outputs = _outputs(model, explained.features, settings["threshold"], settings["top_k_features"])
    kept = kept_columns("ML.EXPLAIN_PREDICT", [column for column, _ in outputs], data)
    names = "".join(f", {sql.quote(column.name)}" for column in kept)
    own = "".join(f", {explained.data.own(column.name)} AS {sql.quote(column.name)}" for column in kept)
    inner = f"SELECT {explained.sql} AS {_EXPLAINED}{own} FROM {explained.data.relation}"
    split = f"SELECT {_split(model, settings['threshold'])}{names} FROM ({inner})"
    selected = ", ".join(f"{expression} AS {sql.quote(column.name)}" for column, expression in outputs)
    query = f"SELECT {selected}{names} FROM ({split})"
    return Relation(query, Schema((*(column for column, _ in outputs), *kept)), explained.form, explained.reason)


def scores_sql(model: LoadedModel, explained: str) -> str:
    """The scores of an explanation as ML.PREDICT has them: a number, or a list for more than two classes."""
    if len(model.classes) <= 2:
        return sql.call("list_extract", explained, "1")
    return sql.call("list_slice", explained, "1", str(len(model.classes)))


def attributions_sql(model: LoadedModel, explained: str) -> str:
    """The attributions of an explanation, as a list; for two classes those of the higher one."""
    return sql.call("list_slice", explained, str(_place_of_baseline(model) + 1), sql.call("len", explained))


def predicted_code_sql(model: LoadedModel, score: str, threshold: float) -> str:
    """The code (from 0) of the predicted class."""
    if len(model.classes) == 2:
        return f"CASE WHEN {score} > {sql.literal(threshold)} THEN 1 ELSE 0 END"
    return f"({sql.call('list_position', score, sql.call('list_max', score))} - 1)"


def _place_of_baseline(model: LoadedModel) -> int:
    return (len(model.classes) if len(model.classes) > 2 else 1) + 1


def _split(model: LoadedModel, threshold: float) -> str:
    """Scores, baseline and attributions over `__sqlml_explained`, for the predicted class."""
    score = scores_sql(model, _EXPLAINED)
    baseline = sql.call("list_extract", _EXPLAINED, str(_place_of_baseline(model)))
    attributions = attributions_sql(model, _EXPLAINED)
    if len(model.classes) == 2:
        turned = sql.call("list_transform", attributions, f"lambda __sqlml_of: {sql.literal(0.0)} - __sqlml_of")
        is_higher = f"{score} > {sql.literal(threshold)}"
        baseline = f"CASE WHEN {is_higher} THEN {baseline} ELSE -{baseline} END"
        attributions = f"CASE WHEN {is_higher} THEN {attributions} ELSE {turned} END"
    return f"{score} AS {_SCORE}, {baseline} AS {_BASELINE}, {attributions} AS {_ATTRIBUTIONS}"


def _outputs(model: LoadedModel, features: tuple[str, ...], threshold: float, n_top: int) -> list[tuple[Column, str]]:
    """The function's own columns, and their SQL over `_split`."""
    explaining = [
        (Column("top_feature_attributions", _TOP), _top(features, n_top)),
        (Column("baseline_prediction_value", DOUBLE), _BASELINE),
        (Column("prediction_value", DOUBLE), _value(model)),
        (Column("approximation_error", DOUBLE), sql.literal(0.0)),
    ]
    label = Column(f"predicted_{model.label}", label_type(model))
    if model.spec.task is Task.REGRESSION:
        return [(label, _SCORE), *explaining]
    code = predicted_code_sql(model, _SCORE, threshold)
    if len(model.classes) == 2:
        predicted = f"CASE WHEN {code} = 1 THEN {class_sql(model, 1)} ELSE {class_sql(model, 0)} END"
        probability = f"CASE WHEN {code} = 1 THEN {_SCORE} ELSE 1.0e0 - {_SCORE} END"
    else:
        predicted = sql.call("list_extract", classes_sql(model), f"{code} + 1")
        probability = sql.call("list_max", _SCORE)
    return [(label, predicted), (Column("probability", DOUBLE), probability), *explaining]


def _value(model: LoadedModel) -> str:
    # The logit of a probability near 1 would have lost its digits; the sum has them.
    return _SCORE if model.spec.task is Task.REGRESSION else f"({_BASELINE} + {sql.call('list_sum', _ATTRIBUTIONS)})"


def _top(features: tuple[str, ...], n_top: int) -> str:
    """The attributions of largest absolute value with the names of their features, those that come first among equals."""
    sized = sql.call("struct_pack", f"size := -{sql.call('abs', '__sqlml_of')}", "place := __sqlml_at", "attribution := __sqlml_of")
    ranked = sql.call("list_sort", sql.call("list_transform", _ATTRIBUTIONS, f"lambda __sqlml_of, __sqlml_at: {sized}"))
    feature = sql.call("list_extract", sql.literal(list(features)), "__sqlml_of.place")
    named = sql.call("struct_pack", f"feature := {feature}", "attribution := __sqlml_of.attribution")
    return sql.call("list_transform", sql.call("list_slice", ranked, "1", str(n_top)), f"lambda __sqlml_of: {named}")


SPEC = FunctionSpec(
    name="EXPLAIN_PREDICT",
    doc="Predictions with what each feature added to them, in front of the input's columns.",
    data="required",
    settings=(
        Option("top_k_features", Integer(ge=1), default=5, doc="The number of attributions shown, the largest; more than there are: all."),
        threshold_setting(),
        Option(
            "integrated_gradients_num_steps", Integer(ge=1), default=15, effect=Effect.NOTICE,
            reason="without effect: it applies to neural networks, and attributions of linear models and trees are exact",
            doc="Neural networks: steps from the baseline to the row.",
        ),
        Option("approx_feature_contrib", Boolean(), default=False, doc="Trees: what each split changed, instead of Shapley values."),
    ),
    applies_to=lambda spec: spec.explainer is not None,
    bind=bind,
)  # fmt: skip
