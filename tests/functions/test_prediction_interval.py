"""Prediction intervals against the definition in numpy, and what they promise of new rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import sqlml

MODELS = {
    "LINEAR_REG": "", "BOOSTED_TREE_REGRESSOR": ", max_iterations = 5, early_stop = FALSE", "RANDOM_FOREST_REGRESSOR": ", num_parallel_tree = 5",
}  # fmt: skip
ROWS = """SELECT i, x, z, 2 * x + sin(9 * x) + CASE WHEN z > 0.5 THEN -1 ELSE 1 END * ln(1e-9 + e) AS y, i % 4 = 0 AS held
FROM (SELECT i, random() AS x, random() AS z, random() AS e FROM range({n}) r(i))"""


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlml.Connection]:
    with sqlml.connect() as opened:
        cursor = opened.cursor()
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(f"CREATE TABLE known AS {ROWS.format(n=2_000)}")
        cursor.execute(f"CREATE TABLE new AS {ROWS.format(n=20_000)}")
        for model_type, options in MODELS.items():
            cursor.execute(
                f"CREATE MODEL {model_type} OPTIONS (model_type = '{model_type}', input_label_cols = ['y'],"
                f" data_split_method = 'CUSTOM', data_split_col = 'held'{options}) AS SELECT x, z, y, held FROM known"
            )
        yield opened


def rows(connection: sqlml.Connection, text: str) -> list[Any]:
    cursor = connection.cursor()
    cursor.execute(text)
    return cursor.fetchall()


@pytest.mark.parametrize("model", MODELS)
def test_the_width_is_a_residual_of_the_evaluation_rows(connection: sqlml.Connection, model: str) -> None:
    residuals = np.sort(
        [abs(y - p) for y, p in rows(connection, f"SELECT y, predicted_y FROM ML.PREDICT(MODEL {model}, TABLE known) WHERE held")]
    )
    assert len(residuals) == 500
    for level in (0.001, 0.5, 0.9, 0.95, 500 / 501):
        found = rows(
            connection,
            "SELECT predicted_y, prediction_interval_lower_bound, prediction_interval_upper_bound"
            f" FROM ML.PREDICT(MODEL {model}, TABLE new, STRUCT({level} AS confidence_level)) LIMIT 50",
        )
        width = residuals[math.ceil(501 * level - 1e-9) - 1]
        for predicted, lower, upper in found:
            assert (lower, upper) == (pytest.approx(predicted - width, rel=1e-12), pytest.approx(predicted + width, rel=1e-12))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("level", [0.5, 0.9])
def test_new_rows_lie_inside_as_often_as_promised(connection: sqlml.Connection, model: str, level: float) -> None:
    ((share,),) = rows(
        connection,
        "SELECT avg(CAST(y BETWEEN prediction_interval_lower_bound AND prediction_interval_upper_bound AS INTEGER))"
        f" FROM ML.PREDICT(MODEL {model}, TABLE new, STRUCT({level} AS confidence_level))",
    )
    # Given the 500 residuals the coverage is Beta distributed around the level; 20,000 new rows add their own spread.
    spread = math.sqrt(level * (1 - level) * (1 / 501 + 1 / 20_000))
    assert abs(share - level) <= 2 * spread
