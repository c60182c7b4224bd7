"""Rules for statements that make, change and drop tables, views, schemas and functions."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from sqlglot import exp

from sqlml import sql
from sqlml.bigquery.names import qualified, schema_name
from sqlml.bigquery.translation import generate, raw, render
from sqlml.syntax.tokens import tokenize

if TYPE_CHECKING:
    from sqlml.bigquery.translate import Translating

_ANY = "ANY TYPE"


def create(node: exp.Create, work: Translating) -> exp.Expr:
    """CREATE TABLE, VIEW, SCHEMA and FUNCTION. What says how BigQuery stores a table has no effect here, and a notice says so."""
    kind = str(node.args["kind"]).upper()
    properties = list(node.args["properties"].expressions) if node.args.get("properties") is not None else []
    if kind == "FUNCTION":
        return _function(node, properties, work)
    if kind == "SCHEMA":
        _notice(properties, work)
        name = schema_name([part.name for part in node.this.parts], work)
        return raw(f"CREATE SCHEMA {'IF NOT EXISTS ' if node.args.get('exists') else ''}{name}")
    if kind not in {"TABLE", "VIEW"}:
        raise work.refuse(node, f"CREATE {kind} is not available")
    temporary = any(isinstance(item, exp.TemporaryProperty) for item in properties)
    for item in properties:
        if isinstance(item, exp.ExternalProperty | exp.MaterializedProperty):  # where `refusals` does not see it
            raise work.refuse(node, "external tables and materialized views are not available")
    order = _notice(properties, work)
    head = f"CREATE {'OR REPLACE ' if node.args.get('replace') else ''}{'TEMP ' if temporary else ''}{kind} "
    head += "IF NOT EXISTS " if node.args.get("exists") else ""
    source = next((item.this for item in properties if isinstance(item, exp.LikeProperty)), None)
    clone = node.args.get("clone")
    if clone is not None or (source is not None and node.expression is None):
        rows = "" if clone is not None else " LIMIT 0"
        origin = source if clone is None else clone.this
        assert isinstance(origin, exp.Expr)
        return raw(f"{head}{generate(node.this)} AS SELECT * FROM {generate(origin)}{rows}")
    body = node.expression
    if body is None:
        return raw(f"{head}{_columns(node.this, work)}")
    target = node.this
    names = ""
    query = generate(body.unnest() if isinstance(body, exp.Subquery) else body)
    if source is not None:  # LIKE … AS: the columns of the one, the rows of the other
        query = f"(SELECT * FROM {generate(source)} LIMIT 0) UNION ALL ({query})"
    if isinstance(target, exp.Schema):
        typed = [item for item in target.expressions if isinstance(item, exp.ColumnDef) and item.args.get("kind")]
        if typed and len(typed) != len(target.expressions):
            raise work.refuse(node, "the columns of CREATE TABLE have types either all or none")
        if typed:
            query = _typed(query, typed, work)
        else:
            names = f" ({', '.join(sql.quote(item.name) for item in target.expressions)})"
        target = target.this
    if order and kind == "TABLE":
        query = f"SELECT * FROM ({query}) ORDER BY {order}"
    return raw(f"{head}{generate(target)}{names} AS {query}")


def _typed(query: str, columns: list[exp.ColumnDef], work: Translating) -> str:
    """The columns of a query with names and types of their own."""
    if any(column.args.get("constraints") for column in columns):
        work.note("NOT NULL, DEFAULT and options of columns have no effect in CREATE TABLE … AS")
    places = [sql.quote(f"__sqlml_{index}") for index in range(len(columns))]
    items = ", ".join(
        f"CAST({place} AS {generate(column.args['kind'])}) AS {sql.quote(column.name)}"
        for place, column in zip(places, columns, strict=True)
    )
    return f"SELECT {items} FROM ({query}) AS __sqlml_rows({', '.join(places)})"


def _notice(properties: list[exp.Expr], work: Translating) -> str:
    """The sort order that PARTITION BY and CLUSTER BY ask for, which is what can be done for them here."""
    keys: list[str] = []
    for item in properties:
        if isinstance(item, exp.PartitionedByProperty):
            keys.append(generate(item.this))
        elif isinstance(item, exp.Cluster | exp.ClusterProperty):
            keys += [generate(key) for key in item.expressions]
        elif isinstance(item, exp.LocationProperty):
            work.note("the option location has no effect here")
        elif isinstance(item, exp.Property) and not isinstance(item, exp.TemporaryProperty | exp.LikeProperty):
            work.note(f"the option {item.name} has no effect here")
    if keys:
        work.note("PARTITION BY and CLUSTER BY order the rows of a table that is made of a query; they have no other effect here")
    return ", ".join(keys)


def _columns(node: exp.Expr, work: Translating) -> str:
    if not isinstance(node, exp.Schema):
        raise work.refuse(node, "CREATE TABLE needs columns or a query")
    items = []
    for item in node.expressions:
        if not isinstance(item, exp.ColumnDef):
            continue  # keys, which BigQuery does not enforce
        text = f"{sql.quote(item.name)} {generate(item.args['kind'])}"
        for constraint in item.args.get("constraints") or []:
            kind = constraint.args.get("kind")
            if isinstance(kind, exp.NotNullColumnConstraint):
                text += " NOT NULL"
            elif isinstance(kind, exp.DefaultColumnConstraint):
                text += f" DEFAULT {render(kind.this)}"
        items.append(text)
    return f"{generate(node.this)} ({', '.join(items)})"


def _function(node: exp.Create, properties: list[exp.Expr], work: Translating) -> exp.Expr:
    """A function whose body is SQL, as a macro."""
    language = next((item for item in properties if isinstance(item, exp.LanguageProperty)), None)
    body = node.expression
    if language is not None or body is None or body.is_string:
        raise work.refuse(node, "functions in another language than SQL are not available", "CREATE TEMP FUNCTION f(x INT64) AS (x + 1)")
    returns = next((item.this for item in properties if isinstance(item, exp.ReturnsProperty)), None)
    head = f"CREATE {'OR REPLACE ' if node.args.get('replace') else ''}"
    head += "TEMP " if any(isinstance(item, exp.TemporaryProperty) for item in properties) else ""
    head += f"MACRO {'IF NOT EXISTS ' if node.args.get('exists') else ''}"
    names = ", ".join(_parameter(item) for item in node.this.expressions)
    name = qualified([part.name for part in node.this.this.parts], work)
    if _is_table_function(work):
        return raw(f"{head}{name}({names}) AS TABLE {generate(body.unnest() if isinstance(body, exp.Subquery) else body)}")
    text = generate(body)
    return raw(f"{head}{name}({names}) AS {text if returns is None else f'CAST({text} AS {generate(returns)})'}")


def _parameter(item: exp.Expr) -> str:
    kind = item.args.get("kind")
    typed = isinstance(kind, exp.Expr) and generate(kind) != _ANY
    return f"{sql.quote(item.name)} {generate(kind)}" if typed and isinstance(kind, exp.Expr) else sql.quote(item.name)


def _is_table_function(work: Translating) -> bool:
    words = [token.text.upper() for token in tokenize(work.read.text, "bigquery")[:6]]
    return any(pair == ("TABLE", "FUNCTION") for pair in itertools.pairwise(words))


def drop(node: exp.Drop, work: Translating) -> exp.Expr:
    if isinstance(node.parent, exp.Alter):
        return node
    kind = str(node.args["kind"]).upper()
    if kind not in {"TABLE", "VIEW", "SCHEMA", "FUNCTION"}:
        raise work.refuse(node, f"DROP {kind} is not available")
    target = (node.args.get("tables") or [node.this])[0]
    target = target.this if isinstance(target, exp.UserDefinedFunction | exp.Schema) else target
    parts = [part.name for part in target.parts]
    name = schema_name(parts, work) if kind == "SCHEMA" else qualified(parts, work)
    word = kind if kind != "FUNCTION" else "MACRO TABLE" if _is_table_function(work) else "MACRO"
    return raw(f"DROP {word} {'IF EXISTS ' if node.args.get('exists') else ''}{name}{' CASCADE' if node.args.get('cascade') else ''}")


def alter(node: exp.Alter, work: Translating) -> exp.Expr:
    """One change of a table: a column added, dropped or renamed, the table renamed, options that have no effect."""
    actions = node.args.get("actions") or []
    if len(actions) != 1:
        raise work.refuse(node, "ALTER TABLE makes one change at a time", "write one statement for each change")
    (action,) = actions
    table = generate(node.this)
    exists = "IF EXISTS " if node.args.get("exists") else ""
    match action:
        case exp.AlterRename():
            return raw(f"ALTER TABLE {exists}{table} RENAME TO {sql.quote(action.this.name)}")
        case exp.ColumnDef():
            also = "IF NOT EXISTS " if action.args.get("exists") else ""
            return raw(f"ALTER TABLE {exists}{table} ADD COLUMN {also}{sql.quote(action.name)} {generate(action.args['kind'])}")
        case exp.Drop():
            also = "IF EXISTS " if action.args.get("exists") else ""
            return raw(f"ALTER TABLE {exists}{table} DROP COLUMN {also}{sql.quote((action.args.get('tables') or [action.this])[0].name)}")
        case exp.RenameColumn():
            return raw(f"ALTER TABLE {exists}{table} RENAME COLUMN {sql.quote(action.this.name)} TO {sql.quote(action.args['to'].name)}")
        case exp.AlterColumn():
            return raw(f"ALTER TABLE {exists}{table} ALTER COLUMN {sql.quote(action.this.name)} {_column_change(action, work)}")
        case exp.AlterSet():
            return _set_options(node, action, table, work)
    raise work.refuse(node, "this change of a table is not available")


def _column_change(action: exp.AlterColumn, work: Translating) -> str:
    kind, default = action.args.get("dtype"), action.args.get("default")
    if kind is not None:
        return f"SET DATA TYPE {generate(kind)}"
    if default is not None:
        return f"SET DEFAULT {render(default)}"
    if action.args.get("drop"):
        return "DROP NOT NULL" if action.args.get("allow_null") else "DROP DEFAULT"
    raise work.refuse(action, "this change of a column is not available")


def _set_options(node: exp.Alter, action: exp.AlterSet, table: str, work: Translating) -> exp.Expr:
    """A description is the engine's comment; the other options have no effect."""
    description = None
    for item in action.find_all(exp.Property, exp.EQ):
        name = item.this.name if isinstance(item.this, exp.Expr) else str(item.this)
        value = item.args.get("value") or item.args.get("expression")
        if name.lower() == "description" and isinstance(value, exp.Literal):
            description = str(value.this)
        else:
            work.note(f"the option {name} has no effect here")
    kind = str(node.args.get("kind") or "TABLE").upper()
    if description is not None:
        return raw(f"COMMENT ON {kind} {table} IS {sql.literal(description)}")
    # A statement without rows that fails where the table is not there.
    return raw(f"SET VARIABLE __sqlml_nothing = (SELECT {sql.call('count')} FROM (SELECT 1 FROM {table} LIMIT 0))")
