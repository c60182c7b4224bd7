"""ML.LP_NORM, ML.NORMALIZER and ML.DISTANCE."""

from __future__ import annotations

import math
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy.spatial import distance as scipy_distance
from sklearn.preprocessing import Normalizer

from sqlml.errors import DataError

NAN, INF = math.nan, math.inf
KEYED = "STRUCT(k VARCHAR, v DOUBLE)[]"


def vectors(*values: object, type_: str = "DOUBLE[]") -> dict[str, Any]:
    return {"v": (type_, values)}


def two(a: object, b: object, type_: str = "DOUBLE[]", other: str | None = None) -> dict[str, Any]:
    return {"a": (type_, [a]), "b": (other or type_, [b])}


def keyed(**numbers: float | None) -> list[dict[str, Any]]:
    return [{"k": key, "v": number} for key, number in numbers.items()]


def test_lp_norm_check_value(preprocess: Any) -> None:
    assert preprocess("ML.LP_NORM", vectors([4.1, 0.5, 1.0]), degree=2) == [4.2497058721751557]


@pytest.mark.parametrize(
    ("degree", "expected"), [(0, 3), (0.0, 3), (1, 12), (2, math.sqrt(62)), (3, (27 + 8 + 343) ** (1 / 3)), (INF, 7), (400, 7)]
)
def test_lp_norm(preprocess: Any, degree: float, expected: float) -> None:
    assert preprocess("ML.LP_NORM", vectors([3, -2, 0, -7]), degree=degree) == [pytest.approx(expected, rel=1e-15, abs=0)]


@pytest.mark.parametrize("degree", [0, 1, 2, 2.5, INF])
def test_lp_norm_of_nothing(preprocess: Any, degree: float) -> None:
    assert preprocess("ML.LP_NORM", vectors(None, [], [None], [0, 0], [None, 5]), degree=degree) == [None, 0, 0, 0, 1 if degree == 0 else 5]


@pytest.mark.parametrize("degree", [1, 2, 2.5, 100, INF])
@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1e200, 1e300])
def test_lp_norm_of_extreme_numbers(preprocess: Any, degree: float, unit: float) -> None:
    (expected,) = preprocess("ML.LP_NORM", vectors([3, -4]), degree=degree)
    assert preprocess("ML.LP_NORM", vectors([3 * unit, -4 * unit]), degree=degree) == [pytest.approx(expected * unit, rel=1e-13, abs=0)]


@pytest.mark.parametrize("degree", [1, 2, 2.5, INF])
def test_lp_norm_of_infinity_and_nan(preprocess: Any, degree: float) -> None:
    infinite, nan = preprocess("ML.LP_NORM", vectors([1, -INF], [1, NAN]), degree=degree)
    assert infinite == INF
    assert math.isnan(nan)


@pytest.mark.parametrize("degree", [0.5, -1, NAN, "2", True, None, [2]])
def test_degrees_that_are_refused(preprocess: Any, degree: object) -> None:
    for function, literals in (("ML.LP_NORM", {"degree": degree}), ("ML.NORMALIZER", {"p": degree})):
        with pytest.raises(ValueError, match="must be 0, a number >= 1"):
            preprocess(function, vectors([1]), **literals)


def test_normalizer_check_value(preprocess: Any) -> None:
    assert preprocess("ML.NORMALIZER", vectors([4, 1, 2, 2, 0])) == [[0.8, 0.2, 0.4, 0.4, 0]]


def test_normalizer_keeps_null_and_zeros(preprocess: Any) -> None:
    assert preprocess("ML.NORMALIZER", vectors(None, [], [0, 0], [3, None, 4])) == [None, [], [0, 0], [0.6, None, 0.8]]
    assert preprocess("ML.NORMALIZER", vectors([0, 2, 4, None]), p=0) == [[0, 1, 2, None]]


@pytest.mark.parametrize("type_", ["INTEGER[]", "DECIMAL(9,2)[]", "FLOAT[]", "DOUBLE[3]", "UBIGINT[3]"])
def test_vectors_of_any_number(preprocess: Any, type_: str) -> None:
    assert preprocess.type("ML.NORMALIZER", vectors([1, 2, 2], type_=type_)) == "DOUBLE[]"
    assert preprocess("ML.NORMALIZER", vectors([1, 2, 2], type_=type_)) == [[1 / 3, 2 / 3, 2 / 3]]
    assert preprocess.type("ML.LP_NORM", vectors([1, 2, 2], type_=type_), degree=2) == "DOUBLE"
    for metric, expected in (("euclidean", 3), ("manhattan", 5), ("cosine", 1 - 8 / 9)):
        assert preprocess.type("ML.DISTANCE", two([1, 2, 2], [0, 0, 0], type_), type=metric) == "DOUBLE"
        other = [2, 2, 1] if metric == "cosine" else [0, 0, 0]
        assert preprocess("ML.DISTANCE", two([1, 2, 2], other, type_, "DOUBLE[]"), type=metric) == [
            pytest.approx(expected, rel=1e-14, abs=0)
        ]


@pytest.mark.parametrize(("p", "norm"), [(1, "l1"), (2, "l2"), (INF, "max")])
def test_normalizer_equals_scikit_learn_and_the_norm(preprocess: Any, p: float, norm: str) -> None:
    rows = np.random.default_rng(1).normal(size=(200, 6)) * 1000
    rows[7] = 0
    found = np.array(preprocess("ML.NORMALIZER", vectors(*rows.tolist()), p=p))
    np.testing.assert_allclose(found, Normalizer(norm).transform(rows), rtol=1e-14)
    norms = np.array(preprocess("ML.LP_NORM", vectors(*rows.tolist()), degree=p))
    assert (found == rows / np.where(norms == 0, 1, norms)[:, None]).all()


def test_distance_check_value(preprocess: Any) -> None:
    assert preprocess("ML.DISTANCE", two([4.1, 0.5, 1.0], [3.0, 0.0, 2.5])) == [1.926136028425822]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("EUCLIDEAN", scipy_distance.euclidean), ("MANHATTAN", scipy_distance.cityblock), ("COSINE", scipy_distance.cosine)],
)
def test_distance_equals_scipy_s(preprocess: Any, metric: str, expected: Any) -> None:
    a, b = np.random.default_rng(2).normal(size=(2, 200, 5))
    found = preprocess("ML.DISTANCE", {"a": ("DOUBLE[]", a), "b": ("DOUBLE[]", b)}, type=metric)
    np.testing.assert_allclose(found, [expected(x, y) for x, y in zip(a, b, strict=True)], rtol=1e-12, atol=1e-15)
    # The same by key, in any order, zeros left out.
    a[:, 1], b[:, 2] = 0, 0
    expected_of_sparse = [expected(x, y) for x, y in zip(a, b, strict=True)]
    sparse = [
        [[{"k": f"k{place}", "v": row[place]} for place in order if row[place] != 0] for row in rows]
        for rows, order in ((a.tolist(), [0, 1, 2, 3, 4]), (b.tolist(), [3, 0, 4, 2, 1]))
    ]
    found = preprocess("ML.DISTANCE", {"a": (KEYED, sparse[0]), "b": (KEYED, sparse[1])}, type=metric)
    np.testing.assert_allclose(found, expected_of_sparse, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("metric", ["EUCLIDEAN", "MANHATTAN", "COSINE"])
def test_distance_of_null(preprocess: Any, metric: str) -> None:
    for a, b in (([1], None), (None, [1]), (None, None), ([1, None], [1, 2]), ([1, 2], [None, 2])):
        assert preprocess("ML.DISTANCE", two(a, b), type=metric) == [None]
    for one, other in ((keyed(x=1), None), (None, keyed(x=1)), (keyed(x=None), keyed(x=1)), (keyed(x=1), keyed(y=None))):
        assert preprocess("ML.DISTANCE", two(one, other, KEYED), type=metric) == [None]
    assert preprocess("ML.DISTANCE", two(None, [1], '"NULL"', "DOUBLE[]"), type=metric) == [None]
    assert preprocess("ML.DISTANCE", two(keyed(x=1), None, KEYED, '"NULL"'), type=metric) == [None]


@pytest.mark.parametrize("metric", ["EUCLIDEAN", "MANHATTAN", "COSINE"])
def test_rows_do_not_disturb_one_another(preprocess: Any, metric: str) -> None:
    """The engine's functions look for NULL in the rows of a batch together."""
    rows = [([1, None], [1, 2]), ([3, 4], [4, 3]), (None, [1, 2]), ([1, 2], [4, None]), ([0, 0], [1, 1]), ([1], [2]), ([], [])] * 3
    given = {"a": ("DOUBLE[]", [a for a, _ in rows]), "b": ("DOUBLE[]", [b for _, b in rows])}
    found = preprocess("ML.DISTANCE", given, type=metric)
    np.testing.assert_equal(found, [preprocess("ML.DISTANCE", two(a, b), type=metric)[0] for a, b in rows])
    assert found.count(None) == 9


def test_distance_by_key(preprocess: Any) -> None:
    a, b = keyed(red=4.1, green=0.5, blue=1), keyed(blue=2.5, red=3)
    assert preprocess("ML.DISTANCE", two(a, b, KEYED)) == [1.926136028425822]
    assert preprocess("ML.DISTANCE", two(a, keyed(), KEYED), type="MANHATTAN") == [5.6]
    assert preprocess("ML.DISTANCE", two(keyed(), keyed(), KEYED)) == [0]
    assert preprocess("ML.DISTANCE", two(keyed(x=1), keyed(y=2), KEYED), type="COSINE") == [1]


@pytest.mark.parametrize(
    "type_", ["STRUCT(k BIGINT, v INTEGER)[]", "STRUCT(key INTEGER, number DECIMAL(9,2))[]", "STRUCT(a UTINYINT, b FLOAT)[3]"]
)
def test_keys_that_are_numbers(preprocess: Any, type_: str) -> None:
    names = type_.removeprefix("STRUCT(").replace(",", "").split()
    a, b = ([{names[0]: key, names[2]: number} for key, number in pairs] for pairs in ([(7, 1), (1, 2), (3, 2)], [(1, 2), (8, 2), (7, 3)]))
    assert preprocess("ML.DISTANCE", two(a, b, type_), type="MANHATTAN") == [6]


def test_pairs_without_names_are_keyed_too(preprocess: Any) -> None:
    a, b = "[row('x', 1.5), row('y', 2)]", "[row('y', 4)]"
    connection = preprocess.connection
    connection.execute(f"CREATE TABLE pairs AS SELECT {a} AS a, {b} AS b")
    (type_,) = {row[1].split("[")[0] for row in connection.execute("DESCRIBE pairs").fetchall() if row[0] == "a"}
    assert type_.startswith(("TUPLE", "STRUCT"))
    arguments = preprocess.arguments("ML.DISTANCE", {"a": (f"{type_}[]", []), "b": (f"{type_}[]", [])}, {})
    from sqlml.functions.distance import SPEC

    assert connection.execute(f"SELECT {SPEC.expression(arguments, ())} FROM pairs").fetchall() == [(2.5,)]


@pytest.mark.parametrize("metric", ["EUCLIDEAN", "MANHATTAN", "COSINE"])
def test_vectors_that_do_not_match(preprocess: Any, metric: str) -> None:
    with pytest.raises(duckdb.Error, match=r"ML\.DISTANCE: the vectors must have the same length, got 2 and 1"):
        preprocess("ML.DISTANCE", two([1, 2], [1]), type=metric)
    with pytest.raises(duckdb.Error, match=r"ML\.DISTANCE: a vector has the same key twice"):
        preprocess("ML.DISTANCE", two(keyed(x=1), keyed(y=1) + keyed(x=2) + keyed(y=1), KEYED), type=metric)
    with pytest.raises(duckdb.Error, match=r"ML\.DISTANCE: a key of a vector is NULL"):
        preprocess("ML.DISTANCE", two([{"k": None, "v": 1}], keyed(x=1), KEYED), type=metric)
    with pytest.raises(DataError, match="same type"):
        preprocess("ML.DISTANCE", two(keyed(x=1), [1], KEYED, "DOUBLE[]"), type=metric)


@pytest.mark.parametrize(
    "element", ["STRUCT(k VARCHAR)", "STRUCT(k VARCHAR, v VARCHAR)", "STRUCT(k DOUBLE, v DOUBLE)", "STRUCT(a BIGINT, b BIGINT, c BIGINT)"]
)
def test_elements_that_are_no_pairs(preprocess: Any, element: str) -> None:
    with pytest.raises(DataError, match="the elements of vector1 must be numbers or"):
        preprocess.arguments("ML.DISTANCE", two([], [], f"{element}[]"), {})


def test_keys_of_two_types(preprocess: Any) -> None:
    with pytest.raises(DataError, match="the keys of both vectors must be of the same type"):
        preprocess.arguments("ML.DISTANCE", two([], [], KEYED, "STRUCT(k BIGINT, v DOUBLE)[]"), {})


def test_a_vector_of_zeros_has_no_direction(preprocess: Any) -> None:
    for a, b in (([0, 0], [1, 2]), ([1, 2], [0, 0]), ([0.0], [0.0]), ([], [])):
        assert math.isnan(preprocess("ML.DISTANCE", two(a, b), type="COSINE")[0])


@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1e200, 1e300])
def test_distances_of_extreme_numbers(preprocess: Any, unit: float) -> None:
    a, b = [3 * unit, 0], [0, 4 * unit]
    assert preprocess("ML.DISTANCE", two(a, b)) == [pytest.approx(5 * unit, rel=1e-14, abs=0)]
    assert preprocess("ML.DISTANCE", two(a, b), type="MANHATTAN") == [pytest.approx(7 * unit, rel=1e-14, abs=0)]
    assert preprocess("ML.DISTANCE", two(a, b), type="COSINE") == [pytest.approx(1, rel=1e-14, abs=0)]


def test_distance_of_infinity_and_nan(preprocess: Any) -> None:
    for metric in ("EUCLIDEAN", "MANHATTAN", "COSINE"):
        assert math.isnan(preprocess("ML.DISTANCE", two([1, NAN], [1, 2]), type=metric)[0])
    assert preprocess("ML.DISTANCE", two([1, -INF], [1, 2])) == [INF]
    assert preprocess("ML.DISTANCE", two([1, 2], [1, 2])) == [0]


def test_distance_type_is_one_of_three(preprocess: Any) -> None:
    with pytest.raises(ValueError, match="must be one of 'EUCLIDEAN', 'MANHATTAN', 'COSINE'"):
        preprocess("ML.DISTANCE", two([1], [1]), type="DOT_PRODUCT")
