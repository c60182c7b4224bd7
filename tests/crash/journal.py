"""The side file of a database: what was begun, what was acknowledged, what was predicted; written through to the disk line by line."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .expected import EMPTY, Change, State, after


@dataclass
class Journal:
    """Lines of one database."""

    path: Path
    state: State = field(default_factory=lambda: EMPTY)
    """After everything that was acknowledged, or settled by a look at the recovered database."""
    pending: Change | None = None
    """What had begun and was not acknowledged: it may be there, whole, or not."""

    def __post_init__(self) -> None:
        for entry in read(self.path):
            self._follow(entry)

    def write(self, kind: str, value: Any = None, *, sync: bool = True) -> None:
        with self.path.open("ab", buffering=0) as file:
            file.write(json.dumps([kind, value]).encode() + b"\n")
            if sync:
                os.fsync(file.fileno())
        self._follow([kind, value])

    def _follow(self, entry: list[Any]) -> None:
        match entry:
            case ["begun", change]:
                self.pending = change
            case ["acknowledged", _]:
                assert self.pending is not None
                self.state, self.pending = after(self.state, self.pending), None
            case ["settled", which]:
                if self.pending is not None and which == "there":
                    self.state = after(self.state, self.pending)
                self.pending = None


def read(path: Path) -> list[list[Any]]:
    """The whole lines."""
    if not path.exists():
        return []
    *lines, _ = path.read_bytes().split(b"\n")
    return [json.loads(line) for line in lines]
