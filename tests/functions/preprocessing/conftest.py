"""Preprocessing functions by their declarations alone: arguments made by hand, the SQL run in plain DuckDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from sqlml import sql
from sqlml.farm_hash import fingerprints
from sqlml.functions._learning import learn, learned_sql
from sqlml.functions._registry import find_value_function
from sqlml.functions._value_spec import Arguments, Expression
from sqlml.functions._windows import window_sql
from sqlml.source import Span
from sqlml.types import SqlType

Columns = Mapping[str, tuple[str, Sequence[object]]]


class Preprocessing:
    """Calls of preprocessing functions over columns given as name -> (SQL type, values)."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()

        def fingerprint(values: pa.ChunkedArray) -> pa.Array:
            return pa.array(fingerprints(values), pa.uint64())

        self.connection.create_function("sqlml_fingerprint", fingerprint, ["VARCHAR"], "UBIGINT", type="arrow")  # type: ignore[call-overload]
        self.connection.create_function("sqlml_fingerprint_bytes", fingerprint, ["BLOB"], "UBIGINT", type="arrow")  # type: ignore[call-overload]

    def __call__(
        self, function: str, columns: Columns, *, training: Columns | None = None, known: bool = True, **literals: Any
    ) -> list[Any]:
        """The function's value for each row.

        Args: training, the rows whose statistics are used, as constants; without it they are windows over the rows themselves. known,
        whether the types of the columns are.
        """
        rendered, _ = self._render(function, columns, training, literals, known=known)
        return [row[0] for row in self.connection.execute(f"SELECT {rendered} FROM given").fetchall()]

    def type(self, function: str, columns: Columns, **literals: Any) -> str:
        """The SQL type of the function's value; the same with learned constants as with windows."""
        types = set()
        for training in (None, columns):
            rendered, _ = self._render(function, columns, training, literals)
            types.add(self.connection.execute(f"DESCRIBE SELECT {rendered} FROM given").fetchall()[0][1])
        (found,) = types
        return str(found)

    def _render(
        self, function: str, columns: Columns, training: Columns | None, literals: Mapping[str, Any], *, known: bool = True
    ) -> tuple[str, Arguments]:
        spec = find_value_function(function)
        self._table("given", columns)
        arguments = self.arguments(function, columns, literals, known=known)
        statistics: Any = spec.statistics(arguments) if spec.statistics else ()
        if training is None:
            learned = [window_sql(statistic) for statistic in statistics]
        else:
            self._table("trained", training)
            values = learn(statistics, "trained", lambda query: self.connection.execute(query).fetchall(), "TRUE")
            pairs = enumerate(zip(statistics, values, strict=True))
            learned = [learned_sql(statistic, value, index, lambda index, terms: "") for index, (statistic, value) in pairs]
        return spec.expression(arguments, learned), arguments

    def arguments(self, function: str, columns: Columns, literals: Mapping[str, Any], *, known: bool = True) -> Arguments:
        spec = find_value_function(function)
        values = {
            parameter.name: parameter.literal.convert(literals[parameter.name]) if parameter.name in literals else parameter.default
            for parameter in spec.parameters
            if parameter.literal is not None
        }
        assert set(literals) <= set(values)
        types = {name: SqlType(type_) if known else None for name, (type_, _) in columns.items()}
        found = [(name, Expression(sql.quote(name), types[name], Span(0, 1))) for name in columns]
        takes = [parameter for parameter in spec.parameters if parameter.takes is not None]
        if takes[0].takes is not None and takes[0].takes.name.endswith("_FIELDS"):
            arguments = Arguments(spec.name, {}, values, {takes[0].name: tuple(found)})
        else:
            by_parameter = {parameter.name: item for parameter, (_, item) in zip(takes, found, strict=True)}
            arguments = Arguments(spec.name, by_parameter, values)
        spec.check(arguments)
        return arguments

    def _table(self, name: str, columns: Columns) -> None:
        declared = ", ".join(f"{sql.quote(column)} {type_}" for column, (type_, _) in columns.items())
        self.connection.execute(f"CREATE OR REPLACE TABLE {name} ({declared})")
        values = ", ".join(f"unnest(CAST(? AS {type_}[]))" for type_, _ in columns.values())
        given = [found.tolist() if isinstance(found, np.ndarray) else list(found) for _, found in columns.values()]
        self.connection.execute(f"INSERT INTO {name} SELECT {values}", given)


@pytest.fixture
def preprocess() -> Preprocessing:
    return Preprocessing()
