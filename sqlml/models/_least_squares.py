"""Least squares from sufficient statistics: one pass over the rows, then everything is algebra on a matrix of columns.

`Moments` are the centred sums of products; `solve` gives the exact minimum from them, the one of smallest norm where there are many, as
long as they hold enough digits. Squaring the columns halves the digits, so a badly conditioned matrix takes a second pass and a QR
decomposition of the rows themselves (`solve_by_qr`). Which strategy a statement gets is the model type's business.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqlml.features.layout import CategoryTerm, Layout
from sqlml.models._bad_rows import no_rows, not_finite
from sqlml.models._column_products import ColumnProducts
from sqlml.models._row_chunks import chunk_rows, row_chunks
from sqlml.models._sparse import dense_parts, is_sparse
from sqlml.training.data import Block, Progress

Vector = NDArray[np.float64]
Square = NDArray[np.float64]

MIN_RECIPROCAL_CONDITION = 1e-6
"""Of the matrix scaled to a unit diagonal; above it the normal equations give 1e-9 relative or better."""


@dataclass(frozen=True)
class Moments:
    """Weighted means, and sums of products of what deviates from them.

    Shapes: `mean[n_columns]`, `products[n_columns, n_columns]`, `label_products[n_columns]`.
    """

    n_rows: int
    weight: float
    mean: Vector
    label_mean: float
    products: Square
    label_products: Vector
    label_square: float

    def quadratic(self, fit_intercept: bool) -> tuple[Square, Vector, float]:
        """(S, c, s) of the mean squared error `w'Sw - 2c'w + s`, with the best intercept for w or without any."""
        matrix = self.products / self.weight
        vector = self.label_products / self.weight
        constant = self.label_square / self.weight
        if not fit_intercept:
            matrix += np.outer(self.mean, self.mean)
            vector = vector + self.mean * self.label_mean
            constant += self.label_mean**2
        return matrix, vector, constant

    def mean_squared_error(self, weights: Vector, intercept: float) -> float:
        """The mean squared error of a linear function over the rows."""
        spread = weights @ self.products @ weights - 2.0 * (self.label_products @ weights) + self.label_square
        offset = self.label_mean - float(self.mean @ weights) - intercept
        return max(0.0, float(spread)) / self.weight + offset**2

    def best_intercept(self, weights: Vector) -> float:
        return self.label_mean - float(self.mean @ weights)


def accumulate_moments(blocks: Iterable[Block], n_columns: int, progress: Progress) -> Moments:
    """Moments in one pass. Dense rows are merged chunk by chunk with the means of each, so that large offsets cost no digits; sparse
    ones as `_column_products` says.

    Raises: DataError `not_finite`, `no_rows`.
    Source: Chan, Golub, LeVeque (1979), updating formulae for sums of squares.
    """
    blocks = iter(blocks)
    first = next(blocks, None)
    if first is None:
        raise no_rows()
    blocks = itertools.chain((first,), blocks)
    with np.errstate(over="ignore", invalid="ignore"):  # told below, as an error
        if is_sparse(first.features):
            return _sparse_moments(blocks, n_columns, progress)
        return _dense_moments(blocks, n_columns, progress)


def _sparse_moments(blocks: Iterable[Block], n_columns: int, progress: Progress) -> Moments:
    sums = ColumnProducts(n_columns)
    origin: float | None = None
    label_sum = label_square = 0.0
    label_products = np.zeros(n_columns)
    for chunk in row_chunks(blocks, chunk_rows(n_columns), progress):
        if origin is None:
            # Any number among the labels: it keeps their squares small.
            origin = float(chunk.labels.mean())
        sums.add(chunk)
        labels = chunk.labels - origin
        weighted = chunk.row_weights * labels
        label_sum += float(weighted.sum())
        label_square += float(weighted @ labels)
        label_products += weighted @ chunk.features
    if sums.weight == 0.0:
        raise no_rows()
    mean, products = sums.centred()
    _check_finite(products, mean, np.array([label_square]))
    return Moments(
        sums.n_rows,
        sums.weight,
        mean,
        (origin or 0.0) + label_sum / sums.weight,
        products,
        label_products - label_sum * mean,
        label_square - label_sum**2 / sums.weight,
    )


def _check_finite(*sums: NDArray[np.float64]) -> None:
    if not all(np.isfinite(sum_).all() for sum_ in sums):
        raise not_finite()


def _dense_moments(blocks: Iterable[Block], n_columns: int, progress: Progress) -> Moments:
    size = chunk_rows(n_columns + 1)
    buffer = np.empty((size + 1, n_columns + 1))
    products = np.zeros((n_columns + 1, n_columns + 1))
    mean = np.zeros(n_columns + 1)
    weight = 0.0
    n_rows = 0
    for chunk in row_chunks(blocks, size, progress):
        n = len(chunk.features)
        n_rows += n
        chunk_weight = float(chunk.row_weights.sum())
        if chunk_weight == 0.0:
            continue
        values = buffer[:n]
        values[:, :-1] = chunk.features
        values[:, -1] = chunk.labels
        chunk_mean = chunk.row_weights @ values / chunk_weight
        values -= chunk_mean
        # The mean of large numbers is off in its last digits; the mean of what is left is not.
        correction = chunk.row_weights @ values / chunk_weight
        values -= correction
        chunk_mean += correction
        if not (chunk.row_weights == 1.0).all():
            values *= np.sqrt(chunk.row_weights)[:, None]
        # The distance of the two means enters as one more row, which saves a second matrix of this size.
        buffer[n] = (chunk_mean - mean) * math.sqrt(weight * chunk_weight / (weight + chunk_weight))
        products += buffer[: n + 1].T @ buffer[: n + 1]
        mean += (chunk_mean - mean) * (chunk_weight / (weight + chunk_weight))
        weight += chunk_weight
    if weight == 0.0:
        raise no_rows()
    _check_finite(products, mean)
    return Moments(
        n_rows,
        weight,
        mean[:-1],
        float(mean[-1]),
        np.ascontiguousarray(products[:-1, :-1]),
        products[:-1, -1].copy(),
        float(products[-1, -1]),
    )


def redundant_directions(layout: Layout, matrix: Square, fit_intercept: bool) -> NDArray[np.float64]:
    """Directions in which weights may move without moving any prediction, for reasons that the layout knows.

    The columns of a one-hot term add up to 1, that is, to a constant that the intercept (or another such term) holds as well. They are
    confirmed on `matrix`, the mean products of the columns.

    Returns: orthonormal columns, `[n_columns, n_directions]`.
    """
    slices = [
        columns
        for term, columns in zip(layout.terms, layout.slices, strict=True)
        if isinstance(term, CategoryTerm) and term.dropped is None
    ]
    sums = np.zeros((layout.n_columns, len(slices)))
    for index, columns in enumerate(slices):
        sums[columns, index] = 1.0
    directions = sums if fit_intercept else sums[:, 1:] - sums[:, :-1]
    # A column without variance is left alone: it gets weight 0 whatever the others do.
    directions[np.diag(matrix) <= 0.0] = 0.0
    energy = np.einsum("ij,ij->j", directions, matrix @ directions)
    size = np.einsum("ij,ij->j", np.abs(directions), np.diag(matrix)[:, None] * np.abs(directions))
    directions = directions[:, (size > 0.0) & (np.abs(energy) <= 1e-12 * size)]
    if directions.shape[1] == 0:
        return directions
    orthonormal: NDArray[np.float64] = np.linalg.qr(directions)[0]
    return orthonormal


def solve(moments: Moments, layout: Layout, *, l2: float, fit_intercept: bool) -> tuple[Vector, float] | None:
    """Weights and intercept that minimise mean squared error + l2/2 |w|^2, of smallest norm where that leaves a choice.

    Returns: None where the moments do not hold enough digits.
    """
    matrix, vector, _ = moments.quadratic(fit_intercept)
    drop_constant_columns(matrix, vector, moments.mean)
    redundant = redundant_directions(layout, matrix, fit_intercept)
    weights = solve_positive(matrix, vector, ridge=l2 / 2.0, redundant=redundant)
    if weights is None:
        return None
    return weights, moments.best_intercept(weights) if fit_intercept else 0.0


def drop_constant_columns(matrix: Square, vector: Vector, mean: Vector) -> None:
    """Sets to exactly 0, in place, what rounding has left of the products of columns without variance."""
    # The mean of a chunk of equal numbers is off by some units in the last place.
    constant = np.diag(matrix) <= (1e3 * np.finfo(np.float64).eps * np.abs(mean)) ** 2
    matrix[constant] = 0.0
    matrix[:, constant] = 0.0
    vector[constant] = 0.0


def solve_positive(
    matrix: Square,
    vector: Vector,
    *,
    ridge: float,
    redundant: NDArray[np.float64],
    min_reciprocal_condition: float = MIN_RECIPROCAL_CONDITION,
) -> Vector | None:
    """Solves (matrix + ridge I) w = vector by Cholesky, for a matrix that is positive but for known directions and zero columns.

    Args: redundant, orthonormal directions that the matrix maps to 0 and the vector does not hold; w has no part in them.
    Returns: None when the matrix, scaled to a unit diagonal, is too badly conditioned.
    """
    from scipy.linalg import lapack

    used = np.flatnonzero(np.diag(matrix) > 0.0)
    weights = np.zeros(len(vector))
    if len(used) == 0:
        return weights
    system = matrix[np.ix_(used, used)]
    if redundant.shape[1]:
        # Lifting the known directions from 0 makes the matrix positive; since the vector has no part in them, the solution stays.
        directions = redundant[used]
        system += float(np.diag(system).mean()) * (directions @ directions.T)
    system[np.diag_indices_from(system)] += ridge
    scale = 1.0 / np.sqrt(np.diag(system))
    system *= scale[:, None]
    system *= scale
    norm = float(np.abs(system).sum(axis=0).max())
    factor, failed = lapack.dpotrf(system, lower=1, overwrite_a=0)
    if failed:
        return None
    reciprocal_condition, _ = lapack.dpocon(factor, norm, uplo="L")
    if not reciprocal_condition >= min_reciprocal_condition:
        return None
    solution, _ = lapack.dpotrs(factor, vector[used] * scale, lower=1)
    weights[used] = solution * scale
    return weights


def solve_by_qr(blocks: Iterable[Block], moments: Moments, *, l2: float, fit_intercept: bool, progress: Progress) -> tuple[Vector, float]:
    """The same as `solve` by QR decomposition of the rows, which keeps all digits and costs another pass.

    Directions below the rounding error of the largest singular value count as absent, as in LAPACK's gelsd.
    """
    from scipy.linalg import lstsq

    triangle = triangle_of_rows(blocks, moments, l2=l2, fit_intercept=fit_intercept, progress=progress)
    cutoff = np.finfo(np.float64).eps * max(16, len(moments.mean))
    weights = lstsq(triangle[:, :-1], triangle[:, -1], cond=cutoff, check_finite=False)[0]
    return weights, moments.best_intercept(weights) if fit_intercept else 0.0


def triangle_of_rows(
    blocks: Iterable[Block], moments: Moments, *, l2: float, fit_intercept: bool, progress: Progress
) -> NDArray[np.float64]:
    """The R of a QR decomposition of the rows, centred where there is an intercept, with the penalty as rows of its own.

    Shapes: `[n_rows, n_columns + 1]` with at most n_columns + 1 rows, the label last.
    """
    n_columns = len(moments.mean)
    centre = np.append(moments.mean, moments.label_mean) if fit_intercept else np.zeros(n_columns + 1)
    triangle = np.empty((0, n_columns + 1))
    size = max(4096, 2 * n_columns)
    for chunk in (part for rows in row_chunks(blocks, size, progress) for part in dense_parts(rows, size)):
        values = np.column_stack([chunk.features, chunk.labels])
        values -= centre
        values *= np.sqrt(chunk.row_weights)[:, None]
        triangle = _triangle(np.concatenate([triangle, values]))
    if l2 > 0.0:
        penalty = np.zeros((n_columns, n_columns + 1))
        penalty[:, :-1][np.diag_indices(n_columns)] = math.sqrt(l2 / 2.0 * moments.weight)
        triangle = _triangle(np.concatenate([triangle, penalty]))
    return triangle


def _triangle(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The R of a QR decomposition."""
    triangle: NDArray[np.float64] = np.asarray(np.linalg.qr(rows, mode="r"))
    return triangle
