"""A TRANSFORM clause with what it has learned, ready to be applied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlml.functions._learning import Dictionary, LearnedValue, learned_sql
from sqlml.functions._statistics import Statistic
from sqlml.functions._value_spec import Learned
from sqlml.types import Column


class Clause(Protocol):
    """A bound clause, as `plan.transform.BoundTransform` is one."""

    @property
    def statistics(self) -> tuple[Statistic, ...]: ...
    @property
    def inputs(self) -> tuple[Column, ...]: ...
    @property
    def outputs(self) -> tuple[Column, ...]: ...
    @property
    def native(self) -> bool: ...
    def passes(self, column: Column) -> bool: ...
    def reads(self, name: str) -> tuple[str, ...]: ...
    def layers(self, learned: Sequence[Learned], relation: str) -> str: ...
    def expressions(self, learned: Sequence[Learned]) -> list[tuple[Column, str]]: ...


class AppliedTransform:
    """`functions._spec.LearnedTransform`.

    Args: values, what was learned, in the order of the clause's statistics; dictionary, gives tables of many terms.
    """

    def __init__(self, clause: Clause, values: Sequence[LearnedValue], dictionary: Dictionary) -> None:
        self._clause = clause
        self._learned = [
            learned_sql(statistic, value, index, dictionary)
            for index, (statistic, value) in enumerate(zip(clause.statistics, values, strict=True))
        ]

    @property
    def inputs(self) -> tuple[Column, ...]:
        return self._clause.inputs

    @property
    def outputs(self) -> tuple[Column, ...]:
        return self._clause.outputs

    @property
    def native(self) -> bool:
        return self._clause.native

    def passes(self, column: Column) -> bool:
        return self._clause.passes(column)

    def reads(self, name: str) -> tuple[str, ...]:
        return self._clause.reads(name)

    def layers(self, relation: str) -> str:
        return self._clause.layers(self._learned, relation)

    def expressions(self) -> list[tuple[Column, str]]:
        return self._clause.expressions(self._learned)
