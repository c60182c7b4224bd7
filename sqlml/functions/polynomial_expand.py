"""ML.POLYNOMIAL_EXPAND: the fields of a STRUCT and their products.

    SELECT ML.POLYNOMIAL_EXPAND(STRUCT(x1, x2), 2) FROM points           -- fields x1, x1_x1, x1_x2, x2, x2_x2

All products of 1 to `degree` fields (1 to 4, 2 unless given), repetition included, FLOAT64; each field is followed by its
products with itself and with the fields behind it. A product with a NULL is NULL. 1 to 10 fields, each with a name of its own.
Source: reference, functions 5.3 and semantics 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlml import sql
from sqlml.functions._combinations import Field, check_names, combined_name, struct_sql
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec
from sqlml.models._options import Integer


def _monomials(fields: Sequence[Field], degree: int) -> Iterator[tuple[Field, ...]]:
    """x1, x1 x1, x1 x1 x1, x1 x1 x2, x1 x2, …"""
    for index, field in enumerate(fields):
        yield (field,)
        if degree > 1:
            yield from ((field, *rest) for rest in _monomials(fields[index:], degree - 1))


def _of(arguments: Arguments) -> list[tuple[Field, ...]]:
    return list(_monomials(arguments.fields["struct_numerical_features"], arguments.literals["degree"]))


def _check(arguments: Arguments) -> None:
    check_names(arguments, "struct_numerical_features", _of(arguments))


def _expression(arguments: Arguments, _learned: Sequence[Learned]) -> str:
    return struct_sql([(combined_name(monomial), _product(monomial)) for monomial in _of(arguments)])


def _product(monomial: Sequence[Field]) -> str:
    return " * ".join(sql.cast(expression.sql, "DOUBLE") for _, expression in monomial)


SPEC = ValueSpec(
    name="ML.POLYNOMIAL_EXPAND",
    doc="The fields of a STRUCT of numbers, and their products up to a degree.",
    parameters=(
        Parameter("struct_numerical_features", Takes.NUMBER_FIELDS),
        Parameter("degree", literal=Integer(ge=1, le=4), default=2),
    ),
    expression=_expression,
    check=_check,
)
