"""Every literal form of an option's value, and what is none."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable

import pytest

from sqlml.errors import DatabaseError
from sqlml.source import Source
from sqlml.syntax import CreateModel, IntervalText, ParameterRef, parse_script
from sqlml.types import HparamCandidates, HparamRange


def value_of(written: str, dialect: str = "duckdb") -> object:
    text = f"CREATE MODEL m OPTIONS (x = {written}) AS SELECT 1"
    (node,) = parse_script(Source(text), dialect)
    assert isinstance(node, CreateModel)
    (option,) = node.options
    assert text[option.value.span.start : option.value.span.end] == written
    assert text[option.span.start : option.span.end] == f"x = {written}"
    return option.value.value


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("'linear_reg'", "linear_reg"),
        ("'it''s'", "it's"),
        ('"gs://a/b"', "gs://a/b"),
        ('"say ""hi"""', 'say "hi"'),
        (r"'a\nb'", r"a\nb"),
        (r"E'a\nb\x41\'\q'", "a\nbA'q"),
        (r"r'a\nb'", r"a\nb"),
        ("$$it's$$", "it's"),
        ("$tag$a$$b$tag$", "a$$b"),
        ("'a'\n  'b'", "ab"),
        ("10", 10),
        ("-10", -10),
        ("+10", 10),
        ("1_000", 1000),
        ("0x1F", 31),
        ("0.5", 0.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("- 1.5e-3", -0.0015),
        ("1E3", 1000.0),
        ("TRUE", True),
        ("false", False),
        ("NULL", None),
        ("(1)", 1),
        ("[]", []),
        ("['a', 'b',]", ["a", "b"]),
        ("ARRAY['a']", ["a"]),
        ("ARRAY<STRUCT<STRING, ARRAY<INT64>>>[('a', [1])]", [("a", [1])]),
        ("[('a', .2), ('b', 0.8)]", [("a", 0.2), ("b", 0.8)]),
        ("[STRUCT('a', .2), STRUCT('b' AS name, 0.8 AS weight)]", [("a", 0.2), ("b", 0.8)]),
        ("STRUCT<STRING, FLOAT64>('MAXIMIZE', 0.3)", ("MAXIMIZE", 0.3)),
        ("STRUCT(32)", (32,)),
        ("(1, 1, 2)", (1, 1, 2)),
        ("HPARAM_RANGE(0.01, 5)", HparamRange(0.01, 5.0)),
        ("hparam_candidates([4, 6])", HparamCandidates((4, 6))),
        ("HPARAM_CANDIDATES([STRUCT([32]), STRUCT([64, 32])])", HparamCandidates((([32],), ([64, 32],)))),
        ("INTERVAL 10 HOUR", IntervalText("INTERVAL 10 HOUR")),
        ("interval '1-2' YEAR TO MONTH", IntervalText("interval '1-2' YEAR TO MONTH")),
        ("INTERVAL '10 hours'", IntervalText("INTERVAL '10 hours'")),
        ("INTERVAL -3 DAY", IntervalText("INTERVAL -3 DAY")),
        ("DATE '2030-1-02'", datetime.date(2030, 1, 2)),
        ("date'2030-01-02'", datetime.date(2030, 1, 2)),
        ("DATETIME '2030-01-02 03:04:05.25'", datetime.datetime(2030, 1, 2, 3, 4, 5, 250_000)),
        ("TIMESTAMP '2030-01-02T03:04:05'", datetime.datetime(2030, 1, 2, 3, 4, 5)),
        ("TIMESTAMP '2030-01-02'", datetime.datetime(2030, 1, 2)),
        ("TIMESTAMP '2030-01-02 03:04:05 UTC'", datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)),
        ("TIMESTAMP '2030-01-02 03:04:05Z'", datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)),
        (
            "TIMESTAMP '2030-01-02 03:04:05-07:30'",
            datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.timezone(datetime.timedelta(hours=-7.5))),
        ),
        ("NUMERIC '1.5'", 1.5),
        ("CAST('+inf' AS FLOAT64)", math.inf),
        ("CAST('-Infinity' AS double)", -math.inf),
        ("CAST(3 AS FLOAT64)", 3.0),
        ("?", ParameterRef(0)),
        ("$2", ParameterRef(1)),
        ("$name", ParameterRef("name")),
        ("@name", ParameterRef("name")),
        ("[?, @x]", [ParameterRef(0), ParameterRef("x")]),
    ],
)
def test_literal_forms(written: str, expected: object) -> None:
    value = value_of(written)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (r"'it\'s'", "it's"),
        (r"'a\n\x41\u00e9\U0001F600\101'", "a\nAé😀A"),
        (r"r'a\n'", r"a\n"),
        (r'"a\"b"', 'a"b'),
        ("'''it's'''", "it's"),
        ('"""a\nb"""', "a\nb"),
        ("'a' 'b'", "ab"),
        ("''", ""),
    ],
)
def test_literal_forms_of_bigquery(written: str, expected: str) -> None:
    assert value_of(written, "bigquery") == expected


def test_question_marks_count_within_the_statement() -> None:
    (_, node) = parse_script(Source("SELECT ?; CREATE MODEL m OPTIONS (a = ?, b = [1, ?]) AS SELECT ?"))
    assert isinstance(node, CreateModel)
    assert [option.value.value for option in node.options] == [ParameterRef(0), [1, ParameterRef(1)]]


@pytest.mark.parametrize(
    "written",
    [
        "1+1",
        "1 + 1",
        "linear_reg",
        "t.c",
        '"a"."b"',
        "`a`",
        "(SELECT 1)",
        "(SELECT 1, 2)",
        "[1, 1+1]",
        "[x]",
        "lower('A')",
        "STRUCT",
        "STRUCT(x)",
        "-x",
        "'a' || 'b'",
        "1::INT",
        "CASE WHEN TRUE THEN 1 END",
        "{'a': 1}",
        "CURRENT_DATE",
        "ARRAY(SELECT 1)",
        "CAST(x AS FLOAT64)",
        "CAST('a' AS STRING)",
        "DATE(2020, 1, 1)",
        "()",
        "x'ff'",
        "INTERVAL x DAY",
        "*",
        "SELECT 1",
    ],
)
def test_what_must_be_computed_is_refused_with_the_place_of_all_of_it(written: str, refused: Callable[..., DatabaseError]) -> None:
    error = refused(f"CREATE MODEL m OPTIONS (a = 1, x = «{written}», b = 2) AS SELECT 1", "option_literal")
    assert error.message == "option x must be a literal"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("DATE '2030-13-01'", "'2030-13-01' is no DATE"),
        ("DATE 'soon'", "'soon' is no DATE"),
        ("DATETIME '2030-01-01 00:00:00 UTC'", "'2030-01-01 00:00:00 UTC' is no DATETIME"),
        ("TIMESTAMP '2030-01-01 00:00:00 Mars/Phobos'", "'2030-01-01 00:00:00 Mars/Phobos' is no TIMESTAMP"),
        ("TIMESTAMP '2030-01-01 00:00:00+99:00'", "'2030-01-01 00:00:00+99:00' is no TIMESTAMP"),
        ("NUMERIC 'x'", "'x' is no NUMERIC"),
        ("CAST('x' AS FLOAT64)", "'x' is no FLOAT64"),
        ("HPARAM_RANGE(1)", "HPARAM_RANGE takes two numbers"),
        ("HPARAM_RANGE('a', 'b')", "HPARAM_RANGE takes two numbers"),
        ("HPARAM_RANGE(TRUE, FALSE)", "HPARAM_RANGE takes two numbers"),
        ("HPARAM_CANDIDATES(1, 2)", "HPARAM_CANDIDATES takes one array"),
        ("9" * 5000, "the number has too many digits"),
    ],
)
def test_a_literal_that_stands_for_nothing(written: str, message: str, refused: Callable[..., DatabaseError]) -> None:
    assert refused(f"CREATE MODEL m OPTIONS (x = «{written}») AS SELECT 1", "option_literal").message == message


@pytest.mark.parametrize(
    "marked",
    [
        "CREATE MODEL m OPTIONS (x = «)» AS SELECT 1",
        "CREATE MODEL m OPTIONS (x = «,» y = 1) AS SELECT 1",
        "CREATE MODEL m OPTIONS (x = 'a' «y» = 1) AS SELECT 1",
        "CREATE MODEL m OPTIONS (x «1») AS SELECT 1",
        "CREATE MODEL m OPTIONS («,») AS SELECT 1",
        "CREATE MODEL m OPTIONS (x = 1,«,») AS SELECT 1",
        "CREATE MODEL m OPTIONS («=» 1) AS SELECT 1",
        "CREATE MODEL m OPTIONS («1» = 1) AS SELECT 1",
        "CREATE MODEL m OPTIONS (x = (1,«)») AS SELECT 1",
        "CREATE MODEL m OPTIONS (x = STRUCT(1 AS «)») AS SELECT 1",
        "CREATE MODEL m OPTIONS (x = 1 «AS» y) AS SELECT 1",
        "CREATE MODEL m OPTIONS (x = «$0») AS SELECT 1",
    ],
)
def test_malformed_lists(marked: str, refused: Callable[..., DatabaseError]) -> None:
    refused(marked, "syntax_error")


def test_bigquery_has_no_doubled_quotes(refused: Callable[..., DatabaseError]) -> None:
    error = refused("CREATE MODEL m OPTIONS (x = 'it'«'s'») AS SELECT 1", "syntax_error", "bigquery")
    assert error.hint is not None
    assert "\\'" in error.hint


def test_deep_nesting_is_an_error_of_ours(refused: Callable[..., DatabaseError]) -> None:
    refused(f"CREATE MODEL m OPTIONS (x = {'[' * 51}«[»{'[' * 5000}{']' * 5052}) AS SELECT 1", "syntax_error")


def test_a_string_without_quotes_gets_the_hint(refused: Callable[..., DatabaseError]) -> None:
    error = refused("CREATE MODEL m OPTIONS (model_type = «linear_reg») AS SELECT 1", "option_literal")
    assert error.hint == "write a string as 'linear_reg'"


@pytest.mark.parametrize("written", ["OPTIONS ()", "OPTIONS (a = 1)", "OPTIONS (a = 1,)", "options(A=1 , )"])
def test_option_lists(written: str) -> None:
    (node,) = parse_script(Source(f"CREATE MODEL m {written} AS SELECT 1"))
    assert isinstance(node, CreateModel)
    assert [option.name.lower() for option in node.options] == (["a"] if "1" in written else [])
