"""Comparisons against Efron's bootstrap done in numpy over the same draws, with scikit-learn's metrics."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sk

from sqlml.metrics.bootstrap import MAX_GROUPS, MIN_ROWS, Resampling
from sqlml.metrics.comparison import compare_classifications, compare_regressions

CONNECTION = duckdb.connect()
Metric = Callable[[Any, Any], float]
RESAMPLING = Resampling(n_resamples=100, seed=7, confidence_level=0.8)

REGRESSION: dict[str, Metric] = {
    "mean_absolute_error": sk.mean_absolute_error, "mean_squared_error": sk.mean_squared_error,
    "mean_squared_log_error": sk.mean_squared_log_error, "median_absolute_error": sk.median_absolute_error,
    "r2_score": sk.r2_score, "explained_variance": sk.explained_variance_score,
}  # fmt: skip
BINARY: dict[str, Metric] = {
    "precision": lambda y, p: sk.precision_score(y, p > 0.4), "recall": lambda y, p: sk.recall_score(y, p > 0.4),
    "accuracy": lambda y, p: sk.accuracy_score(y, p > 0.4), "f1_score": lambda y, p: sk.f1_score(y, p > 0.4),
    "log_loss": lambda y, p: sk.log_loss(y, p, labels=[0, 1]), "roc_auc": sk.roc_auc_score,
}  # fmt: skip
MANY: dict[str, Metric] = {
    "precision": lambda y, p: sk.precision_score(y, p.argmax(axis=1), average="macro", zero_division=0),
    "recall": lambda y, p: sk.recall_score(y, p.argmax(axis=1), average="macro", zero_division=0),
    "accuracy": lambda y, p: sk.accuracy_score(y, p.argmax(axis=1)),
    "f1_score": lambda y, p: sk.f1_score(y, p.argmax(axis=1), average="macro", zero_division=0),
    "log_loss": lambda y, p: sk.log_loss(y, p, labels=range(p.shape[1])),
    "roc_auc": lambda y, p: sk.roc_auc_score(y, p, multi_class="ovr"),
}


def compare(kind: str, actual: Any, a: Any, b: Any, resampling: Resampling = RESAMPLING, n_classes: int = 3) -> dict[str, dict[str, Any]]:
    columns = [pa.array(values.tolist()) for values in map(np.asarray, (actual, a, b))]
    CONNECTION.register("given", pa.table(columns, names=["actual", "a", "b"]))
    if kind == "regression":
        query = compare_regressions("FROM given", tuple(REGRESSION), resampling)
    else:
        query = compare_classifications("FROM given", tuple(BINARY), 2 if kind == "binary" else n_classes, 0.4, resampling)
    result = CONNECTION.sql(query).to_arrow_table()
    assert result.column_names == ["metric", "value_a", "value_b", "difference", "lower_bound", "upper_bound", "n_rows"]
    assert [str(type_) for type_ in result.schema.types] == ["string", *["double"] * 5, "int64"]
    rows = result.to_pylist()
    assert [row["metric"] for row in rows] == list(REGRESSION if kind == "regression" else BINARY)
    return {row["metric"]: row for row in rows}


def draws(n_rows: int, resampling: Resampling) -> NDArray[np.int64]:
    """The rows that the engine draws, `[n_resamples, n_rows]`, by position in ascending order of content."""
    query = f"SELECT hash({resampling.seed}, r, k) % {n_rows} FROM range({resampling.n_resamples}) a(r), range({n_rows}) b(k) ORDER BY r, k"
    positions = [row[0] for row in CONNECTION.sql(query).fetchall()]
    return np.array(positions, np.int64).reshape(resampling.n_resamples, n_rows)


def sorted_rows(*arrays: NDArray[Any]) -> list[NDArray[Any]]:
    order = sorted(range(len(arrays[0])), key=lambda i: [array[i].tolist() for array in arrays])
    return [array[order] for array in arrays]


def regression_rows(n_rows: int) -> list[NDArray[Any]]:
    rng = np.random.default_rng(n_rows)
    x = rng.gamma(2.0, size=n_rows)
    return sorted_rows(x + rng.exponential(0.3, n_rows), x + 0.2, 0.9 * x + rng.exponential(0.2, n_rows))


def binary_rows(n_rows: int) -> list[NDArray[Any]]:
    rng = np.random.default_rng(n_rows)
    x = rng.normal(size=n_rows)
    actual = (rng.random(n_rows) < 1 / (1 + np.exp(-x))).astype(np.int32)
    # Rounded, so that scores tie.
    return sorted_rows(actual, np.round(1 / (1 + np.exp(-x)), 2), np.round(1 / (1 + np.exp(-x + 0.7 * rng.normal(size=n_rows))), 2))


def class_rows(n_rows: int) -> list[NDArray[Any]]:
    rng = np.random.default_rng(n_rows)
    actual = rng.integers(0, 3, n_rows).astype(np.int32)
    logits = rng.normal(size=(n_rows, 3))
    logits[np.arange(n_rows), actual] += 1.0
    both = []
    for scores in (logits, logits + 0.8 * rng.normal(size=(n_rows, 3))):
        powers = np.exp(scores)
        both.append(powers / powers.sum(axis=1, keepdims=True))
    return sorted_rows(actual, *both)


CASES = [("regression", REGRESSION, regression_rows), ("binary", BINARY, binary_rows), ("classes", MANY, class_rows)]


@pytest.mark.parametrize(("kind", "metrics", "make"), CASES, ids=["regression", "binary", "classes"])
def test_the_bootstrap_of_few_rows_is_efrons(kind: str, metrics: dict[str, Metric], make: Any) -> None:
    actual, a, b = make(301)
    found = compare(kind, actual, a, b)
    drawn = draws(len(actual), RESAMPLING)
    for name, metric in metrics.items():
        row = found[name]
        assert row["n_rows"] == 301
        np.testing.assert_allclose([row["value_a"], row["value_b"]], [metric(actual, a), metric(actual, b)], rtol=1e-12)
        assert row["difference"] == row["value_a"] - row["value_b"]
        differences = [metric(actual[rows], a[rows]) - metric(actual[rows], b[rows]) for rows in drawn]
        expected = np.quantile(differences, [0.1, 0.9])
        width = expected[1] - expected[0]
        # The area under the curve is taken to first order.
        tolerance = 0.1 * width if name == "roc_auc" else 1e-12
        np.testing.assert_allclose([row["lower_bound"], row["upper_bound"]], expected, rtol=0, atol=tolerance)


def test_the_area_is_resampled_by_the_pairs_that_rows_win() -> None:
    actual, a, b = binary_rows(301)
    positive = actual == 1

    def wins(scores: NDArray[Any]) -> Any:
        order = np.sign(scores[:, None] - scores[None, :]) / 2 + 0.5
        return np.where(positive, order[:, ~positive].mean(axis=1), 1 - order[:, positive].mean(axis=1))

    differences = []
    for rows in draws(301, RESAMPLING):
        drawn = positive[rows]
        areas = [won[rows][drawn].mean() + won[rows][~drawn].mean() - won[positive].mean() for won in (wins(a), wins(b))]
        differences.append(areas[0] - areas[1])
    row = compare("binary", actual, a, b)["roc_auc"]
    assert [row["lower_bound"], row["upper_bound"]] == pytest.approx(list(np.quantile(differences, [0.1, 0.9])), abs=1e-12)


@pytest.mark.parametrize(("kind", "metrics", "make"), CASES, ids=["regression", "binary", "classes"])
def test_grouped_rows_have_the_spread_of_rows(kind: str, metrics: dict[str, Metric], make: Any) -> None:
    actual, a, b = make(3 * MAX_GROUPS)
    resampling = Resampling(n_resamples=2_000, seed=1, confidence_level=0.8)
    found = compare(kind, actual, a, b, resampling)
    rng = np.random.default_rng(5)
    for name, metric in metrics.items():
        differences = []
        for _ in range(200):
            rows = rng.integers(0, len(actual), len(actual))
            differences.append(metric(actual[rows], a[rows]) - metric(actual[rows], b[rows]))
        expected = np.quantile(differences, [0.1, 0.9])
        row = found[name]
        # Quantiles of 200 and 2,000 resamples at 0.1 and 0.9, their difference with a standard error below 0.05 of the width (normal distribution).
        tolerance = 4 * 0.05 * (expected[1] - expected[0])
        np.testing.assert_allclose([row["lower_bound"], row["upper_bound"]], expected, rtol=0, atol=tolerance)


def test_the_interval_holds_the_true_difference_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(40):
        x = rng.normal(size=200)
        y = x + rng.normal(size=200)
        # Squared errors of 1 and 1 + 0.25.
        row = compare("regression", y, x, x + 0.5, Resampling(200, seed, 0.8))["mean_squared_error"]
        hits += row["lower_bound"] <= -0.25 <= row["upper_bound"]
    assert abs(hits / 40 - 0.8) <= 2 * math.sqrt(0.8 * 0.2 / 40)


def test_neither_the_order_of_rows_nor_equal_rows_matter_and_the_seed_does() -> None:
    actual, a, b = binary_rows(3 * MAX_GROUPS)
    first = compare("binary", actual, a, b)
    order = np.random.default_rng(0).permutation(len(actual))
    again = compare("binary", actual[order], a[order], b[order])
    for name, row in first.items():
        assert [again[name][key] for key in row if key != "metric"] == pytest.approx([row[key] for key in row if key != "metric"], rel=1e-9)
    other = compare("binary", actual, a, b, Resampling(100, 8, 0.8))
    assert other["accuracy"]["lower_bound"] != first["accuracy"]["lower_bound"]
    assert other["accuracy"]["value_a"] == first["accuracy"]["value_a"]


def test_equal_predictions_differ_by_nothing() -> None:
    for kind, _, make in CASES:
        actual, a, _ = make(50)
        for row in compare(kind, actual, a, a).values():
            assert (row["difference"], row["lower_bound"], row["upper_bound"]) == pytest.approx((0.0, 0.0, 0.0), abs=1e-15)


def test_what_cannot_be_compared_has_no_bounds() -> None:
    one_class = compare("binary", np.ones(20, np.int32), np.linspace(0.1, 0.9, 20), np.linspace(0.2, 0.8, 20))
    assert [one_class["roc_auc"][key] for key in ("value_a", "difference", "lower_bound")] == [None] * 3
    assert one_class["accuracy"]["lower_bound"] <= one_class["accuracy"]["difference"] <= one_class["accuracy"]["upper_bound"]
    negative = compare("regression", np.array([-1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0]), np.array([1.0, 2.0, 1.0]))
    assert [negative["mean_squared_log_error"][key] for key in ("value_a", "difference", "upper_bound")] == [None] * 3
    assert negative["mean_absolute_error"]["difference"] == pytest.approx(-1 / 3)


@pytest.mark.parametrize(("kind", "metrics", "make"), CASES, ids=["regression", "binary", "classes"])
def test_few_rows_have_values_and_no_bounds(kind: str, metrics: dict[str, Metric], make: Any) -> None:
    for n_rows in (1, MIN_ROWS - 1, MIN_ROWS):
        name = "mean_absolute_error" if kind == "regression" else "accuracy"
        actual, a, b = make(n_rows)
        row = compare(kind, actual, a, b)[name]
        assert row["n_rows"] == n_rows
        assert row["difference"] == pytest.approx(metrics[name](actual, a) - metrics[name](actual, b), rel=1e-12)
        has_bounds = [row["lower_bound"] is not None, row["upper_bound"] is not None]
        assert has_bounds == [n_rows >= MIN_ROWS] * 2


def test_no_rows_give_nulls() -> None:
    for kind, _, _ in CASES:
        score = "[0.5e0]" if kind == "classes" else "0.5e0"
        empty = f"SELECT CAST(1 AS INTEGER) AS actual, {score} AS a, {score} AS b WHERE FALSE"
        if kind == "regression":
            query = compare_regressions(empty, tuple(REGRESSION), RESAMPLING)
        else:
            query = compare_classifications(empty, tuple(BINARY), 2 if kind == "binary" else 3, 0.5, RESAMPLING)
        for row in CONNECTION.sql(query).fetchall():
            assert row[1:] == (None, None, None, None, None, 0)


def test_large_labels_keep_their_digits() -> None:
    actual, a, b = regression_rows(500)
    near = compare("regression", actual, a, b)
    far = compare("regression", actual + 2.0**20, a + 2.0**20, b + 2.0**20)
    for name in ("mean_squared_error", "r2_score", "explained_variance"):
        for key in ("lower_bound", "upper_bound"):
            assert far[name][key] == pytest.approx(near[name][key], abs=1e-7)
