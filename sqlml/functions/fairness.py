"""ML.FAIRNESS: bias measures of the data and of a binary classifier, for one group against another; one row a measure.

    SELECT * FROM ML.FAIRNESS(MODEL income, TABLE people, STRUCT('sex' AS facet, 'Female' AS disadvantaged_value))
    SELECT * FROM ML.FAIRNESS(MODEL income, (SELECT *, age < 30 AS young FROM people),
                              STRUCT('young' AS facet, TRUE AS disadvantaged_value, 'occupation' AS group_col, TRUE AS flip_test))

The rows whose facet has `disadvantaged_value` are group d; those with `advantaged_value`, or without it with any other value, are group a.
Values are compared as values of the column's type: 7.0 is 7 of an INT64 column, 7.4 is an error. A value that does not occur in the data is
no error (groups may be empty in a part of the data): the rows stay, with NULL measures and a count of 0 for its group.
The favourable outcome is `positive_label`, by default the higher class. Measures of stage 'data' look at labels only, those of stage
'model' at predictions. `n_advantaged` and `n_disadvantaged` count the rows that every measure is made of: left out are rows whose facet is
NULL (or neither value, when both are given), and those whose label is NULL or no class of the model.

`value` is NULL where a measure is undefined (a group without rows, a rate of nothing, CDDL and CDDPL without `group_col`), infinite where a
ratio is. In `group_col` NULL is a value of its own. `fair_range` is a rule of thumb, no verdict: which measure matters is for the case.
FT compares each row of d with all of a, so it is there only with `flip_test`; rows in which a number is missing take no part in it.

Source: Amazon SageMaker Clarify, pre-training and post-training bias metrics. Where its documentation and its library differ, we follow the
documentation: labels that one group lacks count in KL, JS, Lp, TVD and KS (KL is then infinite), FT is positive when d is worse off, and
0/0 is not 0. The generalised entropy index is not here, as it compares no groups. EO_TPR and EO_FPR, the two differences of equalised odds,
equal Clarify's RD and SD. Clarify gives no fair ranges: ours are a tenth around 0 (AI Fairness 360) and the four-fifths rule for DI.
"""

from __future__ import annotations

import datetime

from sqlml import sql
from sqlml.errors import NotSupportedError, ProgrammingError
from sqlml.functions._bias_measures import CELLS, MEASURES, label_disparity, predicted_disparity, rates
from sqlml.functions._data_columns import Value, named_column, value_of
from sqlml.functions._flip_test import compared_columns, flip_test_sql
from sqlml.functions._labels import label_type
from sqlml.functions._scored import ACTUAL, SCORE, scored_rows
from sqlml.functions._settings import threshold_setting
from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, LoadedModel, Relation
from sqlml.models._options import Boolean, Option, OptionError, Options, OptionType, String
from sqlml.models._spec import Task
from sqlml.types import BIGINT, DOUBLE, VARCHAR, Column, Kind, Schema

_ROWS = "__sqlml_judged"


class Scalar(OptionType):
    """A value of any column, kept as its text."""

    def convert(self, value: object) -> str:
        match value:
            case bool():
                return "true" if value else "false"
            case str() | int() | float():
                return str(value)
            case datetime.date():
                return value.isoformat()
        raise ValueError("must be a string, a number, a BOOL or a date")

    def describe(self) -> str:
        return "STRING, INT64, FLOAT64, BOOL or DATE"


def bind(call: BoundCall, context: CallContext) -> Relation:
    model, data, settings = call.model, call.data, call.settings
    assert data is not None  # the spec requires it
    if len(model.classes) != 2:
        raise NotSupportedError(
            f"ML.FAIRNESS applies to classifiers of two classes; model {model.version.key} has {len(model.classes)}",
            code="function_not_applicable", hint="train a model on whether the label is the class in question",
        )  # fmt: skip
    facet = named_column(data, "facet", _given(settings, "facet"))
    group = None if settings["group_col"] is None else named_column(data, "group_col", settings["group_col"])
    compared = compared_columns(model, data, facet) if settings["flip_test"] else []
    positive = _positive_class(model, settings)
    scored = scored_rows(model, data, context, keep=[column.name for column in (facet, *([group] if group else []), *compared)])
    accepted = f"({SCORE} > {sql.literal(float(settings['threshold']))})"
    selected = [
        f"{_disadvantaged(facet, scored.column(facet.name), settings)} AS disadvantaged",
        f"({ACTUAL} = {positive}) AS favoured",
        f"{accepted if positive == 1 else f'NOT {accepted}'} AS accepted",
        f"{SCORE} AS score",
        f"{scored.column(group.name) if group else 'NULL'} AS of_group",
        *(f"{scored.column(column.name)} AS c{index}" for index, column in enumerate(compared)),
    ]
    judged = f"SELECT * FROM (SELECT {', '.join(selected)} FROM ({scored.sql})) WHERE disadvantaged IS NOT NULL AND score IS NOT NULL"
    flip_test = flip_test_sql(_ROWS, [(f"c{index}", column) for index, column in enumerate(compared)]) if compared else None
    schema = Schema(
        (
            Column("measure", VARCHAR), Column("value", DOUBLE), Column("compares", VARCHAR), Column("fair_range", VARCHAR),
            Column("stage", VARCHAR), Column("n_advantaged", BIGINT), Column("n_disadvantaged", BIGINT),
        )
    )  # fmt: skip
    return Relation(_query(judged, group is not None, flip_test), schema, scored.form, scored.reason)


def _query(judged: str, grouped: bool, flip_test: str | None) -> str:
    """The eight counts of each value of the group column, their sums, the rates of these, the measures over the rates: a row for each."""
    conditions = {"tp": "favoured AND accepted", "fp": "NOT favoured AND accepted", "fn": "favoured AND NOT accepted",
                  "tn": "NOT favoured AND NOT accepted"}  # fmt: skip
    count = sql.call("count", "*")
    cells = ", ".join(
        f"{count} FILTER (WHERE {condition} AND {'NOT ' * (group == 'a')}disadvantaged) AS {kind}_{group}"
        for group in "ad"
        for kind, condition in conditions.items()
    )
    totals = ", ".join(f"CAST(coalesce({sql.call('sum', cell)}, 0) AS BIGINT) AS {cell}" for cell in CELLS)
    everyone = " + ".join(CELLS)
    disparities = ", ".join(
        f"{_weighted(disparity, everyone, possible) if grouped else 'CAST(NULL AS DOUBLE)'} AS {name}"
        for name, disparity, possible in (
            ("label_disparity", label_disparity(), ("tp_a + fn_a + tp_d + fn_d", "fp_a + tn_a + fp_d + tn_d")),
            ("predicted_disparity", predicted_disparity(), ("tp_a + fp_a + tp_d + fp_d", "fn_a + tn_a + fn_d + tn_d")),
        )
    )
    named = ", ".join(f"{expression} AS {name}" for name, expression in rates().items())
    measures = [measure for measure in MEASURES if flip_test is not None or measure.needs != "flip_test"]
    values = ", ".join(f"CASE WHEN n_a > 0 AND n_d > 0 THEN {measure.value} END" for measure in measures)
    columns = {
        "measure": sql.literal([measure.name for measure in measures]),
        "value": sql.cast(f"[{values}]", "DOUBLE[]"),
        "compares": sql.literal([measure.compares for measure in measures]),
        "fair_range": sql.literal([measure.fair_range for measure in measures]),
        "stage": sql.literal([measure.stage for measure in measures]),
        "place": sql.literal(list(range(len(measures)))),
    }
    lists = ", ".join(f"{sql.call('unnest', values)} AS {name}" for name, values in columns.items())
    return (
        f"WITH {_ROWS} AS {'MATERIALIZED ' * (flip_test is not None)}({judged}),"
        f" __sqlml_cells AS (SELECT {cells} FROM {_ROWS}{' GROUP BY of_group' * grouped}),"
        f" __sqlml_counts AS (SELECT {totals}, {disparities} FROM __sqlml_cells),"
        f" __sqlml_rates AS (SELECT {named}, label_disparity, predicted_disparity, ({flip_test or 'NULL'}) AS flip_test"
        f" FROM __sqlml_counts)"
        f" SELECT measure, value, compares, fair_range, stage, n_advantaged, n_disadvantaged"
        f" FROM (SELECT {lists}, n_a AS n_advantaged, n_d AS n_disadvantaged FROM __sqlml_rates) ORDER BY place"
    )


def _weighted(disparity: str, n_rows: str, possible: tuple[str, str]) -> str:
    """The mean of a disparity over the values of the group column, by their rows; NULL where both outcomes do not occur at all."""
    occur = " AND ".join(f"{sql.call('sum', cells)} > 0" for cells in possible)
    return f"CASE WHEN {occur} THEN {sql.call('sum', f'({n_rows}) * ({disparity})')} / {sql.call('sum', n_rows)} END"


def _given(settings: Options, name: str) -> str:
    """Raises: ProgrammingError `missing_option`."""
    value = settings[name]
    if value is None:
        raise ProgrammingError(
            f"ML.FAIRNESS needs {name}", code="missing_option", hint="write STRUCT('column' AS facet, 'value' AS disadvantaged_value)"
        )
    return str(value)


def _disadvantaged(facet: Column, value: str, settings: Options) -> str:
    """SQL (BOOLEAN) of the group of a facet's value: TRUE in d, FALSE in a, NULL in neither.

    Raises: ProgrammingError `missing_option`; OptionError `option_value`.
    """
    own = _facet_value(facet, "disadvantaged_value", _given(settings, "disadvantaged_value"))
    is_d = _equals(facet, value, own)
    if settings["advantaged_value"] is None:
        return f"({is_d})"
    other = _facet_value(facet, "advantaged_value", settings["advantaged_value"])
    if other.key == own.key:
        raise OptionError("advantaged_value", "advantaged_value must be another value than disadvantaged_value")
    return f"(CASE WHEN {is_d} THEN TRUE WHEN {_equals(facet, value, other)} THEN FALSE END)"


def _facet_value(facet: Column, setting: str, text: str) -> Value:
    """Raises: OptionError `option_value` for what the type of the facet cannot hold; rounded to it, it would name another group."""
    found = value_of(facet.type, text)
    if found is None:
        raise OptionError(setting, f"{setting} must be a value of {facet.name}, which is {facet.type}, got {text!r}")
    return found


def _equals(facet: Column, value: str, wanted: Value) -> str:
    text = sql.literal(wanted.text)
    if facet.type.kind in (Kind.NUMBER, Kind.BOOLEAN, Kind.DATE, Kind.TIMESTAMP):
        return f"{value} = TRY_CAST({text} AS {facet.type.name})"
    return f"{sql.cast(value, 'VARCHAR')} = {text}"


def _positive_class(model: LoadedModel, settings: Options) -> int:
    """The code of the class that is the favourable outcome, compared as values of the label's type.

    Raises: OptionError `option_value`.
    """
    given = settings["positive_label"]
    if given is None:
        return 1
    if given in model.classes:
        return model.classes.index(given)
    type_ = label_type(model)
    wanted = value_of(type_, given)
    for code, text in enumerate(model.classes):
        known = value_of(type_, text)
        if wanted is not None and known is not None and wanted.key == known.key:
            return code
    raise OptionError(
        "positive_label", f"positive_label must be a class of the model, got {given!r}", hint=f"they are {', '.join(model.classes)}"
    )


SPEC = FunctionSpec(
    name="FAIRNESS",
    doc="Bias measures of the data and of a binary classifier, for one group of rows against another; one row a measure.",
    data="required",
    settings=(
        Option("facet", String(), doc="The column that tells the groups apart; must be given."),
        Option("disadvantaged_value", Scalar(), doc="The value of the facet that makes group d; must be given."),
        Option("advantaged_value", Scalar(), doc="The value that makes group a; without it, any other value does."),
        Option("positive_label", Scalar(), doc="The class that is the favourable outcome; without it the higher one."),
        Option("group_col", String(), doc="The column within whose values CDDL and CDDPL compare."),
        Option("flip_test", Boolean(), default=False, doc="Whether to add FT, which takes as long as there are pairs of rows."),
        threshold_setting(),
    ),
    applies_to=lambda spec: spec.task is Task.CLASSIFICATION,
    bind=bind,
)
