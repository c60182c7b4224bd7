"""`.test` files as pytest tests: one for each file and door, named `file.test::door`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sqltest.doors import DOORS
from sqltest.records import MalformedTest
from sqltest.runner import Mismatch, Runner, Unavailable


class SqlFile(pytest.File):
    """A `.test` file."""

    def collect(self) -> Iterator[pytest.Item]:
        for name in DOORS:
            yield SqlItem.from_parent(self, name=name)


class SqlItem(pytest.Item):
    """A `.test` file through one door."""

    def runtest(self) -> None:
        with TemporaryDirectory(prefix="sqltest-") as scratch:
            try:
                Runner(self.path, DOORS[self.name], Path(scratch)).run()
            except Unavailable as reason:
                pytest.skip(str(reason))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: str | None = None) -> object:  # type: ignore[override]
        if isinstance(excinfo.value, Mismatch | MalformedTest):
            return f"{excinfo.value}\nthrough: {self.name}"
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.path.name}::{self.name}"
