"""A model version as the catalog keeps it. Records are values: the store reads and writes them, plans and functions use them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlml.catalog.tables import FORMAT
from sqlml.shown_names import shown_name, typed_name
from sqlml.state import Array
from sqlml.training.data import Iteration


@dataclass(frozen=True, slots=True)
class ModelKey:
    """Where a model lives. Found without regard to case; the case of creation is kept."""

    database: str
    schema: str
    name: str

    def __str__(self) -> str:
        """As messages show it: to be typed back, unless it is very long."""
        return ".".join(map(shown_name, self._parts))

    @property
    def typed(self) -> str:
        """As a statement takes it, however long it is."""
        return ".".join(map(typed_name, self._parts))

    @property
    def _parts(self) -> tuple[str, ...]:
        return (self.schema, self.name) if self.schema != "main" else (self.name,)


@dataclass(frozen=True, slots=True)
class FeatureRecord:
    """An input column and what ML.FEATURE_INFO tells of it (training rows)."""

    name: str
    sql_type: str
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    median: float | None = None
    stddev: float | None = None
    category_count: int | None = None
    null_count: int = 0
    dimension: int | None = None


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One thing that the training read, or a part of one."""

    kind: str
    """"query", "view", "table", "dataset" (files read by one call), "file", "partition" or "model"."""
    name: str
    """Of a table or view `schema.table` in the model's own database, else `database.schema.table`; a part that holds a dot or a quotation
    mark stands in quotes. So a name stays what it is when the file is attached by another name. Of a model the same with `@version` behind
    it; of a data set what the call names, of a file its path as it was read, of a partition its table, of the query its text."""
    n_rows: int | None = None
    fingerprint: str | None = None
    """Sum of row hashes, whatever the order of rows; comparable only where `hash_vector` of the version agrees. Of a model its checksum."""
    part_of: int | None = None
    """Index of the source that this one is a part of: the view of a table, the data set of a file."""
    columns: tuple[str, ...] | None = None
    """The columns that the training query read of it; the fingerprint is over these."""
    partition: str | None = None
    """Of a file in a partitioned data set: its `column=value` folders, joined with "/". Of a partition of a table `column=value`."""
    size_bytes: int | None = None
    modified_at: datetime.datetime | None = None
    """UTC, of a file."""
    snapshot: str | None = None
    """The snapshot of a DuckLake or Iceberg table that was read."""


@dataclass(frozen=True)
class VersionRecord:
    """Everything of one version but the large arrays."""

    model_type: str
    statement: str
    """As written."""
    query: str
    """The training query as run."""
    options: Mapping[str, object]
    """All options with their effective values (JSON values)."""
    given_options: tuple[str, ...]
    label: str | None
    label_type: str | None
    classes: tuple[str, ...]
    """Class labels as text in ascending order; empty unless a classifier."""
    features: tuple[FeatureRecord, ...]
    split_method: str
    n_rows: int
    n_train: int
    n_eval: int
    seed: int
    hash_vector: str
    """Self-test of the engine's hash; another value means that fingerprints cannot be compared."""
    metrics: Mapping[str, float | None]
    iterations: tuple[Iteration, ...]
    sources: tuple[SourceRecord, ...]
    libraries: Mapping[str, str]
    duration_ms: int
    notices: tuple[str, ...] = ()
    format: int = FORMAT
    """The storage format of the release that made the version."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Values of the statement's parameters by name (`p1` for the first `?` and for `$1`), as `plan.recorded` writes them."""
    context: Mapping[str, str] = field(default_factory=dict)
    """What names and times in the statement mean: database ("" for the model's own), schema, dialect, time_zone."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Where it was trained: engine, platform, processor, n_cpus, memory_bytes, threads."""


@dataclass(frozen=True)
class StoredVersion:
    """A version as read: the record, its place, and its arrays on demand."""

    key: ModelKey
    model_id: str
    version: int
    record: VersionRecord
    created_at: datetime.datetime
    arrays: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)
    """Arrays by section ("state", "encoding"), checked against the checksum."""
    checksum: str = ""


@dataclass(frozen=True)
class ModelInfo:
    """One row of SHOW MODELS."""

    key: ModelKey
    model_id: str
    model_type: str
    default_version: int
    n_versions: int
    created_at: datetime.datetime
    modified_at: datetime.datetime
    description: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    expires_at: datetime.datetime | None = None
    aliases: tuple[tuple[str, int], ...] = ()
    """Alias and version, by alias."""

    def aliases_of(self, version: int) -> tuple[str, ...]:
        return tuple(alias for alias, target in self.aliases if target == version)


Reference = int | str | datetime.datetime | None
"""Which version is meant: a number, an alias, the default at a time (UTC, without a zone), or the default now."""
