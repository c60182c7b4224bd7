"""Confusion matrices as SQL, and the names of their columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlml import sql

_MAX_NAME = 300
_INVALID = re.compile(r"\W")


def confusion_cells(relation: str, actual_code: str, predicted_code: str) -> str:
    """The cells that are not empty, as a query of `actual`, `predicted` (codes from 0) and `n`.

    Args: relation, a query; the codes, integers over its columns.
    """
    return (
        f"SELECT actual, predicted, {sql.call('count', '*')} AS n FROM (SELECT {actual_code} AS actual, {predicted_code} AS predicted"
        f" FROM ({relation})) WHERE actual IS NOT NULL AND predicted IS NOT NULL GROUP BY actual, predicted"
    )


def confusion_matrix(cells: str, label_values: str, names: Sequence[str]) -> str:
    """One row per class: `expected_label`, then the rows predicted as each class, BIGINT.

    Args: cells, a query as `confusion_cells` gives; label_values, a list of the classes in order; names, of the columns behind the first.
    Source: sklearn.metrics.confusion_matrix.
    """
    counts = ", ".join(
        f"CAST(coalesce({sql.call('sum', 'n')} FILTER (WHERE predicted = {code}), 0) AS BIGINT) AS {sql.quote(name)}"
        for code, name in enumerate(names)
    )
    codes = sql.call("unnest", sql.call("range", str(len(names))))
    label = sql.call("list_extract", label_values, sql.cast("classes.code + 1", "BIGINT"))
    return (
        f"SELECT {label} AS expected_label, {counts} FROM (SELECT {codes} AS code) classes LEFT JOIN ({cells}) cells ON actual = code"
        f" GROUP BY code ORDER BY code"
    )


def column_names(classes: Sequence[str]) -> tuple[str, ...]:
    """The text of every class as a column name: what is no letter, digit or underscore becomes an underscore, one stands before a digit and
    for an empty text, and a name that is taken gets a number. `0`, `1` become `_0`, `_1`; `<=50K`, `>50K` become `__50K`, `_50K`."""
    plain = [_INVALID.sub("_", text)[:_MAX_NAME] for text in classes]
    plain = [f"_{name}" if not name or name[0].isdigit() else name for name in plain]
    taken = {"expected_label"}
    names: dict[int, str] = {}
    # A class whose text is a name has it, before one whose text only becomes that name.
    for index, text in enumerate(classes):
        if text == plain[index] and text.casefold() not in taken:
            taken.add(text.casefold())
            names[index] = text
    for index, stem in enumerate(plain):
        name, number = stem, 0
        while index not in names and name.casefold() in taken:
            number += 1
            name = f"{stem}_{number}"
        if index not in names:
            taken.add(name.casefold())
            names[index] = name
    return tuple(names[index] for index in range(len(classes)))
