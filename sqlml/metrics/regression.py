"""Metrics of numeric predictions as SQL: mean and median errors, r2, explained variance."""

from __future__ import annotations

from sqlml import sql


def regression_metrics(relation: str, actual: str, predicted: str) -> str:
    """One row: mean_absolute_error, mean_squared_error, mean_squared_log_error, median_absolute_error, r2_score, explained_variance.

    Rows where either side is NULL do not count; without rows every metric is NULL. The logarithmic error is NULL when any value is
    negative; r2 is NULL for a single row. Where all labels are the same, r2 and explained variance are 1 for perfect predictions and 0 for
    others. The median holds 8 bytes a row in memory, everything else is bounded.

    Args: relation, a query; actual and predicted, numeric expressions over its columns.
    Source: sklearn.metrics, equal to 1e-12; sklearn takes logarithms of values down to -1.
    """
    mean = _mean
    error = "(actual - predicted)"
    log_error = f"({log1p('actual')} - {log1p('predicted')})"
    lowest = sql.call("min", sql.call("least", "actual", "predicted"))
    squares = sql.call("fsum", f"{error} * {error}")
    total = _around("actual", "mean_actual")
    centred = _around(error, "mean_error")
    both = f"{sql.cast(actual, 'DOUBLE')} AS actual, {sql.cast(predicted, 'DOUBLE')} AS predicted"
    return (
        f"WITH pairs AS MATERIALIZED (SELECT * FROM (SELECT {both} FROM ({relation})) WHERE actual IS NOT NULL AND predicted IS NOT NULL),"
        f" centre AS (SELECT {mean('actual')} AS mean_actual, {mean(error)} AS mean_error FROM pairs)"
        f" SELECT {mean(sql.call('abs', error))} AS mean_absolute_error,"
        f" {mean(f'{error} * {error}')} AS mean_squared_error,"
        f" CASE WHEN {lowest} >= 0 THEN {mean(f'{log_error} * {log_error}')} END AS mean_squared_log_error,"
        f" {sql.call('median', sql.call('abs', error))} AS median_absolute_error,"
        f" CASE WHEN {sql.call('count', '*')} > 1 THEN {_explained(squares, total)} END AS r2_score,"
        f" {_explained(centred, total)} AS explained_variance"
        f" FROM pairs CROSS JOIN centre"
    )


def _mean(expression: str) -> str:
    """The compensated mean: errors do not add up over many rows, and the order of rows hardly matters. Compensation makes NaN of infinity,
    of which the plain mean is infinite."""
    mean = sql.call("favg", expression)
    return f"CASE WHEN {sql.call('isnan', mean)} THEN {sql.call('avg', expression)} ELSE {mean} END"


def _around(value: str, centre: str) -> str:
    """The sum of squares around the mean, from a first pass' mean: sums of squares around zero cancel for values far from it.

    The second sum is zero but for the rounding of the mean, which it takes back out.
    """
    apart = f"({value} - {centre})"
    return f"({sql.call('fsum', f'{apart} * {apart}')} - {sql.call('fsum', apart)} * {sql.call('fsum', apart)} / {sql.call('count', '*')})"


def log1p(value: str) -> str:
    """ln(1 + x) without loss for small x; NULL for negative x, of which DuckDB would refuse the logarithm."""
    small = f"2.0e0 * {sql.call('atanh', f'{value} / (2.0e0 + {value})')}"
    return f"(CASE WHEN {value} >= 0 THEN CASE WHEN {value} < 0.5e0 THEN {small} ELSE {sql.call('ln', f'1.0e0 + {value}')} END END)"


def _explained(unexplained: str, total: str) -> str:
    """1 - unexplained / total; where the total is zero, 1 if nothing is left unexplained, else 0."""
    exact = "CAST('nan' AS DOUBLE)"
    return (
        f"CASE WHEN {total} > 0 THEN 1.0e0 - {unexplained} / {total} WHEN {total} = 0 THEN"
        f" CASE WHEN {unexplained} = 0 THEN 1.0e0 ELSE 0.0e0 END WHEN {total} IS NOT NULL THEN {exact} END"
    )
