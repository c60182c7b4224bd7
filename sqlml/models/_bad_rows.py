"""Errors about training rows that no linear learner can take."""

from __future__ import annotations

from sqlml.errors import DataError


def no_rows() -> DataError:
    """There is nothing to learn from, or nothing that weighs more than 0."""
    return DataError("there are no rows to learn from", code="no_rows", hint="check the training query and its WHERE clause")


def not_finite() -> DataError:
    """Infinite values, NaN, or an overflow of sums."""
    return DataError(
        "the training rows hold infinite values, NaN, or numbers too large to be squared", code="not_finite",
        hint="leave them out with WHERE isfinite(column), or scale the column down",
    )  # fmt: skip
