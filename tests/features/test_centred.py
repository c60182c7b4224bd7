"""Means and deviations: as exact arithmetic has them, and the same whatever the number of threads and the order of rows."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from sqlml.features.centred import Centre
from sqlml.session.session import Session, open_session

N = 300_000


def _columns(n: int) -> dict[str, NDArray[np.float64]]:
    rng = np.random.default_rng(5)
    outlier = rng.normal(size=n) * 1e-9
    outlier[n // 3] = 1.0
    return {
        "plain": rng.normal(size=n) * 3.0 + 0.5,
        "far": 1e9 + rng.random(n) * 1e-3,
        "microseconds": 1.7e15 + np.floor(rng.random(n) * 1e3),
        "wide": np.exp(rng.normal(size=n) * 8.0),
        "outlier": outlier,
        "two": rng.integers(0, 2, n).astype(np.float64),
        "large": rng.normal(size=n) * 1e150,
        "small": rng.normal(size=n) * 1e-150,
        "both_signs": rng.choice([-1e16, 1e16, 1.0], n),
    }


def _moments(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[float, float]:
    mean, low, high = connection.execute(f"SELECT avg({name}), min({name}), max({name}) FROM t").fetchone() or (None, None, None)
    centre = Centre(mean, low, high)
    row = connection.execute(f"SELECT {', '.join(centre.aggregates(name))} FROM t").fetchone()
    assert row is not None
    return centre.moments(*row)


def _exact(values: NDArray[np.float64]) -> tuple[float, float]:
    numbers = [Fraction(value) for value in values.tolist()]
    mean = sum(numbers) / len(numbers)
    square = sum((number - mean) ** 2 for number in numbers) / len(numbers)
    scale = Fraction(max(abs(number - mean) for number in numbers))
    return float(mean), float(scale) * math.sqrt(square / scale**2)


@pytest.mark.parametrize("name", list(_columns(1)))
def test_sums_equal_exact_arithmetic(name: str) -> None:
    values = _columns(20_000)[name]
    with duckdb.connect() as connection:
        connection.register("t", pa.table({name: values}))
        mean, deviation = _moments(connection, name)
    expected_mean, expected_deviation = _exact(values)
    # 13 digits of the deviation are kept.
    assert deviation == pytest.approx(expected_deviation, rel=1e-12)
    assert abs(mean - expected_mean) <= 1e-12 * expected_deviation + math.ulp(expected_mean)


@pytest.mark.parametrize("values", [[1.5], [7.0, 7.0], [0.0, 5e-324], [-1.7e308, 1.7e308], [1e308, 1e308, 1.1e308], [1e-310, 3e-310]])
def test_ends_of_the_range_of_doubles(values: list[float]) -> None:
    with duckdb.connect() as connection:
        connection.register("t", pa.table({"x": values}))
        mean, deviation = _moments(connection, "x")
    assert deviation >= 0.0
    assert math.isinf(deviation) or min(values) <= mean <= max(values)


def test_no_values() -> None:
    with duckdb.connect() as connection:
        connection.register("t", pa.table({"x": pa.array([None, None], pa.float64())}))
        assert _moments(connection, "x") == (0.0, 0.0)


def test_order_and_threads_do_not_count() -> None:
    """The centre is taken once: with the same one, every order gives the same bits."""
    columns = _columns(N)
    order = np.random.default_rng(1).permutation(N)
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        for name, values in columns.items():
            centre = Centre(float(values.mean()), float(values.min()), float(values.max()))
            found = set()
            for part in (values, values[order], np.sort(values), np.sort(values)[::-1]):
                connection.register("t", pa.table({name: part}))
                found |= set(connection.execute(f"SELECT {', '.join(centre.aggregates(name))} FROM t").fetchall())
            assert len(found) == 1, name


# ---- Models ----


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder: Path = tmp_path_factory.mktemp("centred")
    opened = open_session(str(folder / "test.duckdb"))
    columns = {name: values for name, values in _columns(N).items() if name not in ("large", "both_signs")}
    y = columns["plain"] + columns["two"] + np.random.default_rng(9).normal(size=N)
    table = pa.table({**columns, "y": y, "z": y > 1.0})
    opened._engine.register("__arrow", table)
    opened.run("CREATE TABLE rows_of_test AS SELECT * FROM __arrow")
    opened._engine.unregister("__arrow")
    return opened


MODELS = {
    "linear_reg": "OPTIONS (model_type = 'linear_reg', input_label_cols = ['y']) AS SELECT * EXCLUDE (z) FROM rows_of_test",
    "logistic_reg": "OPTIONS (model_type = 'logistic_reg', input_label_cols = ['z']) AS SELECT * EXCLUDE (y) FROM rows_of_test",
    "kmeans": "OPTIONS (model_type = 'kmeans', num_clusters = 3, max_iterations = 3) AS SELECT * EXCLUDE (y, z) FROM rows_of_test",
    "pca": "OPTIONS (model_type = 'pca', num_principal_components = 3) AS SELECT * EXCLUDE (y, z) FROM rows_of_test",
    "transform": "TRANSFORM (ML.STANDARD_SCALER(far) OVER () AS a, ML.STANDARD_SCALER(microseconds) OVER () AS b, wide, y)"
    " OPTIONS (model_type = 'linear_reg', input_label_cols = ['y']) AS SELECT * EXCLUDE (z) FROM rows_of_test",
}


@pytest.mark.parametrize("name", MODELS)
def test_learned_numbers_do_not_depend_on_threads(name: str, session: Session) -> None:
    for threads, memory in ((1, "2GB"), (2, "2GB"), (2, "1GB")):
        session.run(f"SET threads = {threads}")
        session.run(f"SET memory_limit = '{memory}'")
        session.run(f"CREATE OR REPLACE MODEL {name} {MODELS[name]}")
    query = "SELECT version, section, name, chunk, floats FROM sqlml._state WHERE floats IS NOT NULL ORDER BY ALL"
    rows = session.fetch(session.run(query), 100_000)
    session.run(f"DROP MODEL {name}")
    versions = sorted({row[0] for row in rows})
    first, *others = ([row[1:] for row in rows if row[0] == version] for version in versions)
    assert len(others) == 2
    assert first
    for other in others:
        assert [row[:3] for row in other] == [row[:3] for row in first]
        for (section, part, chunk, then), (*_, now) in zip(first, other, strict=True):
            np.testing.assert_array_equal(now, then, err_msg=f"{section}.{part} {chunk}")
