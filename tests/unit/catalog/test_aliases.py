from __future__ import annotations

from typing import Any

import catalog_samples
import pytest

from sqlml.catalog.log import Cause
from sqlml.catalog.store import Catalog, Placement
from sqlml.engines.duckdb import DuckDBEngine
from sqlml.errors import ProgrammingError

KEY = catalog_samples.key()


@pytest.fixture
def churn(catalog: Catalog) -> Catalog:
    """A model of three versions, of which 3 is the default."""
    for scale in (1.0, 2.0, 3.0):
        catalog.publish(KEY, catalog_samples.record(), catalog_samples.arrays(scale), replace=True)
    return catalog


def aliases(catalog: Catalog) -> dict[str, int]:
    model = catalog.find(KEY)
    assert model is not None
    return dict(model.aliases)


def test_an_alias_is_found_in_any_case_and_keeps_its_spelling(churn: Catalog) -> None:
    assert churn.set_alias(KEY, "Champion", 1) == 1
    assert churn.set_alias(KEY, "CHAMPION", 2) == 2
    assert aliases(churn) == {"Champion": 2}
    assert churn.load(KEY, "champion").version == 2
    assert churn.drop_alias(KEY, "chAMpion")
    assert aliases(churn) == {}


def test_an_alias_may_be_set_by_another(churn: Catalog) -> None:
    churn.set_alias(KEY, "a", 1)
    churn.set_alias(KEY, "b", "A")
    churn.set_alias(KEY, "a", 2)
    assert aliases(churn) == {"a": 2, "b": 1}
    assert churn.set_default(KEY, "b") == 1


def test_every_move_is_one_event_with_where_it_was(churn: Catalog, engine: DuckDBEngine) -> None:
    churn.cause = Cause("ann", "laptop", "ALTER MODEL …", "run 1")
    for version in (1, 1, 2):
        churn.set_alias(KEY, "champion", version)
    churn.drop_alias(KEY, "CHAMPION")
    found = engine.rows(
        "SELECT event, version, alias, reason, actor, host, statement, run_id FROM db.sqlml.model_events WHERE event LIKE 'alias%' ORDER BY sequence"
    )
    by = ("ann", "laptop", "ALTER MODEL …", "run 1")
    assert found == [
        ("alias_set", 1, "champion", None, *by), ("alias_set", 2, "champion", "was 1", *by), ("alias_dropped", 2, "champion", None, *by),
    ]  # fmt: skip


@pytest.mark.parametrize("alias", ["", "3", "٣", "default", "DEFAULT", "a\nb", "a\u202eb", "a\x00b", "x" * 256])
def test_what_cannot_be_an_alias(churn: Catalog, alias: str) -> None:
    with pytest.raises(ProgrammingError) as caught:
        churn.set_alias(KEY, alias, 1)
    assert caught.value.code == "alias_name"
    assert aliases(churn) == {}


@pytest.mark.parametrize("alias", ["x" * 255, "my choice", "select", "3rd", "é", "a'b\"c", "version"])
def test_what_can(churn: Catalog, alias: str) -> None:
    churn.set_alias(KEY, alias, 1)
    assert churn.load(KEY, alias).version == 1


def test_what_an_alias_points_at_is_not_dropped(churn: Catalog) -> None:
    churn.set_alias(KEY, "a b", 1)
    with pytest.raises(ProgrammingError) as caught:
        churn.drop_version(KEY, 1)
    assert (caught.value.code, caught.value.hint) == (
        "version_in_use",
        'ALTER MODEL churn DROP ALIAS "a b", or SET it to another version, first',
    )
    with pytest.raises(ProgrammingError):
        churn.drop_version(KEY, "a b", if_exists=True)
    churn.drop_alias(KEY, "a b")
    assert churn.drop_version(KEY, 1)


def test_a_version_to_which_a_refresh_moves_an_alias_is_no_default(churn: Catalog) -> None:
    churn.set_alias(KEY, "champion", 1)
    model = churn.find(KEY)
    assert model is not None
    moved = Placement(moves=True, alias="CHAMPION", incumbent=1, reason="better")
    assert churn.add_version(KEY, model.model_id, catalog_samples.record(), catalog_samples.arrays(), moved) == 4
    found = churn.find(KEY)
    assert found is not None
    assert (found.default_version, dict(found.aliases)) == (3, {"champion": 4})


def test_a_model_with_aliases_does_not_expire(churn: Catalog, clock: Any, engine: DuckDBEngine) -> None:
    churn.set_alias(KEY, "champion", 1)
    churn.set_options(KEY, {"expiration_timestamp": catalog_samples.START})
    clock.advance(days=1)
    assert churn.load(KEY).version == 3
    assert [model.key for model in churn.list_models("db")] == [KEY]
    assert engine.rows("SELECT count(*) FROM db.sqlml.models") == [(1,)]
    with pytest.raises(ProgrammingError):
        churn.publish(KEY, catalog_samples.record(), catalog_samples.arrays())
    churn.drop_alias(KEY, "champion")
    assert churn.find(KEY) is None
    assert engine.rows("SELECT count(*) FROM db.sqlml.models") == [(0,)]
