"""SQL over arrays of numbers (DOUBLE[]): norms, and elements on the scale of the largest."""

from __future__ import annotations

import math

from sqlml import sql
from sqlml.functions._list_sql import each, let, struct

SAFE = ("1.0e-280", "1.0e280")
"""Sums of squares or powers between these have lost nothing to underflow or overflow."""


def as_doubles(expression: str) -> str:
    return sql.cast(expression, "DOUBLE[]")


def norm(vector: str, p: float) -> str:
    """SQL (DOUBLE) of the p-norm of a DOUBLE[]: NULL for a NULL array, 0 for an empty one; elements that are NULL do not count.

    p = 0 counts the elements that are not zero. `vector` is repeated. Where powers leave the range of a number, they are taken again with
    the largest element as the unit.
    """
    # The engine sees that the total stands here twice and takes it once; binding it by a lambda is dearer.
    return f"CASE WHEN {vector} IS NOT NULL THEN {of_total(vector, total(vector, p), p)} END"


def total(vector: str, p: float) -> str:
    """SQL (DOUBLE) of what a p-norm is the root of: 0 for NULL."""
    if p == 0:
        return _sum(each(vector, "__sqlml_x", "CASE WHEN __sqlml_x <> 0.0e0 THEN 1.0e0 END"))
    if math.isinf(p):
        return f"coalesce({_largest(vector)}, 0.0e0)"
    return _sum(each(vector, "__sqlml_x", sql.call("abs", "__sqlml_x") if p == 1 else _power("__sqlml_x", p)))


def of_total(vector: str, found: str, p: float) -> str:
    """SQL (DOUBLE) of the p-norm of a vector that is not NULL, from its `total`, which is repeated."""
    if p in (0, 1) or math.isinf(p):
        return found
    return f"CASE WHEN {found} BETWEEN {SAFE[0]} AND {SAFE[1]} THEN {_root(found, p)} ELSE {_scaled_norm(vector, p)} END"


def scaled(vector: str) -> str:
    """SQL (DOUBLE[]) of a DOUBLE[] without NULL, divided by its largest absolute value; NaN for zeros."""
    divided = each("__sqlml_scaled.vector", "__sqlml_x", "__sqlml_x / __sqlml_scaled.size")
    return let(struct(vector=vector, size=_largest(vector)), "__sqlml_scaled", divided)


def _scaled_norm(vector: str, p: float) -> str:
    """SQL (DOUBLE) of the norm of extreme numbers: the largest absolute value, times the norm in units of it."""
    size = "__sqlml_sized.size"
    powers = each("__sqlml_sized.vector", "__sqlml_x", _power(f"(__sqlml_x / {size})", p))
    found = f"CASE WHEN {size} > 0.0e0 AND {sql.call('isfinite', size)} THEN {size} * {_root(_sum(powers), p)} ELSE {size} END"
    return let(struct(vector=vector, size=f"coalesce({_largest(vector)}, 0.0e0)"), "__sqlml_sized", found)


def _largest(vector: str) -> str:
    return sql.call("list_max", each(vector, "__sqlml_x", sql.call("abs", "__sqlml_x")))


def _sum(numbers: str) -> str:
    return f"coalesce({sql.call('list_sum', numbers)}, 0.0e0)"


def _power(x: str, p: float) -> str:
    return f"{x} * {x}" if p == 2 else sql.call("pow", sql.call("abs", x), sql.literal(p))


def _root(total: str, p: float) -> str:
    return sql.call("sqrt", total) if p == 2 else sql.call("pow", total, sql.literal(1 / p))
