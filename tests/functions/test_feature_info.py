from __future__ import annotations

from sqlml.catalog.records import FeatureRecord


def test_one_row_per_input_column(model_rows) -> None:
    features = (
        FeatureRecord("age", "INTEGER", 1.0, 90.0, 30.5, 29.0, 12.25, None, 3),
        FeatureRecord("sex", "VARCHAR", category_count=2, null_count=11),
        FeatureRecord("pixels", "DOUBLE[]", dimension=64),
    )
    assert model_rows("FEATURE_INFO", "PCA", features=features) == [
        {
            "input": "age", "min": 1.0, "max": 90.0, "mean": 30.5, "median": 29.0, "stddev": 12.25, "category_count": None, "null_count": 3,
            "dimension": None,
        },
        {
            "input": "sex", "min": None, "max": None, "mean": None, "median": None, "stddev": None, "category_count": 2, "null_count": 11,
            "dimension": None,
        },
        {
            "input": "pixels", "min": None, "max": None, "mean": None, "median": None, "stddev": None, "category_count": None,
            "null_count": 0, "dimension": 64,
        },
    ]  # fmt: skip


def test_columns_come_in_the_order_of_the_reference(model_rows) -> None:
    (row,) = model_rows("FEATURE_INFO", "KMEANS", features=(FeatureRecord("age", "INTEGER"),))
    assert list(row) == ["input", "min", "max", "mean", "median", "stddev", "category_count", "null_count", "dimension"]
