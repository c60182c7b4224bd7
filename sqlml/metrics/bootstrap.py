"""The paired bootstrap as SQL: how far the difference of two predictions' metrics would move on other rows.

Rows are dealt at random into at most 2,000 groups, of which only sums are kept; a resample draws as many groups as there are, with
replacement, and has the metrics of the sums that it drew. Up to 2,000 rows each is a group of its own: Efron's bootstrap. Above it a group
stands for random rows, so that the spread of groups is that of rows, and the drawing no longer costs more with more rows. Both predictions
are in the same sums: what makes both err on a row cancels in the difference.

Counts, sums and what follows from them are resampled as they are. Two metrics depend on the order of all rows; they are taken to first
order around their value on all rows: the area under the ROC curve by the share of pairs that each row wins, the median of grouped rows by
the share of rows below it.

Draws follow from the seed and the content of the rows, not from their order or the number of threads, which move the bounds in the last
digits only. They use the engine's hash, which another release of it may change.

Source: Efron 1979, with the percentile interval; DeLong, DeLong and Clarke-Pearson 1988 (area); Bahadur 1966 (median).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlml import sql

MAX_GROUPS = 2_000
"""The width of an interval is known to 1 / sqrt(2 * 2000), less than 2 %, and 1,000 resamples take a second."""

MIN_ROWS = 10
"""Fewer rows have no bounds: a percentile interval of 95 % from 9 rows is a fifth narrower than Student's, from one row it has no width."""

_CELLS = 10_000
"""Groups times classes, at most, unless that makes fewer than 100 groups."""

ROWS = "__sqlml_rows"
GROUP = "__sqlml_group"
SIDES = ("a", "b")


@dataclass(frozen=True, slots=True)
class Resampling:
    """How the bootstrap is done."""

    n_resamples: int
    seed: int
    confidence_level: float


def n_groups(n_classes: int) -> int:
    return max(100, min(MAX_GROUPS, _CELLS // n_classes))


def rows_step(relation: str) -> str:
    """The rows that are judged, from a query with the columns actual, a and b; those with a NULL do not count."""
    return f"SELECT actual, a, b FROM ({relation}) WHERE actual IS NOT NULL AND a IS NOT NULL AND b IS NOT NULL"


def grouped_step(limit: int, seed: int) -> str:
    """The rows with their group. Rows are numbered by content: equal ones have numbers of their own, and which has which makes no odds."""
    number = f"{sql.call('row_number')} OVER (ORDER BY actual, a, b)"
    drawn = f"{sql.call('hash', str(seed), 'number')} % {limit}"
    return (
        f"SELECT *, CASE WHEN n_rows <= {limit} THEN CAST(number AS UBIGINT) ELSE {drawn} END AS {GROUP}"
        f" FROM (SELECT *, {number} AS number, {sql.call('count', '*')} OVER () AS n_rows FROM {ROWS})"
    )


def cells_step(source: str, keys: Sequence[str], sums: Mapping[str, str], others: Mapping[str, str]) -> str:
    """One row per group (and class) of the rows of `source`: its position from 0, sums, and other aggregates."""
    position = f"{sql.call('dense_rank')} OVER (ORDER BY {GROUP}) - 1 AS position"
    items = [f"{sql.call('fsum', expression)} AS {name}" for name, expression in sums.items()]
    items += [f"{expression} AS {name}" for name, expression in others.items()]
    return f"SELECT {', '.join([position, *keys, *items])} FROM {source} GROUP BY {', '.join([GROUP, *keys])}"


def drawn_step(cells: str, keys: Sequence[str], sums: Sequence[str], resampling: Resampling) -> str:
    """One row per resample (and class) with its sums over the drawn groups."""
    times = f"SELECT resample, position, {sql.call('count', '*')} AS times FROM ({_draws(cells, resampling)}) GROUP BY resample, position"
    items = [f"{sql.call('sum', f'{name} * times')} AS {name}" for name in sums]
    by = ", ".join(["resample", *keys])
    return f"SELECT {by}, {', '.join(items)} FROM ({times}) INNER JOIN {cells} USING (position) GROUP BY {by}"


def drawn_rows_step(cells: str, aggregates: Mapping[str, str], condition: str, resampling: Resampling) -> str:
    """One row per resample with aggregates over the drawn groups, each as often as it was drawn; nothing where the condition is false."""
    items = [f"{expression} AS {name}" for name, expression in aggregates.items()]
    drawn = f"({_draws(cells, resampling)}) INNER JOIN {cells} USING (position)"
    return f"SELECT resample, {', '.join(items)} FROM {drawn} WHERE {condition} GROUP BY resample"


def _draws(cells: str, resampling: Resampling) -> str:
    """Positions by resample, as many of each as there are groups."""
    n_groups = f"(SELECT {sql.call('max', 'position')} + 1 FROM {cells})"
    resamples = f"(SELECT {sql.call('unnest', sql.call('range', str(resampling.n_resamples)))} AS resample)"
    places = f"(SELECT {sql.call('unnest', sql.call('range', n_groups))} AS place)"
    position = f"{sql.call('hash', str(resampling.seed), 'resample', 'place')} % {n_groups}"
    return f"SELECT resample, CAST({position} AS BIGINT) AS position FROM {resamples} CROSS JOIN {places}"


def compared(steps: Mapping[str, str], replicate: str, metrics: Sequence[str], resampling: Resampling) -> str:
    """One row a metric, in order: metric, value_a, value_b, difference (a - b), lower_bound, upper_bound, n_rows.

    Bounds are quantiles of the differences of those resamples that have one; NULL where the difference is, and for
    fewer than `MIN_ROWS` rows.

    Args: steps, queries by name, each over those before it, among them the rows, and `value_a` and `value_b`, one row of metrics each;
    replicate, the step with a column `<metric>_a` and `<metric>_b` for each resample.
    """
    beyond = (1.0 - resampling.confidence_level) / 2.0
    shares = sql.literal([beyond, 1.0 - beyond])
    bounds = []
    for metric in metrics:
        apart = f"({metric}_a - {metric}_b)"
        bounds.append(f"{sql.call('quantile_cont', apart, shares)} FILTER ({sql.call('isfinite', apart)}) AS {metric}")
    n_rows = f"(SELECT {sql.call('count', '*')} FROM {ROWS})"
    made = []
    for metric in metrics:
        value_a, value_b = f"value_a.{metric}", f"value_b.{metric}"
        is_known = f"{sql.call('isfinite', value_a)} AND {sql.call('isfinite', value_b)} AND {n_rows} >= {MIN_ROWS}"
        fields = {
            "metric": sql.literal(metric), "value_a": value_a, "value_b": value_b, "difference": f"{value_a} - {value_b}",
            "lower_bound": f"CASE WHEN {is_known} THEN bounds.{metric}[1] END",
            "upper_bound": f"CASE WHEN {is_known} THEN bounds.{metric}[2] END",
            "n_rows": n_rows,
        }  # fmt: skip
        made.append(sql.call("struct_pack", *(f"{name} := {expression}" for name, expression in fields.items())))
    every = {**steps, "bounds": f"SELECT {', '.join(bounds)} FROM {replicate}"}
    listed = ", ".join(f"{name} AS {'MATERIALIZED ' * (name == ROWS)}({step})" for name, step in every.items())
    rows = f"SELECT {sql.call('unnest', sql.call('list_value', *made))} AS found FROM value_a CROSS JOIN value_b CROSS JOIN bounds"
    return f"WITH {listed} SELECT found.* FROM ({rows})"
