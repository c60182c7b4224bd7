"""PCA: the directions in which the rows vary most.

    CREATE MODEL axes OPTIONS (model_type = 'PCA', num_principal_components = 2) AS SELECT …

Equal to `sklearn.decomposition.PCA(svd_solver='full')` on the same matrix, signs included. Learns from sufficient statistics: one pass sums
means and products, and the eigenvectors of the covariance are the components. Products of columns hold half the digits of the columns, so a
variance below 1e-7 of the largest is known to fewer than 9.

All columns are centred, one-hot columns too, and scale_features scales the numeric ones. One-hot columns keep their 0 and 1, with a
variance of p (1 - p): statements 3.3 speaks of unit variance for numbers only, semantics 5 would have categories "scaled like the others",
which would make the rarest category weigh as much as a measurement.
Source: reference, statements 3.3 and functions 3.5.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqlml import sql
from sqlml.errors import DataError, OperationalError
from sqlml.features.layout import Layout
from sqlml.models._column_products import ColumnProducts
from sqlml.models._options import Boolean, Float, Integer, Option, OptionError, Options, String
from sqlml.models._row_chunks import chunk_rows, row_chunks
from sqlml.models._sparse import as_csr, is_sparse
from sqlml.models._spec import EncodingRules, ModelSpec, Reading, Task
from sqlml.models._supervised_options import LINEAGE_OPTIONS, REGISTRY_OPTIONS, model_type_option
from sqlml.models._terms_sql import TermValues, check_size, dot_product, over_terms
from sqlml.state import FloatArray, damaged_state, floats
from sqlml.training.data import Iteration, Progress, Trained, TrainingData

MAX_COLUMNS = 10_000
"""Columns after encoding. The covariance then has 800 MB, four times as much while its eigenvectors are computed, which takes one to five
minutes (4,000 columns: 6 to 20 s)."""

_TIE = 1e-9
"""Entries of a component that differ by less are equally large when the sign is chosen, so that rounding does not choose it."""


@dataclass(frozen=True)
class PCAState:
    """The components, largest variance first."""

    total_variance: float
    """Of all columns, not of the components kept."""
    components: FloatArray = floats("n_components", "n_columns")
    column_means: FloatArray = floats("n_columns")
    explained_variance: FloatArray = floats("n_components")
    """Eigenvalues of the sample covariance (n - 1)."""

    def check(self) -> None:
        if not len(self.components) or self.total_variance <= 0.0 or (self.explained_variance < 0.0).any():
            raise damaged_state("components are missing or out of range")

    @property
    def explained_variance_ratio(self) -> FloatArray:
        return self.explained_variance / self.total_variance


def train(data: TrainingData, options: Options, progress: Progress) -> Trained:
    """Raises: DataError `too_few_rows`, `too_many_components`, `too_many_columns`, `no_variance`."""
    started = time.perf_counter()
    n_columns = data.layout.n_columns
    wanted = options["num_principal_components"]
    _check_size(data.n_train, n_columns, wanted)
    if options["pca_solver"] == "RANDOMIZED":
        progress.notice("exact_solution", "pca_solver = 'RANDOMIZED': the exact solution is computed, which takes longer with many columns")
    means, covariance = _covariance(data, progress)
    total = float(np.trace(covariance))
    if not total > 0.0:
        raise DataError(
            f"none of the {n_columns} feature columns varies over the {data.n_train} training rows", code="no_variance",
            hint="add a column whose values differ",
        )  # fmt: skip
    try:
        eigenvalues, eigenvectors = np.linalg.eigh(covariance)
    except np.linalg.LinAlgError as error:
        raise OperationalError("the components of the covariance could not be computed", code="training_failed") from error
    progress.check()
    # Rounding leaves eigenvalues of zero slightly below it.
    variances = np.maximum(eigenvalues[::-1], 0.0)
    n_components = wanted or _n_components(variances / total, options["pca_explained_variance_ratio"], min(data.n_train, n_columns))
    components = _with_signs(eigenvectors[:, ::-1].T[:n_components])
    state = PCAState(total, components, means, variances[:n_components])
    iteration = Iteration(0, None, duration_ms=round((time.perf_counter() - started) * 1000))
    progress.iteration(iteration, of=1)
    return Trained(state, (iteration,), {"total_explained_variance_ratio": float(state.explained_variance_ratio.sum())})


def predict(state: PCAState, features: NDArray[np.floating]) -> FloatArray:
    """Shapes: `features[n_rows, n_columns]`; result `[n_rows, n_components]`."""
    if is_sparse(features):
        from_origin: FloatArray = as_csr(features) @ state.components.T - state.components @ state.column_means
        return from_origin
    projected: FloatArray = (np.asarray(features, np.float64) - state.column_means) @ state.components.T
    return projected


def scores_sql(state: PCAState, layout: Layout) -> str:
    """All components of a row as DOUBLE[]."""
    check_size(layout, len(state.components))
    origin = state.components @ state.column_means

    def projections(values: TermValues) -> str:
        pairs = zip(state.components, origin.tolist(), strict=True)
        return sql.call("list_value", *(f"({dot_product(values, layout, weights)} - {sql.literal(offset)})" for weights, offset in pairs))

    return over_terms(layout, len(state.components), projections)


def _check_size(n_rows: int, n_columns: int, wanted: int | None) -> None:
    if n_rows < 2:
        raise DataError(
            f"PCA needs at least 2 training rows, got {n_rows}", code="too_few_rows", hint="look at what the training query returns",
        )  # fmt: skip
    if n_columns > MAX_COLUMNS:
        raise DataError(
            f"PCA takes at most {MAX_COLUMNS} columns after one-hot encoding, got {n_columns}", code="too_many_columns",
            hint="leave out text columns with very many different values",
        )  # fmt: skip
    if wanted is not None and wanted > n_columns:
        raise DataError(
            f"num_principal_components is {wanted}, but the features make only {n_columns} columns after one-hot encoding",
            code="too_many_components", hint=f"set num_principal_components to {n_columns} or less",
        )  # fmt: skip
    if wanted is not None and wanted > n_rows:
        raise DataError(
            f"num_principal_components is {wanted}, but there are only {n_rows} training rows", code="too_few_rows",
            hint=f"set num_principal_components to {n_rows} or less",
        )  # fmt: skip


def _covariance(data: TrainingData, progress: Progress) -> tuple[FloatArray, FloatArray]:
    """Means and sample covariance of the columns in one pass. Each chunk of dense rows is centred before it is squared; the products of
    sparse ones are centred at the end.

    Source: Chan, Golub and LeVeque 1979, for joining the sums of two sets of rows.
    """
    n_columns = data.layout.n_columns
    sparse: ColumnProducts | None = None
    n_seen = 0
    means = np.zeros(n_columns)
    scatter = np.zeros((n_columns, n_columns))
    for block in row_chunks(data.train_blocks(), chunk_rows(n_columns), progress):
        if is_sparse(block.features):
            sparse = ColumnProducts(n_columns) if sparse is None else sparse
            sparse.add(block._replace(row_weights=np.ones(len(block.row_weights))))
            continue
        rows = np.asarray(block.features, np.float64)
        chunk_means = rows.mean(axis=0)
        centred = rows - chunk_means
        shift = chunk_means - means
        n_total = n_seen + len(rows)
        scatter += centred.T @ centred
        scatter += np.outer(shift, shift * (n_seen * len(rows) / n_total))
        means += shift * (len(rows) / n_total)
        n_seen = n_total
    if sparse is not None:
        n_seen = sparse.n_rows
        means, scatter = sparse.centred()
    scatter /= n_seen - 1
    return means, scatter


def _n_components(ratios: FloatArray, target: float, limit: int) -> int:
    """The fewest components whose ratios sum to more than the target.

    Source: sklearn.decomposition.PCA with 0 < n_components < 1.
    """
    return min(limit, int(np.searchsorted(np.cumsum(ratios), target, side="right")) + 1)


def _with_signs(components: FloatArray) -> FloatArray:
    """Each component with its largest entry positive, the first of equally large ones.

    Source: sklearn.utils.extmath.svd_flip(u_based_decision=False).
    """
    sizes = np.abs(components)
    largest = np.argmax(sizes >= sizes.max(axis=1, keepdims=True) - _TIE, axis=1)
    signs = np.sign(components[np.arange(len(components)), largest])
    return np.ascontiguousarray(components * signs[:, None])


def check(options: Options) -> None:
    """Raises: OptionError `missing_option`, `options_exclude_each_other`."""
    number, ratio = options["num_principal_components"], options["pca_explained_variance_ratio"]
    if number is None and ratio is None:
        raise OptionError(
            "model_type", "PCA needs either num_principal_components or pca_explained_variance_ratio", code="missing_option",
            hint="add num_principal_components = 2, say, or pca_explained_variance_ratio = 0.9",
        )  # fmt: skip
    if number is not None and ratio is not None:
        raise OptionError(
            "pca_explained_variance_ratio", "num_principal_components and pca_explained_variance_ratio exclude each other",
            code="options_exclude_each_other", hint="keep one of them",
        )  # fmt: skip


SPEC = ModelSpec(
    model_type="PCA",
    task=Task.DIMENSION_REDUCTION,
    doc="Projects rows onto the few directions in which they vary most.",
    options=(
        model_type_option("PCA"),
        Option(
            "num_principal_components", Integer(ge=1),
            doc="Number of components, at most the number of rows and of columns after one-hot encoding. Exactly one of this and "
            "pca_explained_variance_ratio is given.",
        ),
        Option(
            "pca_explained_variance_ratio", Float(gt=0.0, lt=1.0),
            doc="As many components as are needed to explain more than this share of the variance.",
        ),
        Option(
            "scale_features", Boolean(), default=True,
            doc="Whether numbers are scaled to standard deviation 1. Every column is centred in any case; one-hot columns are not scaled.",
        ),
        Option(
            "pca_solver", String(("FULL", "RANDOMIZED", "AUTO")), default="AUTO",
            doc=f"All give the exact solution for up to {MAX_COLUMNS} columns after one-hot encoding; RANDOMIZED says so in a notice.",
        ),
        *LINEAGE_OPTIONS,
        *REGISTRY_OPTIONS,
    ),
    encoding=lambda options: EncodingRules(numbers="standardize" if options["scale_features"] else "centre"),
    reading=Reading(ordered=False, passes="one"),
    state=PCAState,
    n_columns=lambda state: state.components.shape[1],
    max_columns=MAX_COLUMNS,
    train=train,
    predict=predict,
    scores_sql=scores_sql,
    check=check,
)  # fmt: skip
