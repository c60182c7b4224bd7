"""Names in messages and hints: what is shown can be typed back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import sqlml
from sqlml.catalog.records import ModelKey
from sqlml.shown_names import CLAUSE_WORDS, RESERVED, listed, shown_name, typed_name
from sqlml.sql import quote
from sqlml.syntax.names import unquote
from sqlml.syntax.tokens import TokenKind, tokenize

NAMES = ("a@1", "a.b", "it's", "two words", 'say "x"', "select", "Größe", "1st", "a-b", "a$b", "`tick`")
LONG = "start" + "n" * 1000 + "end"


@pytest.mark.parametrize("name", [*NAMES, "plain", "_x", "If", LONG])
def test_a_name_is_typed_as_it_is_read(name: str) -> None:
    (token,) = tokenize(typed_name(name))
    assert unquote(token, "duckdb") == name
    assert (token.kind is TokenKind.WORD) == (name.isidentifier() and name.upper() not in RESERVED | CLAUSE_WORDS)
    assert typed_name(name) == (shown_name(name) if name != LONG else name)


def test_what_is_shown_is_short_and_on_one_line() -> None:
    assert shown_name("a\nb\x1b") == '"a\\nb\\x1b"'
    assert 70 < len(shown_name(LONG)) <= 80
    assert re.fullmatch("startn+…n+end", shown_name(LONG))
    assert len(shown_name("\U000e0041" * 1000)) < 1000
    assert str(ModelKey("db", "main", "a.b")) == '"a.b"'
    assert str(ModelKey("db", "a", "b")) == "a.b"
    assert str(ModelKey("db", "a.b", "select")) == '"a.b"."select"'
    assert ModelKey("db", "s", LONG).typed == f"s.{LONG}"


def test_a_list_that_is_cut_says_so() -> None:
    assert listed(["a", "b.c"]) == 'a, "b.c"'
    assert listed([f"m{n}" for n in range(20)]).endswith(", m11, …")
    assert listed([f"m{n}" for n in range(12)]).endswith(", m11")


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlml.Connection]:
    with sqlml.connect() as opened:
        opened.execute("CREATE TABLE t AS SELECT i AS x, 2.0 * i AS label FROM range(20) r(i)")
        for model in ("a", "b", *map(quote, NAMES), quote(LONG)):
            opened.execute(f"CREATE MODEL {model} OPTIONS (model_type = 'linear_reg') AS FROM t")
        yield opened


def refused(connection: sqlml.Connection, statement: str) -> sqlml.Error:
    with pytest.raises(sqlml.Error) as caught:
        connection.execute(statement)
    return caught.value


@pytest.mark.parametrize("name", NAMES)
def test_hints_lead_to_the_model_that_they_are_about(connection: sqlml.Connection, name: str) -> None:
    wanted = typed_name(name)
    error = refused(connection, f"DROP MODEL {quote(name)}@1")
    assert error.message == f"version 1 of model {wanted} is its default"
    assert error.hint == f"ALTER MODEL {wanted} SET DEFAULT VERSION = another one first, or DROP MODEL {wanted} with all versions"
    assert refused(connection, f"DROP MODEL {quote(name)}@2").message == f"model {wanted} has no version 2"
    assert (refused(connection, f"DROP MODEL {quote(name)}@none").hint or "").startswith(f"ALTER MODEL {wanted} SET ALIAS none = 1")
    alias = typed_name(f"of {name}")
    assert connection.execute(f"ALTER MODEL {wanted} SET ALIAS {alias} = 1").statusmessage == f"model {wanted}: alias {alias} is version 1"
    assert f"there are: {alias}" in (refused(connection, f"DROP MODEL {quote(name)}@none").hint or "")
    connection.execute(f"ALTER MODEL {wanted} DROP ALIAS {alias}")
    assert refused(connection, f"CREATE MODEL {quote(name)} OPTIONS (model_type = 'pca') AS SELECT x FROM t").message.endswith(f" {wanted}")
    predict = refused(connection, f"SELECT * FROM ML.PREDICT(MODEL {quote(name)}, (SELECT 1 AS y))")
    assert f"of model {wanted}" in predict.message


def test_hints_of_models_that_are_not_there(connection: sqlml.Connection) -> None:
    assert refused(connection, 'DROP MODEL "a.b@2"').message == 'there is no model "a.b@2"'
    assert refused(connection, "DROP MODEL a.b@2").message == "there is no model a.b"
    assert refused(connection, 'DROP MODEL "two wirds"').hint == 'did you mean "two words"?'
    hint = refused(connection, "DROP MODEL xyzxyzxyz").hint or ""
    assert hint.startswith("there are: ")
    assert hint.endswith(", …")
    assert '"1st", ' in hint
    connection.execute('CREATE SCHEMA "s.t"')
    assert refused(connection, 'SHOW MODELS FROM "s.u"').message == 'there is no schema "s.u" in database memory'
    connection.execute("""CREATE MODEL "s.t"."else where" OPTIONS (model_type = 'linear_reg') AS FROM t""")
    assert refused(connection, 'DROP MODEL "else where"').hint == 'there is a model "s.t"."else where"'
    assert refused(connection, 'DROP MODEL "s.t"."else where"@1').message == 'version 1 of model "s.t"."else where" is its default'


def test_a_long_name_is_shortened(connection: sqlml.Connection) -> None:
    error = refused(connection, f"DROP MODEL {LONG}@1")
    assert len(error.message) < 200
    assert len(error.hint or "") < 300
    assert "start" in error.message
    assert "end is" in error.message
