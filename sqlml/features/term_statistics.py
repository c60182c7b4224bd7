"""What is learned of each term, by kind. `statistics` learns it, `encoding` packs it flat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlml.features.layout import EncodingRules
from sqlml.features.sources import Source
from sqlml.state import FloatArray


@dataclass(frozen=True, slots=True)
class NumericStatistics:
    """Of a number."""

    source: Source
    mean: float
    stddev: float
    centre: float
    scale: float

    @property
    def name(self) -> str:
        return self.source.name


@dataclass(frozen=True, slots=True)
class CategoryStatistics:
    """Of a category: its categories in code order, the category of NULLs last if there is one."""

    source: Source
    part: str
    categories: tuple[str, ...]
    shares: tuple[float, ...]
    has_null_category: bool
    dropped: int | None
    targets: FloatArray | None = field(default=None, compare=False)
    """Target encoding: `[n_categories, width]`."""

    @property
    def name(self) -> str:
        return f"{self.part}{self.source.name}"


@dataclass(frozen=True, slots=True)
class VectorStatistics:
    """Of an array of numbers. Shapes: `means[size]`."""

    source: Source
    means: FloatArray = field(compare=False)

    @property
    def name(self) -> str:
        return self.source.name


@dataclass(frozen=True, slots=True)
class MultiHotStatistics:
    """Of an array of categories; `shares`, the share of rows that have an element."""

    source: Source
    categories: tuple[str, ...]
    shares: tuple[float, ...]
    has_null_category: bool

    @property
    def name(self) -> str:
        return self.source.name


@dataclass(frozen=True, slots=True)
class SparseStatistics:
    """Of an array of (index, value) pairs; `mean_items`, the mean number of pairs of a row."""

    source: Source
    size: int
    mean_items: float

    @property
    def name(self) -> str:
        return self.source.name


TermStatistics = NumericStatistics | CategoryStatistics | VectorStatistics | MultiHotStatistics | SparseStatistics


def term_widths(terms: Sequence[TermStatistics], rules: EncodingRules, target_width: int = 1) -> list[tuple[str, int]]:
    """Name and number of matrix columns of each term."""
    return [(term.name, _width(term, rules, target_width)) for term in terms]


def _width(term: TermStatistics, rules: EncodingRules, target_width: int) -> int:
    match term:
        case VectorStatistics():
            return len(term.means)
        case MultiHotStatistics():
            return len(term.categories)
        case SparseStatistics():
            return term.size
        case CategoryStatistics() if rules.categories == "target":
            return target_width
        case CategoryStatistics() if rules.categories != "codes":
            return len(term.categories) - (term.dropped is not None)
    return 1
