"""ML.COMPARE: is one model better than another, and is the difference more than chance?

    SELECT * FROM ML.COMPARE(MODEL churn@3, MODEL churn@2, TABLE customers_2026)

One row a metric of ML.EVALUATE: metric, value_a, value_b, difference (value_a - value_b), lower_bound, upper_bound, n_rows. Both models
are scored on the same rows, those that have a label, in one statement. The bounds hold the difference that other rows of this kind would
show, with the confidence level asked for: when 0 lies between them, these rows do not tell which model is better. They come from a paired
bootstrap, which draws the same for the same rows, seed and number of resamples. For classifiers all rows are sorted and
ranked for both models, which takes some ten times as long as ML.EVALUATE of one: seconds for millions of rows.

Higher is better for precision, recall, accuracy, f1_score, roc_auc, r2_score and explained_variance, lower for errors and log_loss. A
metric that a model does not have on these rows (roc_auc of one class, a logarithmic error of negative numbers) has no difference; resamples
without it do not count for the bounds. Fewer than 10 rows have no bounds: so few cannot tell how much rows vary, one not at all.

Without data the values are those that training recorded, each on the model's own evaluation rows; these rows are gone and may differ, so
there are no bounds and no n_rows.
Source: sqlml's own; BigQuery has no such function.
"""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from sqlml import sql
from sqlml.errors import DataError, ProgrammingError
from sqlml.functions._scored import ACTUAL, SCORE, scored_rows
from sqlml.functions._settings import check_threshold, threshold_setting
from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, Input, LoadedModel, Relation
from sqlml.functions.evaluate import METRICS
from sqlml.metrics.bootstrap import Resampling
from sqlml.metrics.comparison import compare_classifications, compare_regressions
from sqlml.models._options import Float, Integer, Option, OptionError
from sqlml.models._spec import Task
from sqlml.types import BIGINT, DOUBLE, VARCHAR, Column, Schema, SqlType

_VALUES = ("value_a", "value_b", "difference", "lower_bound", "upper_bound")
_SCHEMA = Schema((Column("metric", VARCHAR), *(Column(name, DOUBLE) for name in _VALUES), Column("n_rows", BIGINT)))
_OTHER = "__sqlml_score_a"


def bind(call: BoundCall, context: CallContext) -> Relation:
    first, second = call.models
    _check_pair(first, second)
    check_threshold(first, call.settings)
    metrics = METRICS[first.spec.task]
    if call.data is None:
        return _recorded(call, context)
    resampling = Resampling(call.settings["num_resamples"], call.settings["seed"], call.settings["confidence_level"])
    relation, form, reason = _both_scores(first, second, call.data, context)
    if first.spec.task is Task.REGRESSION:
        query = compare_regressions(relation, metrics, resampling)
    else:
        query = compare_classifications(relation, metrics, len(first.classes), call.settings["threshold"], resampling)
    return Relation(query, _SCHEMA, form, reason)


def _check_pair(first: LoadedModel, second: LoadedModel) -> None:
    """Raises: ProgrammingError `different_tasks`, `different_labels`; DataError `different_classes`."""
    if first.spec.task is not second.spec.task:
        raise ProgrammingError(
            f"ML.COMPARE needs two models of one kind, got {_shown(first)} for {first.spec.task.value} and {_shown(second)} for"
            f" {second.spec.task.value}", code="different_tasks",
            hint="compare two regressors or two classifiers",
        )  # fmt: skip
    if str(first.label).casefold() != str(second.label).casefold():
        raise ProgrammingError(
            f"ML.COMPARE needs two models of one label, got {first.label} for {_shown(first)} and {second.label} for {_shown(second)}",
            code="different_labels", hint="both must have been trained on a label column of the same name",
        )  # fmt: skip
    if first.classes != second.classes:
        shared = [str(name) for name in first.classes if name in second.classes]
        known = f" ({', '.join(shared[:5])}{', …' if len(shared) > 5 else ''})"
        apart = []
        for model, other in ((first, second), (second, first)):
            only = [name for name in model.classes if name not in other.classes]
            if only:
                apart.append(f"only {_shown(model)} knows {', '.join(only[:5])}{', …' if len(only) > 5 else ''}")
        raise DataError(
            f"ML.COMPARE needs two models of the same classes: {'; '.join(apart) or 'these have them in another order'}",
            code="different_classes",
            hint="train both on rows that have all classes"
            + (f", or compare ML.EVALUATE of each on the rows of the classes that both know{known}" if shared else ""),
        )  # fmt: skip


def _recorded(call: BoundCall, context: CallContext) -> Relation:
    """The metrics that training recorded."""
    for setting in ("threshold", "confidence_level", "num_resamples", "seed"):
        if setting in call.settings.given:
            raise OptionError(
                setting, f"{setting} needs data to compare on", code="option_not_applicable",
                hint="give TABLE t or (SELECT …) as the third argument",
            )  # fmt: skip
    first, second = (model.version.record.metrics for model in call.models)
    metrics = METRICS[call.model.spec.task]
    pairs = [(first.get(metric), second.get(metric)) for metric in metrics]
    columns: dict[str, list[object]] = {
        "metric": list(metrics), "value_a": [a for a, _ in pairs], "value_b": [b for _, b in pairs],
        "difference": [None if a is None or b is None else a - b for a, b in pairs],
        "lower_bound": [None] * len(metrics), "upper_bound": [None] * len(metrics), "n_rows": [None] * len(metrics),
    }  # fmt: skip
    types = {"metric": pa.string(), "n_rows": pa.int64()}
    table = pa.table({name: pa.array(values, types.get(name, pa.float64())) for name, values in columns.items()})
    return Relation(context.table(table), _SCHEMA, "rows", "the metrics were computed when the models were trained")


def _both_scores(first: LoadedModel, second: LoadedModel, data: Input, context: CallContext) -> tuple[str, Literal["sql", "arrow"], str]:
    """A query of the columns actual, a and b; form and reason of the two scores."""
    scores = context.scores(first, data)
    own = [f"{scores.data.own(column.name)} AS {sql.quote(column.name)}" for column in data.schema]
    type_ = SqlType("DOUBLE[]" if len(first.classes) > 2 else "DOUBLE")
    beside = Input(
        f"SELECT {', '.join(own)}, {scores.sql} AS {_OTHER} FROM {scores.data.relation}",
        Schema((*data.schema.columns, Column(_OTHER, type_))), data.span,
    )  # fmt: skip
    scored = scored_rows(second, beside, context, keep=[_OTHER])
    relation = f"SELECT {ACTUAL} AS actual, {scored.column(_OTHER)} AS a, {SCORE} AS b FROM ({scored.sql})"
    if scores.form == "arrow":
        return relation, scores.form, scores.reason
    return relation, scored.form, scored.reason


def _shown(model: LoadedModel) -> str:
    return f"{model.version.key.name}@{model.version.version}"


SPEC = FunctionSpec(
    name="COMPARE",
    doc="Every metric of two models on the same rows, with a bootstrap interval of the difference.",
    data="optional",
    settings=(
        Option("confidence_level", Float(gt=0, lt=1), default=0.95, doc="The share of intervals that hold the true difference."),
        Option("num_resamples", Integer(ge=100, le=10_000), default=1000, doc="Resamples of the bootstrap."),
        Option("seed", Integer(ge=0, le=2**63 - 1), default=42, doc="What the resamples are drawn from."),
        threshold_setting(),
    ),
    applies_to=lambda spec: spec.task.is_supervised,
    bind=bind,
    n_models=2,
)
