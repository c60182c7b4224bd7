"""SQL that turns one input column into the value of a term: a number, the text of a category, the code of a category.

Everything here is a function of names, types and learned categories, so training and prediction cannot differ: both render the same text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlml import sql
from sqlml.features.sources import Source
from sqlml.types import Kind, SqlType

CASE_LIMIT = 16
"""Up to here a CASE finds the code fastest; above it a join with the list of categories does, whatever the storage (300 categories
over 10 M strings: CASE 0.5 to 2 s, join 0.05 to 0.15 s)."""

INLINE_LIMIT = 10_000
"""Categories written into the statement; planning 10,000 takes 0.07 s and 100,000 takes 0.6 s. More are read from a registered table."""

VALUE, CODE = "__sqlml_value", "__sqlml_code"
"""Columns of a list of categories. In a subquery they come before the input's columns, so no input may have columns of these names."""

RESERVED_PREFIX = "__sqlml_"
"""Column names that generated SQL uses beside the input's."""


@dataclass(frozen=True, slots=True)
class Part:
    """A component of a TIMESTAMP: BigQuery's prefix of its name, and the SQL of its text, with {0} for the column."""

    prefix: str
    field: str


TIMESTAMP_PARTS = (
    Part("_TS_DOM_", "day"),
    Part("_TS_DOW_", "dow"),
    Part("_TS_MOY_", "month"),
    Part("_TS_HOD_", "hour"),
    Part("_TS_MOH_", "minute"),
    Part("_TS_WOY_", "week"),
    Part("_TS_YEAR_", "year"),
)


def number(column: str, type_: SqlType, *, field: str = "", guards_nan: bool = True) -> str:
    """The value of a column, or of a field of a STRUCT column, as DOUBLE; NaN counts as missing, as NULL does, unless the caller sees to
    it."""
    name = Source(column, field, type_).sql
    if type_.kind is Kind.TIMESTAMP:
        return sql.call("epoch", _utc(name, type_))
    value = name if type_.name == "DOUBLE" else sql.cast(name, "DOUBLE")
    if guards_nan and type_.name in {"DOUBLE", "FLOAT"}:
        return f"nullif({value}, {sql.literal(float('nan'))})"
    return value


def category(column: str, type_: SqlType, part: str = "", *, field: str = "") -> str:
    """The text that names the category: the value as BigQuery prints it, or a component of a timestamp."""
    name = Source(column, field, type_).sql
    if part:
        timestamp = _utc(name, type_)
        field = next(known.field for known in TIMESTAMP_PARTS if known.prefix == part)
        if field == "week":
            return sql.cast(_week(timestamp), "VARCHAR")
        if field == "dow":
            # BigQuery counts the days of a week from 1, Sunday; DuckDB from 0.
            return sql.cast(f"({sql.call('dayofweek', timestamp)} + 1)", "VARCHAR")
        return sql.cast(sql.call(field, timestamp), "VARCHAR")
    return name if type_.name == "VARCHAR" else sql.cast(name, "VARCHAR")


def code(text: str, categories: Sequence[str], null_code: int | None, dictionary: str | None) -> str:
    """The code of a category as INTEGER, NULL for one that training has not seen.

    Args: text, SQL of the category's text; categories, in code order, without the category of NULLs; null_code, the code of NULL, if it
    has one; dictionary, a table (VALUE, CODE) that stands for more than INLINE_LIMIT categories.
    """
    if not categories:
        found = "CAST(NULL AS INTEGER)"
    elif dictionary is not None:
        found = f"(SELECT {CODE} FROM {dictionary} WHERE {VALUE} = {text})"
    elif len(categories) <= CASE_LIMIT:
        branches = " ".join(f"WHEN {sql.literal(value)} THEN {index}" for index, value in enumerate(categories))
        null = "" if null_code is None else f"WHEN {text} IS NULL THEN {null_code} "
        if null:
            branches = " ".join(f"WHEN {text} = {sql.literal(value)} THEN {index}" for index, value in enumerate(categories))
            return f"CAST(CASE {null}{branches} END AS INTEGER)"
        return f"CAST(CASE {text} {branches} END AS INTEGER)"
    else:
        found = f"CAST((SELECT {CODE} FROM {terms_table(categories)} WHERE {VALUE} = {text}) AS INTEGER)"
    if null_code is None:
        return found
    return f"CASE WHEN {text} IS NULL THEN {null_code} ELSE {found} END"


def terms_table(terms: Sequence[str]) -> str:
    """Terms and their codes from 0 as a table (VALUE, CODE) in brackets."""
    values = sql.call("unnest", sql.literal(list(terms)))
    return f"(SELECT {values} AS {VALUE}, {sql.call('unnest', sql.call('range', str(len(terms))))} AS {CODE})"


def _utc(name: str, type_: SqlType) -> str:
    """A timestamp without zone, in UTC, so that its parts do not depend on the session's time zone."""
    if "TIME ZONE" in type_.name or type_.name == "TIMESTAMPTZ":
        return sql.call("timezone", "'UTC'", name)
    return sql.cast(name, "TIMESTAMP")


def _week(timestamp: str) -> str:
    """BigQuery's WEEK: weeks begin on Sunday, and the days before the first Sunday of the year are week 0."""
    day_of_year = sql.call("dayofyear", timestamp)
    day_of_week = sql.call("dayofweek", timestamp)
    return f"(({day_of_year} + 6 - {day_of_week}) // 7)"
