"""Unicode case folding as SQL: lower case, and beyond that the letters that have several lower-case forms (ß as ss, final ς as σ)."""

from __future__ import annotations

import functools

from sqlml import sql
from sqlml.functions._list_sql import let


@functools.cache
def _beyond_lower_case() -> tuple[tuple[str, str], ...]:
    """(letter in lower case, what it folds to) for every letter that folding changes further: some 180 of them."""
    # Every letter in question lies in the first two planes; what lies above has no case.
    letters = (chr(code) for code in range(0x20000) if not 0xD800 <= code < 0xE000)
    return tuple((letter, letter.casefold()) for letter in letters if letter.lower() == letter != letter.casefold())


def is_ascii(text: str) -> str:
    """SQL of whether a VARCHAR is ASCII: it has as many bytes as characters. Lower-casing these is fast and the same by any rule."""
    return f"{sql.call('strlen', text)} = {sql.call('length', text)}"


def case_fold(text: str) -> str:
    """SQL of the case-folded VARCHAR `text`. Only texts with one of the rare letters take the long way."""
    lowered = sql.call("lower", sql.call("replace", "__sqlml_text", "'\u0130'", "'i\u0307'"))  # the capital whose lower case is two letters
    beyond = _beyond_lower_case()
    single = [(letter, folded) for letter, folded in beyond if len(folded) == 1]
    folded = sql.call("translate", "__sqlml_lower", *(sql.literal("".join(letters)) for letters in zip(*single, strict=True)))
    for letter, several in ((letter, several) for letter, several in beyond if len(several) > 1):
        folded = sql.call("replace", folded, sql.literal(letter), sql.literal(several))
    rare = sql.call("regexp_matches", "__sqlml_lower", sql.literal(f"[{''.join(letter for letter, _ in beyond)}]"))
    long_way = let(lowered, "__sqlml_lower", f"CASE WHEN {rare} THEN {folded} ELSE __sqlml_lower END")
    ascii_case = f"CASE WHEN {is_ascii('__sqlml_text')} THEN {sql.call('lower', '__sqlml_text')} ELSE {long_way} END"
    return let(text, "__sqlml_text", ascii_case)
