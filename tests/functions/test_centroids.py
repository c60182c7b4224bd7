from __future__ import annotations

import numpy as np
import pytest

from sqlml.features.layout import NULL_CATEGORY, CategoryTerm, Layout, NumericTerm
from sqlml.functions._registry import find_function
from sqlml.models._registry import MODEL_TYPES, find_model_type
from sqlml.models.kmeans import KMeansState


def layout(scale: float = 4.0, centre: float = 10.0) -> Layout:
    return Layout(
        (
            NumericTerm("age", "age", '"age"', 10.0, 4.0, centre, scale),
            CategoryTerm("_TS_DOW_day", "day", '"day"', ("1", "2", NULL_CATEGORY), (0.5, 0.3, 0.2)),
            NumericTerm("fixed", "fixed", '"fixed"', 3.0, 0.0, 3.0 if centre else 0.0, 1.0),
        )
    )


def state(first: list[float], second: list[float]) -> KMeansState:
    means = np.array([first, second])
    # What is shown are the means; centroids of a COSINE model are directions.
    return KMeansState(False, means * 0.0, means, np.ones(2), np.array([1, 2]))


STATE = state([0.5, 0.75, 0.25, 0.0, 0.0], [-1.0, 0.0, 0.0, 1.0, 0.0])


def test_one_row_per_centroid_and_feature_in_original_units(model_rows) -> None:
    rows = model_rows("CENTROIDS", "KMEANS", state=STATE, layout=layout())
    assert rows == [
        {"centroid_id": 1, "feature": "age", "numerical_value": 12.0, "categorical_value": []},
        {
            "centroid_id": 1, "feature": "_TS_DOW_day", "numerical_value": None,
            "categorical_value": [
                {"category": "1", "value": 0.75}, {"category": "2", "value": 0.25}, {"category": "_null_filler", "value": 0.0},
            ],
        },
        {"centroid_id": 1, "feature": "fixed", "numerical_value": 3.0, "categorical_value": []},
        {"centroid_id": 2, "feature": "age", "numerical_value": 6.0, "categorical_value": []},
        {
            "centroid_id": 2, "feature": "_TS_DOW_day", "numerical_value": None,
            "categorical_value": [
                {"category": "1", "value": 0.0}, {"category": "2", "value": 0.0}, {"category": "_null_filler", "value": 1.0},
            ],
        },
        {"centroid_id": 2, "feature": "fixed", "numerical_value": 3.0, "categorical_value": []},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("model_layout", "model_state"),
    [
        (layout(), STATE),
        (layout(scale=1.0), state([2.0, 1.0, 0.0, 0.0, 0.0], [-4.0, 1.0, 0.0, 0.0, 0.0])),
        (layout(scale=1.0, centre=0.0), state([12.0, 1.0, 0.0, 0.0, 3.0], [6.0, 1.0, 0.0, 0.0, 3.0])),
    ],
    ids=["standardised", "centred", "raw"],
)
@pytest.mark.parametrize(("standardize", "age", "fixed"), [(False, [12.0, 6.0], 3.0), (True, [0.5, -1.0], 0.0)])
def test_units_do_not_depend_on_how_the_model_was_trained(model_rows, model_layout, model_state, standardize, age, fixed) -> None:
    rows = model_rows("CENTROIDS", "KMEANS", state=model_state, layout=model_layout, settings={"standardize": standardize})
    numbers = [row["numerical_value"] for row in rows if row["feature"] == "age"]
    assert numbers == age
    assert {row["numerical_value"] for row in rows if row["feature"] == "fixed"} == {fixed}


def test_applies_to_k_means_only() -> None:
    spec = find_function("centroids")
    assert [name for name in MODEL_TYPES if name in {"KMEANS", "PCA"} and spec.applies_to(find_model_type(name))] == ["KMEANS"]
    assert spec.data == "none"
