"""The catalog as its callers see it."""

from __future__ import annotations

import datetime
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from catalog_samples import START, arrays, assert_same_arrays, key, record

from sqlml.catalog.records import ModelKey
from sqlml.catalog.store import Catalog
from sqlml.engines.duckdb import DuckDBEngine, open_engine
from sqlml.errors import IntegrityError, NotSupportedError, OperationalError, ProgrammingError
from sqlml.state import Array
from sqlml.training.data import Iteration

KEY = key()


# ---- Publish and load ----


def test_a_database_without_models_has_none_and_gets_nothing(catalog: Catalog, engine: DuckDBEngine) -> None:
    assert catalog.find(KEY) is None
    assert catalog.list_models("db") == []
    assert catalog.check_publishable(KEY)
    assert not catalog.drop(KEY, if_exists=True)
    assert not catalog.set_options(KEY, {"description": "x"}, if_exists=True)
    assert engine.rows("SELECT 1 FROM duckdb_schemas() WHERE schema_name = 'sqlml'") == []


def test_what_is_published_comes_back(catalog: Catalog, clock, path: Path, engine: DuckDBEngine) -> None:
    assert catalog.publish(KEY, record(), arrays()) == 1
    engine.close()
    reopened = open_engine(path)
    stored = Catalog(reopened).load(KEY)
    reopened.close()
    assert stored.record == record()
    assert list(stored.record.metrics) == ["z_first", "a_second", "not_a_number"]
    assert list(stored.record.options) == list(record().options)
    assert np.signbit(stored.record.iterations[1].loss)
    assert (stored.key, stored.version, stored.created_at) == (KEY, 1, START)
    assert_same_arrays(stored.arrays, arrays())


def test_numbers_of_numpy_are_numbers(catalog: Catalog) -> None:
    catalog.publish(KEY, record(metrics={"a": np.float64(0.5)}, iterations=(Iteration(np.int64(1), np.float64(0.5)),)), {})
    stored = catalog.load(KEY)
    assert stored.record.metrics == {"a": 0.5}
    assert stored.record.iterations == (Iteration(1, 0.5),)
    assert stored.arrays == {}


def test_nan_is_kept_and_matches_its_checksum(catalog: Catalog) -> None:
    catalog.publish(KEY, record(metrics={"a": float("nan")}), {})
    assert np.isnan(catalog.load(KEY).record.metrics["a"])


def test_a_second_version_becomes_the_default_and_the_first_stays(catalog: Catalog, clock) -> None:
    catalog.publish(KEY, record(), arrays())
    clock.advance(hours=1)
    assert catalog.publish(KEY, record(model_type="LINEAR_REG", seed=7), arrays(2.0), replace=True) == 2
    info = catalog.find(KEY)
    assert info is not None
    assert (info.default_version, info.n_versions, info.model_type) == (2, 2, "LINEAR_REG")
    assert (info.created_at, info.modified_at) == (START, START + datetime.timedelta(hours=1))
    assert catalog.load(KEY).record.seed == 7
    assert_same_arrays(catalog.load(KEY, 2).arrays, arrays(2.0))
    assert catalog.load(KEY, 1).record == record()
    assert_same_arrays(catalog.load(KEY, 1).arrays, arrays())
    assert [version.version for version in catalog.versions(KEY)] == [1, 2]
    assert catalog.versions(KEY)[0].record == record()


def test_names_are_found_in_any_case_and_keep_their_own(catalog: Catalog, engine: DuckDBEngine) -> None:
    engine.rows("CREATE SCHEMA Sales")
    catalog.publish(ModelKey("db", "SALES", "Churn"), record(), {})
    info = catalog.find(ModelKey("db", "sales", "cHURN"))
    assert info is not None
    assert info.key == ModelKey("db", "Sales", "Churn")
    assert catalog.find(ModelKey("db", "main", "churn")) is None
    assert [model.key.name for model in catalog.list_models("DB", "sALES")] == ["Churn"]
    assert catalog.list_models("db", "main") == []


def test_models_of_a_database_are_listed_by_name(catalog: Catalog, engine: DuckDBEngine) -> None:
    engine.rows("CREATE SCHEMA a")
    for schema, name in (("main", "Zeta"), ("main", "beta"), ("a", "y")):
        catalog.publish(ModelKey("db", schema, name), record(), {})
    assert [str(model.key) for model in catalog.list_models("db")] == ["a.y", "beta", "Zeta"]


def test_a_model_lives_in_its_own_database(catalog: Catalog, engine: DuckDBEngine, tmp_path: Path) -> None:
    engine.rows(f"ATTACH '{tmp_path / 'other.duckdb'}' AS \"other db\"")
    other = ModelKey("other db", "main", "churn")
    catalog.publish(other, record(), arrays())
    assert catalog.find(KEY) is None
    assert catalog.load(other).record == record()
    assert engine.rows("SELECT 1 FROM duckdb_schemas() WHERE schema_name = 'sqlml' AND database_name = 'db'") == []
    # Views find their tables wherever the file is attached, whatever the current database is.
    assert engine.rows('SELECT model_name FROM "other db".sqlml.models') == [("churn",)]


def test_a_copied_file_works_under_another_name(catalog: Catalog, engine: DuckDBEngine, path: Path, tmp_path: Path) -> None:
    catalog.publish(KEY, record(), arrays())
    engine.close()
    shutil.copy(path, tmp_path / "copied.duckdb")
    path.unlink()
    copied = open_engine(tmp_path / "copied.duckdb")
    stored = Catalog(copied).load(ModelKey("copied", "main", "churn"))
    assert_same_arrays(stored.arrays, arrays())
    copied.close()


def test_a_read_only_database_predicts_and_is_not_written(catalog: Catalog, engine: DuckDBEngine, path: Path) -> None:
    catalog.publish(KEY, record(), arrays())
    engine.close()
    read_only = open_engine(path, read_only=True)
    reader = Catalog(read_only)
    assert_same_arrays(reader.load(KEY).arrays, arrays())
    for refused in (
        lambda: reader.check_publishable(KEY, replace=True),
        lambda: reader.publish(KEY, record(), {}, replace=True),
        lambda: reader.drop(KEY),
        lambda: reader.set_options(KEY, {"description": "x"}),
    ):
        with pytest.raises(OperationalError) as caught:
            refused()
        assert caught.value.code == "read_only_database"
    read_only.close()


def test_a_read_only_database_without_models_has_none(path: Path) -> None:
    open_engine(path).close()
    read_only = open_engine(path, read_only=True)
    assert Catalog(read_only).find(KEY) is None
    read_only.close()


def test_large_arrays_take_many_chunks(catalog: Catalog) -> None:
    rng = np.random.default_rng(0)
    large = {
        "state": {
            "floats": Array((1500, 1000), floats=rng.normal(size=1_500_000)),
            "strings": Array((20_000,), strings=tuple(map(str, range(20_000)))),
        }
    }
    catalog.publish(KEY, record(), large)
    assert_same_arrays(catalog.load(KEY).arrays, large)


# ---- Names that are not there, or taken ----


def test_create_model_needs_a_free_name(catalog: Catalog) -> None:
    catalog.publish(KEY, record(), {})
    for refused in (lambda: catalog.check_publishable(KEY), lambda: catalog.publish(key("CHURN"), record(), {})):
        with pytest.raises(ProgrammingError) as caught:
            refused()
        assert caught.value.code == "model_exists"
        assert "CREATE OR REPLACE" in (caught.value.hint or "")
    assert catalog.check_publishable(KEY, replace=True)
    assert not catalog.check_publishable(KEY, if_not_exists=True)
    assert catalog.publish(KEY, record(seed=99), {}, if_not_exists=True) == 1
    assert catalog.load(KEY).record.seed == record().seed


def test_unknown_places_are_refused(catalog: Catalog) -> None:
    for place, code, hint in (
        (ModelKey("dbx", "main", "m"), "unknown_database", "did you mean db"),
        (ModelKey("temp", "main", "m"), "unknown_database", "attached are: db"),
        (ModelKey("db", "mian", "m"), "unknown_schema", "did you mean main"),
        (ModelKey("db", "sales", "m"), "unknown_schema", "CREATE SCHEMA"),
    ):
        for refused in (lambda: catalog.check_publishable(place), lambda: catalog.publish(place, record(), {})):  # noqa: B023 - called at once
            with pytest.raises(ProgrammingError) as caught:
                refused()
            assert caught.value.code == code
            assert hint in (caught.value.hint or "")
        assert catalog.find(place) is None


def test_an_unknown_model_names_what_there_is(catalog: Catalog, engine: DuckDBEngine, clock) -> None:
    engine.rows("CREATE TABLE penguins AS SELECT 1 AS x")
    engine.rows("CREATE SCHEMA other")
    catalog.publish(key("churn_rate"), record(), {})
    catalog.publish(ModelKey("db", "other", "weights"), record(), {})
    catalog.publish(key("expired_one"), record(), {})
    catalog.set_options(key("expired_one"), {"expiration_timestamp": START})
    for name, hint in (
        ("churn_rat", "did you mean churn_rate"),
        ("PENGUINS", "PENGUINS is a table"),
        ("weights", "there is a model other.weights"),
        ("expired_one", "it expired at 2026-01-02"),
        ("xyz", "there are: churn_rate"),
    ):
        for refused in (catalog.load, catalog.versions, catalog.current, catalog.identify):
            with pytest.raises(ProgrammingError) as caught:
                refused(key(name))
            assert caught.value.code == "unknown_model"
            assert hint in (caught.value.hint or "")


def test_an_unknown_version_names_those_there_are(catalog: Catalog) -> None:
    for _ in range(3):
        catalog.publish(KEY, record(), {}, replace=True)
    for reference in (4, 0, -1, 2**31, 2**80):
        with pytest.raises(ProgrammingError) as caught:
            catalog.load(KEY, reference)
        assert caught.value.code == "unknown_version"
        assert caught.value.hint == "there are: 1, 2, 3"
    with pytest.raises(ProgrammingError) as caught:
        catalog.load(KEY, "champion")
    assert caught.value.code == "unknown_alias"


# ---- Drop, default, options ----


def test_a_dropped_model_is_gone_but_for_its_log(catalog: Catalog, engine: DuckDBEngine) -> None:
    catalog.publish(KEY, record(), arrays())
    catalog.publish(key("other"), record(), arrays())
    assert catalog.drop(KEY)
    assert catalog.find(KEY) is None
    assert [model.key.name for model in catalog.list_models("db")] == ["other"]
    for table in ("_versions", "_metrics", "_iterations", "_features", "_sources", "_state"):
        assert engine.rows(f"SELECT count(DISTINCT model_id) FROM sqlml.{table}") == [(1,)]
    assert engine.rows("SELECT event, actor FROM sqlml.model_events WHERE model_name = 'churn' ORDER BY sequence") == [
        ("created", "tester"), ("version_published", "tester"), ("dropped", "tester"),
    ]  # fmt: skip
    assert not catalog.drop(KEY, if_exists=True)
    with pytest.raises(ProgrammingError):
        catalog.drop(KEY)
    # The name is free, and what comes next is another model.
    assert catalog.check_publishable(KEY)
    assert catalog.publish(KEY, record(seed=1), {}) == 1
    assert catalog.load(KEY).record.seed == 1
    assert catalog.drop(KEY)
    assert catalog.publish(KEY, record(), {}) == 1


def test_one_version_can_be_dropped_unless_it_is_the_default(catalog: Catalog, engine: DuckDBEngine) -> None:
    for _ in range(3):
        catalog.publish(KEY, record(), arrays(), replace=True)
    with pytest.raises(ProgrammingError) as caught:
        catalog.drop_version(KEY, 3)
    assert caught.value.code == "version_in_use"
    assert catalog.drop_version(KEY, 2)
    assert [version.version for version in catalog.versions(KEY)] == [1, 3]
    info = catalog.find(KEY)
    assert info is not None
    assert (info.n_versions, info.default_version) == (2, 3)
    assert engine.rows("SELECT DISTINCT version FROM sqlml._state ORDER BY 1") == [(1,), (3,)]
    with pytest.raises(ProgrammingError) as caught:
        catalog.drop_version(KEY, 2)
    assert caught.value.code == "unknown_version"
    assert not catalog.drop_version(KEY, 2, if_exists=True)
    # A number is never used for a second version.
    catalog.set_default(KEY, 1)
    assert catalog.drop_version(KEY, 3)
    assert catalog.publish(KEY, record(), {}, replace=True) == 4


def test_the_default_can_be_moved_back(catalog: Catalog) -> None:
    catalog.publish(KEY, record(), arrays())
    catalog.publish(KEY, record(model_type="PCA", seed=2), arrays(), replace=True)
    catalog.set_default(KEY, 1)
    info = catalog.find(KEY)
    assert info is not None
    assert (info.default_version, info.model_type) == (1, "KMEANS")
    assert catalog.load(KEY).record == record()
    assert catalog.load(KEY, 2).record.seed == 2
    for version, code in ((3, "unknown_version"), ("champion", "unknown_alias")):
        with pytest.raises(ProgrammingError) as caught:
            catalog.set_default(KEY, version)
        assert caught.value.code == code
    with pytest.raises(ProgrammingError) as caught:
        catalog.set_default(key("none"), 1)
    assert caught.value.code == "unknown_model"


def test_options_are_changed_one_by_one(catalog: Catalog) -> None:
    catalog.publish(KEY, record(), {})
    assert catalog.set_options(KEY, {"description": "it's", "labels": [("team", "ml"), ("a", "b")]})
    assert catalog.set_options(
        KEY, {"expiration_timestamp": datetime.datetime(2030, 1, 1, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))}
    )
    info = catalog.find(KEY)
    assert info is not None
    assert (info.description, info.labels, info.expires_at) == ("it's", (("team", "ml"), ("a", "b")), datetime.datetime(2030, 1, 1, 10))
    assert catalog.set_options(KEY, {"description": None, "labels": None})
    info = catalog.find(KEY)
    assert info is not None
    assert (info.description, info.labels, info.expires_at) == (None, (), datetime.datetime(2030, 1, 1, 10))
    # A new version leaves them alone.
    catalog.publish(KEY, record(), {}, replace=True)
    info = catalog.find(KEY)
    assert info is not None
    assert info.expires_at == datetime.datetime(2030, 1, 1, 10)
    with pytest.raises(ProgrammingError) as caught:
        catalog.set_options(KEY, {"l2_reg": 1})
    assert caught.value.code == "unknown_option"


def test_an_expired_model_is_absent_and_its_name_is_free(catalog: Catalog, clock, engine: DuckDBEngine) -> None:
    catalog.publish(KEY, record(), arrays())
    catalog.set_options(KEY, {"expiration_timestamp": START + datetime.timedelta(days=1)})
    assert catalog.find(KEY) is not None
    clock.advance(days=1)
    assert catalog.find(KEY) is None
    assert catalog.list_models("db") == []
    assert catalog.check_publishable(KEY)
    assert catalog.publish(KEY, record(seed=3), {}) == 1
    info = catalog.find(KEY)
    assert info is not None
    assert (info.n_versions, info.expires_at, info.created_at) == (1, None, clock.time)
    assert engine.rows("SELECT count(*) FROM sqlml._versions") == [(1,)]
    assert ("expired",) in engine.rows("SELECT event FROM sqlml.model_events")


def test_an_expired_model_comes_back_with_a_later_expiration_and_can_be_dropped(catalog: Catalog, clock, engine: DuckDBEngine) -> None:
    catalog.publish(KEY, record(), arrays())
    catalog.set_options(KEY, {"expiration_timestamp": START})
    assert catalog.find(KEY) is None
    with pytest.raises(ProgrammingError) as caught:
        catalog.set_options(KEY, {"description": "back?"})
    assert caught.value.code == "unknown_model"
    assert not catalog.set_options(KEY, {"description": "back?"}, if_exists=True)
    assert catalog.set_options(KEY, {"expiration_timestamp": None})
    assert catalog.load(KEY).version == 1
    catalog.set_options(KEY, {"expiration_timestamp": START})
    assert catalog.drop(KEY)
    assert engine.rows("SELECT count(*) FROM sqlml._versions") == [(0,)]
    assert not catalog.drop(KEY, if_exists=True)


def test_the_log_says_how_everything_stood(catalog: Catalog, clock, engine: DuckDBEngine) -> None:
    catalog.publish(KEY, record(), {})
    clock.advance(days=1)
    catalog.publish(KEY, record(), {}, replace=True)
    clock.advance(days=1)
    catalog.set_default(KEY, 1)
    as_of = START + datetime.timedelta(days=1, hours=1)
    assert engine.rows("SELECT default_version FROM sqlml._events WHERE happened_at <= $1 ORDER BY sequence DESC LIMIT 1", [as_of]) == [
        (2,)
    ]
    assert engine.rows("SELECT event, version, default_version FROM sqlml._events ORDER BY sequence") == [
        ("created", None, None), ("version_published", 1, 1), ("version_published", 2, 2), ("default_changed", 1, 1),
    ]  # fmt: skip


def test_an_id_tells_versions_apart_that_share_a_number(catalog: Catalog, engine: DuckDBEngine) -> None:
    catalog.publish(KEY, record(), {})
    engine.begin()
    catalog.publish(KEY, record(seed=1), {}, replace=True)
    rolled_back = catalog.identify(KEY)
    engine.rollback()
    catalog.publish(KEY, record(seed=2), {}, replace=True)
    assert catalog.identify(KEY)[:2] == rolled_back[:2]
    assert catalog.identify(KEY) != rolled_back
    assert catalog.identify(KEY, 2) == catalog.identify(KEY)
    assert catalog.identify(KEY, 1).version == 1


# ---- Transactions ----


def test_a_change_is_part_of_the_users_transaction(catalog: Catalog, engine: DuckDBEngine) -> None:
    engine.begin()
    engine.rows("CREATE TABLE t AS SELECT 1 AS x")
    catalog.publish(KEY, record(), arrays())
    assert catalog.load(KEY).record == record()
    assert engine.in_transaction
    engine.rollback()
    assert catalog.find(KEY) is None
    assert engine.rows("SELECT 1 FROM duckdb_schemas() WHERE schema_name = 'sqlml'") == []
    engine.begin()
    catalog.publish(KEY, record(), arrays())
    catalog.set_options(KEY, {"description": "x"})
    engine.commit()
    assert catalog.load(KEY).record == record()
    engine.begin()
    catalog.drop(KEY)
    catalog.publish(KEY, record(seed=5), arrays())
    engine.rollback()
    assert catalog.load(KEY).record == record()


def test_a_transaction_that_wrote_another_database_is_refused_before_training(catalog: Catalog, engine: DuckDBEngine) -> None:
    engine.rows("ATTACH ':memory:' AS other")
    engine.begin()
    engine.rows("CREATE TEMP TABLE staged AS SELECT 1 AS x")
    assert catalog.check_publishable(KEY)
    engine.rollback()
    engine.begin()
    engine.rows("CREATE TABLE other.t AS SELECT 1 AS x")
    with pytest.raises(NotSupportedError) as caught:
        catalog.check_publishable(KEY)
    assert caught.value.code == "one_database_per_transaction"
    assert "COMMIT first" in (caught.value.hint or "")
    engine.rollback()


def test_what_is_too_large_is_refused_and_leaves_no_trace(catalog: Catalog, engine: DuckDBEngine) -> None:
    for what, parts in (
        (record(statement="x" * (1 << 24) + "y"), {}),
        (record(), {"state": {"a": Array((1,), strings=("x" * (1 << 23),))}}),
        (record(), {str(section): {str(name): Array((0,), strings=()) for name in range(101)} for section in range(100)}),
    ):
        with pytest.raises(NotSupportedError) as caught:
            catalog.publish(KEY, what, parts)
        assert caught.value.code == "model_too_large"
        assert not engine.in_transaction
        assert engine.rows("SELECT 1 FROM duckdb_schemas() WHERE schema_name = 'sqlml'") == []


def test_a_failed_insert_leaves_no_trace_and_no_transaction(
    catalog: Catalog, engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.publish(KEY, record(), arrays())
    run = DuckDBEngine.run

    def failing(self, sql, parameters=None):
        if 'INSERT INTO "db"."sqlml"."_state"' in sql:
            raise OperationalError("the disk is full", code="disk_full")
        return run(self, sql, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(DuckDBEngine, "run", failing)
        with pytest.raises(OperationalError) as caught:
            catalog.publish(KEY, record(), arrays(), replace=True)
        assert caught.value.code == "disk_full"
    assert not engine.in_transaction
    info = catalog.find(KEY)
    assert info is not None
    assert info.n_versions == 1
    assert catalog.publish(KEY, record(), arrays(), replace=True) == 2
    assert engine.rows("SELECT view_name FROM duckdb_views() WHERE temporary AND NOT internal") == []


def test_every_kind_of_damage_is_noticed(catalog: Catalog, engine: DuckDBEngine) -> None:
    catalog.publish(KEY, record(), arrays())
    for damage in (
        "UPDATE sqlml._versions SET n_rows = n_rows + 1",
        "UPDATE sqlml._versions SET label = NULL",
        "UPDATE sqlml._versions SET created_at = created_at + INTERVAL 1 SECOND",
        "UPDATE sqlml._versions SET checksum = 'x'",
        "UPDATE sqlml._metrics SET value = value * (1 + 1e-15) WHERE position = 0",
        "UPDATE sqlml._metrics SET metric = 'other' WHERE position = 0",
        "UPDATE sqlml._iterations SET loss = 1e-300 WHERE position = 1",
        "UPDATE sqlml._features SET name = 'y' WHERE position = 0",
        "UPDATE sqlml._sources SET fingerprint = '1:3' WHERE position = 0",
        "DELETE FROM sqlml._metrics WHERE position = 2",
        "DELETE FROM sqlml._metrics WHERE position = 0",
        "DELETE FROM sqlml._iterations",
        "UPDATE sqlml._state SET floats = list_concat([-0.5], floats[2:]) WHERE name = 'weights' AND floats IS NOT NULL AND chunk = 1",
        "UPDATE sqlml._state SET strings = list_transform(strings, lambda x: coalesce(x, '')) WHERE name = 'names'",
        "UPDATE sqlml._state SET shape = [3, 2] WHERE name = 'matrix'",
        "UPDATE sqlml._state SET shape = [0, 5] WHERE name = 'empty'",
        "UPDATE sqlml._state SET section = 'state', name = 'renamed' WHERE name = 'no_names'",
        "DELETE FROM sqlml._state WHERE name = 'scalar'",
        "DELETE FROM sqlml._state",
    ):
        engine.begin()
        engine.rows(damage)
        code = ""
        try:
            catalog.load(KEY)
        except IntegrityError as error:
            code = error.code
        assert code == "damaged_state", damage
        engine.rollback()
    assert_same_arrays(catalog.load(KEY).arrays, arrays())


def test_versions_do_not_share_rows(catalog: Catalog) -> None:
    catalog.publish(KEY, record(), arrays())
    catalog.publish(KEY, replace(record(), metrics={}, iterations=(), features=(), sources=()), {}, replace=True)
    first, second = catalog.versions(KEY)
    assert first.record == record()
    assert second.record.metrics == {}
    assert catalog.load(KEY).arrays == {}


def test_aliases_are_handed_on(catalog: Catalog, engine: DuckDBEngine) -> None:
    catalog.publish(KEY, record(), {})
    engine.rows("UPDATE sqlml._events SET aliases = MAP {'champion': 1} WHERE sequence = 2")
    catalog.publish(KEY, record(), {}, replace=True)
    catalog.set_options(KEY, {"description": "x"})
    assert engine.rows("SELECT aliases FROM sqlml._events WHERE sequence = 4") == [({"champion": 1},)]
