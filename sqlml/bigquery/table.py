"""The table of translations: every function of BigQuery that sqlml says in DuckDB's SQL, by topic (`functions/`), and found by name."""

from __future__ import annotations

from collections.abc import Mapping

from sqlml.bigquery.functions import (
    aggregates,
    arrays,
    binary,
    conditionals,
    dates,
    datetimes,
    formats,
    geography,
    intervals,
    json,
    numbers,
    patterns,
    strings,
    times,
    timestamps,
    windows,
)
from sqlml.bigquery.translation import Translation

TOPICS: Mapping[str, tuple[Translation, ...]] = {
    "Conditions": conditionals.ROWS,
    "Numbers": numbers.ROWS,
    "Text": strings.ROWS,
    "Bytes": binary.ROWS,
    "Regular expressions": patterns.ROWS,
    "Dates": dates.ROWS,
    "Datetimes": datetimes.ROWS,
    "Timestamps": timestamps.ROWS,
    "Times of day": times.ROWS,
    "Intervals": intervals.ROWS,
    "Text by a format": formats.ROWS,
    "Arrays": arrays.ROWS,
    "JSON": json.ROWS,
    "Geography": geography.ROWS,
    "Aggregates": aggregates.ROWS,
    "Windows": windows.ROWS,
}
"""Rows by the heading that they have in the documentation."""

TRANSLATIONS: Mapping[str, Translation] = {row.name: row for rows in TOPICS.values() for row in rows}
