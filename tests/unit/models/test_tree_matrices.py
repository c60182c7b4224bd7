from __future__ import annotations

import gc
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xgboost
from numpy.typing import NDArray

from sqlml.errors import DataError, OperationalError
from sqlml.features.layout import CategoryTerm, Layout, NumericTerm
from sqlml.models._xgboost import matrices
from sqlml.models._xgboost.matrices import feature_categories, open_matrices, recut
from sqlml.training.data import ArrayData, Block, SilentProgress

LAYOUT = Layout(
    (
        NumericTerm("x", "x", "x", 0.0, 1.0, 0.0, 1.0),
        CategoryTerm("c", "c", "c", tuple("abcd"), (0.25,) * 4),
        NumericTerm("y", "y", "y", 0.0, 1.0, 0.0, 1.0),
    ),
    categories_as="codes",
    impute=False,
)
CATEGORIES = np.array([0, 4, 0])


def rows(n_rows: int = 3000) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    matrix = np.column_stack([rng.normal(size=n_rows), rng.integers(0, 4, n_rows), rng.normal(size=n_rows)]).astype(np.float32)
    matrix[::7] = np.nan
    return matrix


def array_data(matrix: NDArray[np.float32], **more: object) -> ArrayData:
    return ArrayData(LAYOUT, matrix, np.nan_to_num(matrix).sum(axis=1).astype(np.float64), **more)  # type: ignore[arg-type]


def trees(data: ArrayData, tree_method: matrices.TreeMethod = "hist", progress: SilentProgress | None = None) -> bytes:
    with open_matrices(data, CATEGORIES, tree_method, progress or SilentProgress()) as built:
        booster = xgboost.train({"tree_method": tree_method, "max_depth": 5, "verbosity": 0}, built.train, 4)
        return bytes(booster.save_raw("ubj"))


def test_codes_are_categories_only_where_they_are_native() -> None:
    assert feature_categories(LAYOUT, native=True).tolist() == [0, 4, 0]
    assert feature_categories(LAYOUT, native=False).tolist() == [0, 0, 0]
    assert feature_categories(Layout(LAYOUT.terms, "one_hot"), native=True).tolist() == [0] * 6


@pytest.mark.parametrize("block_rows", [1, 7, 100, 1000])
@pytest.mark.parametrize("n_rows", [1, 10, 64, 333, 1000])
def test_recut_keeps_rows_and_cuts_evenly(block_rows: int, n_rows: int) -> None:
    matrix = rows(333)
    data = array_data(matrix, block_rows=block_rows, row_weights=np.arange(333.0))
    batches = list(recut(data.train_blocks(), n_rows, 3))
    assert [len(batch.features) for batch in batches[:-1]] == [n_rows] * (len(batches) - 1)
    for batch in batches:
        assert batch.features.dtype == np.float32
        assert batch.features.flags.c_contiguous
    np.testing.assert_array_equal(np.concatenate([batch.features for batch in batches]), matrix)
    np.testing.assert_array_equal(np.concatenate([batch.labels for batch in batches]), data.labels)
    np.testing.assert_array_equal(np.concatenate([batch.row_weights for batch in batches]), np.arange(333.0))


def test_recut_of_nothing_is_nothing() -> None:
    assert list(recut([], 5, 3)) == []


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrices, "MAX_BATCH_ROWS", 700)
    expected = trees(array_data(rows()))
    for block_rows in (1, 999, 2500):
        assert trees(array_data(rows(), block_rows=block_rows)) == expected


def test_matrix_on_disk_gives_the_same_trees_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(matrices, "MAX_BATCH_ROWS", 700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    evaluation = {"eval_features": rows(500), "eval_labels": np.ones(500)}
    expected = trees(array_data(rows(), **evaluation))
    assert not any(tmp_path.iterdir())
    monkeypatch.setattr(matrices, "EXTERNAL_BYTES", 1)
    with open_matrices(array_data(rows(), **evaluation), CATEGORIES, "hist", SilentProgress()) as built:
        assert isinstance(built.train, xgboost.ExtMemQuantileDMatrix)
        assert len(list(tmp_path.rglob("*.page"))) == 2
    assert not any(tmp_path.iterdir())
    assert trees(array_data(rows(), **evaluation)) == expected


class Cancelled(SilentProgress):
    """Lets a few checks pass."""

    def __init__(self, n_checks: int) -> None:
        super().__init__()
        self.left = n_checks

    def check(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise OperationalError("stopped", code="cancelled")


@pytest.mark.parametrize(
    ("external_bytes", "n_checks"), [*((1, n_checks) for n_checks in (0, 4, 15, 16)), *((1 << 40, n_checks) for n_checks in (0, 4, 20, 21))]
)
def test_cancelling_while_reading_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, external_bytes: int, n_checks: int
) -> None:
    """Five batches are read three times (files) or four times (memory) for training, then one at least twice for evaluation."""
    monkeypatch.setattr(matrices, "MAX_BATCH_ROWS", 700)
    monkeypatch.setattr(matrices, "EXTERNAL_BYTES", external_bytes)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # XGBoost warns when the file of a matrix goes before the matrix does.
    with xgboost.config_context(verbosity=1), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with pytest.raises(OperationalError) as error:
            trees(array_data(rows(), eval_features=rows(500), eval_labels=np.ones(500)), progress=Cancelled(n_checks))
        assert error.value.code == "cancelled"
        assert not any(tmp_path.iterdir())
        del error
        gc.collect()
    assert [str(warning.message) for warning in warned] == []


class Failing(ArrayData):
    """Data whose stream breaks."""

    def train_blocks(self) -> Iterator[Block]:
        yield from list(super().train_blocks())[:1]
        raise OperationalError("the disk is gone", code="engine_failed")


def test_errors_of_the_stream_come_through() -> None:
    data = array_data(rows())
    with pytest.raises(OperationalError) as error:
        trees(Failing(LAYOUT, data.features, data.labels, block_rows=1000))
    assert error.value.code == "engine_failed"


@pytest.mark.parametrize("tree_method", ["hist", "approx"])
def test_weights_count_wherever_the_first_one_is(monkeypatch: pytest.MonkeyPatch, tree_method: matrices.TreeMethod) -> None:
    monkeypatch.setattr(matrices, "MAX_BATCH_ROWS", 700)
    matrix, weights = rows(), np.ones(3000)
    weights[2900:] = 5.0
    data = array_data(matrix, row_weights=weights)
    reference = xgboost.DMatrix(matrix, data.labels, weight=weights, feature_types=["q", "c", "q"], enable_categorical=True)
    booster = xgboost.train({"tree_method": tree_method, "max_depth": 5, "verbosity": 0}, reference, 4)
    assert trees(data, tree_method) == bytes(booster.save_raw("ubj"))
    with open_matrices(data, CATEGORIES, tree_method, SilentProgress()) as built:
        np.testing.assert_array_equal(built.train.get_weight(), weights)
    with open_matrices(array_data(matrix), CATEGORIES, tree_method, SilentProgress()) as built:
        assert len(built.train.get_weight()) == 0


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("tree_method", ["hist", "exact"])
def test_infinite_values_are_refused_with_their_column(value: float, tree_method: matrices.TreeMethod) -> None:
    matrix = rows().astype(np.float64)
    matrix[2000, 2] = value
    with pytest.raises(DataError, match="feature y") as error:
        trees(array_data(matrix), tree_method)  # type: ignore[arg-type]  # wider on purpose
    assert error.value.code == "infinite_feature"


def test_infinite_labels_are_refused() -> None:
    data = array_data(rows())
    data.labels[77] = -1e39
    with pytest.raises(DataError) as error:
        trees(data)
    assert error.value.code == "infinite_label"


def test_methods_that_need_memory_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrices, "IN_MEMORY_BYTES", 1000)
    for method in ("exact", "approx"):
        with pytest.raises(DataError) as error:
            trees(array_data(rows()), method)  # type: ignore[arg-type]  # one of the literals
        assert error.value.code == "training_too_large"
    trees(array_data(rows()))
