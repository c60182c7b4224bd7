"""Standard errors of logistic regression for two classes: the inverse of the observed information at the optimum.

With l2_reg, A⁻¹ I A⁻¹ with the curvature A of the penalised loss and the information I. With class weights the rows' own scores take the
place of I (the sandwich estimate): weights are no counts of rows, and errors must not depend on their scale.
Source: statsmodels Logit; GLM(Binomial, var_weights).fit(cov_type='HC0') with class weights; le Cessie, van Houwelingen (1992), Ridge
estimators in logistic regression, for the penalty.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sqlml.features.layout import CategoryTerm, Layout, MultiHotTerm
from sqlml.models._least_squares import drop_constant_columns
from sqlml.models._logistic_loss import losses_and_probabilities
from sqlml.models._row_chunks import chunk_rows, row_chunks
from sqlml.models._sparse import dense_parts
from sqlml.models._standard_errors import (
    Information,
    Scores,
    invert_spectrum,
    spectrum,
    standard_errors,
    tell_penalty,
    tell_undetermined,
)
from sqlml.training.data import Block, Progress, TrainingData

Vector = NDArray[np.float64]
Square = NDArray[np.float64]

_SINGULAR = 1e-11
"""Eigenvalues of the information scaled to a unit diagonal, up to this share of the largest, are what rounding leaves of 0."""


def logistic_errors(
    data: TrainingData, weights: Vector, intercept: float, *, l2: float, fit_intercept: bool, weighted: bool, progress: Progress
) -> Vector:
    """Standard errors `[n_columns + 2]` as `standard_errors` gives them, in one pass over the rows.

    Args: weighted, whether classes have weights.
    """
    sums = _Sums(len(weights), weighted, fit_intercept)
    rows = chunk_rows(len(weights))
    for chunk in row_chunks(data.train_blocks(), rows, progress):
        for part in dense_parts(chunk, rows):
            sums.add(part, weights, intercept)
    if not np.isfinite(sums.products).all():
        return np.full(len(weights) + 2, np.nan)  # weights that overflow, which training reports
    information = sums.information(l2, fit_intercept)
    errors = standard_errors(information, data.layout, fit_intercept)
    if l2 == 0.0:
        errors[_without_optimum(data.layout, sums, fit_intercept)] = np.nan
    tell_undetermined(errors, data.layout, progress)
    tell_penalty(l2, progress)
    return errors


class _Sums:
    """Sums over the rows, of columns less an origin that keeps their squares small."""

    def __init__(self, n_columns: int, weighted: bool, shifted: bool) -> None:
        self.products = np.zeros((n_columns, n_columns))
        self.sums = np.zeros(n_columns)
        self.total = 0.0
        self.weight = 0.0
        self.scores = np.zeros((n_columns + 1, n_columns + 1)) if weighted else None
        self.by_class = np.zeros((2, n_columns))
        self.rows_by_class = np.zeros(2)
        self.origin: Vector | None = None if shifted else np.zeros(n_columns)

    def add(self, rows: Block, weights: Vector, intercept: float) -> None:
        if self.origin is None:
            self.origin = rows.features.mean(axis=0)
        probabilities = losses_and_probabilities((rows.features @ weights + intercept)[:, None], rows.labels)[1][:, 0]
        curvature = rows.row_weights * probabilities * (1.0 - probabilities)
        positive = rows.labels == 1.0
        self.by_class += [(~positive).astype(np.float64) @ rows.features, positive.astype(np.float64) @ rows.features]
        self.rows_by_class += [float((~positive).sum()), float(positive.sum())]
        features = rows.features - self.origin
        self.sums += curvature @ features
        self.total += float(curvature.sum())
        self.weight += float(rows.row_weights.sum())
        if self.scores is not None:
            scores = np.column_stack([features, np.ones(len(features))]) * (rows.row_weights * (probabilities - rows.labels))[:, None]
            self.scores += scores.T @ scores
        features *= np.sqrt(curvature)[:, None]
        self.products += features.T @ features

    def information(self, l2: float, fit_intercept: bool) -> Information:
        assert self.origin is not None  # there is a row
        n_columns = len(self.sums)
        offset = self.sums / self.total if fit_intercept and self.total > 0.0 else np.zeros(n_columns)
        centre = self.origin + offset
        matrix = self.products - self.total * np.outer(offset, offset)
        if fit_intercept:
            # On means, as the moments of least squares.
            matrix /= max(self.total, np.finfo(np.float64).tiny)
            drop_constant_columns(matrix, np.zeros(n_columns), centre)
            matrix *= self.total
        ridge = l2 * self.weight
        scale = np.sqrt(np.where(np.diag(matrix) > 0.0, np.diag(matrix) + ridge, 0.0))
        values, vectors = spectrum(matrix + ridge * np.eye(n_columns), scale)
        inverse = invert_spectrum(values, vectors, scale, _SINGULAR)
        scores = None
        if self.scores is not None:
            moved = np.eye(n_columns + 1)
            moved[:-1, -1] = -offset
            found = moved @ self.scores @ moved.T
            scores = Scores(found[:-1, :-1], found[:-1, -1], float(found[-1, -1]))
        elif l2 > 0.0:
            scores = Scores(matrix, np.zeros(n_columns), self.total)
        return Information(inverse, centre, self.total, scores)


def _without_optimum(layout: Layout, sums: _Sums, fit_intercept: bool) -> NDArray[np.intp]:
    """Places among the standard errors of what grows without end, since the rows of a category are all of one class."""
    found: list[int] = []
    n_columns = layout.n_columns
    for term, columns in zip(layout.terms, layout.slices, strict=True):
        if not isinstance(term, (CategoryTerm, MultiHotTerm)):
            continue
        counts = sums.by_class[:, columns]
        found.extend((columns.start + np.flatnonzero((counts == 0.0).any(axis=0))).tolist())
        if isinstance(term, CategoryTerm) and term.dropped is not None and fit_intercept:
            left = sums.rows_by_class - counts.sum(axis=1)
            if (left == 0.0).any() and left.any():
                # The dropped category's weight is the intercept, and the others are told as differences from it.
                found.extend([*range(columns.start, columns.stop), n_columns, n_columns + 1])
    return np.array(found, np.intp)
