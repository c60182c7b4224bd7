"""Run as a program: publishes to copies of a database and is killed at a different moment in each.

Arguments: template, folder, number of random moments, numbers of statements. Each copy is written by a fork that ends with SIGKILL: by its own hand before
its n-th statement, or by its parent's after a random time. The parent never opens a database.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import pyarrow as pa
from catalog_samples import arrays, key, record

from sqlml.catalog.store import Catalog
from sqlml.engines.duckdb import DuckDBEngine, open_engine


def publish(path: Path, die_before: int | None) -> None:
    run = DuckDBEngine.run
    count = 0

    def counted(self, sql, parameters=None):
        nonlocal count
        count += 1
        if count == die_before:
            os.kill(os.getpid(), signal.SIGKILL)
        return run(self, sql, parameters)

    engine = open_engine(path)
    place = key(database=path.stem)
    DuckDBEngine.run = counted
    Catalog(engine).publish(place, record(seed=2), arrays(50.0), replace=True)
    engine.close()
    os._exit(0)


def main() -> None:
    template, folder = Path(sys.argv[1]), Path(sys.argv[2])
    deaths: list[int | None] = [*map(int, sys.argv[4:]), *[None] * int(sys.argv[3])]
    moments = random.Random(0)
    # Arrow imports pandas now, once, and not in every fork.
    pa.array([1])
    for index, die_before in enumerate(deaths):
        path = folder / f"copy{index}.duckdb"
        shutil.copy(template, path)
        child = os.fork()
        if child == 0:
            publish(path, die_before)
        if die_before is None:
            time.sleep(moments.uniform(0.02, 0.15))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{path.name} {'killed' if os.WIFSIGNALED(status) else 'finished'}\n")
        sys.stdout.flush()


main()
