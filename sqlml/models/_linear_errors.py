"""Standard errors of least squares: sigma² (X'X)⁻¹ with n - k degrees of freedom.

With l2_reg they are those of the ridge estimate, sigma² A⁻¹X'X A⁻¹ with A = X'X + n l2/2.
Source: statsmodels OLS; Hoerl, Kennard (1970), Ridge regression, for the penalty.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sqlml.models._least_squares import Moments, drop_constant_columns, triangle_of_rows
from sqlml.models._row_chunks import chunk_rows, row_chunks
from sqlml.models._sparse import dense_parts
from sqlml.models._standard_errors import (
    Information,
    Inverse,
    Scores,
    invert_spectrum,
    spectrum,
    standard_errors,
    tell_penalty,
    tell_undetermined,
)
from sqlml.training.data import Progress, TrainingData

Vector = NDArray[np.float64]

_ENOUGH = 1e-6
"""Smallest eigenvalue of the products scaled to a unit diagonal, as a share of the largest, that leaves the inverse 1e-9 or better."""

_SINGULAR = 1e-10
"""Singular values of the rows, scaled likewise, up to this share of the largest count as 0: beyond, a standard error is 1e10 times what it
would be without the other columns, and the last digits of the data decide."""


def linear_errors(
    data: TrainingData, moments: Moments, weights: Vector, intercept: float, *, l2: float, fit_intercept: bool, progress: Progress
) -> tuple[Vector, int]:
    """Standard errors `[n_columns + 2]` as `standard_errors` gives them, and the degrees of freedom.

    All are NaN, and the degrees 0, where there are no more rows than weights. Reads the rows once, twice where products of columns do not
    hold enough digits.
    """
    matrix, vector, _ = moments.quadratic(fit_intercept)
    if fit_intercept:
        drop_constant_columns(matrix, vector, moments.mean)
    matrix *= moments.weight
    inverse = _inverse(data, moments, matrix, l2, fit_intercept, progress)
    plain = inverse if l2 == 0.0 else _inverse(data, moments, matrix, 0.0, fit_intercept, progress)
    n_estimated = plain.rank + fit_intercept
    degrees = moments.n_rows - n_estimated
    if degrees < 1:
        progress.notice(
            "no_standard_errors",
            f"ML.ADVANCED_WEIGHTS has no standard errors and no p-values: {moments.n_rows} training rows do not leave any for the "
            f"errors of {n_estimated} weights",
        )
        return np.full(len(weights) + 2, np.nan), 0
    scores = Scores(matrix, np.zeros(len(weights)), moments.weight) if l2 > 0.0 else None
    information = Information(inverse, moments.mean, moments.weight, scores)
    deviation = np.sqrt(_squared_residuals(data, weights, intercept, progress) / degrees)
    errors = deviation * standard_errors(information, data.layout, fit_intercept)
    errors[~np.isfinite(errors)] = np.nan
    tell_undetermined(errors, data.layout, progress)
    tell_penalty(l2, progress)
    return errors, 0 if np.isnan(errors).all() else degrees


def _inverse(
    data: TrainingData, moments: Moments, matrix: NDArray[np.float64], l2: float, fit_intercept: bool, progress: Progress
) -> Inverse:
    """Of the sums of products plus the penalty."""
    ridge = l2 / 2.0 * moments.weight
    scale = np.sqrt(np.where(np.diag(matrix) > 0.0, np.diag(matrix) + ridge, 0.0))
    values, vectors = spectrum(matrix + ridge * np.eye(len(matrix)), scale)
    if values.min(initial=np.inf) >= _ENOUGH * values.max(initial=0.0):
        return invert_spectrum(values, vectors, scale, 0.0)
    triangle = triangle_of_rows(data.train_blocks(), moments, l2=l2, fit_intercept=fit_intercept, progress=progress)[:, :-1]
    used = scale > 0.0
    _, singular, directions = np.linalg.svd(triangle[:, used] / scale[used], full_matrices=True)
    return invert_spectrum(np.square(np.pad(singular, (0, len(directions) - len(singular)))), directions.T, scale, _SINGULAR**2)


def _squared_residuals(data: TrainingData, weights: Vector, intercept: float, progress: Progress) -> float:
    """Row by row: the difference of the moments would lose the digits of a good fit."""
    total = 0.0
    rows = chunk_rows(len(weights))
    for chunk in row_chunks(data.train_blocks(), rows, progress):
        for part in dense_parts(chunk, rows):
            residuals = part.labels - (part.features @ weights + intercept)
            total += float(part.row_weights @ np.square(residuals))
    return total
