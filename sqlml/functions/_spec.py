"""What an ML function declares, and what it gives: a relation.

A function either answers with SQL over its input (ML.PREDICT, ML.EVALUATE with data: they stream) or with a small table made from the model
alone (ML.WEIGHTS, ML.TRAINING_INFO). Both know their columns before a row is read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import pyarrow as pa

from sqlml.catalog.records import StoredVersion
from sqlml.features.encoding import EncodingState
from sqlml.features.layout import Layout
from sqlml.models._options import Option, Options
from sqlml.models._spec import ModelSpec
from sqlml.source import Span
from sqlml.types import Schema


@dataclass(frozen=True)
class LoadedModel:
    """A version with its learned values, ready to answer."""

    version: StoredVersion
    spec: ModelSpec
    state: Any
    layout: Layout
    encoding: EncodingState

    @property
    def label(self) -> str | None:
        return self.version.record.label

    @property
    def classes(self) -> tuple[str, ...]:
        return self.version.record.classes


@dataclass(frozen=True, slots=True)
class Input:
    """The data argument: `sql` may stand in brackets as a subquery; `schema` are its columns."""

    sql: str
    schema: Schema
    span: Span


@dataclass(frozen=True, slots=True)
class Relation:
    """A bound ML function.

    `sql` is a query (without brackets around it). `form`: "sql" runs anywhere, "arrow" calls sqlml's functions, "rows" carries its rows
    as a literal table, taken when the statement was bound.
    """

    sql: str
    schema: Schema
    form: Literal["sql", "arrow", "rows"]
    reason: str = ""


class CallContext(Protocol):
    """What a function may ask while it is bound."""

    def scores(self, model: LoadedModel, data: Input) -> tuple[str, Literal["sql", "arrow"], str]:
        """SQL for the model's scores over the columns of `data`, its form, and why that form.

        Raises: DataError `missing_feature`, `feature_type` with the place of the data argument.
        """
        ...

    def table(self, rows: pa.Table) -> str:
        """A query that gives these rows, in order."""
        ...


@dataclass(frozen=True)
class BoundCall:
    """A call with everything looked up and checked."""

    models: tuple[LoadedModel, ...]
    data: Input | None
    settings: Options
    span: Span

    @property
    def model(self) -> LoadedModel:
        return self.models[0]


@dataclass(frozen=True)
class FunctionSpec:
    """An ML function of the shape `ML.NAME(MODEL m [, data] [, STRUCT(…)])`."""

    name: str
    """Without "ML."."""
    doc: str
    data: Literal["required", "optional", "none"]
    settings: tuple[Option, ...]
    applies_to: Callable[[ModelSpec], bool]
    bind: Callable[[BoundCall, CallContext], Relation]
    n_models: int = 1
