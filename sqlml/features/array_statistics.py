"""Learning the statistics of array columns: lengths and means of vectors, categories of multi-hot arrays, extent of sparse ones.

One aggregate query for all array columns, one for the positions of vectors, and one for all categories.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sqlml import sql
from sqlml.catalog.records import FeatureRecord
from sqlml.errors import DataError
from sqlml.features import list_expressions
from sqlml.features.layout import NULL_CATEGORY, EncodingRules
from sqlml.features.sources import Shape, Source, shape
from sqlml.features.term_statistics import MultiHotStatistics, SparseStatistics, TermStatistics, VectorStatistics
from sqlml.state import FloatArray

Rows = Callable[[str], list[tuple[object, ...]]]
"""Runs a query over the training rows, which it finds under the name `training_rows`, and gives all its rows."""

MAX_SIZE = 2_000_000
"""Largest dimension of a sparse array, and longest vector."""

_SHAPES = (Shape.VECTOR, Shape.MULTI_HOT, Shape.SPARSE)


@dataclass(frozen=True, slots=True)
class ArrayTerm:
    """What is learned of an array column."""

    term: TermStatistics
    record: FeatureRecord
    n_missing: int


def learn_arrays(
    sources: Sequence[Source], rules: EncodingRules, n_rows: int, rows: Rows, largest_single: float
) -> dict[Source, ArrayTerm]:
    """Statistics of the array columns among the sources.

    Raises: DataError `array_length` for vectors of several lengths or none, `array_index` for a negative or too large index of a sparse
    array, `infinite_feature`.
    """
    arrays = [source for source in sources if shape(source.type) in _SHAPES]
    if not arrays:
        return {}
    outputs = [_outputs(source) for source in arrays]
    (row,) = rows(f"SELECT {', '.join(output for part in outputs for output in part)} FROM training_rows")
    summaries: dict[Source, tuple[object, ...]] = {}
    start = 0
    for source, part in zip(arrays, outputs, strict=True):
        summaries[source] = row[start : start + len(part)]
        start += len(part)
    limit = largest_single if rules.dtype == "float32" else math.inf
    sizes = {source: _size(source, summaries[source], rows, limit) for source in arrays if shape(source.type) is not Shape.MULTI_HOT}
    means = _means([source for source in arrays if shape(source.type) is Shape.VECTOR], sizes, limit, rows)
    counts = _element_counts([source for source in arrays if shape(source.type) is Shape.MULTI_HOT], rows)
    found: dict[Source, ArrayTerm] = {}
    for source in arrays:
        missing = n_rows - _integer(summaries[source][0])
        name, type_name = source.name, source.type.name
        if shape(source.type) is Shape.VECTOR:
            record = FeatureRecord(name, type_name, null_count=missing)
            found[source] = ArrayTerm(VectorStatistics(source, means[source]), record, missing)
        elif shape(source.type) is Shape.SPARSE:
            record = FeatureRecord(name, type_name, null_count=missing, dimension=sizes[source])
            mean_items = stable(_integer(summaries[source][1]) / n_rows)
            found[source] = ArrayTerm(SparseStatistics(source, sizes[source], mean_items), record, 0)
        else:
            n_with_null = _integer(summaries[source][1])
            known = sorted(counts[source])
            shares = tuple(counts[source][text] / n_rows for text in known)
            categories = (*known, NULL_CATEGORY) if n_with_null else tuple(known)
            record = FeatureRecord(name, type_name, category_count=len(known), null_count=missing)
            term = MultiHotStatistics(source, categories, (*shares, n_with_null / n_rows) if n_with_null else shares, n_with_null > 0)
            found[source] = ArrayTerm(term, record, missing)
    return found


def _outputs(source: Source) -> list[str]:
    """The aggregates of an array column. First the number of arrays that are not NULL; then what its shape needs."""
    count = sql.call("count", source.sql)
    if shape(source.type) is Shape.MULTI_HOT:
        has_null = f"{source.sql} IS NULL OR {list_expressions.n_null_elements(source)} > 0"
        return [count, f"{sql.call('count', '*')} FILTER ({has_null})"]
    if shape(source.type) is Shape.VECTOR:
        length = sql.call("len", list_expressions.numbers(source))
        return [count, sql.call("min", length), sql.call("max", length)]
    indices, values = (_field(source, position) for position in (1, 2))
    known = sql.call("list_transform", values, f"lambda __sqlml_value: nullif(__sqlml_value, {sql.literal(float('nan'))})")
    return [count, f"coalesce({sql.call('sum', sql.call('len', source.sql))}, 0)", *_extent(indices), *_extent(known)]


def _field(source: Source, position: int) -> str:
    field = sql.call("struct_extract_at", "__sqlml_pair", str(position))
    return sql.call("list_transform", source.sql, f"lambda __sqlml_pair: {sql.cast(field, 'HUGEINT' if position == 1 else 'DOUBLE')}")


def _extent(values: str) -> list[str]:
    """The least and the greatest number of all lists."""
    return [sql.call("min", sql.call("list_min", values)), sql.call("max", sql.call("list_max", values))]


def _size(source: Source, summary: tuple[object, ...], rows: Rows, limit: float) -> int:
    """The length of a vector, or the dimension of a sparse array."""
    if shape(source.type) is Shape.VECTOR:
        return _length(source, summary[1], summary[2], rows)
    _check_extent(source, summary[-2:], limit)
    least, greatest = _integer(summary[2]), _integer(summary[3])
    if least < 0:
        raise DataError(
            f"the sparse arrays of {source.name} have indices from 0 on, got {least}", code="array_index",
            hint="count the positions from 0",
        )  # fmt: skip
    if greatest >= MAX_SIZE:
        raise DataError(
            f"the sparse arrays of {source.name} take indices below {MAX_SIZE}, got {greatest}", code="array_index",
            hint="number the positions that occur from 0 on, without gaps",
        )  # fmt: skip
    return greatest + 1


def _length(source: Source, shortest: object, longest: object, rows: Rows) -> int:
    if shortest is None:
        raise DataError(
            f"all arrays of {source.name} are NULL in the training rows, so their length is unknown", code="array_length",
            hint=f"leave the column out: SELECT * EXCLUDE ({source.column})",
        )  # fmt: skip
    if shortest != longest:
        length = sql.call("len", list_expressions.numbers(source))
        found = rows(
            f"SELECT {length} AS n, {sql.call('count', '*')} FROM training_rows WHERE {source.sql} IS NOT NULL"
            " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5"
        )
        seen = ", ".join(f"{n} in {count} rows" for n, count in found)
        raise DataError(
            f"the arrays of {source.name} must all have one length, got {seen}{', …' if len(found) == 5 else ''}", code="array_length",
            hint=f"leave the other rows out (WHERE len({source.column}) = {found[0][0]}), or make their arrays NULL",
        )  # fmt: skip
    size = _integer(shortest)
    if not 0 < size <= MAX_SIZE:
        raise DataError(
            f"the arrays of {source.name} must have 1 to {MAX_SIZE} numbers, got {size}", code="array_length",
            hint=f"leave the column out: SELECT * EXCLUDE ({source.column})",
        )  # fmt: skip
    return size


def _check_extent(source: Source, ends: Sequence[object], limit: float) -> None:
    for end in ends:
        value = 0.0 if end is None else float(str(end))
        if math.isinf(value):
            raise DataError(
                f"infinite values in the arrays of {source.name}", code="infinite_feature", hint="leave those rows out, or make them NULL"
            )
        if abs(value) > limit:
            raise DataError(
                f"the arrays of {source.name} have values beyond 3.4e38, which this model type cannot hold", code="infinite_feature",
                hint="scale them down",
            )  # fmt: skip


def _means(vectors: Sequence[Source], sizes: dict[Source, int], limit: float, rows: Rows) -> dict[Source, FloatArray]:
    """The mean of every position, 0 where no number is known. The arrays are taken apart: aggregates by position are slower."""
    means = {source: np.zeros(sizes[source]) for source in vectors}
    if not vectors:
        return means
    outputs = (sql.call(name, "v") for name in ("favg", "min", "max"))
    aggregates = ", ".join(outputs)
    queries = []
    for index, source in enumerate(vectors):
        number = sql.cast(sql.call("unnest", list_expressions.numbers(source)), "DOUBLE")
        place = sql.call("unnest", sql.call("range", str(sizes[source])))
        # What is NULL is left out as well.
        queries.append(
            f"SELECT {index}, k, {aggregates} FROM (SELECT {number} AS v, {place} AS k FROM training_rows)"
            f" WHERE NOT {sql.call('isnan', 'v')} GROUP BY k"
        )
    for number_of, position, mean, least, greatest in rows(" UNION ALL ".join(queries)):
        source = vectors[_integer(number_of)]
        _check_extent(source, (least, greatest), limit)
        means[source][_integer(position)] = stable(float(str(mean)))
    return means


def _element_counts(sources: Sequence[Source], rows: Rows) -> dict[Source, dict[str, int]]:
    """How many rows have each element, NULLs aside."""
    counts: dict[Source, dict[str, int]] = {source: {} for source in sources}
    if not sources:
        return counts
    queries = [
        f"SELECT {index}, e, {sql.call('count', '*')} FROM (SELECT "
        f"{sql.call('unnest', sql.call('list_distinct', list_expressions.elements(source)))} AS e FROM training_rows) GROUP BY e"
        for index, source in enumerate(sources)
    ]
    for index, text, count in rows(" UNION ALL ".join(queries)):
        counts[sources[int(str(index))]][str(text)] = int(str(count))
    return counts


def _integer(value: object) -> int:
    """A count or an index; an index of no pairs at all is 0."""
    return 0 if value is None else int(str(value))


def stable(value: float) -> float:
    """A statistic to 13 digits: sums of floats differ in the last bits with the number of threads, and models must not."""
    return float(f"{value:.12e}") if math.isfinite(value) else 0.0
