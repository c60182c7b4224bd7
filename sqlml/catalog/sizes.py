"""Whether the texts of the catalog fit into memory, told from the engine's statistics before any of them is read.

A file of 1 MB can hold 10 GB of equal texts. The engine unpacks the texts of 2,048 rows at once, whichever of them are asked for, and
without a look at its memory limit; a CHECK constraint bounds one text, not two thousand. What is looked at is the tables as they were
when the file was opened: whoever adds rows later, in this process, has had them in memory.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence

from sqlml import sql
from sqlml.catalog.tables import Table
from sqlml.engines.engine import Engine
from sqlml.errors import IntegrityError

_ROWS = 2_048
"""Rows that the engine unpacks at once."""
_TEXT_BYTES = 16
"""What a text takes besides its bytes."""
_KEPT = 64
_fitting: weakref.WeakKeyDictionary[Engine, dict[object, None]] = weakref.WeakKeyDictionary()
"""The layouts of each engine's databases that were found to fit."""


def check_sizes(engine: Engine, database: str, identity: object, tables: Sequence[Table]) -> None:
    """Looks at tables once for as long as they are attached; takes some 10 ms.

    Args: identity, what tells these tables from others, as `schema.Layout.identity`.
    Raises: IntegrityError `catalog_too_large`.
    """
    known = _fitting.setdefault(engine, {})
    if identity in known or database == engine.created_database:
        return
    n_bytes, limit, where = _largest(engine, database, tables)
    if n_bytes > limit:
        raise IntegrityError(
            f"reading the models of database {database} would take {n_bytes / 1e9:.1f} GB of memory: the texts in {where}",
            code="catalog_too_large",
            hint="if you trust the file, raise memory_limit to more than twice as much",
        )  # fmt: skip
    known[identity] = None
    if len(known) > _KEPT:
        del known[next(iter(known))]


def _largest(engine: Engine, database: str, tables: Sequence[Table]) -> tuple[int, int, str]:
    """The most bytes that unpacking rows of one column can take, half of the engine's memory limit, and which column it is."""
    parts = " UNION ALL ".join(
        f"SELECT {sql.literal(table.name)} AS part, * FROM {sql.call('pragma_storage_info', sql.literal(table.path(database)))}"
        for table in tables
    )
    texts = f"{_number('total_string_length')} AS bytes, {_number('max_string_length')} AS longest"
    segments = f"SELECT part, column_name, column_path, row_group_id, count, {texts} FROM ({parts}) WHERE segment_type = 'VARCHAR'"
    # Of a column's own texts there are 2,048 at once; of those in its lists and maps perhaps all of the row group.
    is_nested = sql.call("contains", "column_path", "','")
    whole = f"{sql.call('sum', 'bytes')} + {_TEXT_BYTES} * {sql.call('sum', 'count')}"
    some = f"{_ROWS} * ({_TEXT_BYTES} + {sql.call('max', 'longest')})"
    needed = f"CASE WHEN {is_nested} THEN {whole} ELSE {sql.call('least', whole, some)} END"
    groups = f"SELECT {needed} AS needed, part, column_name FROM ({segments}) GROUP BY part, column_name, column_path, row_group_id"
    memory = sql.call("parse_formatted_bytes", sql.call("current_setting", "'memory_limit'"))
    rows = engine.rows(f"SELECT needed, {memory}, part, column_name FROM ({groups}) ORDER BY needed DESC NULLS LAST LIMIT 1")
    if not rows or rows[0][0] is None:
        return 0, 0, ""
    n_bytes, available, table_name, column = rows[0]
    return int(str(n_bytes)), int(str(available)) // 2, f"column {column} of {table_name}"


def _number(statistic: str) -> str:
    return sql.cast(sql.call("variant_extract", "stats", f"'{statistic}'"), "HUGEINT")
