"""Statistics where a preprocessing function stands in an ordinary query: windows over the rows that the query sees at that place.

A vocabulary is no window but a dictionary made from the FROM and WHERE of the same query: looking a term up in it is a join, whatever its
size.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.features.expressions import CODE, VALUE
from sqlml.functions._statistics import Moment, MostFrequent, Quantile, Statistic, Terms
from sqlml.functions._vocabulary import COUNT, TableVocabulary

_AGGREGATES = {"mean": "avg", "stddev": "stddev_pop", "min": "min", "max": "max", "max_abs": "max"}


def aggregate_sql(statistic: Moment | MostFrequent) -> str:
    """The statistic as one aggregate of the engine."""
    match statistic:
        case Moment(kind, value):
            number = number_sql(value)
            return sql.call(_AGGREGATES[kind], sql.call("abs", number) if kind == "max_abs" else number)
        case MostFrequent(value, is_number):
            typed = sql.cast(value, "DOUBLE" if is_number else "VARCHAR")
            # Of several most frequent ones `mode` takes the one that it met first.
            return sql.call("mode", f"{typed} ORDER BY {typed}")


def quantiles_sql(value: str, fractions: Sequence[float]) -> str:
    """All quantiles of one value as a DOUBLE[], in the order of the fractions: they are found together."""
    return sql.call("quantile_disc", number_sql(value), sql.literal(list(fractions)))


def number_sql(value: str) -> str:
    """The value as statistics see it: a DOUBLE, NULL for NaN, which would make every one of them NaN."""
    number = sql.cast(value, "DOUBLE")
    return f"CASE WHEN NOT {sql.call('isnan', number)} THEN {number} END"


def window_sql(statistic: Moment | Quantile | MostFrequent, among: Sequence[Statistic] = ()) -> str:
    """The statistic of all rows of the query around it.

    Args: among, all that the call asks for: quantiles of one value are written as one window, which the engine computes once.
    """
    if not isinstance(statistic, Quantile):
        return f"{aggregate_sql(statistic)} OVER ()"
    fractions = [other.fraction for other in among if isinstance(other, Quantile) and other.value == statistic.value] or [
        statistic.fraction
    ]
    place = fractions.index(statistic.fraction) + 1
    return sql.call("list_extract", f"{quantiles_sql(statistic.value, fractions)} OVER ()", str(place))


def query_vocabulary(terms: Terms, rows: str) -> TableVocabulary:
    """The vocabulary over a query's rows.

    Args: rows, the query's FROM and WHERE with `WITH …` in front where it has any; see `dictionary_sql`.
    """
    return TableVocabulary(f"({dictionary_sql(terms, rows)})", f"({_count_sql(terms, rows)})")


def dictionary_sql(terms: Terms, rows: str) -> str:
    """A query of the terms in alphabetical order with their number from 0 and the rows that hold them.

    Args: rows, a FROM clause with what follows it, over which `terms.value` is an expression.
    """
    each = sql.call("unnest", sql.call("list_distinct", terms.value)) if terms.is_list else terms.value
    values = f"SELECT {sql.cast(each, 'VARCHAR')} AS {VALUE} {rows}"
    counted = (
        f"SELECT {VALUE}, {sql.call('count', '*')} AS {COUNT} FROM ({values}) WHERE {VALUE} IS NOT NULL GROUP BY {VALUE}"
        f" HAVING {sql.call('count', '*')} >= {terms.threshold} ORDER BY {COUNT} DESC, {VALUE} LIMIT {terms.top_k}"
    )
    return f"SELECT {VALUE}, {COUNT}, {sql.call('row_number')} OVER (ORDER BY {VALUE}) - 1 AS {CODE} FROM ({counted})"


def _count_sql(terms: Terms, rows: str) -> str:
    return f"SELECT {sql.call('count', '__sqlml_term')} FROM (SELECT {terms.value} AS __sqlml_term {rows})"
