"""The closed table of ML functions."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from sqlml.errors import NotSupportedError, ProgrammingError, did_you_mean
from sqlml.functions._spec import FunctionSpec

FUNCTIONS = (
    "PREDICT",
    "EVALUATE",
    "TRAINING_INFO",
    "FEATURE_INFO",
    "WEIGHTS",
    "CENTROIDS",
    "PRINCIPAL_COMPONENTS",
    "PRINCIPAL_COMPONENT_INFO",
    "FEATURE_IMPORTANCE",
)
"""Each lives in the module of its name in lower case, as SPEC."""

NOT_YET = (
    "ADVANCED_WEIGHTS", "ARIMA_COEFFICIENTS", "ARIMA_EVALUATE", "CONFUSION_MATRIX", "CORRELATION", "DESCRIBE_DATA", "DETECT_ANOMALIES",
    "DETECT_CHANGE_POINTS",
    "ENTITY_FEATURES_AT_TIME", "EXPLAIN_FORECAST", "EXPLAIN_PREDICT", "FEATURES_AT_TIME", "FORECAST", "GENERATE_EMBEDDING",
    "GENERATE_TEXT",
    "GET_INSIGHTS", "GLOBAL_EXPLAIN", "HOLIDAY_INFO", "METRICS", "RECOMMEND", "RECONSTRUCTION_LOSS", "ROC_CURVE", "SEASONALITY",
    "TFDV_DESCRIBE", "TRANSFORM", "TREND", "TRIAL_INFO", "VALIDATE_DATA_DRIFT", "VALIDATE_DATA_SKEW", "COMPARE", "CALIBRATION", "LIFT",
    "SLICE_METRICS", "FAIRNESS",
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
