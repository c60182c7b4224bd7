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
    both = f"{sql.cast(actual, 'DOUBLE')} AS actual, {sql.cast(predicted, 'DOUBLE')} AS predicted"
    steps = {
        "given": f"SELECT {both} FROM ({relation})",
        "pairs": "SELECT *, actual - predicted AS error FROM given WHERE actual IS NOT NULL AND predicted IS NOT NULL",
        "centre": f"SELECT {_mean('actual')} AS mean_actual, {_mean('error')} AS mean_error FROM pairs",
        # What a sum of squares is taken of is measured from the mean, which a first pass has found: squares of values far from zero cancel.
        "terms": f"SELECT actual, predicted, error, actual - mean_actual AS apart, error - mean_error AS error_apart,"
        f" {log1p('actual')} - {log1p('predicted')} AS log_error FROM pairs CROSS JOIN centre",
        "summed": f"SELECT {sql.call('count', '*')} AS n, {_mean(sql.call('abs', 'error'))} AS mean_absolute_error,"
        f" {_mean('error * error')} AS mean_squared_error, {_mean('log_error * log_error')} AS mean_squared_log_error,"
        f" {sql.call('median', sql.call('abs', 'error'))} AS median_absolute_error,"
        f" {sql.call('min', sql.call('least', 'actual', 'predicted'))} AS lowest, {sql.call('fsum', 'error * error')} AS unexplained,"
        f" {_squares('apart')} AS total, {_squares('error_apart')} AS varying FROM terms",
    }
    parts = ", ".join(f"{name} AS {'MATERIALIZED ' * (name == 'pairs')}({step})" for name, step in steps.items())
    return (
        f"WITH {parts} SELECT mean_absolute_error, mean_squared_error,"
        f" CASE WHEN lowest >= 0 THEN mean_squared_log_error END AS mean_squared_log_error, median_absolute_error,"
        f" CASE WHEN n > 1 THEN {_explained('unexplained')} END AS r2_score, {_explained('varying')} AS explained_variance FROM summed"
    )


def _mean(expression: str) -> str:
    """The compensated mean: errors do not add up over many rows, and the order of rows hardly matters. Compensation makes NaN of infinity,
    of which the plain mean is infinite."""
    mean = sql.call("favg", expression)
    return f"CASE WHEN {sql.call('isnan', mean)} THEN {sql.call('avg', expression)} ELSE {mean} END"


def _squares(apart: str) -> str:
    """The sum of squares of differences from a mean. The sum of these is zero but for the rounding of the mean, which it takes back out."""
    rest = sql.call("fsum", apart)
    return f"{sql.call('fsum', f'{apart} * {apart}')} - {rest} * {rest} / {sql.call('count', '*')}"


def log1p(value: str) -> str:
    """ln(1 + x) without loss for small x; NULL for negative x, of which DuckDB would refuse the logarithm."""
    small = f"2.0e0 * {sql.call('atanh', f'{value} / (2.0e0 + {value})')}"
    return f"(CASE WHEN {value} >= 0 THEN CASE WHEN {value} < 0.5e0 THEN {small} ELSE {sql.call('ln', f'1.0e0 + {value}')} END END)"


def _explained(unexplained: str) -> str:
    """1 - unexplained / total; where the total is zero, 1 if nothing is left unexplained, else 0."""
    return (
        f"CASE WHEN total > 0 THEN 1.0e0 - {unexplained} / total"
        f" WHEN total = 0 THEN CASE WHEN {unexplained} = 0 THEN 1.0e0 ELSE 0.0e0 END"
        f" WHEN total IS NOT NULL THEN CAST('nan' AS DOUBLE) END"
    )
