"""ML.LP_NORM: the length of a vector.

    SELECT ML.LP_NORM([4.1, 0.5, 1.0], 2)

The degree is 0 (how many elements are not zero), a number from 1 up, or CAST('+inf' AS FLOAT64) (the largest absolute value). NULL for
NULL; 0 for an empty array; elements that are NULL do not count. NaN gives NaN. Source: reference, functions 8.2 and semantics 2.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml.functions import _vectors
from sqlml.functions._literals import NormDegree
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec


def _expression(arguments: Arguments, _learned: Sequence[Learned]) -> str:
    return _vectors.norm(_vectors.as_doubles(arguments.sql("vector")), arguments.literals["degree"])


SPEC = ValueSpec(
    name="ML.LP_NORM",
    doc="The p-norm of an array of numbers.",
    parameters=(Parameter("vector", Takes.NUMBERS), Parameter("degree", literal=NormDegree())),
    expression=_expression,
)
