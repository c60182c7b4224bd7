"""Parameters of a statement and their places, so that the session can number them again after text was cut out or put in.

`@name` is BigQuery's way to write a parameter, and DuckDB's to take an absolute value of a column. Which of the two it is depends on the
values that come with the statement: it is a parameter when one of that name is given.
"""

from __future__ import annotations

from sqlml.errors import ProgrammingError
from sqlml.source import Source, Span
from sqlml.syntax.tokens import Token, TokenKind, tokenize


def find_parameters(source: Source, span: Span | None = None, dialect: str = "duckdb") -> list[tuple[Span, int | str]]:
    """Every parameter of a statement with its key, in order of place: for `?`, `$1` and `?1` the position of the value from 0, for `$name`
    and `@name` the name.

    Raises: ProgrammingError `mixed_parameters` for `?` beside `$1`; as `tokenize`.
    """
    return parameters_of([token for token in tokenize(source.text, dialect, span) if token.kind is TokenKind.PARAMETER])


def parameters_of(tokens: list[Token]) -> list[tuple[Span, int | str]]:
    """As `find_parameters`, of tokens that are there already."""
    found: list[tuple[Span, int | str]] = []
    unnumbered = 0
    numbered: Token | None = None
    for token in tokens:
        if token.kind is not TokenKind.PARAMETER:
            continue
        key = parameter_key(token, unnumbered)
        found.append((token.span, key))
        if token.text == "?":
            unnumbered += 1
        elif isinstance(key, int):
            numbered = token
    if unnumbered and numbered is not None:
        raise ProgrammingError(
            f'"?" and "{numbered.text}" stand in one statement', code="mixed_parameters", span=numbered.span,
            hint="number all parameters or none",
        )  # fmt: skip
    return found


def parameter_key(token: Token, unnumbered: int) -> int | str:
    """The key of one parameter.

    Args: unnumbered, how many `?` stand before it.
    """
    if token.text == "?":
        return unnumbered
    name = token.text[1:]
    if token.text[0] == "@" or not name.isdecimal():
        return name
    if name == "0" * len(name) or len(name) > _MAX_DIGITS:
        raise ProgrammingError(f"there is no parameter {token.text}", code="syntax_error", span=token.span, hint="parameters count from $1")
    return int(name) - 1


_MAX_DIGITS = 9
"""A statement has fewer parameters than this many digits can count."""
