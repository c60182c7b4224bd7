"""What DuckDB's plan of a query tells of its scans: which table or reader, which columns, which files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlml.engines.duckdb_query_tree import Rows, Unreadable, columns_of, parse, split_path


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan of a plan."""

    table: tuple[str, ...] | None
    """Database, schema and name."""
    function: str | None
    """The reader of files, in lower case."""
    columns: tuple[str, ...] | None
    """What it gives on and what it filters by, as the plan writes them; None where the plan does not tell."""
    file_filters: tuple[str, ...] = ()
    n_files: int | None = None
    """Files that are left where there are file filters."""
    is_filtered: bool = False


@dataclass(frozen=True, slots=True)
class QueryPlan:
    scans: tuple[Scan, ...]
    is_direct: bool
    """Whether there is nothing but one scan without a filter, and projections."""


def read_plan(rows: Rows, query: str, parameters: object) -> QueryPlan:
    """The scans of the plan that the engine would run."""
    found = rows(f"EXPLAIN (FORMAT json) {query}", parameters)
    scans: list[Scan] = []
    operators: list[str] = []
    pending: list[dict[str, Any]] = list(json.loads(str(found[0][1])))
    while pending:
        node = pending.pop()
        pending.extend(node["children"])
        operators.append(str(node["name"]).strip())
        extra = node["extra_info"]
        if "Table" not in extra and "Function" not in extra:
            continue
        scans.append(
            Scan(
                split_path(str(extra["Table"])) if "Table" in extra else None,
                str(extra["Function"]).casefold() if "Function" in extra else None,
                _columns(rows, extra),
                _texts(extra.get("File Filters", "")),
                _first_number(str(extra.get("Scanning Files", ""))),
                bool(_texts(extra.get("Filters", ""))) or "File Filters" in extra or "Sample Method" in extra,
            )
        )
    others = [name for name in operators if name != "PROJECTION"]
    return QueryPlan(tuple(scans), len(others) == 1 and len(scans) == 1 and not scans[0].is_filtered)


def _columns(rows: Rows, extra: Mapping[str, object]) -> tuple[str, ...] | None:
    """The columns of a scan. One that it only filters by stands in the filter alone."""
    if "Projections" not in extra:
        return None
    found = list(_texts(extra["Projections"]))
    for condition in _texts(extra.get("Filters", "")):
        if "Dynamic Filter" in condition:
            continue  # made of the other side of a join while it runs, over a column that is given on
        try:
            named = columns_of(parse(rows, f"SELECT 1 WHERE {condition.removeprefix('optional: ')}"))
        except Unreadable:
            return None
        if any("." in name for name in named):
            return None  # the plan writes names without quotation marks, so this may be a field, or a name with a dot
        found += named
    return tuple(dict.fromkeys(found))


def _texts(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(str(item) for item in values if str(item))


def _first_number(text: str) -> int | None:
    number = text.partition("/")[0].strip()
    return int(number) if number.isdigit() else None
