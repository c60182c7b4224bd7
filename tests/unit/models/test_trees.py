from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from sqlml.errors import IntegrityError
from sqlml.models._xgboost.trees import MAX_DEPTH, TreeState
from sqlml.state import from_arrays, to_arrays


def ensemble(**changes: Any) -> TreeState:
    """Two trees over a number and a category of five: (category split with a leaf and a number split), and a lone leaf."""
    fields: dict[str, Any] = {
        "objective": "reg:squarederror",
        "n_parallel_trees": 1,
        "base_scores": np.array([0.5], np.float32),
        "feature_categories": np.array([0, 5]),
        "tree_offsets": np.array([0, 5, 6]),
        "tree_weights": np.empty(0, np.float32),
        "features": np.array([1, -1, 0, -1, -1, -1], np.int32),
        "values": np.array([0.0, 1.0, 2.5, 3.0, 4.0, 5.0], np.float32),
        "missing_left": np.array([1, 0, 1, 0, 0, 0], np.int8),
        "covers": np.array([10, 4, 6, 3, 3, 10], np.float32),
        "gains": np.array([7, 0, 2, 0, 0, 0], np.float32),
        "category_offsets": np.array([0, 2]),
        "categories": np.array([1, 4], np.int32),
    }
    return TreeState(**(fields | changes))


def test_children_follow_from_the_order_of_nodes() -> None:
    state = ensemble()
    state.check()
    assert state.left_children.tolist() == [1, -1, 3, -1, -1, -1]
    assert state.is_category_split.tolist() == [True, False, False, False, False, False]
    assert (state.n_trees, state.n_features, state.n_outputs) == (2, 2, 1)


def test_survives_storage() -> None:
    state = ensemble(values=np.array([0, 1, np.inf, 3, 4, np.float32(0.1)], np.float32))
    again = from_arrays(TreeState, to_arrays(state))
    for field in dataclasses.fields(TreeState):
        before, after = getattr(state, field.name), getattr(again, field.name)
        if isinstance(before, np.ndarray):
            assert before.dtype == after.dtype
            assert before.tobytes() == after.tobytes()
        else:
            assert before == after


DAMAGE = {
    "unknown objective": {"objective": "rank:ndcg"},
    "several outputs of a regression": {"base_scores": np.array([0.5, 0.5], np.float32)},
    "no output": {"base_scores": np.empty(0, np.float32)},
    "base score not finite": {"base_scores": np.array([np.nan], np.float32)},
    "base score no probability": {"objective": "binary:logistic", "base_scores": np.array([1.0], np.float32)},
    "no features": {"feature_categories": np.empty(0, np.int64)},
    "too many categories": {"feature_categories": np.array([0, 1 << 25])},
    "no trees": {"tree_offsets": np.array([0]), "features": np.empty(0, np.int32)},
    "no offsets": {"tree_offsets": np.empty(0, np.int64)},
    "parallel trees that do not divide": {"n_parallel_trees": 3},
    "no parallel trees": {"n_parallel_trees": 0},
    "weights of other trees": {"tree_weights": np.ones(3, np.float32)},
    "tree weight not finite": {"tree_weights": np.array([1, np.inf], np.float32)},
    "offsets do not start at 0": {"tree_offsets": np.array([1, 5, 6])},
    "offsets do not end with the nodes": {"tree_offsets": np.array([0, 5, 7])},
    "an empty tree": {"tree_offsets": np.array([0, 5, 5, 6])},
    "offsets run backwards": {"tree_offsets": np.array([0, 6, 5, 6])},
    "a split without children": {"features": np.array([1, 0, 0, -1, -1, -1], np.int32)},
    "a node without parent": {"features": np.array([1, -1, -1, -1, -1, -1], np.int32)},
    "children after a root leaf": {"features": np.array([-1, 1, 0, -1, -1, -1], np.int32)},
    "trees cut elsewhere": {"tree_offsets": np.array([0, 3, 6])},
    "unknown column": {"features": np.array([2, -1, 0, -1, -1, -1], np.int32)},
    "threshold not a number": {"values": np.array([0, 1, np.nan, 3, 4, 5], np.float32)},
    "infinite leaf": {"values": np.array([0, 1, 2.5, 3, np.inf, 5], np.float32)},
    "cover not finite": {"covers": np.array([10, 4, np.nan, 3, 3, 10], np.float32)},
    "gain not finite": {"gains": np.array([np.inf, 0, 2, 0, 0, 0], np.float32)},
    "direction of a leaf": {"missing_left": np.array([1, 1, 1, 0, 0, 0], np.int8)},
    "unknown direction": {"missing_left": np.array([2, 0, 1, 0, 0, 0], np.int8)},
    "category out of range": {"categories": np.array([1, 5], np.int32)},
    "categories out of order": {"categories": np.array([4, 1], np.int32)},
    "a category twice": {"categories": np.array([4, 4], np.int32)},
    "no categories": {"category_offsets": np.array([0, 0]), "categories": np.empty(0, np.int32)},
    "categories of no split": {"category_offsets": np.array([0, 1, 2])},
    "category offsets do not end": {"category_offsets": np.array([0, 1])},
    "category offsets backwards": {"category_offsets": np.array([2, 0])},
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_refused(name: str) -> None:
    with pytest.raises(IntegrityError) as error:
        ensemble(**DAMAGE[name]).check()
    assert error.value.code == "damaged_state"


def test_number_too_large_for_its_type_is_refused() -> None:
    arrays = to_arrays(ensemble())
    covers = arrays["covers"]
    assert covers.floats is not None
    covers.floats[0] = 1e300
    with pytest.raises(IntegrityError) as error:
        from_arrays(TreeState, arrays)
    assert error.value.code == "damaged_state"


def chain(depth: int) -> TreeState:
    """One tree whose every left child is split again."""
    features = np.concatenate([[0], np.tile(np.array([0, -1]), depth - 1), [-1, -1]]).astype(np.int32)
    n_nodes = len(features)
    zeros = np.zeros(n_nodes, np.float32)
    return ensemble(
        tree_offsets=np.array([0, n_nodes]), features=features, values=zeros, covers=zeros, gains=zeros,
        missing_left=np.zeros(n_nodes, np.int8), category_offsets=np.array([0]), categories=np.empty(0, np.int32),
    )  # fmt: skip


def test_depth_is_bounded() -> None:
    chain(MAX_DEPTH).check()
    with pytest.raises(IntegrityError, match="deeper"):
        chain(MAX_DEPTH + 1).check()


def test_memory_of_categories_is_bounded() -> None:
    n_trees, n_categories = 2100, 1 << 24
    state = ensemble(
        feature_categories=np.array([0, n_categories]),
        tree_offsets=np.arange(n_trees + 1) * 3,
        features=np.tile(np.array([1, -1, -1], np.int32), n_trees),
        **{name: np.zeros(3 * n_trees, np.float32) for name in ("values", "covers", "gains")},
        missing_left=np.zeros(3 * n_trees, np.int8),
        category_offsets=np.arange(n_trees + 1),
        categories=np.full(n_trees, n_categories - 1, np.int32),
    )
    with pytest.raises(IntegrityError, match="memory"):
        state.check()
