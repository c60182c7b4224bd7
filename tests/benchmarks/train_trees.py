"""CREATE MODEL for boosted trees, the whole statement, against pandas + XGBoost."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from predict_trees import FEATURES

SECONDS: list[float] = []
ROUNDS = 20


def make(database: str, n_rows: int) -> None:
    import predict_trees

    predict_trees.make(database, n_rows)


def statement(database: str) -> str:
    import shutil

    import xgboost  # noqa: F401 - loading it takes 0.7 s, which the alternative does not count either

    import sqlml

    copy = database + ".copy"
    shutil.copy(database, copy)
    with sqlml.connect(copy) as connection:
        start = time.perf_counter()
        connection.execute(
            f"""CREATE MODEL again OPTIONS (model_type = 'BOOSTED_TREE_CLASSIFIER', input_label_cols = ['late'], max_iterations = {ROUNDS},
            early_stop = FALSE) AS SELECT {FEATURES}, late FROM flights"""
        )
        SECONDS.append(time.perf_counter() - start)
        ((area,),) = connection.execute("SELECT roc_auc FROM ML.EVALUATE(MODEL again)").fetchall()
    Path(copy).unlink()
    return f"roc_auc {area:.4f}"


def frame(database: str) -> str:
    import duckdb
    import xgboost
    from sklearn.metrics import roc_auc_score

    start = time.perf_counter()
    with duckdb.connect(database, read_only=True) as connection:
        rows = connection.sql(f"SELECT {FEATURES}, late, row_number() OVER () % 100 = 0 AS held FROM flights").df()
    for name in ("carrier", "origin", "destination"):
        rows[name] = rows[name].astype("category")
    train, held = rows[~rows["held"]], rows[rows["held"]]
    matrix = xgboost.QuantileDMatrix(train.drop(columns=["late", "held"]), train["late"], enable_categorical=True)
    held_matrix = xgboost.QuantileDMatrix(held.drop(columns=["late", "held"]), held["late"], ref=matrix, enable_categorical=True)
    booster = xgboost.train(
        {"objective": "binary:logistic", "tree_method": "hist", "max_depth": 6, "eta": 0.3}, matrix, ROUNDS, evals=[(held_matrix, "held")],
        verbose_eval=False,
    )  # fmt: skip
    area = roc_auc_score(held["late"], booster.predict(held_matrix))
    SECONDS.append(time.perf_counter() - start)
    return f"roc_auc {area:.4f}"


if __name__ == "__main__":
    from _measure import compare

    n_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "flights.duckdb")
        make(path, n_rows)
        print(f"{n_rows:,} rows, {ROUNDS} rounds")
        compare("train_trees", {"pandas + XGBoost": "frame", "CREATE MODEL": "statement"}, path)
