"""TO_JSON_STRING to the last character for every type, over rows and into fingerprints; JSON values by subscript; paths."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import sqlml
from sqlml.bigquery.functions.json import path
from sqlml.bigquery.translate import Context, translate
from sqlml.errors import Error


@pytest.fixture(scope="module")
def session() -> Iterator[sqlml.Connection]:
    with sqlml.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        opened._session._settings.dialect = "bigquery"
        opened.execute("CREATE TABLE t AS SELECT 1 AS id, 'x' AS name, [1.5, 2.0] AS v UNION ALL SELECT 2, NULL, []")
        opened.execute("""CREATE TABLE documents AS SELECT JSON '{"a": [1, {"b": "x"}]}' AS j, [7, 8] AS numbers""")
        yield opened


def _value(session: sqlml.Connection, expression: str) -> object:
    ((value,),) = session.execute(f"SELECT {expression}").fetchall()
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("NULL", "null"), ("9007199254740992", "9007199254740992"), ("-9007199254740993", '"-9007199254740993"'), ("1.0", "1"), ("1e25", "1e+25"),
        ("0.1 + 0.2", "0.30000000000000004"), ("0.1 + 0.7", "0.79999999999999993"), ("1e15", "1e+15"), ("123456789012345.0", "123456789012345"),
        ("0.00001", "1e-05"), ("-0.5", "-0.5"), ("5e-324", "4.94065645841247e-324"), ("0.0", "0"), ("CAST('nan' AS FLOAT64)", '"NaN"'),
        ("CAST('-inf' AS FLOAT64)", '"-Infinity"'), ("TRUE", "true"), ("'foo'", '"foo"'), ("'Моша_鰻'", '"Моша_鰻"'),
        (r"'a\"in\"between\\slashes/'", r'"a\"in\"between\\slashes/"'), (r"'\x01\x0b\x1f\n\t\x7f'", '"\\u0001\\u000b\\u001f\\n\\t\x7f"'),
        (r"'\u2028\\u2028'", r'"\u2028\\u2028"'), ("b''", '""'), ("b'abcABC'", '"YWJjQUJD"'), ("DATE '2017-06-25'", '"2017-06-25"'),
        ("DATETIME '2017-06-25 12:34:56.12'", '"2017-06-25T12:34:56.120"'), ("DATETIME '0001-01-01'", '"0001-01-01T00:00:00"'),
        ("TIMESTAMP '2017-06-25 12:34:56.12345'", '"2017-06-25T12:34:56.123450Z"'), ("TIMESTAMP '2017-06-25 05:13:00+02'", '"2017-06-25T03:13:00Z"'),
        ("TIME '23:59:59.999999'", '"23:59:59.999999"'), ("NUMERIC '123.56'", '"123.56"'), ("NUMERIC '-1'", "-1"),
        ("NUMERIC '9007199254740993'", '"9007199254740993"'), ("INTERVAL '1-2 3 4:5:6.789' YEAR TO SECOND", '"P1Y2M3DT4H5M6.789S"'),
        ("INTERVAL 0 DAY", '"P0Y"'), ("JSON '{\"b\": 1, \"a\": [1, 2.0]}'", '{"a":[1,2.0],"b":1}'), ("[1, NULL, -10]", "[1,null,-10]"),
        ("CAST([] AS ARRAY<INT64>)", "[]"), ("CAST(NULL AS ARRAY<INT64>)", "null"), ("STRUCT(5 AS x, [STRUCT('a' AS `y\"`)] AS z)", '{"x":5,"z":[{"y\\"":"a"}]}'),
        ("(SELECT AS STRUCT 1 AS a, 'b' AS b)", '{"a":1,"b":"b"}'),
    ],
)  # fmt: skip
def test_the_text_of_a_value(value: str, text: str, session: sqlml.Connection) -> None:
    assert _value(session, f"TO_JSON_STRING({value})") == text


def test_the_text_over_lines(session: sqlml.Connection) -> None:
    found = _value(
        session,
        'TO_JSON_STRING(STRUCT([10, 11] AS a, CAST([] AS ARRAY<INT64>) AS b, STRUCT(20 AS d, JSON \'{"z":{"y":1}}\' AS j) AS c), TRUE)',
    )
    assert found == (
        '{\n  "a": [\n    10,\n    11\n  ],\n  "b": [],\n  "c": {\n    "d": 20,\n    "j": {\n      "z": {\n        "y": 1\n      }\n    }\n  }\n}'
    )


def test_a_row(session: sqlml.Connection) -> None:
    texts = ['{"id":1,"name":"x","v":[1.5,2]}', '{"id":2,"name":null,"v":[]}']
    for query in (
        "SELECT TO_JSON_STRING(t) FROM t ORDER BY id", "SELECT TO_JSON_STRING(u) FROM (SELECT * FROM t) AS u ORDER BY id",
        "WITH w AS (SELECT * FROM t) SELECT TO_JSON_STRING(w) FROM w ORDER BY id",
    ):  # fmt: skip
        assert [text for (text,) in session.execute(query).fetchall()] == texts


def test_an_array_of_the_row_around(session: sqlml.Connection) -> None:
    found = session.execute("SELECT ARRAY(SELECT TO_JSON_STRING(e) FROM UNNEST(t.v) AS e) FROM t ORDER BY id").fetchall()
    assert found == [(["1.5", "2"],), ([],)]


def test_the_fingerprint_of_a_row(session: sqlml.Connection) -> None:
    """The documented values of FARM_FINGERPRINT, and that a row is hashed by its text."""
    found = session.execute(
        "WITH example AS (SELECT 1 AS x, 'foo' AS y, true AS z UNION ALL SELECT 2, 'apple', false UNION ALL SELECT 3, '', true)"
        " SELECT FARM_FINGERPRINT(CONCAT(CAST(x AS STRING), y, CAST(z AS STRING))) FROM example ORDER BY x"
    ).fetchall()
    assert found == [(-1541654101129638711,), (2794438866806483259,), (-4880158226897771312,)]
    ((row, text),) = session.execute(
        'SELECT FARM_FINGERPRINT(TO_JSON_STRING(t)), FARM_FINGERPRINT(\'{"id":1,"name":"x","v":[1.5,2]}\') FROM t WHERE id = 1'
    ).fetchall()
    assert row == text


def test_to_json(session: sqlml.Connection) -> None:
    assert _value(session, "TO_JSON(STRUCT(1 AS id, [10, 20] AS a))") == '{"a":[10,20],"id":1}'
    assert _value(session, "TO_JSON(9007199254740993)") == "9007199254740993"
    assert _value(session, "TO_JSON(9007199254740993, stringify_wide_numbers => TRUE)") == '"9007199254740993"'


def test_in_the_other_flavour_to_json_is_the_engines() -> None:
    with sqlml.connect() as plain:
        assert plain.execute("SELECT to_json({'a': 1.0::DOUBLE}), to_json_string({'a': 1.0::DOUBLE})").fetchall() == [
            ('{"a":1.0}', '{"a":1}')
        ]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("j['a'][0]", "1"), ("j.a[1].b", '"x"'), ("j.a[5]", None), ("j['c']", None), ("STRING(j.a[1].b)", "x"), ("INT64(j.a[0])", 1),
        ("numbers[0]", 7), ("numbers[OFFSET(1)]", 8), ("numbers[SAFE_OFFSET(2)]", None), ("JSON_VALUE(j, '$.a[1].b')", "x"), ("JSON_TYPE(j.a)", "array"),
    ],
)  # fmt: skip
def test_subscripts(expression: str, value: object, session: sqlml.Connection) -> None:
    assert session.execute(f"SELECT {expression} FROM documents").fetchall() == [(value,)]


@pytest.mark.parametrize("expression", ["numbers[2]", "numbers[-1]", "INT64(j)", "PARSE_JSON('{')", "STRING(j.a[0])"])
def test_what_is_not_there_or_of_another_type_is_an_error(expression: str, session: sqlml.Connection) -> None:
    with pytest.raises(Error):
        session.execute(f"SELECT {expression} FROM documents").fetchall()


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("$", "$"), ("$.a", '$."a"'), ("$.a.b[3]", '$."a"."b"[3]'), ('$."a.b"', '$."a.b"'), ("$['a.b']", '$."a.b"'), ("$.a-b", '$."a-b"'),
        ("a", None), ("$..a", None), ("$.*", None), ("$[*]", None), ("$.a[", None), ("$.", None), ("lax $.a", None),
    ],
)  # fmt: skip
def test_paths(written: str, found: str | None) -> None:
    assert path(written) == found


@pytest.mark.parametrize(
    "call",
    ["JSON_VALUE(x, '$..a')", "JSON_VALUE(x, y)", "JSON_QUERY(x, 'a')", "JSON_KEYS(x)", "JSON_OBJECT('a', 1, 'b')", "PARSE_JSON(x, y)"],
)
def test_what_cannot_be_translated_is_refused(call: str) -> None:
    with pytest.raises(Error) as caught:
        translate(f"SELECT {call} FROM t", Context())
    assert caught.value.span is not None
