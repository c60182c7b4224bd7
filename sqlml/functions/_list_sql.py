"""SQL over arrays, element by element.

The engine refuses a sub-query inside the body of a lambda, so a body mentions nothing but its own element: what else it needs is bound
by `let` first, or travels in the element. Each binding has a name of its own, as bodies lie inside one another.
"""

from __future__ import annotations

from sqlml import sql


def each(items: str, name: str, body: str) -> str:
    """SQL of the array of `body` for each element of `items`, which `body` calls `name`; NULL for a NULL array."""
    return sql.call("list_transform", items, f"lambda {name}: {body}")


def where(items: str, name: str, condition: str) -> str:
    """SQL of the elements of `items` that meet the condition; NULL for a NULL array."""
    return sql.call("list_filter", items, f"lambda {name}: {condition}")


def let(value: str, name: str, body: str) -> str:
    """SQL of `body`, which may say `name` as often as it likes for a value that is computed once."""
    return sql.call("list_extract", each(sql.call("list_value", value), name, body), "1")


def part(record: str, key: int | str) -> str:
    """SQL of one field of a struct, by its name, or by its place from 1 in an unnamed one."""
    return sql.call("struct_extract", record, sql.literal(key))


def histogram(items: str) -> str:
    """SQL of a MAP from each distinct element that is not NULL to its count (UBIGINT), ascending; NULL for an array without any."""
    return sql.call("list_aggregate", items, "'histogram'")


def struct(**fields: str) -> str:
    """SQL of a struct of these fields."""
    return sql.call("struct_pack", *(f"{sql.quote(name)} := {value}" for name, value in fields.items()))


def or_empty(items: str, type_name: str) -> str:
    """SQL of the array, an empty one of that type instead of NULL."""
    return f"coalesce({items}, {sql.cast('[]', type_name)})"
