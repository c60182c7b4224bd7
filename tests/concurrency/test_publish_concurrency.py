"""Many who publish at once: versions without gaps and doubles, and one winner where only one can win."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from catalog_samples import arrays, assert_same_arrays, key, record

from sqlml.catalog.store import Catalog
from sqlml.engines.duckdb import DuckDBEngine, open_engine
from sqlml.errors import Error, IntegrityError

KEY = key()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "db.duckdb"


@pytest.fixture
def engines(path: Path) -> Iterator[list[DuckDBEngine]]:
    opened = [open_engine(path) for _ in range(4)]
    yield opened
    for engine in opened:
        engine.close()


def at_once(engines: list[DuckDBEngine], work: Callable[[Catalog, int], object]) -> list[object]:
    """Runs `work` on a thread per engine; gives what each returned or raised."""
    results: list[object] = [None] * len(engines)
    barrier = threading.Barrier(len(engines))

    def run(index: int) -> None:
        barrier.wait()
        try:
            results[index] = work(Catalog(engines[index]), index)
        except Error as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(engines))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_versions_have_neither_gaps_nor_doubles(engines: list[DuckDBEngine]) -> None:
    results = at_once(
        engines, lambda catalog, index: [catalog.publish(KEY, record(seed=index), arrays(index), replace=True) for _ in range(5)]
    )
    published = sorted(version for found in results for version in found)  # type: ignore[attr-defined]  # lists, or the test fails
    assert published == list(range(1, 21))
    catalog = Catalog(engines[0])
    assert [version.version for version in catalog.versions(KEY)] == published
    for version in (1, 10, 20):
        stored = catalog.load(KEY, version)
        assert_same_arrays(stored.arrays, arrays(stored.record.seed))
    info = catalog.find(KEY)
    assert info is not None
    assert (info.default_version, info.n_versions) == (20, 20)


def test_one_of_many_creates_the_model(engines: list[DuckDBEngine]) -> None:
    results = at_once(engines, lambda catalog, index: catalog.publish(KEY, record(seed=index), arrays()))
    assert sorted(str(getattr(result, "code", result)) for result in results) == ["1", "model_exists", "model_exists", "model_exists"]
    assert Catalog(engines[0]).load(KEY).record.seed == results.index(1)


def test_if_not_exists_gives_everyone_the_same_model(engines: list[DuckDBEngine]) -> None:
    assert at_once(engines, lambda catalog, index: catalog.publish(KEY, record(), arrays(), if_not_exists=True)) == [1, 1, 1, 1]
    assert len(Catalog(engines[0]).versions(KEY)) == 1


def test_dropping_and_publishing_leave_a_whole_model_or_none(engines: list[DuckDBEngine]) -> None:
    def work(catalog: Catalog, index: int) -> None:
        for _ in range(5):
            if index % 2:
                catalog.drop(KEY, if_exists=True)
            else:
                catalog.publish(KEY, record(), arrays(), replace=True)

    assert at_once(engines, work) == [None] * 4
    catalog = Catalog(engines[0])
    info = catalog.find(KEY)
    n_versions = 0 if info is None else info.n_versions
    assert engines[0].rows("SELECT count(*) FROM sqlml._versions") == [(n_versions,)]
    assert engines[0].rows("SELECT count(DISTINCT (model_id, version)) FROM sqlml._state") == [(n_versions,)]
    if info is not None:
        assert_same_arrays(catalog.load(KEY).arrays, arrays())


def test_readers_see_whole_versions_only(engines: list[DuckDBEngine]) -> None:
    Catalog(engines[0]).publish(KEY, record(seed=0), arrays(0))
    done = threading.Event()

    def work(catalog: Catalog, index: int) -> int:
        if index == 0:
            for seed in range(1, 8):
                catalog.publish(KEY, record(seed=seed), arrays(seed), replace=True)
            done.set()
            return 0
        n_read = 0
        while not done.is_set():
            stored = catalog.load(KEY)
            assert stored.record.seed == stored.version - 1
            assert_same_arrays(stored.arrays, arrays(stored.record.seed))
            n_read += 1
        return n_read

    assert all(isinstance(result, int) for result in at_once(engines, work))


# ---- Users' transactions ----


def test_of_two_transactions_one_gets_an_integrity_error(engines: list[DuckDBEngine]) -> None:
    first, second = engines[:2]
    Catalog(first).publish(KEY, record(), arrays())
    first.begin()
    second.begin()
    assert Catalog(first).publish(KEY, record(seed=1), arrays(), replace=True) == 2
    assert Catalog(second).publish(KEY, record(seed=2), arrays(), replace=True) == 2
    first.commit()
    with pytest.raises(IntegrityError):
        second.commit()
    assert not second.in_transaction
    stored = Catalog(second).load(KEY)
    assert (stored.version, stored.record.seed) == (2, 1)
    assert len(Catalog(second).versions(KEY)) == 2


def test_a_transaction_that_began_before_another_committed_gets_a_version_conflict(engines: list[DuckDBEngine]) -> None:
    first, second = engines[:2]
    Catalog(first).publish(KEY, record(), arrays())
    second.begin()
    assert Catalog(second).find(KEY) is not None
    assert Catalog(first).publish(KEY, record(seed=1), arrays(), replace=True) == 2
    with pytest.raises(IntegrityError) as caught:
        Catalog(second).publish(KEY, record(seed=2), arrays(), replace=True)
    assert caught.value.code == "version_conflict"
    assert "ROLLBACK" in (caught.value.hint or "")
    assert second.in_transaction
    second.rollback()
    assert Catalog(second).publish(KEY, record(seed=3), arrays(), replace=True) == 3


def test_two_changes_of_one_model_conflict_whatever_they_are(engines: list[DuckDBEngine]) -> None:
    first, second = engines[:2]
    changes: list[Callable[[Catalog], object]] = [
        lambda catalog: catalog.publish(KEY, record(), {}, replace=True),
        lambda catalog: catalog.set_options(KEY, {"description": "x"}),
        lambda catalog: catalog.set_default(KEY, 1),
        lambda catalog: catalog.drop_version(KEY, 2),
        lambda catalog: catalog.drop(KEY),
    ]
    for change in changes:
        for other in changes:
            for _ in range(3):
                Catalog(first).publish(KEY, record(), {}, replace=True)
            first.begin()
            second.begin()
            change(Catalog(first))

            def finish(other: Callable[[Catalog], object] = other) -> None:
                # Deletions of the same rows conflict at once, everything else when the second one commits.
                other(Catalog(second))
                first.commit()
                second.commit()

            with pytest.raises(IntegrityError):
                finish()
            if first.in_transaction:
                first.commit()
            if second.in_transaction:
                second.rollback()
            Catalog(first).drop(KEY, if_exists=True)


def test_different_models_do_not_conflict(engines: list[DuckDBEngine]) -> None:
    first, second = engines[:2]
    Catalog(first).publish(key("zero"), record(), arrays())
    first.begin()
    second.begin()
    Catalog(first).publish(key("one"), record(), arrays())
    Catalog(second).publish(key("two"), record(), arrays())
    first.commit()
    second.commit()
    assert [model.key.name for model in Catalog(first).list_models("db")] == ["one", "two", "zero"]


def test_a_publisher_waits_for_the_transaction_that_makes_the_schema(engines: list[DuckDBEngine]) -> None:
    first, second = engines[:2]
    first.begin()
    Catalog(first).publish(key("one"), record(), arrays())
    with pytest.raises(IntegrityError) as caught:
        Catalog(second).publish(key("two"), record(), arrays())
    assert caught.value.code == "version_conflict"
    assert not second.in_transaction

    def commit_soon() -> None:
        time.sleep(0.05)
        first.commit()

    thread = threading.Thread(target=commit_soon)
    thread.start()
    assert Catalog(second).publish(key("two"), record(), arrays()) == 1
    thread.join()
    assert [model.key.name for model in Catalog(second).list_models("db")] == ["one", "two"]
