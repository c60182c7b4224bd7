"""Options that linear and logistic regression share, and the rules between them."""

from __future__ import annotations

from sqlml.errors import DataError
from sqlml.features.layout import EncodingRules
from sqlml.models._gradient_descent import Schedule
from sqlml.models._options import Boolean, Effect, Float, Option, OptionError, Options, String
from sqlml.models._supervised_options import check_supervised

REGULARISATION_OPTIONS = (
    Option(
        "l1_reg",
        Float(ge=0.0),
        default=0.0,
        tunable=True,
        doc="Weight of the sum of absolute weights in the loss; sets weights to exactly 0.",
    ),
    Option(
        "l2_reg", Float(ge=0.0), default=0.0, tunable=True, doc="Half of this times the sum of squared weights is added to the mean loss."
    ),
)

ENCODING_OPTIONS = (
    Option(
        "category_encoding_method", String(("ONE_HOT_ENCODING", "DUMMY_ENCODING")), default="ONE_HOT_ENCODING",
        doc="One column per category, or one less: DUMMY_ENCODING drops the most frequent.",
    ),
    Option("fit_intercept", Boolean(), default=True, doc="Whether the function has a constant term. It is never penalised."),
)  # fmt: skip

LEARN_RATE_OPTIONS = (
    Option(
        "learn_rate", Float(gt=0.0), default=0.1, only_if=("learn_rate_strategy", "CONSTANT"), doc="The learning rate of CONSTANT.",
    ),
    Option(
        "ls_init_learn_rate", Float(gt=0.0), default=0.1, only_if=("learn_rate_strategy", "LINE_SEARCH"),
        doc="The first learning rate of LINE_SEARCH.",
    ),
)  # fmt: skip

OTHER_OPTIONS = (
    Option(
        "warm_start", Boolean(), default=False, effect=Effect.REJECTED,
        reason="each CREATE MODEL trains from the start, so that the same rows give the same model; leave the option out",
        doc="Goes on from the model that it replaces.",
    ),
    Option(
        "calculate_p_values", Boolean(), default=False,
        doc="Standard errors and p-values for ML.ADVANCED_WEIGHTS; needs DUMMY_ENCODING, l1_reg = 0, fewer than 1,000 columns after "
        "encoding, and a number or two classes to predict.",
    ),
    Option(
        "enable_global_explain", Boolean(), default=False,
        doc="Whether training keeps the mean attribution of every feature for ML.GLOBAL_EXPLAIN.",
    ),
)  # fmt: skip


class PValuesError(DataError):
    """Training data that do not go with calculate_p_values, under which the caret belongs."""

    option = "calculate_p_values"


def encoding(options: Options) -> EncodingRules:
    """Standardised numbers, and one column per category or one less. A centred column has a constant term in it, so without an intercept
    numbers are scaled only."""
    return EncodingRules(
        numbers="standardize" if options["fit_intercept"] else "scale",
        categories="dummy" if options["category_encoding_method"] == "DUMMY_ENCODING" else "one_hot",
    )


def check_linear(options: Options) -> None:
    """The rules of both types.

    Raises: OptionError, also those of `check_supervised`.
    """
    check_supervised(options)
    if not options["calculate_p_values"]:
        return
    if options["category_encoding_method"] != "DUMMY_ENCODING":
        raise OptionError(
            "calculate_p_values", "calculate_p_values = TRUE needs category_encoding_method = 'DUMMY_ENCODING'",
            code="option_not_applicable",
            hint="add category_encoding_method = 'DUMMY_ENCODING'; with one-hot columns the weights have no standard errors",
        )  # fmt: skip
    if options["l1_reg"] != 0.0:
        raise OptionError(
            "calculate_p_values", f"calculate_p_values = TRUE needs l1_reg = 0, got {options['l1_reg']:g}", code="option_not_applicable",
            hint="leave l1_reg out; weights shrunk by it have no standard errors",
        )  # fmt: skip


def check_p_value_columns(options: Options, n_columns: int) -> None:
    """Raises: DataError `too_many_columns` where p-values are asked for and there are too many weights."""
    if options["calculate_p_values"] and n_columns >= 1_000:
        raise PValuesError(
            f"calculate_p_values takes fewer than 1,000 columns after encoding, got {n_columns:,}", code="too_many_columns",
            hint="leave calculate_p_values out, or leave out columns with many categories",
        )  # fmt: skip


def schedule(options: Options) -> Schedule:
    """How the options steer gradient descent."""
    strategy = options["learn_rate_strategy"]
    return Schedule(
        strategy,
        options["learn_rate"] if strategy == "CONSTANT" else options["ls_init_learn_rate"],
        options["max_iterations"],
        options["min_rel_progress"] if options["early_stop"] else None,
    )
