"""Models over columns of every kind equal scikit-learn's and XGBoost's on matrices that are built by hand, row by row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge

import sqlml

N_ROWS = 300
OPTIONS = "data_split_method = 'NO_SPLIT', input_label_cols = ['y']"

ROWS = """
SELECT i, {'n': CASE WHEN i % 17 <> 0 THEN i % 13 END, 'k': 'k' || i % 3} AS s,
  CASE WHEN i % 19 <> 0 THEN [sin(i), CASE WHEN i % 7 <> 0 THEN cos(i * 2) END, i % 5] END AS v,
  CASE WHEN i % 23 <> 0 THEN ['t' || i % 4, 't' || i % 6, CASE WHEN i % 29 <> 0 THEN 't' || i % 4 END] END AS tags,
  CASE WHEN i % 11 <> 0 THEN [{'at': i % 6, 'x': 1.5}, {'at': 2, 'x': i % 3}, {'at': 2, 'x': NULL}] END AS sparse,
  i % 13 * 0.5 + i % 5 + sin(i * 3) * 2 + i % 4 AS y
FROM range(300) AS r(i)
"""


@pytest.fixture
def connection() -> Iterator[Any]:
    connection = sqlml.connect(":memory:")
    connection.cursor().execute(f"CREATE TABLE rows AS {ROWS}")
    connection.cursor().execute(
        "CREATE TABLE others AS SELECT 0 AS i, {'k': 'new', 'n': 4} AS s, [0.5, 0.25, 1] AS v, ['t1', 'new'] AS tags,"
        " [{'at': 1000000000, 'x': 1}, {'at': 1, 'x': 2}] AS sparse"
        " UNION ALL SELECT 1, NULL, NULL, NULL, NULL UNION ALL SELECT 2, {'k': NULL, 'n': NULL}, [NULL, 1, NULL], [], []"
        " UNION ALL SELECT 3, {'k': 'k2', 'n': 'nan'::DOUBLE}, [1, 'nan'::DOUBLE, 2], [NULL, NULL], [{'at': 5, 'x': NULL}]"
    )
    yield connection
    connection.close()


def _rows(connection: Any, query: str) -> list[tuple[Any, ...]]:
    cursor = connection.cursor()
    cursor.execute(query)
    return list(cursor.fetchall())


def _missing(value: Any) -> bool:
    return value is None or math.isnan(value)


def _mean(values: list[Any]) -> float:
    known = [float(value) for value in values if not _missing(value)]
    return sum(known) / len(known)


def _matrix(training: list[tuple[Any, ...]], rows: list[tuple[Any, ...]]) -> NDArray[np.float64]:
    """What linear learners see of (s, v, tags, sparse): written as the reference says it, a value at a time."""
    numbers = [row[0] and row[0]["n"] for row in training]
    mean = _mean(numbers)
    deviation = math.sqrt(sum((float(x) - mean) ** 2 for x in numbers if not _missing(x)) / sum(not _missing(x) for x in numbers))
    means = [_mean([row[1] and row[1][position] for row in training]) for position in range(3)]
    known = sorted({tag for row in training for tag in row[2] or () if tag is not None})
    matrix = []
    for struct, vector, tags, sparse in rows:
        number = struct and struct["n"]
        one = [((mean if _missing(number) else float(number)) - mean) / deviation]
        kind = struct and struct["k"]
        one += [float(kind == name) for name in ("k0", "k1", "k2")]
        one += [means[at] if vector is None or _missing(vector[at]) else float(vector[at]) for at in range(3)]
        one += [float(tags is not None and name in tags) for name in known]
        one += [float(tags is None or None in tags)]
        one += [sum(float(pair["x"] or 0) for pair in sparse or () if pair["at"] == at) for at in range(6)]
        matrix.append(one)
    return np.array(matrix)


COLUMNS = "s, v, tags, sparse"


def test_a_linear_regression_over_every_kind_is_scikit_learns_ridge(connection: Any) -> None:
    training = _rows(connection, f"SELECT {COLUMNS} FROM rows ORDER BY i")
    labels = np.array([row[0] for row in _rows(connection, "SELECT y FROM rows ORDER BY i")], np.float64)
    connection.cursor().execute(
        f"CREATE MODEL m OPTIONS (model_type = 'linear_reg', l2_reg = 0.01, {OPTIONS}) AS SELECT {COLUMNS}, y FROM rows"
    )
    expected = Ridge(alpha=N_ROWS * 0.01 / 2).fit(_matrix(training, training), labels)
    for table in ("rows", "others"):
        given = _rows(connection, f"SELECT {COLUMNS} FROM {table} ORDER BY i")
        got = [row[0] for row in _rows(connection, f"SELECT predicted_y FROM ML.PREDICT(MODEL m, TABLE {table}) ORDER BY i")]
        np.testing.assert_allclose(got, expected.predict(_matrix(training, given)), rtol=1e-8)
    weights = dict(_rows(connection, "SELECT processed_input, category_weights FROM ML.WEIGHTS(MODEL m)"))
    assert list(weights) == ["s_n", "s_k", "v", "tags", "sparse", "__INTERCEPT__"]
    assert [item["category"] for item in weights["tags"]] == ["t0", "t1", "t2", "t3", "t4", "t5", "_null_filler"]
    assert [item["category"] for item in weights["sparse"]] == ["0", "1", "2", "3", "4", "5"]
    np.testing.assert_allclose([item["weight"] for item in weights["v"]], expected.coef_[4:7], rtol=1e-7)


@pytest.mark.parametrize("n_tags", [300, 1000, 12_000])
def test_a_sparse_matrix_gives_what_a_dense_one_gives(connection: Any, n_tags: int) -> None:
    """Looked up one by one, by a join with a list, and by a join with a table."""
    connection.cursor().execute(
        f"CREATE TABLE wide AS SELECT i, [CASE WHEN i <= {n_tags} THEN 't' || i % {n_tags} END, 't' || i % 7, 't' || i % 7] AS tags,"
        f" sin(i) AS x, i % 7 > 3 AS y FROM range({n_tags + 500}) AS r(i)"
    )
    connection.cursor().execute(
        f"CREATE MODEL m OPTIONS (model_type = 'logistic_reg', l2_reg = 0.001, {OPTIONS}) AS SELECT tags, x, y FROM wide"
    )
    rows = _rows(connection, "SELECT tags, x, y FROM wide ORDER BY i")
    column = {name: index for index, name in enumerate(sorted({tag for tags, _, _ in rows for tag in tags if tag is not None}))}
    x = np.array([row[1] for row in rows])
    from scipy.sparse import lil_array

    matrix = lil_array((len(rows), len(column) + 2))
    for index, (tags, _, _) in enumerate(rows):
        for tag in tags:
            matrix[index, len(column) if tag is None else column[tag]] = 1.0
    matrix[:, [len(column) + 1]] = ((x - x.mean()) / x.std())[:, None]
    expected = LogisticRegression(C=1 / (len(rows) * 0.001), tol=1e-10, max_iter=10_000).fit(matrix.tocsr(), [row[2] for row in rows])
    got = _rows(
        connection, "SELECT list_filter(predicted_y_probs, lambda p: p.label)[1].prob FROM ML.PREDICT(MODEL m, TABLE wide) ORDER BY i"
    )
    np.testing.assert_allclose([row[0] for row in got], expected.predict_proba(matrix.tocsr())[:, 1], atol=1e-5)


def test_trees_see_arrays_as_they_are(connection: Any) -> None:
    """The same trees as on one plain column per position, index and element."""
    connection.cursor().execute(
        f"CREATE MODEL a OPTIONS (model_type = 'boosted_tree_regressor', {OPTIONS}) AS SELECT v, tags, sparse, s, y FROM rows"
    )
    tags = ", ".join(f"coalesce(list_contains(tags, 't{tag}'), FALSE)::DOUBLE AS t{tag}" for tag in range(6))
    sparse = ", ".join(
        f"coalesce(list_sum(list_transform(list_filter(sparse, lambda p: p.at = {at}), lambda p: p.x)), 0)::DOUBLE AS x{at}"
        for at in range(6)
    )
    connection.cursor().execute(
        f"CREATE VIEW plain AS SELECT i, v[1] AS v1, v[2] AS v2, v[3] AS v3, {tags},"
        f" (tags IS NULL OR len(tags) > list_count(tags))::DOUBLE AS missing, {sparse}, s.n AS n, s.k AS k, y FROM rows"
    )
    connection.cursor().execute(
        f"CREATE MODEL b OPTIONS (model_type = 'boosted_tree_regressor', {OPTIONS}) AS SELECT * EXCLUDE (i) FROM plain"
    )
    got = _rows(connection, "SELECT predicted_y FROM ML.PREDICT(MODEL a, TABLE rows) ORDER BY i")
    assert got == _rows(connection, "SELECT predicted_y FROM ML.PREDICT(MODEL b, TABLE plain) ORDER BY i")
    importance = {name: rest for name, *rest in _rows(connection, "SELECT * FROM ML.FEATURE_IMPORTANCE(MODEL a)")}
    apart = {name: rest for name, *rest in _rows(connection, "SELECT * FROM ML.FEATURE_IMPORTANCE(MODEL b)")}
    assert list(importance) == ["v", "tags", "sparse", "s_n", "s_k"]
    weight, gain, cover = importance["v"]
    of_positions = [apart[f"v{position}"] for position in (1, 2, 3)]
    assert weight == sum(row[0] for row in of_positions)
    assert gain == pytest.approx(sum(row[0] * row[1] for row in of_positions) / weight)
    assert cover == pytest.approx(sum(row[0] * row[2] for row in of_positions) / weight)


@pytest.mark.parametrize(
    ("model_type", "label", "shares"),
    [
        ("boosted_tree_regressor", "sin(i * 3) + i % 5", ["{label}"]),
        ("boosted_tree_classifier", "i % 7 > 3", ["CASE WHEN {label} THEN 1.0 ELSE 0.0 END"]),
        ("boosted_tree_classifier", "'c' || (i * i) % 3", ["({label} = 'c1')::INTEGER"]),
        ("boosted_tree_classifier", "'c' || (i * i) % 5", [f"({{label}} = 'c{c}')::INTEGER" for c in (0, 1, 4)]),
    ],
)
def test_target_encoding_is_the_mean_label_of_the_category(connection: Any, model_type: str, label: str, shares: list[str]) -> None:
    connection.cursor().execute(
        f"CREATE TABLE t AS SELECT i, CASE WHEN i % 13 <> 0 THEN 'k' || i % 17 END AS k, i % 3 = 0 AS b, {label} AS y FROM range(200) AS r(i)"
    )
    numbers = {
        f"{column}{index}": f"avg({share.format(label='y')}) OVER (PARTITION BY {column})"
        for column in ("k", "b") for index, share in enumerate(shares)
    }  # fmt: skip
    encoded = ", ".join(f"{text} AS {name}" for name, text in numbers.items())
    connection.cursor().execute(f"CREATE TABLE encoded AS SELECT i, {encoded}, y FROM t")
    options = f"model_type = '{model_type}', {OPTIONS}"
    connection.cursor().execute(
        f"CREATE MODEL a OPTIONS ({options}, category_encoding_method = 'TARGET_ENCODING') AS SELECT k, b, y FROM t"
    )
    connection.cursor().execute(f"CREATE MODEL b OPTIONS ({options}) AS SELECT * EXCLUDE (i) FROM encoded")
    scores = "predicted_y" if model_type.endswith("regressor") else "predicted_y_probs"
    got = _rows(connection, f"SELECT {scores} FROM ML.PREDICT(MODEL a, TABLE t) ORDER BY i")
    assert got == _rows(connection, f"SELECT {scores} FROM ML.PREDICT(MODEL b, TABLE encoded) ORDER BY i")
    # A category that training has not seen has the mean of all rows.
    means = ", ".join(
        f"(SELECT avg({share.format(label='y')}) FROM t) AS {column}{index}" for column in ("k", "b") for index, share in enumerate(shares)
    )
    unseen = _rows(connection, f"SELECT {scores} FROM ML.PREDICT(MODEL a, (SELECT 'new' AS k, NULL::BOOLEAN AS b))")
    assert unseen == _rows(connection, f"SELECT {scores} FROM ML.PREDICT(MODEL b, (SELECT {means}))")
