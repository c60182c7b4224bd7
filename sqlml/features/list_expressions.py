"""SQL of multi-valued terms: what an array column becomes before Python sees it. The counterpart of `expressions` for lists."""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.features.expressions import CODE, VALUE, terms_table
from sqlml.features.sources import Source

POSITION_LIMIT = 400
"""Categories that are searched one by one for each element; above it the elements are joined with the list of categories (10 ns a
comparison against 0.4 µs an element)."""

_EMPTY = "CAST([] AS DOUBLE[])"


def numbers(source: Source) -> str:
    """The numbers of an array column as a list of DOUBLE, or of FLOAT where they are that."""
    element = source.type.element
    return sql.cast(source.sql, "FLOAT[]" if element is not None and element.name == "FLOAT" else "DOUBLE[]")


def vector(source: Source, size: int) -> str:
    """An array of exactly `size` numbers, all NULL where the array is; an array of another length ends the statement."""
    values = numbers(source)
    length = sql.call("len", values)
    problem = sql.literal(f"[array_length] the arrays of {source.name} must have {size} numbers as in training, got one of ")
    missing = sql.call("list_resize", _EMPTY, str(size))
    return (
        f"CASE WHEN {source.sql} IS NULL THEN {missing} WHEN {length} = {size} THEN {values} "
        f"ELSE {sql.call('error', f'{problem} || {length}')} END"
    )


def elements(source: Source) -> str:
    """The texts of the elements of an array of categories."""
    return source.sql if source.type.name == "VARCHAR[]" else sql.cast(source.sql, "VARCHAR[]")


def n_null_elements(source: Source) -> str:
    """How many elements are NULL; NULL for a NULL array."""
    return f"({sql.call('len', elements(source))} - {sql.call('list_count', elements(source))})"


def codes(source: Source, categories: Sequence[str], null_code: int | None, dictionary: str | None) -> str:
    """The codes of the elements as INTEGER[], never NULL; NULL or nothing for elements that training has not seen.

    Args: as those of `expressions.code`. A NULL array has the code of NULLs, if there is one, as a NULL element has.
    """
    texts = elements(source)
    null_codes = f"CAST([{'' if null_code is None else null_code}] AS INTEGER[])"
    if not categories:
        found = "CAST([] AS INTEGER[])"
    elif dictionary is None and len(categories) <= POSITION_LIMIT:
        position = f"{sql.call('list_position', sql.literal(list(categories)), '__sqlml_element')} - 1"
        if null_code is not None:
            position = f"CASE WHEN __sqlml_element IS NULL THEN {null_code} ELSE {position} END"
        listed = sql.call("list_transform", texts, f"lambda __sqlml_element: {position}")
        return f"CASE WHEN {source.sql} IS NULL THEN {null_codes} ELSE {sql.cast(listed, 'INTEGER[]')} END"
    else:
        rows = terms_table(categories) if dictionary is None else dictionary
        each = f"SELECT {sql.call('unnest', texts)} AS __sqlml_element"
        listed = f"SELECT {sql.call('list', f'DISTINCT {CODE}')} FROM ({each}) INNER JOIN {rows} ON {VALUE} = __sqlml_element"
        found = f"coalesce(CAST(({listed}) AS INTEGER[]), CAST([] AS INTEGER[]))"
    if null_code is not None:
        # Not two branches with the codes in each: both would run their join.
        of_nulls = f"CASE WHEN {n_null_elements(source)} > 0 THEN {null_codes} ELSE CAST([] AS INTEGER[]) END"
        found = sql.call("list_concat", found, of_nulls)
    return f"CASE WHEN {source.sql} IS NULL THEN {null_codes} ELSE {found} END"


def pairs(source: Source) -> str:
    """An array of (index, value) structs as DOUBLE[]: index, value, index, value, …; empty for a NULL array."""
    if source.type.element is None:
        return _EMPTY
    fields = (sql.cast(sql.call("struct_extract_at", "__sqlml_pair", str(position)), "DOUBLE") for position in (1, 2))
    listed = sql.call("list_transform", source.sql, f"lambda __sqlml_pair: {sql.call('list_value', *fields)}")
    return f"coalesce({sql.call('flatten', listed)}, {_EMPTY})"
