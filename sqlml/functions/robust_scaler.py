"""ML.ROBUST_SCALER: a number on the scale of its median and quartiles, which a few extreme numbers do not move.

    SELECT ML.ROBUST_SCALER(income, [10, 90]) OVER () FROM customers

(x - median) / (quantile high - quantile low); the quantiles are [25, 75] unless given, in whole percent. `with_median` FALSE leaves the
number uncentred, `with_quantile_range` FALSE undivided. NULL for NULL. Where both quantiles are equal, the number is centred only.
Quantiles are numbers of the column, number ceil(fraction * n) of n, not interpolated: the median of an even count is the lower of the two
in the middle. Source: reference, functions 5.3 and semantics 2 (measured on live BigQuery).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.functions._literals import QuantileRange
from sqlml.functions._quantiles import quantile
from sqlml.functions._statistics import Statistic
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec
from sqlml.models._options import Boolean


def _statistics(arguments: Arguments) -> tuple[Statistic, ...]:
    value = arguments.sql("numerical_expression")
    low, high = arguments.literals["quantile_range"]
    centre = [quantile(value, 50, 100)] if arguments.literals["with_median"] else []
    spread = [quantile(value, low, 100), quantile(value, high, 100)] if arguments.literals["with_quantile_range"] else []
    return (*centre, *spread)


def _expression(arguments: Arguments, learned: Sequence[Learned]) -> str:
    scaled = sql.cast(arguments.sql("numerical_expression"), "DOUBLE")
    quantiles = list(learned)
    if arguments.literals["with_median"]:
        scaled = f"({scaled} - {quantiles.pop(0)})"
    if arguments.literals["with_quantile_range"]:
        low, high = quantiles
        scaled = f"({scaled} / CASE WHEN {low} = {high} THEN 1.0e0 ELSE {high} - {low} END)"
    return scaled


SPEC = ValueSpec(
    name="ML.ROBUST_SCALER",
    doc="A number less its median, divided by the range between two quantiles.",
    parameters=(
        Parameter("numerical_expression", Takes.NUMBER),
        Parameter("quantile_range", literal=QuantileRange(), default=(25, 75)),
        Parameter("with_median", literal=Boolean(), default=True),
        Parameter("with_quantile_range", literal=Boolean(), default=True),
    ),
    statistics=_statistics,
    expression=_expression,
)
