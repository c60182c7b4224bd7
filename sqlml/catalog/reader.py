"""Reading the catalog: which models are there, what a name means, and a version with its arrays.

A model has a name that is claimed, a log of what happened to it, whose last row is its present, and immutable versions. Nothing is read
before `schema` has seen that the tables are ours. A model that has expired is absent.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import NamedTuple

from sqlml.catalog.bound import BoundNames
from sqlml.catalog.chunks import read_arrays
from sqlml.catalog.current import (
    Claim,
    CurrentModel,
    check_claim,
    has_expired,
    read_claims,
    read_model,
    read_models,
    unknown_model,
)
from sqlml.catalog.publishing import consistent_reads
from sqlml.catalog.records import ModelInfo, ModelKey, Reference, StoredVersion
from sqlml.catalog.references import resolve
from sqlml.catalog.rows import Rows, created_at, read_rows, record_from_rows, stored_checksum, version_checksum
from sqlml.catalog.schema import check_schema, read_layout
from sqlml.engines.engine import Engine
from sqlml.state import damaged_state


class VersionId(NamedTuple):
    """Which stored version a name means just now.

    Equal ids are equal versions: the checksum tells a version that was rolled back from another one that then took its number.
    """

    model_id: str
    version: int
    checksum: str


class CatalogReader:
    """The models of an engine's databases, to be read.

    Args: now, the present as UTC without a zone.
    """

    def __init__(self, engine: Engine, *, now: Callable[[], datetime.datetime] | None = None) -> None:
        self._engine = engine
        self._now = now or _utc_now
        self._bound = BoundNames(engine)

    def find(self, key: ModelKey) -> ModelInfo | None:
        """The model of that name, or None."""
        model = self._find(key)
        return None if model is None else model.info

    def current(self, key: ModelKey) -> CurrentModel:
        """The model of that name as the next change would find it.

        Raises: ProgrammingError `unknown_model`.
        """
        return self._require(key)

    def list_models(self, database: str, schema: str | None = None) -> list[ModelInfo]:
        """The models of a schema, or of all schemas of a database, by name."""
        now = self._now()
        return [model.info for model in self._all(database, schema) if not model.is_expired(now)]

    def list_claims(self, database: str, schema: str | None = None) -> list[Claim]:
        """As `list_models`, of many models in half the time: rows instead of records."""
        if not check_schema(self._engine, database):
            return []
        claims, now = read_claims(self._engine, database, schema), self._now()
        for claim in claims:
            check_claim(claim)
        return [claim for claim in claims if not has_expired(claim.expires_at, bool(claim.aliases), now)]

    def versions(self, key: ModelKey) -> tuple[StoredVersion, ...]:
        """All versions in order, without their arrays and so without a look at their checksums.

        Raises: ProgrammingError `unknown_model`; IntegrityError `damaged_state`.
        """
        with consistent_reads(self._engine):
            model = self._require(key)
            found = read_rows(self._engine, key.database, model.model_id)
        return tuple(
            StoredVersion(model.key, model.model_id, version, record_from_rows(rows), created_at(rows), checksum=stored_checksum(rows))
            for version, rows in sorted(found.items())
        )

    def identify(self, key: ModelKey, reference: Reference = None) -> VersionId:
        """Which version is meant, without reading it: what a cache of loaded models should ask.

        Raises: ProgrammingError `unknown_model`, `unknown_version`, `unknown_alias`.
        """
        known = self._bound.find(key, reference)
        if known is None or known[0].is_expired(self._now()):
            layout = read_layout(self._engine, key.database)
            model = self._require(key)
            known = model, resolve(self._engine, model, reference)
            if layout is not None:
                self._bound.remember(key, reference, layout, *known)
        model, found = known
        return VersionId(model.model_id, found.version, found.checksum)

    def load(self, key: ModelKey, reference: Reference = None) -> StoredVersion:
        """A version with its arrays: the default one, or the one of that number.

        Raises: ProgrammingError `unknown_model`, `unknown_version`, `unknown_alias`; IntegrityError `damaged_state`.
        """
        with consistent_reads(self._engine):
            model = self._require(key)
            version = resolve(self._engine, model, reference).version
            rows = read_rows(self._engine, key.database, model.model_id, version).get(version)
            if rows is None:
                raise damaged_state("its record is missing")
            return read_stored(self._engine, model.key, model.model_id, version, rows)

    def _all(self, database: str, schema: str | None = None) -> list[CurrentModel]:
        return read_models(self._engine, database, schema) if check_schema(self._engine, database) else []

    def _find(self, key: ModelKey, *, also_expired: bool = False) -> CurrentModel | None:
        if not check_schema(self._engine, key.database):
            return None
        model, _ = read_model(self._engine, key)
        return None if model is None or (model.is_expired(self._now()) and not also_expired) else model

    def _require(self, key: ModelKey) -> CurrentModel:
        model = self._find(key)
        if model is None:
            raise unknown_model(self._engine, key, self._all(key.database), self._now())
        return model


def read_stored(engine: Engine, key: ModelKey, model_id: str, version: int, rows: Rows) -> StoredVersion:
    """A version from its rows and its arrays, which are read now.

    Raises: IntegrityError `damaged_state`.
    """
    record = record_from_rows(rows)
    arrays = read_arrays(engine, key.database, model_id, version)
    checksum = stored_checksum(rows)
    if version_checksum(rows, arrays) != checksum:
        raise damaged_state("it does not match its checksum")
    return StoredVersion(key, model_id, version, record, created_at(rows), arrays, checksum)


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
