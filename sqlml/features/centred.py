"""Mean and standard deviation that do not depend on the order in which rows are added, nor on the number of threads.

A first query gives minimum, maximum and an approximate mean. Around a number near that mean as a centre a second one adds up differences
and their squares: as whole numbers, which have no rounding in the sum. Differences are small where the column varies little around a large
value: the deviation of a time in microseconds may lie below the rounding of its mean.

What is cut off a difference to make it whole is 2^-62 of the range at most, so of n rows at most sqrt(n) 2^-61 of the deviation; of the
square of the deviation it is n 2^-61, for all rows but one the same, and much less for others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from sqlml import sql

_DIGITS = 12
"""Decimals behind the first digit of the deviation that are kept. The centre follows from a sum of floats, which differs in the last digits
with the number of threads: now and then another one is taken, and differences from it are rounded in another way."""

_BITS = 61
"""A whole number is up to 2^61 and a little, which BIGINT holds."""
_CENTRES = 6
"""Centres to choose from are 2^-6 of the range apart, so that sums in another order seldom give another one."""
_MAX_EXPONENT = 1000
"""Of the range, up and down; beyond it the power of two that scales has no double."""


@dataclass(frozen=True, slots=True)
class Centre:
    """The number around which the values of a column are added up.

    Args: mean, the approximate one, minimum and maximum of the column; None: there are no values.
    """

    mean: float | None
    minimum: float | None
    maximum: float | None

    @property
    def value(self) -> float:
        """Within 2^-7 of the range from the mean; 13 digits of the mean where whole numbers cannot be had."""
        exponent = self._exponent
        if exponent is not None:
            assert self.mean is not None
            assert self.minimum is not None
            assert self.maximum is not None
            step = math.ldexp(1.0, exponent - _CENTRES)
            return round(Fraction(min(max(self.mean, self.minimum), self.maximum)) / Fraction(step)) * step
        return float(f"{self.mean:.{_DIGITS}e}") if self.mean is not None and math.isfinite(self.mean) else 0.0

    @property
    def _exponent(self) -> int | None:
        """The range is below two to this power, and at least half of that. None where sums must be floats."""
        if self.mean is None or self.minimum is None or self.maximum is None:
            return None
        width = self.maximum - self.minimum
        if not (math.isfinite(self.mean) and math.isfinite(width) and width > 0.0):
            return None
        exponent = math.frexp(width)[1]
        step = math.ldexp(1.0, exponent - _CENTRES) if abs(exponent) <= _MAX_EXPONENT else 0.0
        return exponent if step > 0.0 and math.isfinite(self.mean / step) else None

    def aggregates(self, number: str) -> tuple[str, str, str]:
        """The aggregates of a column of type DOUBLE that `moments` takes."""
        exponent = self._exponent
        difference = f"({number} - {sql.literal(self.value)})"
        if exponent is None:
            return sql.call("count", number), sql.call("avg", difference), sql.call("avg", f"{difference} * {difference}")
        # Powers of two: nothing is rounded before the cast.
        scaled = f"({difference} * {sql.literal(math.ldexp(1.0, -exponent))})"
        unit = sql.literal(math.ldexp(1.0, _BITS))
        parts = (sql.cast(f"{scaled} * {unit}", "BIGINT"), sql.cast(f"{scaled} * {scaled} * {unit}", "BIGINT"))
        first, second = (sql.call("sum", part) for part in parts)
        return sql.call("count", number), first, second

    def moments(self, count: object, first: object, second: object) -> tuple[float, float]:
        """Mean and population standard deviation. Args: what the aggregates gave."""
        if self.minimum is None or self.maximum is None or first is None or second is None:
            return 0.0, 0.0
        if self.minimum == self.maximum:
            return self.minimum, 0.0
        exponent = self._exponent
        if exponent is None:
            return _rounded(self.value, float(str(first)), float(str(second)))
        n, differences, squares = (int(str(value)) for value in (count, first, second))
        difference = Fraction(differences, n << _BITS)
        variance = max(Fraction(squares, n << _BITS) - difference * difference, Fraction(0))
        unit = Fraction(2) ** exponent
        return _kept(self.value, float(difference * unit), math.ldexp(math.sqrt(variance), exponent))


def _rounded(centre: float, difference: float, square: float) -> tuple[float, float]:
    if not (math.isfinite(difference) and math.isfinite(square)):
        return centre, math.inf
    return _kept(centre, difference, math.sqrt(max(0.0, square - difference * difference)))


def _kept(centre: float, difference: float, deviation: float) -> tuple[float, float]:
    """To the digits that are kept."""
    if deviation == 0.0:
        return centre + difference, 0.0
    quantum = 10.0 ** (math.floor(math.log10(deviation)) - _DIGITS)
    correction = round(difference / quantum) * quantum if quantum > 0.0 else difference
    return centre + correction, float(f"{deviation:.{_DIGITS}e}")
