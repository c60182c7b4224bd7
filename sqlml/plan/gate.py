"""PROMOTE IF: a condition on metrics, checked before anything is trained, and decided by the engine afterwards.

    roc_auc >= incumbent.roc_auc - 0.005 AND log_loss < champion.log_loss

A bare word is a metric of the new version; `incumbent.` stands for the version that would be replaced, and so may any alias. Everything
else is an expression of one row: literals, parameters, operators, CASE, and a few functions of numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlml import sql
from sqlml.engines.engine import Engine
from sqlml.errors import Error, ProgrammingError, did_you_mean
from sqlml.plan.context import PlanContext
from sqlml.plan.splice import Spliced, located, plain, splice
from sqlml.shown_names import listed, shown_name
from sqlml.source import Source, Span
from sqlml.syntax.names import unquote
from sqlml.syntax.tokens import Token, TokenKind, tokenize

INCUMBENT = "incumbent"
_EXAMPLE = "PROMOTE IF roc_auc >= incumbent.roc_auc - 0.005"
_KEYWORDS = frozenset(
    ["AND", "OR", "NOT", "BETWEEN", "IN", "IS", "NULL", "TRUE", "FALSE", "CASE", "WHEN", "THEN", "ELSE", "END", "DISTINCT", "FROM"]
)
_FUNCTIONS = frozenset(
    [
        "ABS",
        "GREATEST",
        "LEAST",
        "COALESCE",
        "IFNULL",
        "NULLIF",
        "IF",
        "ROUND",
        "FLOOR",
        "CEIL",
        "CEILING",
        "SQRT",
        "LN",
        "LOG",
        "LOG10",
        "LOG2",
        "EXP",
        "POWER",
        "POW",
        "SIGN",
        "ISNAN",
        "ISFINITE",
        "ISINF",
    ]
)

Metrics = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class MetricName:
    """A metric in the condition: of the new version where `owner` is "", else of the incumbent or of an alias, in lower case."""

    owner: str
    metric: str
    span: Span


@dataclass(frozen=True)
class Gate:
    """A condition that was checked."""

    source: Source
    span: Span
    names: tuple[MetricName, ...]
    parameter_places: tuple[tuple[Span, Spliced], ...]
    parameters: Mapping[str, object] | None

    @property
    def aliases(self) -> tuple[str, ...]:
        """The aliases that stand in it."""
        return tuple(dict.fromkeys(name.owner for name in self.names if name.owner not in ("", INCUMBENT)))

    def decide(self, engine: Engine, metrics: Mapping[str, Metrics]) -> bool | None:
        """Whether the condition holds; None where a value that it needs is unknown.

        Args: metrics, by owner.
        Raises: what the engine says of the expression, with its place.
        """
        # NaN is greater than every number to the engine: a division by an incumbent's 0 would promote. So nothing gives NaN here; what has
        # no value is NULL, hence unknown. It is asked on a connection of its own, whose settings are nobody else's.
        text = self._filled(metrics).within("SET ieee_floating_point_ops = false; SELECT TRY(", "\n)")
        try:
            ((found,),) = engine.rows_apart(text.text, self.parameters)
        except Error as error:
            raise located(error, text).at(self.span) from error.__cause__
        return None if found is None else bool(found)

    def sql(self, metrics: Mapping[str, Metrics]) -> Spliced:
        """The query that decides, of one BOOLEAN."""
        return self._filled(metrics).within("SELECT (", "\n)")

    def _filled(self, metrics: Mapping[str, Metrics]) -> Spliced:
        """The condition with values in the place of names."""
        values = [(name.span, plain(sql.cast(sql.literal(_value(name, metrics)), "DOUBLE"))) for name in self.names]
        return splice(self.source.text, self.span, [*values, *self.parameter_places])

    def shown(self, metrics: Mapping[str, Metrics]) -> str:
        """The condition in one line, each metric with its value."""
        values = [(name.span, plain(f"{self._text(name.span)} {_number(_value(name, metrics))}")) for name in self.names]
        return " ".join(splice(self.source.text, self.span, values).text.split())

    def _text(self, span: Span) -> str:
        return self.source.text[span.start : span.end]


def bind_gate(span: Span, context: PlanContext, metrics: Sequence[str], aliases: Sequence[str]) -> Gate:
    """The condition at `span`, with every name in it known and its type checked.

    Args: metrics, those that models of this kind have; aliases, those of the model.
    Raises: ProgrammingError `unknown_metric`, `unknown_alias`, `gate_expression`, `gate_type`, and what the engine says of it.
    """
    text = context.source.text
    tokens = tokenize(text, "duckdb", span)
    names: list[MetricName] = []
    position = 0
    while position < len(tokens):
        token = tokens[position]
        behind = tokens[position + 1] if position + 1 < len(tokens) else None
        if token.kind is TokenKind.SYMBOL and token.text == ";":
            raise _not_an_expression(token)
        if token.kind not in (TokenKind.WORD, TokenKind.QUOTED):
            position += 1
            continue
        if behind is not None and behind.is_symbol(".") and position + 2 < len(tokens):
            metric = tokens[position + 2]
            names.append(_qualified(token, metric, metrics, aliases))
            position += 3
            continue
        if behind is not None and behind.is_symbol("(") and not token.is_word(*_KEYWORDS):
            _check_function(token)
        elif not token.is_word(*_KEYWORDS):
            names.append(MetricName("", _metric(token, metrics), token.span))
        elif token.is_word("FROM") and not (position and tokens[position - 1].is_word("DISTINCT")):
            raise _not_an_expression(token)
        position += 1
    places = tuple((where, replacement) for where, replacement in context.parameters.replacements)
    gate = Gate(context.source, span, tuple(names), places, context.parameters.used_in(span))
    _check_type(gate, context)
    return gate


def _qualified(owner: Token, metric: Token, metrics: Sequence[str], aliases: Sequence[str]) -> MetricName:
    name = unquote(owner, "duckdb")
    known = {alias.casefold() for alias in aliases} | {INCUMBENT}
    if name.casefold() not in known:
        shown = [INCUMBENT, *aliases]
        raise ProgrammingError(
            f"{shown_name(name)} is neither incumbent nor an alias of the model", code="unknown_alias", span=owner.span,
            hint=did_you_mean(name, shown, shown_name) or f"there are: {listed(shown)}",
        )  # fmt: skip
    return MetricName(name.casefold(), _metric(metric, metrics), owner.span.to(metric.span))


def _metric(token: Token, metrics: Sequence[str]) -> str:
    name = unquote(token, "duckdb") if token.kind in (TokenKind.WORD, TokenKind.QUOTED) else token.text
    found = name.lower()
    if found in metrics:
        return found
    if token.is_word("SELECT", "WITH", "EXISTS", "VALUES"):
        raise _not_an_expression(token)
    close = did_you_mean(name, tuple(metrics))
    known = f"metrics of this model are {', '.join(metrics)}" if metrics else "models of this type have no metrics"
    raise ProgrammingError(
        f"{name} is no metric of this model", code="unknown_metric", span=token.span, hint=f"{close} {known}" if close else known
    )


def _check_function(token: Token) -> None:
    if token.kind is TokenKind.QUOTED or token.text.upper() not in _FUNCTIONS:
        raise ProgrammingError(
            f"PROMOTE IF has no function {token.text}", code="gate_expression", span=token.span,
            hint=f"there are {', '.join(sorted(name.lower() for name in _FUNCTIONS))}",
        )  # fmt: skip


def _not_an_expression(token: Token) -> ProgrammingError:
    return ProgrammingError(
        f"PROMOTE IF takes an expression over metrics, no query: found {token.text}", code="gate_expression", span=token.span,
        hint=f"as in {_EXAMPLE}; a value from a query can be passed as a parameter",
    )  # fmt: skip


def _check_type(gate: Gate, context: PlanContext) -> None:
    text = gate.sql({})
    try:
        (column,) = context.engine.describe(text.text, gate.parameters)
    except Error as error:
        raise located(error, text).at(gate.span) from error.__cause__
    if column.type.name != "BOOLEAN":
        raise ProgrammingError(
            f"PROMOTE IF takes a condition that is true or false, got one of type {column.type}", code="gate_type", span=gate.span,
            hint=f"compare it, as in {_EXAMPLE}",
        )  # fmt: skip


def _value(name: MetricName, metrics: Mapping[str, Metrics]) -> float | None:
    value = metrics.get(name.owner, {}).get(name.metric)
    return None if value is None or math.isnan(value) else value


def _number(value: float | None) -> str:
    return "NULL" if value is None else f"{value:.6g}"
