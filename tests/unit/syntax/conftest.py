"""What the tests of `sqlml.syntax` share: texts with the expected place marked in them."""

from __future__ import annotations

from typing import Protocol

import pytest

from sqlml.errors import DatabaseError
from sqlml.source import Source, Span
from sqlml.syntax import parse_script


class Refused(Protocol):
    """Parses a text in which «…» marks the place of the error, checks code and place, and gives the error."""

    def __call__(self, marked: str, code: str, dialect: str = "duckdb") -> DatabaseError: ...


def unmark(marked: str) -> tuple[str, Span]:
    """The text without the marks, and the place between them."""
    start, end = marked.index("«"), marked.index("»") - 1
    return marked.replace("«", "").replace("»", ""), Span(start, end)


@pytest.fixture
def refused() -> Refused:
    def check(marked: str, code: str, dialect: str = "duckdb") -> DatabaseError:
        text, place = unmark(marked)
        with pytest.raises(DatabaseError) as caught:
            parse_script(Source(text), dialect)
        error = caught.value
        assert error.code == code, str(error)
        assert error.span is not None
        assert text[error.span.start : error.span.end] == text[place.start : place.end], str(error)
        assert error.span == place
        assert error.source is not None
        return error

    return check
