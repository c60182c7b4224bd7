from __future__ import annotations

import numpy as np

from sqlml.functions._registry import find_function
from sqlml.models._registry import find_model_type
from sqlml.models.pca import PCAState

STATE = PCAState(8.0, np.eye(3)[:2], np.zeros(3), np.array([4.0, 1.0]))


def test_shares_are_of_the_variance_of_all_columns(model_rows) -> None:
    names = ("principal_component_id", "eigenvalue", "explained_variance_ratio", "cumulative_explained_variance_ratio")
    rows = model_rows("PRINCIPAL_COMPONENT_INFO", "PCA", state=STATE)
    assert rows == [dict(zip(names, values, strict=True)) for values in ((0, 4.0, 0.5, 0.5), (1, 1.0, 0.125, 0.625))]
    assert [tuple(row) for row in rows] == [names, names]


def test_applies_to_pca_only() -> None:
    spec = find_function("principal_component_info")
    assert spec.applies_to(find_model_type("PCA"))
    assert not spec.applies_to(find_model_type("KMEANS"))
