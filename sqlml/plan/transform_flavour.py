"""A TRANSFORM clause in BigQuery's SQL as one of the engine's: what is stored with a model and bound again is always the engine's own.

The ML calls of the clause stay ML calls; what stands around them and in their arguments is translated.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlml import sql
from sqlml.bigquery.part import Part
from sqlml.errors import Error, ProgrammingError
from sqlml.plan.flavour import Replacements
from sqlml.plan.splice import Spliced, plain
from sqlml.source import Source, Span
from sqlml.syntax import parse_transform, print_value
from sqlml.syntax.nodes import TransformColumn, TransformFields, TransformStar, ValueArgument, ValueCall
from sqlml.syntax.tokens import TokenKind, tokenize

_BUILT_IN = re.compile(r'\bsystem\.main\."?(\w+)"?')
_ZONED = re.compile(r"\bTIMESTAMP WITH TIME ZONE\b|\bTIMESTAMPTZ\b", re.IGNORECASE)


class Translates(Protocol):
    """Translates parts of a text, as `PlanContext` does."""

    @property
    def source(self) -> Source: ...

    def text(self, span: Span, replacements: Replacements, part: Part = Part.STATEMENT) -> Spliced: ...


@dataclass(frozen=True)
class EngineClause:
    """The clause as the engine's, and where its items stand in the user's text."""

    source: Source
    items: tuple[tuple[Span, Span], ...]
    """Of each item, its span in the new text and in the user's."""

    @property
    def span(self) -> Span:
        return Span(0, len(self.source.text))

    def locate(self, span: Span) -> Span:
        """The item of the user's text that a span of the new text is in."""
        return next((written for made, written in self.items if made.start <= span.start < made.end), self.items[0][1])


def engine_clause(context: Translates, span: Span) -> EngineClause:
    """The clause translated.

    Raises: what reading and translating it raises, with the place in the user's text.
    """
    node = parse_transform(context.source, span, "bigquery", check=False)
    writer = _Writer(context, node.calls)
    parts: list[str] = []
    items: list[tuple[Span, Span]] = []
    length = 0
    for item in node.items:
        try:
            text = writer.item(item)
        except Error as error:
            raise error.at(item.span) from error.__cause__
        items.append((Span(length, length + len(text)), item.span))
        parts.append(text)
        length += len(text) + len(_BETWEEN)
    return EngineClause(Source(_BETWEEN.join(parts)), tuple(items))


_BETWEEN = ",\n"


class _Writer:
    def __init__(self, context: Translates, calls: Sequence[ValueCall]) -> None:
        self._context = context
        self._calls = calls

    def item(self, item: TransformColumn | TransformFields | TransformStar) -> str:
        match item:
            case TransformColumn(column=str() as column) if column.casefold() == item.name.casefold():
                return sql.quote(item.name)
            case TransformColumn():
                return f"{self.expression(item.expression)} AS {sql.quote(item.name)}"
            case TransformFields():
                return f"{self.expression(item.expression)}.*"
            case TransformStar():
                left_out = f" EXCLUDE ({sql.columns([name for name, _ in item.left_out])})" if item.left_out else ""
                replaced = ", ".join(self.item(column) for column in item.replaced)
                return f"*{left_out}" + (f" REPLACE ({replaced})" if replaced else "")

    def expression(self, span: Span) -> str:
        """An expression of the clause; times with a zone are times in UTC here, as columns are."""
        _check_lasting(self._context.source, span)
        inner = [call for call in self._calls if span.start <= call.span.start and call.span.end <= span.end]
        outermost = [call for call in inner if not any(_holds(other.span, call.span) for other in inner)]
        replacements: list[tuple[Span, Spliced]] = [(call.span, plain(self.call(call))) for call in outermost]
        text = self._context.text(span, replacements, Part.EXPRESSION).text
        # The functions are looked up in a list of harmless ones by their plain names, and qualified when the clause is bound.
        return _ZONED.sub("TIMESTAMP", _BUILT_IN.sub(r"\1", text))

    def call(self, call: ValueCall) -> str:
        over = self._context.source.text[call.over.start : call.over.end] if call.over is not None else ""
        return f"{call.function}({', '.join(self.argument(argument) for argument in call.arguments)}) {over}".strip()

    def argument(self, argument: ValueArgument) -> str:
        name = f"{argument.name} => " if argument.name is not None else ""
        if argument.value is not None:
            return f"{name}{print_value(argument.value.value)}"
        if argument.fields is not None:
            fields = [
                f"{self.expression(field.expression)} AS {sql.quote(field.name)}" if field.name else self.expression(field.expression)
                for field in argument.fields
            ]
            return f"{name}STRUCT({', '.join(fields)})"
        return f"{name}{self.expression(argument.span)}"


_MOMENTS = frozenset({"CURRENT_DATE", "CURRENT_DATETIME", "CURRENT_TIME", "CURRENT_TIMESTAMP"})
"""Functions that are called without brackets too."""
_CHANCE = frozenset({"RAND", "GENERATE_UUID"})


def _check_lasting(source: Source, span: Span) -> None:
    """Raises: ProgrammingError `transform_expression` for a function that gives another value the next time."""
    before = ""
    tokens = tokenize(source.text, "bigquery", span)
    for token, following in itertools.pairwise([*tokens, None]):
        assert token is not None
        name = token.text.upper()
        called = following is not None and following.is_symbol("(")
        if token.kind is TokenKind.WORD and before != "." and (name in _MOMENTS or (name in _CHANCE and called)):
            why = "its value depends on when it runs" if name in _MOMENTS else "its value is another one each time"
            literal = "write the value as a literal, such as DATE '2026-01-31', or " if name in _MOMENTS else ""
            raise ProgrammingError(
                f"{name} cannot be part of a TRANSFORM clause: {why}", code="transform_expression", span=token.span,
                hint=f"{literal}compute it in the query after AS and take it as a column",
            )  # fmt: skip
        before = token.text


def _holds(outer: Span, inner: Span) -> bool:
    return outer != inner and outer.start <= inner.start and inner.end <= outer.end
