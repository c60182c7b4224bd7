"""What will happen: names bound, options checked, output known. The session runs these, one `match` arm each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from sqlml.catalog.records import ModelKey
from sqlml.engines.engine import Parameters
from sqlml.models._options import Options
from sqlml.models._spec import ModelSpec
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
    span: Span


@dataclass(frozen=True)
class MoveAlias:
    key: ModelKey
    if_exists: bool
    alias: str
    version: int | str
    span: Span


@dataclass(frozen=True)
class RemoveAlias:
    key: ModelKey
    if_exists: bool
    alias: str
    span: Span


@dataclass(frozen=True)
class Rename:
    key: ModelKey
    if_exists: bool
    name: str
    span: Span


CatalogChange = RemoveModel | AlterModel | MoveDefault | MoveAlias | RemoveAlias | Rename
"""What changes the catalog without training; `span` is where a refusal points."""


@dataclass(frozen=True)
class ShowRows:
    """A small table made from the catalog or the declarations."""

    rows: pa.Table


Plan = RunQuery | TrainModel | KeepModel | CatalogChange | ShowRows
