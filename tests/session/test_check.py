"""`sqlml.check`: what would not run of a script, found without running it."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

import sqlml
from sqlml.errors import NotSupportedError, ProgrammingError


def found(text: str, dialect: str = "bigquery") -> list[tuple[str, str]]:
    """The codes and constructs of all problems."""
    return [(problem.code, problem.construct) for problem in sqlml.check(text, dialect)]


def test_nothing_is_found_where_all_is_fine() -> None:
    script = """
        CREATE TEMP FUNCTION twice(x INT64) AS (x * 2);
        CREATE OR REPLACE MODEL ds.m TRANSFORM (ML.STANDARD_SCALER(a) OVER () AS b, UPPER(c) AS d, y)
          OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y'], l2_reg = 0.1) AS
          SELECT a, c, twice(y) AS y FROM `some-project.ds.t` WHERE MOD(ABS(FARM_FINGERPRINT(c)), 10) < @n;
        SELECT * FROM ML.PREDICT(MODEL ds.m, (SELECT * FROM ds.t), STRUCT(TRUE AS keep_original_columns));
        SELECT * FROM ML.EVALUATE(MODEL ds.m), UNNEST([1, 2]) AS e WITH OFFSET;
        BEGIN TRANSACTION; COMMIT TRANSACTION; SET threads = 1; SHOW MODELS; DROP MODEL IF EXISTS ds.m
    """
    assert found(script) == []


def test_a_problem_has_place_code_and_advice() -> None:
    (problem,) = sqlml.check("SELECT 1;\nSELECT a,\n  FLOR(b) FROM t")
    assert (problem.code, problem.line, problem.column, problem.construct) == ("unknown_function", 3, 3, "FLOR")
    assert problem.hint == "did you mean FLOOR?"
    assert "FLOR" in problem.message
    assert (problem.span.start, problem.span.end) == (22, 26)


def test_what_cannot_be_read_is_a_syntax_error() -> None:
    assert [code for code, _ in found("SELECT FROM WHERE")] == ["syntax_error"]
    assert [code for code, _ in found("SELECT 'abc")] == ["syntax_error"]
    assert [code for code, _ in found("SELEC 1", "duckdb")] == ["syntax_error"]


def test_every_problem_of_every_statement_is_found() -> None:
    script = "SELECT FOO(1), BAR(BAZ(2));\nSELECT FROM;\nSELECT QUX(3);\nSELECT 'open"
    assert found(script) == [
        ("unknown_function", "FOO"), ("unknown_function", "BAR"), ("unknown_function", "BAZ"), ("syntax_error", "FROM"),
        ("unknown_function", "QUX"), ("syntax_error", "'"),
    ]  # fmt: skip


def test_options_of_a_model() -> None:
    script = "CREATE MODEL m OPTIONS (model_type = 'linear_reg', l2_rag = 1, max_iterations = -1) AS SELECT FROB(x) FROM t"
    assert found(script) == [("unknown_option", "l2_rag"), ("option_value", "-1"), ("unknown_function", "FROB")]
    assert found("CREATE MODEL m AS SELECT 1 AS x") == [("missing_model_type", "m")]
    assert found("CREATE MODEL m OPTIONS (model_type = 'linear_rag') AS SELECT 1 AS x") == [("unknown_model_type", "'linear_rag'")]


def test_what_is_not_available_is_named() -> None:
    remote = "CREATE MODEL m REMOTE WITH CONNECTION `us.c` OPTIONS (endpoint = 'x')"
    assert [code for code, _ in found(remote)] == ["clause_not_supported"]


def test_a_parameter_may_be_any_value() -> None:
    assert found("CREATE MODEL m OPTIONS (model_type = @type, l2_reg = @l2) AS SELECT 1 AS x") == []
    assert found("SELECT * FROM ML.PREDICT(MODEL m, TABLE t, STRUCT(@p AS threshold))") == []


def test_settings_and_arguments_of_functions() -> None:
    assert found("SELECT * FROM ML.PREDICT(MODEL m, (SELECT NOPE(a) FROM t), STRUCT(0.5 AS thresold))") == [
        ("unknown_function", "NOPE"), ("unknown_option", "thresold"),
    ]  # fmt: skip
    assert [code for code, _ in found("SELECT * FROM ML.PREDICT(MODEL m)")] == ["function_argument"]
    assert [code for code, _ in found("SELECT ML.STANDARD_SCALER(x) FROM t")] == ["missing_over"]
    assert [code for code, _ in found("SELECT ML.QUANTILE_BUCKETIZE(x, 'a') OVER () FROM t")] == ["function_argument"]


def test_what_the_script_makes_is_known_behind() -> None:
    script = "CREATE MODEL m OPTIONS (model_type = 'kmeans') AS SELECT 1 AS x; SELECT * FROM ML.WEIGHTS(MODEL m)"
    assert [code for code, _ in found(script)] == ["function_not_applicable"]
    assert found("CREATE FUNCTION f(x INT64) AS (x); SELECT f(1), g(1)") == [("unknown_function", "g")]


def test_transform() -> None:
    script = "CREATE MODEL m TRANSFORM (ML.NOPE(a) AS b, SUM(c) AS d) OPTIONS (model_type = 'linear_reg') AS SELECT 1 AS a"
    assert ("unknown_function", "NOPE") in found(script)
    aggregate = "CREATE MODEL m TRANSFORM (SUM(c) AS d) OPTIONS (model_type = 'linear_reg') AS SELECT 1 AS c"
    assert [code for code, _ in found(aggregate)] == ["transform_expression"]


def test_scripts_with_variables_and_blocks() -> None:
    script = "DECLARE x INT64 DEFAULT 1;\nIF x > 1 THEN\n  SELECT FOO(1);\nELSE\n  SELECT BAR(2);\nEND IF;\nSELECT BAZ(3)"
    assert found(script) == [
        ("statement_not_supported", "DECLARE"), ("statement_not_supported", "IF"), ("unknown_function", "FOO"),
        ("unknown_function", "BAR"), ("unknown_function", "BAZ"),
    ]  # fmt: skip
    loops = "LOOP SELECT 1; BREAK; END LOOP; WHILE TRUE DO SELECT 2; END WHILE; EXECUTE IMMEDIATE 'x'; BEGIN SELECT 3; END"
    assert [construct for _, construct in found(loops)] == ["LOOP", "BREAK", "WHILE", "EXECUTE", "BEGIN"]


def test_settings_of_the_session() -> None:
    assert found("SET sqlml.nope = 1") == [("unknown_setting", "nope")]
    assert found("SET sqlml.dialect = 'duckdb'; SELECT list_transform([1], lambda x: x)") == []


def test_another_flavour_is_refused() -> None:
    with pytest.raises(NotSupportedError) as caught:
        sqlml.check("SELECT 1", "mysql")
    assert caught.value.code == "dialect_not_supported"
    with pytest.raises(ProgrammingError):
        sqlml.check(1)  # type: ignore[arg-type]


def test_the_other_flavour() -> None:
    script = (
        "SELECT * FROM ML.PREDICT(MODEL m, (FROM t)); CREATE MODEL m OPTIONS (model_type = 'pca', nope = 1) AS FROM t; SELECT list_sum([1])"
    )
    assert found(script, "duckdb") == [("unknown_option", "nope")]


def test_no_database_is_opened() -> None:
    code = "import sys, sqlml; sqlml.check('SELECT ABS(1) FROM t'); print([name for name in ('duckdb', 'xgboost', 'scipy', 'pandas') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip() == "[]"


def test_a_long_script_takes_a_moment() -> None:
    script = ";\n".join(f"SELECT\n  SAFE_DIVIDE(a, {i}),\n  EXTRACT(WEEK FROM d)\nFROM t" for i in range(250))
    began = time.process_time()
    assert found(script) == []
    assert time.process_time() - began < 5  # a second on its own; a slip in the order of growth takes far longer
