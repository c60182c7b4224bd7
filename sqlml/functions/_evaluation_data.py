"""What CONFUSION_MATRIX, ROC_CURVE, CALIBRATION and LIFT read: scored rows of the data given, or what training kept of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlml.errors import NotSupportedError
from sqlml.functions._kept_scores import KeptScores
from sqlml.functions._scored import ACTUAL, BEST_CODE, BEST_SCORE, SCORE, predicted_sql, scored_rows
from sqlml.functions._spec import BoundCall, CallContext, LoadedModel
from sqlml.metrics.confusion import confusion_cells
from sqlml.metrics.score_counts import ScoreCounts
from sqlml.models._spec import ModelSpec, Task

_KEPT_REASON = "it was counted when the model was trained"


@dataclass(frozen=True, slots=True)
class Form:
    """Form and reason of the relation that is made of it."""

    form: Literal["sql", "arrow", "rows"]
    reason: str


def confusion_source(call: BoundCall, context: CallContext, threshold: float) -> tuple[str, Form]:
    """The cells of a classifier's confusion matrix as a query.

    Raises: as `scored_rows`; NotSupportedError `nothing_kept`.
    """
    model = call.model
    if call.data is None:
        return context.table(_kept(model, "CONFUSION_MATRIX").cells(len(model.classes))), Form("rows", _KEPT_REASON)
    rows = scored_rows(model, call.data, context)
    return confusion_cells(rows.sql, ACTUAL, predicted_sql(model, threshold)), Form(rows.form, rows.reason)


def score_counts(call: BoundCall, context: CallContext, function: str) -> tuple[ScoreCounts, Form]:
    """Labels and scores of a classifier; of more than two classes whether the predicted class is right, and its probability.

    Raises: as `confusion_source`.
    """
    model = call.model
    if call.data is None:
        return ScoreCounts(context.table(_kept(model, function).counts()), counted=True), Form("rows", _KEPT_REASON)
    rows = scored_rows(model, call.data, context)
    query = rows.sql
    if len(model.classes) != 2:
        query = f"SELECT CAST({ACTUAL} = {BEST_CODE} AS INTEGER) AS {ACTUAL}, {BEST_SCORE} AS {SCORE} FROM ({rows.sql})"
    return ScoreCounts(query), Form(rows.form, rows.reason)


def check_binary(model: LoadedModel, function: str) -> None:
    """Raises: NotSupportedError `function_not_applicable` for a classifier of more than two classes."""
    if len(model.classes) != 2:
        raise NotSupportedError(
            f"ML.{function} applies to classifiers with two classes; {model.version.key} has {len(model.classes)}",
            code="function_not_applicable", hint="ML.CONFUSION_MATRIX and ML.EVALUATE take any number of classes",
        )  # fmt: skip


def is_classifier(spec: ModelSpec) -> bool:
    return spec.task is Task.CLASSIFICATION


def _kept(model: LoadedModel, function: str) -> KeptScores:
    kept = model.kept.get("scores")
    if kept is None:
        raise NotSupportedError(
            f"ML.{function} needs data: {model.version.key} was trained by a release that did not keep scores", code="nothing_kept",
            hint=f"write ML.{function}(MODEL {model.version.key}, TABLE t), or train the model again",
        )  # fmt: skip
    assert isinstance(kept, KeptScores)
    return kept
