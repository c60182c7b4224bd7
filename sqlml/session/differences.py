"""How far two trainings are apart: in learned numbers, and in what they predict for the same rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sqlml import sql
from sqlml.functions._spec import Input, LoadedModel
from sqlml.models._spec import Task
from sqlml.plan.calls import Answers
from sqlml.session.models import LoadedModels
from sqlml.session.train import Trial
from sqlml.state import Array, FloatArray
from sqlml.types import Column, Schema, SqlType

TOLERANCE = 1e-12
"""Of the largest number of its kind: what sums of doubles in another order may differ by."""
_OTHER = "__sqlml_recorded_score"


@dataclass(frozen=True, slots=True)
class Difference:
    """The largest difference of two sets of numbers; `problem` where they are of different kinds."""

    absolute: float = 0.0
    relative: float = 0.0
    """To the largest number of the set."""
    where: str = ""
    problem: str = ""

    def is_within(self, tolerance: float) -> bool:
        return not self.problem and self.relative <= tolerance

    def or_larger(self, other: Difference) -> Difference:
        if self.problem or (not other.problem and other.relative <= self.relative):
            return self
        return other

    def words(self) -> str:
        if self.problem:
            return self.problem
        if not self.absolute:
            return ""
        where = f" ({self.where})" if self.where else ""
        return f"largest difference {self.absolute:.3g}, {self.relative:.3g} of the largest number{where}"


def difference_of(then: Sequence[float | None], now: Sequence[float | None], where: str = "", *, scale: float = 0.0) -> Difference:
    """Of numbers that correspond, NULLs included.

    Args: scale, what the numbers are compared with at least: 1 for what is 1 minus something, which may be nearly nothing.
    """
    if [value is None for value in then] != [value is None for value in now]:
        return Difference(where=where, problem=f"NULL where there was a value{f' in {where}' if where else ''}, or the other way round")
    old, new = (np.array([value for value in values if value is not None], np.float64) for values in (then, now))
    return _difference(old, new, where, scale)


def array_difference(name: str, then: Array | None, now: Array | None) -> Difference:
    """Of one stored array: floats by how far they are apart, anything else equal or not."""
    if then is None or now is None or then.shape != now.shape:
        shapes = ["none" if array is None else "x".join(map(str, array.shape)) or "1" for array in (then, now)]
        return Difference(where=name, problem=f"{name} has another shape: {shapes[0]} then, {shapes[1]} now")
    if then.floats is not None and now.floats is not None:
        return _difference(np.asarray(then.floats), np.asarray(now.floats), name)
    if then.integers is not None and now.integers is not None:
        n_changed = int(np.count_nonzero(np.asarray(then.integers) != np.asarray(now.integers)))
    else:
        old, new = then.strings or (), now.strings or ()
        n_changed = sum(a != b for a, b in zip(old, new, strict=False)) + abs(len(old) - len(new))
    what = "value" if n_changed == 1 else "values"
    return Difference(where=name, problem=f"{n_changed} {what} of {name} changed") if n_changed else Difference()


def _difference(then: FloatArray, now: FloatArray, where: str, at_least: float = 0.0) -> Difference:
    same = (then == now) | (np.isnan(then) & np.isnan(now))
    if bool(same.all()):
        return Difference()
    with np.errstate(invalid="ignore"):
        apart = np.abs(then - now)[~same]
    largest = float(apart.max())
    if not math.isfinite(largest):
        return Difference(where=where, problem=f"values{f' of {where}' if where else ''} that are not finite changed")
    scale = float(max(at_least, np.abs(then[np.isfinite(then)]).max(initial=0.0), np.abs(now[np.isfinite(now)]).max(initial=0.0)))
    return Difference(largest, largest / scale if scale else math.inf, where)


def prediction_difference(recorded: LoadedModel, trial: Trial, models: LoadedModels) -> tuple[Difference, int]:
    """The largest difference of the scores of two models over the rows of a training, and how many rows these are.

    Raises: DataError `missing_feature`, `feature_type` where the recorded model cannot read the rows.
    """
    part = "raw_evaluation_rows" if trial.rows.n_eval else "raw_training_rows"
    schema, span = trial.plan.schema, trial.plan.query_span
    answers = Answers(models, trial.rows.describe)
    first = answers.scores(recorded, Input(f"SELECT {sql.columns(schema.names)} FROM {part}", schema, span))
    own = [f"{first.data.own(column.name)} AS {sql.quote(column.name)}" for column in schema]
    is_list = len(trial.model.classes) > 2 or trial.plan.spec.task in (Task.CLUSTERING, Task.DIMENSION_REDUCTION)
    type_ = SqlType("DOUBLE[]" if is_list else "DOUBLE")
    scored = f"SELECT {', '.join(own)}, {first.sql} AS {_OTHER} FROM {first.data.relation}"
    beside = Input(scored, Schema((*schema.columns, Column(_OTHER, type_))), span)
    second = answers.scores(trial.model, beside)
    scores = f"SELECT {second.data.own(_OTHER)} AS a, {second.sql} AS b FROM {second.data.relation}"
    if is_list:
        pairs = sql.call("list_zip", "a", "b")
        apart = sql.call("list_max", f"[{sql.call('abs', 'p[1] - p[2]')} FOR p IN {pairs}]")
        size = sql.call("list_max", f"[{sql.call('abs', 'p')} FOR p IN a]")
    else:
        apart, size = sql.call("abs", "a - b"), sql.call("abs", "a")
    rows = trial.rows.rows(
        f"SELECT {sql.call('count', '*')}, {sql.call('max', apart)} FILTER (a IS DISTINCT FROM b), {sql.call('max', size)}, "
        f"{sql.call('count', '*')} FILTER (a IS DISTINCT FROM b AND ({apart}) IS NULL) FROM ({scores})"
    )
    (n_rows, largest, scale, n_unknown), *_ = rows
    if n_unknown:
        return Difference(problem=f"{n_unknown} rows have a prediction in one of the two only"), int(str(n_rows))
    absolute = float(str(largest or 0.0))
    relative = 0.0 if not absolute else (absolute / float(str(scale)) if scale else math.inf)
    return Difference(absolute, relative), int(str(n_rows))
