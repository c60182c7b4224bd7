"""ML.SLICE_METRICS gives what ML.EVALUATE gives for the rows of each slice."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

import sqlml
from sqlml.dbapi.cursor import Cursor
from sqlml.errors import Error

MODELS = {
    "number": ("LINEAR_REG", "n"),
    "two": ("LOGISTIC_REG", "two"),
    "three": ("LOGISTIC_REG", "three"),
    "trees": ("BOOSTED_TREE_CLASSIFIER", "two"),
    "groups": ("KMEANS", None),
}


@pytest.fixture(scope="module")
def cursor() -> Iterator[Cursor]:
    """Data with slices of one class only, a NULL slice, NULL labels and a label that is no class; a model of each kind."""
    cursor = sqlml.connect().cursor()
    cursor.execute("""
        CREATE TABLE t AS SELECT i AS id, (i * 37 % 101) / 10e0 AS x, ['u', 'v', 'w'][1 + i * 7 % 3] AS k,
            CASE WHEN i % 13 = 0 THEN NULL ELSE ['b', 'a'][1 + i % 2] END AS sex, CASE WHEN i % 11 = 0 THEN 10 ELSE i % 3 END AS score,
            CASE WHEN i % 10 < 3 THEN 'rare' ELSE 'often' END AS actual, i % 4 = 0 AS flag,
            CASE WHEN i % 17 > 0 THEN x + (i % 5) / 3e0 END AS n,
            CASE WHEN i % 17 > 0 THEN CASE WHEN i % 10 < 3 OR x + i % 7 > 7 THEN 'yes' ELSE 'no' END END AS two,
            CASE WHEN i % 17 > 0 THEN ['p', 'q', 'r'][1 + (i % 3 + x::INTEGER % 2) % 3] END AS three
        FROM range(800) r(i)
    """)
    for name, (model_type, label) in MODELS.items():
        options = f", input_label_cols = ['{label}']" if label else ", num_clusters = 3"
        rounds = ", max_iterations = 5" * (name == "trees")
        where = f"WHERE {label} IS NOT NULL" if label else ""
        cursor.execute(
            f"CREATE MODEL {name} OPTIONS (model_type = '{model_type}'{options}{rounds}) AS SELECT x, k{f', {label}' if label else ''} FROM t {where}"
        )
    yield cursor
    cursor.close()


def same(found: object, expected: object) -> bool:
    """Equal to 1e-12, NULL and NaN each only with its like."""
    if found is None or expected is None:
        return found is expected
    assert isinstance(found, float)
    assert isinstance(expected, float)
    return math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-12) or (math.isnan(found) and math.isnan(expected))


@pytest.mark.parametrize(("name", "threshold"), [*((name, None) for name in MODELS), ("two", 0.3), ("trees", 0.7)])
def test_every_slice_has_the_metrics_of_its_rows(cursor: Cursor, name: str, threshold: float | None) -> None:
    setting = f", {threshold} AS threshold" if threshold else ""
    label = MODELS[name][1]
    cursor.execute(
        f"SELECT * FROM ML.SLICE_METRICS(MODEL {name}, TABLE t, STRUCT(['sex', 'Score', 'actual', 'flag'] AS slice_cols{setting}))"
    )
    assert cursor.description is not None
    columns = [column[0] for column in cursor.description]
    rows = cursor.fetchall()
    slices = [
        ("all", None, None), ("sex=a", "sex", "a"), ("sex=b", "sex", "b"), ("sex=NULL", "sex", None), ("score=0", "score", "0"),
        ("score=1", "score", "1"), ("score=2", "score", "2"), ("score=10", "score", "10"), ("actual=often", "actual", "often"),
        ("actual=rare", "actual", "rare"), ("flag=false", "flag", "false"), ("flag=true", "flag", "true"),
    ]  # fmt: skip
    assert [row[:3] for row in rows] == slices
    for (_, column, value), row in zip(slices, rows, strict=True):
        where = "TRUE" if column is None else f"CAST({column} AS VARCHAR) IS NOT DISTINCT FROM {'NULL' if value is None else repr(value)}"
        data = f"(SELECT * FROM t WHERE {where})"
        expected = cursor.execute(
            f"SELECT * FROM ML.EVALUATE(MODEL {name}, {data}{f', STRUCT({threshold} AS threshold)' * bool(threshold)})"
        )
        assert expected.description is not None
        assert columns[4:] == [described[0] for described in expected.description]
        metrics = expected.fetchall()[0]
        assert all(same(found, wanted) for found, wanted in zip(row[4:], metrics, strict=True)), (row, metrics)
        n_rows = cursor.execute(f"SELECT count(*) FROM t WHERE {where} AND {f'{label} IS NOT NULL' if label else 'TRUE'}").fetchall()[0][0]
        assert row[3] == n_rows


def test_a_slice_of_one_class_has_no_area(cursor: Cursor) -> None:
    rows = cursor.execute(
        "SELECT slice, roc_auc, accuracy FROM ML.SLICE_METRICS(MODEL two, TABLE t, STRUCT('actual' AS slice_cols))"
    ).fetchall()
    assert {row[0] for row in rows if row[1] is None} == {"actual=rare"}
    assert all(row[2] is not None for row in rows)


def test_data_without_rows_have_a_row_of_all(cursor: Cursor) -> None:
    for data in ("(SELECT * FROM t LIMIT 0)", "(SELECT * REPLACE (NULL AS two) FROM t)"):
        rows = cursor.execute(f"SELECT * FROM ML.SLICE_METRICS(MODEL two, {data}, STRUCT('sex' AS slice_cols))").fetchall()
        assert rows == [("all", None, None, 0, *[None] * 6)]


def test_a_model_with_transform_slices_by_the_data_own_columns(cursor: Cursor) -> None:
    cursor.execute(
        "CREATE MODEL cleaned TRANSFORM (ML.STANDARD_SCALER(x) OVER () AS sex, two) OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['two'])"
        " AS SELECT x, two FROM t WHERE two IS NOT NULL"
    )
    rows = cursor.execute("SELECT slice FROM ML.SLICE_METRICS(MODEL cleaned, TABLE t, STRUCT('sex' AS slice_cols))").fetchall()
    assert rows == [("all",), ("sex=a",), ("sex=b",), ("sex=NULL",)]


def test_no_two_slices_are_called_alike(cursor: Cursor) -> None:
    """Strings that read as NULL or are in quotes, and columns and values with a sign of equality."""
    values = "[NULL, 'NULL', $$'NULL'$$, $$it's$$, 'b=c'][1 + id % 5]"
    data = f'(SELECT x, k, two, {values} AS a, $$c$$ AS "a=b", CASE WHEN id % 2 = 1 THEN $$c$$ END AS """a""" FROM t)'
    rows = cursor.execute(
        f"SELECT slice, slice_col, slice_value FROM ML.SLICE_METRICS(MODEL two, {data}, STRUCT(['a', 'a=b', '\"a\"'] AS slice_cols))"
    ).fetchall()
    assert rows == [
        ("all", None, None), ("a='''NULL'''", "a", "'NULL'"), ("a='NULL'", "a", "NULL"), ("a=b=c", "a", "b=c"), ("a=it's", "a", "it's"),
        ("a=NULL", "a", None), ('"a=b"=c', "a=b", "c"), ('"""a"""=c', '"a"', "c"), ('"""a"""=NULL', '"a"', None),
    ]  # fmt: skip


def test_pca_has_no_slices(cursor: Cursor) -> None:
    cursor.execute("CREATE MODEL axes OPTIONS (model_type = 'PCA', num_principal_components = 1) AS SELECT x, k FROM t")
    with pytest.raises(Error) as caught:
        cursor.execute("SELECT * FROM ML.SLICE_METRICS(MODEL axes, TABLE t, STRUCT('sex' AS slice_cols))")
    assert caught.value.code == "function_not_applicable"
