"""ML.NGRAMS: runs of neighbouring tokens, joined.

    SELECT ML.NGRAMS(['a', 'b', 'c'], [2, 3], '#')        -- a#b, a#b#c, b#c

All runs of `range[1]` to `range[2]` tokens, by the place they start at, then by length. One number n stands for [n, n]: the documentation
has it, live BigQuery refuses it. A run that contains a NULL token is NULL, as if it were concatenated; it counts as an unknown term further
on. A NULL array is NULL.
Source: reference, functions 5.3 and 10 #15.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlml import sql
from sqlml.functions._list_sql import each, let
from sqlml.functions._terms import texts_of
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec
from sqlml.models._options import OptionType, String


@dataclass(frozen=True)
class NgramRange(OptionType):
    """[shortest, longest], each at least 1; or one number for both."""

    _WANTED: ClassVar[str] = "must be an array of two whole numbers [shortest, longest]"

    def convert(self, value: object) -> tuple[int, int]:
        ends = list(value) if isinstance(value, list | tuple) else [value, value]
        if len(ends) != 2:
            raise ValueError(self._WANTED)
        shortest, longest = ends
        if not isinstance(shortest, int) or not isinstance(longest, int) or isinstance(shortest, bool) or isinstance(longest, bool):
            raise ValueError(self._WANTED)
        if shortest < 1 or longest < shortest:
            raise ValueError("must be [shortest, longest] with 1 <= shortest <= longest")
        return shortest, min(longest, 2**31)  # no array is longer, and the engine counts in 64 bits

    def describe(self) -> str:
        return "ARRAY<INT64>[2] with 1 <= first <= second"


def _expression(arguments: Arguments, _: Sequence[Learned]) -> str:
    shortest, longest = arguments.literals["range"]
    left = f"{sql.call('len', '__sqlml_tokens')} - __sqlml_start"
    lengths = sql.call("range", str(shortest), f"{sql.call('least', str(longest), f'{left} + 1')} + 1")
    run = sql.call("list_slice", "__sqlml_tokens", "__sqlml_start", "__sqlml_start + __sqlml_length - 1")
    starts = sql.call("range", "1", f"{sql.call('len', '__sqlml_tokens')} + 1")
    runs = sql.call("flatten", each(starts, "__sqlml_start", each(lengths, "__sqlml_length", run)))
    joined = sql.call("array_to_string", "__sqlml_run", sql.literal(arguments.literals["separator"]))
    whole = f"{sql.call('list_count', '__sqlml_run')} = {sql.call('len', '__sqlml_run')}"
    return let(
        texts_of(arguments, "array_input"), "__sqlml_tokens",
        each(runs, "__sqlml_run", f"CASE WHEN {whole} THEN {joined} END"),
    )  # fmt: skip


SPEC = ValueSpec(
    name="ML.NGRAMS",
    doc="The runs of neighbouring tokens of an array, joined by a separator.",
    parameters=(
        Parameter("array_input", Takes.STRINGS),
        Parameter("range", literal=NgramRange()),
        Parameter("separator", literal=String(), default=" "),
    ),
    expression=_expression,
)
