"""What DuckDB's syntax tree of a query names: tables and table functions, and not the CTEs among them.

The tree is that of `json_serialize_sql`, which parses and runs nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Rows = Callable[..., "list[tuple[object, ...]]"]
Node = dict[str, Any]

MAX_TEXT = 1 << 18
"""Characters of a query that is looked into: its tree takes a hundred times as much."""

_IDENTIFIER = r'(?:"(?:[^"]|"")*"|[\w$]+)'
_VIEW = re.compile(
    rf"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMP(?:ORARY)?\s+)?VIEW\s+(?:IF\s+NOT\s+EXISTS\s+)?{_IDENTIFIER}(?:\.{_IDENTIFIER})*\s*"
    rf"(?:\(\s*{_IDENTIFIER}(?:\s*,\s*{_IDENTIFIER})*\s*\)\s*)?AS\s+(?P<body>.*?);?\s*",
    re.IGNORECASE | re.DOTALL,
)
_PART = re.compile(_IDENTIFIER)


_CONDITIONS = frozenset({"COMPARISON", "CONJUNCTION", "OPERATOR", "BETWEEN", "CAST", "COLUMN_REF", "CONSTANT"})


class Unreadable(Exception):
    """A text that has no tree; the message says why."""


@dataclass(frozen=True, slots=True)
class TableName:
    """A name behind FROM that is no CTE of the query."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableCall:
    """A table function behind FROM."""

    function: str
    arguments: tuple[tuple[str, Node], ...]
    """Name, "" for those by position, and expression."""


def parse(rows: Rows, query: str) -> Node:
    """The tree of a query.

    Raises: Unreadable.
    """
    if len(query) > MAX_TEXT:
        raise Unreadable(f"the query is longer than {MAX_TEXT} characters")
    try:
        ((text,),) = rows("SELECT system.main.json_serialize_sql(?)", [query])
        tree: Node = json.loads(str(text))
    except (ValueError, RecursionError):
        raise Unreadable("it is nested too deeply") from None
    if tree.get("error"):
        raise Unreadable(str(tree.get("error_message", "it is no plain SELECT")).rstrip("!."))
    node: Node = tree["statements"][0]["node"]
    return node


def expression_text(rows: Rows, expression: Node) -> str:
    """An expression of a tree as SQL."""
    ((text,),) = rows("SELECT system.main.json_serialize_sql('SELECT 1')")
    tree = json.loads(str(text))
    tree["statements"][0]["node"]["select_list"] = [expression]
    ((text,),) = rows("SELECT system.main.json_deserialize_sql(?)", [json.dumps(tree)])
    return str(text).removeprefix("SELECT ")


def query_text(rows: Rows, tree: Node) -> str:
    """A query of a tree as SQL."""
    ((text,),) = rows("SELECT system.main.json_serialize_sql('SELECT 1')")
    whole = json.loads(str(text))
    whole["statements"][0]["node"] = tree
    ((text,),) = rows("SELECT system.main.json_deserialize_sql(?)", [json.dumps(whole)])
    return str(text)


def names(tree: Node) -> list[TableName | TableCall]:
    """The tables and table functions in a tree in the order of the text, each as often as it is there."""
    found: list[TableName | TableCall] = []
    pending: list[tuple[object, frozenset[str]]] = [(tree, frozenset())]
    while pending:
        value, ctes = pending.pop()
        if isinstance(value, list):
            pending.extend((item, ctes) for item in reversed(value))
        if not isinstance(value, dict):
            continue
        children: list[tuple[object, frozenset[str]]] = []
        if value.get("type") == "RECURSIVE_CTE_NODE":
            ctes = ctes | {str(value.get("cte_name", "")).casefold()}
        for entry in (value.get("cte_map") or {}).get("map", ()):
            children.append((entry["value"], ctes))
            ctes = ctes | {str(entry["key"]).casefold()}
        if value.get("type") == "BASE_TABLE":
            path = tuple(str(part) for part in value["qualified_name"]["path"])
            if len(path) > 1 or path[0].casefold() not in ctes:
                found.append(TableName(path))
        elif value.get("type") == "TABLE_FUNCTION" and isinstance(value.get("function"), dict):
            found.append(_call(value["function"]))
        children += [(child, ctes) for key, child in value.items() if key != "cte_map" and isinstance(child, dict | list)]
        pending.extend(reversed(children))
    return found


def _call(function: Node) -> TableCall:
    arguments: list[tuple[str, Node]] = []
    for argument in function.get("arguments", ()):
        name, expression = str(argument.get("name", "")), argument["expression"]
        if not name and expression.get("type") == "COMPARE_EQUAL" and expression["left"].get("class") == "COLUMN_REF":
            # `name = value` in a table function's brackets names an argument.
            name, expression = str(expression["left"]["column_names"][-1]), expression["right"]
        arguments.append((name.casefold(), expression))
    return TableCall(str(function.get("function_name", "")).casefold(), tuple(arguments))


def is_plain(tree: Node) -> bool:
    """Whether a query gives the rows of one table or set of files as they are, columns left out or reordered."""
    node = tree
    while True:
        if node.get("type") != "SELECT_NODE" or any(
            node.get(key) for key in ("where_clause", "group_expressions", "having", "qualify", "sample")
        ):
            return False
        if node.get("modifiers") or node.get("group_sets") or (node.get("cte_map") or {}).get("map"):
            return False
        if not all(_is_column(item) for item in node.get("select_list", ())):
            return False
        source = node.get("from_table") or {}
        if source.get("sample") or source.get("at_clause") or source.get("column_name_alias"):
            return False
        if source.get("type") != "SUBQUERY":
            return source.get("type") in ("BASE_TABLE", "TABLE_FUNCTION")
        node = source["subquery"]["node"]


def _is_column(item: Node) -> bool:
    if item.get("class") == "STAR":
        return not any(item.get(key) for key in ("replace_list", "rename_list", "expr", "columns"))
    return item.get("class") == "COLUMN_REF" and not item.get("alias")


def is_condition(rows: Rows, text: str) -> bool:
    """Whether a text is one condition over columns and constants, without functions and subqueries."""
    try:
        tree = parse(rows, f"SELECT 1 WHERE {text}")
    except Unreadable:
        return False
    if (
        tree.get("type") != "SELECT_NODE"
        or tree.get("modifiers")
        or any(tree.get(key) for key in ("having", "qualify", "group_expressions"))
    ):
        return False
    pending: list[object] = [tree.get("where_clause")]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, dict):
            if value.get("class", "CONSTANT") not in _CONDITIONS or "node" in value:
                return False
            pending.extend(value.values())
    return True


def columns_of(expression: object) -> list[str]:
    """The names of the columns in an expression, their parts joined with "."."""
    found: list[str] = []
    pending: list[object] = [expression]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, dict):
            if value.get("class") == "COLUMN_REF":
                found.append(".".join(str(part) for part in value["column_names"]))
            pending.extend(value.values())
    return found


def parameters_of(expression: object) -> set[str]:
    """The names of the parameters in an expression."""
    found: set[str] = set()
    pending: list[object] = [expression]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, dict):
            if value.get("class") == "PARAMETER":
                found.add(str(value.get("identifier", "")))
            pending.extend(value.values())
    return found


def view_body(statement: str) -> str | None:
    """The query of a view from the statement that the engine shows for it."""
    match = _VIEW.fullmatch(statement)
    return None if match is None else match["body"]


def split_path(text: str) -> tuple[str, ...]:
    """The parts of a qualified name as SQL writes it."""
    return tuple(part[1:-1].replace('""', '"') if part.startswith('"') else part for part in _PART.findall(text))
