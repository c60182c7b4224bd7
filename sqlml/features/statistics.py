"""Learning the statistics of the input columns: in two queries over the training rows, whatever the number of columns.

One aggregate query gives every number (means, deviations, ranges, missing and infinite values), one query with grouping sets gives all
categories with
their counts. Both run in the engine; Python sees one row, and one row per category.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlml import sql
from sqlml.catalog.records import FeatureRecord
from sqlml.errors import DataError
from sqlml.features import expressions
from sqlml.features.encoding import CategoryStatistics, NumericStatistics, TermStatistics
from sqlml.features.layout import NULL_CATEGORY, EncodingRules
from sqlml.types import Column, Kind

MEDIAN_ROWS = 1_000_000
"""ML.FEATURE_INFO's median is exact up to this many rows; of more it is that of about as many rows chosen by their content."""

_LARGEST_SINGLE = 3.4028234663852886e38

Rows = Callable[[str], list[tuple[object, ...]]]
"""Runs a query over the training rows, which it finds under the name `training_rows`, and gives all its rows."""


@dataclass(frozen=True, slots=True)
class LearnedFeatures:
    """What the training rows say of the input columns."""

    terms: tuple[TermStatistics, ...]
    features: tuple[FeatureRecord, ...]
    n_imputed: dict[str, int]
    """Missing values by column."""


def learn_features(features: Sequence[Column], rules: EncodingRules, n_rows: int, rows: Rows, sample: str) -> LearnedFeatures:
    """Statistics of every feature over the training rows.

    Args: sample, a SQL condition on training rows that is true for about MEDIAN_ROWS of them, or "TRUE".
    Raises: DataError `infinite_feature` with the columns and counts.
    """
    numeric = [column for column in features if column.type.kind in (Kind.NUMBER, Kind.TIMESTAMP)]
    moments = _moments(numeric, rows, sample)
    infinite = {name: row.n_infinite for name, row in moments.items() if row.n_infinite}
    if rules.dtype == "float32":
        for name, row in moments.items():
            if max(abs(row.minimum or 0.0), abs(row.maximum or 0.0)) > _LARGEST_SINGLE and name not in infinite:
                raise DataError(
                    f"column {name} has values beyond 3.4e38, which this model type cannot hold", code="infinite_feature",
                    hint=f"scale it: {name} / 1e300 AS {name}",
                )  # fmt: skip
    if infinite:
        shown = ", ".join(f"{name} ({count})" for name, count in infinite.items())
        first = next(iter(infinite))
        raise DataError(
            f"infinite values in the training data: {shown}", code="infinite_feature",
            hint=f"leave those rows out (WHERE isfinite({first})) or make them NULL (CASE WHEN isfinite({first}) THEN {first} END)",
        )  # fmt: skip
    groups = [(column, part) for column in features for part in _parts(column)]
    counts = _category_counts(groups, rows)
    terms: list[TermStatistics] = []
    records: list[FeatureRecord] = []
    n_missing: dict[str, int] = {}
    for column in features:
        missing = 0
        if column.name in moments:
            row = moments[column.name]
            terms.append(_numeric_statistics(column, row, rules))
            missing = n_rows - row.n_values
            is_number = column.type.kind is Kind.NUMBER
            records.append(
                FeatureRecord(
                    column.name, column.type.name, row.minimum, row.maximum, row.mean, row.median, row.sample_stddev, None, missing
                )
                if is_number
                else FeatureRecord(column.name, column.type.name, null_count=missing)
            )
        for part in _parts(column):
            found = counts[(column.name, part)]
            terms.append(_category_statistics(column, part, found, n_rows, rules))
            if not part:
                missing = found.get(None, 0)
                records.append(
                    FeatureRecord(column.name, column.type.name, category_count=len(found) - (None in found), null_count=missing)
                )
        if missing:
            n_missing[column.name] = missing
    return LearnedFeatures(tuple(terms), tuple(records), n_missing)


@dataclass(frozen=True, slots=True)
class _Moments:
    n_values: int
    n_infinite: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    stddev: float | None
    sample_stddev: float | None
    median: float | None


def _parts(column: Column) -> tuple[str, ...]:
    """The category terms of a column: none, itself (""), or the components of a timestamp."""
    if column.type.kind is Kind.TIMESTAMP:
        return tuple(part.prefix for part in expressions.TIMESTAMP_PARTS)
    return ("",) if column.type.kind in expressions.CATEGORY_KINDS else ()


def _moments(columns: Sequence[Column], rows: Rows, sample: str) -> dict[str, _Moments]:
    if not columns:
        return {}
    outputs = []
    inner = []
    for index, column in enumerate(columns):
        inner.append(f"{expressions.number(column.name, column.type)} AS v{index}")
        value = f"v{index}"
        # Moments of infinite values are an error of the engine's; those rows are counted and refused.
        finite = f"CASE WHEN {sql.call('isfinite', value)} THEN {value} END"
        outputs += [
            sql.call("count", value),
            f"{sql.call('count', '*')} FILTER ({sql.call('isinf', value)})",
            sql.call("min", value),
            sql.call("max", value),
            sql.call("avg", finite),
            sql.call("stddev_pop", finite),
            sql.call("stddev_samp", finite),
            f"{sql.call('median', finite)} FILTER ({sample})",
        ]
    (row,) = rows(f"SELECT {', '.join(outputs)} FROM (SELECT *, {', '.join(inner)} FROM training_rows)")
    width = len(outputs) // len(columns)
    return {column.name: _Moments(*row[index * width : (index + 1) * width]) for index, column in enumerate(columns)}  # type: ignore[arg-type]


def _category_counts(groups: Sequence[tuple[Column, str]], rows: Rows) -> dict[tuple[str, str], dict[str | None, int]]:
    """Counts by category of every group, NULL under None; one scan for all."""
    counts: dict[tuple[str, str], dict[str | None, int]] = {(column.name, part): {} for column, part in groups}
    if not groups:
        return counts
    names = [f"c{index}" for index in range(len(groups))]
    inner = [f"{expressions.category(column.name, column.type, part)} AS c{index}" for index, (column, part) in enumerate(groups)]
    which = " ".join(f"WHEN GROUPING({name}) = 0 THEN {index}" for index, name in enumerate(names))
    value = " ".join(f"WHEN GROUPING({name}) = 0 THEN {name}" for name in names)
    sets = ", ".join(f"({name})" for name in names)
    query = (
        f"SELECT CASE {which} END, CASE {value} END, {sql.call('count', '*')}"
        f" FROM (SELECT {', '.join(inner)} FROM training_rows) GROUP BY GROUPING SETS ({sets})"
    )
    keys = list(counts)
    for index, text, count in rows(query):
        counts[keys[int(str(index))]][None if text is None else str(text)] = int(str(count))
    return counts


def _numeric_statistics(column: Column, row: _Moments, rules: EncodingRules) -> NumericStatistics:
    mean = _stable(row.mean or 0.0)
    stddev = _stable(row.stddev or 0.0)
    # A constant column has nothing to scale; a deviation that is rounding noise of the mean counts as none.
    varies = stddev > 1e-14 * abs(mean)
    centre = 0.0 if rules.numbers == "raw" else mean
    scale = stddev if rules.numbers == "standardize" and varies else 1.0
    return NumericStatistics(column.name, column.type, mean, stddev, centre, scale)


def _category_statistics(column: Column, part: str, counts: dict[str | None, int], n_rows: int, rules: EncodingRules) -> CategoryStatistics:
    # Timestamp components are numbers in text form: 2 comes before 10.
    known = sorted((text for text in counts if text is not None), key=(lambda text: (int(text), text)) if part else None)
    with_null = rules.impute and None in counts
    categories = (*known, NULL_CATEGORY) if with_null else tuple(known)
    numbers = [counts[text] for text in known] + ([counts[None]] if with_null else [])
    dropped = numbers.index(max(numbers)) if rules.categories == "dummy" and numbers else None
    shares = tuple(number / n_rows for number in numbers)
    return CategoryStatistics(column.name, column.type, part, categories, shares, with_null, dropped)


def _stable(value: float) -> float:
    """A statistic to 13 digits: sums of floats differ in the last bits with the number of threads, and models must not."""
    return float(f"{value:.12e}") if math.isfinite(value) else 0.0
