"""The settings of a session: declared once, with type, range, default and effect, by the names that `SET sqlml.<name>` gives them.

A setting comes from the configuration file, the environment, the command line or the connection, and from SQL, each stronger than the one
before; `origins` says which. Where the values come from is for `session/settings_sources`; here a value becomes what its type says, or is
refused.
"""

from __future__ import annotations

import dataclasses
import math
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

_TRUE = frozenset({"true", "on", "yes", "1"})
_FALSE = frozenset({"false", "off", "no", "0"})


class SettingType(ABC):
    """What a setting takes. Both ways in give the canonical value or raise `ValueError` with "must be …"; the caller adds the name."""

    @abstractmethod
    def convert(self, value: object) -> object:
        """From SQL, Python or TOML."""

    def from_text(self, text: str) -> object:
        """From the environment or the command line."""
        return self.convert(text)


@dataclass(frozen=True)
class Number(SettingType):
    """A number above zero."""

    def convert(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
            raise ValueError("must be a number above 0")
        return float(value)

    def from_text(self, text: str) -> object:
        return self.convert(_read(float, text))


@dataclass(frozen=True)
class Whole(SettingType):
    ge: int
    le: int = (1 << 31) - 1
    optional: bool = False
    """Whether NULL is a value."""

    def convert(self, value: object) -> int | None:
        if value is None and self.optional:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not self.ge <= value <= self.le:
            raise ValueError(f"must be a whole number of {self.ge} to {self.le}" + (", or NULL" if self.optional else ""))
        return value

    def from_text(self, text: str) -> object:
        return self.convert(None if self.optional and text.strip().lower() == "null" else _read(int, text))


@dataclass(frozen=True)
class Switch(SettingType):
    def convert(self, value: object) -> bool:
        word = str(value).strip().lower() if isinstance(value, bool | str) else ""
        if word not in _TRUE | _FALSE:
            raise ValueError("must be TRUE or FALSE (on or off)")
        return word in _TRUE


@dataclass(frozen=True)
class Text(SettingType):
    def convert(self, value: object) -> str:
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise ValueError("must be a text")
        return value.strip()


@dataclass(frozen=True)
class Folders(SettingType):
    """Paths, made absolute where the session starts to use them."""

    def convert(self, value: object) -> tuple[str, ...]:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list | tuple) or not all(isinstance(item, str) and item and "\0" not in item for item in items):
            raise ValueError("must be a folder or a list of folders, as in ['/data/models', '/backup']")
        return tuple(os.path.abspath(os.path.expanduser(item)) for item in items)  # noqa: PTH100, PTH111 - the ground layer stays with text

    def from_text(self, text: str) -> object:
        listed = text.strip()
        if listed.startswith("[") and listed.endswith("]"):  # as SQL writes it
            return self.convert([part.strip().strip("'\"") for part in listed[1:-1].split(",") if part.strip()])
        return self.convert([part for part in text.split(os.pathsep) if part])


@dataclass(frozen=True)
class Targets(SettingType):
    """Names and what they lead to, kept as `name=target`."""

    def convert(self, value: object) -> tuple[str, ...]:
        items = (
            [f"{name}={target}" for name, target in value.items()]
            if isinstance(value, dict)
            else [value]
            if isinstance(value, str)
            else value
        )
        if not isinstance(items, list | tuple) or not all(isinstance(item, str) and _is_target(item) for item in items):
            raise ValueError("must be name=target, as in ['bigquery-public-data.ml_datasets=samples.main', 'my-project=sales']")
        return tuple("=".join(part.strip().strip("`") for part in item.split("=")) for item in items)

    def from_text(self, text: str) -> object:
        return self.convert([part for part in text.split(",") if part.strip()])


def _is_target(item: str) -> bool:
    """`project=database`, `project.dataset=database.schema` or `project.dataset=schema`."""
    name, sign, target = item.partition("=")
    parts = [*name.split("."), *target.split(".")]
    return (
        bool(sign)
        and item.isprintable()
        and "=" not in target
        and len(name.split(".")) <= 2 >= len(target.split("."))
        and all(map(str.strip, parts))
    )


def _read(kind: type[int | float], text: str) -> object:
    """The number that a text is, or the text itself, which the type then refuses."""
    try:
        return kind(text)
    except ValueError:
        return text


def _declared(kind: SettingType, default: object, doc: str, *, of_engine: bool = False) -> Any:
    return field(default=default, metadata={"type": kind, "doc": doc, "of_engine": of_engine})


@dataclass
class Settings:
    """What a session was told; changed by SET while it runs."""

    dialect: str = _declared(Text(), "duckdb", "The SQL flavour of statements: duckdb or bigquery.")
    seed: int = _declared(Whole(ge=0), 42, "What every training draws from; recorded with the version.")
    threads: int | None = _declared(Whole(ge=1, le=1024), None, "The engine's threads; its own choice unless given.", of_engine=True)
    memory_limit: str | None = _declared(Text(), None, "The engine's memory, as in '8GB'; its own choice unless given.", of_engine=True)
    lock_timeout_seconds: float = _declared(Number(), 60.0, "How long a change of the catalog waits for others in this process.")
    keep_versions: int | None = _declared(
        Whole(ge=1, optional=True), None,
        "How many versions of a model stay when a new one comes, beside the default and those with an alias; NULL for all.",
    )  # fmt: skip
    progress: bool = _declared(Switch(), True, "Whether running statements say how far they are.")
    allow_files: tuple[str, ...] = _declared(
        Folders(), (), "Folders that EXPORT and IMPORT MODEL, EXPORT DATA and LOAD DATA may touch; without any, all that the user may."
    )
    projects: tuple[str, ...] = _declared(
        Targets(), (),
        "Where names of projects and datasets lead in the BigQuery flavour: ['project=database', 'project.dataset=database.schema'].",
    )  # fmt: skip
    allow_recorded_queries: bool = _declared(
        Switch(), False, "Whether REFRESH and VERIFY may run the training query of a version that this session did not make."
    )
    origins: dict[str, str] = field(default_factory=dict)
    """Where a value came from, by name; a setting that nobody gave is not in it."""


@dataclass(frozen=True)
class Setting:
    """The declaration of one setting."""

    name: str
    type: SettingType
    default: object
    doc: str
    of_engine: bool
    """Whether it is passed on to the engine's setting of the same name."""


SETTINGS: dict[str, Setting] = {
    declared.name: Setting(
        declared.name, declared.metadata["type"], declared.default, declared.metadata["doc"], declared.metadata["of_engine"]
    )
    for declared in dataclasses.fields(Settings)
    if declared.metadata
}
"""By name."""
