"""Automatic encoding as learned statistics: what is kept with a model, and the layout that follows from it.

`EncodingState` is all that is stored. The SQL of every term is rendered from it again whenever the model is used, so no SQL text is ever
read back from a database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqlml.features import expressions
from sqlml.features.layout import NULL_CATEGORY, CategoryTerm, EncodingRules, Layout, NumericTerm, Term
from sqlml.state import damaged_state, floats, integers, strings
from sqlml.types import SqlType

_NUMERIC, _CATEGORY = 0, 1

DictionaryName = Callable[[int, tuple[str, ...]], str]
"""(index of the term, its categories) -> SQL name of a table (value, code) with them."""


@dataclass(frozen=True)
class EncodingState:
    """The statistics of all terms of a model, flat.

    Term i reads input column `columns[i]` of type `types[i]` (its timestamp component `parts[i]`, if any). Categories of term i are
    `categories[category_offsets[i]:category_offsets[i + 1]]`.
    """

    kinds: NDArray[np.int64] = integers("n_terms", ge=0)
    columns: tuple[str, ...] = strings("n_terms")
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
    category_offsets: NDArray[np.int64] = integers("n_offsets", ge=0)
    categories: tuple[str, ...] = strings("n_categories")
    shares: NDArray[np.float64] = floats("n_categories")
    one_hot: bool = True
    impute: bool = True
    single: bool = False
    """Whether the learner's matrix is float32."""

    def check(self) -> None:
        offsets = self.category_offsets
        if len(offsets) != len(self.kinds) + 1 or offsets[0] != 0 or offsets[-1] != len(self.categories) or (np.diff(offsets) < 0).any():
            raise damaged_state("category offsets do not fit")
        if not np.isin(self.kinds, (_NUMERIC, _CATEGORY)).all() or not np.isin(self.null_categories, (0, 1)).all():
            raise damaged_state("unknown kind of term")
        known = {part.prefix for part in expressions.TIMESTAMP_PARTS} | {""}
        if not set(self.parts) <= known:
            raise damaged_state("unknown part of a timestamp")
        if (self.dropped >= np.diff(offsets)).any() or (self.scales <= 0).any():
            raise damaged_state("statistics out of range")
        if (self.null_categories > np.diff(offsets)).any():
            raise damaged_state("a category of NULLs is missing")


@dataclass(frozen=True, slots=True)
class NumericStatistics:
    """What is learned of a numeric term."""

    column: str
    type: SqlType
    mean: float
    stddev: float
    centre: float
    scale: float


@dataclass(frozen=True, slots=True)
class CategoryStatistics:
    """What is learned of a category term: its categories in code order, the category of NULLs last if there is one."""

    column: str
    type: SqlType
    part: str
    categories: tuple[str, ...]
    shares: tuple[float, ...]
    has_null_category: bool
    dropped: int | None


TermStatistics = NumericStatistics | CategoryStatistics


def encoding_state(terms: Sequence[TermStatistics], rules: EncodingRules) -> EncodingState:
    """Packs the statistics of terms, in order."""
    offsets = [0]
    categories: list[str] = []
    shares: list[float] = []
    for term in terms:
        if isinstance(term, CategoryStatistics):
            categories.extend(term.categories)
            shares.extend(term.shares)
        offsets.append(len(categories))
    numbers = [term if isinstance(term, NumericStatistics) else None for term in terms]
    groups = [term if isinstance(term, CategoryStatistics) else None for term in terms]
    return EncodingState(
        kinds=np.array([_NUMERIC if number else _CATEGORY for number in numbers], np.int64),
        columns=tuple(term.column for term in terms),
        types=tuple(term.type.name for term in terms),
        parts=tuple(group.part if group else "" for group in groups),
        means=np.array([number.mean if number else 0.0 for number in numbers]),
        stddevs=np.array([number.stddev if number else 0.0 for number in numbers]),
        centres=np.array([number.centre if number else 0.0 for number in numbers]),
        scales=np.array([number.scale if number else 1.0 for number in numbers]),
        dropped=np.array([-1 if group is None or group.dropped is None else group.dropped for group in groups], np.int64),
        null_categories=np.array([int(group is not None and group.has_null_category) for group in groups], np.int64),
        category_offsets=np.array(offsets, np.int64),
        categories=tuple(categories),
        shares=np.array(shares, np.float64),
        one_hot=rules.categories != "codes",
        impute=rules.impute,
        single=rules.dtype == "float32",
    )


def layout_width(state: EncodingState) -> list[int]:
    """Matrix columns of each term, without rendering anything."""
    if not state.one_hot:
        return [1] * len(state.kinds)
    counts = np.diff(state.category_offsets) - (state.dropped >= 0)
    return [1 if kind == _NUMERIC else int(count) for kind, count in zip(state.kinds, counts, strict=True)]


def layout(state: EncodingState, dictionary: DictionaryName) -> Layout:
    """The layout with the SQL of every term rendered."""
    terms: list[Term] = []
    for index, (kind, column, type_name, part) in enumerate(zip(state.kinds, state.columns, state.types, state.parts, strict=True)):
        type_ = SqlType(type_name)
        name = f"{part}{column}"
        if kind == _NUMERIC:
            terms.append(
                NumericTerm(
                    name=name, column=column, expression=expressions.number(column, type_),
                    mean=float(state.means[index]), stddev=float(state.stddevs[index]),
                    centre=float(state.centres[index]), scale=float(state.scales[index]),
                    unguarded=expressions.number(column, type_, guards_nan=False),
                )
            )  # fmt: skip
            continue
        start, stop = int(state.category_offsets[index]), int(state.category_offsets[index + 1])
        categories = state.categories[start:stop]
        null_code = len(categories) - 1 if state.null_categories[index] else None
        known = categories if null_code is None else categories[:-1]
        table = dictionary(index, known) if len(known) > expressions.INLINE_LIMIT else None
        dropped = int(state.dropped[index])
        terms.append(
            CategoryTerm(
                name=name, column=column,
                expression=expressions.code(expressions.category(column, type_, part), known, null_code, table),
                categories=known if null_code is None else (*known, NULL_CATEGORY),
                shares=tuple(state.shares[start:stop].tolist()),
                dropped=None if dropped < 0 else dropped,
            )
        )  # fmt: skip
    return Layout(tuple(terms), "one_hot" if state.one_hot else "codes", state.impute)
