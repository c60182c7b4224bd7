"""ML.MAX_ABS_SCALER: a number on the scale of the largest absolute value.

    SELECT ML.MAX_ABS_SCALER(balance) OVER () FROM accounts

x / max|x|: the sign stays, nothing is centred or capped. NULL for NULL. Where all numbers were 0, numbers stay as they are, so that those
zeros are 0. Source: reference, functions 5.3 and semantics 2.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.functions._statistics import Moment, Statistic
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec


def _statistics(arguments: Arguments) -> tuple[Statistic, ...]:
    return (Moment("max_abs", arguments.sql("numerical_expression")),)


def _expression(arguments: Arguments, learned: Sequence[Learned]) -> str:
    (largest,) = learned
    value = sql.cast(arguments.sql("numerical_expression"), "DOUBLE")
    return f"({value} / CASE WHEN {largest} = 0.0e0 THEN 1.0e0 ELSE {largest} END)"


SPEC = ValueSpec(
    name="ML.MAX_ABS_SCALER",
    doc="A number divided by the largest absolute value.",
    parameters=(Parameter("numerical_expression", Takes.NUMBER),),
    statistics=_statistics,
    expression=_expression,
)
