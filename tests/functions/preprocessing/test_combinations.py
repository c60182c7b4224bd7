"""ML.POLYNOMIAL_EXPAND and ML.FEATURE_CROSS."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import PolynomialFeatures

from sqlml.errors import DataError


def texts(*names: str, **values: object) -> dict[str, Any]:
    return {name: ("VARCHAR", [values.get(name, name.upper())]) for name in names}


def test_polynomial_expand(preprocess: Any) -> None:
    (found,) = preprocess("ML.POLYNOMIAL_EXPAND", {"f1": ("INTEGER", [2]), "f2": ("DECIMAL(5,1)", [3.5])})
    assert list(found.items()) == [("f1", 2.0), ("f1_f1", 4.0), ("f1_f2", 7.0), ("f2", 3.5), ("f2_f2", 12.25)]


def test_polynomial_expand_gives_float64(preprocess: Any) -> None:
    found = preprocess.type("ML.POLYNOMIAL_EXPAND", {"x": ("UTINYINT", [200]), "y z": ("DECIMAL(38,0)", [1])})
    assert found == 'STRUCT(x DOUBLE, x_x DOUBLE, "x_y z" DOUBLE, "y z" DOUBLE, "y z_y z" DOUBLE)'


def test_polynomial_expand_degrees(preprocess: Any) -> None:
    columns = {"a": ("DOUBLE", [2]), "b": ("DOUBLE", [3])}
    assert preprocess("ML.POLYNOMIAL_EXPAND", columns, degree=1) == [{"a": 2, "b": 3}]
    (cubic,) = preprocess("ML.POLYNOMIAL_EXPAND", columns, degree=3)
    assert list(cubic) == ["a", "a_a", "a_a_a", "a_a_b", "a_b", "a_b_b", "b", "b_b", "b_b_b"]
    assert list(cubic.values()) == [2, 4, 8, 12, 6, 18, 3, 9, 27]


def test_polynomial_expand_of_null(preprocess: Any) -> None:
    (found,) = preprocess("ML.POLYNOMIAL_EXPAND", {"a": ("DOUBLE", [None]), "b": ("DOUBLE", [3])})
    assert found == {"a": None, "a_a": None, "a_b": None, "b": 3, "b_b": 9}


@pytest.mark.parametrize(("fields", "degree"), [(1, 4), (3, 2), (5, 3), (10, 4)])
def test_polynomial_expand_equals_scikit_learn_s(preprocess: Any, fields: int, degree: int) -> None:
    rows = np.random.default_rng(0).normal(size=(5, fields))
    names = [f"x{index}" for index in range(fields)]
    found = preprocess("ML.POLYNOMIAL_EXPAND", {name: ("DOUBLE", rows[:, index]) for index, name in enumerate(names)}, degree=degree)
    features = PolynomialFeatures(degree, include_bias=False).fit(rows)
    expected_names = ["_".join(np.repeat(names, powers)) for powers in features.powers_]
    assert set(found[0]) == set(expected_names)
    for row, expected in zip(found, features.transform(rows), strict=True):
        np.testing.assert_allclose([row[name] for name in expected_names], expected, rtol=1e-14)


def test_feature_cross(preprocess: Any) -> None:
    (found,) = preprocess("ML.FEATURE_CROSS", texts("f1", "f2", "f3", f1="a", f2="b", f3="c"))
    assert list(found.items()) == [("f1_f2", "a_b"), ("f1_f3", "a_c"), ("f2_f3", "b_c")]


def test_feature_cross_degrees(preprocess: Any) -> None:
    (found,) = preprocess("ML.FEATURE_CROSS", texts("a", "b", "c"), degree=3)
    assert list(found.items()) == [("a_b", "A_B"), ("a_c", "A_C"), ("b_c", "B_C"), ("a_b_c", "A_B_C")]
    (found,) = preprocess("ML.FEATURE_CROSS", texts("a", "b"), degree=4)
    assert found == {"a_b": "A_B"}


def test_feature_cross_of_null_and_empty(preprocess: Any) -> None:
    assert preprocess("ML.FEATURE_CROSS", texts("a", "b", "c", b=None, c="")) == [{"a_b": None, "a_c": "A_", "b_c": None}]


def test_feature_cross_gives_strings(preprocess: Any) -> None:
    found = preprocess.type("ML.FEATURE_CROSS", {"a": ("ENUM('x')", ["x"]), 'b"c': ("VARCHAR", ["y"])})
    assert found == 'STRUCT("a_b""c" VARCHAR)'


def test_one_field_has_nothing_to_cross(preprocess: Any) -> None:
    with pytest.raises(DataError, match="at least 2 fields"):
        preprocess("ML.FEATURE_CROSS", texts("a"))


def test_combinations_of_one_name(preprocess: Any) -> None:
    with pytest.raises(DataError, match='two combinations of the fields would be named "a_a"'):
        preprocess("ML.POLYNOMIAL_EXPAND", {"A": ("DOUBLE", [1]), "a_a": ("DOUBLE", [1])})
    with pytest.raises(DataError, match='named "a_b_c"'):
        preprocess("ML.FEATURE_CROSS", texts("a", "b", "c", "b_c"), degree=3)


@pytest.mark.parametrize(
    ("function", "degree"), [("ML.POLYNOMIAL_EXPAND", 0), ("ML.POLYNOMIAL_EXPAND", 5), ("ML.FEATURE_CROSS", 1), ("ML.FEATURE_CROSS", 5)]
)
def test_degrees_that_are_refused(preprocess: Any, function: str, degree: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        preprocess(function, texts("a", "b"), degree=degree)
