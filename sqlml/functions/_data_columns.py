"""Columns of the data argument that settings name, as slice_cols and facet do."""

from __future__ import annotations

from sqlml.errors import did_you_mean
from sqlml.functions._spec import Input
from sqlml.models._options import OptionError
from sqlml.types import Column


def named_column(data: Input, setting: str, name: str) -> Column:
    """The column of the data that a setting names, in any case.

    Raises: OptionError `unknown_column`.
    """
    column = data.schema.find(name)
    if column is None:
        names = data.schema.names
        raise OptionError(
            setting, f'{setting} "{name}" is not a column of the data', code="unknown_column",
            hint=did_you_mean(name, tuple(names)) or f"they have {', '.join(names[:8])}{', …' if len(names) > 8 else ''}",
        )  # fmt: skip
    return column
