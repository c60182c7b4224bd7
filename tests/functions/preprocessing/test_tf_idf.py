"""ML.TF_IDF and TF_IDF."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from vocabulary_calls import call, type_of

SAMPLE = [
    ["I", "like", "pie", "pie", "pie", None],
    ["yum", "yum", "pie", None],
    ["I", "yum", "pie", None],
    ["you", "like", "pie", "too", None],
]
UP_TO_TEN = [
    [(None, 0.1304033435859887), ("I", 0.1412163100645339), ("like", 0.1412163100645339), ("pie", 0.29389333245105953)],
    [(None, 0.1956050153789831), ("pie", 0.14694666622552977), ("yum", 0.4236489301936017)],
    [(None, 0.1956050153789831), ("I", 0.21182446509680086), ("pie", 0.14694666622552977), ("yum", 0.21182446509680086)],
    [(None, 0.4694520369095594), ("like", 0.1694595720774407), ("pie", 0.11755733298042381)],
]
UP_TO_THREE = [
    [(None, 0.12679902142647365), ("I", 0.1412163100645339), ("like", 0.1412163100645339), ("pie", 0.29389333245105953)],
    [(None, 0.5705955964191315), ("pie", 0.14694666622552977)],
    [(None, 0.380397064279421), ("I", 0.21182446509680086), ("pie", 0.14694666622552977)],
    [(None, 0.45647647713530515), ("like", 0.1694595720774407), ("pie", 0.11755733298042381)],
]


def close(rows: Sequence[Sequence[tuple[object, float]]]) -> list[list[tuple[object, object]]]:
    return [[(key, pytest.approx(weight, rel=1e-15)) for key, weight in row] for row in rows]


@pytest.mark.parametrize(("most", "expected"), [(10, UP_TO_TEN), (3, UP_TO_THREE)])
def test_plain_sample_rows(most: int, expected: list[list[tuple[object, float]]]) -> None:
    assert call("TF_IDF", SAMPLE, max_distinct_tokens=most, frequency_threshold=2) == close(expected)
    assert type_of("TF_IDF", []) == "STRUCT(term VARCHAR, tf_idf DOUBLE)[]"


@pytest.mark.parametrize(
    ("most", "terms", "expected"), [(10, [None, "I", "like", "pie", "yum"], UP_TO_TEN), (3, [None, "I", "like", "pie"], UP_TO_THREE)]
)
def test_ml_sample_rows(most: int, terms: list[str | None], expected: list[list[tuple[str | None, float]]]) -> None:
    numbered = [[(terms.index(term), weight) for term, weight in row] for row in expected]
    assert call("ML.TF_IDF", SAMPLE, top_k=most, frequency_threshold=2) == close(numbered)
    assert type_of("ML.TF_IDF", []) == 'STRUCT("index" BIGINT, "value" DOUBLE)[]'


def test_the_formula_by_hand() -> None:
    """Three documents; a is in two, b in three. Unknown tokens and NULLs weigh as the mean of the two."""
    trained = [["a", "b"], ["a", "b", "b"], ["b"], None]
    idf = {"a": math.log(1 + 3 / 3), "b": math.log(1 + 3 / 4)}
    values = [["b", "z", "a", "b", None], ["z"], [], None]
    mean = sum(idf.values()) / 2
    expected = [(0, 2 / 5 * mean), (1, 1 / 5 * idf["a"]), (2, 2 / 5 * idf["b"])]
    found = call("ML.TF_IDF", values, trained=trained, frequency_threshold=2)
    assert found[:2] == close([expected, [(0, mean)]])
    assert found[2:] == [[], None]
    plain = call("TF_IDF", values, trained=trained, frequency_threshold=2)
    assert plain == [[(["a", "b"][index - 1] if index else None, weight) for index, weight in row] for row in found[:2]] + found[2:]


def test_no_vocabulary_weighs_nothing() -> None:
    values = [["a", "b"], [None], [], None]
    assert call("ML.TF_IDF", values) == [[(0, 0.0)], [(0, 0.0)], [], None]
    assert call("TF_IDF", values) == [[(None, 0.0)], [(None, 0.0)], [], None]


def test_more_terms_than_are_written_out() -> None:
    rows = [[f"t{number:04}" for number in range(start, start + 3)] for start in range(600)]
    found = call("ML.TF_IDF", rows, frequency_threshold=0)
    assert found[0] == close([[(1, math.log(1 + 600 / 2) / 3), (2, math.log(1 + 600 / 3) / 3), (3, math.log(1 + 600 / 4) / 3)]])[0]
    assert found[599] == close([[(600, math.log(1 + 600 / 4) / 3), (601, math.log(1 + 600 / 3) / 3), (602, math.log(1 + 600 / 2) / 3)]])[0]


def test_order_of_terms_is_that_of_their_numbers() -> None:
    (row,) = call("TF_IDF", [["é", "b", "B", "", "z"]], frequency_threshold=0)
    assert [term for term, _ in row] == ["", "B", "b", "z", "é"]
