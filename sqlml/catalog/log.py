"""What a change appends: claims of names and events of models.

Their keys follow from what was read before, so that two changes at once conflict.
"""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass, replace
from typing import Any

from sqlml.catalog.current import MAX_NAME, CurrentModel, fold
from sqlml.catalog.records import ModelInfo, ModelKey
from sqlml.catalog.tables import EVENTS, NAMES, RECORD_TABLES, STATE, insert, to_arrow
from sqlml.engines.engine import Engine
from sqlml.errors import NotSupportedError
from sqlml.state import damaged_state


@dataclass(frozen=True, slots=True)
class Cause:
    """Who changes models just now, where, and with what statement."""

    actor: str
    host: str = ""
    statement: str | None = None
    run_id: str | None = None

    @property
    def columns(self) -> dict[str, Any]:
        return {"actor": self.actor, "host": self.host, "statement": self.statement, "run_id": self.run_id}


def claim_name(engine: Engine, key: ModelKey, last_claim: int, model_id: str | None, at: datetime.datetime) -> None:
    """Takes a name for a model, or frees it (None).

    Raises: NotSupportedError `model_too_large` for a name that would not be read back.
    """
    if max(len(key.name), len(key.schema)) > MAX_NAME:
        raise NotSupportedError(
            f"a name may have at most {MAX_NAME} characters, got {len(key.name)}", code="model_too_large", hint="choose a shorter name"
        )
    row = {
        "schema_key": fold(key.schema), "name_key": fold(key.name), "sequence": following(last_claim), "model_id": model_id,
        "schema_name": key.schema, "model_name": key.name, "happened_at": at,
    }  # fmt: skip
    insert(engine, key.database, NAMES, to_arrow(NAMES, [row]))


def log_creation(
    engine: Engine, key: ModelKey, last_claim: int, model_type: str, cause: Cause, at: datetime.datetime, *, reason: str | None = None
) -> CurrentModel:
    """Claims the name for a new model, and logs its creation and its version 1."""
    model_id = uuid.uuid4().hex
    claim_name(engine, key, last_claim, model_id, at)
    created = {
        "model_id": model_id, "sequence": 1, "event": "created", **cause.columns, "happened_at": at, "reason": reason,
        "schema_name": key.schema, "model_name": key.name, "last_version": 0, "n_versions": 0, "aliases": [], "labels": [],
        "created_at": at,
    }  # fmt: skip
    first = {
        **created, "sequence": 2, "event": "version_published", "version": 1,
        "model_type": model_type, "default_version": 1, "last_version": 1, "n_versions": 1,
    }  # fmt: skip
    insert(engine, key.database, EVENTS, to_arrow(EVENTS, [created, first]))
    return CurrentModel(ModelInfo(key, model_id, model_type, 1, 1, at, at), following(last_claim), 2, 1)


def log_event(
    engine: Engine, model: CurrentModel, event: str, cause: Cause, at: datetime.datetime, *, version: int | None = None,
    alias: str | None = None, reason: str | None = None, **changes: Any,
) -> CurrentModel:  # fmt: skip
    """Appends an event with everything as it stands afterwards: as before, but for `changes`, which are fields of ModelInfo, `key` or
    `last_version`.

    Returns: the model as it stands afterwards.
    """
    last_version = changes.pop("last_version", model.last_version)
    info = replace(model.info, **changes, modified_at=at)
    row = {
        "model_id": info.model_id, "sequence": following(model.event), "event": event, "version": version, "alias": alias, **cause.columns,
        "reason": reason, "happened_at": at, "schema_name": info.key.schema, "model_name": info.key.name, "model_type": info.model_type,
        "default_version": info.default_version or None, "last_version": last_version, "n_versions": info.n_versions,
        "aliases": list(info.aliases), "description": info.description, "labels": list(info.labels), "expires_at": info.expires_at,
        "created_at": info.created_at,
    }  # fmt: skip
    insert(engine, info.key.database, EVENTS, to_arrow(EVENTS, [row]))
    return CurrentModel(info, model.claim, int(row["sequence"]), last_version)


def erase(engine: Engine, model: CurrentModel, event: str, cause: Cause, at: datetime.datetime, *, reason: str | None = None) -> None:
    """Deletes all versions of a model and logs why; its events stay."""
    delete_versions(engine, model)
    log_event(engine, model, event, cause, at, reason=reason, default_version=0, n_versions=0, aliases=())


def delete_versions(engine: Engine, model: CurrentModel, version: int | None = None) -> None:
    """Deletes the rows of one version, or of all."""
    which, parameters = ("", []) if version is None else (" AND version = $2", [version])
    for table in (*RECORD_TABLES, STATE):
        engine.rows(f"DELETE FROM {table.path(model.key.database)} WHERE model_id = $1{which}", [model.model_id, *parameters])


def following(number: int) -> int:
    """The next number of a series, which a stranger may have driven to its end.

    Raises: IntegrityError `damaged_state`.
    """
    if not 0 <= number < (1 << 31) - 1:
        raise damaged_state("its log is numbered beyond any use")
    return number + 1
