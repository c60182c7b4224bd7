"""ML.IMPUTER: what stands for NULL.

    SELECT ML.IMPUTER(income, 'median') OVER () FROM customers

The strategy is 'mean' or 'median' (numbers), or 'most_frequent' (numbers and strings; of several the smallest). Everything else stays,
also NaN. Numbers give FLOAT64 whatever their type, strings STRING. The median is a number of the column: of an even count the lower of the
two in the middle. A column of NULLs stays NULL. Source: reference, functions 5.3 and semantics 2.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.functions._literals import Word
from sqlml.functions._statistics import Moment, MostFrequent, Quantile, Statistic
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec
from sqlml.types import Kind


def _check(arguments: Arguments) -> None:
    strategy = arguments.literals["strategy"]
    type_ = arguments.type("expression")
    if type_ is None and strategy == "most_frequent":
        raise arguments.error(
            "expression", "the type of the expression is not known before the statement runs",
            hint="compute it in a sub-query first: SELECT ML.IMPUTER(x, 'most_frequent') OVER () FROM (SELECT … AS x …)",
        )  # fmt: skip
    if type_ is not None and type_.kind is Kind.STRING and strategy != "most_frequent":
        raise arguments.error(
            "expression", f"strategy {strategy!r} takes a number, got {type_}", hint="strings are imputed with 'most_frequent'"
        )


def _statistics(arguments: Arguments) -> tuple[Statistic, ...]:
    value = arguments.sql("expression")
    match arguments.literals["strategy"]:
        case "mean":
            return (Moment("mean", value),)
        case "median":
            return (Quantile(value, 0.5),)
    type_ = arguments.type("expression")
    return (MostFrequent(value, is_number=type_ is None or type_.kind is not Kind.STRING),)


def _expression(arguments: Arguments, learned: Sequence[Learned]) -> str:
    type_ = arguments.type("expression")
    result = "VARCHAR" if type_ is not None and type_.kind is Kind.STRING else "DOUBLE"
    value, otherwise = sql.cast(arguments.sql("expression"), result), sql.cast(str(learned[0]), result)
    return f"coalesce({value}, {otherwise})"


SPEC = ValueSpec(
    name="ML.IMPUTER",
    doc="A value, or the mean, median or most frequent one in the place of NULL.",
    parameters=(
        Parameter("expression", Takes.NUMBER_OR_STRING),
        Parameter("strategy", literal=Word(("mean", "median", "most_frequent"))),
    ),
    statistics=_statistics,
    expression=_expression,
    check=_check,
)
