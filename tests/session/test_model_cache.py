"""Models that stay loaded between statements: which, how many, and how large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sqlml.catalog.records import ModelKey, Reference, StoredVersion
from sqlml.session import models
from sqlml.session.session import Session

Run = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def loads(session: Session, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The versions that are read from the database, in order."""
    read: list[str] = []
    load = session._catalog.load

    def counted(key: ModelKey, reference: Reference = None) -> StoredVersion:
        version = load(key, reference)
        read.append(f"{version.key.name}@{version.version}")
        return version

    monkeypatch.setattr(session._catalog, "load", counted)
    return read


def train(run: Run, name: str, factor: float = 2.0) -> None:
    run(
        f"CREATE OR REPLACE MODEL {name} OPTIONS (model_type = 'linear_reg', input_label_cols = ['y'])"
        f" AS SELECT range AS x, range * {factor} AS y FROM range(50)"
    )


def predict(run: Run, name: str) -> float:
    return round(float(run(f"SELECT sum(predicted_y) FROM ML.PREDICT(MODEL {name}, (SELECT 10 AS x))")[0][0]), 6)


def test_a_second_prediction_loads_nothing(run: Run, loads: list[str]) -> None:
    train(run, "line")
    loads.clear()
    assert [predict(run, name) for name in ("line", "line@1", "LINE")] == [20.0] * 3
    assert loads in (["line@1"], [])  # training may have left it there
    train(run, "line", 3.0)
    loads.clear()
    assert [predict(run, name) for name in ("line@2", "line", "line@1")] == [30.0, 30.0, 20.0]
    assert "line@1" not in loads


def test_a_version_that_was_rolled_back_is_not_the_one_that_takes_its_number(run: Run, loads: list[str]) -> None:
    train(run, "line")
    run("BEGIN")
    train(run, "line", 3.0)
    assert predict(run, "line") == 30.0
    run("ROLLBACK")
    assert predict(run, "line") == 20.0
    train(run, "line", 4.0)
    assert predict(run, "line") == 40.0


def test_the_least_recently_used_models_go_first(run: Run, loads: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "KEPT_MODELS", 2)
    for name in ("a", "b", "c"):
        train(run, name)
    for name in ("a", "b", "c"):
        predict(run, name)
    loads.clear()
    for name in ("b", "c", "a", "c"):
        predict(run, name)
    assert loads == ["a@1"]
    loads.clear()
    predict(run, "b")
    assert loads == ["b@1"]


def test_large_models_are_kept_up_to_a_number_of_bytes_and_the_last_one_however_large(
    session: Session, run: Run, loads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        train(run, name)
        predict(run, name)
    (size,) = set(session._models._n_bytes.values())
    monkeypatch.setattr(models, "KEPT_BYTES", 2 * size)
    predict(run, "b")
    loads.clear()
    for name in ("b", "c", "b", "c"):
        predict(run, name)
    assert loads == []
    monkeypatch.setattr(models, "KEPT_BYTES", size - 1)
    for name in ("b", "b", "a", "a", "b"):
        predict(run, name)
    assert loads == ["b@1", "a@1", "b@1"]
    assert set(session._models._n_bytes) == set(session._models._loaded)
