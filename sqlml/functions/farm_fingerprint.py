"""FARM_FINGERPRINT: FarmHash Fingerprint64 of a string or of bytes, as a signed number.

    SELECT FARM_FINGERPRINT('foo')

INT64, the 64 bits of the hash; NULL for NULL. The same text has the same fingerprint everywhere and always, BigQuery included.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.functions._value_spec import Arguments, Learned, Parameter, Takes, ValueSpec
from sqlml.types import Kind

NATIVE = "sqlml_fingerprint"
"""The engine's function that hashes a VARCHAR -> UBIGINT."""
_NATIVE_BYTES = "sqlml_fingerprint_bytes"
"""The same for a BLOB."""


def signed(unsigned: str) -> str:
    """SQL (BIGINT) of the bits of a UBIGINT, which is evaluated once: the highest bit is turned, and its worth taken away."""
    turned = sql.call("xor", unsigned, sql.cast(str(1 << 63), "UBIGINT"))
    return sql.cast(f"{sql.cast(turned, 'HUGEINT')} - {1 << 63}", "BIGINT")


def _expression(arguments: Arguments, _learned: Sequence[Learned]) -> str:
    type_ = arguments.type("value")
    if type_ is not None and type_.kind is Kind.BLOB:
        return signed(sql.call(_NATIVE_BYTES, arguments.sql("value")))
    return signed(sql.call(NATIVE, sql.cast(arguments.sql("value"), "VARCHAR")))


SPEC = ValueSpec(
    name="FARM_FINGERPRINT",
    doc="The FarmHash fingerprint of a string, as INT64.",
    parameters=(Parameter("value", Takes.STRING_OR_BYTES),),
    expression=_expression,
    native=True,
)
