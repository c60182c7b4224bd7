"""What is said of a model that had expired and whose name another one takes: until then it could have been brought back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from sqlml.catalog.store import Catalog
from sqlml.session.progress import EventProgress


@contextlib.contextmanager
def erasure_told(catalog: Catalog, progress: EventProgress) -> Iterator[None]:
    """Gives a notice when what runs inside has erased an expired model whose name it takes."""
    catalog.erased = None
    yield
    before = catalog.erased
    if before is not None:
        versions = f"{before.n_versions} version{'s' * (before.n_versions != 1)}"
        progress.notice(
            "expired_model",
            f"model {before.key}, which expired at {before.expires_at} UTC, was erased with its {versions} to make room for the new one",
        )
