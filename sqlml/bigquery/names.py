"""Names of projects and datasets: what leads where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlml import sql

if TYPE_CHECKING:
    from sqlml.bigquery.translate import Translating


def owner(parts: Sequence[str], work: Translating) -> list[str]:
    """The database and the schema that `project.dataset`, `dataset` or nothing mean; missing ones are the current ones.

    A name of the setting `projects` leads where that says. A project that is no attached database means the current one. Several names may
    stand in one pair of backticks.
    """
    parts = [name for part in parts for name in part.split(".")]
    known = {name.casefold(): target for name, target in work.context.projects.items()}
    databases = {name.casefold() for name in work.context.databases()}
    joined = ".".join(parts)
    if joined.casefold() in known:
        return known[joined.casefold()].split(".")
    if len(parts) > 1 and parts[0].casefold() in known:
        return [*known[parts[0].casefold()].split(".")[:1], *parts[1:]]
    if len(parts) > 1 and parts[0].casefold() not in databases:
        return list(parts[1:])
    return list(parts)


def qualified(parts: Sequence[str], work: Translating) -> str:
    """The name of a table, view or function in quotes, its owner found."""
    return ".".join(sql.quote(part) for part in [*owner(parts[:-1], work), parts[-1]])


def schema_name(parts: Sequence[str], work: Translating) -> str:
    """The name of a dataset in quotes."""
    return ".".join(sql.quote(part) for part in owner(parts, work))
