"""Rows with multi-valued terms on their way to Python: one list of numbers per row.

First one number per single-valued term, in the order of the terms. Then, in their order, the multi-valued ones: a vector's `size` numbers;
the number of codes and the codes; the number of pairs and index, value, index, value, …. NULL is NaN. The training stream and the batch
function of predictions pass the same rows, and both read them here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sqlml import sql
from sqlml.errors import InternalError
from sqlml.features.layout import SINGLE_VALUED, Layout, MultiHotTerm, SparseTerm, VectorTerm
from sqlml.features.matrices import AnyMatrix, IntArray, Items, within


def packed_sql(layout: Layout, values: Sequence[str], type_name: str) -> str:
    """The packed row as one list.

    Args: values, SQL of the terms as `Layout.value_sql` gives it, in order; type_name, FLOAT or DOUBLE. What is beyond the range of a FLOAT
    is missing.
    """
    singles: list[str] = []
    lists: list[str] = []
    for term, value in zip(layout.terms, values, strict=True):
        if isinstance(term, SINGLE_VALUED):
            singles.append(f"TRY_CAST({value} AS {type_name})")
            continue
        numbers = f"TRY_CAST({value} AS {type_name}[])"
        if isinstance(term, VectorTerm):
            lists.append(numbers)
            continue
        # The list is worked out once: a lambda over a list of one gives it a name.
        n_items = f"{sql.call('len', '__sqlml_items')}{' // 2' if isinstance(term, SparseTerm) else ''}"
        counted = sql.call("list_prepend", sql.cast(n_items, type_name), "__sqlml_items")
        each = sql.call("list_transform", sql.call("list_value", numbers), f"lambda __sqlml_items: {counted}")
        lists.append(sql.call("list_extract", each, "1"))
    first = [sql.cast(sql.call("list_value", *singles), f"{type_name}[]")] if singles else []
    return sql.call("list_concat", *first, *lists)


def unpack(layout: Layout, offsets: IntArray, values: NDArray[np.floating]) -> AnyMatrix:
    """The learner's matrix `[n_rows, n_columns]` of packed rows; see `Layout.expand`.

    Shapes: `offsets[n_rows + 1]`, `values[n_values]`; row i is `values[offsets[i]:offsets[i + 1]]`.
    Raises: InternalError `ragged_batch` for rows that are not of the form.
    """
    place, ends = offsets[:-1].copy(), offsets[1:]
    n_singles = sum(isinstance(term, SINGLE_VALUED) for term in layout.terms)
    multiple = {index: term for index, term in enumerate(layout.terms) if not isinstance(term, SINGLE_VALUED)}
    found: dict[int, NDArray[np.floating] | Items] = {}
    singles = _block(values, place, ends, n_singles)
    place += n_singles
    for index, term in multiple.items():
        if isinstance(term, VectorTerm):
            found[index] = _block(values, place, ends, term.size)
            place += term.size
        else:
            found[index], place = _items(term, values, place, ends)
    if (place != ends).any():
        raise _misshapen()
    columns = iter(singles.T)
    return layout.assemble([found[index] if index in multiple else next(columns) for index in range(len(layout.terms))])


def _block(values: NDArray[np.floating], place: IntArray, ends: IntArray, width: int) -> NDArray[np.floating]:
    """The next numbers of every row, `[n_rows, width]`."""
    if (place + width > ends).any():
        raise _misshapen()
    if len(place) > 1 and (np.diff(place) == place[1] - place[0]).all() and place[1] - place[0] >= width:
        # Rows of one length: a view instead of a copy.
        rows = np.lib.stride_tricks.sliding_window_view(values[place[0] :], width)[:: place[1] - place[0]] if width else values[:0]
        return rows[: len(place)] if width else np.empty((len(place), 0), values.dtype)
    found: NDArray[np.floating] = values[place[:, None] + np.arange(width)]
    return found


def _items(term: MultiHotTerm | SparseTerm, numbers: NDArray[np.floating], place: IntArray, ends: IntArray) -> tuple[Items, IntArray]:
    """The items of a term and where the next one begins."""
    if (place >= ends).any():
        raise _misshapen()
    counts = numbers[place].astype(np.int64)
    step = 2 if isinstance(term, SparseTerm) else 1
    after = place + 1 + step * counts
    if (counts < 0).any() or (after > ends).any():
        raise _misshapen()
    places = np.repeat(place + 1, counts) + step * within(counts)
    indices = numbers[places]
    values = np.ones(len(indices), numbers.dtype) if isinstance(term, MultiHotTerm) else numbers[places + 1]
    size = len(term.categories) if isinstance(term, MultiHotTerm) else term.size
    # Comparisons with NaN are false, so what is missing goes here too.
    counts_for = (indices >= 0) & (indices < size) & ~np.isnan(values)
    if counts_for.all():
        return Items(counts, indices.astype(np.int64), values, adds=isinstance(term, SparseTerm)), after
    kept = np.bincount(np.repeat(np.arange(len(counts)), counts)[counts_for], minlength=len(counts))
    return Items(kept, indices[counts_for].astype(np.int64), values[counts_for], adds=isinstance(term, SparseTerm)), after


def _misshapen() -> InternalError:
    return InternalError("the rows of a batch do not have the form of the model's terms", code="ragged_batch")
