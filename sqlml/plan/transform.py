"""A TRANSFORM clause bound to the columns of its query: which it reads, what it makes, what it has to learn, and the SQL of all that.

The clause is text of the user's with ML calls in it. It is run in layers: the query's columns; beside them the arguments of analytic
functions, each computed once; beside these the STRUCTs that `expression.*` takes apart; over all that the outputs. The same text runs at
training and at prediction, only the learned constants come in between. A clause that was stored is bound again in the same way before
anything of it runs.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlml import sql
from sqlml.errors import DataError, Error, ProgrammingError
from sqlml.features.expressions import RESERVED_PREFIX
from sqlml.functions._learning import placeholder
from sqlml.functions._registry import find_value_function
from sqlml.functions._statistics import Statistic
from sqlml.functions._value_spec import Learned, ValueSpec
from sqlml.plan.arguments import bind_arguments, check_call
from sqlml.plan.splice import Spliced, concatenate, embed, plain, splice
from sqlml.source import Source, Span
from sqlml.syntax import parse_transform
from sqlml.syntax.nodes import Transform, TransformColumn, TransformFields, TransformStar, ValueCall
from sqlml.types import Column, Schema, SqlType

OUTPUT = f"{RESERVED_PREFIX}t"
"""Outputs beside the input's own columns are called so, with their number: an output may have the name of another input column."""

Describe = Callable[[Spliced], Schema]
"""The columns of a query; its errors have their place in the user's text."""


@dataclass(frozen=True, slots=True)
class _Output:
    """A column that the clause makes: of an expression of the clause, of a field of a STRUCT, or of a column as it is."""

    name: str
    span: Span
    expression: Span | None = None
    column: str | None = None
    """The query's column that passes through unchanged."""
    field: tuple[int, str] | None = None
    """(index of the STRUCT among those taken apart, name of the field)."""


class BoundTransform:
    """One clause over one schema.

    Args: raw, the columns of the query; describe, asks the engine; native_functions, makes the engine's functions of ours callable; inputs,
    the names of the columns that the clause reads, where that is known already (a stored clause); try_describe, asks the engine of what it
    may refuse: None then, and a transaction that is open stays so; locate, from a place in `source` to the
    user's, where `source` is a translation.
    Raises: ProgrammingError `unknown_column`, `transform_alias`, `transform_expression`, and what binding a call raises.
    """

    def __init__(
        self,
        source: Source,
        span: Span,
        raw: Schema,
        describe: Describe,
        native_functions: Callable[[], None],
        try_describe: Callable[[Spliced], Schema | None],
        inputs: Sequence[str] | None = None,
        locate: Callable[[Span], Span] = lambda span: span,
    ) -> None:
        self.clause = source.text[span.start : span.end]
        self.raw = raw
        self._zoned = [column.name for column in raw if is_zoned(column.type)]
        self._source = source
        self._node: Transform = parse_transform(source, span)
        self._describe = describe
        self._try_describe = try_describe
        self.locate = locate
        self._types: dict[Span, SqlType | None] = {}
        self._arguments: dict[str, str] = {}
        """SQL of an analytic function's argument -> the column that holds it."""
        self._structs = [item.expression for item in self._node.items if isinstance(item, TransformFields)]
        self._calls = self._checked_calls()
        self.native = any(spec.native for _, spec in self._calls)
        if self.native:
            native_functions()
        asked, replacements = self._render(None)
        self.statistics: tuple[Statistic, ...] = tuple(statistic for statistic, _ in asked)
        self.statistic_calls: tuple[ValueCall, ...] = tuple(call for _, call in asked)
        """The call that asks for each statistic."""
        self._outputs = self._expanded(replacements)
        self.outputs = self._described(replacements)
        self._read = self._read_columns(replacements) if inputs is None else {name.casefold() for name in inputs}
        """Columns, in lower case, that an expression of the clause needs."""
        self.inputs = tuple(column for column in raw if column.name.casefold() in self._read | self.passed)
        # What no expression reads need not be there when the model predicts.
        self._zoned = [name for name in self._zoned if name.casefold() in self._read]

    @property
    def passed(self) -> frozenset[str]:
        """The query's columns, in lower case, that come out under their own name, unchanged."""
        return frozenset(output.name.casefold() for output in self._outputs if output.column is not None)

    def needs(self, name: str) -> bool:
        """Whether an expression reads a column, beyond passing it on."""
        return name.casefold() in self._read

    def place(self, name: str) -> Span:
        """Where the output of a name is made, or the whole clause."""
        return self.locate(next((output.span for output in self._outputs if output.name.casefold() == name.casefold()), self._node.span))

    def learning_relation(self, relation: str) -> str:
        """The rows that statistics are written over, in brackets.

        Args: relation, of the query's rows, a name or in brackets.
        """
        return self._with_arguments(relation).text

    @property
    def _argument_items(self) -> str:
        return ", ".join(f"{text} AS {name}" for text, name in self._arguments.items())

    def layers(self, learned: Sequence[Learned], relation: str) -> str:
        """The query's rows with arguments and STRUCTs beside them, as a query in brackets.

        Args: learned, in the order of `statistics`; relation, of the query's columns, in brackets.
        """
        _, replacements = self._render(learned)
        return self._layers(relation, replacements).text

    def expressions(self, learned: Sequence[Learned]) -> list[tuple[Column, str]]:
        """The outputs in order, each with its SQL over `layers`."""
        _, replacements = self._render(learned)
        return [(column, self._expression(output, replacements).text) for column, output in zip(self.outputs, self._outputs, strict=True)]

    def passes(self, column: Column) -> bool:
        """Whether an output is a column of the query as it is."""
        return column.name.casefold() in self.passed

    def reads(self, name: str) -> tuple[str, ...]:
        """The query's columns that an output is made of, in the query's order.

        A field of ML.POLYNOMIAL_EXPAND or ML.FEATURE_CROSS is made of those that its name joins; any other field of all that its STRUCT is.
        """
        output = next(output for output in self._outputs if output.name == name)
        if output.column is not None:
            return (output.column,)
        spans = [output.expression] if output.expression is not None else self._field_spans(output)
        used = {word.casefold() for word, span in self._node.names if any(_within(span, part) for part in spans if part is not None)}
        return tuple(column.name for column in self.raw if column.name.casefold() in used)

    def _field_spans(self, output: _Output) -> list[Span]:
        assert output.field is not None
        struct = self._structs[output.field[0]]
        call = next((call for call, _ in self._calls if call.span == struct), None)
        fields = [field for argument in call.arguments for field in argument.fields or ()] if call is not None else []
        joined = _joined_names(output.name, {field.name for field in fields if field.name is not None})
        return [field.expression for field in fields if field.name in joined] or [struct]

    # ---- Calls ----

    def _checked_calls(self) -> list[tuple[ValueCall, ValueSpec]]:
        found = []
        for call in self._node.calls:
            try:
                spec = find_value_function(call.function)
            except Error as error:
                raise error.at(call.function_span) from None
            check_call(call, spec)
            found.append((call, spec))
        for call, spec in found:
            for outer, outer_spec in found:
                if spec.is_analytic and outer_spec.is_analytic and outer.span.start < call.span.start and call.span.end < outer.span.end:
                    raise ProgrammingError(
                        f"{spec.name} cannot be an argument of {outer_spec.name}: both look at all rows", code="function_position",
                        span=call.span, hint="make a TRANSFORM_ONLY model of the inner one and train on ML.TRANSFORM of it",
                    )  # fmt: skip
        return found

    def _render(self, learned: Sequence[Learned] | None) -> tuple[list[tuple[Statistic, ValueCall]], list[tuple[Span, Spliced]]]:
        """The statistics that the calls ask for, and what stands in their places."""
        replacements: list[tuple[Span, Spliced]] = []
        statistics: list[tuple[Statistic, ValueCall]] = []
        for call, spec in self._calls:
            inner: list[Spliced] = []

            def text(span: Span, spec: ValueSpec = spec, inner: list[Spliced] = inner) -> str:
                found = self._text(span, replacements)
                if spec.is_analytic:
                    return self._arguments.setdefault(f"({found.text}\n)", sql.quote(f"{RESERVED_PREFIX}a{len(self._arguments)}"))
                inner.append(found)
                return found.text

            arguments = bind_arguments(call, spec, text, lambda span: self._type(span, replacements), lambda value, span: value)
            asked = spec.statistics(arguments) if spec.statistics is not None else ()
            first = len(statistics)
            statistics += [(one, call) for one in asked]
            values = [placeholder(one) for one in asked] if learned is None else learned[first : first + len(asked)]
            replacements.append((call.span, embed(f"({spec.expression(arguments, values)})", inner, call.span)))
        return statistics, replacements

    def _text(self, span: Span, replacements: Sequence[tuple[Span, Spliced]]) -> Spliced:
        return splice(self._source.text, span, replacements)

    def _type(self, span: Span, replacements: Sequence[tuple[Span, Spliced]]) -> SqlType | None:
        """The type of an expression; None for one that stands on its own nowhere, such as the parameter of a lambda."""
        if span not in self._types:
            relation = self._with_arguments(_empty(self.raw))
            query = concatenate([plain("SELECT ("), self._text(span, replacements), plain("\n) AS x FROM "), relation])
            # If the clause cannot be bound for it, its outputs say so with the place.
            schema = self._try_describe(query)
            self._types[span] = None if schema is None else next(iter(schema)).type
        return self._types[span]

    # ---- Layers ----

    def _with_arguments(self, relation: str) -> Spliced:
        relation = self._in_utc(relation)
        if not self._arguments:
            return plain(relation)
        return plain(f"(SELECT *, {self._argument_items} FROM {relation})")

    def _in_utc(self, relation: str) -> str:
        """The relation with its times with zone as times in UTC, as BigQuery reads them; the columns themselves stay beside them."""
        if not self._zoned:
            return relation
        read = ", ".join(f"{sql.call('timezone', sql.literal('UTC'), sql.quote(name))} AS {sql.quote(name)}" for name in self._zoned)
        kept = ", ".join(f"{sql.quote(name)} AS {_kept(index)}" for index, name in enumerate(self._zoned))
        return f"(SELECT * REPLACE ({read}), {kept} FROM {relation})"

    def _layers(self, relation: str, replacements: Sequence[tuple[Span, Spliced]]) -> Spliced:
        inner = self._with_arguments(relation)
        if not self._structs:
            return inner
        parts = [plain("(SELECT *")]
        for index, span in enumerate(self._structs):
            parts += [plain(", ("), self._text(span, replacements), plain(f"\n) AS {_struct(index)}")]
        return concatenate([*parts, plain(" FROM "), inner, plain(")")])

    def _expression(self, output: _Output, replacements: Sequence[tuple[Span, Spliced]]) -> Spliced:
        if output.field is not None:
            return plain(sql.call("struct_extract", _struct(output.field[0]), sql.literal(output.field[1])))
        if output.column is not None:
            is_kept = output.column in self._zoned
            return plain(_kept(self._zoned.index(output.column)) if is_kept else sql.quote(output.column))
        assert output.expression is not None
        return concatenate([plain("("), self._text(output.expression, replacements), plain("\n)")])

    # ---- Outputs ----

    def _expanded(self, replacements: Sequence[tuple[Span, Spliced]]) -> tuple[_Output, ...]:
        outputs: list[_Output] = []
        n_structs = 0
        for item in self._node.items:
            match item:
                case TransformColumn():
                    outputs.append(self._column(item))
                case TransformFields():
                    outputs += self._fields(item, n_structs, replacements)
                    n_structs += 1
                case TransformStar():
                    outputs += self._star(item)
        seen: set[str] = set()
        for output in outputs:
            key = output.name.casefold()
            if key in seen:
                raise ProgrammingError(
                    f"TRANSFORM makes two columns called {output.name}", code="transform_alias", span=output.span,
                    hint="give one of them another name, or leave it out: * EXCEPT (…)",
                )  # fmt: skip
            if key.startswith(RESERVED_PREFIX):
                raise ProgrammingError(
                    f"column names that begin with {RESERVED_PREFIX} are sqlml's own", code="reserved_name", span=output.span
                )
            seen.add(key)
        return tuple(outputs)

    def _column(self, item: TransformColumn) -> _Output:
        if item.column is None:
            return _Output(item.name, item.span, expression=item.expression)
        column = self._find(item.column, item.expression)
        # An alias in another case than the column's is no other name.
        is_own = item.name.casefold() == column.name.casefold()
        return _Output(column.name, item.span, column=column.name) if is_own else _Output(item.name, item.span, expression=item.expression)

    def _star(self, item: TransformStar) -> list[_Output]:
        left_out = {self._find(name, span).name for name, span in item.left_out}
        replaced = {self._find(column.name, column.alias_span or column.span).name: column for column in item.replaced}
        outputs = []
        for column in self.raw:
            if column.name in left_out:
                continue
            replacement = replaced.get(column.name)
            if replacement is not None:
                outputs.append(_Output(column.name, replacement.span, expression=replacement.expression))
            else:
                outputs.append(_Output(column.name, item.span, column=column.name))
        return outputs

    def _fields(self, item: TransformFields, index: int, replacements: Sequence[tuple[Span, Spliced]]) -> list[_Output]:
        expression = self._text(item.expression, replacements)
        relation = self._with_arguments(_empty(self.raw))
        try:
            type_ = self._type(item.expression, replacements)
            if type_ is not None and not type_.name.startswith("STRUCT"):
                raise ProgrammingError(
                    f"{self._source.text[item.expression.start : item.expression.end]} is no STRUCT, so it has no fields",
                    code="transform_expression",
                )  # fmt: skip
            schema = self._describe(concatenate([plain("SELECT system.main.unnest("), expression, plain("\n) FROM "), relation]))
        except Error as error:
            raise error.at(item.span) from error.__cause__
        return [_Output(column.name, item.span, field=(index, column.name)) for column in schema]

    def _find(self, name: str, span: Span) -> Column:
        column = self.raw.find(name)
        if column is None:
            close = difflib.get_close_matches(name.lower(), [known.lower() for known in self.raw.names], n=1)
            raise ProgrammingError(
                f"the training query has no column {name}", code="unknown_column", span=span,
                hint=f"did you mean {close[0]}?" if close else f"it gives {', '.join(self.raw.names[:12])}",
            )  # fmt: skip
        return column

    def _read_columns(self, replacements: Sequence[tuple[Span, Spliced]]) -> set[str]:
        """The columns, in lower case, that an expression cannot be bound without.

        A word of the clause may be a column's name and mean something else: a type, a part of a date, the parameter of a lambda, a field.
        """
        made = [output for output in self._outputs if output.column is None]
        words = _read_names(self._node, [*self._structs, *(output.expression for output in made if output.expression is not None)])
        named = [column for column in self.raw if column.name.casefold() in words]
        if not named or self._try_describe(self._made(made, replacements, _empty(self.raw))) is None:
            # The engine takes the clause, as it has said, and cannot be asked of a part of it: each word counts.
            return {column.name.casefold() for column in named}
        found = set()
        for column in named:
            rest = Schema(tuple(other for other in self.raw if other is not column))
            if self._try_describe(self._made(made, replacements, _empty(rest), without=column.name)) is None:
                found.add(column.name.casefold())
        return found

    def _made(self, outputs: Sequence[_Output], replacements: Sequence[tuple[Span, Spliced]], relation: str, without: str = "") -> Spliced:
        """A query of some outputs over a relation that may lack a column."""
        parts = [plain("SELECT ")]
        for index, output in enumerate(outputs):
            parts += [plain(", " if index else ""), self._expression(output, replacements), plain(f" AS {sql.quote(f'{OUTPUT}{index}')}")]
        zoned = self._zoned
        self._zoned = [name for name in zoned if name != without]
        try:
            return concatenate([*parts, plain(" FROM "), self._layers(relation, replacements)])
        finally:
            self._zoned = zoned

    def _described(self, replacements: Sequence[tuple[Span, Spliced]]) -> tuple[Column, ...]:
        try:
            schema = self._describe(self._made(self._outputs, replacements, _empty(self.raw)))
        except Error as error:
            raise error.at(self._node.span) from error.__cause__
        columns = []
        for output, column in zip(self._outputs, schema, strict=True):
            if column.type.name == '"NULL"':
                raise DataError(
                    f"column {output.name} is NULL without a type", code="feature_type", span=output.span,
                    hint="write CAST(NULL AS DOUBLE), or leave it out",
                )  # fmt: skip
            columns.append(Column(output.name, column.type))
        return tuple(columns)


def _read_names(node: Transform, expressions: Sequence[Span]) -> set[str]:
    """Words of some expressions of the clause, in lower case."""
    return {name.casefold() for name, span in node.names if any(_within(span, expression) for expression in expressions)}


def _joined_names(name: str, parts: set[str]) -> set[str]:
    """The parts that a name joins with "_", or nothing when it is no such name."""
    if name in parts:
        return {name}
    for part in sorted(parts):
        if name.startswith(f"{part}_") and (rest := _joined_names(name[len(part) + 1 :], parts)):
            return {part} | rest
    return set()


def _within(inner: Span, outer: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _struct(index: int) -> str:
    return sql.quote(f"{RESERVED_PREFIX}s{index}")


def _kept(index: int) -> str:
    return sql.quote(f"{RESERVED_PREFIX}z{index}")


def is_zoned(type_: SqlType) -> bool:
    """Whether a type is a point in time with zone, whose parts and text depend on the session's time zone."""
    return type_.name.startswith("TIMESTAMP") and ("TIME ZONE" in type_.name or "TZ" in type_.name)


def _empty(schema: Schema) -> str:
    """A relation of the columns, to ask for types."""
    columns = [f"CAST(NULL AS {column.type}) AS {sql.quote(column.name)}" for column in schema]
    return f"(SELECT {', '.join(columns or [f'NULL AS {_NOTHING}'])})"


_NOTHING = sql.quote(f"{RESERVED_PREFIX}nothing")
