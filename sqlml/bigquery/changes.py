"""Rules for statements that change rows: INSERT, UPDATE, DELETE, TRUNCATE, MERGE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from sqlml import sql
from sqlml.bigquery.translation import generate, raw, render
from sqlml.errors import ProgrammingError

if TYPE_CHECKING:
    from sqlml.bigquery.translate import Translating


def insert(node: exp.Insert, work: Translating) -> exp.Expr:
    """INSERT of values or of a query. Within MERGE the node stays."""
    if isinstance(node.parent, exp.When):
        return node
    target = node.this
    names = ""
    if isinstance(target, exp.Schema):
        names = f" ({', '.join(sql.quote(item.name) for item in target.expressions)})"
        target = target.this
    if node.expression is None:
        raise work.refuse(node, "INSERT needs VALUES or a query")
    leading = f"{generate(node.args['with_'])} " if node.args.get("with_") else ""
    return raw(f"{leading}INSERT INTO {generate(target)}{names} {generate(node.expression)}")


def update(node: exp.Update, work: Translating) -> exp.Expr:
    """UPDATE, of rows that WHERE names: BigQuery takes none without it."""
    if isinstance(node.parent, exp.When):
        return node
    _need_where(node, "UPDATE", work)
    settings = []
    for item in node.expressions:
        column = item.this
        if not isinstance(column, exp.Column) or (column.table and column.table.casefold() not in _names(node.this)):
            raise work.refuse(node, "UPDATE of a field of a STRUCT is not available", "set the whole STRUCT")
        settings.append(f"{sql.quote(column.name)} = {generate(item.expression)}")
    source = f" {generate(node.args['from_'])}" if node.args.get("from_") else ""
    return raw(f"UPDATE {generate(node.this)} SET {', '.join(settings)}{source} {generate(node.args['where'])}")


def _names(table: exp.Expr) -> set[str]:
    return {table.name.casefold(), table.alias_or_name.casefold()}


def delete(node: exp.Delete, work: Translating) -> exp.Expr:
    """DELETE, of rows that WHERE names: BigQuery takes none without it."""
    _need_where(node, "DELETE", work)
    target = node.this or node.args["tables"][0]
    return raw(f"DELETE FROM {generate(target)} {generate(node.args['where'])}")


def _need_where(node: exp.Expr, word: str, work: Translating) -> None:
    if not node.args.get("where"):
        raise ProgrammingError(
            f"{word} must have a WHERE clause", code="syntax_error", span=work.read.span_of(node), hint="WHERE TRUE means all rows"
        )


def truncate(node: exp.TruncateTable, work: Translating) -> exp.Expr:
    del work
    return raw(f"DELETE FROM {generate(node.expressions[0])}")


def merge(node: exp.Merge, work: Translating) -> exp.Expr:
    """MERGE as DuckDB knows it; INSERT ROW takes the columns by their place."""
    del work
    whens = []
    for when in node.args["whens"].expressions:
        condition = f" AND {render(when.args['condition'])}" if when.args.get("condition") else ""
        if when.args.get("matched"):
            head = "WHEN MATCHED"
        else:
            head = "WHEN NOT MATCHED BY SOURCE" if when.args.get("source") else "WHEN NOT MATCHED"
        whens.append(f"{head}{condition} THEN {_action(when.args['then'])}")
    return raw(f"MERGE INTO {generate(node.this)} USING {generate(node.args['using'])} ON {generate(node.args['on'])} {' '.join(whens)}")


def _action(then: exp.Expr) -> str:
    match then:
        case exp.Update():
            settings = ", ".join(f"{sql.quote(item.this.name)} = {generate(item.expression)}" for item in then.expressions)
            return f"UPDATE SET {settings}"
        case exp.Insert():
            if isinstance(then.this, exp.Var):
                return "INSERT"
            names = then.this.expressions if isinstance(then.this, exp.Tuple | exp.Schema) else []
            values = then.expression.expressions if isinstance(then.expression, exp.Tuple) else []
            columns = f" ({', '.join(sql.quote(name.name) for name in names)})" if names else ""
            return f"INSERT{columns} VALUES ({', '.join(generate(value) for value in values)})"
        case _:
            return "DELETE"
