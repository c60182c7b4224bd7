"""ML.BAG_OF_WORDS and BAG_OF_WORDS: how often each token occurs in a document.

    SELECT ML.BAG_OF_WORDS(tokens, 1000, 2) OVER () FROM documents
    SELECT BAG_OF_WORDS(tokens) FROM documents

The ML form is a sparse vector: (index, count) by index, which numbers the learned vocabulary alphabetically from 1. A term enters it that
is in at least `frequency_threshold` documents (5 unless given), of those the `top_k` in most documents (32,000). Index 0, the first, counts
all other tokens together, NULLs included. The plain form learns nothing: (term, count) by term, NULL first.
Both give NULL for a NULL array, which the reference leaves open, and an empty array for an empty one.
Source: reference, functions 5.3 and 5.4.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.functions._list_sql import each, histogram, or_empty, part, struct
from sqlml.functions._statistics import Statistic
from sqlml.functions._terms import PAIRS, TERMS_KEPT, THRESHOLD, document, terms, texts_of, vocabulary
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec

_COUNTS = 'STRUCT("term" VARCHAR, "count" BIGINT)[]'


def _counted(items: str, key: str, count: str, count_type: str) -> str:
    """SQL of a struct (key, count) for each distinct item that is not NULL, ascending; NULL where there is none."""
    fields = {key: part("__sqlml_entry", "key"), count: sql.cast(part("__sqlml_entry", "value"), count_type)}
    return each(sql.call("map_entries", histogram(items)), "__sqlml_entry", struct(**fields))


def _statistics(arguments: Arguments) -> tuple[Statistic, ...]:
    return terms(arguments, texts_of(arguments, "tokenized_document"), is_list=True)


def _expression(arguments: Arguments, learned: Sequence[Learned]) -> str:
    tokens = texts_of(arguments, "tokenized_document")
    return document(tokens, _counted(vocabulary(learned).codes(tokens), "index", "value", "DOUBLE"), PAIRS)


def _plain_expression(arguments: Arguments, _: Sequence[Learned]) -> str:
    tokens = texts_of(arguments, "tokenized_document")
    missing = f"{sql.call('len', tokens)} - {sql.call('list_count', tokens)}"
    nulls = sql.cast(sql.call("list_value", sql.call("row", "NULL", missing)), _COUNTS)
    counted = or_empty(_counted(tokens, "term", "count", "BIGINT"), _COUNTS)
    return document(tokens, f"CASE WHEN {missing} > 0 THEN {sql.call('list_concat', nulls, counted)} ELSE {counted} END", _COUNTS)


SPEC = ValueSpec(
    name="ML.BAG_OF_WORDS",
    doc="The counts of a document's tokens, as a vector over the vocabulary of all documents.",
    parameters=(Parameter("tokenized_document", Takes.STRINGS), TERMS_KEPT, THRESHOLD),
    statistics=_statistics,
    expression=_expression,
)

PLAIN_SPEC = ValueSpec(
    name="BAG_OF_WORDS",
    doc="The distinct tokens of a document and their counts.",
    parameters=(Parameter("tokenized_document", Takes.STRINGS),),
    expression=_plain_expression,
)
