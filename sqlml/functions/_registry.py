"""The closed table of ML functions."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from sqlml.errors import NotSupportedError, ProgrammingError, did_you_mean
from sqlml.functions._spec import FunctionSpec
from sqlml.functions._value_spec import ValueSpec

FUNCTIONS = (
    "PREDICT",
    "EVALUATE",
    "TRANSFORM",
    "TRAINING_INFO",
    "FEATURE_INFO",
    "WEIGHTS",
    "ADVANCED_WEIGHTS",
    "CENTROIDS",
    "PRINCIPAL_COMPONENTS",
    "PRINCIPAL_COMPONENT_INFO",
    "FEATURE_IMPORTANCE",
    "DETECT_ANOMALIES",
    "SLICE_METRICS",
    "FAIRNESS",
    "EXPLAIN_PREDICT",
    "GLOBAL_EXPLAIN",
    "COMPARE",
    "CONFUSION_MATRIX",
    "ROC_CURVE",
    "METRICS",
    "CALIBRATION",
    "LIFT",
)
"""Each lives in the module of its name in lower case, as SPEC."""

NOT_YET = (
    "ARIMA_COEFFICIENTS", "ARIMA_EVALUATE", "CORRELATION", "DESCRIBE_DATA",
    "DETECT_CHANGE_POINTS",
    "ENTITY_FEATURES_AT_TIME", "EXPLAIN_FORECAST", "FEATURES_AT_TIME", "FORECAST", "GENERATE_EMBEDDING",
    "GENERATE_TEXT",
    "GET_INSIGHTS", "HOLIDAY_INFO", "RECOMMEND", "RECONSTRUCTION_LOSS", "SEASONALITY",
    "TFDV_DESCRIBE", "TREND", "TRIAL_INFO", "VALIDATE_DATA_DRIFT", "VALIDATE_DATA_SKEW",
)  # fmt: skip
"""Functions that sqlml knows by name and does not have."""


@cache
def find_function(name: str) -> FunctionSpec:
    """The declaration of an ML function, in any case, without "ML.".

    Raises: NotSupportedError `function_not_supported`; ProgrammingError `unknown_function`.
    """
    key = name.upper()
    if key in FUNCTIONS:
        spec: FunctionSpec = import_module(f"sqlml.functions.{key.lower()}").SPEC
        return spec
    if key in NOT_YET:
        raise NotSupportedError(
            f"ML.{key} is not available in this release", code="function_not_supported",
            hint=f"available are {', '.join('ML.' + known for known in FUNCTIONS)}",
        )  # fmt: skip
    raise ProgrammingError(
        f"unknown function ML.{name}", code="unknown_function",
        hint=did_you_mean(key, FUNCTIONS + NOT_YET) or f"available are {', '.join('ML.' + known for known in FUNCTIONS)}",
    )  # fmt: skip


VALUE_FUNCTIONS = (
    "ML.BUCKETIZE",
    "ML.QUANTILE_BUCKETIZE",
    "ML.HASH_BUCKETIZE",
    "ML.FEATURE_CROSS",
    "ML.POLYNOMIAL_EXPAND",
    "ML.STANDARD_SCALER",
    "ML.MIN_MAX_SCALER",
    "ML.MAX_ABS_SCALER",
    "ML.ROBUST_SCALER",
    "ML.NORMALIZER",
    "ML.IMPUTER",
    "ML.LABEL_ENCODER",
    "ML.ONE_HOT_ENCODER",
    "ML.MULTI_HOT_ENCODER",
    "ML.NGRAMS",
    "ML.BAG_OF_WORDS",
    "ML.TF_IDF",
    "ML.DISTANCE",
    "ML.LP_NORM",
    "TEXT_ANALYZE",
    "BAG_OF_WORDS",
    "TF_IDF",
    "FARM_FINGERPRINT",
    "TO_JSON_STRING",
    "TO_JSON",
)
"""Preprocessing functions. Each lives in the module of its name in lower case, without "ML.", as SPEC; where a name exists with and
without "ML.", the one without is PLAIN_SPEC beside it."""

_PLAIN = frozenset({"BAG_OF_WORDS", "TF_IDF"})


@cache
def find_value_function(name: str) -> ValueSpec:
    """The declaration of a preprocessing function, in any case, with "ML." where it has one.

    Raises: NotSupportedError `function_not_supported`; ProgrammingError `unknown_function`.
    """
    key = name.upper()
    if key in VALUE_FUNCTIONS:
        module = import_module(f"sqlml.functions.{key.removeprefix('ML.').lower()}")
        spec: ValueSpec = module.PLAIN_SPEC if key in _PLAIN else module.SPEC
        return spec
    raise NotSupportedError(
        f"{key} is not available in this release", code="function_not_supported",
        hint=f"available are {', '.join(VALUE_FUNCTIONS)}",
    )  # fmt: skip
