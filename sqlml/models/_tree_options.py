"""Options of the four tree types, and what they are called in XGBoost.

Source: BigQuery's reference of BOOSTED_TREE_* and RANDOM_FOREST_*.
"""

from __future__ import annotations

from typing import Literal

from sqlml.features.layout import EncodingRules
from sqlml.models._options import Boolean, Effect, Float, Integer, Option, OptionError, Options, OptionType, String
from sqlml.models._supervised_options import (
    LABEL_OPTIONS,
    LINEAGE_OPTIONS,
    REGISTRY_OPTIONS,
    SPLIT_OPTIONS,
    TUNING_OPTIONS,
    check_supervised,
    model_type_option,
)
from sqlml.models._xgboost.trees import MAX_DEPTH

_SHARE = Float(ge=0.0, le=1.0)
_COLUMN_SAMPLES = ("colsample_bytree", "colsample_bylevel", "colsample_bynode")
_NO_EFFECT = "Without effect: a forest is one iteration."
_ONE_ITERATION = "a random forest is a single iteration, so there is nothing to stop early"

_TREE_METHOD = Option(
    "tree_method", String(("AUTO", "EXACT", "APPROX", "HIST")), default="AUTO",
    doc="How splits are found. AUTO and HIST: among up to 256 quantiles of each column (fewer above 512 columns, 32 at least), in bounded "
    "memory. APPROX: among quantiles made anew for "
    "every iteration. EXACT: among all values, categories being ordered numbers. APPROX and EXACT keep the whole matrix in memory.",
)  # fmt: skip

BOOSTING_OPTIONS = (
    Option("booster_type", String(("GBTREE", "DART")), default="GBTREE", doc="DART drops some of the earlier trees while it adds one."),
    Option(
        "dart_normalize_type", String(("TREE", "FOREST")), default="TREE", only_if=("booster_type", "DART"),
        doc="Weight of a new tree in DART. TREE: that of each dropped tree. FOREST: that of all dropped trees together.",
    ),
    Option("dropout", _SHARE, default=0.0, tunable=True, only_if=("booster_type", "DART"), doc="Share of earlier trees that DART drops."),
    Option("learn_rate", Float(ge=0.0), default=0.3, tunable=True, doc="Share of its best step that each tree takes."),
    Option(
        "max_iterations", Integer(ge=1), default=20,
        doc="Most iterations; each adds num_parallel_tree trees, for every class when there are more than two.",
    ),
    Option("early_stop", Boolean(), default=True, doc="Whether to stop after an iteration that improves the loss too little."),
    Option(
        "min_rel_progress", Float(ge=0.0), default=0.01,
        doc="Least relative fall of the loss (of the evaluation rows, else of the training rows) that lets early_stop go on.",
    ),
    Option(
        "category_encoding_method", String(("LABEL_ENCODING", "ONE_HOT_ENCODING", "TARGET_ENCODING")), default="LABEL_ENCODING",
        doc="LABEL_ENCODING: XGBoost's native categories; a split parts the categories into two sets, whatever their order. "
        "With more than 65,536 categories the codes are ordered numbers. ONE_HOT_ENCODING: a column for every category. TARGET_ENCODING: a "
        "column with the mean label of the category's training rows, or one per class with the share of it.",
    ),
)  # fmt: skip
"""Of boosted trees only."""

FOREST_OPTIONS = (
    Option("early_stop", Boolean(), default=True, effect=Effect.NOTICE, reason=_ONE_ITERATION, doc=_NO_EFFECT),
    Option("min_rel_progress", Float(ge=0.0), default=0.01, effect=Effect.NOTICE, reason=_ONE_ITERATION, doc=_NO_EFFECT),
)  # fmt: skip
"""Of random forests only."""


def tree_options(
    model_type: str,
    own: tuple[Option, ...],
    *,
    n_parallel_trees: Option,
    depth: int,
    subsample: Option,
    colsample_bynode: float,
) -> tuple[Option, ...]:
    """All options of a tree type, those with ranges and defaults of its own given."""
    return (
        model_type_option(model_type),
        *LABEL_OPTIONS,
        *own,
        n_parallel_trees,
        Option("max_tree_depth", Integer(ge=1, le=MAX_DEPTH), default=depth, tunable=True, doc="Most splits from the root to a leaf."),
        subsample,
        Option("colsample_bytree", _SHARE, default=1.0, tunable=True, doc="Share of the columns that a tree may use."),
        Option("colsample_bylevel", _SHARE, default=1.0, tunable=True, doc="Share of those that a level of a tree may use."),
        Option("colsample_bynode", _SHARE, default=colsample_bynode, tunable=True, doc="Share of those that a split may use."),
        _TREE_METHOD,
        Option(
            "min_tree_child_weight", Integer(ge=0), default=1, tunable=True,
            doc="Least sum of the loss's second derivatives in a child of a split; for regression the number of rows.",
        ),
        Option("min_split_loss", Float(ge=0.0), default=0.0, tunable=True, doc="Least fall of the loss that makes a split."),
        Option("l1_reg", Float(ge=0.0), default=0.0, tunable=True, doc="Penalty on the absolute scores of leaves."),
        Option("l2_reg", Float(ge=0.0), default=1.0, tunable=True, doc="Penalty on the squared scores of leaves."),
        Option("instance_weight_col", String(), doc="A numeric column that weighs the rows; no feature."),
        Option(
            "xgboost_version", String(("0.9", "1.1", "2.1")), effect=Effect.NOTICE,
            reason="trees are trained by the XGBoost that is installed, whose version is recorded with the model",
            doc="The XGBoost release that BigQuery would train with.",
        ),
        Option(
            "enable_global_explain", Boolean(), default=False,
            doc="Whether training keeps the mean attribution of every feature for ML.GLOBAL_EXPLAIN.",
        ),
        Option(
            "approx_global_feature_contrib", Boolean(), only_if=("enable_global_explain", True),
            doc="Whether those are a fast approximation of Shapley values; by default from "
            f"{approximate_from(model_type)} parallel trees on.",
        ),
        *SPLIT_OPTIONS,
        *TUNING_OPTIONS,
        *LINEAGE_OPTIONS,
        *REGISTRY_OPTIONS,
    )  # fmt: skip


def sample_option(type_: OptionType, default: float) -> Option:
    return Option("subsample", type_, default=default, tunable=True, doc="Share of the rows that an iteration's trees are grown from.")


def parallel_trees_option(least: int, default: int) -> Option:
    return Option("num_parallel_tree", Integer(ge=least), default=default, tunable=True, doc="Trees grown side by side in an iteration.")


def approximate_from(model_type: str) -> int:
    """The num_parallel_tree from which on global attributions are approximate unless the statement says otherwise."""
    return 50 if model_type.startswith("RANDOM_FOREST") else 10


_CATEGORIES: dict[str | None, Literal["one_hot", "codes", "target"]] = {
    "ONE_HOT_ENCODING": "one_hot",
    "TARGET_ENCODING": "target",
}


def encoding(options: Options) -> EncodingRules:
    """Numbers as they are and missing where NULL; categories as codes, as one column each, or as what the label was like in their rows."""
    categories = _CATEGORIES.get(options.get("category_encoding_method"), "codes")
    return EncodingRules(numbers="raw", impute=False, categories=categories, dtype="float32")


def check_forest(options: Options) -> None:
    """Rules between the options of random forests.

    Raises: OptionError.
    """
    check_supervised(options)
    if all(options[name] == 1.0 for name in _COLUMN_SAMPLES):
        given = [name for name in reversed(_COLUMN_SAMPLES) if name in options.given]
        raise OptionError(
            given[0], "one of colsample_bytree, colsample_bylevel and colsample_bynode must be < 1 in a random forest, got 1 for all",
            hint="leave colsample_bynode at its default of 0.8",
        )  # fmt: skip


def growth_parameters(options: Options) -> dict[str, object]:
    """XGBoost's names for the options of a tree that all four types have."""
    return {
        "num_parallel_tree": options["num_parallel_tree"],
        "max_depth": options["max_tree_depth"],
        "subsample": options["subsample"],
        **{name: options[name] for name in _COLUMN_SAMPLES},
        "min_child_weight": options["min_tree_child_weight"],
        "gamma": options["min_split_loss"],
        "alpha": options["l1_reg"],
        "lambda": options["l2_reg"],
    }
