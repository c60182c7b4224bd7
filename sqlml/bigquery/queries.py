"""Rules for the parts of queries: arrays in FROM, value tables, structs, subscripts, names of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from sqlml import sql
from sqlml.bigquery.names import owner
from sqlml.bigquery.tables import expand_pivots, information_schema, wildcard
from sqlml.bigquery.translation import generate, raw, render

if TYPE_CHECKING:
    from sqlml.bigquery.translate import Translating

_FIELD = "field"
"""Where `prepare` notes the name of a select item that is a field of something."""
_IS_STAR = "is_star"
_NAMES = "names"
"""Where `prepare` notes the field names that a struct gets from what is around it."""


def prepare(tree: exp.Expr) -> None:
    """Notes what a node has to know of its surroundings, before these are translated."""
    expand_pivots(tree)
    for selected in tree.find_all(exp.Select):
        for item in selected.expressions:
            if isinstance(item, exp.Dot):
                is_star = isinstance(item.expression, exp.Star)
                item.meta.update(
                    {_IS_STAR: True} if is_star else {_FIELD: item.expression.name} if isinstance(item.expression, exp.Identifier) else {}
                )
    for node in tree.find_all(exp.Struct, exp.Tuple):
        above = node.parent
        type_ = _struct_type(node)
        if type_ is not None:
            node.meta[_NAMES] = [field.name if isinstance(field, exp.ColumnDef) else "" for field in type_.expressions]
        elif isinstance(above, exp.Array) and isinstance(above.expressions[0], exp.Struct):
            node.meta[_NAMES] = _own_names(above.expressions[0])  # fields are named by the first struct of an array
        elif isinstance(above, exp.Select) and str(above.args.get("kind")).upper() == "VALUE":
            above.meta["struct"] = True
    for unnested in tree.find_all(exp.Unnest):
        unnested.meta["element"] = _element_kind(unnested.expressions[0])


def _struct_type(node: exp.Expr) -> exp.DataType | None:
    """The STRUCT<…> that a struct is cast to, by itself or as an element of an array."""
    above, depth = node.parent, 0
    if isinstance(above, exp.Array):
        above, depth = above.parent, 1
    type_ = above.to if isinstance(above, exp.Cast) else None
    if isinstance(type_, exp.DataType) and depth and type_.this == exp.DType.ARRAY and type_.expressions:
        type_ = type_.expressions[0]
    return type_ if isinstance(type_, exp.DataType) and type_.this == exp.DType.STRUCT else None


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


def _own_names(node: exp.Expr) -> list[str]:
    return [item.name if isinstance(item, exp.PropertyEQ | exp.Alias | exp.Column) else "" for item in node.expressions]


def struct(node: exp.Struct, work: Translating) -> exp.Expr:
    """Fields without a name are called `_field_1` and so on, as BigQuery shows them."""
    names = node.meta.get(_NAMES)
    if names is None or len(names) != len(node.expressions):
        names = _own_names(node)
    if not node.expressions:
        raise work.refuse(node, "DuckDB has no STRUCT without fields")
    fields = []
    for index, (item, name) in enumerate(zip(node.expressions, names, strict=True), start=1):
        value = item.expression if isinstance(item, exp.PropertyEQ) else item.this if isinstance(item, exp.Alias) else item
        fields.append(f"{sql.quote(name or f'_field_{index}')} := {generate(value)}")
    return raw(f"system.main.struct_pack({', '.join(fields)})")


def tuple_value(node: exp.Tuple, work: Translating) -> exp.Expr:
    """`(1, 2)` is a STRUCT; in IN and in GROUP BY it is a list."""
    if isinstance(node.parent, exp.In | exp.Any | exp.Values | exp.Group | exp.GroupingSets | exp.Rollup | exp.Cube | exp.Insert):
        return node
    plain = exp.Struct(expressions=list(node.expressions))
    plain.meta.update(node.meta)
    return struct(plain, work)


def array(node: exp.Array, work: Translating) -> exp.Expr:
    """`[…]` and `ARRAY(SELECT …)`."""
    del work
    if len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Query):
        return raw(f"ARRAY({generate(node.expressions[0])})")
    return raw(f"[{', '.join(generate(item) for item in node.expressions)}]")


def bracket(node: exp.Bracket, work: Translating) -> exp.Expr:
    """A place that is not there is an error, or NULL for SAFE_…; DuckDB counts from 1, and from the end below 0."""
    if len(node.expressions) != 1:
        raise work.refuse(node, "a subscript has one value")
    index = node.expressions[0]
    whole = render(node.this)
    if isinstance(index, exp.Literal) and index.is_string:
        return raw(f"({whole} -> {sql.literal(str(index.this))})")
    first = node.args.get("offset") or 0
    place = f"(CAST({generate(index)} AS BIGINT) - {first} + 1)"
    inside = f"{place} >= 1 AND {place} <= system.main.len({whole})"
    if node.args.get("offset") is None:  # `x[0]` without a word is for JSON too, where a place that is not there is NULL
        is_json = f"system.main.typeof({whole}) = 'JSON'"
        place = f"(CASE WHEN {is_json} THEN {place} - 1 ELSE {place} END)"
        inside = f"{is_json} OR ({place} >= 1 AND {place} <= system.main.len({whole}))"
    if node.args.get("safe"):
        return raw(f"(CASE WHEN {place} >= 1 THEN {whole}[{place}] END)")
    message = "system.main.error('the index of an array is out of bounds; SAFE_OFFSET and SAFE_ORDINAL give NULL instead')"
    return raw(f"(CASE WHEN {inside} THEN {whole}[{place}] WHEN {whole} IS NULL OR {place} IS NULL THEN NULL ELSE {message} END)")


def in_list(node: exp.In, work: Translating) -> exp.Expr:
    """`x IN UNNEST(array)`."""
    del work
    unnest = node.args.get("unnest")
    if unnest is None:
        return node
    return raw(f"({render(node.this)} IN (SELECT system.main.unnest({generate(unnest.expressions[0])})))")


def unnest(node: exp.Unnest, _work: Translating) -> exp.Expr:
    """An array in FROM: its elements under the alias, the fields of structs beside them, and their offsets.

    BigQuery's alias is both a table and a value: `e` is the element, `e.x` and `x` are a field of it. UNNEST with a depth of 2 gives the
    fields of structs, whatever the type is; for other elements it gives the element once more, under a name that nobody asks for.
    """
    if isinstance(node.parent, exp.In):
        return node
    alias = node.args.get("alias")
    name = alias.columns[0].name if alias is not None and alias.columns else alias.name if alias is not None and alias.this else ""
    offset = node.args.get("offset")
    offset_name = offset.name if isinstance(offset, exp.Expr) else "offset" if offset else None
    element = sql.quote(name or "__sqlml_element")
    values = generate(node.expressions[0])
    items = [f"system.main.unnest({values}) AS {element}"]
    if offset_name is not None:
        items.append(f"system.main.generate_subscripts({values}, 1) - 1 AS {sql.quote(offset_name)}")
    query = f"SELECT {', '.join(items)}"
    if node.meta.get("element") != "value":
        # With max_depth := 2 there are the fields of a struct, under their names, or else the element once more, under the alias.
        shown = [] if _is_seen_whole(node, name) else [element]
        fields = f"system.main.unnest([{element}], max_depth := 2)" + (f" AS {sql.quote('__sqlml_fields')}" if shown else f" AS {element}")
        offsets = [] if offset_name is None else [sql.quote(offset_name)]
        query = f"SELECT {', '.join([*shown, fields, *offsets])} FROM ({query})"
    lateral = "LATERAL " if isinstance(node.parent, exp.Join) else ""
    if isinstance(node.parent, exp.Join) and node.parent.side and not node.parent.args.get("on"):
        node.parent.set("on", exp.true())
    return raw(f"{lateral}({query}) AS {element}")


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


def _name_columns(node: exp.Select) -> None:
    """Columns without a name are f0_, f1_ …, where DuckDB would show generated SQL."""
    n_unnamed = 0
    for item in list(node.expressions):
        if isinstance(item, exp.Alias | exp.Column | exp.Star | exp.PropertyEQ) or item.meta.get(_IS_STAR):
            continue
        if item.meta.get(_FIELD):
            item.replace(exp.alias_(item.copy(), item.meta[_FIELD], quoted=True))
            continue
        item.replace(exp.alias_(item.copy(), f"f{n_unnamed}_", quoted=True))
        n_unnamed += 1


def dot(node: exp.Dot, work: Translating) -> exp.Expr:
    """A field of a struct, or a function of a dataset: `dataset.f(x)`."""
    called = node.expression
    if not isinstance(called, exp.Anonymous):
        return node
    parts = [part.name for part in node.this.flatten()] if isinstance(node.this, exp.Dot) else [node.this.name]
    return raw(f"{'.'.join(sql.quote(part) for part in owner(parts, work))}.{generate(called)}")


def select(node: exp.Select, work: Translating) -> exp.Expr:
    """SELECT AS STRUCT and AS VALUE, and the names of columns."""
    kind = node.args.get("kind")
    if kind is None or str(kind).upper() == "STRUCT":
        _name_columns(node)
    if kind is None:
        return node
    if str(kind).upper() == "STRUCT":
        node.set("kind", None)
        if not _is_value(node):
            return node  # a value table shows its fields as columns
        return exp.Select(
            expressions=[exp.column("__sqlml_row")],
            from_=exp.From(this=exp.Subquery(this=node.copy(), alias=exp.TableAlias(this=exp.to_identifier("__sqlml_row")))),
        )
    if len(node.expressions) != 1:
        raise work.refuse(node, "SELECT AS VALUE takes one expression")
    node.set("kind", None)
    if not _is_value(node) and node.meta.get("struct"):
        node.set("expressions", [raw(f"system.main.unnest([{generate(node.expressions[0].unalias())}], max_depth := 2)")])
    return node


def _is_value(node: exp.Select) -> bool:
    """Whether a query is a value of an expression: an array or a subquery that is no table."""
    above = node.parent
    if isinstance(above, exp.SetOperation):
        return isinstance(above.parent, exp.Array)
    if isinstance(above, exp.Subquery):
        return not isinstance(above.parent, exp.From | exp.Join | exp.Subquery | None)
    return isinstance(above, exp.Array | exp.In | exp.Anonymous | exp.Alias)


def table(node: exp.Table, work: Translating) -> exp.Expr:
    """`project.dataset.table`: a project that is no attached database means the current one; settings may say where else a name leads."""
    parts = [part.name for part in node.parts]
    if parts[-1].upper().startswith("INFORMATION_SCHEMA."):
        return information_schema(node, work)
    if len(parts) < 2:
        return wildcard(node, work) if parts[-1].endswith("*") else node
    where = owner(parts[:-1], work)
    node.set("catalog", exp.to_identifier(where[-2], quoted=True) if len(where) > 1 else None)
    node.set("db", exp.to_identifier(where[-1], quoted=True))
    if not isinstance(node.this, exp.Anonymous):
        node.set("this", exp.to_identifier(parts[-1], quoted=True))
    return wildcard(node, work) if parts[-1].endswith("*") else node
