from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from sqlml.errors import IntegrityError
from sqlml.functions._order_statistics import MAX_VALUES, OrderStatistics, order_statistics
from sqlml.state import from_arrays, to_arrays


class _Rows:
    """What `order_statistics` asks of a training's rows."""

    def __init__(self, values: Any) -> None:
        self.connection = duckdb.connect()
        self.connection.register("given", pa.table({"value": pa.array(values, pa.float64())}))

    def rows(self, query: str) -> list[tuple[object, ...]]:
        return self.connection.sql(query).fetchall()


def learned(values: Any, from_share: float = 0.0) -> OrderStatistics:
    found = order_statistics(_Rows(values), "FROM given", from_share=from_share)  # type: ignore[arg-type]
    assert found is not None
    assert from_arrays(OrderStatistics, to_arrays(found)).n_values == found.n_values
    return found


@pytest.mark.parametrize("n_rows", [1, 2, 7, 1_000, MAX_VALUES])
def test_few_values_are_kept_as_they_are(n_rows: int) -> None:
    values = np.random.default_rng(n_rows).exponential(size=n_rows)
    found = learned(values)
    assert np.array_equal(found.values, np.sort(values))
    assert [found.at_least(rank) for rank in range(1, n_rows + 1)] == sorted(values)
    for share in (0.0, 0.3, 0.5, 0.98, 1.0):
        assert found.quantile(share) == pytest.approx(np.quantile(values, share), rel=1e-13)


def test_of_many_values_the_largest_are_kept_and_the_others_evenly() -> None:
    values = np.random.default_rng(0).exponential(size=100_000)
    found = learned(values)
    ordered = np.sort(values)
    assert len(found.values) == MAX_VALUES
    assert np.array_equal(found.values, ordered[found.ranks - 1])
    assert np.array_equal(found.values[-5_000:], ordered[-5_000:])
    assert found.quantile(0.999) == pytest.approx(np.quantile(values, 0.999), rel=1e-13)
    # A rank that is not kept is answered by the next one above, at most a step of 19 ranks away.
    for rank in (1, 17, 50_001, 95_000):
        assert ordered[rank - 1] <= found.at_least(rank) <= ordered[rank + 19]


def test_only_the_upper_part_is_kept_where_no_other_is_asked_for() -> None:
    values = np.random.default_rng(0).exponential(size=15_001)
    found = learned(values, from_share=0.5)
    assert len(found.values) == 7_501
    assert found.quantile(0.5) == pytest.approx(np.median(values), rel=1e-13)


def test_missing_values_do_not_count_and_infinite_ones_do() -> None:
    found = learned([None, 3.0, float("nan"), float("inf"), 1.0])
    assert found.values.tolist() == [1.0, 3.0, float("inf")]
    assert found.quantile(1.0) == float("inf")
    assert order_statistics(_Rows([None]), "FROM given") is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("n_values", "ranks", "values"),
    [
        (3, [1, 2], [1.0, 2.0]), (3, [2, 2, 3], [1.0, 1.0, 2.0]), (0, [], []), (2, [1, 2], [2.0, 1.0]), (2, [1, 2], [1.0, float("nan")]),
        (2, [1, 2], [-1.0, 1.0]), (2, [1, 2], [float("-inf"), 1.0]), (2, [1, 2], [float("nan"), 1.0]), (1, [1], [-0.5]),
    ],
)  # fmt: skip
def test_what_a_stranger_changed_is_refused(n_values: int, ranks: list[int], values: list[float]) -> None:
    state = OrderStatistics(n_values, np.array(ranks, np.int64), np.array(values, np.float64))
    with pytest.raises(IntegrityError, match="kept values"):
        from_arrays(OrderStatistics, to_arrays(state))
