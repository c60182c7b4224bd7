"""The functions that BigQuery ML has, as far as reading them goes: which give rows and which give a value.

Apart from the registry of functions, which says what is available: here it is decided only whether `ML.NAME(` is meant as ours at all,
since a schema or column may be called ml as well.
"""

from __future__ import annotations

ROW_FUNCTIONS = frozenset({
    "ADVANCED_WEIGHTS", "ARIMA_COEFFICIENTS", "ARIMA_EVALUATE", "CALIBRATION", "CENTROIDS", "COMPARE", "CONFUSION_MATRIX",
    "CORRELATION", "DESCRIBE_DATA", "DETECT_ANOMALIES", "DETECT_CHANGE_POINTS", "ENTITY_FEATURES_AT_TIME", "EVALUATE",
    "EXPLAIN_FORECAST", "EXPLAIN_PREDICT", "FAIRNESS", "FEATURES_AT_TIME", "FEATURE_IMPORTANCE", "FEATURE_INFO", "FORECAST",
    "GENERATE_EMBEDDING", "GENERATE_TEXT", "GET_INSIGHTS", "GLOBAL_EXPLAIN", "HOLIDAY_INFO", "LIFT", "METRICS", "PREDICT",
    "PRINCIPAL_COMPONENTS", "PRINCIPAL_COMPONENT_INFO", "RECOMMEND", "RECONSTRUCTION_LOSS", "ROC_CURVE", "SEASONALITY",
    "SLICE_METRICS", "TFDV_DESCRIBE", "TRAINING_INFO", "TRANSFORM", "TREND", "TRIAL_INFO", "VALIDATE_DATA_DRIFT",
    "VALIDATE_DATA_SKEW", "WEIGHTS",
})  # fmt: skip
"""Each stands where a table may."""

VALUE_FUNCTIONS = frozenset({
    "BAG_OF_WORDS", "BUCKETIZE", "CONVERT_COLOR_SPACE", "CONVERT_IMAGE_TYPE", "DECODE_IMAGE", "DISTANCE", "FEATURE_CROSS",
    "HASH_BUCKETIZE", "IMPUTER", "LABEL_ENCODER", "LP_NORM", "MAX_ABS_SCALER", "MIN_MAX_SCALER", "MULTI_HOT_ENCODER", "NGRAMS",
    "NORMALIZER", "ONE_HOT_ENCODER", "POLYNOMIAL_EXPAND", "QUANTILE_BUCKETIZE", "RESIZE_IMAGE", "ROBUST_SCALER", "STANDARD_SCALER",
    "TFDV_VALIDATE", "TF_IDF",
})  # fmt: skip
"""Each stands where a value may: preprocessing, distances, validation."""

TEXT_FUNCTIONS = frozenset({"TEXT_ANALYZE", "BAG_OF_WORDS", "TF_IDF", "FARM_FINGERPRINT", "TO_JSON_STRING"})
"""BigQuery's functions outside ML that stand where a value may."""

BIGQUERY_FUNCTIONS = frozenset({"TO_JSON"})
"""Of such functions those that are ours in the BigQuery flavour alone: DuckDB has its own of that name."""
