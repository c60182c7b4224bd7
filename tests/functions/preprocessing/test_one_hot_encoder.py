"""ML.ONE_HOT_ENCODER."""

from __future__ import annotations

import numpy as np
from sklearn.preprocessing import OneHotEncoder
from vocabulary_calls import call, type_of


def test_sample_rows() -> None:
    expected = [[(0, 1.0)], [(1, 1.0)], [(2, 1.0)], [(3, 1.0)], [(4, 1.0)]]
    assert call("ML.ONE_HOT_ENCODER", [None, "a", "b", "c", "d"], frequency_threshold=0) == expected
    for drop in ("none", "most_frequent"):
        assert type_of("ML.ONE_HOT_ENCODER", "a", drop=drop) == 'STRUCT("index" BIGINT, "value" DOUBLE)[]'


def test_the_dropped_category_keeps_its_index() -> None:
    values = ["a", "b", "b", "c", None, "unseen"]
    expected = [[(1, 1.0)], [(2, 0.0)], [(2, 0.0)], [(3, 1.0)], [(0, 1.0)], [(0, 1.0)]]
    assert call("ML.ONE_HOT_ENCODER", values, trained=values[:-1], drop="most_frequent", frequency_threshold=0) == expected


def test_of_equally_frequent_ones_the_first_is_dropped() -> None:
    assert call("ML.ONE_HOT_ENCODER", ["b", "a"], drop="MOST_FREQUENT", frequency_threshold=0) == [[(2, 1.0)], [(1, 0.0)]]


def test_nothing_is_dropped_where_nothing_is_known() -> None:
    assert call("ML.ONE_HOT_ENCODER", ["a", None], drop="most_frequent") == [[(0, 1.0)], [(0, 1.0)]]


def test_equals_scikit_learn() -> None:
    """Column 0 is what scikit-learn leaves out: everything unknown."""
    rng = np.random.default_rng(2)
    trained, served = ([f"c{code:02}" for code in rng.integers(0, top, 200)] for top in (30, 50))
    encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore", min_frequency=5).fit(np.array(trained).reshape(-1, 1))
    kept = [
        name
        for name in encoder.categories_[0]
        if name not in (encoder.infrequent_categories_[0] if encoder.infrequent_categories_[0] is not None else ())
    ]
    dense = np.zeros((len(served), len(kept) + 1))
    for row, pairs in enumerate(call("ML.ONE_HOT_ENCODER", served, trained=trained)):
        for index, value in pairs:
            dense[row, index] = value
    expected = encoder.transform(np.array(served).reshape(-1, 1))[:, : len(kept)]
    assert kept
    assert (dense[:, 1:] == expected).all()
    assert (dense.sum(axis=1) == 1).all()
