"""What is refused is named in the user's words, once, with the caret below it and advice what to write instead."""

from __future__ import annotations

import pytest

import sqlml

GS = "name a local path"
CASES = [
    # statement, what the caret stands below, message, hint
    (
        "CREATE EXTERNAL TABLE t WITH CONNECTION `us.c` OPTIONS (format = 'CSV', uris = ['gs://b/x'])", "EXTERNAL TABLE",
        "external tables are not available", "LOAD DATA INTO t FROM FILES (format = 'CSV', uris = ['file.csv']) brings their rows into a table",
    ),
    ("CREATE OR REPLACE EXTERNAL TABLE ds.t OPTIONS (format = 'CSV', uris = ['x.csv'])", "EXTERNAL TABLE", "external tables are not available", "LOAD DATA"),
    ("create materialized view ds.v AS SELECT 1 AS a", "materialized view", "materialized views are not available", "CREATE VIEW"),
    ("CREATE SEARCH INDEX i ON t (ALL COLUMNS)", "SEARCH INDEX", "search indexes are not available", "leave the statement out"),
    ("CREATE VECTOR INDEX IF NOT EXISTS i ON t (e) OPTIONS (index_type = 'IVF')", "VECTOR INDEX", "vector indexes are not available", "leave the statement out"),
    ("DROP SEARCH INDEX i ON t", "SEARCH INDEX", "search indexes are not available", "leave the statement out"),
    ("CREATE ROW ACCESS POLICY p ON t GRANT TO ('user:a') FILTER USING (x = 1)", "ROW ACCESS POLICY", "row access policies are not available", "CREATE VIEW"),
    ("CREATE OR REPLACE ROW ACCESS POLICY p ON t FILTER USING (x = 1)", "ROW ACCESS POLICY", "row access policies are not available", "CREATE VIEW"),
    ("DROP ALL ROW ACCESS POLICIES ON t", "ROW ACCESS POLICIES", "row access policies are not available", "leave the statement out"),
    ("GRANT `roles/bigquery.dataViewer` ON SCHEMA ds TO 'user:x'", "GRANT", "GRANT is not available", "leave the statement out"),
    ("GRANT SELECT ON TABLE t TO 'user:x'", "GRANT", "GRANT is not available", "leave the statement out"),
    ("REVOKE `roles/x` ON TABLE t FROM 'user:x'", "REVOKE", "REVOKE is not available", "leave the statement out"),
    ("SELECT x, NET.HOST(u) FROM t", "NET.HOST", "there is no function NET.HOST, or sqlml does not know it", "docs/bigquery.md"),
    ("SELECT SAFE.NET.HOST(u) FROM t", "SAFE.NET.HOST", "there is no function SAFE.NET.HOST, or sqlml does not know it", "docs/bigquery.md"),
    ("SELECT AI.GENERATE('x')", "AI.GENERATE", "there is no function AI.GENERATE, or sqlml does not know it", "there is no service to ask"),
    ("SELECT * FROM AI.FORECAST(TABLE t, data_col => 'x')", "AI.FORECAST", "AI.FORECAST is not available", "there is no service to ask"),
    ("SELECT * FROM APPENDS(TABLE t, NULL)", "APPENDS", "APPENDS is not available", "keep no history"),
    ("SELECT * FROM a JOIN CHANGES(TABLE ds.t, NULL, NULL) AS c USING (x)", "CHANGES", "CHANGES is not available", "keep no history"),
    ("SELECT * FROM GAP_FILL(TABLE t, ts_column => 'd', bucket_width => INTERVAL 1 DAY)", "GAP_FILL", "GAP_FILL is not available", "GENERATE_DATE_ARRAY"),
    ("SELECT * FROM ds.f(TABLE t)", "ds.f", "ds.f(TABLE …) is not available", "only functions of ML take a TABLE"),
    ("LOAD DATA INTO t FROM FILES (format = 'CSV', uris = ['x.csv', 'gs://b/x.csv'])", "'gs://b/x.csv'", "gs:// is not available", GS),
    ('EXPORT DATA OPTIONS (uri = "gs://b/x_*.csv", format = \'CSV\') AS SELECT 1 AS a', '"gs://b/x_*.csv"', "gs:// is not available", GS),
    ('CREATE TEMP FUNCTION f(x INT64) RETURNS INT64 LANGUAGE js AS "return x"', "LANGUAGE js", "functions in js are not available", "write the body in SQL"),
    (
        "CREATE FUNCTION f(x INT64) RETURNS INT64 LANGUAGE python OPTIONS (entry_point = 'f') AS '''def f(x): return x'''", "LANGUAGE python",
        "functions in python are not available", "write the body in SQL",
    ),
    (
        "CREATE FUNCTION f(x INT64) RETURNS INT64 REMOTE WITH CONNECTION `us.c` OPTIONS (endpoint = 'x')", "REMOTE WITH CONNECTION",
        "remote functions are not available", "there is no service to ask",
    ),
    ("SELECT CAST(d AS STRING FORMAT 'YYYY') FROM t", "FORMAT 'YYYY'", "CAST with FORMAT is not available", "FORMAT_DATE"),
    ("SELECT CAST(a AS INT64), SAFE_CAST(u AS DATE FORMAT 'YYYY-MM-DD') FROM t", "FORMAT 'YYYY-MM-DD'", "CAST with FORMAT is not available", "PARSE_DATE"),
    ("SELECT CAST('x' AS TIMESTAMP FORMAT r'YYYY' AT TIME ZONE 'UTC') FROM t", "FORMAT r'YYYY' AT TIME ZONE 'UTC'", "CAST with FORMAT is not available", "PARSE_"),
    ("SELECT @@error.message", "@@error.message", "@@error.message is not available: there are no system variables", "write the value itself"),
    ("SELECT @@project_id AS p", "@@project_id", "@@project_id is not available: there are no system variables", "write the value itself"),
    ("SELECT FORMAT('%s', @@session.time_zone)", "@@session.time_zone", "@@session.time_zone is not available: there are no system variables", "write the value"),
    ("SET @@dataset_id = 'x'", "SET", "SET of variables is not available: a script is a row of statements", "parameters (@name)"),
    ("SET x = (SELECT MAX(a) FROM t)", "SET", "SET of variables is not available: a script is a row of statements", "parameters (@name)"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "construct", "message", "hint"), CASES, ids=[case[0] for case in CASES])
def test_a_construct_is_named_once(statement: str, construct: str, message: str, hint: str) -> None:
    (problem,) = sqlml.check(statement)
    assert (problem.construct, problem.message) == (construct, message)
    assert hint in (problem.hint or "")
    with sqlml.connect(dialect="bigquery") as connection:
        connection.execute("CREATE TABLE t AS SELECT DATE '2020-01-01' AS d, 1 AS x, 'u' AS u, 'a' AS a")
        with pytest.raises(sqlml.Error) as raised:
            connection.execute(statement)
    error = raised.value
    assert (error.code, error.message) == (problem.code, message)
    assert error.span is not None
    assert statement[error.span.start : error.span.end] == construct


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        ("NOW()", "CURRENT_TIMESTAMP()"), ("GETDATE()", "CURRENT_TIMESTAMP()"), ("STRFTIME('%Y', d)", "FORMAT_DATE"),
        ("MEDIAN(x)", "APPROX_QUANTILES(x, 2)[OFFSET(1)]"), ("len(u)", "LENGTH"), ("DATE_PART('year', d)", "EXTRACT"), ("DATEDIFF(d, d)", "DATE_DIFF"),
        ("TO_DATE(u)", "PARSE_DATE"), ("NVL(x, 1)", "IFNULL"), ("APPROX_TOP_SUM(x, x, 2)", "GROUP BY"),
        ("ML.QUANTILE_BUCKETIZER(x, 3) OVER ()", "did you mean ML.QUANTILE_BUCKETIZE?"), ("ML.STANDARDSCALER(x) OVER ()", "did you mean ML.STANDARD_SCALER?"),
        ("FLOR(x)", "did you mean FLOOR?"),
    ],
)  # fmt: skip
def test_functions_of_other_dialects_have_a_hint(call: str, hint: str) -> None:
    (problem,) = sqlml.check(f"SELECT {call} FROM t")
    assert problem.code == "unknown_function"
    assert hint in (problem.hint or "")


def test_names_of_other_libraries_have_a_hint() -> None:
    (problem,) = sqlml.check("CREATE MODEL m OPTIONS (model_type = 'XGBOOST') AS SELECT 1 AS label")
    assert problem.hint == "did you mean BOOSTED_TREE_CLASSIFIER or BOOSTED_TREE_REGRESSOR?"
    for model_type in ("RANDOM_FOREST_REGRESSOR", "BOOSTED_TREE_CLASSIFIER"):
        (problem,) = sqlml.check(f"CREATE MODEL m OPTIONS (model_type = '{model_type}', NUM_TREES = 3) AS SELECT 1 AS label")
        assert problem.hint == "did you mean num_parallel_tree?"


@pytest.mark.parametrize(("call", "name"), [("CURRENT_DATE()", "CURRENT_DATE"), ("current_date", "current_date"), ("RAND()", "RAND")])
def test_a_transform_clause_names_what_depends_on_when_it_runs(call: str, name: str) -> None:
    value = f"DATE_DIFF({call}, d, DAY)" if name != "RAND" else "x + RAND()"
    statement = (
        f"CREATE MODEL m TRANSFORM ({value} AS a, y) OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y']) AS SELECT d, x, y FROM t"
    )
    (problem,) = sqlml.check(statement)
    assert problem.code == "transform_expression"
    assert problem.construct == name
    why = "depends on when it runs" if name != "RAND" else "is another one each time"
    assert problem.message == f"{name.upper()} cannot be part of a TRANSFORM clause: its value {why}"
    assert "take it as a column" in (problem.hint or "")
    with sqlml.connect(dialect="bigquery") as connection:
        connection.execute("CREATE TABLE t AS SELECT DATE '2020-01-01' AS d, 1 AS x, 2 AS y")
        with pytest.raises(sqlml.Error) as raised:
            connection.execute(statement)
    assert (raised.value.code, raised.value.message) == (problem.code, problem.message)


def test_a_variable_is_no_setting() -> None:
    with sqlml.connect(dialect="bigquery") as connection:
        with pytest.raises(sqlml.Error) as raised:
            connection.execute("SET x = 1")
        connection.execute("SET threads = 1")
    assert raised.value.code == "unknown_setting"
    assert raised.value.message == 'unknown setting "x"'
    assert raised.value.hint == "variables of scripts (DECLARE, SET) are not available: pass values as parameters (@name)"


def test_a_scalar_subquery_with_several_rows() -> None:
    with sqlml.connect(dialect="bigquery") as connection, pytest.raises(sqlml.Error) as raised:
        connection.execute("SELECT (SELECT x FROM UNNEST([1, 2]) AS x)").fetchall()
    assert raised.value.message == "scalar subquery produced more than one element"
    assert "SET" not in (raised.value.hint or "")


def test_functions_made_under_a_path_are_known_to_a_check() -> None:
    script = "CREATE FUNCTION `p.ds.twice`(x INT64) AS (x * 2); CREATE TEMP FUNCTION IF NOT EXISTS ds.half(x INT64) AS (x / 2);"
    assert sqlml.check(f"{script} SELECT `p.ds.twice`(ds.half(1)), p.ds.twice(2), `ds`.`half`(3)") == []
    assert [problem.construct for problem in sqlml.check("CREATE FUNCTION ds.f(x INT64) AS (x); SELECT ds.g(1), ds(2)")] == ["g", "ds"]
