"""ML.LABEL_ENCODER."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import LabelEncoder, OrdinalEncoder
from vocabulary_calls import call, type_of

from sqlml.functions.label_encoder import SPEC

SAMPLE = [None, "a", "b", "b", "c", "c", "c", "d", "d"]


def test_sample_rows() -> None:
    """b and d are as frequent, and there is room for one of them beside c."""
    assert call("ML.LABEL_ENCODER", SAMPLE, top_k=2, frequency_threshold=2) == [0, 0, 1, 1, 2, 2, 2, 0, 0]
    assert type_of("ML.LABEL_ENCODER", "a") == "BIGINT"


def test_defaults_drop_what_occurs_less_than_five_times() -> None:
    assert call("ML.LABEL_ENCODER", ["x"] * 5 + ["y"] * 4 + ["a"] * 6) == [2] * 5 + [0] * 4 + [1] * 6


@pytest.mark.parametrize(("threshold", "expected"), [(0, [1, 2]), (1, [1, 2]), (2, [0, 0])])
def test_threshold(threshold: int, expected: list[int]) -> None:
    assert call("ML.LABEL_ENCODER", ["a", "b"], frequency_threshold=threshold) == expected


def test_unseen_values_are_zero() -> None:
    values = ["b", "unseen", None, "", "B"]
    assert call("ML.LABEL_ENCODER", values, trained=["b", "a", "b"], frequency_threshold=1) == [2, 0, 0, 0, 0]


def test_no_vocabulary() -> None:
    assert call("ML.LABEL_ENCODER", ["a", None]) == [0, 0]


def test_enumerations_and_code_points() -> None:
    assert call("ML.LABEL_ENCODER", ["x", "y"], expression="CAST(x AS ENUM('y', 'x'))", frequency_threshold=0) == [1, 2]
    assert call("ML.LABEL_ENCODER", ["é", "z", "Z", "𝄞", "'"], frequency_threshold=0) == [4, 3, 2, 5, 1]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(alphabet="abÄß'\"\\ ", max_size=3), min_size=1, max_size=30))
def test_equals_scikit_learn(values: list[str]) -> None:
    found = call("ML.LABEL_ENCODER", values, frequency_threshold=0)
    assert found == [int(code) + 1 for code in LabelEncoder().fit_transform(values)]


def test_unknown_values_as_in_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    trained, served = ([f"c{code}" for code in rng.integers(0, top, 300)] for top in (40, 60))
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(np.array(trained).reshape(-1, 1))
    expected = encoder.transform(np.array(served).reshape(-1, 1)).ravel().astype(int) + 1
    assert call("ML.LABEL_ENCODER", served, trained=trained, frequency_threshold=0) == expected.tolist()


@pytest.mark.parametrize(
    ("name", "value"), [("top_k", 0), ("top_k", 1_000_000), ("frequency_threshold", -1), ("top_k", 1.5), ("top_k", "2")]
)
def test_ranges(name: str, value: object) -> None:
    literal = next(parameter.literal for parameter in SPEC.parameters if parameter.name == name)
    assert literal is not None
    with pytest.raises(ValueError, match="must be"):
        literal.convert(value)
