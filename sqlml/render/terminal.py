"""The two streams, and what each can show: width, colour, line-drawing characters.

Everything that depends on being a terminal is asked here, so that the rest of `render` draws the same for a person, a pipe and a test.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, field
from typing import TextIO

_RED = "\x1b[31m"
_YELLOW = "\x1b[33m"
_DIM = "\x1b[2m"
_RESET = "\x1b[0m"


@dataclass(frozen=True)
class Terminal:
    """Standard output for data, standard error for what people read beside it."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)

    @property
    def out_is_terminal(self) -> bool:
        return self.out.isatty()

    @property
    def err_is_terminal(self) -> bool:
        return self.err.isatty()

    @property
    def is_dumb(self) -> bool:
        """Whether the terminal cannot move its cursor."""
        return os.environ.get("TERM", "dumb").lower() in {"", "dumb", "unknown"}

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return shutil.get_terminal_size().columns

    @property
    def draws_lines(self) -> bool:
        """Whether standard output can carry line-drawing characters."""
        encoding: str | None = self.out.encoding
        if encoding is None:  # a stream in memory takes any text
            return True
        try:
            "│─┼…".encode(encoding)
        except (LookupError, UnicodeEncodeError):
            return False
        return True

    def red(self, text: str) -> str:
        """Text for an error, on standard error."""
        return self._styled(text, _RED, self.err)

    def yellow(self, text: str) -> str:
        """Text for a notice, on standard error."""
        return self._styled(text, _YELLOW, self.err)

    def dim(self, text: str) -> str:
        """Text that steps back, on standard output."""
        return self._styled(text, _DIM, self.out)

    def _styled(self, text: str, style: str, stream: TextIO) -> str:
        # https://no-color.org: any value of NO_COLOR but the empty one means no.
        if not text or not stream.isatty() or self.is_dumb or os.environ.get("NO_COLOR"):
            return text
        return f"{style}{text}{_RESET}"
