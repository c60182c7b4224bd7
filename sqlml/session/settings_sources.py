"""What a session's settings are before the first statement: the configuration file, the environment, and what the caller gives.

The file is `$SQLML_CONFIG`, else `sqlml/config.toml` in the user's folder of configuration; its table is `[settings]`. A variable is called
`SQLML_` and the name of the setting in capitals.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from sqlml.errors import ProgrammingError, did_you_mean
from sqlml.session.settings import checked, find_setting, start_values
from sqlml.settings import SETTINGS, Settings

_PREFIX = "SQLML_"
_FILE_VARIABLE = "SQLML_CONFIG"
_OTHER_VARIABLES = frozenset({_FILE_VARIABLE, "SQLML_DEBUG"})
_MAX_BYTES = 1 << 20


def initial_settings(given: Mapping[str, object] | None = None, *, origin: str = "connection") -> Settings:
    """The settings of a new session.

    Args:
        given: the strongest of them, by name.
        origin: where those were given.
    Raises: ProgrammingError `unknown_setting`, `setting_value`, `configuration_file`, each naming the file or the variable;
        NotSupportedError `dialect_not_supported`.
    """
    layers: dict[str, Mapping[str, object]] = {}
    path = _file()
    if path is not None:
        layers[str(path)] = _of_file(path)
    layers |= _of_environment()
    layers[origin] = _checked(given or {}, origin)
    return start_values(layers)


def _checked(values: Mapping[str, object], origin: str) -> dict[str, object]:
    found = {}
    for name, value in values.items():
        setting = find_setting(name, origin)
        found[setting.name] = checked(setting, value, origin)
    return found


def _of_environment() -> dict[str, Mapping[str, object]]:
    layers: dict[str, Mapping[str, object]] = {}
    for variable, text in os.environ.items():
        if not variable.upper().startswith(_PREFIX) or variable.upper() in _OTHER_VARIABLES:
            continue
        name = variable[len(_PREFIX) :].lower()
        setting = SETTINGS.get(name)
        if setting is not None:
            layers[variable] = {name: checked(setting, text, variable, is_text=True)}
        elif did_you_mean(name, list(SETTINGS)) is not None:
            # One that is not close may belong to somebody else: orchestrators make variables of the names of services.
            find_setting(name, variable)
    return layers


def _file() -> Path | None:
    """The configuration file that is to be read; None when there is none."""
    named = os.environ.get(_FILE_VARIABLE)
    if named is not None:
        return Path(named) if named else None
    base = os.environ.get("XDG_CONFIG_HOME")
    try:
        folder = Path(base) if base else Path.home() / ".config"
    except RuntimeError:  # a user without a home
        return None
    path = folder / "sqlml" / "config.toml"
    try:
        return path if path.is_file() else None
    except OSError:  # HOME is somebody else's, as with sudo or in a container
        return None


def _of_file(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        content = tomllib.loads(data.decode()) if len(data) <= _MAX_BYTES else None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(path, f"it is no TOML: {error}") from None
    if content is None:
        raise _unreadable(path, f"it has more than {_MAX_BYTES} bytes")
    unknown = [name for name in content if name != "settings"]
    values = content.get("settings", {})
    if unknown or not isinstance(values, dict):
        raise ProgrammingError(
            f"{path} has {unknown[0] if unknown else 'settings'!r} where a table [settings] is expected", code="configuration_file",
            hint="write [settings] above the lines name = value",
        )  # fmt: skip
    return _checked(values, str(path))


def _unreadable(path: Path, reason: str) -> ProgrammingError:
    return ProgrammingError(
        f"the configuration file {path} cannot be read: {reason}", code="configuration_file", hint="mend it, or move it away"
    )
