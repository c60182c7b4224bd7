"""DESCRIBE MODEL: the groups of what it tells, and outputs that are those of ML.PREDICT."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., list[tuple[Any, ...]]]
ROWS = "CREATE TABLE points AS SELECT i AS x, 3e0 + 2 * i AS y, i % 3 AS kind, i > 4 AS big FROM range(12) r(i)"


def describe(run: Run, model: str, group: str) -> list[tuple[Any, ...]]:
    return [row[1:] for row in run(f"DESCRIBE MODEL {model}") if row[0] == group]


def test_what_a_version_is_in_groups(run: Run) -> None:
    run(f"{ROWS}; CREATE MODEL m OPTIONS (model_type = 'linear_reg', input_label_cols = ['y']) AS SELECT x, y FROM points")
    groups = [row[0] for row in run("DESCRIBE MODEL m")]
    assert list(dict.fromkeys(groups)) == [
        "model", "input", "label", "output", "option", "metric", "source", "environment", "library",
    ]  # fmt: skip
    assert groups == sorted(groups, key=list(dict.fromkeys(groups)).index)
    environment = dict(describe(run, "m", "environment"))
    assert environment.keys() >= {"engine", "platform", "n_cpus", "threads"}
    assert environment["engine"].startswith("duckdb ")


@pytest.mark.parametrize(
    ("options", "columns", "names"),
    [
        ("model_type = 'linear_reg', input_label_cols = ['y']", "x, y", ["predicted_y"]),
        ("model_type = 'logistic_reg', input_label_cols = ['big']", "x, big", ["predicted_big", "predicted_big_probs"]),
        ("model_type = 'boosted_tree_classifier', input_label_cols = ['kind'], max_iterations = 1", "x, y, kind",
         ["predicted_kind", "predicted_kind_probs"]),
        ("model_type = 'kmeans', num_clusters = 2", "x, y", ["CENTROID_ID", "NEAREST_CENTROIDS_DISTANCE"]),
        ("model_type = 'pca', num_principal_components = 2", "x, y", ["principal_component_1", "principal_component_2"]),
    ],
)  # fmt: skip
def test_outputs_are_those_of_a_prediction(run: Run, options: str, columns: str, names: list[str]) -> None:
    run(f"{ROWS}; CREATE MODEL m OPTIONS ({options}) AS SELECT {columns} FROM points")
    # The engine quotes the names of fields that are words of SQL.
    predicted = [
        (name, type_.replace('"DISTANCE"', "DISTANCE"))
        for name, type_, *_ in run("DESCRIBE SELECT * FROM ML.PREDICT(MODEL m, TABLE points)")
    ]
    assert describe(run, "m", "output") == predicted[: len(names)]
    assert [name for name, _ in predicted[: len(names)]] == names


def test_what_predicts_nothing_has_what_its_clause_gives(run: Run) -> None:
    run(f"""{ROWS}; CREATE MODEL "a@1" TRANSFORM (x + 1 AS z) OPTIONS (model_type = 'transform_only') AS SELECT x FROM points""")
    assert describe(run, '"a@1"', "output") == []
    assert describe(run, '"a@1"', "transform") == [("z", "BIGINT")]
    assert describe(run, '"a@1"', "model")[0] == ("name", '"a@1"')
