"""A tree ensemble as plain arrays: what is stored of a boosted tree or a random forest, and the proof that it is one.

The nodes of a tree stand in level order: the root, its children, their children, from left to right. The children of the k-th split (from
0) of a tree are then its nodes 2k + 1 and 2k + 2, so no child index is stored, and whatever a stranger writes cannot hold a cycle, a
shared or an unreachable node. For the same reason nothing else is stored twice: a node is a leaf when it has no feature, a split is one
over categories when its feature has categories, and the class of a tree follows from its position.

A value is missing where a dense row has NaN and where a sparse row stores nothing or NaN; training and prediction agree in this.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sqlml.state import damaged_state, floats, integers

Float32Array = NDArray[np.float32]
IndexArray = NDArray[np.int32]

REGRESSION = "reg:squarederror"
BINARY = "binary:logistic"
MULTICLASS = "multi:softprob"
OBJECTIVES = (REGRESSION, BINARY, MULTICLASS)
"""XGBoost's names of the objectives that a stored ensemble may have."""

MAX_DEPTH = 64
"""Upper end of the option max_tree_depth, and of what a stored tree may reach."""

MAX_CATEGORIES = 1 << 24
"""From here on XGBoost's float32 codes are no longer exact."""

_MAX_CATEGORY_BYTES = 1 << 32
"""Bound on the bit sets that XGBoost unpacks categories into: one code of 2^24 - 1 takes 2 MB, so few could ask for any memory."""


@dataclass(frozen=True)
class TreeState:
    """An ensemble. Trees run by iteration, then class, then parallel tree; tree t has the nodes `tree_offsets[t]:tree_offsets[t + 1]`."""

    objective: str
    n_parallel_trees: int
    """Trees per class and iteration; above 1 for forests."""
    base_scores: Float32Array = floats("n_outputs", dtype="float32")
    """What trees add to, one per class above two classes, otherwise one; a probability for the binary objective."""
    feature_categories: NDArray[np.int64] = integers("n_features", ge=0)
    """Categories of each matrix column; 0 for a number."""
    tree_offsets: NDArray[np.int64] = integers("n_tree_offsets", ge=0)
    tree_weights: Float32Array = floats("n_tree_weights", dtype="float32")
    """DART's weight of each tree; empty for ordinary boosting."""
    features: IndexArray = integers("n_nodes", dtype="int32", ge=-1)
    """The matrix column that a node splits by; -1 for a leaf."""
    values: Float32Array = floats("n_nodes", dtype="float32", finite=False)
    """A leaf's score; the threshold of a split by number, smaller goes left (infinite where it parts missing values from all others); 0 for
    a split by category."""
    missing_left: NDArray[np.int8] = integers("n_nodes", dtype="int8", ge=0)
    """1 where rows without the value go left; 0 for leaves."""
    covers: Float32Array = floats("n_nodes", dtype="float32")
    """Sum of the second derivatives of the loss over the node's training rows."""
    gains: Float32Array = floats("n_nodes", dtype="float32")
    """What a split took off the loss; 0 for leaves."""
    category_offsets: NDArray[np.int64] = integers("n_category_offsets", ge=0)
    """The k-th split by category, counted through all trees, sends `categories[category_offsets[k]:category_offsets[k + 1]]` right, all
    others left."""
    categories: IndexArray = integers("n_codes", dtype="int32", ge=0)

    @property
    def n_features(self) -> int:
        return len(self.feature_categories)

    @property
    def n_outputs(self) -> int:
        return len(self.base_scores)

    @property
    def n_classes(self) -> int:
        """Classes that the scores tell apart; 0 of a regressor."""
        return {BINARY: 2, MULTICLASS: self.n_outputs}.get(self.objective, 0)

    @property
    def n_trees(self) -> int:
        return len(self.tree_offsets) - 1

    @cached_property
    def is_split(self) -> NDArray[np.bool_]:
        return self.features >= 0

    @cached_property
    def is_category_split(self) -> NDArray[np.bool_]:
        # A leaf's -1 reads the last column, which `&` takes out again.
        by_category: NDArray[np.bool_] = self.is_split & (self.feature_categories[self.features] > 0)
        return by_category

    @cached_property
    def left_children(self) -> IndexArray:
        """The left child of each split, counted within its tree, -1 for leaves; the right child is the next node."""
        return np.where(self.is_split, 2 * self._splits_before() + 1, -1).astype(np.int32)

    def check(self) -> None:
        """Refuses everything that is not an ensemble.

        Raises: IntegrityError `damaged_state`.
        """
        self._check_ensemble()
        self._check_shape()
        self._check_nodes()
        self._check_categories()

    def _check_ensemble(self) -> None:
        if self.objective not in OBJECTIVES:
            raise damaged_state("the objective of its trees is unknown")
        n_outputs = self.n_outputs
        if n_outputs == 0 or (n_outputs > 1) != (self.objective == MULTICLASS):
            raise damaged_state("base_scores do not fit the objective")
        if not np.isfinite(self.base_scores).all():
            raise damaged_state("base_scores holds values that are not finite")
        if self.objective == BINARY and not 0.0 < self.base_scores[0] < 1.0:
            raise damaged_state("base_scores is not a probability")
        if self.n_features == 0 or int(self.feature_categories.max()) > MAX_CATEGORIES:
            raise damaged_state("feature_categories is out of range")
        if self.n_trees < 1 or self.n_parallel_trees < 1 or self.n_trees % (n_outputs * self.n_parallel_trees) != 0:
            raise damaged_state("the number of trees does not fit")
        if len(self.tree_weights) not in (0, self.n_trees) or not np.isfinite(self.tree_weights).all():
            raise damaged_state("tree_weights do not fit the trees")

    def _check_shape(self) -> None:
        offsets = self.tree_offsets
        sizes = np.diff(offsets)
        if offsets[0] != 0 or offsets[-1] != len(self.features) or (sizes < 1).any() or int(sizes.max()) > np.iinfo(np.int32).max:
            raise damaged_state("tree_offsets do not fit the nodes")
        before = self._splits_before()
        within = np.arange(len(before)) - np.repeat(offsets[:-1], sizes)
        # Every node but the root must be a child of a split before it, and every split must have both its children.
        last = offsets[1:] - 1
        if (within > 2 * before).any() or (sizes != 2 * (before[last] + self.is_split[last]) + 1).any():
            raise damaged_state("its nodes do not make trees")
        # A level ends where the children of the previous one end.
        splits = np.append(np.cumsum(self.is_split) - self.is_split, np.count_nonzero(self.is_split))
        roots = offsets[:-1]
        start, end = roots, roots + 1
        depth = 0
        while (end > start).any():
            if depth > MAX_DEPTH:
                raise damaged_state(f"its trees are deeper than {MAX_DEPTH}")
            start, end = end, roots + 1 + 2 * (splits[end] - splits[roots])
            depth += 1

    def _check_nodes(self) -> None:
        is_split = self.is_split
        if int(self.features.max()) >= self.n_features:
            raise damaged_state("features points outside n_features")
        if np.isnan(self.values).any() or not np.isfinite(self.values[~is_split]).all():
            raise damaged_state("values holds values that are not finite")
        if not (np.isfinite(self.covers).all() and np.isfinite(self.gains).all()):
            raise damaged_state("covers or gains hold values that are not finite")
        if (self.missing_left > is_split).any():
            raise damaged_state("missing_left is out of range")

    def _check_categories(self) -> None:
        owners = np.flatnonzero(self.is_category_split)
        offsets = self.category_offsets
        if len(offsets) != len(owners) + 1 or offsets[0] != 0 or offsets[-1] != len(self.categories):
            raise damaged_state("category_offsets do not fit the splits")
        sizes = np.diff(offsets)
        if (sizes < 1).any():
            raise damaged_state("a split by category has no categories")
        if len(owners) == 0:
            return
        same_split = np.repeat(np.arange(len(owners)), sizes)
        if ((np.diff(self.categories) <= 0) & (np.diff(same_split) == 0)).any():
            raise damaged_state("categories are not in order")
        largest = self.categories[offsets[1:] - 1].astype(np.int64)
        if (largest >= self.feature_categories[self.features[owners]]).any():
            raise damaged_state("categories points outside feature_categories")
        if int((largest // 8 + 1).sum()) > _MAX_CATEGORY_BYTES:
            raise damaged_state("its categories would take too much memory")

    def _splits_before(self) -> NDArray[np.int64]:
        """Splits of the same tree in front of each node."""
        running: NDArray[np.int64] = np.cumsum(self.is_split, dtype=np.int64) - self.is_split
        return running - np.repeat(running[self.tree_offsets[:-1]], np.diff(self.tree_offsets))
