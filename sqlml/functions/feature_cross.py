"""ML.FEATURE_CROSS: combinations of the fields of a STRUCT of strings, as categories of their own.

    SELECT ML.FEATURE_CROSS(STRUCT(city, kind, colour)) FROM goods       -- fields city_kind, city_colour, kind_colour

All combinations of 2 to `degree` different fields (2 to 4, 2 unless given), in the order of the fields, shorter ones first; values are
joined by `_`, STRING. A combination with a NULL is NULL. 2 to 10 fields, each with a name of its own: one alone has no combination, and
there is no STRUCT without fields. Source: reference, functions 5.3 and semantics 2; the place of longer combinations is not stated there.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from sqlml import sql
from sqlml.functions._combinations import Field, check_names, combined_name, struct_sql
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec
from sqlml.models._options import Integer


def _of(arguments: Arguments) -> list[tuple[Field, ...]]:
    fields = arguments.fields["struct_categorical_features"]
    lengths = range(2, arguments.literals["degree"] + 1)
    return [combination for length in lengths for combination in itertools.combinations(fields, length)]


def _check(arguments: Arguments) -> None:
    crosses = _of(arguments)
    if not crosses:
        raise arguments.error("struct_categorical_features", "a cross takes at least 2 fields, got 1")
    check_names(arguments, "struct_categorical_features", crosses)


def _expression(arguments: Arguments, _learned: Sequence[Learned]) -> str:
    return struct_sql([(combined_name(cross), _joined(cross)) for cross in _of(arguments)])


def _joined(cross: Sequence[Field]) -> str:
    return " || '_' || ".join(sql.cast(expression.sql, "VARCHAR") for _, expression in cross)


SPEC = ValueSpec(
    name="ML.FEATURE_CROSS",
    doc="Combinations of the fields of a STRUCT of strings.",
    parameters=(
        Parameter("struct_categorical_features", Takes.STRING_FIELDS),
        Parameter("degree", literal=Integer(ge=2, le=4), default=2),
    ),
    expression=_expression,
    check=_check,
)
