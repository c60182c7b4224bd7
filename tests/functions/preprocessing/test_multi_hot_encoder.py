"""ML.MULTI_HOT_ENCODER."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import MultiLabelBinarizer
from vocabulary_calls import call, type_of

SAMPLE = [["a", "b", "b", "c", None], ["c", "c", "d", "d", None]]


def test_sample_rows() -> None:
    found = call("ML.MULTI_HOT_ENCODER", SAMPLE, top_k=3, frequency_threshold=1)
    assert found == [[(1, 1.0), (2, 1.0), (3, 1.0), (0, 1.0)], [(3, 1.0), (0, 1.0)]]
    assert type_of("ML.MULTI_HOT_ENCODER", []) == 'STRUCT("index" BIGINT, "value" DOUBLE)[]'


def test_a_category_counts_once_per_row() -> None:
    """c is in two rows; b and d are in one, twice each."""
    assert call("ML.MULTI_HOT_ENCODER", SAMPLE, frequency_threshold=2) == [[(1, 1.0), (0, 1.0)], [(1, 1.0), (0, 1.0)]]


def test_missing_and_empty_arrays() -> None:
    values = [None, [], [None], ["unseen", None], ["a"]]
    expected = [[(0, 1.0)], [], [(0, 1.0)], [(0, 1.0)], [(1, 1.0)]]
    assert call("ML.MULTI_HOT_ENCODER", values, trained=[["a"]], frequency_threshold=0) == expected


def test_no_vocabulary() -> None:
    assert call("ML.MULTI_HOT_ENCODER", [["a", "b"], [], None]) == [[(0, 1.0)], [], [(0, 1.0)]]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["a", "b", "cc", "é", "", " "]), max_size=5), min_size=1, max_size=12))
def test_equals_scikit_learn(rows: list[list[str]]) -> None:
    expected = MultiLabelBinarizer().fit_transform(rows)
    dense = np.zeros(expected.shape)
    for row, pairs in enumerate(call("ML.MULTI_HOT_ENCODER", rows, frequency_threshold=0)):
        assert pairs == sorted(pairs)
        for index, value in pairs:
            dense[row, index - 1] += value
    assert (dense == expected).all()
