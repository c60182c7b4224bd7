"""The settings of a session, by the names that `SET sqlml.<name>` gives them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Settings:
    """What a session was told; changed by SET while it runs."""

    lock_timeout_seconds: float = 60.0
    keep_versions: int | None = None
    """How many versions of a model stay when a new one comes; None for all."""
    allow_files: tuple[str, ...] = ()
    """Folders that EXPORT MODEL and IMPORT MODEL may touch; none means the folders of the user."""
    allow_recorded_queries: bool = False
    """Whether REFRESH and VERIFY may run the training query of a version that this session did not make."""
