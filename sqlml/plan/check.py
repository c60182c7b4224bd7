"""What would not run of a script, found without running it and without a database.

Nothing here knows which tables, columns and models there are: what depends on them is found when the script runs.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlml.errors import Error, NotSupportedError, ProgrammingError
from sqlml.source import Source, Span

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that would not run. Codes are those of the errors that running it would raise; `syntax_error` for what cannot be read."""

    code: str
    message: str
    span: Span
    """In the text that was checked."""
    hint: str | None
    """What to write instead."""
    source: Source

    @property
    def line(self) -> int:
        """From 1."""
        return self.source.line_and_column(self.span.start)[0]

    @property
    def column(self) -> int:
        """In characters, from 1."""
        return self.source.line_and_column(self.span.start)[1]

    @property
    def construct(self) -> str:
        """The text that it is about, on one line and cut where it is long."""
        text = " ".join(self.source.text[self.span.start : self.span.end].split())
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"

    def __str__(self) -> str:
        return "\n".join([self.message, self.source.excerpt(self.span), *([f"hint: {self.hint}"] if self.hint else [])])


def check(text: str, dialect: str = "bigquery", name: str = "") -> list[Problem]:
    """All that would not run of a text, in order of place; empty when all is fine.

    Args:
        dialect: "bigquery" or "duckdb".
        name: of the text, as in a path, for `Problem.source`.
    Raises: NotSupportedError `dialect_not_supported` for another flavour; ProgrammingError `not_text` for what is no text.
    """
    if not isinstance(text, str):
        raise ProgrammingError(f"the script must be a text, got {type(text).__name__}", code="not_text")
    if dialect.lower() not in ("bigquery", "duckdb"):
        raise NotSupportedError(
            f'the SQL flavour "{dialect}" is not available', code="dialect_not_supported", hint="dialect is 'bigquery' or 'duckdb'"
        )
    from sqlml.plan.check_script import ScriptCheck  # with it come the declarations of models and functions

    source = Source(text, name)
    return _problems(ScriptCheck(source, dialect.lower()).run(), source)


def _problems(errors: list[Error], source: Source) -> list[Problem]:
    found: dict[tuple[int, str, str], Problem] = {}
    for error in errors:
        span = error.span or Span(0, len(source.text))
        problem = Problem(error.code, error.message, span, error.hint, source)
        found.setdefault((span.start, error.code, error.message), problem)
    return sorted(found.values(), key=lambda problem: (problem.span.start, problem.span.end))
