"""Values as BigQuery's documentation prints them: what the examples of the table of translations are compared as."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal

import duckdb

from sqlml.bigquery.translate import Context, translate


def connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def value_of(expression: str, connection: duckdb.DuckDBPyConnection) -> str:
    """The value of an expression in BigQuery's SQL, as text."""
    ((value,),) = connection.execute(translate(f"SELECT {expression}", Context())).fetchall()
    return shown(value)


def shown(value: object) -> str:
    """`NULL`, `true`, `1`, `1.5`, `[1, 2]`, `{a: 1, b: x}`, `2026-01-31 10:00:00+00`, `b"\\x61"`; text as it is."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case float():
            if math.isnan(value) or math.isinf(value):
                return str(value).replace("inf", "+inf") if value == math.inf else str(value)
            return repr(value)
        case Decimal():
            return format(value.normalize(), "f")
        case bytes():
            return 'b"' + "".join(chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in value) + '"'
        case list() | tuple():
            return "[" + ", ".join(shown(item) for item in value) + "]"
        case dict():
            return "{" + ", ".join(f"{name}: {shown(item)}" for name, item in value.items()) + "}"
        case datetime.datetime():
            text = value.replace(tzinfo=None).isoformat(sep=" ")
            return f"{text}+00" if value.tzinfo is not None else text
        case datetime.date() | datetime.time():
            return value.isoformat()
        case _:
            return str(value)
