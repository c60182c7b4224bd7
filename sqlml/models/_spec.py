"""What a model type declares. Everything else (checking, output schema, DESCRIBE MODEL TYPE, common tests) is read from it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sqlml.features.layout import EncodingRules, Layout
from sqlml.models._options import Option, Options
from sqlml.training.data import Progress, Trained, TrainingData

__all__ = ["EncodingRules", "Explainer", "ModelSpec", "Reading", "Task", "TooLargeForSql"]


class Task(enum.Enum):
    """What a model predicts, which decides label, metrics and output columns. PREPROCESSING: nothing."""

    REGRESSION = "regression"
    CLASSIFICATION = "classification"
    CLUSTERING = "clustering"
    DIMENSION_REDUCTION = "dimension reduction"
    PREPROCESSING = "preprocessing"

    @property
    def is_supervised(self) -> bool:
        return self in (Task.REGRESSION, Task.CLASSIFICATION)

    @property
    def predicts(self) -> bool:
        """Whether the model learns anything beyond its TRANSFORM clause."""
        return self is not Task.PREPROCESSING


@dataclass(frozen=True, slots=True)
class Reading:
    """How a learner reads its rows, which decides whether they are staged.

    `ordered`: the result depends on the order of rows, so the stream is ordered by row hash. `passes`: "one" or "many".
    """

    ordered: bool
    passes: Literal["one", "many"]


Explainer = Callable[[Any, Layout, bool], Callable[[Any], NDArray[np.float64]]]
"""(state, layout, whether a fast approximation will do) -> a function of many small batches, safe to call from several threads:
features[n_rows, n_columns] -> explanations[n_rows, n_scores + 1 + n_features].

An explanation is the row's scores, then the baseline, then the attribution of each feature of `Layout.features`. Baseline and attributions
add up to the prediction (regression), to the log odds of the higher class (two classes), to the logit of the class with the highest score,
the first of equals (more classes).
"""


@dataclass(frozen=True)
class ModelSpec:
    """A model type.

    Scores are what `predict` returns and `scores_sql` yields: regression a number `[n_rows]`; binary classification the probability
    of the higher class `[n_rows]`; more classes all probabilities `[n_rows, n_classes]`; clustering the distances to all centroids
    `[n_rows, n_clusters]`;
    dimension reduction the components `[n_rows, n_components]`.
    """

    model_type: str
    task: Task
    doc: str
    """One sentence for SHOW MODEL TYPES."""
    options: tuple[Option, ...]
    encoding: Callable[[Options], EncodingRules]
    reading: Reading
    state: type[Any]
    train: Callable[[TrainingData, Options, Progress], Trained]
    predict: Callable[[Any, NDArray[np.floating]], NDArray[np.floating]]
    """(state, features[n_rows, n_columns]) -> scores."""
    scores_sql: Callable[[Any, Layout], str] | None = None
    """(state, layout) -> one SQL expression over the input columns: DOUBLE, or DOUBLE[] where scores have two axes; None when the
    model has no SQL form. Raises TooLargeForSql when this one is too large for it."""
    predictor: Callable[[Any], Callable[[NDArray[np.floating]], NDArray[np.floating]]] | None = None
    """(state) -> a function of features that is fast for many small batches and safe to call from several threads; built once per model.
    None: `predict`."""
    attributions_sql: Callable[[Any, Layout], str] | None = None
    """(state, layout) -> one SQL expression of type DOUBLE[] over the input columns: the explanation of a row, see `Explainer`. Raises
    TooLargeForSql."""
    explainer: Explainer | None = None
    """The same in Python, from the learner's matrix; None when predictions of this type cannot be explained."""
    check: Callable[[Options], None] = lambda options: None
    """Rules between options; raises OptionError."""
    n_columns: Callable[[Any], int] | None = None
    """(state) -> the matrix columns that it reads; a stored state and its encoding must agree."""
    max_classes: int = 1000
    max_columns: int = 2_000_000
    """Matrix columns after encoding, at most; checked before training begins."""


class TooLargeForSql(Exception):
    """A model's expression would be too large; the Arrow form takes it."""
