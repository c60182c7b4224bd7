"""A TRANSFORM clause in BigQuery's SQL is stored as the engine's: a model made in one flavour works in the other, and in a new session."""

from __future__ import annotations

from pathlib import Path

import pytest

import sqlml

CLAUSES = {
    "duckdb": "TRANSFORM (ML.STANDARD_SCALER(x) OVER () AS sx, CASE WHEN g = 0 THEN 'zero' ELSE CAST(g AS VARCHAR) END AS gs, x / 2 AS h, y)",
    "bigquery": "TRANSFORM (ML.STANDARD_SCALER(x) OVER () AS sx, IF(g = 0, 'zero', CAST(g AS STRING)) AS gs, x / 2 AS h, y)",
}


@pytest.mark.parametrize("dialect", CLAUSES)
def test_a_model_works_in_both_flavours(dialect: str, tmp_path: Path) -> None:
    path = str(tmp_path / "m.duckdb")
    with sqlml.connect(path, dialect=dialect) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS x, 0 AS g, 2.5 AS y")
        connection.execute("INSERT INTO t VALUES (2, 1, 3.5), (3, 2, 4.0), (4, 0, 6.5), (5, 1, 7.0), (6, 2, 9.5)")
        connection.execute(
            f"CREATE MODEL m {CLAUSES[dialect]} OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y'], l2_reg = 0.1) AS SELECT * FROM t"
        )
        expected = connection.execute("SELECT predicted_y FROM ML.PREDICT(MODEL m, TABLE t) ORDER BY x").fetchall()
    for other in CLAUSES:
        with sqlml.connect(path, dialect=other) as connection:
            assert connection.execute("SELECT predicted_y FROM ML.PREDICT(MODEL m, TABLE t) ORDER BY x").fetchall() == expected
            rows = connection.execute("SELECT gs, h FROM ML.TRANSFORM(MODEL m, (SELECT 3 AS x, 0 AS g))").fetchall()
            assert rows == [("zero", 1.5)]


def test_a_time_that_no_expression_reads_need_not_be_there_to_predict() -> None:
    with sqlml.connect(dialect="bigquery") as connection:
        connection.execute(
            "CREATE MODEL m TRANSFORM (x + 1 AS z, y) OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y'])"
            " AS SELECT x, 2.0 * x AS y, TIMESTAMP '2020-01-01 00:00:00+00' AS ts FROM UNNEST(GENERATE_ARRAY(1, 9)) AS x"
        )
        rows = connection.execute("SELECT ROUND(predicted_y) FROM ML.PREDICT(MODEL m, (SELECT 4 AS x))").fetchall()
    assert rows == [(8.0,)]
