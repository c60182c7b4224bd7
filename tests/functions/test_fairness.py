"""ML.FAIRNESS against the published formulas, worked out over small tables in plain Python."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import pytest

import sqlml
from sqlml.dbapi.cursor import Cursor
from sqlml.errors import Error
from sqlml.functions._bias_measures import MEASURES
from sqlml.functions._data_columns import value_of
from sqlml.types import SqlType

Q = pytest.approx


class Case(NamedTuple):
    """A row: is it of the disadvantaged, is its label positive, is its prediction; the value of the group column."""

    d: bool
    y: bool
    p: bool
    g: str | None = None


@pytest.fixture(scope="module")
def cursor() -> Iterator[Cursor]:
    """A model that predicts `yes` for x = 1 and `no` for x = 0, so that a table may have any predictions."""
    cursor = sqlml.connect().cursor()
    cursor.execute("CREATE TABLE training AS SELECT i % 2 AS x, CASE WHEN i % 2 = 1 THEN 'yes' ELSE 'no' END AS y FROM range(40) r(i)")
    cursor.execute(
        "CREATE MODEL m OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['y'], l2_reg = 0.01) AS SELECT * FROM training"
    )
    yield cursor
    cursor.close()


def put(cursor: Cursor, cases: Sequence[Case]) -> None:
    cursor.execute("CREATE OR REPLACE TABLE people (sex VARCHAR, x INTEGER, y VARCHAR, job VARCHAR)")
    for case in cases:
        row = ["f" if case.d else "m", int(case.p), "yes" if case.y else "no", case.g]
        cursor.execute("INSERT INTO people VALUES ($a, $b, $c, $d)", dict(zip("abcd", row, strict=True)))


def measured(cursor: Cursor, settings: str = "", data: str = "TABLE people") -> dict[str, float | None]:
    struct = f"STRUCT('sex' AS facet, 'f' AS disadvantaged_value{settings})"
    return {row[0]: row[1] for row in cursor.execute(f"SELECT * FROM ML.FAIRNESS(MODEL m, {data}, {struct})").fetchall()}


def divided(part: float, whole: float) -> float | None:
    return part / whole if whole else math.inf if part else None


def less(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None or (math.isinf(a) and math.isinf(b)) else a - b


def expected(cases: Sequence[Case]) -> dict[str, float | None]:
    """The measures by their formulas, as the documentation of SageMaker Clarify writes them."""
    groups = {"a": [case for case in cases if not case.d], "d": [case for case in cases if case.d]}

    def count(group: str, condition: Callable[[Case], bool] = lambda case: True) -> int:
        return sum(condition(case) for case in groups[group])

    def rates(part: Callable[[Case], bool], whole: Callable[[Case], bool] = lambda case: True) -> tuple[float | None, float | None]:
        a, d = (divided(count(group, part), count(group, whole)) for group in "ad")
        return a, d

    n_a, n_d = count("a"), count("d")
    q_a, q_d = (count(group, lambda case: case.y) / count(group) for group in "ad")
    pa, pd = (q_a, 1 - q_a), (q_d, 1 - q_d)

    def kl(p: tuple[float, float], q: tuple[float, float]) -> float:
        return sum(0.0 if x == 0 else math.inf if y == 0 else x * math.log(x / y) for x, y in zip(p, q, strict=True))

    middle = ((pa[0] + pd[0]) / 2, (pa[1] + pd[1]) / 2)
    gaps = [abs(x - y) for x, y in zip(pa, pd, strict=True)]

    def disparity(outcome: Callable[[Case], bool]) -> float | None:
        if all(case.g is None for case in cases) or len({outcome(case) for case in cases}) < 2:
            return None
        total = 0.0
        for value in {case.g for case in cases}:
            rows = [case for case in cases if case.g == value]
            rejected, accepted = [case for case in rows if not outcome(case)], [case for case in rows if outcome(case)]
            total += len(rows) * (
                (sum(case.d for case in rejected) / len(rejected) if rejected else 0.0)
                - (sum(case.d for case in accepted) / len(accepted) if accepted else 0.0)
            )
        return total / len(cases)

    accepted = rates(lambda case: case.p)
    assert accepted[0] is not None
    assert accepted[1] is not None
    recall = rates(lambda case: case.y and case.p, lambda case: case.y)
    specificity = rates(lambda case: not case.y and not case.p, lambda case: not case.y)
    fall_out = rates(lambda case: not case.y and case.p, lambda case: not case.y)
    precision = rates(lambda case: case.y and case.p, lambda case: case.p)
    rejection = rates(lambda case: not case.y and not case.p, lambda case: not case.p)
    conditional_acceptance = rates(lambda case: case.y, lambda case: case.p)
    conditional_rejection = rates(lambda case: not case.y, lambda case: not case.p)
    treatment = rates(lambda case: case.y and not case.p, lambda case: not case.y and case.p)
    accuracy = rates(lambda case: case.y == case.p)
    return {
        "CI": (n_a - n_d) / (n_a + n_d), "DPL": q_a - q_d, "KL": kl(pa, pd), "JS": (kl(pa, middle) + kl(pd, middle)) / 2,
        "Lp": math.hypot(*gaps), "TVD": sum(gaps) / 2, "KS": max(gaps), "CDDL": disparity(lambda case: case.y),
        "DPPL": accepted[0] - accepted[1], "DI": divided(accepted[1], accepted[0]), "DCAcc": less(*conditional_acceptance),
        "DCR": less(*conditional_rejection[::-1]), "SD": less(*specificity[::-1]), "RD": less(*recall), "DAR": less(*precision),
        "DRR": less(*rejection[::-1]), "AD": less(*accuracy), "TE": less(*treatment[::-1]), "CDDPL": disparity(lambda case: case.p),
        "EO_TPR": less(*recall), "EO_FPR": less(*fall_out),
    }  # fmt: skip


def check(found: dict[str, float | None], wanted: dict[str, float | None]) -> None:
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert found[name] == (value if value is None or math.isinf(value) else Q(value, rel=1e-12, abs=1e-15)), name


def cases(**counts: int) -> list[Case]:
    """Rows by count: `a_yp` is of group a, its label positive, its prediction positive; `n` for negative."""
    return [Case(key[0] == "d", key[2] == "y", key[3] == "p") for key, count in counts.items() for _ in range(count)]


TABLES = {
    "usual": cases(a_yp=9, a_yn=3, a_np=2, a_nn=6, d_yp=3, d_yn=4, d_np=1, d_nn=7),
    "equal groups": cases(a_yp=3, a_yn=1, a_np=1, a_nn=3, d_yp=3, d_yn=1, d_np=1, d_nn=3),
    "no positive label in d": cases(a_yp=2, a_yn=2, a_np=1, a_nn=1, d_np=2, d_nn=3),
    "no positive label in a": cases(a_np=2, a_nn=2, d_yp=2, d_yn=1, d_nn=2),
    "nothing accepted": cases(a_yn=2, a_nn=3, d_yn=1, d_nn=3),
    "nobody of a accepted": cases(a_yn=2, a_nn=3, d_yp=1, d_nn=3),
    "everybody accepted": cases(a_yp=2, a_np=3, d_yp=1, d_np=3),
    "perfect predictions": cases(a_yp=5, a_nn=3, d_yp=2, d_nn=6),
}


@pytest.mark.parametrize("name", TABLES)
def test_measures_are_those_of_the_formulas(cursor: Cursor, name: str) -> None:
    put(cursor, TABLES[name])
    check(measured(cursor), expected(TABLES[name]))


def test_a_table_worked_out_by_hand(cursor: Cursor) -> None:
    put(cursor, TABLES["usual"])
    found = measured(cursor)
    assert found["CI"] == Q(5 / 35)
    assert found["DPL"] == Q(12 / 20 - 7 / 15)
    assert found["KL"] == Q(0.6 * math.log(0.6 * 15 / 7) + 0.4 * math.log(0.4 * 15 / 8))
    assert found["TVD"] == found["KS"] == Q(12 / 20 - 7 / 15)
    assert found["Lp"] == Q(math.sqrt(2) * (12 / 20 - 7 / 15))
    assert found["DI"] == Q((4 / 15) / (11 / 20))
    assert found["DPPL"] == Q(11 / 20 - 4 / 15)
    assert found["DCAcc"] == Q(12 / 11 - 7 / 4)
    assert found["DCR"] == Q(8 / 11 - 8 / 9)
    assert found["RD"] == found["EO_TPR"] == Q(9 / 12 - 3 / 7)
    assert found["DAR"] == Q(9 / 11 - 3 / 4)
    assert found["DRR"] == Q(7 / 11 - 6 / 9)
    assert found["AD"] == Q(15 / 20 - 10 / 15)
    assert found["TE"] == Q(4 / 1 - 3 / 2)
    assert found["EO_FPR"] == Q(2 / 8 - 1 / 8)


def test_conditional_disparity_takes_the_mean_over_groups(cursor: Cursor) -> None:
    rows = [
        *(Case(*case[:3], "north") for case in TABLES["usual"]),
        *(Case(*case[:3], "south") for case in TABLES["perfect predictions"]),
        *(Case(*case[:3], "one label") for case in cases(a_yp=2, a_yn=1, d_yp=3)),
        *(Case(*case[:3], None) for case in TABLES["equal groups"]),
    ]
    put(cursor, rows)
    found = measured(cursor, ", 'Job' AS group_col")
    check(found, expected(rows))
    assert found["CDDL"] is not None
    assert measured(cursor)["CDDL"] is None
    assert measured(cursor)["CDDPL"] is None


def test_every_row_of_the_result(cursor: Cursor) -> None:
    put(cursor, TABLES["usual"])
    rows = cursor.execute(
        "SELECT * FROM ML.FAIRNESS(MODEL m, TABLE people, STRUCT('SEX' AS facet, 'f' AS disadvantaged_value, TRUE AS flip_test))"
    )
    assert rows.description is not None
    assert [column[0] for column in rows.description] == [
        "measure", "value", "compares", "fair_range", "stage", "n_advantaged", "n_disadvantaged",
    ]  # fmt: skip
    for row, measure in zip(rows.fetchall(), MEASURES, strict=True):
        assert (row[0], row[2], row[3], row[4]) == (measure.name, measure.compares, measure.fair_range, measure.stage)
        assert row[5:] == (20, 15)


def test_the_favourable_outcome_may_be_the_other_class(cursor: Cursor) -> None:
    put(cursor, TABLES["usual"])
    turned = [Case(case.d, not case.y, not case.p) for case in TABLES["usual"]]
    check(measured(cursor, ", 'no' AS positive_label"), expected(turned))
    check(measured(cursor, ", 'yes' AS positive_label"), expected(TABLES["usual"]))


def test_the_threshold_moves_predictions(cursor: Cursor) -> None:
    put(cursor, TABLES["usual"])
    check(measured(cursor, ", 1.0 AS threshold"), expected([Case(case.d, case.y, False) for case in TABLES["usual"]]))


def test_rows_of_neither_group_and_without_label_do_not_count(cursor: Cursor) -> None:
    put(cursor, TABLES["usual"])
    cursor.execute(
        "INSERT INTO people VALUES (NULL, 1, 'yes', NULL), ('f', 1, NULL, NULL), ('m', 1, 'perhaps', NULL), ('x', 1, 'yes', NULL)"
    )
    check(measured(cursor, ", 'm' AS advantaged_value"), expected(TABLES["usual"]))
    assert measured(cursor) != measured(cursor, ", 'm' AS advantaged_value")
    check(measured(cursor), expected([*TABLES["usual"], Case(d=False, y=True, p=True)]))


@pytest.mark.parametrize(
    "data", ["(SELECT * FROM people LIMIT 0)", "(SELECT * FROM people WHERE sex = 'f')", "(SELECT * FROM people WHERE sex = 'm')"]
)
def test_an_empty_group_measures_nothing(cursor: Cursor, data: str) -> None:
    put(cursor, TABLES["usual"])
    assert set(measured(cursor, ", TRUE AS flip_test", data).values()) == {None}


@pytest.mark.parametrize(
    ("facet", "value"),
    [("CASE sex WHEN 'f' THEN 7 ELSE 3 END", "7"), ("CASE sex WHEN 'f' THEN 7 ELSE 3 END", "'7'"), ("sex = 'f'", "TRUE"), ("sex = 'f'", "'true'"),
     ("CASE sex WHEN 'f' THEN 0.5e0 ELSE 3 END", "0.5"), ("CASE sex WHEN 'f' THEN DATE '2020-01-02' ELSE DATE '2021-01-01' END", "'2020-01-02'"),
     ("CAST(sex AS ENUM('m', 'f'))", "'f'")],
)  # fmt: skip
def test_facets_of_any_type(cursor: Cursor, facet: str, value: str) -> None:
    put(cursor, TABLES["usual"])
    data = f"(SELECT *, {facet} AS side FROM people)"
    struct = f"STRUCT('side' AS facet, {value} AS disadvantaged_value)"
    rows = cursor.execute(f"SELECT * FROM ML.FAIRNESS(MODEL m, {data}, {struct})").fetchall()
    check({row[0]: row[1] for row in rows}, expected(TABLES["usual"]))


@pytest.mark.parametrize("model_type", ["LOGISTIC_REG", "BOOSTED_TREE_CLASSIFIER"])
def test_data_may_have_columns_of_our_names(cursor: Cursor, model_type: str) -> None:
    cursor.execute(
        "CREATE OR REPLACE MODEL own OPTIONS (model_type = $$" + model_type + "$$, input_label_cols = ['actual']) AS"
        " SELECT x AS score, y AS actual FROM training"
    )
    put(cursor, TABLES["usual"])
    data = "(SELECT x AS score, y AS actual, sex AS accepted, job AS favoured FROM people)"
    struct = "STRUCT('accepted' AS facet, 'f' AS disadvantaged_value, 'favoured' AS group_col, TRUE AS flip_test)"
    rows = cursor.execute(f"SELECT * FROM ML.FAIRNESS(MODEL own, {data}, {struct})").fetchall()
    wanted = expected(TABLES["usual"])
    assert {row[0]: row[1] for row in rows if row[0] not in ("FT", "CDDL", "CDDPL")} == {
        name: value if value is None else Q(value) for name, value in wanted.items() if name not in ("CDDL", "CDDPL")
    }


def flip_test(rows: Sequence[tuple[Any, ...]], k: int) -> float:
    """Rows of (d, accepted, x1, x2, kind): the formula of Clarify's documentation, by brute force."""
    others = [row for row in rows if not row[0]]
    plus = minus = 0
    own = [row for row in rows if row[0]]
    for row in own:

        def distance(other: tuple[Any, ...], row: tuple[Any, ...] = row) -> float:
            return (row[2] - other[2]) ** 2 + (row[3] - other[3]) ** 2 + 2 * (row[4] != other[4])

        nearest = sorted(others, key=distance)[:k]
        likely = sum(other[1] for other in nearest) * 2 > k
        plus += likely and not row[1]
        minus += row[1] and not likely
    return (plus - minus) / len(own)


@pytest.mark.parametrize(("n_rows", "k"), [(90, 5), (14, 1)])
def test_flip_test(cursor: Cursor, n_rows: int, k: int) -> None:
    cursor.execute(f"""
        CREATE OR REPLACE TABLE flipped AS SELECT sqrt(i * 7 + 1) * 3 % 4 AS x1, ln(i * 11 + 2) * 5 % 2 AS x2, ['a', 'b', NULL][1 + (i // 2) % 3] AS kind,
            i % 3 = 0 AS d, CASE WHEN x1 + x2 + (kind = 'a')::INTEGER * 2 > 3.5 - (i % 3 = 0)::INTEGER THEN 'yes' ELSE 'no' END AS y
        FROM range({n_rows}) r(i)
    """)
    cursor.execute(
        "CREATE OR REPLACE MODEL flips OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['y']) AS SELECT x1, x2, kind, d, y FROM flipped"
    )
    rows = cursor.execute("SELECT d, predicted_y = 'yes', x1, x2, kind FROM ML.PREDICT(MODEL flips, TABLE flipped)").fetchall()
    wanted = flip_test(rows, k)
    assert sum(not row[0] for row in rows) > 10 or k == 1
    struct = "STRUCT('d' AS facet, TRUE AS disadvantaged_value, TRUE AS flip_test)"
    for extra in ("", " UNION ALL SELECT NULL, 1, 'a', TRUE, 'yes'"):
        data = f"(SELECT x1, x2, kind, d, y FROM flipped{extra})"
        found = {row[0]: row[1] for row in cursor.execute(f"SELECT * FROM ML.FAIRNESS(MODEL flips, {data}, {struct})").fetchall()}
        assert found["FT"] == Q(wanted)
    if k == 5:
        assert wanted != 0


def test_models_that_it_does_not_apply_to(cursor: Cursor) -> None:
    cursor.execute(
        "CREATE OR REPLACE MODEL three OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['y']) AS SELECT i AS x, i % 3 AS y FROM range(30) r(i)"
    )
    cursor.execute(
        "CREATE OR REPLACE MODEL line OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y']) AS SELECT i AS x, i AS y FROM range(30) r(i)"
    )
    for model in ("three", "line"):
        with pytest.raises(Error) as caught:
            cursor.execute(
                f"SELECT * FROM ML.FAIRNESS(MODEL {model}, (SELECT 1 AS x, 1 AS y, 'f' AS s), STRUCT('s' AS facet, 'f' AS disadvantaged_value))"
            )
        assert caught.value.code == "function_not_applicable"


NUMBERED = "CASE sex WHEN 'f' THEN 7 ELSE 3 END"
DATED = "CASE sex WHEN 'f' THEN DATE '2020-01-02' ELSE DATE '2021-01-01' END"
TIMED = "CASE sex WHEN 'f' THEN TIMESTAMP '2020-01-02 03:04:05.25' ELSE TIMESTAMP '2021-01-01' END"


@pytest.mark.parametrize(
    ("facet", "value"),
    [(NUMBERED, "7.0"), (NUMBERED, "'7.00'"), (f"({NUMBERED})::DOUBLE", "7"), (f"({NUMBERED})::FLOAT + 0.1::FLOAT", "7.1"),
     (f"({NUMBERED} + 0.5)::DECIMAL(38, 4)", "7.5"), ("sex = 'f'", "'TRUE'"), ("sex = 'f'", "1"), (DATED, "'2020-1-2'"),
     (DATED, "TIMESTAMP '2020-01-02'"), (TIMED, "'2020-01-02T03:04:05.250'"), (TIMED, "'2020-01-02 05:04:05.25+02'"),
     (f"({TIMED})::TIMESTAMP_NS", "'2020-01-02 03:04:05.25'"), (f"({TIMED} AT TIME ZONE 'UTC')", "'2020-01-02 03:04:05.25 UTC'")],
)  # fmt: skip
def test_facet_values_are_compared_as_values(cursor: Cursor, facet: str, value: str) -> None:
    put(cursor, TABLES["usual"])
    struct = f"STRUCT('side' AS facet, {value} AS disadvantaged_value)"
    rows = cursor.execute(f"SELECT * FROM ML.FAIRNESS(MODEL m, (SELECT *, {facet} AS side FROM people), {struct})").fetchall()
    check({row[0]: row[1] for row in rows}, expected(TABLES["usual"]))


@pytest.mark.parametrize(
    ("facet", "value"),
    [(NUMBERED, "7.4"), (NUMBERED, "6.5"), (NUMBERED, "1e30"), (NUMBERED, "'1e9999999999'"), (f"({NUMBERED})::UTINYINT", "-7"),
     (f"({NUMBERED})::DECIMAL(4, 2)", "7.001"), (f"({NUMBERED})::DECIMAL(4, 2)", "700"), (f"({NUMBERED})::DOUBLE", "'1e400'"),
     (f"({NUMBERED})::FLOAT", "1e200"), ("sex = 'f'", "2"), (DATED, "'nonsense'"), (DATED, "'2020-02-30'"), (DATED, "'2020-01-02 03:00:00'"),
     (TIMED, "'nonsense'"), (TIMED, "'2020-01-02 25:00:00'"), (TIMED, "'0001-01-01 00:00:00+10'"), (f"({TIMED})::TIMESTAMP_S", "'2020-01-02 03:04:05.5'")],
)  # fmt: skip
@pytest.mark.parametrize("setting", ["disadvantaged_value", "advantaged_value"])
def test_a_value_that_the_facet_cannot_have(cursor: Cursor, facet: str, value: str, setting: str) -> None:
    put(cursor, TABLES["usual"])
    known = {NUMBERED: "3", DATED: "'2021-01-01'", TIMED: "'2021-01-01'", "sex = 'f'": "FALSE"}
    plain = next(text for start, text in known.items() if start in facet)
    struct = f"STRUCT('side' AS facet, {plain} AS disadvantaged_value, {value} AS advantaged_value)"
    if setting == "disadvantaged_value":
        struct = f"STRUCT('side' AS facet, {value} AS disadvantaged_value)"
    with pytest.raises(Error, match=f"{setting} must be a value of side") as caught:
        cursor.execute(f"SELECT * FROM ML.FAIRNESS(MODEL m, (SELECT *, {facet} AS side FROM people), {struct})")
    assert caught.value.code == "option_value"


@pytest.mark.parametrize(
    ("facet", "one", "same"),
    [(NUMBERED, "7.0", "7"), (f"({NUMBERED})::DOUBLE", "'7.00'", "7"), (DATED, "'2020-1-2'", "DATE '2020-01-02'"), ("sex = 'f'", "TRUE", "1"),
     (TIMED, "'2020-01-02'", "'2020-01-02 00:00:00.000'")],
)  # fmt: skip
def test_the_two_values_must_differ_as_values(cursor: Cursor, facet: str, one: str, same: str) -> None:
    put(cursor, TABLES["usual"])
    struct = f"STRUCT('side' AS facet, {one} AS disadvantaged_value, {same} AS advantaged_value)"
    with pytest.raises(Error, match="another value") as caught:
        cursor.execute(f"SELECT * FROM ML.FAIRNESS(MODEL m, (SELECT *, {facet} AS side FROM people), {struct})")
    assert caught.value.code == "option_value"


def test_strings_are_compared_as_they_are(cursor: Cursor) -> None:
    put(cursor, TABLES["usual"])
    data = "(SELECT *, CASE sex WHEN 'f' THEN '1' ELSE '1.0' END AS side FROM people)"
    rows = cursor.execute(
        f"SELECT * FROM ML.FAIRNESS(MODEL m, {data}, STRUCT('side' AS facet, '1' AS disadvantaged_value, '1.0' AS advantaged_value))"
    ).fetchall()
    check({row[0]: row[1] for row in rows}, expected(TABLES["usual"]))


def test_a_value_that_does_not_occur_makes_an_empty_group(cursor: Cursor) -> None:
    put(cursor, TABLES["usual"])
    rows = cursor.execute("SELECT * FROM ML.FAIRNESS(MODEL m, TABLE people, STRUCT('sex' AS facet, 'F' AS disadvantaged_value))").fetchall()
    assert {(row[1], *row[5:]) for row in rows} == {(None, 35, 0)}


LABELS = {
    "DECIMAL(10, 2)": ("1.50", "2.25", ["1.5", "'1.500'", "1.50"]),
    "DOUBLE": ("2.0", "3.5", ["2", "2.0", "'2'", "2e0"]),
    "BIGINT": ("7", "9", ["7.0", "7", "'7.0'"]),
    "BOOLEAN": ("TRUE", "FALSE", ["'TRUE'", "TRUE", "'true'", "1"]),
    "DATE": ("'2020-01-02'", "'2021-01-02'", ["'2020-1-2'", "DATE '2020-01-02'"]),
    "TIMESTAMP": ("'2020-01-02'", "'2021-01-02'", ["'2020-01-02'", "TIMESTAMP '2020-01-02'"]),
    "VARCHAR": ("'1.50'", "'1.5'", ["'1.50'"]),
}


@pytest.mark.parametrize("type_", LABELS)
def test_the_positive_label_is_compared_as_a_value(cursor: Cursor, type_: str) -> None:
    one, other, spellings = LABELS[type_]
    put(cursor, TABLES["usual"])
    cursor.execute(
        "CREATE OR REPLACE MODEL typed OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['y'], l2_reg = 0.01) AS"
        f" SELECT x, CAST(CASE y WHEN 'yes' THEN {one} ELSE {other} END AS {type_}) AS y FROM training"
    )
    data = f"(SELECT sex, x, CAST(CASE y WHEN 'yes' THEN {one} ELSE {other} END AS {type_}) AS y FROM people)"
    for spelling in spellings:
        struct = f"STRUCT('sex' AS facet, 'f' AS disadvantaged_value, {spelling} AS positive_label)"
        rows = cursor.execute(f"SELECT * FROM ML.FAIRNESS(MODEL typed, {data}, {struct})").fetchall()
        check({row[0]: row[1] for row in rows}, expected(TABLES["usual"]))
    for stranger in ("1.4", "'nonsense'", "1e400", "DATE '1999-01-01'"):
        struct = f"STRUCT('sex' AS facet, 'f' AS disadvantaged_value, {stranger} AS positive_label)"
        with pytest.raises(Error, match="positive_label must be a class of the model") as caught:
            cursor.execute(f"SELECT * FROM ML.FAIRNESS(MODEL typed, {data}, {struct})")
        assert caught.value.code == "option_value"
        assert str(caught.value.hint).startswith("they are ")


@pytest.mark.parametrize("type_", ["BIGINT", "DECIMAL(10,2)", "DOUBLE"])
def test_numbers_of_many_digits_are_read_without_writing_them_out(type_: str) -> None:
    zero, one = value_of(SqlType(type_), "0e999999999"), value_of(SqlType(type_), "1." + "0" * 5000)
    assert zero is not None
    assert one is not None
    assert (zero.key, one.key) == (0, 1)
    assert value_of(SqlType(type_), "1e999999999999999999999") is None
