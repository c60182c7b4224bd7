"""Explanations of tree predictions: XGBoost's own contributions (TreeSHAP), summed to features.

The sums are to be what ML.PREDICT answers, but XGBoost adds in float32, so that contributions miss the score by some 1e-7 of it. That rest
goes to the largest attribution of a regression; of a classification, attributions make the logit.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlml.features.layout import Layout
from sqlml.models._xgboost import native
from sqlml.models._xgboost.booster import booster_from_state
from sqlml.models._xgboost.reader import reader
from sqlml.models._xgboost.trees import MULTICLASS, REGRESSION, TreeState

_PART_BYTES = 1 << 24
"""Of the contributions that a thread computes at a time."""

_PART_ROWS = 64
"""Rows for which a thread of its own is worth its while."""


@cache
def _pool() -> ThreadPoolExecutor:
    """As many threads as processors, for all models.

    A row takes a thousand times as long to explain as to score (1 ms for a hundred trees of depth 6), and the engine gives tables of less
    than 122,880 rows to one thread.
    """
    return ThreadPoolExecutor(_n_processors(), thread_name_prefix="sqlml-explain")


def _n_processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def explainer(state: TreeState, layout: Layout, approximate: bool) -> Callable[[Any], NDArray[np.float64]]:
    """As `models._spec.Explainer` says; approximate: what each split adds, instead of Shapley values."""
    read = reader(state)
    booster = booster_from_state(read.state, n_threads=1)
    # The first calls configure the booster, which is not safe from two threads.
    blank = np.zeros((1, read.state.n_features), np.float32)
    native.predict_dense(booster, blank)
    native.contributions(booster, blank, approximate=approximate)
    feature_of_column = layout.feature_of_column if read.columns is None else layout.feature_of_column[read.columns]
    n_features = len(layout.features)
    most = max(1, _PART_BYTES // (4 * state.n_outputs * (read.state.n_features + 1)))

    def explained(rows: NDArray[np.float32]) -> NDArray[np.float64]:
        scores = native.predict_dense(booster, rows).astype(np.float64).reshape(len(rows), -1)
        found = native.contributions(booster, rows, approximate=approximate)
        of_class = found[np.arange(len(rows)), scores.argmax(axis=1)] if state.objective == MULTICLASS else found[:, 0]
        attributions = _by_feature(of_class[:, :-1], feature_of_column, n_features)
        baseline = of_class[:, -1:].astype(np.float64)
        if state.objective == REGRESSION:
            _settle(attributions, scores[:, 0] - baseline[:, 0])
        return np.hstack([scores, baseline, attributions])

    def explain(features: Any) -> NDArray[np.float64]:
        n_rows = min(most, max(_PART_ROWS, -(-features.shape[0] // (4 * _n_processors()))))
        found: list[NDArray[np.float64]] = []
        for rows in read.parts(features):
            found += _pool().map(explained, [rows[start : start + n_rows] for start in range(0, len(rows), n_rows)])
        return np.concatenate(found) if found else np.empty((0, state.n_outputs + 1 + n_features))

    return explain


def _by_feature(contributions: NDArray[np.float32], feature_of_column: NDArray[np.int64], n_features: int) -> NDArray[np.float64]:
    """The sums of each feature's columns. Shapes: `contributions[n_rows, n_columns]` -> `[n_rows, n_features]`."""
    result = np.zeros((len(contributions), n_features))
    if len(feature_of_column) == n_features and (feature_of_column == np.arange(n_features)).all():
        result[:] = contributions
        return result
    order = np.argsort(feature_of_column, kind="stable")
    present, starts = np.unique(feature_of_column[order], return_index=True)
    result[:, present] = np.add.reduceat(contributions[:, order].astype(np.float64), starts, axis=1)
    return result


def _settle(attributions: NDArray[np.float64], total: NDArray[np.float64]) -> None:
    """Adds what the attributions of a row lack to `total[n_rows]` to the largest; rows without any attribution stay."""
    rows = np.arange(len(attributions))
    largest = np.abs(attributions).argmax(axis=1)
    rest = total - attributions.sum(axis=1)
    attributions[rows, largest] += np.where(attributions[rows, largest] != 0.0, rest, 0.0)
