"""ML.TRANSFORM with ten functions, against the same arithmetic written by hand; learning the statistics of twenty functions, in scans."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

SECONDS: list[float] = []

CLAUSE = """
    ML.STANDARD_SCALER(a) OVER () AS scaled,
    ML.MIN_MAX_SCALER(b) OVER () AS part,
    ML.MAX_ABS_SCALER(c) OVER () AS signed,
    ML.ROBUST_SCALER(d) OVER () AS robust,
    ML.IMPUTER(e, 'mean') OVER () AS filled,
    ML.BUCKETIZE(a, [0.2, 0.4, 0.6, 0.8]) AS bin,
    ML.QUANTILE_BUCKETIZE(b, 4) OVER () AS quarter,
    ML.LABEL_ENCODER(s) OVER () AS code,
    ML.NORMALIZER(v) AS direction,
    ML.POLYNOMIAL_EXPAND(STRUCT(a, b)).*
"""
HAND = """
    (a - 0.5e0) / 0.288675e0 AS scaled,
    least(greatest((b - 0e0) / 1e0, 0e0), 1e0) AS part,
    c / 1e0 AS signed,
    (d - 0.5e0) / 0.5e0 AS robust,
    coalesce(e, 0.5e0) AS filled,
    CASE WHEN a < 0.2e0 THEN 'bin_1' WHEN a < 0.4e0 THEN 'bin_2' WHEN a < 0.6e0 THEN 'bin_3' WHEN a < 0.8e0 THEN 'bin_4'
         WHEN a IS NOT NULL THEN 'bin_5' END AS bin,
    CASE WHEN b < 0.25e0 THEN 'bin_1' WHEN b < 0.5e0 THEN 'bin_2' WHEN b < 0.75e0 THEN 'bin_3' WHEN b IS NOT NULL THEN 'bin_4' END AS quarter,
    CASE s WHEN 's0' THEN 1 WHEN 's1' THEN 2 WHEN 's2' THEN 3 WHEN 's3' THEN 4 WHEN 's4' THEN 5 WHEN 's5' THEN 6 WHEN 's6' THEN 7 ELSE 0 END AS code,
    list_transform(v, lambda x: x / sqrt(list_inner_product(v, v))) AS direction,
    a, a * a AS a_a, a * b AS a_b, b, b * b AS b_b
"""
TOTAL = (
    "sum(scaled) + sum(part) + sum(signed) + sum(robust) + sum(filled) + sum(code) + sum(direction[1]) + sum(a_a) + sum(a_b) + sum(b_b)"
    " + count(*) FILTER (bin = 'bin_2') + count(*) FILTER (quarter = 'bin_3')"
)


def make(database: str, n_rows: int) -> None:
    import sqlml

    numbers = ", ".join(f"random() AS {name}" for name in "abcd")
    with sqlml.connect(database) as connection:
        connection.execute(
            f"CREATE TABLE numbers AS SELECT {numbers}, CASE WHEN i % 10 > 0 THEN random() END AS e, 's' || (i % 7) AS s,"
            f" [random(), random(), random()] AS v FROM range({n_rows}) r(i)"
        )
        connection.execute(
            f"CREATE MODEL prepared TRANSFORM ({CLAUSE}) OPTIONS (model_type = 'TRANSFORM_ONLY') AS SELECT * FROM numbers LIMIT 100000"
        )


def hand(database: str) -> str:
    return _timed(database, f"SELECT {TOTAL} FROM (SELECT {HAND} FROM numbers)")


def statement(database: str) -> str:
    return _timed(database, f"SELECT {TOTAL} FROM ML.TRANSFORM(MODEL prepared, TABLE numbers)")


def scans(database: str) -> str:
    """How often the training rows are read for twenty analytic functions."""
    import sqlml
    from sqlml.engines import duckdb as engine

    functions = ["STANDARD_SCALER", "MIN_MAX_SCALER", "MAX_ABS_SCALER", "ROBUST_SCALER"]
    items = [
        f"ML.{function}({column}) OVER () AS f{index}" for index, (function, column) in enumerate((f, c) for f in functions for c in "abcd")
    ]
    items += ["ML.IMPUTER(e, 'median') OVER () AS i", "ML.IMPUTER(s, 'most_frequent') OVER () AS m", "ML.LABEL_ENCODER(s) OVER () AS l"]
    items += ["ML.ONE_HOT_ENCODER(s) OVER () AS o"]
    read: list[str] = []
    original = engine.DuckDBEngine.rows

    def counted(self: object, text: str, *rest: object) -> object:
        read.append(text)
        return original(self, text, *rest)  # type: ignore[arg-type]

    engine.DuckDBEngine.rows = counted  # type: ignore[assignment,method-assign]
    with sqlml.connect(":memory:") as session:
        session.execute(f"ATTACH '{database}' AS source (READ_ONLY)")
        start = time.perf_counter()
        session.execute(
            f"CREATE MODEL m TRANSFORM ({', '.join(items)}) OPTIONS (model_type = 'TRANSFORM_ONLY') AS SELECT * FROM source.numbers"
        )
        SECONDS.append(time.perf_counter() - start)
    return f"{sum('__sqlml_a' in text for text in read)} scans for {len(items)} functions"


def _timed(database: str, query: str) -> str:
    import sqlml

    with sqlml.connect(database, read_only=True) as connection:
        connection.execute(query.replace("TABLE numbers", "(SELECT * FROM numbers LIMIT 10)")).fetchall()
        start = time.perf_counter()
        ((value,),) = connection.execute(query).fetchall()
        SECONDS.append(time.perf_counter() - start)
    return f"{value:.3e}"


if __name__ == "__main__":
    from _measure import compare

    n_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "numbers.duckdb")
        make(path, n_rows)
        print(f"{n_rows:,} rows")
        compare("transform", {"by hand": "hand", "ML.TRANSFORM": "statement", "learning twenty functions": "scans"}, path)
