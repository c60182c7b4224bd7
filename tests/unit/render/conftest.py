from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from sqlml.render.terminal import Terminal


class Screen(io.StringIO):
    """A stream in memory that may claim to be a terminal of some encoding."""

    def __init__(self, *, tty: bool, encoding: str = "utf-8") -> None:
        super().__init__()
        self._tty = tty
        self._encoding = encoding

    @property
    def encoding(self) -> str:
        return self._encoding

    def isatty(self) -> bool:
        return self._tty


@pytest.fixture
def make_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Terminal]:
    """A terminal of a width; `tty=False` makes both streams files."""

    def make(*, tty: bool = True, width: int = 80, encoding: str = "utf-8", term: str = "xterm", no_color: str = "1") -> Terminal:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("TERM", term)
        monkeypatch.setenv("NO_COLOR", no_color)
        return Terminal(Screen(tty=tty, encoding=encoding), Screen(tty=tty, encoding=encoding))

    return make
