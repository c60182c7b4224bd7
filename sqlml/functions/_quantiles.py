"""Quantiles at fractions that are ratios of whole numbers."""

from __future__ import annotations

import math

from sqlml.functions._statistics import Quantile

_LESS = 1 - 2.0**-48
"""More than fraction and product are rounded by, and less than one part in 10,000 of a row up to 10^10 rows."""


def quantile(value: str, part: int, whole: int) -> Quantile:
    """The value that is number ceil(part * n / whole) of n in order.

    The ratio as a FLOAT64 may be too large: 0.55 * 100 is 55.00000000000001, and number 56 would be taken. Halves, quarters … are exact.
    """
    denominator = whole // math.gcd(part, whole)
    is_exact = denominator & (denominator - 1) == 0
    return Quantile(value, part / whole * (1 if is_exact else _LESS))
