"""UNNEST, and arrays in FROM, which mean the same: the elements of an array as rows.

BigQuery's alias is both a table and a value: `e` is the element, `e.x` and `x` are a field of it, and `e.e` a field of the alias' own name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlglot import exp

from sqlml import sql
from sqlml.bigquery.translation import generate, raw

if TYPE_CHECKING:
    from sqlml.bigquery.translate import Translating

_KIND = "element"
"""Where `prepare` notes what the elements are."""
_ELEMENT = "__sqlml_element"


def prepare(nodes: Iterable[exp.Expr]) -> None:
    """Notes what elements are, and says in full what leads to a field of the alias' own name."""
    for node in nodes:
        assert isinstance(node, exp.Unnest)
        node.meta[_KIND] = _element_kind(node.expressions[0])
        name = _alias(node)
        select = node.find_ancestor(exp.Select)
        if not name or select is None:
            continue
        has_fields = node.meta[_KIND] != "value"
        has_element = not has_fields or not _is_seen_whole(node, name)
        own = set(map(id, node.find_all(exp.Column)))
        for column in list(select.find_all(exp.Column)):
            first = [part.name.casefold() for part in column.parts[:2]]
            if first == [name.casefold()] * 2 and has_fields and has_element:
                column.set("db" if len(column.parts) == 2 else "catalog", exp.to_identifier(name, quoted=True))
            elif has_element and first == [name.casefold()] and id(column) not in own and _is_hidden(column, node, select):
                column.set("table", exp.to_identifier(name, quoted=True))


def _is_hidden(column: exp.Column, node: exp.Unnest, select: exp.Select) -> bool:
    """Whether a name is that of the elements and of the array as well: `UNNEST(items) AS items`. BigQuery takes it for the elements."""
    array = node.expressions[0]
    if (
        not isinstance(array, exp.Column)
        or array.name.casefold() != column.name.casefold()
        or column.find_ancestor(exp.Select) is not select
    ):
        return False
    named = any(isinstance(item, exp.Alias) and item.alias.casefold() == column.name.casefold() for item in select.expressions)
    return not (named and column.find_ancestor(exp.Group, exp.Order) is not None)


def _alias(node: exp.Unnest) -> str:
    """The name of the elements; a path in FROM has that of its last part, UNNEST(path) has none."""
    alias = node.args.get("alias")
    if alias is not None and alias.columns:
        return str(alias.columns[0].name)
    if alias is not None and alias.this:
        return str(alias.name)
    is_path = "alias" not in node.args and isinstance(node.expressions[0], exp.Column)
    return str(node.expressions[0].name) if is_path else ""


def unnest(node: exp.Unnest, _work: Translating) -> exp.Expr:
    """An array in FROM: its elements under the alias, the fields of structs beside them, and their offsets.

    UNNEST with a depth of 2 gives the fields of structs, whatever the type is; for other elements it gives the element once more, under a
    name that nobody asks for.
    """
    if isinstance(node.parent, exp.In):
        return node
    name = _alias(node)
    offset = node.args.get("offset")
    offset_name = offset.name if isinstance(offset, exp.Expr) else "offset" if offset else None
    element = sql.quote(name or _ELEMENT)
    offsets = [] if offset_name is None else [sql.quote(offset_name)]
    values = generate(node.expressions[0])
    # The array may have the name of the alias: `UNNEST(items) AS items`. So the columns are named behind the query.
    items = ", ".join([f"system.main.unnest({values})", *[f"system.main.generate_subscripts({values}, 1) - 1" for _ in offsets]])
    if node.meta[_KIND] == "value":
        relation = f"(SELECT {items}) AS {element}({', '.join([element, *offsets])})"
    else:
        # With max_depth := 2 there are the fields of a struct, under their names, or else the element once more, under the alias.
        shown = [] if _is_seen_whole(node, name) else [f"{_ELEMENT} AS {element}"]
        fields = f"system.main.unnest([{_ELEMENT}], max_depth := 2) AS {'__sqlml_fields' if shown else element}"
        inner = f"(SELECT {items}) AS __sqlml_elements({', '.join([_ELEMENT, *offsets])})"
        relation = f"(SELECT {', '.join([*shown, fields, *offsets])} FROM {inner}) AS {element}"
    if isinstance(node.parent, exp.Join) and node.parent.side and not node.parent.args.get("on"):
        node.parent.set("on", exp.true())
    return raw(f"{'LATERAL ' if isinstance(node.parent, exp.Join) else ''}{relation}")


def _is_seen_whole(node: exp.Unnest, name: str) -> bool:
    """Whether `*` or `alias.*` shows the columns, so that there must be none but BigQuery's."""
    select = node.find_ancestor(exp.Select)
    for item in [] if select is None else select.expressions:
        star = (
            item if isinstance(item, exp.Star) else item.this if isinstance(item, exp.Column) and isinstance(item.this, exp.Star) else None
        )
        if star is not None and (item is star or item.table.casefold() == name.casefold()):
            return True
    return False


_VALUE_ARRAYS = ("GENERATE_ARRAY", "GENERATE_DATE_ARRAY", "GENERATE_TIMESTAMP_ARRAY", "SPLIT", "REGEXP_EXTRACT_ALL", "TO_CODE_POINTS")


def _element_kind(values: exp.Expr) -> str | None:
    """ "struct" or "value" where the text tells what the elements of an array are, else None."""
    if isinstance(values, exp.Array) and values.expressions:
        first = values.expressions[0]
        if isinstance(first, exp.Select):
            return "struct" if str(first.args.get("kind")).upper() == "STRUCT" else None
        return "struct" if isinstance(first, exp.Struct | exp.Tuple) else "value" if isinstance(first, exp.Literal | exp.Null) else None
    if isinstance(values, exp.Anonymous):
        return "value" if str(values.this).upper().endswith(_VALUE_ARRAYS) else None
    return None
