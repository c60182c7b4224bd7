"""RANDOM_FOREST_REGRESSOR: many trees side by side, each grown from its own sample of rows and columns, averaged; for a number.

Learned by XGBoost as one iteration of parallel trees under the squared error.
"""

from __future__ import annotations

from sqlml.models._options import Float, Options
from sqlml.models._spec import ModelSpec, Reading, Task
from sqlml.models._tree_options import FOREST_OPTIONS, check_forest, encoding, parallel_trees_option, sample_option, tree_options
from sqlml.models._xgboost.booster import predict, predictor_from_state
from sqlml.models._xgboost.contributions import explainer
from sqlml.models._xgboost.families import train_forest
from sqlml.models._xgboost.trees import TreeState
from sqlml.training.data import Progress, Trained, TrainingData


def train(data: TrainingData, options: Options, progress: Progress) -> Trained:
    return train_forest(data, options, 0, progress)


SPEC = ModelSpec(
    model_type="RANDOM_FOREST_REGRESSOR",
    task=Task.REGRESSION,
    doc="A random forest that predicts a number (XGBoost).",
    options=tree_options(
        "RANDOM_FOREST_REGRESSOR",
        FOREST_OPTIONS,
        n_parallel_trees=parallel_trees_option(least=2, default=100),
        depth=15,
        subsample=sample_option(Float(gt=0.0, lt=1.0), default=0.8),
        colsample_bynode=0.8,
    ),
    encoding=encoding,
    reading=Reading(ordered=True, passes="many"),
    state=TreeState,
    n_columns=lambda state: len(state.feature_categories),
    train=train,
    predict=predict,
    predictor=predictor_from_state,
    explainer=explainer,
    check=check_forest,
)
