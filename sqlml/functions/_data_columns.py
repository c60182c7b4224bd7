"""Columns of the data argument that settings name, as slice_cols and facet do, and values of columns that settings write."""

from __future__ import annotations

import datetime
import re
import struct
from collections.abc import Hashable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from sqlml.errors import did_you_mean
from sqlml.functions._spec import Input
from sqlml.models._options import OptionError
from sqlml.types import Column, Kind, SqlType


def named_column(data: Input, setting: str, name: str) -> Column:
    """The column of the data that a setting names, in any case.

    Raises: OptionError `unknown_column`.
    """
    column = data.schema.find(name)
    if column is None:
        names = data.schema.names
        raise OptionError(
            setting, f'{setting} "{name}" is not a column of the data', code="unknown_column",
            hint=did_you_mean(name, tuple(names)) or f"they have {', '.join(names[:8])}{', …' if len(names) > 8 else ''}",
        )  # fmt: skip
    return column


@dataclass(frozen=True)
class Value:
    """A value that a column may have. `text` is SQL-castable to its type; `key` is equal for equal values, however they were written."""

    text: str
    key: Hashable


def value_of(type_: SqlType, text: str) -> Value | None:
    """A value of a type from how a setting wrote it; None for what the type cannot hold as it is: 1.4 as BIGINT, 'x' as DATE.

    Types but numbers, BOOL, DATE and TIMESTAMP have their values as texts.
    """
    match type_.kind:
        case Kind.NUMBER:
            return _number(type_.name, text)
        case Kind.BOOLEAN:
            found = _BOOLEANS.get(text.lower())
            return None if found is None else Value(str(found), found)
        case Kind.DATE | Kind.TIMESTAMP:
            return _moment(type_, text)
    return Value(text, text)


_BOOLEANS = {
    "true": True, "t": True, "yes": True, "1": True, "1.0": True, "false": False, "f": False, "no": False, "0": False, "0.0": False,
}  # fmt: skip
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)? ?(?:(Z|UTC)|([+-])(\d{2})(?::?(\d{2}))?)?",
    re.ASCII,
)
_BITS = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64, "HUGEINT": 128}
_MAX_DIGITS = 400
"""Digits of a number before and after the point that are looked at; a DOUBLE has fewer."""
_FRACTION_DIGITS = {"TIMESTAMP_S": 0, "TIMESTAMP_MS": 3, "TIMESTAMP_NS": 9}


def _number(name: str, text: str) -> Value | None:
    if not _NUMBER.fullmatch(text):
        return None
    try:
        written = Decimal(text) or Decimal(0)  # 0e999 has no digits to look at
    except ArithmeticError:  # an exponent beyond all bounds
        return None
    if abs(written.adjusted()) > _MAX_DIGITS:
        return None
    number = Fraction(written)
    if name in ("DOUBLE", "FLOAT"):
        try:
            rounded = struct.unpack("<f", struct.pack("<f", number))[0] if name == "FLOAT" else float(number)
        except OverflowError:
            return None
        return Value(repr(float(number)), rounded)
    if name.startswith("DECIMAL("):
        width, scale = (int(part) for part in name[len("DECIMAL(") : -1].split(","))
        scaled = number * 10**scale
        if scaled.denominator != 1 or abs(scaled) >= 10**width:
            return None
        return Value(f"{written:f}", number)
    if number.denominator != 1 or not _is_in_range(name, int(number)):
        return None
    return Value(str(int(number)), number)


def _is_in_range(name: str, number: int) -> bool:
    if name in _BITS:
        half = 1 << (_BITS[name] - 1)
        return -half <= number < half
    bits = _BITS.get(name.removeprefix("U"))
    return bits is None or 0 <= number < 1 << bits


def _moment(type_: SqlType, text: str) -> Value | None:
    """A DATE or TIMESTAMP; one with an offset is the moment in UTC, one without is of the session's zone where the type has a zone."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, utc, sign, off_hours, off_minutes = found.groups()
    try:
        moment = datetime.datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
        if sign:
            offset = datetime.timedelta(hours=int(off_hours), minutes=int(off_minutes or 0))
            moment += -offset if sign == "+" else offset
    except (ValueError, OverflowError):
        return None
    fraction = (fraction or "").rstrip("0")
    if type_.kind is Kind.DATE:
        return Value(moment.date().isoformat(), moment.date()) if moment.time() == datetime.time() and not fraction else None
    if len(fraction) > _FRACTION_DIGITS.get(type_.name, 6):
        return None
    written = moment.isoformat(sep=" ") + f".{fraction}" * bool(fraction)
    is_placed = type_.name == "TIMESTAMP WITH TIME ZONE" and bool(utc or sign)
    return Value(written + "+00" * is_placed, (moment, fraction, is_placed))
