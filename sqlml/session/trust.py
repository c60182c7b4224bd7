"""Whether SQL that sqlml generates means what it says: no setting stands in its way, and no macro of the user or of a stranger's file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlml.errors import NotSupportedError

if TYPE_CHECKING:
    from sqlml.engines.engine import Engine

_CHANGES_MACROS = re.compile(r"\b(macro|function|attach|detach|import)\b", re.IGNORECASE)


class Trust:
    """What has been looked at, for one session."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # A stranger's macros come with a file.
        created = engine.created_database
        self._databases: frozenset[str] | None = None if created is None else frozenset({created})

    def notice(self, statement: str) -> None:
        """Told of each statement of the engine: after some of them macros must be looked for again."""
        if _CHANGES_MACROS.search(statement):
            self._databases = None

    def check(self) -> None:
        """Refuses ML while a macro stands in the way of a built-in function that generated SQL calls; once per set of databases."""
        changed = self._engine.changed_meanings()
        if changed:
            raise NotSupportedError(
                f"models would compute something else under SET {', '.join(changed)}", code="changed_meaning",
                hint=f"RESET {changed[0].partition(' ')[0]}; it can be set again afterwards",
            )  # fmt: skip
        databases = frozenset(self._engine.databases())
        if databases == self._databases:
            return
        macros = self._engine.shadowing_macros()
        if macros:
            raise NotSupportedError(
                f"the database has macros with the names of built-in functions: {', '.join(macros[:5])}", code="shadowed_builtin",
                hint="drop or rename them (DROP MACRO …), or detach the database; models could compute something else than they say",
            )  # fmt: skip
        self._databases = databases
