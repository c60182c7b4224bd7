from __future__ import annotations

import datetime
from typing import Any

import catalog_samples
import pytest

from sqlml.catalog.store import Catalog
from sqlml.errors import ProgrammingError

KEY = catalog_samples.key()
SECOND = datetime.timedelta(seconds=1)


def publish(catalog: Catalog) -> None:
    catalog.publish(KEY, catalog_samples.record(), catalog_samples.arrays(), replace=True)


@pytest.fixture
def times(catalog: Catalog, clock: Any) -> list[datetime.datetime]:
    """When version 1, version 2 and, by rollback, version 1 again became the default."""
    found = []
    for change in (publish, publish, lambda catalog: catalog.set_default(KEY, 1)):
        found.append(clock())
        change(catalog)
        clock.advance(minutes=1)
    return found


def test_the_default_from_each_change_on(catalog: Catalog, times: list[datetime.datetime]) -> None:
    for time, version in zip(times, (1, 2, 1), strict=True):
        for later in (time, time + SECOND, time + 59 * SECOND):
            assert catalog.load(KEY, later).version == version
            assert catalog.identify(KEY, later).version == version
    assert catalog.load(KEY, datetime.datetime(9999, 1, 1)).version == 1


def test_before_there_was_one(catalog: Catalog, times: list[datetime.datetime]) -> None:
    for time in (times[0] - SECOND / 1000, datetime.datetime(1, 1, 1)):
        with pytest.raises(ProgrammingError) as caught:
            catalog.load(KEY, time)
        assert (caught.value.code, caught.value.hint) == ("no_version_then", f"it was created at {times[0]} UTC")


def test_a_version_that_was_dropped_since(catalog: Catalog, times: list[datetime.datetime]) -> None:
    catalog.drop_version(KEY, 2)
    with pytest.raises(ProgrammingError) as caught:
        catalog.load(KEY, times[1])
    assert (caught.value.code, caught.value.hint) == ("no_version_then", "there are: 1")
    assert "has been dropped since" in caught.value.message


def test_what_is_no_default_changes_nothing(catalog: Catalog, clock: Any, times: list[datetime.datetime]) -> None:
    catalog.set_alias(KEY, "champion", 2)
    clock.advance(minutes=1)
    catalog.set_options(KEY, {"description": "x"})
    assert catalog.load(KEY, clock()).version == 1


def test_a_renamed_model_keeps_its_past_and_leaves_none_behind(catalog: Catalog, clock: Any, times: list[datetime.datetime]) -> None:
    catalog.rename(KEY, "attrition")
    assert catalog.load(catalog_samples.key("attrition"), times[1]).version == 2
    clock.advance(minutes=1)
    publish(catalog)
    with pytest.raises(ProgrammingError) as caught:
        catalog.load(KEY, times[1])
    assert caught.value.code == "no_version_then"


def test_another_model_of_that_name_has_not_the_past_of_the_first(catalog: Catalog, clock: Any, times: list[datetime.datetime]) -> None:
    catalog.drop(KEY)
    clock.advance(minutes=1)
    publish(catalog)
    with pytest.raises(ProgrammingError) as caught:
        catalog.load(KEY, times[1])
    assert caught.value.code == "no_version_then"
    assert catalog.load(KEY, clock()).version == 1
