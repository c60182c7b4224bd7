"""Every `.test` file below is a test; see tests/sqltest."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqltest.plugin import SqlFile


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SqlFile | None:
    """Takes the `.test` files."""
    return SqlFile.from_parent(parent, path=file_path) if file_path.suffix == ".test" else None
