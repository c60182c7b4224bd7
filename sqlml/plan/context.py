"""What planning may look up: the engine's current names, the catalog, loaded models, the parameters of the statement."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from sqlml import sql
from sqlml.catalog.records import ModelKey, Reference
from sqlml.catalog.store import Catalog
from sqlml.engines.engine import Engine, Parameters
from sqlml.errors import Error, ProgrammingError
from sqlml.functions._spec import LoadedModel
from sqlml.plan.splice import Spliced, located, plain, splice
from sqlml.settings import Settings
from sqlml.source import Source, Span
from sqlml.syntax.nodes import ModelName, OptionSetting, ParameterRef
from sqlml.syntax.strings import parse_timestamp


class Models(Protocol):
    """Loaded models and the engine objects that belong to them."""

    def load(self, key: ModelKey, reference: Reference) -> LoadedModel: ...
    def batch_scores(self, model: LoadedModel, values: Sequence[str]) -> str:
        """SQL of the model's scores from SQL of its terms, through its native predictor."""
        ...

    def batch_explanations(self, model: LoadedModel, values: Sequence[str], *, approximate: bool) -> str:
        """SQL of the model's explanations from SQL of its terms, through its explainer."""
        ...

    def dictionary(self, model: LoadedModel, term: int, categories: tuple[str, ...]) -> str:
        """A table (value, code) of many categories, for as long as the model is loaded."""
        ...

    def register_rows(self, rows: pa.Table) -> str:
        """A table for the statement that is being planned; gives its SQL name."""
        ...


@dataclass
class PlanContext:
    """Everything that one statement's planning needs."""

    source: Source
    engine: Engine
    catalog: Catalog
    models: Models
    parameters: BoundParameters
    configuration: Settings = field(default_factory=Settings)
    notices: list[tuple[str, str]] = field(default_factory=list)

    def key(self, name: ModelName) -> ModelKey:
        """Where a model of that name lives or would live: missing parts are the current ones."""
        parts = name.parts
        database = self.engine.current_database()
        attached = {known.casefold(): known for known in self.engine.databases()}
        if len(parts) == 1:
            return ModelKey(database, self.engine.current_schema(), parts[0])
        if len(parts) == 2:
            # As with tables, the first part may also be an attached database; a schema of that name comes first.
            if parts[0].casefold() in attached and not self._has_schema(database, parts[0]):
                return ModelKey(attached[parts[0].casefold()], "main", parts[1])
            return ModelKey(database, parts[0], parts[1])
        if len(parts) == 3:
            # A BigQuery project that is no attached database means the current one.
            return ModelKey(attached.get(parts[0].casefold(), database), parts[1], parts[2])
        raise ProgrammingError(
            f"a model name has at most three parts, got {len(parts)}", code="model_name", span=name.span,
            hint="write model, schema.model or database.schema.model",
        )  # fmt: skip

    def reference(self, name: ModelName) -> Reference:
        """Which version a name means: what stands behind "@", or the time of FOR SYSTEM_TIME.

        Raises: ProgrammingError `not_a_time`, and what the engine says of the expression.
        """
        if name.as_of is None:
            return name.reference
        text = splice(self.source.text, name.as_of, self.parameters.replacements)
        try:
            ((value,),) = self.engine.rows(f"SELECT {text.text}", self.parameters.used_in(name.as_of))
        except Error as error:
            raise located(error, text).at(name.as_of) from error.__cause__
        self.parameters.spend(name.as_of)
        found = _to_utc(value)
        if found is None:
            raise ProgrammingError(
                f"FOR SYSTEM_TIME AS OF takes a time, got {value!r}", code="not_a_time", span=name.as_of,
                hint="write TIMESTAMP '2026-01-31 12:00:00'; without a zone it is UTC",
            )  # fmt: skip
        return found

    def _has_schema(self, database: str, schema: str) -> bool:
        query = (
            f"SELECT schema_name FROM {sql.call('duckdb_schemas')}"
            f" WHERE database_name = {sql.literal(database)} AND {sql.call('lower', 'schema_name')} = {sql.literal(schema.lower())}"
        )
        return bool(self.engine.rows(query))

    def settings(self, settings: Sequence[OptionSetting]) -> dict[str, object]:
        """Option name as written to Python value, parameters filled in.

        Raises: ProgrammingError `duplicate_option`.
        """
        values: dict[str, object] = {}
        for setting in settings:
            if any(setting.name.casefold() == known.casefold() for known in values):
                raise ProgrammingError(f"{setting.name} is given twice", code="duplicate_option", span=setting.name_span)
            values[setting.name] = self.parameters.fill(setting.value.value, setting.value.span)
        return values


class BoundParameters:
    """The parameters of one statement, renamed so that any part of it can be run with just those that it uses.

    `?`, `$1`, `$name` and `@name` become `$p0`, `$p1`, `$name`; DuckDB refuses a mixture, and parameters that a text does not use.
    """

    def __init__(self, given: Parameters, found: Sequence[tuple[Span, int | str]], text: str) -> None:
        self._values: dict[str, object] = {}
        if isinstance(given, Mapping):
            self._values = {str(name).lstrip("$@:"): value for name, value in given.items()}
        elif given is not None:
            self._values = {f"p{index}": value for index, value in enumerate(given)}
        self._spent: list[Span] = []
        """Where a literal took a parameter's value: the engine does not see these."""
        # DuckDB's operator @ looks like BigQuery's @name; it is a parameter when a value of that name came with the statement.
        self.found = [
            (span, f"p{key}" if isinstance(key, int) else key)
            for span, key in found
            if isinstance(key, int) or text[span.start] != "@" or key in self._values
        ]

    @property
    def replacements(self) -> list[tuple[Span, Spliced]]:
        return [(span, plain(f"${name}")) for span, name in self.found]

    def used_in(self, *spans: Span) -> dict[str, object] | None:
        """The parameters inside any of the spans of the user's text, for the engine."""
        names = {
            name: where
            for where, name in self.found
            if any(_holds(span, where) for span in spans) and not any(_holds(span, where) for span in self._spent)
        }
        return {name: self._value(name, where) for name, where in names.items()} or None

    def spend(self, span: Span) -> None:
        """From now on the engine does not see the parameters in a span of the text: their values were taken."""
        self._spent.append(span)

    def fill(self, value: object, span: Span) -> object:
        """A literal's value with every ParameterRef in it replaced."""
        match value:
            case ParameterRef(key=key):
                self._spent.append(span)
                return self._value(f"p{key}" if isinstance(key, int) else key, span)
            case list():
                return [self.fill(item, span) for item in value]
            case tuple():
                return tuple(self.fill(item, span) for item in value)
        return value

    def _value(self, name: str, span: Span) -> object:
        if name not in self._values:
            shown = f"number {int(name[1:]) + 1}" if name[:1] == "p" and name[1:].isdigit() else f"${name}"
            raise ProgrammingError(
                f"parameter {shown} has no value", code="missing_parameter", span=span,
                hint="pass a sequence for ? and $1, a mapping for $name and @name",
            )  # fmt: skip
        return self._values[name]


def _to_utc(value: object) -> datetime.datetime | None:
    """A date, time or text as UTC without a zone; None for anything else."""
    if isinstance(value, str):
        try:
            value = parse_timestamp(value)
        except ValueError:
            return None
    if isinstance(value, datetime.datetime):
        return value if value.tzinfo is None else value.astimezone(datetime.UTC).replace(tzinfo=None)
    return datetime.datetime(value.year, value.month, value.day) if isinstance(value, datetime.date) else None


def _holds(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
