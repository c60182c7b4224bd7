"""ML.DETECT_ANOMALIES: which rows are unlike those that the model was trained on.

    SELECT * FROM ML.DETECT_ANOMALIES(MODEL groups, STRUCT(0.02 AS contamination), TABLE payments) WHERE is_anomaly

One row per row of the input: is_anomaly, how far off the row is, for k-means the centroid that it is nearest to, then the input's columns.

- k-means: normalized_distance is the least of the distances to the centroids, each divided by the cluster's radius, which is the root mean
  square distance of its training rows; CENTROID_ID is the centroid of that least one, which need not be the nearest (ML.PREDICT's). A
  cluster whose rows were all alike has radius 0: a row exactly there has 0, any other has infinitely many radii to it.
- PCA: mean_squared_error is the mean over the model's columns (standardised, categories one by one) of the squared difference between the
  row and what its components give back.
- is_anomaly: above the (1 - contamination) quantile of the training rows, which were measured when the model was trained. So about that
  share of rows like those of training is reported, of other rows more or fewer; no row depends on the others in the query. With
  contamination 0 only what is further off than any training row. Of up to 20,000 training rows the quantile is exact, of more it is exact
  for the 5,000 furthest and lies between neighbouring 1/5,000ths for the others.

Source: reference, functions 1.4 (its section on semantics, 5, speaks of a share of the given rows instead; the vendor's page does not).
"""

from __future__ import annotations

from sqlml import sql
from sqlml.functions._beside_input import beside_input
from sqlml.functions._order_statistics import OrderStatistics
from sqlml.functions._outlyingness import outlyingness
from sqlml.functions._settings import TRIAL_ID
from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, Relation
from sqlml.models._options import Float, Option, OptionError
from sqlml.models._spec import Task
from sqlml.types import BIGINT, BOOLEAN, DOUBLE, Column

_VALUE, _CENTROID = "__sqlml_outlyingness", "__sqlml_centroid"


def bind(call: BoundCall, context: CallContext) -> Relation:
    model, data = call.model, call.data
    assert data is not None  # the spec requires it
    contamination = call.settings["contamination"]
    if contamination is None:
        raise OptionError(
            "contamination", "ML.DETECT_ANOMALIES needs contamination, the share of training rows that counts as anomalous",
            code="missing_option", hint="write ML.DETECT_ANOMALIES(MODEL m, STRUCT(0.02 AS contamination), TABLE t)",
        )  # fmt: skip
    distances = model.kept.get("distances")
    if not isinstance(distances, OrderStatistics):
        raise OptionError(
            "contamination", f"version {model.version.version} of {model.version.key} was trained by an earlier release, which did "
            "not keep how far its training rows lie", code="no_distances", hint="train it again",
        )  # fmt: skip
    threshold = distances.quantile(1.0 - contamination)
    found = outlyingness(model, data, context)
    inner = [f"{found.value} AS {_VALUE}"]
    outputs = [(Column("is_anomaly", BOOLEAN), f"{_VALUE} > {sql.literal(threshold)}")]
    if found.centroid is None:
        outputs.append((Column("mean_squared_error", DOUBLE), _VALUE))
    else:
        inner.append(f"{found.centroid} AS {_CENTROID}")
        outputs += [(Column("normalized_distance", DOUBLE), _VALUE), (Column("CENTROID_ID", BIGINT), _CENTROID)]
    query, schema = beside_input("ML.DETECT_ANOMALIES", outputs, inner, found.relation, found.data, data)
    return Relation(query, schema, found.form, found.reason)


SPEC = FunctionSpec(
    name="DETECT_ANOMALIES",
    doc="Which rows are further from the model than nearly all of its training rows, in front of the input's columns.",
    data="required",
    settings_are="required, before the data",
    settings=(
        Option("contamination", Float(ge=0, le=0.5), doc="The share of training rows that counts as anomalous. There is no default."),
        TRIAL_ID,
    ),
    applies_to=lambda spec: spec.task in (Task.CLUSTERING, Task.DIMENSION_REDUCTION),
    bind=bind,
)
