from __future__ import annotations

import json

import numpy as np
import pytest
import xgboost

from sqlml.models._xgboost.ubjson import read_ubjson, write_ubjson


@pytest.mark.parametrize(
    "value",
    [None, True, False, 0, -1, 2**40, 0.5, "", "naïve", [], [1, "a", None], {}, {"a": {"b": [1.5, {"c": True}]}}],
)  # fmt: skip
def test_what_is_written_is_read(value: object) -> None:
    assert read_ubjson(write_ubjson(value)) == value


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("size", [0, 1, 1000])
def test_arrays_keep_type_and_bits(dtype: str, size: int) -> None:
    array = np.arange(size).astype(dtype)
    result = read_ubjson(write_ubjson({"x": array}))
    assert isinstance(result, dict)
    assert result["x"].dtype == array.dtype
    np.testing.assert_array_equal(result["x"], array)


def test_special_floats_keep_their_bits() -> None:
    array = np.array([np.nan, np.inf, -np.inf, -0.0, np.float32(1e-45)], np.float32)
    result = read_ubjson(write_ubjson(array))
    assert isinstance(result, np.ndarray)
    assert result.tobytes() == array.tobytes()


def test_reads_what_xgboost_writes() -> None:
    features = np.random.default_rng(0).normal(size=(200, 3))
    booster = xgboost.train({"max_depth": 3}, xgboost.DMatrix(features, features[:, 0]), 4)
    document = read_ubjson(booster.save_raw("ubj"))
    expected = json.loads(booster.save_raw("json"))

    def plain(value: object) -> object:
        if isinstance(value, dict):
            return {name: plain(member) for name, member in value.items()}
        if isinstance(value, np.ndarray):
            return plain(value.tolist())
        return [plain(item) for item in value] if isinstance(value, list) else value

    def same(left: object, right: object) -> bool:
        if isinstance(left, dict) and isinstance(right, dict):
            return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
        if isinstance(left, list) and isinstance(right, list):
            return len(left) == len(right) and all(map(same, left, right))
        if isinstance(left, float) or isinstance(right, float):
            return np.float32(left) == np.float32(right)  # type: ignore[arg-type]
        return left == right

    assert same(plain(document), expected)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"Q", b"[1", b"S", b"ZZ",
        b"[$l#L\x00\x00\x00\x00\x00\x00\x00\x05\x00",
        b"SL\xff\xff\xff\xff\xff\xff\xff\xff",
        b"SL\x00\x00\x00\x00\x00\x00\x00\x01\xff",
    ],
)  # fmt: skip
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"UBJSON|after the end"):
        read_ubjson(data)


def test_unknown_python_values_are_refused() -> None:
    with pytest.raises(TypeError):
        write_ubjson({"x": object()})
