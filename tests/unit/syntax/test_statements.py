"""Scripts to statements: splitting, completeness, and what passes through to DuckDB with every character."""

from __future__ import annotations

import time

import duckdb
import pytest

from sqlml.errors import ProgrammingError
from sqlml.source import Source, Span
from sqlml.syntax import CreateModel, DropModel, Query, is_complete, parse_query, parse_script, parse_statement, split_statements

PASSES_THROUGH = [
    "SELECT 1",
    "select 'it''s; ML.PREDICT(MODEL m)'",
    "SELECT $$ML.PREDICT(MODEL m); CREATE MODEL$$",
    "SELECT 1 -- ML.PREDICT(MODEL m, TABLE t)\n + 2",
    "SELECT /* ML.PREDICT(MODEL m) /* nested */ */ 1",
    "FROM model",
    "FROM t SELECT a, b WHERE c",
    "SELECT model, models, ml FROM t",
    "SELECT ml.x, ml.y.z FROM t AS ml",
    "SELECT ml.x FROM ml.t",
    "SELECT ml.t.x FROM ml.t",
    'SELECT "ml".predict(1)',
    "SELECT ml.upper() FROM (SELECT 'a' AS ml)",
    "SELECT ml.my_macro(1, 2)",
    "FROM ml.my_table_macro(1)",
    "SELECT db.ml.evaluate(1)",
    "SELECT @x, @-5 FROM t",
    "SELECT [1, 2] <@ [1, 2, 3]",
    "SELECT x::INT, y::VARCHAR[] FROM t",
    "SELECT 5!",
    "SELECT #1 FROM t",
    "SELECT {'model': 1}.model",
    "SELECT MAP {'a': 1, 'b': 2}",
    "SELECT map {{'a': 1}: 2}",
    "SELECT list_transform([1, 2], lambda x : x + 1)",
    "SELECT [x * 2 FOR x IN [1, 2] IF x > 1]",
    "SELECT a[1:2], b[:-1], c[1:10:2] FROM t",
    "SELECT * EXCLUDE (model) REPLACE (x + 1 AS x) FROM t",
    "SELECT COLUMNS('m.*') FROM t",
    "SELECT COLUMNS(c -> c LIKE 'model%') FROM t",
    "SELECT extract(year FROM d), trim(BOTH ' ' FROM s), substring(s FROM 1 FOR 2) FROM t",
    "SELECT a IS DISTINCT FROM b, a IS NOT DISTINCT FROM c FROM t",
    "SELECT model, count(*) FROM t GROUP BY ALL ORDER BY ALL",
    "SELECT x FROM t ORDER BY x DESC NULLS LAST LIMIT 10 OFFSET 5",
    "SELECT x FROM t LIMIT 10%",
    "SELECT x, row_number() OVER (PARTITION BY model ORDER BY y ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t",
    "SELECT x FROM t WINDOW w AS (PARTITION BY y) QUALIFY row_number() OVER w = 1",
    "SELECT sum(x) FILTER (WHERE y > 0) FROM t",
    "SELECT * FROM t TABLESAMPLE 10 PERCENT (bernoulli, 42)",
    "SELECT * FROM t USING SAMPLE reservoir(10 ROWS) REPEATABLE (1)",
    "SELECT * FROM a ASOF JOIN b ON a.t >= b.t",
    "SELECT * FROM a POSITIONAL JOIN b",
    "SELECT * FROM a SEMI JOIN b USING (model)",
    "SELECT * FROM t, LATERAL (SELECT t.x + 1)",
    "SELECT * FROM t PIVOT (sum(x) FOR y IN (1, 2))",
    "PIVOT t ON model USING sum(x) GROUP BY y",
    "UNPIVOT t ON a, b INTO NAME model VALUE x",
    "SELECT * FROM read_csv('models/*.csv', header = true, columns = {'model': 'VARCHAR'})",
    "SELECT * FROM 'model.parquet'",
    "SELECT * FROM read_parquet('a/*/*.parquet', hive_partitioning = true) WHERE model = 'x'",
    "WITH model AS (SELECT 1), RECURSIVE AS (SELECT 2) SELECT * FROM model",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r",
    "WITH a AS NOT MATERIALIZED (SELECT 1) FROM a",
    "VALUES (1, 'model'), (2, 'b')",
    "TABLE model",
    "(SELECT 1) UNION ALL BY NAME (SELECT 2)",
    "SELECT 1 INTERSECT ALL SELECT 1",
    "CREATE TABLE model (model INTEGER PRIMARY KEY, b VARCHAR DEFAULT 'x' CHECK (b <> ''))",
    "CREATE OR REPLACE TEMP TABLE models AS SELECT 1 AS x",
    "CREATE TABLE ml.predict (a INTEGER, b STRUCT(model VARCHAR, y INTEGER[]))",
    "CREATE TABLE IF NOT EXISTS ml.evaluate (a INTEGER)",
    "CREATE TABLE c (id INTEGER REFERENCES ml.weights (id))",
    "CREATE INDEX i ON ml.predict (a)",
    "CREATE VIEW ml.evaluate (a) AS SELECT 1",
    "CREATE SCHEMA ml",
    "CREATE TYPE mood AS ENUM ('model', 'b')",
    "CREATE SEQUENCE model START 10",
    "CREATE MACRO f(x, y := 2) AS x + y",
    "CREATE MACRO model(x) AS TABLE SELECT x",
    "INSERT INTO ml.predict (a, b) VALUES (1, 2)",
    "INSERT OR REPLACE INTO model BY NAME SELECT 1 AS x",
    "INSERT INTO t VALUES (1) ON CONFLICT DO UPDATE SET x = excluded.x RETURNING model",
    "UPDATE model SET x = 1 FROM u WHERE model.y = u.y",
    "DELETE FROM model USING u WHERE model.x = u.x",
    "MERGE INTO model USING (SELECT 1 AS x) s ON model.x = s.x WHEN NOT MATCHED THEN INSERT VALUES (s.x)",
    "COPY ml.predict (a, b) TO 'x.parquet' (FORMAT parquet)",
    "COPY (SELECT * FROM model) TO 'out' (FORMAT csv, PARTITION_BY (model))",
    "COPY model FROM 'x.csv'",
    "EXPORT DATABASE 'model'",
    "IMPORT DATABASE 'model'",
    "DROP TABLE model",
    "DROP TABLE IF EXISTS ml.predict",
    "DROP VIEW models",
    "ALTER TABLE model RENAME TO models",
    "ALTER TABLE model ADD COLUMN model INTEGER",
    "TRUNCATE model",
    "DESCRIBE model",
    "DESCRIBE model.main.t",
    "DESC models",
    "DESCRIBE SELECT * FROM model",
    "DESCRIBE ml.t",
    "SHOW model",
    "SHOW models.t",
    "SHOW TABLES",
    "SHOW ALL TABLES",
    "SHOW versions",
    "SUMMARIZE model",
    "EXPLAIN SELECT model FROM t",
    "EXPLAIN ANALYZE SELECT 1",
    "EXPLAIN (FORMAT json) SELECT 1",
    "PREPARE p AS SELECT ? + $2",
    "EXECUTE p(1, 2)",
    "DEALLOCATE p",
    "CALL pragma_version()",
    "PRAGMA table_info('model')",
    "SET threads = 4",
    "SET VARIABLE model = 5",
    "RESET threads",
    "ATTACH ':memory:' AS model",
    "USE model",
    "DETACH model",
    "BEGIN TRANSACTION",
    "COMMIT",
    "CHECKPOINT model",
    "VACUUM ANALYZE model",
    "ANALYZE",
    "LOAD json",
    "COMMENT ON TABLE model IS 'MODEL m'",
    "SELECT `model`.`a b` FROM `model`",
    "SELECT 0x1F, 1_000, .5, 5., 1e5",
    "SELECT E'a\\'b;', x'ff'",
    "SELECT '{# model #}', {'#': 1}",
    "SELECT x -> 'model' ->> 'y' FROM t",
    "FROM alias: model SELECT alias.x",
    "SELECT total: sum(x) FROM t",
]


@pytest.mark.parametrize("sql", PASSES_THROUGH)
def test_statements_of_duckdb_pass_through(sql: str) -> None:
    text = f"-- a comment\n ;; {sql} -- the end\n ; ;\n"
    (query,) = parse_script(Source(text))
    assert isinstance(query, Query)
    assert query.calls == ()
    assert text[query.span.start : query.span.end] == sql
    assert len(duckdb.extract_statements(sql)) >= 1  # DuckDB takes it; PIVOT becomes several


def test_all_of_them_as_one_script() -> None:
    script = ";\n".join(PASSES_THROUGH)
    spans = split_statements(Source(script))
    assert [script[span.start : span.end] for span in spans] == PASSES_THROUGH


@pytest.mark.parametrize(
    ("sql", "creates"),
    [
        ("CREATE VIEW v AS SELECT 1", True),
        ("create or replace temp view v AS SELECT 1", True),
        ("CREATE /* x */ TEMPORARY VIEW IF NOT EXISTS v AS SELECT 1", True),
        ("CREATE MACRO f(x) AS x", True),
        ("CREATE OR REPLACE FUNCTION f(x) AS TABLE SELECT x", True),
        ("CREATE TABLE view AS SELECT 1", False),
        ("SELECT 1", False),
        ("DROP VIEW v", False),
        ("CREATE", False),
    ],
)
def test_whether_a_statement_stores_its_text(sql: str, creates: bool) -> None:
    (query,) = parse_script(Source(sql))
    assert isinstance(query, Query)
    assert query.creates_view is creates


@pytest.mark.parametrize("text", ["", "  \n", ";", ";;;", "-- nothing\n", "/* nothing */ ; -- nothing", "\ufeff"])
def test_nothing_is_no_statement(text: str) -> None:
    assert parse_script(Source(text)) == []
    assert split_statements(Source(text)) == []


def test_statements_are_split_outside_quotes_and_brackets() -> None:
    text = "SELECT ';' ; CREATE MODEL m AS (SELECT \";\" /* ; */ FROM `a;b`); f($$;$$)  ;(1; 2)"
    parts = [text[span.start : span.end] for span in split_statements(Source(text))]
    assert parts == ["SELECT ';'", 'CREATE MODEL m AS (SELECT ";" /* ; */ FROM `a;b`)', "f($$;$$)", "(1; 2)"]


def test_a_bracket_too_many_does_not_join_statements() -> None:
    assert len(split_statements(Source("SELECT 1); SELECT (2); SELECT 3"))) == 3


def test_a_script_of_several_kinds() -> None:
    text = "CREATE TABLE t(x INT);\nCREATE MODEL m OPTIONS (a = 1) AS SELECT ';' AS x;\nDROP MODEL m;SELECT 1"
    nodes = parse_script(Source(text))
    assert [type(node) for node in nodes] == [Query, CreateModel, DropModel, Query]
    assert [text[node.span.start : node.span.end] for node in nodes] == [
        "CREATE TABLE t(x INT)",
        "CREATE MODEL m OPTIONS (a = 1) AS SELECT ';' AS x",
        "DROP MODEL m",
        "SELECT 1",
    ]


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("SELECT 1;", True),
        ("SELECT 1; -- done", True),
        ("SELECT 1;;", True),
        ("SELECT 1", False),
        ("", False),
        ("-- x;", False),
        ("SELECT ';", False),
        ("SELECT ';'", False),
        ("SELECT (1;", False),
        ("SELECT (1);", True),
        ("CREATE MODEL m OPTIONS (a = [1;", False),
        ("SELECT 1) ;", True),
        ("SELECT 1; SELECT 2", False),
        ("SELECT $$;", False),
        ("SELECT /* ; ", False),
    ],
)
def test_completeness(text: str, complete: bool) -> None:
    assert is_complete(text) is complete


def test_completeness_knows_the_dialect() -> None:
    assert not is_complete("SELECT 1 # ;", "bigquery")
    assert is_complete("SELECT 'it\\'s';", "bigquery")
    assert not is_complete("SELECT 'it\\'s';", "duckdb")


@pytest.mark.parametrize("text", ["SELECT 'abc", 'SELECT 1; SELECT "x', "SELECT /* x", "SELECT $$"])
def test_the_engine_reports_what_does_not_end_where_no_ml_is_meant(text: str) -> None:
    assert parse_script(Source(text)) == [Query((), False, Span(0, len(text)))]


@pytest.mark.parametrize("text", ["SELECT 'model", "CREATE MODEL m AS SELECT 'x", "SELECT * FROM ML.PREDICT(MODEL `m, TABLE t)"])
def test_we_report_it_where_ml_is_meant(text: str) -> None:
    with pytest.raises(ProgrammingError) as caught:
        parse_script(Source(text))
    assert caught.value.code == "syntax_error"
    assert caught.value.line == 1


def test_splitting_reports_it_always() -> None:
    with pytest.raises(ProgrammingError):
        split_statements(Source("SELECT 'abc"))


def test_an_unknown_dialect_is_no_matter_for_the_engine() -> None:
    with pytest.raises(ProgrammingError) as caught:
        parse_script(Source("SELECT 1"), "oracle")
    assert caught.value.code == "unknown_dialect"


def test_statements_one_after_the_other() -> None:
    source = Source("SELECT 1; DROP MODEL m; DROP MODEL")
    first, second, third = split_statements(source)
    assert parse_statement(source, first) == Query((), False, first)
    assert isinstance(parse_statement(source, second), DropModel)
    with pytest.raises(ProgrammingError) as caught:
        parse_statement(source, third)
    assert (caught.value.line, caught.value.column) == (1, 35)


@pytest.mark.parametrize("text", ["SELECT 'abc", "CREATE 'abc", "CREATE OR /* x"])
def test_a_statement_without_end_is_the_engine_s_to_report(text: str) -> None:
    assert parse_statement(Source(text), Span(0, len(text))) == Query((), False, Span(0, len(text)))


def test_an_unknown_dialect_of_a_statement() -> None:
    with pytest.raises(ProgrammingError) as caught:
        parse_statement(Source("DROP MODEL m"), Span(0, 12), "oracle")
    assert caught.value.code == "unknown_dialect"


def test_the_calls_of_a_part_of_a_text() -> None:
    text = "CREATE MODEL m AS SELECT * FROM ML.PREDICT(MODEL base, TABLE t)"
    (node,) = parse_script(Source(text))
    assert isinstance(node, CreateModel)
    assert node.query is not None
    query = parse_query(Source(text), node.query)
    assert query.span == node.query
    (call,) = query.calls
    assert text[call.span.start : call.span.end] == "ML.PREDICT(MODEL base, TABLE t)"
    assert parse_query(Source("x SELECT 1"), Span(2, 10)) == Query((), False, Span(2, 10))


def test_a_statement_takes_less_than_a_millisecond_and_a_long_script_a_few_seconds() -> None:
    statement = (
        "CREATE OR REPLACE MODEL ds.m OPTIONS (model_type = 'boosted_tree_classifier', input_label_cols = ['y'], max_iterations = 50) AS "
        "SELECT a, b, c, d, e, y FROM ds.t WHERE y IS NOT NULL"
    )
    took = []
    for _ in range(20):
        began = time.perf_counter()
        parse_script(Source(statement))
        took.append(time.perf_counter() - began)
    assert sorted(took)[3] < 1e-3
    script = "INSERT INTO t VALUES (1, 'abc', 2.5, NULL, x.y);\n" * 20_000
    began = time.process_time()
    assert len(parse_script(Source(script))) == 20_000
    assert time.process_time() - began < 5.0
