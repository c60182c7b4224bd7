"""The section "residuals": how far the model was off in the rows that it was not trained on, for prediction intervals of ML.PREDICT.

Absolute differences between label and prediction, sorted: all up to 10,000, of more rows as many order statistics.
"""

from __future__ import annotations

from sqlml import sql
from sqlml.functions._kept import Kept, TrainedRows
from sqlml.functions._order_statistics import OrderStatistics, order_statistics
from sqlml.functions._spec import LoadedModel
from sqlml.models._spec import Task


def _learn(model: LoadedModel, rows: TrainedRows) -> OrderStatistics | None:
    """None when no row was kept from training: what a model has seen says nothing of how far off it is elsewhere."""
    if not rows.is_held_out:
        return None
    data = rows.evaluation
    label = data.schema.find(str(model.label))
    assert label is not None  # it is a column of the training query
    scores = rows.answers.scores(model, data)
    error = f"{sql.cast(scores.data.own(label.name), 'DOUBLE')} - {scores.sql}"
    return order_statistics(rows, f"SELECT {sql.call('abs', error)} AS value FROM {scores.data.relation}")


KEPT = Kept(
    section="residuals",
    state=OrderStatistics,
    applies=lambda spec, options: spec.task is Task.REGRESSION,
    learn=_learn,
)
