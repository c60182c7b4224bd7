"""ML.BUCKETIZE and ML.QUANTILE_BUCKETIZE."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import KBinsDiscretizer

NAN, INF = math.nan, math.inf


def column(*values: object, type_: str = "DOUBLE") -> dict[str, Any]:
    return {"x": (type_, values)}


def test_buckets_are_closed_on_the_left(preprocess: Any) -> None:
    found = preprocess("ML.BUCKETIZE", column(0, 1, 1.5, 2, 2.5, 3, 9, None), array_split_points=[1, 2, 3])
    assert found == ["bin_1", "bin_2", "bin_2", "bin_3", "bin_3", "bin_4", "bin_4", None]


def test_excluded_boundaries(preprocess: Any) -> None:
    found = preprocess("ML.BUCKETIZE", column(0, 1, 2.5, 9, None), array_split_points=[1, 2, 3], exclude_boundaries=True)
    assert found == ["bin_1", "bin_1", "bin_2", "bin_2", None]


@pytest.mark.parametrize("points", [[1], [1, 2]])
def test_one_bucket_where_no_point_is_left(preprocess: Any, points: list[int]) -> None:
    def found(output_format: str) -> list[Any]:
        literals = {"array_split_points": points, "exclude_boundaries": True, "output_format": output_format}
        return preprocess("ML.BUCKETIZE", column(0, 5, None), **literals)  # type: ignore[no-any-return]

    assert found("bucket_names") == ["bin_1", "bin_1", None]
    assert found("bucket_ranges") == ["(-inf, +inf)", "(-inf, +inf)", None]
    assert found("bucket_ranges_json")[0] == '{"start": "-Infinity", "end": "Infinity"}'


def test_ranges(preprocess: Any) -> None:
    found = preprocess("ML.BUCKETIZE", column(1, 2.5, 4.6), array_split_points=[2.5, 4.6], output_format="bucket_ranges")
    assert found == ["(-inf, 2.5)", "[2.5, 4.6)", "[4.6, +inf)"]
    assert preprocess("ML.BUCKETIZE", column(2.5), array_split_points=[1, 2, 3], output_format="bucket_ranges") == ["[2, 3)"]


def test_ranges_as_json(preprocess: Any) -> None:
    found = preprocess("ML.BUCKETIZE", column(1, 2.5, 4.6), array_split_points=[2.5, 4.6], output_format="bucket_ranges_json")
    assert found == ['{"start": "-Infinity", "end": "2.5"}', '{"start": "2.5", "end": "4.6"}', '{"start": "4.6", "end": "Infinity"}']


NUMBERS = [(-3.0, "-3"), (-0.0, "0"), (1e-5, "1e-05"), (0.1, "0.1"), (1 / 3, "0.3333333333333333"), (2.0, "2"), (123456789.0, "123456789")]


def test_numbers_are_printed_with_the_fewest_digits(preprocess: Any) -> None:
    """The same way where a boundary is a literal and where it is learned."""
    texts = [text for _, text in NUMBERS]
    expected = [f"[{low}, {high})" for low, high in pairwise(texts)]
    values = [number for number, _ in NUMBERS]
    found = preprocess("ML.BUCKETIZE", column(*values), array_split_points=values, output_format="bucket_ranges")
    assert found == [*expected, f"[{texts[-1]}, +inf)"]
    learned = preprocess("ML.QUANTILE_BUCKETIZE", column(*values), num_buckets=7, output_format="bucket_ranges")
    assert learned == [*expected[:-1], f"[{texts[-2]}, +inf)", f"[{texts[-2]}, +inf)"]


def test_whole_numbers_are_compared_exactly(preprocess: Any) -> None:
    point = 2**53 + 1
    found = preprocess("ML.BUCKETIZE", column(point - 1, point, type_="BIGINT"), array_split_points=[point])
    assert found == ["bin_1", "bin_2"]
    assert preprocess("ML.BUCKETIZE", column(100, -100, type_="TINYINT"), array_split_points=[-1000, 0, 10**30]) == ["bin_3", "bin_2"]


def test_decimals_are_compared_as_float64(preprocess: Any) -> None:
    found = preprocess("ML.BUCKETIZE", column(0.1, 0.3, type_="DECIMAL(38,30)"), array_split_points=[0.1, 0.3, 10**15])
    assert found == ["bin_2", "bin_3"]


def test_nan_and_infinities(preprocess: Any) -> None:
    assert preprocess("ML.BUCKETIZE", column(NAN, INF, -INF), array_split_points=[1, 2]) == ["bin_3", "bin_3", "bin_1"]


@pytest.mark.parametrize("count", [1, 2, 3, 10, 1000])
def test_every_bucket_is_found_and_the_tree_is_flat(preprocess: Any, count: int) -> None:
    points = list(range(count))
    found = preprocess("ML.BUCKETIZE", column(*[point - 0.5 for point in range(count + 1)]), array_split_points=points)
    assert found == [f"bin_{index + 1}" for index in range(count + 1)]


def test_quantile_boundaries_are_existing_numbers(preprocess: Any) -> None:
    values = column(1, 2, 3, 4, 5, None)
    found = preprocess("ML.QUANTILE_BUCKETIZE", values, num_buckets=3)
    assert found == ["bin_1", "bin_2", "bin_2", "bin_3", "bin_3", None]
    ranges = preprocess("ML.QUANTILE_BUCKETIZE", values, num_buckets=3, output_format="bucket_ranges")
    assert ranges == ["(-inf, 2)", "[2, 4)", "[2, 4)", "[4, +inf)", "[4, +inf)", None]
    as_json = preprocess("ML.QUANTILE_BUCKETIZE", values, num_buckets=3, output_format="bucket_ranges_json")
    assert as_json[0] == '{"start": "-Infinity", "end": "2"}'
    assert as_json[4] == '{"start": "4", "end": "Infinity"}'


def test_quantiles_that_are_equal_leave_an_empty_bucket(preprocess: Any) -> None:
    found = preprocess("ML.QUANTILE_BUCKETIZE", column(1, 7, 7, 7, 9), num_buckets=5)
    assert found == ["bin_2", "bin_5", "bin_5", "bin_5", "bin_5"]


def test_one_bucket(preprocess: Any) -> None:
    assert preprocess("ML.QUANTILE_BUCKETIZE", column(1, None), num_buckets=1) == ["bin_1", None]


def test_nothing_learned_gives_null(preprocess: Any) -> None:
    assert preprocess("ML.QUANTILE_BUCKETIZE", column(1, None), training=column(None), num_buckets=4) == [None, None]


def test_learned_boundaries_are_applied(preprocess: Any) -> None:
    found = preprocess("ML.QUANTILE_BUCKETIZE", column(-9, 2, 3.9, 4, 99), training=column(1, 2, 3, 4, 5), num_buckets=3)
    assert found == ["bin_1", "bin_2", "bin_2", "bin_3", "bin_3"]


@pytest.mark.parametrize("function", ["ML.BUCKETIZE", "ML.QUANTILE_BUCKETIZE"])
@pytest.mark.parametrize("type_", ["DOUBLE", "INTEGER", "DECIMAL(9,3)"])
def test_buckets_are_strings(preprocess: Any, function: str, type_: str) -> None:
    literals: dict[str, Any] = {"array_split_points": [1, 2]} if function == "ML.BUCKETIZE" else {"num_buckets": 3}
    for output_format in ("bucket_names", "bucket_ranges", "BUCKET_RANGES_JSON"):
        assert preprocess.type(function, column(1, type_=type_), output_format=output_format, **literals) == "VARCHAR"


@pytest.mark.parametrize(("count", "buckets"), [(100, 20), (180, 20), (50, 100), (225, 100), (259, 7), (13, 3), (12, 4)])
def test_boundary_i_is_number_i_n_over_k_rounded_up(preprocess: Any, count: int, buckets: int) -> None:
    """Counts where fraction * n is not a whole number in FLOAT64 though it is one."""
    boundaries = [-(-part * count // buckets) for part in range(1, buckets)]
    values = list(range(1, count + 1))
    expected = [f"bin_{1 + sum(value >= boundary for boundary in boundaries)}" for value in values]
    assert preprocess("ML.QUANTILE_BUCKETIZE", column(*values), num_buckets=buckets) == expected


@pytest.mark.parametrize("count", [50, 99, 101, 300])
def test_quantile_buckets_equal_scikit_learn_s(preprocess: Any, count: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    bins = KBinsDiscretizer(7, encode="ordinal", strategy="quantile", quantile_method="inverted_cdf", subsample=None)
    expected = [f"bin_{int(code) + 1}" for code in bins.fit_transform(values[:, None])[:, 0]]
    assert preprocess("ML.QUANTILE_BUCKETIZE", column(*values), num_buckets=7) == expected


@pytest.mark.parametrize(
    ("points", "message"),
    [([], "non-empty"), ([2, 1], "ascending"), ([1, 1], "ascending"), ([1, INF], "finite"), ([NAN], "finite"), (["a"], "numbers"), (3, "array"), ([True], "numbers")],
)  # fmt: skip
def test_points_that_are_refused(preprocess: Any, points: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        preprocess("ML.BUCKETIZE", column(1), array_split_points=points)
