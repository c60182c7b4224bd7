"""Statements about versions and places of models: aliases, renaming, refreshing, verifying, moving, and names with a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sqlml.errors import DatabaseError
from sqlml.source import Source, Span
from sqlml.syntax import DescribeModel, MLCall, Query, Statement, parse_script
from sqlml.syntax.nodes import (
    CopyModel,
    DropAlias,
    ExportModel,
    ImportModel,
    RefreshModel,
    RenameModel,
    SetAlias,
    VerifyModel,
)

WRONG = [
    # aliases
    "ALTER MODEL m SET ALIAS«»",
    "ALTER MODEL m SET ALIAS «=» 3",
    "ALTER MODEL m SET ALIAS «3» = 3",
    "ALTER MODEL m SET ALIAS «'a'» = 3",
    'ALTER MODEL m SET ALIAS «""» = 3',
    "ALTER MODEL m SET ALIAS a«»",
    "ALTER MODEL m SET ALIAS a «3»",
    "ALTER MODEL m SET ALIAS a «TO» 3",
    "ALTER MODEL m SET ALIAS a =«»",
    "ALTER MODEL m SET ALIAS a = «-»3",
    "ALTER MODEL m SET ALIAS a = «3.0»",
    "ALTER MODEL m SET ALIAS a = «'3'»",
    "ALTER MODEL m SET ALIAS a = «?»",
    "ALTER MODEL m SET ALIAS a = 3 «4»",
    "ALTER MODEL m SET ALIAS a = 3«,» b = 4",
    "ALTER MODEL m«@2» SET ALIAS a = 3",
    "ALTER MODEL m DROP ALIAS«»",
    "ALTER MODEL m DROP ALIAS «1»",
    "ALTER MODEL m DROP ALIAS a «b»",
    "ALTER MODEL m «DROP» a",
    # names
    "ALTER MODEL m «RENAME» x",
    "ALTER MODEL m RENAME TO«»",
    "ALTER MODEL m RENAME TO «'x'»",
    "ALTER MODEL m RENAME TO «SELECT»",
    "ALTER MODEL m RENAME TO «a.b»",
    "ALTER MODEL m RENAME TO «`a.b`»",
    "ALTER MODEL m RENAME TO x«@»2",
    "ALTER MODEL m RENAME TO x «y»",
    "ALTER MODEL m«@2» RENAME TO x",
    # times
    "DESCRIBE MODEL m «FOR» now()",
    "DESCRIBE MODEL m FOR SYSTEM_TIME «OF» now()",
    "DESCRIBE MODEL m FOR SYSTEM_TIME AS «now»()",
    "DESCRIBE MODEL m FOR SYSTEM_TIME AS OF«»",
    "DESCRIBE MODEL m@1 «FOR SYSTEM_TIME AS OF now()»",
    "ALTER MODEL m «FOR SYSTEM_TIME AS OF now() SET ALIAS a = 3»",
    "SHOW VERSIONS FROM MODEL m «FOR SYSTEM_TIME AS OF now()»",
    "SELECT * FROM ML.PREDICT(MODEL m FOR SYSTEM_TIME AS OF «,» TABLE t)",
    # REFRESH
    "REFRESH MODEL«»",
    "REFRESH MODEL m«@2»",
    "REFRESH MODEL m «x»",
    "REFRESH MODEL m OPTIONS«»",
    "REFRESH MODEL m OPTIONS «l2_reg» = 1",
    "REFRESH MODEL m IF «CHANGED»",
    "REFRESH MODEL m IF DATA«»",
    "REFRESH MODEL m WITH «cutoff» = 1",
    "REFRESH MODEL m PROMOTE «roc_auc» > 1",
    "REFRESH MODEL m PROMOTE IF«»",
    "REFRESH MODEL m PROMOTE IF «AS» champion",
    "REFRESH MODEL m AS«»",
    "REFRESH MODEL m AS «3»",
    "REFRESH MODEL m AS champion «PROMOTE» IF roc_auc > 1",
    "REFRESH MODEL m IF DATA CHANGED «OPTIONS» (l2_reg = 1)",
    "REFRESH MODEL m AS a«,» b",
    # VERIFY
    "VERIFY MODEL«»",
    "VERIFY MODEL m «n»",
    "VERIFY MODEL m@1 «FOR SYSTEM_TIME AS OF now()»",
    # COPY, EXPORT, IMPORT
    "COPY MODEL a «b»",
    "COPY MODEL a«»",
    "COPY MODEL a TO«»",
    "COPY MODEL a TO «'b'»",
    "COPY MODEL a TO b«@2»",
    "COPY MODEL a TO b «c»",
    "COPY OR REPLACE MODEL a «FROM» b",
    "EXPORT MODEL«»",
    "EXPORT MODEL m «TO» 'dir'",
    "EXPORT MODEL m OPTIONS«»",
    "EXPORT MODEL m OPTIONS (uri = 'x') «y»",
    "IMPORT MODEL m«@2» OPTIONS (uri = 'x')",
    "IMPORT MODEL m «FROM» 'dir'",
]

ENGINE_S_OWN = [
    "COPY model TO 'x.csv'",
    "COPY model (a, b) TO 'x.csv'",
    "COPY models FROM 'x'",
    "COPY models TO 'x' (FORMAT parquet)",
    "COPY FROM DATABASE a TO b",
    "EXPORT DATABASE 'model'",
    "EXPORT DATABASE a TO 'models'",
    "IMPORT DATABASE 'models'",
    "ALTER TABLE model RENAME TO x",
    "ALTER TABLE model RENAME COLUMN model TO models",
    "ALTER VIEW models RENAME TO model",
    "SELECT refresh, verify FROM model FOR UPDATE",
]


def parse(text: str) -> Statement:
    (node,) = parse_script(Source(text))
    return node


def piece(text: str, span: Span | None) -> str:
    assert span is not None
    return text[span.start : span.end]


@pytest.mark.parametrize("marked", WRONG)
def test_what_is_wrong_and_where(marked: str, refused: Callable[..., DatabaseError]) -> None:
    refused(f"SELECT 1;\n  {marked} -- the end\n;", "syntax_error")


@pytest.mark.parametrize("text", ENGINE_S_OWN)
def test_what_the_engine_understands_is_the_engine_s(text: str) -> None:
    assert parse(text) == Query((), False, Span(0, len(text)))


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("champion", "champion"),
        ('"my choice"', "my choice"),
        ("`a.b`", "a.b"),
        ('"a""b"', 'a"b'),
        ("version", "version"),
        ("SELECT", "SELECT"),
    ],
)
@pytest.mark.parametrize(("target", "version"), [("3", 3), ("best", "best"), ('"b c"', "b c"), ("default", "default")])
def test_aliases(alias: str, name: str, target: str, version: int | str) -> None:
    text = f"alter model if exists a.m set alias {alias} = {target}"
    node = parse(text)
    assert isinstance(node, SetAlias)
    assert (node.name.parts, node.alias, node.version, node.if_exists) == (("a", "m"), name, version, True)
    assert (piece(text, node.alias_span), piece(text, node.version_span)) == (alias, target)
    text = f"ALTER MODEL m DROP ALIAS {alias}"
    dropped = parse(text)
    assert isinstance(dropped, DropAlias)
    assert (dropped.alias, dropped.if_exists, piece(text, dropped.alias_span)) == (name, False, alias)


@pytest.mark.parametrize(("written", "name"), [("x", "x"), ('"a.b"', "a.b"), ("`x y`", "x y"), ("model", "model"), ("模型", "模型")])
def test_renaming(written: str, name: str) -> None:
    text = f"ALTER MODEL IF EXISTS s.m RENAME TO {written}"
    node = parse(text)
    assert isinstance(node, RenameModel)
    assert (node.name.parts, node.new_name, node.if_exists, piece(text, node.new_name_span)) == (("s", "m"), name, True, written)


@pytest.mark.parametrize(
    "time",
    [
        "now()",
        "TIMESTAMP '2026-01-31 12:00'",
        "now() - INTERVAL (1 + 1) DAY",
        "?",
        "$then",
        "@then",
        "CASE WHEN TRUE THEN a END",
        "f(a, b)",
    ],
)
def test_a_name_with_a_time(time: str) -> None:
    text = f"DESCRIBE MODEL a.m for system_time as of {time}"
    node = parse(text)
    assert isinstance(node, DescribeModel)
    assert (node.name.parts, node.name.reference, piece(text, node.name.as_of)) == (("a", "m"), None, time)
    assert piece(text, node.name.span) == text.removeprefix("DESCRIBE MODEL ")
    text = f"SELECT * FROM ML.COMPARE(MODEL m FOR SYSTEM_TIME AS OF {time}, MODEL n@2, TABLE t)"
    query = parse(text)
    assert isinstance(query, Query)
    (call,) = query.calls
    assert isinstance(call, MLCall)
    first, second = call.models
    assert (piece(text, first.as_of), second.reference) == (time, 2)


def test_the_clauses_of_refresh() -> None:
    text = """REFRESH MODEL a.m OPTIONS (l2_reg = 0.5) IF DATA CHANGED WITH (cutoff = DATE '2026-01-01', "n m" = 3)
      PROMOTE IF roc_auc >= incumbent.roc_auc - 0.005 AND (x AS y) AS "my choice" """
    node = parse(text)
    assert isinstance(node, RefreshModel)
    assert [option.name for option in node.options] == ["l2_reg"]
    assert [parameter.name for parameter in node.parameters] == ["cutoff", "n m"]
    assert node.if_data_changed
    assert piece(text, node.condition) == "roc_auc >= incumbent.roc_auc - 0.005 AND (x AS y)"
    assert (node.alias, piece(text, node.alias_span)) == ("my choice", '"my choice"')
    bare = parse("REFRESH MODEL m")
    assert isinstance(bare, RefreshModel)
    assert (bare.options, bare.options_span, bare.if_data_changed, bare.parameters, bare.condition, bare.alias) == (
        (),
        None,
        False,
        (),
        None,
        None,
    )


def test_verify_copy_export_import() -> None:
    verified = parse("VERIFY MODEL m@champion")
    assert isinstance(verified, VerifyModel)
    assert verified.name.reference == "champion"
    copied = parse("COPY OR REPLACE MODEL a.m@2 TO other.b.n")
    assert isinstance(copied, CopyModel)
    assert (copied.source.parts, copied.source.reference, copied.target.parts, copied.replace) == (("a", "m"), 2, ("other", "b", "n"), True)
    exported = parse("EXPORT MODEL m FOR SYSTEM_TIME AS OF now() OPTIONS (uri = 'dir', format = 'sqlml')")
    assert isinstance(exported, ExportModel)
    assert (exported.name.as_of is None, [option.name for option in exported.options]) == (False, ["uri", "format"])
    imported = parse("IMPORT MODEL a.m OPTIONS (uri = 'dir')")
    assert isinstance(imported, ImportModel)
    assert (imported.name.parts, imported.replace, imported.options[0].value.value) == (("a", "m"), False, "dir")
