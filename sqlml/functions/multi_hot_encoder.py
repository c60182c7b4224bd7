"""ML.MULTI_HOT_ENCODER: an array of categories as a sparse vector.

    SELECT ML.MULTI_HOT_ENCODER(tags, 1000, 2) OVER () FROM articles

One (index, 1.0) for each distinct category of the row, ascending; rare and unknown ones and NULLs share one (0, 1.0), which comes last. The
vocabulary is that of ML.LABEL_ENCODER over all elements, where a category counts once per row. An empty array gives an empty vector.
A NULL array is [(0, 1.0)]: the reference has no example, and says of all encoders that NULL is index 0.
Source: reference, functions 5.3; ['a','b','b','c',NULL], ['c','c','d','d',NULL] with (3, 1) give indexes 1,2,3,0 and 3,0.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.functions._list_sql import each, histogram, or_empty, struct
from sqlml.functions._statistics import Statistic
from sqlml.functions._terms import CATEGORIES_KEPT, PAIRS, THRESHOLD, terms, texts_of, vocabulary
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec

_LAST = str(2**63 - 1)
"""What index 0 is called while indexes are put in order."""


def _statistics(arguments: Arguments) -> tuple[Statistic, ...]:
    return terms(arguments, texts_of(arguments, "array_expression"), is_list=True)


def _expression(arguments: Arguments, learned: Sequence[Learned]) -> str:
    categories = texts_of(arguments, "array_expression")
    codes = vocabulary(learned).codes(categories)
    placed = each(codes, "__sqlml_code", f"CASE WHEN __sqlml_code = 0 THEN {_LAST} ELSE __sqlml_code END")
    index = f"CASE WHEN __sqlml_place = {_LAST} THEN 0 ELSE __sqlml_place END"
    found = each(sql.call("map_keys", histogram(placed)), "__sqlml_place", struct(index=sql.cast(index, "BIGINT"), value="1.0e0"))
    missing = sql.cast(sql.call("list_value", sql.call("row", "0", "1.0e0")), PAIRS)
    return f"CASE WHEN {categories} IS NULL THEN {missing} ELSE {or_empty(found, PAIRS)} END"


SPEC = ValueSpec(
    name="ML.MULTI_HOT_ENCODER",
    doc="An array of categories as a vector of their indexes in alphabetical order, each with 1.0.",
    parameters=(Parameter("array_expression", Takes.STRINGS), CATEGORIES_KEPT, THRESHOLD),
    statistics=_statistics,
    expression=_expression,
)
