"""What a model type learns from: blocks of numbers that can be read again and again, and the way to report and be stopped.

A model file sees only what is here. Where the blocks come from (a DuckDB stream, an array in a test) is not its business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sqlml.features.layout import Layout

Matrix = NDArray[np.floating]
"""float64 for every learner but the trees, which read float32.

Where `Layout.is_sparse` says so, the features of all blocks and predictions of a model are a `scipy.sparse.csr_array` instead, of the same
dtype, with int32 indices that ascend in each row. The annotations speak of the dense case; who takes both asks which it has got.
"""


class Block(NamedTuple):
    """Some rows. Shapes: `features[n_rows, n_columns]` in C order, a csr_array where `Layout.is_sparse`; `labels[n_rows]`, class index for
    classifiers, and empty for unsupervised learners; `row_weights[n_rows]`, class and instance weights multiplied, 1.0 without any."""

    features: Matrix
    labels: NDArray[np.float64]
    row_weights: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Iteration:
    """One row of ML.TRAINING_INFO."""

    iteration: int
    loss: float | None
    eval_loss: float | None = None
    learning_rate: float | None = None
    duration_ms: int = 0
    cluster_info: tuple[tuple[int, float, int], ...] | None = None
    """k-means only: (centroid_id, cluster_radius, cluster_size)."""


class TrainingData(Protocol):
    """The rows of one CREATE MODEL, encoded.

    Order, batch sizes and threads have no influence: train_blocks gives the same rows in the same order each time that it is called.
    """

    @property
    def layout(self) -> Layout: ...
    @property
    def n_train(self) -> int: ...
    @property
    def n_eval(self) -> int: ...
    @property
    def n_classes(self) -> int:
        """0 for regression and unsupervised learners."""
        ...

    @property
    def seed(self) -> int: ...
    def train_blocks(self) -> Iterator[Block]: ...
    def eval_blocks(self) -> Iterator[Block]: ...
    def initial_rows(self) -> Matrix | None:
        """Rows that KMEANS_INIT_COL marks, `[n_marked, n_columns]`, in stream order; None when the option is not used."""
        ...


class Progress(Protocol):
    """How a running training speaks. Every method raises OperationalError `cancelled` once the statement was cancelled."""

    def check(self) -> None:
        """Called at least every 100 ms of work; costs nothing."""
        ...

    def iteration(self, iteration: Iteration, of: int | None = None) -> None:
        """A finished iteration; `of` is the number expected."""
        ...

    def notice(self, code: str, message: str) -> None:
        """Something done less well than asked, for the user to read."""
        ...


@dataclass(frozen=True, slots=True)
class Trained:
    """What a model type's `train` gives back: the state, and one row per iteration for ML.TRAINING_INFO."""

    state: object
    iterations: tuple[Iteration, ...]
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Metrics that only training can know (k-means, PCA); those of supervised models are computed from predictions."""


@dataclass
class SilentProgress:
    """A Progress that keeps what it is told; for tests and for callers without a user."""

    iterations: list[Iteration] = field(default_factory=list)
    notices: list[tuple[str, str]] = field(default_factory=list)

    def check(self) -> None:
        pass

    def iteration(self, iteration: Iteration, of: int | None = None) -> None:
        self.iterations.append(iteration)

    def notice(self, code: str, message: str) -> None:
        self.notices.append((code, message))


@dataclass(frozen=True)
class ArrayData:
    """TrainingData over arrays in memory, cut into blocks of `block_rows`."""

    layout: Layout
    features: Matrix
    labels: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    row_weights: NDArray[np.float64] | None = None
    eval_features: Matrix | None = None
    eval_labels: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    n_classes: int = 0
    seed: int = 0
    block_rows: int = 1 << 16
    marked_rows: Matrix | None = None

    @property
    def n_train(self) -> int:
        return int(self.features.shape[0])

    @property
    def n_eval(self) -> int:
        return 0 if self.eval_features is None else int(self.eval_features.shape[0])

    def train_blocks(self) -> Iterator[Block]:
        weights = np.ones(self.n_train) if self.row_weights is None else self.row_weights
        yield from self._blocks(self.features, self.labels, weights)

    def eval_blocks(self) -> Iterator[Block]:
        if self.eval_features is not None:
            yield from self._blocks(self.eval_features, self.eval_labels, np.ones(self.n_eval))

    def initial_rows(self) -> Matrix | None:
        return self.marked_rows

    def _blocks(self, features: Matrix, labels: NDArray[np.float64], weights: NDArray[np.float64]) -> Iterator[Block]:
        for start in range(0, features.shape[0], self.block_rows):
            stop = start + self.block_rows
            yield Block(features[start:stop], labels[start:stop], weights[start:stop])
