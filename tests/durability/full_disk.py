"""Run as a program: a database whose disk is full at one place or another. Prints what the statement said, and what the database says after.

Arguments: a folder, then for each case a statement's name and how many bytes more than now any file may have. The limit is the operating
system's for the size of files, which DuckDB meets as it meets a full disk: a write that is not done.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
from pathlib import Path

import sqlml
from sqlml.dbapi.connection import Connection
from sqlml.errors import Error
from tests.crash.__main__ import import_everything
from tests.crash.expected import LEDGER, MAIN, OTHER, POINTS, VARIANTS, predict
from tests.crash.invariants import digest

STATEMENTS = {
    "publish": f"CREATE OR REPLACE MODEL {MAIN}.m {VARIANTS['linear 2']}",
    "first publish": f"CREATE MODEL {MAIN}.m {VARIANTS['linear 2']}",
    "transaction": f"BEGIN; INSERT INTO {MAIN}.ledger VALUES (1); CREATE OR REPLACE MODEL {MAIN}.m {VARIANTS['linear 2']}; COMMIT",
    "drop": f"DROP MODEL {MAIN}.m",
    "copy": f"COPY MODEL {MAIN}.m TO {OTHER}.m",
    "checkpoint": f"CHECKPOINT {MAIN}",
}


def connect(folder: Path) -> Connection:
    connection = sqlml.connect(folder / f"{MAIN}.duckdb", config={"threads": 1})
    connection.execute(f"ATTACH '{folder / f'{OTHER}.duckdb'}' AS {OTHER}")
    return connection


def look(folder: Path) -> dict[str, object]:
    """What a new process finds, and that it can publish."""
    found: dict[str, object] = {}
    with connect(folder) as connection:
        found["entries"] = len(connection.execute(f"FROM {MAIN}.ledger").fetchall())
        for database in (MAIN, OTHER):
            schemas = connection.execute(f"SELECT 1 FROM duckdb_tables() WHERE (database_name, table_name) = ('{database}', '_versions')")
            names = (
                connection.execute(f"SELECT model_name, version FROM {database}.sqlml.model_versions").fetchall()
                if schemas.fetchall()
                else []
            )
            for name, version in names:
                rows = connection.execute(predict(f"{database}.{name}@{version}", "linear 1")).fetchall()
                found[f"{database}.{name}@{version}"] = digest(rows)
        connection.execute(STATEMENTS["publish"])
        connection.execute(f"CHECKPOINT {MAIN}")
    return found


def case(folder: Path, name: str, n_bytes: int) -> dict[str, object]:
    connection = connect(folder)
    size = (folder / f"{MAIN}.duckdb").stat().st_size
    if name == "checkpoint":
        # Below the size from which rows go to the file before they are committed.
        connection.execute(f"CREATE TABLE {MAIN}.many (h UBIGINT)")
        for part in range(4):
            connection.execute(f"INSERT INTO {MAIN}.many SELECT hash(i) FROM range({part * 60_000}, {(part + 1) * 60_000}) AS r(i)")
        limit = size + n_bytes
    elif name == "copy":
        limit = n_bytes
    else:
        log = folder / f"{MAIN}.duckdb.wal"
        limit = (log.stat().st_size if log.exists() else 0) + n_bytes
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    said: dict[str, object] = {"class": None, "code": None, "message": "", "hint": None}
    try:
        connection.execute(STATEMENTS[name])
    except Error as error:
        said = {"class": type(error).__name__, "code": error.code, "message": error.message, "hint": error.hint}
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    os.write(1, json.dumps(said).encode() + b"\n")
    os._exit(0)


def main() -> None:
    import_everything()
    folder = Path(sys.argv[1])
    for index, (name, n_bytes) in enumerate(zip(sys.argv[2::2], map(int, sys.argv[3::2]), strict=True)):
        place = folder / f"case{index}"
        place.mkdir()
        for step in ("make", "case", "look"):
            sys.stdout.flush()
            if (child := os.fork()) == 0:
                if step == "make":
                    connection = connect(place)
                    connection.execute(f"{POINTS}; {LEDGER}")
                    if name != "first publish":
                        connection.execute(f"CREATE MODEL {MAIN}.m {VARIANTS['linear 1']}")
                    if name != "checkpoint":
                        connection.execute(f"CHECKPOINT {MAIN}")
                    connection.close()
                elif step == "case":
                    case(place, name, n_bytes)
                else:
                    sys.stdout.write(json.dumps(look(place)) + "\n")
                    sys.stdout.flush()
                os._exit(0)
            _, status = os.waitpid(child, 0)
            if status:
                sys.stdout.write(f'"{step} ended with status {status}"\n')
                sys.stdout.flush()
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
