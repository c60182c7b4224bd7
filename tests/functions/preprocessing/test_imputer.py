"""ML.IMPUTER."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sqlml.errors import DataError


def test_mean(preprocess: Any) -> None:
    values = [-3, None, -3, -3, 1, 2, 3, 4, 5]
    assert preprocess("ML.IMPUTER", {"x": ("BIGINT", values)}, strategy="mean") == [-3, 0.75, -3, -3, 1, 2, 3, 4, 5]


def test_median_is_a_number_of_the_column(preprocess: Any) -> None:
    assert preprocess("ML.IMPUTER", {"x": ("DOUBLE", [4, 1, None, 2, 9])}, strategy="median") == [4, 1, 2, 2, 9]


def test_most_frequent(preprocess: Any) -> None:
    numbers = {"x": ("INTEGER", [7, None, None, None, 2, 7, 2, 1])}
    assert preprocess("ML.IMPUTER", numbers, strategy="most_frequent") == [7, 2, 2, 2, 2, 7, 2, 1]
    strings = {"x": ("VARCHAR", ["b", None, None, None, "a", "b", "a", ""])}
    assert preprocess("ML.IMPUTER", strings, strategy="MOST_FREQUENT") == ["b", "a", "a", "a", "a", "b", "a", ""]


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent"])
@pytest.mark.parametrize("type_", ["DOUBLE", "SMALLINT", "DECIMAL(9,2)", "UBIGINT"])
def test_numbers_give_float64(preprocess: Any, strategy: str, type_: str) -> None:
    assert preprocess.type("ML.IMPUTER", {"x": (type_, [1])}, strategy=strategy) == "DOUBLE"


@pytest.mark.parametrize("type_", ["VARCHAR", "ENUM('a', 'b')"])
def test_strings_give_string(preprocess: Any, type_: str) -> None:
    values = {"x": (type_, ["b", None, "b", "a"])}
    assert preprocess.type("ML.IMPUTER", values, strategy="most_frequent") == "VARCHAR"
    assert preprocess("ML.IMPUTER", values, strategy="most_frequent") == ["b", "b", "b", "a"]


def test_nothing_to_learn_from_leaves_null(preprocess: Any) -> None:
    for strategy in ("mean", "median", "most_frequent"):
        assert preprocess("ML.IMPUTER", {"x": ("DOUBLE", [None, None])}, strategy=strategy) == [None, None]


def test_what_was_learned_is_applied(preprocess: Any) -> None:
    given, training = {"x": ("DOUBLE", [None, 100, math.inf])}, {"x": ("DOUBLE", [1, 2, 6])}
    assert preprocess("ML.IMPUTER", given, training=training, strategy="mean") == [3, 100, math.inf]
    assert preprocess("ML.IMPUTER", given, training=training, strategy="median") == [2, 100, math.inf]


def test_nan_is_a_number(preprocess: Any) -> None:
    assert math.isnan(preprocess("ML.IMPUTER", {"x": ("DOUBLE", [math.nan, 1, 1])}, strategy="most_frequent")[0])


@pytest.mark.parametrize("strategy", ["mean", "median"])
def test_strings_have_no_mean(preprocess: Any, strategy: str) -> None:
    with pytest.raises(DataError, match=f"strategy '{strategy}' takes a number, got VARCHAR") as failed:
        preprocess("ML.IMPUTER", {"x": ("VARCHAR", ["a"])}, strategy=strategy)
    assert failed.value.code == "function_argument"


def test_the_type_must_be_known_for_the_most_frequent(preprocess: Any) -> None:
    with pytest.raises(DataError, match="type of the expression is not known"):
        preprocess("ML.IMPUTER", {"x": ("DOUBLE", [1])}, known=False, strategy="most_frequent")
    assert preprocess("ML.IMPUTER", {"x": ("INTEGER", [1, None])}, known=False, strategy="mean") == [1, 1]
