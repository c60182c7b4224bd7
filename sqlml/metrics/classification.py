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
    n_rows = "(n_positive + n_negative)"
    steps = {
        "typed": f"SELECT {actual_is_positive} AS positive, {sql.cast(probability, 'DOUBLE')} AS score FROM ({relation})",
        "scored": "SELECT * FROM typed WHERE positive IS NOT NULL AND score IS NOT NULL",
        "ranked": f"SELECT positive, score, {_ranks()} FROM scored",
        "counted": f"SELECT {count} FILTER (WHERE positive AND {above}) AS true_positive,"
        f" {count} FILTER (WHERE NOT positive AND {above}) AS false_positive, {_sides()},"
        f" {sql.call('fsum', negative_log('CASE WHEN positive THEN score ELSE 1.0e0 - score END'))} AS loss FROM ranked",
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
    loss = sql.call("fsum", negative_log(sql.call("list_extract", "probabilities", "actual + 1")))
    steps = {
        "typed": f"SELECT {sql.cast(actual_code, 'BIGINT')} AS actual, {sql.cast(predicted_code, 'BIGINT')} AS predicted,"
        f" {sql.cast(probabilities, 'DOUBLE[]')} AS probabilities FROM ({relation})",
        "scored": "SELECT * FROM typed WHERE actual IS NOT NULL AND predicted IS NOT NULL AND probabilities IS NOT NULL",
        # What follows from labels and decisions.
        "matrix": f"SELECT actual, predicted, {count} AS n, {loss} AS loss FROM scored GROUP BY actual, predicted",
        "sides": _SIDES_OF_CELLS,
        "classes": _classes(),
        "averages": _averages(),
        # What follows from probabilities: each row stands once for each class, as one of it or of the rest.
        "repeated": f"SELECT actual, {codes} AS class, {sql.call('unnest', 'probabilities')} AS score FROM scored",
        "one_or_rest": "SELECT class, actual = class AS positive, score FROM repeated WHERE score IS NOT NULL",
        "ranked": f"SELECT class, positive, {_ranks('PARTITION BY class ')} FROM one_or_rest",
        "counted": f"SELECT class, {_sides()} FROM ranked GROUP BY class",
    }
    return _query(
        steps,
        f"SELECT precision, recall, {_ratio('hits', 'n', 'n')} AS accuracy, f1_score,"
        f" (SELECT {sql.call('fsum', 'loss')} FROM matrix) / n AS log_loss,"
        f" (SELECT {sql.call('favg', _area())} FROM counted) AS roc_auc FROM averages",
        materialized="scored",
    )


def decision_metrics(relation: str, actual: str, predicted: str, *, is_binary: bool) -> str:
    """One row: precision, recall, accuracy, f1_score of decisions that are columns.

    Two BOOLEAN expressions with `is_binary`: of TRUE, with NaN as in `binary_metrics`. Else two of any type: averaged over the values that
    occur on either side, as in `multiclass_metrics`. Rows with a NULL do not count; without rows every metric is NULL.
    Source: reference, functions 2.2; sklearn.metrics, equal to 1e-12.
    """
    count = sql.call("count", "*")
    steps = {
        "typed": f"SELECT {actual} AS actual, {predicted} AS predicted FROM ({relation})",
        "matrix": f"SELECT actual, predicted, {count} AS n FROM typed WHERE actual IS NOT NULL AND predicted IS NOT NULL"
        f" GROUP BY actual, predicted",
        "sides": _SIDES_OF_CELLS,
        "classes": _classes(),
    }
    if is_binary:
        n_rows, positive = "n", "FILTER (WHERE class)"
        steps["counted"] = (
            f"SELECT {_total('hits')} AS hits, {_total('n_actual')} AS n, coalesce({_total('hits')} {positive}, 0) AS true_positive,"
            f" coalesce({_total('n_predicted')} {positive}, 0) AS n_predicted, coalesce({_total('n_actual')} {positive}, 0) AS n_positive"
            f" FROM classes"
        )
        metrics = (
            f"{_ratio('true_positive', 'n_predicted', n_rows)} AS precision, {_ratio('true_positive', 'n_positive', n_rows)} AS recall,"
            f" {_ratio('hits', 'n', n_rows)} AS accuracy, {_ratio('2 * true_positive', 'n_predicted + n_positive', n_rows)} AS f1_score"
        )
        return _query(steps, f"SELECT {metrics} FROM counted")
    steps["averages"] = _averages()
    return _query(steps, f"SELECT precision, recall, {_ratio('hits', 'n', 'n')} AS accuracy, f1_score FROM averages")


_SIDES_OF_CELLS = (
    "SELECT actual AS class, n AS n_actual, 0 AS n_predicted, CASE WHEN actual = predicted THEN n ELSE 0 END AS hits"
    " FROM matrix UNION ALL SELECT predicted, 0, n, 0 FROM matrix"
)


def _classes() -> str:
    return (
        f"SELECT class, {_total('n_actual')} AS n_actual, {_total('n_predicted')} AS n_predicted, {_total('hits')} AS hits"
        f" FROM sides GROUP BY class"
    )


def _averages() -> str:
    return (
        f"SELECT {_macro('hits', 'n_predicted')} AS precision, {_macro('hits', 'n_actual')} AS recall,"
        f" {_macro('2 * hits', 'n_predicted + n_actual')} AS f1_score, {_total('hits')} AS hits, {_total('n_actual')} AS n FROM classes"
    )


def _query(steps: dict[str, str], select: str, materialized: str = "") -> str:
    """Named steps, each reading those before it, and the last SELECT; `materialized` is the step that several others read."""
    parts = ", ".join(f"{name} AS {'MATERIALIZED ' * (name == materialized)}({step})" for name, step in steps.items())
    return f"WITH {parts} {select}"


def _total(expression: str) -> str:
    """An exact sum of integers: the engine adds them up in 128 bits."""
    return sql.call("sum", expression)


def _ranks(partition: str = "") -> str:
    """Three places of a row from one sort by score, the negatives of a tie first: `lowest`, that of the first row with its score; `first`,
    that of the first row of its own side among these; `place`, its own."""
    by_score, by_side = f"({partition}ORDER BY score)", f"({partition}ORDER BY score, positive)"
    rank = sql.call("rank")
    return f"{rank} OVER {by_score} AS lowest, {rank} OVER {by_side} AS first, {sql.call('row_number')} OVER {by_side} AS place"


def _sides() -> str:
    """Rows of either side, and the places of the positives added up, from which `_area` follows."""
    count = sql.call("count", "*")
    places = f"{_total('lowest - first + 2 * place - 2')} FILTER (WHERE positive)"
    return f"{count} FILTER (WHERE positive) AS n_positive, {count} FILTER (WHERE NOT positive) AS n_negative, {places} AS places"


def _area() -> str:
    """The share of pairs (positive, negative) whose positive has the higher score, a tie counting as half a pair.

    Of k positives and m negatives that share a score, with p positives and q negatives below them, each positive has lowest = p + q + 1
    and first = lowest + m, and their places run from first to first + k - 1. So `places` adds up 2 q + m for each, which is twice its pairs
    in order, and twice the positives before it: n_positive * (n_positive - 1) in all.
    """
    n = sql.cast("n_positive", "HUGEINT")
    return f"{sql.cast(f'places - {n} * ({n} - 1)', 'DOUBLE')} / nullif({sql.cast(f'2 * {n} * n_negative', 'DOUBLE')}, 0)"


def _ratio(part: str, whole: str, n_rows: str) -> str:
    """part / whole of counts; NaN where both are zero, NULL where there are no rows."""
    return f"CASE WHEN {n_rows} > 0 THEN {sql.cast(part, 'DOUBLE')} / {sql.cast(whole, 'DOUBLE')} END"


def _macro(part: str, whole: str) -> str:
    """The mean over classes of part / whole, 0 where the whole is zero."""
    return sql.call("favg", f"CASE WHEN {whole} > 0 THEN {sql.cast(part, 'DOUBLE')} / {sql.cast(whole, 'DOUBLE')} ELSE 0.0e0 END")


def negative_log(probability: str) -> str:
    kept = sql.call("least", sql.call("greatest", probability, sql.literal(_EPSILON)), sql.literal(1.0 - _EPSILON))
    return f"(-{sql.call('ln', kept)})"
