"""TRANSFORM_ONLY: a TRANSFORM clause with the statistics that it learned, and nothing else.

    CREATE MODEL prepared TRANSFORM (id, ML.QUANTILE_BUCKETIZE(age, 5) OVER () AS age_group)
      OPTIONS (model_type = 'TRANSFORM_ONLY') AS SELECT id, age FROM customers;
    SELECT * FROM ML.TRANSFORM(MODEL prepared, TABLE new_customers);

Its outputs feed other models. It predicts nothing, so there is nothing to learn here: the clause is learned before any model type is asked.
Source: reference, statements 3.12.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqlml.features.layout import EncodingRules
from sqlml.models._options import Options
from sqlml.models._spec import ModelSpec, Reading, Task
from sqlml.models._supervised_options import LINEAGE_OPTIONS, model_type_option
from sqlml.training.data import Progress, Trained, TrainingData


@dataclass(frozen=True)
class TransformOnlyState:
    """What there is beside the clause."""

    n_outputs: int


def train(data: TrainingData, options: Options, progress: Progress) -> Trained:
    """Learns nothing; the session does not call it."""
    del options, progress
    return Trained(TransformOnlyState(data.layout.n_columns), ())


def predict(state: TransformOnlyState, features: NDArray[np.floating]) -> NDArray[np.floating]:
    """The features, which is all there is."""
    del state
    return features


SPEC = ModelSpec(
    model_type="TRANSFORM_ONLY",
    task=Task.PREPROCESSING,
    doc="Keeps a TRANSFORM clause with its learned statistics, for ML.TRANSFORM.",
    options=(model_type_option("TRANSFORM_ONLY"), *LINEAGE_OPTIONS),
    encoding=lambda options: EncodingRules(numbers="raw", impute=False, categories="codes"),
    reading=Reading(ordered=False, passes="one"),
    state=TransformOnlyState,
    train=train,
    predict=predict,
)
