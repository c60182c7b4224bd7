"""ML.FEATURE_INFO: what the training rows say of each input column, in the order of the training query.

    SELECT * FROM ML.FEATURE_INFO(MODEL churn)

Statistics were taken when the model was trained; nothing is read again. `stddev` is the sample's. `dimension` belongs to array columns.
Source: reference, functions 3.1.
"""

from __future__ import annotations

import pyarrow as pa

from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, Relation
from sqlml.types import BIGINT, DOUBLE, VARCHAR, Column, Schema

_SCHEMA = Schema(
    (
        Column("input", VARCHAR),
        Column("min", DOUBLE),
        Column("max", DOUBLE),
        Column("mean", DOUBLE),
        Column("median", DOUBLE),
        Column("stddev", DOUBLE),
        Column("category_count", BIGINT),
        Column("null_count", BIGINT),
        Column("dimension", BIGINT),
    )
)


def bind(call: BoundCall, context: CallContext) -> Relation:
    features = call.model.version.record.features
    rows = pa.table(
        {
            "input": pa.array([feature.name for feature in features], pa.string()),
            "min": pa.array([feature.minimum for feature in features], pa.float64()),
            "max": pa.array([feature.maximum for feature in features], pa.float64()),
            "mean": pa.array([feature.mean for feature in features], pa.float64()),
            "median": pa.array([feature.median for feature in features], pa.float64()),
            "stddev": pa.array([feature.stddev for feature in features], pa.float64()),
            "category_count": pa.array([feature.category_count for feature in features], pa.int64()),
            "null_count": pa.array([feature.null_count for feature in features], pa.int64()),
            "dimension": pa.array([feature.dimension for feature in features], pa.int64()),
        }
    )
    return Relation(context.table(rows), _SCHEMA, "rows", "recorded when the model was trained")


SPEC = FunctionSpec(
    name="FEATURE_INFO",
    doc="Range, mean and missing values of every input column, as training saw them.",
    data="none",
    settings=(),
    applies_to=lambda spec: True,
    bind=bind,
)
