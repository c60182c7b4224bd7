"""Columns of ours in front of the input's own: what ML.PREDICT, ML.DETECT_ANOMALIES and their like give."""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.errors import DataError
from sqlml.functions._spec import Input, Prepared
from sqlml.types import Column, Schema


def beside_input(
    function: str, outputs: Sequence[tuple[Column, str]], inner: Sequence[str], relation: str, prepared: Prepared, data: Input,
    *, keep: bool = True,
) -> tuple[str, Schema]:  # fmt: skip
    """A query of one row per row of `relation`, and its columns: the outputs, then the input's where they are kept.

    Args: function, for messages, as in ML.PREDICT; outputs, each with its SQL over the items of `inner` (`expression AS name`), which are
    over `relation`.
    Raises: DataError `duplicate_column` for an input column of an output's name.
    """
    kept = kept_columns(function, [column for column, _ in outputs], data) if keep else ()
    own = [f"{prepared.own(column.name)} AS {sql.quote(column.name)}" for column in kept]
    names = [sql.quote(column.name) for column in kept]
    selected = [f"{expression} AS {sql.quote(column.name)}" for column, expression in outputs]
    query = f"SELECT {', '.join([*selected, *names])} FROM (SELECT {', '.join([*inner, *own])} FROM {relation})"
    return query, Schema((*(column for column, _ in outputs), *kept))


def kept_columns(function: str, outputs: Sequence[Column], data: Input) -> tuple[Column, ...]:
    """The input's columns, which stand behind the outputs.

    Raises: DataError `duplicate_column` for one of an output's name.
    """
    taken = {column.name.casefold() for column in outputs}
    for column in data.schema:
        if column.name.casefold() in taken:
            raise DataError(
                f"the input has a column {column.name}, which {function} adds itself", code="duplicate_column",
                hint=f"leave it out: (SELECT * EXCLUDE ({sql.quote(column.name)}) FROM …), or rename it",
            ).at(data.span)  # fmt: skip
    return data.schema.columns
