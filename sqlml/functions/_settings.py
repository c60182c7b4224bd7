"""Settings that several ML functions share."""

from __future__ import annotations

from sqlml.functions._spec import LoadedModel
from sqlml.models._options import Effect, Float, Integer, Option, OptionError, Options

TRIAL_ID = Option(
    "trial_id", Integer(ge=1), effect=Effect.REJECTED, doc="The trial of a tuned model.",
    reason="only tuned models have trials, and hyperparameter tuning is not available in this release",
)  # fmt: skip


def threshold_setting() -> Option:
    return Option(
        "threshold", Float(ge=0, le=1), default=0.5, doc="Binary classifiers: the positive class is predicted above this probability."
    )


def check_threshold(model: LoadedModel, settings: Options) -> None:
    """Raises: OptionError `option_not_applicable` when a threshold is given for anything but a binary classifier."""
    if "threshold" in settings.given and len(model.classes) != 2:
        raise OptionError(
            "threshold", f"threshold applies to binary classifiers only; this is a {model.spec.model_type} model"
            + (f" with {len(model.classes)} classes" if model.classes else ""), code="option_not_applicable",
        )  # fmt: skip
