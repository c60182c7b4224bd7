"""ML.MIN_MAX_SCALER: a number on the scale from the smallest to the largest.

    SELECT ML.MIN_MAX_SCALER(income) OVER () FROM customers

(x - min) / (max - min), capped to 0 and 1 where a model meets numbers beyond those it was trained on; NULL for NULL, NaN for NaN. Where all
numbers were the same, that one and anything below it is 0, anything above it 1 (what BigQuery does is not documented).
Source: reference, functions 5.3 and semantics 2.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.functions._statistics import Moment, Statistic
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec


def _statistics(arguments: Arguments) -> tuple[Statistic, ...]:
    value = arguments.sql("numerical_expression")
    return Moment("min", value), Moment("max", value)


def _expression(arguments: Arguments, learned: Sequence[Learned]) -> str:
    low, high = learned
    value = sql.cast(arguments.sql("numerical_expression"), "DOUBLE")
    # Only what lies strictly between reaches the division, so it is never by zero. NaN compares as the largest number.
    return (
        f"CASE WHEN {value} <= {low} THEN 0.0e0 WHEN {value} >= {high} AND NOT {sql.call('isnan', value)} THEN 1.0e0 "
        f"ELSE ({value} - {low}) / ({high} - {low}) END"
    )


SPEC = ValueSpec(
    name="ML.MIN_MAX_SCALER",
    doc="A number as its place between the smallest and the largest: 0 to 1.",
    parameters=(Parameter("numerical_expression", Takes.NUMBER),),
    statistics=_statistics,
    expression=_expression,
)
