"""Statements inside the user's transaction: what planning asks the engine and is refused must not end it, and all of it counts or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sqlml.errors import Error
from sqlml.functions._registry import VALUE_FUNCTIONS
from sqlml.session.session import Session

Run = Callable[..., list[tuple[Any, ...]]]

CALLS = {
    "ML.BUCKETIZE": "ML.BUCKETIZE(a, [1, 2])",
    "ML.QUANTILE_BUCKETIZE": "ML.QUANTILE_BUCKETIZE(a, 3) OVER ()",
    "ML.HASH_BUCKETIZE": "ML.HASH_BUCKETIZE(k, 4)",
    "ML.FEATURE_CROSS": "ML.FEATURE_CROSS(STRUCT(k, j))",
    "ML.POLYNOMIAL_EXPAND": "ML.POLYNOMIAL_EXPAND(s)",
    "ML.STANDARD_SCALER": "ML.STANDARD_SCALER(a) OVER ()",
    "ML.MIN_MAX_SCALER": "ML.MIN_MAX_SCALER(a) OVER ()",
    "ML.MAX_ABS_SCALER": "ML.MAX_ABS_SCALER(a) OVER ()",
    "ML.ROBUST_SCALER": "ML.ROBUST_SCALER(a) OVER ()",
    "ML.NORMALIZER": "ML.NORMALIZER(l)",
    "ML.IMPUTER": "ML.IMPUTER(k, 'most_frequent') OVER ()",
    "ML.LABEL_ENCODER": "ML.LABEL_ENCODER(k) OVER ()",
    "ML.ONE_HOT_ENCODER": "ML.ONE_HOT_ENCODER(k) OVER ()",
    "ML.MULTI_HOT_ENCODER": "ML.MULTI_HOT_ENCODER([k, j]) OVER ()",
    "ML.NGRAMS": "ML.NGRAMS([k, j], [1, 2])",
    "ML.BAG_OF_WORDS": "ML.BAG_OF_WORDS([k, j]) OVER ()",
    "ML.TF_IDF": "ML.TF_IDF([k, j]) OVER ()",
    "ML.DISTANCE": "ML.DISTANCE(l, l, 'COSINE')",
    "ML.LP_NORM": "ML.LP_NORM(l, 2.0)",
    "TEXT_ANALYZE": "TEXT_ANALYZE(k)",
    "BAG_OF_WORDS": "BAG_OF_WORDS([k, j])",
    "TF_IDF": "TF_IDF([k, j]) OVER ()",
    "FARM_FINGERPRINT": "FARM_FINGERPRINT(k)",
    "TO_JSON_STRING": "TO_JSON_STRING(s)",
    "TO_JSON": "TO_JSON(s)",
}
"""One call of every preprocessing function, over the columns of `things`."""

IN_SELECT_ONLY = {"TO_JSON_STRING", "TO_JSON"}

THINGS = (
    " things AS SELECT i::DOUBLE AS a, 'k' || (i % 5) AS k, 'j' || (i % 3) AS j, [i + 1.0, 2.0]::DOUBLE[] AS l,"
    " {'q': i * 1.0, 'r': i % 4} AS s, TIMESTAMP '2024-01-01 00:00:00' + i * INTERVAL 1 HOUR AS moment, i % 2 = 0 AS even,"
    " i * 2.0 + i % 7 AS y FROM range(200) AS r(i)"
)


@pytest.fixture
def things(session: Session) -> None:
    session.run(f"CREATE TABLE{THINGS}")


def _n(run: Run, table: str = "things") -> Any:
    return run(f"SELECT count(*) FROM {table}")[0][0]


def test_every_function_has_a_call_here() -> None:
    assert set(CALLS) == set(VALUE_FUNCTIONS)


# ---- A model with TRANSFORM and the statements around it ----

WITH_TRANSFORM = (
    "CREATE OR REPLACE MODEL m TRANSFORM (ML.STANDARD_SCALER(a) OVER () AS scaled, EXTRACT(dow FROM moment) AS day, s.q AS q,"
    " list_sum(list_transform(l, lambda v: v + 1)) AS total, y) OPTIONS (model_type = 'linear_reg', input_label_cols = ['y'])"
    " AS SELECT a, moment, s, l, y FROM things"
)


def test_a_model_with_transform_and_rows_are_committed_together(session: Session, run: Run, things: None) -> None:
    run("BEGIN")
    run(WITH_TRANSFORM)
    run("INSERT INTO things SELECT * FROM things LIMIT 10")
    run("REFRESH MODEL m")
    run("COMMIT")
    assert _n(run) == 210
    assert run("SELECT version FROM sqlml.model_versions ORDER BY version") == [(1,), (2,)]
    assert len(run("SELECT predicted_y FROM ML.PREDICT(MODEL m, TABLE things)")) == 210


def test_a_model_with_transform_and_rows_are_rolled_back_together(session: Session, run: Run, things: None) -> None:
    run("BEGIN")
    run(WITH_TRANSFORM)
    run("INSERT INTO things SELECT * FROM things LIMIT 10")
    run("ROLLBACK")
    assert _n(run) == 200
    with pytest.raises(Error) as caught:
        run("SELECT * FROM ML.PREDICT(MODEL m, TABLE things)")
    assert caught.value.code == "unknown_model"


def test_training_is_the_same_inside_a_transaction_and_outside(session: Session, run: Run, things: None) -> None:
    run(WITH_TRANSFORM)
    outside = run("SELECT input FROM ML.FEATURE_INFO(MODEL m) ORDER BY ALL"), run("SELECT * FROM ML.WEIGHTS(MODEL m) ORDER BY ALL")
    run("BEGIN")
    run(WITH_TRANSFORM)
    inside = run("SELECT input FROM ML.FEATURE_INFO(MODEL m) ORDER BY ALL"), run("SELECT * FROM ML.WEIGHTS(MODEL m) ORDER BY ALL")
    run("COMMIT")
    assert inside == outside


def test_only_columns_that_the_clause_reads_are_needed_for_predictions(session: Session, run: Run, things: None) -> None:
    """`day` and `v` are words of the clause and columns of the query, and mean something else in the clause."""
    run("ALTER TABLE things ADD COLUMN dow INTEGER DEFAULT 1")
    run("ALTER TABLE things ADD COLUMN v INTEGER DEFAULT 1")
    run("BEGIN")
    run(WITH_TRANSFORM.replace("SELECT a,", "SELECT dow, v, a,"))
    assert len(run("SELECT predicted_y FROM ML.PREDICT(MODEL m, (SELECT a, moment, s, l FROM things))")) == 200
    run("COMMIT")


def test_a_type_that_the_transaction_made_stands_in_the_clause(session: Session, run: Run, things: None) -> None:
    """No other connection sees the type, so the engine cannot be asked which columns each expression needs."""
    run("BEGIN")
    run("CREATE TYPE letter AS ENUM ('k0', 'k1', 'k2', 'k3', 'k4')")
    run(
        "CREATE MODEL m TRANSFORM (CAST(k AS letter) AS letter, a, y) OPTIONS (model_type = 'linear_reg', input_label_cols = ['y'])"
        " AS SELECT k, a, j, y FROM things"
    )
    run("COMMIT")
    assert len(run("SELECT predicted_y FROM ML.PREDICT(MODEL m, (SELECT k, a FROM things))")) == 200


def test_a_lambda_around_a_function(session: Session, run: Run, things: None) -> None:
    run("BEGIN")
    run(
        "CREATE MODEL m TRANSFORM (list_transform(l, lambda v: ML.BUCKETIZE(v, [5.0]))[1] AS bin, y)"
        " OPTIONS (model_type = 'linear_reg', input_label_cols = ['y']) AS SELECT l, y FROM things"
    )
    run("COMMIT")
    assert len(run("SELECT predicted_y FROM ML.PREDICT(MODEL m, TABLE things)")) == 200


@pytest.mark.parametrize("name", sorted(set(CALLS) - IN_SELECT_ONLY))
def test_every_function_in_a_clause(name: str, session: Session, run: Run, things: None) -> None:
    run("BEGIN")
    run(
        f"CREATE MODEL m TRANSFORM ({CALLS[name]} AS made, a, k) OPTIONS (model_type = 'TRANSFORM_ONLY') AS SELECT a, k, j, l, s FROM things"
    )
    made = run("SELECT made::VARCHAR FROM ML.TRANSFORM(MODEL m, TABLE things)")
    run("COMMIT")
    assert len(made) == 200


# ---- Functions in a query ----


@pytest.mark.parametrize("name", sorted(CALLS))
def test_every_function_in_a_query(name: str, session: Session, run: Run, things: None) -> None:
    query = f"SELECT a, ({CALLS[name]})::VARCHAR AS made FROM things ORDER BY a"
    outside = run(query)
    run("BEGIN")
    run("INSERT INTO things SELECT * FROM things LIMIT 0")
    assert run(query) == outside
    run("DELETE FROM things WHERE a < 100")
    run("COMMIT")
    assert _n(run) == 100


@pytest.mark.parametrize(
    "select",
    [
        "SELECT a + 1 AS x, ML.BUCKETIZE(x, [1, 2]) AS made FROM things",
        "SELECT list_transform(l, lambda v: ML.BUCKETIZE(v, [1.0])) AS made FROM things",
        "SELECT (SELECT ML.BUCKETIZE(o.a, [1.0])) AS made FROM things AS o",
        "SELECT (SELECT max(ML.BUCKETIZE(u, [1.0])) FROM (SELECT unnest(o.l) AS u)) AS made FROM things AS o",
    ],
    ids=["alias of the list", "lambda", "outer column", "correlated"],
)
def test_types_that_the_engine_cannot_tell_leave_the_transaction_open(select: str, session: Session, run: Run, things: None) -> None:
    outside = run(f"{select} ORDER BY ALL")
    run("BEGIN")
    run("DELETE FROM things WHERE a < 0")
    assert run(f"{select} ORDER BY ALL") == outside
    run("INSERT INTO things SELECT * FROM things LIMIT 1")
    run("COMMIT")
    assert _n(run) == 201


@pytest.mark.parametrize("kind", ["TABLE", "TEMP TABLE", "VIEW", "TEMP VIEW"])
@pytest.mark.parametrize("relation", ["{}", "{} AS t", "(SELECT * FROM {}) AS t", "{} AS t JOIN (SELECT DISTINCT j FROM {}) USING (j)"])
def test_types_of_what_the_transaction_made(kind: str, relation: str, session: Session, run: Run, things: None) -> None:
    """ML.POLYNOMIAL_EXPAND of a column needs its type."""
    run("BEGIN")
    run(f"CREATE {kind} fresh AS SELECT j, k, {{'b': a, 'c': a + 1}} AS s FROM things LIMIT 50")
    found = run(f"SELECT ML.POLYNOMIAL_EXPAND(s), ML.ONE_HOT_ENCODER(k) OVER () FROM {relation.replace('{}', 'fresh')}")
    assert len(found) == 50
    assert set(found[0][0]) == {"b", "c", "b_b", "b_c", "c_c"}
    run("COMMIT")


@pytest.mark.parametrize(
    "path", ["fresh", "main.fresh", "test.main.fresh", "TEST.fresh", "apart.fresh", '"apart"."Fresh"', "test.apart.fresh"]
)
def test_types_of_a_table_in_a_schema(path: str, session: Session, run: Run, things: None) -> None:
    run("BEGIN")
    run("CREATE SCHEMA apart")
    run("CREATE TABLE fresh AS SELECT {'b': a} AS s FROM things")
    run("CREATE TABLE apart.fresh AS SELECT {'c': a} AS s FROM things")
    ((found,),) = run(f"WITH q AS (SELECT fresh.s FROM {path}) SELECT ML.POLYNOMIAL_EXPAND(s, 1) FROM q LIMIT 1")
    run("COMMIT")
    assert set(found) == {"c" if "apart" in path.lower() else "b"}


def test_types_of_a_changed_table(session: Session, run: Run, things: None) -> None:
    run("BEGIN")
    run("ALTER TABLE things ALTER s TYPE STRUCT(b DOUBLE) USING {'b': a}")
    ((found,),) = run("SELECT ML.POLYNOMIAL_EXPAND(s) FROM things LIMIT 1")
    run("COMMIT")
    assert set(found) == {"b", "b_b"}


def test_a_cte_of_the_name_of_a_table(session: Session, run: Run, things: None) -> None:
    run("BEGIN")
    ((found,),) = run("WITH things AS (SELECT {'b': a} AS s FROM things) SELECT ML.POLYNOMIAL_EXPAND(s) FROM things LIMIT 1")
    run("COMMIT")
    assert set(found) == {"b", "b_b"}


def test_parameters_of_a_query(session: Session, run: Run, things: None) -> None:
    run("BEGIN")
    rows = run("SELECT ML.BUCKETIZE(a + ?, [1.0]) FROM (SELECT * FROM things WHERE a < ?)", [1.5, 10])
    run("COMMIT")
    assert len(rows) == 10


def test_asking_leaves_nothing_behind(session: Session, run: Run, things: None) -> None:
    before = run("SELECT database_name, schema_name, table_name FROM duckdb_tables() ORDER BY ALL")
    run("BEGIN")
    run("SELECT ML.BUCKETIZE(a, [1.0]) FROM main.things")
    assert run("SELECT database_name, schema_name, table_name FROM duckdb_tables() ORDER BY ALL") == before
    run("COMMIT")


def test_a_refused_statement_ends_the_transaction(session: Session, run: Run, things: None) -> None:
    """All or nothing: what was asked aside is still an error when the statement cannot do without it."""
    run("BEGIN")
    run("DELETE FROM things")
    with pytest.raises(Error):
        run("SELECT ML.BUCKETIZE(nothing, [1.0]) FROM things")
    with pytest.raises(Error) as caught:
        run("COMMIT")
    assert caught.value.code == "transaction_aborted"
    assert _n(run) == 200


# ---- Model types ----

TYPES = {
    "linear_reg": "input_label_cols = ['y']",
    "logistic_reg": "input_label_cols = ['even']",
    "kmeans": "num_clusters = 2",
    "pca": "num_principal_components = 2",
    "boosted_tree_regressor": "input_label_cols = ['y'], max_iterations = 2",
    "boosted_tree_classifier": "input_label_cols = ['even'], max_iterations = 2",
    "random_forest_regressor": "input_label_cols = ['y'], num_parallel_tree = 2",
    "random_forest_classifier": "input_label_cols = ['even'], num_parallel_tree = 2",
}


@pytest.mark.parametrize("model_type", TYPES)
@pytest.mark.parametrize("transform", [False, True])
def test_every_model_type(model_type: str, transform: bool, session: Session, run: Run, things: None) -> None:
    label = "y" if "'y'" in TYPES[model_type] else "even" if "'even'" in TYPES[model_type] else ""
    clause = f"TRANSFORM (ML.STANDARD_SCALER(a) OVER () AS scaled, ML.LABEL_ENCODER(k) OVER () AS code{f', {label}' if label else ''})"
    columns = f"a, k{f', {label}' if label else ''}"
    run("BEGIN")
    run(
        f"CREATE MODEL m {clause if transform else ''} OPTIONS (model_type = '{model_type}', {TYPES[model_type]})"
        f" AS SELECT {columns} FROM things"
    )
    run("INSERT INTO things SELECT * FROM things LIMIT 5")
    assert len(run("SELECT * FROM ML.PREDICT(MODEL m, TABLE things)")) == 205
    run("SELECT * FROM ML.EVALUATE(MODEL m)")
    run("COMMIT")
    assert _n(run) == 205
    assert len(run("SELECT * FROM ML.PREDICT(MODEL m, TABLE things)")) == 205
