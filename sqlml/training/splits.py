"""Which rows evaluate: BigQuery's split methods as one SQL condition over the rows of the training query.

A random split depends on what a row holds, never on where it stands: the row's hash, and for rows that occur several times the number of
the
occurrence, decide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlml import sql
from sqlml.errors import DataError, ProgrammingError, did_you_mean
from sqlml.models._options import Options
from sqlml.types import Kind, Schema

HASH = "__sqlml_hash"
OCCURRENCE = "__sqlml_occurrence"

SMALL, LARGE, LARGE_EVALUATION = 500, 50_000, 10_000
"""AUTO_SPLIT: below SMALL rows all train; up to LARGE a fifth evaluates; above it LARGE_EVALUATION rows do."""

_HASH_RANGE = 2**64


@dataclass(frozen=True, slots=True)
class SplitRule:
    """The split that the options ask for, before the rows are known."""

    method: Literal["AUTO_SPLIT", "RANDOM", "CUSTOM", "SEQ", "NO_SPLIT"]
    fraction: float
    column: str | None

    @property
    def may_be_random(self) -> bool:
        return self.method in ("AUTO_SPLIT", "RANDOM")


def split_rule(options: Options, schema: Schema) -> SplitRule:
    """The rule from checked options.

    Raises: ProgrammingError `unknown_column`, `split_column_type`, the option's name in `option`.
    """
    method = options.get("data_split_method", "NO_SPLIT")
    if method == "RANDOM" and "data_split_eval_fraction" not in options.given:
        method = "AUTO_SPLIT"
    column = options.get("data_split_col")
    if column is not None:
        found = schema.find(column)
        if found is None:
            raise ProgrammingError(
                f'data_split_col "{column}" is not a column of the training query',
                code="unknown_column",
                hint=did_you_mean(column, schema.names) or "select it in the query",
            )
        if method == "CUSTOM" and found.type.kind is not Kind.BOOLEAN:
            raise ProgrammingError(
                f"data_split_col {found.name} must be BOOLEAN for CUSTOM, got {found.type}", code="split_column_type",
                hint="TRUE or NULL marks a row for evaluation, FALSE for training",
            )  # fmt: skip
        column = found.name
    return SplitRule(method, options.get("data_split_eval_fraction", 0.2), column)


def evaluation_condition(rule: SplitRule, n_rows: int, seed: int, value_at: Callable[[str, int], tuple[str, str] | None]) -> str | None:
    """SQL that is TRUE for evaluation rows, never NULL; None when every row trains.

    Args: value_at, (column, n from the end) -> text and type of the n-th largest value that is not NULL, None when there are fewer.
    """
    match rule.method:
        case "NO_SPLIT":
            return None
        case "AUTO_SPLIT":
            if n_rows < SMALL:
                return None
            share = 0.2 if n_rows <= LARGE else LARGE_EVALUATION / n_rows
            return _random(share, seed)
        case "RANDOM":
            return _random(rule.fraction, seed)
        case "CUSTOM":
            return f"coalesce({sql.quote(str(rule.column))}, TRUE)"
        case "SEQ":
            wanted = round(n_rows * rule.fraction)
            threshold = value_at(str(rule.column), wanted) if wanted else None
            if threshold is None:
                raise DataError(
                    f"data_split_col {rule.column} leaves no rows for evaluation: {wanted} of {n_rows} were asked for",
                    code="empty_split", hint="use DATA_SPLIT_METHOD = 'NO_SPLIT', or a column with fewer NULLs",
                )  # fmt: skip
            text, type_name = threshold
            return f"coalesce({sql.quote(str(rule.column))} >= CAST({sql.literal(text)} AS {type_name}), FALSE)"


def _random(share: float, seed: int) -> str:
    threshold = min(_HASH_RANGE - 1, int(share * _HASH_RANGE))
    mixed = sql.call("hash", HASH, OCCURRENCE, sql.literal("sqlml split"), str(seed))
    return f"({mixed} < CAST({threshold} AS UBIGINT))"
