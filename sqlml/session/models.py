"""Models that this session has loaded, with what they own in the engine: a batch function, dictionaries of many categories."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from sqlml import sql
from sqlml.catalog.records import ModelKey, StoredVersion
from sqlml.catalog.store import Catalog
from sqlml.engines.engine import BatchFunction, Engine
from sqlml.features.encoding import EncodingState, layout, layout_width
from sqlml.features.expressions import CODE, VALUE
from sqlml.functions._spec import LoadedModel
from sqlml.models._registry import find_model_type
from sqlml.models._spec import ModelSpec, Task
from sqlml.state import damaged_state, from_arrays

KEPT_MODELS = 16
"""Loaded models kept for later statements; the least recently used goes first."""

_handles = itertools.count(1)
"""Handles are unique in the process: the functions of an engine are shared by all connections to its database."""


@dataclass
class _Loaded:
    handle: int
    render: Callable[[Sequence[str]], str] | None = None
    """Renders a call of the model's batch function, once it has one."""
    dictionaries: dict[tuple[int, tuple[str, ...]], str] = field(default_factory=dict)


class LoadedModels:
    """`plan.context.Models` for one session."""

    def __init__(self, engine: Engine, catalog: Catalog) -> None:
        self._engine = engine
        self._catalog = catalog
        self._loaded: OrderedDict[tuple[str, str, int, str], LoadedModel] = OrderedDict()
        self._entries: dict[int, tuple[LoadedModel, _Loaded]] = {}
        self._row_numbers = itertools.count(1)
        self._registered: list[str] = []

    def load(self, key: ModelKey, reference: int | str | None) -> LoadedModel:
        """The model's version, from memory where it is there.

        Raises: ProgrammingError `unknown_model`, `unknown_version`; IntegrityError for a state that is damaged or of a newer format.
        """
        # With its checksum: after a ROLLBACK the same number may come to stand for another version.
        place = (key.database, *self._catalog.identify(key, reference))
        found = self._loaded.get(place)
        if found is None:
            found = self._loaded[place] = self.adopt(self._catalog.load(key, reference))
        self._loaded.move_to_end(place)
        return found

    def adopt(self, stored: StoredVersion) -> LoadedModel:
        """A model from its stored arrays, every promise of theirs checked."""
        spec = find_model_type(stored.record.model_type)
        encoding = from_arrays(EncodingState, stored.arrays.get("encoding", {}))
        state = from_arrays(spec.state, stored.arrays.get("state", {}))
        _check_agreement(spec, state, encoding, stored)
        return self.complete(self.begin(stored, spec, encoding), state)

    def begin(self, stored: StoredVersion, spec: ModelSpec, encoding: EncodingState) -> LoadedModel:
        """A model that is about to be trained: its layout, and no state yet."""
        entry = _Loaded(handle=next(_handles))
        rendered = layout(encoding, lambda term, categories: self._dictionary(entry, term, categories))
        model = LoadedModel(stored, spec, None, rendered, encoding)
        self._entries[id(model)] = (model, entry)
        return model

    def complete(self, model: LoadedModel, state: object) -> LoadedModel:
        """The model with its state, in place of the one without."""
        _, entry = self._entries.pop(id(model))
        completed = replace(model, state=state)
        self._entries[id(completed)] = (completed, entry)
        return completed

    def batch_scores(self, model: LoadedModel, values: Sequence[str]) -> str:
        _, entry = self._entries[id(model)]
        if entry.render is None:
            entry.render = self._engine.batch_function(
                entry.handle, _batch_function(model), dtype="float32" if model.encoding.single else "float64",
                output="list" if _has_many_scores(model) else "scalar",
            )  # fmt: skip
        return entry.render(values)

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
        while len(self._loaded) > KEPT_MODELS:
            _, model = self._loaded.popitem(last=False)
            self.release(model)

    def release(self, model: LoadedModel) -> None:
        """Frees what a model owns in the engine."""
        _, entry = self._entries.pop(id(model))
        if entry.render is not None:
            self._engine.drop_batch_function(entry.handle)
        for name in entry.dictionaries.values():
            self._engine.unregister(name)

    def _dictionary(self, entry: _Loaded, term: int, categories: tuple[str, ...]) -> str:
        name = entry.dictionaries.get((term, categories))
        if name is None:
            name = f"__sqlml_dictionary_{entry.handle}_{term}"
            codes = pa.array(range(len(categories)), pa.int32())
            self._engine.register(name, pa.table({VALUE: pa.array(categories, pa.string()), CODE: codes}))
            entry.dictionaries[(term, categories)] = name
        return sql.quote(name)


def _batch_function(model: LoadedModel) -> BatchFunction:
    predict, state, expand = model.spec.predict, model.state, model.layout.expand
    predictor = model.spec.predictor(state) if model.spec.predictor is not None else lambda features: predict(state, features)
    return lambda values: predictor(expand(values))


def _has_many_scores(model: LoadedModel) -> bool:
    return len(model.classes) > 2 or model.spec.task in (Task.CLUSTERING, Task.DIMENSION_REDUCTION)


def _check_agreement(spec: ModelSpec, state: object, encoding: EncodingState, stored: StoredVersion) -> None:
    names = {feature.name for feature in stored.record.features}
    n_columns = sum(layout_width(encoding))
    if spec.n_columns is not None and spec.n_columns(state) != n_columns:
        raise damaged_state("the state and the encoding disagree about the number of columns")
    if not set(encoding.columns) <= names:
        raise damaged_state("the encoding reads columns that are no features")
    if spec.task is Task.CLASSIFICATION:
        n_classes = getattr(state, "n_classes", None)
        if len(stored.record.classes) < 2 or (n_classes is not None and max(2, n_classes) != len(stored.record.classes)):
            raise damaged_state("the state and the record disagree about the classes")
    if spec.task.is_supervised and stored.record.label is None:
        raise damaged_state("the label is missing")
