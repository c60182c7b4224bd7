"""Statistics of all rows that an analytic preprocessing function asks for: a closed list, so that they can be learned together.

Values are SQL expressions over one row. NULL and NaN never count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Moment:
    """One number of a numeric value: its mean, population standard deviation, minimum, maximum, largest absolute value. DOUBLE."""

    kind: Literal["mean", "stddev", "min", "max", "max_abs"]
    value: str


@dataclass(frozen=True, slots=True)
class Quantile:
    """The value at `fraction`, always one of the rows' own: of n values in order number ceil(fraction * n). DOUBLE."""

    value: str
    fraction: float


@dataclass(frozen=True, slots=True)
class MostFrequent:
    """The most frequent value, the smallest of several: a DOUBLE where `is_number`, else a VARCHAR."""

    value: str
    is_number: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """The vocabulary of a VARCHAR, or of the elements of a VARCHAR[] (`is_list`; a term counts once per row).

    Terms of at least `threshold` rows, of those the `top_k` most frequent, equals in alphabetical order.
    """

    value: str
    is_list: bool
    top_k: int
    threshold: int


Statistic = Moment | Quantile | MostFrequent | Terms
