"""ML.PREDICT of 100 trees of depth 6 into an aggregate, against XGBoost's predictor on a matrix in memory."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

SECONDS: list[float] = []
FEATURES = "month, day, hour, distance, carrier, origin, destination, weekday"


def make(database: str, n_rows: int) -> None:
    """A table like airline delays: eight features, three of them strings; and a model of 100 trees."""
    import sqlml

    with sqlml.connect(database) as connection:
        connection.execute(
            f"""CREATE TABLE flights AS SELECT *, least(1, (hour // 12 + (distance > 1500)::INT + (carrier = 'C3')::INT + random())::INT // 2) AS late
            FROM (SELECT (random() * 11)::INT + 1 AS month, (random() * 27)::INT + 1 AS day, (random() * 23)::INT AS hour, random() * 3000 AS distance,
                'C' || (random() * 21)::INT AS carrier, 'A' || (random() * 289)::INT AS origin, 'A' || (random() * 289)::INT AS destination,
                (random() * 6)::INT AS weekday FROM range({n_rows}))"""
        )
        connection.execute(
            f"""CREATE MODEL delay OPTIONS (model_type = 'BOOSTED_TREE_CLASSIFIER', input_label_cols = ['late'], max_iterations = 100,
            early_stop = FALSE) AS SELECT {FEATURES}, late FROM flights LIMIT 300000"""
        )


def native(database: str) -> str:
    """The predictor alone: the matrix is made beforehand and does not count."""
    import duckdb

    from sqlml.catalog.records import ModelKey
    from sqlml.catalog.store import Catalog
    from sqlml.engines.duckdb import open_engine
    from sqlml.models._xgboost.booster import booster_from_state
    from sqlml.session.models import LoadedModels

    engine = open_engine(database, read_only=True)
    model = LoadedModels(engine, Catalog(engine)).load(ModelKey(engine.current_database(), "main", "delay"), None)
    booster = booster_from_state(model.state)
    terms = ", ".join(f"CAST({model.layout.value_sql(term)} AS FLOAT) AS v{index}" for index, term in enumerate(model.layout.terms))
    engine.close()
    with duckdb.connect(database, read_only=True) as connection:
        columns = connection.sql(f"SELECT {terms} FROM flights").to_arrow_table()
    import numpy as np

    matrix = np.column_stack([column.to_numpy() for column in columns.columns])
    start = time.perf_counter()
    mean = float(booster.inplace_predict(matrix).mean(dtype=np.float64))
    SECONDS.append(time.perf_counter() - start)
    return f"{mean:.6f}"


def statement(database: str) -> str:
    import sqlml

    with sqlml.connect(database, read_only=True) as connection:
        connection.execute(
            "SELECT count(*) FROM ML.PREDICT(MODEL delay, (SELECT * FROM flights LIMIT 10))"
        ).fetchall()  # loads the libraries
        start = time.perf_counter()
        ((mean,),) = connection.execute("SELECT avg(predicted_late_probs[1].prob) FROM ML.PREDICT(MODEL delay, TABLE flights)").fetchall()
        SECONDS.append(time.perf_counter() - start)
    return f"{mean:.6f}"


def frame(database: str) -> str:
    """The obvious alternative: a data frame with categories, and XGBoost on it."""
    import duckdb
    import pandas as pd

    from sqlml.catalog.records import ModelKey
    from sqlml.catalog.store import Catalog
    from sqlml.engines.duckdb import open_engine
    from sqlml.models._xgboost.booster import booster_from_state
    from sqlml.session.models import LoadedModels

    engine = open_engine(database, read_only=True)
    model = LoadedModels(engine, Catalog(engine)).load(ModelKey(engine.current_database(), "main", "delay"), None)
    booster = booster_from_state(model.state)
    engine.close()
    start = time.perf_counter()
    with duckdb.connect(database, read_only=True) as connection:
        rows = connection.sql(f"SELECT {FEATURES} FROM flights").df()
    for term in model.layout.terms:
        if hasattr(term, "categories"):
            rows[term.column] = pd.Categorical(rows[term.column], categories=list(term.categories)).codes
    mean = float(booster.inplace_predict(rows.astype("float32").to_numpy()).mean(dtype="float64"))
    SECONDS.append(time.perf_counter() - start)
    return f"{mean:.6f}"


if __name__ == "__main__":
    from _measure import compare

    n_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "flights.duckdb")
        make(path, n_rows)
        print(f"{n_rows:,} rows")
        compare(
            "predict_trees",
            {"native predictor, matrix in memory": "native", "ML.PREDICT into an aggregate": "statement", "pandas + XGBoost": "frame"},
            path,
        )
