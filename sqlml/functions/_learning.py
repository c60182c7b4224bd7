"""Learning the statistics of a TRANSFORM clause from the training rows, whatever their number in three queries, and writing them as SQL.

One aggregate query gives means, extremes and quantiles, one the deviations around those means, one all counts of terms. What is learned
becomes constants of the same expressions that stand in an ordinary query.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlml import sql
from sqlml.features.centred import Centre
from sqlml.features.expressions import INLINE_LIMIT
from sqlml.functions._statistics import Moment, MostFrequent, Quantile, Statistic, Terms
from sqlml.functions._value_spec import Learned
from sqlml.functions._vocabulary import ListVocabulary, TableVocabulary
from sqlml.functions._windows import number_sql, quantiles_sql

QUANTILE_ROWS = 1_000_000
"""Quantiles are exact up to this many rows; of more they are those of about as many rows chosen by their content."""

Rows = Callable[[str], list[tuple[object, ...]]]
"""Runs a query over the training rows and gives all its rows."""


@dataclass(frozen=True, slots=True)
class LearnedTerms:
    """A vocabulary: terms in alphabetical order, the rows that hold each, and the rows that were not NULL."""

    terms: tuple[str, ...]
    counts: tuple[int, ...]
    n_rows: int


LearnedValue = float | str | None | LearnedTerms
"""What was learned of one statistic."""

Dictionary = Callable[[int, LearnedTerms], str]
"""(index of the statistic, its terms) -> SQL name of a table (VALUE, CODE, COUNT) with them."""


def learn(statistics: Sequence[Statistic], relation: str, rows: Rows, sample: str) -> tuple[LearnedValue, ...]:
    """The value of every statistic.

    Args: relation, a query (in brackets) of the columns that the statistics are written over; sample, a condition over it that is true
    for about QUANTILE_ROWS rows, or "TRUE".
    """
    known = _aggregates(statistics, relation, rows, sample)
    values: dict[int, LearnedValue] = dict(_centred(statistics, known, relation, rows))
    values |= _terms(statistics, known, relation, rows)
    values |= {index: value[0] for index, value in known.items() if index not in values}
    return tuple(values[index] for index in range(len(statistics)))


def learned_sql(statistic: Statistic, value: LearnedValue, index: int, dictionary: Dictionary) -> Learned:
    """The learned value as the expressions of functions take it."""
    match statistic:
        case Terms():
            assert isinstance(value, LearnedTerms)
            if len(value.terms) > INLINE_LIMIT:
                return TableVocabulary(dictionary(index, value), str(value.n_rows))
            return ListVocabulary(value.terms, value.counts, value.n_rows)
        case _:
            return placeholder(statistic) if value is None else sql.literal(value)


def placeholder(statistic: Statistic) -> Learned:
    """SQL of the type that a statistic will have, before it is learned."""
    match statistic:
        case Terms():
            return ListVocabulary((), (), 0)
        case MostFrequent(is_number=False):
            return "CAST(NULL AS VARCHAR)"
        case _:
            return "CAST(NULL AS DOUBLE)"


_Found = tuple[float | None, ...]
"""The outputs of one statistic's aggregate."""


def _aggregates(statistics: Sequence[Statistic], relation: str, rows: Rows, sample: str) -> dict[int, _Found]:
    """What one aggregate query can tell of each statistic: itself; mean, minimum and maximum for a mean or deviation; the number of rows
    for a vocabulary."""
    outputs: dict[str, int] = {}
    places: dict[int, tuple[int, int | None]] = {}
    fractions: dict[str, list[float]] = {}
    for statistic in statistics:
        if isinstance(statistic, Quantile) and statistic.fraction not in fractions.setdefault(statistic.value, []):
            fractions[statistic.value].append(statistic.fraction)
    condition = "" if sample == "TRUE" else f" FILTER ({sample})"
    for index, statistic in enumerate(statistics):
        if isinstance(statistic, Quantile):
            of_value = fractions[statistic.value]
            expression = quantiles_sql(statistic.value, of_value) + condition
            places[index] = outputs.setdefault(expression, len(outputs)), of_value.index(statistic.fraction)
        elif aggregates := _aggregate(statistic):
            places[index] = outputs.setdefault(sql.call("list_value", *aggregates), len(outputs)), None
    if not outputs:
        return {}
    (row,) = rows(f"SELECT {', '.join(outputs)} FROM {relation}")
    found: dict[int, _Found] = {}
    for index, (place, element) in places.items():
        listed = row[place]
        values = [None if value is None else float(str(value)) for value in listed] if isinstance(listed, list) else [None]
        found[index] = tuple(values) if element is None else (values[element] if len(values) > element else None,)
    return found


def _aggregate(statistic: Moment | Terms | MostFrequent) -> tuple[str, ...]:
    match statistic:
        case Moment(kind, value):
            number = number_sql(value)
            match kind:
                case "mean" | "stddev":
                    return sql.call("avg", number), sql.call("min", number), sql.call("max", number)
                case "max_abs":
                    return (sql.call("max", sql.call("abs", number)),)
                case _:
                    return (sql.call(kind, number),)
        case Terms(value):
            return (sql.call("count", value),)
        case MostFrequent():
            return ()


def _centred(statistics: Sequence[Statistic], known: Mapping[int, _Found], relation: str, rows: Rows) -> dict[int, float | None]:
    """Means and deviations from sums around a mean that is known by then: the engine's own deviation takes many times as long."""
    outputs: dict[str, int] = {}
    places: dict[int, tuple[Centre, list[int]]] = {}
    for index, statistic in enumerate(statistics):
        if isinstance(statistic, Moment) and statistic.kind in {"mean", "stddev"}:
            centre = Centre(*known[index])
            places[index] = centre, [outputs.setdefault(part, len(outputs)) for part in centre.aggregates(number_sql(statistic.value))]
    if not outputs:
        return {}
    (row,) = rows(f"SELECT {', '.join(outputs)} FROM {relation}")
    found: dict[int, float | None] = {}
    for index, (centre, columns) in places.items():
        if centre.mean is None or not math.isfinite(centre.mean):
            found[index] = centre.mean
            continue
        moments = centre.moments(*(row[column] for column in columns))
        found[index] = moments[0 if statistics[index].kind == "mean" else 1]  # type: ignore[union-attr]  # it is a Moment
    return found


def _terms(statistics: Sequence[Statistic], known: Mapping[int, _Found], relation: str, rows: Rows) -> dict[int, LearnedValue]:
    """Terms and most frequent values."""
    wanted = {index: statistic for index, statistic in enumerate(statistics) if isinstance(statistic, Terms | MostFrequent)}
    if not wanted:
        return {}
    counts: dict[int, list[tuple[str, int]]] = {index: [] for index in wanted}
    for which, term, count in rows(_ranked(wanted, _counted(wanted, relation))):
        counts[int(str(which))].append((str(term), int(str(count))))
    found: dict[int, LearnedValue] = {}
    for index, statistic in wanted.items():
        if isinstance(statistic, MostFrequent):
            term = counts[index][0][0] if counts[index] else None
            found[index] = float(term) if term is not None and statistic.is_number else term
        else:
            ordered = sorted(counts[index])
            terms, of_term = tuple(term for term, _ in ordered), tuple(count for _, count in ordered)
            found[index] = LearnedTerms(terms, of_term, int(known[index][0] or 0))
    return found


def _counted(wanted: Mapping[int, Terms | MostFrequent], relation: str) -> str:
    """A query (which, term, n): how many rows hold each term of each statistic, in one scan."""
    texts = {index: sql.cast(statistic.value, "VARCHAR") for index, statistic in wanted.items() if not _is_list(statistic)}
    count = sql.call("count", "*")
    if len(texts) == len(wanted):
        inner = ", ".join(f"{text} AS __sqlml_{index}" for index, text in texts.items())
        which = " ".join(f"WHEN GROUPING(__sqlml_{index}) = 0 THEN {index}" for index in texts)
        term = " ".join(f"WHEN GROUPING(__sqlml_{index}) = 0 THEN __sqlml_{index}" for index in texts)
        sets = ", ".join(f"(__sqlml_{index})" for index in texts)
        return (
            f"SELECT CASE {which} END AS which, CASE {term} END AS term, {count} AS n"
            f" FROM (SELECT {inner} FROM {relation}) GROUP BY GROUPING SETS ({sets})"
        )
    pair = "struct_pack"
    pairs = [sql.call(pair, f"which := {index}", f"term := {text}") for index, text in texts.items()]
    lists = [sql.call("list_value", *pairs)] if pairs else []
    for index, statistic in wanted.items():
        if _is_list(statistic):
            each = sql.call(pair, f"which := {index}", "term := sqlml_term")
            distinct = sql.call("list_distinct", sql.cast(statistic.value, "VARCHAR[]"))
            lists.append(f"coalesce({sql.call('list_transform', distinct, f'lambda sqlml_term: {each}')}, [])")
    every = lists[0] if len(lists) == 1 else sql.call("list_concat", *lists)
    return (
        f"SELECT __sqlml_pair.which AS which, __sqlml_pair.term AS term, {count} AS n"
        f" FROM (SELECT {sql.call('unnest', every)} AS __sqlml_pair FROM {relation}) GROUP BY __sqlml_pair.which, __sqlml_pair.term"
    )


def _ranked(wanted: Mapping[int, Terms | MostFrequent], counted: str) -> str:
    """Of each statistic the terms that count, the most frequent first, equals in their order."""
    limits = {index: statistic.top_k if isinstance(statistic, Terms) else 1 for index, statistic in wanted.items()}
    thresholds = {index: statistic.threshold if isinstance(statistic, Terms) else 1 for index, statistic in wanted.items()}
    numbers = [index for index, statistic in wanted.items() if isinstance(statistic, MostFrequent) and statistic.is_number]
    number = f"CASE WHEN which IN ({', '.join(map(str, numbers))}) THEN TRY_CAST(term AS DOUBLE) END, " if numbers else ""
    ranking = f"{sql.call('row_number')} OVER (PARTITION BY which ORDER BY n DESC, {number}term)"
    return (
        f"SELECT which, term, n FROM (SELECT which, term, n, {ranking} AS place FROM ({counted})"
        f" WHERE term IS NOT NULL AND n >= {_by_index(thresholds)}) WHERE place <= {_by_index(limits)} ORDER BY which, place"
    )


def _by_index(numbers: Mapping[int, int]) -> str:
    return f"CASE which {' '.join(f'WHEN {index} THEN {number}' for index, number in numbers.items())} END"


def _is_list(statistic: Terms | MostFrequent) -> bool:
    return isinstance(statistic, Terms) and statistic.is_list
