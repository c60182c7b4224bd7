"""ML.CONFUSION_MATRIX: how many rows of each class were predicted as which.

    SELECT * FROM ML.CONFUSION_MATRIX(MODEL churn, TABLE customers, STRUCT(0.7 AS threshold))

One row per class of the model in order, with its value in the label's type, and one column per class behind it: rows are what is true,
columns what was predicted. A column has the name of its class, made a valid name: the class 0 is `_0`. A
class without rows in the data is listed with zeros; rows whose label is NULL or no class of the model do not count. Without data the rows
are those held out from training, or the training rows where none are.
Source: reference, functions 2.3, which leaves open whether a class without rows is listed.
"""

from __future__ import annotations

from sqlml.functions._evaluation_data import confusion_source, is_classifier
from sqlml.functions._labels import classes_sql, label_type
from sqlml.functions._settings import TRIAL_ID, check_threshold, threshold_setting
from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, Relation
from sqlml.metrics.confusion import column_names, confusion_matrix
from sqlml.models._options import OptionError
from sqlml.types import BIGINT, Column, Schema


def bind(call: BoundCall, context: CallContext) -> Relation:
    model = call.model
    check_threshold(model, call.settings)
    if call.data is None and "threshold" in call.settings.given:
        raise OptionError(
            "threshold", "threshold needs data to evaluate on", code="option_not_applicable",
            hint="give TABLE t or (SELECT …) as the second argument",
        )  # fmt: skip
    names = column_names(model.classes)
    cells, form = confusion_source(call, context, call.settings["threshold"])
    schema = Schema((Column("expected_label", label_type(model)), *(Column(name, BIGINT) for name in names)))
    return Relation(confusion_matrix(cells, classes_sql(model), names), schema, form.form, form.reason)


SPEC = FunctionSpec(
    name="CONFUSION_MATRIX",
    doc="How many rows of each class were predicted as which class.",
    data="optional",
    settings=(threshold_setting(), TRIAL_ID),
    applies_to=is_classifier,
    bind=bind,
)
