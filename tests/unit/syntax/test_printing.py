"""What is printed reads back as the same node."""

from __future__ import annotations

import dataclasses
import datetime
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlml.source import Source, Span
from sqlml.syntax import (
    AlterModelOptions,
    CreateModel,
    DescribeModel,
    DescribeModelType,
    DropModel,
    IntervalText,
    ModelName,
    OptionSetting,
    ParameterRef,
    SetDefaultVersion,
    ShowCreateModel,
    ShowModels,
    ShowModelTypes,
    ShowVersions,
    Statement,
    Value,
    parse_script,
    print_statement,
)
from sqlml.syntax.nodes import (
    CopyModel,
    DropAlias,
    ExportModel,
    ImportModel,
    RefreshModel,
    RenameModel,
    ResetSetting,
    SetAlias,
    SetSetting,
    ShowSettings,
    VerifyModel,
)
from sqlml.types import HparamCandidates, HparamRange

NOWHERE = Span(0, 0)
TRANSFORMS = ("*", "a, b AS c, ML.STANDARD_SCALER(x) OVER () AS y", "a -- not the end: )\n, b", "f(')'), \"q;\"")
QUERIES = (
    "SELECT 1",
    "WITH a AS (SELECT ';') FROM a",
    "(SELECT 1) UNION (SELECT 2)",
    "FROM t -- x\n WHERE y",
    "SELECT options(1), $$)$$ FROM t",
)
TIMES = ("now()", "TIMESTAMP '2026-01-31'", "now() - INTERVAL 1 DAY", "(SELECT max(at, ')') -- c\n FROM t)", "$t", "?")
CONDITIONS = ("roc_auc > 1", "(a AS b) AND incumbent.x >= 3 -- c\n - 1", 'CASE WHEN challenger."as" > 0 THEN f(1, 2) END')
FRAGMENTS = Source("\n".join((*TRANSFORMS, *QUERIES, *TIMES, *CONDITIONS)))
AS_WRITTEN = {"transform", "query", "as_of", "condition"}
"""Fields that hold the place of text which is not ours."""


def place(fragment: str) -> Span:
    start = FRAGMENTS.text.index(fragment)
    return Span(start, start + len(fragment))


characters = st.characters(exclude_categories=["Cs"])
parts = st.one_of(
    st.sampled_from(["m", "model", "select", "Type", "IF", "options", "a.b", 'q"q', "`"]), st.text(characters, min_size=1, max_size=8)
)
paths = st.lists(parts, min_size=1, max_size=3).map(tuple)
versions = st.one_of(st.integers(0, 10**12), parts)
names = st.builds(ModelName, paths, st.none(), st.just(NOWHERE))
versioned = st.one_of(
    st.builds(ModelName, paths, st.one_of(st.none(), versions), st.just(NOWHERE)),
    st.builds(ModelName, paths, st.none(), st.just(NOWHERE), st.sampled_from(TIMES).map(place)),
)
finite = st.floats(allow_nan=False)
simple = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), finite, st.text(characters, max_size=12),
    st.dates(), st.datetimes(), st.datetimes(timezones=st.just(datetime.UTC)),
    st.builds(HparamRange, finite, finite),
    st.sampled_from([IntervalText("INTERVAL 10 HOUR"), IntervalText("INTERVAL '1-2' YEAR TO MONTH"), IntervalText("INTERVAL '3 days'")]),
    st.builds(ParameterRef, st.text(string.ascii_letters, min_size=1, max_size=5)),
)  # fmt: skip
values = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.lists(inner, max_size=4).map(lambda items: HparamCandidates(tuple(items))),
    ),
    max_leaves=8,
)
option = st.builds(lambda name, value: OptionSetting(name, Value(value, NOWHERE), NOWHERE), parts, values)
options = st.lists(option, max_size=4).map(tuple)


@st.composite
def create_models(draw: st.DrawFn) -> CreateModel:
    chosen = draw(options)
    replace = draw(st.booleans())
    transform = draw(st.one_of(st.none(), st.sampled_from(TRANSFORMS).map(place)))
    query = draw(st.one_of(st.none(), st.sampled_from(QUERIES).map(place)))
    return CreateModel(
        draw(names), replace, not replace and draw(st.booleans()), chosen, NOWHERE if chosen else None, transform, query, NOWHERE
    )


@st.composite
def refresh_models(draw: st.DrawFn) -> RefreshModel:
    chosen = draw(options)
    alias = draw(st.one_of(st.none(), parts))
    condition = draw(st.one_of(st.none(), st.sampled_from(CONDITIONS).map(place)))
    clause = NOWHERE if chosen else None
    return RefreshModel(
        draw(names), chosen, clause, draw(st.booleans()), draw(options), condition, alias, NOWHERE if alias else None, NOWHERE
    )


statements = st.one_of(
    create_models(),
    refresh_models(),
    st.builds(SetAlias, names, parts, st.just(NOWHERE), versions, st.just(NOWHERE), st.just(NOWHERE), st.booleans()),
    st.builds(DropAlias, names, parts, st.just(NOWHERE), st.just(NOWHERE), st.booleans()),
    st.builds(RenameModel, names, parts, st.just(NOWHERE), st.just(NOWHERE), st.booleans()),
    st.builds(VerifyModel, versioned, st.just(NOWHERE)),
    st.builds(CopyModel, versioned, names, st.booleans(), st.just(NOWHERE)),
    st.builds(ExportModel, versioned, options, st.just(NOWHERE)),
    st.builds(ImportModel, names, st.booleans(), options, st.just(NOWHERE)),
    st.builds(SetSetting, parts, st.just(NOWHERE), st.builds(Value, simple, st.just(NOWHERE)), st.just(NOWHERE)),
    st.builds(ResetSetting, parts, st.just(NOWHERE), st.just(NOWHERE)),
    st.just(ShowSettings(NOWHERE)),
    st.builds(DropModel, versioned, st.booleans(), st.just(NOWHERE)),
    st.builds(AlterModelOptions, names, st.booleans(), st.lists(option, min_size=1, max_size=4).map(tuple), st.just(NOWHERE)),
    st.builds(SetDefaultVersion, names, versions, st.just(NOWHERE), st.just(NOWHERE), st.booleans()),
    st.builds(ShowModels, st.one_of(st.none(), paths), st.one_of(st.none(), st.text(characters, max_size=8)), st.just(NOWHERE)),
    st.builds(ShowVersions, names, st.just(NOWHERE)),
    st.builds(ShowCreateModel, versioned, st.just(NOWHERE)),
    st.builds(DescribeModel, versioned, st.just(NOWHERE)),
    st.just(ShowModelTypes(NOWHERE)),
    st.builds(DescribeModelType, st.text(characters, min_size=1, max_size=8), st.just(NOWHERE), st.just(NOWHERE)),
)


def without_places(node: object, source: Source) -> object:
    """The node as plain values; spans of text that is not ours become that text."""
    if isinstance(node, Span):
        return None
    if dataclasses.is_dataclass(node):
        values = {field.name: getattr(node, field.name) for field in dataclasses.fields(node)}
        texts = {name: span and source.text[span.start : span.end] for name, span in values.items() if name in AS_WRITTEN}
        return (type(node), {name: texts.get(name, without_places(value, source)) for name, value in values.items()})
    if isinstance(node, list | tuple):
        return (type(node), [without_places(item, source) for item in node])
    return (type(node), node)


@given(statements)
@settings(max_examples=300, deadline=None)
def test_parsing_undoes_printing(node: Statement) -> None:
    text = print_statement(node, FRAGMENTS)
    source = Source(text)
    (read,) = parse_script(source)
    assert without_places(read, source) == without_places(node, FRAGMENTS)
    assert print_statement(read, source) == text


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM ML.PREDICT(MODEL m, TABLE t)",
        "INSERT INTO t VALUES (1) -- end",
    ],
)
def test_other_statements_print_as_written(text: str) -> None:
    (node,) = parse_script(Source(f" {text}\n;"))
    assert print_statement(node, Source(f" {text}\n;")) == text.removesuffix(" -- end")


def test_a_statement_of_several_clauses() -> None:
    text = "create or replace model a.\"b c\" transform (x) options (A='it''s', b=[(1, .5),], c=?) as (select 1)"
    (node,) = parse_script(Source(text))
    assert print_statement(node, Source(text)) == (
        "CREATE OR REPLACE MODEL a.\"b c\"\nTRANSFORM (x\n)\nOPTIONS (A = 'it''s',\n  b = [(1, 0.5)],\n  c = ?)\nAS select 1"
    )
