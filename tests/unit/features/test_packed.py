"""Packed rows become the same matrix as a loop over rows makes of them, dense and sparse, whatever their terms."""

from __future__ import annotations

import itertools
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlml.engines.arrow_lists import offsets_and_values
from sqlml.errors import InternalError
from sqlml.features import layout as layouts
from sqlml.features.layout import CategoryTerm, Layout, MultiHotTerm, NumericTerm, SparseTerm, Term, VectorTerm
from sqlml.features.packed import packed_sql, unpack

NAN = float("nan")
VALUES = st.sampled_from([0.0, 1.0, -2.5, 1e6, NAN])


def _numeric(name: str) -> NumericTerm:
    return NumericTerm(name, name, f'"{name}"', 0.0, 1.0, 0.0, 1.0)


TERMS: list[Term] = [
    _numeric("a"),
    CategoryTerm("c", "c", '"c"', ("x", "y", "z"), (0.4, 0.3, 0.3), dropped=1),
    VectorTerm("v", "v", '"v"', 3, np.array([7.0, 8.0, 9.0])),
    MultiHotTerm("m", "m", '"m"', ("p", "q", "r", "s"), (0.1, 0.1, 0.1, 0.1)),
    SparseTerm("s", "s", '"s"', 5, 0.5),
    _numeric("b"),
]


@st.composite
def _rows(draw: st.DrawFn) -> tuple[list[Term], list[list[Any]]]:
    terms = draw(st.lists(st.sampled_from(TERMS), min_size=1, max_size=6, unique_by=lambda term: term.name))
    code = st.sampled_from([0.0, 1.0, 2.0, NAN])
    index = st.sampled_from([0.0, 1.0, 3.0, 4.0, 5.0, -1.0, 1e9, NAN])
    by_name: dict[str, st.SearchStrategy[Any]] = {
        "a": VALUES, "b": VALUES, "c": code, "v": st.lists(VALUES, min_size=3, max_size=3),
        "m": st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, NAN]), max_size=6), "s": st.lists(st.tuples(index, VALUES), max_size=6),
    }  # fmt: skip
    rows = draw(st.lists(st.tuples(*(by_name[term.name] for term in terms)), max_size=5))
    return terms, [list(row) for row in rows]


def _naive(terms: list[Term], row: list[Any], impute: bool) -> list[float]:
    numbers: list[float] = []
    for term, value in zip(terms, row, strict=True):
        match term:
            case NumericTerm():
                numbers.append(value)
            case CategoryTerm():
                numbers += [float(value == 0.0), float(value == 2.0)]
            case VectorTerm():
                numbers += [mean if impute and np.isnan(number) else number for number, mean in zip(value, term.means, strict=True)]
            case MultiHotTerm():
                numbers += [float(code in value) for code in range(4)]
            case SparseTerm():
                numbers += [sum(number for index, number in value if index == place and not np.isnan(number)) for place in range(5)]
    return numbers


def _packed(terms: list[Term], row: list[Any]) -> list[float]:
    packed = [value for term, value in zip(terms, row, strict=True) if isinstance(term, (NumericTerm, CategoryTerm))]
    for term, value in zip(terms, row, strict=True):
        if isinstance(term, VectorTerm):
            packed += value
        elif isinstance(term, MultiHotTerm):
            packed += [float(len(value)), *value]
        elif isinstance(term, SparseTerm):
            packed += [float(len(value)), *(number for pair in value for number in pair)]
    return packed


@settings(max_examples=300, deadline=None)
@given(_rows(), st.booleans(), st.booleans())
def test_unpacking_equals_a_loop_over_rows(rows: tuple[list[Term], list[list[Any]]], sparse: bool, impute: bool) -> None:
    terms, values = rows
    layout = Layout(tuple(terms), impute=impute)
    layout.__dict__["is_sparse"] = sparse
    packed = [_packed(terms, row) for row in values]
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in packed])]).astype(np.int64)
    matrix: Any = unpack(layout, offsets, np.array([number for row in packed for number in row], np.float64))
    expected = np.array([_naive(terms, row, impute) for row in values]).reshape(len(values), layout.n_columns)
    if sparse:
        assert all((np.diff(matrix.indices[start:stop]) > 0).all() for start, stop in itertools.pairwise(matrix.indptr))
        assert matrix.indices.dtype == np.int32
        matrix = matrix.toarray()
    np.testing.assert_array_equal(matrix, expected)


def test_zeros_of_numbers_are_stored_and_those_of_categories_are_not() -> None:
    layout = Layout((_numeric("a"), CategoryTerm("c", "c", '"c"', tuple(map(str, range(400))), (0.0025,) * 400)))
    assert layout.is_sparse
    matrix: Any = layout.expand(np.array([[0.0, 399.0], [2.0, NAN]], np.float32))
    assert matrix.dtype == np.float32
    assert matrix.indices.tolist() == [0, 400, 0]
    assert matrix.data.tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("packed", [[1.0, 2.0], [1.0, 3.0, 0.0], [1.0, 1.0, 0.0, 0.0], [], [1.0, -1.0]])
def test_rows_of_another_form_are_refused(packed: list[float]) -> None:
    layout = Layout((_numeric("a"), TERMS[3]))
    with pytest.raises(InternalError, match="form"):
        unpack(layout, np.array([0, len(packed)]), np.array(packed))


@pytest.mark.parametrize(("type_name", "largest"), [("DOUBLE", 1e300), ("FLOAT", NAN)])
def test_sql_packs_the_terms_in_order_and_nulls_are_nan(type_name: str, largest: float) -> None:
    terms = [_numeric("a"), TERMS[4], TERMS[2], TERMS[3], _numeric("b")]
    layout = Layout(tuple(terms))
    sql = packed_sql(layout, [layout.value_sql(term) if term.name not in "ab" else term.expression for term in terms], type_name)
    with duckdb.connect() as connection:
        query = (
            f"SELECT {sql} FROM (VALUES (1e300, [2, 0.5, NULL, 1]::DOUBLE[], [1, NULL, 3]::DOUBLE[], [0, NULL]::INTEGER[], NULL::DOUBLE),"
            " (2, [], [4, 5, 6], [], 7)) AS t(a, s, v, m, b)"
        )
        lists = connection.sql(query).to_arrow_table().column(0)
    offsets, values = offsets_and_values(lists)
    assert offsets.tolist() == [0, 13, 20]
    first = [largest, NAN, 2.0, 2.0, 0.5, NAN, 1.0, 1.0, NAN, 3.0, 2.0, 0.0, NAN]
    np.testing.assert_array_equal(values, np.array([*first, 2.0, 7.0, 0.0, 4.0, 5.0, 6.0, 0.0], values.dtype))


def test_slices_of_arrow_lists_keep_their_place() -> None:
    lists = pa.array([[1.0], [2.0, None], [], [4.0]], pa.list_(pa.float64())).slice(1)
    offsets, values = offsets_and_values(lists)
    rows = [values[start:stop].tolist() for start, stop in itertools.pairwise(offsets)]
    np.testing.assert_array_equal(rows[0], [2.0, NAN])
    assert rows[1:] == [[], [4.0]]


def test_a_layout_is_sparse_by_what_was_counted_in_training() -> None:
    def with_share(share: float) -> Layout:
        return Layout((MultiHotTerm("m", "m", '"m"', tuple(map(str, range(300))), (share,) * 300),))

    assert with_share(0.1).is_sparse
    assert not with_share(0.11).is_sparse
    assert not Layout((SparseTerm("s", "s", '"s"', layouts.SPARSE_COLUMNS, 1.0),)).is_sparse
    assert Layout((SparseTerm("s", "s", '"s"', layouts.SPARSE_COLUMNS + 1, 25.7),)).is_sparse
    assert not Layout((VectorTerm("v", "v", '"v"', 300, np.zeros(300)),)).is_sparse
