"""ML.QUANTILE_BUCKETIZE: the bucket that a number is in, the buckets about equally full.

    SELECT ML.QUANTILE_BUCKETIZE(income, 4) OVER () FROM customers

Boundaries are the k-quantiles of the column, existing numbers of it (number ceil(i/k * n) of n, not interpolated); formats are those of
ML.BUCKETIZE. NULL for NULL, and for every number where the column was all NULL.
Source: reference, functions 5.3 and semantics 2. Where a number is so frequent that two quantiles are equal, BigQuery's behaviour is not
known; here the boundaries stay, k buckets are counted, and the bucket between equal boundaries is empty.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.functions import _buckets
from sqlml.functions._quantiles import quantile
from sqlml.functions._statistics import Statistic
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec
from sqlml.models._options import Integer

_MAX_BUCKETS = 10_000
"""Each boundary is a statistic of its own, and a node of the SQL."""


def _statistics(arguments: Arguments) -> tuple[Statistic, ...]:
    count = arguments.literals["num_buckets"]
    value = arguments.sql("numerical_expression")
    return tuple(quantile(value, index, count) for index in range(1, count))


def _expression(arguments: Arguments, learned: Sequence[Learned]) -> str:
    value = sql.cast(arguments.sql("numerical_expression"), "DOUBLE")
    boundaries = [_buckets.learned(str(boundary)) for boundary in learned]
    found = _buckets.bucket_sql(value, boundaries, arguments.literals["output_format"])
    return f"CASE WHEN {boundaries[0].sql} IS NOT NULL THEN {found} END" if boundaries else found


SPEC = ValueSpec(
    name="ML.QUANTILE_BUCKETIZE",
    doc="The bucket of a number between quantiles of its column.",
    parameters=(
        Parameter("numerical_expression", Takes.NUMBER),
        Parameter("num_buckets", literal=Integer(ge=1, le=_MAX_BUCKETS)),
        Parameter("output_format", literal=_buckets.FORMATS, default="bucket_names"),
    ),
    statistics=_statistics,
    expression=_expression,
)
