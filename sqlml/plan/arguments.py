"""Arguments of preprocessing functions: matched with the declaration, literals checked, types compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlml import sql
from sqlml.errors import DataError, ProgrammingError
from sqlml.functions._value_spec import REQUIRED, Arguments, Expression, Parameter, Takes, ValueSpec
from sqlml.source import Span
from sqlml.syntax.nodes import StructField, Value, ValueArgument, ValueCall
from sqlml.types import SqlType

_MAX_FIELDS = 10

TypeOf = Callable[[Span], SqlType | None]
"""The type of an expression of the user's text, or None where it cannot be known before the statement runs."""
TextOf = Callable[[Span], str]
"""SQL of an expression of the user's text."""


def check_call(call: ValueCall, spec: ValueSpec) -> None:
    """Raises: ProgrammingError `missing_over`, or `function_argument` when OVER stands where it must not, or is not empty."""
    if spec.is_analytic and call.over is None:
        raise ProgrammingError(
            f"{spec.name} looks at all rows and needs OVER ()", code="missing_over", span=call.span, hint=f"write {spec.usage}"
        )
    if spec.is_analytic and not call.over_is_empty:
        raise ProgrammingError(
            f"{spec.name} takes an empty OVER ()", code="function_argument", span=call.over,
            hint="it always looks at all rows; for a part of them filter the query",
        )  # fmt: skip
    if not spec.is_analytic and call.over is not None:
        raise ProgrammingError(
            f"{spec.name} looks at one row and takes no OVER", code="function_argument", span=call.over, hint=f"write {spec.usage}"
        )


def bind_arguments(call: ValueCall, spec: ValueSpec, text: TextOf, type_of: TypeOf, fill: Callable[[object, Span], object]) -> Arguments:
    """The arguments of a call by parameter.

    Args: fill, puts the values of parameters into a literal.
    Raises: ProgrammingError `function_argument`; DataError `argument_type`, and what the function's own check raises.
    """
    check_call(call, spec)
    expressions: dict[str, Expression] = {}
    literals: dict[str, object] = {}
    fields: dict[str, tuple[tuple[str, Expression], ...]] = {}
    for parameter, argument in _matched(call, spec):
        if argument is None:
            literals[parameter.name] = parameter.default
        elif parameter.literal is not None:
            literals[parameter.name] = _literal(spec, parameter, argument, fill)
        elif parameter.takes in (Takes.NUMBER_FIELDS, Takes.STRING_FIELDS):
            fields[parameter.name] = _fields(spec, parameter, argument, text, type_of)
        else:
            expressions[parameter.name] = _expression(spec, parameter, argument.span, text, type_of)
    arguments = Arguments(spec.name, expressions, literals, fields, call.span)
    spec.check(arguments)
    return arguments


def _matched(call: ValueCall, spec: ValueSpec) -> list[tuple[Parameter, ValueArgument | None]]:
    """Every parameter with its argument: by place, then by name."""
    given: dict[str, ValueArgument] = {}
    by_name = {parameter.name: parameter for parameter in spec.parameters}
    for index, argument in enumerate(call.arguments):
        if argument.name is None and given and any(other.name for other in call.arguments[:index]):
            raise ProgrammingError(
                "an argument without a name stands behind one with a name", code="function_argument", span=argument.span,
                hint=f"write {spec.usage}",
            )  # fmt: skip
        if argument.name is None and index >= len(spec.parameters):
            raise ProgrammingError(
                f"{spec.name} takes {_count(len(spec.parameters))}, got {len(call.arguments)}", code="function_argument",
                span=argument.span, hint=f"write {spec.usage}",
            )  # fmt: skip
        name = spec.parameters[index].name if argument.name is None else argument.name.lower()
        if name not in by_name:
            raise ProgrammingError(
                f"{spec.name} has no argument {argument.name}", code="function_argument", span=argument.name_span,
                hint=f"write {spec.usage}",
            )  # fmt: skip
        if name in given:
            raise ProgrammingError(f"argument {name} is given twice", code="function_argument", span=argument.span)
        given[name] = argument
    missing = [parameter.name for parameter in spec.parameters if parameter.default is REQUIRED and parameter.name not in given]
    if missing:
        raise ProgrammingError(
            f"{spec.name} needs {' and '.join(missing)}", code="function_argument", span=call.span, hint=f"write {spec.usage}"
        )
    return [(parameter, given.get(parameter.name)) for parameter in spec.parameters]


def _count(number: int) -> str:
    return f"{number} argument{'s' * (number != 1)} at most"


def _literal(spec: ValueSpec, parameter: Parameter, argument: ValueArgument, fill: Callable[[object, Span], object]) -> object:
    assert parameter.literal is not None
    value: Value | None = argument.value
    if value is None:
        raise ProgrammingError(
            f"{parameter.name} of {spec.name} must be a literal: {parameter.literal.describe()}", code="option_literal", span=argument.span,
            hint="it is needed before a row is read: write the value itself",
        )  # fmt: skip
    found = fill(value.value, argument.span)
    if found is None and parameter.default is not REQUIRED:
        return parameter.default
    try:
        return parameter.literal.convert(found)
    except ValueError as error:
        raise ProgrammingError(
            f"{parameter.name} of {spec.name} {error}, got {_shown(found)}", code="function_argument", span=argument.span
        ) from None


def _shown(value: object) -> str:
    return {True: "TRUE", False: "FALSE"}[value] if isinstance(value, bool) else "NULL" if value is None else repr(value)


def _expression(spec: ValueSpec, parameter: Parameter, span: Span, text: TextOf, type_of: TypeOf) -> Expression:
    type_ = type_of(span)
    assert parameter.takes is not None
    if type_ is not None and not parameter.takes.accepts(type_):
        raise DataError(
            f"{parameter.name} of {spec.name} must be {_wanted(parameter.takes)}, got {type_}", code="argument_type", span=span,
            hint=_cast_hint(parameter.takes),
        )  # fmt: skip
    return Expression(f"({text(span)}\n)", type_, span)


def _wanted(takes: Takes) -> str:
    return {Takes.NUMBER_FIELDS: "a number", Takes.STRING_FIELDS: "a string"}.get(takes, takes.value)


def _cast_hint(takes: Takes) -> str | None:
    wanted = {
        Takes.NUMBER: "DOUBLE", Takes.NUMBER_FIELDS: "DOUBLE", Takes.STRING: "VARCHAR", Takes.STRING_FIELDS: "VARCHAR",
        Takes.NUMBERS: "DOUBLE[]", Takes.STRINGS: "VARCHAR[]",
    }.get(takes)  # fmt: skip
    return None if wanted is None else f"write CAST(… AS {wanted})"


def _struct_fields(spec: ValueSpec, parameter: Parameter, span: Span, type_: SqlType, text: TextOf) -> tuple[tuple[str, Expression], ...]:
    """The fields of an expression whose type is a STRUCT."""
    assert parameter.takes is not None
    struct = f"({text(span)}\n)"
    for field in type_.fields:
        if not field.name or not parameter.takes.accepts(field.type):
            raise DataError(
                f"field {field.name or 'without a name'} of {spec.name} must be {_wanted(parameter.takes)}, got {field.type}",
                code="argument_type", span=span,
            )  # fmt: skip
    if len(type_.fields) > _MAX_FIELDS:
        raise ProgrammingError(f"{spec.name} takes 1 to {_MAX_FIELDS} fields, got {len(type_.fields)}", code="function_argument", span=span)
    return tuple(
        (field.name, Expression(sql.call("struct_extract", struct, sql.literal(field.name)), field.type, span)) for field in type_.fields
    )


def _fields(
    spec: ValueSpec, parameter: Parameter, argument: ValueArgument, text: TextOf, type_of: TypeOf
) -> tuple[tuple[str, Expression], ...]:
    found: Sequence[StructField] | None = argument.fields
    if found is None and (type_ := type_of(argument.span)) is not None and type_.fields:
        return _struct_fields(spec, parameter, argument.span, type_, text)
    if found is None:
        raise ProgrammingError(
            f"{parameter.name} of {spec.name} must be written as STRUCT(a, b AS c)", code="function_argument", span=argument.span
        )
    if not 1 <= len(found) <= _MAX_FIELDS:
        raise ProgrammingError(
            f"{spec.name} takes 1 to {_MAX_FIELDS} fields, got {len(found)}", code="function_argument", span=argument.span
        )
    named: dict[str, tuple[str, Expression]] = {}
    for field in found:
        if field.name is None:
            raise ProgrammingError(
                f"a field of {spec.name} has no name", code="function_argument", span=field.expression,
                hint="write expression AS name",
            )  # fmt: skip
        if field.name.casefold() in named:
            raise ProgrammingError(f"field {field.name} is given twice", code="function_argument", span=field.expression)
        named[field.name.casefold()] = field.name, _expression(spec, parameter, field.expression, text, type_of)
    return tuple(named.values())
