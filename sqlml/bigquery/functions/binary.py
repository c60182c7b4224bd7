"""Bytes and digests."""

from __future__ import annotations

from sqlml.bigquery.translation import Call, Example, Translation


def _bytes(value: str) -> str:
    """Text as its UTF-8, bytes as they are."""
    return f"CASE WHEN system.main.typeof({value}) = 'BLOB' THEN TRY_CAST({value} AS BLOB) ELSE system.main.encode(CAST({value} AS VARCHAR)) END"


def _digest(name: str, function: str, value: str) -> Translation:
    def render(call: Call) -> str:
        return f"system.main.unhex(system.main.{function}({_bytes(call.sql(0))}))"

    return Translation(name, f"{name}(x)", render, (Example(f"TO_HEX({name}('abc'))", value), Example(f"{name}(NULL)", "NULL")))


_CHARACTERS = (
    "[0-7].|(?:C[2-9A-F]|D.)[89AB].|E0[AB].[89AB].|E[1-9ABCEF](?:[89AB].){2}|ED[89].[89AB].|F0[9AB].(?:[89AB].){2}"
    "|F[1-3](?:[89AB].){3}|F48.(?:[89AB].){2}|.."
)
"""The bytes of one character of UTF-8 in hexadecimal, or one byte that is of none."""


def _decoded(call: Call) -> str:
    """Each byte that is no UTF-8 becomes U+FFFD."""
    value = call.sql(0)
    pieces = f"system.main.regexp_extract_all(system.main.hex({value}), '{_CHARACTERS}')"
    mended = f"system.main.list_transform({pieces}, lambda p: CASE WHEN system.main.strlen(p) = 2 AND p >= '80' THEN 'EFBFBD' ELSE p END)"
    return f"COALESCE(TRY(system.main.decode({value})), system.main.decode(system.main.unhex(system.main.array_to_string({mended}, ''))))"


def _from_code_points(call: Call) -> str:
    byte = (
        "CASE WHEN c BETWEEN 0 AND 255 THEN system.main.printf('%02x', c)"
        " ELSE system.main.error('a code point of CODE_POINTS_TO_BYTES is from 0 to 255') END"
    )
    pairs = f"system.main.list_transform({call.sql(0)}, lambda c: CASE WHEN c IS NOT NULL THEN {byte} END)"
    has_null = f"system.main.list_contains(system.main.list_transform({call.sql(0)}, lambda c: c IS NULL), TRUE)"
    return f"CASE WHEN NOT {has_null} THEN system.main.unhex(system.main.array_to_string({pairs}, '')) END"


ROWS = (
    Translation(
        "TO_HEX", "TO_HEX(bytes)", "system.main.lower(system.main.hex({0}))", (Example(r"TO_HEX(b'\x00\x01\x02\xaa\xff')", "000102aaff"),)
    ),
    Translation(
        "FROM_HEX",
        "FROM_HEX(text)",
        "system.main.unhex(CASE WHEN system.main.length({0}) % 2 = 1 THEN '0' || {0} ELSE {0} END)",
        (Example("FROM_HEX('00010203aaeeefff')", r'b"\x00\x01\x02\x03\xaa\xee\xef\xff"'), Example("FROM_HEX('F')", r'b"\x0f"')),
    ),
    Translation("TO_BASE64", "TO_BASE64(bytes)", "system.main.to_base64({0})", (Example(r"TO_BASE64(b'\377\340')", "/+A="),)),
    Translation("FROM_BASE64", "FROM_BASE64(text)", "system.main.from_base64({0})", (Example("FROM_BASE64('/+A=')", r'b"\xff\xe0"'),)),
    _digest("MD5", "md5", "900150983cd24fb0d6963f7d28e17f72"),
    _digest("SHA1", "sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    _digest("SHA256", "sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    Translation(
        "SAFE_CONVERT_BYTES_TO_STRING",
        "SAFE_CONVERT_BYTES_TO_STRING(bytes)",
        _decoded,
        (
            Example(r"SAFE_CONVERT_BYTES_TO_STRING(b'\x61')", "a"),
            Example(r"SAFE_CONVERT_BYTES_TO_STRING(b'\xc2a?\xff\xe2\x82b\xc3\xa9')", "\ufffda?\ufffd\ufffd\ufffdbé"),
            Example(r"SAFE_CONVERT_BYTES_TO_STRING(b'\xc2')", "\ufffd"),
        ),
    ),
    Translation(
        "CODE_POINTS_TO_BYTES",
        "CODE_POINTS_TO_BYTES(array)",
        _from_code_points,
        (
            Example("CODE_POINTS_TO_BYTES([65, 98, 67, 100])", 'b"AbCd"'),
            Example("CODE_POINTS_TO_BYTES([65, NULL])", "NULL"),
            Example("SAFE.CODE_POINTS_TO_BYTES([256])", "NULL"),
        ),
    ),
)
