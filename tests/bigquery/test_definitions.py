"""Statements that make things, where a `.test` file cannot show it: views in other clients, folders, functions that capture no column."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

import sqlml


def test_views_and_tables_are_duckdbs_own(tmp_path: Path) -> None:
    path = str(tmp_path / "x.duckdb")
    with sqlml.connect(path, dialect="bigquery") as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a, [STRUCT(2 AS b)] AS s, TIMESTAMP '2020-01-01 00:00:00+00' AS ts")
        connection.execute(
            "CREATE VIEW v AS SELECT a / 2 AS h, s[OFFSET(0)].b, SAFE_DIVIDE(a, 0) AS n, FORMAT_DATE('%Y', DATE(ts)) AS y FROM t"
        )
        connection.execute("CREATE FUNCTION half(x INT64) AS (x / 2)")
    with duckdb.connect(path) as other:
        assert other.execute("SELECT * FROM v").fetchall() == [(0.5, 2, None, "2020")]
        assert other.execute("SELECT half(3)").fetchall() == [(1.5,)]


def test_files_outside_the_allowed_folders_are_refused(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (outside / "x.csv").write_text("1\n")
    (inside / "link.csv").symlink_to(outside / "x.csv")
    with sqlml.connect(dialect="bigquery", settings={"allow_files": [str(inside)]}) as connection:
        connection.execute(f"EXPORT DATA OPTIONS (uri = '{inside}/a_*.csv', format = 'CSV') AS SELECT 1 AS a")
        connection.execute(f"LOAD DATA INTO t (a INT64) FROM FILES (format = 'CSV', uris = ['{inside}/a_*.csv'])")
        for statement in (
            f"EXPORT DATA OPTIONS (uri = '{outside}/a_*.csv', format = 'CSV') AS SELECT 1 AS a",
            f"EXPORT DATA OPTIONS (uri = '{inside}/../out/a_*.csv', format = 'CSV') AS SELECT 1 AS a",
            f"LOAD DATA INTO t FROM FILES (format = 'CSV', uris = ['{outside}/x.csv'])",
            f"LOAD DATA INTO t FROM FILES (format = 'CSV', uris = ['{inside}/link.csv'])",
            f"LOAD DATA INTO t FROM FILES (format = 'CSV', uris = ['{inside}/*.csv'])",
        ):
            with pytest.raises(sqlml.OperationalError) as raised:
                connection.execute(statement)
            assert raised.value.code == "files_not_allowed"
        assert connection.execute("SELECT COUNT(*) FROM t").fetchall() == [(1,)]


def test_the_engine_may_touch_no_files_when_it_was_told_so(tmp_path: Path) -> None:
    with sqlml.connect(dialect="bigquery", config={"enable_external_access": False}) as connection:
        for statement in (
            f"EXPORT DATA OPTIONS (uri = '{tmp_path}/a.csv', format = 'CSV') AS SELECT 1 AS a",
            f"LOAD DATA INTO t (a INT64) FROM FILES (format = 'CSV', uris = ['{tmp_path}/a.csv'])",
        ):
            with pytest.raises(sqlml.Error):
                connection.execute(statement)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["i", "e", "b", "k", "c", "p", "w", "x"])
def test_columns_are_not_taken_for_names_of_ours(name: str) -> None:
    with sqlml.connect(dialect="bigquery") as connection:
        rows = connection.execute(
            f"SELECT GENERATE_ARRAY({name}, {name} + 2), INSTR(CAST({name} AS STRING), CAST({name} AS STRING), 1), RANGE_BUCKET({name}, [1, 9]),"
            f" ARRAY_TO_STRING([CAST({name} AS STRING), NULL], '-', CAST({name} AS STRING)),"
            f" CAST(GENERATE_DATE_ARRAY(DATE '2020-01-01', DATE_ADD(DATE '2020-01-01', INTERVAL {name} DAY))[OFFSET(5)] AS STRING)"
            f" FROM UNNEST([5]) AS {name}"
        ).fetchall()
    assert rows == [([5, 6, 7], 1, 1, "5-5", "2020-01-06")]
