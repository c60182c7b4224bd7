"""TO_JSON: a value, or a whole row, as JSON. In the BigQuery flavour; DuckDB has a function of that name with other text.

    SELECT TO_JSON(STRUCT(1 AS id, ['a', 'b'] AS names))

JSON. Times and BYTES are written as TO_JSON_STRING writes them; numbers stay numbers unless stringify_wide_numbers => TRUE.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec
from sqlml.functions.to_json_string import text_of
from sqlml.models._options import Boolean


def _expression(arguments: Arguments, _learned: Sequence[Learned]) -> str:
    text = text_of(arguments, pretty=False, wide_as_text=bool(arguments.literals["stringify_wide_numbers"]))
    return sql.cast(sql.call("json_normalize", text), "JSON")


SPEC = ValueSpec(
    name="TO_JSON",
    doc="A value or a row as JSON.",
    parameters=(Parameter("value", Takes.ANYTHING), Parameter("stringify_wide_numbers", literal=Boolean(), default=False)),
    expression=_expression,
)
