"""Text of anybody's made harmless to look at: nothing in it moves a cursor or passes for a line of ours."""

from __future__ import annotations

import unicodedata

_LONGEST = 4_000


def printable(text: str, *, keep: str = "") -> str:
    """The text with control and format characters written out (`\\x1b`), but for those in `keep`.

    A cell or a name may come from a stranger's database; raw, it could move the cursor, change the title, reverse the line.
    """
    if text.isprintable():
        return text
    return "".join(character if character in keep or not _commands(character) else _escaped(character) for character in text)


def printable_lines(text: str) -> str:
    """The text with all such characters written out but line breaks."""
    return printable(text, keep="\n")


def bounded(text: str) -> str:
    """The same, and what is longer than any message of ours ends in "…": somebody's name has flooded it."""
    # Cut before, so that escapes are made of what is shown only, and after, since they are longer.
    shown = printable_lines(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")
    return shown if len(shown) <= _LONGEST + 1 else shown[:_LONGEST] + "…"


def printable_block(text: str) -> str:
    """The same with every line but the first indented: what stands in a name cannot pass for a line of ours, such as a hint."""
    return bounded(text).replace("\n", "\n  ")


def _commands(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
