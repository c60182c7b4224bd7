"""Arrays in the database: every bit comes back, and no content of the columns is believed."""

from __future__ import annotations

import itertools
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from catalog_samples import START, arrays, assert_same_arrays, key, record
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from sqlml.catalog.chunks import read_arrays, write_arrays
from sqlml.catalog.schema import ensure_schema
from sqlml.catalog.store import Catalog
from sqlml.catalog.tables import CHUNK_VALUES
from sqlml.engines.duckdb import DuckDBEngine, open_engine
from sqlml.errors import IntegrityError, InternalError
from sqlml.state import Array

_versions = itertools.count(1)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBEngine]:
    opened = open_engine(tmp_path_factory.mktemp("chunks") / "db.duckdb")
    ensure_schema(opened, "db", START)
    yield opened
    opened.close()


def there_and_back(engine: DuckDBEngine, parts: Any, *, checkpoint: bool = False) -> Any:
    version = next(_versions)
    write_arrays(engine, "db", "m", version, parts)
    if checkpoint:
        engine.rows("CHECKPOINT")
    return read_arrays(engine, "db", "m", version)


_SHAPES = st.one_of(
    st.tuples(),
    npst.array_shapes(max_dims=3, min_side=0, max_side=12),
    st.sampled_from([(CHUNK_VALUES - 1,), (CHUNK_VALUES,), (CHUNK_VALUES + 1,), (2 * CHUNK_VALUES, 1), (3, CHUNK_VALUES)]),
)
_ARRAYS = _SHAPES.flatmap(
    lambda shape: st.one_of(
        # Any bits, so that every NaN and every denormal is among them.
        npst.arrays(np.uint64, int(np.prod(shape))).map(lambda bits: Array(shape, floats=bits.view(np.float64))),
        npst.arrays(np.int64, int(np.prod(shape))).map(lambda values: Array(shape, integers=values)),
        st.lists(st.none() | st.text(max_size=5), min_size=min(12, int(np.prod(shape))), max_size=12).map(
            lambda texts: Array((len(texts),), strings=tuple(texts))
        ),
    )
)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["state", "encoding"]), st.dictionaries(st.text(min_size=1, max_size=5), _ARRAYS, min_size=1, max_size=3)
    )
)
def test_arrays_come_back_to_the_bit(engine: DuckDBEngine, parts: Any) -> None:
    assert_same_arrays(there_and_back(engine, parts), parts)


def test_compressed_numbers_come_back_to_the_bit(engine: DuckDBEngine) -> None:
    rng = np.random.default_rng(1)
    awkward = arrays()["state"]["awkward"].floats
    assert awkward is not None
    parts = {
        "state": {
            "decimals": Array(
                (5000,), floats=np.where(rng.random(5000) < 0.1, rng.choice(awkward, 5000), rng.integers(0, 1000, 5000) / 100)
            ),
            "constant": Array((5000,), floats=np.full(5000, -0.0)),
            "singles": Array((5000,), floats=rng.normal(size=5000).astype(np.float32).astype(np.float64)),
        }
    }
    assert_same_arrays(there_and_back(engine, parts, checkpoint=True), parts)


def test_texts_are_cut_by_count_and_by_bytes(engine: DuckDBEngine) -> None:
    parts = {"encoding": {"many": Array((2500,), strings=("a", None) * 1250), "long": Array((5,), strings=("x" * 700_000,) * 5)}}
    assert_same_arrays(there_and_back(engine, parts), parts)
    counts = dict(engine.rows("SELECT name, count(*) FROM sqlml._state WHERE name IN ('many', 'long') GROUP BY name"))
    assert counts == {"many": 3, "long": 5}


def test_arrays_of_other_numpy_types_and_orders_are_stored_as_they_count(engine: DuckDBEngine) -> None:
    parts = {"state": {"strided": Array((50,), floats=np.arange(100.0)[::2]), "small": Array((3,), integers=np.array([1, 2, 3], np.int32))}}
    found = there_and_back(engine, parts)["state"]
    assert found["strided"].floats.tolist() == list(range(0, 100, 2))
    assert found["small"].integers.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "array", [Array((3,), floats=np.zeros(2)), Array((2,)), Array((1,), floats=np.zeros(1), integers=np.zeros(1, np.int64))]
)
def test_an_array_that_contradicts_itself_is_a_bug(engine: DuckDBEngine, array: Array) -> None:
    with pytest.raises(InternalError):
        write_arrays(engine, "db", "m", next(_versions), {"state": {"a": array}})


def test_memory_stays_near_one_copy(engine: DuckDBEngine) -> None:
    values = np.random.default_rng(0).normal(size=4_000_000)
    version = next(_versions)
    write_arrays(engine, "db", "m", version, {"state": {"a": Array(values.shape, floats=values)}})
    tracemalloc.start()
    found = read_arrays(engine, "db", "m", version)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found["state"]["a"].floats is not None
    assert peak < 1.5 * values.nbytes


# ---- Hostile content ----

_ROW = "INSERT INTO sqlml._state VALUES ('h', $version, 'state', {name}, {chunk}, {shape}, {integers}, {floats}, {strings})"


def insert(engine: DuckDBEngine, version: int, *, name: str = "a", chunk: int = 0, shape: str = "[1]", **values: str) -> None:
    given = {"integers": "NULL", "floats": "NULL", "strings": "NULL", **values}
    engine.rows(_ROW.format(name=f"'{name}'", chunk=chunk, shape=shape, **given), {"version": version})


@pytest.mark.parametrize(
    "rows",
    [
        [{}],
        [{"floats": "[1]", "integers": "[1]"}],
        [{"floats": "[1]", "strings": "['a']"}],
        [{"floats": "[1]", "shape": "NULL"}],
        [{"floats": "[1]", "shape": "[NULL]"}],
        [{"floats": "[1]", "shape": "[-1]"}],
        [{"floats": "[1, 2]", "shape": "[-1, -2]"}],
        [{"floats": "[1]", "shape": "[2]"}],
        [{"floats": "[1]", "shape": "[9223372036854775807]"}],
        [{"floats": "[1]", "shape": "[200000000, 200000000]"}],
        [{"floats": "[1]", "shape": "[200000000]"}],
        [{"floats": "[1]", "shape": "[1, 1, 1, 1, 1, 1, 1, 1, 1]"}],
        [{"floats": "[]", "shape": "[1]"}],
        [{"floats": "[NULL]"}],
        [{"integers": "[NULL]"}],
        [{"floats": "[1, 2]"}],
        [{"floats": "[1]", "chunk": 1}],
        [{"floats": "[1]", "chunk": -1}],
        [{"floats": "[1]"}, {"floats": "[1]", "chunk": 1}],
        [{"floats": "[1]"}, {"floats": "[]", "chunk": 1}],
        [{"floats": "[1]"}, {"floats": "[1]", "chunk": 2}],
        [{"floats": "range(1024)", "shape": "[1025]"}],
        [{"floats": "range(1024)", "shape": "[1025]"}, {"integers": "[1]", "chunk": 1}],
        [{"floats": "range(1024)", "shape": "[1025]"}, {"strings": "['a']", "chunk": 1}],
        [{"strings": "['a']", "shape": "[1025]"}, {"floats": "[1]", "chunk": 1}],
        [{"floats": "range(1000)", "shape": "[1025]"}, {"floats": "range(25)", "chunk": 1}],
        [{"strings": "['a']", "shape": "[2]"}],
        [{"strings": "['a', 'b']", "shape": "[1]"}],
        [{"strings": "['a']", "shape": "[1]"}, {"strings": "[]", "chunk": 1}],
        [{"strings": "[]", "shape": "[200000000]"}],
        [{"floats": "[1]", "name": f"a{index}"} for index in range(3)] + [{"floats": "[1]", "name": "b", "shape": "[5]"}],
    ],
)
def test_hostile_chunks_are_damage_and_take_no_memory(engine: DuckDBEngine, rows: list[dict[str, Any]]) -> None:
    version = next(_versions)
    for row in rows:
        insert(engine, version, **row)
    tracemalloc.start()
    with pytest.raises(IntegrityError) as caught:
        read_arrays(engine, "db", "h", version)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code == "damaged_state"
    assert peak < 5_000_000


def test_the_tables_themselves_bound_lists_and_texts(engine: DuckDBEngine) -> None:
    for values in (
        {"floats": "range(1025)"},
        {"integers": "range(1025)"},
        {"strings": "['x'.repeat(17000000)]"},
        {"floats": "[1]", "shape": "range(1025)"},
    ):
        with pytest.raises(IntegrityError) as caught:
            insert(engine, next(_versions), **values)
        assert caught.value.code == "constraint_violation"


def test_too_many_arrays_are_damage(engine: DuckDBEngine) -> None:
    version = next(_versions)
    engine.rows(f"INSERT INTO sqlml._state SELECT 'h', {version}, 's', i::VARCHAR, 0, [1], [1], NULL, NULL FROM range(10001) AS t(i)")
    with pytest.raises(IntegrityError) as caught:
        read_arrays(engine, "db", "h", version)
    assert caught.value.code == "damaged_state"


def test_a_long_name_does_not_fill_the_message(engine: DuckDBEngine) -> None:
    version = next(_versions)
    insert(engine, version, name="x" * 100_000, floats="[NULL]", shape="[7]")
    insert(engine, version, name="y" * 100_000, chunk=5)
    with pytest.raises(IntegrityError) as caught:
        read_arrays(engine, "db", "h", version)
    assert len(str(caught.value)) < 500


def test_reading_does_not_import_pandas(tmp_path: Path) -> None:
    path = tmp_path / "db.duckdb"
    opened = open_engine(path)
    Catalog(opened).publish(key(), record(), arrays())
    opened.close()
    program = (
        "import sys; from sqlml.catalog.store import Catalog; from sqlml.catalog.records import ModelKey; from sqlml.engines.duckdb import open_engine\n"
        "Catalog(open_engine(sys.argv[1])).load(ModelKey('db', 'main', 'churn')); print('pandas' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
