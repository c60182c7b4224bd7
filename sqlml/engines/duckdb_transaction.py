"""Whether a transaction is open on a DuckDB connection, and whether it has failed.

DuckDB is asked, and statements are not interpreted: two reads in one transaction have one transaction id, in a failed one they are
refused. Asking takes two small queries (0.5 ms), so it is done after statements that begin with a word of transaction control, after
errors, and, on a connection that its user also uses directly, whenever the answer is wanted.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from sqlml.engines.duckdb_calls import _sqlml_call as call

if TYPE_CHECKING:
    import duckdb

_WHICH = "SELECT system.main.txid_current()"
_CONTROL = {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT"}


class Transaction(enum.Enum):
    """The state of a connection's transaction."""

    NONE = "none"
    """Every statement commits by itself."""
    OPEN = "open"
    ABORTED = "aborted"
    """A statement in it failed: DuckDB refuses all but ROLLBACK, and turns COMMIT into ROLLBACK without a word."""


def is_control(word: str) -> bool:
    """Whether a statement that begins with this word may begin or end a transaction. (A prepared statement cannot.)"""
    return word in _CONTROL


def ask(connection: duckdb.DuckDBPyConnection, known: Transaction) -> Transaction:
    """The state of the connection's transaction; `known` when the user has a result open there, which asking would destroy."""
    import duckdb

    try:
        first = call(connection.sql, _WHICH).fetchall()
        second = call(connection.sql, _WHICH).fetchall()
    except duckdb.ResourceInUseException:
        return known
    except duckdb.TransactionException:
        return Transaction.ABORTED
    except duckdb.ConnectionException:
        return Transaction.NONE  # closed
    except duckdb.FatalException:
        # The engine has given the database up, and refuses every statement until it is opened again.
        return Transaction.NONE if known is Transaction.NONE else Transaction.ABORTED
    return Transaction.OPEN if first == second else Transaction.NONE
