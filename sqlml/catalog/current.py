"""The present of models, read from their claims and events: what `find` tells, and what the next change builds on."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from sqlml import sql
from sqlml.catalog.records import ModelInfo, ModelKey
from sqlml.catalog.tables import EVENTS, MAX_ROWS, NAMES, VERSIONS, Table
from sqlml.engines.engine import Engine
from sqlml.errors import ProgrammingError, did_you_mean
from sqlml.shown_names import listed, shown_name
from sqlml.state import damaged_state

_PRESENT = EVENTS.at(1)
"""The columns that tell the present; every format has them."""
MAX_NAME = 65_536
"""Characters of the name of a model or a schema."""
_MAX_ENTRIES = 10_000
"""Aliases or labels of a model; to make a million of them into Python values takes a second for each event that holds them."""
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
        """Whether its time has come; what an alias points at is never taken away, so a model with aliases stays."""
        return has_expired(self.info.expires_at, bool(self.info.aliases), now)


def has_expired(expires_at: datetime.datetime | None, has_aliases: bool, now: datetime.datetime) -> bool:
    return expires_at is not None and expires_at <= now and not has_aliases


def fold(name: str) -> str:
    """A name as it is compared: like the engine's own, without regard to the case of ASCII letters."""
    return name.translate(_ASCII_LOWER)


def read_model(engine: Engine, key: ModelKey) -> tuple[CurrentModel | None, int]:
    """Who owns a name, expired or not, and the sequence of the name's last claim (0: it was never claimed).

    Raises: IntegrityError `damaged_state`.
    """
    claim = _last(engine, NAMES, key.database, {"schema_key": fold(key.schema), "name_key": fold(key.name)})
    if claim is None:
        return None, 0
    sequence = int(claim["sequence"])
    if claim["model_id"] is None:
        return None, sequence
    event = _last(engine, _PRESENT, key.database, {"model_id": claim["model_id"]})
    if event is None:
        raise damaged_state("its log is missing")
    return current_model(key.database, claim, event), sequence


def read_models(engine: Engine, database: str, schema: str | None = None) -> list[CurrentModel]:
    """The models of a database or of one schema, by name, those that have expired among them.

    Raises: IntegrityError `damaged_state`.
    """
    return [claimed_model(database, row) for row in read_claims(engine, database, schema)]


class Claim(NamedTuple):
    """A name that is taken, with what the last event of its model says; all of that is NULL where there is none."""

    schema_name: str
    model_name: str
    model_id: str
    claim: int
    event: int | None
    model_type: Any
    default_version: Any
    last_version: Any
    n_versions: Any
    aliases: Any
    description: Any
    labels: Any
    expires_at: Any
    created_at: Any
    modified_at: Any


def read_claims(engine: Engine, database: str, schema: str | None = None) -> list[Claim]:
    """The names that are taken in a database or in one schema, in order.

    Raises: IntegrityError `damaged_state` for more names than are read at once.
    """
    rows = engine.rows(
        "SELECT n.schema_key, n.name_key, n.schema_name, n.model_name, n.model_id, n.sequence, e.sequence, e.model_type, e.default_version,"
        f" e.last_version, e.n_versions, {_bounded('e.aliases')}, e.description, {_bounded('e.labels')}, e.expires_at, e.created_at,"
        " e.happened_at"
        f" FROM {NAMES.path(database)} AS n"
        f" LEFT JOIN (SELECT * FROM {_PRESENT.path(database)} WHERE {is_last(_PRESENT, database, 'model_id')}) AS e"
        " ON e.model_id = n.model_id"
        f" WHERE n.model_id IS NOT NULL AND n.{is_last(NAMES, database, 'schema_key, name_key')}"
        f"{'' if schema is None else ' AND n.schema_key = $1'} LIMIT {MAX_ROWS + 1}",
        None if schema is None else [fold(schema)],
    )
    if len(rows) > MAX_ROWS:
        raise damaged_state(f"there are more than {MAX_ROWS} models")
    return [Claim._make(row[2:]) for row in sorted(rows, key=itemgetter(0, 1))]


def check_claim(row: Claim) -> None:
    """Raises: IntegrityError `damaged_state` where the log is missing, or says what cannot be."""
    if row.event is None:
        raise damaged_state("its log is missing")
    expires_at = row.expires_at
    if len(row.model_name) > MAX_NAME or len(row.schema_name) > MAX_NAME:
        raise damaged_state("its name is too long")
    if row.model_type is None or row.default_version is None or not 0 < row.default_version <= row.last_version:
        raise damaged_state("its log names no default version")
    if row.aliases and not all(isinstance(target, int) and 0 < target <= row.last_version for target in row.aliases.values()):
        raise damaged_state("its log names an alias of no version")
    times = (row.created_at, row.modified_at) if expires_at is None else (row.created_at, row.modified_at, expires_at)
    if not all(isinstance(time, datetime.datetime) for time in times) or (row.labels and None in row.labels.values()):
        raise damaged_state("its log holds a value that is out of range")


def claimed_model(database: str, row: Claim) -> CurrentModel:
    """The model that a name belongs to.

    Raises: IntegrityError `damaged_state`.
    """
    check_claim(row)
    assert row.event is not None  # check_claim
    labels, aliases = row.labels or {}, row.aliases or {}
    info = ModelInfo(
        ModelKey(database, row.schema_name, row.model_name), row.model_id, row.model_type, row.default_version, row.n_versions,
        row.created_at, row.modified_at, row.description, tuple(labels.items()), row.expires_at, tuple(sorted(aliases.items())),
    )  # fmt: skip
    return CurrentModel(info, row.claim, row.event, row.last_version)


def is_last(table: Table, database: str, by: str) -> str:
    """SQL: whether a row has the highest sequence of its group. By its id: to carry whole rows through the groups takes twice as long."""
    return f"rowid IN (SELECT {sql.call('arg_max', 'rowid', 'sequence')} FROM {table.path(database)} GROUP BY {by})"


def _bounded(column: str) -> str:
    """SQL of a map, with a NULL among its values, which none of ours has, in place of one with more entries than are read."""
    count, null = sql.call("cardinality", column), sql.call("map", "['']", "[NULL]")
    return f"CASE WHEN {count} > {_MAX_ENTRIES} THEN {null} ELSE {column} END"


def _last(engine: Engine, table: Table, database: str, which: Mapping[str, str]) -> dict[str, Any] | None:
    """The row with the highest sequence of those that have these values."""
    fields = ", ".join(
        f"{sql.quote(name)} := {_bounded(sql.quote(name)) if declared.startswith('MAP') else sql.quote(name)}"
        for name, declared in table.columns
    )
    row = sql.call("arg_max", sql.call("struct_pack", fields), "sequence")
    conditions = " AND ".join(f"{column} = ${number}" for number, column in enumerate(which, start=1))
    ((found,),) = engine.rows(f"SELECT {row} FROM {table.path(database)} WHERE {conditions}", list(which.values()))
    return found if isinstance(found, dict) else None


def current_model(database: str, claim: Mapping[str, Any], event: Mapping[str, Any]) -> CurrentModel:
    """A model from the last claim of its name and its last event, both as rows; maps as dicts.

    Raises: IntegrityError `damaged_state`.
    """
    return claimed_model(
        database,
        Claim(
            claim["schema_name"], claim["model_name"], claim["model_id"], claim["sequence"], event["sequence"], event["model_type"],
            event["default_version"], event["last_version"], event["n_versions"], event["aliases"], event["description"], event["labels"],
            event["expires_at"], event["created_at"], event["happened_at"],
        ),
    )  # fmt: skip


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
        hint: str | None = (
            f"it expired at {expired.info.expires_at} UTC; ALTER MODEL {expired.key} SET OPTIONS (expiration_timestamp = NULL) brings it "
            f"back, DROP MODEL {expired.key} erases it"
        )
    elif (close := did_you_mean(key.name, same_schema, shown_name)) is not None:
        hint = close
    elif elsewhere is not None:
        hint = f"there is a model {shown_name(elsewhere.key.schema)}.{shown_name(elsewhere.key.name)}"
    elif _is_table(engine, key):
        hint = f"{key} is a table; CREATE MODEL … AS SELECT … FROM {key} makes a model of it"
    else:
        hint = f"there are: {listed(same_schema)}" if same_schema else "SHOW MODELS lists the models; there is none in this schema"
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
