"""Models that come from another name, database or folder: all of a model with its history, or one version of it.

What comes is read and written in one transaction of the database that it goes to, a version at a time, and the checksum of each is looked
at before it is written. The copy is a model of its own: it has an id of its own, and so new checksums.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlml import sql
from sqlml.catalog.current import CurrentModel, version_numbers
from sqlml.catalog.log import claim_name, following, log_creation, log_event
from sqlml.catalog.publishing import check_schema_exists, check_writable, check_writable_in_transaction, run_change
from sqlml.catalog.records import ModelKey, Reference, StoredVersion
from sqlml.catalog.references import resolve
from sqlml.catalog.retention import drop_beyond
from sqlml.catalog.schema import check_schema
from sqlml.catalog.store import Catalog
from sqlml.catalog.tables import EVENTS, FORMAT
from sqlml.catalog.version_rows import write_version
from sqlml.engines.engine import Engine
from sqlml.errors import ProgrammingError
from sqlml.shown_names import shown_name, typed_name
from sqlml.state import damaged_state


@dataclass(frozen=True, slots=True)
class Incoming:
    """A model, or one version of one, as it is where it comes from."""

    versions: tuple[int, ...]
    """Their numbers, in order; exactly one where there is no history."""
    load: Callable[[int], StoredVersion]
    """A version with its arrays, checked against its checksum."""
    event: str
    """What the log says of its coming: "copied", "imported"."""
    reason: str
    """Where it comes from."""
    model: CurrentModel | None = None
    """The model that comes with all of its versions; None for one version."""
    copy_history: Callable[[ModelKey, str], None] | None = None
    """(place, model_id) -> None: writes the model's events, up to `model.event`, for a new id and under the name that it has there."""


@dataclass(frozen=True, slots=True)
class Received:
    """What is there now."""

    key: ModelKey
    version: int
    """The default version."""
    n_versions: int
    """That came."""


def receive(
    engine: Engine, catalog: Catalog, target: ModelKey, read: Callable[[], Incoming], *, replace: bool, check: Callable[[], None],
) -> Received:  # fmt: skip
    """Writes what comes; all of it, or nothing.

    Args:
        read: asked inside the transaction, so that everything is of one state of where it comes from.
        check: called between versions, raises when the statement was cancelled.
    Raises: ProgrammingError `unknown_database`, `unknown_schema`, `model_exists`; OperationalError `read_only_database`;
        NotSupportedError `one_database_per_transaction`; IntegrityError `damaged_state`, `version_conflict`; what `read` raises.
    """
    database = check_writable(engine, target.database)
    place = ModelKey(database, check_schema_exists(engine, database, target.schema), target.name)
    check_writable_in_transaction(engine, database)

    def change() -> Received:
        incoming = read()
        existing, last_claim = catalog.free_name(place, catalog.now)
        if existing is not None:
            _check_replaceable(existing, incoming, replace)
        if incoming.model is not None and existing is None:
            return _receive_model(engine, catalog, place, last_claim, incoming, incoming.model, check)
        return _receive_version(engine, catalog, place, last_claim, incoming, existing)

    return run_change(engine, database, change, timeout_seconds=catalog.lock_timeout_seconds)


def copy(
    engine: Engine, catalog: Catalog, source: ModelKey, reference: Reference, target: ModelKey, *, replace: bool, check: Callable[[], None]
) -> Received:
    """COPY MODEL: all versions without a reference, else the one that is meant.

    Raises: as `receive`; ProgrammingError `unknown_model`, `unknown_version`, `unknown_alias`, `no_version_then`.
    """

    def read() -> Incoming:
        model = catalog.current(source)
        where = ".".join(map(typed_name, (model.key.database, model.key.schema, model.key.name)))
        if reference is not None:
            version = resolve(engine, model, reference).version
            reason = f"from {where}@{version} of model {model.model_id}"
            return Incoming((version,), lambda number: catalog.load(source, number), "copied", reason)

        def copy_history(place: ModelKey, model_id: str) -> None:
            known = EVENTS.at(check_schema(engine, source.database)).names
            new = {"model_id": "$1", "schema_name": "$2", "model_name": "$3"}
            items = [new.get(name) or (sql.quote(name) if name in known else "NULL") for name in EVENTS.names]
            engine.rows(
                f"INSERT INTO {EVENTS.path(place.database)} ({sql.columns(EVENTS.names)}) SELECT {', '.join(items)}"
                f" FROM {EVENTS.path(source.database)} WHERE model_id = $4 AND sequence <= $5",
                [model_id, place.schema, place.name, model.model_id, model.event],
            )

        numbers = tuple(version_numbers(engine, model))
        return Incoming(
            numbers, lambda number: catalog.load(source, number), "copied", f"from {where}, model {model.model_id}", model, copy_history
        )

    catalog.current(source)  # so that an unknown name is no transaction
    return receive(engine, catalog, target, read, replace=replace, check=check)


def _check_replaceable(existing: CurrentModel, incoming: Incoming, replace: bool) -> None:
    parts = (existing.key.database, existing.key.schema, existing.key.name)
    name = ".".join(map(shown_name, parts))
    if not replace:
        raise ProgrammingError(
            f"there is already a model {name}", code="model_exists",
            hint="choose another name, or DROP MODEL it first; with OR REPLACE one version is added to it",
        )  # fmt: skip
    if len(incoming.versions) > 1 or (incoming.model is not None and incoming.event == "copied"):
        default = "source" if incoming.model is None else f"source@{incoming.model.info.default_version}"
        if incoming.event == "copied":
            one = f"name the version that becomes its next one, as in {default}"
        else:
            one = f"export the version that becomes its next one, as in EXPORT MODEL {default} OPTIONS (uri = …), and import that folder"
        raise ProgrammingError(
            f"there is already a model {name}, and a whole model would take the place of its history", code="model_exists",
            hint=f"DROP MODEL {name} first, or {one}",
        )  # fmt: skip


def _receive_model(
    engine: Engine, catalog: Catalog, place: ModelKey, last_claim: int, incoming: Incoming, source: CurrentModel, check: Callable[[], None]
) -> Received:
    """A new model with all versions, aliases, options and the history of the one that comes."""
    pointed_at = {source.info.default_version, *(version for _, version in source.info.aliases)}
    if not pointed_at <= set(incoming.versions) or max(incoming.versions) > source.last_version:
        raise damaged_state("its log names versions that are not there")
    now = catalog.now
    model_id = uuid.uuid4().hex
    claim_name(engine, place, last_claim, model_id, now)
    assert incoming.copy_history is not None  # a whole model has one
    incoming.copy_history(place, model_id)
    info = replace(source.info, key=place, model_id=model_id)
    model = CurrentModel(info, following(last_claim), source.event, source.last_version)
    log_event(engine, model, incoming.event, catalog.cause, now, reason=incoming.reason, n_versions=len(incoming.versions))
    for number in incoming.versions:
        check()
        stored = incoming.load(number)
        record = replace(stored.record, format=FORMAT)  # the checksum is over all columns of the tables that it is written to
        write_version(engine, place.database, model_id, number, record, stored.arrays, stored.created_at)
    return Received(place, source.info.default_version, len(incoming.versions))


def _receive_version(
    engine: Engine, catalog: Catalog, place: ModelKey, last_claim: int, incoming: Incoming, existing: CurrentModel | None
) -> Received:
    """Version 1 of a new model, or the next version of one that is there, and its default."""
    (number,) = incoming.versions
    stored = incoming.load(number)
    record, now, cause = replace(stored.record, format=FORMAT), catalog.now, catalog.cause
    if existing is None:
        model = log_creation(engine, place, last_claim, record.model_type, cause, now)
    else:
        model = catalog.log_version(existing, record, now, None, moves=True)
    version = model.last_version
    model = log_event(engine, model, incoming.event, cause, now, version=version, reason=incoming.reason)
    write_version(engine, place.database, model.model_id, version, record, stored.arrays, stored.created_at)
    drop_beyond(engine, model, catalog.keep_versions, cause, now)
    return Received(model.key, version, 1)
