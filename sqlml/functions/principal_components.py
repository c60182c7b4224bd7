"""ML.PRINCIPAL_COMPONENTS: what each principal component is made of, one row per component and feature, largest variance first.

    SELECT * FROM ML.PRINCIPAL_COMPONENTS(MODEL axes)

Components count from 0 here and from 1 in ML.PREDICT's columns, as in BigQuery.
Source: reference, functions 3.5.
"""

from __future__ import annotations

from sqlml.functions._feature_values import feature_values, feature_values_schema
from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, Relation
from sqlml.models.pca import PCAState

_ID = "principal_component_id"


def bind(call: BoundCall, context: CallContext) -> Relation:
    rows = feature_values(_ID, call.model.layout, call.model.state.components, first_id=0)
    return Relation(context.table(rows), feature_values_schema(_ID), "rows", "read from the components of the model")


SPEC = FunctionSpec(
    name="PRINCIPAL_COMPONENTS",
    doc="The principal components, one row per component and feature.",
    data="none",
    settings=(),
    applies_to=lambda spec: spec.state is PCAState,
    bind=bind,
)
