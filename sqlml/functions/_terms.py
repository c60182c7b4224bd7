"""What the functions over a learned vocabulary have in common: their parameters, the statistic they ask for, the shape of their answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlml import sql
from sqlml.functions._list_sql import each, histogram, let, or_empty, part
from sqlml.functions._statistics import Statistic, Terms
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Vocabulary
from sqlml.models._options import Integer

PAIRS = 'STRUCT("index" BIGINT, "value" DOUBLE)[]'
"""ARRAY<STRUCT<index INT64, value FLOAT64>>: a sparse vector."""

CATEGORIES_KEPT = Parameter("top_k", literal=Integer(ge=1, le=999_999), default=32_000)
"""Of the encoders."""
TERMS_KEPT = Parameter("top_k", literal=Integer(ge=1, le=1_048_576), default=32_000)
"""Of the text functions."""
THRESHOLD = Parameter("frequency_threshold", literal=Integer(ge=0), default=5)


def text_of(arguments: Arguments, name: str) -> str:
    """SQL (VARCHAR) of an argument that is a string, an enumeration's too."""
    return sql.cast(arguments.sql(name), "VARCHAR")


def texts_of(arguments: Arguments, name: str) -> str:
    """SQL (VARCHAR[]) of an argument that is an array of strings."""
    return sql.cast(arguments.sql(name), "VARCHAR[]")


def terms(arguments: Arguments, value: str, *, is_list: bool, top_k: str = "top_k") -> tuple[Statistic, ...]:
    """The one statistic: the vocabulary of a VARCHAR or VARCHAR[], limited as the call's literals say."""
    return (Terms(value, is_list, arguments.literals[top_k], arguments.literals["frequency_threshold"]),)


def vocabulary(learned: Sequence[Learned]) -> Vocabulary:
    """What has become of that statistic."""
    (found,) = learned
    assert not isinstance(found, str)
    return found


def document(tokens: str, answer: str, type_name: str) -> str:
    """SQL of a text function's answer: NULL for no array, and an empty one for an empty array, of which no histogram knows."""
    return f"CASE WHEN {tokens} IS NULL THEN NULL ELSE {or_empty(answer, type_name)} END"


def numbered(arguments: Arguments, tokens: str, known: Vocabulary, top_k: str = "top_k") -> str:
    """SQL of an array with an unnamed struct (number in the vocabulary, idf) for each token of VARCHAR[] `tokens`, in its place.

    Numbers are looked up in an array of such structs, not the idf by number afterwards: numbers and idf may both be sub-queries, which a
    lambda cannot hold, and naming the numbers twice would compute them twice. The array is a sub-query, as it would be made for every row.
    """
    numbers = sql.call("range", "0", str(arguments.literals[top_k] + 1))
    entries = f"(SELECT {sql.call('list_zip', numbers, known.inverse_frequencies, 'TRUE')})"
    return sql.call("list_select", entries, each(known.codes(tokens), "__sqlml_code", "__sqlml_code + 1"))


def weighted(tokens: str, keys: str, idf: int, answer: Callable[[str, str], str]) -> str:
    """SQL of an answer for each distinct key of a document, in the order of the keys.

    The weight is tf * idf, tf being the share of the key in all tokens, NULLs included. It is 0 where no idf is known, for want of terms.

    Args:
        tokens: VARCHAR[], the document.
        keys: SQL of an array with a key, which is an unnamed struct, for each token.
        idf: the place of the idf in a key, from 1.
        answer: (key, weight) -> SQL of the answer for one key.
    """
    found = part("__sqlml_count", "key")
    share = f"{part('__sqlml_count', 'value')} / {sql.cast(part('__sqlml_document', 2), 'DOUBLE')}"
    return let(
        sql.call("row", histogram(keys), sql.call("len", tokens)),
        "__sqlml_document",
        each(
            sql.call("map_entries", part("__sqlml_document", 1)),
            "__sqlml_count",
            answer(found, f"{share} * coalesce({part(found, idf)}, 0.0e0)"),
        ),
    )
