"""What a string literal stands for: its quotes and escapes undone, in the rules of each flavour, and dates and timestamps read from it."""

from __future__ import annotations

import datetime
import re
import zoneinfo

_PREFIXED = re.compile(r"""([eErRbB]*)("{3}|'{3}|["'])""")
_ESCAPE = re.compile(r"\\(?:[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|(.))", re.DOTALL)
_SIMPLE = {
    "duckdb": {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"},
    "bigquery": {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"},
}
_TIMESTAMP = re.compile(
    r"([0-9]{1,4})-([0-9]{1,2})-([0-9]{1,2})(?:[ Tt]([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]{1,6})0*)?)?)?(?: ?([A-Za-z+-].*))?"
)
_OFFSET = re.compile(r"([+-])([0-9]{1,2})(?::?([0-9]{2}))?")


def string_value(text: str, dialect: str) -> str | None:
    """The value of a string literal as written, or None for one of bytes, which is no string."""
    if text[0] == "$":
        tag = text[: text.index("$", 1) + 1]
        return text[len(tag) : -len(tag)]
    found = _PREFIXED.match(text)
    assert found is not None, "the tokenizer lets no other string through"
    prefix, quote = found[1].lower(), found[2]
    if dialect == "duckdb":
        quote = quote[0]
        inner = text[len(prefix) + 1 : -1]
        return _unescape(inner.replace("''", r"\'"), dialect) if prefix == "e" else inner.replace(quote * 2, quote)
    inner = text[found.end() : -len(quote)]
    if "b" in prefix:
        return None
    return inner if prefix == "r" else _unescape(inner, dialect)


def bytes_value(text: str) -> bytes | None:
    """The value of a literal of bytes in the BigQuery flavour, or None for a string."""
    found = _PREFIXED.match(text)
    assert found is not None, "the tokenizer lets no other string through"
    if "b" not in found[1].lower():
        return None
    inner = text[found.end() : -len(found[2])]
    parts = [inner] if "r" in found[1].lower() else _ESCAPE.split(inner)
    if len(parts) == 1:
        return inner.encode()
    # Escapes are bytes, other characters their UTF-8.
    position, value = 0, b""
    for escape in _ESCAPE.finditer(inner):
        character = _character(escape, "bigquery")
        value += inner[position : escape.start()].encode()
        value += character.encode("latin-1") if ord(character[0]) < 256 else character.encode()
        position = escape.end()
    return value + inner[position:].encode()


def parse_date(text: str) -> datetime.date:
    """Raises: ValueError."""
    return datetime.date(*(int(part) for part in _whole(re.compile(r"([0-9]{1,4})-([0-9]{1,2})-([0-9]{1,2})"), text).groups()))


def parse_timestamp(text: str, *, zone: bool = True) -> datetime.datetime:
    """A timestamp, with a zone when the text names one and `zone` allows it.

    Raises: ValueError.
    """
    found = _whole(_TIMESTAMP, text)
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    microsecond = int((found[7] or "0").ljust(6, "0"))
    zone_text = found[8]
    if zone_text and not zone:
        raise ValueError("a DATETIME has no zone")
    tzinfo = _zone(zone_text) if zone_text else None
    return datetime.datetime(year, month, day, hour, minute, second, microsecond, tzinfo)


def _whole(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    found = pattern.fullmatch(text.strip())
    if found is None:
        raise ValueError("no date or time")
    return found


def _zone(text: str) -> datetime.tzinfo:
    if text in {"UTC", "utc", "Z", "z"}:
        return datetime.UTC
    if offset := _OFFSET.fullmatch(text):
        minutes = int(offset[2]) * 60 + int(offset[3] or 0)
        return datetime.timezone(datetime.timedelta(minutes=-minutes if offset[1] == "-" else minutes))
    try:
        return zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, OSError):
        raise ValueError("unknown time zone") from None


def _unescape(text: str, dialect: str) -> str:
    return _ESCAPE.sub(lambda found: _character(found, dialect), text) if "\\" in text else text


def _character(found: re.Match[str], dialect: str) -> str:
    byte, short, long, octal, other = found.groups()
    if byte:
        return chr(int(byte, 16))
    if octal:
        return chr(int(octal, 8) & 0xFF)
    if short or long:
        code = int(short or long, 16)
        # DuckDB 2.0 does not know \u; a surrogate or a code beyond Unicode is no character.
        if dialect == "duckdb" or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            return found[0][1:]
        return chr(code)
    return _SIMPLE[dialect].get(other, other)
