"""Linear functions of a layout as SQL: intercept plus weights times terms, on the scale of the input columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from sqlml import sql
from sqlml.features.expressions import CASE_LIMIT
from sqlml.features.layout import CategoryTerm, Layout, NumericTerm
from sqlml.models._spec import TooLargeForSql
from sqlml.models._terms_sql import check_single_valued, let

MAX_TERMS = 2_000
MAX_WEIGHTS = 20_000
"""Numbers written into one statement; planning takes about a millisecond per hundred."""

_FOLDED_OFFSET = 100.0
"""Centres up to this many standard deviations go into the intercept, which saves a subtraction per row and costs two digits at most."""


def linear_sql(
    weights: NDArray[np.float64], intercepts: NDArray[np.float64], layout: Layout, codes: Mapping[int, str] = MappingProxyType({})
) -> list[str]:
    """One expression of type DOUBLE, in brackets, for each row of `weights`. Terms whose weights are 0 are left out.

    Args: codes, SQL of the code of a term, by its index, where that is not the term's own expression.
    Shapes: `weights[n_outputs, n_columns]`, `intercepts[n_outputs]`.
    Raises: TooLargeForSql, also for layouts with arrays.
    """
    check_single_valued(layout)
    if len(layout.terms) > MAX_TERMS or weights.size > MAX_WEIGHTS:
        raise TooLargeForSql
    exact = _sums(weights, intercepts, layout, codes, {})
    unguarded = {
        index: term.unguarded
        for index, term in enumerate(layout.terms)
        if isinstance(term, NumericTerm) and term.unguarded not in (None, term.expression)
    }
    looks_up = any(isinstance(term, CategoryTerm) and len(term.categories) > CASE_LIMIT for term in layout.terms)
    if not unguarded or looks_up:
        return exact
    # Asking every number whether it is NaN costs more than all the rest; asking the sum does not. Look-ups of codes are joins, which run
    # in both branches, so with them the sum is written once.
    quick = _sums(weights, intercepts, layout, codes, unguarded)
    return [f"(CASE WHEN {sql.call('isnan', fast)} THEN {slow} ELSE {fast} END)" for fast, slow in zip(quick, exact, strict=True)]


def _sums(
    weights: NDArray[np.float64],
    intercepts: NDArray[np.float64],
    layout: Layout,
    codes: Mapping[int, str],
    unguarded: Mapping[int, str | None],
) -> list[str]:
    constants = intercepts.astype(np.float64)
    addends: list[list[str]] = [[] for _ in intercepts]
    for index, (term, columns) in enumerate(zip(layout.terms, layout.slices, strict=True)):
        if isinstance(term, NumericTerm):
            slopes = weights[:, columns.start] / term.scale
            number = unguarded.get(index) or term.expression
            value = f"coalesce({number}, {sql.literal(term.mean)})" if layout.impute else number
            if abs(term.centre) <= _FOLDED_OFFSET * term.scale:
                constants -= slopes * term.centre
            else:
                value = f"({value} - {sql.literal(term.centre)})"
            for output, slope in zip(addends, slopes, strict=True):
                if slope != 0.0:
                    output.append(f"{sql.literal(float(slope))} * {value}")
            continue
        assert isinstance(term, CategoryTerm)
        for output, of_codes in zip(addends, weights[:, columns], strict=True):
            if of_codes.any():
                numbers = [float(weight) for weight in of_codes]
                if term.dropped is not None:
                    numbers.insert(term.dropped, 0.0)
                output.append(_of_code(numbers, codes.get(index, term.expression)))
    return [sql.total([sql.literal(float(constant)), *terms]) for constant, terms in zip(constants, addends, strict=True)]


def linear_list_sql(weights: NDArray[np.float64], intercepts: NDArray[np.float64], layout: Layout) -> str:
    """The linear functions as one DOUBLE[]. Codes that are looked up in a table are looked up once, not once per function.

    Raises: TooLargeForSql.
    """
    looked_up = {
        index: term for index, term in enumerate(layout.terms) if isinstance(term, CategoryTerm) and len(term.categories) > CASE_LIMIT
    }
    if not looked_up:
        return sql.call("list_value", *linear_sql(weights, intercepts, layout))

    def functions(row: str) -> str:
        names = {index: f"{row}.code_{index}" for index in looked_up}
        return sql.call("list_value", *linear_sql(weights, intercepts, layout, names))

    return let("sqlml_codes", {f"code_{index}": term.expression for index, term in looked_up.items()}, functions)


def _of_code(numbers: Sequence[float], code: str) -> str:
    """The number of a code, 0 for NULL. A list, since CASE would work out the code once per branch."""
    listed = sql.call("list_value", *map(sql.literal, numbers))
    return f"coalesce({sql.call('list_extract', listed, f'{code} + 1')}, {sql.literal(0.0)})"


def sigmoid_sql(value: str) -> str:
    """The logistic function of an expression in brackets; exp overflows to infinity, which gives 0."""
    return f"({sql.literal(1.0)} / ({sql.literal(1.0)} + {sql.call('exp', f'-{value}')}))"


def softmax_sql(logits: str) -> str:
    """The softmax of a DOUBLE[].

    Lambdas over lists of one element bind the logits, their maximum and the sum once: written out, they would be repeated for each
    class, and a correlated subquery costs a join.
    """
    shifted = _bind(
        sql.call("list_max", "sqlml_logits"), "sqlml_top",
        _each("sqlml_logits", "sqlml_logit", sql.call("exp", "sqlml_logit - sqlml_top")),
    )  # fmt: skip
    normal = _bind(sql.call("list_sum", "sqlml_powers"), "sqlml_sum", _each("sqlml_powers", "sqlml_power", "sqlml_power / sqlml_sum"))
    return _bind(_bind(logits, "sqlml_logits", shifted), "sqlml_powers", normal)


def _each(values: str, name: str, expression: str) -> str:
    return sql.call("list_transform", values, f"lambda {name}: {expression}")


def _bind(value: str, name: str, expression: str) -> str:
    """`expression`, in which `name` stands for `value`."""
    return sql.call("list_extract", _each(sql.call("list_value", value), name, expression), "1")
