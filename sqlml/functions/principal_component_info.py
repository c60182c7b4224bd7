"""ML.PRINCIPAL_COMPONENT_INFO: how much of the variance each principal component explains, largest first.

    SELECT * FROM ML.PRINCIPAL_COMPONENT_INFO(MODEL axes)

Shares are of the variance of all columns, so those of the components kept sum to 1 only when all are kept.
Source: reference, functions 3.5.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, Relation
from sqlml.models.pca import PCAState
from sqlml.types import BIGINT, DOUBLE, Column, Schema

_SCHEMA = Schema(
    (
        Column("principal_component_id", BIGINT),
        Column("eigenvalue", DOUBLE),
        Column("explained_variance_ratio", DOUBLE),
        Column("cumulative_explained_variance_ratio", DOUBLE),
    )
)


def bind(call: BoundCall, context: CallContext) -> Relation:
    state: PCAState = call.model.state
    ratios = state.explained_variance_ratio
    rows = pa.table(
        {
            "principal_component_id": np.arange(len(ratios), dtype=np.int64),
            "eigenvalue": state.explained_variance,
            "explained_variance_ratio": ratios,
            "cumulative_explained_variance_ratio": np.cumsum(ratios),
        }
    )
    return Relation(context.table(rows), _SCHEMA, "rows", "read from the components of the model")


SPEC = FunctionSpec(
    name="PRINCIPAL_COMPONENT_INFO",
    doc="The variance that each principal component explains.",
    data="none",
    settings=(),
    applies_to=lambda spec: spec.state is PCAState,
    bind=bind,
)
