"""Settings of a session as SQL and the doors change them: names found, values checked, the engine told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlml import sql
from sqlml.engines.engine import Engine
from sqlml.errors import Error, NotSupportedError, OperationalError, ProgrammingError, did_you_mean
from sqlml.settings import SETTINGS, Setting, Settings

DIALECTS = ("duckdb", "bigquery")


def check_dialect(name: str) -> str:
    """Raises: NotSupportedError `dialect_not_supported`."""
    if name.lower() not in DIALECTS:
        raise NotSupportedError(f'there is no SQL flavour "{name}"', code="dialect_not_supported", hint=f"there are: {', '.join(DIALECTS)}")
    return name.lower()


def find_setting(name: str, origin: str) -> Setting:
    """The declaration of a setting, found without regard to case.

    Args: origin, where the name was given, for the message; "" for the statement itself.
    Raises: ProgrammingError `unknown_setting`.
    """
    found = SETTINGS.get(name.lower())
    if found is None:
        raise ProgrammingError(
            f"sqlml has no setting {name}{_in(origin)}", code="unknown_setting",
            hint=did_you_mean(name, list(SETTINGS)) or f"there are: {', '.join(SETTINGS)}",
        )  # fmt: skip
    return found


def checked(setting: Setting, value: object, origin: str, *, is_text: bool = False) -> object:
    """The value as the setting's type has it.

    Args: is_text, whether it is text that has to be read first, from the environment or a command line.
    Raises: ProgrammingError `setting_value`; NotSupportedError `dialect_not_supported`.
    """
    try:
        found = setting.type.from_text(str(value)) if is_text else setting.type.convert(value)
    except ValueError as error:
        raise ProgrammingError(
            f"{setting.name} {error}, got {_shown(value)}{_in(origin)}", code="setting_value", hint="SHOW sqlml lists the settings"
        ) from None
    return check_dialect(str(found)) if setting.name == "dialect" else found


class SessionSettings:
    """The settings of one session, and what they were before SQL changed them.

    Args: given, the values that the session starts with; they are passed on to the engine here.
    Raises: ProgrammingError `setting_value` for one that the engine refuses.
    """

    def __init__(self, engine: Engine, given: Settings) -> None:
        self._engine = engine
        self.values = given
        for setting in SETTINGS.values():
            if setting.of_engine and setting.name in given.origins:
                self._tell_engine(setting, getattr(given, setting.name), given.origins[setting.name])
        self._at_start = replace(given, origins=dict(given.origins))
        self._of_engine: dict[str, str] = {}
        """The engine's own values, as they were before SQL changed them."""
        self._zone: str | None = None
        """The engine's time zone before the BigQuery flavour put UTC in its place."""
        self._follow_dialect()

    def change(self, name: str, value: object) -> None:
        """Raises: ProgrammingError `unknown_setting`, `setting_value`; NotSupportedError `dialect_not_supported`; OperationalError
        `configuration_locked`."""
        setting = find_setting(name, "")
        found = checked(setting, value, "")
        self._check_unlocked(setting)
        if setting.of_engine:
            self._of_engine.setdefault(setting.name, self.of_engine(setting.name))
            self._tell_engine(setting, found, "")
        setattr(self.values, setting.name, found)
        self.values.origins[setting.name] = "SQL"
        self._follow_dialect()

    def reset(self, name: str) -> None:
        """Gives a setting the value that it had when the session began.

        Raises: as `change`.
        """
        setting = find_setting(name, "")
        self._check_unlocked(setting)
        before = getattr(self._at_start, setting.name)
        if setting.of_engine and setting.name in self._of_engine:
            self._tell_engine(setting, self._of_engine.pop(setting.name), "")
        setattr(self.values, setting.name, before)
        self.values.origins.pop(setting.name, None)
        if setting.name in self._at_start.origins:
            self.values.origins[setting.name] = self._at_start.origins[setting.name]

        self._follow_dialect()

    def _follow_dialect(self) -> None:
        """In BigQuery times without a zone are UTC, so the engine's are while that flavour is spoken."""
        if self.values.dialect == "bigquery" and self._zone is None:
            self._zone = self.of_engine("TimeZone")
            self._engine.rows("SET TimeZone = 'UTC'")
        elif self.values.dialect != "bigquery" and self._zone is not None:
            self._engine.rows(f"SET TimeZone = {sql.literal(self._zone)}")
            self._zone = None

    def of_engine(self, name: str) -> str:
        """The value of a setting of the engine's, whoever set it."""
        ((value,),) = self._engine.rows(f"SELECT {sql.call('current_setting', sql.literal(name))}")
        return str(value)

    def _tell_engine(self, setting: Setting, value: object, origin: str) -> None:
        try:
            self._engine.rows(f"SET {setting.name} = {sql.literal(value)}")
        except Error as error:
            if error.code in {"transaction_aborted", "cancelled"}:
                raise
            raise ProgrammingError(
                f"the engine refuses {setting.name} = {_shown(value)}{_in(origin)}: {error.message}", code="setting_value", hint=error.hint
            ) from error

    def _check_unlocked(self, setting: Setting) -> None:
        """What was fixed with the engine's `lock_configuration` stays, ours as well."""
        if self.of_engine("lock_configuration") == "True":
            raise OperationalError(
                f"sqlml.{setting.name} cannot be changed: the configuration is locked",
                code="configuration_locked",
                hint="the engine's lock_configuration is on: set it where the connection is made",
            )


def start_values(layers: Mapping[str, Mapping[str, object]]) -> Settings:
    """The settings that a session starts with.

    Args: layers, values that are checked, by their origin, the weakest first.
    """
    settings = Settings()
    for origin, values in layers.items():
        for name, value in values.items():
            setattr(settings, name, value)
            settings.origins[name] = origin
    return settings


def _in(origin: str) -> str:
    return f" ({origin})" if origin else ""


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else "NULL" if value is None else str(value)
    return text if len(text) <= 60 else text[:60] + "…"
