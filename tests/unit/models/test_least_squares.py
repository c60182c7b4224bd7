from __future__ import annotations

import numpy as np
import pytest

from sqlml.features.layout import CategoryTerm, Layout, NumericTerm
from sqlml.models._least_squares import accumulate_moments, redundant_directions, solve, solve_by_qr
from sqlml.training.data import ArrayData, SilentProgress


def data(offset: float = 0.0, block_rows: int = 7_000) -> ArrayData:
    rng = np.random.default_rng(0)
    layout = Layout(tuple(NumericTerm(name, name, name, 0.0, 1.0, 0.0, 1.0) for name in "abc"))
    features = rng.normal(size=(200_000, 3)) + offset
    # Sorted, so that the means of chunks differ.
    features = features[features[:, 0].argsort()]
    labels = (features - offset) @ [1.0, 2.0, 3.0] + rng.normal(size=len(features)) + offset
    return ArrayData(layout, features, labels, rng.uniform(0.0, 2.0, len(features)), block_rows=block_rows)


@pytest.mark.parametrize(("offset", "tolerance"), [(0.0, 1e-12), (1e6, 1e-9)])
def test_moments_are_those_of_all_rows_at_once(offset: float, tolerance: float) -> None:
    rows = data(offset)
    moments = accumulate_moments(rows.train_blocks(), 3, SilentProgress())
    assert rows.row_weights is not None
    values = np.column_stack([rows.features, rows.labels]).astype(np.longdouble)
    mean = np.average(values, axis=0, weights=rows.row_weights)
    products = ((values - mean).T @ ((values - mean) * rows.row_weights[:, None])).astype(float)
    assert moments.n_rows == len(values)
    assert moments.weight == pytest.approx(rows.row_weights.sum(), rel=1e-12)
    np.testing.assert_allclose([*moments.mean, moments.label_mean], mean.astype(float), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(moments.products, products[:3, :3], rtol=tolerance, atol=tolerance * products.max())
    np.testing.assert_allclose(moments.label_products, products[:3, 3], rtol=tolerance)
    assert moments.label_square == pytest.approx(products[3, 3], rel=tolerance)
    weights, intercept = np.array([0.5, -1.0, 2.0]), offset / 3.0
    errors = rows.labels - rows.features @ weights - intercept
    assert moments.mean_squared_error(weights, intercept) == pytest.approx(np.average(errors**2, weights=rows.row_weights), rel=1e-8)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("l2", [0.0, 0.5])
def test_both_ways_to_solve_agree(fit_intercept: bool, l2: float) -> None:
    rows = data()
    moments = accumulate_moments(rows.train_blocks(), 3, SilentProgress())
    direct = solve(moments, rows.layout, l2=l2, fit_intercept=fit_intercept)
    assert direct is not None
    by_qr = solve_by_qr(rows.train_blocks(), moments, l2=l2, fit_intercept=fit_intercept, progress=SilentProgress())
    np.testing.assert_allclose(by_qr[0], direct[0], rtol=1e-11)
    assert by_qr[1] == pytest.approx(direct[1], abs=1e-12)


def test_redundant_directions_are_confirmed_on_the_rows() -> None:
    terms = tuple(
        CategoryTerm(name, name, name, ("u", "v", "w"), (0.3, 0.3, 0.4), dropped) for name, dropped in (("a", None), ("b", 1), ("c", None))
    )
    layout = Layout(terms)
    rng = np.random.default_rng(0)
    complete = layout.expand(rng.integers(0, 3, (500, 3)).astype(np.float64))

    def directions(matrix: np.ndarray, fit_intercept: bool) -> np.ndarray:
        moments = accumulate_moments(ArrayData(layout, matrix, matrix[:, 0]).train_blocks(), layout.n_columns, SilentProgress())
        return redundant_directions(layout, moments.quadratic(fit_intercept)[0], fit_intercept)

    with_intercept = directions(complete, True)
    assert with_intercept.shape == (8, 2)
    np.testing.assert_allclose(np.ptp(complete @ with_intercept, axis=0), 0.0, atol=1e-12)
    without = directions(complete, False)
    assert without.shape == (8, 1)
    np.testing.assert_allclose(complete @ without, 0.0, atol=1e-12)
    # A row without any category of "a": its columns add up to 1 no longer.
    incomplete = complete.copy()
    incomplete[0, :3] = 0.0
    assert directions(incomplete, True).shape == (8, 1)
