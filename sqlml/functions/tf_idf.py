"""ML.TF_IDF and TF_IDF: how much each token says about its document among all documents.

    SELECT ML.TF_IDF(tokens, 1000, 2) OVER () FROM documents
    SELECT TF_IDF(tokens, 1000, 2) OVER () FROM documents

tf * idf of each distinct term: tf is its count over the number of the document's tokens (NULLs included), idf is ln(1 + N / (1 + n)) for N
documents of which n contain it. The vocabulary is that of ML.BAG_OF_WORDS. All unknown tokens and NULLs together are one term with the mean
idf of the vocabulary; its weight is 0 where the vocabulary is empty. The ML form gives (index, value) by index, 0 first; the plain form
(term, tf_idf) by term, the unknown one as NULL and first, as in the vendor's samples. Both give NULL for a NULL array, and an empty array
for an empty one. `frequency_threshold` counts documents in both: for the plain form the text says occurrences within a document, the sample
rows say otherwise.
Source: reference, functions 5.3 and 5.4; all sample rows of either form come out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlml import sql
from sqlml.functions._list_sql import each, part, struct
from sqlml.functions._statistics import Statistic
from sqlml.functions._terms import PAIRS, TERMS_KEPT, THRESHOLD, document, numbered, terms, texts_of, vocabulary, weighted
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec

_WEIGHTS = 'STRUCT("term" VARCHAR, "tf_idf" DOUBLE)[]'


def _statistics(arguments: Arguments) -> tuple[Statistic, ...]:
    return terms(arguments, texts_of(arguments, "tokenized_document"), is_list=True)


def _expression(arguments: Arguments, learned: Sequence[Learned]) -> str:
    tokens = texts_of(arguments, "tokenized_document")
    keys = numbered(arguments, tokens, vocabulary(learned))
    return document(tokens, weighted(tokens, keys, 2, lambda key, weight: struct(index=part(key, 1), value=weight)), PAIRS)


def _plain_statistics(arguments: Arguments) -> tuple[Statistic, ...]:
    return terms(arguments, texts_of(arguments, "tokenized_document"), is_list=True, top_k="max_distinct_tokens")


def _plain_expression(arguments: Arguments, learned: Sequence[Learned]) -> str:
    tokens = texts_of(arguments, "tokenized_document")
    found, token = part("__sqlml_token", 1), part("__sqlml_token", 2)
    number = part(found, 1)
    keys = each(  # (number, term, idf): terms come in the order of their numbers, and what is unknown is one key
        sql.call("list_zip", numbered(arguments, tokens, vocabulary(learned), "max_distinct_tokens"), tokens),
        "__sqlml_token",
        sql.call("row", number, f"CASE WHEN {number} > 0 THEN {token} END", part(found, 2)),
    )
    return document(tokens, weighted(tokens, keys, 3, lambda key, weight: struct(term=part(key, 2), tf_idf=weight)), _WEIGHTS)


SPEC = ValueSpec(
    name="ML.TF_IDF",
    doc="The TF-IDF weights of a document's tokens, as a vector over the vocabulary of all documents.",
    parameters=(Parameter("tokenized_document", Takes.STRINGS), TERMS_KEPT, THRESHOLD),
    statistics=_statistics,
    expression=_expression,
)

PLAIN_SPEC = ValueSpec(
    name="TF_IDF",
    doc="The distinct tokens of a document and their TF-IDF weights among all documents.",
    parameters=(Parameter("tokenized_document", Takes.STRINGS), replace(TERMS_KEPT, name="max_distinct_tokens"), THRESHOLD),
    statistics=_plain_statistics,
    expression=_plain_expression,
)
