"""TRANSFORM clauses of stored models: bound again from their text, and packed to be stored."""

from __future__ import annotations

from collections.abc import Sequence

from sqlml.engines.engine import Engine
from sqlml.errors import Error
from sqlml.functions._learning import LearnedValue
from sqlml.functions._transform_state import TransformState, learned_values, transform_state
from sqlml.plan.transform import BoundTransform
from sqlml.source import Source, Span
from sqlml.state import damaged_state

LoadedTransform = tuple[BoundTransform, tuple[LearnedValue, ...]]
"""A clause, and what it has learned in the order of its statistics."""


def load_transform(state: TransformState, engine: Engine, inputs: Sequence[str]) -> LoadedTransform:
    """A clause from its stored text, which is parsed as strictly as when it was written.

    Args: inputs, the columns that the model's features are.

    Raises: IntegrityError `damaged_state` for a text that is no clause, or that asks for other statistics than are kept.
    """
    try:
        clause = BoundTransform(
            Source(state.clause), Span(0, len(state.clause)), state.schema, lambda text: engine.describe(text.text),
            engine.native_functions, lambda text: engine.try_describe(text.text), inputs,
        )  # fmt: skip
    except Error as error:
        if error.code == "damaged_state":
            raise
        raise damaged_state(f"its TRANSFORM clause is not valid here: {error.message}") from error
    return clause, learned_values(state, clause.statistics)


def stored_transform(transform: LoadedTransform) -> TransformState:
    """What is kept of a clause."""
    clause, values = transform
    return transform_state(clause.clause, clause.raw, clause.statistics, values)
