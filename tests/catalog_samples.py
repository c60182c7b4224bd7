"""A version's record and arrays for tests of the catalog: something in every field, and numbers that are easily lost on the way."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import numpy as np

from sqlml.catalog.records import FeatureRecord, ModelKey, SourceRecord, VersionRecord
from sqlml.state import Array
from sqlml.training.data import Iteration

START = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901)


def record(**changes: Any) -> VersionRecord:
    sample = VersionRecord(
        model_type="KMEANS",
        statement="CREATE MODEL m OPTIONS (model_type='KMEANS', num_clusters=2)\nAS SELECT 'ünïcode' AS \"a\"\"b\"",
        query="SELECT 1",
        options={
            "num_clusters": 2,
            "l2_reg": 0.1,
            "label_cols": ["a", "b"],
            "class_weights": [["x", 1.5]],
            "text": 'quote " and \\',
            "none": None,
            "flag": True,
        },
        given_options=("model_type", "num_clusters"),
        label="a",
        label_type="VARCHAR",
        classes=("", "no", "yes"),
        features=(
            FeatureRecord("x", "DOUBLE", -1.5, 2.5, 0.1, 0.2, 0.3, None, 7, None),
            FeatureRecord("Column with space", "VARCHAR", category_count=12),
        ),
        split_method="AUTO_SPLIT",
        n_rows=1000,
        n_train=800,
        n_eval=200,
        seed=2**62,
        hash_vector="12345",
        metrics={"z_first": 0.1 + 0.2, "a_second": None, "not_a_number": float("inf")},
        iterations=(
            Iteration(0, 1.0, None, 0.1, 12, None),
            Iteration(1, -0.0, 5e-324, None, 3, ((1, 0.5, 10), (2, 0.25, 11))),
            Iteration(2, None, None, None, 1, ()),
        ),
        sources=(SourceRecord("table", "penguins", 1000, "1:2"), SourceRecord("file", "a b.parquet")),
        libraries={"numpy": "2.4", "duckdb": "2.0.0"},
        duration_ms=1234,
        notices=("one", "two"),
    )
    return replace(sample, **changes)


def arrays(scale: float = 1.0) -> dict[str, dict[str, Array]]:
    awkward = np.array([0x7FF8000000000001, 0xFFF0000000000000, 0x8000000000000000, 1, 0x7FEFFFFFFFFFFFFF], np.uint64).view(np.float64)
    return {
        "state": {
            "weights": Array((3000,), floats=np.arange(3000.0) * scale),
            "matrix": Array((2, 3), integers=np.array([-(2**63), 2**63 - 1, 0, 1, 2, 3])),
            "awkward": Array((5,), floats=awkward),
            "empty": Array((0, 4), floats=np.empty(0)),
            "scalar": Array((), floats=np.array([0.5])),
        },
        "encoding": {
            "names": Array((5,), strings=("", None, "ü\x00'\"", "NULL", "a" * 5000)),
            "no_names": Array((0,), strings=()),
            "weights": Array((1,), integers=np.array([7])),
        },
    }


def key(name: str = "churn", schema: str = "main", database: str = "db") -> ModelKey:
    return ModelKey(database, schema, name)


def assert_same_arrays(found: Any, expected: Any) -> None:
    """Equal to the bit."""
    assert {section: set(part) for section, part in found.items()} == {section: set(part) for section, part in expected.items()}
    for section, part in expected.items():
        for name, array in part.items():
            other = found[section][name]
            assert other.shape == array.shape
            assert other.strings == array.strings
            for values, others in ((array.integers, other.integers), (array.floats, other.floats)):
                assert (values is None) == (others is None)
                if values is not None:
                    assert others.dtype == values.dtype
                    assert others.tobytes() == values.tobytes()
