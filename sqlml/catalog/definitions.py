"""The statements and options that made the default versions of many models, read at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from sqlml import sql
from sqlml.catalog.records import ModelInfo
from sqlml.catalog.rows import read_options
from sqlml.catalog.tables import VERSIONS, read
from sqlml.engines.engine import Engine
from sqlml.state import damaged_state

_WANTED = "__sqlml_wanted_versions"


@dataclass(frozen=True, slots=True)
class Definition:
    """What made a version. `options` are all of them with their effective values, `given` the names of those that the statement gives."""

    statement: str
    options: Mapping[str, object]
    given: tuple[str, ...]


def read_definitions(engine: Engine, database: str, models: Sequence[ModelInfo]) -> list[Definition]:
    """The definition of each model's default version, in order.

    Raises: IntegrityError `damaged_state`.
    """
    wanted = {
        "model_id": pa.array([model.model_id for model in models], pa.string()),
        "version": pa.array([model.default_version for model in models], pa.int32()),
    }
    engine.register(_WANTED, pa.table(wanted))
    try:
        rows = read(
            engine,
            f"SELECT v.model_id, v.statement, v.options, v.given_options FROM {VERSIONS.path(database)} AS v"
            f" JOIN {sql.quote(_WANTED)} AS w ON v.model_id = w.model_id AND v.version = w.version",
            [],
        )
    finally:
        engine.unregister(_WANTED)
    found = {row["model_id"]: Definition(row["statement"], *read_options(row)) for row in rows}
    if len(found) != len({model.model_id for model in models}):
        raise damaged_state("the record of a default version is missing")
    return [found[model.model_id] for model in models]
