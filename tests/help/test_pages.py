"""Every function and model type has a page that tells how to use it, and the pages are what docs/functions.md holds."""

from __future__ import annotations

from pathlib import Path

import pytest

import sqlml
from sqlml.errors import Error
from sqlml.functions._registry import FUNCTIONS, VALUE_FUNCTIONS, find_function, find_value_function
from sqlml.help.columns import COLUMNS
from sqlml.help.docstrings import Example, Paragraph, read_docstring
from sqlml.help.pages import find_page, topics
from sqlml.help.reference import reference
from sqlml.help.text import WIDTH, index_text, page_text
from sqlml.models._registry import MODEL_TYPES, find_model_type

CALLS = [*(f"ML.{name}" for name in FUNCTIONS), *VALUE_FUNCTIONS]
DOCUMENT = Path(__file__).parents[2] / "docs" / "functions.md"


@pytest.mark.parametrize("name", CALLS)
def test_the_page_of_a_function_has_summary_usage_and_example(name: str) -> None:
    page = find_page(name)
    assert page.name == name
    assert page.summary.endswith(".")
    assert page.usage.startswith(f"{name}(")
    assert page.examples, f"the docstring of {name}'s module has no statement"
    assert any(f"{name}(" in example for example in page.examples)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_page_tells_every_setting(name: str) -> None:
    spec = find_function(name)
    text = page_text(find_page(f"ML.{name}"))
    words = " ".join(text.split())
    for option in spec.settings:
        assert f"{option.name} {option.type.describe()}" in words
        assert option.doc
        assert " ".join(option.doc.split()) in words
    for model_type in MODEL_TYPES:
        if spec.n_models:
            assert (model_type in find_page(f"ML.{name}").applies_to) == spec.applies_to(find_model_type(model_type))


@pytest.mark.parametrize("name", VALUE_FUNCTIONS)
def test_a_page_tells_every_argument(name: str) -> None:
    spec = find_value_function(name)
    page = find_page(name)
    assert [entry.name for entry in page.entries] == [parameter.name for parameter in spec.parameters]
    assert page.usage == spec.usage


@pytest.mark.parametrize("name", MODEL_TYPES)
def test_the_page_of_a_model_type_has_its_options_and_functions(name: str) -> None:
    page = find_page(name.lower())
    assert (page.name, page.kind) == (name, "model type")
    assert {entry.name for entry in page.entries} == {option.name for option in find_model_type(name).options} - {"model_type"}
    assert all(entry.doc for entry in page.entries)
    assert "ML.TRANSFORM" in page.applies_to or page.applies_to


@pytest.mark.parametrize("name", [*CALLS, *MODEL_TYPES])
def test_pages_fit_in_100_columns_but_for_examples(name: str) -> None:
    page = find_page(name)
    shown = {f"  {line}" for example in page.examples for line in example.splitlines()}
    assert [line for line in page_text(page).splitlines() if len(line) > WIDTH and line not in shown] == []
    assert max(len(line) for line in index_text().splitlines()) <= WIDTH


def test_the_text_of_a_page() -> None:
    assert page_text(find_page("ml.label_encoder")) == (
        """\
ML.LABEL_ENCODER
  The number of a category in alphabetical order, from 1; 0 for rare and unknown ones and NULL.

usage
  ML.LABEL_ENCODER(string_expression, [top_k], [frequency_threshold]) OVER ()

arguments
  string_expression  a string
  top_k  INT64 >= 1 and <= 999999, a constant, default 32000
  frequency_threshold  INT64 >= 0, a constant, default 5

example
  SELECT ML.LABEL_ENCODER(city, 100, 10) OVER () FROM customers

notes
  The vocabulary holds the categories of at least `frequency_threshold` rows (5 unless given), of
  those the `top_k` most frequent (32,000; of equals the first by alphabet), numbered from 1 in
  alphabetical order. NULL and everything outside of it is 0.

  (NULL, a, b, b, c, c, c, d, d; 2, 2) gives 0, 0, 1, 1, 2, 2, 2, 0, 0."""
    )


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("ML.PREDICT", "ML.PREDICT"), ("predict", "ML.PREDICT"), ("Ml.Predict;", "ML.PREDICT"), ("distance", "ML.DISTANCE"),
        ("BAG_OF_WORDS", "BAG_OF_WORDS"), ("ml.bag_of_words", "ML.BAG_OF_WORDS"), ("kmeans", "KMEANS"), ("text_analyze", "TEXT_ANALYZE"),
    ],
)  # fmt: skip
def test_names_in_any_case_with_and_without_ml(asked: str, found: str) -> None:
    assert find_page(asked).name == found


@pytest.mark.parametrize(
    ("asked", "code", "text"),
    [
        ("ML.PREDICTT", "unknown_topic", "did you mean ML.PREDICT?"),
        ("lable_encoder", "unknown_topic", "did you mean ML.LABEL_ENCODER?"),
        ("LINEAR", "unknown_topic", "did you mean LINEAR_REG?"),
        ("xyzzy", "unknown_topic", "lists all pages"),
        ("ML.FORECAST", "function_not_supported", "ML.FORECAST is not available"),
        ("arima_plus", "model_type_not_supported", "ARIMA_PLUS is not available"),
    ],
)
def test_names_without_a_page(asked: str, code: str, text: str) -> None:
    with pytest.raises(Error) as caught:
        find_page(asked)
    assert caught.value.code == code
    assert text in str(caught.value)


def test_the_index_lists_every_page() -> None:
    words = set(index_text().split())
    assert {name for names in topics().values() for name in names} <= words


def test_a_docstring_is_read_into_blocks() -> None:
    blocks = read_docstring(
        """Title.

        SELECT 1 AS a,
               2 AS b

    Some text
    goes on:
        x = y
    - one item
      of two lines
    - another
    Source: reference, functions 5.3 and semantics 2. More of it.
    """
    )
    assert blocks == (
        Example("SELECT 1 AS a,\n       2 AS b"),
        Paragraph("Some text goes on:"),
        Example("x = y"),
        Paragraph("one item of two lines", is_item=True),
        Paragraph("another", is_item=True),
        Paragraph("More of it."),
    )
    assert [block.is_sql for block in blocks if isinstance(block, Example)] == [True, False]


def test_the_document_is_that_of_the_declarations() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == reference(), "run: python -m sqlml.help.reference docs/functions.md"


def test_fixed_columns_are_those_that_come() -> None:
    cursor = sqlml.connect().cursor()
    cursor.execute("CREATE TABLE t AS SELECT (i * 7) % 11 AS x, ['a', 'b', 'c'][1 + i % 3] AS k, i % 2 = 0 AS y FROM range(60) r(i)")
    for name, options in {
        "tree": "model_type = 'BOOSTED_TREE_CLASSIFIER', input_label_cols = ['y'], max_iterations = 2",
        "groups": "model_type = 'KMEANS', num_clusters = 2",
        "axes": "model_type = 'PCA', num_principal_components = 1",
    }.items():
        cursor.execute(f"CREATE MODEL {name} OPTIONS ({options}) AS SELECT x, k{', y' * (name == 'tree')} FROM t")
    calls = {
        "FEATURE_INFO": "MODEL tree",
        "CENTROIDS": "MODEL groups",
        "PRINCIPAL_COMPONENTS": "MODEL axes",
        "PRINCIPAL_COMPONENT_INFO": "MODEL axes",
        "FEATURE_IMPORTANCE": "MODEL tree",
        "FAIRNESS": "MODEL tree, TABLE t, STRUCT('k' AS facet, 'a' AS disadvantaged_value)",
        "COMPARE": "MODEL tree, MODEL tree, TABLE t",
    }
    assert set(calls) == set(COLUMNS)
    for name, arguments in calls.items():
        rows = cursor.execute(f"DESCRIBE SELECT * FROM ML.{name}({arguments})").fetchall()
        assert ", ".join(f"{row[0]} {row[1]}" for row in rows).replace('"', "") == COLUMNS[name], name
