"""Metrics of class predictions as SQL: precision, recall, accuracy, f1, log loss, area under the ROC curve.

Everything is counted: rows are grouped by score, and what follows reads the groups. So one query over any number of rows stays in bounded
memory (the engine's grouping and sorting spill), and the counts are exact whatever the order of rows and threads.
"""

from __future__ import annotations

import sys

from sqlml import sql

_EPSILON = sys.float_info.epsilon
"""Probabilities are kept this far from 0 and 1 in the log loss, as scikit-learn does for float64."""


def binary_metrics(relation: str, actual_is_positive: str, probability: str, threshold: float) -> str:
    """One row: precision, recall, accuracy, f1_score (all of the positive class), log_loss, roc_auc.

    A row is predicted positive when its probability is above the threshold. Rows where either side is NULL do not count; without rows every
    metric is NULL. Precision is NaN when nothing is predicted positive, recall when nothing is positive, f1 when both hold; roc_auc is NULL
    when only one class is present.

    Args: relation, a query; actual_is_positive, a BOOLEAN and probability, a DOUBLE expression over its columns.
    Source: reference, functions 2.1; sklearn.metrics with zero_division=nan, equal to 1e-12.
    """
    count = sql.call("count", "*")
    above = f"score > {sql.literal(float(threshold))}"
    loss = f"n_positive * {_negative_log('score')} + n_negative * {_negative_log('1.0e0 - score')}"
    counts = {
        "true_positive": f"{_total('n_positive')} FILTER (WHERE {above})",
        "false_positive": f"{_total('n_negative')} FILTER (WHERE {above})",
        "n_positive": _total("n_positive"),
        "n_negative": _total("n_negative"),
    }
    counted = ", ".join(f"coalesce({expression}, 0) AS {name}" for name, expression in counts.items())
    below = f"{_total('n_negative')} OVER (ORDER BY score ROWS UNBOUNDED PRECEDING) - n_negative"
    n_rows = "(n_positive + n_negative)"
    steps = {
        "scored": f"SELECT {actual_is_positive} AS positive, {sql.cast(probability, 'DOUBLE')} AS score FROM ({relation})",
        "by_score": f"SELECT score, {count} FILTER (WHERE positive) AS n_positive, {count} FILTER (WHERE NOT positive) AS n_negative"
        f" FROM scored WHERE positive IS NOT NULL AND score IS NOT NULL GROUP BY score",
        "ranked": f"SELECT *, {below} AS negatives_below FROM by_score",
        "counted": f"SELECT {counted}, {sql.call('fsum', loss)} AS loss, {_pairs_in_order()} AS pairs_in_order FROM ranked",
    }
    return _query(
        steps,
        f"SELECT {_ratio('true_positive', 'true_positive + false_positive', n_rows)} AS precision,"
        f" {_ratio('true_positive', 'n_positive', n_rows)} AS recall,"
        f" {_ratio('true_positive + n_negative - false_positive', n_rows, n_rows)} AS accuracy,"
        f" {_ratio('2 * true_positive', 'true_positive + false_positive + n_positive', n_rows)} AS f1_score,"
        f" loss / nullif({n_rows}, 0) AS log_loss,"
        f" {_area()} AS roc_auc FROM counted",
    )


def multiclass_metrics(relation: str, actual_code: str, probabilities: str, predicted_code: str, n_classes: int) -> str:
    """One row: precision, recall, accuracy, f1_score, log_loss, roc_auc; all but accuracy and log loss are unweighted means over classes.

    Precision, recall and f1 are averaged over the classes that occur as a label or as a prediction; a class without predictions has
    precision 0, one without labels recall 0. roc_auc is one against the rest, averaged over the classes that have both, NULL when there is
    none. Rows with a NULL do not count; without rows every metric is NULL.

    Args: relation, a query; actual_code and predicted_code, integers from 0, and probabilities, a DOUBLE[] by class, over its columns.
    Source: reference, functions 2.1; sklearn.metrics with average="macro", zero_division=0 and multi_class="ovr", equal to 1e-12.
    """
    count = sql.call("count", "*")
    codes = sql.call("unnest", sql.call("range", sql.literal(n_classes)))
    loss = sql.call("fsum", _negative_log(sql.call("list_extract", "probabilities", "actual + 1")))
    below = f"{_total('n_negative')} OVER (PARTITION BY class ORDER BY score ROWS UNBOUNDED PRECEDING) - n_negative"
    steps = {
        "typed": f"SELECT {sql.cast(actual_code, 'BIGINT')} AS actual, {sql.cast(predicted_code, 'BIGINT')} AS predicted,"
        f" {sql.cast(probabilities, 'DOUBLE[]')} AS probabilities FROM ({relation})",
        "scored": "SELECT * FROM typed WHERE actual IS NOT NULL AND predicted IS NOT NULL AND probabilities IS NOT NULL",
        # What follows from labels and decisions.
        "matrix": f"SELECT actual, predicted, {count} AS n, {loss} AS loss FROM scored GROUP BY actual, predicted",
        "sides": "SELECT actual AS class, n AS n_actual, 0 AS n_predicted, CASE WHEN actual = predicted THEN n ELSE 0 END AS hits"
        " FROM matrix UNION ALL SELECT predicted, 0, n, 0 FROM matrix",
        "classes": f"SELECT class, {_total('n_actual')} AS n_actual, {_total('n_predicted')} AS n_predicted, {_total('hits')} AS hits"
        f" FROM sides GROUP BY class",
        "averages": f"SELECT {_macro('hits', 'n_predicted')} AS precision, {_macro('hits', 'n_actual')} AS recall,"
        f" {_macro('2 * hits', 'n_predicted + n_actual')} AS f1_score, {_total('hits')} AS hits, {_total('n_actual')} AS n FROM classes",
        # What follows from probabilities: each row stands once for each class, as one of it or of the rest.
        "repeated": f"SELECT actual, probabilities, {codes} AS class FROM scored",
        "one_or_rest": f"SELECT class, actual = class AS positive, {sql.call('list_extract', 'probabilities', 'class + 1')} AS score"
        f" FROM repeated",
        "by_score": f"SELECT class, score, {count} FILTER (WHERE positive) AS n_positive, {count} FILTER (WHERE NOT positive) AS n_negative"
        f" FROM one_or_rest GROUP BY class, score",
        "ranked": f"SELECT *, {below} AS negatives_below FROM by_score",
        "counted": f"SELECT class, {_total('n_positive')} AS n_positive, {_total('n_negative')} AS n_negative,"
        f" {_pairs_in_order()} AS pairs_in_order FROM ranked GROUP BY class",
    }
    return _query(
        steps,
        f"SELECT precision, recall, {_ratio('hits', 'n', 'n')} AS accuracy, f1_score,"
        f" (SELECT {sql.call('fsum', 'loss')} FROM matrix) / n AS log_loss,"
        f" (SELECT {sql.call('favg', _area())} FROM counted) AS roc_auc FROM averages",
        materialized="scored",
    )


def _query(steps: dict[str, str], select: str, materialized: str = "") -> str:
    """Named steps, each reading those before it, and the last SELECT; `materialized` is the step that several others read."""
    parts = ", ".join(f"{name} AS {'MATERIALIZED ' * (name == materialized)}({step})" for name, step in steps.items())
    return f"WITH {parts} {select}"


def _total(expression: str) -> str:
    """An exact sum of counts: products of two of them outgrow 64 bits."""
    return sql.call("sum", sql.cast(expression, "HUGEINT"))


def _pairs_in_order() -> str:
    """Twice the pairs (positive, negative) whose positive has the higher score, a tie counting as half a pair."""
    return _total("n_positive * (2 * negatives_below + n_negative)")


def _area() -> str:
    return f"{sql.cast('pairs_in_order', 'DOUBLE')} / nullif({sql.cast('2 * n_positive * n_negative', 'DOUBLE')}, 0)"


def _ratio(part: str, whole: str, n_rows: str) -> str:
    """part / whole of counts; NaN where both are zero, NULL where there are no rows."""
    return f"CASE WHEN {n_rows} > 0 THEN {sql.cast(part, 'DOUBLE')} / {sql.cast(whole, 'DOUBLE')} END"


def _macro(part: str, whole: str) -> str:
    """The mean over classes of part / whole, 0 where the whole is zero."""
    return sql.call("favg", f"CASE WHEN {whole} > 0 THEN {sql.cast(part, 'DOUBLE')} / {sql.cast(whole, 'DOUBLE')} ELSE 0.0e0 END")


def _negative_log(probability: str) -> str:
    kept = sql.call("least", sql.call("greatest", probability, sql.literal(_EPSILON)), sql.literal(1.0 - _EPSILON))
    return f"(-{sql.call('ln', kept)})"
