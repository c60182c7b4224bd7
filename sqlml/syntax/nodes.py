"""Statements as written: frozen nodes, each with the span of its text.

A node says what the user wrote and nothing of what it means; names are bound and options checked in `plan`. Text that is not ours (a
training query, the parts of a query around ML functions) stays a span of the source, so that every character reaches the engine as written.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlml.source import Span


@dataclass(frozen=True, slots=True)
class ModelName:
    """`model`, `schema.model`, `database.schema.model`, optionally `@version`, `@alias` or FOR SYSTEM_TIME. Parts without quotes, as
    written."""

    parts: tuple[str, ...]
    reference: str | int | None
    """The part after "@": a version number or an alias."""
    span: Span
    as_of: Span | None = None
    """The expression behind FOR SYSTEM_TIME AS OF."""


@dataclass(frozen=True, slots=True)
class Value:
    """A literal, read into a Python value: str, int, float, bool, None, list (ARRAY), tuple (STRUCT or bare tuple), datetime.datetime,
    datetime.date, HparamRange, HparamCandidates, IntervalText, or ParameterRef."""

    value: object
    span: Span


@dataclass(frozen=True, slots=True)
class IntervalText:
    """An INTERVAL literal as written, e.g. `INTERVAL 10 HOUR`."""

    text: str


@dataclass(frozen=True, slots=True)
class ParameterRef:
    """A parameter where a literal may stand: position of the value from 0 for `?` and `$1` (which is 0), name for `$name` and `@name`."""

    key: int | str


@dataclass(frozen=True, slots=True)
class OptionSetting:
    """`name = value` in OPTIONS, `value AS name` in a settings STRUCT, `name => value` as an argument."""

    name: str
    value: Value
    name_span: Span

    @property
    def span(self) -> Span:
        return Span(min(self.name_span.start, self.value.span.start), max(self.name_span.end, self.value.span.end))


@dataclass(frozen=True, slots=True)
class CreateModel:
    name: ModelName
    replace: bool
    if_not_exists: bool
    options: tuple[OptionSetting, ...]
    options_span: Span | None
    transform: Span | None
    """The select list between the brackets of TRANSFORM."""
    query: Span | None
    """The training query without the brackets around it."""
    span: Span


@dataclass(frozen=True, slots=True)
class DropModel:
    name: ModelName
    if_exists: bool
    span: Span


@dataclass(frozen=True, slots=True)
class AlterModelOptions:
    """ALTER MODEL … SET OPTIONS (…)."""

    name: ModelName
    if_exists: bool
    options: tuple[OptionSetting, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class SetDefaultVersion:
    """ALTER MODEL … SET DEFAULT VERSION = n."""

    name: ModelName
    version: int | str
    version_span: Span
    span: Span
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class SetAlias:
    """ALTER MODEL … SET ALIAS alias = version."""

    name: ModelName
    alias: str
    alias_span: Span
    version: int | str
    version_span: Span
    span: Span
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropAlias:
    """ALTER MODEL … DROP ALIAS alias."""

    name: ModelName
    alias: str
    alias_span: Span
    span: Span
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class RenameModel:
    """ALTER MODEL … RENAME TO name."""

    name: ModelName
    new_name: str
    new_name_span: Span
    span: Span
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class RefreshModel:
    name: ModelName
    options: tuple[OptionSetting, ...]
    options_span: Span | None
    if_data_changed: bool
    parameters: tuple[OptionSetting, ...]
    """New values for parameters of the recorded query."""
    condition: Span | None
    """The expression of PROMOTE IF."""
    alias: str | None
    """The alias to move, instead of the default version."""
    alias_span: Span | None
    span: Span


@dataclass(frozen=True, slots=True)
class VerifyModel:
    name: ModelName
    span: Span


@dataclass(frozen=True, slots=True)
class CopyModel:
    source: ModelName
    target: ModelName
    replace: bool
    span: Span


@dataclass(frozen=True, slots=True)
class ExportModel:
    name: ModelName
    options: tuple[OptionSetting, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ImportModel:
    name: ModelName
    replace: bool
    options: tuple[OptionSetting, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class SetSetting:
    """`SET sqlml.<name> = value`"""

    name: str
    name_span: Span
    value: Value
    span: Span


@dataclass(frozen=True, slots=True)
class ResetSetting:
    name: str
    name_span: Span
    span: Span


@dataclass(frozen=True, slots=True)
class ShowSettings:
    """`SHOW sqlml`"""

    span: Span


@dataclass(frozen=True, slots=True)
class ShowModels:
    schema: tuple[str, ...] | None
    pattern: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class ShowVersions:
    name: ModelName
    span: Span


@dataclass(frozen=True, slots=True)
class ShowCreateModel:
    name: ModelName
    span: Span


@dataclass(frozen=True, slots=True)
class DescribeModel:
    name: ModelName
    span: Span


@dataclass(frozen=True, slots=True)
class ShowModelTypes:
    span: Span


@dataclass(frozen=True, slots=True)
class DescribeModelType:
    model_type: str
    type_span: Span
    span: Span


@dataclass(frozen=True, slots=True)
class TableArgument:
    """`TABLE path`: the span of the path."""

    path: Span
    span: Span


@dataclass(frozen=True, slots=True)
class QueryArgument:
    """`(query)`: the span between the brackets; it may hold ML calls of its own."""

    query: Span
    span: Span


@dataclass(frozen=True, slots=True)
class MLCall:
    """`ML.NAME( … )` where a relation may stand."""

    function: str
    """The name after "ML.", in capitals."""
    function_span: Span
    models: tuple[ModelName, ...]
    data: tuple[TableArgument | QueryArgument, ...]
    settings: tuple[OptionSetting, ...]
    """From STRUCT(…) and from named arguments, in order."""
    values: tuple[Value, ...]
    """Other positional arguments, e.g. an array of thresholds."""
    ctes: tuple[Span, ...]
    """The common table expressions in scope at the call, outermost first: each the span of `name AS (…)` (with its column list)."""
    recursive: bool
    """Whether one of their WITH clauses says RECURSIVE."""
    span: Span


@dataclass(frozen=True, slots=True)
class QueryScope:
    """The part of a query that makes the rows which a value in its select list sees."""

    relation: Span
    """The FROM clause with what it joins, the word included; empty when there is none."""
    condition: Span | None
    """The WHERE clause, the word included."""
    is_grouped: bool
    """Whether GROUP BY or HAVING stand between those rows and the select list."""


@dataclass(frozen=True, slots=True)
class StructField:
    """A field of a STRUCT(…) argument; without a name where none is given and the expression is no column."""

    name: str | None
    expression: Span


@dataclass(frozen=True, slots=True)
class ValueArgument:
    """One argument of a preprocessing function: `span` is the expression without the name before `=>`."""

    span: Span
    name: str | None
    name_span: Span | None
    value: Value | None
    """The argument as a literal, where it is one."""
    fields: tuple[StructField, ...] | None
    """Its fields, where it is STRUCT(…)."""


@dataclass(frozen=True, slots=True)
class ValueCall:
    """A preprocessing function where a value may stand, e.g. `ML.STANDARD_SCALER(x) OVER ()`."""

    function: str
    """In capitals, with "ML." where it is written."""
    function_span: Span
    arguments: tuple[ValueArgument, ...]
    over: Span | None
    over_is_empty: bool
    """Whether `over` is `OVER ()`."""
    scope: QueryScope | None
    """None where the call stands in no select that could be made out."""
    ctes: tuple[Span, ...]
    recursive: bool
    span: Span


@dataclass(frozen=True, slots=True)
class InformationTable:
    """`INFORMATION_SCHEMA.MODELS` or `.MODEL_OPTIONS` where a relation may stand."""

    table: str
    """In lower case, without the schema."""
    scope: tuple[str, ...]
    """What stands before INFORMATION_SCHEMA: a schema, a database, or both."""
    alias: str | None
    """The name that the rest of the statement knows it by where none is given; None where one is, or none can be."""
    span: Span


@dataclass(frozen=True, slots=True)
class TransformColumn:
    """`expression AS name`, or a column by its name alone."""

    expression: Span
    name: str
    column: str | None
    """The column, when the expression is one and nothing else."""
    alias_span: Span | None
    span: Span


@dataclass(frozen=True, slots=True)
class TransformFields:
    """`expression.*`: every field of a STRUCT."""

    expression: Span
    span: Span


@dataclass(frozen=True, slots=True)
class TransformStar:
    """`*`, with what EXCEPT leaves out and REPLACE puts in place of columns."""

    left_out: tuple[tuple[str, Span], ...]
    replaced: tuple[TransformColumn, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Transform:
    """The select list of TRANSFORM."""

    items: tuple[TransformColumn | TransformFields | TransformStar, ...]
    calls: tuple[ValueCall, ...]
    """Preprocessing functions in it, inner ones before the one that holds them."""
    names: tuple[tuple[str, Span], ...]
    """Every word in it that may be a column."""
    span: Span


@dataclass(frozen=True, slots=True)
class UnnamedItem:
    """An item of a select list that holds a call and has no alias: the engine would name it after generated SQL."""

    span: Span


@dataclass(frozen=True, slots=True)
class Query:
    """Any other statement. `calls` are the ML calls in it, in order of their place, inner ones before the one that holds them, and what
    stands for tables of ours."""

    calls: tuple[MLCall | ValueCall | InformationTable, ...]
    creates_view: bool
    """Whether the statement stores its text for later (CREATE VIEW, CREATE MACRO)."""
    span: Span
    unnamed: tuple[UnnamedItem, ...] = ()


Statement = (
    CreateModel
    | DropModel
    | AlterModelOptions
    | SetDefaultVersion
    | SetAlias
    | DropAlias
    | RenameModel
    | RefreshModel
    | VerifyModel
    | CopyModel
    | ExportModel
    | ImportModel
    | SetSetting
    | ResetSetting
    | ShowSettings
    | ShowModels
    | ShowVersions
    | ShowCreateModel
    | DescribeModel
    | ShowModelTypes
    | DescribeModelType
    | Query
)
