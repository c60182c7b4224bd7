"""ML.ADVANCED_WEIGHTS of penguins and the census against statsmodels, through SQL."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import sqlml
from sqlml.errors import ProgrammingError
from sqlml.features.layout import NULL_CATEGORY, CategoryTerm, Layout, NumericTerm, VectorTerm
from sqlml.functions._registry import find_function
from sqlml.models._registry import MODEL_TYPES, find_model_type
from sqlml.models.linear_reg import LinearState
from sqlml.models.logistic_reg import LogisticState

DATA = Path(__file__).parents[2] / "sql_examples" / "data"
PENGUINS = f"SELECT * FROM read_csv('{DATA / 'penguins.csv'}', nullstr = ['NA', '']) WHERE body_mass_g IS NOT NULL"
CENSUS = f"""SELECT age, education_num, hours_per_week, nullif(trim(workclass), '?') AS workclass, trim(sex) AS sex, trim(race) AS race,
    trim(income_bracket) AS income FROM '{DATA / "census_adult_income.parquet"}'
    WHERE trim(workclass) NOT IN ('Never-worked', 'Without-pay')"""
COLUMNS = ["processed_input", "category", "weight", "standard_error", "p_value"]

Weights = dict[tuple[str, str | None], tuple[float, float, float]]


@pytest.fixture
def cursor(tmp_path: Path) -> Iterator[sqlml.Cursor]:
    with sqlml.connect(str(tmp_path / "models.duckdb")) as connection, connection.cursor() as cursor:
        yield cursor


def train(cursor: sqlml.Cursor, model_type: str, label: str, query: str, options: str = "", transform: str = "") -> None:
    cursor.execute(
        f"""CREATE MODEL m {transform} OPTIONS (model_type = '{model_type}', input_label_cols = ['{label}'], data_split_method = 'NO_SPLIT',
        category_encoding_method = 'DUMMY_ENCODING', calculate_p_values = TRUE{options}) AS {query}"""
    )


def weights(cursor: sqlml.Cursor, standardize: bool = False) -> Weights:
    cursor.execute(f"SELECT * FROM ML.ADVANCED_WEIGHTS(MODEL m, STRUCT({standardize} AS standardize))")
    assert [column[0] for column in cursor.description] == COLUMNS
    rows = cursor.fetchall()
    assert rows[-1][:2] == ("__INTERCEPT__", None)
    return {(row[0], row[1]): row[2:] for row in rows}


def design(rows: pd.DataFrame, label: str, *, standardize: bool = False) -> tuple[pd.DataFrame, set[tuple[str, str | None]]]:
    """The matrix as the options say, and the categories that have no column of their own."""
    columns: dict[tuple[str, str | None], pd.Series[float]] = {}
    dropped: set[tuple[str, str | None]] = set()
    for name in rows.columns.drop(label):
        if pd.api.types.is_numeric_dtype(rows[name]):
            values = rows[name].astype(float)
            values = values.fillna(values.mean())
            columns[name, None] = (values - values.mean()) / values.std() if standardize else values
            continue
        values = rows[name].where(rows[name].notna(), NULL_CATEGORY)
        first, *others = values.value_counts().index
        dropped.add((name, first))
        columns.update({(name, other): (values == other).astype(float) for other in others})
    columns["__INTERCEPT__", None] = pd.Series(1.0, rows.index)
    matrix = pd.concat(columns.values(), axis=1)
    matrix.columns = pd.Index(list(columns), tupleize_cols=False)
    return matrix, dropped


def check(found: Weights, fitted: Any, matrix: pd.DataFrame, dropped: set[tuple[str, str | None]], rtol: float) -> None:
    assert set(found) == set(matrix.columns) | dropped
    for name in dropped:
        assert found[name][:2] == (0.0, 0.0)
        assert math.isnan(found[name][2])
    numbers = np.array([found[name] for name in matrix.columns], np.float64)
    expected = np.column_stack([fitted.params, fitted.bse, fitted.pvalues])
    np.testing.assert_allclose(numbers, expected, rtol=rtol)


@pytest.mark.parametrize("standardize", [False, True])
def test_penguins(cursor: sqlml.Cursor, standardize: bool) -> None:
    train(cursor, "LINEAR_REG", "body_mass_g", PENGUINS)
    rows = duckdb.sql(PENGUINS).df()
    matrix, dropped = design(rows, "body_mass_g", standardize=standardize)
    assert ("sex", NULL_CATEGORY) in matrix.columns
    check(weights(cursor, standardize), sm.OLS(rows.body_mass_g, matrix).fit(), matrix, dropped, 1e-8)


@pytest.mark.parametrize("standardize", [False, True])
def test_census(cursor: sqlml.Cursor, standardize: bool) -> None:
    train(cursor, "LOGISTIC_REG", "income", CENSUS)
    rows = duckdb.sql(CENSUS).df()
    matrix, dropped = design(rows, "income", standardize=standardize)
    labels = (rows.income == ">50K").astype(float)
    fitted = sm.Logit(labels, matrix).fit(disp=0, tol=1e-14, maxiter=100)
    check(weights(cursor, standardize), fitted, matrix, dropped, 1e-8)


def test_census_as_numbers_of_a_linear_model(cursor: sqlml.Cursor) -> None:
    query = CENSUS.replace("trim(income_bracket) AS income", "CAST(trim(income_bracket) = '>50K' AS INTEGER) AS income")
    train(cursor, "LINEAR_REG", "income", query)
    rows = duckdb.sql(query).df()
    matrix, dropped = design(rows, "income")
    check(weights(cursor), sm.OLS(rows.income.astype(float), matrix).fit(), matrix, dropped, 1e-8)


def test_a_transform_names_the_inputs(cursor: sqlml.Cursor) -> None:
    train(
        cursor, "LINEAR_REG", "body_mass_g", PENGUINS,
        transform="TRANSFORM (ML.STANDARD_SCALER(flipper_length_mm) OVER () AS flipper, log(culmen_length_mm) AS culmen, sex, body_mass_g)",
    )  # fmt: skip
    rows = duckdb.sql(PENGUINS).df()
    flipper = rows.flipper_length_mm
    outputs = pd.DataFrame(
        {
            "flipper": (flipper - flipper.mean()) / flipper.std(ddof=0),
            "culmen": np.log10(rows.culmen_length_mm),
            "sex": rows.sex,
            "body_mass_g": rows.body_mass_g,
        }
    )
    matrix, dropped = design(outputs, "body_mass_g")
    check(weights(cursor), sm.OLS(rows.body_mass_g, matrix).fit(), matrix, dropped, 1e-8)


def test_class_weights(cursor: sqlml.Cursor) -> None:
    train(cursor, "LOGISTIC_REG", "income", CENSUS, ", auto_class_weights = TRUE")
    rows = duckdb.sql(CENSUS).df()
    matrix, dropped = design(rows, "income")
    labels = (rows.income == ">50K").astype(float)
    row_weights = np.where(labels == 1.0, len(rows) / (2 * labels.sum()), len(rows) / (2 * (1 - labels).sum()))
    fitted = sm.GLM(labels, matrix, family=sm.families.Binomial(), var_weights=row_weights).fit(cov_type="HC0", tol=1e-14, maxiter=100)
    check(weights(cursor), fitted, matrix, dropped, 1e-8)


def test_a_model_read_back_says_the_same(cursor: sqlml.Cursor, tmp_path: Path) -> None:
    train(cursor, "LOGISTIC_REG", "income", CENSUS.split("WHERE", maxsplit=1)[0])
    before = weights(cursor)
    # No rows of these categories have the higher class: a NULL that is stored and read.
    assert before["workclass", "Never-worked"][1:] == before["workclass", "Without-pay"][1:] == (None, None)
    assert None not in before["workclass", NULL_CATEGORY]
    cursor.connection.close()
    with sqlml.connect(str(tmp_path / "models.duckdb")) as connection, connection.cursor() as again:
        after = weights(again)
    assert {name: repr(values) for name, values in after.items()} == {name: repr(values) for name, values in before.items()}


LAYOUT = Layout(
    (
        NumericTerm("age", "age", '"age"', 40.0, 10.0, 40.0, 10.0),
        CategoryTerm("sex", "sex", '"sex"', ("f", "m", NULL_CATEGORY), (0.2, 0.5, 0.3), dropped=1),
        VectorTerm("v", "v", '"v"', 2, np.zeros(2)),
        NumericTerm("fixed", "fixed", '"fixed"', 3.0, 0.0, 3.0, 1.0),
    )
)
ERRORS = np.array([2.0, 3.0, 0.0, 1.0, np.nan, np.nan, 0.5, 0.25])


def rows_of(model_rows: Callable[..., Any], state: Any, model_type: str, **more: Any) -> list[tuple[Any, ...]]:
    rows = model_rows("ADVANCED_WEIGHTS", model_type, state=state, layout=LAYOUT, **more)
    assert list(rows[0]) == COLUMNS
    return [tuple(row.values()) for row in rows]


def test_one_row_per_coefficient_in_the_units_of_the_columns(model_rows: Callable[..., Any]) -> None:
    state = LinearState(100.0, np.array([5.0, 0.0, 1.0, -0.3, 0.2, 0.0]), ERRORS, 7)
    rows = rows_of(model_rows, state, "LINEAR_REG")
    assert [row[:2] for row in rows] == [
        ("age", None), ("sex", "f"), ("sex", "m"), ("sex", NULL_CATEGORY), ("v", "0"), ("v", "1"), ("fixed", None), ("__INTERCEPT__", None),
    ]  # fmt: skip
    assert [row[2] for row in rows] == [0.5, 0.0, 0.0, 1.0, -0.3, 0.2, 0.0, 80.0]
    assert [row[3] for row in rows] == [0.2, 3.0, 0.0, 0.0, 1.0, None, None, 0.5]
    assert rows[0][4] == pytest.approx(0.04099221858575289, rel=1e-13)  # Student's t, 2.5 with 7 degrees of freedom
    assert rows[1][4] == 1.0
    assert math.isnan(rows[2][4])
    assert [row[4] for row in rows[3:4] + rows[5:7]] == [0.0, None, None]
    standardised = rows_of(model_rows, state, "LINEAR_REG", settings={"standardize": True}, n_train=5)
    sample = math.sqrt(5 / 4)
    assert standardised[0][2:4] == pytest.approx((5.0 * sample, 2.0 * sample), rel=1e-15)
    assert [row[4] for row in standardised if row[0] == "age"] == [rows[0][4]]
    assert standardised[-1][2:4] == (100.0, 0.25)


def test_a_classifier_takes_the_normal_distribution(model_rows: Callable[..., Any]) -> None:
    state = LogisticState(2, np.array([[5.0, 0.0, 1.0, -0.3, 0.2, 0.0]]), np.array([1.0]), ERRORS)
    rows = rows_of(model_rows, state, "LOGISTIC_REG", classes=("no", "yes"))
    assert rows[0][4] == pytest.approx(0.012419330651552318, rel=1e-13)


def test_a_model_without_standard_errors(model_rows: Callable[..., Any]) -> None:
    for model_type, state in (
        ("LINEAR_REG", LinearState(100.0, np.ones(6))),
        ("LOGISTIC_REG", LogisticState(3, np.ones((3, 6)), np.ones(3))),
    ):
        with pytest.raises(ProgrammingError, match="calculate_p_values") as error:
            rows_of(model_rows, state, model_type)
        assert error.value.code == "without_p_values"


def test_only_linear_models_have_them() -> None:
    applies = {name for name in MODEL_TYPES if find_function("ADVANCED_WEIGHTS").applies_to(find_model_type(name))}
    assert applies == {"LINEAR_REG", "LOGISTIC_REG"}
