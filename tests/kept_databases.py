"""Run as a program: writes the database that stands for the present storage format, and what its models answer.

    python tests/kept_databases.py tests/compat/databases/format_N

makes `format_N.duckdb.xz` and `format_N.json`. Run it once for every format, by the release that introduces it, and never again.
"""

from __future__ import annotations

import json
import lzma
import sys
import tempfile
from pathlib import Path

import sqlml

STATEMENTS = '''
CREATE SCHEMA shop;
CREATE TABLE houses AS
  SELECT i AS id, (i * 37) % 101 AS rooms, (i * i) % 53 / 7 AS area, ['north', 'south', 'a "west"'][i % 3 + 1] AS side,
         DATE '2026-01-01' + CAST(i % 90 AS INTEGER) AS sold,
         CAST((i * 37) % 101 * 3 + (i * i) % 53 AS DOUBLE) AS price, ((i * 37) % 101) > 40 AS is_big
  FROM range(400) AS r(i);
CREATE MODEL price OPTIONS (model_type = 'linear_reg', input_label_cols = ['price'], l2_reg = 0.01) AS SELECT rooms, area, side, sold, price FROM houses;
CREATE OR REPLACE MODEL price OPTIONS (model_type = 'linear_reg', input_label_cols = ['price']) AS SELECT rooms, area, side, sold, price FROM houses;
CREATE OR REPLACE MODEL price OPTIONS (model_type = 'boosted_tree_regressor', input_label_cols = ['price'], max_iterations = 5) AS SELECT rooms, area, side, price FROM houses;
ALTER MODEL price SET OPTIONS (description = 'what a house costs', labels = [('team', 'sales'), ('stage', 'test')]);
ALTER MODEL price SET DEFAULT VERSION = 2;
DROP MODEL price@1;
CREATE MODEL shop."Big ""one""" TRANSFORM (ML.STANDARD_SCALER(rooms) OVER () AS rooms, ML.BUCKETIZE(area, [2.0, 5.0]) AS area, is_big)
  OPTIONS (model_type = 'logistic_reg', input_label_cols = ['is_big']) AS SELECT rooms, area, is_big FROM houses;
CREATE MODEL shop.sides OPTIONS (model_type = 'random_forest_classifier', input_label_cols = ['side'], num_parallel_tree = 4) AS
  SELECT rooms, area, side FROM houses;
CREATE MODEL groups OPTIONS (model_type = 'kmeans', num_clusters = 3) AS SELECT rooms, area FROM houses;
CREATE MODEL directions OPTIONS (model_type = 'pca', num_principal_components = 2) AS SELECT rooms, area, price FROM houses;
CREATE MODEL cleaned TRANSFORM (ML.IMPUTER(area, 'mean') OVER () AS area, rooms + 1 AS more) OPTIONS (model_type = 'transform_only') AS
  SELECT area, rooms FROM houses;
CREATE MODEL gone OPTIONS (model_type = 'kmeans', num_clusters = 2) AS SELECT rooms FROM houses;
DROP MODEL gone;
'''

QUESTIONS = (
    "SELECT id, round(predicted_price, 9) AS p FROM ML.PREDICT(MODEL price, TABLE houses) WHERE id % 40 = 0 ORDER BY id",
    "SELECT id, round(predicted_price, 4) AS p FROM ML.PREDICT(MODEL price@3, TABLE houses) WHERE id % 40 = 0 ORDER BY id",
    'SELECT id, predicted_is_big FROM ML.PREDICT(MODEL shop."Big ""one""", TABLE houses) WHERE id % 40 = 0 ORDER BY id',
    "SELECT id, predicted_side FROM ML.PREDICT(MODEL shop.sides, TABLE houses) WHERE id % 40 = 0 ORDER BY id",
    "SELECT id, centroid_id FROM ML.PREDICT(MODEL groups, TABLE houses) WHERE id % 40 = 0 ORDER BY id",
    "SELECT round(principal_component_1, 6) AS c FROM ML.PREDICT(MODEL directions, (FROM houses WHERE id % 40 = 0)) ORDER BY c",
    "SELECT id, area, more FROM ML.TRANSFORM(MODEL cleaned, TABLE houses) WHERE id % 40 = 0 ORDER BY id",
    "SELECT round(mean_absolute_error, 9) AS e FROM ML.EVALUATE(MODEL price)",
    "SELECT model_name, default_version, n_versions, description FROM sqlml.models ORDER BY ALL",
    "SELECT event, model_name, version FROM sqlml.model_events ORDER BY ALL",
)
"""What is asked of the database now, and of each later release."""


def answers(connection: sqlml.Connection) -> list[list[list[object]]]:
    return [[list(row) for row in connection.execute(question).fetchall()] for question in QUESTIONS]


def main() -> None:
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "kept.duckdb")
        with sqlml.connect(path) as connection:
            connection.execute(STATEMENTS)
            found = answers(connection)
        target.with_suffix(".json").write_text(json.dumps(found, indent=1, default=str) + "\n")
        target.with_suffix(".duckdb.xz").write_bytes(lzma.compress(path.read_bytes(), preset=9))


if __name__ == "__main__":
    main()
