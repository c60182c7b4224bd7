"""ML.SLICE_METRICS: the metrics of ML.EVALUATE for all rows and for the rows of each value of some columns.

    SELECT * FROM ML.SLICE_METRICS(MODEL income, TABLE people, STRUCT(['sex', 'race'] AS slice_cols))

The first row is that of all rows; then every column of `slice_cols` has a row for each of its values, ascending, NULL as a value of its
own and last. The numbers of a row are those of ML.EVALUATE over just these rows, so roc_auc is NULL where a slice has one class only.
`n_rows` counts the rows that are judged: those without a label, or with one that is no class of the model, belong to no slice.
`slice` tells all rows apart: `sex=NULL` is the missing value, `sex='NULL'` the string; strings that begin with a quote are quoted, too, and
so (in double quotes) are columns that begin with one or hold a sign of equality. `slice_value` is the value itself.
Source: BigQuery has no such function; the columns after `n_rows` are those of ML.EVALUATE, reference, functions 2.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from sqlml import sql
from sqlml.errors import ProgrammingError
from sqlml.functions._data_columns import named_column
from sqlml.functions._scored import ACTUAL, SCORE, scored_rows
from sqlml.functions._settings import check_threshold, threshold_setting
from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, Input, LoadedModel, Relation
from sqlml.functions.evaluate import METRICS
from sqlml.metrics.classification import binary_metrics, multiclass_metrics
from sqlml.metrics.clustering import clustering_metrics
from sqlml.metrics.regression import regression_metrics
from sqlml.models._options import Option, OptionError, StringList
from sqlml.models._spec import Task
from sqlml.types import BIGINT, DOUBLE, VARCHAR, Column, Kind, Schema

_SLICED = "__sqlml_sliced"
_SLICES = "__sqlml_slices"


def bind(call: BoundCall, context: CallContext) -> Relation:
    model, data = call.model, call.data
    assert data is not None  # the spec requires it
    check_threshold(model, call.settings)
    columns = _slice_columns(data, call.settings["slice_cols"])
    judged = _judged(model, data, context, columns, call.settings["threshold"])
    names = METRICS[model.spec.task]
    schema = Schema(
        (
            Column("slice", VARCHAR), Column("slice_col", VARCHAR), Column("slice_value", VARCHAR), Column("n_rows", BIGINT),
            *(Column(name, DOUBLE) for name in names),
        )
    )  # fmt: skip
    return Relation(_query(judged, columns, names), schema, judged.form, judged.reason)


def _slice_columns(data: Input, given: tuple[str, ...] | None) -> list[Column]:
    """Raises: ProgrammingError `missing_option`; OptionError `option_value`, `unknown_column`."""
    if given is None:
        raise ProgrammingError(
            "ML.SLICE_METRICS needs slice_cols, the columns whose values part the rows", code="missing_option",
            hint="write STRUCT(['a', 'b'] AS slice_cols)",
        )  # fmt: skip
    if not given:
        raise OptionError("slice_cols", "slice_cols must name at least one column")
    columns = [named_column(data, "slice_cols", name) for name in given]
    for index, column in enumerate(columns):
        if column in columns[:index]:
            raise OptionError("slice_cols", f"slice_cols names {column.name} twice")
    return columns


@dataclass(frozen=True)
class _Judged:
    """`sql`: the rows that count, with what `metrics` needs (which makes of a query of such rows one row of metrics). `slices`: SQL over
    these rows of the slice columns."""

    sql: str
    form: Literal["sql", "arrow"]
    reason: str
    slices: tuple[str, ...]
    metrics: Callable[[str], str]


def _judged(model: LoadedModel, data: Input, context: CallContext, columns: list[Column], threshold: float) -> _Judged:
    """Raises: DataError `missing_label`, `label_type`, `missing_feature`, `feature_type`."""
    if model.spec.task is Task.CLUSTERING:
        scores = context.scores(model, data)
        names = [f"__sqlml_slice_{index}" for index in range(len(columns))]
        kept = ", ".join(f"{scores.data.own(column.name)} AS {name}" for name, column in zip(names, columns, strict=True))
        rows = f"SELECT * FROM (SELECT NULL AS {ACTUAL}, {scores.sql} AS {SCORE}, {kept} FROM {scores.data.relation})"
        centroids = model.state.centroids
        metrics = _Judged(rows, scores.form, scores.reason, tuple(names), lambda query: clustering_metrics(query, SCORE, centroids))
    else:
        scored = scored_rows(model, data, context, keep=[column.name for column in columns])
        slices = tuple(scored.column(column.name) for column in columns)
        metrics = _Judged(scored.sql, scored.form, scored.reason, slices, lambda query: _supervised_metrics(model, query, threshold))
    return replace(metrics, sql=f"SELECT * FROM ({metrics.sql}) WHERE {SCORE} IS NOT NULL")


def _supervised_metrics(model: LoadedModel, query: str, threshold: float) -> str:
    if model.spec.task is Task.REGRESSION:
        return regression_metrics(query, ACTUAL, SCORE)
    if len(model.classes) == 2:
        return binary_metrics(query, f"({ACTUAL} = 1)", SCORE, threshold)
    best = sql.call("list_position", SCORE, sql.call("list_aggregate", SCORE, sql.literal("max")))
    return multiclass_metrics(query, ACTUAL, SCORE, f"CAST({best} - 1 AS INTEGER)", len(model.classes))


def _query(judged: _Judged, columns: list[Column], names: tuple[str, ...]) -> str:
    """Every judged row stands once for all rows (number 0) and once for each slice column; a lateral join asks the metrics of each slice.

    `place` orders numbers as numbers; texts, times and the rest go by their text.
    """
    values = ["NULL", *(sql.cast(value, "VARCHAR") for value in judged.slices)]
    are_numbers = [column.type.kind is Kind.NUMBER for column in columns]
    places = [
        "NULL",
        *(sql.cast(value, "DOUBLE") if is_number else "NULL" for value, is_number in zip(judged.slices, are_numbers, strict=True)),
    ]
    repeated = (
        f"SELECT {ACTUAL}, {SCORE}, {sql.call('unnest', sql.literal(list(range(len(values)))))} AS slice_number,"
        f" {sql.call('unnest', sql.cast(_list(values), 'VARCHAR[]'))} AS slice_value,"
        f" {sql.call('unnest', sql.cast(_list(places), 'DOUBLE[]'))} AS place FROM ({judged.sql})"
    )
    # The first part is there for data without rows, which have a row of all, too.
    slices = (
        f"SELECT slice_number, slice_value, {sql.call('max', 'place')} AS place, {sql.call('sum', 'n')} AS n_rows FROM"
        f" (SELECT 0 AS slice_number, CAST(NULL AS VARCHAR) AS slice_value, CAST(NULL AS DOUBLE) AS place, 0 AS n"
        f" UNION ALL SELECT slice_number, slice_value, place, 1 FROM {_SLICED}) GROUP BY slice_number, slice_value"
    )
    member = (
        f"SELECT * FROM {_SLICED} AS __sqlml_member WHERE __sqlml_member.slice_number = {_SLICES}.slice_number"
        f" AND __sqlml_member.slice_value IS NOT DISTINCT FROM {_SLICES}.slice_value"
    )
    titled = sql.call("list_extract", sql.literal([None, *(_title(column.name) for column in columns)]), "slice_number + 1")
    quote, quotes = sql.literal("'"), sql.literal("''")
    is_quoted = f"slice_value = 'NULL' OR {sql.call('starts_with', 'slice_value', quote)}"
    in_quotes = f"{quote} || {sql.call('replace', 'slice_value', quote, quotes)} || {quote}"
    column = sql.call("list_extract", sql.literal([None, *(column.name for column in columns)]), "slice_number + 1")
    title = f"{titled} || '=' || CASE WHEN slice_value IS NULL THEN 'NULL' WHEN {is_quoted} THEN {in_quotes} ELSE slice_value END"
    return (
        f"WITH {_SLICED} AS MATERIALIZED ({repeated}), {_SLICES} AS MATERIALIZED ({slices})"
        f" SELECT CASE WHEN slice_number = 0 THEN 'all' ELSE {title} END AS slice, {column} AS slice_col, slice_value,"
        f" {sql.cast('n_rows', 'BIGINT')} AS n_rows, {', '.join(f'__sqlml_metrics.{name}' for name in names)}"
        f" FROM {_SLICES} CROSS JOIN LATERAL ({judged.metrics(member)}) AS __sqlml_metrics"
        f" ORDER BY slice_number, place NULLS LAST, slice_value NULLS LAST"
    )


def _title(column: str) -> str:
    """A column in `slice`: in quotes where its end could not be told otherwise."""
    return sql.quote(column) if "=" in column or column.startswith('"') else column


def _list(items: list[str]) -> str:
    return f"[{', '.join(items)}]"


SPEC = FunctionSpec(
    name="SLICE_METRICS",
    doc="The metrics of ML.EVALUATE for all rows of the data, and for the rows of each value of some columns.",
    data="required",
    settings=(
        Option("slice_cols", StringList(), doc="The columns of the data whose values part the rows; must be given."),
        threshold_setting(),
    ),
    applies_to=lambda spec: spec.task.is_supervised or spec.task is Task.CLUSTERING,
    bind=bind,
)
