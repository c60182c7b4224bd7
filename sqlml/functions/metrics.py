"""ML.METRICS: how good predictions are that stand in a table beside what is true. No model is asked.

    SELECT * FROM ML.METRICS(TABLE scored, predicted_col => 'guess', actual_col => 'truth', task_type => 'classification')

Regression, of two columns of numbers: mean_absolute_error, mean_squared_error, mean_squared_log_error, median_absolute_error, r2_score,
explained_variance. Classification: precision, recall, accuracy, f1_score; of BOOL columns those of TRUE, of STRING columns macro averages
over the values that occur on either side, even where there are two. Rows with a NULL on either side do not count; without any left there is
one row of NULLs.
Both columns must be of the same type; integers of any width are one type, and so are FLOAT and DOUBLE, DECIMAL of any precision, text and
ENUM. Here task_type may be left out: numbers are regression, anything else classification.
Source: reference, functions 2.2, where task_type is required.
"""

from __future__ import annotations

from sqlml import sql
from sqlml.errors import ProgrammingError
from sqlml.functions._data_columns import named_column
from sqlml.functions._literals import Word
from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, Relation
from sqlml.functions.evaluate import METRICS
from sqlml.metrics.classification import decision_metrics
from sqlml.metrics.regression import regression_metrics
from sqlml.models._options import Option, OptionError, String
from sqlml.models._spec import Task
from sqlml.types import DOUBLE, Column, Kind, Schema, SqlType

_DECISIONS = ("precision", "recall", "accuracy", "f1_score")


def bind(call: BoundCall, _context: CallContext) -> Relation:
    data = call.data
    assert data is not None  # the spec requires it
    columns: dict[str, Column] = {}
    for setting in ("predicted_col", "actual_col"):
        name = call.settings[setting]
        if name is None:
            raise ProgrammingError(
                f"ML.METRICS needs {setting}, the column of {'predictions' if setting == 'predicted_col' else 'what is true'}",
                code="missing_option", hint="write ML.METRICS(TABLE t, predicted_col => 'a', actual_col => 'b')",
            )  # fmt: skip
        columns[setting] = named_column(data, setting, name)
    predicted, actual = columns["predicted_col"], columns["actual_col"]
    if _family(predicted.type) != _family(actual.type):
        raise OptionError(
            "predicted_col", f"predicted_col {predicted.name} is {predicted.type} and actual_col {actual.name} is {actual.type}:"
            " they must be of the same type", code="column_type",
            hint=f"write CAST({sql.quote(predicted.name)} AS {actual.type}) in a query",
        )  # fmt: skip
    is_number = actual.type.kind is Kind.NUMBER
    task = call.settings["task_type"] or ("regression" if is_number else "classification")
    takes = {Kind.NUMBER} if task == "regression" else {Kind.BOOLEAN, Kind.STRING}
    if actual.type.kind not in takes:
        wanted = "numbers" if task == "regression" else "BOOL or STRING columns"
        hint = f"write CAST({sql.quote(actual.name)} AS VARCHAR) in a query" if task == "classification" else None
        raise OptionError("actual_col", f"{task} metrics are of {wanted}, {actual.name} is {actual.type}", code="column_type", hint=hint)
    rows = f"SELECT {sql.quote(actual.name)} AS actual, {sql.quote(predicted.name)} AS predicted FROM ({data.sql})"
    if task == "regression":
        return Relation(regression_metrics(rows, "actual", "predicted"), _schema(METRICS[Task.REGRESSION]), "sql")
    is_binary = actual.type.kind is Kind.BOOLEAN
    # As bytes, text is compared exactly whatever collation the database has.
    sides = [side if is_binary else sql.call("encode", sql.cast(side, "VARCHAR")) for side in ("actual", "predicted")]
    return Relation(decision_metrics(rows, *sides, is_binary=is_binary), _schema(_DECISIONS), "sql")


def _schema(names: tuple[str, ...]) -> Schema:
    return Schema(tuple(Column(name, DOUBLE) for name in names))


def _family(type_: SqlType) -> str:
    """What the types that count as one share."""
    if type_.is_integer:
        return "integer"
    head = type_.name.split("(", 1)[0]
    return {"FLOAT": "DOUBLE", "ENUM": "VARCHAR"}.get(head, head)


SPEC = FunctionSpec(
    name="METRICS",
    doc="Metrics of predictions that stand beside what is true, without a model.",
    data="required",
    settings=(
        Option("predicted_col", String(), default=None, doc="The column of predictions."),
        Option("actual_col", String(), default=None, doc="The column of what is true, of the same type."),
        Option("task_type", Word(("classification", "regression")), default=None, doc="By default what the type of the columns suggests."),
    ),
    applies_to=lambda spec: False,
    bind=bind,
    n_models=0,
)
