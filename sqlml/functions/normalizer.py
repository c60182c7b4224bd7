"""ML.NORMALIZER: a vector divided by its own length.

    SELECT ML.NORMALIZER([4, 1, 2, 2, 0])            -- [0.8, 0.2, 0.4, 0.4, 0.0]

Equals v / ML.LP_NORM(v, p), to the bit; p is 2 unless given. NULL for NULL, and an element that is NULL stays so without counting. A vector
of length 0 stays as it is: zeros, not NaN. Source: reference, functions 5.3 and semantics 2; what becomes of a vector of zeros is not
stated there, scikit-learn does as here.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.functions import _vectors
from sqlml.functions._list_sql import each, let
from sqlml.functions._literals import NormDegree
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec


def _expression(arguments: Arguments, _learned: Sequence[Learned]) -> str:
    vector = _vectors.as_doubles(arguments.sql("array_expression"))
    p = arguments.literals["p"]
    if "SELECT" not in vector.upper():
        return _divided(vector, p)
    # A sub-query may not stand in a lambda, so the vector is bound first.
    return let(vector, "__sqlml_vector", _divided("__sqlml_vector", p))


def _divided(vector: str, p: float) -> str:
    """SQL of the vector divided by its norm: by the root of the plain sum where that has lost nothing, else by the norm in small units."""
    total = _vectors.total(vector, p)
    norm = _vectors.of_total(vector, total, p)
    # Zeros, whose norm is 0, are divided by 1.
    with_care = _by(vector, f"CASE WHEN {norm} = 0.0e0 THEN 1.0e0 ELSE {norm} END")
    if p != 2:
        return with_care
    plainly = _by(vector, sql.call("sqrt", total))
    return f"CASE WHEN {total} BETWEEN {_vectors.SAFE[0]} AND {_vectors.SAFE[1]} THEN {plainly} ELSE {with_care} END"


def _by(vector: str, divisor: str) -> str:
    return let(divisor, "__sqlml_divisor", each(vector, "__sqlml_x", "__sqlml_x / __sqlml_divisor"))


SPEC = ValueSpec(
    name="ML.NORMALIZER",
    doc="An array of numbers divided by its p-norm.",
    parameters=(Parameter("array_expression", Takes.NUMBERS), Parameter("p", literal=NormDegree(), default=2.0)),
    expression=_expression,
)
