"""Rules for the parts of queries: arrays in FROM, value tables, structs, subscripts, names of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from sqlml import sql
from sqlml.bigquery import group_by, structs, tables, unnest
from sqlml.bigquery.names import owner
from sqlml.bigquery.tables import expand_pivots, information_schema, wildcard
from sqlml.bigquery.translation import generate, raw, render

if TYPE_CHECKING:
    from sqlml.bigquery.translate import Translating

_FIELD = "field"
"""Where `prepare` notes the name of a select item that is a field of something."""
_IS_STAR = "is_star"


def prepare(tree: exp.Expr) -> None:
    """Notes what a node has to know of its surroundings, before these are translated."""
    expand_pivots(tree)
    nodes: dict[type[exp.Expr], list[exp.Expr]] = {}
    for node in tree.walk():
        nodes.setdefault(type(node), []).append(node)
    selects = [node for node in nodes.get(exp.Select, ()) if isinstance(node, exp.Select)]
    for selected in selects:
        for item in selected.expressions:
            if isinstance(item, exp.Dot):
                is_star = isinstance(item.expression, exp.Star)
                item.meta.update(
                    {_IS_STAR: True} if is_star else {_FIELD: item.expression.name} if isinstance(item.expression, exp.Identifier) else {}
                )
            elif isinstance(item, exp.Struct | exp.Tuple) and str(selected.args.get("kind")).upper() == "VALUE":
                selected.meta["struct"] = True
    tables.prepare(nodes.get(exp.Table, ()))
    structs.prepare([*nodes.get(exp.Struct, ()), *nodes.get(exp.Tuple, ())])
    unnest.prepare(nodes.get(exp.Unnest, ()))
    group_by.prepare(selects)


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
        above = node.parent.parent if isinstance(node.parent, exp.Subquery) else node.parent
        if isinstance(above, exp.In):  # it meets other structs by position
            node.set("expressions", [structs.by_position([generate(item.unalias()) for item in node.expressions])])
            return node
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
