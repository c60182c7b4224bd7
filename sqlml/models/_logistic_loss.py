"""The log loss of logistic regression, streamed: value, gradient and curvature in one pass over the rows.

Two classes have one output, the log odds of the higher class; more classes have one output each, and their softmax are the probabilities.
Parameters are flat: the weights of output 0, of output 1, …, then the intercepts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqlml.models._bad_rows import no_rows, not_finite
from sqlml.models._row_chunks import chunk_rows, row_chunks, sparse_rows
from sqlml.models._sparse import column_squares, dense_parts
from sqlml.training.data import Block, Progress, TrainingData

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Curvature:
    """Second derivatives of the mean loss.

    Shapes: `weights[n_weights, n_weights]`, `mixed[n_weights, n_outputs]`, `intercepts[n_outputs, n_outputs]`.
    """

    weights: Matrix
    mixed: Matrix
    intercepts: Matrix


@dataclass(frozen=True)
class Evaluated:
    """The loss at a point. `margin` is the smallest distance, over the rows, of the true class from the next best; positive where no row
    is misclassified."""

    value: float
    gradient: Vector
    curvature: Curvature | None
    margin: float


class LogisticLoss:
    """The weighted mean log loss over the training rows, without penalties."""

    def __init__(self, data: TrainingData, fit_intercept: bool, progress: Progress) -> None:
        self.n_columns = data.layout.n_columns
        self.n_outputs = 1 if data.n_classes == 2 else data.n_classes
        self.fit_intercept = fit_intercept
        self._data = data
        self._progress = progress

    @property
    def n_weights(self) -> int:
        return self.n_outputs * self.n_columns

    @property
    def n_parameters(self) -> int:
        return self.n_weights + self.n_outputs

    def split(self, point: Vector) -> tuple[Matrix, Vector]:
        """Weights `[n_outputs, n_columns]` and intercepts `[n_outputs]` of flat parameters."""
        return point[: self.n_weights].reshape(self.n_outputs, self.n_columns), point[self.n_weights :]

    def evaluate(self, point: Vector, *, curvature: bool) -> Evaluated:
        """Value, gradient and, if asked, curvature at one point, in one pass.

        Raises: DataError `no_rows`, `not_finite`.
        """
        weights, intercepts = self.split(point)
        sums = _Sums(self.n_outputs, self.n_columns, curvature)
        with np.errstate(over="ignore", invalid="ignore"):  # told below, as an error
            for chunk in self._train_chunks():
                # Second derivatives are products of columns, which few columns have: dense rows serve them best.
                for part in dense_parts(chunk, self._chunk_rows) if curvature else (chunk,):
                    sums.add(part, part.features @ weights.T + intercepts)
        value, gradient = self._means(sums)
        if not np.isfinite(value):
            raise not_finite()
        return Evaluated(value, gradient, sums.curvature(), sums.margin)

    def values_and_gradients(self, points: Matrix) -> tuple[Vector, Matrix]:
        """Value and gradient at several points, in one pass; infinite where a point is too far out.

        Raises: DataError `no_rows`.
        """
        all_sums = [_Sums(self.n_outputs, self.n_columns, with_curvature=False) for _ in points]
        split = [self.split(point) for point in points]
        with np.errstate(over="ignore", invalid="ignore"):  # a rate that is too large; descent sees the infinity
            for chunk in self._train_chunks():
                for sums, (weights, intercepts) in zip(all_sums, split, strict=True):
                    sums.add(chunk, chunk.features @ weights.T + intercepts)
            means = [self._means(sums) for sums in all_sums]
        return np.array([value for value, _ in means]), np.array([gradient for _, gradient in means])

    def _means(self, sums: _Sums) -> tuple[float, Vector]:
        if sums.weight == 0.0:
            raise no_rows()
        gradient = np.concatenate([sums.weight_gradient.ravel(), sums.intercept_gradient]) / sums.weight
        if not self.fit_intercept:
            gradient[self.n_weights :] = 0.0
        return sums.value / sums.weight, gradient

    def evaluation_loss(self, point: Vector) -> float | None:
        """The loss on the evaluation rows; None without any."""
        if self._data.n_eval == 0:
            return None
        weights, intercepts = self.split(point)
        total = weight = 0.0
        chunks = row_chunks(self._data.eval_blocks(), chunk_rows(self.n_columns), self._progress, sparse_rows=sparse_rows(self.n_outputs))
        for chunk in chunks:
            losses = losses_and_probabilities(chunk.features @ weights.T + intercepts, chunk.labels)[0]
            total += float(chunk.row_weights @ losses)
            weight += float(chunk.row_weights.sum())
        return total / weight if weight else None

    def curvatures(self) -> Vector:
        """The most that the second derivative by each weight can be: a quarter of its column's mean square."""
        total = np.zeros(self.n_columns)
        weight = 0.0
        for chunk in self._train_chunks():
            total += column_squares(chunk.features, chunk.row_weights)
            weight += float(chunk.row_weights.sum())
        return np.tile(0.25 * (total / weight if weight else total), self.n_outputs)

    @property
    def _chunk_rows(self) -> int:
        return chunk_rows(self.n_columns * self.n_outputs)

    def _train_chunks(self) -> Iterator[Block]:
        return row_chunks(self._data.train_blocks(), self._chunk_rows, self._progress, sparse_rows=sparse_rows(self.n_outputs))


class _Sums:
    """Sums over the rows of one pass."""

    def __init__(self, n_outputs: int, n_columns: int, with_curvature: bool) -> None:
        self.value = 0.0
        self.weight = 0.0
        self.margin = np.inf
        self.weight_gradient = np.zeros((n_outputs, n_columns))
        self.intercept_gradient = np.zeros(n_outputs)
        n_weights = n_outputs * n_columns
        self._products = np.zeros((n_weights, n_weights)) if with_curvature else None
        self._mixed = np.zeros((n_weights if with_curvature else 0, n_outputs))
        self._intercepts = np.zeros((n_outputs, n_outputs))

    def add(self, chunk: Block, logits: Matrix) -> None:
        losses, probabilities, margin = losses_and_probabilities(logits, chunk.labels)
        self.value += float(chunk.row_weights @ losses)
        self.weight += float(chunk.row_weights.sum())
        self.margin = min(self.margin, margin)
        residuals = probabilities - _targets(chunk.labels, logits.shape[1])
        residuals *= chunk.row_weights[:, None]
        self.weight_gradient += residuals.T @ chunk.features
        self.intercept_gradient += residuals.sum(axis=0)
        if self._products is None:
            return
        if logits.shape[1] == 1:
            self._add_binary(self._products, chunk, probabilities[:, 0])
        else:
            self._add_multinomial(self._products, chunk, probabilities)

    def _add_binary(self, products: Matrix, chunk: Block, probabilities: Vector) -> None:
        curvature = chunk.row_weights * probabilities * (1.0 - probabilities)
        weighted = chunk.features * np.sqrt(curvature)[:, None]
        products += weighted.T @ weighted
        self._mixed[:, 0] += curvature @ chunk.features
        self._intercepts[0, 0] += float(curvature.sum())

    def _add_multinomial(self, products: Matrix, chunk: Block, probabilities: Matrix) -> None:
        n_rows, n_columns = chunk.features.shape
        n_outputs = probabilities.shape[1]
        roots = np.sqrt(chunk.row_weights)[:, None]
        # The curvature is diag(p) - pp' for each row: all cross products in one matrix product, then the diagonal blocks.
        shares = probabilities * roots
        crossed = (shares[:, :, None] * chunk.features[:, None, :]).reshape(n_rows, n_outputs * n_columns)
        products -= crossed.T @ crossed
        self._mixed -= crossed.T @ shares
        self._intercepts -= shares.T @ shares
        for output in range(n_outputs):
            curvature = probabilities[:, output] * chunk.row_weights
            columns = slice(output * n_columns, (output + 1) * n_columns)
            weighted = chunk.features * np.sqrt(curvature)[:, None]
            products[columns, columns] += weighted.T @ weighted
            self._mixed[columns, output] += curvature @ chunk.features
            self._intercepts[output, output] += float(curvature.sum())

    def curvature(self) -> Curvature | None:
        if self._products is None:
            return None
        return Curvature(self._products / self.weight, self._mixed / self.weight, self._intercepts / self.weight)


def _targets(labels: Vector, n_outputs: int) -> Matrix:
    if n_outputs == 1:
        return labels[:, None]
    targets = np.zeros((len(labels), n_outputs))
    targets[np.arange(len(labels)), labels.astype(np.int64)] = 1.0
    return targets


def losses_and_probabilities(logits: Matrix, labels: Vector) -> tuple[Vector, Matrix, float]:
    """Log loss per row, probabilities `[n_rows, n_outputs]`, and the smallest margin; none of them overflows."""
    if logits.shape[1] == 1:
        values = logits[:, 0]
        powers = np.exp(-np.abs(values))
        probabilities = np.where(values >= 0.0, 1.0, powers) / (1.0 + powers)
        losses = np.log1p(powers) + np.maximum(values, 0.0) - labels * values
        margins = (2.0 * labels - 1.0) * values
        return losses, probabilities[:, None], float(margins.min(initial=np.inf))
    rows, classes = np.arange(len(logits)), labels.astype(np.int64)
    shifted = logits - logits.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    sums = powers.sum(axis=1)
    of_label = shifted[rows, classes]
    losses = np.log(sums) - of_label
    shifted[rows, classes] = -np.inf
    margins = of_label - shifted.max(axis=1)
    return losses, powers / sums[:, None], float(margins.min(initial=np.inf))
