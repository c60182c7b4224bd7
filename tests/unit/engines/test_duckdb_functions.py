"""Batch functions: what they are given and give, who shares them, when they go."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from sqlml.engines import duckdb_functions
from sqlml.engines.duckdb import DuckDBEngine, adopt_engine, open_engine
from sqlml.errors import DataError, InternalError, NotSupportedError, OperationalError

Matrix = NDArray[np.floating]  # type: ignore[type-arg]


@pytest.fixture(autouse=True)
def nobody_before() -> None:
    """Connections that other tests never closed hold functions until they are collected."""
    gc.collect()


@pytest.fixture
def engine() -> Iterator[DuckDBEngine]:
    engine = open_engine()
    engine.run("CREATE TABLE t AS SELECT i, i * 0.5 AS a, CASE WHEN i % 3 = 0 THEN NULL ELSE i END AS b FROM range(10_000) r(i)")
    yield engine
    engine.close()
    assert duckdb_functions._owners == {}


def total(values: Matrix) -> Matrix:
    return np.nansum(values, axis=1)


def first(values: Matrix) -> Matrix:
    return values[:, 0]


# ---- Values in, scores out ----


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_arrive_as_a_matrix_with_nan_for_null(engine: DuckDBEngine, dtype: str) -> None:
    seen: list[Matrix] = []

    def keep(values: Matrix) -> Matrix:
        seen.append(values.copy())
        return values[:, 0]

    render = engine.batch_function(1, keep, dtype=dtype, output="scalar")  # type: ignore[arg-type]
    rows = engine.rows(f"SELECT i, {render(['i', 'a', 'b'])} FROM t ORDER BY i")
    assert rows == [(i, float(i)) for i in range(10_000)]
    assert {(values.dtype.name, values.shape[1]) for values in seen} == {(dtype, 3)}
    values = np.concatenate(seen)
    values = values[np.argsort(values[:, 0])]
    numbers = np.arange(10_000)
    np.testing.assert_array_equal(values[:, 1], numbers * 0.5)
    np.testing.assert_array_equal(values[:, 2], np.where(numbers % 3 == 0, np.nan, numbers))


def test_lists_of_scores(engine: DuckDBEngine) -> None:
    render = engine.batch_function(1, lambda values: values * 2, dtype="float32", output="list")
    assert engine.describe(f"SELECT {render(['i', 'a'])} AS p FROM t").columns[0].type.name == "DOUBLE[]"
    assert engine.rows(f"SELECT {render(['i', 'a'])} FROM t WHERE i IN (3, 5000) ORDER BY i") == [([6.0, 3.0],), ([10_000.0, 5_000.0],)]


def test_nan_stays_nan(engine: DuckDBEngine) -> None:
    render = engine.batch_function(1, lambda values: values[:, 0] * np.nan, dtype="float64", output="scalar")
    assert engine.rows(f"SELECT bool_and(isnan({render(['i'])})), count(*) FROM t") == [(True, 10_000)]


def test_no_rows_one_row_one_value_many_values(engine: DuckDBEngine) -> None:
    render = engine.batch_function(1, total, dtype="float64", output="scalar")
    assert engine.rows(f"SELECT {render(['i'])} FROM t WHERE FALSE") == []
    assert engine.rows(f"SELECT {render(['i'])} FROM t WHERE i = 17") == [(17.0,)]
    assert engine.rows(f"SELECT {render(['1'] * 3000)}") == [(3000.0,)]
    assert engine.rows(f"SELECT sum(CASE WHEN i % 10 = 0 THEN {render(['i', 'a'])} END) FROM t") == [(1.5 * sum(range(0, 10_000, 10)),)]
    assert engine.rows(f"SELECT count({render(['NULL', 'NULL'])}) FROM t") == [(10_000,)]
    assert len(engine.rows(f"SELECT {render([])} FROM t LIMIT 3")) == 3


def test_a_null_list_has_no_score(engine: DuckDBEngine) -> None:
    engine.batch_function(1, total, dtype="float64", output="scalar")
    (key,) = engine._functions._keys.values()
    call = f"system.main.sqlml_score_double({key}, CASE WHEN i % 2 = 0 THEN [CAST(i AS DOUBLE)] END)"
    assert engine.rows(f"SELECT {call} FROM t WHERE i < 3 ORDER BY i") == [(0.0,), (None,), (2.0,)]


def test_a_function_runs_once_per_row(engine: DuckDBEngine) -> None:
    n_rows = 0
    lock = threading.Lock()

    def count(values: Matrix) -> Matrix:
        nonlocal n_rows
        with lock:
            n_rows += len(values)
        return values[:, 0]

    render = engine.batch_function(1, count, dtype="float64", output="scalar")
    assert len(engine.rows(f"SELECT p FROM (SELECT {render(['i'])} AS p FROM t) WHERE p > 5 AND p < 9000")) == 8994
    assert n_rows == 10_000


@pytest.mark.parametrize("setting", ["arrow_output_list_view", "arrow_large_buffer_size", "arrow_lossless_conversion"])
def test_settings_of_the_arrow_output_change_nothing(engine: DuckDBEngine, setting: str) -> None:
    engine.run(f"SET {setting} = true")
    render = engine.batch_function(1, total, dtype="float32", output="scalar")
    assert engine.rows(f"SELECT {render(['i', 'a', 'b'])} FROM t WHERE i = 10") == [(25.0,)]


@pytest.mark.parametrize("type_", [pa.float32(), pa.float64()])
@pytest.mark.parametrize("list_type", [pa.list_, pa.large_list])
def test_matrix_of_slices_chunks_and_nulls(type_: pa.DataType, list_type: object) -> None:
    rows = [[float(i), None if i == 3 else i + 0.5] for i in range(6)]
    array = pa.array(rows, list_type(type_))  # type: ignore[operator]
    expected = np.array([[np.nan if value is None else value for value in row] for row in rows])
    np.testing.assert_array_equal(duckdb_functions.matrix(pa.chunked_array([array])), expected)
    np.testing.assert_array_equal(duckdb_functions.matrix(pa.chunked_array([array.slice(4, 2)])), expected[4:])
    np.testing.assert_array_equal(duckdb_functions.matrix(pa.chunked_array([array.slice(0, 2)])), expected[:2])
    np.testing.assert_array_equal(duckdb_functions.matrix(pa.chunked_array([array.slice(1, 2), array.slice(4)])), expected[[1, 2, 4, 5]])
    whole = pa.array([[1.0, 2.0], [3.0, 4.0]], list_type(type_))  # type: ignore[operator]
    result = duckdb_functions.matrix(pa.chunked_array([whole]))
    np.testing.assert_array_equal(result, [[1, 2], [3, 4]])
    assert result.base is not None  # a view
    with pytest.raises(InternalError) as caught:
        duckdb_functions.matrix(pa.chunked_array([pa.array([[1.0], [2.0, 3.0], []], list_type(type_))]))  # type: ignore[operator]
    assert caught.value.code == "ragged_batch"


def test_macros_cannot_stand_in_for_the_functions_called(engine: DuckDBEngine) -> None:
    engine.run("CREATE MACRO list_value(x, y) AS [99, 99]")
    engine.run("CREATE MACRO sqlml_score_double(h, v) AS 99")
    render = engine.batch_function(1, total, dtype="float64", output="scalar")
    assert engine.rows(f"SELECT {render(['i', 'a'])} FROM t WHERE i = 2") == [(3.0,)]


# ---- Errors ----


def test_an_error_of_ours_comes_out_as_itself(engine: DuckDBEngine) -> None:
    mistake = DataError("class 7 is unknown", code="unknown_class", hint="train again")

    def fail(values: Matrix) -> Matrix:
        raise mistake

    render = engine.batch_function(1, fail, dtype="float32", output="scalar")
    for use in (
        lambda: engine.run(f"SELECT sum({render(['i'])}) FROM t").fetch(1),
        lambda: engine.run(f"SELECT {render(['i'])} FROM t").to_arrow(),
        lambda: list(engine.batches(f"SELECT {render(['i'])} FROM t")),
        lambda: engine.run(f"CREATE TABLE p AS SELECT {render(['i'])} AS p FROM t"),
    ):
        with pytest.raises(DataError) as caught:
            use()
        assert caught.value is mistake
    assert engine.rows("SELECT 1") == [(1,)]


def test_an_error_in_the_middle_of_a_stream_comes_out_as_itself(engine: DuckDBEngine) -> None:
    def fail(values: Matrix) -> Matrix:
        if values.max() > 1_900_000:
            raise DataError("too much", code="too_much")
        return values[:, 0]

    render = engine.batch_function(1, fail, dtype="float64", output="scalar")
    result = engine.run(f"SELECT {render(['i'])} FROM range(2_000_000) r(i)")
    with pytest.raises(DataError) as caught:
        list(iter(lambda: result.fetch(100_000), []))
    assert caught.value.code == "too_much"


def test_another_exception_is_wrapped_without_its_words(engine: DuckDBEngine) -> None:
    def fail(values: Matrix) -> Matrix:
        raise ValueError("[05:22:44] /workspace/src/learner.cc:123: Check failed")

    render = engine.batch_function(1, fail, dtype="float32", output="list")
    with pytest.raises(OperationalError) as caught:
        engine.rows(f"SELECT {render(['i'])} FROM t")
    assert caught.value.code == "batch_function_failed"
    assert "learner.cc" not in str(caught.value)
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("output", ["scalar", "list"])
def test_wrong_shapes_are_refused(engine: DuckDBEngine, output: str) -> None:
    render = engine.batch_function(1, lambda values: np.zeros((len(values) + 1, 2)), dtype="float32", output=output)  # type: ignore[arg-type]
    with pytest.raises(InternalError) as caught:
        engine.rows(f"SELECT {render(['i'])} FROM t")
    assert caught.value.code == "batch_function_shape"


def test_errors_that_nobody_fetches_do_not_pile_up(engine: DuckDBEngine) -> None:
    from sqlml.engines import duckdb_errors

    def fail(values: Matrix) -> Matrix:
        raise ValueError

    render = engine.batch_function(1, fail, dtype="float32", output="scalar")
    for _ in range(100):
        with pytest.raises(duckdb.Error):
            engine.connection.execute(f"SELECT {render(['1'])}")
    assert len(duckdb_errors._carried) <= 64


# ---- Handles ----


def test_a_handle_is_replaced_and_dropped(engine: DuckDBEngine) -> None:
    old = engine.batch_function(1, first, dtype="float64", output="scalar")
    new = engine.batch_function(1, total, dtype="float64", output="scalar")
    assert engine.rows(f"SELECT {new(['1', '2'])}") == [(3.0,)]
    with pytest.raises(OperationalError) as caught:
        engine.rows(f"SELECT {old(['1', '2'])}")
    assert caught.value.code == "unknown_batch_function"
    engine.drop_batch_function(1)
    engine.drop_batch_function(1)
    with pytest.raises(OperationalError):
        engine.rows(f"SELECT {new(['1', '2'])}")


def test_a_dropped_function_harms_no_stored_query(engine: DuckDBEngine) -> None:
    render = engine.batch_function(1, first, dtype="float64", output="scalar")
    engine.run(f"CREATE VIEW v AS SELECT {render(['i'])} AS p FROM t")
    engine.run(f"PREPARE q AS SELECT {render(['i'])} AS p FROM t")
    streaming = engine.run(f"SELECT {render(['i'])} FROM range(2_000_000) r(i)")
    assert streaming.fetch(1) == [(0.0,)]
    engine.drop_batch_function(1)
    assert sum(iter(lambda: len(streaming.fetch(500_000)), 0)) == 1_999_999
    for query in ("FROM v", "EXECUTE q"):
        with pytest.raises(OperationalError) as caught:
            engine.rows(query)
        assert caught.value.code == "unknown_batch_function"
    assert engine.rows("SELECT 1") == [(1,)]


# ---- Who shares them ----


def test_two_engines_on_one_file_share_the_owner(tmp_path: Path) -> None:
    one, other = open_engine(tmp_path / "a.db"), open_engine(tmp_path / "a.db")
    elsewhere = open_engine(tmp_path / "b.db")
    for_one = one.batch_function(1, first, dtype="float64", output="scalar")
    for_other = other.batch_function(1, total, dtype="float64", output="scalar")
    there = elsewhere.batch_function(1, total, dtype="float64", output="scalar")
    assert len(duckdb_functions._owners) == 2
    assert one.rows(f"SELECT {for_one(['1', '2'])}, {for_other(['1', '2'])}") == [(1.0, 3.0)]
    one.close()
    assert other.rows(f"SELECT {for_other(['1', '2'])}") == [(3.0,)]
    third = open_engine(tmp_path / "a.db")
    for_third = third.batch_function(1, first, dtype="float32", output="list")
    other.close()
    assert third.rows("SELECT 1") == [(1,)]
    with pytest.raises(InternalError):
        third.rows(f"SELECT {for_third(['5', '6'])}")  # `first` gives no lists
    third.close()
    assert elsewhere.rows(f"SELECT {there(['1'])}") == [(1.0,)]
    elsewhere.close()
    assert duckdb_functions._owners == {}
    assert duckdb_functions._functions == {}


def test_close_and_open_again_in_one_process(tmp_path: Path) -> None:
    for round_ in range(5):
        engine = open_engine(tmp_path / "a.db")
        render = engine.batch_function(round_, total, dtype="float64", output="scalar")
        assert engine.rows(f"SELECT {render(['1', '2'])}") == [(3.0,)]
        engine.close()
    plain = duckdb.connect(tmp_path / "a.db")
    assert plain.execute("SELECT count(*) FROM duckdb_functions() WHERE function_name LIKE 'sqlml%'").fetchall() == [(0,)]
    plain.close()


def test_an_adopted_and_an_own_engine_share(tmp_path: Path) -> None:
    connection, plain = duckdb.connect(tmp_path / "a.db"), duckdb.connect(tmp_path / "a.db")
    adopted, own = adopt_engine(connection), open_engine(tmp_path / "a.db")
    adopted.batch_function(1, total, dtype="float64", output="scalar")
    own.batch_function(1, total, dtype="float64", output="scalar")
    (owner,) = duckdb_functions._owners.values()
    connection.close()  # its cursors with it; the owner must not be one of them
    assert owner.connection.execute("SELECT 1").fetchall() == [(1,)]
    adopted.close()
    render = own.batch_function(2, total, dtype="float64", output="scalar")
    assert own.rows(f"SELECT {render(['1', '2'])}") == [(3.0,)]
    own.close()
    assert duckdb_functions._owners == {}
    assert plain.execute("SELECT count(*) FROM duckdb_functions() WHERE function_name LIKE 'sqlml%'").fetchall() == [(0,)]
    plain.close()


def test_a_closed_engine_leaves_nothing_on_an_adopted_connection() -> None:
    connection = duckdb.connect()
    engine = adopt_engine(connection)
    render = engine.batch_function(1, total, dtype="float64", output="scalar")
    engine.close()
    assert connection.execute("SELECT count(*) FROM duckdb_functions() WHERE function_name LIKE 'sqlml%'").fetchall() == [(0,)]
    with pytest.raises(duckdb.CatalogException):
        connection.execute(f"SELECT {render(['1'])}")
    again = adopt_engine(connection)
    render = again.batch_function(1, total, dtype="float64", output="scalar")
    assert connection.execute(f"SELECT {render(['1', '2'])}").fetchall() == [(3.0,)]
    again.close()


def test_engines_that_are_collected_let_go(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "a.db")
    engine.batch_function(1, total, dtype="float64", output="scalar")
    result = engine.run("SELECT * FROM range(1_000_000)")
    assert len(duckdb_functions._owners) == 1
    del engine, result
    gc.collect()
    assert duckdb_functions._owners == {}
    assert duckdb_functions._functions == {}
    again = open_engine(tmp_path / "a.db", read_only=True)  # another configuration: the old instance must be gone
    again.close()


def test_engines_in_many_threads(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for _ in range(8):
                engine = open_engine(tmp_path / f"{number % 2}.db")
                render = engine.batch_function(number, total, dtype="float64", output="scalar")
                assert engine.rows(f"SELECT sum({render(['i', '1'])}) FROM range(5000) r(i)") == [(12_502_500.0,)]
                engine.close()
        except BaseException as error:  # noqa: BLE001 - carried to the test's thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert duckdb_functions._owners == {}


# ---- Transactions ----


def test_functions_see_temporary_tables_and_the_open_transaction(engine: DuckDBEngine) -> None:
    engine.begin()
    engine.run("CREATE TEMP TABLE mine AS SELECT 1 AS a")
    engine.run("INSERT INTO mine VALUES (2)")
    render = engine.batch_function(1, total, dtype="float64", output="scalar")
    assert engine.rows(f"SELECT sum({render(['a', '10'])}) FROM mine") == [(23.0,)]
    engine.rollback()


def test_rollback_after_the_first_function_does_not_lose_it(engine: DuckDBEngine) -> None:
    engine.begin()
    engine.run("INSERT INTO t VALUES (-1, 0, 0)")
    render = engine.batch_function(1, total, dtype="float64", output="scalar")
    assert engine.rows(f"SELECT {render(['1', '2'])}") == [(3.0,)]
    engine.rollback()
    assert engine.rows(f"SELECT {render(['1', '2'])}") == [(3.0,)]


def test_a_transaction_sees_functions_made_after_it_used_built_in_ones(engine: DuckDBEngine) -> None:
    engine.begin()
    engine.rows("SELECT abs(sum(i)), [1] FROM t")
    render = engine.batch_function(1, total, dtype="float64", output="scalar")
    assert engine.rows(f"SELECT {render(['1', '2'])}") == [(3.0,)]
    engine.rollback()


def test_an_adopted_transaction_that_is_too_old_for_functions() -> None:
    connection = duckdb.connect()
    connection.execute("BEGIN")
    connection.execute("SELECT abs(-1)").fetchall()
    engine = adopt_engine(connection)
    with pytest.raises(NotSupportedError) as caught:
        engine.batch_function(1, total, dtype="float64", output="scalar")
    assert caught.value.code == "older_transaction"
    assert engine.in_transaction
    assert not engine.in_aborted_transaction
    engine.rollback()
    render = engine.batch_function(1, total, dtype="float64", output="scalar")
    connection.begin()
    assert engine.rows(f"SELECT {render(['1', '2'])}") == [(3.0,)]
    connection.rollback()
    engine.close()


def test_an_adopted_transaction_that_is_young_enough() -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TEMP TABLE t AS SELECT 1 AS i")
    connection.execute("BEGIN")
    connection.execute("INSERT INTO t VALUES (2)")
    engine = adopt_engine(connection)
    render = engine.batch_function(1, total, dtype="float64", output="scalar")
    assert engine.rows(f"SELECT sum({render(['i', '2'])}) FROM t") == [(7.0,)]
    engine.close()
    connection.rollback()


def test_a_function_can_be_made_in_a_failed_transaction(engine: DuckDBEngine) -> None:
    engine.begin()
    engine.abort_transaction()
    render = engine.batch_function(1, total, dtype="float64", output="scalar")
    engine.rollback()
    assert engine.rows(f"SELECT {render(['1', '2'])}") == [(3.0,)]
