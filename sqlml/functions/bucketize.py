"""ML.BUCKETIZE: the bucket that a number is in, between points that are given.

    SELECT ML.BUCKETIZE(age, [18, 30, 65], FALSE, 'bucket_ranges') FROM customers      -- (-inf, 18), [18, 30), [30, 65), [65, +inf)

Named bin_1, bin_2, …, or written as ranges, or as ranges in JSON. NULL for NULL; NaN is in the last bucket. `exclude_boundaries` takes the
first and the last point out of the list, and nothing becomes NULL; where no point is left there is one bucket (undocumented; so here).
Source: reference, functions 5.3 and semantics 2. Points that repeat are refused: no number could be between them.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.functions._buckets import FORMATS, bucket_sql, constant
from sqlml.functions._literals import SplitPoints
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec
from sqlml.models._options import Boolean


def _expression(arguments: Arguments, _learned: Sequence[Learned]) -> str:
    points = arguments.literals["array_split_points"]
    if arguments.literals["exclude_boundaries"]:
        points = points[1:-1]
    type_ = arguments.type("numerical_expression")
    value = arguments.sql("numerical_expression")
    # Large whole numbers are compared as they are: as FLOAT64 they would lose digits.
    exact = type_ is not None and type_.is_integer and all(isinstance(point, int) for point in points)
    boundaries = [constant(point) for point in points]
    return bucket_sql(value if exact else sql.cast(value, "DOUBLE"), boundaries, arguments.literals["output_format"])


SPEC = ValueSpec(
    name="ML.BUCKETIZE",
    doc="The bucket of a number between given points.",
    parameters=(
        Parameter("numerical_expression", Takes.NUMBER),
        Parameter("array_split_points", literal=SplitPoints()),
        Parameter("exclude_boundaries", literal=Boolean(), default=False),
        Parameter("output_format", literal=FORMATS, default="bucket_names"),
    ),
    expression=_expression,
)
