"""The catalog: versioned models in schema `sqlml` of the database in which each model lives.

A model has a name that is claimed, a log of what happened to it, whose last row is its present, and immutable versions. This module says
what each statement reads, checks and appends; the rows are laid out in `tables`, transactions are in `publishing`, and nothing is read
before `schema` has seen that the tables are ours. A model that has expired is absent, and its name is free.
"""

from __future__ import annotations

import datetime
import getpass
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sqlml.catalog.chunks import Arrays, read_arrays, write_arrays
from sqlml.catalog.current import CurrentModel, read_model, read_models, read_version, unknown_model, version_numbers
from sqlml.catalog.log import claim_name, delete_versions, erase, following, log_creation, log_event
from sqlml.catalog.publishing import (
    check_schema_exists,
    check_writable,
    check_writable_in_transaction,
    consistent_reads,
    run_change,
)
from sqlml.catalog.records import ModelInfo, ModelKey, StoredVersion, VersionRecord
from sqlml.catalog.rows import created_at, read_rows, record_from_rows, record_to_tables, stored_checksum, version_checksum, with_checksum
from sqlml.catalog.schema import check_schema, ensure_schema
from sqlml.catalog.tables import RECORD_TABLES, insert
from sqlml.engines.engine import Engine
from sqlml.errors import ProgrammingError
from sqlml.state import damaged_state

ALTERABLE = ("description", "labels", "expiration_timestamp")
"""Options of a model, which ALTER MODEL … SET OPTIONS changes; those of training belong to the version and never change."""


class VersionId(NamedTuple):
    """Which stored version a name means just now.

    Equal ids are equal versions: the checksum tells a version that was rolled back from another one that then took its number.
    """

    model_id: str
    version: int
    checksum: str


class Catalog:
    """The models of an engine's databases.

    Args:
        now: the present as UTC without a zone.
        actor: who the log says did it; None for the operating system's user.
        lock_timeout_seconds: how long a change waits for others in this process.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        now: Callable[[], datetime.datetime] | None = None,
        actor: str | None = None,
        lock_timeout_seconds: float = 60.0,
    ) -> None:
        self._engine = engine
        self._now = now or _utc_now
        self._actor = _user() if actor is None else actor
        self._lock_timeout_seconds = lock_timeout_seconds

    # ---- Reading ----

    def find(self, key: ModelKey) -> ModelInfo | None:
        """The model of that name, or None."""
        model = self._find(key)
        return None if model is None else model.info

    def list_models(self, database: str, schema: str | None = None) -> list[ModelInfo]:
        """The models of a schema, or of all schemas of a database, by name."""
        now = self._now()
        return [model.info for model in self._all(database, schema) if not model.is_expired(now)]

    def versions(self, key: ModelKey) -> tuple[StoredVersion, ...]:
        """All versions in order, without their arrays and so without a look at their checksums.

        Raises: ProgrammingError `unknown_model`; IntegrityError `damaged_state`.
        """
        with consistent_reads(self._engine):
            model = self._require(key)
            found = read_rows(self._engine, key.database, model.model_id)
        return tuple(
            StoredVersion(model.key, model.model_id, version, record_from_rows(rows), created_at(rows))
            for version, rows in sorted(found.items())
        )

    def identify(self, key: ModelKey, reference: int | str | None = None) -> VersionId:
        """Which version is meant, without reading it: what a cache of loaded models should ask.

        Raises: ProgrammingError `unknown_model`, `unknown_version`, `unknown_alias`.
        """
        model = self._require(key)
        version, _, checksum = self._resolve(model, reference)
        return VersionId(model.model_id, version, checksum)

    def load(self, key: ModelKey, reference: int | str | None = None) -> StoredVersion:
        """A version with its arrays: the default one, or the one of that number.

        Raises: ProgrammingError `unknown_model`, `unknown_version`, `unknown_alias`; IntegrityError `damaged_state`.
        """
        with consistent_reads(self._engine):
            model = self._require(key)
            version, _, _ = self._resolve(model, reference)
            rows = read_rows(self._engine, key.database, model.model_id, version).get(version)
            if rows is None:
                raise damaged_state("its record is missing")
            record = record_from_rows(rows)
            arrays = read_arrays(self._engine, key.database, model.model_id, version)
        if version_checksum(rows, arrays) != stored_checksum(rows):
            raise damaged_state("it does not match its checksum")
        return StoredVersion(model.key, model.model_id, version, record, created_at(rows), arrays)

    # ---- Writing ----

    def check_publishable(self, key: ModelKey, *, replace: bool = False, if_not_exists: bool = False) -> bool:
        """Refuses, before any training, what `publish` would refuse in the end.

        Returns: False when IF NOT EXISTS leaves nothing to do.
        Raises: ProgrammingError `unknown_database`, `unknown_schema`, `model_exists`; OperationalError `read_only_database`;
            NotSupportedError `one_database_per_transaction`; IntegrityError `foreign_catalog`, `newer_format`.
        """
        database = check_writable(self._engine, key.database)
        check_schema_exists(self._engine, database, key.schema)
        model = self._find(key)
        if model is not None and if_not_exists:
            return False
        if model is not None and not replace:
            raise _model_exists(model.key)
        check_writable_in_transaction(self._engine, database)
        return True

    def publish(self, key: ModelKey, record: VersionRecord, arrays: Arrays, *, replace: bool = False, if_not_exists: bool = False) -> int:
        """Stores a new version and makes it the default; all of it, or nothing.

        Returns: its number; with IF NOT EXISTS and a model that came into being during training, that model's default version.
        Raises: what `check_publishable` does; IntegrityError `version_conflict`; NotSupportedError `model_too_large`.
        """
        database = check_writable(self._engine, key.database)
        place = ModelKey(database, check_schema_exists(self._engine, database, key.schema), key.name)

        def change() -> int:
            now = self._now()
            ensure_schema(self._engine, database, now)
            model, last_claim = read_model(self._engine, place)
            if model is not None and model.is_expired(now):
                erase(self._engine, model, "expired", self._actor, now)
                model = None
            if model is None:
                version = 1
                model_id = log_creation(self._engine, place, last_claim, record.model_type, self._actor, now)
            elif if_not_exists:
                return model.info.default_version
            elif not replace:
                raise _model_exists(model.key)
            else:
                version = following(model.last_version)
                model_id = model.model_id
                log_event(
                    self._engine, model, "version_published", self._actor, now, version=version, model_type=record.model_type,
                    default_version=version, last_version=version, n_versions=following(model.info.n_versions),
                )  # fmt: skip
            tables = with_checksum(record_to_tables(record, model_id, version, now), arrays)
            for table in RECORD_TABLES:
                if tables[table.name].num_rows:
                    insert(self._engine, database, table, tables[table.name])
            write_arrays(self._engine, database, model_id, version, arrays)
            return version

        return run_change(self._engine, database, change, timeout_seconds=self._lock_timeout_seconds)

    def drop(self, key: ModelKey, *, if_exists: bool = False) -> bool:
        """Removes a model with all its versions; its events stay.

        Returns: whether there was one.
        Raises: ProgrammingError `unknown_model` without IF EXISTS; OperationalError `read_only_database`; IntegrityError
            `version_conflict`.
        """

        def drop(model: CurrentModel) -> bool:
            now = self._now()
            erase(self._engine, model, "dropped", self._actor, now)
            claim_name(self._engine, model.key, model.claim, None, now)
            return True

        return self._alter(key, drop, if_exists=if_exists)

    def drop_version(self, key: ModelKey, version: int, *, if_exists: bool = False) -> bool:
        """Removes one version that is not the default; its number is not used again.

        Returns: whether there was one.
        Raises: ProgrammingError `unknown_model`, `unknown_version` without IF EXISTS, `version_in_use`; OperationalError
            `read_only_database`; IntegrityError `version_conflict`.
        """

        def drop(model: CurrentModel) -> bool:
            if if_exists and read_version(self._engine, model, version) is None:
                return False
            self._resolve(model, version)
            if version == model.info.default_version:
                raise ProgrammingError(
                    f"version {version} of model {model.key} is its default", code="version_in_use",
                    hint=f"make another version the default first, or DROP MODEL {model.key} with all versions",
                )  # fmt: skip
            delete_versions(self._engine, model, version)
            log_event(
                self._engine,
                model,
                "version_dropped",
                self._actor,
                self._now(),
                version=version,
                n_versions=max(1, model.info.n_versions - 1),
            )
            return True

        return self._alter(key, drop, if_exists=if_exists)

    def set_default(self, key: ModelKey, version: int | str) -> None:
        """Makes a version the one that the bare name means.

        Raises: ProgrammingError `unknown_model`, `unknown_version`, `unknown_alias`; OperationalError `read_only_database`; IntegrityError
            `version_conflict`.
        """

        def move(model: CurrentModel) -> bool:
            number, model_type, _ = self._resolve(model, version)
            if number != model.info.default_version:
                changes = {"default_version": number, "model_type": model_type}
                log_event(self._engine, model, "default_changed", self._actor, self._now(), version=number, **changes)
            return True

        self._alter(key, move)

    def set_options(self, key: ModelKey, options: Mapping[str, Any], *, if_exists: bool = False) -> bool:
        """Changes some of ALTERABLE; None takes an option away.

        Returns: whether there was such a model.
        Raises: ProgrammingError `unknown_model` without IF EXISTS; OperationalError `read_only_database`; IntegrityError
            `version_conflict`.
        """
        changes: dict[str, Any] = {}
        for name, value in options.items():
            match name:
                case "description":
                    changes[name] = value
                case "labels":
                    changes[name] = list(value or ())
                case "expiration_timestamp":
                    changes["expires_at"] = _to_utc(value)
                case _:
                    raise ProgrammingError(
                        f"{name} is no option of a model", code="unknown_option", hint=f"those are {', '.join(ALTERABLE)}"
                    )

        def alter(model: CurrentModel) -> bool:
            log_event(self._engine, model, "options_changed", self._actor, self._now(), **changes)
            return True

        return self._alter(key, alter, if_exists=if_exists)

    # ---- Inside ----

    def _alter(self, key: ModelKey, change: Callable[[CurrentModel], bool], *, if_exists: bool = False) -> bool:
        """Runs a change on a model as it is inside the transaction."""

        def change_present() -> bool:
            model = self._find(key) if if_exists else self._require(key)
            return model is not None and change(model)

        # Asked before, so that an unknown name is no transaction, and is told from a database that cannot be written.
        if (self._find(key) if if_exists else self._require(key)) is None:
            return False
        database = check_writable(self._engine, key.database)
        return run_change(self._engine, database, change_present, timeout_seconds=self._lock_timeout_seconds)

    def _all(self, database: str, schema: str | None = None) -> list[CurrentModel]:
        return read_models(self._engine, database, schema) if check_schema(self._engine, database) else []

    def _find(self, key: ModelKey) -> CurrentModel | None:
        if not check_schema(self._engine, key.database):
            return None
        model, _ = read_model(self._engine, key)
        return None if model is None or model.is_expired(self._now()) else model

    def _require(self, key: ModelKey) -> CurrentModel:
        model = self._find(key)
        if model is None:
            raise unknown_model(self._engine, key, self._all(key.database), self._now())
        return model

    def _resolve(self, model: CurrentModel, reference: int | str | None) -> tuple[int, str, str]:
        """The version that is meant: its number, model type and stored checksum."""
        if isinstance(reference, str):
            raise ProgrammingError(
                f'model {model.key} has no alias "{reference}"', code="unknown_alias", hint=f"name a version by its number: {model.key}@1"
            )
        version = model.info.default_version if reference is None else reference
        found = read_version(self._engine, model, version)
        if found is None:
            numbers = [str(number) for number in version_numbers(self._engine, model)]
            shown = ", ".join(numbers if len(numbers) <= 12 else [*numbers[:3], "…", *numbers[-8:]])
            raise ProgrammingError(f"model {model.key} has no version {version}", code="unknown_version", hint=f"there are: {shown}")
        return version, *found


def _model_exists(key: ModelKey) -> ProgrammingError:
    return ProgrammingError(
        f"there is already a model {key}", code="model_exists",
        hint="CREATE OR REPLACE MODEL adds a version to it, CREATE MODEL IF NOT EXISTS leaves it as it is",
    )  # fmt: skip


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def _to_utc(value: datetime.datetime | None) -> datetime.datetime | None:
    if value is None or value.tzinfo is None:
        return value
    return value.astimezone(datetime.UTC).replace(tzinfo=None)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return ""
