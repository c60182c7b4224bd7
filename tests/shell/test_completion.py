from __future__ import annotations

import pytest

from sqlml.shell.completion import suggest


def texts(before: str) -> list[str]:
    return [suggestion.text for suggestion in suggest(before)]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("SEL", ["SELECT"]), ("sel", ["select"]), ("select * from ml.pre", ["ML.PREDICT"]), ("SELECT * FROM ML.EV", ["ML.EVALUATE"]),
        ("CREATE MOD", ["MODEL", "MODEL TYPE", "MODEL TYPES", "MODELS"]), ("OPTIONS (model_type = 'lin", ["LINEAR_REG"]),
        ('OPTIONS (MODEL_TYPE="PC', ["PCA"]), ("describe model type km", ["KMEANS"]), (".t", [".tables", ".timer"]), ("  .q", [".quit"]),
        ("SELECT 'sel", []), ("SELECT 1 -- sel", []), ('SELECT "sel', []), ("/* sel", []), ("/* x */ sel", ["select"]),
        ("SELECT 'it''s' un", ["union", "unpivot"]),
        ("-- it's\nsel", ["select"]), ("SELECT ", []), ("", []), ("SELECT", []), (".timer o", []), ("1.", []),
        (".help ml.label", ["ML.LABEL_ENCODER"]), (".help PC", ["PCA"]), (".help text", ["TEXT_ANALYZE"]),
    ],
)  # fmt: skip
def test_suggestions(before: str, expected: list[str]) -> None:
    assert texts(before) == expected


def test_all_model_types_after_the_quote() -> None:
    from sqlml.models._registry import MODEL_TYPES

    assert texts("OPTIONS(model_type='") == sorted(MODEL_TYPES)


def test_a_suggestion_replaces_the_word() -> None:
    (suggestion,) = suggest("SELECT * FROM ml.trai")
    assert (suggestion.text, suggestion.replaces, suggestion.kind) == ("ML.TRAINING_INFO", 7, "function")
