"""One version into the catalog's tables: its record and its arrays, under one checksum."""

from __future__ import annotations

import datetime

from sqlml.catalog.chunks import Arrays, write_arrays
from sqlml.catalog.records import VersionRecord
from sqlml.catalog.rows import record_to_tables, with_checksum
from sqlml.catalog.tables import RECORD_TABLES, insert
from sqlml.engines.engine import Engine


def write_version(
    engine: Engine, database: str, model_id: str, version: int, record: VersionRecord, arrays: Arrays, created_at: datetime.datetime
) -> None:
    """Appends all rows of a version inside the open transaction.

    Raises: NotSupportedError `model_too_large`.
    """
    tables = with_checksum(record_to_tables(record, model_id, version, created_at), arrays)
    for table in RECORD_TABLES:
        if tables[table.name].num_rows:
            insert(engine, database, table, tables[table.name])
    write_arrays(engine, database, model_id, version, arrays)
