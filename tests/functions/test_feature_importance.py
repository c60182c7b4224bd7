from __future__ import annotations

import datetime
from typing import Literal

import numpy as np
import pyarrow as pa
import pytest
import xgboost

from sqlml.catalog.records import ModelKey, StoredVersion, VersionRecord
from sqlml.features.encoding import encoding_state
from sqlml.features.layout import CategoryTerm, EncodingRules, Layout, NumericTerm, Term
from sqlml.functions._registry import find_function
from sqlml.functions._spec import BoundCall, Input, LoadedModel
from sqlml.models._options import check_options
from sqlml.models._registry import MODEL_TYPES, find_model_type
from sqlml.models._xgboost.booster import state_from_booster
from sqlml.source import Span

SPEC = find_function("feature_importance")


def number(name: str) -> Term:
    return NumericTerm(name, name, name, 0.0, 1.0, 0.0, 1.0)


def category(name: str, n_categories: int, column: str | None = None) -> Term:
    codes = tuple(f"k{index:02}" for index in range(n_categories))
    return CategoryTerm(name, column or name, name, codes, (1.0 / n_categories,) * n_categories)


class Rows:
    """A call context that keeps the table it is given."""

    table_given: pa.Table | None = None

    def scores(self, model: LoadedModel, data: Input) -> tuple[str, Literal["sql", "arrow"], str]:
        raise AssertionError("importances need no scores")

    def table(self, rows: pa.Table) -> str:
        self.table_given = rows
        return "SELECT 1"


def bound(booster: xgboost.Booster, layout: Layout, categories: list[int]) -> pa.Table:
    record = VersionRecord(
        model_type="BOOSTED_TREE_REGRESSOR", statement="", query="", options={}, given_options=(), label="y", label_type="DOUBLE",
        classes=(), features=(), split_method="NO_SPLIT", n_rows=1, n_train=1, n_eval=0, seed=0, hash_vector="", metrics={},
        iterations=(), sources=(), libraries={}, duration_ms=0,
    )  # fmt: skip
    version = StoredVersion(ModelKey("memory", "main", "m"), "id", 1, record, datetime.datetime(2026, 1, 1))
    state = state_from_booster(booster, np.array(categories))
    model = LoadedModel(version, find_model_type("BOOSTED_TREE_REGRESSOR"), state, layout, encoding_state([], EncodingRules()))
    context = Rows()
    settings, _ = check_options(SPEC.settings, {}, "ML.FEATURE_IMPORTANCE")
    relation = SPEC.bind(BoundCall((model,), None, settings, Span(0, 1)), context)
    assert relation.form == "rows"
    assert [(column.name, column.type.name) for column in relation.schema] == [
        ("feature", "VARCHAR"), ("importance_weight", "DOUBLE"), ("importance_gain", "DOUBLE"), ("importance_cover", "DOUBLE"),
    ]  # fmt: skip
    assert context.table_given is not None
    assert context.table_given.column_names == list(relation.schema.names)
    return context.table_given


def test_equal_to_xgboost() -> None:
    rng = np.random.default_rng(0)
    matrix = np.column_stack([rng.normal(size=3000), rng.integers(0, 20, 3000), np.zeros(3000), rng.normal(size=3000)])
    target = matrix[:, 0] * (matrix[:, 1] % 3) + 0.3 * matrix[:, 3] + rng.normal(size=3000)
    data = xgboost.DMatrix(matrix, target, feature_types=["q", "c", "q", "q"], enable_categorical=True)
    booster = xgboost.train({"max_depth": 6, "gamma": 1.0}, data, 15)
    layout = Layout((number("a"), category("b", 20), number("constant"), number("d")), "codes", impute=False)
    table = bound(booster, layout, [0, 20, 0, 0])
    assert table["feature"].to_pylist() == ["a", "b", "constant", "d"]
    for kind in ("weight", "gain", "cover"):
        expected = booster.get_score(importance_type=kind)
        assert set(expected) == {"f0", "f1", "f3"}
        values = table[f"importance_{kind}"].to_pylist()
        assert values[2] == 0.0
        for index in (0, 1, 3):
            assert values[index] == pytest.approx(expected[f"f{index}"], rel=1e-5)


def test_columns_of_one_input_count_together() -> None:
    rng = np.random.default_rng(0)
    terms = (category("c", 3), number("x"), category("_TS_DOW_t", 2, column="t"), category("_TS_MOY_t", 2, column="t"))
    layout = Layout(terms, "one_hot", impute=False)
    codes = np.column_stack([rng.integers(0, 3, 2000), rng.normal(size=2000), rng.integers(0, 2, 2000), rng.integers(0, 2, 2000)])
    matrix = layout.expand(codes)
    target = codes[:, 0] ** 2 + codes[:, 1] + 2 * codes[:, 2] * codes[:, 3] + rng.normal(size=2000)
    booster = xgboost.train({"max_depth": 5}, xgboost.DMatrix(matrix, target), 10)
    table = bound(booster, layout, [0] * 8)
    assert table["feature"].to_pylist() == ["c", "x", "t"]
    groups = [0, 0, 0, 1, 2, 2, 2, 2]
    weight = booster.get_score(importance_type="weight")
    for kind in ("gain", "cover"):
        total = booster.get_score(importance_type=f"total_{kind}")
        for group, value in enumerate(table[f"importance_{kind}"].to_pylist()):
            members = [f"f{column}" for column, of in enumerate(groups) if of == group]
            expected = sum(total.get(name, 0.0) for name in members) / sum(weight.get(name, 0.0) for name in members)
            assert value == pytest.approx(expected, rel=1e-5)
    assert sum(table["importance_weight"].to_pylist()) == sum(weight.values())


def test_only_trees_have_it() -> None:
    for name in MODEL_TYPES:
        if "TREE" in name or "FOREST" in name:
            assert SPEC.applies_to(find_model_type(name))
    assert SPEC.data == "none"
