"""Two predictions of the same rows compared, as SQL: every metric of both, and a bootstrap interval of each difference.

The values are those of `classification` and `regression`; here are the sums that the bootstrap (`bootstrap`) needs to have each metric of a
resample.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.metrics.bootstrap import (
    GROUP,
    MAX_GROUPS,
    ROWS,
    SIDES,
    Resampling,
    cells_step,
    compared,
    drawn_rows_step,
    drawn_step,
    grouped_step,
    n_groups,
    rows_step,
)
from sqlml.metrics.classification import binary_metrics, multiclass_metrics, negative_log
from sqlml.metrics.regression import log1p, regression_metrics

_SHARES = 1_000
"""Steps of the distribution of absolute errors around which the median is resampled."""


def compare_regressions(relation: str, metrics: Sequence[str], resampling: Resampling) -> str:
    """The comparison, see `bootstrap.compared`. Args: relation, a query of DOUBLE columns actual, a and b (the predictions)."""
    shares = sql.literal([index / _SHARES for index in range(_SHARES + 1)])
    centre = [f"{sql.call('favg', 'actual')} AS mean_actual"]
    sums = {"n": "1.0e0", "label": "actual - mean_actual", "label_square": "(actual - mean_actual) * (actual - mean_actual)"}
    others: dict[str, str] = {}
    medians: dict[str, str] = {}
    are_rows = f"(SELECT {sql.call('max', 'n')} FROM cells) = 1"
    found = []
    spread = "nullif(label_square - label * label / n, 0.0e0)"
    for side in SIDES:
        error = f"(actual - {side})"
        size = sql.call("abs", error)
        log_error = f"({log1p('actual')} - {log1p(side)})"
        centre += [
            f"{sql.call('favg', error)} AS mean_{side}", f"{sql.call('median', size)} AS median_{side}",
            f"{sql.call('quantile_cont', size, shares)} AS sizes_{side}",
        ]  # fmt: skip
        sums |= {
            f"absolute_{side}": size, f"square_{side}": f"{error} * {error}", f"log_square_{side}": f"{log_error} * {log_error}",
            f"error_{side}": f"{error} - mean_{side}", f"centred_{side}": f"({error} - mean_{side}) * ({error} - mean_{side})",
            f"below_{side}": f"CASE WHEN {size} <= median_{side} THEN 1.0e0 ELSE 0.0e0 END",
        }  # fmt: skip
        others[f"size_{side}"] = sql.call("any_value", size)
        medians[f"drawn_median_{side}"] = sql.call("median", f"size_{side}")
        share_below = f"(SELECT {sql.call('sum', f'below_{side}')} / {sql.call('sum', 'n')} FROM cells)"
        moved = _at_share(f"(SELECT sizes_{side} FROM centre)", f"0.5e0 - below_{side} / n + {share_below}")
        found += [
            f"absolute_{side} / n AS mean_absolute_error_{side}",
            f"square_{side} / n AS mean_squared_error_{side}",
            f"log_square_{side} / n AS mean_squared_log_error_{side}",
            f"CASE WHEN {are_rows} THEN drawn_median_{side} ELSE {moved} END AS median_absolute_error_{side}",
            f"1.0e0 - square_{side} / {spread} AS r2_score_{side}",
            f"1.0e0 - (centred_{side} - error_{side} * error_{side} / n) / {spread} AS explained_variance_{side}",
        ]
    steps = {
        ROWS: rows_step(relation),
        "value_a": regression_metrics(f"SELECT * FROM {ROWS}", "actual", "a"),
        "value_b": regression_metrics(f"SELECT * FROM {ROWS}", "actual", "b"),
        "centre": f"SELECT {', '.join(centre)} FROM {ROWS}",
        "dealt": grouped_step(MAX_GROUPS, resampling.seed),
        "cells": cells_step("dealt CROSS JOIN centre", (), sums, others),
        "drawn": drawn_step("cells", (), tuple(sums), resampling),
        "medians": drawn_rows_step("cells", medians, are_rows, resampling),
        "replicate": f"SELECT {', '.join(found)} FROM drawn LEFT JOIN medians USING (resample)",
    }
    return compared(steps, "replicate", metrics, resampling)


def _at_share(sizes: str, share: str) -> str:
    """The value at a share of a list of quantiles, between neighbours in proportion."""
    place = f"{sql.call('least', sql.call('greatest', share, '0.0e0'), '1.0e0')} * {_SHARES}"
    below = sql.cast(sql.call("floor", place), "BIGINT")
    low = sql.call("list_extract", sizes, f"{below} + 1")
    high = sql.call("list_extract", sizes, sql.call("least", f"{below} + 2", str(_SHARES + 1)))
    return f"({low} + ({place} - {below}) * ({high} - {low}))"


def compare_classifications(relation: str, metrics: Sequence[str], n_classes: int, threshold: float, resampling: Resampling) -> str:
    """The comparison, see `bootstrap.compared`.

    Args: relation, a query of the columns actual (INTEGER, the code of the class), a and b: with two classes the probability of the second,
    DOUBLE, else those of all, DOUBLE[]. threshold, for two classes.
    """
    is_binary = n_classes == 2
    limit = n_groups(1 if is_binary else n_classes)
    steps = {ROWS: rows_step(relation)}
    for side in SIDES:
        query = f"SELECT actual, {side} AS score FROM {ROWS}"
        if is_binary:
            steps[f"value_{side}"] = binary_metrics(query, "(actual = 1)", "score", threshold)
        else:
            steps[f"value_{side}"] = multiclass_metrics(query, "actual", "score", _best("score"), n_classes)
    steps["dealt"] = grouped_step(limit, resampling.seed)
    steps["judged"] = _binary_rows(threshold) if is_binary else _class_rows(n_classes)
    sums = {"n_positive": _one("positive"), "n_negative": _one("NOT positive")}
    for side in SIDES:
        steps[f"ranked_{side}"] = _ranked(side)
        won = f"ranked_{side}.won_by_positive", f"ranked_{side}.won_by_negative"
        sums |= {
            f"n_predicted_{side}": _one(f"predicted_{side}"), f"hits_{side}": _one(f"positive AND predicted_{side}"),
            f"loss_{side}": f"loss_{side}",
            f"positive_wins_{side}": f"CASE WHEN positive THEN {won[0]} ELSE 0.0e0 END",
            f"negative_wins_{side}": f"CASE WHEN positive THEN 0.0e0 ELSE {won[1]} END",
        }  # fmt: skip
    joined = "judged" + "".join(
        f" INNER JOIN ranked_{side} ON {_key(side)} = ranked_{side}.key AND score_{side} = ranked_{side}.score" for side in SIDES
    )
    steps["cells"] = cells_step(joined, ("class",), sums, {})
    steps["areas"] = f"SELECT class AS of_class, {', '.join(f'{_area(side)} AS area_{side}' for side in SIDES)} FROM cells GROUP BY class"
    steps["drawn"] = drawn_step("cells", ("class",), tuple(sums), resampling)
    steps["replicate"] = f"SELECT {', '.join(_metrics_of_resample(is_binary))} FROM drawn" + (
        " INNER JOIN areas ON class = of_class GROUP BY resample" if not is_binary else " CROSS JOIN areas"
    )
    return compared(steps, "replicate", metrics, resampling)


def _metrics_of_resample(is_binary: bool) -> list[str]:
    """The metrics from the sums of a resample: of the positive class, or averaged over classes."""
    items = []
    for side in SIDES:
        hits, predicted = f"hits_{side}", f"n_predicted_{side}"
        area = f"positive_wins_{side} / nullif(n_positive, 0) + negative_wins_{side} / nullif(n_negative, 0) - area_{side}"
        if is_binary:
            values = {
                "precision": f"{hits} / nullif({predicted}, 0)",
                "recall": f"{hits} / nullif(n_positive, 0)",
                "accuracy": f"(2 * {hits} + n_negative - {predicted}) / (n_positive + n_negative)",
                "f1_score": f"2 * {hits} / nullif({predicted} + n_positive, 0)",
                "log_loss": f"loss_{side} / (n_positive + n_negative)",
                "roc_auc": area,
            }
        else:
            values = {
                "precision": _macro(hits, predicted, side),
                "recall": _macro(hits, "n_positive", side),
                "accuracy": f"{_total(hits)} / {_total('n_positive')}",
                "f1_score": _macro(f"2 * {hits}", f"({predicted} + n_positive)", side),
                "log_loss": f"{_total(f'loss_{side}')} / {_total('n_positive')}",
                "roc_auc": sql.call("favg", area),
            }
        items += [f"{value} AS {metric}_{side}" for metric, value in values.items()]
    return items


def _macro(part: str, whole: str, side: str) -> str:
    """The mean of part / whole over the classes that occur in a resample, 0 where the whole is."""
    ratio = f"CASE WHEN {whole} > 0 THEN {part} / {whole} ELSE 0.0e0 END"
    return f"{sql.call('favg', ratio)} FILTER (n_positive + n_predicted_{side} > 0)"


def _binary_rows(threshold: float) -> str:
    """One row per row: is it positive, what is it taken for, the loss; as rows of the one class that counts."""
    items = [f"{GROUP}", "0 AS class", "actual = 1 AS positive"]
    for side in SIDES:
        loss = f"CASE WHEN actual = 1 THEN {negative_log(side)} ELSE {negative_log(f'1.0e0 - {side}')} END"
        items += [f"{side} AS score_{side}", f"{side} > {sql.literal(float(threshold))} AS predicted_{side}", f"{loss} AS loss_{side}"]
    return f"SELECT {', '.join(items)} FROM dealt"


def _class_rows(n_classes: int) -> str:
    """Each row once for each class, as one of it or of the rest; the loss is with its own class."""
    items = [f"{GROUP}", "class", "actual = class AS positive"]
    best = [f"{_best(side)} AS best_{side}" for side in SIDES]
    for side in SIDES:
        probability = sql.call("list_extract", side, "class + 1")
        items += [
            f"{probability} AS score_{side}", f"best_{side} = class AS predicted_{side}",
            f"CASE WHEN actual = class THEN {negative_log(probability)} ELSE 0.0e0 END AS loss_{side}",
        ]  # fmt: skip
    codes = sql.call("unnest", sql.call("range", str(n_classes)))
    return f"SELECT {', '.join(items)} FROM (SELECT *, {', '.join(best)}, {codes} AS class FROM dealt)"


def _best(probabilities: str) -> str:
    return f"CAST({sql.call('list_position', probabilities, sql.call('list_max', probabilities))} - 1 AS INTEGER)"


def _key(side: str) -> str:
    """The class as a join key. Had both sides the same one, the engine would join them with each other first, on the class alone."""
    return "class" if side == SIDES[0] else "-1 - class"


def _ranked(side: str) -> str:
    """Per class and score: the share of negative rows that a positive one of that score is above of, and the other way round; ties half."""
    counts = ", ".join(f"{sql.call('sum', _one(test))} AS {name}" for test, name in (("positive", "p"), ("NOT positive", "q")))
    by_score = f"SELECT {_key(side)} AS key, score_{side} AS score, {counts} FROM judged GROUP BY class, score_{side}"
    upto = f"{sql.call('sum', '{0}')} OVER (PARTITION BY key ORDER BY score ROWS UNBOUNDED PRECEDING)"
    every = f"{sql.call('sum', '{0}')} OVER (PARTITION BY key)"
    return (
        f"SELECT key, score, ({upto.format('q')} - q / 2) / nullif({every.format('q')}, 0) AS won_by_positive,"
        f" ({every.format('p')} - {upto.format('p')} + p / 2) / nullif({every.format('p')}, 0) AS won_by_negative FROM ({by_score})"
    )


def _area(side: str) -> str:
    return f"{_total(f'positive_wins_{side}')} / nullif({_total('n_positive')}, 0)"


def _one(condition: str) -> str:
    return f"CASE WHEN {condition} THEN 1.0e0 ELSE 0.0e0 END"


def _total(expression: str) -> str:
    return sql.call("fsum", expression)
