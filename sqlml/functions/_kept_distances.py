"""The section "distances": how far the training rows lie from what the model expects, for the threshold of ML.DETECT_ANOMALIES.

Order statistics from the median up: contamination is at most one half.
"""

from __future__ import annotations

from sqlml.functions._kept import Kept, TrainedRows
from sqlml.functions._order_statistics import OrderStatistics, order_statistics
from sqlml.functions._outlyingness import outlyingness
from sqlml.functions._spec import LoadedModel
from sqlml.models._spec import Task


def _learn(model: LoadedModel, rows: TrainedRows) -> OrderStatistics | None:
    found = outlyingness(model, rows.training, rows.answers)
    return order_statistics(rows, f"SELECT {found.value} AS value FROM {found.relation}", from_share=0.5)


KEPT = Kept(
    section="distances",
    state=OrderStatistics,
    applies=lambda spec, options: spec.task in (Task.CLUSTERING, Task.DIMENSION_REDUCTION),
    learn=_learn,
)
