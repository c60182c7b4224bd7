"""What is not ours is not read, and nothing is written where somebody else's things stand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from catalog_samples import START, arrays, key, record

from sqlml.catalog import schema
from sqlml.catalog.records import ModelKey
from sqlml.catalog.schema import check_schema, ensure_schema
from sqlml.catalog.store import Catalog
from sqlml.catalog.tables import FORMAT, TABLES
from sqlml.catalog.views import VIEWS
from sqlml.engines.duckdb import DuckDBEngine
from sqlml.errors import Error, IntegrityError

KEY = key()


def every_use(catalog: Catalog) -> list[Callable[[], object]]:
    return [
        lambda: catalog.find(KEY), lambda: catalog.list_models("db"), lambda: catalog.load(KEY), lambda: catalog.versions(KEY),
        lambda: catalog.identify(KEY), lambda: catalog.check_publishable(KEY, replace=True),
        lambda: catalog.publish(KEY, record(), {}, replace=True), lambda: catalog.drop(KEY), lambda: catalog.set_default(KEY, 1),
        lambda: catalog.set_options(KEY, {"description": "x"}), lambda: catalog.drop_version(KEY, 1),
    ]  # fmt: skip


def assert_refused(catalog: Catalog, code: str) -> None:
    for use in every_use(catalog):
        with pytest.raises(IntegrityError) as caught:
            use()
        assert caught.value.code == code


def test_what_we_make_is_ours(engine: DuckDBEngine) -> None:
    assert check_schema(engine, "db") == 0
    ensure_schema(engine, "db", START)
    assert check_schema(engine, "db") == FORMAT
    assert check_schema(engine, "DB") == FORMAT
    made = {name for (name,) in engine.rows("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'sqlml'")}
    assert made == {table.name for table in TABLES}
    made = {name for (name,) in engine.rows("SELECT view_name FROM duckdb_views() WHERE schema_name = 'sqlml'")}
    assert made == set(VIEWS)
    assert engine.rows("FROM sqlml._format") == [(FORMAT, START)]
    ensure_schema(engine, "db", START)
    assert engine.rows("SELECT count(*) FROM sqlml._format") == [(1,)]


def test_the_engine_prints_the_tables_as_they_are_written(engine: DuckDBEngine) -> None:
    ensure_schema(engine, "db", START)
    for table in TABLES:
        ((printed,),) = engine.rows("SELECT sql FROM duckdb_tables() WHERE schema_name = 'sqlml' AND table_name = $1", [table.name])
        assert schema.tokens_of(printed) == schema._expected(table)
        assert schema._printed(engine, table) == schema._expected(table)
    assert engine.rows("SELECT count(*) FROM duckdb_tables() WHERE database_name = 'temp'") == [(0,)]


def test_an_engine_that_prints_otherwise_is_asked_how(catalog: Catalog, engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog.publish(KEY, record(), {})
    monkeypatch.setattr(schema, "_expected", lambda table: ("create", "table", "sqlml", ".", table.name, "(", "written", "otherwise", ")"))
    schema._printed_by_engine.clear()
    assert catalog.find(KEY) is not None
    schema._printed_by_engine.clear()
    engine.rows("BEGIN TRANSACTION READ ONLY")
    assert catalog.find(KEY) is not None
    engine.rollback()
    schema._printed_by_engine.clear()


def test_a_stranger_view_is_never_read(catalog: Catalog, engine: DuckDBEngine, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    engine.rows("CREATE SCHEMA sqlml")
    for table in TABLES:
        engine.rows(f"CREATE VIEW sqlml.{table.name} AS FROM read_csv('{secret}')")
    # Even binding such a view would open the file: it is gone, and nobody notices.
    secret.unlink()
    assert_refused(catalog, "foreign_catalog")


@pytest.mark.parametrize("name", [table.name for table in TABLES])
def test_one_view_among_our_tables_is_refused(catalog: Catalog, engine: DuckDBEngine, name: str) -> None:
    catalog.publish(KEY, record(), arrays())
    engine.rows(f"ALTER TABLE sqlml.{name} RENAME TO taken")
    engine.rows(f"CREATE VIEW sqlml.{name} AS FROM sqlml.taken")
    assert_refused(catalog, "foreign_catalog")


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE sqlml._metrics ADD COLUMN more VARCHAR",
        "ALTER TABLE sqlml._sources RENAME COLUMN n_rows TO rows",
        "ALTER TABLE sqlml._features ALTER COLUMN mean TYPE VARCHAR",
        "ALTER TABLE sqlml._sources ALTER COLUMN fingerprint SET DEFAULT 'x'",
        "ALTER TABLE sqlml._metrics DROP COLUMN value",
        "ALTER TABLE sqlml._metrics ALTER COLUMN metric DROP NOT NULL",
        "DROP TABLE sqlml._iterations",
        "CREATE TRIGGER t AFTER INSERT ON sqlml._versions FOR EACH STATEMENT INSERT INTO main.log SELECT content FROM read_text('/etc/hostname')",
        "CREATE OR REPLACE TABLE sqlml._names AS FROM sqlml._names",
        """CREATE OR REPLACE TABLE sqlml._metrics(model_id VARCHAR, "version" INTEGER, "position" INTEGER, metric VARCHAR NOT NULL,
           "value" DOUBLE GENERATED ALWAYS AS (random()), PRIMARY KEY(model_id, "version", "position"))""",
        """CREATE OR REPLACE TABLE sqlml._format("format INTEGER, applied_at" TIMESTAMP NOT NULL, PRIMARY KEY("format INTEGER, applied_at"))""",
    ],
)
def test_a_changed_schema_is_refused(catalog: Catalog, engine: DuckDBEngine, change: str) -> None:
    engine.rows("CREATE TABLE main.log(x VARCHAR)")
    catalog.publish(KEY, record(), arrays())
    engine.rows(change)
    assert_refused(catalog, "foreign_catalog")
    assert engine.rows("FROM main.log") == []


def test_a_trigger_elsewhere_does_not_matter(catalog: Catalog, engine: DuckDBEngine) -> None:
    catalog.publish(KEY, record(), arrays())
    engine.rows("CREATE TABLE sqlml.mine(x VARCHAR)")
    engine.rows("CREATE TABLE main.log(x VARCHAR)")
    engine.rows("CREATE TRIGGER t AFTER INSERT ON sqlml.mine FOR EACH STATEMENT INSERT INTO main.log SELECT 'x'")
    assert catalog.find(KEY) is not None


def test_a_newer_format_asks_for_an_upgrade(catalog: Catalog, engine: DuckDBEngine) -> None:
    catalog.publish(KEY, record(), {})
    engine.rows("INSERT INTO sqlml._format VALUES (99, now()::TIMESTAMP)")
    assert_refused(catalog, "newer_format")
    # Whatever that format made of the tables.
    engine.rows("ALTER TABLE sqlml._metrics ADD COLUMN more VARCHAR")
    engine.rows("DROP TABLE sqlml._names")
    with pytest.raises(IntegrityError) as caught:
        catalog.find(KEY)
    assert caught.value.code == "newer_format"
    assert "upgrade" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "change", ["DELETE FROM sqlml._format", "UPDATE sqlml._format SET format = 0", "UPDATE sqlml._format SET format = -5"]
)
def test_a_schema_without_a_format_is_refused(catalog: Catalog, engine: DuckDBEngine, change: str) -> None:
    catalog.publish(KEY, record(), {})
    engine.rows(change)
    assert_refused(catalog, "foreign_catalog")


def test_a_users_own_schema_of_that_name_is_shared(catalog: Catalog, engine: DuckDBEngine) -> None:
    engine.rows("CREATE SCHEMA SQLML")
    engine.rows("CREATE TABLE sqlml.mine AS SELECT 1 AS x")
    assert catalog.find(KEY) is None
    catalog.publish(KEY, record(), {})
    assert catalog.find(KEY) is not None
    assert catalog.publish(KEY, record(), {}, replace=True) == 2


@pytest.mark.parametrize("what", ["TABLE sqlml.models AS SELECT 1 AS x", "VIEW sqlml.training_info AS SELECT 1 AS x"])
def test_a_users_own_object_in_our_place_is_left_alone(catalog: Catalog, engine: DuckDBEngine, what: str) -> None:
    engine.rows("CREATE SCHEMA sqlml")
    engine.rows(f"CREATE {what}")
    assert catalog.find(KEY) is None
    with pytest.raises(IntegrityError) as caught:
        catalog.publish(KEY, record(), {})
    assert caught.value.code == "foreign_catalog"
    assert engine.rows(f"FROM {what.split()[1]}") == [(1,)]
    assert engine.rows("SELECT count(*) FROM duckdb_tables() WHERE starts_with(table_name, '_')") == [(0,)]


def test_shadowing_macros_change_nothing(catalog: Catalog, engine: DuckDBEngine) -> None:
    for macro in (
        "max(x) AS 999", "len(x) AS 0", "strlen(x) AS 0", "arg_max(a, b) AS NULL", "lower(x) AS 'x'", "count_star() AS 7", "any_value(x) AS NULL",
        "duckdb_tables() AS TABLE SELECT 1", "duckdb_schemas() AS TABLE SELECT 1", "struct_pack(x) AS NULL", "min(x) AS 999",
    ):  # fmt: skip
        engine.rows(f"CREATE MACRO main.{macro}")
    assert catalog.publish(KEY, record(), arrays()) == 1
    assert catalog.publish(KEY, record(), arrays(), replace=True) == 2
    assert catalog.load(KEY).version == 2
    assert [model.n_versions for model in catalog.list_models("db")] == [2]
    assert catalog.drop(KEY)


def test_a_database_that_is_not_attached_has_no_models(catalog: Catalog) -> None:
    assert catalog.find(ModelKey("nowhere", "main", "m")) is None


def test_a_refusal_leaves_no_transaction_open(catalog: Catalog, engine: DuckDBEngine) -> None:
    catalog.publish(KEY, record(), {})
    engine.rows("ALTER TABLE sqlml._metrics ADD COLUMN more VARCHAR")
    for use in every_use(catalog):
        with pytest.raises(Error):
            use()
        assert not engine.in_transaction
