"""The literals that preprocessing functions take beyond those of options: numbers that may be infinite, arrays of numbers, fixed words.

Owns: reading them into Python values. `convert` gives the value or raises ValueError with "must be …"; the binder adds name and place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sqlml.models._options import OptionType


@dataclass(frozen=True)
class NormDegree(OptionType):
    """The degree of a norm: 0, any number from 1 up, or CAST('+inf' AS FLOAT64); float."""

    def convert(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not (value == 0 or value >= 1):  # NaN fails both
            raise ValueError("must be 0, a number >= 1, or CAST('+inf' AS FLOAT64)")
        return _as_float(value)

    def describe(self) -> str:
        return "FLOAT64 = 0, >= 1 or +inf"


@dataclass(frozen=True)
class SplitPoints(OptionType):
    """A non-empty array of finite numbers, each greater than the one before; a tuple of int and float as they were written."""

    def convert(self, value: object) -> tuple[int | float, ...]:
        if not isinstance(value, list) or not value:
            raise ValueError("must be a non-empty array of numbers")
        points: list[int | float] = []
        for item in value:
            if isinstance(item, bool) or not isinstance(item, int | float):
                raise ValueError("must be an array of numbers")
            if not math.isfinite(_as_float(item)):
                raise ValueError("must be an array of finite numbers")
            if points and not item > points[-1]:
                raise ValueError("must be in ascending order, no number twice")
            points.append(item)
        return tuple(points)

    def describe(self) -> str:
        return "ARRAY<FLOAT64>, finite, ascending"


@dataclass(frozen=True)
class QuantileRange(OptionType):
    """[low, high] in whole percent, 0 < low < high < 100; a pair of int."""

    def convert(self, value: object) -> tuple[int, int]:
        wanted = "must be an array [low, high] of whole numbers with 0 < low < high < 100"
        if not isinstance(value, list) or len(value) != 2:
            raise ValueError(wanted)
        if not all(isinstance(item, int | float) and not isinstance(item, bool) and item == item // 1 for item in value):
            raise ValueError(wanted)
        low, high = value
        if not 0 < low < high < 100:
            raise ValueError(wanted)
        return int(low), int(high)

    def describe(self) -> str:
        return "ARRAY<INT64>[2], 0 < low < high < 100"


@dataclass(frozen=True)
class Word(OptionType):
    """One of a few words, written in any case; the value is the word as declared."""

    choices: tuple[str, ...]

    def convert(self, value: object) -> str:
        found = next((choice for choice in self.choices if isinstance(value, str) and choice.casefold() == value.casefold()), None)
        if found is None:
            raise ValueError(f"must be one of {', '.join(map(repr, self.choices))}")
        return found

    def describe(self) -> str:
        return f"STRING in ({', '.join(self.choices)})"


def _as_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of more digits than FLOAT64 reaches
        raise ValueError("must be within the range of FLOAT64") from None
