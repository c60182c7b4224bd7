"""Binding CREATE MODEL: everything that can be known before a row is read.

Names, options and the columns of the training query are checked here, in the order in which a user would want to hear of mistakes; what
only the rows
can tell (NULL labels, one class, infinite values) is found while training.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence

from sqlml import sql
from sqlml.catalog.records import ModelKey
from sqlml.errors import DataError, Error, ProgrammingError, did_you_mean
from sqlml.features.expressions import RESERVED_PREFIX
from sqlml.features.sources import find_sources
from sqlml.models._options import Options
from sqlml.models._spec import ModelSpec, Task
from sqlml.plan.calls import Calls
from sqlml.plan.context import PlanContext
from sqlml.plan.model_options import find_setting, model_options, model_type, setting_of
from sqlml.plan.nodes import KeepModel, TrainModel
from sqlml.plan.recorded import encode_parameters
from sqlml.plan.transform import BoundTransform
from sqlml.plan.transform_flavour import engine_clause
from sqlml.source import Span
from sqlml.syntax import parse_query
from sqlml.syntax.nodes import CreateModel
from sqlml.training.lineage import version_source
from sqlml.training.splits import split_rule
from sqlml.types import Column, Kind, Schema

_LABEL_KINDS = frozenset({Kind.NUMBER, Kind.STRING, Kind.BOOLEAN, Kind.DATE, Kind.TIMESTAMP, Kind.TIME})
_COLUMN_OPTIONS = ("data_split_col", "instance_weight_col", "kmeans_init_col")
"""Options that name a column of the query which is then no feature."""


def bind_create_model(node: CreateModel, context: PlanContext) -> TrainModel | KeepModel:
    """The plan of a CREATE MODEL.

    Raises: ProgrammingError, DataError, NotSupportedError with the place in the statement; IntegrityError from the catalog.
    """
    key = context.key_to_change(node.name) if node.replace else context.key(node.name)
    if _exists(node, key, context):
        return KeepModel(key)
    return bind_training(node, key, context)


def bind_training(node: CreateModel, key: ModelKey, context: PlanContext) -> TrainModel:
    """The plan of the training that a CREATE MODEL asks for, whatever name it has and whether there is such a model.

    Args: key, the model that the new version will belong to.
    Raises: as `bind_create_model`.
    """
    given = context.settings(node.options)
    spec = model_type(given, node)
    options, notices = model_options(spec, given, node)
    context.notices.extend(("option", notice) for notice in notices)
    if node.query is None:
        raise ProgrammingError(
            "CREATE MODEL needs a training query", code="syntax_error", span=node.span, hint="end the statement with AS SELECT … FROM …"
        )
    calls = Calls(context)
    calls.bind_all(parse_query(context.source, node.query))
    # The engine would rename the second of two columns with one name once the query stands in brackets.
    schema = calls.describe(calls.text(node.query), (node.query,), node.query)
    _check_names(schema, node.query)
    query = calls.text(node.query).within("SELECT * FROM (", "\n)")
    label = _label(spec, options, schema, node)
    claimed = {str(options[name]).casefold(): name for name in _COLUMN_OPTIONS if options.get(name) is not None}
    if label is not None:
        claimed[label.name.casefold()] = "input_label_cols"
    transform = _transform(node, spec, schema, claimed, calls)
    made = schema if transform is None else transform.outputs
    features = tuple(column for column in made if column.name.casefold() not in claimed)
    inputs = features if transform is None else tuple(column for column in transform.inputs if column.name.casefold() not in claimed)
    try:
        for name in ("instance_weight_col", "kmeans_init_col"):
            _check_claimed(name, options, schema, Kind.NUMBER if name.startswith("instance") else Kind.BOOLEAN)
        split = split_rule(options, schema)
    except ProgrammingError as error:
        raise error.at(next((setting_of(node, name).span for name in _COLUMN_OPTIONS if _has(node, name)), node.query)) from None
    if spec.task.predicts:
        _check_features(features, node.query if transform is None else transform.place)
    parameters, unknown = encode_parameters(context.parameters.named_values(node.span))
    if unknown:
        context.notices.append((
            "not_recorded",
            f"the value of parameter {', '.join(unknown)} cannot be recorded: REFRESH MODEL needs it again, WITH ({unknown[0]} = …)",
        ))  # fmt: skip
    return TrainModel(
        key=key, replace=node.replace, if_not_exists=node.if_not_exists, spec=spec, options=options, given=given, query=query,
        parameters=context.parameters.used_in(node.query), schema=schema, features=features, inputs=inputs, transform=transform,
        label=label, split=split,
        weight_column=_claimed_column(schema, options.get("instance_weight_col")),
        initial_column=_claimed_column(schema, options.get("kmeans_init_col")),
        statement=context.source.text[node.span.start : node.span.end].strip(), notices=tuple(context.notices),
        option_spans={setting.name.lower(): setting.span for setting in node.options}, query_span=node.query, span=node.span,
        seed=context.configuration.seed, recorded_parameters=parameters, context=_naming(key, context),
        parents=tuple(dict.fromkeys(version_source(model.version, key.database) for model in calls.models)),
    )  # fmt: skip


def _naming(key: ModelKey, context: PlanContext) -> dict[str, str]:
    """What names and times in the statement mean, for when it is run again."""
    database = context.engine.current_database()
    zone = context.engine.rows(f"SELECT {sql.call('current_setting', sql.literal('TimeZone'))}")
    return {
        "database": "" if database == key.database else database, "schema": context.engine.current_schema(), "dialect": "duckdb",
        "time_zone": str(zone[0][0]) if zone else "",
    }  # fmt: skip


def _exists(node: CreateModel, key: ModelKey, context: PlanContext) -> bool:
    """Whether IF NOT EXISTS makes the statement a no-op; refuses what could not be published."""
    if node.if_not_exists and context.catalog.find(key) is not None:
        return True
    try:
        context.catalog.check_publishable(key, replace=node.replace, if_not_exists=node.if_not_exists)
    except Error as error:
        raise error.at(node.name.span) from None
    return False


def _check_names(schema: Schema, span: Span) -> None:
    """Raises: ProgrammingError `duplicate_column`: of two columns with one name only one could be meant."""
    seen: set[str] = set()
    for column in schema:
        if column.name.casefold() in seen:
            raise ProgrammingError(
                f"the training query gives two columns called {column.name}", code="duplicate_column", span=span,
                hint="give one of them another name with AS",
            )  # fmt: skip
        seen.add(column.name.casefold())


def _transform(node: CreateModel, spec: ModelSpec, schema: Schema, claimed: Mapping[str, str], calls: Calls) -> BoundTransform | None:
    """The bound TRANSFORM clause.

    Raises: ProgrammingError `missing_transform`, `transform_label`, and what binding it raises.
    """
    if node.transform is None:
        if spec.task is Task.PREPROCESSING:
            raise ProgrammingError(
                f"a {spec.model_type} model needs a TRANSFORM clause", code="missing_transform", span=node.name.span,
                hint="write CREATE MODEL name TRANSFORM (…) OPTIONS (…) AS query",
            )  # fmt: skip
        return None
    span = node.transform
    if calls.context.configuration.dialect == "bigquery":
        clause = engine_clause(calls.context, span)
        try:
            transform = BoundTransform(
                clause.source, clause.span, schema, lambda text: calls.context.engine.describe(text.text), calls.needs_native_functions,
                try_describe=calls.try_describe, locate=clause.locate,
            )  # fmt: skip
        except Error as error:
            error.source = None  # the place is in the translation, which the user has never seen
            error.span = span if error.span is None else clause.locate(error.span)
            raise
    else:
        transform = BoundTransform(
            calls.source, span, schema, lambda text: calls.describe(text, (), span), calls.needs_native_functions,
            try_describe=calls.try_describe,
        )  # fmt: skip
    for name, option in claimed.items():
        column = schema.find(name)
        what = {"input_label_cols": "the label"}.get(option, option)
        if column is not None and name not in transform.passed:
            made = any(output.name.casefold() == name for output in transform.outputs)
            shown = column.name if column.name.isidentifier() else sql.quote(column.name)
            raise ProgrammingError(
                f"TRANSFORM {'changes' if made else 'drops'} {what} {sql.quote(column.name)}, which must stay as it is",
                code="transform_label", span=transform.place(column.name), hint=f"list it by its name alone: TRANSFORM (…, {shown})",
            )  # fmt: skip
        if column is not None and transform.needs(name):
            raise ProgrammingError(
                f"TRANSFORM makes features of {what} {sql.quote(column.name)}, which prediction does not have", code="transform_label",
                span=transform.place(column.name), hint="list it by its name alone, and compute nothing from it",
            )  # fmt: skip
    return transform


def _label(spec: ModelSpec, options: Options, schema: Schema, node: CreateModel) -> Column | None:
    if not spec.task.is_supervised:
        return None
    (name,) = options["input_label_cols"]
    assert node.query is not None
    was_given = "input_label_cols" in options.given
    setting = find_setting(node, spec, "input_label_cols") if was_given else None
    span = setting.value.span if setting else node.query
    column = schema.find(name)
    if column is None:
        close = difflib.get_close_matches(name.lower(), [known.lower() for known in schema.names], n=1)
        hint = f"the query gives {', '.join(schema.names)}"
        if close:
            hint = f"did you mean {schema.find(close[0]).name}?"  # type: ignore[union-attr]  # it is one of them
        elif not was_given:
            hint = f"name it: OPTIONS (input_label_cols = ['…']); {hint}"
        raise ProgrammingError(f"the training query has no label column {name}", code="missing_label", span=span, hint=hint)
    if spec.task is Task.REGRESSION and column.type.kind is not Kind.NUMBER:
        raise DataError(
            f"the label {column.name} of a {spec.model_type} model must be a number, got {column.type}", code="label_type", span=span,
            hint="for classes use LOGISTIC_REG or a …_CLASSIFIER model type",
        )  # fmt: skip
    if column.type.kind not in _LABEL_KINDS:
        raise DataError(
            f"the label {column.name} has type {column.type}, which cannot be a class",
            code="label_type",
            span=span,
            hint="select it as a number, BOOLEAN, DATE or VARCHAR",
        )
    return column


def _check_features(features: Sequence[Column], place: Span | Callable[[str], Span]) -> None:
    """Raises: DataError `no_features`, `reserved_name`, `feature_type`."""
    if not features:
        span = place if isinstance(place, Span) else place("")
        raise DataError(
            "the training query has no feature columns", code="no_features", span=span, hint="select at least one column to learn from"
        )
    for column in features:
        span = place if isinstance(place, Span) else place(column.name)
        if column.name.casefold().startswith(RESERVED_PREFIX):
            raise DataError(
                f"column names that begin with {RESERVED_PREFIX} are sqlml's own, got {column.name}", code="reserved_name", span=span,
                hint=f"rename it: {column.name} AS …",
            )  # fmt: skip
        if column.type.name == '"NULL"':
            raise DataError(
                f"column {column.name} is NULL without a type",
                code="feature_type",
                span=span,
                hint="write CAST(NULL AS DOUBLE), or leave it out",
            )
    for part in [features] if isinstance(place, Span) else [*([column] for column in features), features]:
        try:
            find_sources(part)
        except DataError as error:
            raise error.at(place if isinstance(place, Span) else place(part[0].name)) from None


def _check_claimed(option: str, options: Options, schema: Schema, kind: Kind) -> None:
    name = options.get(option)
    if name is None:
        return
    column = schema.find(name)
    if column is None:
        raise ProgrammingError(
            f'{option} "{name}" is not a column of the training query',
            code="unknown_column",
            hint=did_you_mean(name, schema.names) or "select it in the query",
        )
    if column.type.kind is not kind:
        raise ProgrammingError(
            f"{option} {column.name} must be a {kind.value}, got {column.type}",
            code="option_column_type",
            hint="cast it in the training query, or name another column",
        )


def _claimed_column(schema: Schema, name: str | None) -> str | None:
    column = schema.find(name) if name is not None else None
    return None if column is None else column.name


def _has(node: CreateModel, name: str) -> bool:
    return any(setting.name.lower() == name for setting in node.options)
