"""Binding preprocessing functions in an ordinary query: each becomes an expression that stands in its place.

Types of arguments are asked of the engine, over the FROM clause around the call. Where that does not work (an argument that names another
item of the select list, a lambda's parameter) they stay unknown, and what does not fit is the engine's to report.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlml import sql
from sqlml.bigquery.part import Part
from sqlml.errors import Error, NotSupportedError, ProgrammingError
from sqlml.functions._registry import find_value_function
from sqlml.functions._statistics import Terms
from sqlml.functions._value_spec import Learned, ValueSpec
from sqlml.functions._windows import query_vocabulary, window_sql
from sqlml.plan.arguments import bind_arguments, check_call
from sqlml.plan.context import PlanContext
from sqlml.plan.ctes import visible_ctes
from sqlml.plan.splice import Spliced, concatenate, embed, plain
from sqlml.source import Span
from sqlml.syntax.nodes import InformationTable, MLCall, ValueCall
from sqlml.types import SqlType

_CHANGES = re.compile(r"\b(random|uuid\w*|gen_random_uuid|nextval|tablesample|sample)\b", re.IGNORECASE)
"""What may give other rows when it is read a second time."""


class Values:
    """Binds the value calls of one statement.

    Args: replacements, the list of (span, text) that the statement's other calls add to, shared with their binder.
    """

    def __init__(self, context: PlanContext, replacements: list[tuple[Span, Spliced]]) -> None:
        self._context = context
        self._replacements = replacements
        self._types: dict[tuple[Span, Span], SqlType | None] = {}
        self._asked_together: dict[Span, list[Span]] = {}
        """The arguments of calls over one FROM clause, by its place."""
        self._analytic: list[tuple[Span, str]] = []
        self.has_native = False
        """Whether the statement calls functions that only sqlml has."""

    def bind(self, call: ValueCall) -> Spliced:
        """What stands in the call's place.

        Raises: ProgrammingError, DataError with the place of the call or of its argument.
        """
        try:
            spec = find_value_function(call.function)
        except Error as error:
            raise error.at(call.function_span) from None
        check_call(call, spec)
        self._check_nesting(call, spec)
        inner: list[Spliced] = []

        def text(span: Span) -> str:
            inner.append(self._text(span))
            return inner[-1].text

        arguments = bind_arguments(call, spec, text, lambda span: self._type(call, span), self._context.parameters.fill)
        learned: list[Learned] = []
        if spec.statistics is not None:
            asked = spec.statistics(arguments)
            learned = [self._vocabulary(one, call, spec) if isinstance(one, Terms) else window_sql(one, asked) for one in asked]
        if spec.native:
            self._context.engine.native_functions()
            self.has_native = True
        return embed(f"({spec.expression(arguments, learned)})", inner, call.span)

    def group(self, calls: Sequence[MLCall | ValueCall | InformationTable]) -> None:
        """Notes which arguments can be asked for together: those over one FROM clause that hold no other call. Asking takes a millisecond.

        They are asked for when the first of them is bound: what the clause reads may hold calls, which are bound before.
        """
        for call in calls:
            if isinstance(call, ValueCall) and call.scope is not None and not any(_inside(other.span, call.span) for other in calls):
                self._asked_together.setdefault(call.scope.relation, []).extend(_expressions(call))

    def _check_nesting(self, call: ValueCall, spec: ValueSpec) -> None:
        """An analytic function knows all rows only when every other analytic function has been over them."""
        if spec.is_analytic:
            for where, inner in self._analytic:
                if _inside(where, call.span):
                    raise ProgrammingError(
                        f"{inner} cannot be an argument of {spec.name}: both look at all rows", code="function_position", span=where,
                        hint="compute the inner one in a subquery",
                    )  # fmt: skip
            self._analytic.append((call.span, spec.name))

    def _text(self, span: Span, part: Part = Part.EXPRESSION) -> Spliced:
        return self._context.text(span, self._replacements, part)

    def _vocabulary(self, terms: Terms, call: ValueCall, spec: ValueSpec) -> Learned:
        scope = call.scope
        if scope is None or scope.is_grouped:
            raise NotSupportedError(
                f"{spec.name} cannot stand {'in a query with GROUP BY' if scope else 'here'}", code="function_position", span=call.span,
                hint="make the rows in a subquery: SELECT … OVER () FROM (SELECT …)",
            )  # fmt: skip
        rows = self._rows(call)
        if _CHANGES.search(rows.text):
            raise NotSupportedError(
                f"{spec.name} reads the rows of its query twice, and these may be others the second time", code="function_position",
                span=call.span, hint="put the sample into a table first: CREATE TEMP TABLE … AS SELECT …",
            )  # fmt: skip
        return query_vocabulary(terms, rows.text)

    def _rows(self, call: ValueCall) -> Spliced:
        """FROM and WHERE around a call."""
        scope = call.scope
        assert scope is not None
        parts = [self._text(scope.relation, Part.FROM)]
        if scope.condition is not None:
            parts += [plain(" "), self._text(scope.condition, Part.WHERE)]
        return concatenate([*parts, plain("\n")])

    def _type(self, call: ValueCall, span: Span) -> SqlType | None:
        if call.scope is None:
            return None
        relation = call.scope.relation
        if (relation, span) not in self._types:
            together = self._asked_together.get(relation, [])
            spans = together if span in together else [span]
            types = self._describe(call, spans)
            if types is None and len(spans) > 1:  # one that the engine cannot tell must not keep it from the others
                spans = [span]
                types = self._describe(call, spans)
            for index, asked in enumerate(spans):
                self._types[relation, asked] = None if types is None else types[index]
        return self._types[relation, span]

    def _describe(self, call: ValueCall, spans: Sequence[Span]) -> list[SqlType] | None:
        """The types of expressions over the FROM clause around a call, or None when the engine cannot tell."""
        assert call.scope is not None
        if not spans:
            return []
        relation = call.scope.relation
        definitions: list[Spliced] = []
        ctes = visible_ctes(self._context.source.text, call.ctes)
        for cte in ctes:
            definitions += [plain(", " if definitions else f"WITH {'RECURSIVE ' if call.recursive else ''}"), self._text(cte, Part.CTE)]
        items: list[Spliced] = []
        for index, span in enumerate(spans):
            items += [plain(", (" if items else " SELECT ("), self._text(span), plain(f"\n) AS {sql.quote(f'__sqlml_{index}')}")]
        query = concatenate([*definitions, *items, plain(" "), self._text(relation, Part.FROM), plain("\n")])
        schema = self._context.engine.try_describe(query.text, self._context.parameters.used_in(relation, *spans, *ctes))
        return None if schema is None else [column.type for column in schema]


def _expressions(call: ValueCall) -> list[Span]:
    """The arguments, or their fields, that are no literals."""
    found = []
    for argument in call.arguments:
        if argument.fields is not None:
            found += [field.expression for field in argument.fields]
        else:
            found.append(argument.span)
    return found


def _inside(inner: Span, outer: Span) -> bool:
    return outer.start < inner.start and inner.end < outer.end
