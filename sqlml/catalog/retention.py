"""Which versions go when a new one comes: all but the newest, and never one that something points at."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from sqlml.catalog.current import CurrentModel, version_numbers
from sqlml.catalog.log import Cause, delete_versions, log_event
from sqlml.engines.engine import Engine


def beyond(engine: Engine, model: CurrentModel, keep_versions: int) -> list[int]:
    """The versions that `keep_versions` would drop, in order: not among the newest so many, not the default, of no alias."""
    return surplus(model, version_numbers(engine, model), keep_versions)


def surplus(model: CurrentModel, numbers: Sequence[int], keep_versions: int) -> list[int]:
    """As `beyond`, of versions whose numbers are known, in order."""
    protected = {model.info.default_version, *(version for _, version in model.info.aliases)}
    return [number for number in numbers[: max(0, len(numbers) - keep_versions)] if number not in protected]


def drop_beyond(engine: Engine, model: CurrentModel, keep_versions: int | None, cause: Cause, at: datetime.datetime) -> CurrentModel:
    """Drops what `beyond` names, an event each."""
    for version in [] if keep_versions is None else beyond(engine, model, keep_versions):
        delete_versions(engine, model, version)
        model = log_event(
            engine, model, "version_dropped", cause, at, version=version, n_versions=max(1, model.info.n_versions - 1),
            reason=f"keep_versions is {keep_versions}",
        )  # fmt: skip
    return model
