"""Metrics of class predictions against scikit-learn's."""

from __future__ import annotations

import math

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from sqlml.metrics.classification import _area, binary_metrics, decision_metrics, multiclass_metrics

CONNECTION = duckdb.connect()
"""Shared, since opening one takes longer than most queries here."""
NAMES = ("precision", "recall", "accuracy", "f1_score", "log_loss", "roc_auc")

probabilities = st.one_of(st.integers(0, 10).map(lambda i: i / 10), st.floats(0, 1))  # the first kind makes ties, 0 and 1
labelled = st.lists(st.tuples(st.booleans(), probabilities), min_size=1, max_size=40)


def run(query: str, **columns: pa.Array) -> dict[str, float | None]:
    CONNECTION.register("rows", pa.table(columns))
    result = CONNECTION.sql(query).to_arrow_table()
    assert tuple(result.column_names) == NAMES
    assert set(result.schema.types) == {pa.float64()}
    assert result.num_rows == 1
    return result.to_pylist()[0]


def assert_close(ours: dict[str, float | None], expected: dict[str, float | None]) -> None:
    for name, value in expected.items():
        assert ours[name] == (value if value is None else pytest.approx(value, rel=1e-12, abs=1e-12, nan_ok=True)), name


def binary(positive: list[bool | None], scores: list[float | None], threshold: float = 0.5) -> dict[str, float | None]:
    query = binary_metrics("FROM rows", "(y = 1)", '"p"', threshold)
    return run(
        query, y=pa.array([None if value is None else int(value) for value in positive], pa.int64()), p=pa.array(scores, pa.float64())
    )


def binary_reference(positive: list[bool], scores: list[float], threshold: float = 0.5) -> dict[str, float | None]:
    predicted = [score > threshold for score in scores]
    return {
        "precision": sk.precision_score(positive, predicted, zero_division=np.nan),
        "recall": sk.recall_score(positive, predicted, zero_division=np.nan),
        "accuracy": sk.accuracy_score(positive, predicted),
        "f1_score": sk.f1_score(positive, predicted, zero_division=np.nan),
        "log_loss": sk.log_loss(positive, y_proba=scores, labels=[False, True]),
        "roc_auc": sk.roc_auc_score(positive, scores) if len(set(positive)) == 2 else None,
    }


@settings(max_examples=80, deadline=None)
@given(labelled, st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_binary_equal_to_scikit_learn(rows, threshold):
    positive, scores = map(list, zip(*rows, strict=True))
    assert_close(binary(positive, scores, threshold), binary_reference(positive, scores, threshold))


def test_binary_on_many_rows():
    rng = np.random.default_rng(0)
    scores = np.round(rng.random(20_000), 3)
    positive = rng.random(20_000) < scores
    assert binary(positive.tolist(), scores.tolist()) == pytest.approx(binary_reference(positive.tolist(), scores.tolist()), rel=1e-12)


def test_ties_count_half():
    assert binary([True, False], [0.7, 0.7])["roc_auc"] == 0.5
    assert binary([True, False, False, True], [0.7, 0.7, 0.1, 0.9])["roc_auc"] == 0.875


def test_the_threshold_itself_is_negative():
    assert binary([True, True], [0.5, 0.6])["recall"] == 0.5
    assert binary([True, True], [0.5, 0.6], threshold=0.49)["recall"] == 1.0


def test_nothing_predicted_positive():
    ours = binary([True, False, False], [0.1, 0.2, 0.3])
    assert math.isnan(ours["precision"])
    assert ours["recall"] == 0.0
    assert ours["f1_score"] == 0.0


def test_no_true_positive():
    ours = binary([True, False], [0.1, 0.9])
    assert (ours["precision"], ours["recall"], ours["f1_score"]) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("positive", [True, False])
def test_one_class_has_no_curve(positive):
    ours = binary([positive, positive], [0.2, 0.9])
    assert ours["roc_auc"] is None
    assert ours["accuracy"] == 0.5


def test_certain_and_wrong_is_a_finite_loss():
    assert binary([True], [0.0])["log_loss"] == pytest.approx(-math.log(np.finfo(float).eps), rel=1e-14)
    assert binary([False], [1.0])["log_loss"] == pytest.approx(-math.log(np.finfo(float).eps), rel=1e-14)


def test_binary_without_rows_is_null():
    assert set(binary([], []).values()) == {None}
    assert set(binary([None, True], [0.3, None]).values()) == {None}


def test_binary_rows_with_null_do_not_count():
    assert binary([True, None, False, False], [0.9, 0.9, None, 0.3]) == binary([True, False], [0.9, 0.3])


def test_counts_beyond_64_bits_are_exact():
    # 4e9 positives above 4e9 negatives: so many rows cannot be made in a test, but the sum of their places has a formula.
    n = 4_000_000_000
    places = n * (3 * n - 1)
    counted = f"SELECT CAST({n} AS BIGINT) AS n_positive, CAST({n} AS BIGINT) AS n_negative, CAST({places} AS HUGEINT) AS places"
    assert CONNECTION.sql(f"SELECT {_area()} FROM ({counted})").fetchall() == [(1.0,)]
    half = places - n * n  # every positive between the two halves of the negatives
    assert CONNECTION.sql(f"SELECT {_area()} FROM ({counted.replace(str(places), str(half))})").fetchall() == [(0.5,)]


@pytest.mark.parametrize("kind", ["VARCHAR", "BOOLEAN"])
@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_decisions_equal_to_scikit_learn(kind, pairs):
    is_binary = kind == "BOOLEAN"
    actual, predicted = ([pair[side] > 0 if is_binary else str(pair[side]) for pair in pairs] for side in (0, 1))
    CONNECTION.register("rows", pa.table({"y": [*actual, None, actual[0]], "p": [*predicted, predicted[0], None]}))
    ours = CONNECTION.sql(decision_metrics("FROM rows", "y", "p", is_binary=is_binary)).to_arrow_table().to_pylist()[0]
    average = {"average": "binary", "zero_division": np.nan} if is_binary else {"average": "macro", "zero_division": 0}
    assert list(ours) == ["precision", "recall", "accuracy", "f1_score"]
    assert_close(
        ours,
        {
            "precision": sk.precision_score(actual, predicted, **average),
            "recall": sk.recall_score(actual, predicted, **average),
            "accuracy": sk.accuracy_score(actual, predicted),
            "f1_score": sk.f1_score(actual, predicted, **average),
        },
    )


def test_binary_order_and_threads_do_not_matter():
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT hash(i) % 3 = 0 AS y, (sin(i) + 1) / 2 AS p, hash(i) AS h FROM range(300_000) r(i)")
        ours = []
        for threads, relation in ((1, "FROM t"), (2, "FROM t"), (2, "FROM t ORDER BY h")):
            connection.execute(f"SET threads = {threads}")
            ours.append(connection.execute(binary_metrics(relation, "y", "p", 0.5)).fetchone())
    for other in ours[1:]:
        assert other[:4] == ours[0][:4]
        assert other[5] == ours[0][5]
        assert other[4] == pytest.approx(ours[0][4], rel=1e-14)


@pytest.mark.parametrize("shape", ["binary", "multiclass"])
def test_the_relation_is_evaluated_once(shape):
    with duckdb.connect() as connection:
        connection.execute("CREATE SEQUENCE calls")
        connection.execute("CREATE TABLE t AS SELECT i % 2 AS y FROM range(100) r(i)")
        if shape == "binary":
            query = binary_metrics("SELECT y = 1 AS y, 0.5 + 0 * nextval('calls') AS p FROM t", "y", "p", 0.5)
        else:
            query = multiclass_metrics("SELECT y, [0.5, 0.5 + 0 * nextval('calls')] AS p, 0 AS k FROM t", "y", "p", "k", 2)
        connection.execute(query).fetchall()
        assert connection.execute("SELECT currval('calls')").fetchone() == (100,)


@st.composite
def scored_classes(draw: st.DrawFn) -> tuple[int, list[int], list[list[float]]]:
    n_classes = draw(st.integers(3, 5))
    n_rows = draw(st.integers(1, 30))
    labels = draw(st.lists(st.integers(0, n_classes - 1), min_size=n_rows, max_size=n_rows))
    raw = draw(st.lists(st.lists(st.integers(0, 4), min_size=n_classes, max_size=n_classes), min_size=n_rows, max_size=n_rows))
    scores = [[(value + (sum(row) == 0)) / (sum(row) or n_classes) for value in row] for row in raw]
    return n_classes, labels, scores


def multiclass(n_classes: int, labels: list[int | None], scores: list[list[float] | None]) -> dict[str, float | None]:
    predicted = [None if row is None else int(np.argmax(row)) for row in scores]
    return run(
        multiclass_metrics("FROM rows", "y", "p", "k", n_classes),
        y=pa.array(labels, pa.int32()), p=pa.array(scores, pa.list_(pa.float64())), k=pa.array(predicted, pa.int64()),
    )  # fmt: skip


def multiclass_reference(n_classes: int, labels: list[int], scores: list[list[float]]) -> dict[str, float | None]:
    matrix = np.array(scores)
    predicted = matrix.argmax(axis=1)
    areas = [
        sk.roc_auc_score(np.equal(labels, code), matrix[:, code]) for code in range(n_classes) if 0 < labels.count(code) < len(labels)
    ]  # scikit-learn's own average refuses data that lack a class
    macro = {"average": "macro", "zero_division": 0}
    return {
        "precision": sk.precision_score(labels, predicted, **macro),
        "recall": sk.recall_score(labels, predicted, **macro),
        "accuracy": sk.accuracy_score(labels, predicted),
        "f1_score": sk.f1_score(labels, predicted, **macro),
        "log_loss": sk.log_loss(labels, y_proba=matrix, labels=list(range(n_classes))),
        "roc_auc": np.mean(areas) if areas else None,
    }


@settings(max_examples=60, deadline=None)
@given(scored_classes())
def test_multiclass_equal_to_scikit_learn(case):
    assert_close(multiclass(*case), multiclass_reference(*case))


def test_multiclass_area_is_scikit_learns_average():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 4, 500)
    scores = np.round(rng.dirichlet(np.ones(4) / 2, 500), 2) + np.eye(4)[labels] * 0.2
    scores /= scores.sum(axis=1, keepdims=True)
    ours = multiclass(4, labels.tolist(), scores.tolist())
    assert ours["roc_auc"] == pytest.approx(sk.roc_auc_score(labels, scores, multi_class="ovr", average="macro"), rel=1e-12)


def test_a_class_on_one_side_counts_and_an_absent_one_does_not():
    ours = multiclass(4, [0, 0, 1], [[0.9, 0.05, 0.05, 0.0], [0.1, 0.1, 0.8, 0.0], [0.2, 0.7, 0.1, 0.0]])
    assert ours["recall"] == pytest.approx((0.5 + 1.0 + 0.0) / 3)
    assert ours["precision"] == pytest.approx((1.0 + 1.0 + 0.0) / 3)


def test_macro_over_two_text_classes_gives_the_values_seen_on_bigquery():
    # Source: reference, functions 2.2: 11 true positives, 10 false positives, 1 false negative, 40 true negatives.
    labels = [1] * 11 + [0] * 10 + [1] + [0] * 40
    scores = [[0.0, 1.0]] * 21 + [[1.0, 0.0]] * 41
    ours = multiclass(2, labels, scores)
    assert ours["precision"] == pytest.approx(0.7497096, abs=5e-8)
    assert ours["f1_score"] == pytest.approx(0.7728938, abs=5e-8)
    assert ours["accuracy"] == pytest.approx(0.8225806, abs=5e-8)
    positive = binary([label == 1 for label in labels], [row[1] for row in scores])
    assert positive["precision"] == pytest.approx(0.5238095, abs=5e-8)
    assert positive["f1_score"] == pytest.approx(0.6666667, abs=5e-8)


def test_multiclass_one_class_has_no_curve():
    assert multiclass(3, [1, 1], [[0.2, 0.6, 0.2], [0.5, 0.3, 0.2]])["roc_auc"] is None


def test_multiclass_without_rows_is_null():
    assert set(multiclass(3, [], []).values()) == {None}
    assert set(multiclass(3, [None], [[0.2, 0.3, 0.5]]).values()) == {None}


def test_multiclass_rows_with_null_do_not_count():
    rows = [[0.2, 0.3, 0.5], [0.9, 0.1, 0.0], [0.1, 0.8, 0.1]]
    assert multiclass(3, [2, 0, None], rows) == multiclass(3, [2, 0], rows[:2])
