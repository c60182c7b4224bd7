"""Options that the supervised model types share, and the rules between them.

Each tuple is one block of BigQuery's reference; a model type puts the blocks that it has in front of its own options. What the split
methods do is `training`'s business, what a class weight does to a loss is the learner's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sqlml.models._options import (
    Boolean,
    Effect,
    Integer,
    Option,
    OptionError,
    Options,
    OptionType,
    Pairs,
    String,
    StringList,
)

_NO_TUNING = "hyperparameter tuning is not available in this release; give each option one value"
_METHODS_WITH_FRACTION = ("RANDOM", "SEQ")
_METHODS_WITH_COLUMN = ("CUSTOM", "SEQ")


@dataclass(frozen=True)
class Fraction(OptionType):
    """A share of the rows, kept to two decimals as BigQuery does; the ends count after rounding."""

    zero: bool = False
    """Whether 0 is a value."""

    def convert(self, value: object) -> float:
        range_ = f"must be a number {'>=' if self.zero else '>'} 0 and < 1, rounded to two decimals"
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(range_)
        rounded = round(float(value), 2)
        if not (0.0 <= rounded < 1.0) or (rounded == 0.0 and not (self.zero and value == 0)):
            raise ValueError(range_)
        return rounded

    def describe(self) -> str:
        return f"FLOAT64 {'>=' if self.zero else '>'} 0 and < 1"


def model_type_option(model_type: str) -> Option:
    """`model_type` as the model type itself shows it; the planner reads the statement's value to find the type."""
    return Option("model_type", String((model_type,)), default=model_type, doc="The model type; required.")


LINEAGE_OPTIONS = (
    Option(
        "lineage_partition_col", String(),
        doc="A column of tables that the query reads: the version records rows and a fingerprint for each of its values, so that it can be "
        "told which of them have changed. sqlml's own; files in folders column=value have this without it.",
    ),
)  # fmt: skip
"""Of every model type."""

LABEL_OPTIONS = (
    Option(
        "input_label_cols", StringList(length=1), default=("label",), aliases=("labels",),
        doc="The column to predict. Every other column of the query is a feature.",
    ),
)  # fmt: skip

SPLIT_OPTIONS = (
    Option(
        "data_split_method", String(("AUTO_SPLIT", "RANDOM", "CUSTOM", "SEQ", "NO_SPLIT")), default="AUTO_SPLIT",
        doc="Which rows evaluate. AUTO_SPLIT: none below 500 rows, a random 20 % up to 50,000, about 10,000 rows above. RANDOM: by the "
        "content of the row. CUSTOM: data_split_col is a BOOLEAN, TRUE or NULL evaluates. SEQ: the last rows by data_split_col evaluate. "
        "NO_SPLIT: all train.",
    ),
    Option(
        "data_split_eval_fraction", Fraction(), default=0.2,
        doc="Share of rows that evaluate, for RANDOM and SEQ, two decimals. RANDOM without it behaves as AUTO_SPLIT.",
    ),
    Option(
        "data_split_test_fraction", Fraction(zero=True), default=0.0, effect=Effect.REJECTED,
        reason="a test set exists only with hyperparameter tuning, which is not available in this release",
        doc="Share of rows kept for the final test of tuning.",
    ),
    Option("data_split_col", String(), doc="The column that CUSTOM and SEQ split by; no feature."),
)  # fmt: skip

CLASS_WEIGHT_OPTIONS = (
    Option(
        "auto_class_weights", Boolean(), default=False,
        doc="Weighs the rows of a class by n_rows / (n_classes * rows of the class), so that all classes count the same.",
    ),
    Option(
        "class_weights", Pairs(),
        doc="The weight of every class, as [('class', weight), …]; classes are written as strings whatever the label's type.",
    ),
)  # fmt: skip

TUNING_OPTIONS = (
    Option("num_trials", Integer(ge=1, le=100), effect=Effect.REJECTED, reason=_NO_TUNING, doc="Number of models to try; turns tuning on."),
    Option(
        "max_parallel_trials", Integer(ge=1, le=5), default=1, effect=Effect.REJECTED, reason=_NO_TUNING,
        doc="Models to try at the same time.",
    ),
    Option(
        "hparam_tuning_algorithm", String(("VIZIER_DEFAULT", "RANDOM_SEARCH", "GRID_SEARCH")), default="VIZIER_DEFAULT",
        effect=Effect.REJECTED, reason=_NO_TUNING, doc="How tuning chooses what to try next.",
    ),
    Option(
        "hparam_tuning_objectives", StringList(length=1), effect=Effect.REJECTED, reason=_NO_TUNING,
        doc="The metric that tuning improves.",
    ),
)  # fmt: skip

_NO_REGISTRY = "there is no model registry on this machine; the model lives in the database's own catalog"

REGISTRY_OPTIONS = (
    Option("model_registry", String(("VERTEX_AI",)), effect=Effect.NOTICE, reason=_NO_REGISTRY, doc="Registers the model after training."),
    Option(
        "vertex_ai_model_id", String(), effect=Effect.NOTICE, reason=_NO_REGISTRY, only_if=("model_registry", "VERTEX_AI"),
        doc="The model's name in the registry.",
    ),
    Option(
        "vertex_ai_model_version_aliases", StringList(), effect=Effect.NOTICE, only_if=("model_registry", "VERTEX_AI"),
        reason=f"{_NO_REGISTRY}; ALTER MODEL … SET ALIAS names a version", doc="The version's aliases in the registry.",
    ),
    Option(
        "kms_key_name", String(), effect=Effect.NOTICE,
        reason="there is no key management service on this machine; the model is stored as the rest of the database is",
        doc="The key that encrypts the model.",
    ),
)  # fmt: skip


def check_supervised(options: Options) -> None:
    """Rules between the options above, for the blocks that a model type has.

    Raises: OptionError `missing_option`, `option_not_applicable`, `option_value`, `options_exclude_each_other`.
    """
    _check_split(options)
    _check_weights(options)


def _check_split(options: Options) -> None:
    method = options.get("data_split_method")
    if method is None:
        return
    column = options["data_split_col"]
    if method in _METHODS_WITH_COLUMN and not column:
        raise OptionError(
            "data_split_method", f"data_split_method = '{method}' needs data_split_col", code="missing_option",
            hint="name the column to split by, as data_split_col = 'column'",
        )  # fmt: skip
    if column is not None and method not in _METHODS_WITH_COLUMN:
        raise OptionError(
            "data_split_col", f"option data_split_col applies only with data_split_method = 'CUSTOM' or 'SEQ', got '{method}'",
            code="option_not_applicable", hint="set data_split_method, or leave data_split_col out",
        )  # fmt: skip
    if "data_split_eval_fraction" in options.given and method not in _METHODS_WITH_FRACTION:
        raise OptionError(
            "data_split_eval_fraction",
            f"option data_split_eval_fraction applies only with data_split_method = 'RANDOM' or 'SEQ', got '{method}'",
            code="option_not_applicable", hint="add data_split_method = 'RANDOM', or leave the fraction out",
        )  # fmt: skip
    label = options["input_label_cols"][0]
    if column is not None and column.casefold() == label.casefold():
        raise OptionError("data_split_col", f'data_split_col must not be the label, got "{column}"', hint="split by another column")


def _check_weights(options: Options) -> None:
    weights = options.get("class_weights")
    automatic = options.get("auto_class_weights")
    if weights is not None and automatic:
        raise OptionError(
            "class_weights", "class_weights and auto_class_weights = TRUE exclude each other", code="options_exclude_each_other",
            hint="keep one of them",
        )  # fmt: skip
    if options.get("instance_weight_col") is not None and (weights is not None or automatic):
        other = "class_weights" if weights is not None else "auto_class_weights"
        raise OptionError(
            "instance_weight_col", f"instance_weight_col and {other} exclude each other",
            code="options_exclude_each_other", hint="keep one of them, or multiply the class weight into the column",
        )  # fmt: skip
    if weights is None:
        return
    for name, weight in weights:
        if weight < 0.0:
            raise OptionError("class_weights", f"option class_weights must not be negative, got {weight:g} for '{name}'")
    if not any(weight > 0.0 for _, weight in weights):
        raise OptionError("class_weights", "option class_weights must hold a weight > 0")
