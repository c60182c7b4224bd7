"""Bias measures as SQL over the counts of two groups of rows: what each is called, compares and amounts to.

A group has four kinds of rows by label and prediction: `tp`, `fp`, `fn`, `tn`, with `_a` (advantaged) or `_d` (disadvantaged) behind; the
positive label is the favourable one. A rate of nothing (0/0) is NULL, and so is all that is made of it; what is otherwise divided by
zero is infinite, and the difference of two infinities NULL.
Source: Amazon SageMaker Clarify's pre-training and post-training bias metrics (CI … CDDL, DPPL … FT); Hardt et al. 2016 for equalised odds.
Clarify says which value means no bias, 0 or 1, and draws no line: the ranges are the customary ones, a tenth around 0 (AI Fairness 360)
and the four-fifths rule of the EEOC for the ratio.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlml import sql

KINDS = ("tp", "fp", "fn", "tn")
CELLS = tuple(f"{kind}_{group}" for group in "ad" for kind in KINDS)
"""The counts, by name."""


@dataclass(frozen=True, slots=True)
class Measure:
    """`value`: SQL over `rates()` and, where `needs` says so, over the column that it names."""

    name: str
    stage: Literal["data", "model"]
    value: str
    compares: str
    fair_range: str
    needs: Literal["", "label_disparity", "predicted_disparity", "flip_test"] = ""


def rates() -> dict[str, str]:
    """What the measures are written over: SQL over the counts by name, `_a` and `_d` behind each."""
    found: dict[str, str] = {}
    for group in "ad":
        tp, fp, fn, tn = (f"{kind}_{group}" for kind in KINDS)
        n, positive, negative = f"({tp} + {fp} + {fn} + {tn})", f"({tp} + {fn})", f"({fp} + {tn})"
        accepted, rejected = f"({tp} + {fp})", f"({fn} + {tn})"
        of_group = {
            "n": n,
            "positive": _rate(positive, n),
            "negative": _rate(negative, n),
            "accepted": _rate(accepted, n),
            "conditional_acceptance": _rate(positive, accepted),
            "conditional_rejection": _rate(negative, rejected),
            "acceptance_rate": _rate(tp, accepted),
            "rejection_rate": _rate(tn, rejected),
            "recall": _rate(tp, positive),
            "specificity": _rate(tn, negative),
            "fall_out": _rate(fp, negative),
            "accuracy": _rate(f"({tp} + {tn})", n),
            "treatment": _rate(fn, fp),
        }
        found.update({f"{name}_{group}": expression for name, expression in of_group.items()})
    return found


def label_disparity() -> str:
    """SQL over the counts of some rows: the share of the disadvantaged in negative labels less that in positive ones."""
    return f"{_share('(fp_d + tn_d)', '(fp_a + tn_a)')} - {_share('(tp_d + fn_d)', '(tp_a + fn_a)')}"


def predicted_disparity() -> str:
    """As `label_disparity`, of predictions."""
    return f"{_share('(fn_d + tn_d)', '(fn_a + tn_a)')} - {_share('(tp_d + fp_d)', '(tp_a + fp_a)')}"


def _rate(part: str, whole: str) -> str:
    infinite = f"CASE WHEN {part} > 0 THEN {sql.literal(float('inf'))} END"
    return f"(CASE WHEN {whole} > 0 THEN {sql.cast(part, 'DOUBLE')} / {sql.cast(whole, 'DOUBLE')} ELSE {infinite} END)"


def _share(part: str, rest: str) -> str:
    """part / (part + rest), 0 of nothing as Clarify has it: a group of rows in which all are accepted compares nobody's rejections."""
    return f"(CASE WHEN {part} + {rest} > 0 THEN {sql.cast(part, 'DOUBLE')} / ({part} + {rest}) ELSE 0.0e0 END)"


def _less(minuend: str, subtrahend: str) -> str:
    return f"CASE WHEN NOT ({sql.call('isinf', minuend)} AND {sql.call('isinf', subtrahend)}) THEN {minuend} - {subtrahend} END"


def _apart(kind: str) -> str:
    return sql.call("abs", f"{kind}_a - {kind}_d")


def _divergence(p: str, q: str) -> str:
    """p ln(p / q): 0 for p = 0, infinite where only q is 0."""
    return f"(CASE WHEN {p} = 0 THEN 0.0e0 WHEN {q} = 0 THEN {sql.literal(float('inf'))} ELSE {p} * {sql.call('ln', f'{p} / {q}')} END)"


def _kl() -> str:
    return f"{_divergence('positive_a', 'positive_d')} + {_divergence('negative_a', 'negative_d')}"


def _js() -> str:
    means = {kind: f"(0.5e0 * ({kind}_a + {kind}_d))" for kind in ("positive", "negative")}
    return f"0.5e0 * ({' + '.join(_divergence(f'{kind}_{group}', mean) for kind, mean in means.items() for group in 'ad')})"


def _root_of_squares() -> str:
    squares = " + ".join(f"({kind}_a - {kind}_d) * ({kind}_a - {kind}_d)" for kind in ("positive", "negative"))
    return sql.call("sqrt", squares)


_AROUND_0 = "[-0.1, 0.1]"
_NEAR_0 = "[0, 0.1]"

MEASURES = (
    Measure("CI", "data", f"{sql.cast('n_a - n_d', 'DOUBLE')} / (n_a + n_d)", "class imbalance: (n_a - n_d) / (n_a + n_d)", _AROUND_0),
    Measure("DPL", "data", "positive_a - positive_d", "difference in proportions of labels: share of positive labels, a - d", _AROUND_0),
    Measure("KL", "data", _kl(), "Kullback-Leibler divergence of the label distributions, from a to d", _NEAR_0),
    Measure("JS", "data", _js(), "Jensen-Shannon divergence of the label distributions of a and d", _NEAR_0),
    Measure("Lp", "data", _root_of_squares(), "L2 distance between the label distributions of a and d", _NEAR_0),
    Measure("TVD", "data", f"0.5e0 * ({_apart('positive')} + {_apart('negative')})",
            "total variation distance: half the L1 distance between the label distributions", _NEAR_0),
    Measure("KS", "data", sql.call("greatest", _apart("positive"), _apart("negative")),
            "Kolmogorov-Smirnov: greatest difference between the label distributions", _NEAR_0),
    Measure("CDDL", "data", "label_disparity",
            "conditional demographic disparity in labels: share of d in negative less in positive labels, by group_col", _AROUND_0,
            needs="label_disparity"),
    Measure("DPPL", "model", "accepted_a - accepted_d",
            "difference in positive proportions in predicted labels: share of positive predictions, a - d", _AROUND_0),
    Measure("DI", "model", _rate("accepted_d", "accepted_a"),
            "disparate impact: share of positive predictions, d / a", "[0.8, 1.25]"),
    Measure("DCAcc", "model", _less("conditional_acceptance_a", "conditional_acceptance_d"),
            "difference in conditional acceptance: positive labels / positive predictions, a - d", _AROUND_0),
    Measure("DCR", "model", _less("conditional_rejection_d", "conditional_rejection_a"),
            "difference in conditional rejection: negative labels / negative predictions, d - a", _AROUND_0),
    Measure("SD", "model", "specificity_d - specificity_a", "specificity difference: true negative rate, d - a", _AROUND_0),
    Measure("RD", "model", "recall_a - recall_d", "recall difference: true positive rate, a - d", _AROUND_0),
    Measure("DAR", "model", "acceptance_rate_a - acceptance_rate_d",
            "difference in acceptance rates: true positives / positive predictions, a - d", _AROUND_0),
    Measure("DRR", "model", "rejection_rate_d - rejection_rate_a",
            "difference in rejection rates: true negatives / negative predictions, d - a", _AROUND_0),
    Measure("AD", "model", "accuracy_a - accuracy_d", "accuracy difference: a - d", _AROUND_0),
    Measure("TE", "model", _less("treatment_d", "treatment_a"), "treatment equality: false negatives / false positives, d - a", _AROUND_0),
    Measure("CDDPL", "model", "predicted_disparity",
            "conditional demographic disparity in predicted labels: share of d in rejections less in acceptances, by group_col", _AROUND_0,
            needs="predicted_disparity"),
    Measure("FT", "model", "flip_test",
            "flip test: (rejected d whose neighbours in a are accepted - accepted d whose neighbours in a are rejected) / n_d", _AROUND_0,
            needs="flip_test"),
    Measure("EO_TPR", "model", "recall_a - recall_d", "equalised odds: true positive rate, a - d", _AROUND_0),
    Measure("EO_FPR", "model", "fall_out_a - fall_out_d", "equalised odds: false positive rate, a - d", _AROUND_0),
)  # fmt: skip
