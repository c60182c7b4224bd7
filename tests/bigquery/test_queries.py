"""Queries of the BigQuery flavour through a connection: parameters, names that settings lead elsewhere, ingestion time, order of arrays."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

import sqlml
from sqlml.dbapi.connection import Connection


@pytest.fixture
def connection() -> Iterator[Connection]:
    with sqlml.connect(dialect="bigquery") as opened:
        yield opened


@pytest.mark.parametrize(
    ("value", "type_name"),
    [
        (1, "INT64"), (1.5, "FLOAT64"), (True, "BOOL"), ("x", "STRING"), (b"x", "BYTES"), (datetime.date(2020, 1, 2), "DATE"),
        (datetime.datetime(2020, 1, 2, 3, 4, 5), "DATETIME"), (datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC), "TIMESTAMP"),
        (datetime.time(1, 2, 3), "TIME"), (Decimal("1.5"), "NUMERIC"), ([1, 2], "ARRAY<INT64>"), ({"a": 1, "b": "x"}, "STRUCT<a INT64, b STRING>"),
        ([{"a": 1.5}], "ARRAY<STRUCT<a FLOAT64>>"), (datetime.timedelta(days=1), "INTERVAL"),
    ],
)  # fmt: skip
def test_values_of_python_have_types_of_bigquery(connection: Connection, value: object, type_name: str) -> None:
    for sql, parameters in (("SELECT @v AS v", {"v": value}), ("SELECT ? AS v", [value])):
        cursor = connection.execute(sql, parameters)
        assert cursor.description is not None
        assert cursor.description[0][1] == type_name
        assert cursor.fetchone() == (value,)


def test_a_named_parameter_may_stand_in_several_places(connection: Connection) -> None:
    rows = connection.execute("SELECT x, @n AS n FROM UNNEST([1, 2, 3]) AS x WHERE x > @n AND x < IF(@n = 1, 3, 0)", {"n": 1}).fetchall()
    assert rows == [(2, 1)]


def test_parameters_reach_ml_functions(connection: Connection) -> None:
    connection.execute(
        "CREATE MODEL m OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y'])"
        " AS SELECT x, 2.0 * x AS y FROM UNNEST(GENERATE_ARRAY(1, 10)) AS x"
    )
    query = "SELECT ROUND(predicted_y) FROM ML.PREDICT(MODEL m, (SELECT @x AS x)) WHERE x = @x"
    assert connection.execute(query, {"x": 4}).fetchall() == [(8.0,)]


def test_names_lead_where_the_setting_says(tmp_path: Path) -> None:
    with sqlml.connect(str(tmp_path / "samples.duckdb")) as samples:
        samples.execute("CREATE TABLE penguins AS SELECT 'Adelie' AS species, 1.5 AS mass FROM range(9)")
        samples.execute(
            "CREATE MODEL m OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y']) AS SELECT i AS x, 2e0 * i AS y FROM range(9) r(i)"
        )
    settings = {"projects": {"bigquery-public-data.ml_datasets": "samples.main", "my-project": "samples"}}
    with sqlml.connect(dialect="bigquery", settings=settings) as connection:
        connection.execute(f"ATTACH '{tmp_path / 'samples.duckdb'}' AS samples")
        for name in (
            "`bigquery-public-data.ml_datasets.penguins`",
            "`bigquery-public-data`.ml_datasets.penguins",
            "`my-project.main.penguins`",
        ):
            assert connection.execute(f"SELECT COUNT(*) FROM {name}").fetchone() == (9,)
        for name in ("`bigquery-public-data.ml_datasets.m`", "`my-project.main.m`"):
            assert connection.execute(f"SELECT ROUND(predicted_y) FROM ML.PREDICT(MODEL {name}, (SELECT 3 AS x))").fetchone() == (6.0,)
        tables = connection.execute("SELECT table_name FROM `bigquery-public-data.ml_datasets.INFORMATION_SCHEMA.TABLES`").fetchall()
        assert tables == [("penguins",)]
        models = connection.execute("SELECT model_name FROM `bigquery-public-data.ml_datasets.INFORMATION_SCHEMA.MODELS`").fetchall()
        assert models == [("m",)]


def test_the_setting_of_names_is_checked(connection: Connection) -> None:
    connection.execute("CREATE SCHEMA sales")
    connection.execute("CREATE TABLE sales.t AS SELECT 1 AS a")
    connection.execute("SET sqlml.projects = ['prod.retail=sales']")
    assert connection.execute("SELECT a FROM `prod.retail.t`").fetchall() == [(1,)]
    for wrong in ("['a']", "['a=']", "['a.b.c=d']", "['a=b=c']", "5"):
        with pytest.raises(sqlml.ProgrammingError) as raised:
            connection.execute(f"SET sqlml.projects = {wrong}")
        assert raised.value.code == "setting_value"


@pytest.mark.parametrize("column", ["_PARTITIONDATE", "_PARTITIONTIME"])
def test_ingestion_time_of_a_partitioned_data_set(connection: Connection, column: str, tmp_path: Path) -> None:
    for day in ("2026-01-30", "2026-01-31"):
        folder = tmp_path / f"{column}={day}"
        folder.mkdir()
        connection.execute(f"EXPORT DATA OPTIONS (uri = '{folder}/x.parquet', format = 'PARQUET') AS SELECT '{day}' AS d")
    connection.execute("SET sqlml.dialect = 'duckdb'")
    connection.execute(f"CREATE VIEW logs AS SELECT * FROM read_parquet('{tmp_path}/*/*.parquet', hive_partitioning = true)")
    connection.execute("SET sqlml.dialect = 'bigquery'")
    by_day = "SELECT d, CAST(_PARTITIONDATE AS STRING) FROM logs WHERE _PARTITIONDATE = DATE '2026-01-31'"
    assert connection.execute(by_day).fetchall() == [("2026-01-31", "2026-01-31")]
    by_time = "SELECT d FROM logs WHERE _PARTITIONTIME >= TIMESTAMP '2026-01-31 00:00:00+00'"
    assert connection.execute(by_time).fetchall() == [("2026-01-31",)]


def test_arrays_keep_the_order_of_arrays(connection: Connection) -> None:
    rows = connection.execute(
        "WITH t AS (SELECT i, GENERATE_ARRAY(i, i + 20) AS a FROM UNNEST(GENERATE_ARRAY(1, 5000)) AS i)"
        " SELECT COUNTIF(TO_JSON_STRING(ARRAY(SELECT e FROM UNNEST(a) AS e)) != TO_JSON_STRING(a)),"
        " COUNTIF(TO_JSON_STRING(ARRAY(SELECT e * 2 FROM UNNEST(a) AS e WHERE e > i)) != TO_JSON_STRING(GENERATE_ARRAY(2 * i + 2, 2 * i + 40, 2)))"
        " FROM t"
    ).fetchall()
    assert rows == [(0, 0)]


def test_models_are_the_same_in_both_flavours() -> None:
    answers = []
    for dialect, rows in (("duckdb", "SELECT i AS x, i % 3 AS g, 2.5e0 * i + 1 AS y FROM range(50) r(i)"),
                          ("bigquery", "SELECT i AS x, MOD(i, 3) AS g, 2.5 * i + 1 AS y FROM UNNEST(GENERATE_ARRAY(0, 49)) AS i")):  # fmt: skip
        with sqlml.connect(dialect=dialect) as connection:
            connection.execute(f"CREATE TABLE t AS {rows}")
            connection.execute(
                "CREATE MODEL m OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y'], l2_reg = 0.5) AS SELECT * FROM t"
            )
            weights = connection.execute("SELECT processed_input, weight FROM ML.WEIGHTS(MODEL m) ORDER BY 1").fetchall()
            predictions = connection.execute("SELECT x, predicted_y FROM ML.PREDICT(MODEL m, TABLE t) ORDER BY x").fetchall()
            metrics = connection.execute("SELECT * FROM ML.EVALUATE(MODEL m)").fetchall()
            answers.append((weights, predictions, metrics))
    assert answers[0] == answers[1]
