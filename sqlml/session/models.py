"""Models that this session has loaded, with what they own in the engine: a batch function, dictionaries of many categories."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sqlml import sql
from sqlml.catalog.current import fold
from sqlml.catalog.records import ModelKey, Reference, StoredVersion
from sqlml.catalog.store import Catalog
from sqlml.engines.engine import Engine
from sqlml.features.encoding import EncodingState, layout, layout_width
from sqlml.features.expressions import CODE, VALUE
from sqlml.features.packed import packed_sql, unpack
from sqlml.features.sources import find_field, shape
from sqlml.functions._kept import kept_sections
from sqlml.functions._learned_transform import AppliedTransform
from sqlml.functions._learning import LearnedTerms
from sqlml.functions._spec import LoadedModel
from sqlml.functions._transform_state import TransformState
from sqlml.functions._vocabulary import COUNT
from sqlml.models._registry import find_model_type
from sqlml.models._spec import ModelSpec, Task
from sqlml.session.transforms import LoadedTransform, load_transform
from sqlml.state import damaged_state, from_arrays
from sqlml.types import Column, SqlType

KEPT_MODELS = 16
"""Loaded models kept for later statements; the least recently used goes first."""
KEPT_BYTES = 512 << 20
"""Bytes of learned values in all kept models together, as they are stored; a forest takes two to three times as much once it is loaded. The
model used last stays however large it is, or each statement would load it again."""

_handles = itertools.count(1)
"""Handles are unique in the process: the functions of an engine are shared by all connections to its database."""


@dataclass
class _Loaded:
    handle: int
    render: Callable[[Sequence[str]], str] | None = None
    """Renders a call of the model's batch function, once it has one."""
    explainers: dict[bool, tuple[int, Callable[[Sequence[str]], str]]] = field(default_factory=dict)
    """By whether it is approximate: the handle of the batch function that explains, and what renders a call of it."""
    dictionaries: dict[tuple[int, tuple[str, ...]], str] = field(default_factory=dict)


class LoadedModels:
    """`plan.context.Models` for one session."""

    def __init__(self, engine: Engine, catalog: Catalog) -> None:
        self._engine = engine
        self._catalog = catalog
        self._loaded: OrderedDict[tuple[str, str, str, str, int, str], LoadedModel] = OrderedDict()
        self._n_bytes: dict[tuple[str, str, str, str, int, str], int] = {}
        self._entries: dict[int, tuple[LoadedModel, _Loaded]] = {}
        self._row_numbers = itertools.count(1)
        self._registered: list[str] = []

    def load(self, key: ModelKey, reference: Reference) -> LoadedModel:
        """The model's version, from memory where it is there.

        Raises: ProgrammingError `unknown_model`, `unknown_version`; IntegrityError for a state that is damaged or of a newer format.
        """
        # With its checksum: after a ROLLBACK the same number may come to stand for another version.
        # With its name, which a loaded model says of itself, and which RENAME changes.
        place = (key.database, fold(key.schema), fold(key.name), *self._catalog.identify(key, reference))
        found = self._loaded.get(place)
        if found is None:
            found = self._loaded[place] = self.adopt(self._catalog.load(key, reference))
            self._n_bytes[place] = _n_bytes(found)
        self._loaded.move_to_end(place)
        return found

    def adopt(self, stored: StoredVersion) -> LoadedModel:
        """A model from its stored arrays, every promise of theirs checked."""
        spec = find_model_type(stored.record.model_type)
        encoding = from_arrays(EncodingState, stored.arrays.get("encoding", {}))
        state = from_arrays(spec.state, stored.arrays.get("state", {}))
        transform = None
        if "transform" in stored.arrays:
            inputs = [feature.name for feature in stored.record.features]
            transform = load_transform(from_arrays(TransformState, stored.arrays["transform"]), self._engine, inputs)
        _check_agreement(spec, state, encoding, stored, transform)
        kept = {
            section.section: from_arrays(section.state, stored.arrays[section.section])
            for section in kept_sections()
            if section.section in stored.arrays
        }
        return self.complete(self.begin(stored, spec, encoding, transform), state, kept)

    def begin(self, stored: StoredVersion, spec: ModelSpec, encoding: EncodingState, transform: LoadedTransform | None) -> LoadedModel:
        """A model that is about to be trained: its layout, and no state yet."""
        entry = _Loaded(handle=next(_handles))
        rendered = layout(encoding, lambda term, categories: self._dictionary(entry, term, categories))
        applied = None if transform is None else self._applied(entry, transform)
        model = LoadedModel(stored, spec, None, rendered, encoding, applied)
        self._entries[id(model)] = (model, entry)
        return model

    @contextmanager
    def applied(self, transform: LoadedTransform | None) -> Iterator[AppliedTransform | None]:
        """A TRANSFORM clause that can be run for a while, before there is a model."""
        entry = _Loaded(handle=next(_handles))
        try:
            yield None if transform is None else self._applied(entry, transform)
        finally:
            self._unregister(entry)

    def _applied(self, entry: _Loaded, transform: LoadedTransform) -> AppliedTransform:
        clause, values = transform
        return AppliedTransform(clause, values, lambda index, terms: self._term_table(entry, index, terms))

    def complete(self, model: LoadedModel, state: object, kept: Mapping[str, object] = MappingProxyType({})) -> LoadedModel:
        """The model with its state, in place of the one without."""
        _, entry = self._entries.pop(id(model))
        completed = replace(model, state=state, kept=kept)
        self._entries[id(completed)] = (completed, entry)
        return completed

    def batch_scores(self, model: LoadedModel, values: Sequence[str]) -> str:
        _, entry = self._entries[id(model)]
        if entry.render is None:
            output: Literal["scalar", "list"] = "list" if _has_many_scores(model) else "scalar"
            entry.render = self._render(entry.handle, model, _predictor(model), output)
        return entry.render(values)

    def batch_explanations(self, model: LoadedModel, values: Sequence[str], *, approximate: bool) -> str:
        _, entry = self._entries[id(model)]
        if approximate not in entry.explainers:
            assert model.spec.explainer is not None  # what cannot be explained is never asked
            handle = next(_handles)
            explain = model.spec.explainer(model.state, model.layout, approximate)
            entry.explainers[approximate] = handle, self._render(handle, model, explain, "list")
        return entry.explainers[approximate][1](values)

    def _render(
        self, handle: int, model: LoadedModel, function: Callable[[Any], NDArray[np.floating]], output: Literal["scalar", "list"]
    ) -> Callable[[Sequence[str]], str]:
        """Registers a batch function of the learner's matrix; SQL of the terms -> SQL of its results."""
        dtype: Literal["float32", "float64"] = "float32" if model.encoding.single else "float64"
        layout = model.layout
        function = np.errstate(all="ignore")(function)  # as in the session: numbers may be as large as a DOUBLE holds
        if not layout.is_packed:
            return self._engine.batch_function(handle, lambda values: function(layout.expand(values)), dtype=dtype, output=output)
        of_lists = self._engine.list_function(
            handle, lambda offsets, values: function(unpack(layout, offsets, values)), dtype=dtype, output=output
        )
        return lambda values: of_lists(packed_sql(layout, values, "FLOAT" if dtype == "float32" else "DOUBLE"))

    def dictionary(self, model: LoadedModel, term: int, categories: tuple[str, ...]) -> str:
        return self._dictionary(self._entries[id(model)][1], term, categories)

    def register_rows(self, rows: pa.Table) -> str:
        name = f"__sqlml_table_{next(self._row_numbers)}"
        self._engine.register(name, rows)
        self._registered.append(name)
        return sql.quote(name)

    def free(self) -> None:
        """Frees what earlier statements registered, and the models beyond the limit. The engine buffers a result that still reads them."""
        for name in self._registered:
            self._engine.unregister(name)
        self._registered.clear()
        while len(self._loaded) > KEPT_MODELS or (len(self._loaded) > 1 and sum(self._n_bytes.values()) > KEPT_BYTES):
            place, model = self._loaded.popitem(last=False)
            del self._n_bytes[place]
            self.release(model)

    def release(self, model: LoadedModel) -> None:
        """Frees what a model owns in the engine."""
        _, entry = self._entries.pop(id(model))
        if entry.render is not None:
            self._engine.drop_batch_function(entry.handle)
        for handle, _ in entry.explainers.values():
            self._engine.drop_batch_function(handle)
        self._unregister(entry)

    def _unregister(self, entry: _Loaded) -> None:
        for name in entry.dictionaries.values():
            self._engine.unregister(name)

    def _term_table(self, entry: _Loaded, index: int, terms: LearnedTerms) -> str:
        name = f"__sqlml_terms_{entry.handle}_{index}"
        columns = {
            VALUE: pa.array(terms.terms, pa.string()), CODE: pa.array(range(len(terms.terms)), pa.int64()),
            COUNT: pa.array(terms.counts, pa.int64()),
        }  # fmt: skip
        self._engine.register(name, pa.table(columns))
        entry.dictionaries[(-1 - index, ())] = name
        return sql.quote(name)

    def _dictionary(self, entry: _Loaded, term: int, categories: tuple[str, ...]) -> str:
        name = entry.dictionaries.get((term, categories))
        if name is None:
            name = f"__sqlml_dictionary_{entry.handle}_{term}"
            codes = pa.array(range(len(categories)), pa.int32())
            self._engine.register(name, pa.table({VALUE: pa.array(categories, pa.string()), CODE: codes}))
            entry.dictionaries[(term, categories)] = name
        return sql.quote(name)


def _n_bytes(model: LoadedModel) -> int:
    """Of the learned values as they are stored, a text counted by its characters."""
    arrays = [array for section in model.version.arrays.values() for array in section.values()]
    numbers = [values for array in arrays for values in (array.integers, array.floats) if values is not None]
    return sum(values.nbytes for values in numbers) + sum(len(text or "") for array in arrays for text in array.strings or ())


def _predictor(model: LoadedModel) -> Callable[[Any], NDArray[np.floating]]:
    """(features[n_rows, n_columns], sparse where the layout is) -> scores."""
    predict, state = model.spec.predict, model.state
    return model.spec.predictor(state) if model.spec.predictor is not None else lambda features: predict(state, features)


def _has_many_scores(model: LoadedModel) -> bool:
    return len(model.classes) > 2 or model.spec.task in (Task.CLUSTERING, Task.DIMENSION_REDUCTION)


def _check_agreement(
    spec: ModelSpec, state: object, encoding: EncodingState, stored: StoredVersion, transform: LoadedTransform | None
) -> None:
    columns = {feature.name: SqlType(feature.sql_type) for feature in stored.record.features}
    if transform is not None:
        clause, _ = transform
        if not set(columns) <= {column.name for column in clause.inputs}:
            raise damaged_state("the TRANSFORM clause does not read the features")
        columns = {column.name: column.type for column in clause.outputs}
    elif spec.task is Task.PREPROCESSING:
        raise damaged_state("the TRANSFORM clause is missing")
    names = set(columns)
    n_columns = sum(layout_width(encoding))
    if spec.n_columns is not None and spec.n_columns(state) != n_columns:
        raise damaged_state("the state and the encoding disagree about the number of columns")
    if not set(encoding.columns) <= names:
        raise damaged_state("the encoding reads columns that are no features")
    for column, part, type_name in zip(encoding.columns, encoding.fields, encoding.types, strict=True):
        found = find_field(columns[column], part) if part else Column(column, columns[column])
        if found is None or shape(found.type) is not shape(SqlType(type_name)):
            raise damaged_state("the encoding reads fields or types that a feature does not have")
    n_classes: int = getattr(state, "n_classes", 0)
    if spec.task is Task.CLASSIFICATION:
        if len(stored.record.classes) < 2 or n_classes != len(stored.record.classes):
            raise damaged_state("the state and the record disagree about the classes")
    elif n_classes or stored.record.classes:
        raise damaged_state("it is no classifier and has classes")
    if spec.task.is_supervised and stored.record.label is None:
        raise damaged_state("the label is missing")
