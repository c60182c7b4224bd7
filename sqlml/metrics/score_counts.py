"""What follows from how many rows of either side have which score: the ROC curve, calibration, lift.

The relation is one of two kinds. Rows: `actual` (0 or 1) and `score` (DOUBLE), one row per row. Counts: `score`, each once, with
`n_negative` and `n_positive`, as training keeps them. A row is predicted positive when its score is above the threshold. Each function
gives one SELECT; rows are read once and sorted once at most, so that any number of them is one query in bounded memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlml import sql

CURVE_POINTS = 100
"""Thresholds of a ROC curve that is not told any."""


@dataclass(frozen=True, slots=True)
class ScoreCounts:
    """A query (no brackets around it) of rows, or of counts where `counted`."""

    sql: str
    counted: bool = False


def chunked(scores: ScoreCounts, n_chunks: int, *, descending: bool = False, exact_up_to: int = 0) -> str:
    """Rows by the order of their scores in n_chunks parts of the same size: chunk (from 0), n_negative, n_positive, highest
    (score).

    Rows with the same score share a chunk, that of the first of them: the result does not depend on the order of rows, and chunks that
    lie within one tie are not there. Where there are no more than exact_up_to different scores, each is a chunk of its own.
    """
    order = f"ORDER BY score{' DESC' * descending}"
    if scores.counted:
        n = "n_negative + n_positive"
        columns, total = "score, n_negative, n_positive", _count(n)
        place = f"{sql.cast(f'{_total(n)} OVER ({order} ROWS UNBOUNDED PRECEDING)', 'BIGINT')} - ({n})"
        negative, positive = _count("n_negative"), _count("n_positive")
    else:
        columns, total = "score, actual = 1 AS positive", sql.call("count", "*")
        place = f"{sql.call('rank')} OVER ({order}) - 1"
        negative, positive = f"{total} FILTER (WHERE NOT positive)", f"{total} FILTER (WHERE positive)"
    chunk = f"place * {n_chunks} // (SELECT {total} FROM scored)"
    if exact_up_to:
        n_scores = f"(SELECT {sql.call('count', '*')} FROM (SELECT DISTINCT score FROM scored LIMIT {exact_up_to + 1}))"
        chunk = f"CASE WHEN {n_scores} <= {exact_up_to} THEN place ELSE {chunk} END"
    return (
        f"WITH scored AS MATERIALIZED (SELECT {columns} FROM ({scores.sql}) WHERE score IS NOT NULL),"
        f" placed AS (SELECT *, {place} AS place FROM scored)"
        f" SELECT {chunk} AS chunk, {negative} AS n_negative, {positive} AS n_positive, {sql.call('max', 'score')} AS highest"
        f" FROM placed GROUP BY 1"
    )


def roc_curve(scores: ScoreCounts, thresholds: Sequence[float] | None = None) -> str:
    """The columns of ML.ROC_CURVE, ascending by threshold.

    Without thresholds they are up to 100 scores: the highest of each hundredth of the rows. A rate is NaN where no row is of its
    side. Without rows there are no points, but for thresholds that are given: their rates are NULL.
    Source: reference, functions 2.4; sklearn.metrics.confusion_matrix at each threshold, equal to 1e-12.
    """
    points = _points_at(scores, thresholds) if thresholds is not None else (
        f"SELECT highest AS threshold, n_negative, n_positive, TRUE AS shown FROM ({chunked(scores, CURVE_POINTS)})"
    )  # fmt: skip
    counts = ", ".join(f"{sql.cast(name, 'BIGINT')} AS {name}" for name in _COUNTS)
    up_to = "(ORDER BY threshold ROWS UNBOUNDED PRECEDING)"
    return (
        f"WITH points AS ({points}),"
        f" below AS (SELECT threshold, shown, {_total('n_positive')} OVER {up_to} AS false_negatives,"
        f" {_total('n_negative')} OVER {up_to} AS true_negatives,"
        f" {_total('n_positive')} OVER () AS n_positive, {_total('n_negative')} OVER () AS n_negative FROM points),"
        f" counts AS (SELECT threshold, n_positive - false_negatives AS true_positives, n_negative - true_negatives AS false_positives,"
        f" true_negatives, false_negatives, n_positive, n_negative FROM below WHERE shown)"
        f" SELECT threshold, {_rate('true_positives', 'n_positive')} AS recall, {_rate('false_positives', 'n_negative')} AS"
        f" false_positive_rate, {counts} FROM counts ORDER BY threshold"
    )


_COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


def _points_at(scores: ScoreCounts, thresholds: Sequence[float]) -> str:
    """threshold, n_negative, n_positive with a score from above the threshold before up to this one; and all others, not to be shown."""
    ascending = sorted(set(thresholds))
    bounds = sql.cast(sql.literal([float(value) for value in ascending]), "DOUBLE[]")
    if scores.counted:
        at_most = f"SELECT {sql.call('unnest', bounds)} AS threshold UNION ALL SELECT {sql.literal(float('inf'))}"
        return (
            f"WITH bounds AS ({at_most}), scored AS ({scores.sql})"
            f" SELECT threshold, coalesce({_total('n_negative')}, 0) AS n_negative, coalesce({_total('n_positive')}, 0) AS n_positive,"
            f" threshold < {sql.literal(float('inf'))} AS shown"
            f" FROM bounds LEFT JOIN (SELECT threshold AS bound, n_negative, n_positive FROM scored ASOF JOIN bounds ON threshold >= score)"
            f" ON bound = threshold GROUP BY threshold"
        )
    # A histogram finds the bound of a score by bisection, where a join would sort the rows.
    everything = sql.cast(sql.literal([*(float(value) for value in ascending), float("inf")]), "DOUBLE[]")
    sides = [f"{sql.call('histogram', 'score', everything)} FILTER (WHERE actual = {side})" for side in (0, 1)]
    counts = [
        f"coalesce({sql.call('list_extract', sql.call('map_extract', side, 'threshold'), '1')}, 0)" for side in ("negative", "positive")
    ]
    return (
        f"WITH histograms AS (SELECT {sides[0]} AS negative, {sides[1]} AS positive FROM ({scores.sql}) WHERE score IS NOT NULL),"
        f" bounds AS (SELECT {sql.call('unnest', everything)} AS threshold)"
        f" SELECT threshold, {counts[0]} AS n_negative, {counts[1]} AS n_positive, threshold < {sql.literal(float('inf'))} AS shown"
        f" FROM bounds CROSS JOIN histograms"
    )


def calibration(scores: ScoreCounts, num_bins: int) -> str:
    """The columns of ML.CALIBRATION: one row per bin of [0, 1] of the same width, ascending.

    A score on an inner bound belongs to the upper bin, 1 to the last. Empty bins have n_rows 0 and NULL means. The two measures of all rows
    stand on every row, NULL without rows.
    Source: expected calibration error (Naeini et al. 2015): mean over rows of |mean predicted - observed rate| of their bin.
    Brier score: sklearn.metrics.brier_score_loss. Bins: sklearn.calibration.calibration_curve, whose bins hold their upper bound.
    """
    sides = "n_negative, n_positive" if scores.counted else "1 - actual AS n_negative, actual AS n_positive"
    product = sql.cast(sql.call("floor", f"score * {num_bins}"), "BIGINT")
    # The product is rounded; the bounds that are shown decide.
    below, above = f"score < place / {num_bins}.0e0", f"score >= (place + 1) / {num_bins}.0e0"
    place = f"CASE WHEN {below} THEN place - 1 WHEN {above} THEN place + 1 ELSE place END"
    inside = sql.call("greatest", "0", sql.call("least", place, str(num_bins - 1)))
    n = "(n_negative + n_positive)"
    square = "n_negative * score * score + n_positive * (1.0e0 - score) * (1.0e0 - score)"
    numbers = sql.call("unnest", sql.call("range", str(num_bins)))
    gap = f"{sql.call('abs', 'total_score - total_positive')}"
    return (
        f"WITH scored AS (SELECT score, {product} AS place, {sides} FROM ({scores.sql}) WHERE score IS NOT NULL),"
        f" binned AS (SELECT {inside} AS bin, {_count(n)} AS n_rows, {_count('n_positive')} AS total_positive,"
        f" {sql.call('fsum', f'{n} * score')} AS total_score, {sql.call('fsum', square)} AS squares FROM scored GROUP BY 1),"
        f" overall AS (SELECT {sql.call('fsum', gap)} / {sql.call('sum', 'n_rows')} AS expected_calibration_error,"
        f" {sql.call('fsum', 'squares')} / {sql.call('sum', 'n_rows')} AS brier_score FROM binned)"
        f" SELECT {sql.cast('b.bin + 1', 'BIGINT')} AS bin, b.bin / {num_bins}.0e0 AS lower_bound,"
        f" (b.bin + 1) / {num_bins}.0e0 AS upper_bound,"
        f" {sql.cast('coalesce(n_rows, 0)', 'BIGINT')} AS n_rows, total_score / n_rows AS mean_predicted,"
        f" {sql.cast('total_positive', 'DOUBLE')} / n_rows AS observed_rate, expected_calibration_error, brier_score"
        f" FROM (SELECT {numbers} AS bin) b LEFT JOIN binned ON binned.bin = b.bin CROSS JOIN overall ORDER BY b.bin"
    )


def lift(scores: ScoreCounts) -> str:
    """The columns of ML.LIFT: ten rows, the tenth of the rows with the highest scores first.

    Rows with the same score share a decile, that of the first of them, so that deciles differ in size and may be empty. Rates of an empty
    decile are NULL; its cumulative values are those before it. Without positive rows lift and gain are NULL, without rows all rates are.
    Source: lift is the rate among positives over the rate of all rows; gain is the share of all positives (sklearn: recall).
    """
    numbers = sql.call("unnest", sql.call("range", "10"))
    so_far = "(ORDER BY d.chunk ROWS UNBOUNDED PRECEDING)"
    n = "coalesce(n_negative + n_positive, 0)"
    base = "CASE WHEN base_rate > 0 THEN base_rate END"
    return (
        f"WITH chunks AS ({chunked(scores, 10, descending=True)}),"
        f" deciles AS (SELECT d.chunk, {n} AS n_rows, coalesce(n_positive, 0) AS n_positive, {_total(n)} OVER {so_far} AS rows_so_far,"
        f" {_total('coalesce(n_positive, 0)')} OVER {so_far} AS positives_so_far, {_total(n)} OVER () AS all_rows,"
        f" {_total('coalesce(n_positive, 0)')} OVER () AS all_positives"
        f" FROM (SELECT {numbers} AS chunk) d LEFT JOIN chunks ON chunks.chunk = d.chunk),"
        f" rates AS (SELECT *, {_share('n_positive', 'n_rows')} AS response_rate, {_share('positives_so_far', 'rows_so_far')} AS"
        f" cumulative_response_rate, {_share('all_positives', 'all_rows')} AS base_rate FROM deciles)"
        f" SELECT {sql.cast('chunk + 1', 'BIGINT')} AS decile, {sql.cast('n_rows', 'BIGINT')} AS n_rows,"
        f" {sql.cast('n_positive', 'BIGINT')} AS n_positives, response_rate, cumulative_response_rate, response_rate / ({base}) AS lift,"
        f" cumulative_response_rate / ({base}) AS cumulative_lift, {_share('positives_so_far', 'all_positives')} AS"
        f" cumulative_gain FROM rates ORDER BY chunk"
    )


def _total(expression: str) -> str:
    return sql.call("sum", expression)


def _count(expression: str) -> str:
    return sql.cast(sql.call("sum", expression), "BIGINT")


def _rate(part: str, whole: str, n_rows: str = "n_positive + n_negative") -> str:
    """part / whole, NaN where both are zero, NULL where there are no rows."""
    return f"CASE WHEN {n_rows} > 0 THEN {sql.cast(part, 'DOUBLE')} / {sql.cast(whole, 'DOUBLE')} END"


def _share(part: str, whole: str) -> str:
    return f"{sql.cast(part, 'DOUBLE')} / nullif({whole}, 0)"
