"""Names that this connection has bound before, and the one query that says whether they still mean the same.

A claim or an event that was committed stays; every change of a model appends another, the dropping of a version included. So what was read
outside a transaction still holds while nothing has been appended behind it, and that is asked every time. What a transaction has not yet
committed is seen by that question and never remembered.
"""

from __future__ import annotations

import datetime
from collections import OrderedDict
from dataclasses import dataclass, field

from sqlml.catalog.current import CurrentModel, fold
from sqlml.catalog.records import ModelKey, Reference
from sqlml.catalog.references import Found
from sqlml.catalog.schema import HIGHEST_FORMAT, Layout, read_layout
from sqlml.catalog.tables import EVENTS, FORMAT_TABLE, NAMES
from sqlml.engines.engine import Engine

_MAX_NAMES = 1024
_MAX_REFERENCES = 64


@dataclass(frozen=True, slots=True)
class _Bound:
    layout: Layout
    model: CurrentModel
    found: dict[Reference, Found] = field(default_factory=dict)


class BoundNames:
    """What the names of one connection were last seen to mean; the least recently used are forgotten."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._names: OrderedDict[tuple[str, str, str], _Bound] = OrderedDict()

    def find(self, key: ModelKey, reference: Reference) -> tuple[CurrentModel, Found] | None:
        """The model and the version if both are remembered and unchanged; None means that they must be read."""
        place = _place(key)
        bound = self._names.get(place)
        found = None if bound is None or isinstance(reference, datetime.datetime) else bound.found.get(reference)
        if bound is None or found is None:
            return None
        if not self._is_unchanged(key, bound):
            self._names.pop(place, None)
            return None
        self._names.move_to_end(place)
        return bound.model, found

    def remember(self, key: ModelKey, reference: Reference, layout: Layout, model: CurrentModel, found: Found) -> None:
        """What was just read, after the layout was. Inside a transaction nothing is kept: it may never be committed."""
        if isinstance(reference, datetime.datetime) or self._engine.in_transaction:
            return
        place = _place(key)
        bound = self._names.get(place)
        if bound is None or (bound.layout, bound.model) != (layout, model) or len(bound.found) >= _MAX_REFERENCES:
            bound = self._names[place] = _Bound(layout, model)
        bound.found[reference] = found
        self._names.move_to_end(place)
        while len(self._names) > _MAX_NAMES:
            self._names.popitem(last=False)

    def _is_unchanged(self, key: ModelKey, bound: _Bound) -> bool:
        model, database = bound.model, key.database
        if read_layout(self._engine, database) != bound.layout:
            return False
        rows = self._engine.rows(
            f"SELECT 'format', {HIGHEST_FORMAT}, NULL FROM {FORMAT_TABLE.path(database)}"
            f" UNION ALL SELECT 'claim', sequence, model_id FROM {NAMES.path(database)}"
            " WHERE schema_key = $1 AND name_key = $2 AND sequence >= $3"
            f" UNION ALL SELECT 'event', sequence, model_id FROM {EVENTS.path(database)} WHERE model_id = $4 AND sequence > $5",
            [fold(key.schema), fold(key.name), model.claim, model.model_id, model.event],
        )
        return sorted(rows) == [("claim", model.claim, model.model_id), ("format", bound.layout.format, None)]


def _place(key: ModelKey) -> tuple[str, str, str]:
    return fold(key.database), fold(key.schema), fold(key.name)
