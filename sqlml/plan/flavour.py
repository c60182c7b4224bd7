"""The user's text as SQL of the engine: as written in the DuckDB flavour, translated in BigQuery's.

What replaces the ML calls is DuckDB's SQL already, so a translation sees a name in the place of each, and the SQL is put there afterwards.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlml.bigquery.part import Part
from sqlml.errors import Error
from sqlml.plan.splice import Piece, Spliced, concatenate, plain, splice
from sqlml.source import Source, Span
from sqlml.syntax.tokens import TokenKind, scan

if TYPE_CHECKING:
    from sqlml.bigquery.translate import Context

_PLACE = re.compile(r'"__sqlml_place_(\d+)"|\$__sqlml_place_(\d+)\b')
Replacements = Sequence[tuple[Span, Spliced]]


def translated(source: Source, span: Span, replacements: Replacements, part: Part, context: Context) -> Spliced:
    """A part of a BigQuery text with the outermost of the replacements inside it put in, as SQL of DuckDB.

    Raises: what `bigquery.translate` raises, with the place in the source.
    """
    from sqlml.bigquery.translate import translate

    whole, places = _with_places(source, span, replacements)
    try:
        text = translate(whole.text, context, part)
    except Error as error:
        raise _located(error, whole, span) from error.__cause__
    parts: list[Spliced] = []
    done = 0
    for found in _PLACE.finditer(text):
        parts += [Spliced(text[done : found.start()], ()), places[int(found[1])]]
        done = found.end()
    parts.append(Spliced(text[done:], ()))
    return concatenate(_traced(parts, whole))


def refused(source: Source, span: Span, replacements: Replacements, part: Part, context: Context) -> list[Error]:
    """All that `translated` would refuse, each with the place in the source."""
    from sqlml.bigquery.translate import find_problems

    whole, _ = _with_places(source, span, replacements)
    return [_located(error, whole, span) for error in find_problems(whole.text, context, part)]


def _with_places(source: Source, span: Span, replacements: Replacements) -> tuple[Spliced, list[Spliced]]:
    """The text with a name in the place of every replacement, and what belongs there, by number."""
    places: list[Spliced] = []
    named: list[tuple[Span, Spliced]] = []
    for where, replacement in replacements:
        if replacement.text.startswith("$"):
            text = f"@{replacement.text[1:]}"  # a parameter
        elif where.start == where.end:
            continue  # the name of an item that has none: BigQuery has its own rule
        else:
            text = f"__sqlml_place_{len(places)}"
            places.append(replacement)
        named.append((where, plain(text)))
    return splice(source.text, span, named), places


def _located(error: Error, whole: Spliced, span: Span) -> Error:
    error.span = None if error.span is None else whole.origin(error.span) or span
    return error


def _traced(parts: Sequence[Spliced], whole: Spliced) -> list[Spliced]:
    """The translated parts with the way back, name by name: the n-th `total` of the translation is the n-th `total` of the text."""
    origins: dict[str, list[Span]] = defaultdict(list)
    for kind, start, end in scan(whole.text, "bigquery"):
        if kind in (TokenKind.WORD, TokenKind.QUOTED, TokenKind.STRING, TokenKind.NUMBER):
            found = whole.origin(Span(start, end))
            if found is not None:
                origins[_folded(whole.text[start:end])].append(found)
    seen: dict[str, int] = defaultdict(int)
    traced = []
    for part in parts:
        if part.pieces or part.fallback:
            traced.append(part)
            continue
        pieces = []
        for kind, start, end in scan(part.text):
            name = _folded(part.text[start:end])
            known = origins.get(name)
            if kind is TokenKind.SYMBOL or not known:
                continue
            place = known[min(seen[name], len(known) - 1)]
            seen[name] += 1
            pieces.append(Piece(start, max(1, min(end - start, place.end - place.start)), place.start))
        traced.append(Spliced(part.text, tuple(pieces)))
    return traced


def _folded(token: str) -> str:
    return token.strip("\"'`").casefold()
