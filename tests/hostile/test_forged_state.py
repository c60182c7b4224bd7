"""Arrays that a learner must not see, under checksums that fit them: refused as damaged, by every statement that needs them."""

from __future__ import annotations

from pathlib import Path

import pytest
import sample_models
from forging import attacker, model_id, set_array
from victim import Victim, assert_harmless

NAN, INF = "CAST('nan' AS DOUBLE)", "CAST('inf' AS DOUBLE)"

TREES = [
    ("features", "list_transform(integers, lambda x: 0)"),
    ("features", "list_reverse(integers)"),
    ("features", "list_transform(integers, lambda x: 9223372036854775807)"),
    ("missing_left", "list_transform(integers, lambda x: 100)"),
    ("covers", f"list_transform(floats, lambda x: {NAN})"),
    ("gains", f"list_transform(floats, lambda x: -{INF})"),
    ("features", "list_transform(integers, lambda x: 1000000)"),
    ("features", "list_transform(integers, lambda x: -1)"),
    ("values", f"list_transform(floats, lambda x: {NAN})"),
    ("values", f"list_transform(floats, lambda x: {INF})"),
    ("values", "list_transform(floats, lambda x: 1e300)"),
    ("tree_offsets", "[0, 9223372036854775807]"),
    ("tree_offsets", "list_transform(integers, lambda x: 0)"),
    ("tree_offsets", "list_reverse(integers)"),
    ("feature_categories", "list_transform(integers, lambda x: 9223372036854775807)"),
    ("feature_categories", "list_transform(integers, lambda x: 1000000000)"),
    ("n_parallel_trees", "[0]"),
    ("n_parallel_trees", "[9223372036854775807]"),
    ("base_scores", f"[{NAN}]"),
    ("objective", "['reg:squarederror\"; import os']"),
    ("objective", "['survival:aft']"),
    ("category_offsets", "list_transform(integers, lambda x: 1000000000)"),
]
NUMBERS = [
    ("price", "weights", f"list_transform(floats, lambda x: {NAN})"),
    ("price", "weights", f"list_transform(floats, lambda x: -{INF})"),
    ("price", "intercept", f"[{NAN}]"),
    ("price", "intercept", f"[{INF}]"),
    ("sides", "weights", f"list_transform(floats, lambda x: {INF})"),
    ("sides", "n_classes", "[9223372036854775807]"),
    ("sides", "n_classes", "[2]"),
    ("groups", "centroids", f"list_transform(floats, lambda x: {NAN})"),
    ("groups", "sizes", "[-1, 0, 1]"),
    ("groups", "radii", f"[{NAN}, 0, 0]"),
    ("directions", "components", f"list_transform(floats, lambda x: {INF})"),
    ("directions", "total_variance", "[0]"),
    ("directions", "total_variance", f"[{NAN}]"),
    ("directions", "total_variance", f"[{INF}]"),
]
ENCODINGS = [
    ("columns", """['x"; DROP TABLE houses; --', 'y', 'z', 'w', 'v']"""),
    ("types", "list_transform(strings, lambda x: 'DOUBLE) FROM houses; DROP TABLE houses; --')"),
    ("types", "list_transform(strings, lambda x: '(SELECT content FROM read_text(''secret/secret.csv''))')"),
    ("types", "list_transform(strings, lambda x: repeat('STRUCT(a ', 100000))"),
    ("types", "list_transform(strings, lambda x: 'DOUBLE' || repeat('[]', 5000))"),
    ("fields", """list_transform(strings, lambda x: 'a" || (SELECT content FROM read_text(''secret/secret.csv'')) || "')"""),
    ("parts", "list_transform(strings, lambda x: 'epoch(now()) ')"),
    ("kinds", "list_transform(integers, lambda x: 99)"),
    ("sizes", "list_transform(integers, lambda x: 9223372036854775807)"),
    ("sizes", "list_transform(integers, lambda x: 2000000)"),
    ("dropped", "list_transform(integers, lambda x: 9223372036854775807)"),
    ("category_offsets", "list_transform(integers, lambda x: 9223372036854775807)"),
    ("category_offsets", "list_reverse(integers)"),
    ("scales", "list_transform(floats, lambda x: 0)"),
    ("scales", f"list_transform(floats, lambda x: {NAN})"),
    ("means", f"list_transform(floats, lambda x: {INF})"),
    ("shares", f"list_transform(floats, lambda x: {NAN})"),
    ("categories_as", "['__import__(''os'')']"),
    ("single", "[7]"),
    ("impute", "[-1]"),
]
KEPT = [
    ("big", "scores", "scores", "list_transform(floats, lambda x: 2)"),
    ("big", "scores", "n_positive", "list_transform(integers, lambda x: 9223372036854775807)"),
    ("big", "scores", "actual", "list_transform(integers, lambda x: 1000000000000)"),
    ("big", "attributions", "class_features", "list_transform(integers, lambda x: 1000000)"),
    ("price", "attributions", "n_rows", "[0]"),
    ("price", "residuals", "ranks", "list_transform(integers, lambda x: -1)"),
    ("price", "residuals", "n_values", "[9223372036854775807]"),
    ("price", "residuals", "values", f"list_transform(floats, lambda x: {NAN})"),
    ("groups", "distances", "values", "list_reverse(floats)"),
]


def attack(victim: Victim, database: Path, model: str, *, refused: tuple[str, ...] = ("ML.PREDICT", "ML.TRANSFORM")) -> None:
    """Every statement is harmless, and those that need the state refuse it as damaged."""
    answers = victim.run(database, sample_models.statements(model))
    assert_harmless(answers)
    needing = [answer for answer in answers.statements if any(name in answer.statement for name in refused)]
    assert needing
    assert {answer.code for answer in needing} == {"damaged_state"}, needing
    assert victim.run(database, ["SELECT count(*) FROM houses"]).statements[0].rows == [["300"]]


@pytest.mark.parametrize(("array", "values"), TREES)
def test_trees_that_are_none(database: Path, victim: Victim, array: str, values: str) -> None:
    with attacker(database) as connection:
        set_array(connection, "trees", array, values)
    attack(victim, database, "trees")


@pytest.mark.parametrize(("model", "array", "values"), NUMBERS)
def test_numbers_that_no_training_gives(database: Path, victim: Victim, model: str, array: str, values: str) -> None:
    with attacker(database) as connection:
        set_array(connection, model, array, values)
    attack(victim, database, model)


@pytest.mark.parametrize(("array", "values"), ENCODINGS)
def test_an_encoding_that_is_none(database: Path, secret: Path, victim: Victim, array: str, values: str) -> None:
    with attacker(database) as connection:
        set_array(connection, "price", array, values, section="encoding")
    attack(victim, database, "price")


@pytest.mark.parametrize(("model", "section", "array", "values"), KEPT)
def test_kept_sections_of_no_sense(database: Path, victim: Victim, model: str, section: str, array: str, values: str) -> None:
    with attacker(database) as connection:
        set_array(connection, model, array, values, section=section)
    attack(victim, database, model)


@pytest.mark.parametrize("section", ["state", "encoding", "transform"])
def test_a_section_that_is_gone(database: Path, victim: Victim, section: str) -> None:
    with attacker(database) as connection:
        connection.execute(f"DELETE FROM sqlml._state WHERE section = '{section}' AND model_id = '{model_id(connection, 'big')}'")
    attack(victim, database, "big")


@pytest.mark.parametrize("section", ["state", "encoding", "transform"])
def test_a_section_of_another_model(database: Path, victim: Victim, section: str) -> None:
    with attacker(database) as connection:
        own, other = model_id(connection, "big"), model_id(connection, "sides" if section != "transform" else "cleaned")
        connection.execute(f"DELETE FROM sqlml._state WHERE section = '{section}' AND model_id = '{own}'")
        connection.execute(
            f"INSERT INTO sqlml._state SELECT '{own}', 1, * EXCLUDE (model_id, version) FROM sqlml._state "
            f"WHERE section = '{section}' AND model_id = '{other}'"
        )
    attack(victim, database, "big")


@pytest.mark.parametrize(
    "kind", ["LINEAR_REG", "LOGISTIC_REG", "BOOSTED_TREE_CLASSIFIER", "RANDOM_FOREST_REGRESSOR", "KMEANS", "PCA", "TRANSFORM_ONLY"]
)
def test_every_model_under_the_type_of_another(database: Path, victim: Victim, kind: str) -> None:
    with attacker(database) as connection:
        connection.execute(f"UPDATE sqlml._versions SET model_type = '{kind}'")
    assert_harmless(victim.run(database, [text for model in sample_models.MODELS for text in sample_models.statements(model)]))


@pytest.mark.parametrize("kind", ["os.system", "../models/kmeans", "_REGISTRY", "", "__import__", "ONNX"])
def test_a_model_type_is_a_name_from_a_closed_list(database: Path, victim: Victim, kind: str) -> None:
    with attacker(database) as connection:
        connection.execute("UPDATE sqlml._versions SET model_type = ?", [kind])
        connection.execute("UPDATE sqlml._events SET model_type = ? WHERE model_type IS NOT NULL", [kind])
    answers = victim.run(database, sample_models.statements("price"))
    assert_harmless(answers)
    assert next(a.code for a in answers.statements if "PREDICT" in a.statement) in {
        "unknown_model_type",
        "model_type_not_supported",
        "damaged_state",
    }
