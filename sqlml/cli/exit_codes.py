"""How the command ends, for the script or scheduler that started it."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """The exit codes of `sqlml`, each with its sentence."""

    OK = 0
    """Every statement succeeded."""
    STATEMENT_FAILED = 1
    """A statement failed; those before it stay done, those after it were not run."""
    PROBLEMS_FOUND = 1
    """`sqlml doctor` found something wrong with the models, or `sqlml check` with a script, and says what."""
    USAGE = 2
    """The command line is wrong, or a script cannot be read; nothing was run."""
    CANNOT_OPEN = 3
    """The database cannot be opened; nothing was run."""
    INTERNAL = 4
    """A bug in sqlml."""
    CANCELLED = 130
    """Ctrl-C; the running statement left nothing behind, those before it stay done."""
    BROKEN_PIPE = 141
    """The reader of standard output went away, as `head` does; the rest was not run."""
    TERMINATED = 143
    """SIGTERM; the running statement left nothing behind, those before it stay done."""
