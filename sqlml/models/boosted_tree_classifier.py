"""BOOSTED_TREE_CLASSIFIER: trees that each mend what the sum of those before them gets wrong, for two or more classes.

Learned by XGBoost; two classes share their trees, more classes have a tree each in every iteration.
"""

from __future__ import annotations

from sqlml.models._options import Float, Options
from sqlml.models._spec import ModelSpec, Reading, Task
from sqlml.models._supervised_options import CLASS_WEIGHT_OPTIONS, check_supervised
from sqlml.models._tree_options import BOOSTING_OPTIONS, encoding, parallel_trees_option, sample_option, tree_options
from sqlml.models._xgboost.booster import predict, predictor_from_state
from sqlml.models._xgboost.contributions import explainer
from sqlml.models._xgboost.families import train_boosted
from sqlml.models._xgboost.trees import TreeState
from sqlml.training.data import Progress, Trained, TrainingData


def train(data: TrainingData, options: Options, progress: Progress) -> Trained:
    return train_boosted(data, options, data.n_classes, progress)


SPEC = ModelSpec(
    model_type="BOOSTED_TREE_CLASSIFIER",
    task=Task.CLASSIFICATION,
    doc="Boosted trees that predict a class (XGBoost).",
    options=tree_options(
        "BOOSTED_TREE_CLASSIFIER",
        (*CLASS_WEIGHT_OPTIONS, *BOOSTING_OPTIONS),
        n_parallel_trees=parallel_trees_option(least=1, default=1),
        depth=6,
        subsample=sample_option(Float(gt=0.0, le=1.0), default=1.0),
        colsample_bynode=1.0,
    ),
    encoding=encoding,
    reading=Reading(ordered=True, passes="many"),
    state=TreeState,
    n_columns=lambda state: len(state.feature_categories),
    train=train,
    predict=predict,
    predictor=predictor_from_state,
    explainer=explainer,
    check=check_supervised,
)
