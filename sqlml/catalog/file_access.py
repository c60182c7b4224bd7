"""Which folders EXPORT MODEL and IMPORT MODEL may touch, and what a uri of theirs means."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from sqlml.errors import NotSupportedError, OperationalError, ProgrammingError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
"""Of two letters or more: `C:/` is a drive."""


@dataclass(frozen=True, slots=True)
class FileAccess:
    """What a session may touch.

    Args:
        allowed: folders; without any, everything that the user may.
        is_cut_off: whether the engine was told to touch no files (`enable_external_access = false`).
    """

    allowed: tuple[str, ...]
    is_cut_off: bool

    def to_read(self, uri: str) -> Path:
        """The folder that a uri means, with every symbolic link and ".." resolved.

        Raises: NotSupportedError `uri_scheme`; ProgrammingError `uri`; OperationalError `files_not_allowed`.
        """
        path = self._resolved(uri)
        if self.allowed and not any(path.is_relative_to(folder) for folder in self._folders()):
            raise self._outside(path)
        return path

    def to_write(self, uri: str) -> Path:
        """As `to_read`; what is written beside the folder while it is not whole is inside an allowed folder too."""
        path = self._resolved(uri)
        if self.allowed and not any(path.parent.is_relative_to(folder) for folder in self._folders()):
            raise self._outside(path)
        return path

    def _resolved(self, uri: str) -> Path:
        if self.is_cut_off:
            raise OperationalError(
                "this database may touch no files: the engine's setting enable_external_access is false",
                code="files_not_allowed",
                hint="open the database without that setting",
            )
        text = _local(uri)
        if not text.strip() or not text.isprintable():
            raise ProgrammingError("uri must be the path of a folder", code="uri", hint="write a path, as in uri = 'models/churn'")
        try:
            return Path(os.path.realpath(Path(text).expanduser()))
        except (OSError, RuntimeError, ValueError) as error:
            raise ProgrammingError(f"uri is no path: {error}", code="uri", hint="write a path, as in uri = 'models/churn'") from None

    def _folders(self) -> list[Path]:
        return [Path(os.path.realpath(folder)) for folder in self.allowed]

    def _outside(self, path: Path) -> OperationalError:
        return OperationalError(
            f"{path} is not inside a folder that this session may touch", code="files_not_allowed",
            hint=f"sqlml.allow_files is {', '.join(self.allowed)}",
        )  # fmt: skip


def _local(uri: str) -> str:
    scheme = _SCHEME.match(uri)
    if scheme is None:
        return uri
    if scheme[1].lower() != "file" or not uri[5:].startswith("///"):
        raise NotSupportedError(
            f"models are exported to and imported from folders of this machine, not {scheme[1].lower()}://", code="uri_scheme",
            hint="export to a folder, and copy it with the tools of the other place",
        )  # fmt: skip
    return unquote(uri[7:])
