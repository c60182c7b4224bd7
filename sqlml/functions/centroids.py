"""ML.CENTROIDS: where the clusters of a k-means model lie, one row per centroid and feature.

    SELECT * FROM ML.CENTROIDS(MODEL groups, STRUCT(TRUE AS standardize))

A number is given in its own unit, or standardised; a category by the share that each of its values has among the cluster's rows.
Source: reference, functions 3.4.
"""

from __future__ import annotations

from sqlml.features.layout import NumericTerm
from sqlml.functions._feature_values import feature_values, feature_values_schema
from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, Relation
from sqlml.models._options import Boolean, Option
from sqlml.models.kmeans import KMeansState

_ID = "centroid_id"


def bind(call: BoundCall, context: CallContext) -> Relation:
    number = _standardized if call.settings["standardize"] else _original
    rows = feature_values(_ID, call.model.layout, call.model.state.means, first_id=1, number=number)
    return Relation(context.table(rows), feature_values_schema(_ID), "rows", "read from the centroids of the model")


def _original(term: NumericTerm, value: float) -> float:
    return value * term.scale + term.centre


def _standardized(term: NumericTerm, value: float) -> float:
    # A column that only rounding noise makes vary is not scaled by the encoding either.
    scale = term.stddev if term.stddev > 1e-14 * abs(term.mean) else 1.0
    if (term.centre, term.scale) == (term.mean, scale):
        return value
    return (_original(term, value) - term.mean) / scale


SPEC = FunctionSpec(
    name="CENTROIDS",
    doc="The centroids of a k-means model, one row per centroid and feature.",
    data="none",
    settings=(
        Option("standardize", Boolean(), default=False, doc="Whether numbers are given standardised (mean 0, standard deviation 1)."),
    ),
    applies_to=lambda spec: spec.state is KMeansState,
    bind=bind,
)
