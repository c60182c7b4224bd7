"""What the two families of tree types ask of training, from their checked options."""

from __future__ import annotations

from sqlml.models._options import Options
from sqlml.models._tree_options import growth_parameters
from sqlml.models._xgboost.matrices import TreeMethod
from sqlml.models._xgboost.training import Plan, train_ensemble
from sqlml.models._xgboost.trees import BINARY, MULTICLASS, REGRESSION
from sqlml.training.data import Progress, Trained, TrainingData

_TREE_METHODS: dict[str, TreeMethod] = {"AUTO": "hist", "HIST": "hist", "APPROX": "approx", "EXACT": "exact"}


def train_boosted(data: TrainingData, options: Options, n_classes: int, progress: Progress) -> Trained:
    """Boosted trees; `n_classes` is 0 for regression."""
    parameters = growth_parameters(options) | {"eta": options["learn_rate"]}
    if options["booster_type"] == "DART":
        parameters |= {"booster": "dart", "rate_drop": options["dropout"], "normalize_type": options["dart_normalize_type"].lower()}
    if not options["early_stop"] and "min_rel_progress" in options.given:
        progress.notice("option_without_effect", "option min_rel_progress: without effect, since early_stop is FALSE")
    plan = _plan(
        options, n_classes, parameters,
        n_rounds=options["max_iterations"], learning_rate=options["learn_rate"],
        min_rel_progress=options["min_rel_progress"] if options["early_stop"] else None,
    )  # fmt: skip
    return train_ensemble(data, plan, progress)


def train_forest(data: TrainingData, options: Options, n_classes: int, progress: Progress) -> Trained:
    """A random forest: one iteration of many trees that take their whole step, as in XGBoost's own random forests."""
    parameters = growth_parameters(options) | {"eta": 1.0}
    plan = _plan(options, n_classes, parameters, n_rounds=1, learning_rate=1.0, min_rel_progress=None)
    return train_ensemble(data, plan, progress)


def _plan(
    options: Options, n_classes: int, parameters: dict[str, object], *, n_rounds: int, learning_rate: float, min_rel_progress: float | None
) -> Plan:
    objective = REGRESSION if n_classes == 0 else BINARY if n_classes == 2 else MULTICLASS
    if objective == MULTICLASS:
        parameters = parameters | {"num_class": n_classes}
    tree_method = _TREE_METHODS[options["tree_method"]]
    return Plan(
        objective=objective,
        parameters=parameters,
        tree_method=tree_method,
        # The exact method cannot split by category.
        native_categories=tree_method != "exact",
        n_rounds=n_rounds,
        learning_rate=learning_rate,
        min_rel_progress=min_rel_progress,
    )
