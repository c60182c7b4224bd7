"""Some of the values of many rows in ascending order, none of them negative: enough to answer for any quantile later.

Up to 10,000 values are kept as they are. Of more, 10,000 are: every one of the largest, and evenly spread ones of the others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sqlml import sql
from sqlml.functions._kept import TrainedRows
from sqlml.state import FloatArray, IntArray, damaged_state, floats, integers

MAX_VALUES = 10_000


@dataclass(frozen=True)
class OrderStatistics:
    """Values by their rank among all `n_values`, from 1 (the smallest); both arrays ascend, and the largest value is among them."""

    n_values: int
    ranks: IntArray = integers("n_kept", ge=1)
    values: FloatArray = floats("n_kept", finite=False)
    """From 0, perhaps infinite, never NaN."""

    def check(self) -> None:
        if not len(self.ranks) or self.ranks[-1] != self.n_values or (np.diff(self.ranks) <= 0).any():
            raise damaged_state("ranks of kept values are missing or out of order")
        if np.isnan(self.values).any() or (self.values[1:] < self.values[:-1]).any():
            raise damaged_state("kept values are not in ascending order")
        if self.values[0] < 0.0:
            raise damaged_state("kept values are negative, which no distance is")

    def at_least(self, rank: int) -> float:
        """The value of a rank from 1 to `n_values`, or of the next rank that is kept."""
        return float(self.values[np.searchsorted(self.ranks, rank)])

    def quantile(self, share: float) -> float:
        """The value below which this share of all values lies, between neighbours in proportion.

        Source: numpy.quantile(method="linear"), which it equals where the neighbours are kept.
        """
        place = 1.0 + (self.n_values - 1) * share
        above = min(int(np.searchsorted(self.ranks, place)), len(self.ranks) - 1)
        below = max(above - 1, 0)
        low, high = float(self.values[below]), float(self.values[above])
        if place >= self.ranks[above] or low == high:
            return high
        if place <= self.ranks[below]:
            return low
        part = (place - float(self.ranks[below])) / float(self.ranks[above] - self.ranks[below])
        return low + (high - low) * part


def order_statistics(rows: TrainedRows, values: str, *, from_share: float = 0.0) -> OrderStatistics | None:
    """Order statistics of a query's column `value` of type DOUBLE, not negative; NULL and NaN do not count. None when nothing is left.

    Args: from_share, the lowest share that will be asked for. The engine holds 8 bytes a row while it selects.
    """
    known = f"SELECT value FROM ({values}) WHERE value IS NOT NULL AND NOT {sql.call('isnan', 'value')}"
    ((count,),) = rows.rows(f"SELECT {sql.call('count', '*')} FROM ({known})")
    n_values = int(str(count))
    if not n_values:
        return None
    ranks = ranks_to_keep(n_values, from_share)
    # A quantile without interpolation at (rank - 1/2) / n is the value of that rank, whatever rounding does.
    shares = sql.literal([(rank - 0.5) / n_values for rank in ranks.tolist()])
    ((found,),) = rows.rows(f"SELECT {sql.call('quantile_disc', 'value', shares)} FROM ({known})")
    assert isinstance(found, list)
    return OrderStatistics(n_values, ranks, np.array(found, np.float64))


def ranks_to_keep(n_values: int, from_share: float) -> IntArray:
    """The ranks that are kept, ascending: all from the share on if they are few, else the highest half of the limit and even steps."""
    lowest = max(1, 1 + math.floor((n_values - 1) * from_share))
    if n_values - lowest < MAX_VALUES:
        return np.arange(lowest, n_values + 1, dtype=np.int64)
    top = MAX_VALUES // 2
    even = np.linspace(lowest, n_values - top, MAX_VALUES - top).round().astype(np.int64)
    return np.concatenate([even, np.arange(n_values - top + 1, n_values + 1, dtype=np.int64)])
