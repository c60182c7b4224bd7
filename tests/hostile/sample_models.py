"""A database with a model of every kind, and every statement that reads the catalog about it."""

from __future__ import annotations

import sys
from pathlib import Path

import sqlml

SETUP = """
CREATE TABLE houses AS
  SELECT i AS id, CAST((i * 37) % 101 AS DOUBLE) AS rooms, (i * i) % 53 / 7 AS area, ['north', 'south', 'west'][i % 3 + 1] AS side,
         [i % 5, i % 7]::DOUBLE[] AS place, [['a', 'b', 'c'][i % 3 + 1], ['d', 'e'][i % 2 + 1]] AS tags,
         CAST((i * 37) % 101 * 3 + (i * i) % 53 AS DOUBLE) AS price, ((i * 37) % 101) > 40 AS is_big
  FROM range(300) AS r(i);
CREATE MODEL price OPTIONS (model_type = 'linear_reg', input_label_cols = ['price'], enable_global_explain = TRUE,
  data_split_method = 'RANDOM', data_split_eval_fraction = 0.3, calculate_p_values = TRUE, category_encoding_method = 'DUMMY_ENCODING')
  AS SELECT rooms, area, side, price FROM houses;
CREATE OR REPLACE MODEL price OPTIONS (model_type = 'linear_reg', input_label_cols = ['price'], enable_global_explain = TRUE,
  data_split_method = 'RANDOM', data_split_eval_fraction = 0.3) AS SELECT rooms, area, side, place, tags, price FROM houses;
CREATE MODEL big TRANSFORM (ML.STANDARD_SCALER(rooms) OVER () AS rooms, ML.QUANTILE_BUCKETIZE(area, 4) OVER () AS area,
  ML.LABEL_ENCODER(side, 10, 0) OVER () AS side, ML.IMPUTER(side, 'most_frequent') OVER () AS filled, is_big)
  OPTIONS (model_type = 'logistic_reg', input_label_cols = ['is_big'], data_split_method = 'RANDOM', data_split_eval_fraction = 0.3, enable_global_explain = TRUE)
  AS SELECT rooms, area, side, is_big FROM houses;
CREATE MODEL sides OPTIONS (model_type = 'logistic_reg', input_label_cols = ['side']) AS SELECT rooms, area, side FROM houses;
CREATE MODEL trees OPTIONS (model_type = 'boosted_tree_regressor', input_label_cols = ['price'], max_iterations = 3, max_tree_depth = 3,
  data_split_method = 'RANDOM', data_split_eval_fraction = 0.3, enable_global_explain = TRUE) AS SELECT rooms, area, side, price FROM houses;
CREATE MODEL tree_sides OPTIONS (model_type = 'boosted_tree_classifier', input_label_cols = ['side'], max_iterations = 3, max_tree_depth = 3)
  AS SELECT rooms, area, tags, side FROM houses;
CREATE MODEL forest OPTIONS (model_type = 'random_forest_classifier', input_label_cols = ['is_big'], num_parallel_tree = 3, max_tree_depth = 3)
  AS SELECT rooms, area, side, is_big FROM houses;
CREATE MODEL groups OPTIONS (model_type = 'kmeans', num_clusters = 3) AS SELECT rooms, area, side FROM houses;
CREATE MODEL directions OPTIONS (model_type = 'pca', num_principal_components = 2) AS SELECT rooms, area, side, price FROM houses;
CREATE MODEL cleaned TRANSFORM (ML.IMPUTER(area, 'mean') OVER () AS area, rooms + 1 AS more, ML.ONE_HOT_ENCODER(side) OVER () AS side)
  OPTIONS (model_type = 'transform_only') AS SELECT area, rooms, side FROM houses;
ALTER MODEL price SET OPTIONS (description = 'what a house costs', labels = [('team', 'sales')]);
ALTER MODEL price SET ALIAS champion = 1;
"""

MODELS = ("price", "big", "sides", "trees", "tree_sides", "forest", "groups", "directions", "cleaned")

_COMMON = (
    "SHOW MODELS", "SHOW VERSIONS FROM MODEL {m}", "DESCRIBE MODEL {m}", "SHOW CREATE MODEL {m}",
    "SELECT * FROM ML.TRAINING_INFO(MODEL {m})", "SELECT * FROM ML.FEATURE_INFO(MODEL {m})",
)  # fmt: skip
_SUPERVISED = (
    "SELECT * FROM ML.PREDICT(MODEL {m}, TABLE houses)", "SELECT * FROM ML.EVALUATE(MODEL {m})",
    "SELECT * FROM ML.EVALUATE(MODEL {m}, TABLE houses)", "SELECT * FROM ML.COMPARE(MODEL {m}, MODEL {m}, TABLE houses)",
)  # fmt: skip
_EXPLAINED = ("SELECT * FROM ML.EXPLAIN_PREDICT(MODEL {m}, (FROM houses LIMIT 20))", "SELECT * FROM ML.GLOBAL_EXPLAIN(MODEL {m})")
_WEIGHTS = ("SELECT * FROM ML.WEIGHTS(MODEL {m})", "SELECT * FROM ML.ADVANCED_WEIGHTS(MODEL {m})")
_CLASSES = (
    "SELECT * FROM ML.CONFUSION_MATRIX(MODEL {m})", "SELECT * FROM ML.ROC_CURVE(MODEL {m})", "SELECT * FROM ML.CALIBRATION(MODEL {m})",
    "SELECT * FROM ML.LIFT(MODEL {m})",
)  # fmt: skip
_TREES = ("SELECT * FROM ML.FEATURE_IMPORTANCE(MODEL {m})",)
_OUTLIERS = (
    "SELECT * FROM ML.DETECT_ANOMALIES(MODEL {m}, STRUCT(0.1 AS contamination), TABLE houses)",
    "SELECT * FROM ML.PREDICT(MODEL {m}, TABLE houses)",
)
_TRANSFORM = ("SELECT * FROM ML.TRANSFORM(MODEL {m}, TABLE houses)",)
_INTERVAL = ("SELECT * FROM ML.PREDICT(MODEL {m}, TABLE houses, STRUCT(0.8 AS confidence_level))",)
_CHANGES = (
    "ALTER MODEL {m} SET OPTIONS (description = 'changed')", "ALTER MODEL {m} SET ALIAS best = 1", "ALTER MODEL {m} SET DEFAULT VERSION = 1",
    "DROP MODEL {m}",
)  # fmt: skip
_BY_MODEL = {
    "price": (*_SUPERVISED, *_EXPLAINED, *_WEIGHTS, *_INTERVAL), "big": (*_SUPERVISED, *_EXPLAINED, *_WEIGHTS, *_CLASSES, *_TRANSFORM),
    "sides": (*_SUPERVISED, *_WEIGHTS, *_CLASSES), "trees": (*_SUPERVISED, *_EXPLAINED, *_TREES, *_INTERVAL),
    "tree_sides": (*_SUPERVISED, *_TREES, *_CLASSES), "forest": (*_SUPERVISED, *_TREES, *_CLASSES),
    "groups": ("SELECT * FROM ML.CENTROIDS(MODEL {m})", "SELECT * FROM ML.EVALUATE(MODEL {m})", *_OUTLIERS),
    "directions": ("SELECT * FROM ML.PRINCIPAL_COMPONENTS(MODEL {m})", "SELECT * FROM ML.PRINCIPAL_COMPONENT_INFO(MODEL {m})",
                   "SELECT * FROM ML.EVALUATE(MODEL {m})", *_OUTLIERS),
    "cleaned": _TRANSFORM,
}  # fmt: skip


def statements(model: str, *, name: str | None = None) -> list[str]:
    """Every statement about a model, those that change it last; the model may go by another name."""
    return [text.replace("{m}", name or model) for text in (*_COMMON, *_BY_MODEL[model], *_CHANGES)]


def make(path: Path) -> None:
    """Writes the database."""
    with sqlml.connect(path) as connection:
        connection.execute(SETUP)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
