"""Calls of ML functions that read the model alone, without a session: the rows that come back, as the engine sees them."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pytest

from sqlml.catalog.records import ModelKey, StoredVersion, VersionRecord
from sqlml.features.encoding import encoding_state
from sqlml.features.layout import EncodingRules, Layout
from sqlml.functions._registry import find_function
from sqlml.functions._spec import BoundCall, Input, LoadedModel
from sqlml.models._options import check_options
from sqlml.models._registry import find_model_type
from sqlml.source import Span

ModelRows = Callable[..., list[dict[str, Any]]]


class _Engine:
    """A call context whose tables are a database's."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()

    def scores(self, model: LoadedModel, data: Input) -> tuple[str, Literal["sql", "arrow"], str]:
        raise AssertionError("this function takes no data")

    def table(self, rows: pa.Table) -> str:
        self.connection.register("given_rows", rows)
        return "SELECT * FROM given_rows"


@pytest.fixture
def model_rows() -> ModelRows:
    """Calls an ML function on a model made by hand, checks that the rows have the columns that were promised, and gives them as dictionaries."""

    def call(function: str, model_type: str, *, state: Any = None, layout: Layout | None = None, **given: Any) -> list[dict[str, Any]]:
        settings_given = given.pop("settings", {})
        record = VersionRecord(
            **{
                "model_type": model_type, "statement": "", "query": "", "options": {}, "given_options": (), "label": None,
                "label_type": None, "classes": (), "features": (), "split_method": "NO_SPLIT", "n_rows": 1, "n_train": 1, "n_eval": 0,
                "seed": 0, "hash_vector": "", "metrics": {}, "iterations": (), "sources": (), "libraries": {}, "duration_ms": 0, **given,
            }
        )  # fmt: skip
        version = StoredVersion(ModelKey("memory", "main", "m"), "id", 1, record, datetime.datetime(2026, 1, 1))
        model = LoadedModel(version, find_model_type(model_type), state, layout or Layout(()), encoding_state([], EncodingRules()))
        spec = find_function(function)
        assert spec.applies_to(model.spec)
        engine = _Engine()
        settings, _ = check_options(spec.settings, settings_given, f"ML.{function}")
        relation = spec.bind(BoundCall((model,), None, settings, Span(0, 1)), engine)
        assert relation.form == "rows"
        described = engine.connection.execute(f"DESCRIBE {relation.sql}").fetchall()
        assert [row[:2] for row in described] == [(column.name, column.type.name) for column in relation.schema]
        result = engine.connection.execute(relation.sql)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    return call
