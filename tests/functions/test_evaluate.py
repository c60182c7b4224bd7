"""ML.EVALUATE and ML.CONFUSION_MATRIX over predictions equal scikit-learn's over what ML.PREDICT says, for labels of every type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

import sqlml
from sqlml.dbapi.cursor import Cursor
from sqlml.errors import Error

BINARY = {
    "BOOLEAN": "c > 0",
    "BIGINT": "CASE WHEN c > 0 THEN 7 ELSE -7 END",
    "TINYINT": "CAST(c > 0 AS TINYINT)",
    "VARCHAR": "CASE WHEN c > 0 THEN 'yes' ELSE 'no' END",
    "DATE": "CASE WHEN c > 0 THEN DATE '2024-02-29' ELSE DATE '1999-12-31' END",
    "DECIMAL(5,2)": "CAST(CASE WHEN c > 0 THEN 1.25 ELSE 0.5 END AS DECIMAL(5,2))",
    "ENUM": "CAST(CASE WHEN c > 0 THEN 'z' ELSE 'a' END AS ENUM('z', 'a'))",
    "DOUBLE": "CASE WHEN c > 0 THEN 0.1e0 ELSE -0.1e0 END",
    "TIMESTAMP": "CASE WHEN c > 0 THEN TIMESTAMP '2024-02-29 12:00:00.5' ELSE TIMESTAMP '2024-02-29' END",
}


@pytest.fixture(scope="module")
def cursor() -> Iterator[Cursor]:
    cursor = sqlml.connect().cursor()
    labels = ", ".join(f'{expression} AS "{name}"' for name, expression in BINARY.items())
    cursor.execute(
        f"CREATE TABLE t AS SELECT x, {labels}, ['p', 'q', 'r'][1 + (c > 0)::INTEGER + (c > 1)::INTEGER] AS three"
        f" FROM (SELECT i / 100e0 AS x, sin(i) * 1.5 + i / 100e0 - 2 AS c FROM range(400) r(i))"
    )
    for name in BINARY:
        cursor.execute(f"""CREATE MODEL "m {name}" OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['{name}'], l2_reg = 0.1,
            data_split_method = 'NO_SPLIT') AS SELECT x, "{name}" FROM t""")
    cursor.execute("""CREATE MODEL three OPTIONS (model_type = 'BOOSTED_TREE_CLASSIFIER', input_label_cols = ['three'], max_iterations = 3,
        data_split_method = 'NO_SPLIT') AS SELECT x, three FROM t""")
    cursor.execute("CREATE MODEL line OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['BIGINT']) AS SELECT x, \"BIGINT\" FROM t")
    yield cursor
    cursor.connection.close()


def one(cursor: Cursor, query: str) -> dict[str, Any]:
    (row,) = cursor.execute(query).fetchall()
    return dict(zip([column[0] for column in cursor.description or ()], row, strict=True))


@pytest.mark.parametrize("threshold", [0.5, 0.3])
@pytest.mark.parametrize("label", list(BINARY))
def test_two_classes_of_any_type(cursor, label, threshold):
    positive = cursor.execute(f'SELECT any_value("{label}") FROM t WHERE "BOOLEAN"').fetchone()[0]
    if label == "ENUM":  # text ascends by code points, so the first value that the type declares is the higher class
        assert positive == "z"
    rows = cursor.execute(f'SELECT "{label}", "predicted_{label}_probs" FROM ML.PREDICT(MODEL "m {label}", TABLE t)').fetchall()
    assert {pair[0]["label"] for _, pair in rows} == {positive}
    actual, scores = np.array([value == positive for value, _ in rows]), np.array([pair[0]["prob"] for _, pair in rows])
    predicted = scores > threshold
    ours = one(cursor, f'SELECT * FROM ML.EVALUATE(MODEL "m {label}", TABLE t, STRUCT({threshold} AS threshold))')
    expected = {
        "precision": sk.precision_score(actual, predicted),
        "recall": sk.recall_score(actual, predicted),
        "accuracy": sk.accuracy_score(actual, predicted),
        "f1_score": sk.f1_score(actual, predicted),
        "log_loss": sk.log_loss(actual, scores),
        "roc_auc": sk.roc_auc_score(actual, scores),
    }
    assert ours == {name: pytest.approx(value, rel=1e-12) for name, value in expected.items()}
    matrix = cursor.execute(f'SELECT * FROM ML.CONFUSION_MATRIX(MODEL "m {label}", TABLE t, STRUCT({threshold} AS threshold))').fetchall()
    assert [list(row[1:]) for row in matrix] == sk.confusion_matrix(actual, predicted).tolist()
    assert matrix[1][0] == positive
    if threshold == 0.5:
        assert one(cursor, f'SELECT * FROM ML.EVALUATE(MODEL "m {label}")') == {name: pytest.approx(ours[name], rel=1e-12) for name in ours}
        assert cursor.execute(f'SELECT * FROM ML.CONFUSION_MATRIX(MODEL "m {label}")').fetchall() == matrix


def test_three_classes(cursor):
    rows = cursor.execute(
        "SELECT three, predicted_three, list_transform(predicted_three_probs, lambda s: s.prob) FROM ML.PREDICT(MODEL three, TABLE t)"
    ).fetchall()
    actual, predicted, scores = zip(*rows, strict=True)
    ours = one(cursor, "SELECT * FROM ML.EVALUATE(MODEL three, TABLE t)")
    expected = {
        "precision": sk.precision_score(actual, predicted, average="macro", zero_division=0),
        "recall": sk.recall_score(actual, predicted, average="macro", zero_division=0),
        "accuracy": sk.accuracy_score(actual, predicted),
        "f1_score": sk.f1_score(actual, predicted, average="macro", zero_division=0),
        "log_loss": -np.mean([np.log(row["pqr".index(label)]) for label, row in zip(actual, scores, strict=True)]),
        "roc_auc": np.mean(
            [sk.roc_auc_score([label == name for label in actual], [row[i] for row in scores]) for i, name in enumerate("pqr")]
        ),
    }
    assert ours == {name: pytest.approx(value, rel=1e-12) for name, value in expected.items()}
    matrix = sk.confusion_matrix(actual, predicted).tolist()
    for data in ("", ", TABLE t"):
        found = cursor.execute(f"SELECT * FROM ML.CONFUSION_MATRIX(MODEL three{data})").fetchall()
        assert found == [(label, *row) for label, row in zip("pqr", matrix, strict=True)]


@pytest.mark.parametrize(
    ("label", "given"),
    [
        ("BIGINT", '"BIGINT"::TINYINT'), ("BIGINT", '"BIGINT"::DECIMAL(9,3)'), ("BIGINT", '"BIGINT"::DOUBLE'), ("BIGINT", '"BIGINT"::VARCHAR'),
        ("TINYINT", '"TINYINT"::HUGEINT'), ("TINYINT", '"TINYINT" = 1'), ("BOOLEAN", '"BOOLEAN"::BIGINT'), ("BOOLEAN", '"BOOLEAN"::VARCHAR'),
        ("VARCHAR", "\"VARCHAR\"::ENUM('yes', 'no')"), ("ENUM", '"ENUM"::VARCHAR'), ("DATE", '"DATE"::TIMESTAMP'), ("DATE", '"DATE"::VARCHAR'),
        ("DECIMAL(5,2)", '"DECIMAL(5,2)"::DOUBLE'), ("DECIMAL(5,2)", '"DECIMAL(5,2)"::DECIMAL(12,6)'), ("TIMESTAMP", '"TIMESTAMP"::VARCHAR'),
    ],
)  # fmt: skip
def test_a_label_of_another_type_is_the_class_that_it_equals(cursor, label, given):
    query = f'SELECT * FROM ML.EVALUATE(MODEL "m {label}", (SELECT x, {{}} AS "{label}" FROM t))'
    own = one(cursor, query.format(f'"{label}"'))
    assert one(cursor, query.format(given)) == {name: pytest.approx(own[name], rel=1e-14) for name in own}


@pytest.mark.parametrize(
    ("label", "stranger"),
    [
        ("BIGINT", "NULL"), ("BIGINT", "7.4"), ("BIGINT", "'seven'"), ("BIGINT", "1e300"), ("TINYINT", "300"), ("TINYINT", "0.6"), ("BOOLEAN", "2"),
        ("BOOLEAN", "'perhaps'"), ("VARCHAR", "'maybe'"), ("DATE", "TIMESTAMP '2024-02-29 01:00:00'"), ("DATE", "DATE '2000-01-01'"),
        ("DECIMAL(5,2)", "1.2501"), ("ENUM", "'b'"), ("DOUBLE", "0.1000001"),
    ],
)  # fmt: skip
def test_rows_with_what_is_no_class_do_not_count(cursor, label, stranger):
    own = f'SELECT x, {{}} AS "{label}" FROM t'
    strangers = own.format(stranger)
    alone = one(cursor, f'SELECT * FROM ML.EVALUATE(MODEL "m {label}", ({strangers}))')
    assert set(alone.values()) == {None}
    kind = cursor.execute(f"SELECT typeof({stranger})").fetchone()[0]
    typed = own.format(f'"{label}"::VARCHAR' if kind == "VARCHAR" else f'"{label}"')
    mixed = one(cursor, f'SELECT * FROM ML.EVALUATE(MODEL "m {label}", ({typed} UNION ALL BY NAME {strangers}))')
    expected = one(cursor, f'SELECT * FROM ML.EVALUATE(MODEL "m {label}", TABLE t)')
    assert mixed == {name: pytest.approx(expected[name], rel=1e-12) for name in expected}
    matrix = cursor.execute(f'SELECT * FROM ML.CONFUSION_MATRIX(MODEL "m {label}", ({strangers}))').fetchall()
    assert [row[1:] for row in matrix] == [(0, 0), (0, 0)]


def test_data_of_one_class(cursor):
    ours = one(cursor, 'SELECT * FROM ML.EVALUATE(MODEL "m BOOLEAN", (SELECT * FROM t WHERE "BOOLEAN"))')
    assert ours["roc_auc"] is None
    assert ours["precision"] == 1.0
    two = one(cursor, "SELECT * FROM ML.EVALUATE(MODEL three, (SELECT * FROM t WHERE three <> 'p'))")
    assert 0 < two["roc_auc"] <= 1
    matrix = cursor.execute("SELECT * FROM ML.CONFUSION_MATRIX(MODEL three, (SELECT * FROM t WHERE three <> 'p'))").fetchall()
    assert matrix[0] == ("p", 0, 0, 0)
    assert sum(sum(row[1:]) for row in matrix) == cursor.execute("SELECT count(*) FROM t WHERE three <> 'p'").fetchone()[0]


@pytest.mark.parametrize(
    ("model", "label", "value"), [("m BIGINT", "BIGINT", "[1]"), ("m DATE", "DATE", "1"), ("line", "BIGINT", "DATE '2024-01-01'")]
)
def test_a_label_that_cannot_be_compared(cursor, model, label, value):
    with pytest.raises(Error) as raised:
        cursor.execute(f'SELECT * FROM ML.EVALUATE(MODEL "{model}", (SELECT x, {value} AS "{label}" FROM t))')
    assert raised.value.code == "label_type"
