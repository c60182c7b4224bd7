"""Text with parts replaced, and the way back: which character of the user's text a character of the new text came from.

In DuckDB's flavour nothing is parsed or printed again: a call's span is replaced by the SQL of its plan, every other character stays.
The engine's error
positions refer to the new text and must point into the user's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlml.errors import Error
from sqlml.source import Span


@dataclass(frozen=True, slots=True)
class Piece:
    """`length` characters of the new text from `start` on are the user's from `origin` on."""

    start: int
    length: int
    origin: int


@dataclass(frozen=True, slots=True)
class Spliced:
    """A text and where its parts came from. `fallback`: parts (start, end) without an origin, and the span that stands for each. `later`:
    where a part begins whose places are found only when they are asked for, which is when the engine complains."""

    text: str
    pieces: tuple[Piece, ...]
    fallback: tuple[tuple[int, int, Span], ...] = ()
    later: tuple[tuple[int, Callable[[], Spliced]], ...] = ()

    def origin(self, span: Span) -> Span | None:
        """The user's span for a span of this text, or the span of the call that made the text, or None."""
        if self.later:
            found = [place() for _, place in self.later]
            starts = [plain(self.text[:start]) for start, _ in self.later]
            located = [concatenate([before, part]) for before, part in zip(starts, found, strict=True)]
            pieces = [piece for part in located for piece in part.pieces]
            fallback = [place for part in located for place in part.fallback]
            return Spliced(self.text, (*self.pieces, *pieces), (*self.fallback, *fallback)).origin(span)
        for piece in self.pieces:
            if piece.start <= span.start < piece.start + piece.length:
                start = piece.origin + span.start - piece.start
                room = piece.start + piece.length - span.start
                return Span(start, start + max(1, min(span.end - span.start, room)))
        inside = [whole for start, end, whole in self.fallback if start <= span.start < end]
        return inside[-1] if inside else None

    def within(self, before: str, after: str) -> Spliced:
        """This text with more around it."""
        return concatenate([plain(before), self, plain(after)])


def located(error: Error, text: Spliced) -> Error:
    """An engine's error with its place translated from the text that was run to the user's."""
    if error.span is not None and error.source is None:
        error.span = text.origin(error.span)
    return error


def plain(text: str) -> Spliced:
    """Text of ours, without an origin."""
    return Spliced(text, ())


def concatenate(parts: Sequence[Spliced]) -> Spliced:
    text: list[str] = []
    pieces: list[Piece] = []
    fallback: list[tuple[int, int, Span]] = []
    later: list[tuple[int, Callable[[], Spliced]]] = []
    length = 0
    for part in parts:
        text.append(part.text)
        pieces.extend(Piece(piece.start + length, piece.length, piece.origin) for piece in part.pieces)
        fallback.extend((start + length, end + length, span) for start, end, span in part.fallback)
        later.extend((start + length, place) for start, place in part.later)
        length += len(part.text)
    return Spliced("".join(text), tuple(pieces), tuple(fallback), tuple(later))


def embed(text: str, inner: Sequence[Spliced], span: Span) -> Spliced:
    """Generated text in which the texts of `inner` occur verbatim; what lies between them stands for `span`."""
    parts: list[Spliced] = []
    position = 0
    for part in inner:
        found = text.find(part.text, position) if part.text else -1
        if found >= 0:
            parts += [plain(text[position:found]), part]
            position = found + len(part.text)
    parts.append(plain(text[position:]))
    whole = concatenate(parts)
    return Spliced(whole.text, whole.pieces, ((0, len(whole.text), span), *whole.fallback), whole.later)


def splice(text: str, span: Span, replacements: Sequence[tuple[Span, Spliced]]) -> Spliced:
    """The user's `text[span]` with the outermost of the `replacements` that lie inside it put in."""
    inside = [item for item in replacements if span.start <= item[0].start and item[0].end <= span.end]
    parts: list[Spliced] = []
    position = span.start
    for where, replacement in sorted(inside, key=lambda item: (item[0].start, -item[0].end)):
        if where.start < position:
            continue  # inside one that is replaced as a whole
        parts += [_verbatim(text, position, where.start), replacement]
        position = where.end
    parts.append(_verbatim(text, position, span.end))
    return concatenate(parts)


def _verbatim(text: str, start: int, end: int) -> Spliced:
    return Spliced(text[start:end], (Piece(0, end - start, start),) if end > start else ())
