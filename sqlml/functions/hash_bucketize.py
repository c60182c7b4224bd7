"""ML.HASH_BUCKETIZE: a string as one of a number of buckets, by its hash.

    SELECT ML.HASH_BUCKETIZE(city, 100) FROM customers

INT64: FarmHash Fingerprint64 of the string, as an unsigned number, modulo `hash_bucket_size`; nothing is learned. NULL for NULL. A size of
0 gives the hash itself, as FARM_FINGERPRINT gives it: so the reference presumes, nobody has confirmed the sign.
Source: reference, functions 5.3.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec
from sqlml.functions.farm_fingerprint import NATIVE, signed
from sqlml.models._options import Integer


def _expression(arguments: Arguments, _learned: Sequence[Learned]) -> str:
    unsigned = sql.call(NATIVE, sql.cast(arguments.sql("string_expression"), "VARCHAR"))
    size = arguments.literals["hash_bucket_size"]
    return signed(unsigned) if size == 0 else sql.cast(f"{unsigned} % {sql.cast(str(size), 'UBIGINT')}", "BIGINT")


SPEC = ValueSpec(
    name="ML.HASH_BUCKETIZE",
    doc="The hash of a string, modulo a number of buckets.",
    parameters=(
        Parameter("string_expression", Takes.STRING),
        Parameter("hash_bucket_size", literal=Integer(ge=0, lt=1 << 63)),
    ),
    expression=_expression,
    native=True,
)
