"""The catalog: versioned models in schema `sqlml` of the database in which each model lives.

A model has a name that is claimed, a log of what happened to it, whose last row is its present, and immutable versions. This module says
what each statement reads, checks and appends; the rows are laid out in `tables`, transactions are in `publishing`, and nothing is read
before `schema` has seen that the tables are ours. A model that has expired is absent, and its name is free.
"""

from __future__ import annotations

import datetime
import getpass
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlml.catalog.chunks import Arrays
from sqlml.catalog.current import CurrentModel, fold, read_model, read_version
from sqlml.catalog.log import Cause, claim_name, delete_versions, erase, following, log_creation, log_event
from sqlml.catalog.publishing import (
    check_schema_exists,
    check_writable,
    check_writable_in_transaction,
    run_change,
)
from sqlml.catalog.reader import CatalogReader
from sqlml.catalog.records import ModelInfo, ModelKey, Reference, VersionRecord
from sqlml.catalog.references import check_alias, find_alias, require_alias, resolve
from sqlml.catalog.retention import drop_beyond
from sqlml.catalog.schema import ensure_schema
from sqlml.catalog.version_rows import write_version
from sqlml.engines.engine import Engine
from sqlml.errors import IntegrityError, ProgrammingError
from sqlml.shown_names import listed, shown_name

T = TypeVar("T")

ALTERABLE = ("description", "labels", "expiration_timestamp")
"""Options of a model, which ALTER MODEL … SET OPTIONS changes; those of training belong to the version and never change."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What a new version of a model takes the place of."""

    moves: bool
    """Whether anything moves to the new version; else it is kept beside the others."""
    alias: str | None
    """The alias that moves; None for the default version."""
    incumbent: int
    """The version that moving was decided against: the alias' target, or the default."""
    reason: str


class Catalog(CatalogReader):
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
        super().__init__(engine, now=now)
        self.cause = Cause(_user() if actor is None else actor, platform.node())
        """What the events of the next changes say of who makes them, and how."""
        self.lock_timeout_seconds = lock_timeout_seconds
        self.keep_versions: int | None = None
        """How many versions of a model stay when a new one comes; None for all."""
        self.erased: ModelInfo | None = None
        """The expired model that made room for the name which was claimed last."""

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
            raise model_exists(model.key)
        check_writable_in_transaction(self._engine, database)
        return True

    def publish(
        self, key: ModelKey, record: VersionRecord, arrays: Arrays, *, replace: bool = False, if_not_exists: bool = False,
        reason: str | None = None,
    ) -> int:  # fmt: skip
        """Stores a new version and makes it the default; all of it, or nothing.

        Returns: its number; with IF NOT EXISTS and a model that came into being during training, that model's default version.
        Raises: what `check_publishable` does; IntegrityError `version_conflict`; NotSupportedError `model_too_large`.
        """
        database = check_writable(self._engine, key.database)
        place = ModelKey(database, check_schema_exists(self._engine, database, key.schema), key.name)

        def change() -> int:
            now = self._now()
            model, last_claim = self.free_name(place, now)
            if model is None:
                model = log_creation(self._engine, place, last_claim, record.model_type, self.cause, now, reason=reason)
            elif if_not_exists:
                return model.info.default_version
            elif not replace:
                raise model_exists(model.key)
            else:
                model = self.log_version(model, record, now, reason, moves=True)
            self._write_version(model, record, arrays, now)
            return model.last_version

        return run_change(self._engine, database, change, timeout_seconds=self.lock_timeout_seconds)

    def add_version(self, key: ModelKey, model_id: str, record: VersionRecord, arrays: Arrays, placement: Placement) -> int:
        """Stores a new version of a model that is there, and moves what the placement says; all of it, or nothing.

        Returns: its number.
        Raises: IntegrityError `version_conflict`, also when what would move no longer points at the incumbent; what `check_publishable`
            raises.
        """

        def add(model: CurrentModel) -> int:
            if model.model_id != model_id or (placement.moves and _target(model, placement.alias) != placement.incumbent):
                raise IntegrityError(
                    f"model {model.key} was changed while its new version was trained", code="version_conflict",
                    hint="run the statement again; it will be compared with what is there now",
                )  # fmt: skip
            now = self._now()
            moves_default = placement.moves and placement.alias is None
            model = self.log_version(model, record, now, placement.reason, moves=moves_default)
            if placement.moves and placement.alias is not None:
                model = self._log_alias(model, placement.alias, model.last_version, placement.reason)
            self._write_version(model, record, arrays, now)
            return model.last_version

        version = self._alter(key, add)
        assert version is not None, "without IF EXISTS a missing model is an error"
        return version

    def drop(self, key: ModelKey, *, if_exists: bool = False) -> bool:
        """Removes a model with all its versions, also one that has expired; its events stay.

        Returns: whether there was one.
        Raises: ProgrammingError `unknown_model` without IF EXISTS; OperationalError `read_only_database`; IntegrityError
            `version_conflict`.
        """

        def drop(model: CurrentModel) -> bool:
            now = self._now()
            erase(self._engine, model, "dropped", self.cause, now)
            claim_name(self._engine, model.key, model.claim, None, now)
            return True

        return bool(self._alter(key, drop, if_exists=if_exists, also_expired=True))

    def drop_version(self, key: ModelKey, version: int | str, *, if_exists: bool = False) -> bool:
        """Removes one version that neither the default nor an alias points at; its number is not used again.

        Returns: whether there was one.
        Raises: ProgrammingError `unknown_model`, `unknown_version` without IF EXISTS, `version_in_use`; OperationalError
            `read_only_database`; IntegrityError `version_conflict`.
        """

        def drop(model: CurrentModel) -> bool:
            if if_exists and isinstance(version, int) and read_version(self._engine, model, version) is None:
                return False
            if if_exists and isinstance(version, str) and find_alias(model, version) is None:
                return False
            number = resolve(self._engine, model, version).version
            if number == model.info.default_version:
                raise ProgrammingError(
                    f"version {number} of model {model.key} is its default", code="version_in_use",
                    hint=f"ALTER MODEL {model.key} SET DEFAULT VERSION = another one first, or DROP MODEL {model.key} with all versions",
                )  # fmt: skip
            aliases = model.info.aliases_of(number)
            if aliases:
                raise ProgrammingError(
                    f"version {number} of model {model.key} has the alias{'es' * (len(aliases) > 1)} {listed(aliases)}",
                    code="version_in_use",
                    hint=f"ALTER MODEL {model.key} DROP ALIAS {shown_name(aliases[0])}, or SET it to another version, first",
                )  # fmt: skip
            delete_versions(self._engine, model, number)
            n_versions = max(1, model.info.n_versions - 1)
            log_event(self._engine, model, "version_dropped", self.cause, self._now(), version=number, n_versions=n_versions)
            return True

        return bool(self._alter(key, drop, if_exists=if_exists))

    def set_default(self, key: ModelKey, reference: Reference, *, if_exists: bool = False) -> int | None:
        """Makes a version the one that the bare name means.

        Returns: its number; None without such a model.
        Raises: ProgrammingError `unknown_model` without IF EXISTS, `unknown_version`, `unknown_alias`; OperationalError
            `read_only_database`; IntegrityError `version_conflict`.
        """

        def move(model: CurrentModel) -> int:
            found = resolve(self._engine, model, reference)
            before = model.info.default_version
            if found.version != before:
                log_event(
                    self._engine, model, "default_changed", self.cause, self._now(), version=found.version, reason=f"was {before}",
                    default_version=found.version, model_type=found.model_type,
                )  # fmt: skip
            return found.version

        return self._alter(key, move, if_exists=if_exists)

    def set_alias(self, key: ModelKey, alias: str, reference: Reference, *, if_exists: bool = False) -> int | None:
        """Points an alias at a version, moving it from where it was.

        Returns: the version's number; None without such a model.
        Raises: ProgrammingError `unknown_model` without IF EXISTS, `unknown_version`, `unknown_alias`, `alias_name`; OperationalError
            `read_only_database`; IntegrityError `version_conflict`.
        """

        def move(model: CurrentModel) -> int:
            version = resolve(self._engine, model, reference).version
            self._log_alias(model, alias, version, None)
            return version

        return self._alter(key, move, if_exists=if_exists)

    def drop_alias(self, key: ModelKey, alias: str, *, if_exists: bool = False) -> bool:
        """Takes an alias away; the version stays, unless the model has expired and this was the last alias to keep it.

        Returns: whether there was such a model.
        Raises: ProgrammingError `unknown_model` without IF EXISTS, `unknown_alias`; OperationalError `read_only_database`; IntegrityError
            `version_conflict`.
        """

        def take(model: CurrentModel) -> bool:
            found = require_alias(model, alias)
            left = tuple(known for known in model.info.aliases if fold(known[0]) != fold(alias))
            log_event(self._engine, model, "alias_dropped", self.cause, self._now(), version=found[1], alias=found[0], aliases=left)
            return True

        return bool(self._alter(key, take, if_exists=if_exists))

    def rename(self, key: ModelKey, name: str, *, if_exists: bool = False) -> bool:
        """Gives a model another name in its schema; versions, aliases and history stay with it.

        Returns: whether there was such a model.
        Raises: ProgrammingError `unknown_model` without IF EXISTS, `model_exists`; OperationalError `read_only_database`; IntegrityError
            `version_conflict`.
        """

        def change(model: CurrentModel) -> bool:
            if name == model.key.name:
                return True
            now = self._now()
            target = ModelKey(model.key.database, model.key.schema, name)
            if fold(name) == fold(model.key.name):
                claim = model.claim
            else:
                other, claim = self.free_name(target, now)
                if other is not None:
                    raise ProgrammingError(f"there is already a model {other.key}", code="model_exists", hint="choose another name")
                claim_name(self._engine, model.key, model.claim, None, now)
            claim_name(self._engine, target, claim, model.model_id, now)
            log_event(self._engine, model, "renamed", self.cause, now, reason=f"was {model.key.typed}", key=target)
            return True

        return bool(self._alter(key, change, if_exists=if_exists))

    def set_options(self, key: ModelKey, options: Mapping[str, Any], *, if_exists: bool = False) -> bool:
        """Changes some of ALTERABLE; None takes an option away. A model that has expired is there for a new expiration alone.

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
                    changes[name] = tuple(value or ())
                case "expiration_timestamp":
                    changes["expires_at"] = _to_utc(value)
                case _:
                    raise ProgrammingError(
                        f"{name} is no option of a model", code="unknown_option", hint=f"those are {', '.join(ALTERABLE)}"
                    )

        def alter(model: CurrentModel) -> bool:
            log_event(self._engine, model, "options_changed", self.cause, self._now(), reason=", ".join(options), **changes)
            return True

        return bool(self._alter(key, alter, if_exists=if_exists, also_expired="expires_at" in changes))

    # ---- Inside a change, also one of `transfer` ----

    @property
    def now(self) -> datetime.datetime:
        """The present as UTC without a zone."""
        return self._now()

    def free_name(self, key: ModelKey, now: datetime.datetime) -> tuple[CurrentModel | None, int]:
        """The model that has a name, unless it has expired and is now erased; and the sequence of the name's last claim."""
        ensure_schema(self._engine, key.database, now)
        model, last_claim = read_model(self._engine, key)
        self.erased = None
        if model is not None and model.is_expired(now):
            self.erased = model.info
            erase(self._engine, model, "expired", self.cause, now, reason=f"expiration_timestamp was {model.info.expires_at} UTC")
            model = None
        return model, last_claim

    def log_version(
        self, model: CurrentModel, record: VersionRecord, now: datetime.datetime, reason: str | None, *, moves: bool
    ) -> CurrentModel:
        version = following(model.last_version)
        moved: dict[str, Any] = {"default_version": version, "model_type": record.model_type} if moves else {}
        return log_event(
            self._engine, model, "version_published", self.cause, now, version=version, reason=reason, last_version=version,
            n_versions=following(model.info.n_versions), **moved,
        )  # fmt: skip

    # ---- Inside ----

    def _log_alias(self, model: CurrentModel, alias: str, version: int, reason: str | None) -> CurrentModel:
        known = find_alias(model, alias)
        if known is None:
            check_alias(alias)
        elif known[1] == version:
            return model
        left = [(name, target) for name, target in model.info.aliases if fold(name) != fold(alias)]
        name = alias if known is None else known[0]
        return log_event(
            self._engine, model, "alias_set", self.cause, self._now(), version=version, alias=name,
            reason=reason or (None if known is None else f"was {known[1]}"), aliases=tuple(sorted([*left, (name, version)])),
        )  # fmt: skip

    def _write_version(self, model: CurrentModel, record: VersionRecord, arrays: Arrays, now: datetime.datetime) -> None:
        """The rows of the model's last version; then those that `keep_versions` leaves no room for go."""
        write_version(self._engine, model.key.database, model.model_id, model.last_version, record, arrays, now)
        drop_beyond(self._engine, model, self.keep_versions, self.cause, now)

    def _alter(
        self, key: ModelKey, change: Callable[[CurrentModel], T], *, if_exists: bool = False, also_expired: bool = False
    ) -> T | None:
        """Runs a change on a model as it is inside the transaction; None without such a model."""

        def find() -> CurrentModel | None:
            model = self._find(key, also_expired=also_expired)
            return self._require(key) if model is None and not if_exists else model

        def change_present() -> T | None:
            ensure_schema(self._engine, database, self._now())
            model = find()
            return None if model is None else change(model)

        # Asked before, so that an unknown name is no transaction, and is told from a database that cannot be written.
        if find() is None:
            return None
        database = check_writable(self._engine, key.database)
        return run_change(self._engine, database, change_present, timeout_seconds=self.lock_timeout_seconds)


def _target(model: CurrentModel, alias: str | None) -> int:
    """Where an alias points, or the default version."""
    found = None if alias is None else find_alias(model, alias)
    return model.info.default_version if found is None else found[1]


def model_exists(key: ModelKey) -> ProgrammingError:
    return ProgrammingError(
        f"there is already a model {key}", code="model_exists",
        hint="CREATE OR REPLACE MODEL adds a version to it, CREATE MODEL IF NOT EXISTS leaves it as it is",
    )  # fmt: skip


def _to_utc(value: datetime.datetime | None) -> datetime.datetime | None:
    if value is None or value.tzinfo is None:
        return value
    return value.astimezone(datetime.UTC).replace(tzinfo=None)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return ""
