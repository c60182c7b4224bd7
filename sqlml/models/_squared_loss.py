"""The mean squared error as a loss for gradient descent: from moments while the matrix of columns is small, from the rows when it is wide.

The parameters are the weights alone; the intercept always is the best one for them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sqlml.models._bad_rows import no_rows, not_finite
from sqlml.models._column_products import CONSTANT
from sqlml.models._least_squares import Moments
from sqlml.models._logistic_loss import Evaluated
from sqlml.models._row_chunks import chunk_rows, row_chunks
from sqlml.models._sparse import column_squares
from sqlml.training.data import Progress, TrainingData

Vector = NDArray[np.float64]


class MomentsLoss:
    """The loss without another look at the rows."""

    def __init__(self, training: Moments, evaluation: Moments | None, fit_intercept: bool) -> None:
        self._training = training
        self._evaluation = evaluation
        self._fit_intercept = fit_intercept
        self._matrix, self._vector, self._constant = training.quadratic(fit_intercept)

    def intercept(self, point: Vector) -> float:
        return self._training.best_intercept(point) if self._fit_intercept else 0.0

    def values_and_gradients(self, points: NDArray[np.float64]) -> tuple[Vector, NDArray[np.float64]]:
        with np.errstate(over="ignore", invalid="ignore"):  # a rate that is too large; descent sees the infinity
            images = points @ self._matrix
            values = np.einsum("ij,ij->i", images - 2.0 * self._vector, points) + self._constant
            return np.maximum(values, 0.0), 2.0 * (images - self._vector)

    def evaluation_loss(self, point: Vector) -> float | None:
        return None if self._evaluation is None else self._evaluation.mean_squared_error(point, self.intercept(point))


class StreamedLoss:
    """The loss with a pass over the rows for each call; one pass at the start finds means and mean squares.

    Rows may be sparse; only vectors of all columns are kept.
    """

    def __init__(self, data: TrainingData, fit_intercept: bool, progress: Progress) -> None:
        self._data = data
        self._fit_intercept = fit_intercept
        self._progress = progress
        self._chunk_rows = chunk_rows(data.layout.n_columns)
        self.mean = np.zeros(data.layout.n_columns)
        self._label_mean = 0.0
        self._weight = 0.0
        self._squares = np.zeros(data.layout.n_columns)
        for chunk in row_chunks(data.train_blocks(), self._chunk_rows, progress):
            self.mean += chunk.row_weights @ chunk.features
            self._squares += column_squares(chunk.features, chunk.row_weights)
            self._label_mean += float(chunk.row_weights @ chunk.labels)
            self._weight += float(chunk.row_weights.sum())
        if self._weight == 0.0:
            raise no_rows()
        self.mean /= self._weight
        self._squares /= self._weight
        self._label_mean /= self._weight
        if not (np.isfinite(self._squares).all() and np.isfinite(self._label_mean)):
            raise not_finite()

    @property
    def n_weights(self) -> int:
        return len(self.mean)

    @property
    def n_parameters(self) -> int:
        """The weights: the intercept is no parameter."""
        return len(self.mean)

    def intercept(self, point: Vector) -> float:
        return self._label_mean - float(self.mean @ point) if self._fit_intercept else 0.0

    def curvatures(self) -> Vector:
        """The second derivative by each weight: twice the mean square, or variance where the intercept follows; exactly 0 for columns
        that do not vary."""
        if not self._fit_intercept:
            return 2.0 * self._squares
        variances = self._squares - self.mean**2
        return np.where(variances > CONSTANT * self._squares, 2.0 * variances, 0.0)

    def curvature_times(self, direction: Vector) -> Vector:
        """The matrix of second derivatives times a direction, in one pass."""
        image = np.zeros(len(direction))
        # Changes around their mean add up to nothing, so that centring them centres the columns as well.
        offset = float(self.mean @ direction) if self._fit_intercept else 0.0
        for chunk in row_chunks(self._data.train_blocks(), self._chunk_rows, self._progress):
            image += ((chunk.features @ direction - offset) * chunk.row_weights) @ chunk.features
        return 2.0 * image / self._weight

    def evaluate(self, point: Vector, *, curvature: bool = False) -> Evaluated:
        """Value and gradient at one point; there is no curvature to be had.

        Raises: DataError `not_finite`.
        """
        values, gradients = self.values_and_gradients(point[None, :])
        if not np.isfinite(values[0]):
            raise not_finite()
        return Evaluated(float(values[0]), gradients[0], None, -np.inf)

    def values_and_gradients(self, points: NDArray[np.float64]) -> tuple[Vector, NDArray[np.float64]]:
        values = np.zeros(len(points))
        gradients = np.zeros_like(points)
        sums = np.zeros(len(points))
        with np.errstate(over="ignore", invalid="ignore"):
            intercepts = np.array([self.intercept(point) for point in points])
            for chunk in row_chunks(self._data.train_blocks(), self._chunk_rows, self._progress):
                residuals = chunk.features @ points.T + intercepts - chunk.labels[:, None]
                weighted = residuals * chunk.row_weights[:, None]
                values += np.einsum("ij,ij->j", residuals, weighted)
                sums += weighted.sum(axis=0)
                gradients += weighted.T @ chunk.features
            if self._fit_intercept:
                gradients -= sums[:, None] * self.mean
        return values / self._weight, 2.0 * gradients / self._weight

    def evaluation_loss(self, point: Vector) -> float | None:
        if self._data.n_eval == 0:
            return None
        intercept = self.intercept(point)
        total = weight = 0.0
        for chunk in row_chunks(self._data.eval_blocks(), self._chunk_rows, self._progress):
            residuals = chunk.features @ point + intercept - chunk.labels
            total += float(chunk.row_weights @ residuals**2)
            weight += float(chunk.row_weights.sum())
        return total / weight
