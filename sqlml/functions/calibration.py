"""ML.CALIBRATION: whether probabilities are what they say: mean predicted probability against observed rate, bin by bin.

    SELECT * FROM ML.CALIBRATION(MODEL churn, TABLE customers, STRUCT(20 AS num_bins))

Two classes: the probability of the positive class against the share of positive rows. More classes: the probability of the predicted class
(its confidence) against the share of rows where it is right, so observed_rate is an accuracy and brier_score the squared error of the
confidence, not the sum over classes. Bins have the same width, [lower_bound, upper_bound), the last one includes 1; an empty bin has
n_rows 0 and NULLs. expected_calibration_error and brier_score belong to all rows and stand on every one.
Without data the rows are those held out from training, or the training rows where none are; above 20,000 different scores they are
approximate to 1e-4.
Source: sqlml's own; BigQuery has no such function.
"""

from __future__ import annotations

from sqlml.functions._evaluation_data import is_classifier, score_counts
from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, Relation
from sqlml.metrics.score_counts import calibration
from sqlml.models._options import Integer, Option
from sqlml.types import BIGINT, DOUBLE, Column, Schema

_SCHEMA = Schema(
    (
        Column("bin", BIGINT), Column("lower_bound", DOUBLE), Column("upper_bound", DOUBLE), Column("n_rows", BIGINT),
        Column("mean_predicted", DOUBLE), Column("observed_rate", DOUBLE), Column("expected_calibration_error", DOUBLE),
        Column("brier_score", DOUBLE),
    )
)  # fmt: skip


def bind(call: BoundCall, context: CallContext) -> Relation:
    scores, form = score_counts(call, context, "CALIBRATION")
    return Relation(calibration(scores, call.settings["num_bins"]), _SCHEMA, form.form, form.reason)


SPEC = FunctionSpec(
    name="CALIBRATION",
    doc="Predicted probabilities against observed rates by bin, expected calibration error and Brier score.",
    data="optional",
    settings=(Option("num_bins", Integer(ge=1, le=10_000), default=10, doc="Bins of the same width from 0 to 1."),),
    applies_to=is_classifier,
    bind=bind,
)
