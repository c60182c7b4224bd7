"""ML.LIFT: how much richer in positives the rows with the highest scores are, decile by decile.

    SELECT * FROM ML.LIFT(MODEL churn, TABLE customers)

Ten rows; decile 1 holds the rows with the highest scores. Rows with the same score share a decile, that of the first of them: the result
does not depend on the order of rows, but deciles then differ in size, and one that lies within a tie is empty, with NULL rates.
response_rate is the share of positives in the decile, lift that share over the one of all rows; the cumulative columns are the same of all
deciles up to this one, and cumulative_gain is the share of all positives found by then.
Without data the rows are those held out from training, or the training rows where none are; above 20,000 different scores deciles are
exact to a ten-thousandth of the rows.
Source: sqlml's own; BigQuery has no such function.
"""

from __future__ import annotations

from sqlml.functions._evaluation_data import check_binary, is_classifier, score_counts
from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, Relation
from sqlml.metrics.score_counts import lift
from sqlml.types import BIGINT, DOUBLE, Column, Schema

_RATES = ("response_rate", "cumulative_response_rate", "lift", "cumulative_lift", "cumulative_gain")
_SCHEMA = Schema(
    (*(Column(name, BIGINT) for name in ("decile", "n_rows", "n_positives")), *(Column(name, DOUBLE) for name in _RATES)),
)


def bind(call: BoundCall, context: CallContext) -> Relation:
    check_binary(call.model, "LIFT")
    scores, form = score_counts(call, context, "LIFT")
    return Relation(lift(scores), _SCHEMA, form.form, form.reason)


SPEC = FunctionSpec(
    name="LIFT",
    doc="Response rate, lift and gain of a binary classifier by decile of the score.",
    data="optional",
    settings=(),
    applies_to=is_classifier,
    bind=bind,
)
