"""ML.NORMALIZER: a vector divided by its own length.

    SELECT ML.NORMALIZER([4, 1, 2, 2, 0])            -- [0.8, 0.2, 0.4, 0.4, 0.0]

Equals v / ML.LP_NORM(v, p), to the bit; p is 2 unless given. NULL for NULL, and an element that is NULL stays so without counting. A vector
of length 0 stays as it is: zeros, not NaN. Source: reference, functions 5.3 and semantics 2; what becomes of a vector of zeros is not
stated there, scikit-learn does as here.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml.functions import _vectors
from sqlml.functions._list_sql import each, let, struct
from sqlml.functions._literals import NormDegree
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec


def _expression(arguments: Arguments, _learned: Sequence[Learned]) -> str:
    vector = _vectors.as_doubles(arguments.sql("array_expression"))
    norm = _vectors.norm(vector, arguments.literals["p"])
    divided = each("__sqlml_row.vector", "__sqlml_x", "__sqlml_x / __sqlml_row.norm")
    # Zeros divided by 1 stay zeros.
    return let(struct(vector=vector, norm=f"CASE WHEN {norm} = 0.0e0 THEN 1.0e0 ELSE {norm} END"), "__sqlml_row", divided)


SPEC = ValueSpec(
    name="ML.NORMALIZER",
    doc="An array of numbers divided by its p-norm.",
    parameters=(Parameter("array_expression", Takes.NUMBERS), Parameter("p", literal=NormDegree(), default=2.0)),
    expression=_expression,
)
