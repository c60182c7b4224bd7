"""Queries over files on a connection of their own: whatever fails there leaves the open transaction as it is.

DuckDB ends a transaction at the first error, even at a file that is gone. Files belong to no transaction, so nothing is lost by reading
them elsewhere; temporary tables and settings of the session are not seen there.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sqlml.engines.duckdb_calls import _sqlml_call as call
from sqlml.engines.duckdb_errors import translated

if TYPE_CHECKING:
    import duckdb

    from sqlml.engines.duckdb_results import Row
    from sqlml.engines.engine import Parameters


class Aside:
    """Opens a second connection for each query."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._running: duckdb.DuckDBPyConnection | None = None

    def rows(self, query: str, parameters: Parameters = None) -> list[Row]:
        """All rows of a query over files and constants.

        Raises: Error of the class that fits.
        """
        try:
            with contextlib.closing(self._connection.cursor()) as cursor:
                self._running = cursor
                found: list[Row] = call(cursor.execute, query, parameters or None).fetchall()
                return found
        except (AttributeError, NameError, AssertionError):
            raise
        except Exception as error:
            raise translated(error, query) from error
        finally:
            self._running = None

    def interrupt(self) -> None:
        """Stops the running query, from any thread."""
        running = self._running
        if running is not None:
            with contextlib.suppress(Exception):
                running.interrupt()
