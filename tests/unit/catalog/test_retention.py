from __future__ import annotations

import catalog_samples
import pytest

from sqlml.catalog.store import Catalog, Placement
from sqlml.engines.duckdb import DuckDBEngine

KEY = catalog_samples.key()


def publish(catalog: Catalog, n_times: int = 1) -> None:
    for _ in range(n_times):
        catalog.publish(KEY, catalog_samples.record(), catalog_samples.arrays(), replace=True)


def versions(catalog: Catalog) -> list[int]:
    return [version.version for version in catalog.versions(KEY)]


@pytest.mark.parametrize(("keep", "left"), [(None, [1, 2, 3, 4]), (1, [4]), (2, [3, 4]), (4, [1, 2, 3, 4]), (100, [1, 2, 3, 4])])
def test_the_newest_stay(catalog: Catalog, keep: int | None, left: list[int]) -> None:
    catalog.keep_versions = keep
    publish(catalog, 4)
    assert versions(catalog) == left
    model = catalog.find(KEY)
    assert model is not None
    assert (model.n_versions, model.default_version) == (len(left), 4)


def test_what_something_points_at_stays(catalog: Catalog) -> None:
    publish(catalog, 3)
    catalog.set_alias(KEY, "champion", 1)
    catalog.keep_versions = 1
    publish(catalog, 2)
    assert versions(catalog) == [1, 5]
    catalog.set_alias(KEY, "champion", 5)
    publish(catalog)
    assert versions(catalog) == [5, 6]


def test_the_default_stays_though_newer_ones_are_kept_beside_it(catalog: Catalog) -> None:
    publish(catalog)
    catalog.keep_versions = 1
    model = catalog.find(KEY)
    assert model is not None
    kept = Placement(moves=False, alias=None, incumbent=1, reason="not better")
    for number in (2, 3):
        assert catalog.add_version(KEY, model.model_id, catalog_samples.record(), catalog_samples.arrays(), kept) == number
        assert versions(catalog) == [1, number]


def test_each_that_goes_is_an_event_with_its_reason_and_leaves_no_row(catalog: Catalog, engine: DuckDBEngine) -> None:
    publish(catalog, 3)
    catalog.keep_versions = 2
    publish(catalog)
    assert engine.rows("SELECT version, reason FROM db.sqlml._events WHERE event = 'version_dropped' ORDER BY version") == [
        (1, "keep_versions is 2"), (2, "keep_versions is 2"),
    ]  # fmt: skip
    for table in ("_versions", "_metrics", "_features", "_iterations", "_sources", "_state"):
        assert engine.rows(f"SELECT DISTINCT version FROM db.sqlml.{table} ORDER BY version") == [(3,), (4,)]


def test_a_rollback_brings_back_what_had_gone(catalog: Catalog, engine: DuckDBEngine) -> None:
    publish(catalog, 2)
    catalog.keep_versions = 1
    engine.begin()
    publish(catalog)
    assert versions(catalog) == [3]
    engine.rollback()
    assert versions(catalog) == [1, 2]
    catalog_samples.assert_same_arrays(catalog.load(KEY, 1).arrays, catalog_samples.arrays())


def test_one_model_is_no_matter_for_another(catalog: Catalog) -> None:
    publish(catalog, 2)
    catalog.keep_versions = 1
    catalog.publish(catalog_samples.key("other"), catalog_samples.record(), catalog_samples.arrays())
    assert versions(catalog) == [1, 2]
