"""ROC curve, calibration and lift against scikit-learn's and counts by hand; rows and counts by score give the same."""

from __future__ import annotations

import math

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from sqlml.metrics.score_counts import ScoreCounts, calibration, chunked, lift, roc_curve

CONNECTION = duckdb.connect()
probabilities = st.one_of(st.integers(0, 10).map(lambda i: i / 10), st.floats(0, 1))  # the first kind makes ties, 0 and 1
labelled = st.lists(st.tuples(st.booleans(), probabilities), min_size=1, max_size=60)
ROWS = ScoreCounts("FROM rows")
COUNTS = ScoreCounts(
    "SELECT score, count(*) FILTER (actual = 0) AS n_negative, count(*) FILTER (actual = 1) AS n_positive FROM rows WHERE score IS NOT NULL"
    " GROUP BY score",
    counted=True,
)


def use(rows: list[tuple[bool, float | None]]) -> None:
    actual = pa.array([int(positive) for positive, _ in rows], pa.int32())
    CONNECTION.register("rows", pa.table({"actual": actual, "score": pa.array([score for _, score in rows], pa.float64())}))


def result(query: str) -> list[dict[str, object]]:
    return CONNECTION.sql(query).to_arrow_table().to_pylist()


def assert_same(ours: list[dict[str, object]], others: list[dict[str, object]]) -> None:
    assert [list(row) for row in ours] == [list(row) for row in others]
    for row, other in zip(ours, others, strict=True):
        for name, value in row.items():
            assert other[name] == (value if value is None else pytest.approx(value, rel=1e-12, abs=1e-15, nan_ok=True)), name


def check_point(point: dict[str, object], rows: list[tuple[bool, float]]) -> None:
    actual = [positive for positive, _ in rows]
    (tn, fp), (fn, tp) = sk.confusion_matrix(actual, [score > point["threshold"] for _, score in rows], labels=[False, True]).tolist()
    assert [point[name] for name in ("true_positives", "false_positives", "true_negatives", "false_negatives")] == [tp, fp, tn, fn]
    for name, part, whole in (("recall", tp, tp + fn), ("false_positive_rate", fp, fp + tn)):
        assert point[name] == pytest.approx(part / whole if whole else math.nan, rel=1e-12, nan_ok=True)


@settings(max_examples=50, deadline=None)
@given(labelled, st.lists(st.one_of(probabilities, st.sampled_from([-1.0, 2.0])), min_size=1, max_size=5))
def test_curve_at_given_thresholds(rows, thresholds):
    use(rows)
    points = result(roc_curve(ROWS, thresholds))
    assert [point["threshold"] for point in points] == sorted(set(thresholds))
    for point in points:
        check_point(point, rows)
    assert_same(points, result(roc_curve(COUNTS, thresholds)))


@settings(max_examples=50, deadline=None)
@given(labelled)
def test_curve_of_few_rows_has_every_score(rows):
    use(rows)
    points = result(roc_curve(ROWS))
    assert [point["threshold"] for point in points] == sorted({score for _, score in rows})
    for point in points:
        check_point(point, rows)
    assert_same(points, result(roc_curve(COUNTS)))


def test_curve_of_many_rows_has_their_hundredths():
    rng = np.random.default_rng(1)
    scores = np.sort(rng.beta(0.2, 3.0, size=10_000))
    rows = [(bool(rng.random() < score), float(score)) for score in scores]
    use(rows)
    points = result(roc_curve(ROWS))
    assert [point["threshold"] for point in points] == scores[99::100].tolist()
    for point in points[::10]:
        check_point(point, rows)
    assert_same(points, result(roc_curve(COUNTS)))


def test_without_rows():
    use([(True, None)])
    assert result(roc_curve(ROWS)) == []
    counts = dict.fromkeys(("true_positives", "false_positives", "true_negatives", "false_negatives"), 0)
    for scores in (ROWS, COUNTS):
        assert result(roc_curve(scores, [0.5])) == [{"threshold": 0.5, "recall": None, "false_positive_rate": None, **counts}]
        empty = result(calibration(scores, 2))
        assert [row["n_rows"] for row in empty] == [0, 0]
        assert {row["brier_score"] for row in empty} | {row["mean_predicted"] for row in empty} == {None}
        lifted = result(lift(scores))
        assert {value for row in lifted for name, value in row.items() if name != "decile"} == {0, None}


@settings(max_examples=50, deadline=None)
@given(labelled, st.integers(1, 12))
def test_calibration_by_hand(rows, num_bins):
    use(rows)
    actual, scores = np.array([positive for positive, _ in rows], float), np.array([score for _, score in rows])
    bounds = np.arange(num_bins + 1) / num_bins
    bins = np.minimum(np.searchsorted(bounds, scores, side="right") - 1, num_bins - 1)
    means = [(scores[bins == b].mean(), actual[bins == b].mean()) if (bins == b).any() else (None, None) for b in range(num_bins)]
    error = sum(abs(m - r) * (bins == b).sum() for b, (m, r) in enumerate(means) if m is not None) / len(rows)
    ours = result(calibration(ROWS, num_bins))
    assert [row["bin"] for row in ours] == list(range(1, num_bins + 1))
    for b, row in enumerate(ours):
        assert (row["lower_bound"], row["upper_bound"], row["n_rows"]) == (bounds[b], bounds[b + 1], (bins == b).sum())
        for name, value in zip(("mean_predicted", "observed_rate"), means[b], strict=True):
            assert row[name] == (None if value is None else pytest.approx(value, rel=1e-12, abs=1e-15))
        assert row["expected_calibration_error"] == pytest.approx(error, rel=1e-12, abs=1e-15)
        assert row["brier_score"] == pytest.approx(sk.brier_score_loss(actual, scores, pos_label=1), rel=1e-12, abs=1e-15)
    assert_same(ours, result(calibration(COUNTS, num_bins)))


def test_the_bounds_that_are_shown_decide():
    use([(True, i / 100) for i in range(101)])  # 0.29 * 100 is less than 29, 0.07 * 100 more than 7
    for row in result(calibration(ROWS, 100)):
        assert row["n_rows"] == 1 + (row["bin"] == 100)


@settings(max_examples=50, deadline=None)
@given(labelled)
def test_lift_by_hand(rows):
    use(rows)
    n, n_positive = len(rows), sum(positive for positive, _ in rows)
    deciles = [10 * sum(other > score for _, other in rows) // n + 1 for _, score in rows]
    ours = result(lift(ROWS))
    assert [row["decile"] for row in ours] == list(range(1, 11))
    for row in ours:
        inside = [positive for (positive, _), decile in zip(rows, deciles, strict=True) if decile == row["decile"]]
        so_far = [positive for (positive, _), decile in zip(rows, deciles, strict=True) if decile <= row["decile"]]
        assert (row["n_rows"], row["n_positives"]) == (len(inside), sum(inside))
        rate, cumulative, base = (sum(inside) / len(inside) if inside else None), sum(so_far) / len(so_far), n_positive / n
        expected = {
            "response_rate": rate,
            "cumulative_response_rate": cumulative,
            "lift": rate / base if rate is not None and base else None,
            "cumulative_lift": cumulative / base if base else None,
            "cumulative_gain": sum(so_far) / n_positive if n_positive else None,
        }
        for name, value in expected.items():
            assert row[name] == (None if value is None else pytest.approx(value, rel=1e-12, nan_ok=True)), name
    assert_same(ours, result(lift(COUNTS)))


def test_chunks_are_exact_up_to_a_number_of_scores():
    use([(i % 3 == 0, i % 50 / 50) for i in range(500)])
    for limit, n_chunks in ((50, 50), (49, 10)):
        assert len(result(chunked(ROWS, 10, exact_up_to=limit))) == n_chunks
