"""`INFORMATION_SCHEMA.MODELS` and `.MODEL_OPTIONS`: small tables made from the catalog, shaped like BigQuery's other views of that schema.

BigQuery has neither. Without a scope they tell of all schemas of the current database, else of one schema or one database.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator

import pyarrow as pa

from sqlml import sql
from sqlml.catalog.definitions import Definition, read_definitions
from sqlml.catalog.records import ModelInfo
from sqlml.errors import Error, NotSupportedError, ProgrammingError, did_you_mean
from sqlml.models._options import Boolean, Float, Integer, Option, OptionType, Pairs, String, StringList, Timestamp
from sqlml.models._registry import find_model_type
from sqlml.plan.context import PlanContext
from sqlml.shown_names import shown_name
from sqlml.syntax.nodes import InformationTable
from sqlml.syntax.printing import print_value

_TIME = pa.timestamp("us")
_MODELS = pa.schema([
    ("model_catalog", pa.string()), ("model_schema", pa.string()), ("model_name", pa.string()), ("model_type", pa.string()),
    ("default_version", pa.int64()), ("n_versions", pa.int64()), ("creation_time", _TIME), ("last_modified_time", _TIME),
    ("expiration_timestamp", _TIME), ("description", pa.string()), ("ddl", pa.string()),
])  # fmt: skip
"""Times are UTC; `ddl` is the statement that made the default version."""
_MODEL_OPTIONS = pa.schema([
    ("model_catalog", pa.string()), ("model_schema", pa.string()), ("model_name", pa.string()), ("option_name", pa.string()),
    ("option_type", pa.string()), ("option_value", pa.string()), ("is_default", pa.bool_()),
])  # fmt: skip
"""Options of the model and of its default version's training. `option_value` is a literal, as OPTIONS takes it."""
_TYPES: dict[type[OptionType], str] = {
    Float: "FLOAT64", Integer: "INT64", Boolean: "BOOL", String: "STRING", StringList: "ARRAY<STRING>", Timestamp: "TIMESTAMP",
}  # fmt: skip
_MAX_DEPTH = 4
_REGION = "region-"
"""BigQuery's `region-eu`.INFORMATION_SCHEMA tells of all datasets of a region; there is one region here."""


def information_table(node: InformationTable, context: PlanContext, *, in_view: bool) -> str:
    """What stands in the place of the reference.

    Raises: ProgrammingError `unknown_schema`; NotSupportedError `view_needs_sql_form`.
    """
    if in_view:
        view = "models" if node.table == "models" else "model_versions"
        raise NotSupportedError(
            f"a view or macro cannot hold INFORMATION_SCHEMA.{node.table.upper()}", code="view_needs_sql_form", span=node.span,
            hint=f"sqlml.{view} is a view that any DuckDB client reads",
        )  # fmt: skip
    try:
        database, schema = _scope(node, context)
        models = context.catalog.list_models(database, schema)
        definitions = read_definitions(context.engine, database, models) if models else []
    except Error as error:
        raise error.at(node.span) from error.__cause__
    rows = _models(models, definitions) if node.table == "models" else _options(models, definitions)
    name = context.models.register_rows(rows)
    return name if node.alias is None else f"{name} AS {sql.quote(node.alias)}"


def _scope(node: InformationTable, context: PlanContext) -> tuple[str, str | None]:
    """The database, and the schema unless all are meant."""
    attached = {name.casefold(): name for name in context.engine.databases()}
    database = context.engine.current_database()
    *catalog, schema = context.led_scope(node.scope) or (None,)
    if schema is None or (not catalog and schema.casefold().startswith(_REGION)):
        return database, None
    if catalog:
        # A BigQuery project that is no attached database means the current one, as with models.
        database = attached.get(str(catalog[0]).casefold(), database)
    found = context.engine.rows(f"SELECT schema_name FROM {sql.call('duckdb_schemas')} WHERE database_name = $1", [database])
    schemas = {str(name).casefold(): str(name) for (name,) in found}
    if schema.casefold() in schemas:
        return database, schemas[schema.casefold()]
    if catalog and schema.casefold().startswith(_REGION):
        return database, None
    if not catalog and schema.casefold() in attached:
        return attached[schema.casefold()], None
    raise ProgrammingError(
        f"there is no schema {shown_name(schema)} in database {shown_name(database)}",
        code="unknown_schema",
        hint=did_you_mean(schema, list(schemas.values()), shown_name),
    )


def _models(models: list[ModelInfo], definitions: list[Definition]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "model_catalog": model.key.database, "model_schema": model.key.schema, "model_name": model.key.name,
                "model_type": model.model_type, "default_version": model.default_version, "n_versions": model.n_versions,
                "creation_time": model.created_at, "last_modified_time": model.modified_at, "expiration_timestamp": model.expires_at,
                "description": model.description, "ddl": definition.statement,
            }
            for model, definition in zip(models, definitions, strict=True)
        ],
        schema=_MODELS,
    )  # fmt: skip


def _options(models: list[ModelInfo], definitions: list[Definition]) -> pa.Table:
    rows = []
    for model, definition in zip(models, definitions, strict=True):
        place = {"model_catalog": model.key.database, "model_schema": model.key.schema, "model_name": model.key.name}
        for name, type_name, value, is_default in (*_own_options(model), *_training_options(model, definition)):
            rows.append({
                **place, "option_name": name, "option_type": type_name, "option_value": print_value(_plain(value)),
                "is_default": is_default,
            })  # fmt: skip
    return pa.Table.from_pylist(rows, schema=_MODEL_OPTIONS)


def _own_options(model: ModelInfo) -> Iterator[tuple[str, str, object, bool]]:
    """What ALTER MODEL … SET OPTIONS has set."""
    if model.description is not None:
        yield "description", "STRING", model.description, False
    if model.labels:
        yield "labels", "ARRAY<STRUCT<STRING, STRING>>", list(model.labels), False
    if model.expires_at is not None:
        yield "expiration_timestamp", "TIMESTAMP", model.expires_at.replace(tzinfo=datetime.UTC), False


def _training_options(model: ModelInfo, definition: Definition) -> Iterator[tuple[str, str, object, bool]]:
    try:
        declared = {option.name: option for option in find_model_type(model.model_type).options}
    except Error:  # a type of another release
        declared = {}
    for name, value in definition.options.items():
        if value is not None:
            type_name, shown = _typed(declared.get(name), value)
            yield name, type_name, shown, name not in definition.given


def _typed(option: Option | None, value: object) -> tuple[str, object]:
    """The type by BigQuery's name, and the value that was JSON as one that prints as a literal."""
    if option is not None and isinstance(option.type, Pairs):
        pairs = [tuple(pair) if isinstance(pair, list) else pair for pair in value] if isinstance(value, list) else value
        return f"ARRAY<STRUCT<STRING, {'FLOAT64' if option.type.value_type is float else 'STRING'}>>", pairs
    if option is not None and type(option.type) in _TYPES:
        return _TYPES[type(option.type)], value
    return {bool: "BOOL", int: "INT64", float: "FLOAT64", str: "STRING"}.get(type(value), "JSON"), value


def _plain(value: object, depth: int = 0) -> object:
    """A stored value as one that prints, whatever JSON a stranger's database holds: objects, and what is nested deeper than any option, as
    text."""
    if isinstance(value, list | tuple) and depth < _MAX_DEPTH:
        items = [_plain(item, depth + 1) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    return json.dumps(value) if isinstance(value, dict | list | tuple) else value
