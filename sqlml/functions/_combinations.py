"""Combinations of the fields of a STRUCT as fields of a new one. Shared by ML.POLYNOMIAL_EXPAND and ML.FEATURE_CROSS."""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.functions._value_spec import Arguments, Expression

Field = tuple[str, Expression]


def check_names(arguments: Arguments, parameter: str, combinations: Sequence[Sequence[Field]]) -> None:
    """Raises: DataError `function_argument` when two combinations come by the same name, as `a` with `a` and a field `a_a`."""
    seen: set[str] = set()
    for combination in combinations:
        name = combined_name(combination)
        if name.casefold() in seen:  # names of fields are compared without regard to case
            raise arguments.error(parameter, f'two combinations of the fields would be named "{name}"', hint="rename a field of the STRUCT")
        seen.add(name.casefold())


def combined_name(combination: Sequence[Field]) -> str:
    return "_".join(field for field, _ in combination)


def struct_sql(values: Sequence[tuple[str, str]]) -> str:
    """SQL of a STRUCT of (name, SQL)."""
    return sql.call("struct_pack", *(f"{sql.quote(name)} := {value}" for name, value in values))
