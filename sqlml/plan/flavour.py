"""The user's text as SQL of the engine: as written in the DuckDB flavour, translated in BigQuery's.

What replaces the ML calls is DuckDB's SQL already, so a translation sees a name in the place of each, and the SQL is put there afterwards.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from sqlml.bigquery.part import Part
from sqlml.errors import Error
from sqlml.plan.splice import Spliced, concatenate, plain, splice
from sqlml.source import Source, Span
from sqlml.syntax.tokens import TokenKind, scan

if TYPE_CHECKING:
    from sqlml.bigquery.translate import Context

_PLACE = re.compile(r'"__sqlml_place_(\d+)"|SELECT \* FROM "__sqlml_query_(\d+)"')
Replacements = Sequence[tuple[Span, Spliced]]


def translated(source: Source, span: Span, replacements: Replacements, part: Part, context: Context, queries: Replacements = ()) -> Spliced:
    """A part of a BigQuery text with the outermost of the replacements inside it put in, as SQL of DuckDB.

    Args: queries, those inside it that are translated already.
    Raises: what `bigquery.translate` raises, with the place in the source.
    """
    from sqlml.bigquery.translate import translate

    whole, places, calls = _with_places(source, span, replacements, queries)
    try:
        text = translate(whole.text, context, part)
    except Error as error:
        raise _located(error, whole, span, calls) from error.__cause__
    texts: list[str] = []
    between: list[Spliced] = []
    done = 0
    for found in _PLACE.finditer(text):
        texts.append(text[done : found.start()])
        between.append(places[int(found[1])] if found[1] else queries[int(found[2])][1])
        done = found.end()
    texts.append(text[done:])

    @cache
    def traced() -> list[Spliced]:
        return _traced(texts, whole)

    def later(index: int) -> Spliced:
        return Spliced(texts[index], (), later=((0, lambda: traced()[index]),))

    parts = [later(0)]
    for index, place in enumerate(between, start=1):
        parts += [place, later(index)]
    return concatenate(parts)


def refused(source: Source, span: Span, replacements: Replacements, part: Part, context: Context) -> list[Error]:
    """All that `translated` would refuse, each with the place in the source."""
    from sqlml.bigquery.translate import find_problems

    whole, _, calls = _with_places(source, span, replacements)
    return [_located(error, whole, span, calls) for error in find_problems(whole.text, context, part)]


def _with_places(
    source: Source, span: Span, replacements: Replacements, queries: Replacements = ()
) -> tuple[Spliced, list[Spliced], list[str]]:
    """The text with a name in the place of every replacement; what belongs there, and what the user wrote there, by number."""
    places: list[Spliced] = []
    calls: list[str] = []
    named = [(where, plain(f"SELECT * FROM __sqlml_query_{number}")) for number, (where, _) in enumerate(queries)]
    for where, replacement in replacements:
        if replacement.text.startswith("$"):
            text = f"@{replacement.text[1:]}"  # a parameter
        elif where.start == where.end:
            continue  # the name of an item that has none: BigQuery has its own rule
        else:
            text = f"__sqlml_place_{len(places)}"
            places.append(replacement)
            calls.append(" ".join(source.text[where.start : where.end].split()))
        named.append((where, plain(text)))
    return splice(source.text, span, named), places, calls


def _located(error: Error, whole: Spliced, span: Span, calls: Sequence[str]) -> Error:
    """The error with its place in the source, and with the user's words for what stood for them."""
    error.span = None if error.span is None else whole.origin(error.span) or span
    error.message = _PLACE_NAME.sub(lambda found: _short(calls[int(found[1])]), error.message)
    error.args = (error.message,)
    return error


_PLACE_NAME = re.compile(r"__sqlml_place_(\d+)")
_SHOWN = 40


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _traced(texts: Sequence[str], whole: Spliced) -> list[Spliced]:
    """The translated parts with the way back, name by name: the n-th `total` of the translation is the n-th `total` of the text."""
    origins: dict[str, list[Span]] = defaultdict(list)
    for kind, start, end in scan(whole.text, "bigquery"):
        if kind in (TokenKind.WORD, TokenKind.QUOTED, TokenKind.STRING, TokenKind.NUMBER):
            found = whole.origin(Span(start, end))
            if found is not None:
                name = _folded(whole.text[start:end])
                origins[name].append(found)
                if kind is TokenKind.QUOTED and "." in name:  # `project.dataset.table`
                    for part in name.split("."):
                        origins[part].append(found)
    seen: dict[str, int] = defaultdict(int)
    traced = []
    for text in texts:
        places: list[tuple[int, int, Span]] = []
        done, before = 0, None
        for kind, start, end in scan(text):
            name = _folded(text[start:end])
            known = origins.get(name)
            if kind is TokenKind.SYMBOL or not known:
                continue
            place = known[min(seen[name], len(known) - 1)]
            seen[name] += 1
            # What is ours before a name belongs to it, as `system.main.` or `CAST(`; what is none but signs to the name before them.
            ours = text[done:start]
            if ours:
                places.append((done, start, place if before is None or any(map(str.isalpha, ours)) else before))
            places.append((start, end, place))
            done, before = end, place
        if before is not None:
            places.append((done, len(text), before))
        traced.append(Spliced(text, (), tuple(places)))
    return traced


def _folded(token: str) -> str:
    return token.strip("\"'`").casefold()
