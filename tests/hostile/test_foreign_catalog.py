"""A catalog that is none: views, triggers, defaults, other constraints in the place of the tables, and macros in the place of functions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
import sample_models
from forging import attacker, forget
from victim import Victim, assert_harmless

from sqlml.catalog.tables import TABLES, VERSIONS
from sqlml.sql import quote


def statements() -> list[str]:
    """Statements about three models: every one that reads the catalog is among them."""
    return [text for model in ("big", "trees", "groups") for text in sample_models.statements(model)] + [
        "CREATE MODEL fresh OPTIONS (model_type = 'kmeans', num_clusters = 2) AS SELECT rooms FROM houses",
        "SELECT * FROM ML.PREDICT(MODEL price@champion, TABLE houses)",
        "DROP MODEL IF EXISTS price",
    ]


READERS = ("SHOW MODELS", "DESCRIBE MODEL big", "SELECT * FROM ML.PREDICT(MODEL big, TABLE houses)", "DROP MODEL big")


def assert_refused(victim: Victim, database: Path, code: str, texts: Sequence[str] = ()) -> None:
    answers = victim.run(database, list(texts) or statements())
    assert_harmless(answers)
    assert answers.codes() == {code}, [(answer.statement, answer.code) for answer in answers.statements if answer.code != code]


# ---- Macros ----


@pytest.mark.parametrize(
    "macro",
    [
        "sum(x) AS (SELECT content FROM read_text('{secret}/secret.csv'))", '"+"(a, b) AS (SELECT 1 FROM read_text(\'{secret}/secret.csv\'))',
        '"*"(a, b) AS 7', '"="(a, b) AS TRUE', '"~~"(a, b) AS TRUE', "hash(x) AS getenv('HOME')", "struct_pack(x) AS NULL", "arg_max(a, b) AS NULL",
        "STRLEN(x) AS 0", "exp(x) AS 1", "list_position(a, b) AS 1", "duckdb_tables() AS TABLE FROM read_text('{secret}/secret.csv')",
        "current_database() AS 'temp'", "unnest(x) AS TABLE SELECT 1", "range(x) AS TABLE FROM read_csv('{secret}/secret.csv')",
        '"list_value"(a) AS NULL',
    ],
)  # fmt: skip
@pytest.mark.parametrize("schema", ["main", "sqlml", "other"])
def test_a_macro_with_the_name_of_a_function(database: Path, secret: Path, victim: Victim, macro: str, schema: str) -> None:
    with attacker(database, reseals=False) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        try:
            connection.execute(f"CREATE MACRO {schema}.{macro.format(secret=secret)}")
        except duckdb.Error as error:
            pytest.skip(f"the engine does not make it: {error}")
    forget(secret)
    assert_refused(victim, database, "shadowed_builtin", READERS)


def test_a_macro_in_the_temporary_schema(database: Path, victim: Victim) -> None:
    answers = victim.run(database, ["CREATE TEMP MACRO sum(x) AS 1", *sample_models.statements("big"), "DROP MACRO sum", "SHOW MODELS"])
    assert_harmless(answers)
    assert {answer.code for answer in answers.statements[1:-2]} == {"shadowed_builtin"}
    assert answers.statements[-1].code == ""


def test_a_macro_of_an_attached_database(database: Path, victim: Victim, tmp_path: Path) -> None:
    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as connection:
        connection.execute("CREATE MACRO sum(x) AS 1")
    answers = victim.run(database, ["SHOW MODELS", f"ATTACH '{other}' AS other", "SHOW MODELS", "DETACH other", "SHOW MODELS"])
    assert [answer.code for answer in answers.statements] == ["", "", "shadowed_builtin", "", ""]


# ---- Tables ----


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_a_view_over_a_file(database: Path, secret: Path, victim: Victim, table: str) -> None:
    with attacker(database, reseals=False) as connection:
        connection.execute(f"ALTER TABLE sqlml.{table} RENAME TO taken")
        connection.execute(
            f"CREATE VIEW sqlml.{table} AS SELECT * FROM sqlml.taken WHERE (SELECT count(*) FROM read_text('{secret}/*.csv')) > 0"
        )
    forget(secret)
    assert_refused(victim, database, "foreign_catalog")


def test_views_only(database: Path, secret: Path, victim: Victim) -> None:
    with attacker(database, reseals=False) as connection:
        connection.execute("DROP SCHEMA sqlml CASCADE")
        connection.execute("CREATE SCHEMA SQLML")
        for table in TABLES:
            connection.execute(f"CREATE VIEW SQLML.{table.name.upper()} AS FROM read_csv('{secret}/secret.csv')")
    forget(secret)
    assert_refused(victim, database, "foreign_catalog")


def _remade(change: str, by: str) -> list[str]:
    """Statements that make `_versions` again with another definition, full of the same rows."""
    definition = VERSIONS.definition
    assert change in definition
    return [
        "ALTER TABLE sqlml._versions RENAME TO taken",
        f"CREATE TABLE sqlml._versions ({definition.replace(change, by)})",
        "INSERT INTO sqlml._versions FROM sqlml.taken",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        _remade('"n_rows" BIGINT NOT NULL', '"n_rows" BIGINT DEFAULT random()'),
        _remade('"seed" BIGINT NOT NULL', '"seed" BIGINT NOT NULL CHECK (seed > 0)'),
        _remade('system.main."strlen"("statement") <= 16777216', 'system.main."strlen"("statement") <= 9999999999'),
        _remade('"statement" VARCHAR NOT NULL', '"statement" VARCHAR'),
        _remade('"model_type" VARCHAR', '"model_type" VARCHAR COLLATE NOCASE'),
        ["ALTER TABLE sqlml._metrics DROP COLUMN value", "ALTER TABLE sqlml._metrics ADD COLUMN value DOUBLE DEFAULT nextval('sqlml.s')"],
        ["CREATE OR REPLACE TABLE sqlml._state AS FROM sqlml._state"],
        ["CREATE OR REPLACE TABLE sqlml._names AS FROM sqlml._names"],
        [
            ("CREATE OR REPLACE TABLE sqlml._metrics(model_id VARCHAR, \"version\" INTEGER, \"position\" INTEGER, metric VARCHAR NOT NULL, "
            "\"value\" DOUBLE GENERATED ALWAYS AS (random()), PRIMARY KEY(model_id, \"version\", \"position\"))")
        ],
        ["CREATE TRIGGER t AFTER INSERT ON sqlml._events FOR EACH STATEMENT INSERT INTO main.log SELECT content FROM read_text('/etc/hostname')"],
        ["CREATE TRIGGER t AFTER DELETE ON sqlml._STATE FOR EACH STATEMENT DELETE FROM main.houses"],
    ],
)  # fmt: skip
def test_a_table_that_does_more_or_bounds_less(database: Path, victim: Victim, changes: list[str]) -> None:
    with attacker(database, reseals=False) as connection:
        connection.execute("CREATE TABLE main.log(x VARCHAR); CREATE SEQUENCE sqlml.s")
        for change in changes:
            connection.execute(change)
    assert_refused(victim, database, "foreign_catalog")
    with duckdb.connect(str(database)) as connection:
        assert connection.execute("SELECT (SELECT count(*) FROM main.log), (SELECT count(*) FROM houses)").fetchall() == [(0, 300)]


@pytest.mark.parametrize("case", ["SQLML", "SqlMl"])
def test_the_schema_in_another_case_is_the_same_schema(database: Path, victim: Victim, case: str) -> None:
    with attacker(database, reseals=False) as connection:
        connection.execute("DROP SCHEMA sqlml CASCADE")
        connection.execute(f"CREATE SCHEMA {quote(case)}")
        connection.execute(f"CREATE TABLE {quote(case)}._versions AS SELECT 1 AS x")
    assert_refused(victim, database, "foreign_catalog")


def test_a_sequence_or_type_of_a_name_of_ours(database: Path, victim: Victim) -> None:
    with attacker(database, reseals=False) as connection:
        connection.execute(
            "CREATE TYPE sqlml._versions AS ENUM ('a'); CREATE TYPE main.__sqlml_row AS ENUM ('a'); CREATE SEQUENCE main.__sqlml_t1"
        )
        connection.execute("CREATE TABLE main.__sqlml_catalog_rows AS SELECT 1 AS x; CREATE VIEW main.__sqlml_table_1 AS SELECT 1 AS x")
    answers = victim.run(database, statements())
    assert_harmless(answers)
    assert answers.codes() <= {"", "function_not_applicable", "without_p_values"}, answers


# ---- Sizes ----


def lists_that_compress(column: str, values: str) -> list[str]:
    """A state table without limits, in which a list takes no room in the file."""
    return [
        "CREATE OR REPLACE TABLE sqlml.taken AS FROM sqlml._state",
        "DROP TABLE sqlml._state",
        "CREATE TABLE sqlml._state AS FROM sqlml.taken",
        f"UPDATE sqlml._state SET {column} = {values}, shape = [1000000] WHERE section = 'state' AND name = 'centroids'",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        lists_that_compress("floats", "list_resize([0.0], 1000000, 0.0)"),
        lists_that_compress("integers", "list_resize([0], 1000000, 0)"),
        lists_that_compress("strings", "[repeat('x', 10000000)]"),
        [*_remade('system.main."strlen"("statement") <= 16777216', "TRUE"), "UPDATE sqlml._versions SET statement = repeat('x', 10000000)"],
    ],
)
def test_columns_without_a_limit(database: Path, victim: Victim, changes: list[str]) -> None:
    with attacker(database, reseals=False) as connection:
        for change in changes:
            connection.execute(change)
        connection.execute("CHECKPOINT")
    answers = victim.run(database, statements())
    assert_harmless(answers)
    assert answers.codes() == {"foreign_catalog"}
    assert answers.peak_mb < 200


@pytest.mark.parametrize(
    "change",
    [
        "shape = [1099511627776]", "shape = [1099511627776, 0]", "shape = [0, 1099511627776, 1099511627776]", "shape = [268435456]",
        "shape = [9223372036854775807, 9223372036854775807]", "shape = range(1000)", "shape = list_resize([1], 1024, 1)", "shape = [-1]", "shape = [NULL]",
        "shape = NULL", "chunk = chunk + 1", "chunk = 2147483647", "chunk = -2147483648", "section = repeat('s', 1000000)", "name = chr(0)",
    ],
)  # fmt: skip
def test_shapes_of_terabytes(database: Path, victim: Victim, change: str) -> None:
    with attacker(database) as connection:
        connection.execute(f"UPDATE sqlml._state SET {change} WHERE name IN ('weights', 'clause')")
    answers = victim.run(database, sample_models.statements("big"))
    assert_harmless(answers)
    assert {answer.code for answer in answers.statements if "PREDICT" in answer.statement} == {"damaged_state"}
    assert answers.peak_mb < 300


@pytest.mark.parametrize(
    "rows",
    [
        # 64 KB in the file each: equal lists compress to nothing.
        "SELECT 'state', 'weights', i::INTEGER, CASE WHEN i = 0 THEN [268435456] END, NULL, list_resize([0.5], 1024, 0.5), NULL FROM range(100000) r(i)",
        "SELECT 'state', 'n' || i, 0, [1], NULL, [0.5], NULL FROM range(100000) r(i)",
        "SELECT 'state', 'texts', i::INTEGER, CASE WHEN i = 0 THEN [16777216] END, NULL, NULL, [repeat('x', 4000000)] FROM range(300) r(i)",
    ],
    ids=["chunks", "arrays", "texts"],
)  # fmt: skip
def test_many_chunks(database: Path, victim: Victim, rows: str) -> None:
    with attacker(database, reseals=False) as connection:
        connection.execute(
            "INSERT INTO sqlml._state SELECT v.model_id, v.version, s.* FROM sqlml._versions v, "
            f"({rows}) AS s(section, name, chunk, shape, integers, floats, strings) WHERE model_type = 'KMEANS'"
        )
        connection.execute("CHECKPOINT")
    answers = victim.run(database, sample_models.statements("groups")[:8])
    assert_harmless(answers)
    assert {answer.code for answer in answers.statements if "PREDICT" in answer.statement} <= {"damaged_state", "catalog_too_large"}
    assert answers.peak_mb < 900


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("_versions", "statement = repeat('x', 16000000)"),
        ("_versions", "options = MAP {'x': repeat('x', 11000000)}"),
        ("_events", "description = repeat('x', 16000000)"),
        ("_features", "name = repeat('x', 16000000)"),
        ("_names", "model_name = repeat('x', 16000000)"),
    ],
)
def test_texts_that_compress_to_nothing(database: Path, victim: Victim, table: str, change: str) -> None:
    with attacker(database, reseals=False) as connection:
        connection.execute(f"CREATE TEMP TABLE one AS FROM sqlml.{table} LIMIT 1")
        connection.execute(f"UPDATE one SET {change}")
        key = "schema_key" if table == "_names" else "model_id"
        for number in range(0, 40, 20):
            connection.execute(
                f"INSERT INTO sqlml.{table} SELECT one.* REPLACE ('more ' || i AS {key}) FROM one, range({number}, {number + 20}) r(i)"
            )
        connection.execute("CHECKPOINT")
    assert database.stat().st_size < 20_000_000
    answers = victim.run(database, statements())
    assert_harmless(answers)
    assert answers.codes() == {"catalog_too_large"}
    assert answers.peak_mb < 200
