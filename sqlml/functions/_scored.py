"""Scored rows: what a supervised model says of rows beside what is true of them. Every function that judges a model reads these.

Owns: finding the label in the data, its class code, and the column names that judging SQL may rely on. Rows whose label is NULL, or no
class that the model knows, cannot be judged and are not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlml import sql
from sqlml.errors import DataError
from sqlml.features.sources import UNTYPED
from sqlml.functions._labels import code_sql, label_type
from sqlml.functions._spec import CallContext, Input, LoadedModel
from sqlml.models._spec import Task
from sqlml.types import Kind, SqlType

ACTUAL, SCORE = "actual", "score"
_MAXIMUM = sql.call("list_aggregate", SCORE, "'max'")
BEST_SCORE = _MAXIMUM
"""SQL of the highest probability of a row, more than two classes."""
BEST_CODE = f"CAST({sql.call('list_position', SCORE, _MAXIMUM)} - 1 AS INTEGER)"
"""SQL of the class that is predicted for it, the first of several."""
_EXACT = frozenset({Kind.NUMBER, Kind.BOOLEAN, Kind.DATE, Kind.TIMESTAMP})


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """`sql` is a query (no brackets around it) with the columns `actual`, `score` and those that were kept, one row per row with a label.

    `actual`: regression the label, DOUBLE; classification the code of its class, INTEGER from 0 in the model's order (with two classes 1 is
    the positive one). `score`: regression the prediction, DOUBLE; two classes the probability of the positive one, DOUBLE; more the
    probabilities of all, DOUBLE[] by code. `form` and `reason` are those of the scores, for the Relation made of them.
    """

    sql: str
    form: Literal["sql", "arrow"]
    reason: str
    kept: Mapping[str, str] = field(default_factory=dict)

    def column(self, name: str) -> str:
        """SQL of a kept column: its own name, but for one that is called actual or score."""
        return sql.quote(self.kept[name.casefold()])


def scored_rows(model: LoadedModel, data: Input, context: CallContext, *, keep: Sequence[str] = ()) -> ScoredRows:
    """The rows of `data` that have a label, with what the model says of them.

    Args: keep, columns of the data (any case) that are passed on under their own names.
    Raises: DataError `missing_label`, `label_type`, `unknown_column`, `missing_feature`, `feature_type`, with the place of the data.
    """
    scores = context.scores(model, data)
    name = _label_column(model, data)
    actual = actual_sql(model, SqlType(name[1]), scores.data.own(name[0]))
    kept: dict[str, str] = {}
    items = [f"{actual} AS {ACTUAL}", f"{scores.sql} AS {SCORE}"]
    for wanted in keep:
        column = data.schema.find(wanted)
        if column is None:
            raise DataError(
                f"the data have no column {wanted}", code="unknown_column", span=data.span,
                hint=f"they have {', '.join(data.schema.names[:8])}{', …' if len(data.schema) > 8 else ''}",
            )  # fmt: skip
        key = column.name.casefold()
        if key in kept:
            continue
        kept[key] = f"__sqlml_kept_{key}" if key in (ACTUAL, SCORE) else column.name
        items.append(f"{scores.data.own(column.name)} AS {sql.quote(kept[key])}")
    query = f"SELECT * FROM (SELECT {', '.join(items)} FROM {scores.data.relation}) WHERE {ACTUAL} IS NOT NULL"
    return ScoredRows(query, scores.form, scores.reason, kept)


def predicted_sql(model: LoadedModel, threshold: float = 0.5) -> str:
    """SQL of the code of the predicted class over scored rows; two classes: the positive one above the threshold."""
    if len(model.classes) != 2:
        return BEST_CODE
    return f"CAST({SCORE} > {sql.literal(float(threshold))} AS INTEGER)"


def actual_sql(model: LoadedModel, given: SqlType, value: str) -> str:
    """SQL of `actual` from a label value of type `given`: NULL for NULL and for what is no class.

    A value of another type than the label had in training is the class that it equals as that type: 1 of an INT64 column is the class 1 of
    a NUMERIC label and TRUE of a BOOL one; 1.5 is no INT64 class.
    """
    if model.spec.task is Task.REGRESSION:
        return sql.cast(value, "DOUBLE")
    type_ = label_type(model)
    if given == type_ or given.name == UNTYPED:
        return code_sql(model.classes, type_, value)
    typed = f"TRY_CAST({value} AS {type_.name})"
    if type_.kind in _EXACT and given.kind in _EXACT and type_.name not in ("DOUBLE", "FLOAT"):
        typed = f"CASE WHEN {typed} = {value} THEN {typed} END"
    return code_sql(model.classes, type_, typed)


def _label_column(model: LoadedModel, data: Input) -> tuple[str, str]:
    """Name and type of the label in the data."""
    label = data.schema.find(str(model.label))
    if label is None:
        raise DataError(
            f"the data to evaluate on lack the label {model.label}", code="missing_label", span=data.span,
            hint=f"they have {', '.join(data.schema.names[:8])}{', …' if len(data.schema) > 8 else ''}",
        )  # fmt: skip
    trained = label_type(model)
    if not _comparable(trained, label.type):
        raise DataError(
            f"the label {label.name} of model {model.version.key} was trained on {trained}, the data have {label.type}",
            code="label_type", span=data.span, hint=f"write CAST({sql.quote(label.name)} AS {trained}) AS {sql.quote(label.name)}",
        )  # fmt: skip
    return label.name, label.type.name


def _comparable(trained: SqlType, given: SqlType) -> bool:
    """Whether a value of one type may be a label of the other; text may be, since a label kept as text is one still."""
    if given.name == UNTYPED or trained.kind is given.kind:
        return True
    groups = ({Kind.NUMBER, Kind.BOOLEAN}, {Kind.DATE, Kind.TIMESTAMP})
    scalars = Kind.STRING in (trained.kind, given.kind) and not {trained.kind, given.kind} & {Kind.LIST, Kind.STRUCT, Kind.OTHER, Kind.BLOB}
    return scalars or any({trained.kind, given.kind} <= group for group in groups)
