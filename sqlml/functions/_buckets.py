"""Buckets between boundaries: which one a number is in, and how it is written. Shared by ML.BUCKETIZE and ML.QUANTILE_BUCKETIZE.

Owns: the search for the bucket as a balanced tree of CASE, and the three output formats. Buckets are closed on the left:
(-inf, b1) [b1, b2) … [bn, +inf).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlml import sql
from sqlml.functions._literals import Word

FORMATS = Word(("bucket_names", "bucket_ranges", "bucket_ranges_json"))


@dataclass(frozen=True)
class Boundary:
    """One boundary: SQL to compare with, and SQL (VARCHAR) of how it is written."""

    sql: str
    text: str


def constant(value: int | float) -> Boundary:
    """A boundary known when the statement is bound."""
    return Boundary(sql.literal(value), sql.literal(number_text(value)))


def learned(value: str) -> Boundary:
    """A boundary that is SQL (DOUBLE), written as `number_text` writes it."""
    text = sql.call("regexp_replace", sql.cast(f"({value} + 0.0e0)", "VARCHAR"), r"'\.0$'", "''")  # -0.0 + 0.0 is 0.0
    return Boundary(value, text)


def number_text(value: int | float) -> str:
    """A number as BigQuery prints it: whole ones bare, others with the fewest digits that give them back."""
    return repr(value + 0).removesuffix(".0")  # -0.0 + 0 is 0.0


def bucket_sql(value: str, boundaries: Sequence[Boundary], output_format: str) -> str:
    """SQL (VARCHAR) of the bucket of a number, NULL for NULL; NaN is in the last bucket, since it is less than nothing.

    Boundaries ascend; equal neighbours leave a bucket between them that nothing is in. The search takes log2(n) comparisons, and boundary
    i is the root of at most one comparison in the text.
    """
    labels = [_label(boundaries, index, output_format) for index in range(len(boundaries) + 1)]
    return f"CASE WHEN {value} IS NULL THEN NULL ELSE {_search(value, boundaries, labels)} END"


def _search(value: str, boundaries: Sequence[Boundary], labels: Sequence[str]) -> str:
    """`labels` has one element more than `boundaries`."""
    if not boundaries:
        return labels[0]
    middle = len(boundaries) // 2
    below = _search(value, boundaries[:middle], labels[: middle + 1])
    above = _search(value, boundaries[middle + 1 :], labels[middle + 1 :])
    return f"CASE WHEN {value} < {boundaries[middle].sql} THEN {below} ELSE {above} END"


def _label(boundaries: Sequence[Boundary], index: int, output_format: str) -> str:
    """SQL (VARCHAR) of the name of a bucket, counted from 0."""
    if output_format == "bucket_names":
        return sql.literal(f"bin_{index + 1}")
    as_json = output_format == "bucket_ranges_json"
    infinities = ("-Infinity", "Infinity") if as_json else ("-inf", "+inf")
    start = boundaries[index - 1].text if index else sql.literal(infinities[0])
    end = boundaries[index].text if index < len(boundaries) else sql.literal(infinities[1])
    if as_json:
        return f"""('{{"start": "' || {start} || '", "end": "' || {end} || '"}}')"""
    return f"('{'[' if index else '('}' || {start} || ', ' || {end} || ')')"
