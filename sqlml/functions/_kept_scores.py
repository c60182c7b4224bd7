"""How scores and labels of a classifier's evaluation rows went together, kept for questions without data.

Two classes: how many rows of either class have which score. More classes: the same of the probability of the predicted class, "positive"
meaning that the prediction was right. Up to 20,000 different scores they are exact; above that rows are counted at 10,000 of their
quantiles, each row at the highest score of its ten-thousandth: a curve is exact at these, and a mean of scores is too high by less than
1e-4. The confusion matrix (at threshold 0.5 for two classes) is exact always; its cells that are not empty are kept. The rows are those
held out, or the training rows where none are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sqlml.functions._kept import Kept, TrainedRows
from sqlml.functions._scored import BEST_CODE, BEST_SCORE, SCORE, predicted_sql, scored_rows
from sqlml.functions._spec import LoadedModel
from sqlml.metrics.confusion import confusion_cells
from sqlml.metrics.score_counts import ScoreCounts, chunked
from sqlml.models._spec import Task
from sqlml.state import FloatArray, IntArray, damaged_state, floats, integers

MAX_EXACT = 20_000
N_QUANTILES = 10_000
_MAX_ROWS = 2**53


@dataclass(frozen=True)
class KeptScores:
    """Counts by score, ascending, and the cells of the confusion matrix."""

    scores: FloatArray = floats("n_scores")
    n_negative: IntArray = integers("n_scores", ge=0)
    n_positive: IntArray = integers("n_scores", ge=0)
    actual: IntArray = integers("n_cells", ge=0)
    predicted: IntArray = integers("n_cells", ge=0)
    n_rows: IntArray = integers("n_cells", ge=0)
    """Rows of class `actual` that were predicted as class `predicted`."""

    def check(self) -> None:
        """Raises: IntegrityError `damaged_state`."""
        if self.scores.size > MAX_EXACT or not ((self.scores >= 0) & (self.scores <= 1)).all() or (np.diff(self.scores) <= 0).any():
            raise damaged_state("the scores that were kept are no ascending probabilities")
        totals = [sum(counts.tolist()) for counts in (self.n_negative, self.n_positive, self.n_rows)]
        if max(totals) > _MAX_ROWS or totals[0] + totals[1] != totals[2]:
            raise damaged_state("the scores that were kept and the confusion matrix are not of the same rows")
        cells = list(zip(self.actual.tolist(), self.predicted.tolist(), strict=True))
        if len(set(cells)) != len(cells):
            raise damaged_state("a cell of the confusion matrix is there twice")

    def cells(self, n_classes: int) -> pa.Table:
        """actual, predicted, n: a table as `metrics.confusion.confusion_cells` gives.

        Raises: IntegrityError `damaged_state` when a code is no class.
        """
        if self.actual.size and max(int(self.actual.max()), int(self.predicted.max())) >= n_classes:
            raise damaged_state("the confusion matrix that was kept has more classes than the model")
        return pa.table({"actual": self.actual, "predicted": self.predicted, "n": self.n_rows})

    def counts(self) -> pa.Table:
        """score, n_negative, n_positive: a table as `metrics.score_counts.ScoreCounts` holds it."""
        return pa.table({"score": self.scores, "n_negative": self.n_negative, "n_positive": self.n_positive})


def learn(model: LoadedModel, rows: TrainedRows) -> KeptScores | None:
    scored = scored_rows(model, rows.evaluation, rows.answers)
    judged = f"SELECT actual, {predicted_sql(model)} AS predicted, {SCORE} FROM ({scored.sql})"
    sides = "SELECT actual, score FROM __sqlml_judged"
    if len(model.classes) != 2:
        judged = f"SELECT actual, {BEST_CODE} AS predicted, {BEST_SCORE} AS score FROM ({scored.sql})"
        sides = "SELECT CAST(actual = predicted AS INTEGER) AS actual, score FROM __sqlml_judged"
    # One query, since scoring may be the most expensive part of it.
    cells = confusion_cells("SELECT * FROM __sqlml_judged", "actual", "predicted")
    points = chunked(ScoreCounts(sides), N_QUANTILES, exact_up_to=MAX_EXACT)
    found = rows.rows(
        f"SELECT * FROM (WITH __sqlml_judged AS MATERIALIZED ({judged})"
        f" SELECT TRUE AS is_cell, NULL AS score, actual AS a, predicted AS b, n FROM ({cells})"
        f" UNION ALL SELECT FALSE, highest, n_negative, n_positive, NULL FROM ({points})) ORDER BY ALL"
    )
    kept_cells, counts = [row for row in found if row[0]], [row for row in found if not row[0]]
    return KeptScores(
        np.array([row[1] for row in counts], np.float64),
        *(np.array([row[index] for row in counts], np.int64) for index in (2, 3)),
        *(np.array([row[index] for row in kept_cells], np.int64) for index in (2, 3, 4)),
    )


KEPT = Kept("scores", KeptScores, lambda spec, options: spec.task is Task.CLASSIFICATION, learn)
