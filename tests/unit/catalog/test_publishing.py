"""One change, one transaction: retries, locks, and what happens when neither helps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from catalog_samples import arrays, assert_same_arrays, key, record

from sqlml.catalog import publishing, reader
from sqlml.catalog.chunks import read_arrays
from sqlml.catalog.publishing import run_change
from sqlml.catalog.store import Catalog
from sqlml.engines.duckdb import DuckDBEngine
from sqlml.errors import Error, IntegrityError, OperationalError, ProgrammingError


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, none of them waited for."""
    made: list[float] = []
    monkeypatch.setattr(publishing.time, "sleep", made.append)
    return made


def failing(errors: list[Error]) -> Callable[[], str]:
    def change() -> str:
        if errors:
            raise errors.pop(0)
        return "done"

    return change


def conflict() -> IntegrityError:
    return IntegrityError("another transaction has changed the same data", code="transaction_conflict")


def duplicate() -> IntegrityError:
    return IntegrityError('Duplicate key "model_id: x" violates primary key constraint', code="constraint_violation")


def test_conflicts_are_tried_again(engine: DuckDBEngine, pauses: list[float]) -> None:
    assert run_change(engine, "db", failing([conflict(), duplicate(), conflict()]), timeout_seconds=1) == "done"
    assert pauses == [0.01, 0.03, 0.1]
    assert not engine.in_transaction


def test_endless_conflicts_are_reported(engine: DuckDBEngine, pauses: list[float]) -> None:
    with pytest.raises(IntegrityError) as caught:
        run_change(engine, "db", failing([conflict() for _ in range(9)]), timeout_seconds=1)
    assert caught.value.code == "version_conflict"
    assert pauses == list(publishing.PAUSES_SECONDS)
    assert not engine.in_transaction


@pytest.mark.parametrize(
    ("kind", "code", "message"),
    [
        (OperationalError, "disk_full", "the disk is full"),
        (OperationalError, "cancelled", "the statement was cancelled"),
        (ProgrammingError, "model_exists", "there is already a model"),
        (IntegrityError, "constraint_violation", "NOT NULL constraint failed"),
    ],
)
def test_other_errors_are_not(engine: DuckDBEngine, pauses: list[float], kind: type[Error], code: str, message: str) -> None:
    with pytest.raises(kind) as caught:
        run_change(engine, "db", failing([kind(message, code=code)]), timeout_seconds=1)
    assert (caught.value.code, caught.value.message) == (code, message)
    assert pauses == []
    assert not engine.in_transaction


def test_in_the_users_transaction_nothing_is_tried_again(engine: DuckDBEngine, pauses: list[float]) -> None:
    engine.begin()
    with pytest.raises(IntegrityError) as caught:
        run_change(engine, "db", failing([conflict()]), timeout_seconds=1)
    assert caught.value.code == "version_conflict"
    assert "ROLLBACK" in (caught.value.hint or "")
    assert engine.in_transaction
    assert pauses == []
    engine.rollback()


def test_a_keyboard_interrupt_leaves_nothing_open(engine: DuckDBEngine) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_change(engine, "db", interrupted, timeout_seconds=1)
    assert not engine.in_transaction
    # And the lock is free.
    assert run_change(engine, "db", lambda: 1, timeout_seconds=0.1) == 1


def test_a_reader_sees_one_state_while_a_model_is_dropped(engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    Catalog(engine).publish(key(), record(), arrays())
    other = DuckDBEngine(engine.connection.cursor(), owns_connection=True)

    def read_late(*arguments: Any) -> Any:
        Catalog(other).drop(key())
        return read_arrays(*arguments)

    monkeypatch.setattr(reader, "read_arrays", read_late)
    assert_same_arrays(Catalog(engine).load(key()).arrays, arrays())
    assert not engine.in_transaction
    assert Catalog(engine).find(key()) is None
    other.close()


def test_waiting_for_others_has_an_end(engine: DuckDBEngine) -> None:
    inside, leave = threading.Event(), threading.Event()
    other = DuckDBEngine(engine.connection.cursor(), owns_connection=True)

    def slow() -> None:
        inside.set()
        leave.wait(10)

    thread = threading.Thread(target=lambda: run_change(other, "db", slow, timeout_seconds=1))
    thread.start()
    inside.wait(10)
    with pytest.raises(OperationalError) as caught:
        Catalog(engine, lock_timeout_seconds=0.05).publish(key(), record(), {})
    leave.set()
    thread.join()
    other.close()
    assert caught.value.code == "lock_timeout"
    assert Catalog(engine).publish(key(), record(), {}) == 1
