"""A name that was bound before is bound again by one question, and never to what it meant before."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from catalog_samples import arrays, key, record

from sqlml.catalog.reader import CatalogReader
from sqlml.catalog.records import ModelKey, Reference
from sqlml.catalog.store import Catalog
from sqlml.engines.duckdb import DuckDBEngine, adopt_engine
from sqlml.errors import Error

KEY = key()


@pytest.fixture
def other(engine: DuckDBEngine, clock: object) -> Iterator[Catalog]:
    """The catalog through another connection of the process."""
    adopted = adopt_engine(engine.connection.cursor())
    yield Catalog(adopted, now=clock, actor="other")  # type: ignore[arg-type]
    adopted.close()


@contextmanager
def counted(engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    queries: list[str] = []
    run = engine.run
    with monkeypatch.context() as patch:
        patch.setattr(engine, "run", lambda sql, parameters=None: (queries.append(sql), run(sql, parameters))[1])
        yield queries


def assert_true_to_a_new_reader(
    catalog: Catalog, engine: DuckDBEngine, place: ModelKey, references: tuple[Reference, ...] = (None, 1, 2, "a")
) -> None:
    """What is bound equals what a reader binds that remembers nothing."""

    def answer(reader: CatalogReader, reference: Reference) -> object:
        try:
            return reader.identify(place, reference)
        except Error as error:
            return error.code

    for reference in references:
        expected = answer(CatalogReader(engine, now=catalog._now), reference)
        assert answer(catalog, reference) == expected
        assert answer(catalog, reference) == expected


def test_binding_again_asks_two_questions_and_reads_no_version(
    catalog: Catalog, engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.publish(KEY, record(), arrays())
    catalog.set_alias(KEY, "a", 1)
    for reference in (None, 1, "a"):
        first = catalog.identify(KEY, reference)
        with counted(engine, monkeypatch) as queries:
            assert catalog.identify(KEY, reference) == first
        assert len(queries) == 2
        assert not any("_versions" in query for query in queries)


def drop_last(catalog: Catalog) -> None:
    catalog.set_default(KEY, 1)
    catalog.drop_version(KEY, 2)


def make_again(catalog: Catalog) -> None:
    catalog.drop(KEY)
    catalog.publish(KEY, record(), arrays(3.0))


CHANGES: list[Callable[[Catalog], object]] = [
    lambda catalog: catalog.publish(KEY, record(), arrays(2.0), replace=True),
    lambda catalog: catalog.set_default(KEY, 1),
    lambda catalog: catalog.set_alias(KEY, "a", 2),
    lambda catalog: catalog.drop_alias(KEY, "a"),
    drop_last,
    make_again,
    lambda catalog: catalog.rename(KEY, "elsewhere"),
    lambda catalog: catalog.publish(KEY, record(), arrays(4.0), replace=True),
    lambda catalog: catalog.drop(KEY),
]


def test_every_change_is_seen_whoever_makes_it(catalog: Catalog, other: Catalog, engine: DuckDBEngine) -> None:
    catalog.publish(KEY, record(), arrays())
    catalog.publish(KEY, record(), arrays(), replace=True)
    catalog.set_alias(KEY, "a", 1)
    for number, change in enumerate(CHANGES):
        assert_true_to_a_new_reader(catalog, engine, KEY)
        change(other if number % 2 else catalog)
        assert_true_to_a_new_reader(catalog, engine, KEY)
    assert_true_to_a_new_reader(catalog, engine, key("ELSEWHERE"))


@pytest.mark.parametrize("end", ["commit", "rollback"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_transactions_own_changes_are_seen_and_forgotten_with_it(
    catalog: Catalog, engine: DuckDBEngine, change: Callable[[Catalog], object], end: str
) -> None:
    catalog.publish(KEY, record(), arrays())
    catalog.publish(KEY, record(), arrays(), replace=True)
    catalog.set_alias(KEY, "a", 1)
    assert_true_to_a_new_reader(catalog, engine, KEY)
    engine.begin()
    change(catalog)
    assert_true_to_a_new_reader(catalog, engine, KEY)
    getattr(engine, end)()
    assert_true_to_a_new_reader(catalog, engine, KEY)
    # Numbers that were rolled back are used again, for something else.
    catalog.publish(KEY, record(), arrays(5.0), replace=True)
    assert_true_to_a_new_reader(catalog, engine, KEY, (None, 1, 2, 3, "a"))


def test_a_transaction_does_not_see_what_others_commit_meanwhile(catalog: Catalog, other: Catalog, engine: DuckDBEngine) -> None:
    catalog.publish(KEY, record(), arrays())
    before = catalog.identify(KEY)
    engine.begin()
    assert catalog.identify(KEY) == before
    other.publish(KEY, record(), arrays(2.0), replace=True)
    assert catalog.identify(KEY) == before
    engine.commit()
    assert catalog.identify(KEY).version == 2


def test_expiry_is_seen_without_a_change(catalog: Catalog, engine: DuckDBEngine, clock: object) -> None:
    catalog.publish(KEY, record(), arrays())
    catalog.set_options(KEY, {"expiration_timestamp": catalog._now() + datetime.timedelta(hours=1)})
    assert catalog.identify(KEY).version == 1
    clock.advance(hours=2)  # type: ignore[attr-defined]
    with pytest.raises(Error) as caught:
        catalog.identify(KEY)
    assert caught.value.code == "unknown_model"


def test_another_file_that_is_attached_by_the_same_name_is_another_database(catalog: Catalog, engine: DuckDBEngine, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    place = key(database="shop")
    for name, scale in (("one", 1.0), ("two", 2.0)):
        engine.rows(f"ATTACH '{tmp_path / name}.duckdb' AS shop")
        catalog.publish(place, record(), arrays(scale))
        engine.rows("DETACH shop")
    engine.rows(f"ATTACH '{tmp_path / 'three'}.duckdb' AS shop")
    engine.rows("CREATE SCHEMA shop.sqlml")
    for table in ("_format", "_names", "_events", "_versions"):
        engine.rows(f"CREATE VIEW shop.sqlml.{table} AS FROM read_csv('{secret}')")
    engine.rows("DETACH shop")
    secret.unlink()
    for name in ("one", "two", "one", "three", "two"):
        engine.rows(f"ATTACH '{tmp_path / name}.duckdb' AS shop (READ_ONLY)")
        assert_true_to_a_new_reader(catalog, engine, place)
        engine.rows("DETACH shop")


def test_copies_of_a_file_that_went_different_ways_are_different_databases(catalog: Catalog, engine: DuckDBEngine, tmp_path: Path) -> None:
    place = key(database="shop")
    engine.rows(f"ATTACH '{tmp_path}/one.duckdb' AS shop")
    catalog.publish(place, record(), arrays())
    engine.rows("DETACH shop")
    shutil.copy(tmp_path / "one.duckdb", tmp_path / "two.duckdb")
    found = []
    for name, scale in (("one", 2.0), ("two", 3.0)):
        engine.rows(f"ATTACH '{tmp_path / name}.duckdb' AS shop")
        catalog.publish(place, record(), arrays(scale), replace=True)
        assert_true_to_a_new_reader(catalog, engine, place)
        found.append(catalog.identify(place))
        engine.rows("DETACH shop")
    assert found[0][:2] == found[1][:2]
    assert found[0] != found[1]


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        ["ALTER TABLE sqlml._names RENAME TO taken", "CREATE VIEW sqlml._names AS FROM sqlml.taken"],
        ["ALTER TABLE sqlml._events ADD COLUMN more VARCHAR"],
        ["ALTER TABLE sqlml._events RENAME TO taken"],
        ["CREATE TABLE sqlml.copy AS FROM sqlml._names", "DROP TABLE sqlml._names", "ALTER TABLE sqlml.copy RENAME TO _names"],
    ],
)
def test_a_schema_that_changes_after_a_name_was_bound_is_refused_at_once(
    catalog: Catalog, other: Catalog, engine: DuckDBEngine, change: list[str], own: bool
) -> None:
    catalog.publish(KEY, record(), arrays())
    catalog.identify(KEY)
    for statement in change:
        (engine if own else other._engine).rows(statement)
    with pytest.raises(Error) as caught:
        catalog.identify(KEY)
    assert caught.value.code == "foreign_catalog"
