"""BigQuery ML's SQL on DuckDB: train, evaluate and predict where the tables lie.

    import sqlml

    with sqlml.connect("penguins.duckdb") as connection:
        connection.execute('''
            CREATE OR REPLACE MODEL body_mass
              OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['body_mass_g']) AS
              SELECT species, flipper_length_mm, sex, body_mass_g FROM penguins WHERE body_mass_g IS NOT NULL
        ''')
        for row in connection.execute("SELECT species, predicted_body_mass_g FROM ML.PREDICT(MODEL body_mass, TABLE penguins)"):
            print(row)

The module follows PEP 249. Importing it loads neither DuckDB nor any library of numbers; `connect` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlml.dbapi.connection import Connection, connect
from sqlml.dbapi.cursor import Cursor
from sqlml.dbapi.types import (
    BINARY,
    DATETIME,
    NUMBER,
    ROWID,
    STRING,
    Binary,
    Date,
    DateFromTicks,
    Time,
    TimeFromTicks,
    Timestamp,
    TimestampFromTicks,
)
from sqlml.errors import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,  # noqa: A004 - the name is PEP 249's
)
from sqlml.plan.check import Problem, check

if TYPE_CHECKING:
    __version__: str

apilevel = "2.0"
threadsafety = 1
"""Threads may share the module and not connections; only `Connection.interrupt` may be called from another thread."""
paramstyle = "qmark"
"""`?` with a sequence. `$1` with a sequence and `$name` with a mapping are taken as well."""

__all__ = [
    "BINARY",
    "DATETIME",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "Problem",
    "ProgrammingError",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "Warning",
    "__version__",
    "apilevel",
    "check",
    "connect",
    "paramstyle",
    "threadsafety",
]


def __getattr__(name: str) -> object:
    """The version is looked up when it is asked for, since reading a package's metadata takes longer than importing sqlml."""
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("sqlml")
        except PackageNotFoundError:
            return "0+source"  # run from a source tree that was never installed
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
