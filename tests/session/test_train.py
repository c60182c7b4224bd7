"""CREATE MODEL as a whole: equal to scikit-learn, independent of the order of rows, split by content, all or nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sqlml.errors import Error
from sqlml.session.outcome import Event, IterationDone, Notice
from sqlml.session.session import Session

Run = Callable[..., list[tuple[Any, ...]]]

BODY_MASS = """CREATE OR REPLACE MODEL body_mass OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['body_mass_g']) AS
    SELECT culmen_length_mm, culmen_depth_mm, flipper_length_mm, body_mass_g FROM {table} WHERE body_mass_g IS NOT NULL"""


def _code(session: Session, text: str, parameters: Any = None) -> str:
    with pytest.raises(Error) as caught:
        session.run(text, parameters)
    return caught.value.code


def test_linear_regression_equals_scikit_learn(session: Session, run: Run) -> None:
    from sklearn.linear_model import LinearRegression

    session.run(BODY_MASS.format(table="penguins"))
    rows = np.array(
        run("SELECT culmen_length_mm, culmen_depth_mm, flipper_length_mm, body_mass_g FROM penguins WHERE body_mass_g IS NOT NULL")
    )
    expected = LinearRegression().fit(rows[:, :3], rows[:, 3])
    weights = dict(run("SELECT processed_input, weight FROM ML.WEIGHTS(MODEL body_mass)"))
    np.testing.assert_allclose(
        [weights["culmen_length_mm"], weights["culmen_depth_mm"], weights["flipper_length_mm"]], expected.coef_, rtol=1e-9
    )
    np.testing.assert_allclose(weights["__INTERCEPT__"], expected.intercept_, rtol=1e-9)
    got = run("SELECT predicted_body_mass_g FROM ML.PREDICT(MODEL body_mass, (SELECT * FROM penguins WHERE body_mass_g IS NOT NULL))")
    np.testing.assert_allclose(np.sort(np.array(got)[:, 0]), np.sort(expected.predict(rows[:, :3])), rtol=1e-9)


def test_metrics_equal_scikit_learns(session: Session, run: Run) -> None:
    from sklearn import metrics

    session.run("CREATE MODEL m OPTIONS (model_type = 'LOGISTIC_REG', labels = ['income_bracket']) AS SELECT * FROM census LIMIT 3000")
    ((precision, recall, accuracy, f1, log_loss, area),) = run("SELECT * FROM ML.EVALUATE(MODEL m, (SELECT * FROM census LIMIT 5000))")
    rows = run(
        "SELECT income_bracket, predicted_income_bracket, predicted_income_bracket_probs[1].prob FROM ML.PREDICT(MODEL m, (SELECT * FROM census LIMIT 5000))"
    )
    actual = [row[0] for row in rows]
    predicted = [row[1] for row in rows]
    probability = [row[2] for row in rows]
    positive = " >50K"
    np.testing.assert_allclose(precision, metrics.precision_score(actual, predicted, pos_label=positive), rtol=1e-12)
    np.testing.assert_allclose(recall, metrics.recall_score(actual, predicted, pos_label=positive), rtol=1e-12)
    np.testing.assert_allclose(accuracy, metrics.accuracy_score(actual, predicted), rtol=1e-12)
    np.testing.assert_allclose(f1, metrics.f1_score(actual, predicted, pos_label=positive), rtol=1e-12)
    binary = [label == positive for label in actual]
    np.testing.assert_allclose(log_loss, metrics.log_loss(binary, probability), rtol=1e-10)
    np.testing.assert_allclose(area, metrics.roc_auc_score(binary, probability), rtol=1e-12)


@pytest.mark.parametrize("model_type", ["BOOSTED_TREE_CLASSIFIER", "RANDOM_FOREST_CLASSIFIER", "LOGISTIC_REG"])
def test_the_order_of_rows_and_threads_do_not_matter(session: Session, run: Run, model_type: str) -> None:
    session.run(
        "CREATE TABLE a AS SELECT * FROM census LIMIT 4000; CREATE TABLE b AS SELECT * FROM a ORDER BY hash(functional_weight), age"
    )
    extra = ", num_parallel_tree = 5" if "FOREST" in model_type else ""
    results = []
    for table, threads in (("a", 1), ("b", 2)):
        session.run(f"SET threads = {threads}")
        session.run(
            f"CREATE OR REPLACE MODEL m OPTIONS (model_type = '{model_type}', labels = ['income_bracket']{extra}) AS SELECT * FROM {table}"
        )
        results.append(run("SELECT predicted_income_bracket_probs[1].prob FROM ML.PREDICT(MODEL m, TABLE a) ORDER BY ALL"))
    np.testing.assert_allclose(results[0], results[1], rtol=0 if "TREE" in model_type or "FOREST" in model_type else 1e-9)


def test_a_random_split_depends_on_content_only(session: Session, run: Run) -> None:
    session.run(
        "CREATE TABLE shuffled AS SELECT native_country, age, * EXCLUDE (native_country, age) FROM census ORDER BY hash(functional_weight)"
    )
    counts = []
    for table in ("census", "shuffled"):
        session.run(f"CREATE OR REPLACE MODEL m OPTIONS (model_type = 'LINEAR_REG', labels = ['age']) AS SELECT * FROM {table}")
        counts.append(run("SELECT mean_absolute_error FROM ML.EVALUATE(MODEL m)")[0][0])
        n_rows, n_train, n_eval = run("SHOW VERSIONS FROM MODEL m")[0][4:7]
        assert (n_rows, n_train + n_eval) == (32561, 32561)
        assert n_eval == pytest.approx(32561 * 0.2, rel=0.05)
    assert counts[0] == pytest.approx(counts[1], rel=1e-9)


@pytest.mark.parametrize(("n_rows", "low", "high"), [(499, 0, 0), (500, 60, 140), (50_000, 9_500, 10_500), (200_000, 9_500, 10_500)])
def test_auto_split_has_bigquerys_thresholds(session: Session, run: Run, n_rows: int, low: int, high: int) -> None:
    session.run(f"CREATE TABLE t AS SELECT range % 10 AS x, range * 0.5 AS y FROM range({n_rows})")
    session.run("CREATE MODEL m OPTIONS (model_type = 'LINEAR_REG', labels = ['y']) AS SELECT * FROM t")
    assert low <= run("SHOW VERSIONS FROM MODEL m")[0][6] <= high


def test_rows_that_repeat_are_split_as_if_they_did_not(session: Session, run: Run) -> None:
    session.run("CREATE TABLE t AS SELECT range % 4 AS x, (range % 4) * 2.0 AS y FROM range(1000)")
    session.run(
        "CREATE MODEL m OPTIONS (model_type = 'LINEAR_REG', labels = ['y'], data_split_method = 'RANDOM', data_split_eval_fraction = 0.2) AS SELECT * FROM t"
    )
    assert run("SHOW VERSIONS FROM MODEL m")[0][6] == pytest.approx(200, abs=50)


@pytest.mark.parametrize(
    ("options", "n_eval"),
    [
        ("data_split_method = 'NO_SPLIT'", 0),
        ("data_split_method = 'SEQ', data_split_col = 'k', data_split_eval_fraction = 0.3", 300),
        ("data_split_method = 'CUSTOM', data_split_col = 'e'", 250),
    ],
)
def test_other_splits(session: Session, run: Run, options: str, n_eval: int) -> None:
    session.run("CREATE TABLE t AS SELECT range AS k, range % 4 = 0 AS e, random() AS x, range * 0.5 AS y FROM range(1000)")
    session.run(f"CREATE MODEL m OPTIONS (model_type = 'LINEAR_REG', labels = ['y'], {options}) AS SELECT * FROM t")
    assert run("SHOW VERSIONS FROM MODEL m")[0][6] == n_eval
    inputs = {row[0] for row in run("SELECT input FROM ML.FEATURE_INFO(MODEL m)")}
    assert ("k" in inputs) == ("SEQ" not in options)
    assert ("e" in inputs) == ("CUSTOM" not in options)


def test_seq_holds_out_the_last_rows_and_trains_on_nulls(session: Session, run: Run) -> None:
    session.run(
        "CREATE TABLE t AS SELECT CASE WHEN range >= 50 THEN DATE '2020-01-01' + range::INT END AS d, range * 1.0 AS x, range * 2.0 AS y FROM range(100)"
    )
    session.run("""CREATE MODEL m OPTIONS (model_type = 'LINEAR_REG', labels = ['y'], data_split_method = 'SEQ', data_split_col = 'd',
        data_split_eval_fraction = 0.1) AS SELECT * FROM t""")
    assert run('SELECT "max" FROM ML.FEATURE_INFO(MODEL m)') == [(89.0,)]


def test_imputation_is_told_with_counts(session: Session) -> None:
    notices: list[Notice] = []
    session.run(
        "CREATE MODEL m OPTIONS (model_type = 'LINEAR_REG', labels = ['body_mass_g']) AS SELECT sex, body_mass_g FROM penguins WHERE body_mass_g IS NOT NULL",
        on_event=lambda event: notices.append(event) if isinstance(event, Notice) else None,
    )
    (notice,) = [notice for notice in notices if notice.code == "imputed"]
    assert "sex 9" in notice.message


def test_class_weights_balance_the_classes(session: Session, run: Run) -> None:
    recalls = []
    for extra in ("", ", auto_class_weights = TRUE", ", class_weights = [(' >50K', 10.0), (' <=50K', 1.0)]"):
        session.run(
            "CREATE OR REPLACE MODEL m OPTIONS (model_type = 'LOGISTIC_REG', labels = ['income_bracket'], data_split_method = 'NO_SPLIT'"
            f"{extra}) AS SELECT age, education_num, hours_per_week, income_bracket FROM census LIMIT 5000"
        )
        recalls.append(run("SELECT recall FROM ML.EVALUATE(MODEL m)")[0][0])
    assert recalls[0] < recalls[1] < recalls[2]


BAD = [
    ("null_label", "SELECT sex AS label, culmen_length_mm FROM penguins", "LOGISTIC_REG"),
    ("one_class", "SELECT 'a' AS label, culmen_length_mm FROM penguins", "LOGISTIC_REG"),
    ("no_rows", "SELECT sex AS label, culmen_length_mm FROM penguins WHERE FALSE", "LOGISTIC_REG"),
    ("missing_label", "SELECT culmen_length_mm FROM penguins", "LINEAR_REG"),
    ("label_type", "SELECT species AS label, culmen_length_mm FROM penguins", "LINEAR_REG"),
    ("infinite_label", "SELECT 'inf'::DOUBLE AS label, 1 AS x", "LINEAR_REG"),
    ("infinite_feature", "SELECT range AS label, 'inf'::DOUBLE AS x FROM range(10)", "LINEAR_REG"),
    ("feature_type", "SELECT range AS label, [[1, 2]] AS x FROM range(10)", "LINEAR_REG"),
    ("no_features", "SELECT range AS label FROM range(10)", "LINEAR_REG"),
    ("too_many_classes", "SELECT range::VARCHAR AS label, 1 AS x FROM range(60)", "LOGISTIC_REG"),
]


@pytest.mark.parametrize(("code", "query", "model_type"), BAD, ids=[code for code, _, _ in BAD])
def test_bad_training_data_is_refused_and_leaves_nothing(session: Session, run: Run, code: str, query: str, model_type: str) -> None:
    assert _code(session, f"CREATE MODEL m OPTIONS (model_type = '{model_type}') AS {query}") == code
    assert run("SHOW MODELS") == []
    assert run("SELECT count(*) FROM duckdb_tables() WHERE temporary") == [(0,)]


def test_a_failing_training_query_points_into_itself(session: Session) -> None:
    text = "CREATE MODEL m OPTIONS (model_type = 'LINEAR_REG', labels = ['y']) AS\nSELECT x, nope AS y FROM (SELECT 1 AS x)"
    with pytest.raises(Error) as caught:
        session.run(text)
    assert (caught.value.line, caught.value.column) == (2, 11)


def test_a_query_that_fails_while_it_runs_leaves_nothing(session: Session, run: Run) -> None:
    query = "SELECT CAST(CASE WHEN range = 999 THEN 'x' ELSE '1' END AS INTEGER) AS label, range AS x FROM range(1000)"
    _code(session, f"CREATE MODEL m OPTIONS (model_type = 'LINEAR_REG') AS {query}")
    assert run("SHOW MODELS") == []


def test_cancelling_returns_within_a_second_and_publishes_nothing(session: Session, run: Run) -> None:
    session.run("CREATE TABLE big AS SELECT random() AS a, random() AS b, random() AS c, random() AS y FROM range(300000)")
    started = threading.Event()
    cancelled_at: list[float] = []

    def on_event(event: Event) -> None:
        if isinstance(event, IterationDone):
            started.set()

    def cancel() -> None:
        started.wait(30)
        cancelled_at.append(time.monotonic())
        session.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(Error) as caught:
        session.run(
            "CREATE MODEL m OPTIONS (model_type = 'BOOSTED_TREE_REGRESSOR', labels = ['y'], max_iterations = 5000, early_stop = FALSE) AS SELECT * FROM big",
            on_event=on_event,
        )
    assert caught.value.code == "cancelled"
    assert time.monotonic() - cancelled_at[0] < 1.5  # a second, and the scheduler of a busy machine
    thread.join()
    assert run("SHOW MODELS") == []
    assert run("SELECT 42") == [(42,)]


def test_training_in_the_users_transaction_rolls_back_with_it(session: Session, run: Run) -> None:
    session.run("BEGIN")
    session.run("CREATE TABLE fresh AS SELECT * FROM penguins")
    session.run(BODY_MASS.format(table="fresh"))
    assert len(run("SELECT * FROM ML.PREDICT(MODEL body_mass, TABLE fresh)")) == 344
    session.run("ROLLBACK")
    assert run("SHOW MODELS") == []
    session.run(f"BEGIN; {BODY_MASS.format(table='penguins')}; COMMIT")
    assert len(run("SHOW MODELS")) == 1


def test_trees_read_uncommitted_and_temporary_tables(session: Session, run: Run) -> None:
    session.run("CREATE TEMP TABLE mine AS SELECT * FROM penguins")
    session.run(
        "BEGIN; CREATE MODEL t OPTIONS (model_type = 'BOOSTED_TREE_CLASSIFIER', labels = ['species']) AS SELECT * FROM mine; COMMIT"
    )
    assert run("SELECT count(*) FROM ML.PREDICT(MODEL t, TABLE mine) WHERE predicted_species = species") == [(344,)]


def test_parameters_reach_every_part_of_a_statement(session: Session, run: Run) -> None:
    session.run(
        "CREATE MODEL m OPTIONS (model_type = ?, labels = ['body_mass_g']) AS SELECT flipper_length_mm, body_mass_g FROM penguins WHERE body_mass_g > ?",
        ["LINEAR_REG", 3000],
    )
    rows = run(
        "SELECT count(*), $limit FROM ML.PREDICT(MODEL m, (SELECT * FROM penguins WHERE species LIKE $kind)) WHERE predicted_body_mass_g > $limit",
        {"kind": "Gentoo%", "limit": 4000},
    )
    ((count, limit),) = rows
    assert (count, limit) == (124, 4000)


NAMES = [
    "v0",
    "V1",
    "value",
    "code",
    "d",
    "c0",
    "score",
    "actual",
    "predicted",
    "training_rows",
    "all_rows",
    "i",
    'a "b" c',
    "weight",
    "distances",
]


@pytest.mark.parametrize("name", NAMES)
def test_no_column_name_gets_in_the_way_of_generated_sql(session: Session, run: Run, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    session.run(
        "CREATE TABLE plain AS SELECT (range % 10)::DOUBLE AS p, 'k' || range % 40 AS k, (range % 3) * 1.5 AS q, range % 7 AS y FROM range(300)"
    )
    results = []
    for alias in ('"plain"', quoted):
        for column, other in (("k", "q"), ("q", "k")):
            session.run(
                f"CREATE OR REPLACE MODEL m OPTIONS (model_type = 'LINEAR_REG', labels = ['y']) AS SELECT p, {column} AS {alias}, {other} AS o, y FROM plain"
            )
            rows = run(f"SELECT * FROM ML.PREDICT(MODEL m, (SELECT p, {column} AS {alias}, {other} AS o FROM plain)) ORDER BY ALL")
            results.append([row[0] for row in rows])
            results.append(run("SELECT * EXCLUDE (input) FROM ML.FEATURE_INFO(MODEL m)"))
    assert results[:4] == results[4:]


def test_a_model_of_an_attached_database_is_found_as_its_tables_are(session: Session, run: Run, tmp_path: Any) -> None:
    session.run(f"ATTACH '{tmp_path / 'other.duckdb'}' AS other")
    session.run("CREATE TABLE other.t AS SELECT range AS x, range * 2.0 AS y FROM range(20)")
    session.run("CREATE MODEL other.m OPTIONS (model_type = 'LINEAR_REG', labels = ['y']) AS SELECT x, y FROM other.t")
    assert run("SELECT round(predicted_y) FROM ML.PREDICT(MODEL other.m, (SELECT 50 AS x))") == [(100.0,)]
    assert run("SELECT round(predicted_y) FROM ML.PREDICT(MODEL other.main.m, (SELECT 50 AS x))") == [(100.0,)]


def test_what_could_not_be_loaded_is_not_published(session: Session, run: Run) -> None:
    text = "CREATE MODEL m OPTIONS (model_type = 'KMEANS', num_clusters = 2) AS SELECT range % 3 AS a, 1e308 * (range % 2 * 2 - 1) AS f FROM range(100)"
    assert _code(session, text) == "not_finite"
    assert run("SHOW MODELS") == []


@pytest.mark.parametrize("model_type", ["LINEAR_REG", "BOOSTED_TREE_REGRESSOR", "KMEANS", "PCA"])
def test_nan_and_null_are_the_same_at_prediction(session: Session, run: Run, model_type: str) -> None:
    options = {"KMEANS": "num_clusters = 2", "PCA": "num_principal_components = 1"}.get(model_type, "labels = ['y']")
    columns = "a, b" if model_type in {"KMEANS", "PCA"} else "a, b, y"
    session.run("CREATE TABLE t AS SELECT range * 1.5e0 AS a, (range % 5)::DOUBLE AS b, range * 2e0 AS y FROM range(100)")
    session.run(f"CREATE MODEL m OPTIONS (model_type = '{model_type}', {options}) AS SELECT {columns} FROM t")
    rows = [run(f"SELECT * EXCLUDE (a) FROM ML.PREDICT(MODEL m, (SELECT {value}::DOUBLE AS a, 3e0 AS b), STRUCT(TRUE AS keep_original_columns))")
            if model_type == "PCA" else run(f"SELECT * EXCLUDE (a) FROM ML.PREDICT(MODEL m, (SELECT {value}::DOUBLE AS a, 3e0 AS b))")
            for value in ("NULL", "'nan'")]  # fmt: skip
    assert str(rows[0]) == str(rows[1])
    assert "nan" not in str(rows[0])
