"""The reader of `.test` files."""

from __future__ import annotations

import pytest

from sqltest.records import Fails, Load, MalformedTest, Notices, Ok, Query, Reconnect, Require, read_records

FILE = """\
# name: a file

require session

statement ok
CREATE TABLE t AS
  SELECT 1 AS a

query IT rowsort header approx=1e-6
SELECT a, '# no comment' FROM t
----
a	b
1	# no comment
2	(empty)

notice imputed
two rows
column a

notice none

# another comment
# of two lines
statement error unknown_option 2:11
CREATE MODEL m
  OPTIONS (x = 1) AS SELECT 1
----
did you mean
this

statement error syntax_error
SELEC 1

load {tmp}/other.db readonly

reconnect

reconnect readonly
"""


def test_every_kind_of_record():
    assert read_records(FILE) == [
        Require(3, "session"),
        Ok(5, "CREATE TABLE t AS\n  SELECT 1 AS a"),
        Query(
            9, "SELECT a, '# no comment' FROM t", "IT", (("1", "# no comment"), ("2", "(empty)")),
            header=("a", "b"), is_sorted=True, approx=1e-6,
        ),
        Notices(16, "imputed", ("two rows", "column a")),
        Notices(20, "none", ()),
        Fails(24, "CREATE MODEL m\n  OPTIONS (x = 1) AS SELECT 1", "unknown_option", (2, 11), ("did you mean", "this")),
        Fails(31, "SELEC 1", "syntax_error", None, ()),
        Load(34, "{tmp}/other.db", read_only=True),
        Reconnect(36, read_only=False),
        Reconnect(38, read_only=True),
    ]  # fmt: skip


def test_a_query_may_expect_no_rows():
    assert read_records("query I\nSELECT 1 WHERE false\n----\n") == [Query(1, "SELECT 1 WHERE false", "I", ())]


def test_windows_line_ends():
    assert read_records("statement ok\r\nSELECT 1\r\n\r\n") == [Ok(1, "SELECT 1")]


def test_foreach():
    text = "foreach x 1 2\n\nforeach y a b\n\nstatement ok\nSELECT ${x}, '${y}'\n\nendloop\n\nendloop\n\nstatement ok\nSELECT 3\n"
    assert [record.sql for record in read_records(text)] == [
        "SELECT 1, 'a'", "SELECT 1, 'b'", "SELECT 2, 'a'", "SELECT 2, 'b'", "SELECT 3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("statement maybe\nSELECT 1", 1),
        ("\n\nstatement ok", 3),
        ("statement ok\nSELECT 1\n----\n1", 1),
        ("statement error\nSELECT 1", 1),
        ("statement error code 3\nSELECT 1", 1),
        ("query I\nSELECT 1", 1),
        ("query X\nSELECT 1\n----\n1", 1),
        ("query I sorted\nSELECT 1\n----\n1", 1),
        ("query II\nSELECT 1, 2\n----\n1 2", 1),
        ("foreach x 1\n\nstatement ok\nSELECT 1", 3),
        ("endloop", 1),
    ],
)
def test_what_is_not_in_the_format(text, line):
    with pytest.raises(MalformedTest, match=f"^line {line}: "):
        read_records(text)
