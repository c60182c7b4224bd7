"""ML.LABEL_ENCODER: a category as a number.

    SELECT ML.LABEL_ENCODER(city, 100, 10) OVER () FROM customers

The vocabulary holds the categories of at least `frequency_threshold` rows (5 unless given), of those the `top_k` most frequent (32,000; of
equals the first by alphabet), numbered from 1 in alphabetical order. NULL and everything outside of it is 0.
Source: reference, functions 5.3. (NULL, a, b, b, c, c, c, d, d; 2, 2) gives 0, 0, 1, 1, 2, 2, 2, 0, 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml.functions._statistics import Statistic
from sqlml.functions._terms import CATEGORIES_KEPT, THRESHOLD, terms, text_of, vocabulary
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec


def _statistics(arguments: Arguments) -> tuple[Statistic, ...]:
    return terms(arguments, text_of(arguments, "string_expression"), is_list=False)


def _expression(arguments: Arguments, learned: Sequence[Learned]) -> str:
    return vocabulary(learned).code(text_of(arguments, "string_expression"))


SPEC = ValueSpec(
    name="ML.LABEL_ENCODER",
    doc="The number of a category in alphabetical order, from 1; 0 for rare and unknown ones and NULL.",
    parameters=(Parameter("string_expression", Takes.STRING), CATEGORIES_KEPT, THRESHOLD),
    statistics=_statistics,
    expression=_expression,
)
