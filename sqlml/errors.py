"""Every failure a user can meet: PEP 249 classes, each with a stable code, a place in the text and a hint.

An error is raised where the problem is seen, often far from the SQL text, so it starts with what is known there.
`at()` adds the place and `with_source()` the text; the session does both before the error leaves sqlml. `str(error)` is plain
text: message, line and column, the line itself with a caret, hint. Colour belongs to the shell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sqlml.printable import bounded, printable_block

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlml.source import Source, Span


class Warning(Exception):  # noqa: A001 - the name is PEP 249's
    """Something done less well than asked; sqlml reports these as notices, and never raises them."""

    def __init__(self, message: str, *, code: str = "notice") -> None:
        super().__init__(message)
        self.message = bounded(message)
        self.code = code


class Error(Exception):
    """Base of all sqlml errors.

    `code` is stable and meant for programs (`unknown_option`, `null_label`, …); the wording may improve at any time.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        span: Span | None = None,
        hint: str | None = None,
        source: Source | None = None,
    ) -> None:
        super().__init__(bounded(message))
        self.message = message
        self.code = code
        self.span = span
        self.hint = hint
        self.source = source

    # What is in them may come from a stranger's database, and whoever catches an error may print them as they are.

    @property
    def message(self) -> str:
        """What is wrong: of bounded length, without control characters but line breaks."""
        return self._message

    @message.setter
    def message(self, text: str) -> None:
        self._message = bounded(text)

    @property
    def hint(self) -> str | None:
        """What to do, in the same form; None where there is nothing to say."""
        return self._hint

    @hint.setter
    def hint(self, text: str | None) -> None:
        self._hint = None if text is None else bounded(text)

    def at(self, span: Span | None) -> Self:
        """Adds the place, unless a more precise one is known already."""
        if self.span is None:
            self.span = span
        return self

    def with_source(self, source: Source) -> Self:
        """Adds the text that `span` points into, unless it is known already."""
        if self.source is None:
            self.source = source
        return self

    @property
    def line(self) -> int | None:
        """Line of the place, from 1."""
        return self._place()[0]

    @property
    def column(self) -> int | None:
        """Column of the place in characters, from 1."""
        return self._place()[1]

    def _place(self) -> tuple[int | None, int | None]:
        if self.span is None or self.source is None:
            return None, None
        return self.source.line_and_column(self.span.start)

    def __str__(self) -> str:
        parts = [printable_block(self.message)]
        if self.span is not None and self.source is not None:
            parts.append(self.source.excerpt(self.span))
        if self.hint:
            parts.append(f"hint: {printable_block(self.hint)}")
        return "\n".join(parts)


class InterfaceError(Error):
    """The Python interface was used wrongly: a closed connection, a fetch before an execute."""


class DatabaseError(Error):
    """Base of the errors that concern the database."""


class DataError(DatabaseError):
    """The data do not allow it: NULL labels, one class, no rows, a feature of another type."""


class OperationalError(DatabaseError):
    """It could not be carried out: the engine failed, the disk is full, the statement was cancelled."""


class IntegrityError(DatabaseError):
    """The catalog would contradict itself: a version conflict, a damaged or forged state."""


class InternalError(DatabaseError):
    """A bug in sqlml."""


class ProgrammingError(DatabaseError):
    """The statement is wrong: syntax, unknown names, option values."""


class NotSupportedError(DatabaseError):
    """Understood, and not available."""


def did_you_mean(name: str, known: list[str] | tuple[str, ...], show: Callable[[str], str] = str) -> str | None:
    """A hint that names the closest of `known`, or None when nothing is close.

    Args: show, how a name is written where it is one of the user's: `shown_names.shown_name`.
    """
    import difflib

    lowered = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.6)
    return f"did you mean {show(lowered[close[0]])}?" if close else None
