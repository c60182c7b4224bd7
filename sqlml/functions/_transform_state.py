"""What is kept of a TRANSFORM clause: its text, the columns it was written over, and the learned statistics, flat.

The text is a stranger's until it has been parsed again: `BoundTransform` refuses whatever a clause may not hold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sqlml.functions._learning import LearnedTerms, LearnedValue
from sqlml.functions._statistics import Moment, MostFrequent, Quantile, Statistic, Terms
from sqlml.state import damaged_state, floats, integers, strings
from sqlml.types import Column, Schema, SqlType, stored_type

MAX_COLUMNS = 100_000


@dataclass(frozen=True)
class TransformState:
    """Statistic i is of kind `kinds[i]`; its number is `numbers[i]` (NaN: none), its text `texts[i]`, its terms
    `terms[term_offsets[i]:term_offsets[i + 1]]` of `n_rows[i]` rows."""

    clause: str
    columns: tuple[str, ...] = strings("n_columns")
    types: tuple[str, ...] = strings("n_columns")
    kinds: tuple[str, ...] = strings("n_statistics")
    numbers: NDArray[np.float64] = floats("n_statistics", finite=False)
    texts: tuple[str | None, ...] = strings("n_statistics", nullable=True)
    n_rows: NDArray[np.int64] = integers("n_statistics", ge=0)
    term_offsets: NDArray[np.int64] = integers("n_offsets", ge=0)
    terms: tuple[str, ...] = strings("n_terms")
    counts: NDArray[np.int64] = integers("n_terms", ge=0)

    def check(self) -> None:
        offsets = self.term_offsets
        if len(offsets) != len(self.kinds) + 1 or offsets[0] != 0 or offsets[-1] != len(self.terms) or (np.diff(offsets) < 0).any():
            raise damaged_state("offsets of terms do not fit")
        if len(self.columns) > MAX_COLUMNS or len({name.casefold() for name in self.columns}) != len(self.columns):
            raise damaged_state("the columns under TRANSFORM are too many or not distinct")
        if np.isinf(self.numbers).any() or (self.n_rows > 2**53).any():
            raise damaged_state("learned statistics are out of range")
        for start, stop in pairwise(offsets):
            if list(self.terms[start:stop]) != sorted(set(self.terms[start:stop])):
                raise damaged_state("terms are not in order")

    @property
    def schema(self) -> Schema:
        """The columns of the training query.

        Raises: IntegrityError `damaged_state` for a type that is no plain type.
        """
        types = [stored_type(name) for name in self.types]
        if any(type_ is None for type_ in types):
            raise damaged_state("a column under TRANSFORM has no known type")
        return Schema(tuple(Column(name, type_ or SqlType("VARCHAR")) for name, type_ in zip(self.columns, types, strict=True)))


def kind_of(statistic: Statistic) -> str:
    """The name under which a statistic is kept."""
    match statistic:
        case Moment(kind):
            return kind
        case Quantile(_, fraction):
            return f"quantile {fraction!r}"
        case MostFrequent(is_number=is_number):
            return "most frequent number" if is_number else "most frequent text"
        case Terms():
            return "terms"


def transform_state(clause: str, raw: Schema, statistics: Sequence[Statistic], values: Sequence[LearnedValue]) -> TransformState:
    """Packs what was learned."""
    offsets = [0]
    terms: list[str] = []
    counts: list[int] = []
    for value in values:
        if isinstance(value, LearnedTerms):
            terms += value.terms
            counts += value.counts
        offsets.append(len(terms))
    return TransformState(
        clause=clause, columns=raw.names, types=tuple(column.type.name for column in raw),
        kinds=tuple(kind_of(statistic) for statistic in statistics),
        numbers=np.array([value if isinstance(value, float) else math.nan for value in values], np.float64),
        texts=tuple(value if isinstance(value, str) else None for value in values),
        n_rows=np.array([value.n_rows if isinstance(value, LearnedTerms) else 0 for value in values], np.int64),
        term_offsets=np.array(offsets, np.int64), terms=tuple(terms), counts=np.array(counts, np.int64),
    )  # fmt: skip


def learned_values(state: TransformState, statistics: Sequence[Statistic]) -> tuple[LearnedValue, ...]:
    """Unpacks what was learned, for the statistics that the clause asks for.

    Raises: IntegrityError `damaged_state` when these are others than those that are kept.
    """
    if tuple(kind_of(statistic) for statistic in statistics) != state.kinds:
        raise damaged_state("the statistics kept are not those of the TRANSFORM clause")
    values: list[LearnedValue] = []
    for index, statistic in enumerate(statistics):
        start, stop = int(state.term_offsets[index]), int(state.term_offsets[index + 1])
        number = float(state.numbers[index])
        if isinstance(statistic, Terms):
            values.append(LearnedTerms(state.terms[start:stop], tuple(state.counts[start:stop].tolist()), int(state.n_rows[index])))
        elif isinstance(statistic, MostFrequent) and not statistic.is_number:
            values.append(state.texts[index])
        else:
            values.append(None if math.isnan(number) else number)
    return tuple(values)
