"""BigQuery's types and DuckDB's: what a type in a statement becomes, and what a column of a result is called."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlglot import exp

from sqlml.types import SqlType

DUCKDB_TYPES: Mapping[str, str] = {
    "INT64": "BIGINT", "INT": "BIGINT", "SMALLINT": "BIGINT", "INTEGER": "BIGINT", "BIGINT": "BIGINT", "TINYINT": "BIGINT",
    "BYTEINT": "BIGINT",
    "FLOAT64": "DOUBLE", "NUMERIC": "DECIMAL(38, 9)", "DECIMAL": "DECIMAL(38, 9)", "BIGNUMERIC": "DECIMAL(38, 18)",
    "BIGDECIMAL": "DECIMAL(38, 18)", "BOOL": "BOOLEAN", "BOOLEAN": "BOOLEAN", "STRING": "VARCHAR", "BYTES": "BLOB", "DATE": "DATE",
    "DATETIME": "TIMESTAMP", "TIME": "TIME", "TIMESTAMP": "TIMESTAMP WITH TIME ZONE", "JSON": "JSON", "INTERVAL": "INTERVAL",
}  # fmt: skip
"""BigQuery's name to DuckDB's. BIGNUMERIC has 38 digits before and 38 behind the point in BigQuery; DuckDB's numbers have 38 in all."""

BIGQUERY_TYPES: Mapping[str, str] = {
    "BIGINT": "INT64", "INTEGER": "INT64", "SMALLINT": "INT64", "TINYINT": "INT64", "UBIGINT": "NUMERIC", "HUGEINT": "NUMERIC",
    "UHUGEINT": "NUMERIC", "UINTEGER": "INT64", "USMALLINT": "INT64", "UTINYINT": "INT64", "DOUBLE": "FLOAT64", "FLOAT": "FLOAT64",
    "BOOLEAN": "BOOL", "VARCHAR": "STRING", "BLOB": "BYTES", "DATE": "DATE", "TIMESTAMP": "DATETIME",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "TIME": "TIME", "JSON": "JSON", "INTERVAL": "INTERVAL", "UUID": "STRING", "TIMESTAMP_NS": "DATETIME", "TIMESTAMP_MS": "DATETIME",
    "TIMESTAMP_S": "DATETIME", "BIT": "BYTES",
}  # fmt: skip
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_MAP = re.compile(r"MAP\((.*)\)", re.DOTALL)
_DECIMAL = re.compile(r"DECIMAL\((\d+), ?(\d+)\)")

_NODES: Mapping[exp.DType, str] = {
    exp.DType.BIGINT: "BIGINT", exp.DType.INT: "BIGINT", exp.DType.SMALLINT: "BIGINT", exp.DType.TINYINT: "BIGINT",
    exp.DType.DOUBLE: "DOUBLE",
    exp.DType.DECIMAL: "DECIMAL(38, 9)", exp.DType.BIGDECIMAL: "DECIMAL(38, 18)", exp.DType.BOOLEAN: "BOOLEAN", exp.DType.TEXT: "VARCHAR",
    exp.DType.VARCHAR: "VARCHAR", exp.DType.BINARY: "BLOB", exp.DType.VARBINARY: "BLOB", exp.DType.DATE: "DATE",
    exp.DType.DATETIME: "TIMESTAMP", exp.DType.TIMESTAMP: "TIMESTAMP", exp.DType.TIME: "TIME",
    exp.DType.TIMESTAMPTZ: "TIMESTAMP WITH TIME ZONE",
    exp.DType.JSON: "JSON", exp.DType.INTERVAL: "INTERVAL",
}  # fmt: skip


def duckdb_type(node: exp.DataType) -> str | None:
    """A type as sqlglot read it from BigQuery's SQL, as DuckDB writes it; None for one that DuckDB has nothing for."""
    kind = node.this
    if kind == exp.DType.ARRAY:
        inner = duckdb_type(node.expressions[0]) if node.expressions else None
        return None if inner is None else f"{inner}[]"
    if kind == exp.DType.STRUCT:
        return _struct(node)
    if kind == exp.DType.DECIMAL and node.expressions:
        numbers = [int(part.name) for part in node.expressions]
        return f"DECIMAL({numbers[0]}, {numbers[1] if len(numbers) > 1 else 0})" if numbers[0] <= 38 else None
    return _NODES.get(kind)


def _struct(node: exp.DataType) -> str | None:
    fields = []
    for index, field in enumerate(node.expressions):
        named = isinstance(field, exp.ColumnDef)
        inner = duckdb_type(field.args["kind"] if named else field)
        if inner is None:
            return None
        name = field.name if named else f"_field_{index + 1}"
        fields.append(f'"{name.replace(chr(34), chr(34) * 2)}" {inner}')
    return f"STRUCT({', '.join(fields)})"


def bigquery_type(duckdb: str) -> str:
    """The type of a result's column as BigQuery calls it, `ARRAY<STRUCT<a INT64, b STRING>>`; an unknown one keeps DuckDB's name."""
    type_ = SqlType(duckdb)
    if type_.element is not None:
        return f"ARRAY<{bigquery_type(type_.element.name)}>"
    if type_.fields:
        return f"STRUCT<{', '.join(f'{_field_name(field.name)}{bigquery_type(field.type.name)}' for field in type_.fields)}>"
    decimal = _DECIMAL.fullmatch(duckdb)
    if decimal is not None:
        return "NUMERIC" if int(decimal[2]) <= 9 and int(decimal[1]) - int(decimal[2]) <= 29 else "BIGNUMERIC"
    if duckdb.startswith("ENUM("):
        return "STRING"
    map_ = _MAP.fullmatch(duckdb)
    if map_ is not None:  # as BigQuery reads maps of files
        fields = SqlType(f"STRUCT({map_[1]})").fields or SqlType(f"TUPLE({map_[1]})").fields
        if len(fields) == 2:
            key, value = (bigquery_type(field.type.name) for field in fields)
            return f"ARRAY<STRUCT<key {key}, value {value}>>"
    return BIGQUERY_TYPES.get(duckdb, duckdb)


def _field_name(name: str) -> str:
    if not name:
        return ""
    return f"{name} " if _PLAIN_NAME.fullmatch(name) else f"`{name}` "
