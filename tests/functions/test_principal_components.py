from __future__ import annotations

import numpy as np

from sqlml.features.layout import CategoryTerm, Layout, NumericTerm
from sqlml.functions._registry import find_function
from sqlml.models._registry import find_model_type
from sqlml.models.pca import PCAState

LAYOUT = Layout(
    (
        CategoryTerm("g", "g", '"g"', ("u", "v"), (0.5, 0.5)),
        NumericTerm("a", "a", '"a"', 10.0, 4.0, 10.0, 4.0),
    )
)
STATE = PCAState(8.0, np.array([[0.6, -0.6, 0.5], [0.0, 0.1, 0.9]]), np.zeros(3), np.array([4.0, 1.0]))


def test_one_row_per_component_and_feature_counted_from_zero(model_rows) -> None:
    assert model_rows("PRINCIPAL_COMPONENTS", "PCA", state=STATE, layout=LAYOUT) == [
        {
            "principal_component_id": 0, "feature": "g", "numerical_value": None,
            "categorical_value": [{"category": "u", "value": 0.6}, {"category": "v", "value": -0.6}],
        },
        {"principal_component_id": 0, "feature": "a", "numerical_value": 0.5, "categorical_value": []},
        {
            "principal_component_id": 1, "feature": "g", "numerical_value": None,
            "categorical_value": [{"category": "u", "value": 0.0}, {"category": "v", "value": 0.1}],
        },
        {"principal_component_id": 1, "feature": "a", "numerical_value": 0.9, "categorical_value": []},
    ]  # fmt: skip


def test_applies_to_pca_only() -> None:
    spec = find_function("principal_components")
    assert spec.applies_to(find_model_type("PCA"))
    assert not spec.applies_to(find_model_type("KMEANS"))
