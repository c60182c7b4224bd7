"""Names, events and records with any content that their columns admit: an IntegrityError, and never a surprise."""

from __future__ import annotations

import pytest
from catalog_samples import arrays, key, record
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sqlml.catalog.store import Catalog
from sqlml.catalog.tables import EVENTS, FEATURES, ITERATIONS, METRICS, NAMES, SOURCES, STATE, VERSIONS
from sqlml.engines.duckdb import DuckDBEngine, open_engine
from sqlml.errors import Error, IntegrityError, ProgrammingError

KEY = key()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sqlml._names SET model_id = 'nobody'",
        "DELETE FROM sqlml._events",
        "UPDATE sqlml._events SET default_version = NULL",
        "UPDATE sqlml._events SET default_version = 7",
        "UPDATE sqlml._events SET default_version = -1",
        "UPDATE sqlml._events SET model_type = NULL",
        "UPDATE sqlml._events SET happened_at = '290000-01-01'",
        "UPDATE sqlml._events SET created_at = '290000-01-01 (BC)'",
        "UPDATE sqlml._events SET expires_at = '290000-01-01'",
        "UPDATE sqlml._events SET labels = MAP {'a': NULL}",
    ],
)
def test_a_log_that_makes_no_sense_is_damage(catalog: Catalog, engine: DuckDBEngine, change: str) -> None:
    catalog.publish(KEY, record(), {})
    engine.rows(change)
    for use in (lambda: catalog.find(KEY), lambda: catalog.list_models("db"), lambda: catalog.load(KEY), lambda: catalog.drop(KEY)):
        with pytest.raises(IntegrityError) as caught:
            use()
        assert caught.value.code == "damaged_state"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sqlml._events SET last_version = 2147483647, default_version = 1",
        "UPDATE sqlml._events SET sequence = 2147483647 WHERE sequence = 2",
        "UPDATE sqlml._events SET n_versions = -1",
    ],
)
def test_numbers_at_their_end_refuse_a_change_and_write_nothing(catalog: Catalog, engine: DuckDBEngine, change: str) -> None:
    catalog.publish(KEY, record(), {})
    engine.rows(change)
    with pytest.raises(IntegrityError) as caught:
        catalog.publish(KEY, record(), {}, replace=True)
    assert caught.value.code == "damaged_state"
    assert not engine.in_transaction
    assert engine.rows("SELECT count(*) FROM sqlml._versions") == [(1,)]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sqlml._versions SET options = MAP {'a': '{'}",
        "UPDATE sqlml._versions SET options = MAP {'a': NULL}",
        "UPDATE sqlml._versions SET options = MAP {'a': repeat('[', 100000)}",
        "UPDATE sqlml._versions SET options = MAP {'a': repeat('9', 100000)}",
        "UPDATE sqlml._versions SET libraries = MAP {'a': NULL}",
        "UPDATE sqlml._versions SET classes = ['a', NULL]",
        "UPDATE sqlml._versions SET given_options = [NULL]",
        "UPDATE sqlml._versions SET notices = [NULL]",
        "UPDATE sqlml._versions SET created_at = 'infinity'",
        "UPDATE sqlml._versions SET created_at = '290000-01-01'",
        "UPDATE sqlml._iterations SET cluster_info = [NULL]",
        "UPDATE sqlml._iterations SET cluster_info = [{'centroid_id': NULL, 'cluster_radius': 1, 'cluster_size': 1}]",
        "UPDATE sqlml._metrics SET position = position + 1000000",
    ],
)
def test_a_record_that_makes_no_sense_is_damage(catalog: Catalog, engine: DuckDBEngine, change: str) -> None:
    catalog.publish(KEY, record(), arrays())
    engine.rows(change)
    for use in (catalog.load, catalog.versions):
        with pytest.raises(IntegrityError) as caught:
            use(KEY)
        assert caught.value.code == "damaged_state"


def test_a_default_version_whose_rows_are_gone_is_no_version(catalog: Catalog, engine: DuckDBEngine) -> None:
    catalog.publish(KEY, record(), {})
    engine.rows("DELETE FROM sqlml._versions")
    with pytest.raises(ProgrammingError) as caught:
        catalog.load(KEY)
    assert caught.value.code == "unknown_version"


_VALUES = {
    "VARCHAR": ["''", "'x'", "repeat('x', 100000)", "chr(0)", "'MAP'"],
    "INTEGER": ["0", "-1", "2147483647", "-2147483648"],
    "BIGINT": ["0", "-1", "9223372036854775807", "-9223372036854775808"],
    "DOUBLE": ["'nan'::DOUBLE", "'inf'::DOUBLE", "-0.0", "1e308", "NULL"],
    "TIMESTAMP": ["'infinity'", "'-infinity'", "'290000-01-01'", "'1970-01-01'", "'290000-01-01 (BC)'"],
    "BIGINT[]": ["[]", "[NULL]", "[-1]", "range(1024)", "[9223372036854775807]", "NULL"],
    "DOUBLE[]": ["[]", "[NULL]", "['nan'::DOUBLE]", "range(1024)", "NULL"],
    "VARCHAR[]": ["[]", "[NULL]", "['']", "['x', NULL]"],
    "MAP(VARCHAR, VARCHAR)": ["MAP {}", "MAP {'a': NULL}", "MAP {'a': 'b'}", "MAP {'': '[[[['}"],
    "MAP(VARCHAR, INTEGER)": ["MAP {}", "MAP {'a': NULL}", "MAP {'a': -1}"],
    "STRUCT(centroid_id BIGINT, cluster_radius DOUBLE, cluster_size BIGINT)[]": ["[]", "[NULL]", "NULL"],
}
_CHANGES = [
    f"UPDATE sqlml.{table.name} SET \"{column}\" = {value}"
    for table in (NAMES, EVENTS, VERSIONS, METRICS, ITERATIONS, FEATURES, SOURCES, STATE)
    for column, declared in table.columns
    for value in _VALUES[declared.removesuffix(" NOT NULL")]
]  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(_CHANGES), min_size=1, max_size=2))
def test_any_content_of_the_columns_gives_our_errors_only(tmp_path_factory: pytest.TempPathFactory, changes: list[str]) -> None:
    engine, catalog = _shared(tmp_path_factory)
    engine.begin()
    try:
        for change in changes:
            engine.rows(change)
        for use in (lambda: catalog.find(KEY), lambda: catalog.load(KEY), lambda: catalog.versions(KEY), lambda: catalog.list_models("db")):
            try:
                use()
            except Error as error:
                assert error.code in {"damaged_state", "unknown_model", "unknown_version"}, changes  # noqa: PT017 - any of several
    except IntegrityError as error:
        # The engine itself refuses what would make two keys equal.
        assert error.code == "constraint_violation"  # noqa: PT017
    finally:
        engine.rollback()


_opened: list[tuple[DuckDBEngine, Catalog]] = []


def _shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[DuckDBEngine, Catalog]:
    if not _opened:
        engine = open_engine(tmp_path_factory.mktemp("hostile") / "db.duckdb")
        catalog = Catalog(engine)
        catalog.publish(KEY, record(), arrays())
        _opened.append((engine, catalog))
    return _opened[0]


@pytest.fixture(scope="module", autouse=True)
def _close() -> object:
    yield
    for engine, _ in _opened:
        engine.close()
