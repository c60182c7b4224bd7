"""What a preprocessing function declares: a value for each row, written as SQL over its arguments.

A scalar function looks at its row alone. An analytic one, written with `OVER ()`, also looks at *statistics* of all rows: it declares
which (`statistics`), and its expression is written over their SQL. Standing alone in a query, a statistic is a window over the query's
rows; in a TRANSFORM clause it is a constant that training learned. The expression is the same text, so the two cannot differ.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlml.errors import DataError
from sqlml.functions._statistics import Statistic
from sqlml.models._options import OptionType
from sqlml.source import Span
from sqlml.types import Kind, SqlType


class Takes(enum.Enum):
    """What an argument that is an expression must be."""

    NUMBER = "a number"
    STRING = "a string"
    STRING_OR_BYTES = "a string or bytes"
    NUMBER_OR_STRING = "a number or a string"
    NUMBERS = "an array of numbers"
    STRINGS = "an array of strings"
    VECTOR = "an array of numbers, or of (key, number) structs"
    NUMBER_FIELDS = "a STRUCT of numbers"
    STRING_FIELDS = "a STRUCT of strings"
    ANYTHING = "a value"

    def accepts(self, type_: SqlType) -> bool:
        """Whether a value of that type may stand here; fields of a STRUCT are asked one by one."""
        kind = type_.kind
        if self is Takes.ANYTHING or type_.name == '"NULL"':
            return True
        if self in (Takes.NUMBERS, Takes.STRINGS, Takes.VECTOR):
            if kind is not Kind.LIST:
                return False
            element = type_.element
            if element is None:
                return False
            if element.name == '"NULL"' or (element.kind is Kind.STRUCT and self is Takes.VECTOR):
                return True
            return element.kind is (Kind.STRING if self is Takes.STRINGS else Kind.NUMBER)
        wanted = {
            Takes.NUMBER: {Kind.NUMBER}, Takes.NUMBER_FIELDS: {Kind.NUMBER}, Takes.STRING: {Kind.STRING},
            Takes.STRING_FIELDS: {Kind.STRING}, Takes.STRING_OR_BYTES: {Kind.STRING, Kind.BLOB},
        }.get(self, {Kind.NUMBER, Kind.STRING})  # fmt: skip
        return kind in wanted


REQUIRED: Any = object()
"""Default of a parameter that must be given."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument by position. Exactly one of `takes` (an expression) and `literal` (a constant, read into a Python value) is set."""

    name: str
    takes: Takes | None = None
    literal: OptionType | None = None
    default: object = REQUIRED


@dataclass(frozen=True, slots=True)
class Expression:
    """An argument's SQL. It may be repeated freely: the caller makes it a plain column where that would be dear."""

    sql: str
    type: SqlType | None
    """None where it could not be found out before the statement runs."""
    span: Span


class Vocabulary(Protocol):
    """The learned terms of an analytic function, in alphabetical order, numbered from 1; 0 stands for everything else and NULL."""

    def code(self, text: str) -> str:
        """SQL (BIGINT) of the number of a VARCHAR; 0 for NULL and unknown."""
        ...

    def codes(self, texts: str) -> str:
        """SQL (BIGINT[]) of the numbers of a VARCHAR[], one for each element and in its place; NULL for a NULL array."""
        ...

    @property
    def most_frequent(self) -> str:
        """SQL (BIGINT) of the number of the most frequent term, the first of several; 0 when there is no term."""
        ...

    @property
    def inverse_frequencies(self) -> str:
        """SQL (DOUBLE[]) of ln(1 + N / (1 + n)) for each number in order, the mean of all for number 0 in front."""
        ...


Learned = str | Vocabulary
"""SQL of a scalar statistic, or a vocabulary."""


@dataclass(frozen=True)
class Arguments:
    """The arguments of one call, checked, defaults filled in."""

    function: str
    """As shown to users: "ML.BUCKETIZE"."""
    expressions: Mapping[str, Expression]
    literals: Mapping[str, Any]
    fields: Mapping[str, tuple[tuple[str, Expression], ...]] = field(default_factory=dict)
    """Of a STRUCT(…) argument: its fields by name, in order."""
    span: Span | None = None

    def sql(self, name: str) -> str:
        """The expression of a parameter."""
        return self.expressions[name].sql

    def type(self, name: str) -> SqlType | None:
        return self.expressions[name].type

    def error(self, name: str, message: str, *, hint: str | None = None) -> DataError:
        """An error about one argument, with its place."""
        found = self.expressions.get(name)
        return DataError(f"{self.function}: {message}", code="function_argument", span=found.span if found else self.span, hint=hint)


@dataclass(frozen=True)
class ValueSpec:
    """A function of the shape `ML.NAME(expression, …) [OVER ()]`."""

    name: str
    """As shown to users: "ML.BUCKETIZE", "TEXT_ANALYZE"."""
    doc: str
    parameters: tuple[Parameter, ...]
    expression: Callable[[Arguments, Sequence[Learned]], str]
    """(arguments, learned statistics in the order declared) -> SQL."""
    statistics: Callable[[Arguments], tuple[Statistic, ...]] | None = None
    """Set for analytic functions: what is learned of all rows."""
    check: Callable[[Arguments], None] = lambda arguments: None
    """Rules between arguments; raises `arguments.error(…)`."""
    native: bool = False
    """Whether the SQL calls functions that sqlml adds to the engine (`Engine.native_functions`): such SQL runs in sqlml only."""

    @property
    def is_analytic(self) -> bool:
        return self.statistics is not None

    @property
    def usage(self) -> str:
        parts = [parameter.name if parameter.default is REQUIRED else f"[{parameter.name}]" for parameter in self.parameters]
        return f"{self.name}({', '.join(parts)}){' OVER ()' * self.is_analytic}"
