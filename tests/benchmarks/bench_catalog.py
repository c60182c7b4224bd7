"""A catalog of 10,000 models with 10 versions each, against one of a single model: opening, binding, SHOW MODELS, publishing, dropping.

    python tests/benchmarks/bench_catalog.py [n_models] [n_versions] [repeats]

Every figure is a median in a fresh process; the processes of the databases alternate. Nothing here is a timed test.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

MODEL = "model_{:05d}"
_CREATE = """CREATE OR REPLACE MODEL {name} OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y'])
AS SELECT range AS x1, range % 7 AS x2, sin(range) AS x3, ['a', 'b', 'c'][range % 3 + 1] AS c, range * 2.0 + range % 7 AS y FROM range(100)"""
_PREDICT = "SELECT sum(predicted_y) FROM ML.PREDICT(MODEL {name}, (SELECT 1 AS x1, 2 AS x2, 0.5 AS x3, 'a' AS c))"


def make(database: str, n_models: int, n_versions: int) -> None:
    """Trains one model, and copies its rows under other names and numbers, each version with its own checksum."""
    import duckdb
    import pyarrow as pa

    import sqlml
    from sqlml.catalog.reader import CatalogReader
    from sqlml.catalog.records import ModelKey
    from sqlml.catalog.rows import read_rows, version_checksum
    from sqlml.catalog.tables import RECORD_TABLES, STATE
    from sqlml.engines.duckdb import open_engine

    with sqlml.connect(database) as connection:
        connection.execute(_CREATE.format(name="template"))
    engine = open_engine(database)
    template = CatalogReader(engine).load(ModelKey(engine.current_database(), "main", "template"))
    rows = read_rows(engine, engine.current_database(), template.model_id, 1)[1]
    engine.close()
    ids = [uuid.uuid4().hex for _ in range(n_models)]
    versions: dict[str, list[Any]] = {"model_id": [], "version": [], "checksum": []}
    for model_id in ids:
        for version in range(1, n_versions + 1):
            # The checksum is over the rows as they will stand there.
            placed = {name: [{**row, "model_id": model_id, "version": version} for row in found] for name, found in rows.items()}
            versions["model_id"].append(model_id)
            versions["version"].append(version)
            versions["checksum"].append(version_checksum(placed, template.arrays))
    with duckdb.connect(database) as connection:
        connection.register("ids", pa.table({**versions, "version": pa.array(versions["version"], pa.int32())}))
        connection.register("models", pa.table({"model_id": ids, "name": [MODEL.format(index) for index in range(n_models)]}))
        connection.execute("BEGIN")
        for table in (*RECORD_TABLES, STATE):
            changed = "ids.model_id AS model_id, ids.version AS version" + (
                ", ids.checksum AS checksum" if table.name == "_versions" else ""
            )
            connection.execute(
                f"INSERT INTO sqlml.{table.name} SELECT t.* REPLACE ({changed}) FROM sqlml.{table.name} t, ids "
                f"WHERE t.model_id = '{template.model_id}'"
            )
        connection.execute(
            "INSERT INTO sqlml._names SELECT t.* REPLACE (m.name AS name_key, m.model_id AS model_id, m.name AS model_name) "
            "FROM sqlml._names t, models m WHERE t.name_key = 'template'"
        )
        connection.execute(
            "INSERT INTO sqlml._events SELECT t.* REPLACE (m.model_id AS model_id, m.name AS model_name, v AS sequence, "
            "CASE WHEN v > 1 THEN v - 1 END AS version, CASE WHEN v > 1 THEN v - 1 END AS default_version, "
            "v - 1 AS last_version, v - 1 AS n_versions) "
            f"FROM models m, range(1, {n_versions + 2}) AS r(v), sqlml._events t "
            f"WHERE t.model_id = '{template.model_id}' AND t.sequence = least(v, 2) ORDER BY m.model_id, v"
        )
        connection.execute("COMMIT")


def measure(database: str, model: str) -> dict[str, float]:
    """Milliseconds of everything, in this process. The file is changed."""
    import duckdb

    import sqlml
    from sqlml.catalog.records import ModelKey

    found: dict[str, float] = {}

    def time_of(what: str, action: Callable[[], object], repeats: int = 1) -> None:
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            action()
            seconds.append(time.perf_counter() - start)
        found[what] = statistics.median(seconds) * 1000

    with sqlml.connect() as connection:  # imports, and whatever else happens once in a process
        connection.execute("SHOW MODELS").fetchall()
        connection.execute(_CREATE.format(name="warm"))
        connection.execute(_PREDICT.format(name="warm")).fetchall()
    time_of("open and close with duckdb alone", lambda: duckdb.connect(database, read_only=True).close())
    opened: list[sqlml.Connection] = []
    time_of("sqlml.connect", lambda: opened.append(sqlml.connect(database)))
    connection = opened[0]
    time_of("first SELECT 1", lambda: connection.execute("SELECT 1").fetchall())
    time_of("first ML.PREDICT", lambda: connection.execute(_PREDICT.format(name=model)).fetchall())
    time_of("ML.PREDICT again", lambda: connection.execute(_PREDICT.format(name=model)).fetchall(), 30)
    catalog, engine = connection._session._catalog, connection._session._engine
    key = ModelKey(engine.current_database(), "main", model)
    time_of("binding a name again", lambda: catalog.identify(key), 100)
    time_of("binding an alias that is not there", lambda: _unknown(catalog, key), 10)
    time_of("SHOW MODELS", lambda: connection.execute("SHOW MODELS").fetchall(), 5)
    time_of("SHOW MODELS LIKE one", lambda: connection.execute(f"SHOW MODELS LIKE '{model}'").fetchall(), 5)
    time_of("CREATE MODEL", lambda: connection.execute(_CREATE.format(name=f"new_{time.perf_counter_ns()}")), 3)
    time_of("CREATE OR REPLACE MODEL", lambda: connection.execute(_CREATE.format(name=model)), 3)
    time_of("DROP MODEL", lambda: connection.execute(f"DROP MODEL {model}"))
    time_of("close", connection.close)
    return found


def _unknown(catalog: Any, key: Any) -> None:
    from sqlml.errors import Error

    with contextlib.suppress(Error):
        catalog.identify(key, "nobody")


def main(n_models: int, n_versions: int, repeats: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        sources = {"one model": Path(directory) / "small.duckdb", "many": Path(directory) / "big.duckdb"}
        make(str(sources["one model"]), 1, 1)
        start = time.perf_counter()
        make(str(sources["many"]), n_models, n_versions)
        size = sources["many"].stat().st_size
        print(f"{n_models:,} models of {n_versions} versions: {size / 1e6:,.0f} MB, made in {time.perf_counter() - start:.0f} s")
        found: dict[str, dict[str, list[float]]] = {}
        for _ in range(repeats):
            for name, source in sources.items():
                copy = Path(directory) / "copy.duckdb"
                shutil.copy(source, copy)
                child = [sys.executable, __file__, "--child", str(copy), MODEL.format(0 if name == "one model" else n_models // 2)]
                output = subprocess.run(child, check=True, capture_output=True, text=True).stdout
                for what, milliseconds in json.loads(output.splitlines()[-1]).items():
                    found.setdefault(what, {}).setdefault(name, []).append(milliseconds)
    print(f"{'milliseconds':44} {'one model':>10} {'many':>10} {'more':>10} {'ratio':>7}")
    for what, times in found.items():
        one, many = (statistics.median(times[name]) for name in sources)
        print(f"{what:44} {one:10.2f} {many:10.2f} {many - one:10.2f} {many / one:7.2f}")


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    sys.path.insert(0, str(root))
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(measure(*sys.argv[2:4])))
    else:
        given = [int(text) for text in sys.argv[1:]]
        main(*given, *(10_000, 10, 5)[len(given) :])
