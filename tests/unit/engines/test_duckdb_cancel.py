"""Interrupts from another thread, and progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from sqlml.engines.duckdb import DuckDBEngine, open_engine
from sqlml.errors import OperationalError


@pytest.fixture
def engine() -> Iterator[DuckDBEngine]:
    engine = open_engine()
    engine.run("CREATE TABLE t AS SELECT CAST(i AS DOUBLE) AS a FROM range(3_000_000) r(i)")
    yield engine
    engine.close()


def slow(values: NDArray[np.floating]) -> NDArray[np.floating]:  # type: ignore[type-arg]
    time.sleep(0.05)
    return values[:, 0]


def drain(engine: DuckDBEngine, query: str) -> None:
    result = engine.run(query)
    while result.fetch(50_000):
        pass


USES: dict[str, Callable[[DuckDBEngine, str], object]] = {
    "query": lambda engine, call: engine.rows("SELECT sum(x.a * y.a) FROM t x, t y"),
    "stream": lambda engine, call: drain(engine, "SELECT x.a * y.a FROM t x, t y"),
    "arrow": lambda engine, call: engine.run("SELECT sum(x.a * y.a) FROM t x, t y").to_arrow(),
    "batches": lambda engine, call: [1 for _ in engine.batches("SELECT x.a * y.a FROM t x, t y")],
    "statement": lambda engine, call: engine.run("CREATE TABLE u AS SELECT x.a * y.a AS b FROM t x, t y"),
    "function": lambda engine, call: engine.rows(f"SELECT sum({call}) FROM t"),
    "function in a stream": lambda engine, call: drain(engine, f"SELECT {call} FROM t"),
    "function in batches": lambda engine, call: [1 for _ in engine.batches(f"SELECT {call} FROM t")],
    "function in a statement": lambda engine, call: engine.run(f"CREATE TABLE u AS SELECT {call} AS b FROM t"),
}


@pytest.mark.parametrize("use", USES)
def test_interrupt_stops_within_a_second(engine: DuckDBEngine, use: str) -> None:
    render = engine.batch_function(1, slow, dtype="float64", output="scalar")
    failures: list[tuple[float, BaseException]] = []

    def work() -> None:
        try:
            USES[use](engine, render(["a"]))
        except BaseException as error:  # noqa: BLE001 - carried to the test's thread
            failures.append((time.monotonic(), error))

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.3)
    interrupted = time.monotonic()
    engine.interrupt()
    thread.join(20)
    assert not thread.is_alive()
    ((ended, error),) = failures
    assert isinstance(error, OperationalError)
    assert error.code == "cancelled"
    assert ended - interrupted < 1.0
    assert engine.rows("SELECT count(*) FROM duckdb_tables()") == [(1,)]


def test_a_cancel_while_an_older_result_is_put_aside_cancels_both(engine: DuckDBEngine) -> None:
    older = engine.run("SELECT x.a * y.a AS b FROM t x, t y")
    older.fetch(1)
    timer = threading.Timer(0.3, engine.interrupt)
    timer.start()
    with pytest.raises(OperationalError) as caught:
        engine.run("SELECT 1")
    assert caught.value.code == "cancelled"
    with pytest.raises(OperationalError):
        older.fetch(1)
    assert engine.rows("SELECT 1") == [(1,)]


def test_a_cancel_fails_the_transaction(engine: DuckDBEngine) -> None:
    engine.begin()
    engine.run("CREATE TABLE u (a DOUBLE)")
    timer = threading.Timer(0.3, engine.interrupt)
    timer.start()
    with pytest.raises(OperationalError) as caught:
        engine.rows("SELECT sum(x.a * y.a) FROM t x, t y")
    assert caught.value.code == "cancelled"
    assert engine.in_aborted_transaction
    engine.rollback()


def test_an_interrupt_between_statements_does_nothing(engine: DuckDBEngine) -> None:
    engine.interrupt()
    assert engine.rows("SELECT count(*) FROM t") == [(3_000_000,)]


def test_a_function_that_is_interrupted_by_the_keyboard(engine: DuckDBEngine) -> None:
    def pressed(values: NDArray[np.floating]) -> NDArray[np.floating]:  # type: ignore[type-arg]
        raise KeyboardInterrupt

    render = engine.batch_function(1, pressed, dtype="float64", output="scalar")
    with pytest.raises(OperationalError) as caught:
        engine.rows(f"SELECT sum({render(['a'])}) FROM t")
    assert caught.value.code == "cancelled"


def test_progress_rises(engine: DuckDBEngine) -> None:
    assert engine.progress() is None
    engine.register("other", pa.table({"a": [1.0]}))
    render = engine.batch_function(1, slow, dtype="float64", output="scalar")
    seen: list[float] = []

    def work() -> None:
        engine.rows(f"SELECT sum({render(['a'])}) FROM t LIMIT 1")

    engine.run("DELETE FROM t WHERE a > 150_000")
    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        progress = engine.progress()
        if progress is not None:
            seen.append(progress)
        time.sleep(0.02)
    thread.join()
    assert seen == sorted(seen)
    assert all(0.0 <= value <= 1.0 for value in seen)
    assert max(seen) > 0.3
    assert engine.progress() is None


def test_the_progress_bar_is_not_drawn(engine: DuckDBEngine, capfd: pytest.CaptureFixture[str]) -> None:
    engine.run("SET progress_bar_time = 1")
    engine.rows("SELECT sum(hash(a)) FROM t")
    assert capfd.readouterr() == ("", "")
