"""ML.BAG_OF_WORDS and BAG_OF_WORDS."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer
from vocabulary_calls import call, type_of

SAMPLE = [
    ["I", "like", "pie", "pie", "pie", None],
    ["yum", "yum", "pie", None],
    ["I", "yum", "pie", None],
    ["you", "like", "pie", "too", None],
]
WORDS = st.lists(st.lists(st.sampled_from(["a", "B", "b", "é", "", "aa"]), max_size=8), min_size=1, max_size=8)


def test_plain_sample_rows() -> None:
    expected = [[(None, 1), ("I", 1), ("like", 1), ("pie", 3)], [(None, 1), ("pie", 1), ("yum", 2)]]
    assert call("BAG_OF_WORDS", SAMPLE[:2]) == expected
    assert type_of("BAG_OF_WORDS", []) == "STRUCT(term VARCHAR, count BIGINT)[]"


def test_ml_sample_rows() -> None:
    """In two documents or more are I, like, pie, yum: 1 to 4."""
    found = call("ML.BAG_OF_WORDS", SAMPLE, top_k=32, frequency_threshold=2)
    assert found == [
        [(0, 1.0), (1, 1.0), (2, 1.0), (3, 3.0)],
        [(0, 1.0), (3, 1.0), (4, 2.0)],
        [(0, 1.0), (1, 1.0), (3, 1.0), (4, 1.0)],
        [(0, 3.0), (2, 1.0), (3, 1.0)],
    ]
    assert type_of("ML.BAG_OF_WORDS", []) == 'STRUCT("index" BIGINT, "value" DOUBLE)[]'


def test_frequency_counts_documents() -> None:
    """x occurs six times in one document, y once in each of five."""
    rows = [["x"] * 6 + ["y"], *[["y"]] * 4]
    assert call("ML.BAG_OF_WORDS", rows) == [[(0, 6.0), (1, 1.0)], *[[(1, 1.0)]] * 4]


def test_missing_and_empty_arrays() -> None:
    values = [None, [], [None], [None, "a", None]]
    assert call("BAG_OF_WORDS", values) == [None, [], [(None, 1)], [(None, 2), ("a", 1)]]
    assert call("ML.BAG_OF_WORDS", values, frequency_threshold=0) == [None, [], [(0, 1.0)], [(0, 2.0), (1, 1.0)]]
    assert call("ML.BAG_OF_WORDS", values) == [None, [], [(0, 1.0)], [(0, 3.0)]]


@settings(max_examples=40, deadline=None)
@given(WORDS)
def test_plain_counts(rows: list[list[str]]) -> None:
    assert call("BAG_OF_WORDS", rows) == [sorted(Counter(row).items()) for row in rows]


@settings(max_examples=40, deadline=None)
@given(WORDS)
def test_equals_scikit_learn(rows: list[list[str]]) -> None:
    if not any(rows):
        rows = [*rows, ["a"]]
    expected = CountVectorizer(analyzer=list).fit_transform(rows).toarray()
    dense = np.zeros(expected.shape)
    for row, pairs in enumerate(call("ML.BAG_OF_WORDS", rows, frequency_threshold=0)):
        assert pairs == sorted(pairs)
        for index, value in pairs:
            dense[row, index - 1] += value
    assert (dense == expected).all()
