"""What `sqlml doctor` finds out about the models of a database: every version is read and checked, and the log held against what is there.

Nothing that is wrong with one model keeps another from being examined, and nothing is changed. Arrays are read one version at a time, small
ones out of copies of some hundred in memory: a query by model reads the ids of all models, which in a catalog of 10,000 would take hours.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

from sqlml import sql
from sqlml.catalog.current import CurrentModel, claimed_model, fold, read_claims
from sqlml.catalog.reader import read_stored
from sqlml.catalog.records import ModelKey, StoredVersion
from sqlml.catalog.retention import surplus
from sqlml.catalog.rows import Rows as Records
from sqlml.catalog.rows import read_rows
from sqlml.catalog.schema import check_schema
from sqlml.catalog.tables import FORMAT, RECORD_TABLES, SCHEMA, STATE, tables_of
from sqlml.catalog.unreachable import CAUSES, Rows, stored_rows
from sqlml.catalog.view_checks import broken_views
from sqlml.catalog.views import VIEWS
from sqlml.engines.engine import Engine
from sqlml.errors import Error
from sqlml.shown_names import shown_name
from sqlml.state import damaged_state

_COPY = "__sqlml_doctor"
_COPIED_VERSIONS = 500
_COPIED_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know about the catalog."""

    kind: str
    message: str
    model: str | None = None
    version: int | None = None
    is_problem: bool = True
    """Or only a note."""


@dataclass(frozen=True, slots=True)
class VersionHealth:
    """A version that is stored."""

    model: str
    """Its name as a statement takes it; the model's id where no name leads to it."""
    version: int
    model_type: str | None
    is_default: bool
    aliases: tuple[str, ...]
    n_rows: int
    n_bytes: int
    damage: str | None
    """Why it cannot be loaded; None when it can."""
    is_surplus: bool
    """Whether retention would drop it when the next version comes."""


@dataclass
class Examination:
    """What was found."""

    format: int = 0
    """Of the storage; 0 where there are no models."""
    versions: list[VersionHealth] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unreachable: list[Rows] = field(default_factory=list)
    broken_views: list[str] = field(default_factory=list)
    """Views of ours that are gone or say something else, and that can be made anew."""

    @property
    def problems(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.is_problem]


def examine(
    engine: Engine, database: str, check: Callable[[StoredVersion], None], *, keep_versions: int | None, now: datetime.datetime
) -> Examination:
    """Looks at everything; whatever goes wrong with a part is a finding.

    Args:
        check: raises what is wrong with a version as it would be loaded.
        keep_versions: how many versions retention leaves; None for all.
        now: the present as UTC without a zone.
    """
    found = Examination()
    with _reported(found, "unreadable", "macros cannot be listed"):
        for macro in engine.shadowing_macros():
            message = f"{macro} has the name of a built-in function; no model runs beside it"
            found.findings.append(Finding("shadowed_builtin", message))
    with _reported(found, "unreadable", "the catalog cannot be read"):
        found.format = check_schema(engine, database)
        if found.format:
            _look_around(engine, database, found)
            with _reported(found, "unreadable", "the views cannot be examined"):
                _look_at_views(engine, database, found)
            models = _models(engine, database, found, now)
            _look_for_schemas(engine, database, models, found, now)
            stored = stored_rows(engine, database)
            _compare(models, stored, found)
            _check_versions(engine, database, models, stored, check, keep_versions, found)
    found.versions.sort(key=lambda version: (fold(version.model), version.version))
    return found


def _look_around(engine: Engine, database: str, found: Examination) -> None:
    if found.format < FORMAT:
        message = f"the catalog has storage format {found.format}; the next change brings it to {FORMAT}"
        found.findings.append(Finding("migration_pending", message, is_problem=False))
    ours = {("table", table.name) for table in tables_of(found.format)} | {(kind, name) for kind in ("table", "view") for name in VIEWS}
    query = " UNION ALL ".join(
        f"SELECT '{kind}', {name} FROM {sql.call(function)} WHERE database_name = $1 AND {sql.call('lower', 'schema_name')} = '{SCHEMA}'"
        for kind, name, function in (
            ("table", "table_name", "duckdb_tables"), ("view", "view_name", "duckdb_views"),
            ("sequence", "sequence_name", "duckdb_sequences"), ("index", "index_name", "duckdb_indexes"),
            ("trigger", "trigger_name", "duckdb_triggers"), ("macro", "function_name", "duckdb_functions"),
        )
    )  # fmt: skip
    for kind, name in sorted(engine.rows(query, [database]), key=str):
        if (kind, str(name).lower()) not in ours:
            found.findings.append(
                Finding("foreign_object", f"{kind} {shown_name(str(name))} in schema {SCHEMA} is not of sqlml", is_problem=False)
            )


def _look_at_views(engine: Engine, database: str, found: Examination) -> None:
    for view in broken_views(engine, database, found.format):
        found.findings.append(Finding(view.kind, view.problem, is_problem=not view.is_pending))
        if view.can_be_made:
            found.broken_views.append(view.name)


def _look_for_schemas(
    engine: Engine, database: str, models: Mapping[str, CurrentModel], found: Examination, now: datetime.datetime
) -> None:
    """Models whose schema somebody dropped: no name leads to them until it is there again."""
    rows = engine.rows(f"SELECT schema_name FROM {sql.call('duckdb_schemas')} WHERE database_name = $1", [database])
    schemas = {fold(str(name)) for (name,) in rows}
    for model in models.values():
        if fold(model.key.schema) not in schemas and not model.is_expired(now):
            schema = shown_name(model.key.schema)
            message = f"schema {schema} of model {model.key} is gone; CREATE SCHEMA {schema} brings it back"
            found.findings.append(Finding("lost_schema", message, model.key.typed))


def _models(engine: Engine, database: str, found: Examination, now: datetime.datetime) -> dict[str, CurrentModel]:
    """The models that names lead to, by id."""
    models: dict[str, CurrentModel] = {}
    for claim in read_claims(engine, database):
        name = ModelKey(database, claim.schema_name, claim.model_name).typed
        if claim.event is None:
            found.findings.append(Finding("lost_log", "the name belongs to a model without a log", name))
        elif claim.model_id in models:
            found.findings.append(Finding("damaged_log", f"the model has another name too: {models[claim.model_id].key}", name))
        else:
            with _reported(found, "damaged_log", "", name):
                models[claim.model_id] = model = claimed_model(database, claim)
                if model.is_expired(now):
                    found.findings.append(Finding("expired", f"the model expired at {model.info.expires_at} UTC", name, is_problem=False))
    return models


def _compare(models: dict[str, CurrentModel], stored: Sequence[Rows], found: Examination) -> None:
    """Holds what the log says against what is stored."""
    there: dict[str, set[int]] = {}
    for row in stored:
        name = _name(row, models)
        if row.cause is not None:
            found.unreachable.append(row)
            message = f"rows that nothing can reach ({row.n_rows}): {CAUSES[row.cause]}"
            found.findings.append(Finding("unreachable_rows", message, name, row.version))
        elif row.model_type is None:
            message = f"the version's record is gone; of its rows {row.n_rows} are left"
            found.findings.append(Finding("lost_record", message, name, row.version))
        else:
            there.setdefault(row.model_id, set()).add(row.version)
    for model_id in there.keys() - models.keys():
        found.findings.append(Finding("lost_name", f"no name leads to the model's {len(there[model_id])} versions", model_id))
    for model in models.values():
        numbers, name = there.get(model.model_id, set()), model.key.typed
        targets = {
            model.info.default_version: "the default version",
            **{version: f"alias {shown_name(alias)}" for alias, version in model.info.aliases},
        }
        for version, what in targets.items():
            if version not in numbers:
                found.findings.append(Finding("lost_version", f"{what} is version {version}, which is gone", name, version))
        if len(numbers) != model.info.n_versions:
            message = f"the log tells of {model.info.n_versions} versions, stored are {len(numbers)}"
            found.findings.append(Finding("lost_version", message, name))


def _check_versions(
    engine: Engine, database: str, models: dict[str, CurrentModel], stored: Sequence[Rows], check: Callable[[StoredVersion], None],
    keep_versions: int | None, found: Examination,
) -> None:  # fmt: skip
    """Reads and checks every version whose record is there and that something may reach."""
    for group in _groups([row for row in stored if row.cause is None and row.model_type is not None]):
        with _near(engine, database, group) as place:
            for model_id, rows in groupby(group, attrgetter("model_id")):
                of_model, model = list(rows), models.get(model_id)
                records = _records(engine, place, model_id)
                numbers = [row.version for row in of_model]
                drops = [] if model is None or keep_versions is None else surplus(model, numbers, keep_versions)
                for row in of_model:
                    name, damage = _name(row, models), _damage(engine, place, row, model, records, check)
                    if damage is not None:
                        found.findings.append(Finding("damaged_version", damage, name, row.version))
                    aliases = () if model is None else model.info.aliases_of(row.version)
                    is_default = model is not None and model.info.default_version == row.version
                    found.versions.append(
                        VersionHealth(
                            name, row.version, row.model_type, is_default, aliases, row.n_rows, row.n_bytes, damage, row.version in drops
                        )
                    )


def _records(engine: Engine, place: str, model_id: str) -> dict[int, Records]:
    """The records of a model's versions; none when one of them cannot be read, and each has to be tried."""
    try:
        return read_rows(engine, place, model_id)
    except Error:
        return {}


def _damage(
    engine: Engine,
    place: str,
    row: Rows,
    model: CurrentModel | None,
    records: Mapping[int, Records],
    check: Callable[[StoredVersion], None],
) -> str | None:
    schema, name = ("main", row.model_id) if model is None else (model.key.schema, model.key.name)
    try:
        rows = records.get(row.version) or read_rows(engine, place, row.model_id, row.version).get(row.version)
        if rows is None:
            raise damaged_state("its record is missing")
        check(read_stored(engine, ModelKey(place, schema, name), row.model_id, row.version, rows))
    except Error as error:
        return error.message
    except Exception as error:  # noqa: BLE001 - whatever a stranger's file makes fail, the other versions are still to be examined
        return f"it cannot be read: {error}"
    return None


def _groups(rows: Sequence[Rows]) -> Iterator[list[Rows]]:
    """Models together, as many as are copied at a time."""
    group: list[Rows] = []
    for _, of_model in groupby(rows, attrgetter("model_id")):
        more = list(of_model)
        if group and (len(group) + len(more) > _COPIED_VERSIONS or sum(row.n_bytes for row in (*group, *more)) > _COPIED_BYTES):
            yield group
            group = []
        group += more
    if group:
        yield group


@contextlib.contextmanager
def _near(engine: Engine, database: str, group: Sequence[Rows]) -> Iterator[str]:
    """The database to read the versions from: one in memory that holds copies, or the examined one where they cannot be copied."""
    is_small = sum(row.n_bytes for row in group) <= _COPIED_BYTES
    try:
        yield _COPY if is_small and _copy(engine, database, group) else database
    finally:
        with contextlib.suppress(Error):
            engine.rows(f"DETACH DATABASE IF EXISTS {_COPY}")


def _copy(engine: Engine, database: str, group: Sequence[Rows]) -> bool:
    ids = ", ".join(sorted({sql.literal(row.model_id) for row in group}))
    try:
        engine.rows(f"ATTACH ':memory:' AS {_COPY}")
        engine.rows(f"CREATE SCHEMA {_COPY}.{SCHEMA}")
        for table in (*RECORD_TABLES, STATE):
            engine.rows(f"CREATE TABLE {table.path(_COPY)} AS SELECT * FROM {table.path(database)} WHERE model_id IN ({ids})")
    except Error:  # a row that cannot be read spoils the copy of all
        return False
    return True


@contextlib.contextmanager
def _reported(found: Examination, kind: str, what: str, model: str | None = None) -> Iterator[None]:
    """Makes a finding of whatever goes wrong inside."""
    try:
        yield
    except Error as error:
        code = error.code if error.code in ("foreign_catalog", "newer_format") else kind
        found.findings.append(Finding(code, f"{what}: {error.message}" if what and code == kind else error.message, model))
    except Exception as error:  # noqa: BLE001 - whatever a stranger's file makes fail, there is something to say about the rest
        found.findings.append(Finding(kind, f"{what}: {error}", model))


def _name(row: Rows, models: dict[str, CurrentModel]) -> str:
    model = models.get(row.model_id)
    return row.model_id if model is None else model.key.typed
