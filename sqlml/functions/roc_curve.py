"""ML.ROC_CURVE: recall against false positive rate of a classifier with two classes, threshold by threshold.

    SELECT * FROM ML.ROC_CURVE(MODEL churn, TABLE customers, [0.3, 0.5, 0.7])

A row is predicted positive when its score is above the threshold, as in ML.EVALUATE and ML.PREDICT. Thresholds that are given come back
in ascending order, each once. Without them there are up to a hundred, the hundredths of the rows by their scores: each is a score that
occurs, so the last one, the highest score, has no positives. The true_positives … false_negatives of a threshold are exact.
Without data the rows are those held out from training, or the training rows where none are; above 20,000 different scores thresholds that
are given are then exact to a ten-thousandth of the rows.
Source: reference, functions 2.4; which quantiles BigQuery takes is not documented.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sqlml.functions._evaluation_data import check_binary, is_classifier, score_counts
from sqlml.functions._settings import TRIAL_ID
from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, Relation
from sqlml.metrics.score_counts import roc_curve
from sqlml.models._options import Option, OptionType
from sqlml.types import BIGINT, DOUBLE, Column, Schema

_MAX_THRESHOLDS = 100_000
_SCHEMA = Schema(
    (
        Column("threshold", DOUBLE), Column("recall", DOUBLE), Column("false_positive_rate", DOUBLE), Column("true_positives", BIGINT),
        Column("false_positives", BIGINT), Column("true_negatives", BIGINT), Column("false_negatives", BIGINT),
    )
)  # fmt: skip


@dataclass(frozen=True)
class Thresholds(OptionType):
    """A non-empty array of numbers that are finite."""

    def convert(self, value: object) -> tuple[float, ...]:
        if not isinstance(value, list) or not 0 < len(value) <= _MAX_THRESHOLDS:
            raise ValueError(f"must be an array of 1 to {_MAX_THRESHOLDS} numbers")
        if not all(isinstance(item, int | float) and not isinstance(item, bool) and math.isfinite(item) for item in value):
            raise ValueError("must be an array of finite numbers")
        return tuple(float(item) for item in value)

    def describe(self) -> str:
        return "ARRAY<FLOAT64>"


def bind(call: BoundCall, context: CallContext) -> Relation:
    check_binary(call.model, "ROC_CURVE")
    scores, form = score_counts(call, context, "ROC_CURVE")
    return Relation(roc_curve(scores, call.settings["thresholds"]), _SCHEMA, form.form, form.reason)


SPEC = FunctionSpec(
    name="ROC_CURVE",
    doc="Recall and false positive rate of a binary classifier at many thresholds.",
    data="optional",
    settings=(
        Option("thresholds", Thresholds(), default=None, doc="The thresholds, as an array behind the data; about 100 quantiles of scores."),
        TRIAL_ID,
    ),
    applies_to=is_classifier,
    bind=bind,
    positional="thresholds",
)
