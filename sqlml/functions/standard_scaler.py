"""ML.STANDARD_SCALER: a number on the scale of its mean and standard deviation.

    SELECT ML.STANDARD_SCALER(income) OVER () FROM customers

(x - mean) / deviation over all rows, NULL for NULL. A column that does not vary gives 0, and so do other numbers that a model meets later.
Source: reference, functions 5.3. The deviation is the population's, as measured on live BigQuery (semantics 2); the vendor's printed sample
shows the sample's (n - 1).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.functions._statistics import Moment, Statistic
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec


def _statistics(arguments: Arguments) -> tuple[Statistic, ...]:
    value = arguments.sql("numerical_expression")
    return Moment("mean", value), Moment("stddev", value)


def _expression(arguments: Arguments, learned: Sequence[Learned]) -> str:
    mean, stddev = learned
    value = sql.cast(arguments.sql("numerical_expression"), "DOUBLE")
    # x - x: a sum of equal numbers is rounded, so that x - mean would not be 0.
    return f"CASE WHEN {stddev} = 0.0e0 THEN {value} - {value} ELSE ({value} - {mean}) / {stddev} END"


SPEC = ValueSpec(
    name="ML.STANDARD_SCALER",
    doc="A number less its mean, divided by its (population) standard deviation.",
    parameters=(Parameter("numerical_expression", Takes.NUMBER),),
    statistics=_statistics,
    expression=_expression,
)
