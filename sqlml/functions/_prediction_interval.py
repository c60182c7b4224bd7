"""Prediction intervals of regressors: how wide, from the residuals that training kept (split conformal prediction).

The interval of a level is the prediction plus and minus the k-th smallest absolute residual of the n evaluation rows, where k is
ceil((n + 1) * level). A row that is drawn as those rows were lies inside with at least that probability, whatever the model and the
distribution are; it is the average over rows that is promised, not each row's own. Rows that come later (SEQ splits) or from elsewhere are
promised nothing. Boosted trees choose their number of rounds by the same rows (early_stop), which makes their residuals a little smaller
than those of new ones.
Source: Lei, G'Sell, Rinaldo, Tibshirani, Wasserman 2018, "Distribution-free predictive inference for regression".
"""

from __future__ import annotations

import math

from sqlml.functions._order_statistics import OrderStatistics
from sqlml.functions._spec import LoadedModel
from sqlml.models._options import Float, Option, OptionError
from sqlml.models._spec import Task

SETTING = "confidence_level"

CONFIDENCE_LEVEL = Option(
    SETTING, Float(gt=0, lt=1),
    doc="Regressors: adds prediction_interval_lower_bound and prediction_interval_upper_bound, between which this share of new rows lies. "
    "It needs a version that was trained with evaluation rows, n / (n + 1) of them at most.",
)  # fmt: skip

_ROUNDING = 1e-9
"""Above a whole number by less, (n + 1) * level is that number: 0.9 is no exact double."""


def half_width(model: LoadedModel, level: float) -> float:
    """Half the width of the interval.

    Raises: OptionError `option_not_applicable` for what is no regressor, `no_residuals` for a version without evaluation rows,
    `too_few_residuals` when even the largest residual is not enough for the level: the interval would have no ends.
    """
    if model.spec.task is not Task.REGRESSION:
        raise OptionError(
            SETTING, f"{SETTING} applies to regressors only; this is a {model.spec.model_type} model", code="option_not_applicable",
            hint="a classifier gives a probability for every class" if model.classes else None,
        )  # fmt: skip
    name, version = model.version.key, model.version.version
    residuals = model.kept.get("residuals")
    if not isinstance(residuals, OrderStatistics):
        if model.version.record.n_eval:
            why, hint = "was trained by an earlier release, which kept no residuals", "train it again"
        else:
            why = "was trained without evaluation rows, so it is not known how far off it is"
            hint = "train with a split: data_split_method = 'RANDOM', data_split_eval_fraction = 0.2"
        raise OptionError(SETTING, f"version {version} of {name} {why}", code="no_residuals", hint=hint)
    n_rows = residuals.n_values
    rank = math.ceil((n_rows + 1) * level - _ROUNDING)
    if rank > n_rows:
        raise OptionError(
            SETTING, f"version {version} of {name} has {n_rows} evaluation rows, too few for a {SETTING} of {level:g}",
            code="too_few_residuals",
            hint=f"the highest that they allow is {math.floor(n_rows / (n_rows + 1) * 10_000) / 10_000:g}; or train with more of them",
        )  # fmt: skip
    return residuals.at_least(max(rank, 1))
