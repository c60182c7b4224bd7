"""References to INFORMATION_SCHEMA.MODELS and .MODEL_OPTIONS, and all that looks like them."""

from __future__ import annotations

import pytest

from sqlml.source import Source
from sqlml.syntax import MLCall, Query, parse_script
from sqlml.syntax.nodes import InformationTable


def tables(text: str, dialect: str = "duckdb") -> list[tuple[str, InformationTable]]:
    """The references of a statement with their text."""
    source = Source(text)
    (query,) = parse_script(source, dialect)
    assert isinstance(query, Query)
    return [(text[call.span.start : call.span.end], call) for call in query.calls if isinstance(call, InformationTable)]


@pytest.mark.parametrize(
    ("written", "table", "scope"),
    [
        ("INFORMATION_SCHEMA.MODELS", "models", ()),
        ("information_schema.model_options", "model_options", ()),
        ('"Information_Schema" . /* x */ "MODELS"', "models", ()),
        ("s.INFORMATION_SCHEMA.MODELS", "models", ("s",)),
        ('db."s t".INFORMATION_SCHEMA.MODELS', "models", ("db", "s t")),
        ("`a-b.s.INFORMATION_SCHEMA.MODELS`", "models", ("a-b", "s")),
        ("`region-us`.INFORMATION_SCHEMA.MODEL_OPTIONS", "model_options", ("region-us",)),
        ("select_.models.INFORMATION_SCHEMA.MODELS", "models", ("select_", "models")),
    ],
)
@pytest.mark.parametrize(
    "around",
    ["SELECT * FROM {}", "FROM {} SELECT 1", "SELECT (SELECT count(*) FROM {}) AS n", "WITH a AS (FROM {}) FROM a", "SELECT * FROM t JOIN {} USING (x)",
     "SELECT * FROM t, {} WHERE x", "CREATE TABLE a AS FROM {}", "EXPLAIN SELECT * FROM ({})", "INSERT INTO a (FROM {})",
     "SELECT * FROM ML.PREDICT(MODEL m, (SELECT * FROM {}))", "COPY (FROM {}) TO 'x'"],
)  # fmt: skip
def test_where_a_relation_may_stand(around: str, written: str, table: str, scope: tuple[str, ...]) -> None:
    ((text, found),) = tables(around.format(written))
    assert text == written
    assert (found.table, found.scope) == (table, scope)


@pytest.mark.parametrize(
    ("text", "alias"),
    [
        ("FROM INFORMATION_SCHEMA.Models", "Models"),
        ("FROM INFORMATION_SCHEMA.MODELS WHERE TRUE", "MODELS"),
        ("FROM INFORMATION_SCHEMA.MODELS LEFT JOIN t USING (x)", "MODELS"),
        ("FROM INFORMATION_SCHEMA.MODELS, t", "MODELS"),
        ("(FROM INFORMATION_SCHEMA.MODELS) UNION ALL FROM t", "MODELS"),
        ("FROM INFORMATION_SCHEMA.MODELS TABLESAMPLE 10%", "MODELS"),
        ("FROM INFORMATION_SCHEMA.MODELS m", None),
        ("FROM INFORMATION_SCHEMA.MODELS AS m (a, b)", None),
        ('FROM INFORMATION_SCHEMA.MODELS "where"', None),
        ("FROM m : INFORMATION_SCHEMA.MODELS", None),
        ("DESCRIBE INFORMATION_SCHEMA.MODELS", None),
        ("SUMMARIZE INFORMATION_SCHEMA.MODELS", None),
    ],
)
def test_without_an_alias_it_is_known_by_its_own_name(text: str, alias: str | None) -> None:
    ((_, found),) = tables(text)
    assert found.alias == alias


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM INFORMATION_SCHEMA.TABLES",
        "SELECT * FROM INFORMATION_SCHEMA.MODEL",
        "SELECT * FROM MODELS",
        "SELECT * FROM sqlml.models",
        "SELECT information_schema.models FROM t AS information_schema",
        "SELECT * FROM t WHERE information_schema.models = 3",
        "SELECT * FROM INFORMATION_SCHEMA.MODELS.x",
        "SELECT * FROM a.b.c.INFORMATION_SCHEMA.MODELS",
        "SELECT * FROM INFORMATION_SCHEMA.MODELS(3)",
        "SELECT extract(year FROM information_schema.models)",
        "INSERT INTO INFORMATION_SCHEMA.MODELS VALUES (1)",
        "DELETE FROM INFORMATION_SCHEMA.MODELS",
        "DROP TABLE INFORMATION_SCHEMA.MODELS",
        "SELECT 'FROM INFORMATION_SCHEMA.MODELS'",
        "SELECT * FROM (INFORMATION_SCHEMA.MODELS",
        "SELECT * FROM INFORMATION_SCHEMA.MODELS)",
    ],
)
def test_all_else_is_the_engine_s(text: str) -> None:
    assert tables(text) == []


def test_several_in_order_with_calls_between() -> None:
    (query,) = parse_script(
        Source(
            "FROM s.INFORMATION_SCHEMA.MODELS a, ML.PREDICT(MODEL m, (FROM INFORMATION_SCHEMA.MODEL_OPTIONS)), INFORMATION_SCHEMA.MODELS"
        )
    )
    assert isinstance(query, Query)
    assert [type(call) for call in query.calls] == [InformationTable, InformationTable, MLCall, InformationTable]
    assert [call.table for call in query.calls if isinstance(call, InformationTable)] == ["models", "model_options", "models"]


def test_an_item_that_holds_one_keeps_its_text_as_its_name() -> None:
    text = "SELECT (SELECT count(*) FROM INFORMATION_SCHEMA.MODELS), 2"
    (query,) = parse_script(Source(text))
    assert isinstance(query, Query)
    (item,) = query.unnamed
    assert text[item.span.start : item.span.end] == "(SELECT count(*) FROM INFORMATION_SCHEMA.MODELS)"
