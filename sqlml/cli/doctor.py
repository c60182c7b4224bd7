"""`sqlml doctor`: examines the models of a database file and says what is wrong with them, for people or as JSON.

The file is attached to an engine in memory, read-only unless `--repair` is given, so that no macro of it stands in the way of a call.
"""

from __future__ import annotations

import contextlib
import datetime
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlml.cli.exit_codes import ExitCode
from sqlml.errors import Error, IntegrityError, OperationalError

if TYPE_CHECKING:
    from sqlml.catalog.doctor import Examination, VersionHealth
    from sqlml.catalog.records import StoredVersion
    from sqlml.catalog.unreachable import Rows
    from sqlml.engines.engine import Engine
    from sqlml.render.terminal import Terminal

_DOUBTS = {"foreign_catalog", "newer_format", "shadowed_builtin", "unreadable"}
"""Findings that leave it open what the rows mean, so that none can be called superfluous."""
_TAKEN_NAMES = {"", "memory", "system", "temp", "main"}


@dataclass(frozen=True, slots=True)
class DoctorArguments:
    """What `sqlml doctor` was asked."""

    database: str
    repair: bool
    as_json: bool
    keep_versions: int | None
    """None for what the settings say."""


@dataclass(frozen=True, slots=True)
class Repairs:
    """What was repaired."""

    removed: Sequence[Rows] = ()
    views: Sequence[str] = ()
    """Those that were made anew."""


def run_doctor(arguments: DoctorArguments) -> ExitCode:
    """Examines, repairs if that is asked for, and shows what was found."""
    from sqlml.render.messages import error_text
    from sqlml.render.terminal import Terminal
    from sqlml.session.settings_sources import initial_settings

    terminal = Terminal()
    try:
        keep_versions = initial_settings().keep_versions if arguments.keep_versions is None else arguments.keep_versions
        with _opened(arguments) as (engine, database):
            found = _examine(engine, database, keep_versions)
            done, refusal = _repair(engine, database, found) if arguments.repair else (Repairs(), None)
            if done.removed or done.views:
                found = _examine(engine, database, keep_versions)
    except Error as error:
        terminal.err.write(error_text(error, terminal) + "\n")
        return ExitCode.CANNOT_OPEN
    lines = _as_json(arguments.database, found, done) if arguments.as_json else _for_people(terminal, found, done, arguments)
    for line in lines:
        sys.stdout.write(line + "\n")
    if refusal is not None:
        sys.stdout.flush()
        terminal.err.write(error_text(refusal, terminal) + "\n")
    return ExitCode.PROBLEMS_FOUND if found.problems or refusal is not None else ExitCode.OK


@contextlib.contextmanager
def _opened(arguments: DoctorArguments) -> Iterator[tuple[Engine, str]]:
    """An engine, and the name that the examined file has there."""
    from sqlml import sql
    from sqlml.engines.duckdb import open_engine

    path = Path(arguments.database)
    if not path.is_file():
        raise OperationalError(
            f'there is no file "{arguments.database}"', code="file_not_found", hint="sqlml doctor takes the path of a DuckDB database file"
        )
    database = f"{path.stem}_" if path.stem.lower() in _TAKEN_NAMES or path.stem.startswith("__sqlml") else path.stem
    engine = open_engine()
    try:
        mode = "" if arguments.repair else " (READ_ONLY)"
        engine.rows(f"ATTACH {sql.literal(str(path))} AS {sql.quote(database)}{mode}")
        yield engine, database
    finally:
        engine.close()


def _examine(engine: Engine, database: str, keep_versions: int | None) -> Examination:
    from sqlml.catalog.doctor import examine
    from sqlml.catalog.store import Catalog
    from sqlml.session.models import LoadedModels

    models = LoadedModels(engine, Catalog(engine))

    def check(version: StoredVersion) -> None:
        models.release(models.adopt(version))

    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    return examine(engine, database, check, keep_versions=keep_versions, now=now)


def _repair(engine: Engine, database: str, found: Examination) -> tuple[Repairs, Error | None]:
    """Removes what nothing can reach and makes broken views anew, in one transaction.

    Returns: what was done, and why nothing was where it could not be.
    """
    from sqlml.catalog.schema import check_schema
    from sqlml.catalog.unreachable import remove_unreachable
    from sqlml.catalog.view_checks import make_views

    doubts = [finding for finding in found.findings if finding.kind in _DOUBTS]
    if doubts:
        return Repairs(), IntegrityError(f"nothing was repaired: {doubts[0].message}", code="not_repaired")
    if not found.unreachable and not found.broken_views:
        return Repairs(), None
    try:
        engine.begin()
        check_schema(engine, database)
        done = Repairs(remove_unreachable(engine, database), tuple(found.broken_views))
        make_views(engine, database, done.views)
        engine.commit()
    except Error as error:
        with contextlib.suppress(Error):
            engine.rollback()
        return Repairs(), error
    return done, None


def _as_json(path: str, found: Examination, done: Repairs) -> Iterator[str]:
    import json

    from sqlml.catalog.tables import FORMAT

    models: dict[str, list[dict[str, object]]] = {}
    for version in found.versions:
        models.setdefault(version.model, []).append(asdict(version))
    yield json.dumps(
        {
            "database": path, "healthy": not found.problems, "format": found.format, "latest_format": FORMAT,
            "models": [{"model": name, "n_bytes": sum(int(str(v["n_bytes"])) for v in versions), "versions": versions}
                       for name, versions in models.items()],
            "findings": [asdict(finding) for finding in found.findings],
            "removed": [asdict(row) for row in done.removed], "views_made": list(done.views),
        },
        indent=2,
    )  # fmt: skip


def _for_people(terminal: Terminal, found: Examination, done: Repairs, arguments: DoctorArguments) -> Iterator[str]:
    if found.versions:
        columns = {"model": "VARCHAR", "version": "BIGINT", "type": "VARCHAR", "rows": "BIGINT", "size": "VARCHAR", "condition": "VARCHAR"}
        yield from _table(terminal, columns, [
            (v.model, v.version, v.model_type, v.n_rows, _size(v.n_bytes), _condition(v)) for v in found.versions
        ])  # fmt: skip
    if found.findings:
        columns = {"": "VARCHAR", "model": "VARCHAR", "version": "BIGINT", "finding": "VARCHAR"}
        yield from _table(terminal, columns, [
            ("problem" if finding.is_problem else "note", finding.model, finding.version, finding.message) for finding in found.findings
        ])  # fmt: skip
    if done.removed:
        n_rows = sum(row.n_rows for row in done.removed)
        yield f"removed {_count(n_rows, 'row')} of {_count(len(done.removed), 'version')} that nothing could reach"
    if done.views:
        yield f"made anew: {_views(done.views)}"
    repairable = ["removes the rows that nothing can reach"] if found.unreachable else []
    repairable += [f"makes {_views(found.broken_views)} anew"] if found.broken_views else []
    if repairable and not arguments.repair:
        yield f"sqlml doctor {arguments.database} --repair {' and '.join(repairable)}"
    elif arguments.repair and not (repairable or done.removed or done.views):
        yield "nothing to repair"
    yield _summary(found)


def _table(terminal: Terminal, columns: dict[str, str], rows: list[tuple[object, ...]]) -> Iterator[str]:
    """The lines of a table but for its count of rows."""
    from sqlml.render.tables import draw
    from sqlml.types import Column, Schema, SqlType

    schema = Schema(tuple(Column(name, SqlType(type_name)) for name, type_name in columns.items()))
    waiting = iter([rows])
    yield from list(draw(schema, lambda n_rows: next(waiting, []), terminal, sys.maxsize - 1))


def _condition(version: VersionHealth) -> str:
    parts = ["sound" if version.damage is None else "damaged"]
    parts += ["default"] if version.is_default else []
    parts += list(version.aliases)
    return ", ".join([*parts, "retention would drop it"] if version.is_surplus else parts)


def _summary(found: Examination) -> str:
    if not found.format and not found.findings:
        return "healthy: there are no models"
    n_models = len({version.model for version in found.versions})
    kept = f"{_count(n_models, 'model')}, {_count(len(found.versions), 'version')}, {_size(sum(v.n_bytes for v in found.versions))}"
    if not found.problems:
        return f"healthy: {kept}"
    kinds = Counter(finding.kind for finding in found.problems)
    return f"{_count(len(found.problems), 'problem')} ({', '.join(f'{n} {kind}' for kind, n in sorted(kinds.items()))}): {kept}"


def _views(names: Sequence[str]) -> str:
    return f"the view{'s' * (len(names) != 1)} {', '.join(names)}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _size(n_bytes: int) -> str:
    """In units of 1000 bytes."""
    size, units = float(n_bytes), iter(("kB", "MB", "GB"))
    unit = "B"
    while size >= 1000 and unit != "GB":
        size, unit = size / 1000, next(units)
    return f"{n_bytes} B" if unit == "B" else f"{size:.1f} {unit}"
