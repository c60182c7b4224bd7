"""STRUCTs that a query makes: with names as BigQuery shows them, or by position.

BigQuery brings two STRUCTs together by the order of their fields, DuckDB by the names. So wherever a STRUCT meets another one or a type (in a
comparison, in a later branch of CASE or UNION, as a row that is inserted), it is written without names, which DuckDB takes by position.
Columns that are STRUCTs keep their names: of these nothing is known when the text is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlglot import exp

from sqlml import sql
from sqlml.bigquery.reading import CALL
from sqlml.bigquery.translation import generate, raw

if TYPE_CHECKING:
    from sqlml.bigquery.translate import Translating

_BY_POSITION = "by_position"
"""Where `prepare` notes that a struct has no names."""
_MEETING = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Any, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Cast)
_PASSING = (exp.Paren, exp.Alias, exp.PropertyEQ, exp.Subquery, exp.Unnest)
_CHOOSING = frozenset({"IF", "COALESCE", "IFNULL", "NULLIF", "ARRAY_CONCAT"})
"""Functions whose value has the type of the first of their arguments."""


def prepare(nodes: Iterable[exp.Expr]) -> None:
    """Notes which structs and tuples are taken by position, before what is around them is translated."""
    for node in nodes:
        node.meta[_BY_POSITION] = _is_by_position(node)


def _is_by_position(node: exp.Expr) -> bool:
    while (above := node.parent) is not None:
        if isinstance(above, _MEETING):
            return True
        if isinstance(above, exp.Struct | exp.Tuple):
            if isinstance(above.parent, exp.Values | exp.Insert):
                return True
        elif isinstance(above, exp.Array):
            if not _is_first(node, above.expressions):
                return True
        elif isinstance(above, exp.Case) or (isinstance(above, exp.If) and not isinstance(above.parent, exp.Case)):
            branches = (
                [*above.args["ifs"], above.args.get("default")]
                if isinstance(above, exp.Case)
                else [above.args["true"], above.args.get("false")]
            )
            if not _is_first(node, [branch for branch in branches if branch is not None]):
                return True
        elif isinstance(above, exp.Anonymous):
            name = CALL.fullmatch(str(above.this))
            if name is None or name[2].upper() not in _CHOOSING:
                return False
            if not _is_first(node, above.expressions):
                return True
        elif isinstance(above, exp.SetOperation):
            if above.expression is node:
                return True
        elif isinstance(above, exp.Insert):
            return True
        elif isinstance(above, exp.Select):
            if node not in above.expressions:
                return False
        elif not isinstance(above, (exp.If, *_PASSING)):
            return False
        node = above
    return False


def _is_first(node: exp.Expr, others: list[exp.Expr]) -> bool:
    """Whether no other one before it makes a struct: the first one gives the fields their names."""
    for other in others:
        if other is node:
            return True
        if other.find(exp.Struct, exp.Tuple) is not None:
            return False
    return True


def own_names(node: exp.Expr) -> list[str]:
    """The names that the fields are given; "" for none."""
    return [item.name if isinstance(item, exp.PropertyEQ | exp.Alias | exp.Column) else "" for item in node.expressions]


def struct(node: exp.Struct, work: Translating) -> exp.Expr:
    """Fields without a name are called `_field_1` and so on, as BigQuery shows them."""
    if not node.expressions:
        raise work.refuse(node, "DuckDB has no STRUCT without fields")
    values = [generate(item.expression if isinstance(item, exp.PropertyEQ) else item.unalias()) for item in node.expressions]
    if node.meta.get(_BY_POSITION):
        return by_position(values)
    names = [sql.quote(name or f"_field_{index}") for index, name in enumerate(own_names(node), start=1)]
    return raw(f"system.main.struct_pack({', '.join(f'{name} := {value}' for name, value in zip(names, values, strict=True))})")


def by_position(values: list[str]) -> exp.Expr:
    """A struct of DuckDB without names."""
    return raw(f'system.main."row"({", ".join(values)})')


def tuple_value(node: exp.Tuple, work: Translating) -> exp.Expr:
    """`(1, 2)` is a STRUCT; in a list of IN and in GROUP BY it is a list."""
    above = node.parent
    if isinstance(above, exp.Any | exp.All | exp.Values | exp.Group | exp.GroupingSets | exp.Rollup | exp.Cube | exp.Insert):
        return node
    if isinstance(above, exp.In) and above.args.get("query") is None and above.args.get("unnest") is None:
        return node
    plain = exp.Struct(expressions=list(node.expressions))
    plain.meta.update(node.meta)
    return struct(plain, work)
