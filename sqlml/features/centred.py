"""Mean and standard deviation from sums around a centre, to digits that do not depend on the order in which rows are added.

A first query gives an approximate mean. Around that as a centre a second one gives mean differences and mean squares, which are small
where the column varies little around a large value: the deviation of a time in microseconds may lie below the rounding of its mean.
"""

from __future__ import annotations

import math

_DIGITS = 12
"""Decimals behind the first digit of the deviation that a mean keeps; sums differ in the last three with the number of threads."""


def centre_of(mean: float | None) -> float:
    """The centre to take from an approximate mean, 13 digits of it."""
    return float(f"{mean:.{_DIGITS}e}") if mean is not None and math.isfinite(mean) else 0.0


def centred_moments(
    centre: float, difference: float | None, square: float | None, minimum: float | None, maximum: float | None
) -> tuple[float, float]:
    """Mean and population standard deviation.

    Args: difference and square, the means of (x - centre) and (x - centre)²; minimum and maximum of x. None: there are no values.
    """
    if difference is None or square is None or minimum is None or maximum is None:
        return 0.0, 0.0
    if minimum == maximum:
        return minimum, 0.0
    if not (math.isfinite(difference) and math.isfinite(square)):
        return centre, math.inf
    deviation = math.sqrt(max(0.0, square - difference * difference))
    if deviation == 0.0:
        return centre + difference, 0.0
    quantum = 10.0 ** (math.floor(math.log10(deviation)) - _DIGITS)
    correction = round(difference / quantum) * quantum if quantum > 0.0 else difference
    return centre + correction, float(f"{deviation:.{_DIGITS}e}")
