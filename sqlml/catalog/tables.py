"""The catalog's tables: their columns, the statement that makes each, and rows in and out as Arrow.

This is storage format 2, written once: the DDL, the check of a stranger's schema and the Arrow types all follow from `TABLES`, and so do
those of older formats (`Table.at`). What the rows mean belongs to `rows` (versions), `chunks` (arrays) and `log` (names and events); when
they are written belongs to `publishing`.

Every text and every list has an upper limit, as a CHECK constraint. The tables of a stranger's database must carry the same constraints: a
list of a thousand million equal numbers takes no room in a file, and would take 8 GB to read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from sqlml import sql
from sqlml.engines.engine import Engine
from sqlml.errors import Error, NotSupportedError
from sqlml.state import damaged_state

SCHEMA = "sqlml"
FORMAT = 2
"""The storage format that this release writes. Older ones are read as they are, and brought here by the first change (`migrations`)."""
MAX_TEXT_BYTES = 1 << 24
"""Of one text, or of one list, map or struct written as text: 16 MiB."""
CHUNK_VALUES = 1024
"""Numbers in one row of `_state`. DuckDB unpacks the lists of 2,048 rows at a time, of whatever model they are, so long lists are dear:
with a million numbers a row, in a file of 1 GB, reading 80 MB of it took 1.9 GB of memory and writing it all 120 s; with 4,000, 0.3 GB
and 21 s."""
MAX_ROWS = 1_000_000
"""Rows of one table that are read for one request."""
_STAGED = "__sqlml_catalog_rows"

_ARROW_TYPES: Mapping[str, pa.DataType] = {
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "VARCHAR": pa.string(),
    "TIMESTAMP": pa.timestamp("us"),
    "BIGINT[]": pa.list_(pa.int64()),
    "DOUBLE[]": pa.list_(pa.float64()),
    "VARCHAR[]": pa.list_(pa.string()),
    "MAP(VARCHAR, VARCHAR)": pa.map_(pa.string(), pa.string()),
    "MAP(VARCHAR, INTEGER)": pa.map_(pa.string(), pa.int32()),
    "STRUCT(centroid_id BIGINT, cluster_radius DOUBLE, cluster_size BIGINT)[]": pa.list_(
        pa.struct([("centroid_id", pa.int64()), ("cluster_radius", pa.float64()), ("cluster_size", pa.int64())])
    ),
}
_FIXED_SIZE = {"INTEGER", "BIGINT", "DOUBLE", "TIMESTAMP"}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the catalog. `columns` are name and type, the type with NOT NULL behind it where that holds."""

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    since: int = 1
    """The format that the table came with."""
    added: tuple[tuple[int, str], ...] = ()
    """Formats that added columns, each with the first of them."""

    def at(self, number: int) -> Table:
        """The table as it was in an older format."""
        counts = [self.names.index(first) for since, first in self.added if since > number]
        return Table(self.name, self.columns[: min(counts)], self.key, self.since) if counts else self

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.columns)

    @property
    def arrow_schema(self) -> pa.Schema:
        return pa.schema([(name, _ARROW_TYPES[_bare(declared)]) for name, declared in self.columns])

    def path(self, database: str) -> str:
        """The table's full name in SQL."""
        return f"{sql.quote(database)}.{sql.quote(SCHEMA)}.{sql.quote(self.name)}"

    @property
    def definition(self) -> str:
        """What stands between the brackets of CREATE TABLE."""
        # The engine does not repeat NOT NULL for a key column, and `schema` compares with what the engine tells.
        parts = [f"{sql.quote(name)} {_bare(declared) if name in self.key else declared}" for name, declared in self.columns]
        parts.append(f"PRIMARY KEY({sql.columns(self.key)})")
        parts += [f"CHECK(({limit}))" for name, declared in self.columns if (limit := _limit(name, _bare(declared)))]
        return ", ".join(parts)


def _bare(declared: str) -> str:
    return declared.removesuffix(" NOT NULL")


def _limit(name: str, type_name: str) -> str | None:
    if type_name in _FIXED_SIZE:
        return None
    if type_name in {"BIGINT[]", "DOUBLE[]"}:
        return f"{sql.call('len', sql.quote(name))} <= {CHUNK_VALUES}"
    text = sql.quote(name) if type_name == "VARCHAR" else sql.cast(sql.quote(name), "VARCHAR")
    return f"{sql.call('strlen', text)} <= {MAX_TEXT_BYTES}"


_TEXT = "VARCHAR NOT NULL"
_INTEGER = "INTEGER NOT NULL"
_BIGINT = "BIGINT NOT NULL"
_TIME = "TIMESTAMP NOT NULL"
_TEXTS = "VARCHAR[] NOT NULL"
_MAP = "MAP(VARCHAR, VARCHAR) NOT NULL"
_VERSION = (("model_id", _TEXT), ("version", _INTEGER))
_DETAIL = (*_VERSION, ("position", _INTEGER))
_DETAIL_KEY = ("model_id", "version", "position")

FORMAT_TABLE = Table("_format", (("format", _INTEGER), ("applied_at", _TIME)), ("format",))
"""One row for the format that the schema was made in and for each migration since; the highest is the format of the whole schema."""

NAMES = Table(
    "_names",
    (
        ("schema_key", _TEXT), ("name_key", _TEXT), ("sequence", _INTEGER), ("model_id", "VARCHAR"),
        ("schema_name", _TEXT), ("model_name", _TEXT), ("happened_at", _TIME),
    ),
    ("schema_key", "name_key", "sequence"),
)  # fmt: skip
"""Claims of a name; the last one says who owns it, NULL that it is free. Never changed: two who claim a name at once meet at the key."""

EVENTS = Table(
    "_events",
    (
        ("model_id", _TEXT), ("sequence", _INTEGER), ("event", _TEXT), ("version", "INTEGER"), ("alias", "VARCHAR"), ("actor", _TEXT),
        ("happened_at", _TIME), ("schema_name", _TEXT), ("model_name", _TEXT), ("model_type", "VARCHAR"), ("default_version", "INTEGER"),
        ("last_version", _INTEGER), ("n_versions", _INTEGER), ("aliases", "MAP(VARCHAR, INTEGER)"), ("description", "VARCHAR"),
        ("labels", "MAP(VARCHAR, VARCHAR)"), ("expires_at", "TIMESTAMP"), ("created_at", _TIME),
        ("host", "VARCHAR"), ("statement", "VARCHAR"), ("reason", "VARCHAR"), ("run_id", "VARCHAR"),
    ),
    ("model_id", "sequence"),
    added=((2, "host"),),
)  # fmt: skip
"""What happened to a model (up to `happened_at`), never changed or deleted, and everything that can change as it stood afterwards: the last
row is the present, the last row before a time is that time. Every change of a model adds a row: two at once meet at the key."""

VERSIONS = Table(
    "_versions",
    (
        *_VERSION, ("model_type", _TEXT), ("statement", _TEXT), ("query", _TEXT), ("options", _MAP),
        ("given_options", _TEXTS), ("label", "VARCHAR"), ("label_type", "VARCHAR"), ("classes", _TEXTS), ("split_method", _TEXT),
        ("n_rows", _BIGINT), ("n_train", _BIGINT), ("n_eval", _BIGINT), ("seed", _BIGINT), ("hash_vector", _TEXT),
        ("libraries", _MAP), ("duration_ms", _BIGINT), ("notices", _TEXTS), ("checksum", _TEXT),
        ("created_at", _TIME),
        ("format", _INTEGER), ("parameters", _MAP), ("context", _MAP), ("environment", _MAP),
    ),
    ("model_id", "version"),
    added=((2, "format"),),
)  # fmt: skip
"""One row a version. `options` holds JSON values; `format` is that of the release which made the version: its checksum is over the columns
which that format had."""

METRICS = Table("_metrics", (*_DETAIL, ("metric", _TEXT), ("value", "DOUBLE")), _DETAIL_KEY)
ITERATIONS = Table(
    "_iterations",
    (
        *_DETAIL, ("iteration", _BIGINT), ("loss", "DOUBLE"), ("eval_loss", "DOUBLE"), ("learning_rate", "DOUBLE"),
        ("duration_ms", _BIGINT),
        ("cluster_info", "STRUCT(centroid_id BIGINT, cluster_radius DOUBLE, cluster_size BIGINT)[]"),
    ),
    _DETAIL_KEY,
)  # fmt: skip
FEATURES = Table(
    "_features",
    (
        *_DETAIL, ("name", _TEXT), ("sql_type", _TEXT), ("minimum", "DOUBLE"), ("maximum", "DOUBLE"), ("mean", "DOUBLE"),
        ("median", "DOUBLE"), ("stddev", "DOUBLE"), ("category_count", "BIGINT"), ("null_count", _BIGINT), ("dimension", "BIGINT"),
    ),
    _DETAIL_KEY,
)  # fmt: skip
SOURCES = Table(
    "_sources",
    (
        *_DETAIL, ("kind", _TEXT), ("name", _TEXT), ("n_rows", "BIGINT"), ("fingerprint", "VARCHAR"),
        ("part_of", "INTEGER"), ("columns", "VARCHAR[]"), ("partition", "VARCHAR"), ("size_bytes", "BIGINT"),
        ("modified_at", "TIMESTAMP"), ("snapshot", "VARCHAR"),
    ),
    _DETAIL_KEY,
    added=((2, "part_of"),),
)  # fmt: skip
STATE = Table(
    "_state",
    (
        *_VERSION, ("section", _TEXT), ("name", _TEXT), ("chunk", _INTEGER), ("shape", "BIGINT[]"),
        ("integers", "BIGINT[]"), ("floats", "DOUBLE[]"), ("strings", "VARCHAR[]"),
    ),
    ("model_id", "version", "section", "name", "chunk"),
)  # fmt: skip
"""Learned arrays in chunks; the shape is with chunk 0, the values in exactly one of the three columns."""

RUNS = Table(
    "_runs",
    (
        ("run_id", _TEXT), ("name", _TEXT), ("started_at", _TIME), ("finished_at", _TIME), ("actor", _TEXT), ("host", _TEXT),
        ("n_statements", _BIGINT), ("status", _TEXT), ("error_code", "VARCHAR"), ("message", "VARCHAR"),
    ),
    ("run_id",),
    since=2,
)  # fmt: skip
"""One row a script or job that ended."""

RECORD_TABLES = (VERSIONS, METRICS, ITERATIONS, FEATURES, SOURCES)
"""What a VersionRecord becomes."""
TABLES = (FORMAT_TABLE, NAMES, EVENTS, *RECORD_TABLES, STATE, RUNS)


def tables_of(number: int) -> tuple[Table, ...]:
    """The tables of a format."""
    return tuple(table.at(number) for table in TABLES if table.since <= number)


def insert(engine: Engine, database: str, table: Table, rows: pa.Table) -> None:
    """Appends rows; their columns are the table's, in order."""
    engine.register(_STAGED, rows)
    try:
        names = sql.columns(table.names)
        engine.rows(f"INSERT INTO {table.path(database)} ({names}) SELECT {names} FROM {sql.quote(_STAGED)}")
    except Error as error:
        if error.code == "constraint_violation" and "CHECK" in error.message:
            raise NotSupportedError(
                f"a text or a list of this model is longer than {MAX_TEXT_BYTES} bytes", code="model_too_large",
                hint="shorten the statement, its options or the names in it",
            ) from error  # fmt: skip
        raise
    finally:
        # What went wrong before must not be hidden by what goes wrong now.
        with contextlib.suppress(Error):
            engine.unregister(_STAGED)


def to_arrow(table: Table, rows: Sequence[Mapping[str, object]]) -> pa.Table:
    """Rows by column name as Arrow; a value that does not fit its column is a bug of the caller."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=table.arrow_schema)


def read(engine: Engine, query: str, parameters: Sequence[object]) -> list[dict[str, Any]]:
    """The rows of a query over the catalog's tables, as Python values.

    Raises: IntegrityError `damaged_state` for more than MAX_ROWS rows, and for values that Python cannot hold (the year 290,000).
    """
    found = engine.run(f"{query} LIMIT {MAX_ROWS + 1}", parameters).to_arrow()
    if found.num_rows > MAX_ROWS:
        raise damaged_state(f"more than {MAX_ROWS} rows describe one model")
    try:
        return found.to_pylist()  # type: ignore[no-any-return]  # pyarrow has no types
    except (pa.ArrowException, ValueError, OverflowError) as error:
        raise damaged_state("a value is out of range") from error
