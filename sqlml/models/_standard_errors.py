"""Standard errors and p-values of weights: what ML.ADVANCED_WEIGHTS shows, the same for both linear model types.

The model types bring what their rows say of the weights (`Information`, from `_linear_errors` and `_logistic_errors`); here it is inverted,
taken to the columns as the user knows them, and kept. A weight that the rows do not determine, since its column is constant, a sum of
others, or tells the classes apart without error, has no standard error (NaN here, NULL in SQL).

Source: as statsmodels, OLS(…).fit() and Logit(…).fit(): `bse` and `pvalues`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqlml.features.layout import CategoryTerm, Layout, MultiHotTerm, NumericTerm, Term
from sqlml.models._blas_threads import single_blas_thread
from sqlml.state import damaged_state, floats
from sqlml.training.data import Progress

Vector = NDArray[np.float64]
Square = NDArray[np.float64]

_DEPENDENT = 1e-7
"""A weight whose direction has more than this share in a direction that the rows leave open is not determined."""

_NAMES_TOLD = 5


@dataclass(frozen=True)
class Inverse:
    """The (pseudo-)inverse of the information about weights, as roots @ roots.T: the square would lose digits of what cancels.

    Shapes: `roots[n_columns, rank]`; `scale[n_columns]`, 0 for columns that are constant; `open[n_columns, n_open]`, orthonormal
    directions of weights times `scale` about which the rows say nothing.
    """

    roots: NDArray[np.float64]
    scale: Vector
    open: NDArray[np.float64]

    @property
    def rank(self) -> int:
        return int(self.roots.shape[1])


@dataclass(frozen=True)
class Scores:
    """Covariance of the gradients of the rows' losses, by weights, by both, and by the intercept at the centre of an `Information`."""

    weights: Square
    mixed: Vector
    intercept: float


@dataclass(frozen=True)
class Information:
    """What the rows say of weights and of the intercept at `centre`, where the two do not depend on each other.

    `inverse` is that of the loss with its penalty, `intercept` the information about the intercept, 0 without one. Their inverses are the
    covariance, unless `scores` come between.
    """

    inverse: Inverse
    centre: Vector
    intercept: float
    scores: Scores | None = None


ERRORS = floats("n_errors", finite=False).metadata
"""How a state declares its `standard_errors`; they are empty where they were not asked for."""


def no_errors() -> Vector:
    return np.empty(0)


def check_errors(errors: Vector, n_columns: int) -> None:
    """Raises: IntegrityError `damaged_state` for standard errors that no training has written."""
    if len(errors) not in (0, n_columns + 2):
        raise damaged_state("the standard errors do not fit the weights")
    if not ((errors >= 0.0) & (errors < np.inf) | np.isnan(errors)).all():
        raise damaged_state("a standard error is negative or infinite")


def invert_spectrum(values: Vector, vectors: NDArray[np.float64], scale: Vector, cutoff: float) -> Inverse:
    """The inverse from eigenvalues `values[n_used]` and eigenvectors `vectors[n_used, n_used]` of the matrix scaled to a unit diagonal.

    Eigenvalues up to `cutoff` times the largest count as 0.
    """
    used = np.flatnonzero(scale > 0.0)
    kept = values > cutoff * values.max(initial=0.0)
    roots = np.zeros((len(scale), int(kept.sum())))
    roots[used] = vectors[:, kept] / np.sqrt(values[kept]) / scale[used][:, None]
    missing = np.zeros((len(scale), int((~kept).sum())))
    missing[used] = vectors[:, ~kept]
    return Inverse(roots, scale, missing)


def spectrum(matrix: Square, scale: Vector) -> tuple[Vector, NDArray[np.float64]]:
    """Eigenvalues and eigenvectors of a matrix divided by `scale` on both sides, columns of scale 0 left out."""
    used = np.flatnonzero(scale > 0.0)
    scaled = matrix[np.ix_(used, used)] / scale[used][:, None] / scale[used]
    with single_blas_thread():
        values, vectors = np.linalg.eigh(0.5 * (scaled + scaled.T))
    return values, vectors


def standard_errors(information: Information, layout: Layout, fit_intercept: bool) -> Vector:
    """Standard errors, `[n_columns + 2]`: of the weights of the learner's columns, of the intercept where the user's numbers are 0, and of
    the intercept where they are at their means. NaN where the rows do not determine it."""
    inverse = information.inverse
    errors = np.full(len(inverse.scale) + 2, np.nan)
    if not np.isfinite(inverse.roots).all() or (fit_intercept and information.intercept <= 0.0):
        return errors
    constant = inverse.scale == 0.0
    determined = ~constant & (np.linalg.norm(inverse.open, axis=1) <= _DEPENDENT)
    errors[:-2][determined] = _errors(information, np.eye(len(constant))[determined], np.zeros(int(determined.sum())))
    for index, place in enumerate(_intercept_places(layout)):
        if not fit_intercept and index == 0:
            continue  # it is 0, and nothing that was estimated
        # A constant column has weight 0 as if it were not there, so the intercept does not depend on it.
        offset = np.where(constant, 0.0, place - information.centre if fit_intercept else place)
        scaled = offset / np.where(constant, 1.0, inverse.scale)
        if np.linalg.norm(scaled @ inverse.open) <= _DEPENDENT * np.linalg.norm(scaled):
            errors[len(constant) + index] = _errors(information, offset[None, :], np.array([float(fit_intercept)]))[0]
    errors[~np.isfinite(errors)] = np.nan
    return errors


def _errors(information: Information, offsets: NDArray[np.float64], intercepts: Vector) -> Vector:
    """Of sums of weights and the intercept at the centre. Shapes: `offsets[n_sums, n_columns]`, `intercepts[n_sums]`."""
    roots = information.inverse.roots
    by_root = offsets @ roots
    by_intercept = intercepts / information.intercept if information.intercept > 0.0 else np.zeros_like(intercepts)
    scores = information.scores
    if scores is None:
        variance = np.square(by_root).sum(axis=1) + by_intercept * intercepts
    else:
        variance = np.einsum("ij,jk,ik->i", by_root, roots.T @ scores.weights @ roots, by_root, optimize=True)
        variance += 2.0 * by_intercept * (by_root @ (roots.T @ scores.mixed)) + np.square(by_intercept) * scores.intercept
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)), np.float64)


def _intercept_places(layout: Layout) -> tuple[Vector, Vector]:
    """Where, in the learner's columns, the user's numbers are 0, and where they are at their means; no category, empty arrays."""
    zero, mean = np.zeros(layout.n_columns), np.zeros(layout.n_columns)
    for term, columns in zip(layout.terms, layout.slices, strict=True):
        if isinstance(term, NumericTerm):
            zero[columns] = -term.centre / term.scale
            mean[columns] = (term.mean - term.centre) / term.scale
    return zero, mean


def p_values(weights: Vector, errors: Vector, degrees_of_freedom: int) -> Vector:
    """Two-sided p-values of weights against 0: Student's t, or the normal distribution for 0 degrees of freedom.

    NaN where the standard error is, or where both are 0.
    """
    from scipy.special import betainc, erfc

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratios = np.abs(weights / errors)
        if degrees_of_freedom == 0:
            return np.asarray(erfc(ratios / np.sqrt(2.0)), np.float64)
        squares, half = np.square(ratios), 0.5 * degrees_of_freedom
        near = squares < 1.0
        # The tail itself, which one minus what is within would round to 0; but close to 0 its argument is rounded to 1.
        within = np.where(near, squares / (degrees_of_freedom + squares), 0.0)
        beyond = np.where(near, 1.0, degrees_of_freedom / (degrees_of_freedom + squares))
        tails = np.where(near, 1.0 - betainc(0.5, half, within), betainc(half, 0.5, beyond))
        return np.asarray(np.where(np.isnan(ratios), np.nan, tails), np.float64)


def tell_undetermined(errors: Vector, layout: Layout, progress: Progress) -> None:
    """The notice that names the weights without a standard error."""
    names = [name for columns, term in zip(layout.slices, layout.terms, strict=True) for name in _undetermined(errors[columns], term)]
    if not names:
        return
    listed = ", ".join(names[:_NAMES_TOLD]) + (", …" if len(names) > _NAMES_TOLD else "")
    progress.notice(
        "no_standard_errors",
        f"ML.ADVANCED_WEIGHTS has no standard error and no p-value for {len(names)} of {len(errors) - 2} weights, which the rows do not "
        f"determine: {listed}. Their columns are constant, a combination of other columns, or go with one class only",
    )


def _undetermined(errors: Vector, term: Term) -> list[str]:
    if isinstance(term, NumericTerm):
        return [term.name] if np.isnan(errors[0]) else []
    labels = list(term.categories) if isinstance(term, (CategoryTerm, MultiHotTerm)) else [str(index) for index in range(term.size)]
    if isinstance(term, CategoryTerm) and term.dropped is not None:
        del labels[term.dropped]
    return [f"{term.name} {label!r}" for label, error in zip(labels, errors, strict=True) if np.isnan(error)]


def tell_penalty(l2: float, progress: Progress) -> None:
    """The notice that p-values of shrunken weights are what they are."""
    if l2 > 0.0:
        progress.notice(
            "shrunken_weights",
            f"l2_reg = {l2:g} draws weights towards 0: the standard errors of ML.ADVANCED_WEIGHTS are those of the shrunken weights, and "
            "the p-values are approximations",
        )


def tell_approximate(progress: Progress) -> None:
    """The notice of weights that are not at the minimum, as gradient descent leaves them."""
    progress.notice(
        "approximate_p_values",
        "standard errors and p-values belong to the minimum of the loss, and gradient descent stops before it; leave out its options for "
        "exact ones",
    )
