"""Standard errors of linear and logistic regression against statsmodels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import sparse
from sparse_rows import SparseData

from sqlml.errors import IntegrityError
from sqlml.features.layout import CategoryTerm, Layout, MultiHotTerm, NumericTerm, VectorTerm
from sqlml.models import linear_reg, logistic_reg
from sqlml.models._options import Options, check_options
from sqlml.models._spec import ModelSpec
from sqlml.models._standard_errors import p_values
from sqlml.models.linear_reg import LinearState
from sqlml.models.logistic_reg import LogisticState
from sqlml.state import from_arrays, to_arrays
from sqlml.training.data import ArrayData, SilentProgress


def numeric(name: str, mean: float = 0.0, stddev: float = 1.0) -> NumericTerm:
    return NumericTerm(name, name, f'"{name}"', mean, stddev, mean, stddev)


def category(name: str, n_codes: int, dropped: int | None = 0) -> CategoryTerm:
    return CategoryTerm(name, name, f'"{name}"', tuple(f"v{code}" for code in range(n_codes)), (1 / n_codes,) * n_codes, dropped)


def options(spec: ModelSpec, **given: object) -> Options:
    checked, _ = check_options(spec.options, {"calculate_p_values": True, "category_encoding_method": "DUMMY_ENCODING", **given}, "it")
    spec.check(checked)
    return checked


def fit(spec: ModelSpec, data: Any, progress: SilentProgress | None = None, **given: object) -> Any:
    state = spec.train(data, options(spec, **given), progress or SilentProgress()).state
    return from_arrays(spec.state, to_arrays(state))


def rows(n_rows: int = 400, seed: int = 0, n_codes: int = 4) -> tuple[Layout, np.ndarray, np.ndarray]:
    """Two numbers with an offset of their own and a category, as the learner sees them, and a noisy label."""
    rng = np.random.default_rng(seed)
    raw = rng.normal([50.0, -3.0], [20.0, 0.5], size=(n_rows, 2))
    codes = rng.integers(0, n_codes, n_rows)
    mean, stddev = raw.mean(axis=0), raw.std(axis=0)
    layout = Layout((numeric("a", mean[0], stddev[0]), category("c", n_codes), numeric("b", mean[1], stddev[1])))
    scaled = (raw - mean) / stddev
    matrix = np.asarray(layout.expand(np.column_stack([scaled[:, 0], codes, scaled[:, 1]])), np.float64)
    return layout, matrix, scaled @ [1.0, -0.5] + 0.3 * codes + rng.normal(size=n_rows)


def expected_errors(layout: Layout, matrix: np.ndarray, errors_of: Any) -> np.ndarray:
    """Of the weights, of the intercept at the origin of the user's columns, and of that at the means of numbers.

    Args: errors_of, (columns with a constant last) -> their standard errors.
    """
    raw = matrix.copy()
    for term, columns in zip(layout.terms, layout.slices, strict=True):
        if isinstance(term, NumericTerm):
            raw[:, columns] = raw[:, columns] * term.scale + term.centre
    constant = np.ones((len(matrix), 1))
    at_means = errors_of(np.hstack([matrix, constant]))
    return np.array([*at_means[:-1], errors_of(np.hstack([raw, constant]))[-1], at_means[-1]])


def test_linear_errors_are_those_of_statsmodels() -> None:
    layout, matrix, labels = rows()
    state = fit(linear_reg.SPEC, ArrayData(layout, matrix, labels, block_rows=37))
    expected = expected_errors(layout, matrix, lambda columns: sm.OLS(labels, columns).fit().bse)
    np.testing.assert_allclose(state.standard_errors, expected, rtol=1e-10)
    assert state.degrees_of_freedom == 400 - 6


def test_linear_errors_hold_where_columns_are_nearly_collinear() -> None:
    rng = np.random.default_rng(3)
    first = rng.normal(size=200)
    matrix = np.column_stack([first, first + 1e-5 * rng.normal(size=200)])
    labels = first + rng.normal(size=200)
    layout = Layout((numeric("a"), numeric("b")))
    state = fit(linear_reg.SPEC, ArrayData(layout, matrix, labels))
    expected = sm.OLS(labels, np.column_stack([matrix, np.ones(200)])).fit()
    np.testing.assert_allclose(state.standard_errors[:2], expected.bse[:2], rtol=1e-8)
    np.testing.assert_allclose(state.standard_errors[2:], expected.bse[2], rtol=1e-8)


def test_the_residuals_of_a_good_fit_keep_their_digits() -> None:
    layout, matrix, labels = rows()
    labels = matrix @ np.arange(1.0, 6.0) + 1e-6 * labels
    state = fit(linear_reg.SPEC, ArrayData(layout, matrix, labels))
    np.testing.assert_allclose(
        state.standard_errors[:-2], sm.OLS(labels, np.column_stack([matrix, np.ones(400)])).fit().bse[:-1], rtol=1e-8
    )


def test_vectors_far_from_zero() -> None:
    rng = np.random.default_rng(5)
    matrix = rng.normal(1e5, 1.0, size=(300, 2))
    layout = Layout((VectorTerm("v", "v", '"v"', 2, matrix.mean(axis=0)),))
    hidden = matrix[:, 0] - 1e5 + rng.normal(size=300)
    linear = fit(linear_reg.SPEC, ArrayData(layout, matrix, hidden))
    centred = np.column_stack([matrix - 1e5, np.ones(300)])
    np.testing.assert_allclose(linear.standard_errors[:2], sm.OLS(hidden, centred).fit().bse[:2], rtol=1e-9)
    labels = (hidden > 0.3).astype(np.float64)
    moved = Layout((VectorTerm("v", "v", '"v"', 2, np.zeros(2)),))
    logistic = fit(logistic_reg.SPEC, ArrayData(moved, matrix - 1e5 + 1e4, labels, n_classes=2))
    expected = sm.Logit(labels, centred).fit(disp=0, tol=1e-14).bse
    np.testing.assert_allclose(logistic.standard_errors[:2], expected[:2], rtol=1e-9)


def test_without_an_intercept() -> None:
    layout, matrix, labels = rows()
    layout = Layout(tuple(NumericTerm(t.name, t.column, t.expression, t.mean, t.stddev, 0.0, t.scale) if isinstance(t, NumericTerm) else t for t in layout.terms))  # fmt: skip
    state = fit(linear_reg.SPEC, ArrayData(layout, matrix, labels), fit_intercept=False)
    expected = sm.OLS(labels, matrix).fit()
    np.testing.assert_allclose(state.standard_errors[:-2], expected.bse, rtol=1e-10)
    assert np.isnan(state.standard_errors[-2])
    # The prediction at mean numbers is a sum of weights.
    means = np.array([layout.terms[0].mean / layout.terms[0].scale, 0, 0, 0, layout.terms[2].mean / layout.terms[2].scale])  # type: ignore[union-attr]
    np.testing.assert_allclose(state.standard_errors[-1], np.sqrt(means @ expected.cov_params() @ means), rtol=1e-10)
    binary = (labels > 0).astype(np.float64)
    state = fit(logistic_reg.SPEC, ArrayData(layout, matrix, binary, n_classes=2), fit_intercept=False)
    np.testing.assert_allclose(state.standard_errors[:-2], sm.Logit(binary, matrix).fit(disp=0, tol=1e-14).bse, rtol=1e-8)


def test_logistic_errors_are_those_of_statsmodels() -> None:
    layout, matrix, labels = rows()
    binary = (labels > 0.2).astype(np.float64)
    state = fit(logistic_reg.SPEC, ArrayData(layout, matrix, binary, n_classes=2, block_rows=37))
    expected = expected_errors(layout, matrix, lambda columns: sm.Logit(binary, columns).fit(disp=0, tol=1e-14, maxiter=100).bse)
    np.testing.assert_allclose(state.standard_errors, expected, rtol=1e-8)


def test_class_weights_give_errors_that_do_not_depend_on_their_scale() -> None:
    layout, matrix, labels = rows()
    binary = (labels > 1.0).astype(np.float64)
    weights = np.where(binary == 1.0, 3.0, 0.5)
    given = {"class_weights": [("no", 0.5), ("yes", 3.0)]}
    state = fit(logistic_reg.SPEC, ArrayData(layout, matrix, binary, weights, n_classes=2), **given)

    def errors_of(columns: np.ndarray) -> np.ndarray:
        return np.asarray(sm.GLM(binary, columns, family=sm.families.Binomial(), var_weights=weights).fit(cov_type="HC0", tol=1e-14).bse)

    np.testing.assert_allclose(state.standard_errors, expected_errors(layout, matrix, errors_of), rtol=1e-8)
    tenfold = fit(logistic_reg.SPEC, ArrayData(layout, matrix, binary, 10 * weights, n_classes=2), **given)
    np.testing.assert_allclose(tenfold.standard_errors, state.standard_errors, rtol=1e-9)


def test_sparse_rows() -> None:
    rng = np.random.default_rng(1)
    layout = Layout((category("c", 301), numeric("x"), MultiHotTerm("t", "t", '"t"', ("p", "q"), (0.01, 0.02))))
    assert layout.is_sparse
    matrix = np.zeros((4_000, layout.n_columns))
    codes = rng.permutation(np.arange(4_000) % 301)
    matrix[np.flatnonzero(codes), codes[codes > 0] - 1] = 1.0
    matrix[:, 300] = rng.normal(size=4_000)
    matrix[:, 301:] = rng.random((4_000, 2)) < 0.3
    labels = matrix[:, 300] + 0.5 * matrix[:, 301] + rng.normal(size=4_000)
    columns = np.column_stack([matrix, np.ones(4_000)])
    stored = sparse.csr_array(matrix)
    state = fit(linear_reg.SPEC, SparseData(layout, stored, labels))
    np.testing.assert_allclose(state.standard_errors[:-1], sm.OLS(labels, columns).fit().bse, rtol=1e-9)
    binary = (labels + 3.0 * rng.logistic(size=4_000) > 0.0).astype(np.float64)
    mixed = [np.unique(binary[codes == code]).size == 2 for code in range(1, 301)]
    progress = SilentProgress()
    state = fit(logistic_reg.SPEC, SparseData(layout, stored, binary, n_classes=2), progress)
    np.testing.assert_array_equal(~np.isnan(state.standard_errors[:300]), mixed)
    usable = np.isin(codes, [0, *(1 + np.flatnonzero(mixed))])
    kept = np.array([*mixed, True, True, True, True])
    expected = sm.Logit(binary[usable], columns[usable][:, kept]).fit(disp=0, tol=1e-14, maxiter=50).bse
    np.testing.assert_allclose(state.standard_errors[:-1][kept], expected, rtol=1e-6)


@pytest.mark.parametrize("spec", [linear_reg.SPEC, logistic_reg.SPEC], ids=lambda spec: spec.model_type)
def test_what_the_rows_do_not_determine_has_no_error(spec: ModelSpec) -> None:
    layout, matrix, labels = rows()
    labels = labels if spec is linear_reg.SPEC else (labels > 0.2).astype(np.float64)
    n_classes = 0 if spec is linear_reg.SPEC else 2
    plain = fit(spec, ArrayData(layout, matrix, labels, n_classes=n_classes))
    # A copy of the first number on another scale, a constant, and the category once more under another name.
    more = Layout((*layout.terms, numeric("copy", 7.0, 2.0), numeric("constant"), category("again", 4)))
    wide = np.column_stack([matrix, matrix[:, 0], np.zeros(len(matrix)), matrix[:, 1:4]])
    progress = SilentProgress()
    state = fit(spec, ArrayData(more, wide, labels, n_classes=n_classes), progress)
    assert np.flatnonzero(~np.isnan(state.standard_errors[:-2])).tolist() == [4]
    np.testing.assert_allclose(state.standard_errors[4], plain.standard_errors[4], rtol=1e-8)
    # Where all numbers are 0 depends on how the weight of the two copies is shared; where they are at their means does not.
    assert np.isnan(state.standard_errors[-2])
    np.testing.assert_allclose(state.standard_errors[-1], plain.standard_errors[-1], rtol=1e-8)
    (told,) = [message for code, message in progress.notices if code == "no_standard_errors"]
    assert "9 of 10 weights" in told
    assert "a, c 'v1', c 'v2', c 'v3', copy, …" in told
    if spec is linear_reg.SPEC:
        assert state.degrees_of_freedom == plain.degrees_of_freedom


def test_a_category_of_one_class_has_no_error_and_the_others_those_without_its_rows() -> None:
    layout, matrix, labels = rows(n_codes=5)
    labels = (labels > 0.5).astype(np.float64)
    of_last = matrix[:, 4] == 1.0
    labels[of_last] = 0.0
    progress = SilentProgress()
    state = fit(logistic_reg.SPEC, ArrayData(layout, matrix, labels, n_classes=2), progress)
    columns = np.column_stack([matrix, np.ones(len(matrix))])[~of_last][:, [0, 1, 2, 3, 5, 6]]
    expected = sm.Logit(labels[~of_last], columns).fit(disp=0, tol=1e-14).bse
    np.testing.assert_allclose(state.standard_errors[[0, 1, 2, 3, 5, 7]], expected, rtol=1e-6)
    assert np.isnan(state.standard_errors[4])
    assert any(code == "no_standard_errors" and "c 'v4'" in message for code, message in progress.notices)


def test_a_dropped_category_of_one_class_takes_the_term_and_the_intercept_with_it() -> None:
    layout, matrix, labels = rows(n_codes=5)
    labels = (labels > 0.5).astype(np.float64)
    labels[matrix[:, 1:5].sum(axis=1) == 0.0] = 0.0
    state = fit(logistic_reg.SPEC, ArrayData(layout, matrix, labels, n_classes=2))
    assert np.flatnonzero(~np.isnan(state.standard_errors)).tolist() == [0, 5]


def test_classes_told_apart_without_error_have_no_errors_at_all() -> None:
    layout, matrix, _ = rows()
    progress = SilentProgress()
    state = fit(logistic_reg.SPEC, ArrayData(layout, matrix, (matrix[:, 0] > 0).astype(np.float64), n_classes=2), progress)
    assert len(state.standard_errors) == 7
    assert np.isnan(state.standard_errors).all()
    assert {"separated_classes", "no_standard_errors"} <= {code for code, _ in progress.notices}


def test_no_more_rows_than_weights() -> None:
    layout, matrix, labels = rows()
    progress = SilentProgress()
    state = fit(linear_reg.SPEC, ArrayData(layout, matrix[:3], labels[:3]), progress)
    assert np.isnan(state.standard_errors).all()
    assert state.degrees_of_freedom == 0
    assert [code for code, _ in progress.notices] == ["no_standard_errors"]


def test_penalised_errors_are_those_of_the_shrunken_weights() -> None:
    layout, matrix, labels = rows()
    progress = SilentProgress()
    state = fit(linear_reg.SPEC, ArrayData(layout, matrix, labels), progress, l2_reg=0.3)
    assert [code for code, _ in progress.notices] == ["shrunken_weights"]
    columns = np.column_stack([matrix, np.ones(400)])
    ridge = np.diag([400 * 0.15] * 5 + [0.0])
    inverse = np.linalg.inv(columns.T @ columns + ridge)
    residuals = labels - columns @ (inverse @ columns.T @ labels)
    covariance = inverse @ columns.T @ columns @ inverse * (residuals @ residuals / 394)
    errors = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(state.standard_errors[[0, 1, 2, 3, 4, 6]], errors, rtol=1e-9)

    binary = (labels > 0.2).astype(np.float64)
    logistic = fit(logistic_reg.SPEC, ArrayData(layout, matrix, binary, n_classes=2), l2_reg=0.02)
    chances = 1.0 / (1.0 + np.exp(-(matrix @ logistic.weights[0] + logistic.intercepts[0])))
    information = columns.T @ (columns * (chances * (1 - chances))[:, None])
    inverse = np.linalg.inv(information + np.diag([400 * 0.02] * 5 + [0.0]))
    errors = np.sqrt(np.diag(inverse @ information @ inverse))
    np.testing.assert_allclose(logistic.standard_errors[[0, 1, 2, 3, 4, 6]], errors, rtol=1e-8)


def test_gradient_descent_is_told_to_be_approximate_and_is_not_taken_of_itself() -> None:
    layout, matrix, labels = rows(40)
    progress = SilentProgress()
    fit(linear_reg.SPEC, ArrayData(layout, matrix, labels), progress, optimize_strategy="BATCH_GRADIENT_DESCENT")
    assert "approximate_p_values" in {code for code, _ in progress.notices}
    progress = SilentProgress()
    exact = fit(linear_reg.SPEC, ArrayData(layout, matrix, labels), progress)
    assert progress.notices == []
    columns = np.column_stack([matrix, np.ones(40)])
    np.testing.assert_allclose(exact.weights, sm.OLS(labels, columns).fit().params[:-1], rtol=1e-9)
    progress = SilentProgress()
    binary = (labels > 0.2).astype(np.float64)
    fit(logistic_reg.SPEC, ArrayData(layout, matrix, binary, n_classes=2), progress, learn_rate_strategy="LINE_SEARCH")
    assert "approximate_p_values" in {code for code, _ in progress.notices}


def test_without_the_option_nothing_is_kept() -> None:
    layout, matrix, labels = rows()
    assert len(fit(linear_reg.SPEC, ArrayData(layout, matrix, labels), calculate_p_values=False).standard_errors) == 0
    binary = (labels > 0.2).astype(np.float64)
    assert len(fit(logistic_reg.SPEC, ArrayData(layout, matrix, binary, n_classes=2), calculate_p_values=False).standard_errors) == 0


def test_p_values_are_exact_far_into_the_tail() -> None:
    from scipy import stats

    ratios = np.array([0.0, 0.5, 0.999, 2.0, 12.0, 37.0, np.inf])
    np.testing.assert_allclose(p_values(ratios, np.ones(7), 0), 2.0 * stats.norm.sf(ratios), rtol=1e-12)
    for degrees in (1, 7, 30_000):
        np.testing.assert_allclose(p_values(-ratios, np.ones(7), degrees), 2.0 * stats.t.sf(ratios, degrees), rtol=1e-11)
    # Cauchy's distribution close to 0, where SciPy's own function loses nine digits.
    assert 1.0 - p_values(np.array([1e-9]), np.ones(1), 1)[0] == pytest.approx(2e-9 / np.pi, rel=1e-6)
    np.testing.assert_array_equal(p_values(np.array([0.0, 1.0, 1.0]), np.array([0.0, np.nan, 0.0]), 5), [np.nan, np.nan, 0.0])


@pytest.mark.parametrize(
    "state",
    [
        LinearState(1.0, np.ones(3), np.ones(4), 7),
        LinearState(1.0, np.ones(3), np.array([1.0, 1.0, -1e-9, 1.0, 1.0]), 7),
        LinearState(1.0, np.ones(3), np.array([1.0, 1.0, np.inf, 1.0, 1.0]), 7),
        LinearState(1.0, np.ones(3), np.ones(5), 0),
        LinearState(1.0, np.ones(3), np.ones(5), -1),
        LinearState(1.0, np.ones(3), np.full(5, np.nan), 3),
        LinearState(1.0, np.ones(3), degrees_of_freedom=3),
        LogisticState(2, np.ones((1, 3)), np.ones(1), np.ones(3)),
        LogisticState(2, np.ones((1, 3)), np.ones(1), np.full(5, -np.inf)),
        LogisticState(3, np.ones((3, 3)), np.ones(3), np.ones(5)),
    ],
)
def test_a_stored_state_of_a_stranger(state: Any) -> None:
    with pytest.raises(IntegrityError) as error:
        from_arrays(type(state), to_arrays(state))
    assert error.value.code == "damaged_state"
