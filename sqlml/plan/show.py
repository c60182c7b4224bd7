"""SHOW and DESCRIBE: small tables from the catalog and from the declarations."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from sqlml.errors import Error, ProgrammingError
from sqlml.functions.predict import output_columns
from sqlml.models._registry import MODEL_TYPES, find_model_type
from sqlml.plan.context import PlanContext
from sqlml.plan.show_sources import describe_sources
from sqlml.shown_names import shown_name
from sqlml.syntax.nodes import DescribeModel, DescribeModelType, ShowCreateModel, ShowModels, ShowVersions

_TEXT = pa.string()
_TIME = pa.timestamp("us")


def show_models(node: ShowModels, context: PlanContext) -> pa.Table:
    """One row a model: of one schema, or of all schemas of the current database."""
    database = context.engine.current_database()
    schema = None
    if node.schema is not None:
        attached = {name.casefold(): name for name in context.engine.databases()}
        if len(node.schema) > 1:
            database, schema = attached.get(node.schema[0].casefold(), node.schema[0]), node.schema[-1]
        else:
            schema = node.schema[0]
            if not context.has_schema(database, schema) and schema.casefold() in attached:
                # As with tables, an attached database may stand where a schema may.
                database, schema = attached[schema.casefold()], None
        if schema is not None and not context.has_schema(database, schema):
            raise ProgrammingError(
                f"there is no schema {shown_name(schema)} in database {shown_name(database)}",
                code="unknown_schema",
                span=node.span,
                hint="SHOW MODELS lists all models",
            )
    models = context.catalog.list_claims(database, schema)
    if node.pattern is not None:
        matches = _like(node.pattern)
        models = [model for model in models if matches(model.model_name)]
    return _table(
        {
            "database_name": (_TEXT, [database] * len(models)),
            "schema_name": (_TEXT, [model.schema_name for model in models]),
            "model_name": (_TEXT, [model.model_name for model in models]),
            "model_type": (_TEXT, [model.model_type for model in models]),
            "default_version": (pa.int64(), [model.default_version for model in models]),
            "versions": (pa.int64(), [model.n_versions for model in models]),
            "created": (_TIME, [model.created_at for model in models]),
            "modified": (_TIME, [model.modified_at for model in models]),
            "description": (_TEXT, [model.description for model in models]),
        }
    )


def show_versions(node: ShowVersions, context: PlanContext) -> pa.Table:
    """One row a version, the newest first."""
    key = context.key(node.name)
    try:
        versions = context.catalog.versions(key)
    except Error as error:
        raise error.at(node.name.span) from None
    model = context.catalog.find(key)
    rows = sorted(versions, key=lambda version: -version.version)
    return _table(
        {
            "version": (pa.int64(), [version.version for version in rows]),
            "is_default": (pa.bool_(), [model is not None and version.version == model.default_version for version in rows]),
            "created": (_TIME, [version.created_at for version in rows]),
            "model_type": (_TEXT, [version.record.model_type for version in rows]),
            "rows": (pa.int64(), [version.record.n_rows for version in rows]),
            "training_rows": (pa.int64(), [version.record.n_train for version in rows]),
            "evaluation_rows": (pa.int64(), [version.record.n_eval for version in rows]),
            "metrics": (pa.map_(_TEXT, pa.float64()), [list(version.record.metrics.items()) for version in rows]),
            "duration_ms": (pa.int64(), [version.record.duration_ms for version in rows]),
            "aliases": (pa.list_(_TEXT), [[] if model is None else list(model.aliases_of(version.version)) for version in rows]),
        }
    )


def show_create_model(node: ShowCreateModel, context: PlanContext) -> pa.Table:
    key = context.key(node.name)
    try:
        version = context.catalog.load(key, context.reference(node.name))
    except Error as error:
        raise error.at(node.name.span) from None
    return _table({"model": (_TEXT, [f"{version.key.typed}@{version.version}"]), "statement": (_TEXT, [version.record.statement])})


def describe_model(node: DescribeModel, context: PlanContext) -> pa.Table:
    """One row a property, in the groups model, alias, input, transform, label, class, output, option, metric, source, environment, library,
    notice."""
    key = context.key(node.name)
    try:
        version = context.catalog.load(key, context.reference(node.name))
    except Error as error:
        raise error.at(node.name.span) from None
    record = version.record
    model = context.catalog.find(key)
    rows: list[tuple[str, str, str]] = [
        ("model", "name", version.key.typed),
        ("model", "model_type", record.model_type),
        ("model", "version", str(version.version)),
        ("model", "created", version.created_at.isoformat(sep=" ", timespec="seconds")),
        ("model", "rows", f"{record.n_rows} ({record.n_train} to train, {record.n_eval} to evaluate; {record.split_method})"),
        ("model", "seed", str(record.seed)),
        *(("alias", alias, str(version.version)) for alias in (() if model is None else model.aliases_of(version.version))),
    ]
    rows += [("input", feature.name, feature.sql_type) for feature in record.features]
    loaded = context.models.load(version.key, version.version)
    if "transform" in version.arrays:
        transform = loaded.transform
        assert transform is not None, "it is stored with the version"
        rows += [("transform", column.name, column.type.name) for column in transform.outputs]
    if record.label is not None:
        rows.append(("label", record.label, record.label_type or ""))
        rows += [("class", str(index), text) for index, text in enumerate(record.classes)]
    rows += [("output", column.name, column.type.name) for column in output_columns(loaded)]
    given = set(record.given_options)
    rows += [
        ("option", name, f"{_shown(value)}{'' if name in given else ' (default)'}")
        for name, value in record.options.items()
        if value is not None
    ]
    rows += [("metric", name, "" if value is None else f"{value:.6g}") for name, value in record.metrics.items()]
    rows += [("source", name, value) for name, value in describe_sources(record.sources)]
    rows += [("environment", name, text) for name, text in record.environment.items()]
    rows += [("library", name, text) for name, text in record.libraries.items()]
    rows += [("notice", str(index + 1), text) for index, text in enumerate(record.notices)]
    groups, names, values = zip(*rows, strict=True)
    return _table({"property": (_TEXT, groups), "name": (_TEXT, names), "value": (_TEXT, values)})


def show_model_types() -> pa.Table:
    specs = [find_model_type(name) for name in MODEL_TYPES]
    return _table(
        {
            "model_type": (_TEXT, [spec.model_type for spec in specs]),
            "task": (_TEXT, [spec.task.value for spec in specs]),
            "description": (_TEXT, [spec.doc for spec in specs]),
        }
    )


def describe_model_type(node: DescribeModelType) -> pa.Table:
    """One row an option: type and range, default, effect and meaning."""
    try:
        spec = find_model_type(node.model_type)
    except Error as error:
        raise error.at(node.type_span) from None
    options = [option for option in spec.options if option.name != "model_type"]
    return _table(
        {
            "option": (_TEXT, [option.name for option in options]),
            "type": (_TEXT, [option.type.describe() for option in options]),
            "default": (_TEXT, [None if option.default is None else _shown(option.default) for option in options]),
            "effect": (_TEXT, [option.effect.value for option in options]),
            "description": (_TEXT, [f"{option.doc} {option.reason}".strip() for option in options]),
        }
    )


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _like(pattern: str) -> Callable[[str], object]:
    """SQL LIKE without regard to case, as model names are."""
    parts = ({"%": ".*", "_": "."}.get(character, re.escape(character)) for character in pattern)
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL).fullmatch


def _table(columns: Mapping[str, tuple[pa.DataType, Sequence[object]]]) -> pa.Table:
    return pa.table({name: pa.array(list(values), type_) for name, (type_, values) in columns.items()})
