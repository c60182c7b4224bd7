"""The present of models, read from their claims and events: what `find` tells, and what the next change builds on."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlml import sql
from sqlml.catalog.records import ModelInfo, ModelKey
from sqlml.catalog.tables import EVENTS, MAX_ROWS, NAMES, VERSIONS, Table
from sqlml.engines.engine import Engine
from sqlml.errors import ProgrammingError, did_you_mean
from sqlml.state import damaged_state

_PRESENT = EVENTS.at(1)
"""The columns that tell the present; every format has them."""
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True)
class CurrentModel:
    """A model as its last claim and its last event leave it."""

    info: ModelInfo
    claim: int
    """Sequence of the last claim of its name."""
    event: int
    """Sequence of its last event."""
    last_version: int
    """The highest number that a version ever had."""

    @property
    def key(self) -> ModelKey:
        return self.info.key

    @property
    def model_id(self) -> str:
        return self.info.model_id

    def is_expired(self, now: datetime.datetime) -> bool:
        return self.info.expires_at is not None and self.info.expires_at <= now


def fold(name: str) -> str:
    """A name as it is compared: like the engine's own, without regard to the case of ASCII letters."""
    return name.translate(_ASCII_LOWER)


def read_model(engine: Engine, key: ModelKey) -> tuple[CurrentModel | None, int]:
    """Who owns a name, expired or not, and the sequence of the name's last claim (0: it was never claimed).

    Raises: IntegrityError `damaged_state`.
    """
    claim = _last(engine, NAMES, key.database, {"schema_key": fold(key.schema), "name_key": fold(key.name)})
    if not claim:
        return None, 0
    sequence = int(claim[0]["sequence"])
    if claim[0]["model_id"] is None:
        return None, sequence
    events = _last(engine, _PRESENT, key.database, {"model_id": claim[0]["model_id"]})
    if not events:
        raise damaged_state("its log is missing")
    return _current(key.database, claim[0], events[0]), sequence


def read_models(engine: Engine, database: str, schema: str | None = None) -> list[CurrentModel]:
    """The models of a database or of one schema, by name, those that have expired among them.

    Raises: IntegrityError `damaged_state`.
    """
    claims = _last(engine, NAMES, database, {} if schema is None else {"schema_key": fold(schema)}, by=("schema_key", "name_key"))
    events = {event["model_id"]: event for event in _last(engine, _PRESENT, database, {}, by=("model_id",))}
    models = []
    for claim in sorted(claims, key=lambda claim: (claim["schema_key"], claim["name_key"])):
        if claim["model_id"] is not None:
            if claim["model_id"] not in events:
                raise damaged_state("its log is missing")
            models.append(_current(database, claim, events[claim["model_id"]]))
    return models


def _last(engine: Engine, table: Table, database: str, which: Mapping[str, str], by: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The rows with the highest sequence, of all or of each group."""
    fields = ", ".join(f"{sql.quote(name)} := {sql.quote(name)}" for name in table.names)
    row = sql.call("arg_max", sql.call("struct_pack", fields), "sequence")
    conditions = " AND ".join(f"{column} = ${number}" for number, column in enumerate(which, start=1))
    query = f"SELECT {row} FROM {table.path(database)}"
    query += f" WHERE {conditions}" if which else ""
    query += f" GROUP BY {', '.join(by)}" if by else ""
    rows = engine.rows(f"{query} LIMIT {MAX_ROWS + 1}", list(which.values()))
    if len(rows) > MAX_ROWS:
        raise damaged_state(f"there are more than {MAX_ROWS} models")
    return [found for (found,) in rows if isinstance(found, dict)]


def _current(database: str, claim: Mapping[str, Any], event: Mapping[str, Any]) -> CurrentModel:
    times = [event["created_at"], event["happened_at"], *([] if event["expires_at"] is None else [event["expires_at"]])]
    labels, aliases = event["labels"] or {}, event["aliases"] or {}
    if event["model_type"] is None or event["default_version"] is None or not 0 < event["default_version"] <= event["last_version"]:
        raise damaged_state("its log names no default version")
    if not all(isinstance(target, int) and 0 < target <= event["last_version"] for target in aliases.values()):
        raise damaged_state("its log names an alias of no version")
    if not all(isinstance(time, datetime.datetime) for time in times) or None in labels.values():
        raise damaged_state("its log holds a value that is out of range")
    info = ModelInfo(
        ModelKey(database, claim["schema_name"], claim["model_name"]), claim["model_id"], event["model_type"], event["default_version"],
        event["n_versions"], event["created_at"], event["happened_at"], event["description"], tuple(labels.items()), event["expires_at"],
        tuple(sorted(aliases.items())),
    )  # fmt: skip
    return CurrentModel(info, claim["sequence"], event["sequence"], event["last_version"])


def default_at(engine: Engine, model: CurrentModel, time: datetime.datetime) -> int | None:
    """The version that was the default at a time; None when there was none yet."""
    rows = engine.rows(
        f"SELECT {sql.call('arg_max', 'default_version', 'sequence')} FROM {EVENTS.path(model.key.database)}"
        " WHERE model_id = $1 AND happened_at <= $2",
        [model.model_id, time],
    )
    return None if rows[0][0] is None else int(str(rows[0][0]))


def version_numbers(engine: Engine, model: CurrentModel) -> list[int]:
    """The numbers of the versions that are there, in order."""
    rows = engine.rows(
        f"SELECT version FROM {VERSIONS.path(model.key.database)} WHERE model_id = $1 ORDER BY version LIMIT 100000", [model.model_id]
    )
    return [int(str(number)) for (number,) in rows]


def read_version(engine: Engine, model: CurrentModel, version: int) -> tuple[str, str] | None:
    """The model type and the stored checksum of a version; None when there is no such version."""
    if not 0 < version < 1 << 31:
        return None
    rows = engine.rows(
        f"SELECT model_type, checksum FROM {VERSIONS.path(model.key.database)} WHERE model_id = $1 AND version = $2",
        [model.model_id, version],
    )
    return (str(rows[0][0]), str(rows[0][1])) if rows else None


def unknown_model(engine: Engine, key: ModelKey, models: list[CurrentModel], now: datetime.datetime) -> ProgrammingError:
    """The error for a model that is not there, with what is there instead.

    Args: models, all models of the database.
    """
    live = [model for model in models if not model.is_expired(now)]
    same_schema = [model.key.name for model in live if fold(model.key.schema) == fold(key.schema)]
    same_name = [model for model in models if fold(model.key.name) == fold(key.name)]
    expired = next((model for model in same_name if fold(model.key.schema) == fold(key.schema) and model.is_expired(now)), None)
    elsewhere = next((model for model in same_name if model in live), None)
    if expired is not None:
        hint: str | None = f"it expired at {expired.info.expires_at}"
    elif (close := did_you_mean(key.name, same_schema)) is not None:
        hint = close
    elif elsewhere is not None:
        hint = f"there is a model {elsewhere.key.schema}.{elsewhere.key.name}"
    elif _is_table(engine, key):
        hint = f"{key} is a table; CREATE MODEL … AS SELECT … FROM {key} makes a model of it"
    else:
        hint = f"there are: {', '.join(same_schema[:10])}" if same_schema else "SHOW MODELS lists the models; there is none in this schema"
    return ProgrammingError(f"there is no model {key}", code="unknown_model", hint=hint)


def _is_table(engine: Engine, key: ModelKey) -> bool:
    lower = {column: sql.call("lower", column) for column in ("database_name", "schema_name", "table_name", "view_name")}
    return bool(
        engine.rows(
            " UNION ALL ".join(
                f"SELECT 1 FROM {sql.call(function)} WHERE {lower['database_name']} = {sql.call('lower', '$1')} "
                f"AND {lower['schema_name']} = {sql.call('lower', '$2')} AND {lower[name]} = {sql.call('lower', '$3')}"
                for function, name in (("duckdb_tables", "table_name"), ("duckdb_views", "view_name"))
            ),
            [key.database, key.schema, key.name],
        )
    )
