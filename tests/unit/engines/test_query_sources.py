"""What a query reads, as the engine finds it out without running it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from sqlml.engines.duckdb import DuckDBEngine, open_engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    opened = open_engine(str(tmp_path / "own.duckdb"))
    for statement in (
        f"ATTACH '{tmp_path / 'other.duckdb'}' AS other",
        "CREATE SCHEMA other.s",
        "CREATE TABLE other.s.u AS SELECT i AS id, i * 2 AS z FROM range(20) r(i)",
        "CREATE TABLE t AS SELECT i AS id, i AS x, {'a': i, 'b': 2} AS f, i AS \"q. z\" FROM range(20) r(i)",
        "CREATE SCHEMA k",
        "CREATE TABLE k.t AS SELECT 1 AS only_in_k",
        "CREATE VIEW k.inner_view AS SELECT * FROM t",
        'CREATE VIEW "odd "" name (a)"(p, "q z") AS SELECT id, x FROM t',
        "CREATE VIEW outer_view AS WITH i AS (SELECT * FROM k.inner_view) SELECT i.only_in_k, u.z FROM i, other.s.u",
        "CREATE MACRO above(n) AS TABLE SELECT x FROM t WHERE x > n",
        "CREATE TEMP TABLE tt AS SELECT 1 AS a",
        f"COPY (SELECT i AS x, i % 3 AS day FROM range(9) r(i)) TO '{tmp_path / 'days'}' (FORMAT parquet, PARTITION_BY (day))",
    ):
        opened.rows(statement)
    opened.register("frame", pa.table({"a": [1, 2]}))
    yield opened
    opened.close()


def found(engine: DuckDBEngine, query: str) -> list[tuple[str, str, int | None]]:
    return [(source.kind, ".".join(source.path), source.part_of) for source in engine.sources(query).sources]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("FROM t", [("table", "own.main.t", None)]),
        ("SELECT z FROM s.u, other.s.u AS again", None),
        ("WITH t AS (SELECT 1 AS a) SELECT * FROM t", []),
        ("WITH t AS (SELECT * FROM t) SELECT x FROM t", [("table", "own.main.t", None)]),
        ("WITH RECURSIVE t AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM t WHERE a < 3) FROM t", []),
        ("SELECT x FROM t WHERE x IN (SELECT id FROM other.s.u)", [("table", "own.main.t", None), ("table", "other.s.u", None)]),
        # A view reads what its own schema has, whatever the session's schema is.
        ("FROM k.inner_view", [("view", "own.k.inner_view", None), ("table", "own.k.t", 0)]),
        (
            "FROM outer_view",
            [("view", "own.main.outer_view", None), ("view", "own.k.inner_view", 0), ("table", "own.k.t", 1), ("table", "other.s.u", 0)],
        ),
        ('SELECT p FROM "odd "" name (a)"', [("view", 'own.main.odd " name (a)', None), ("table", "own.main.t", 0)]),
        ("FROM above(3)", [("view", "own.main.above", None), ("table", "own.main.t", 0)]),
        ("FROM tt", [("table", "temp.main.tt", None)]),
        ("FROM frame", [("table", "temp.main.frame", None)]),
        ("SELECT * FROM range(3), (VALUES (1)) v(a)", []),
        ("SELECT table_name FROM information_schema.tables", []),
        ("SELECT * FROM (PIVOT t ON x USING sum(id))", [("table", "own.main.t", None)]),
    ],
)
def test_names_are_resolved_down_to_tables(engine: DuckDBEngine, query: str, expected: list[tuple[str, str, int | None]] | None) -> None:
    if expected is None:
        query, expected = query.replace("s.u, ", ""), [("table", "other.s.u", None)]
    assert found(engine, query) == expected


def test_columns_are_those_that_the_plan_reads(engine: DuckDBEngine) -> None:
    """Those that it only filters by are read, too."""

    def columns(query: str) -> dict[str, tuple[str, ...] | None]:
        return {source.path[-1]: source.columns for source in engine.sources(query).sources}

    assert columns("SELECT x FROM t WHERE id > 3") == {"t": ("id", "x")}
    assert columns("SELECT t.x FROM t JOIN other.s.u USING (id) WHERE z > 3") == {"t": ("id", "x"), "u": ("id", "z")}
    assert columns('SELECT x FROM t WHERE "q. z" > 3') == {"t": None}


def test_folders_that_the_query_leaves_out_are_no_part_of_the_data(engine: DuckDBEngine, tmp_path: Path) -> None:
    (source,) = engine.sources(f"SELECT x FROM '{tmp_path}/days/*/*.parquet' WHERE day > 0").sources
    assert (source.kind, source.n_files) == ("dataset", 2)
    assert engine.rows(f"SELECT count(DISTINCT __sqlml_file) FROM {source.relation} WHERE {source.condition}") == [(2,)]


@pytest.mark.parametrize(
    ("query", "is_plain"),
    [
        ("SELECT * FROM t", True),
        ("SELECT x, id FROM (SELECT * EXCLUDE (f) FROM t)", True),
        ("SELECT x + 1 AS x, id FROM t", False),
        ("SELECT id AS x, x AS id FROM t", False),
        ("SELECT * FROM t WHERE x < 3", False),
        ("SELECT DISTINCT x FROM t", False),
        ("SELECT x FROM t LIMIT 3", False),
        ("SELECT x FROM t GROUP BY x", False),
        ("SELECT x FROM t USING SAMPLE 50 PERCENT (bernoulli)", False),
        ("SELECT t.x FROM t, t AS u", False),
    ],
)
def test_a_plain_query_gives_the_rows_as_they_are(engine: DuckDBEngine, query: str, is_plain: bool) -> None:
    assert engine.sources(query).is_plain is is_plain


def test_a_failure_over_files_leaves_the_transaction_open(engine: DuckDBEngine) -> None:
    from sqlml.errors import Error

    engine.begin()
    engine.rows("INSERT INTO k.t VALUES (2)")
    with pytest.raises(Error):
        engine.rows_apart("SELECT * FROM read_parquet('nowhere/*.parquet')")
    engine.commit()
    assert engine.rows("SELECT count(*) FROM k.t") == [(2,)]
