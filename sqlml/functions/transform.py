"""ML.TRANSFORM: the rows as the model's TRANSFORM clause makes them.

    SELECT * FROM ML.TRANSFORM(MODEL prepared, TABLE customers)

The outputs of the clause in its order, with the statistics that training learned, then every input column whose name is no output.
A column that the clause only passes on (`*`) may be missing in the input when it was no feature, as the label of a model that predicts.
Source: reference, functions 1.6; semantics 2.
"""

from __future__ import annotations

from sqlml import sql
from sqlml.errors import NotSupportedError
from sqlml.functions._spec import BoundCall, CallContext, FunctionSpec, Relation
from sqlml.types import Schema


def bind(call: BoundCall, context: CallContext) -> Relation:
    model, data = call.model, call.data
    assert data is not None  # the spec requires it
    if model.transform is None:
        raise NotSupportedError(
            f"model {model.version.key} was made without TRANSFORM", code="function_not_applicable",
            hint="ML.TRANSFORM applies to models with a TRANSFORM clause",
        )  # fmt: skip
    prepared = context.prepare(model, data)
    made = {column.name.casefold() for column, _ in prepared.outputs}
    kept = [column for column in data.schema if column.name.casefold() not in made]
    items = [f"{expression} AS {sql.quote(column.name)}" for column, expression in prepared.outputs]
    items += [f"{prepared.own(column.name)} AS {sql.quote(column.name)}" for column in kept]
    schema = Schema((*(column for column, _ in prepared.outputs), *kept))
    native = model.transform.native
    reason = "its TRANSFORM clause calls a function that only sqlml has" if native else "the clause is an expression over its input"
    return Relation(f"SELECT {', '.join(items)} FROM {prepared.relation}", schema, "arrow" if native else "sql", reason)


SPEC = FunctionSpec(
    name="TRANSFORM",
    doc="The rows as the model's TRANSFORM clause makes them, with the statistics of training.",
    data="required",
    settings=(),
    applies_to=lambda spec: True,
    bind=bind,
)
