"""Four calls of XGBoost's C interface that its Python layer makes slower or copies: scores and
contributions of a dense matrix, scores of a training matrix, labels and weights of a training matrix.

They are the same functions that the Python layer calls. One row costs 42 µs instead of 84, and the scores of ten million training rows are
read where they are instead of being copied once a round.
"""

from __future__ import annotations

import ctypes
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from sqlml.errors import OperationalError

if TYPE_CHECKING:
    import xgboost

_DENSE = json.dumps(
    {"type": 0, "training": False, "iteration_begin": 0, "iteration_end": 0, "missing": float("nan"), "strict_shape": False, "cache_id": 0}
).encode()
_EXACT, _APPROXIMATE = 2, 3
"""The library's kinds of contributions: TreeSHAP; what each split on a row's way adds."""
_CONTRIBUTIONS = {
    kind: json.dumps({"type": kind, "training": False, "iteration_begin": 0, "iteration_end": 0, "strict_shape": True}).encode()
    for kind in (_EXACT, _APPROXIMATE)
}
_ROWS = json.dumps({"missing": float("nan"), "nthread": 1}).encode()
_MATRIX = json.dumps({"type": 0, "training": False, "iteration_begin": 0, "iteration_end": 0, "strict_shape": False}).encode()


@cache
def _library() -> ctypes.CDLL:
    import xgboost

    # The path names the library that the import has loaded, so this is a second handle on it and no second copy.
    library = ctypes.CDLL(xgboost.build_info()["libxgboost"])
    library.XGBGetLastError.restype = ctypes.c_char_p
    return library


def predict_dense(booster: xgboost.Booster, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores of a matrix; from any number of threads at once, as long as nobody changes the booster.

    Shapes: `features[n_rows, n_features]` in C order; result `[n_rows]` or `[n_rows, n_outputs]`, the caller's own.
    """
    array = b'{"data":[%d,true],"shape":[%d,%d],"typestr":"<f4","version":3}' % (features.ctypes.data, *features.shape)
    shape, n_axes, scores = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64(), ctypes.POINTER(ctypes.c_float)()
    library = _library()
    _checked(
        "predict",
        library,
        library.XGBoosterPredictFromDense(
            booster.handle, array, _DENSE, None, ctypes.byref(shape), ctypes.byref(n_axes), ctypes.byref(scores)
        ),
    )  # fmt: skip
    # The library keeps the scores until this thread's next call; the copy outlives that.
    return np.ctypeslib.as_array(scores, tuple(shape[: n_axes.value])).copy()


def contributions(booster: xgboost.Booster, features: NDArray[np.float32], *, approximate: bool) -> NDArray[np.float32]:
    """What each matrix column adds to the margin of each output, and the expected margin last; from any number of threads at once.

    Shapes: `features[n_rows, n_features]` in C order; result `[n_rows, n_outputs, n_features + 1]`, the caller's own.
    Source: XGBoost's predict with pred_contribs, and with approx_contribs.
    """
    array = b'{"data":[%d,true],"shape":[%d,%d],"typestr":"<f4","version":3}' % (features.ctypes.data, *features.shape)
    library, matrix = _library(), ctypes.c_void_p()
    _checked("predict", library, library.XGDMatrixCreateFromDense(array, _ROWS, ctypes.byref(matrix)))
    try:
        shape, n_axes, values = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64(), ctypes.POINTER(ctypes.c_float)()
        settings = _CONTRIBUTIONS[_APPROXIMATE if approximate else _EXACT]
        code = library.XGBoosterPredictFromDMatrix(
            booster.handle, matrix, settings, ctypes.byref(shape), ctypes.byref(n_axes), ctypes.byref(values)
        )
        _checked("predict", library, code)
        return np.ctypeslib.as_array(values, tuple(shape[: n_axes.value])).copy()
    finally:
        library.XGDMatrixFree(matrix)


def view_scores(booster: xgboost.Booster, matrix: xgboost.DMatrix) -> NDArray[np.float32]:
    """Scores of a training or evaluation matrix, valid until this thread's next call for the same booster.

    Shapes: `[n_rows]` or `[n_rows, n_outputs]`.
    """
    shape, n_axes, scores = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64(), ctypes.POINTER(ctypes.c_float)()
    library = _library()
    _checked(
        "train",
        library,
        library.XGBoosterPredictFromDMatrix(
            booster.handle, matrix.handle, _MATRIX, ctypes.byref(shape), ctypes.byref(n_axes), ctypes.byref(scores)
        ),
    )  # fmt: skip
    return np.ctypeslib.as_array(scores, tuple(shape[: n_axes.value]))


def view_floats(matrix: xgboost.DMatrix, name: str) -> NDArray[np.float32]:
    """`label` or `weight` of a matrix `[n_rows]` (empty without weights), valid as long as the matrix."""
    length, numbers = ctypes.c_uint64(), ctypes.POINTER(ctypes.c_float)()
    library = _library()
    _checked("train", library, library.XGDMatrixGetFloatInfo(matrix.handle, name.encode(), ctypes.byref(length), ctypes.byref(numbers)))
    return np.ctypeslib.as_array(numbers, (length.value,)) if length.value else np.empty(0, np.float32)


def failure(doing: Literal["train", "predict"], message: str) -> OperationalError:
    """What the user is told when the library fails: its sentence, without its source lines and stack."""
    first = message.partition("Stack trace:")[0].strip()
    # In front of the sentence: time in brackets, source file and line, the check that failed.
    reason = re.sub(r"^\[[\d:]+\] \S+:\d+: ", "", first)
    reason = re.sub(r"^Check failed: .*? ?: ", "", reason, flags=re.DOTALL).strip().rstrip(".")
    return OperationalError(
        f"the tree library failed: {reason or 'it gave no reason'}", code="training_failed" if doing == "train" else "prediction_failed",
        hint="look for extreme option values and extreme values in the data; free memory or disk space if either is short",
    )  # fmt: skip


def _checked(doing: Literal["train", "predict"], library: Any, code: int) -> None:
    if code != 0:
        raise failure(doing, library.XGBGetLastError().decode("utf-8", "replace"))
