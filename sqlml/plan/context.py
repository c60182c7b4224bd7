"""What planning may look up: the engine's current names, the catalog, loaded models, the parameters of the statement."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from sqlml import sql
from sqlml.bigquery.part import Part
from sqlml.catalog.records import ModelKey, Reference
from sqlml.catalog.store import Catalog
from sqlml.engines.engine import Engine, Parameters
from sqlml.errors import Error, ProgrammingError, did_you_mean
from sqlml.functions._spec import LoadedModel
from sqlml.plan.ctes import split_cte
from sqlml.plan.flavour import Replacements, translated
from sqlml.plan.splice import Spliced, concatenate, located, plain, splice
from sqlml.settings import Settings
from sqlml.source import Source, Span
from sqlml.syntax.nodes import ModelName, OptionSetting, ParameterRef
from sqlml.syntax.strings import parse_timestamp

if TYPE_CHECKING:
    from sqlml.bigquery.translate import Context as Names


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
    _translated: dict[tuple[Span, Part, tuple[tuple[Span, Spliced], ...]], Spliced] = field(default_factory=dict, repr=False)
    _queries: dict[Span, None] = field(default_factory=dict, repr=False)
    """Those of common table expressions that are translated already, in the order in which they were."""

    def key(self, name: ModelName) -> ModelKey:
        """Where a model of that name lives or would live: missing parts are the current ones."""
        parts = self._led(name.parts)
        database = self.engine.current_database()
        attached = {known.casefold(): known for known in self.engine.databases()}
        if len(parts) == 1:
            return ModelKey(database, self.engine.current_schema(), parts[0])
        if len(parts) == 2:
            # As with tables, the first part may also be an attached database; a schema of that name comes first.
            if parts[0].casefold() in attached and not self.has_schema(database, parts[0]):
                return ModelKey(attached[parts[0].casefold()], "main", parts[1])
            return ModelKey(database, parts[0], parts[1])
        if len(parts) == 3:
            # A BigQuery project that is no attached database means the current one.
            if parts[0].casefold() not in attached and self.configuration.dialect == "duckdb":
                self._note(f"there is no database {parts[0]}; {'.'.join(parts)} is looked for as {'.'.join(parts[1:])} in {database}")
            return ModelKey(attached.get(parts[0].casefold(), database), parts[1], parts[2])
        raise ProgrammingError(
            f"a model name has at most three parts, got {len(parts)}", code="model_name", span=name.span,
            hint="write model, schema.model or database.schema.model",
        )  # fmt: skip

    def _note(self, message: str) -> None:
        if ("database", message) not in self.notices:
            self.notices.append(("database", message))

    def key_to_change(self, name: ModelName) -> ModelKey:
        """As `key`, for statements that change or replace what is there: in the DuckDB flavour a database that is not attached is an error.

        Raises: ProgrammingError `unknown_database`.
        """
        parts = self._led(name.parts)
        if len(parts) == 3 and self.configuration.dialect == "duckdb":
            attached = list(self.engine.databases())
            if parts[0].casefold() not in {known.casefold() for known in attached}:
                raise ProgrammingError(
                    f"there is no database {parts[0]}", code="unknown_database", span=name.span,
                    hint=did_you_mean(parts[0], attached)
                    or f"ATTACH 'file.duckdb' AS {sql.quote(parts[0])}; attached are: {', '.join(attached)}",
                )  # fmt: skip
        return self.key(name)

    def _led(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        """The parts of a model's name, its project or dataset replaced by what the setting `projects` says."""
        targets = {name.casefold(): target for name, target in self.project_targets.items()}
        for n_parts in (2, 1) if len(parts) == 3 else (1,) if len(parts) == 2 else ():
            target = targets.get(".".join(parts[:n_parts]).casefold())
            if target is not None:
                return (*target.split("."), *parts[n_parts:]) if n_parts == len(parts) - 1 else (target.split(".")[0], *parts[n_parts:])
        return parts

    def led_scope(self, scope: tuple[str, ...]) -> tuple[str, ...]:
        """The project and dataset before INFORMATION_SCHEMA as the setting `projects` has them."""
        return self._led((*scope, ""))[:-1] if scope else scope

    def text(self, span: Span, replacements: Replacements, part: Part = Part.STATEMENT) -> Spliced:
        """A part of the user's text with the replacements inside it put in, as SQL of the engine.

        Raises: in the BigQuery flavour, what its translation refuses.
        """
        if self.configuration.dialect == "bigquery":
            inside = tuple((where, text) for where, text in replacements if span.start <= where.start and where.end <= span.end)
            # A common table expression is asked for by every call that sees it.
            found = self._translated.get((span, part, inside))
            if found is None:
                found = self._translated[span, part, inside] = self._translate(span, inside, part)
            return found
        return splice(self.source.text, span, replacements)

    def _translate(self, span: Span, inside: tuple[tuple[Span, Spliced], ...], part: Part) -> Spliced:
        """A part of a BigQuery text; the queries of common table expressions are translated once, by themselves."""
        if part is Part.CTE and (definition := split_cte(self.source.text, span)) is not None:
            name, query = definition
            self._queries[query] = None
            return concatenate([plain(f"{sql.quote(name)} AS ("), self.text(query, inside), plain(")")])
        known = []
        for query in self._queries:
            if span.start < query.start and query.end < span.end:
                within = tuple((where, text) for where, text in inside if query.start <= where.start and where.end <= query.end)
                if (found := self._translated.get((query, Part.STATEMENT, within))) is not None:
                    known.append((query, found))
        return translated(self.source, span, inside, part, self._names, known)

    def reference(self, name: ModelName) -> Reference:
        """Which version a name means: what stands behind "@", or the time of FOR SYSTEM_TIME.

        Raises: ProgrammingError `not_a_time`, and what the engine says of the expression.
        """
        if name.as_of is None:
            return name.reference
        # In brackets it is one value: no FROM, and nothing behind it, can make it something else.
        text = self.text(name.as_of, self.parameters.replacements, Part.EXPRESSION).within("SELECT (", ")")
        try:
            rows = self.engine.rows(text.text, self.parameters.used_in(name.as_of))
        except Error as error:
            raise located(error, text).at(name.as_of) from error.__cause__
        self.parameters.spend(name.as_of)
        value = rows[0][0] if len(rows) == 1 else f"{len(rows)} rows"
        found = _to_utc(value)
        if found is None:
            raise ProgrammingError(
                f"FOR SYSTEM_TIME AS OF takes a time, got {'NULL' if value is None else value}", code="not_a_time", span=name.as_of,
                hint="write TIMESTAMP '2026-01-31 12:00:00'; without a zone it is UTC",
            )  # fmt: skip
        return found

    @cached_property
    def _names(self) -> Names:
        """What the BigQuery flavour may ask of the engine, and does so once a statement at most."""
        from sqlml.bigquery.translate import Context  # sqlglot is read for those who use it

        macros = f"SELECT function_name FROM {sql.call('duckdb_functions')} WHERE NOT internal"
        functions = cache(lambda: {str(name).casefold() for (name,) in self.engine.rows(macros)})
        return Context(
            lambda name: name.casefold() in functions(),
            cache(self.engine.databases),
            cache(self._tables),
            describe=self._described,
            rows=self.engine.rows,
            check_file=self._check_file,
            has_database=True,
            notices=self.notices,
            projects=self.project_targets,
        )

    @property
    def project_targets(self) -> dict[str, str]:
        """The setting `projects` by name; nothing in DuckDB's flavour."""
        pairs = (item.split("=") for item in self.configuration.projects)
        return dict(pairs) if self.configuration.dialect == "bigquery" else {}

    def _described(self, query: str) -> list[tuple[str, str]]:
        """The columns of a query without parameters; none where the engine cannot tell."""
        return [(column.name, column.type.name) for column in self.engine.try_describe(query) or ()]

    def _check_file(self, path: str, writes: bool) -> None:
        """Raises: OperationalError `files_not_allowed` outside the folders of the setting `allow_files`."""
        from sqlml.catalog.file_access import FileAccess

        access = FileAccess(self.configuration.allow_files, is_cut_off=False)  # the engine minds its own setting
        access.to_write(path) if writes else access.to_read(path)

    def _tables(self, schema: str) -> list[str]:
        """The tables and views of a schema of the current database; the current schema for ""."""
        query = (
            f"SELECT table_name FROM {sql.call('duckdb_tables')} WHERE database_name = $1 AND schema_name = $2 UNION ALL"
            f" SELECT view_name FROM {sql.call('duckdb_views')} WHERE database_name = $1 AND schema_name = $2"
        )
        rows = self.engine.rows(query, [self.engine.current_database(), schema or self.engine.current_schema()])
        return [str(name) for (name,) in rows]

    def has_schema(self, database: str, schema: str) -> bool:
        """Whether there is a schema of that name, in any case."""
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

    def __init__(self, given: Parameters, found: Sequence[tuple[Span, int | str]], text: str, *, has_operator_at: bool = True) -> None:
        self._values: dict[str, object] = {}
        if isinstance(given, Mapping):
            self._values = {str(name).lstrip("$@:"): value for name, value in given.items()}
        elif given is not None:
            self._values = {f"p{index}": value for index, value in enumerate(given)}
        self._spent: list[Span] = []
        """Where a literal took a parameter's value: the engine does not see these."""
        self._public = {f"p{key}": f"p{key + 1}" for _, key in found if isinstance(key, int)}
        # DuckDB's operator @ looks like BigQuery's @name; where there is such an operator, it is a parameter when a value of that name came
        # with the statement.
        self.found = [
            (span, f"p{key}" if isinstance(key, int) else key)
            for span, key in found
            if isinstance(key, int) or text[span.start] != "@" or not has_operator_at or key in self._values
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

    def named_values(self, span: Span) -> dict[str, object]:
        """The values of all parameters in a span of the text, by the names that people use: p1 for the first `?` and for `$1`."""
        names = dict.fromkeys(name for where, name in self.found if _holds(span, where) and name in self._values)
        return {self._public.get(name, name): self._values[name] for name in names}

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
