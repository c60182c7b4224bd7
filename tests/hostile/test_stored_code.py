"""Text in a database that is code: a TRANSFORM clause, a recorded training query. None of it runs but as what it may be."""

from __future__ import annotations

from pathlib import Path

import pytest
import sample_models
from forging import attacker, forget, model_id, set_array
from victim import Victim, assert_harmless

from sqlml.sql import literal

CLAUSES = [
    "(SELECT content FROM read_text('{secret}/secret.csv')) AS rooms",
    "read_text('{secret}/secret.csv') AS rooms",
    "(FROM read_csv('{secret}/secret.csv')) AS rooms",
    "rooms IN (SELECT a FROM read_csv('{secret}/secret.csv')) AS rooms",
    "EXISTS (FROM '{secret}/secret.csv') AS rooms",
    "getenv('HOME') AS rooms",
    "current_setting('temp_directory') AS rooms",
    "system.main.getenv('HOME') AS rooms",
    '"system"."main"."getenv"(\'HOME\') AS rooms',
    "\"getenv\"('HOME') AS rooms",
    "getvariable('x') AS rooms",
    "query('SELECT 1') AS rooms",
    "query_table('houses') AS rooms",
    "nextval('s') AS rooms",
    "random() AS rooms",
    "now() AS rooms",
    "list_transform([rooms], lambda x: getenv('HOME'))[1] AS rooms",
    "list_transform([rooms], lambda getenv: getenv)[1] AS rooms",
    "list_reduce(range(1000000000), lambda x, y: x + y) AS rooms",
    "apply([rooms], x -> (SELECT 1))[1] AS rooms",
    "repeat('x', 1000000000000) AS rooms",
    "range(1000000000000) AS rooms",
    "rooms OVER (PARTITION BY side) AS rooms",
    "sum(rooms) OVER () AS rooms",
    "COLUMNS(*) AS rooms",
    "rooms::STRUCT(a INTEGER) AS rooms",
    "CAST(rooms AS (SELECT 1)) AS rooms",
    "hidden(rooms) AS rooms",
    "main.hidden(rooms) AS rooms",
    "rooms) FROM houses; COPY houses TO '{secret}/out.csv'; SELECT (1 AS rooms",
    "rooms AS rooms; DROP TABLE houses",
    "rooms AS rooms /* */ FROM houses --",
    "rooms AS \"rooms\" FROM read_csv('{secret}/secret.csv'); --",
    "ML.PREDICT(MODEL price, TABLE houses) AS rooms",
    "$1 AS rooms",
    "? AS rooms",
    "rooms AS rooms, rooms AS ROOMS",
    "E'\\x1b]0;x' AS rooms",
    "try(getenv('HOME')) AS rooms",
    "if(TRUE, getenv('HOME'), '') AS rooms",
    "glob('{secret}/*') AS rooms",
    "getenv\u00a0('HOME') AS rooms",
    "getenv/**/('HOME') AS rooms",
    "'HOME'.getenv() AS rooms",
    "rooms.getenv() AS rooms",
    "parse_path('/').getenv() AS rooms",
    "pg_sleep(100) AS rooms",
    "write_log('x') AS rooms",
    "",
    "\x00",
]
DEEP = ["(" * 10_000 + "rooms" + ")" * 10_000, "-" * 10_000 + "rooms", "rooms" + " + 1" * 10_000, "[" * 10_000 + "]" * 10_000, "abs(" * 10_000 + ")" * 10_000,
        "CASE WHEN TRUE THEN " * 5_000, "rooms" + "[1]" * 10_000, "rooms" + "::DOUBLE" * 10_000, "NOT " * 10_000 + "TRUE", "/*" * 10_000, "'" * 9_999, "$$" * 9_999,
        "STRUCT(" * 10_000, "rooms" + ".a" * 10_000, "x," * 100_000]  # fmt: skip


def attack_clause(database: Path, victim: Victim, secret: Path, clause: str) -> None:
    with attacker(database) as connection:
        connection.execute("CREATE MACRO hidden(x) AS (SELECT max(content) FROM read_text('/etc/hostname')); CREATE SEQUENCE s")
        set_array(connection, "big", "clause", f"[{literal(clause)}]", section="transform")
    forget(secret)
    answers = victim.run(database, sample_models.statements("big"))
    assert_harmless(answers)
    assert {answer.code for answer in answers.statements if "ML.TRANSFORM" in answer.statement} == {"damaged_state"}
    left = victim.run(database, ["SELECT count(*) FROM houses", "SELECT nextval('s')"])
    assert [answer.rows for answer in left.statements] == [[["300"]], [["1"]]]


@pytest.mark.parametrize("clause", CLAUSES)
def test_a_clause_that_reads_more_than_its_row(database: Path, secret: Path, victim: Victim, clause: str) -> None:
    attack_clause(database, victim, secret, clause.format(secret=secret))


@pytest.mark.parametrize("clause", DEEP, ids=range(len(DEEP)))
def test_a_clause_without_an_end(database: Path, secret: Path, victim: Victim, clause: str) -> None:
    attack_clause(database, victim, secret, f"{clause} AS rooms, is_big")


QUERIES = [
    "COPY houses TO '{secret}/out.csv'",
    "SELECT * FROM houses; COPY houses TO '{secret}/out.csv'",
    "WITH x AS (COPY houses TO '{secret}/out.csv') FROM x",
    "SELECT 1 AS rooms, 2e0 AS price FROM read_text('{secret}/secret.csv')",
    "ATTACH '{secret}/out.duckdb' AS out",
    "INSTALL httpfs",
    "EXPORT DATABASE '{secret}/all'",
    "DROP TABLE houses",
    "SELECT * FROM query('COPY houses TO ''{secret}/out.csv''')",
    "PRAGMA database_list",
    "SET allow_unsigned_extensions = TRUE",
    "(" * 10_000 + "SELECT 1" + ")" * 10_000,
    "",
]


@pytest.mark.parametrize("verb", ["REFRESH MODEL price", "VERIFY MODEL price"])
@pytest.mark.parametrize("query", QUERIES)
def test_a_recorded_query_of_a_stranger_does_not_run(database: Path, secret: Path, victim: Victim, verb: str, query: str) -> None:
    with attacker(database) as connection:
        text = query.format(secret=secret)
        statement = f"CREATE MODEL price OPTIONS (model_type = 'linear_reg', input_label_cols = ['price']) AS {text}"
        connection.execute(
            "UPDATE sqlml._versions SET query = ?, statement = ? WHERE model_id = ?", [text, statement, model_id(connection, "price")]
        )
    forget(secret)
    answers = victim.run(database, [verb, "SELECT count(*) FROM houses"])
    if answers.statements[0].code == "statement_not_supported":
        pytest.skip("the statement is not there yet")
    assert_harmless(answers)
    assert answers.statements[0].code != ""
    assert answers.statements[1].rows == [["300"]]


BOMBS = [
    "repeat('x', 2000000000)", "lpad('x', 2000000000, 'x')", "'x'.repeat(2000000000)", "system.main.repeat('x', 2000000000)", "range(1000000000)",
    "generate_series(1, 1000000000 + CAST(rooms AS BIGINT))", "list_resize([rooms], 1000000000, 1.0)", "printf('%2000000000d', 1)",
    "printf('%*d', 2000000000, 1)", "format('{:>2000000000}', 1)", "repeat('x', CAST(1e9 AS BIGINT))", "\"Repeat\"('x', 1000 * 1000 * 1000)",
]  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_clause_that_makes_much_out_of_nothing(database: Path, victim: Victim, bomb: str) -> None:
    # The statistics stay as they are, so that nothing else is wrong with the clause.
    with attacker(database) as connection:
        (clause,) = connection.execute(
            "SELECT strings[1] FROM sqlml._state WHERE name = 'clause' AND contains(strings[1], 'is_big')"
        ).fetchone()
        set_array(connection, "big", "clause", f"[{literal(f'{clause}, length(to_json({bomb})) AS more')}]", section="transform")
    answers = victim.run(database, ["DESCRIBE MODEL big", "SELECT * FROM ML.TRANSFORM(MODEL big, TABLE houses)"])
    assert_harmless(answers)
    assert answers.codes() == {"damaged_state"}
    assert answers.peak_mb < 200
