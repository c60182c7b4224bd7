"""What an ML function declares, and what it gives: a relation.

A function either answers with SQL over its input (ML.PREDICT, ML.EVALUATE with data: they stream) or with a small table made from the model
alone (ML.WEIGHTS, ML.TRAINING_INFO). Both know their columns before a row is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import pyarrow as pa

from sqlml import sql
from sqlml.catalog.records import StoredVersion
from sqlml.features.encoding import EncodingState
from sqlml.features.layout import Layout
from sqlml.models._options import Option, Options
from sqlml.models._spec import ModelSpec
from sqlml.source import Span
from sqlml.types import Column, Schema


class LearnedTransform(Protocol):
    """A TRANSFORM clause with what it has learned."""

    @property
    def inputs(self) -> tuple[Column, ...]:
        """The columns of the training query that it reads or passes on."""
        ...

    @property
    def outputs(self) -> tuple[Column, ...]: ...

    @property
    def native(self) -> bool:
        """Whether its SQL calls functions that only sqlml has."""
        ...

    def passes(self, column: Column) -> bool:
        """Whether an output is an input as it is."""
        ...

    def reads(self, name: str) -> tuple[str, ...]:
        """The inputs that an output is made of."""
        ...

    def layers(self, relation: str) -> str:
        """The rows of a relation in brackets with all that the outputs are written over beside them, as a query in brackets."""
        ...

    def expressions(self) -> list[tuple[Column, str]]:
        """The outputs in order, each with its SQL over `layers`."""
        ...


@dataclass(frozen=True)
class LoadedModel:
    """A version with its learned values, ready to answer."""

    version: StoredVersion
    spec: ModelSpec
    state: Any
    layout: Layout
    encoding: EncodingState
    transform: LearnedTransform | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    """What training kept for later questions, by section; see `functions._kept`."""

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


@dataclass(frozen=True, slots=True)
class Prepared:
    """The data argument as a model reads it: a relation in brackets that holds the data's own columns and more beside them.

    `columns`: SQL of an own column by its name in lower case, where it is not the column of that name. `outputs`: the outputs of the
    model's TRANSFORM that the data allow, each with its SQL.
    """

    relation: str
    columns: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[tuple[Column, str], ...] = ()

    def own(self, name: str) -> str:
        """SQL of one of the data's own columns."""
        return self.columns.get(name.casefold(), sql.quote(name))


@dataclass(frozen=True, slots=True)
class Scores:
    """SQL of a model's scores over `data.relation`, the form of it, and why that form."""

    sql: str
    data: Prepared
    form: Literal["sql", "arrow"]
    reason: str


@dataclass(frozen=True, slots=True)
class Explanations:
    """SQL of a model's explanations over `data.relation`, of type DOUBLE[]: scores, baseline, attributions, see `models._spec.Explainer`.

    `features`: the names of what has an attribution, in order.
    """

    sql: str
    features: tuple[str, ...]
    data: Prepared
    form: Literal["sql", "arrow"]
    reason: str


class CallContext(Protocol):
    """What a function may ask while it is bound."""

    def scores(self, model: LoadedModel, data: Input) -> Scores:
        """The model's scores.

        Raises: DataError `missing_feature`, `feature_type` with the place of the data argument.
        """
        ...

    def explanations(self, model: LoadedModel, data: Input, *, approximate: bool) -> Explanations:
        """The model's scores with what each feature added to them.

        Args: approximate, whether a fast approximation will do.
        Raises: as `scores`.
        """
        ...

    def prepare(self, model: LoadedModel, data: Input) -> Prepared:
        """The data as the model's TRANSFORM gives them.

        Raises: as `scores`.
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
    """An ML function of the shape `ML.NAME([MODEL m, …] [, data] [, STRUCT(…)])`."""

    name: str
    """Without "ML."."""
    doc: str
    data: Literal["required", "optional", "none"]
    settings: tuple[Option, ...]
    applies_to: Callable[[ModelSpec], bool]
    bind: Callable[[BoundCall, CallContext], Relation]
    n_models: int = 1
    """0 for a function of data alone."""
    settings_are: Literal["optional", "required", "required, before the data"] = "optional"
    """Whether and where the usage line shows the STRUCT of settings; the parser takes it anywhere."""
    positional: str = ""
    """The setting that a literal without a name stands for, as the array of thresholds of ML.ROC_CURVE."""

    @property
    def usage(self) -> str:
        """The call as one writes it."""
        models = [f"MODEL {name}" for name in (("m",) if self.n_models == 1 else ("a", "b"))[: self.n_models]]
        data = {"required": ["{TABLE t | (query)}"], "optional": ["[{TABLE t | (query)}]"], "none": []}[self.data]
        named = self.n_models == 0
        shown = "setting => value, …" if named else "STRUCT(value AS setting, …)"
        settings = [] if not self.settings else [shown if named or self.settings_are != "optional" else f"[{shown}]"]
        positional = [f"[{self.positional}]"] if self.positional else []
        behind = [*settings, *data] if self.settings_are == "required, before the data" else [*data, *positional, *settings]
        return f"ML.{self.name}({', '.join([*models, *behind])})"
