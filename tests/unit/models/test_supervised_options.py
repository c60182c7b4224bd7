from __future__ import annotations

import pytest

from sqlml.errors import NotSupportedError
from sqlml.models._options import Option, OptionError, Options, String, check_options
from sqlml.models._supervised_options import (
    CLASS_WEIGHT_OPTIONS,
    LABEL_OPTIONS,
    REGISTRY_OPTIONS,
    SPLIT_OPTIONS,
    TUNING_OPTIONS,
    check_supervised,
    model_type_option,
)

DECLARED = (
    model_type_option("KIND"), *LABEL_OPTIONS, *SPLIT_OPTIONS, *CLASS_WEIGHT_OPTIONS, *TUNING_OPTIONS, *REGISTRY_OPTIONS,
    Option("instance_weight_col", String()),
)  # fmt: skip


def checked(**given: object) -> tuple[Options, list[str]]:
    options, notices = check_options(DECLARED, given, "model type KIND")
    check_supervised(options)
    return options, notices


def test_defaults_and_old_spellings() -> None:
    options, notices = checked(labels=["y"], model_type="kind")
    assert options["input_label_cols"] == ("y",)
    assert options["data_split_method"] == "AUTO_SPLIT"
    assert options["data_split_eval_fraction"] == 0.2
    assert notices == []
    assert checked(INPUT_LABEL_COLS="y")[0]["input_label_cols"] == ("y",)
    assert checked()[0]["input_label_cols"] == ("label",)


@pytest.mark.parametrize(("given", "kept"), [(0.301, 0.3), (0.005001, 0.01), (0.994, 0.99)])
def test_fractions_keep_two_decimals(given: float, kept: float) -> None:
    assert checked(data_split_method="RANDOM", data_split_eval_fraction=given)[0]["data_split_eval_fraction"] == kept


@pytest.mark.parametrize("value", [0, 0.004, 0.996, 1, 20.0, -0.1, True, "0.2", float("nan")])
def test_fractions_lie_between_0_and_1(value: object) -> None:
    with pytest.raises(OptionError, match="data_split_eval_fraction must be a number > 0 and < 1") as error:
        checked(data_split_method="RANDOM", data_split_eval_fraction=value)
    assert error.value.code == "option_value"


@pytest.mark.parametrize(
    ("given", "option", "code"),
    [
        ({"data_split_method": "CUSTOM"}, "data_split_method", "missing_option"),
        ({"data_split_method": "SEQ"}, "data_split_method", "missing_option"),
        ({"data_split_col": "t"}, "data_split_col", "option_not_applicable"),
        ({"data_split_col": "t", "data_split_method": "RANDOM"}, "data_split_col", "option_not_applicable"),
        ({"data_split_eval_fraction": 0.2}, "data_split_eval_fraction", "option_not_applicable"),
        (
            {"data_split_eval_fraction": 0.2, "data_split_method": "CUSTOM", "data_split_col": "t"},
            "data_split_eval_fraction", "option_not_applicable",
        ),
        ({"data_split_method": "SEQ", "data_split_col": "LABEL"}, "data_split_col", "option_value"),
        ({"input_label_cols": ["a", "b"]}, "input_label_cols", "option_value"),
        ({"input_label_cols": ["a"], "labels": ["a"]}, "labels", "duplicate_option"),
        ({"auto_class_weights": True, "class_weights": [("a", 1)]}, "class_weights", "options_exclude_each_other"),
        ({"instance_weight_col": "w", "class_weights": [("a", 1)]}, "instance_weight_col", "options_exclude_each_other"),
        ({"instance_weight_col": "w", "auto_class_weights": True}, "instance_weight_col", "options_exclude_each_other"),
        ({"class_weights": [("a", -1), ("b", 2)]}, "class_weights", "option_value"),
        ({"class_weights": [("a", 0), ("b", 0)]}, "class_weights", "option_value"),
        ({"vertex_ai_model_id": "m"}, "vertex_ai_model_id", "option_not_applicable"),
        ({"model_type": "other"}, "model_type", "option_value"),
    ],
)  # fmt: skip
def test_what_does_not_go_together(given: dict[str, object], option: str, code: str) -> None:
    with pytest.raises(OptionError) as error:
        checked(**given)
    assert (error.value.option, error.value.code) == (option, code)
    assert error.value.span is None


@pytest.mark.parametrize(
    "given",
    [
        {"data_split_method": "SEQ", "data_split_col": "t", "data_split_eval_fraction": 0.1},
        {"data_split_method": "CUSTOM", "data_split_col": "t"},
        {"auto_class_weights": False, "class_weights": [("0", 0.9), ("1", 0)]},
        {"data_split_test_fraction": 0.0, "max_parallel_trials": 1, "num_trials": None},
    ],
)
def test_what_goes_together(given: dict[str, object]) -> None:
    assert checked(**given)[1] == []


@pytest.mark.parametrize(
    "given", [{"num_trials": 10}, {"max_parallel_trials": 2}, {"hparam_tuning_objectives": "roc_auc"}, {"data_split_test_fraction": 0.1}]
)
def test_tuning_is_refused_with_its_reason(given: dict[str, object]) -> None:
    with pytest.raises(NotSupportedError, match="not available in this release") as error:
        checked(**given)
    assert error.value.code == "option_not_supported"


def test_registry_options_are_taken_with_a_notice() -> None:
    _, notices = checked(model_registry="vertex_ai", vertex_ai_model_version_aliases=["a"], kms_key_name="k")
    assert [notice.split(":")[0] for notice in notices] == [
        "option model_registry", "option vertex_ai_model_version_aliases", "option kms_key_name",
    ]  # fmt: skip


def test_types_without_some_of_the_blocks_are_checked_too() -> None:
    options, _ = check_options(LABEL_OPTIONS, {}, "it")
    check_supervised(options)
