"""A stored encoding comes back as it was, and a damaged one does not come back at all."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from sqlml.errors import IntegrityError
from sqlml.features.encoding import MAX_WIDTH, EncodingState, encoding_state, layout, layout_width
from sqlml.features.layout import NULL_CATEGORY, EncodingRules
from sqlml.features.sources import Source
from sqlml.features.term_statistics import (
    CategoryStatistics,
    MultiHotStatistics,
    NumericStatistics,
    SparseStatistics,
    TermStatistics,
    VectorStatistics,
    term_widths,
)
from sqlml.state import from_arrays, to_arrays
from sqlml.types import SqlType


def _source(name: str, type_: str, field: str = "") -> Source:
    return Source(name, field, SqlType(type_))


TERMS: list[TermStatistics] = [
    NumericStatistics(_source("s", "INTEGER", "n"), 1.0, 2.0, 1.0, 2.0),
    CategoryStatistics(_source("k", "VARCHAR"), "", ("a", "b", NULL_CATEGORY), (0.5, 0.25, 0.25), True, None, np.array([[1.0], [2.0], [3.0]])),
    VectorStatistics(_source("v", "DOUBLE[]"), np.array([1.0, 2.0])),
    MultiHotStatistics(_source("m", "VARCHAR[]"), ("p", NULL_CATEGORY), (0.5, 0.5), True),
    SparseStatistics(_source("x", "STRUCT(i INTEGER, v DOUBLE)[]"), 7, 1.5),
    VectorStatistics(_source("w", "FLOAT[1]"), np.array([3.0])),
]  # fmt: skip


@pytest.mark.parametrize(("categories", "widths"), [("one_hot", [1, 3, 2, 2, 7, 1]), ("codes", [1, 1, 2, 2, 7, 1]), ("target", [1, 1, 2, 2, 7, 1])])  # fmt: skip
def test_the_state_round_trips_and_knows_the_widths(categories: Any, widths: list[int]) -> None:
    rules = EncodingRules(categories=categories)
    state = encoding_state(TERMS, rules, np.array([1.5]) if categories == "target" else None)
    restored = from_arrays(EncodingState, to_arrays(state))
    rendered = layout(restored, lambda term, known: "d")
    assert layout_width(restored) == widths == [columns.stop - columns.start for columns in rendered.slices]
    assert [width for _, width in term_widths(TERMS, rules)] == widths
    assert [term.name for term in rendered.terms] == ["s_n", "k", "v", "m", "x", "w"]
    assert [rendered.terms[index].means.tolist() for index in (2, 5)] == [[1.0, 2.0], [3.0]]  # type: ignore[union-attr]  # vectors
    if categories == "target":
        codes = np.array([0.0, 2.0, np.nan])
        assert rendered._part(rendered.terms[1], codes).tolist() == [[1.0], [3.0], [1.5]]  # type: ignore[union-attr]  # an array


def _changed(state: EncodingState, name: str, value: Any) -> EncodingState:
    return dataclasses.replace(state, **{name: value})


def _at(array: np.ndarray[Any, Any], index: int, value: float) -> np.ndarray[Any, Any]:
    changed = array.copy()
    changed[index] = value
    return changed


@pytest.mark.parametrize(
    "damage",
    [
        lambda s: _changed(s, "kinds", _at(s.kinds, 0, 5)),
        lambda s: _changed(s, "kinds", _at(s.kinds, 2, 4)),
        lambda s: _changed(s, "types", ("VARCHAR", *s.types[1:])),
        lambda s: _changed(s, "parts", ("_TS_DOM_", *s.parts[1:])),
        lambda s: _changed(s, "sizes", _at(s.sizes, 4, MAX_WIDTH)),
        lambda s: _changed(s, "sizes", _at(s.sizes, 4, 2**62)),
        lambda s: _changed(s, "sizes", _at(s.sizes, 4, 0)),
        lambda s: _changed(s, "sizes", _at(s.sizes, 2, 3)),
        lambda s: _changed(s, "sizes", _at(s.sizes, 1, 1)),
        lambda s: _changed(s, "position_means", s.position_means[:-1]),
        lambda s: _changed(s, "mean_items", _at(s.mean_items, 4, -1.0)),
        lambda s: _changed(s, "shares", _at(s.shares, 0, 1.5)),
        lambda s: _changed(s, "dropped", _at(s.dropped, 1, 3)),
        lambda s: _changed(s, "dropped", _at(s.dropped, 3, 0)),
        lambda s: _changed(s, "null_categories", _at(s.null_categories, 0, 1)),
        lambda s: _changed(s, "category_offsets", _at(s.category_offsets, 1, 1)),
        lambda s: _changed(s, "categories_as", "else"),
        lambda s: _changed(s, "categories_as", "target"),
        lambda s: _changed(s, "unseen_target", np.array([1.0])),
        lambda s: _changed(s, "targets", np.ones((5, 0))),
    ],
)
def test_a_damaged_state_is_refused(damage: Any) -> None:
    state = encoding_state(TERMS, EncodingRules())
    with pytest.raises(IntegrityError) as caught:
        from_arrays(EncodingState, to_arrays(damage(state)))
    assert caught.value.code == "damaged_state"


def test_targets_of_many_terms_are_bounded() -> None:
    terms = [CategoryStatistics(_source(f"k{index}", "VARCHAR"), "", (), (), False, None, np.empty((0, 1000))) for index in range(2001)]
    state = encoding_state(terms, EncodingRules(categories="target"), np.zeros(1000))
    with pytest.raises(IntegrityError, match="columns"):
        state.check()
