"""Which version a number, an alias or a time means."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from sqlml.catalog.current import CurrentModel, default_at, fold, read_version, version_numbers
from sqlml.catalog.records import Reference
from sqlml.engines.engine import Engine
from sqlml.errors import ProgrammingError, did_you_mean
from sqlml.shown_names import listed, shown_name

MAX_ALIAS_LENGTH = 255
DEFAULT = "default"
INCUMBENT = "incumbent"
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Found:
    """A version that is there."""

    version: int
    model_type: str
    checksum: str


def resolve(engine: Engine, model: CurrentModel, reference: Reference) -> Found:
    """The version that is meant.

    Raises: ProgrammingError `unknown_version`, `unknown_alias`, `no_version_then`.
    """
    match reference:
        case None:
            version = model.info.default_version
        case str():
            version = require_alias(model, reference)[1]
        case datetime.datetime():
            version = _default_then(engine, model, reference)
        case _:
            version = reference
    found = read_version(engine, model, version)
    if found is not None:
        return Found(version, *found)
    if isinstance(reference, datetime.datetime):
        raise ProgrammingError(
            f"version {version}, the default of model {model.key} at {reference} UTC, has been dropped since", code="no_version_then",
            hint=_versions(engine, model),
        )  # fmt: skip
    raise ProgrammingError(f"model {model.key} has no version {version}", code="unknown_version", hint=_versions(engine, model))


def find_alias(model: CurrentModel, alias: str) -> tuple[str, int] | None:
    """An alias as it is spelled, and its version; found without regard to case."""
    return next((known for known in model.info.aliases if fold(known[0]) == fold(alias)), None)


def check_alias(alias: str) -> None:
    """Raises: ProgrammingError `alias_name`."""
    if fold(alias) == INCUMBENT:
        raise ProgrammingError(
            f"{shown_name(alias)} cannot be an alias: in PROMOTE IF it is the version that would be replaced",
            code="alias_name",
            hint="choose another name",
        )
    if fold(alias) == DEFAULT:
        raise ProgrammingError(
            f"{shown_name(alias)} cannot be an alias: it would be another version than the default", code="alias_name",
            hint="a model's name alone means its default version; ALTER MODEL … SET DEFAULT VERSION = … moves it",
        )  # fmt: skip
    if not alias or len(alias) > MAX_ALIAS_LENGTH or alias.isdecimal() or not alias.isprintable():
        raise ProgrammingError(
            f"an alias must be a name of at most {MAX_ALIAS_LENGTH} printable characters that is no number",
            code="alias_name",
            hint="choose a name such as champion or candidate_2",
        )


def require_alias(model: CurrentModel, alias: str) -> tuple[str, int]:
    """As `find_alias`.

    Raises: ProgrammingError `unknown_alias`.
    """
    found = find_alias(model, alias)
    if found is not None:
        return found
    names = [name for name, _ in model.info.aliases]
    if fold(alias) == DEFAULT:
        hint: str | None = f"{model.key} alone means the default version, which is {model.info.default_version}"
    else:
        hint = did_you_mean(alias, names, shown_name) or (f"there are: {listed(names)}" if names else _none(model, alias))
    raise ProgrammingError(f"model {model.key} has no alias {shown_name(alias)}", code="unknown_alias", hint=hint)


def _none(model: CurrentModel, alias: str) -> str:
    return f"ALTER MODEL {model.key} SET ALIAS {shown_name(alias)} = {model.info.default_version} makes it"


def _default_then(engine: Engine, model: CurrentModel, time: datetime.datetime) -> int:
    version = default_at(engine, model, time)
    if version is None:
        raise ProgrammingError(
            f"model {model.key} did not exist at {time} UTC", code="no_version_then", hint=f"it was created at {model.info.created_at} UTC"
        )
    return version


def _versions(engine: Engine, model: CurrentModel) -> str:
    numbers = [str(number) for number in version_numbers(engine, model)]
    return f"there are: {', '.join(numbers if len(numbers) <= _SHOWN else [*numbers[:3], '…', *numbers[-8:]])}"
