"""Statements, results and streams of the DuckDB engine."""

from __future__ import annotations

import datetime
import decimal
import gc
import uuid
import warnings
from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

from sqlml.engines.duckdb import DuckDBEngine, adopt_engine, open_engine
from sqlml.errors import DataError, InterfaceError, NotSupportedError, OperationalError, ProgrammingError
from sqlml.types import Schema


@pytest.fixture
def engine() -> Iterator[DuckDBEngine]:
    engine = open_engine()
    engine.run("CREATE TABLE numbers AS SELECT i, 's' || i AS s FROM range(300_000) r(i)")
    yield engine
    engine.close()


def types(schema: Schema | None) -> dict[str, str]:
    assert schema is not None
    return {column.name: column.type.name for column in schema}


# ---- run ----


def test_a_query_streams_and_is_typed(engine: DuckDBEngine) -> None:
    result = engine.run("SELECT i, s, CAST(i AS DECIMAL(9, 2)) AS d FROM numbers")
    assert types(result.schema) == {"i": "BIGINT", "s": "VARCHAR", "d": "DECIMAL(9,2)"}
    assert result.n_rows_changed == -1
    assert result.fetch(2) == [(0, "s0", decimal.Decimal("0.00")), (1, "s1", decimal.Decimal("1.00"))]
    assert result.fetch(0) == []
    n_rows = 2
    while rows := result.fetch(70_000):
        n_rows += len(rows)
    assert n_rows == 300_000
    assert result.fetch(1) == []


def test_a_fetch_is_full_before_the_end(engine: DuckDBEngine) -> None:
    result = engine.run("SELECT i FROM numbers ORDER BY i")
    assert len(result.fetch(123_457)) == 123_457
    assert result.fetch(1) == [(123_457,)]
    assert len(result.fetch(10**6)) == 300_000 - 123_458


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE t (i INTEGER)", "DROP TABLE numbers", "SET threads = 2", "BEGIN", "CHECKPOINT", "CREATE VIEW v AS SELECT 1",
        "CREATE MACRO f(x) AS x + 1", "USE memory", "ATTACH ':memory:' AS other", "PREPARE p AS SELECT 1", "", "-- nothing", " ; ",
    ],
)  # fmt: skip
def test_statements_without_rows_have_no_schema(engine: DuckDBEngine, statement: str) -> None:
    result = engine.run(statement)
    assert result.schema is None
    assert result.n_rows_changed == -1
    assert result.fetch(5) == []
    assert result.to_arrow().num_rows == 0
    assert engine.rows("SELECT 1") == [(1,)]


@pytest.mark.parametrize(
    ("statement", "n_rows"),
    [
        ("INSERT INTO numbers SELECT i, 'x' FROM range(7) r(i)", 7),
        ("UPDATE numbers SET s = '' WHERE i < 3", 3),
        ("DELETE FROM numbers WHERE i >= 299_990", 10),
        ("DELETE FROM numbers WHERE i < 0", 0),
        ("CREATE TABLE t AS SELECT i FROM numbers LIMIT 5", 5),
    ],
)
def test_changed_rows_are_counted(engine: DuckDBEngine, statement: str, n_rows: int) -> None:
    result = engine.run(statement)
    assert result.n_rows_changed == n_rows
    assert types(result.schema) == {"Count": "BIGINT"}
    engine.run("SELECT 1")
    assert result.fetch(5) == [(n_rows,)]


def test_a_count_put_aside_is_arrow_too(engine: DuckDBEngine) -> None:
    result = engine.run("DELETE FROM numbers WHERE i < 3")
    engine.run("SELECT 1")
    assert result.to_arrow().to_pylist() == [{"Count": 3}]
    assert result.to_arrow().to_pylist() == []


def test_queries_that_look_like_statements_keep_their_schema(engine: DuckDBEngine) -> None:
    assert types(engine.run('SELECT TRUE AS "Success" WHERE FALSE').schema) == {"Success": "BOOLEAN"}
    assert types(engine.run('SELECT count(*) AS "Count" FROM numbers WHERE FALSE HAVING FALSE').schema) == {"Count": "BIGINT"}
    assert types(engine.run("INSERT INTO numbers VALUES (-1, 'x') RETURNING i").schema) == {"i": "BIGINT"}


def test_one_statement_at_a_time(engine: DuckDBEngine) -> None:
    with pytest.raises(ProgrammingError) as caught:
        engine.run("CREATE TABLE t (i INTEGER); DROP TABLE numbers")
    assert caught.value.code == "several_statements"
    assert engine.rows("SELECT count(*) FROM numbers") == [(300_000,)]
    assert engine.rows(" /* ; */ SELECT ';' AS s; -- that was it\n") == [(";",)]


def test_parameters(engine: DuckDBEngine) -> None:
    assert engine.rows("SELECT $1 + 1, $2", [1, "x"]) == [(2, "x")]
    assert engine.rows("SELECT $a || $b", {"a": "x", "b": "ü"}) == [("xü",)]
    assert engine.rows("SELECT 1", []) == [(1,)]
    assert engine.rows("SELECT 1", {}) == [(1,)]


@pytest.mark.parametrize(
    ("statement", "parameters", "code"),
    [
        ("SELECT $1", None, "missing_parameter"),
        ("SELECT $1", [1, 2], "excess_parameter"),
        ("SELECT 1", [1], "excess_parameter"),
        ("SELECT $a", {"a": 1, "b": 2}, "excess_parameter"),
        ("SELECT $1", [object()], "parameter_type"),
        ("SELECT $1", ["\udc80"], "parameter_type"),
        ("CREATE VIEW v AS SELECT $1 AS x", [1], "parameter_not_allowed"),
    ],
)
def test_wrong_parameters(engine: DuckDBEngine, statement: str, parameters: object, code: str) -> None:
    with pytest.raises(ProgrammingError) as caught:
        engine.run(statement, parameters)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_python_variables_are_no_tables(engine: DuckDBEngine) -> None:
    for name in ("engine", "sql", "statement", "connection", "self", "call", "duckdb", "parameters", "annotations", "rows", "pa"):
        for run in (engine.run, engine.describe, engine.batches):
            with pytest.raises(ProgrammingError) as caught:
                run(f"FROM {name}")
            assert caught.value.code == "unknown_table"
            assert caught.value.span is not None
            assert caught.value.span.start == 5


# ---- to_arrow ----


def test_to_arrow_gives_what_is_left_without_a_warning(engine: DuckDBEngine) -> None:
    result = engine.run("SELECT i FROM numbers ORDER BY i")
    result.fetch(10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = result.to_arrow()
    assert table.num_rows == 299_990
    assert table.column("i")[0].as_py() == 10
    assert result.fetch(1) == []
    empty = result.to_arrow()
    assert empty.schema == table.schema
    assert empty.num_rows == 0


def test_arrow_keeps_equal_names(engine: DuckDBEngine) -> None:
    result = engine.run("SELECT 1 AS a, 'x' AS a")
    assert result.to_arrow().column_names == ["a", "a"]
    assert result.to_arrow().column_names == ["a", "a"]


# ---- An older result when the connection is needed ----


def test_an_older_result_is_read_on_after_another_statement(engine: DuckDBEngine) -> None:
    older = engine.run("SELECT i, s FROM numbers ORDER BY i")
    first = older.fetch(3)
    newer = engine.run("SELECT i FROM numbers ORDER BY i DESC")
    assert newer.fetch(1) == [(299_999,)]
    assert first + older.fetch(3) == [(i, f"s{i}") for i in range(6)]
    newest = engine.run("SELECT 5")
    n_rows = 6
    while rows := older.fetch(50_000):
        assert rows[0] == (n_rows, f"s{n_rows}")
        n_rows += len(rows)
    assert n_rows == 300_000
    assert newer.fetch(1) == [(299_998,)]
    assert newer.to_arrow().num_rows == 299_998
    assert newest.fetch(2) == [(5,)]


def test_an_older_result_as_arrow_after_some_fetches(engine: DuckDBEngine) -> None:
    older = engine.run("SELECT i FROM numbers ORDER BY i")
    older.fetch(5)
    engine.run("SELECT 1")
    older.fetch(20_000)
    table = older.to_arrow()
    assert table.num_rows == 300_000 - 20_005
    assert table.column(0)[0].as_py() == 20_005
    assert older.fetch(1) == []
    assert older.to_arrow().num_rows == 0


VALUES = """
    CAST(1 AS DECIMAL(18, 2)); {'x': 1, 'y': [1.5]}; [1, NULL]; array_value(1, 2); CAST('a' AS ENUM('a', 'b')); MAP {'a': 1}; NULL; uuid();
    CAST('{"a": 1}' AS JSON); INTERVAL '2 days 3 seconds'; CAST('101' AS BIT); CAST(170141183460469231731687303715884105727 AS HUGEINT);
    CAST(340282366920938463463374607431768211455 AS UHUGEINT); TRUE; TIME '01:00:01.5'; CAST('01:00:00+02' AS TIMETZ); DATE '0044-03-15 (BC)';
    TIMESTAMP '2020-01-01 00:00:00.123456'; CAST('2020-01-01' AS TIMESTAMP_S); TIMESTAMP_NS '2020-01-01 00:00:00.123456789'; union_value(k := 1);
    CAST('\\x01' AS BLOB); CAST('123456789012345678901234567890' AS BIGNUM); DATE 'infinity'; CAST(1.5 AS FLOAT); [uuid()]; []; 'é';
    {'a': MAP {'x': CAST(1 AS HUGEINT)}}
"""


@pytest.mark.parametrize("value", [value.strip() for value in VALUES.split(";")])
def test_values_are_the_same_after_they_were_put_aside(engine: DuckDBEngine, value: str) -> None:
    engine.run(f"CREATE TABLE v AS SELECT {value} AS v FROM range(3)")
    ((straight,), *_) = engine.run("SELECT v, v AS v FROM v").fetch(5)[0:1], None
    older = engine.run("SELECT v, v AS v FROM v")
    engine.run("SELECT 1")
    ((aside,), *_) = older.fetch(5)[0:1], None
    assert aside == straight
    assert [type(item) for item in aside] == [type(item) for item in straight]


def test_types_that_arrow_cannot_carry_are_refused_as_arrow_only(engine: DuckDBEngine) -> None:
    older = engine.run("SELECT CAST('101' AS BIT) AS b")
    engine.run("SELECT 1")
    with pytest.raises(NotSupportedError) as caught:
        older.to_arrow()
    assert caught.value.code == "result_put_aside"
    assert older.fetch(1) == [("101",)]


def test_an_error_of_an_older_result_is_its_own(engine: DuckDBEngine) -> None:
    older = engine.run("SELECT CASE WHEN i = 5_900_000 THEN error('boom') ELSE i END FROM range(6_000_000) r(i)")
    assert older.fetch(1) == [(0,)]
    assert engine.rows("SELECT 1") == [(1,)]
    with pytest.raises(ProgrammingError, match="boom"):
        older.fetch(1)
    with pytest.raises(ProgrammingError, match="boom"):
        older.to_arrow()


def test_an_error_in_the_middle_of_a_stream(engine: DuckDBEngine) -> None:
    result = engine.run("SELECT CAST(CASE WHEN i = 5_900_000 THEN 'x' ELSE '1' END AS INTEGER) FROM range(6_000_000) r(i)")
    with pytest.raises(DataError) as caught:
        list(iter(lambda: result.fetch(1_000_000), []))
    assert caught.value.code == "conversion_error"
    assert result.fetch(1) == []
    assert engine.rows("SELECT 1") == [(1,)]


def test_a_closed_result_frees_the_connection(engine: DuckDBEngine) -> None:
    result = engine.run("SELECT * FROM numbers")
    result.fetch(1)
    result.close()
    result.close()
    assert engine.open_result is None
    assert engine.connection.sql("SELECT 1").fetchall() == [(1,)]
    assert result.fetch(1) == []


def test_a_result_that_nobody_holds_is_not_kept(engine: DuckDBEngine) -> None:
    engine.run("SELECT * FROM numbers a, numbers b").fetch(1)  # 90 G rows: put aside, this would not end
    gc.collect()
    engine.register("t", pa.table({"a": [1]}))
    assert engine.rows("SELECT * FROM t") == [(1,)]


# ---- describe ----


def test_describe_names_types_as_duckdb_prints_them(engine: DuckDBEngine) -> None:
    query = "SELECT $1 + 1 AS a, CAST('a' AS ENUM('a', 'b')) AS e, {'A b': 1} AS s, [1.5] AS \"L\", NULL AS n, 1 AS a"
    printed = engine.rows("DESCRIBE " + query, [1])
    schema = engine.describe(query, [1])
    assert [(column.name, column.type.name) for column in schema] == [row[:2] for row in printed]
    assert schema.names == ("a", "e", "s", "L", "n", "a")


@pytest.mark.parametrize(
    "query",
    ["FROM numbers", "WITH a AS (FROM numbers) SELECT i, s FROM a -- end", "(SELECT i, s FROM numbers) UNION ALL SELECT 1, 'x';",
     "\n-- c\n SELECT * FROM numbers"],
)  # fmt: skip
def test_describe_takes_every_form_of_query(engine: DuckDBEngine, query: str) -> None:
    assert types(engine.describe(query)) == {"i": "BIGINT", "s": "VARCHAR"}


def test_describe_runs_nothing(engine: DuckDBEngine) -> None:
    assert types(engine.describe("SELECT error('ran') AS e FROM numbers")) == {"e": '"NULL"'}
    with pytest.raises(ProgrammingError):
        engine.describe("DELETE FROM numbers")
    with pytest.raises(ProgrammingError):
        engine.describe("INSERT INTO numbers VALUES (1, 'x')")
    assert engine.rows("SELECT count(*) FROM numbers") == [(300_000,)]


# ---- batches ----


def test_batches_stream_with_parameters(engine: DuckDBEngine) -> None:
    batches = engine.batches("SELECT i FROM numbers WHERE i >= $1", [5], n_rows=100_000)
    assert batches.schema == pa.schema([("i", pa.int64())])
    sizes = [batch.num_rows for batch in batches]
    assert sum(sizes) == 299_995
    assert max(sizes) <= 122_880
    assert list(batches) == []
    assert engine.open_result is None


def test_a_closed_stream_frees_the_connection(engine: DuckDBEngine) -> None:
    batches = engine.batches("SELECT * FROM numbers a, numbers b")
    next(batches)
    batches.close()
    batches.close()
    assert list(batches) == []
    assert engine.connection.sql("SELECT 1").fetchall() == [(1,)]


def test_a_statement_ends_a_stream(engine: DuckDBEngine) -> None:
    batches = engine.batches("SELECT * FROM numbers a, numbers b")
    next(batches)
    assert engine.rows("SELECT 1") == [(1,)]
    with pytest.raises(OperationalError) as caught:
        next(batches)
    assert caught.value.code == "stream_ended"


def test_a_stream_puts_a_result_aside(engine: DuckDBEngine) -> None:
    result = engine.run("SELECT i FROM numbers ORDER BY i")
    result.fetch(1)
    batches = engine.batches("SELECT i FROM numbers")
    next(batches)
    assert result.fetch(1) == [(1,)]
    assert sum(batch.num_rows for batch in batches) > 0
    assert result.fetch(1) == [(2,)]


def test_streams_see_temporary_tables_and_the_open_transaction(engine: DuckDBEngine) -> None:
    engine.begin()
    engine.run("CREATE TEMP TABLE t AS SELECT 1 AS a")
    engine.run("INSERT INTO t VALUES (2)")
    assert sum(batch.num_rows for batch in engine.batches("SELECT * FROM t")) == 2
    engine.rollback()


def test_errors_of_streams(engine: DuckDBEngine) -> None:
    with pytest.raises(ProgrammingError) as caught:
        engine.batches("SELECT 'ü', nope FROM numbers")
    assert caught.value.code == "unknown_column"
    assert caught.value.span is not None
    assert (caught.value.span.start, caught.value.span.end) == (12, 16)
    batches = engine.batches("SELECT CASE WHEN i = 5_900_000 THEN error('boom') ELSE i END FROM range(6_000_000) r(i)")
    with pytest.raises(ProgrammingError, match="boom"):
        list(batches)
    assert engine.rows("SELECT 1") == [(1,)]


# ---- register ----


def test_register_while_a_result_is_open(engine: DuckDBEngine) -> None:
    result = engine.run("SELECT i FROM numbers ORDER BY i")
    result.fetch(1)
    engine.register("t", pa.table({"a": [1, 2]}))
    assert engine.rows("SELECT sum(a) FROM t") == [(3,)]
    engine.register("t", pa.table({"a": [10]}))
    assert engine.rows("SELECT sum(a) FROM t") == [(10,)]
    open_one = engine.run("SELECT * FROM t, numbers")
    engine.unregister("t")
    assert open_one.fetch(1) == [(10, 0, "s0")]
    assert result.fetch(1) == [(1,)]
    with pytest.raises(ProgrammingError):
        engine.run("SELECT * FROM t")
    engine.unregister("never there")


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_registered_tables_outlive_a_transaction(engine: DuckDBEngine, end: str) -> None:
    engine.register("before", pa.table({"a": [1]}))
    engine.begin()
    engine.register("within", pa.table({"a": [2]}))
    engine.unregister("before")
    assert engine.rows("SELECT a FROM within") == [(2,)]
    engine.run(end)
    assert engine.rows("SELECT a FROM within") == [(2,)]
    with pytest.raises(ProgrammingError):
        engine.run("SELECT a FROM before")


def test_registered_tables_outlive_a_transaction_that_the_owner_of_the_connection_ends() -> None:
    connection = duckdb.connect()
    engine = adopt_engine(connection)
    engine.begin()
    engine.register("t", pa.table({"a": [1]}))
    connection.rollback()
    assert engine.rows("SELECT a FROM t") == [(1,)]
    engine.close()


def test_unregister_in_a_failed_transaction_happens_at_its_end(engine: DuckDBEngine) -> None:
    engine.register("t", pa.table({"a": [1]}))
    engine.begin()
    engine.abort_transaction()
    engine.unregister("t")
    engine.rollback()
    with pytest.raises(ProgrammingError) as caught:
        engine.run("SELECT * FROM t")
    assert caught.value.code == "unknown_table"


# ---- What there is ----


def test_databases_and_names(tmp_path: object) -> None:
    duckdb.connect(f"{tmp_path}/other.db").close()
    engine = open_engine(f"{tmp_path}/base.db")
    engine.run(f"ATTACH '{tmp_path}/other.db' AS \"the other\" (READ_ONLY)")
    assert engine.databases() == {"base": False, "the other": True}
    assert (engine.current_database(), engine.current_schema()) == ("base", "main")
    engine.run("CREATE SCHEMA s")
    engine.run("USE s")
    assert engine.current_schema() == "s"
    engine.close()


def test_shadowing_macros(engine: DuckDBEngine) -> None:
    assert engine.shadowing_macros() == []
    engine.run("CREATE MACRO harmless(x) AS x")
    assert engine.shadowing_macros() == []
    for name in ("+", "Exp", "list_value", "lower", "||"):
        engine.run(f'CREATE MACRO "{name}"(a, b) AS 9')
    engine.run("CREATE MACRO duckdb_functions() AS TABLE SELECT 1")
    engine.run("CREATE MACRO current_database() AS 'wrong'")
    names = ["memory.main." + name for name in ("+", "Exp", "current_database", "duckdb_functions", "list_value", "lower", "||")]
    assert sorted(engine.shadowing_macros()) == names
    assert engine.current_database() == "memory"


# ---- Open and close ----


def test_a_closed_engine_says_so() -> None:
    engine = open_engine()
    result = engine.run("SELECT * FROM range(100000)")
    engine.close()
    engine.close()
    engine.interrupt()
    assert engine.progress() is None
    for use in (
        lambda: engine.run("SELECT 1"),
        lambda: result.fetch(1),
        result.to_arrow,
        lambda: engine.register("t", pa.table({"a": [1]})),
        engine.begin,
        engine.databases,
    ):
        with pytest.raises(InterfaceError) as caught:
            use()
        assert caught.value.code == "connection_closed"


def test_an_adopted_connection_stays_open() -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TEMP TABLE mine AS SELECT 1 AS a")
    engine = adopt_engine(connection)
    engine.register("t", pa.table({"a": [1]}))
    assert engine.rows("SELECT a FROM mine") == [(1,)]
    open_one = engine.run("SELECT * FROM range(1000000)")
    engine.close()
    with pytest.raises(InterfaceError):
        open_one.fetch(1)
    assert connection.sql("SELECT a FROM mine").fetchall() == [(1,)]
    with pytest.raises(duckdb.CatalogException):
        connection.execute("FROM t")
    settings = "SELECT current_setting('errors_as_json'), current_setting('python_enable_replacements')"
    assert connection.execute(settings).fetchall() == duckdb.connect().execute(settings).fetchall()


def test_adopting_what_is_no_connection() -> None:
    with pytest.raises(InterfaceError) as caught:
        adopt_engine("file.db")  # type: ignore[arg-type]
    assert caught.value.code == "not_a_connection"
    connection = duckdb.connect()
    connection.close()
    with pytest.raises(InterfaceError) as caught:
        adopt_engine(connection)
    assert caught.value.code == "connection_closed"


def test_an_adopted_connection_that_its_user_closes() -> None:
    connection = duckdb.connect()
    engine = adopt_engine(connection)
    engine.batch_function(1, lambda values: values[:, 0], dtype="float32", output="scalar")
    connection.close()
    with pytest.raises(InterfaceError) as caught:
        engine.run("SELECT 1")
    assert caught.value.code == "connection_closed"
    assert not engine.in_transaction
    engine.close()


def test_read_only(tmp_path: object) -> None:
    path = f"{tmp_path}/a.db"
    with_rows = open_engine(path)
    with_rows.run("CREATE TABLE t AS SELECT 1 AS a")
    with_rows.close()
    engine = open_engine(path, read_only=True)
    with pytest.raises(OperationalError) as caught:
        engine.run("INSERT INTO t VALUES (2)")
    assert caught.value.code == "read_only"
    engine.register("r", pa.table({"a": [1]}))
    render = engine.batch_function(1, lambda values: values[:, 0] * 2, dtype="float64", output="scalar")
    assert engine.rows(f"SELECT {render(['t.a'])} FROM t JOIN r USING (a)") == [(2.0,)]
    engine.run("CREATE TEMP TABLE mine AS FROM r")
    engine.close()


def test_dates_with_a_zone_keep_it(engine: DuckDBEngine) -> None:
    pytest.importorskip("pytz")
    engine.run("SET TimeZone = 'Asia/Tokyo'")
    query = "SELECT TIMESTAMPTZ '2020-01-01 00:00:00+00' AS t"
    straight = engine.rows(query)
    older = engine.run(query)
    engine.run("SELECT 1")
    assert [row[0].isoformat() for row in older.fetch(2)] == [row[0].isoformat() for row in straight] == ["2020-01-01T09:00:00+09:00"]  # type: ignore[attr-defined]
    assert isinstance(straight[0][0], datetime.datetime)


def test_uuid_is_a_uuid(engine: DuckDBEngine) -> None:
    older = engine.run("SELECT uuid() AS u")
    engine.run("SELECT 1")
    assert isinstance(older.fetch(1)[0][0], uuid.UUID)
