"""What training keeps of scores answers as the evaluation rows themselves would, and a stranger's is refused."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import sqlml
from sqlml.dbapi.cursor import Cursor
from sqlml.errors import Error, IntegrityError
from sqlml.functions import _kept_scores
from sqlml.functions._kept_scores import KeptScores
from sqlml.state import from_arrays, to_arrays

QUESTIONS = [
    "ML.ROC_CURVE(MODEL {m}{data})", "ML.ROC_CURVE(MODEL {m}{data}, [0.9, 0.1, 0.5])", "ML.CALIBRATION(MODEL {m}{data}, STRUCT(7 AS num_bins))",
    "ML.LIFT(MODEL {m}{data})", "ML.CONFUSION_MATRIX(MODEL {m}{data})",
]  # fmt: skip


@pytest.fixture
def cursor() -> Iterator[Cursor]:
    cursor = sqlml.connect().cursor()
    cursor.execute("""
        CREATE TABLE t AS SELECT i / 100e0 AS x, sin(i) * 3 + i / 100e0 > 5 AS y, ['p', 'q', 'r'][1 + (sin(i) > 0)::INTEGER + (i > 600)::INTEGER] AS z,
            i % 3 = 0 AS held FROM range(1000) r(i)
    """)
    yield cursor
    cursor.connection.close()


def train(cursor: Cursor, name: str, model_type: str, label: str, split: str) -> None:
    options = {"CUSTOM": "data_split_method = 'CUSTOM', data_split_col = 'held'", "NO_SPLIT": "data_split_method = 'NO_SPLIT'"}[split]
    columns = f"x, {label}" + ", held" * (split == "CUSTOM")
    cursor.execute(
        f"CREATE MODEL {name} OPTIONS (model_type = '{model_type}', input_label_cols = ['{label}'], {options}) AS SELECT {columns} FROM t"
    )


def assert_same(ours: list[tuple[object, ...]], others: list[tuple[object, ...]]) -> None:
    assert len(ours) == len(others) > 0
    for row, other in zip(ours, others, strict=True):
        assert list(row) == [
            value if value is None or isinstance(value, str) else pytest.approx(value, rel=1e-12, nan_ok=True) for value in other
        ]


@pytest.mark.parametrize("split", ["CUSTOM", "NO_SPLIT"])
@pytest.mark.parametrize("model_type", ["LOGISTIC_REG", "BOOSTED_TREE_CLASSIFIER"])
def test_answers_are_those_of_the_evaluation_rows(cursor, model_type, split):
    train(cursor, "m", model_type, "y", split)
    train(cursor, "m3", model_type, "z", split)
    data = ", (SELECT * FROM t WHERE held)" if split == "CUSTOM" else ", TABLE t"
    for question in QUESTIONS:
        with_data, without = (cursor.execute(f"SELECT * FROM {question.format(m='m', data=given)}").fetchall() for given in (data, ""))
        assert_same(without, with_data)
    for question in (QUESTIONS[2], QUESTIONS[4]):
        with_data, without = (cursor.execute(f"SELECT * FROM {question.format(m='m3', data=given)}").fetchall() for given in (data, ""))
        assert_same(without, with_data)


def test_many_scores_are_kept_at_their_quantiles(cursor, monkeypatch):
    monkeypatch.setattr(_kept_scores, "MAX_EXACT", 300)
    monkeypatch.setattr(_kept_scores, "N_QUANTILES", 200)
    train(cursor, "m", "LOGISTIC_REG", "y", "NO_SPLIT")
    exact, kept = (cursor.execute(f"SELECT * FROM ML.ROC_CURVE(MODEL m{data})").fetchall() for data in (", TABLE t", ""))
    assert_same(kept, exact)  # a hundredth is two of two hundred
    exact, kept = (cursor.execute(f"SELECT * FROM ML.CALIBRATION(MODEL m{data})").fetchall() for data in (", TABLE t", ""))
    for row, other in zip(kept, exact, strict=True):
        assert 0 <= row[4] - other[4] <= 1 / 50
        assert abs(row[3] - other[3]) <= 10
    exact, kept = (cursor.execute(f"SELECT * FROM ML.CONFUSION_MATRIX(MODEL m{data})").fetchall() for data in (", TABLE t", ""))
    assert kept == exact


def test_regression_keeps_no_scores(cursor):
    cursor.execute("CREATE MODEL line OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['x']) AS SELECT x, z FROM t")
    for function in ("CONFUSION_MATRIX", "ROC_CURVE", "CALIBRATION", "LIFT"):
        with pytest.raises(Error) as raised:
            cursor.execute(f"SELECT * FROM ML.{function}(MODEL line)")
        assert raised.value.code == "function_not_applicable"


def state(**given: object) -> KeptScores:
    values = {
        "scores": np.array([0.1, 0.7]), "n_negative": np.array([2, 1]), "n_positive": np.array([0, 4]),
        "actual": np.array([0, 0, 1]), "predicted": np.array([0, 1, 1]), "n_rows": np.array([2, 1, 4]),
    }  # fmt: skip
    return KeptScores(**{**values, **given})


def test_what_was_stored_comes_back():
    back = from_arrays(KeptScores, to_arrays(state()))
    assert back.counts().to_pydict() == {"score": [0.1, 0.7], "n_negative": [2, 1], "n_positive": [0, 4]}
    assert back.cells(2).to_pydict() == {"actual": [0, 0, 1], "predicted": [0, 1, 1], "n": [2, 1, 4]}
    with pytest.raises(IntegrityError, match="more classes than the model"):
        back.cells(1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"scores": np.array([0.7, 0.1])}, "ascending"), ({"scores": np.array([0.7, 0.7])}, "ascending"), ({"scores": np.array([0.1, 1.1])}, "ascending"),
        ({"scores": np.array([-0.1, 0.7])}, "ascending"), ({"scores": np.array([0.1, np.nan])}, "finite"), ({"n_negative": np.array([-1, 4])}, "range"),
        ({"n_rows": np.array([2, 1, 5])}, "same rows"), ({"predicted": np.array([0, 0, 1])}, "twice"), ({"actual": np.array([-1, 0, 1])}, "range"),
        ({"n_negative": np.array([2**62, 1]), "n_rows": np.array([2**62, 1, 4])}, "same rows"), ({"scores": np.array([0.1])}, "disagrees"),
    ],
)  # fmt: skip
def test_nonsense_is_refused(given, message):
    with pytest.raises(IntegrityError, match=message):
        from_arrays(KeptScores, to_arrays(state(**given)))
