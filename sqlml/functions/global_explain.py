"""ML.GLOBAL_EXPLAIN: how much each feature matters to a model, as the mean absolute attribution, largest first.

    CREATE MODEL churn OPTIONS (model_type = 'LOGISTIC_REG', enable_global_explain = TRUE, …) AS SELECT …
    SELECT * FROM ML.GLOBAL_EXPLAIN(MODEL churn)
    SELECT * FROM ML.GLOBAL_EXPLAIN(MODEL churn, STRUCT(TRUE AS class_level_explain))

What AVG(ABS(attribution)) of ML.EXPLAIN_PREDICT would give over the rows that evaluated the model (its training rows where none did),
computed when it was trained; of more than 10,000 rows about so many are explained, chosen by their content. Trees with 10 parallel trees
and more, forests of 50 and more are explained by the fast approximation unless approx_global_feature_contrib = FALSE.
With `class_level_explain` the same over the rows that each class was predicted for, its 10 largest; a class that was predicted for none
has no rows. Regressors have no classes and answer as without.
Source: reference, functions 4.2; the name class_label is not confirmed there. Like the attributions themselves the classes are those that
are predicted: of two classes one has the attributions of the other with signs turned, so means over all rows would tell nothing apart.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sqlml.errors import ProgrammingError
from sqlml.functions._kept_attributions import GlobalAttributions
from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, LoadedModel, Relation
from sqlml.models._options import Boolean, Option
from sqlml.state import damaged_state
from sqlml.types import DOUBLE, VARCHAR, Column, Schema

_FEATURE, _ATTRIBUTION = Column("feature", VARCHAR), Column("attribution", DOUBLE)
_CLASS = Column("class_label", VARCHAR)


def bind(call: BoundCall, context: CallContext) -> Relation:
    model = call.model
    found = _attributions(model)
    names = np.array(model.layout.features, object)
    by_class = call.settings["class_level_explain"] and bool(model.classes)
    columns: dict[str, pa.Array] = {}
    if by_class:
        predicted = np.flatnonzero(found.class_rows)
        labels = np.repeat(np.array(model.classes, object)[predicted], found.class_features.shape[1])
        columns[_CLASS.name] = pa.array(labels, pa.string())
        places, values = found.class_features[predicted].ravel(), found.class_attributions[predicted].ravel()
    else:
        places = np.argsort(-found.attributions, kind="stable")
        values = found.attributions[places]
    columns[_FEATURE.name] = pa.array(names[places], pa.string())
    columns[_ATTRIBUTION.name] = pa.array(values, pa.float64())
    schema = Schema((*([_CLASS] if by_class else []), _FEATURE, _ATTRIBUTION))
    reason = f"the attributions of {found.n_rows:,} rows were averaged when the model was trained"
    return Relation(context.table(pa.table(columns)), schema, "rows", reason)


def _attributions(model: LoadedModel) -> GlobalAttributions:
    found = model.kept.get("attributions")
    if found is None:
        raise ProgrammingError(
            f"model {model.version.key} was not trained with enable_global_explain = TRUE, so it has no global attributions",
            code="not_explained", hint="create it again with enable_global_explain = TRUE in OPTIONS",
        )  # fmt: skip
    assert isinstance(found, GlobalAttributions)
    if len(found.attributions) != len(model.layout.features) or len(found.class_rows) != len(model.classes):
        raise damaged_state("the attributions and the features disagree")
    return found


SPEC = FunctionSpec(
    name="GLOBAL_EXPLAIN",
    doc="The mean absolute attribution of every feature, for models trained with enable_global_explain.",
    data="none",
    settings=(
        Option(
            "class_level_explain", Boolean(), default=False,
            doc="Classifiers: the 10 largest over the rows that each class was predicted for, with a column class_label.",
        ),
    ),
    applies_to=lambda spec: spec.explainer is not None,
    bind=bind,
)  # fmt: skip
