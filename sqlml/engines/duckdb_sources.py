"""Finds what a query reads: the names in its syntax tree, resolved against the catalog, through views down to tables and files.

Which columns and which folders of files are read is taken from DuckDB's plan of the query. Nothing is run that the query itself would not
run, and nothing of a stranger's views but parsed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlml import sql
from sqlml.engines.duckdb_file_reads import FileReads, reader_of
from sqlml.engines.duckdb_plan import QueryPlan, Scan, read_plan
from sqlml.engines.duckdb_query_tree import (
    Node,
    Rows,
    TableCall,
    TableName,
    Unreadable,
    is_condition,
    is_plain,
    names,
    parse,
    split_path,
    view_body,
)  # fmt: skip
from sqlml.engines.sources import QuerySources, ReadSource

MAX_SOURCES = 1_000
"""Views, tables and sets of files of one query that are looked into."""
_SILENT = frozenset({"range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree", "glob"})
"""Table functions that read no data which could change."""
_MEMORY = re.compile(r"(python|pandas|arrow)_\w*|seq_scan")
_TABLE_FORMATS = {"iceberg_scan": "iceberg_snapshots", "delta_scan": None}
"""Functions that read a directory of another table format, and the function that lists its snapshots."""
_SAME_NAME = "WHERE system.main.lower({}) = system.main.lower($1)"
_TABLES_AND_VIEWS = (
    "SELECT 'table', database_name, schema_name, table_name, NULL, internal FROM system.main.duckdb_tables() "
    + _SAME_NAME.format("table_name")
    + " UNION ALL SELECT 'view', database_name, schema_name, view_name, sql, internal FROM system.main.duckdb_views() "
    + _SAME_NAME.format("view_name")
)
# Apart, since listing the functions of the engine takes fifteen times as long as listing tables and views.
_MACROS = (
    "SELECT 'macro', database_name, schema_name, function_name, macro_definition, internal FROM system.main.duckdb_functions() "
    + _SAME_NAME.format("function_name")
    + " AND function_type = 'table_macro'"
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A table, view or table macro of the catalog."""

    kind: str
    path: tuple[str, str, str]
    text: str | None
    is_internal: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """Where names without a database are looked for: database and schema, the first first."""

    schemas: tuple[tuple[str, str], ...]


def find_sources(rows: Rows, rows_apart: Rows, query: str, parameters: object) -> QuerySources:
    """What a query reads.

    Args: rows, runs a query on the connection; rows_apart, one over files alone on another, so that its failure has no effect.
    """
    finder = _Finder(rows, rows_apart, parameters if isinstance(parameters, Mapping) else {})
    plan = read_plan(rows, query, parameters)
    plain = False
    try:
        tree = parse(rows, query)
    except Unreadable as error:
        finder.problems.append(f"the query could not be looked into for views and files: {error}")
    else:
        finder.walk(tree, finder.here, None)
        plain = plan.is_direct and is_plain(tree)
    finder.add_planned(plan)
    sources = tuple(_with_columns(rows, source, plan, finder.sources) for source in finder.sources)
    # A plain query over a view is plain only if the view is.
    plain = plain and len(sources) == 1 and sources[0].kind != "view"
    return QuerySources(sources, tuple(dict.fromkeys(finder.problems)), plain)


class _Finder:
    """Collects sources, views before what is under them."""

    def __init__(self, rows: Rows, rows_apart: Rows, parameters: Mapping[str, object]) -> None:
        self._rows = rows
        self._files = FileReads(rows, rows_apart, parameters)
        self._known: dict[tuple[str, bool], list[_Entry]] = {}
        self._open: list[tuple[str, ...]] = []
        """Views that are being walked, to end at one that names itself."""
        self.sources: list[ReadSource] = []
        self.problems: list[str] = []
        ((database, schema, search_path),) = rows(
            "SELECT system.main.current_database(), system.main.current_schema(), system.main.current_setting('search_path')"
        )
        listed = [split_path(part) for part in _PATH_ENTRY.findall(str(search_path or ""))]
        schemas = [(part[0], part[1]) if len(part) > 1 else (str(database), part[0]) for part in listed if part]
        self.here = _Place(tuple(dict.fromkeys([("temp", "main"), *schemas, (str(database), str(schema)), (str(database), "main")])))
        self._types = {
            str(name): str(type_) for name, type_ in rows("SELECT database_name, type FROM system.main.duckdb_databases()")
        }  # fmt: skip

    def walk(self, tree: Node, place: _Place, parent: int | None) -> None:
        """Adds what a tree names."""
        for name in names(tree):
            if len(self.sources) >= MAX_SOURCES:
                self.problems.append(f"only the first {MAX_SOURCES} tables, views and sets of files of the query are recorded")
                return
            if isinstance(name, TableName):
                self._add_name(name, place, parent)
            else:
                self._add_call(name, place, parent)

    def add_planned(self, plan: QueryPlan) -> None:
        """Adds tables that the plan reads and no tree named: of a statement without a tree, or behind a function."""
        known = {_folded(source.path) for source in self.sources if source.kind == "table"}
        for scan in plan.scans:
            if scan.table is not None and len(scan.table) == 3 and _folded(scan.table) not in known:
                known.add(_folded(scan.table))
                if not _is_ours(scan.table):
                    self._add(self._table(scan.table, None))

    def _add_name(self, name: TableName, place: _Place, parent: int | None) -> None:
        if _is_ours(name.path):
            return
        entry = self._resolve(name.path, place, ("table", "view"))
        if entry is None:
            if len(name.path) == 1 and (reader := reader_of(name.path[0])) is not None:
                self._add_files(TableCall(reader, (("", _constant(name.path[0])),)), parent)
            elif name.path[0].casefold() not in ("information_schema", "pg_catalog", "system"):
                self.problems.append(f"{'.'.join(name.path)}, which the query reads, is neither a table nor a view")
            return
        if entry.is_internal:
            return
        if entry.kind == "table":
            self._add(self._table(entry.path, parent))
        else:
            self._add_view(entry, parent)

    def _add_view(self, entry: _Entry, parent: int | None) -> None:
        if entry.path in self._open:
            return
        body = entry.text if entry.kind == "macro" else view_body(entry.text or "")
        name = ".".join(entry.path)
        try:
            tree = parse(self._rows, body) if body else None
        except Unreadable as error:
            self.problems.append(f"view {name} could not be looked into: {error}")
            tree = None
        else:
            if tree is None:
                self.problems.append(f"view {name} could not be looked into: its statement is of an unknown form")
        if (
            tree is not None
            and all(isinstance(part, TableCall) and _MEMORY.fullmatch(part.function) for part in names(tree))
            and names(tree)
        ):
            # A data frame that was registered is a temporary view over memory.
            self._add(self._table(entry.path, parent))
            return
        n_before = len(self.sources)
        index = self._add(ReadSource("view", entry.path, parent, definition=body))
        if tree is not None and index == n_before:
            self._open.append(entry.path)
            schemas = ((entry.path[0], entry.path[1]), (entry.path[0], "main"), *self.here.schemas)
            self.walk(tree, _Place(tuple(dict.fromkeys(schemas))), index)
            self._open.pop()

    def _add_call(self, call: TableCall, place: _Place, parent: int | None) -> None:
        if reader_of(call.function) is not None:
            self._add_files(call, parent)
        elif call.function in _TABLE_FORMATS:
            self._add_directory(call, parent)
        elif call.function not in _SILENT and not call.function.startswith(("duckdb_", "pragma_")):
            macro = self._resolve((call.function,), place, ("macro",))
            if macro is not None:
                self._add_view(macro, parent)
            else:
                self.problems.append(f"what {call.function}(…) reads is not in the lineage")

    def _add_files(self, call: TableCall, parent: int | None) -> None:
        source, problem = self._files.source(call, parent)
        self._add(source)
        if problem is not None:
            self.problems.append(problem)

    def _add_directory(self, call: TableCall, parent: int | None) -> None:
        path = self._files.paths(call)
        if not isinstance(path, str):
            self.problems.append(f"what {call.function}(…) reads is not in the lineage")
            return
        text = sql.literal(path)
        snapshots = _TABLE_FORMATS[call.function]
        query = None if snapshots is None else f"SELECT system.main.max_by(snapshot_id, sequence_number) FROM {snapshots}({text})"
        self._add(ReadSource("dataset", (path,), parent, relation=f"{call.function}({text})", snapshot_query=query))

    def _table(self, path: tuple[str, ...], parent: int | None) -> ReadSource:
        relation = ".".join(sql.quote(part) for part in path)
        snapshot = None
        if self._types.get(path[0]) == "ducklake":
            snapshot = f"SELECT system.main.max(snapshot_id) FROM ducklake_snapshots({sql.literal(path[0])})"
        return ReadSource("table", path, parent, relation=relation, snapshot_query=snapshot)

    def _add(self, source: ReadSource) -> int:
        for index, known in enumerate(self.sources):
            if (known.kind, known.part_of, _folded(known.path)) == (source.kind, source.part_of, _folded(source.path)):
                return index
        self.sources.append(source)
        return len(self.sources) - 1

    def _resolve(self, path: tuple[str, ...], place: _Place, kinds: Sequence[str]) -> _Entry | None:
        """The entry that a name means, as the engine finds it: the search path for one part, schema or database for two."""
        entries = [entry for entry in self._entries(path[-1], kinds) if entry.kind in kinds]
        if len(path) >= 3:
            places = [(path[-3], path[-2])]
        elif len(path) == 2:
            databases = list(dict.fromkeys(database for database, _ in place.schemas))
            places = [*((database, path[0]) for database in databases), (path[0], "main")]
            places += [(path[0], entry.path[1]) for entry in entries]
        else:
            places = [*place.schemas, ("system", "main"), ("system", "pg_catalog")]
        for wanted in places:
            for entry in entries:
                if _folded(entry.path[:2]) == _folded(wanted):
                    return entry
        return None

    def _entries(self, name: str, kinds: Sequence[str]) -> list[_Entry]:
        key = (name.casefold(), "macro" in kinds)
        if key not in self._known:
            query = _MACROS if "macro" in kinds else _TABLES_AND_VIEWS
            self._known[key] = [
                _Entry(str(kind), (str(database), str(schema), str(found_name)), None if text is None else str(text), bool(internal))
                for kind, database, schema, found_name, text, internal in self._rows(query, [name])
            ]
        return self._known[key]


_PATH_ENTRY = re.compile(r'(?:"(?:[^"]|"")*"|[^,"])+')


def _with_columns(rows: Rows, source: ReadSource, plan: QueryPlan, sources: Sequence[ReadSource]) -> ReadSource:
    """A source with what the plan tells of it."""
    if source.kind == "view":
        return source
    if source.kind == "table":
        scans = [scan for scan in plan.scans if scan.table is not None and _folded(scan.table) == _folded(source.path)]
        if source.path[0] == "temp" and not scans:
            scans = [scan for scan in plan.scans if scan.function is not None and _MEMORY.fullmatch(scan.function)]
        return replace(source, columns=_union(scans))
    scans = [scan for scan in plan.scans if scan.function is not None and reader_of(scan.function) is not None]
    datasets = [other for other in sources if other.kind == "dataset"]
    found = replace(source, columns=_union(scans))
    if len(scans) == 1 and len(datasets) == 1 and scans[0].n_files is not None:
        condition = " AND ".join(f"({part})" for part in scans[0].file_filters)
        if condition and is_condition(rows, condition):
            return replace(found, condition=condition, n_files=scans[0].n_files)
    return found


def _union(scans: Sequence[Scan]) -> tuple[str, ...] | None:
    columns: set[str] = set()
    for scan in scans:
        if not scan.columns:
            return None
        columns.update(scan.columns)
    return tuple(sorted(columns)) if scans else None


def _folded(path: Sequence[str]) -> tuple[str, ...]:
    return tuple(part.casefold() for part in path)


def _is_ours(path: Sequence[str]) -> bool:
    """Whether a table is registered by sqlml for a statement."""
    return path[-1].startswith("__sqlml_")


def _constant(text: str) -> Node:
    return {"class": "CONSTANT", "type": "VALUE_CONSTANT", "alias": "", "literal": {"kind": "STRING", "text": text}}
