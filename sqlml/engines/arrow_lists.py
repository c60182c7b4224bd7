"""Lists of numbers out of Arrow, without a loop over rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


def offsets_and_values(lists: pa.ChunkedArray | pa.Array) -> tuple[NDArray[np.int64], NDArray[np.floating[Any]]]:
    """Lists of any lengths as one array of values, NULL as NaN, and where in it each begins and the last ends.

    Shapes: offsets `[n_rows + 1]`, values `[n_values]`; a view where nothing is NULL.
    """
    import numpy as np

    array = lists
    if hasattr(lists, "num_chunks"):
        array = lists.chunk(0) if lists.num_chunks == 1 else lists.combine_chunks()
    # A list that is NULL is empty here; the values of a slice are those of the whole.
    offsets = array.offsets.to_numpy().astype(np.int64)
    return offsets, array.values.to_numpy(zero_copy_only=False)
