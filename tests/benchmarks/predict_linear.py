"""Linear prediction in SQL form, against a scan that sums the same columns."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

SECONDS: list[float] = []
N_FEATURES = 50


def make(database: str, n_rows: int) -> None:
    import sqlml

    columns = ", ".join(f"random() AS x{index}" for index in range(N_FEATURES))
    target = " + ".join(f"{index % 7 - 3} * x{index}" for index in range(N_FEATURES))
    with sqlml.connect(database) as connection:
        connection.execute(f"CREATE TABLE numbers AS SELECT *, {target} + random() AS y FROM (SELECT {columns} FROM range({n_rows}))")
        connection.execute(
            "CREATE MODEL line OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y']) AS SELECT * FROM numbers LIMIT 100000"
        )


def scan(database: str) -> str:
    total = " + ".join(f"x{index}" for index in range(N_FEATURES))
    return _timed(database, f"SELECT avg({total}) FROM numbers")


def statement(database: str) -> str:
    return _timed(database, "SELECT avg(predicted_y) FROM ML.PREDICT(MODEL line, TABLE numbers)")


def frame(database: str) -> str:
    import duckdb
    from sklearn.linear_model import LinearRegression

    with duckdb.connect(database, read_only=True) as connection:
        sample = connection.sql("SELECT * FROM numbers LIMIT 100000").df()
        model = LinearRegression().fit(sample.drop(columns="y"), sample["y"])
        start = time.perf_counter()
        rows = connection.sql("SELECT * EXCLUDE (y) FROM numbers").df()
        mean = float(model.predict(rows).mean())
    SECONDS.append(time.perf_counter() - start)
    return f"{mean:.6f}"


def _timed(database: str, query: str) -> str:
    import sqlml

    with sqlml.connect(database, read_only=True) as connection:
        connection.execute(query.replace("TABLE numbers", "(SELECT * FROM numbers LIMIT 10)")).fetchall()
        start = time.perf_counter()
        ((value,),) = connection.execute(query).fetchall()
        SECONDS.append(time.perf_counter() - start)
    return f"{value:.6f}"


if __name__ == "__main__":
    from _measure import compare

    n_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "numbers.duckdb")
        make(path, n_rows)
        print(f"{n_rows:,} rows, {N_FEATURES} features")
        compare(
            "predict_linear",
            {"scan that sums the columns": "scan", "ML.PREDICT, SQL form": "statement", "pandas + scikit-learn": "frame"},
            path,
        )
