"""An exported model on disk: a folder with a manifest and files of data, each with its size and SHA-256 in the manifest.

    manifest.json       what is here: the model, its versions, who exported it, the files; and a hash of all that it says
    versions.jsonl      the rows of the catalog's tables, as `tables` lays them out, of all versions in the folder
    metrics.jsonl       and iterations, features, sources in the same way
    events.jsonl        the model's history, where all of the model was exported
    arrays_<n>.bin      the learned arrays of version n, see `folder_arrays`

The folder is a stranger's when it comes back. Names of files follow from the numbers of versions, never from the manifest; each is opened
without following links, is read once, and is what the manifest says before anything of it is decoded.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlml.catalog.folder_rows import damaged_export
from sqlml.catalog.tables import EVENTS, RECORD_TABLES
from sqlml.errors import IntegrityError, OperationalError, ProgrammingError

FOLDER_FORMAT = 1
MANIFEST = "manifest.json"
KIND = "sqlml model"
MAX_MANIFEST_BYTES = 1 << 24
MAX_TABLE_BYTES = 1 << 30
MAX_ARRAYS_BYTES = 1 << 32
MAX_VERSIONS = 100_000
_BLOCK = 1 << 20
_READ_ONLY = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
"""Neither a link nor a pipe without a writer holds us up; O_BINARY is what Windows adds."""


def table_file(name: str) -> str:
    """The file of a table of the catalog."""
    return f"{name.removeprefix('_')}.jsonl"


def arrays_file(version: int) -> str:
    return f"arrays_{version}.bin"


def file_names(versions: Sequence[int], *, is_whole: bool) -> list[str]:
    """The files of a folder beside the manifest."""
    tables = [*RECORD_TABLES, *([EVENTS] if is_whole else [])]
    return [*(table_file(table.name) for table in tables), *(arrays_file(version) for version in versions)]


def render_manifest(content: Mapping[str, Any]) -> bytes:
    """The text of a manifest; the same content is the same text, so that no byte of it can change unseen."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=True)
    return (json.dumps({**content, "sha256": hashlib.sha256(text.encode()).hexdigest()}, indent=1, sort_keys=True) + "\n").encode()


def parse_manifest(data: bytes) -> dict[str, Any]:
    """What a manifest says, its own hash left out. What the values are is for the reader to check.

    Raises: IntegrityError `damaged_export`, `newer_format`.
    """
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise damaged_export(f"{MANIFEST} is no JSON") from error
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise damaged_export(f"{MANIFEST} is not of a model of sqlml")
    number = content.get("format")
    if isinstance(number, int) and number > FOLDER_FORMAT:
        raise IntegrityError(
            f"the model was exported by a newer sqlml (format {number}, this one knows {FOLDER_FORMAT})", code="newer_format",
            hint="upgrade: pip install --upgrade sqlml",
        )  # fmt: skip
    content.pop("sha256", None)
    try:
        is_whole = number == FOLDER_FORMAT and render_manifest(content) == data
    except (ValueError, RecursionError):
        is_whole = False
    if not is_whole:
        raise damaged_export(f"{MANIFEST} does not match its own hash")
    return content


def open_folder(path: Path) -> int:
    """A descriptor of the folder, so that what is opened in it stays in it.

    Raises: OperationalError `no_such_folder`, `files_unreadable`.
    """
    try:
        return os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0))
    except (FileNotFoundError, NotADirectoryError):
        raise OperationalError(
            f"there is no folder {path}",
            code="no_such_folder",
            hint="uri is the folder that EXPORT MODEL wrote, here relative to the current folder if it is no whole path",
        ) from None
    except OSError as error:
        raise unreadable(path, error) from error


def read_file(folder: int, path: Path, name: str, *, at_most: int, size: int | None = None, digest: str | None = None) -> bytes:
    """A file of a folder, whole.

    Args:
        folder: as `open_folder` gives it; path, for messages.
        at_most: bytes that such a file may have.
        size, digest: what the manifest says of it.
    Raises: IntegrityError `damaged_export`; OperationalError `files_unreadable`.
    """
    try:
        file = os.open(name, _READ_ONLY, dir_fd=folder)
    except FileNotFoundError:
        raise damaged_export(f"{name} is missing") from None
    except OSError as error:
        raise damaged_export(f"{name} is no plain file") if _is_link(folder, name) else unreadable(path / name, error) from error
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise damaged_export(f"{name} is no plain file")
        if found.st_size > at_most or (size is not None and found.st_size != size):
            raise damaged_export(f"{name} has {found.st_size} bytes, and must have {at_most if size is None else size}")
        data = _read(file, found.st_size)
    except OSError as error:
        raise unreadable(path / name, error) from error
    finally:
        os.close(file)
    if digest is not None and hashlib.sha256(data).hexdigest() != digest:
        raise damaged_export(f"{name} does not match its hash in the manifest")
    return data


def publish_folder(path: Path, write: Callable[[Path], None], *, overwrite: bool) -> None:
    """Makes a folder, whole or not at all: it is written under another name beside its place, brought to the disk, and renamed.

    Raises: ProgrammingError `folder_exists`; OperationalError `no_such_folder`, `files_unwritable`; what `write` raises.
    """
    check_free(path, overwrite=overwrite)
    if not path.parent.is_dir():
        raise OperationalError(f"there is no folder {path.parent}", code="no_such_folder", hint="make it first; only the last one is made")
    unfinished = path.parent / f".{path.name[:100]}.{uuid.uuid4().hex}"
    try:
        unfinished.mkdir()
        write(unfinished)
        _bring_to_disk(unfinished)
        _put_in_place(unfinished, path, overwrite=overwrite)
    except OSError as error:
        raise OperationalError(
            f"{path} cannot be written: {error.strerror or error}",
            code="files_unwritable",
            hint="choose a folder that you may write, on a disk with room for the model; nothing was left behind",
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def check_free(path: Path, *, overwrite: bool) -> None:
    """Raises: ProgrammingError `folder_exists` for anything but an empty folder, or an earlier export that may be overwritten."""
    if not os.path.lexists(path):
        return
    try:
        names = sorted(entry.name for entry in path.iterdir())
    except OSError:
        raise ProgrammingError(f"{path} is there already, and is no folder", code="folder_exists", hint="choose another uri") from None
    foreign = [name for name in names if not _is_ours(name)]
    if names and not overwrite:
        raise ProgrammingError(
            f"the folder {path} is not empty", code="folder_exists", hint="choose another uri, or overwrite = true for an earlier export"
        )
    if names and (foreign or MANIFEST not in names):
        raise ProgrammingError(
            f"the folder {path} is no exported model" + (f": it holds {foreign[0]!r}" if foreign else ""), code="folder_exists",
            hint="choose another uri; overwrite = true replaces exported models only",
        )  # fmt: skip


def unreadable(path: Path, error: OSError) -> OperationalError:
    return OperationalError(
        f"{path} cannot be read: {error.strerror or error}",
        code="files_unreadable",
        hint="copy the folder again, or see that you may read it",
    )


def _is_ours(name: str) -> bool:
    number = name.removeprefix("arrays_").removesuffix(".bin")
    if name == f"arrays_{number}.bin" and number.isascii() and number.isdecimal():
        return True
    return name in {MANIFEST, *file_names((), is_whole=True)}


def _put_in_place(unfinished: Path, path: Path, *, overwrite: bool) -> None:
    if not overwrite or not os.path.lexists(path) or not any(path.iterdir()):
        if os.path.lexists(path):
            path.rmdir()  # empty, else this fails; a rename onto it is not possible everywhere
        unfinished.rename(path)
    else:
        # No system renames over a folder that is not empty: for a moment the export has its old name, the new one none.
        before = path.parent / f"{unfinished.name}.before"
        path.rename(before)
        try:
            unfinished.rename(path)
        except OSError:
            before.rename(path)
            raise
        shutil.rmtree(before, ignore_errors=True)
    _bring_to_disk(path.parent, files=False)


def _bring_to_disk(folder: Path, *, files: bool = True) -> None:
    if os.name == "nt":
        return
    for path in [*(folder.iterdir() if files else ()), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _is_link(folder: int, name: str) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _read(file: int, size: int) -> bytes:
    """Up to `size` bytes and no more, whatever becomes of the file."""
    blocks: list[bytes] = []
    left = size
    while left and (block := os.read(file, min(left, _BLOCK))):
        blocks.append(block)
        left -= len(block)
    return b"".join(blocks)
