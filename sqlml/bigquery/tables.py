"""Rules for what may stand in FROM besides a plain table: PIVOT and UNPIVOT, wildcard tables, samples, INFORMATION_SCHEMA."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlglot import exp

from sqlml import sql
from sqlml.bigquery.names import owner, qualified
from sqlml.bigquery.translation import generate, raw
from sqlml.bigquery.types import BIGQUERY_TYPES, bigquery_type
from sqlml.errors import NotSupportedError, ProgrammingError

if TYPE_CHECKING:
    from sqlml.bigquery.translate import Translating

SUFFIX = "_TABLE_SUFFIX"
PARTITION = frozenset({"_PARTITIONTIME", "_PARTITIONDATE"})
"""Ingestion time as BigQuery offers it."""
_DESCRIBED = {
    "TABLES": (
        "tables",
        (
            "table_catalog, table_schema, table_name,"
            " system.main.replace(table_type, 'LOCAL TEMPORARY', 'BASE TABLE') AS table_type, is_insertable_into"
        ),
    ),
    "COLUMNS": ("columns", "table_catalog, table_schema, table_name, column_name, ordinal_position, is_nullable, {types} AS data_type"),
    "SCHEMATA": ("schemata", "catalog_name, schema_name, schema_owner"),
    "VIEWS": ("views", "table_catalog, table_schema, table_name, view_definition"),
}
"""Views of INFORMATION_SCHEMA: DuckDB's of the same content, and its columns."""


def expand_pivots(tree: exp.Expr) -> None:
    """PIVOT as a query with a condition in every aggregate, so that the columns have BigQuery's names and no function is passed by."""
    for relation in list(tree.find_all(exp.Table, exp.Subquery)):
        for pivot in relation.args.get("pivots") or []:
            relation.set("pivots", None)
            alias = pivot.args.get("alias")
            pivot.set("alias", None)
            query = _unpivoted(relation, pivot) if pivot.args.get("unpivot") else _pivoted(relation, pivot)
            relation.replace(exp.Subquery(this=query, alias=alias.copy() if alias is not None else None))


def _pivoted(relation: exp.Expr, pivot: exp.Pivot) -> exp.Select:
    (field,) = pivot.args["fields"]
    column = field.this
    used = {column.name} | {found.name for aggregate in pivot.expressions for found in aggregate.find_all(exp.Column)}
    items: list[exp.Expr] = [exp.Star(except_=[exp.to_identifier(name, quoted=True) for name in sorted(used)])]
    for value in field.expressions:
        constant = value.this if isinstance(value, exp.PivotAlias) else value
        name = value.args["alias"].name if isinstance(value, exp.PivotAlias) else _column_name(constant)
        for aggregate in pivot.expressions:
            call = aggregate.unalias().copy()
            _restrict(call, exp.NullSafeEQ(this=column.copy(), expression=constant.copy()))
            prefix = f"{aggregate.alias}_" if aggregate.alias else ""
            items.append(exp.alias_(call, f"{prefix}{name}", quoted=True))
    query = exp.Select(expressions=items, from_=exp.From(this=relation.copy()))
    query.set("group", exp.Group(all=True))
    return query


def _restrict(call: exp.Expr, condition: exp.Expr) -> None:
    """The arguments of an aggregate are NULL where the condition does not hold; COUNT(*) counts it."""
    first = call.expressions[0] if call.expressions else None
    if isinstance(first, exp.Star):
        first.replace(exp.If(this=condition, true=exp.Literal.number(1)))
    elif first is not None:
        inner = first
        while isinstance(inner, exp.Distinct | exp.Order | exp.Limit | exp.IgnoreNulls | exp.RespectNulls):
            inner = inner.expressions[0] if isinstance(inner, exp.Distinct) else inner.this
        inner.replace(exp.If(this=condition, true=inner.copy()))


def _column_name(value: exp.Expr) -> str:
    """The name that BigQuery gives the column of a value."""
    text = value.name if isinstance(value, exp.Literal) else value.sql(dialect="bigquery")
    text = re.sub(r"\W", "_", text)
    return f"_{text}" if text[:1].isdigit() else text


def _unpivoted(relation: exp.Expr, pivot: exp.Pivot) -> exp.Select:
    """The value comes before the name, where DuckDB has them the other way round."""
    (field,) = pivot.args["fields"]
    names = [item.name for item in pivot.expressions]
    if len(names) != 1 or any(isinstance(item.unalias() if isinstance(item, exp.Alias) else item, exp.Tuple) for item in field.expressions):
        raise NotSupportedError("UNPIVOT into several columns is not available", code="construct_not_supported")
    value, key = names[0], field.this.name
    branches = []
    for item in field.expressions:
        column = item.this if isinstance(item, exp.PivotAlias) else item
        label = item.args["alias"].name if isinstance(item, exp.PivotAlias) else column.name
        branches.append((column, label))
    left_out = [exp.to_identifier(column.name, quoted=True) for column, _ in branches]
    whole: exp.Expr | None = None
    for column, label in branches:
        part = exp.Select(
            expressions=[
                exp.Star(except_=[name.copy() for name in left_out]), exp.alias_(column.copy(), value, quoted=True),
                exp.alias_(exp.Literal.string(label), key, quoted=True),
            ],
            from_=exp.From(this=relation.copy()),
        )  # fmt: skip
        if not pivot.args.get("include_nulls"):
            part.set("where", exp.Where(this=exp.Not(this=exp.Is(this=column.copy(), expression=exp.Null()))))
        whole = part if whole is None else exp.Union(this=whole, expression=part, distinct=False)
    assert whole is not None
    return exp.Select(
        expressions=[exp.Star()], from_=exp.From(this=exp.Subquery(this=whole, alias=exp.TableAlias(this=exp.to_identifier("u"))))
    )


_ASKS = "asks_for_suffix"
"""Where `prepare` notes that a query asks which table of a wildcard a row comes from."""


def prepare(relations: Iterable[exp.Expr]) -> None:
    """Notes which wildcard tables are asked for their suffix."""
    for node in relations:
        select = node.find_ancestor(exp.Select) if node.name.endswith("*") else None
        if select is not None:
            node.meta[_ASKS] = any(column.name.upper() == SUFFIX for column in select.find_all(exp.Column))


def wildcard(node: exp.Table, work: Translating) -> exp.Expr:
    """`events_*`: all tables whose names begin so, with the rest of the name as _TABLE_SUFFIX where it is asked for."""
    prefix = node.name.removesuffix("*")
    schema = node.db
    found = sorted(name for name in work.context.tables(schema) if name.startswith(prefix))
    if not found:
        if not work.context.has_database:
            return node
        raise work.refuse(
            node, f"no table begins with {prefix}" + (f" in {schema}" if schema else ""), "a wildcard table needs one at least"
        )
    select = node.find_ancestor(exp.Select)
    asks = node.meta.get(_ASKS)
    owner = ".".join(sql.quote(part.name) for part in node.parts[:-1])
    parts = []
    for name in found:
        suffix = f", {sql.literal(name.removeprefix(prefix))} AS {sql.quote(SUFFIX)}" if asks else ""
        parts.append(f"SELECT *{suffix} FROM {f'{owner}.' if owner else ''}{sql.quote(name)}")
    if asks and select is not None:
        for item in select.expressions:
            if isinstance(item, exp.Star):
                item.set("except_", [*(item.args.get("except_") or []), exp.to_identifier(SUFFIX, quoted=True)])
    alias = generate(node.args["alias"]) if node.args.get("alias") else sql.quote(prefix.rstrip("_") or "t")
    return raw(f"({' UNION ALL BY NAME '.join(parts)}) AS {alias}")


def information_schema(node: exp.Table, work: Translating) -> exp.Expr:
    """`dataset.INFORMATION_SCHEMA.TABLES` and its like, of one dataset or, without one, of the current database."""
    name = node.name.upper().removeprefix("INFORMATION_SCHEMA.")
    known = _DESCRIBED.get(name)
    if known is None:
        raise work.refuse(node, f"INFORMATION_SCHEMA.{name} is not available", f"available are {', '.join(_DESCRIBED)} and MODELS")
    view, columns = known
    parts = [part.name for part in node.parts[:-1]]
    if parts and parts[-1].casefold().startswith("region-"):
        parts = parts[:-1]
        where = owner([*parts, ""], work)[:-1] if parts else []
        database, dataset = (where[0] if where else None), None
    else:
        where = owner(parts, work)
        database, dataset = (where[-2] if len(where) > 1 else None), (where[-1] if where else None)
    prefix = "" if name == "SCHEMATA" else "table_"
    conditions = [f"{prefix}catalog{'_name' if name == 'SCHEMATA' else ''} = {_current() if database is None else sql.literal(database)}"]
    if dataset is not None:
        conditions.append(f"system.main.lower({prefix}schema{'_name' if name == 'SCHEMATA' else ''}) = {sql.literal(dataset.lower())}")
    else:
        conditions.append(f"{prefix or 'schema_'}{'schema' if prefix else 'name'} NOT IN ('information_schema', 'pg_catalog')")
    alias = node.args["alias"].name if node.args.get("alias") else name
    source = f"system.information_schema.{view}"
    types = _types(source, conditions, work) if "{types}" in columns else ""
    return raw(f"(SELECT {columns.format(types=types)} FROM {source} WHERE {' AND '.join(conditions)}) AS {sql.quote(alias)}")


def _current() -> str:
    return "system.main.current_database()"


def _types(source: str, conditions: list[str], work: Translating) -> str:
    """The type of a column by BigQuery's name. Those of nested columns are what the tables have now."""
    found = {kind for (kind,) in work.context.rows(f"SELECT DISTINCT data_type FROM {source} WHERE {' AND '.join(conditions)}")}
    cases = {kind: bigquery_type(kind) for kind in sorted({*BIGQUERY_TYPES, *map(str, found)})}
    whens = " ".join(f"WHEN {sql.literal(kind)} THEN {sql.literal(name)}" for kind, name in cases.items())
    return f"CASE data_type {whens} ELSE data_type END"


def sample(node: exp.TableSample, work: Translating) -> exp.Expr:
    """`TABLESAMPLE SYSTEM (10 PERCENT)`: whole blocks of rows in both."""
    if node.args.get("percent") is None or not isinstance(node.args["percent"], exp.Literal | exp.Parameter | exp.Var):
        raise work.refuse(node, "TABLESAMPLE takes a percentage", "write TABLESAMPLE SYSTEM (10 PERCENT)")
    return node


def version(node: exp.Version, work: Translating) -> exp.Expr:
    """Tables keep no history here."""
    raise work.refuse(node, "FOR SYSTEM_TIME AS OF is not available for tables, which keep no history here", "models have it")


def pseudo_column(node: exp.Column, work: Translating) -> exp.Expr:
    """`_PARTITIONTIME` and `_PARTITIONDATE`, where a table has either: the folders of a Parquet data set may be named so."""
    name = node.name.upper()
    if name not in PARTITION or not work.context.has_database:
        return node
    select = node.find_ancestor(exp.Select, exp.Delete, exp.Update)
    found: set[str] = set()
    for relation in [] if select is None else select.find_all(exp.Table):
        if isinstance(relation.this, exp.Identifier):
            path = [part.name for part in relation.parts]
            found |= {column.upper() for column, _ in work.context.describe(f"SELECT * FROM {qualified(path, work)}")}
    if name in found or select is None:
        return node
    other = next(iter(PARTITION - {name}))
    if other in found:
        owner_sql = f"{sql.quote(node.table)}." if node.table else ""
        day = f"CAST({owner_sql}{sql.quote(other)} AS DATE)"
        return raw(day if name == "_PARTITIONDATE" else f"CAST({day} AS TIMESTAMP WITH TIME ZONE)")
    if not found:
        return node  # a derived table may hand it on
    raise ProgrammingError(
        f"there is no {name} here: the table has no column {name} or {other}", code="unknown_column", span=work.read.span_of(node),
        hint="a Parquet data set in folders _PARTITIONDATE=2026-01-31 has it; otherwise name the column that holds the day",
    )  # fmt: skip
