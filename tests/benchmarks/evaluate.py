"""Functions that judge a classifier, against one sort of its scores in DuckDB."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

SECONDS: list[float] = []


def make(database: str, n_rows: int) -> None:
    """Rows with one feature, so that scoring costs little; the scores of the baseline stand in the table."""
    import sqlml

    with sqlml.connect(database) as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(
            f"CREATE TABLE people AS SELECT x, random() < 1 / (1 + exp(-x)) AS bought, CASE WHEN random() < 0.4 THEN 'a' WHEN x > 0 THEN 'b'"
            f" ELSE 'c' END AS kind FROM (SELECT 6 * random() - 3 AS x FROM range({n_rows}))"
        )
        for name, label in (("m", "bought"), ("m3", "kind")):
            connection.execute(
                f"CREATE MODEL {name} OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['{label}'])"
                f" AS SELECT x, {label} FROM people LIMIT 100000"
            )
        connection.execute(
            "CREATE TABLE scores AS SELECT bought AS actual, predicted_bought AS predicted, predicted_bought_probs[1].prob AS score"
            " FROM ML.PREDICT(MODEL m, TABLE people)"
        )


def sort(database: str) -> str:
    return _timed(database, "SELECT score FROM scores ORDER BY score LIMIT 1 OFFSET (SELECT count(*) // 2 FROM scores)")


def evaluate(database: str) -> str:
    return _timed(database, "SELECT roc_auc FROM ML.EVALUATE(MODEL m, TABLE people)")


def confusion_matrix(database: str) -> str:
    return _timed(database, 'SELECT sum("true") FROM ML.CONFUSION_MATRIX(MODEL m, TABLE people)')


def roc_curve(database: str) -> str:
    return _timed(database, "SELECT sum(recall) FROM ML.ROC_CURVE(MODEL m, TABLE people)")


def roc_curve_thresholds(database: str) -> str:
    thresholds = ", ".join(f"{i / 100}" for i in range(1, 100))
    return _timed(database, f"SELECT sum(recall) FROM ML.ROC_CURVE(MODEL m, TABLE people, [{thresholds}])")


def calibration(database: str) -> str:
    return _timed(database, "SELECT min(brier_score) FROM ML.CALIBRATION(MODEL m, TABLE people)")


def lift(database: str) -> str:
    return _timed(database, "SELECT max(lift) FROM ML.LIFT(MODEL m, TABLE people)")


def metrics(database: str) -> str:
    return _timed(database, "SELECT f1_score FROM ML.METRICS(TABLE scores, predicted_col => 'predicted', actual_col => 'actual')")


def evaluate_three_classes(database: str) -> str:
    return _timed(database, "SELECT roc_auc FROM ML.EVALUATE(MODEL m3, TABLE people)")


def _timed(database: str, query: str) -> str:
    import sqlml

    with sqlml.connect(database) as connection:
        for table in ("people", "scores"):
            connection.execute(f"SELECT max(hash(COLUMNS(*))) FROM {table}").fetchall()  # reads the pages
        start = time.perf_counter()
        rows = connection.execute(query).fetchall()
        SECONDS.append(time.perf_counter() - start)
    return f"{float(rows[0][0]):.6f}"


if __name__ == "__main__":
    from _measure import compare

    n_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "people.duckdb")
        make(path, n_rows)
        print(f"{n_rows:,} rows")
        compare(
            "evaluate",
            {
                "sort of the scores": "sort", "ML.EVALUATE": "evaluate", "ML.CONFUSION_MATRIX": "confusion_matrix",
                "ML.ROC_CURVE": "roc_curve", "ML.ROC_CURVE, 99 thresholds": "roc_curve_thresholds", "ML.CALIBRATION": "calibration",
                "ML.LIFT": "lift", "ML.METRICS of BOOL columns": "metrics", "ML.EVALUATE, three classes": "evaluate_three_classes",
            },
            path,
        )  # fmt: skip
