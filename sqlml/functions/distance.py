"""ML.DISTANCE: how far two vectors are apart.

    SELECT ML.DISTANCE([4.1, 0.5, 1.0], [3.0, 0.0, 2.5], 'MANHATTAN')
    SELECT ML.DISTANCE([{'key': 'red', 'value': 0.5}], [{'key': 'blue', 'value': 1.0}], 'COSINE')

EUCLIDEAN unless given; COSINE is 1 - cosine similarity, 0 to 2. A vector is an array of numbers, or an array of (key, number): numbers are
then matched by key, a key that one side lacks is 0 there, and a key that one side has twice is an error, as are arrays of numbers of
different length. NULL for a NULL vector, and for one with a NULL in it. A vector of zeros has no direction: its COSINE distance is NaN,
which sorts behind all distances (BigQuery's behaviour is not documented for this function).
Source: reference, functions 8.1 and semantics 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sqlml import sql
from sqlml.functions import _vectors
from sqlml.functions._list_sql import each, let, struct
from sqlml.functions._literals import Word
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec
from sqlml.types import Kind, SqlType

_VECTORS = ("vector1", "vector2")
_FIRST, _SECOND = (sql.call("struct_extract_at", "__sqlml_pair", place) for place in ("1", "2"))
"""The parts of `__sqlml_pair`: a key and its number, or the elements of two vectors at one place."""


def _is_keyed(type_: SqlType | None) -> bool:
    """Whether a vector is of (key, number); an unknown type is taken for numbers."""
    return type_ is not None and type_.element is not None and type_.element.kind is Kind.STRUCT


def _is_null(type_: SqlType | None) -> bool:
    return type_ is not None and type_.name == '"NULL"'


def _key_kind(arguments: Arguments, name: str) -> Kind | None:
    """What the keys of a vector are, None where it has none or they are not known.

    Raises: DataError `function_argument` where its elements are no (key, number).
    """
    type_ = arguments.type(name)
    fields = type_.element.fields if type_ is not None and type_.element is not None else ()
    if not fields:
        return None
    key, number = (fields[0].type, fields[-1].type)
    if len(fields) != 2 or not (key.kind is Kind.STRING or key.is_integer) or number.kind is not Kind.NUMBER:
        raise arguments.error(name, f"the elements of {name} must be numbers or (key, number) with a STRING or INT64 key, got {type_}")
    return key.kind


def _check(arguments: Arguments) -> None:
    first, second = (arguments.type(name) for name in _VECTORS)
    key_kinds = {kind for name in _VECTORS if (kind := _key_kind(arguments, name)) is not None}
    if len(key_kinds) > 1:
        raise arguments.error("vector2", f"the keys of both vectors must be of the same type, got {first} and {second}")
    if _is_null(first) or _is_null(second) or first is None or second is None:
        return
    if _is_keyed(first) != _is_keyed(second):
        raise arguments.error("vector2", f"both vectors must be of the same type, got {first} and {second}")


def _expression(arguments: Arguments, _learned: Sequence[Learned]) -> str:
    metric = arguments.literals["type"]
    first, second = (arguments.sql(name) for name in _VECTORS)
    types = [arguments.type(name) for name in _VECTORS]
    if any(_is_null(type_) for type_ in types):
        return sql.cast("NULL", "DOUBLE")
    if any(_is_keyed(type_) for type_ in types):
        found = _keyed(*_fields("__sqlml_keyed"), metric, arguments.function)
        return let(struct(a=first, b=second), "__sqlml_keyed", found)
    a, b = _vectors.as_doubles(first), _vectors.as_doubles(second)
    lengths = [sql.call("len", vector) for vector in (a, b)]
    message = (
        f"{sql.literal(f'{arguments.function}: the vectors must have the same length, got ')} || {lengths[0]} || ' and ' || {lengths[1]}"
    )
    # The comparison is NULL, and the CASE falls through, where a vector is NULL.
    return f"CASE WHEN {lengths[0]} <> {lengths[1]} THEN {_error(message)} ELSE {_between(a, b, metric)} END"


def _whole(vector: str) -> str:
    """SQL (BOOLEAN) of whether a list has no NULL; NULL for NULL."""
    return f"{sql.call('list_count', vector)} = {sql.call('len', vector)}"


def _error(message: str) -> str:
    return sql.cast(sql.call("error", message), "DOUBLE")


def _between(a: str, b: str, metric: str) -> str:
    """SQL (DOUBLE) of the distance of two DOUBLE[] of one length; NULL where one is NULL or has a NULL.

    The engine's own distances are not used: they complain of a NULL in any row of a batch, whatever CASE stands around them.
    """
    if metric == "COSINE":
        extreme = let(struct(a=_vectors.scaled(a), b=_vectors.scaled(b)), "__sqlml_scaled_pair", _cosine(*_fields("__sqlml_scaled_pair")))
        found = _cosine(a, b, extreme)
    else:
        differences = each(sql.call("list_zip", a, b), "__sqlml_pair", f"{_FIRST} - {_SECOND}")
        found = let(differences, "__sqlml_differences", _vectors.norm("__sqlml_differences", 1 if metric == "MANHATTAN" else 2))
    return f"CASE WHEN {_whole(a)} AND {_whole(b)} THEN {found} END"


def _cosine(a: str, b: str, extreme: str | None = None) -> str:
    """SQL (DOUBLE) of 1 - cosine similarity; `extreme` is taken instead where squares leave the range of a number, or are 0."""
    products = {"ab": f"{_FIRST} * {_SECOND}", "aa": f"{_FIRST} * {_FIRST}", "bb": f"{_SECOND} * {_SECOND}"}
    sums = {name: sql.call("list_sum", each("__sqlml_pairs", "__sqlml_pair", product)) for name, product in products.items()}
    ab, aa, bb = (f"__sqlml_sums.{name}" for name in products)
    similarity = f"{ab} / ({sql.call('sqrt', aa)} * {sql.call('sqrt', bb)})"
    found = f"1.0e0 - {sql.call('greatest', '-1.0e0', sql.call('least', '1.0e0', similarity))}"
    if extreme is None:  # NaN compares as the largest number, so `least` would lose it; the sums are NULL for arrays without elements
        nan = sql.literal(math.nan)
        result = f"CASE WHEN {aa} > 0.0e0 AND {bb} > 0.0e0 AND NOT {sql.call('isnan', similarity)} THEN {found} ELSE {nan} END"
    else:
        low, high = _vectors.SAFE
        result = f"CASE WHEN {aa} BETWEEN {low} AND {high} AND {bb} BETWEEN {low} AND {high} THEN {found} ELSE {extreme} END"
    return let(let(sql.call("list_zip", a, b), "__sqlml_pairs", struct(**sums)), "__sqlml_sums", result)


def _fields(pair: str) -> tuple[str, str]:
    return f"{pair}.a", f"{pair}.b"


def _keyed(a: str, b: str, metric: str, function: str) -> str:
    """SQL (DOUBLE) of the distance of two lists of (key, number), given as names."""
    keys = [each(vector, "__sqlml_pair", _FIRST) for vector in (a, b)]
    without_key = " OR ".join(f"{sql.call('list_count', found)} < {sql.call('len', found)}" for found in keys)
    repeated = " OR ".join(f"{sql.call('list_unique', found)} < {sql.call('len', found)}" for found in keys)
    number = sql.cast(_SECOND, "DOUBLE")
    firsts = each(a, "__sqlml_pair", struct(key=_FIRST, a=number, b="0.0e0"))
    seconds = each(b, "__sqlml_pair", struct(key=_FIRST, a="0.0e0", b=number))
    entries = sql.call("list_sort", sql.call("list_concat", firsts, seconds))
    return (
        f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN NULL"
        f" WHEN {without_key} THEN {_error(sql.literal(f'{function}: a key of a vector is NULL'))}"
        f" WHEN {repeated} THEN {_error(sql.literal(f'{function}: a vector has the same key twice'))}"
        f" ELSE {let(entries, '__sqlml_entries', _aligned('__sqlml_entries', metric))} END"
    )


def _aligned(entries: str, metric: str) -> str:
    """SQL (DOUBLE) of the distance, from the entries of both vectors sorted by key: those of one key are neighbours.

    The first of two neighbours takes both numbers, the second becomes a pair of zeros, which changes no distance.
    """
    own = "__sqlml_entry"
    behind, before = (sql.call("list_extract", entries, f"__sqlml_index {step}") for step in ("+ 1", "- 1"))
    pair = (
        f"CASE WHEN {own}.key = {behind}.key THEN {struct(a=f'{own}.a + {behind}.a', b=f'{own}.b + {behind}.b')}"
        f" WHEN {own}.key = {before}.key THEN {struct(a='0.0e0', b='0.0e0')} ELSE {struct(a=f'{own}.a', b=f'{own}.b')} END"
    )
    pairs = each(entries, f"{own}, __sqlml_index", pair)
    a, b = (each("__sqlml_aligned", "__sqlml_pair", f"__sqlml_pair.{side}") for side in ("a", "b"))
    return let(pairs, "__sqlml_aligned", let(struct(a=a, b=b), "__sqlml_sides", _between(*_fields("__sqlml_sides"), metric)))


SPEC = ValueSpec(
    name="ML.DISTANCE",
    doc="The distance of two vectors: Euclidean, Manhattan or cosine.",
    parameters=(
        Parameter("vector1", Takes.VECTOR),
        Parameter("vector2", Takes.VECTOR),
        Parameter("type", literal=Word(("EUCLIDEAN", "MANHATTAN", "COSINE")), default="EUCLIDEAN"),
    ),
    expression=_expression,
    check=_check,
)
