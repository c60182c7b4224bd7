"""What a version knows of the data it was trained on: the query, its views, tables and files, each with rows and fingerprint.

A source is read once, over the columns that the query reads of it, under the training's snapshot; a table that the query gives as it is
takes the query's own fingerprint and is not read again; a view has the fingerprint of its definition. What cannot be found out is left out
and told in a notice: a training whose rows were read does not fail for its lineage.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlml import sql
from sqlml.catalog.records import SourceRecord, StoredVersion
from sqlml.engines.engine import Engine, Parameters
from sqlml.engines.sources import FILE_NAME, QuerySources, ReadSource
from sqlml.errors import Error
from sqlml.training.content_fingerprints import (
    Content,
    FileState,
    PartContent,
    PartedContent,
    content,
    content_by_file,
    content_by_part,
    content_of,
    file_states,
    partition_of,
)
from sqlml.training.data import Progress
from sqlml.training.source_changes import SourceChange, compare_sources

MAX_PARTS = 10_000
"""Files and partitions that are recorded with one version; beyond that only their number and their common fingerprint."""


@dataclass(frozen=True, slots=True)
class LineageQuery:
    """A training query, for its lineage."""

    text: str
    parameters: Parameters
    columns: tuple[str, ...]
    """Of the rows that it gives."""
    database: str
    """The model's own: tables of it are recorded without it, so that they stay themselves when the file is attached by another name."""
    partition_column: str | None = None
    """A column of tables by whose values rows are counted and hashed, too."""
    parents: tuple[SourceRecord, ...] = ()
    """Models that the query calls."""


def training_sources(
    engine: Engine, query: LineageQuery, found: QuerySources, rows: Content, progress: Progress
) -> tuple[SourceRecord, ...]:
    """The sources of a training whose rows are counted and hashed already.

    Args: found, the engine's answer about the query from before its rows were read. Asked afterwards about a file that has vanished
        meanwhile, it would fail, and end the open transaction.
    """
    collector = _Collector(engine, query, progress, {})
    records = collector.collect(found, rows)
    for problem in collector.problems:
        progress.notice("lineage", problem)
    return records


def present_sources(
    engine: Engine, query: LineageQuery, recorded: Sequence[SourceRecord], progress: Progress
) -> tuple[tuple[SourceRecord, ...], tuple[str, ...]]:
    """The sources of a query as they are now, without training, and what could not be found out.

    Fingerprints are over the columns that were recorded, so that another plan of the same query does not look like other data.

    Raises: what running the query raises.
    """
    progress.check()
    found = engine.sources(query.text, query.parameters)
    hashed = sql.call("hash", sql.columns(sorted(query.columns)))
    aggregates = f"{sql.call('count', '*')}, {sql.call('sum', sql.cast(hashed, 'HUGEINT'))}"
    (row,) = engine.rows(f"SELECT {aggregates} FROM ({query.text}\n)", query.parameters)
    columns = {(record.kind, record.name): record.columns for record in recorded if record.columns is not None}
    collector = _Collector(engine, query, progress, columns)
    return collector.collect(found, content(*row)), tuple(collector.problems)


def changed_sources(
    engine: Engine, query: LineageQuery, recorded: Sequence[SourceRecord], progress: Progress, *, same_hash: bool
) -> tuple[tuple[SourceChange, ...], tuple[str, ...]]:
    """What differs between the recorded sources of a query and the same sources now, and what could not be found out.

    Args: same_hash, as of `compare_sources`.
    Raises: what running the query raises.
    """
    now, problems = present_sources(engine, query, recorded, progress)
    return compare_sources(recorded, now, same_hash=same_hash), problems


@dataclass(frozen=True, slots=True)
class Present:
    """Recorded sources as they are now."""

    records: tuple[SourceRecord, ...]
    """Of what is there; without content where that cannot be read by itself."""
    gone: Mapping[tuple[str, str], str]
    """What is not there any more, by kind and name, and in words."""


def present_apart(engine: Engine, query: LineageQuery, recorded: Sequence[SourceRecord], progress: Progress) -> Present:
    """Tables and views of a query that itself does not run any more, each read by itself. Other kinds are there, without content.

    Raises: OperationalError `cancelled`.
    """
    databases = {name.casefold() for name in engine.databases()} | {"temp"}
    columns = {(record.kind, record.name): record.columns for record in recorded if record.columns is not None}
    collector = _Collector(engine, query, progress, columns)
    records: list[SourceRecord] = []
    gone: dict[tuple[str, str], str] = {}
    for record in recorded:
        if record.kind not in ("table", "view"):
            records.append(SourceRecord(record.kind, record.name, columns=record.columns))
            continue
        path = recorded_path(record.name, query.database)
        if path[0].casefold() not in databases:
            gone[record.kind, record.name] = f"gone: no database {path[0]} is attached"
        elif (kind := _kind_of(engine, path)) is None:
            gone[record.kind, record.name] = "gone"
        else:
            records += collector.collect_apart(record, path, kind)
    return Present(tuple(records), gone)


def recorded_path(name: str, database: str) -> tuple[str, ...]:
    """The parts of a recorded name, `qualified_name` the other way round, with the database."""
    parts = tuple(part[1:-1].replace('""', '"') if part.startswith('"') else part for part in _NAME_PART.findall(name))
    return parts if len(parts) > 2 else (database, *parts)


_NAME_PART = re.compile(r'"(?:[^"]|"")*"|[^."]+')


def _same(column: str, parameter: int) -> str:
    return f"{sql.call('lower', column)} = {sql.call('lower', f'${parameter}')}"


_ENTRIES = " UNION ALL ".join(
    f"SELECT '{kind}' FROM {sql.call(listing)}"
    f" WHERE {_same('database_name', 1)} AND {_same('schema_name', 2)} AND {_same(column, 3)}{condition}"
    for kind, listing, column, condition in (
        ("table", "duckdb_tables", "table_name", ""),
        ("view", "duckdb_views", "view_name", ""),
        ("macro", "duckdb_functions", "function_name", " AND function_type = 'table_macro'"),
    )
)


def _kind_of(engine: Engine, path: tuple[str, ...]) -> str | None:
    """What stands under a name: "table", "view" or "macro"; None where nothing does."""
    found = engine.rows(_ENTRIES, path) if len(path) == 3 else []
    return str(found[0][0]) if found else None


class _Collector:
    """Reads sources one after the other and makes records of them."""

    def __init__(self, engine: Engine, query: LineageQuery, progress: Progress, columns: Mapping[tuple[str, str], tuple[str, ...]]) -> None:
        self._engine = engine
        self._query = query
        self._progress = progress
        self._columns = columns
        """Columns to read, by kind and name, whatever the plan says."""
        self._n_parts = 0
        self._read: dict[tuple[str, str], list[SourceRecord]] = {}
        """What was read already, by kind and name: a table may stand under several views."""
        self.problems: list[str] = []

    def collect(self, found: QuerySources, rows: Content) -> tuple[SourceRecord, ...]:
        query = self._query
        records = [SourceRecord("query", query.text, rows.n_rows, rows.fingerprint)]
        positions: list[int] = []
        for source in found.sources:
            parent = None if source.part_of is None else positions[source.part_of]
            positions.append(len(records))
            made = self._records(source, rows if found.is_plain else None)
            position = len(records)
            records += [replace(made[0], part_of=parent), *(replace(part, part_of=position) for part in made[1:])]
        self.problems[:0] = found.problems
        if query.partition_column is not None and not any(record.kind == "partition" for record in records):
            self.problems.append(f"lineage_partition_col {query.partition_column}: no table that the query reads has that column")
        records += query.parents
        return tuple(records)

    def collect_apart(self, record: SourceRecord, path: tuple[str, ...], kind: str) -> list[SourceRecord]:
        """What a table or view holds now, whatever else the query needs; without content where it is of another kind, or does not run."""
        relation = ".".join(sql.quote(part) for part in path)
        if record.kind == kind == "table":
            return self._records(ReadSource("table", path, relation=relation), None)
        if record.kind == "view" and kind == "view":
            try:
                read = self._engine.sources(f"SELECT * FROM {relation}").sources
            except Error as error:
                self._pass_on(error)
                return [SourceRecord("view", record.name)]
            (source, *_) = [*(one for one in read if one.kind == "view" and one.part_of is None), ReadSource("view", path)]
            return [SourceRecord("view", record.name, fingerprint=definition_fingerprint(source))]
        return [SourceRecord(record.kind, record.name, columns=record.columns)]

    def _records(self, source: ReadSource, plain: Content | None) -> list[SourceRecord]:
        """The record of a source and those of its parts."""
        name = self._name(source)
        key = (source.kind, name)
        if key not in self._read:
            self._progress.check()
            try:
                self._read[key] = self._read_source(source, name, plain)
            except Error as error:
                self._pass_on(error)
                self.problems.append(f"{source.kind} {name} could not be read again for its fingerprint: {error.message}")
                self._read[key] = [SourceRecord(source.kind, name)]
        return self._read[key]

    def _read_source(self, source: ReadSource, name: str, plain: Content | None) -> list[SourceRecord]:
        if source.relation is None:
            return [SourceRecord(source.kind, name, fingerprint=definition_fingerprint(source))]
        snapshot = self._snapshot(source, name)
        known = self._describe(source)
        recorded = self._columns.get((source.kind, name))
        columns = _existing(recorded, known) if recorded is not None else _read_columns(source.columns, known)
        used = columns or known
        record = SourceRecord(source.kind, name, columns=columns or None, snapshot=snapshot)
        if not used:
            return [record]
        if source.listing is not None:
            return self._read_files(source, record, used)
        partition = _find(self._query.partition_column, known) if source.kind == "table" else None
        if partition is not None:
            rows = self._engine.rows
            parted = content_by_part(rows, source.relation, used, sql.quote(partition), self._room, None, None)
            parts = [
                SourceRecord(
                    "partition", name, part.content.n_rows, part.content.fingerprint, columns=columns or None,
                    partition=f"{partition}={part.name}",
                )
                for part in parted.parts
            ]  # fmt: skip
            self._count(parted, f"values of {partition} in {name}")
            return [replace(record, n_rows=parted.content.n_rows, fingerprint=parted.content.fingerprint), *parts]
        # A field of a STRUCT is written behind a dot in the plan: it is no column as it is.
        if plain is not None and sorted(self._query.columns) == sorted(used) == sorted(source.columns or ()):
            found = plain
        else:
            found = content_of(self._engine.rows, source.relation, used)
        return [replace(record, n_rows=found.n_rows, fingerprint=found.fingerprint)]

    def _read_files(self, source: ReadSource, record: SourceRecord, columns: Sequence[str]) -> list[SourceRecord]:
        assert source.relation is not None, "the caller asked"
        assert source.listing is not None, "the caller asked"
        apart = self._engine.rows_apart
        try:
            states = file_states(apart, source.listing)
        except Error as error:
            self._pass_on(error)
            states = {}  # storage that does not tell
        parted = content_by_file(apart, source.relation, columns, self._room, source.parameters, source.condition)
        if source.condition is not None and parted.n_parts != source.n_files:
            # The plan's condition is not understood, so all files count.
            parted = content_by_file(apart, source.relation, columns, self._room, source.parameters, None)
        self._count(parted, f"files of {record.name}")
        found = list(parted.parts)
        if source.condition is None and len(found) == parted.n_parts:
            # A file without rows is a part of the data, too; which of them a condition on folders takes is not known.
            found += [PartContent(path, content(0, 0)) for path in sorted(set(states) - {part.name for part in found})]
        unknown = FileState(None, None)
        files = [
            SourceRecord(
                "file", part.name, part.content.n_rows, part.content.fingerprint, None, record.columns, partition_of(part.name),
                states.get(part.name, unknown).size_bytes, states.get(part.name, unknown).modified_at,
            )
            for part in found
        ]  # fmt: skip
        sizes = [file.size_bytes for file in files]
        size = sum(size for size in sizes if size is not None) if len(files) >= parted.n_parts and None not in sizes else None
        return [replace(record, n_rows=parted.content.n_rows, fingerprint=parted.content.fingerprint, size_bytes=size), *files]

    def _describe(self, source: ReadSource) -> tuple[str, ...]:
        """The columns that a source has now."""
        query = f"SELECT * FROM {source.relation}"
        if source.kind == "dataset":
            names = tuple(str(row[0]) for row in self._engine.rows_apart(f"DESCRIBE {query}", source.parameters))
            return tuple(name for name in names if name != FILE_NAME)
        return tuple(self._engine.describe(query).names)

    def _snapshot(self, source: ReadSource, name: str) -> str | None:
        if source.snapshot_query is None:
            return None
        try:
            ((value,),) = self._engine.rows_apart(source.snapshot_query)
        except (Error, ValueError) as error:
            self.problems.append(f"the snapshot of {name} could not be found out: {error}")
            return None
        return None if value is None else str(value)

    @property
    def _room(self) -> int:
        return max(0, MAX_PARTS - self._n_parts) + 1

    def _count(self, parted: PartedContent, what: str) -> None:
        self._n_parts += len(parted.parts)
        if len(parted.parts) < parted.n_parts:
            self.problems.append(f"of {parted.n_parts} {what}, {len(parted.parts)} are recorded by themselves")

    def _name(self, source: ReadSource) -> str:
        if source.kind == "dataset":
            return source.path[0]
        path = source.path[1:] if source.path[0].casefold() == self._query.database.casefold() else source.path
        return qualified_name(path)

    def _pass_on(self, error: Error) -> None:
        """What is no matter of a source: a cancelled statement, a transaction that the failure ended."""
        if error.code == "cancelled" or self._engine.in_aborted_transaction:
            raise error


def definition_fingerprint(source: ReadSource) -> str | None:
    """What stands for the definition of a view: not the engine's hash, so that another release of it can compare it."""
    return None if source.definition is None else hashlib.sha256(source.definition.encode()).hexdigest()[:16]


def qualified_name(path: Sequence[str]) -> str:
    """The parts of a name joined with "."; a part that holds a dot or a quotation mark stands in quotes."""
    return ".".join(sql.quote(part) if "." in part or '"' in part else part for part in path)


def version_source(version: StoredVersion, database: str) -> SourceRecord:
    """A model version as a source of another.

    Args: database, that of the model which reads it.
    """
    key = version.key
    path = (key.schema, key.name) if key.database.casefold() == database.casefold() else (key.database, key.schema, key.name)
    return SourceRecord("model", f"{qualified_name(path)}@{version.version}", fingerprint=version.checksum or None)


def _read_columns(planned: tuple[str, ...] | None, known: Sequence[str]) -> tuple[str, ...]:
    """The columns that a plan reads, as the source calls them, sorted; empty where the plan does not tell."""
    if planned is None:
        return ()
    columns: set[str] = set()
    for text in planned:
        plain = text[1:-1].replace('""', '"') if len(text) > 1 and text[0] == text[-1] == '"' else text
        column = _find(plain, known) or _find(plain.partition(".")[0], known)  # a field of a STRUCT is written behind a dot
        if column is not None:
            columns.add(column)
        elif plain not in ("rowid", "filename", "file_row_number", "file_index", FILE_NAME):
            return ()
    return tuple(sorted(columns))


def _existing(recorded: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(column for name in recorded if (column := _find(name, known)) is not None))


def _find(name: str | None, known: Sequence[str]) -> str | None:
    return None if name is None else next((column for column in known if column.casefold() == name.casefold()), None)
