"""Run as a program: opens a database that the operating system lets nobody write, and prints what was said.

Arguments: a folder with the database. The one who opens it is not root, who may write everywhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path

import sqlml
from sqlml.errors import Error
from tests.crash.__main__ import import_everything
from tests.crash.expected import LEDGER, MAIN, POINTS, VARIANTS, predict

NOBODY = 65534


def attempt(path: Path, *, read_only: bool) -> list[object]:
    said: list[object] = []
    with contextlib.ExitStack() as stack:
        try:
            connection = stack.enter_context(sqlml.connect(path, read_only=read_only))
            said.append(len(connection.execute(predict("m", "linear 1")).fetchall()))
            connection.execute(f"CREATE OR REPLACE MODEL m {VARIANTS['linear 2']}")
        except Error as error:
            said += [type(error).__name__, error.code, error.hint]
    return said


def main() -> None:
    # Nothing may have to be imported later, by somebody who perhaps may not read where Python is.
    import_everything()
    folder = Path(tempfile.mkdtemp(prefix="sqlml_read_only_"))
    path = folder / f"{MAIN}.duckdb"
    if os.fork() == 0:
        with sqlml.connect(path) as connection:
            connection.execute(f"{POINTS}; {LEDGER}; CREATE MODEL m {VARIANTS['linear 1']}")
        os._exit(0)
    os.wait()
    path.chmod(0o444)
    folder.chmod(0o555)
    for read_only in (False, True):
        if os.fork() == 0:
            if os.geteuid() == 0:
                os.setuid(NOBODY)
            sys.stdout.write(json.dumps(attempt(path, read_only=read_only)) + "\n")
            sys.stdout.flush()
            os._exit(0)
        os.wait()
    folder.chmod(0o755)
    path.unlink()
    folder.rmdir()


if __name__ == "__main__":
    main()
