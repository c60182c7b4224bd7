"""From the weights of the learner's columns to those of the user's: what ML.WEIGHTS and ML.ADVANCED_WEIGHTS agree on."""

from __future__ import annotations

import math

from sqlml.features.layout import Layout, NumericTerm, Term
from sqlml.state import FloatArray

INTERCEPT = "__INTERCEPT__"
"""What the row of the intercept is called."""


def in_units(term: Term, value: float, standardize: bool, n_train: int) -> float:
    """A weight of the term, or its standard error, in the units of the user's columns.

    Those of categories and arrays stay. That of a number applies to the input column, or with `standardize` to the column divided by its
    standard deviation in the sample.
    """
    if not isinstance(term, NumericTerm):
        return value
    value /= term.scale
    if not standardize:
        return value
    # The learner's numbers are scaled with the population's standard deviation; what is shown is the sample's.
    return value * term.stddev * (math.sqrt(n_train / (n_train - 1)) if n_train > 1 else 1.0)


def intercept_at(layout: Layout, weights: FloatArray, intercept: float, standardize: bool) -> float:
    """The prediction without any category where the user's numbers are 0, or with `standardize` at their means."""
    for term, columns in zip(layout.terms, layout.slices, strict=True):
        if isinstance(term, NumericTerm):
            slope = float(weights[columns.start]) / term.scale
            intercept += slope * ((term.mean if standardize else 0.0) - term.centre)
    return intercept
