"""FORMAT: flags, widths and precisions of every directive, NULL, and what is refused."""

from __future__ import annotations

import duckdb
import pytest
from bigquery_values import connect, value_of

from sqlml.bigquery.translate import Context, translate
from sqlml.errors import Error


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return connect()


INTEGERS = [
    ("%d", 5, "5"), ("%3d", 5, "  5"), ("%.3d", 5, "005"), ("%5.3d", 5, "  005"), ("%+5.3d", 5, " +005"), ("%03d", 5, "005"), ("%0.3d", 5, "005"),
    ("%-3d", 5, "5  "), ("%+3d", 6, " +6"), ("%+-3d", 5, "+5 "), ("%-03d", 5, "5  "), ("%+03d", 5, "+05"), ("%d", -5, "-5"), ("%3d", -5, " -5"),
    ("%03d", -5, "-05"), ("%-03d", -5, "-5 "), ("%5.3d", -5, " -005"), ("%+6.4d", 123, " +0123"), ("%+06.4d", 123, " +0123"), ("% d", 123, " 123"),
    ("% 05d", 123, " 0123"), ("%+d", 0, "+0"), ("%x", 30, "1e"), ("%x", -30, "-1e"), ("%x", -(2**63), "-8000000000000000"), ("%o", 30, "36"),
    ("%o", -30, "-36"), ("%i", 7, "7"), ("%X", 106, "6A"), ("%#x", 106, "0x6a"), ("%#X", 106, "0X6A"), ("%.4X", 1, "0001"), ("%#.4X", 1, "0X0001"),
    ("%#8.4X", 1, "  0X0001"), ("%#-8.4X", 1, "0X0001  "), ("%#o", 55, "067"), ("%-#6.4o", 55, "0067  "), ("%6.4o", 55, "  0067"),
    ("%'d", 1, "1"), ("%'d", -321, "-321"), ("%'d", 4321, "4,321"), ("%'d", -987654321, "-987,654,321"), ("%'7d", 54321, " 54,321"),
    ("%'03d", 54321, "54,321"), ("%'+-3d", 54321, "+54,321"), ("%'-08d", 54321, "54,321  "), ("%'+09d", 54321, "+0054,321"),
    ("%'x", 0x123456789ABCDEF, "123:4567:89ab:cdef"), ("%'#X", 0x123ABC, "0X12:3ABC"), ("%'.5X", 1, "0:0001"), ("%'o", 55555, "15,4403"),
    ("%'#o", 55555, "015,4403"), ("%'015d", 1234567, "0000001,234,567"), ("%'015x", 1234567, "0000000012:d687"), ("%0#20x", -123, "-0x0000000000000007b"),
    ("%d", 2**63 - 1, "9223372036854775807"), ("%d", -(2**63), "-9223372036854775808"), ("%6.3d", 10000, " 10000"), ("%6.3t", 10000, "   100"),
]  # fmt: skip
REALS = [
    ("%f", "0.0", "0.000000"), ("%f", "-10.25", "-10.250000"), ("%'f", "0.1", "0.100000"), ("%'010.5f", "0.1", "0000.10000"),
    ("%' 010.5f", "0.1", " 000.10000"), ("%' 010.5f", "-0.1", "-000.10000"), ("%'+010.5f", "0.1", "+000.10000"), ("%f", "1e20", "100000000000000000000.000000"),
    ("%'f", "1e20", "100,000,000,000,000,000,000.000000"), ("%g", "0.0", "0"), ("%g", "1e20", "1e+20"), ("%'g", "1e20", "1e+20"), ("%G", "1e20", "1E+20"),
    ("%e", "-10.25", "-1.025000e+01"), ("%'E", "1e20", "1.000000E+20"), ("%0# 15.5g", "-158.49559295148902", "-00000000158.50"), ("%6.2f", "1.1", "  1.10"),
    ("%+6.2f", "1.1", " +1.10"), ("%-6.2f|", "1.1", "1.10  |"), ("%06.2f", "1.1", "001.10"), ("%'015.7f", "1234567.0", "1,234,567.0000000"),
    ("%'015.2f", "1234567.0", "0001,234,567.00"), ("%'015.2g", "1234567.0", "000000001.2e+06"), ("%+'015.2f", "1234567.0", "+001,234,567.00"),
    ("% '015.2e", "-1234567.0", "-0000001.23e+06"), ("%'015.0g", "1234567.0", "00000000001e+06"), ("%- '15.2f", "1234567.0", " 1,234,567.00  "),
    ("%'g", "1000.0", "1,000"), ("%f", "CAST('nan' AS FLOAT64)", "nan"), ("%F", "CAST('inf' AS FLOAT64)", "INF"), ("%015.2g", "CAST('-inf' AS FLOAT64)", "           -inf"),
    ("%-'7.2f|", "CAST('inf' AS FLOAT64)", "inf    |"), ("%.2f", "NUMERIC '2.345'", "2.35"), ("%.2f", "NUMERIC '-2.345'", "-2.35"), ("%f", "NUMERIC '1'", "1.000000"),
    ("%.12f", "NUMERIC '0.5'", "0.500000000000"), ("%.0f", "NUMERIC '2.5'", "3"), ("%.0f", "2.5", "2"), ("%'.2f", "NUMERIC '12345.6789'", "12,345.68"),
    ("%t", "15.5", "15.5"), ("%t", "15.0", "15.0"), ("%t", "1e25", "1e+25"), ("%t", "CAST('nan' AS FLOAT64)", "nan"), ("%T", "CAST('-inf' AS FLOAT64)", 'CAST("-inf" AS FLOAT64)'),
    ("%t", "[4.0, -2.5, CAST('nan' AS FLOAT64)]", "[4.0, -2.5, nan]"), ("%T", "[CAST('-inf' AS FLOAT64)]", '[CAST("-inf" AS FLOAT64)]'),
]  # fmt: skip
TEXTS = [
    ("%s", "'abc'", "abc"), ("%5s", "'abc'", "  abc"), ("%-5s|", "'abc'", "abc  |"), ("%05s", "'abc'", "  abc"), ("%.2s", "'abc'", "ab"), ("%.0s|", "'abc'", "|"),
    ("%.s|", "'abc'", "|"), ("%5s", "'*€*'", "  *€*"), ("%.2s", "'*€*'", "*€"), ("%-5.2s|", "'*€*'", "*€   |"), ("%'s", "'abc'", "abc"),
    ("%t", "b'abc123\\x01\\x02\\xab\\xff'", r"abc123\x01\x02\xab\xff"), ("%t", "b'quote\\'\\\"quote'", "quote\\'\\\"quote"), ("%T", "b'abc'", 'b"abc"'), ("%T", "b'a\"b'", "b'a\"b'"), ("%T", "b'a\"\\'b'", 'b"a\\"\'b"'),
    ("%T", "b'\\xd1\\n'", r'b"\xd1\n"'), ("%t", "TRUE", "true"), ("%T", "DATETIME '2016-04-26 15:23:27.123456'", 'DATETIME "2016-04-26 15:23:27.123456"'),
    ("%t", "DATETIME '2016-04-26 15:23:27.1'", "2016-04-26 15:23:27.100"), ("%T", "TIME '15:23:27'", 'TIME "15:23:27"'), ("%T", "NUMERIC '1.50'", 'NUMERIC "1.5"'),
    ("%t", "[DATETIME '1970-01-01', NULL]", "[1970-01-01 00:00:00, NULL]"), ("%T", "'a\\nb\\\\'", r'"a\nb\\"'), ("%T", "'a\\'b\"c'", r'''"a'b\"c"'''),
    ("%t", "CAST(NULL AS ARRAY<INT64>)", "NULL"), ("%12t", "'ab'", "          ab"), ("%t", "JSON '{\"b\":1,\"a\":2}'", '{"a":2,"b":1}'),
    ("%T", "JSON '{\"a\":2}'", "JSON '{\"a\":2}'"), ("%.3T", "'abc'", '"ab'), ("%T", "[DATE '2026-01-31']", '[DATE "2026-01-31"]'),
]  # fmt: skip


@pytest.mark.parametrize(("format_", "argument", "value"), [*INTEGERS, *REALS, *TEXTS])
def test_one_directive(format_: str, argument: object, value: str, connection: duckdb.DuckDBPyConnection) -> None:
    assert value_of(f'FORMAT("""{format_}""", {argument})', connection) == value


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ("'%*d', -4, 7", "7   "), ("'%-*d|', 4, 7", "7   |"), ("'%*.*d', 5, 3, -5", " -005"), ("'%*.*d', -5, -3, -5", "-5   "), ("'%.*s', -2, 'abc'", "abc"),
        ("'%.*s', 2, 'abc'", "ab"), ("'%*.*f', 10, -2, 1.1", "  1.100000"), ("'%*.*f', -10, 2, 1.1", "1.10      "), ("'%+0*d', 5, 123", "+0123"),
        ("'%s %d%%', 'x', 5", "x 5%"), ("'%d-%d', 1, NULL", "NULL"), ("'%*d', NULL, 1", "NULL"), ("'%t-%T', NULL, 'x'", 'NULL-"x"'), ("''", ""),
    ],
)  # fmt: skip
def test_several_arguments(arguments: str, value: str, connection: duckdb.DuckDBPyConnection) -> None:
    assert value_of(f"FORMAT({arguments})", connection) == value


@pytest.mark.parametrize(
    "arguments",
    [
        "'%d'",
        "'%d', 1, 2",
        "'abc', 1",
        "'%%', 1",
        "'%Z', 1",
        "'%5', 1",
        "'%', 1",
        "'%lld', 1",
        "'%1$d', 1",
        "'%p', 1",
        "CONCAT('%', 'd'), 1",
    ],
)
def test_a_format_that_does_not_fit_is_refused(arguments: str) -> None:
    with pytest.raises(Error) as caught:
        translate(f"SELECT FORMAT({arguments})", Context())
    assert caught.value.span is not None


@pytest.mark.parametrize(
    "arguments", ["'%d', 1.5", "'%d', 'a'", "'%f', 1", "'%f', 'a'", "'%s', 1", "'%s', b'a'", "'%x', TRUE", "'%t', STRUCT(1 AS a)"]
)
def test_a_value_of_another_type_is_an_error(arguments: str, connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match="FORMAT"):
        value_of(f"FORMAT({arguments})", connection)


@pytest.mark.parametrize("format_", ["%.2f", "%e", "%g", "%10.3f", "%-12.1e|", "%+g", "%.0f", "%012.4f", "% .3g"])
def test_real_numbers_as_in_c(format_: str, connection: duckdb.DuckDBPyConnection) -> None:
    values = [0.1, -0.5, 2.5, 1e-7, 123456.789, 99999.95, 1e15, -3.0000001, 1 / 3]
    array = ", ".join(map(repr, values))
    query = translate(f"SELECT ARRAY_AGG(FORMAT('{format_}', x) ORDER BY i) FROM UNNEST([{array}]) AS x WITH OFFSET AS i", Context())
    ((found,),) = connection.execute(query).fetchall()
    assert found == [format_ % value for value in values]
