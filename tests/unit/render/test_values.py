from __future__ import annotations

import datetime
import decimal
import json
import uuid

import pytest

from sqlml.render.values import as_cell, as_csv, as_json, is_number
from sqlml.types import SqlType

ID = uuid.UUID("12345678123456781234567812345678")


@pytest.mark.parametrize(
    ("value", "type_name", "cell"),
    [
        (None, "VARCHAR", "NULL"), (True, "BOOLEAN", "true"), (1, "INTEGER", "1"), (1.0, "DOUBLE", "1.0"), (0.1 + 0.2, "DOUBLE", "0.3"),
        (3706.164384, "DOUBLE", "3706.164384"), (1e300, "DOUBLE", "1e+300"), (float("nan"), "DOUBLE", "nan"),
        (-float("inf"), "DOUBLE", "-inf"),
        (0.10000000149011612, "FLOAT", "0.1"), (decimal.Decimal("1.50"), "DECIMAL(4,2)", "1.50"), (b"\x01a", "BLOB", "\\x0161"),
        (datetime.datetime(2026, 1, 2, 3, 4, 5), "TIMESTAMP", "2026-01-02 03:04:05"), (datetime.date(2026, 1, 2), "DATE", "2026-01-02"),
        ([{"label": "yes", "prob": 0.1 + 0.2}, None], "STRUCT(label VARCHAR, prob DOUBLE)[]", "[{label: yes, prob: 0.3}, NULL]"),
        (100000000000.0, "DOUBLE", "1e+11"), (ID, "UUID", str(ID)),
    ],
)  # fmt: skip
def test_cells(value: object, type_name: str, cell: str) -> None:
    assert as_cell(value, SqlType(type_name)) == cell


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (None, ""), (True, "true"), (0.1 + 0.2, "0.30000000000000004"), (datetime.datetime(2026, 1, 2, 3, 4, 5), "2026-01-02 03:04:05"),
        ([1, None, "é"], '[1, null, "é"]'), ({"a": b"\x00"}, '{"a": "AA=="}'), (b"\x00", "AA=="), (decimal.Decimal("1.50"), "1.50"),
    ],
)  # fmt: skip
def test_csv_fields(value: object, field: str) -> None:
    assert as_csv(value) == field


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None), (True, True), (2**100, 2**100), (0.1, 0.1), (float("nan"), "NaN"), (float("inf"), "Infinity"),
        (-float("inf"), "-Infinity"),
        (decimal.Decimal("1.50"), 1.5), (decimal.Decimal("0.12345678901234567890"), "0.12345678901234567890"), (b"\x00", "AA=="),
        (datetime.datetime(2026, 1, 2, 3), "2026-01-02T03:00:00"), (datetime.timedelta(days=1), "1 day, 0:00:00"), (ID, str(ID)),
        ({1: [float("nan")]}, {"1": ["NaN"]}), ((1, 2), [1, 2]),
    ],
)  # fmt: skip
def test_json_values(value: object, expected: object) -> None:
    found = as_json(value)
    assert found == expected
    assert type(found) is type(expected)
    json.dumps(found, allow_nan=False)


def test_numbers_stand_to_the_right() -> None:
    assert [is_number(SqlType(name)) for name in ("BIGINT", "DECIMAL(4,2)", "VARCHAR", "BOOLEAN", "DOUBLE[]")] == [
        True,
        True,
        False,
        False,
        False,
    ]
