"""What will happen: names bound, options checked, output known. The session runs these, one `match` arm each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from sqlml.catalog.records import ModelKey, Reference, SourceRecord
from sqlml.engines.engine import Parameters
from sqlml.functions._spec import LoadedModel
from sqlml.models._options import Options
from sqlml.models._spec import ModelSpec
from sqlml.plan.gate import Gate
from sqlml.plan.recorded import RecordedStatement
from sqlml.plan.splice import Spliced
from sqlml.plan.transform import BoundTransform
from sqlml.source import Span
from sqlml.training.splits import SplitRule
from sqlml.types import Column, Schema


@dataclass(frozen=True)
class RunQuery:
    """A statement for the engine, its ML calls replaced by SQL."""

    text: Spliced
    parameters: Parameters
    has_model: bool
    """Whether the statement calls ML functions."""
    notices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class TrainModel:
    """CREATE MODEL, ready to train."""

    key: ModelKey
    replace: bool
    if_not_exists: bool
    spec: ModelSpec
    options: Options
    given: Mapping[str, object]
    """The options as the statement gives them."""
    query: Spliced
    parameters: Parameters
    schema: Schema
    features: tuple[Column, ...]
    """What the learner sees: columns of the query, or outputs of its TRANSFORM."""
    inputs: tuple[Column, ...]
    """The query's columns that prediction needs; the features where there is no TRANSFORM."""
    transform: BoundTransform | None
    label: Column | None
    split: SplitRule
    weight_column: str | None
    initial_column: str | None
    statement: str
    notices: tuple[tuple[str, str], ...]
    option_spans: Mapping[str, Span]
    query_span: Span
    span: Span
    seed: int
    """What the training draws from; recorded with the version."""
    recorded_parameters: Mapping[str, str] = field(default_factory=dict)
    """As `VersionRecord.parameters`."""
    context: Mapping[str, str] = field(default_factory=dict)
    """As `VersionRecord.context`."""
    parents: tuple[SourceRecord, ...] = ()
    """The model versions that the training query calls."""


@dataclass(frozen=True)
class KeepModel:
    """CREATE MODEL IF NOT EXISTS of a model that exists."""

    key: ModelKey


@dataclass(frozen=True)
class RemoveModel:
    key: ModelKey
    if_exists: bool
    version: int | str | None
    """A version or an alias; None for the model with all versions."""
    span: Span


@dataclass(frozen=True)
class AlterModel:
    key: ModelKey
    if_exists: bool
    span: Span
    description: str | None = None
    labels: tuple[tuple[str, str], ...] | None = None
    expires_at: object = None
    given: frozenset[str] = field(default_factory=frozenset)
    notices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class MoveDefault:
    key: ModelKey
    if_exists: bool
    version: int | str
    version_span: Span
    span: Span


@dataclass(frozen=True)
class MoveAlias:
    key: ModelKey
    if_exists: bool
    alias: str
    alias_span: Span
    version: int | str
    version_span: Span
    span: Span


@dataclass(frozen=True)
class RemoveAlias:
    key: ModelKey
    if_exists: bool
    alias: str
    alias_span: Span
    span: Span


@dataclass(frozen=True)
class Rename:
    key: ModelKey
    if_exists: bool
    name: str
    name_span: Span
    span: Span


CatalogChange = RemoveModel | AlterModel | MoveDefault | MoveAlias | RemoveAlias | Rename
"""What changes the catalog without training; `span` is the model's name, where a refusal points that is about nothing else."""


@dataclass(frozen=True)
class CopyStored:
    """COPY MODEL"""

    source: ModelKey
    reference: Reference
    """The version; None for the model with all versions."""
    target: ModelKey
    replace: bool
    source_span: Span
    target_span: Span


@dataclass(frozen=True)
class WriteFolder:
    """EXPORT MODEL"""

    key: ModelKey
    reference: Reference
    uri: str
    overwrite: bool
    span: Span
    uri_span: Span


@dataclass(frozen=True)
class ReadFolder:
    """IMPORT MODEL"""

    key: ModelKey
    uri: str
    replace: bool
    span: Span
    uri_span: Span


@dataclass(frozen=True)
class ChangeSetting:
    """SET sqlml.<name>"""

    name: str
    value: object
    name_span: Span
    value_span: Span


@dataclass(frozen=True)
class RestoreSetting:
    """RESET sqlml.<name>"""

    name: str
    name_span: Span


@dataclass(frozen=True)
class Refresh:
    """REFRESH MODEL, before its recorded statement is bound: what names mean there is another matter."""

    key: ModelKey
    incumbent: LoadedModel
    statement: RecordedStatement
    gate: Gate | None
    others: Mapping[str, int]
    """Versions by the aliases, in lower case, that stand in the condition."""
    alias: str | None
    if_data_changed: bool
    overrides: tuple[str, ...]
    """Names of the options that the statement gives anew."""
    query_place: Span
    span: Span


@dataclass(frozen=True)
class Verify:
    """VERIFY MODEL, before its recorded statement is bound."""

    key: ModelKey
    model: LoadedModel
    statement: RecordedStatement
    query_place: Span
    span: Span


@dataclass(frozen=True)
class ShowRows:
    """A small table made from the catalog or the declarations."""

    rows: pa.Table


Plan = (
    RunQuery
    | TrainModel
    | KeepModel
    | CatalogChange
    | CopyStored
    | WriteFolder
    | ReadFolder
    | ChangeSetting
    | RestoreSetting
    | Refresh
    | Verify
    | ShowRows
)
