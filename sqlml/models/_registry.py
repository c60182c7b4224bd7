"""The closed table of model types: the only way from a stored name to code."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from sqlml.errors import NotSupportedError, ProgrammingError, did_you_mean
from sqlml.models._spec import ModelSpec

MODEL_TYPES = (
    "LINEAR_REG",
    "LOGISTIC_REG",
    "BOOSTED_TREE_CLASSIFIER",
    "BOOSTED_TREE_REGRESSOR",
    "RANDOM_FOREST_CLASSIFIER",
    "RANDOM_FOREST_REGRESSOR",
    "KMEANS",
    "PCA",
    "TRANSFORM_ONLY",
)
"""Each lives in the module of its name in lower case, as SPEC."""

NOT_YET = (
    "DNN_CLASSIFIER", "DNN_REGRESSOR", "DNN_LINEAR_COMBINED_CLASSIFIER", "DNN_LINEAR_COMBINED_REGRESSOR",
    "AUTOENCODER", "MATRIX_FACTORIZATION", "ARIMA_PLUS", "ARIMA_PLUS_XREG", "ARIMA", "AUTOML_CLASSIFIER", "AUTOML_REGRESSOR",
    "CONTRIBUTION_ANALYSIS", "ONNX", "TENSORFLOW", "TENSORFLOW_LITE", "XGBOOST",
)  # fmt: skip
"""BigQuery's types that sqlml knows by name and does not have."""

_INSTEAD = {"XGBOOST": "did you mean BOOSTED_TREE_CLASSIFIER or BOOSTED_TREE_REGRESSOR?"}
"""XGBOOST is a model that was trained elsewhere; here it is asked for by those who mean its trees."""


@cache
def find_model_type(name: str) -> ModelSpec:
    """The declaration of a model type, in any case.

    Raises: NotSupportedError `model_type_not_supported`; ProgrammingError `unknown_model_type`.
    """
    key = name.upper()
    if key in MODEL_TYPES:
        spec: ModelSpec = import_module(f"sqlml.models.{key.lower()}").SPEC
        return spec
    if key in NOT_YET:
        raise NotSupportedError(
            f"model type {key} is not available in this release", code="model_type_not_supported",
            hint=_INSTEAD.get(key) or f"available are {', '.join(MODEL_TYPES)}",
        )  # fmt: skip
    raise ProgrammingError(
        f'unknown model type "{name}"', code="unknown_model_type",
        hint=did_you_mean(name, MODEL_TYPES) or f"available are {', '.join(MODEL_TYPES)}",
    )  # fmt: skip
