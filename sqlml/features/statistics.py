"""Learning the statistics of the input columns: in four queries over the training rows, whatever the number of columns.

One aggregate query gives means, ranges and missing values, one the deviations around those means, one the medians, and one with grouping
sets all categories with their counts. All run in the engine; Python sees one row, and one row per category.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlml import sql
from sqlml.catalog.records import FeatureRecord
from sqlml.errors import DataError
from sqlml.features import expressions
from sqlml.features.encoding import CategoryStatistics, NumericStatistics, TermStatistics
from sqlml.features.layout import NULL_CATEGORY, EncodingRules
from sqlml.types import Column, Kind

MEDIAN_ROWS = 100_000
"""ML.FEATURE_INFO's median is exact up to this many rows; of more it is that of about as many rows chosen by their content."""

LARGEST_SINGLE = 3.4028234663852886e38

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
            if max(abs(row.minimum or 0.0), abs(row.maximum or 0.0)) > LARGEST_SINGLE and name not in infinite:
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
    """Of one column; NaN counts as missing."""

    n_values: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    n_infinite: int = 0
    stddev: float | None = None
    median: float | None = None

    @property
    def sample_stddev(self) -> float | None:
        if self.stddev is None or self.n_values < 2:
            return None
        return self.stddev * math.sqrt(self.n_values / (self.n_values - 1))


def _parts(column: Column) -> tuple[str, ...]:
    """The category terms of a column: none, itself (""), or the components of a timestamp."""
    if column.type.kind is Kind.TIMESTAMP:
        return tuple(part.prefix for part in expressions.TIMESTAMP_PARTS)
    return ("",) if column.type.kind in expressions.CATEGORY_KINDS else ()


def _moments(columns: Sequence[Column], rows: Rows, sample: str) -> dict[str, _Moments]:
    """Deviations are sums around a mean that is known by then: 15 times as fast as the engine's own deviation, which updates row by row."""
    if not columns:
        return {}
    values = ", ".join(f"{expressions.number(column.name, column.type)} AS v{index}" for index, column in enumerate(columns))
    names = [f"v{index}" for index in range(len(columns))]
    outputs = [(sql.call("count", name), sql.call("min", name), sql.call("max", name), sql.call("avg", name)) for name in names]
    found = _by_column(rows, outputs, values, "TRUE")
    moments = {column.name: _Moments(*part) for column, part in zip(columns, found, strict=True)}  # type: ignore[arg-type]  # one row of numbers
    if any(math.isinf(end) for row in moments.values() for end in (row.minimum, row.maximum) if end is not None):
        counts = _by_column(rows, [(f"{sql.call('count', '*')} FILTER ({sql.call('isinf', name)})",) for name in names], values, "TRUE")
        return {
            column.name: replace(moments[column.name], n_infinite=int(str(count))) for column, (count,) in zip(columns, counts, strict=True)
        }
    centres = [_stable(moments[column.name].mean or 0.0) for column in columns]
    squares = [
        (sql.call("avg", f"(v{index} - {sql.literal(centre)}) * (v{index} - {sql.literal(centre)})"),)
        for index, centre in enumerate(centres)
    ]
    variances = [part[0] for part in _by_column(rows, squares, values, "TRUE")]
    medians = [part[0] for part in _by_column(rows, [(sql.call("median", name),) for name in names], values, sample)]
    return {
        column.name: replace(
            moments[column.name], stddev=None if variance is None else math.sqrt(float(str(variance))),
            median=None if median is None else float(str(median)),
        )
        for column, variance, median in zip(columns, variances, medians, strict=True)
    }  # fmt: skip


def _by_column(rows: Rows, outputs: Sequence[tuple[str, ...]], values: str, condition: str) -> list[tuple[object, ...]]:
    """The aggregates of each column, all from one scan."""
    flat = ", ".join(output for part in outputs for output in part)
    (row,) = rows(f"SELECT {flat} FROM (SELECT {values} FROM training_rows WHERE {condition})")
    width = len(outputs[0])
    return [row[start : start + width] for start in range(0, len(row), width)]


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
    centre = mean if rules.numbers in ("standardize", "centre") else 0.0
    scale = stddev if rules.numbers in ("standardize", "scale") and varies else 1.0
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
