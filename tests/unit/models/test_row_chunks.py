from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlml.models._row_chunks import chunk_rows, row_chunks
from sqlml.training.data import Block, SilentProgress


@given(st.lists(st.integers(0, 12), max_size=12), st.integers(1, 9))
def test_chunks_hold_the_same_rows_in_pieces_of_one_size(sizes: list[int], n_rows: int) -> None:
    total = sum(sizes)
    rows = np.arange(2.0 * total).reshape(total, 2)
    ends = np.cumsum([0, *sizes])
    blocks = [Block(rows[start:stop], rows[start:stop, 0] * 2.0, rows[start:stop, 1] * 3.0) for start, stop in itertools.pairwise(ends)]
    chunks = list(row_chunks(blocks, n_rows, SilentProgress()))
    assert [len(chunk.features) for chunk in chunks] == [n_rows] * (total // n_rows) + [total % n_rows] * (total % n_rows > 0)
    if chunks:
        np.testing.assert_array_equal(np.concatenate([chunk.features for chunk in chunks]), rows)
        np.testing.assert_array_equal(np.concatenate([chunk.labels for chunk in chunks]), rows[:, 0] * 2.0)
        np.testing.assert_array_equal(np.concatenate([chunk.row_weights for chunk in chunks]), rows[:, 1] * 3.0)


def test_progress_is_asked_before_each_chunk() -> None:
    class Stop(SilentProgress):
        asked = 0

        def check(self) -> None:
            self.asked += 1
            if self.asked == 3:
                raise KeyboardInterrupt

    block = Block(np.zeros((10, 1)), np.zeros(10), np.ones(10))
    chunks = row_chunks([block], 2, Stop())
    next(chunks)
    next(chunks)
    with pytest.raises(KeyboardInterrupt):
        next(chunks)


def test_a_chunk_of_a_wide_matrix_still_has_many_rows() -> None:
    assert chunk_rows(0) == chunk_rows(1) > chunk_rows(50) > chunk_rows(10_000) == 1024
