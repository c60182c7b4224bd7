"""DuckDB's failures: class, code, place and hint; never its decoration."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sqlml.engines.duckdb import DuckDBEngine, open_engine
from sqlml.engines.duckdb_errors import translated
from sqlml.errors import (
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)


@pytest.fixture
def engine() -> Iterator[DuckDBEngine]:
    engine = open_engine()
    engine.run("CREATE TABLE t (i INTEGER PRIMARY KEY, s VARCHAR, value DOUBLE)")
    engine.run("CREATE TYPE mood AS ENUM ('sad', 'ok')")
    yield engine
    engine.close()


def failure(engine: DuckDBEngine, sql: str) -> Error:
    with pytest.raises(Error) as caught:
        engine.rows(sql)
    error = caught.value
    text = f"{error.message} {error.hint}"
    for decoration in ("Error:", "LINE ", "^", "Traceback", "Arrow", "pybind", "Did you mean", "Candidate", "\n"):
        assert decoration not in text
    return error


PLACES = [
    # the place between « and »
    ("SELECT 'ä€', «foo» FROM t", ProgrammingError, "unknown_column"),
    ("SELECT 'é',  «nofn(i)» FROM t", ProgrammingError, "unknown_function"),
    ("«selec» 1", ProgrammingError, "syntax_error"),
    ("SELECT 'ü', i+ «FROM» t", ProgrammingError, "syntax_error"),
    ("SELECT '日本語', '👩\u200d👩\u200d👧', i+ «FROM» t", ProgrammingError, "syntax_error"),
    ("SELECT * FROM «nope»", ProgrammingError, "unknown_table"),
    ("SELECT 'ü', «CAST('ä' AS INTEGER)»", DataError, "conversion_error"),
    ("WITH a AS (SELECT 1 AS b) SELECT «a.q» FROM a", ProgrammingError, "unknown_column"),
    ("SELECT «t.j» FROM t", ProgrammingError, "unknown_column"),
    ("SELECT '日本語', «foo» FROM t", ProgrammingError, "unknown_column"),
    ("SELECT '👩\u200d👩\u200d👧', '🇩🇪', «foo» FROM t", ProgrammingError, "unknown_column"),
    ("SELECT 'e\u0301', '❤️☎ ©™', '½×—', «foo» FROM t", ProgrammingError, "unknown_column"),
    ("SELECT\t'x',\t\t«foo»\tFROM t", ProgrammingError, "unknown_column"),
    ("SELECT '日本語',\n 'é', '한국어', «foo»\nFROM t", ProgrammingError, "unknown_column"),
    ("SELECT 'é',\r\n 'é', «foo»\r\nFROM t", ProgrammingError, "unknown_column"),
    ("\n\n  SELECT 1,\n\n 'é', «foo»", ProgrammingError, "unknown_column"),
    ("-- é comment\n/* a /* nested */ one */ ; SELECT «foo»", ProgrammingError, "unknown_column"),
    ("\ufeffSELECT «foo»", ProgrammingError, "unknown_column"),
    ("SELECT 1,\u00a0«foo»", ProgrammingError, "unknown_column"),
    ("SELECT " + "'é' || " * 60 + "«foo», " + "'x', " * 60 + "1 FROM t", ProgrammingError, "unknown_column"),
    ("SELECT 'é', CAST('x' AS «nosuch»)", ProgrammingError, "unknown_type"),
    ("SELECT «i» FROM t a, t b", ProgrammingError, "ambiguous_column"),
    ("SELECT 1, «sum(i, i, i)» FROM t", ProgrammingError, "function_arguments"),
    ("SELECT «nope.i» FROM t", ProgrammingError, "unknown_table"),
    ("INSERT INTO «nope» VALUES (1)", ProgrammingError, "unknown_table"),
    ("DROP TABLE «nope»", ProgrammingError, "unknown_table"),
    ("USE «nope»", ProgrammingError, "unknown_schema"),
    ("SET «nosuch» = 1", ProgrammingError, "unknown_setting"),
    ("SELECT 'b'«::mood»", DataError, "conversion_error"),
    ("SELECT * FROM «read_csv('nope.csv')»", OperationalError, "file_not_found"),
    ("SELECT 'é', «'»abc", ProgrammingError, "syntax_error"),
]


@pytest.mark.parametrize(("marked", "kind", "code"), PLACES)
def test_errors_point_at_their_place(engine: DuckDBEngine, marked: str, kind: type[Error], code: str) -> None:
    sql = marked.replace("«", "").replace("»", "")
    error = failure(engine, sql)
    assert (type(error), error.code) == (kind, code)
    start = marked.index("«")
    assert error.span is not None
    assert (error.span.start, error.span.end) == (start, marked.index("»") - 1)


BOUND = [case for case in PLACES if "SELECT" in case[0] and case[1] is ProgrammingError and case[2] != "syntax_error"]


@pytest.mark.parametrize(("marked", "kind", "code"), BOUND)
def test_describe_points_at_the_same_place(engine: DuckDBEngine, marked: str, kind: type[Error], code: str) -> None:
    sql = marked.replace("«", "").replace("»", "")
    for use in (engine.describe, engine.batches):
        with pytest.raises(kind) as caught:
            use(sql)
        assert caught.value.code == code
        assert caught.value.span is not None
        assert caught.value.span.start == marked.index("«")


@pytest.mark.parametrize(
    ("sql", "kind", "code"),
    [
        ("INSERT INTO t VALUES (1, 'a', 0), (1, 'b', 0)", IntegrityError, "constraint_violation"),
        ("INSERT INTO t VALUES (NULL, 'a', 0)", IntegrityError, "constraint_violation"),
        ("SELECT CAST(2147483647 AS INTEGER) + CAST(1 AS INTEGER)", DataError, "out_of_range"),
        ("SELECT 5 % 0", DataError, "division_by_zero"),
        ("SELECT (SELECT 1 UNION ALL SELECT 2)", DataError, "several_rows"),
        ("CREATE TABLE t (i INTEGER)", ProgrammingError, "already_exists"),
        ("INSERT INTO t (nocolumn) VALUES (1)", ProgrammingError, "unknown_column"),
        ("UPDATE t SET nocolumn = 1", ProgrammingError, "unknown_column"),
        ("SELECT * EXCLUDE (q) FROM t", ProgrammingError, "unknown_column"),
        ("COMMIT", ProgrammingError, "no_transaction"),
        ("SELECT error('a message')", ProgrammingError, "engine_error"),
        ("ATTACH '/nonexistent/x.db'", OperationalError, "file_not_found"),
        ("LOAD nosuchextension", OperationalError, "missing_extension"),
    ],
)
def test_errors_without_a_place(engine: DuckDBEngine, sql: str, kind: type[Error], code: str) -> None:
    error = failure(engine, sql)
    assert (type(error), error.code) == (kind, code)
    assert error.span is None
    assert engine.rows("SELECT 1") == [(1,)]


def test_messages_and_hints(engine: DuckDBEngine) -> None:
    def told(sql: str) -> tuple[str, str | None]:
        error = failure(engine, sql)
        return error.message, error.hint

    assert told("SELECT valu FROM t") == ('unknown column "valu"', "did you mean value?")
    assert told("SELECT t.valu FROM t") == ('"t" has no column "valu"', "did you mean value?")
    assert told("SELECT zzz FROM t") == ('unknown column "zzz"', None)
    assert told("SELECT * FROM nope") == ('unknown table "nope"', None)  # DuckDB proposes "pg_enum"
    assert told("SELECT lenght('a')") == ('unknown function "lenght"', "did you mean length?")
    assert told("SELECT s + 1 FROM t")[1] == "cast the arguments to other types"
    message, hint = told("SELECT i, s FROM t GROUP BY i")
    assert message.startswith('column "s" must appear in the GROUP BY clause')
    assert hint is not None
    assert "ANY_VALUE" in hint
    assert told("SELECT error('a message')") == ("a message", None)


def test_an_error_from_within_a_view_does_not_point_into_the_query(engine: DuckDBEngine) -> None:
    engine.run("CREATE VIEW v AS SELECT i, value AS x FROM t")
    engine.run("ALTER TABLE t RENAME value TO other")
    error = failure(engine, "SELECT 'value', i FROM v")
    assert error.code == "unknown_column"
    assert error.span is None


@pytest.mark.parametrize(
    ("path", "read_only", "code"),
    [
        ("missing/a.db", False, "file_not_found"), ("a.db", True, "file_not_found"), ("text.db", False, "not_a_database"),
        (":memory:", True, "cannot_open"),
    ],
)  # fmt: skip
def test_what_cannot_be_opened(tmp_path: Path, path: str, read_only: bool, code: str) -> None:
    (tmp_path / "text.db").write_text("This is a text, and longer than the header of a database file would be.\n" * 100)
    with pytest.raises(OperationalError) as caught:
        open_engine(path if path == ":memory:" else tmp_path / path, read_only=read_only)
    assert caught.value.code == code
    assert "DuckDB" not in str(caught.value)


def test_another_configuration_in_the_same_process(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "a.db")
    with pytest.raises(OperationalError) as caught:
        open_engine(tmp_path / "a.db", read_only=True)
    assert caught.value.code == "configuration_conflict"
    engine.close()
    with pytest.raises(ProgrammingError):
        open_engine(config={"nosuch": 1})


def test_a_file_that_another_database_of_the_process_has_attached(tmp_path: Path) -> None:
    engine = open_engine()
    engine.run(f"ATTACH '{tmp_path / 'a.db'}' AS mine")
    with pytest.raises(OperationalError) as caught:
        open_engine(tmp_path / "a.db")
    assert caught.value.code == "already_attached"
    assert '"mine"' in caught.value.message
    assert failure(engine, f"ATTACH '{tmp_path / 'a.db'}' AS again").code == "already_attached"
    engine.close()


def test_a_full_device(engine: DuckDBEngine) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no device that is always full")
    error = failure(engine, "COPY (SELECT i FROM range(100_000) r(i)) TO '/dev/full' (FORMAT csv)")
    assert (type(error), error.code) == (OperationalError, "disk_full")
    assert engine.rows("SELECT 1") == [(1,)]


def test_a_full_file_system(tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True, check=False).returncode:
        pytest.skip("may not mount a small file system")
    try:
        engine = open_engine(place / "a.db")
        error = failure(engine, "CREATE TABLE t AS SELECT i, hash(i) AS h FROM range(3_000_000) r(i)")
        assert (type(error), error.code) == (OperationalError, "disk_full")
        assert engine.rows("SELECT count(*) FROM duckdb_tables()") == [(0,)]
        engine.close()
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_no_room_for_temporary_files(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "a.db", config={"memory_limit": "30MB", "threads": 1})
    engine.run(f"SET temp_directory = '{tmp_path / 'temporary'}'")
    engine.run("SET max_temp_directory_size = '1MB'")  # among the options of connect() it has no effect
    error = failure(engine, "CREATE TEMP TABLE x AS SELECT hash(i) AS h, hash(-i) AS g FROM range(4_000_000) r(i)")
    assert (type(error), error.code) == (OperationalError, "disk_full")
    engine.close()


def test_no_memory() -> None:
    engine = open_engine(config={"memory_limit": "30MB", "threads": 1, "temp_directory": ""})
    error = failure(engine, "SELECT count(*) FROM (SELECT DISTINCT hash(i)::VARCHAR || repeat('b', 20) FROM range(3_000_000) r(i))")
    assert (type(error), error.code) == (OperationalError, "out_of_memory")
    engine.close()


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [
        ("INTERNAL Error: something", InternalError, "engine_internal"),
        ("FATAL Error: No space left on device", OperationalError, "disk_full"),
        ("FATAL Error: database has been invalidated", InternalError, "engine_internal"),
        ("Not implemented Error: x", NotSupportedError, "not_supported"),
        ("TransactionContext Error: Conflict on update!", IntegrityError, "transaction_conflict"),
        ("Connection Error: Connection already closed!", InterfaceError, "connection_closed"),
        ("IO Error: Could not set lock on file \"a.db\": Conflicting lock is held in python3 (PID 12). See also https://x.org/y",
         OperationalError, "file_locked"),
        ("Something that nobody has seen", OperationalError, "engine_error"),
        ("Brand New Error: so far unknown", OperationalError, "engine_error"),
        ("", OperationalError, "engine_error"),
    ],
)  # fmt: skip
def test_texts(text: str, kind: type[Error], code: str) -> None:
    error = translated(RuntimeError(text))
    assert (type(error), error.code) == (kind, code)
    assert "https" not in error.message


def test_an_excerpt_of_another_text_gives_no_place() -> None:
    text = 'Binder Error: Referenced column "foo" not found in FROM clause!\n\nLINE 7: SELECT foo\n               ^^^'
    assert translated(RuntimeError(text), "SELECT 1").span is None
    assert translated(RuntimeError(text.replace("LINE 7", "LINE 1")), "SELECT bar").span is None
    span = translated(RuntimeError(text.replace("LINE 7", "LINE 1")), "SELECT foo", 5).span
    assert span is not None
    assert span.start == 12
