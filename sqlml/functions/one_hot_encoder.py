"""ML.ONE_HOT_ENCODER: a category as a sparse vector with one entry.

    SELECT ML.ONE_HOT_ENCODER(city, 'most_frequent', 100, 10) OVER () FROM customers

[(index, 1.0)] with the index that ML.LABEL_ENCODER gives; NULL and unknown are [(0, 1.0)]. With drop = 'most_frequent' the most frequent
category keeps its index with the value 0.0, so that it is the one the others are measured against.
Source: reference, functions 5.3.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.functions._list_sql import each, part, struct
from sqlml.functions._statistics import Statistic
from sqlml.functions._terms import CATEGORIES_KEPT, THRESHOLD, terms, text_of, vocabulary
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec
from sqlml.models._options import String


def _statistics(arguments: Arguments) -> tuple[Statistic, ...]:
    return terms(arguments, text_of(arguments, "string_expression"), is_list=False)


def _expression(arguments: Arguments, learned: Sequence[Learned]) -> str:
    known = vocabulary(learned)
    code = known.code(text_of(arguments, "string_expression"))
    if arguments.literals["drop"] == "NONE":
        return sql.call("list_value", struct(index=code, value="1.0e0"))
    index, dropped = part("__sqlml_coded", 1), part("__sqlml_coded", 2)
    value = f"CASE WHEN {index} > 0 AND {index} = {dropped} THEN 0.0e0 ELSE 1.0e0 END"
    coded = sql.call("list_value", sql.call("row", code, known.most_frequent))
    return each(coded, "__sqlml_coded", struct(index=index, value=value))


SPEC = ValueSpec(
    name="ML.ONE_HOT_ENCODER",
    doc="A category as a vector of its index in alphabetical order and 1.0.",
    parameters=(
        Parameter("string_expression", Takes.STRING),
        Parameter("drop", literal=String(("NONE", "MOST_FREQUENT")), default="NONE"),
        CATEGORIES_KEPT,
        THRESHOLD,
    ),
    statistics=_statistics,
    expression=_expression,
)
