"""TO_JSON_STRING: a value, or a whole row, as JSON text.

    SELECT TO_JSON_STRING(t) FROM penguins AS t
    SELECT FARM_FINGERPRINT(TO_JSON_STRING(t)) FROM penguins AS t

STRING, never NULL: NULL is written as null. The text is BigQuery's to the last character, so that splits by its hash are the same:
no spaces, integers beyond 2^53 and fractions of NUMERIC as text, a FLOAT64 that is whole without a point, times as
2026-01-31T10:00:00Z, BYTES as base64, fields in their order. With TRUE as second argument it is spread over lines.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml.bigquery.json_text import NoJson, json_text, untyped_json_text
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec
from sqlml.models._options import Boolean


def text_of(arguments: Arguments, *, pretty: bool, wide_as_text: bool) -> str:
    """SQL (VARCHAR) of the JSON text of the argument `value`.

    Raises: DataError `function_argument`.
    """
    type_ = arguments.type("value")
    if type_ is None and not pretty:
        return untyped_json_text(arguments.sql("value"), wide_as_text=wide_as_text)
    if type_ is None:
        raise arguments.error("value", "the type of the value cannot be known here", hint="compute the value in a subquery")
    try:
        return json_text(arguments.sql("value"), type_, pretty=pretty, wide_as_text=wide_as_text)
    except NoJson as error:
        raise arguments.error("value", f"a value of type {error} has no JSON text") from None


def _expression(arguments: Arguments, _learned: Sequence[Learned]) -> str:
    return text_of(arguments, pretty=bool(arguments.literals["pretty_print"]), wide_as_text=True)


SPEC = ValueSpec(
    name="TO_JSON_STRING",
    doc="A value or a row as JSON text, to the last character as BigQuery writes it.",
    parameters=(Parameter("value", Takes.ANYTHING), Parameter("pretty_print", literal=Boolean(), default=False)),
    expression=_expression,
)
