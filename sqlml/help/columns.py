"""The columns of functions whose result looks the same for every model. A test compares them with what the functions give."""

from __future__ import annotations

_OF_FEATURES = "feature VARCHAR, numerical_value DOUBLE, categorical_value STRUCT(category VARCHAR, value DOUBLE)[]"

COLUMNS = {
    "FEATURE_INFO": "input VARCHAR, min DOUBLE, max DOUBLE, mean DOUBLE, median DOUBLE, stddev DOUBLE, category_count BIGINT,"
    " null_count BIGINT, dimension BIGINT",
    "CENTROIDS": f"centroid_id BIGINT, {_OF_FEATURES}",
    "PRINCIPAL_COMPONENTS": f"principal_component_id BIGINT, {_OF_FEATURES}",
    "PRINCIPAL_COMPONENT_INFO": "principal_component_id BIGINT, eigenvalue DOUBLE, explained_variance_ratio DOUBLE,"
    " cumulative_explained_variance_ratio DOUBLE",
    "FEATURE_IMPORTANCE": "feature VARCHAR, importance_weight DOUBLE, importance_gain DOUBLE, importance_cover DOUBLE",
    "FAIRNESS": "measure VARCHAR, value DOUBLE, compares VARCHAR, fair_range VARCHAR, stage VARCHAR, n_advantaged BIGINT,"
    " n_disadvantaged BIGINT",
    "COMPARE": "metric VARCHAR, value_a DOUBLE, value_b DOUBLE, difference DOUBLE, lower_bound DOUBLE, upper_bound DOUBLE, n_rows BIGINT",
}
"""By name without "ML.", as DESCRIBE says them."""
