"""ML functions in statements: where they may stand, their arguments, and the common table expressions they see."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest

from sqlml.errors import DatabaseError
from sqlml.functions._registry import FUNCTIONS, NOT_YET
from sqlml.source import Source, Span
from sqlml.syntax import MLCall, ParameterRef, Query, QueryArgument, TableArgument, parse_script
from sqlml.syntax.function_names import ROW_FUNCTIONS, VALUE_FUNCTIONS

CALL = "ML.PREDICT(MODEL m, TABLE t)"


def calls_of(text: str, dialect: str = "duckdb") -> tuple[MLCall, ...]:
    (query,) = parse_script(Source(text), dialect)
    assert isinstance(query, Query)
    return query.calls


def piece(text: str, span: Span) -> str:
    return text[span.start : span.end]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM {}",
        "FROM {}",
        "FROM {} SELECT a WHERE b",
        "SELECT * FROM a, {}",
        "SELECT * FROM a, b AS c (x, y), {}",
        "SELECT * FROM a JOIN {} ON TRUE",
        "SELECT * FROM a LEFT JOIN {} USING (id)",
        "SELECT * FROM a JOIN b ON a.x = b.x, {}",
        "SELECT * FROM a CROSS JOIN {} p",
        "SELECT * FROM a POSITIONAL JOIN {}",
        "SELECT * FROM a ASOF JOIN {} p ON a.x >= p.x",
        "SELECT * FROM ({} JOIN b ON TRUE)",
        "SELECT * FROM (a JOIN {} ON TRUE)",
        "SELECT * FROM ((a JOIN b ON TRUE) JOIN {} ON TRUE), c",
        "SELECT * FROM a, LATERAL {}",
        "SELECT * FROM p: {}",
        "SELECT * FROM unnest([1]) WITH ORDINALITY AS u(a, b), {}",
        "SELECT * FROM t TABLESAMPLE 10%, {}",
        "SELECT (SELECT max(x) FROM {}) AS y",
        "SELECT a FROM t WHERE x IN (SELECT x FROM {})",
        "SELECT a FROM t WHERE EXISTS (FROM {})",
        "SELECT extract(year FROM d), a IS DISTINCT FROM b FROM {}",
        "SELECT CASE WHEN (SELECT 1 FROM {}) = 1 THEN 1 END",
        "SELECT ARRAY(SELECT x FROM {})",
        "SELECT [x FOR x IN (SELECT list(x) FROM {})]",
        "SELECT 1 UNION ALL SELECT x FROM {}",
        "(SELECT x FROM {}) EXCEPT (SELECT 1)",
        "((SELECT 1) UNION (SELECT x FROM {}))",
        "((SELECT 1) UNION SELECT x FROM {})",
        "SELECT * FROM (SUMMARIZE {})",
        "SELECT * FROM (PIVOT {} ON a USING sum(b))",
        "WITH a AS (FROM {}) SELECT * FROM a",
        "WITH a AS MATERIALIZED (SELECT * FROM {}) FROM a",
        "WITH a AS (SELECT 1) SELECT * FROM {}",
        "CREATE TABLE x AS SELECT * FROM {}",
        "CREATE OR REPLACE TEMP TABLE x AS FROM {}",
        "CREATE TABLE x AS (FROM {})",
        "CREATE VIEW v AS SELECT * FROM {}",
        "CREATE MACRO f(a) AS TABLE SELECT * FROM {}",
        "CREATE MACRO f(a) AS (SELECT max(x) FROM {})",
        "INSERT INTO x SELECT * FROM {}",
        "INSERT INTO x BY NAME FROM {}",
        "INSERT INTO x (a, b) WITH c AS (FROM {}) FROM c",
        "UPDATE x SET a = p.b FROM {} p WHERE x.id = p.id",
        "DELETE FROM x USING {} p WHERE x.id = p.id",
        "DELETE FROM x WHERE id IN (SELECT id FROM {})",
        "MERGE INTO x USING {} p ON x.id = p.id WHEN MATCHED THEN DELETE",
        "COPY (SELECT * FROM {}) TO 'x.parquet' (FORMAT parquet)",
        "COPY (FROM {}) TO 'x.csv'",
        "EXPLAIN SELECT * FROM {}",
        "EXPLAIN ANALYZE FROM {}",
        "DESCRIBE SELECT * FROM {}",
        "DESCRIBE {}",
        "DESCRIBE FROM {}",
        "SUMMARIZE {}",
        "SUMMARIZE FROM {}",
        "EXPLAIN SUMMARIZE {}",
        "PIVOT {} ON a USING sum(b)",
        "PIVOT (FROM {}) ON a USING sum(b)",
        "UNPIVOT {} ON a, b",
        "SELECT * FROM {} PIVOT (sum(x) FOR y IN (1, 2))",
        "PREPARE p AS SELECT * FROM {}",
        "SELECT * FROM read_csv('x', columns = {{'a': 'INT'}}), {}",
        "SELECT a, b FROM x GROUP BY a, b HAVING a > (SELECT 1 FROM {}) ORDER BY a",
    ],
)
def test_where_a_relation_may_stand(text: str) -> None:
    sql = text.format(CALL)
    (call,) = calls_of(sql)
    assert piece(sql, call.span) == CALL
    assert piece(sql, call.function_span) == "ML.PREDICT"
    assert call.function == "PREDICT"
    (found,) = calls_of(sql, "bigquery")
    assert found == call
    assert duckdb.extract_statements(text.format("(SELECT 1 AS x)"))  # DuckDB takes a subquery there


@pytest.mark.parametrize("text", ["SELECT * FROM unnest(a) WITH OFFSET AS o, {}", "SELECT * FROM t AS offset, {}"])
def test_words_that_do_not_end_from_in_bigquery(text: str) -> None:
    (call,) = calls_of(text.format(CALL), "bigquery")
    assert call.function == "PREDICT"


@pytest.mark.parametrize(
    "marked",
    [
        "SELECT «ML.PREDICT»(MODEL m, TABLE t)",
        "«ML.PREDICT»(MODEL m, TABLE t)",
        "SELECT a, «ML.EVALUATE»(m) FROM t",
        "SELECT * FROM t WHERE «ml.predict»(x)",
        "SELECT * FROM t WHERE x IN («ML.PREDICT»(MODEL m, TABLE t))",
        "SELECT * FROM t ORDER BY a, «ML.PREDICT»(MODEL m, TABLE t)",
        "SELECT * FROM t GROUP BY a, «ML.PREDICT»(MODEL m, TABLE t)",
        "SELECT * FROM t JOIN u ON «ML.PREDICT»(MODEL m, TABLE t)",
        "SELECT f(«ML.PREDICT»(MODEL m, TABLE t))",
        "SELECT * FROM f(«ML.PREDICT»(MODEL m, TABLE t))",
        "SELECT * FROM f(a, «ML.PREDICT»(MODEL m, TABLE t))",
        "SELECT extract(year FROM «ML.PREDICT»(MODEL m, TABLE t))",
        "SELECT a IS DISTINCT FROM «ML.PREDICT»(MODEL m, TABLE t)",
        "SELECT a IS NOT DISTINCT FROM b, «ML.PREDICT»(MODEL m, TABLE t)",
        "SELECT [«ML.PREDICT»(MODEL m, TABLE t)]",
        "SELECT * FROM t PIVOT «ML.PREDICT»(MODEL m, TABLE t)",
        "CALL «ML.PREDICT»(MODEL m, TABLE t)",
        "DELETE FROM «ML.PREDICT»(MODEL m, TABLE t)",
        "INSERT INTO «ML.PREDICT»(MODEL m, TABLE t) SELECT 1",
        "COPY «ML.PREDICT»(MODEL m, TABLE t) TO 'x'",
        "SELECT «ML.PREDCT»(MODEL m, TABLE t)",
        "SELECT * FROM ML.PREDICT(MODEL m, «ML.PREDICT»(MODEL n, TABLE t))",
        "FROM t WINDOW w AS (PARTITION BY x), «ML.PREDICT»(MODEL m)",
    ],
)
def test_where_it_may_not(marked: str, refused: Callable[..., DatabaseError]) -> None:
    error = refused(marked, "function_position")
    assert error.hint is not None
    assert "FROM ML." in error.hint


@pytest.mark.parametrize("marked", ["SELECT * FROM «ML.TF_IDF»(x)", "SELECT * FROM t JOIN «ml . bucketize»(x, [1])"])
def test_functions_of_values_give_no_rows(marked: str, refused: Callable[..., DatabaseError]) -> None:
    refused(marked, "function_position")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT ml.x FROM ml.t",
        "SELECT ml.predict FROM ml.predict",
        "SELECT 'FROM ML.PREDICT(MODEL m)' -- FROM ML.PREDICT(MODEL m)",
        "SELECT * FROM ml.my_macro((SELECT 1), [2])",
        'SELECT * FROM "ml".predict(1)',
        "SELECT * FROM db.ml.predict(1)",
        "INSERT INTO ml.predict (a) VALUES (1)",
        "CREATE TABLE IF NOT EXISTS ml.predict (a INT)",
        "CREATE INDEX i ON ml.weights (a)",
        "SELECT 1 FROM ml. WHERE (1)",
        "SELECT (1 FROM model",
        "SELECT ML.x(",
    ],
)
def test_what_only_looks_like_a_call(text: str) -> None:
    assert calls_of(text) == ()


def test_a_function_of_another_name_is_ours_when_it_takes_a_model() -> None:
    (call,) = calls_of("FROM ml.predct(MODEL m, TABLE t)")
    assert call.function == "PREDCT"


def test_the_words_of_a_call_may_be_apart() -> None:
    text = "SELECT * FROM mL /* a */ . -- b\n Predict\n(model M , table T)"
    (call,) = calls_of(text)
    assert (call.function, call.models[0].parts) == ("PREDICT", ("M",))
    assert call.span == Span(14, len(text))


def test_arguments() -> None:
    text = (
        'SELECT * FROM ML.X(MODEL a.b@3, TABLE s."t u", (SELECT 1 /* ) */), STRUCT(0.5 AS threshold, [1] AS "top k"), '
        "horizon => -3, Level := ?, [0.1, 0.9], NULL, (1, 2), MODEL c)"
    )
    (call,) = calls_of(text)
    assert [(model.parts, model.reference) for model in call.models] == [(("a", "b"), 3), (("c",), None)]
    table, query = call.data
    assert isinstance(table, TableArgument)
    assert (piece(text, table.path), piece(text, table.span)) == ('s."t u"', 'TABLE s."t u"')
    assert isinstance(query, QueryArgument)
    assert (piece(text, query.query), piece(text, query.span)) == ("SELECT 1", "(SELECT 1 /* ) */)")
    assert [(setting.name, setting.value.value) for setting in call.settings] == [
        ("threshold", 0.5), ("top k", [1]), ("horizon", -3), ("Level", ParameterRef(0)),
    ]  # fmt: skip
    assert [piece(text, setting.span) for setting in call.settings] == ["0.5 AS threshold", '[1] AS "top k"', "horizon => -3", "Level := ?"]
    assert [value.value for value in call.values] == [[0.1, 0.9], None, (1, 2)]


@pytest.mark.parametrize("path", ["t", "a.b.c", '"a.b"."c"', "`p.d.t`", "'file.parquet'", "model", "a.table", "ml.predict"])
def test_paths_of_tables_stay_as_written(path: str) -> None:
    text = f"FROM ML.PREDICT(MODEL m, TABLE {path})"
    (call,) = calls_of(text)
    (table,) = call.data
    assert isinstance(table, TableArgument)
    assert piece(text, table.path) == path


@pytest.mark.parametrize(
    "query", ["SELECT 1", "WITH a AS (SELECT 1) FROM a", "FROM t", "VALUES (1)", "TABLE t", "(SELECT 1) UNION (SELECT 2)", "((SELECT 1))"]
)
def test_query_arguments(query: str) -> None:
    text = f"FROM ML.PREDICT(MODEL m, ( {query} ))"
    (call,) = calls_of(text)
    (data,) = call.data
    assert isinstance(data, QueryArgument)
    assert piece(text, data.query) == query


def test_no_arguments() -> None:
    (call,) = calls_of("FROM ML.PREDICT()")
    assert (call.models, call.data, call.settings, call.values) == ((), (), (), ())


@pytest.mark.parametrize(
    ("marked", "code", "hint"),
    [
        ("FROM ML.PREDICT(«m», TABLE t)", "function_argument", "MODEL m"),
        ("FROM ML.PREDICT(«a.b@3», TABLE t)", "function_argument", "MODEL a.b@3"),
        ("FROM ML.PREDICT(«`a.b`»)", "function_argument", "MODEL `a.b`"),
        ("FROM ML.PREDICT(MODEL m, «t»)", "function_argument", "TABLE t"),
        ("FROM ML.PREDICT(MODEL m, «s.t», STRUCT(1 AS a))", "function_argument", "TABLE s.t"),
        ("FROM ML.PREDICT(MODEL m, «SELECT a FROM t»)", "function_argument", "(SELECT"),
        ("FROM ML.PREDICT(MODEL m, «FROM t WHERE f(a, b)», STRUCT(1 AS a))", "function_argument", "(SELECT"),
        ("FROM ML.PREDICT(MODEL m, TABLE t, STRUCT(«0.5»))", "function_argument", "AS threshold"),
        ("FROM ML.PREDICT(MODEL m, TABLE t, STRUCT(0.5 AS a, «1»))", "function_argument", "AS threshold"),
        ("FROM ML.PREDICT(MODEL m, TABLE «read_csv»('x'))", "function_argument", "(SELECT"),
        ("FROM ML.PREDICT(MODEL m, TABLE t, STRUCT(«a + 1» AS threshold))", "option_literal", None),
        ("FROM ML.PREDICT(MODEL m, TABLE t, «0.5 + 1»)", "option_literal", None),
        ("FROM ML.PREDICT(MODEL m, TABLE t, threshold => «x»)", "option_literal", "'x'"),
        ("FROM ML.PREDICT(MODEL m, «read_csv('x')»)", "option_literal", None),
        ("FROM ML.PREDICT(MODEL m, TABLE t «FOR SYSTEM_TIME AS OF now()»)", "clause_not_supported", None),
        ("FROM ML.PREDICT(MODEL«,» TABLE t)", "syntax_error", None),
        ("FROM ML.PREDICT(MODEL «TABLE» t)", "syntax_error", None),
        ("FROM ML.PREDICT(MODEL «'m'», TABLE t)", "syntax_error", "without quotes"),
        ("FROM ML.PREDICT(MODEL m «TABLE» t)", "syntax_error", None),
        ("FROM ML.PREDICT(MODEL m, TABLE «(»SELECT 1))", "syntax_error", "without TABLE"),
        ("FROM ML.PREDICT(MODEL m, TABLE «)»", "syntax_error", None),
        ("FROM ML.PREDICT(MODEL m, TABLE t «u»)", "syntax_error", None),
        ("FROM ML.PREDICT(MODEL m, (SELECT 1) «x»)", "syntax_error", None),
        ("FROM ML.PREDICT(MODEL m, TABLE t,«)»", "syntax_error", None),
        ("FROM ML.PREDICT(«,» TABLE t)", "syntax_error", None),
        ("FROM ML.PREDICT(MODEL m, TABLE t, STRUCT(1 AS a,«)»)", "syntax_error", None),
        ("FROM ML.PREDICT(MODEL m, TABLE t, STRUCT(1 AS «)»)", "syntax_error", None),
        ("FROM ML.PREDICT(MODEL m, TABLE t, threshold =>«)»", "syntax_error", None),
        ("FROM ML.PREDICT(MODEL m, TABLE t, 0.5 «AS» x)", "syntax_error", None),
        ("FROM ML.PREDICT«(»MODEL m, TABLE t", "syntax_error", ")"),
        ("SELECT f«(»1, (SELECT 1 FROM ML.PREDICT(MODEL m, TABLE t))", "syntax_error", ")"),
        ("SELECT * FROM ML.PREDICT(MODEL m, TABLE t)«)»", "syntax_error", None),
        ("SELECT [1«)» FROM ML.PREDICT(MODEL m, TABLE t)", "syntax_error", None),
    ],
)
def test_wrong_arguments(marked: str, code: str, hint: str | None, refused: Callable[..., DatabaseError]) -> None:
    error = refused(marked, code)
    if hint is not None:
        assert error.hint is not None
        assert hint in error.hint


def test_inner_calls_come_before_the_one_that_holds_them() -> None:
    text = (
        "SELECT * FROM ML.EVALUATE(MODEL a, (SELECT * FROM ML.PREDICT(MODEL b, (FROM ML.PREDICT(MODEL c, TABLE t))) JOIN "
        "ML.PREDICT(MODEL d, TABLE u) ON TRUE)), ML.WEIGHTS(MODEL e)"
    )
    assert [call.models[0].parts[0] for call in calls_of(text)] == ["c", "b", "d", "a", "e"]


@pytest.mark.parametrize(
    ("text", "ctes", "recursive"),
    [
        ("WITH a AS (SELECT 1) SELECT * FROM {}", ["a AS (SELECT 1)"], False),
        ("WITH a (x, y) AS NOT MATERIALIZED (SELECT 1), \"b c\" AS MATERIALIZED (FROM a) FROM {}",
         ["a (x, y) AS NOT MATERIALIZED (SELECT 1)", '"b c" AS MATERIALIZED (FROM a)'], False),
        ("WITH a AS (SELECT 1), b AS (FROM {}), c AS (SELECT 2) FROM b", ["a AS (SELECT 1)"], False),
        ("WITH a AS (FROM {}) FROM a", [], False),
        ("WITH RECURSIVE a AS (SELECT 1), b(n) AS (SELECT 1 UNION ALL SELECT n FROM b), c AS (FROM {}) FROM c",
         ["a AS (SELECT 1)", "b(n) AS (SELECT 1 UNION ALL SELECT n FROM b)"], True),
        ("WITH RECURSIVE a(n) USING KEY (n) AS (SELECT 1) FROM {}", ["a(n) USING KEY (n) AS (SELECT 1)"], True),
        ("WITH RECURSIVE a AS (FROM {}) FROM a", [], False),
        ("WITH recursive AS (SELECT 1) FROM {}", ["recursive AS (SELECT 1)"], False),
        ("WITH a AS (SELECT 1) SELECT (WITH b AS (SELECT 2) SELECT max(x) FROM {}) FROM a", ["a AS (SELECT 1)", "b AS (SELECT 2)"], False),
        ("WITH a AS (WITH i AS (SELECT 0) FROM i) SELECT * FROM {}", ["a AS (WITH i AS (SELECT 0) FROM i)"], False),
        ("SELECT (WITH b AS (SELECT 2) SELECT 1 FROM b), x FROM {}", [], False),
        ("CREATE TABLE t AS WITH a AS (SELECT 1) FROM {}", ["a AS (SELECT 1)"], False),
        ("INSERT INTO t (x) WITH a AS (SELECT 1) FROM {}", ["a AS (SELECT 1)"], False),
        ("COPY (WITH a AS (SELECT 1) FROM {}) TO 'x' (FORMAT csv)", ["a AS (SELECT 1)"], False),
        ("WITH a AS (SELECT 1) SELECT 1 UNION ALL SELECT * FROM {}", ["a AS (SELECT 1)"], False),
        ("SELECT '2020-01-01'::TIMESTAMP WITH TIME ZONE FROM {}", [], False),
    ],
)  # fmt: skip
def test_common_table_expressions_in_scope(text: str, ctes: list[str], recursive: bool) -> None:
    sql = text.format(CALL)
    (call,) = calls_of(sql)
    assert [piece(sql, span) for span in call.ctes] == ctes
    assert call.recursive is recursive


def test_the_scope_of_an_inner_call() -> None:
    text = "WITH a AS (SELECT 1) FROM ML.PREDICT(MODEL m, (WITH b AS (FROM a) FROM ML.PREDICT(MODEL n, TABLE b)))"
    inner, outer = calls_of(text)
    assert [piece(text, span) for span in inner.ctes] == ["a AS (SELECT 1)", "b AS (FROM a)"]
    assert [piece(text, span) for span in outer.ctes] == ["a AS (SELECT 1)"]


@pytest.mark.parametrize(
    ("start", "creates"),
    [
        ("CREATE VIEW v AS", True),
        ("CREATE OR REPLACE TEMP VIEW v AS", True),
        ("CREATE MACRO f() AS TABLE", True),
        ("CREATE TABLE x AS", False),
        ("", False),
    ],
)
def test_whether_the_statement_stores_its_text(start: str, creates: bool) -> None:
    (query,) = parse_script(Source(f"{start} SELECT * FROM {CALL}"))
    assert isinstance(query, Query)
    assert query.creates_view is creates


def test_every_function_of_the_registry_is_read_as_ours() -> None:
    assert {*FUNCTIONS, *NOT_YET} <= ROW_FUNCTIONS
    assert not ROW_FUNCTIONS & VALUE_FUNCTIONS


@pytest.mark.parametrize(
    "text",
    [
        "FROM " + "(" * 20_000 + CALL + ")" * 20_000,
        "SELECT * FROM " + "ML.PREDICT(MODEL m, (FROM " * 3_000 + CALL + "))" * 3_000,
        "SELECT " + "ml.f(" * 30_000 + ")" * 30_000,
        "SELECT " + "ml.f(" * 30_000,
    ],
    ids=["brackets", "calls", "closed", "unclosed"],
)
def test_nesting_has_no_limit_of_ours(text: str) -> None:
    assert len(calls_of(text)) in {0, 1, 3_001}
