"""Automatic encoding as learned statistics: what is kept with a model, and the layout that follows from it.

`EncodingState` is all that is stored. The SQL of every term is rendered from it again whenever the model is used, so no SQL text is ever
read back from a database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from sqlml.features import expressions, list_expressions
from sqlml.features.layout import (
    NULL_CATEGORY,
    CategoriesAs,
    CategoryTerm,
    EncodingRules,
    Layout,
    MultiHotTerm,
    NumericTerm,
    SparseTerm,
    Term,
    VectorTerm,
)
from sqlml.features.sources import Shape, Source, given_type, shape
from sqlml.features.term_statistics import (
    CategoryStatistics,
    MultiHotStatistics,
    NumericStatistics,
    SparseStatistics,
    TermStatistics,
    VectorStatistics,
)
from sqlml.state import FloatArray, damaged_state, floats, integers, strings
from sqlml.types import SqlType

_NUMERIC, _CATEGORY, _VECTOR, _MULTI_HOT, _SPARSE = range(5)
_SHAPES = {
    _NUMERIC: (Shape.NUMBER, Shape.TIMESTAMP),
    _CATEGORY: (Shape.CATEGORY, Shape.TIMESTAMP),
    _VECTOR: (Shape.VECTOR,),
    _MULTI_HOT: (Shape.MULTI_HOT,),
    _SPARSE: (Shape.SPARSE,),
}

MAX_WIDTH = 2_000_000
"""Matrix columns of a model at most. A float32 holds every index and code up to eight times that."""

DictionaryName = Callable[[int, tuple[str, ...]], str]
"""(index of the term, its categories) -> SQL name of a table (value, code) with them."""


@dataclass(frozen=True)
class EncodingState:
    """The statistics of all terms of a model, flat.

    Term i reads input column `columns[i]` (its field `fields[i]`, if that is not "") as type `types[i]` (its timestamp component
    `parts[i]`, if any). Categories of term i are `categories[category_offsets[i]:category_offsets[i + 1]]`.
    """

    kinds: NDArray[np.int64] = integers("n_terms", ge=0)
    columns: tuple[str, ...] = strings("n_terms")
    fields: tuple[str, ...] = strings("n_terms")
    types: tuple[str, ...] = strings("n_terms")
    parts: tuple[str, ...] = strings("n_terms")
    means: NDArray[np.float64] = floats("n_terms")
    stddevs: NDArray[np.float64] = floats("n_terms")
    centres: NDArray[np.float64] = floats("n_terms")
    scales: NDArray[np.float64] = floats("n_terms")
    dropped: NDArray[np.int64] = integers("n_terms", ge=-1)
    """The code without a column of its own (dummy encoding), or -1."""
    null_categories: NDArray[np.int64] = integers("n_terms", ge=0)
    """1 where NULL is a category, the last one."""
    sizes: NDArray[np.int64] = integers("n_terms", ge=0)
    """Matrix columns of vectors and sparse arrays, 0 of others."""
    mean_items: NDArray[np.float64] = floats("n_terms")
    """Mean number of pairs in a row of a sparse array, 0 of others."""
    position_means: NDArray[np.float64] = floats("n_positions")
    """The means of all vectors, one after the other."""
    category_offsets: NDArray[np.int64] = integers("n_offsets", ge=0)
    categories: tuple[str, ...] = strings("n_categories")
    shares: NDArray[np.float64] = floats("n_categories")
    targets: NDArray[np.float64] = floats("n_targets", "target_width")
    """Target encoding: the numbers of every category (0 of array elements, which have columns of their own); otherwise empty."""
    unseen_target: NDArray[np.float64] = floats("target_width")
    categories_as: str = "one_hot"
    impute: bool = True
    single: bool = False
    """Whether the learner's matrix is float32."""

    def check(self) -> None:
        offsets = self.category_offsets
        if len(offsets) != len(self.kinds) + 1 or offsets[0] != 0 or offsets[-1] != len(self.categories) or (np.diff(offsets) < 0).any():
            raise damaged_state("category offsets do not fit")
        if self.categories_as not in get_args(CategoriesAs):
            raise damaged_state("unknown encoding of categories")
        if not np.isin(self.kinds, list(_SHAPES)).all() or not np.isin(self.null_categories, (0, 1)).all():
            raise damaged_state("unknown kind of term")
        known = {part.prefix for part in expressions.TIMESTAMP_PARTS}
        for kind, type_name, part in zip(self.kinds.tolist(), self.types, self.parts, strict=True):
            found = shape(SqlType(type_name))
            has_part = kind == _CATEGORY and found is Shape.TIMESTAMP
            if found not in _SHAPES[kind] or (part not in known if has_part else part != ""):
                raise damaged_state("a term and its type disagree")
        self._check_numbers()

    def _check_numbers(self) -> None:
        counts = np.diff(self.category_offsets)
        is_category, is_listed = self.kinds == _CATEGORY, np.isin(self.kinds, (_CATEGORY, _MULTI_HOT))
        has_size = np.isin(self.kinds, (_VECTOR, _SPARSE))
        if (counts[~is_listed] > 0).any() or (self.sizes[~has_size] > 0).any() or (self.sizes[has_size] == 0).any():
            raise damaged_state("a term has numbers of another kind")
        if (self.dropped >= np.where(is_category, counts, 0)).any() or (self.scales <= 0).any() or (self.stddevs < 0).any():
            raise damaged_state("statistics out of range")
        if (self.shares < 0).any() or (self.shares > 1).any() or (self.mean_items < 0).any():
            raise damaged_state("statistics out of range")
        if (self.null_categories > counts).any():
            raise damaged_state("a category of NULLs is missing")
        # One by one before they are added, so that the sum cannot overflow.
        if (self.sizes > MAX_WIDTH).any() or sum(layout_width(self)) > MAX_WIDTH or (counts > 8 * MAX_WIDTH).any():
            raise damaged_state(f"it has more than {MAX_WIDTH} columns")
        if self.sizes[self.kinds == _VECTOR].sum() != len(self.position_means):
            raise damaged_state("means of vectors do not fit")
        n_targets = len(self.categories) if self.categories_as == "target" else 0
        if len(self.targets) != n_targets or (len(self.unseen_target) > 0) != (self.categories_as == "target"):
            raise damaged_state("targets of categories do not fit")


def encoding_state(terms: Sequence[TermStatistics], rules: EncodingRules, unseen_target: FloatArray | None = None) -> EncodingState:
    """Packs the statistics of terms, in order.

    Args: unseen_target, `[width]`, what target encoding gives for unseen categories.
    """
    offsets = [0]
    categories: list[str] = []
    shares: list[float] = []
    targets: list[FloatArray] = []
    width = 0 if unseen_target is None else len(unseen_target)
    for term in terms:
        if isinstance(term, (CategoryStatistics, MultiHotStatistics)):
            categories.extend(term.categories)
            shares.extend(term.shares)
            if unseen_target is not None:
                own = term.targets if isinstance(term, CategoryStatistics) else None
                targets.append(np.zeros((len(term.categories), width)) if own is None else own)
        offsets.append(len(categories))
    numbers = [term if isinstance(term, NumericStatistics) else None for term in terms]
    groups = [term if isinstance(term, CategoryStatistics) else None for term in terms]
    vectors = [term.means for term in terms if isinstance(term, VectorStatistics)]
    return EncodingState(
        kinds=np.array([_kind(term) for term in terms], np.int64),
        columns=tuple(term.source.column for term in terms),
        fields=tuple(term.source.field for term in terms),
        types=tuple(term.source.type.name for term in terms),
        parts=tuple(group.part if group else "" for group in groups),
        means=np.array([number.mean if number else 0.0 for number in numbers]),
        stddevs=np.array([number.stddev if number else 0.0 for number in numbers]),
        centres=np.array([number.centre if number else 0.0 for number in numbers]),
        scales=np.array([number.scale if number else 1.0 for number in numbers]),
        dropped=np.array([-1 if group is None or group.dropped is None else group.dropped for group in groups], np.int64),
        null_categories=np.array([int(getattr(term, "has_null_category", False)) for term in terms], np.int64),
        sizes=np.array([_size(term) for term in terms], np.int64),
        mean_items=np.array([term.mean_items if isinstance(term, SparseStatistics) else 0.0 for term in terms]),
        position_means=np.concatenate(vectors) if vectors else np.empty(0),
        category_offsets=np.array(offsets, np.int64),
        categories=tuple(categories),
        shares=np.array(shares, np.float64),
        targets=np.vstack(targets) if targets else np.empty((0, width)),
        unseen_target=np.empty(0) if unseen_target is None else unseen_target,
        categories_as="one_hot" if rules.categories == "dummy" else rules.categories,
        impute=rules.impute,
        single=rules.dtype == "float32",
    )


def _kind(term: TermStatistics) -> int:
    kinds = {
        NumericStatistics: _NUMERIC, CategoryStatistics: _CATEGORY, VectorStatistics: _VECTOR, MultiHotStatistics: _MULTI_HOT,
        SparseStatistics: _SPARSE,
    }  # fmt: skip
    return kinds[type(term)]


def _size(term: TermStatistics) -> int:
    if isinstance(term, VectorStatistics):
        return len(term.means)
    return term.size if isinstance(term, SparseStatistics) else 0


def layout_width(state: EncodingState) -> list[int]:
    """Matrix columns of each term, without rendering anything."""
    counts = np.diff(state.category_offsets)
    of_categories = {"one_hot": counts - (state.dropped >= 0), "codes": np.ones_like(counts)}.get(
        state.categories_as, np.full_like(counts, len(state.unseen_target))
    )
    widths = np.select(
        [state.kinds == _NUMERIC, state.kinds == _CATEGORY, state.kinds == _MULTI_HOT], [1, of_categories, counts], state.sizes
    )
    return [int(width) for width in widths]


def retyped(state: EncodingState, given: Mapping[str, SqlType]) -> EncodingState:
    """The state for an input whose columns have other types; itself where they are the same.

    Args: given, the types by casefolded name of the column, all of which `sources.accepts` takes.
    """
    types = tuple(
        given_type(SqlType(trained), given[column.casefold()], field).name
        for column, field, trained in zip(state.columns, state.fields, state.types, strict=True)
    )
    return state if types == state.types else replace(state, types=types)


def layout(state: EncodingState, dictionary: DictionaryName) -> Layout:
    """The layout with the SQL of every term rendered."""
    terms: list[Term] = []
    position = 0
    for index, (kind, column, field, type_name) in enumerate(
        zip(state.kinds.tolist(), state.columns, state.fields, state.types, strict=True)
    ):
        source = Source(column, field, SqlType(type_name))
        size = int(state.sizes[index])
        match kind:
            case 0:
                terms.append(_numeric_term(state, index, source))
            case 1:
                terms.append(_category_term(state, index, source, dictionary))
            case 2:
                means = state.position_means[position : position + size]
                position += size
                terms.append(VectorTerm(source.name, source.name, list_expressions.vector(source, size), size, means))
            case 3:
                terms.append(_multi_hot_term(state, index, source, dictionary))
            case _:
                expression = list_expressions.pairs(source)
                terms.append(SparseTerm(source.name, source.name, expression, size, float(state.mean_items[index])))
    categories_as: CategoriesAs = state.categories_as  # type: ignore[assignment]  # `check` has seen to it
    return Layout(tuple(terms), categories_as, state.impute)


def _numeric_term(state: EncodingState, index: int, source: Source) -> NumericTerm:
    return NumericTerm(
        name=source.name, column=source.name, expression=expressions.number(source.column, source.type, field=source.field),
        mean=float(state.means[index]), stddev=float(state.stddevs[index]),
        centre=float(state.centres[index]), scale=float(state.scales[index]),
        unguarded=expressions.number(source.column, source.type, field=source.field, guards_nan=False),
    )  # fmt: skip


def _categories(state: EncodingState, index: int, dictionary: DictionaryName) -> tuple[tuple[str, ...], int | None, str | None]:
    """The categories of a term without that of NULLs, the code of NULLs, and the table that stands for many."""
    start, stop = int(state.category_offsets[index]), int(state.category_offsets[index + 1])
    categories = state.categories[start:stop]
    null_code = len(categories) - 1 if state.null_categories[index] else None
    known = categories if null_code is None else categories[:-1]
    return known, null_code, dictionary(index, known) if len(known) > expressions.INLINE_LIMIT else None


def _category_term(state: EncodingState, index: int, source: Source, dictionary: DictionaryName) -> CategoryTerm:
    known, null_code, table = _categories(state, index, dictionary)
    rows = slice(int(state.category_offsets[index]), int(state.category_offsets[index + 1]))
    dropped = int(state.dropped[index])
    part = state.parts[index]
    is_target = state.categories_as == "target"
    text = expressions.category(source.column, source.type, part, field=source.field)
    return CategoryTerm(
        name=f"{part}{source.name}", column=source.name, expression=expressions.code(text, known, null_code, table),
        categories=known if null_code is None else (*known, NULL_CATEGORY),
        shares=tuple(state.shares[rows].tolist()), dropped=None if dropped < 0 else dropped,
        targets=state.targets[rows] if is_target else None, unseen=state.unseen_target if is_target else None,
    )  # fmt: skip


def _multi_hot_term(state: EncodingState, index: int, source: Source, dictionary: DictionaryName) -> MultiHotTerm:
    known, null_code, table = _categories(state, index, dictionary)
    rows = slice(int(state.category_offsets[index]), int(state.category_offsets[index + 1]))
    return MultiHotTerm(
        name=source.name, column=source.name, expression=list_expressions.codes(source, known, null_code, table),
        categories=known if null_code is None else (*known, NULL_CATEGORY), shares=tuple(state.shares[rows].tolist()),
    )  # fmt: skip
