from __future__ import annotations

from typing import Any

import catalog_samples
import pytest

from sqlml.catalog.store import Catalog
from sqlml.engines.duckdb import DuckDBEngine
from sqlml.errors import ProgrammingError

KEY = catalog_samples.key()
OTHER = catalog_samples.key("attrition")


@pytest.fixture
def churn(catalog: Catalog) -> Catalog:
    for scale in (1.0, 2.0):
        catalog.publish(KEY, catalog_samples.record(), catalog_samples.arrays(scale), replace=True)
    catalog.set_alias(KEY, "champion", 1)
    return catalog


def test_versions_aliases_and_options_go_along(churn: Catalog) -> None:
    before = churn.find(KEY)
    assert before is not None
    assert churn.rename(KEY, "attrition")
    after = churn.find(OTHER)
    assert after is not None
    assert (after.model_id, after.n_versions, after.aliases) == (before.model_id, 2, (("champion", 1),))
    assert churn.find(KEY) is None
    catalog_samples.assert_same_arrays(churn.load(OTHER, "champion").arrays, catalog_samples.arrays(1.0))


def test_the_old_name_is_free(churn: Catalog) -> None:
    churn.rename(KEY, "attrition")
    assert churn.publish(KEY, catalog_samples.record(), catalog_samples.arrays(5.0)) == 1
    assert churn.find(KEY) != churn.find(OTHER)
    with pytest.raises(ProgrammingError) as caught:
        churn.rename(KEY, "ATTRITION")
    assert caught.value.code == "model_exists"
    churn.drop(OTHER)
    assert churn.rename(KEY, "ATTRITION")


def test_onto_itself(churn: Catalog, engine: DuckDBEngine) -> None:
    churn.rename(KEY, "churn")
    assert engine.rows("SELECT count(*) FROM db.sqlml._events WHERE event = 'renamed'") == [(0,)]
    churn.rename(KEY, "Churn")
    model = churn.find(KEY)
    assert model is not None
    assert model.key.name == "Churn"
    assert engine.rows("SELECT model_name, reason FROM db.sqlml._events WHERE event = 'renamed'") == [("Churn", "was churn")]


def test_onto_one_that_has_expired(churn: Catalog, clock: Any, engine: DuckDBEngine) -> None:
    churn.publish(OTHER, catalog_samples.record(), catalog_samples.arrays(7.0))
    churn.set_options(OTHER, {"expiration_timestamp": clock()})
    assert churn.rename(KEY, "attrition")
    assert churn.load(OTHER).version == 2
    assert engine.rows("SELECT DISTINCT version FROM db.sqlml._state ORDER BY version") == [(1,), (2,)]
    assert engine.rows("SELECT model_name, reason FROM db.sqlml._events WHERE event = 'expired'") == [
        ("attrition", f"expiration_timestamp was {clock()} UTC")
    ]


def test_an_expired_model_is_not_there_to_be_renamed(churn: Catalog, clock: Any) -> None:
    churn.drop_alias(KEY, "champion")
    churn.set_options(KEY, {"expiration_timestamp": clock()})
    with pytest.raises(ProgrammingError) as caught:
        churn.rename(KEY, "attrition")
    assert caught.value.code == "unknown_model"
    assert not churn.rename(KEY, "attrition", if_exists=True)


def test_a_rollback_undoes_it(churn: Catalog, engine: DuckDBEngine) -> None:
    engine.begin()
    churn.rename(KEY, "attrition")
    churn.publish(KEY, catalog_samples.record(), catalog_samples.arrays(5.0))
    engine.rollback()
    assert churn.find(OTHER) is None
    assert churn.load(KEY).version == 2
    assert churn.rename(KEY, "attrition")


def test_two_names_change_places_in_one_transaction(churn: Catalog, engine: DuckDBEngine) -> None:
    churn.publish(OTHER, catalog_samples.record(), catalog_samples.arrays(7.0))
    engine.begin()
    churn.rename(KEY, "tmp")
    churn.rename(OTHER, "churn")
    churn.rename(catalog_samples.key("tmp"), "attrition")
    engine.commit()
    assert (churn.load(KEY).version, churn.load(OTHER).version) == (1, 2)


def test_a_schema_of_its_own(churn: Catalog, engine: DuckDBEngine) -> None:
    engine.rows("CREATE SCHEMA s")
    place = catalog_samples.key("churn", "s")
    churn.publish(place, catalog_samples.record(), catalog_samples.arrays())
    churn.rename(place, "attrition")
    assert churn.find(catalog_samples.key("attrition", "s")) is not None
    assert churn.find(KEY) is not None
