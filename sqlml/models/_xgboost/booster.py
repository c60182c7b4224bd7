"""From a trained booster to the arrays that are stored, from the arrays to a booster with the same scores, the fast way to those scores.

A booster is written from checked arrays only. Nodes are put in level order on the way; XGBoost's scores do not depend on the numbers of
nodes. Its weights of inner nodes (`base_weights`) are not kept, since no score, importance or Shapley value reads them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sqlml.errors import InternalError
from sqlml.models._xgboost import native
from sqlml.models._xgboost.reader import reader
from sqlml.models._xgboost.trees import BINARY, MULTICLASS, REGRESSION, TreeState
from sqlml.models._xgboost.ubjson import read_ubjson, write_ubjson
from sqlml.state import damaged_state

if TYPE_CHECKING:
    import xgboost

_WRITTEN_AS = [3, 2, 0]
"""The release whose schema `booster_from_state` follows; later ones read it."""

_ROOT_PARENT = np.iinfo(np.int32).max
_TREE_FIELDS = {
    "left": "left_children",
    "right": "right_children",
    "features": "split_indices",
    "values": "split_conditions",
    "missing_left": "default_left",
    "covers": "sum_hessian",
    "gains": "loss_changes",
}


def state_from_booster(booster: xgboost.Booster, feature_categories: NDArray[np.int64]) -> TreeState:
    """The ensemble that a booster has learned.

    Args: feature_categories, the number of categories of each column that was given to the booster as categorical, 0 for the others.
    Raises: InternalError `unknown_booster` when the booster is none that we train; IntegrityError `damaged_state` when it holds scores
        that are not finite.
    """
    try:
        document: Any = read_ubjson(booster.save_raw("ubj"))
        state = _read_ensemble(document["learner"], feature_categories)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise InternalError("the trained booster has an unknown form", code="unknown_booster") from error
    state.check()
    return state


def booster_from_state(state: TreeState, *, n_threads: int = 0) -> xgboost.Booster:
    """A booster whose scores are, bit for bit, those of the booster that the state came from.

    Args: state, checked; n_threads, 0 for all.
    Raises: IntegrityError `damaged_state`.
    """
    import xgboost

    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(write_ubjson(_ensemble_document(state))))
    except xgboost.core.XGBoostError as error:
        raise damaged_state("its trees cannot be loaded") from error
    booster.set_param({"nthread": n_threads})
    return booster


def predict(state: TreeState, features: Any) -> NDArray[np.floating]:
    """Scores through XGBoost's own interface, on all threads.

    Shapes: `features[n_rows, n_features]`, dense or sparse rows; result `[n_rows]` or `[n_rows, n_outputs]`.
    """
    import xgboost

    read = reader(state)
    booster = booster_from_state(read.state)

    def scores(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            result: NDArray[np.float32] = booster.inplace_predict(rows, missing=np.nan, validate_features=False)
        except xgboost.core.XGBoostError as error:
            raise native.failure("predict", str(error)) from error
        return result

    return _scores(state, read.parts(features), scores)


def predictor_from_state(state: TreeState) -> Callable[[Any], NDArray[np.floating]]:
    """A function of features for many batches from many threads, one thread each, with the same scores as `predict`."""
    read = reader(state)
    booster = booster_from_state(read.state, n_threads=1)
    # The first call configures the booster, which is not safe from two threads.
    native.predict_dense(booster, np.zeros((1, read.state.n_features), np.float32))

    def scores(features: Any) -> NDArray[np.floating]:
        return _scores(state, read.parts(features), lambda rows: native.predict_dense(booster, rows))

    return scores


def _scores(
    state: TreeState, parts: Iterator[NDArray[np.float32]], scores: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> NDArray[np.float32]:
    results = [scores(rows) for rows in parts if len(rows)]
    if not results:
        return np.empty((0, state.n_outputs) if state.objective == MULTICLASS else 0, np.float32)
    return results[0] if len(results) == 1 else np.concatenate(results)


def _read_ensemble(learner: Any, feature_categories: NDArray[np.int64]) -> TreeState:
    gradient_booster = learner["gradient_booster"]
    tree_weights: list[float] = []
    if gradient_booster["name"] == "dart":
        tree_weights, gradient_booster = gradient_booster["weight_drop"], gradient_booster["gbtree"]
    model = gradient_booster["model"]
    objective = learner["objective"]["name"]
    base_scores = np.array(json.loads(learner["learner_model_param"]["base_score"]), np.float32)
    n_parallel_trees = int(model["gbtree_model_param"]["num_parallel_tree"])
    trees = model["trees"]
    classes = np.repeat(np.arange(len(base_scores)), n_parallel_trees)
    if list(model["tree_info"]) != np.resize(classes, len(trees)).tolist():
        raise InternalError("the trained booster has an unknown order of trees", code="unknown_booster")
    sizes = np.array([len(tree["left_children"]) for tree in trees])
    starts = np.cumsum(sizes) - sizes
    nodes = {name: np.concatenate([tree[field] for tree in trees]) for name, field in _TREE_FIELDS.items()}
    order, offsets = _level_order(nodes["left"], nodes["right"], starts, sizes)
    is_split = nodes["left"][order] >= 0
    features = np.where(is_split, nodes["features"][order], -1).astype(np.int32)
    by_category = is_split & (feature_categories[features] > 0)
    category_offsets, categories = _read_categories(trees, starts, order[by_category], len(nodes["left"]))
    return TreeState(
        objective=objective,
        n_parallel_trees=n_parallel_trees,
        base_scores=base_scores,
        feature_categories=np.asarray(feature_categories, np.int64),
        tree_offsets=offsets,
        tree_weights=np.array(tree_weights, np.float32),
        features=features,
        values=np.where(by_category, np.float32(0.0), nodes["values"][order]),
        missing_left=(is_split & (nodes["missing_left"][order] != 0)).astype(np.int8),
        covers=nodes["covers"][order],
        gains=np.where(is_split, nodes["gains"][order], np.float32(0.0)),
        category_offsets=category_offsets,
        categories=categories,
    )


def _level_order(
    left: NDArray[np.int32], right: NDArray[np.int32], starts: NDArray[np.int64], sizes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The nodes that the roots lead to, tree by tree in level order, and where each tree begins; pruned nodes drop out."""
    tree_of = np.repeat(np.arange(len(sizes)), sizes)
    level = starts
    levels = [level]
    while True:
        parents = level[left[level] >= 0]
        if len(parents) == 0:
            break
        level = np.stack([left[parents], right[parents]], axis=1).astype(np.int64).ravel() + np.repeat(starts[tree_of[parents]], 2)
        levels.append(level)
    found = np.concatenate(levels)
    trees = tree_of[found]
    offsets = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(np.bincount(trees, minlength=len(sizes)), out=offsets[1:])
    return found[np.argsort(trees, kind="stable")], offsets


def _read_categories(
    trees: list[Any], starts: NDArray[np.int64], owners: NDArray[np.int64], n_nodes: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The categories of the splits `owners`, in their order."""
    begin_of, size_of = np.zeros(n_nodes, np.int64), np.zeros(n_nodes, np.int64)
    begin = 0
    for tree, start in zip(trees, starts, strict=True):
        nodes = start + tree["categories_nodes"]
        begin_of[nodes] = begin + tree["categories_segments"]
        size_of[nodes] = tree["categories_sizes"]
        begin += len(tree["categories"])
    offsets = np.zeros(len(owners) + 1, np.int64)
    np.cumsum(size_of[owners], out=offsets[1:])
    codes = np.concatenate([tree["categories"] for tree in trees])
    taken = np.repeat(begin_of[owners] - offsets[:-1], np.diff(offsets)) + np.arange(offsets[-1])
    return offsets, codes[taken].astype(np.int32)


def _ensemble_document(state: TreeState) -> dict[str, object]:
    n_outputs = state.n_outputs
    per_iteration = n_outputs * state.n_parallel_trees
    model: dict[str, object] = {
        "cats": {"enc": [], "feature_segments": np.empty(0, np.int32), "sorted_idx": np.empty(0, np.int32)},
        "gbtree_model_param": {"num_parallel_tree": str(state.n_parallel_trees), "num_trees": str(state.n_trees)},
        "iteration_indptr": list(range(0, state.n_trees + 1, per_iteration)),
        "tree_info": np.resize(np.repeat(np.arange(n_outputs), state.n_parallel_trees), state.n_trees).tolist(),
        "trees": _tree_documents(state),
    }
    gradient_booster: dict[str, object] = {"model": model, "name": "gbtree"}
    if len(state.tree_weights):
        gradient_booster = {"gbtree": gradient_booster, "name": "dart", "weight_drop": state.tree_weights.tolist()}
    n_classes = str(n_outputs if state.objective == MULTICLASS else 0)
    parameters = {
        REGRESSION: {"reg_loss_param": {"scale_pos_weight": "1"}},
        BINARY: {"reg_loss_param": {"scale_pos_weight": "1"}},
        MULTICLASS: {"softmax_multiclass_param": {"num_class": n_classes}},
    }[state.objective]
    # The shortest decimal form of a float32 gives the same float32 back.
    base_score = "[" + ",".join(np.format_float_scientific(score, unique=True) for score in state.base_scores) + "]"
    return {
        "learner": {
            "attributes": {},
            "feature_names": [],
            "feature_types": ["c" if n_categories else "q" for n_categories in state.feature_categories.tolist()],
            "gradient_booster": gradient_booster,
            "learner_model_param": {
                "base_score": base_score,
                "boost_from_average": "1",
                "num_class": n_classes,
                "num_feature": str(state.n_features),
                "num_target": "1",
            },
            "objective": {"name": state.objective, **parameters},
        },
        "version": _WRITTEN_AS,
    }


def _tree_documents(state: TreeState) -> list[dict[str, object]]:
    left = state.left_children
    right = np.where(left >= 0, left + 1, -1).astype(np.int32)
    split_indices = np.maximum(state.features, 0)
    missing_left = state.missing_left.astype(np.uint8)
    by_category = state.is_category_split
    split_types = by_category.astype(np.uint8)
    splits_by_category = np.append(0, np.cumsum(by_category))
    documents: list[dict[str, object]] = []
    for index in range(state.n_trees):
        start, stop = int(state.tree_offsets[index]), int(state.tree_offsets[index + 1])
        nodes = slice(start, stop)
        n_nodes = stop - start
        parents = np.full(n_nodes, _ROOT_PARENT, np.int32)
        # In level order the two children of the k-th split follow those of the split before it.
        parents[1:] = np.repeat(np.flatnonzero(left[nodes] >= 0), 2)
        first, last = int(splits_by_category[start]), int(splits_by_category[stop])
        begin, end = int(state.category_offsets[first]), int(state.category_offsets[last])
        documents.append(
            {
                "base_weights": np.zeros(n_nodes, np.float32),
                "categories": state.categories[begin:end],
                "categories_nodes": np.flatnonzero(by_category[nodes]).astype(np.int32),
                "categories_segments": state.category_offsets[first:last] - begin,
                "categories_sizes": np.diff(state.category_offsets[first : last + 1]),
                "default_left": missing_left[nodes],
                "id": index,
                "left_children": left[nodes],
                "loss_changes": state.gains[nodes],
                "parents": parents,
                "right_children": right[nodes],
                "split_conditions": state.values[nodes],
                "split_indices": split_indices[nodes],
                "split_type": split_types[nodes],
                "sum_hessian": state.covers[nodes],
                "tree_param": {
                    "num_deleted": "0",
                    "num_feature": str(state.n_features),
                    "num_nodes": str(n_nodes),
                    "size_leaf_vector": "1",
                },
            }
        )
    return documents
