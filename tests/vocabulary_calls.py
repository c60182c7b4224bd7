"""Calls of preprocessing functions over a vocabulary, or over none, by their declarations alone and in plain DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from sqlml.features.expressions import CODE, VALUE
from sqlml.functions._registry import find_value_function
from sqlml.functions._statistics import Terms
from sqlml.functions._value_spec import Arguments, Expression
from sqlml.functions._vocabulary import COUNT, ListVocabulary
from sqlml.functions._windows import query_vocabulary
from sqlml.source import Span


def call(
    function: str, values: Sequence[Any], *, trained: Sequence[Any] | None = None, expression: str = "x", **literals: Any
) -> list[Any]:
    """The function of each value, a string, an array of strings, or None.

    An analytic function learns from `trained`, else from the values. It is called with both forms of a vocabulary, which must agree on value
    and type. Pairs come as tuples.
    """
    spec = find_value_function(function)
    is_list = any(isinstance(value, list) for value in values)
    with duckdb.connect() as connection:
        for name, given in (("given", values), ("trained", values if trained is None else trained)):
            column = pa.array(list(given), pa.list_(pa.string()) if is_list else pa.string())
            connection.execute(f"CREATE TABLE {name} (x VARCHAR{'[]' * is_list}, place BIGINT)")
            table = pa.table({"x": column, "place": range(len(given))})
            connection.register("rows", table)
            connection.execute(f"INSERT INTO {name} SELECT * FROM rows")
        arguments = _arguments(function, expression, literals)
        if spec.statistics is None:
            return _rows(connection, spec.expression(arguments, ()))[1]
        (terms,) = spec.statistics(arguments)
        assert isinstance(terms, Terms)
        table_form = query_vocabulary(terms, "FROM trained")
        learned = connection.execute(f"SELECT {VALUE}, {COUNT} FROM {table_form.table} ORDER BY {CODE}").fetchall()
        n_rows = connection.execute("SELECT count(x) FROM trained").fetchall()[0][0]
        list_form = ListVocabulary(tuple(term for term, _ in learned), tuple(count for _, count in learned), n_rows)
        types, found = _rows(connection, spec.expression(arguments, (table_form,)))
        assert _rows(connection, spec.expression(arguments, (list_form,))) == (types, found)
        return found


def type_of(function: str, value: object, **literals: Any) -> str:
    """The SQL type of what the function gives."""
    spec = find_value_function(function)
    arguments = _arguments(function, "x", literals)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE given AS SELECT CAST(NULL AS VARCHAR{'[]' * isinstance(value, list)}) AS x, 0 AS place")
        statistics = spec.statistics(arguments) if spec.statistics else ()
        learned = [ListVocabulary(("a",), (1,), 1) for _ in statistics]
        return _rows(connection, spec.expression(arguments, learned))[0]


def _arguments(function: str, expression: str, literals: dict[str, Any]) -> Arguments:
    spec = find_value_function(function)
    values: dict[str, Any] = {}
    for parameter in spec.parameters:
        if parameter.literal is not None:
            given = parameter.name in literals
            values[parameter.name] = parameter.literal.convert(literals[parameter.name]) if given else parameter.default
    assert set(literals) <= set(values)
    arguments = Arguments(spec.name, {spec.parameters[0].name: Expression(expression, None, Span(0, 1))}, values)
    spec.check(arguments)
    return arguments


def _rows(connection: duckdb.DuckDBPyConnection, expression: str) -> tuple[str, list[Any]]:
    query = f"SELECT {expression} AS answer FROM given ORDER BY place"
    answers = [answer for (answer,) in connection.execute(query).fetchall()]
    shown = [[tuple(item.values()) if isinstance(item, dict) else item for item in a] if isinstance(a, list) else a for a in answers]
    return str(connection.execute(f"DESCRIBE {query}").fetchall()[0][1]), shown
