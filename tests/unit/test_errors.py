"""What an error shows: bounded, without control characters, with the place in view."""

from __future__ import annotations

import unicodedata

import pytest

import sqlml
from sqlml.errors import ProgrammingError
from sqlml.source import Source, Span

LONG = "x" * 200_000


def raw(text: str) -> list[str]:
    return [character for character in text if character != "\n" and unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


def test_attributes_hold_no_control_characters() -> None:
    error = ProgrammingError("no \x1b[2J \x00 name\nsecond line", code="c", hint="try \x07\u202e")
    assert error.message == "no \\x1b[2J \\x00 name\nsecond line"
    assert error.hint == "try \\x07\\u202e"
    assert error.args == (error.message,)
    error.message = "a\tb"
    error.hint = "\r"
    assert (error.message, error.hint) == ("a\\tb", "\\r")
    error.hint = None
    assert str(error) == "a\\tb"


def test_attributes_and_text_are_bounded() -> None:
    error = ProgrammingError(LONG, code="c", hint=LONG)
    assert len(error.message) < 5000
    assert len(error.hint or "") < 5000
    assert error.message.endswith("…")
    assert len(str(error)) < 10_000


@pytest.mark.parametrize(
    ("text", "word", "is_cut_before", "is_cut_behind"),
    [
        ("SELECT here", "here", False, False),
        (f"'{LONG}', here", "here", True, False),
        (f"here {LONG}", "here", False, True),
        (f"{LONG} here {LONG}", "here", True, True),
        (f"a\n{LONG} b\nc", LONG, False, True),
    ],
)
def test_of_a_long_line_what_is_around_the_place_is_shown(text: str, word: str, *, is_cut_before: bool, is_cut_behind: bool) -> None:
    start = text.index(word)
    where, line, below = Source(text).excerpt(Span(start, start + len(word))).split("\n")
    assert where == f"  line {text[:start].count(chr(10)) + 1}, column {start - (text[:start].rfind(chr(10)) + 1) + 1}"
    assert (line.startswith("  …"), line.endswith("…"), len(line) <= 204) == (is_cut_before, is_cut_behind, True)
    assert line[below.index("^") : below.rindex("^") + 1] == word[:200]


def test_the_end_of_a_long_line_is_a_place_too() -> None:
    _, line, below = Source(LONG).excerpt(Span(len(LONG), len(LONG))).split("\n")
    assert below == " " * len(line) + "^"


def test_of_statements() -> None:
    with sqlml.connect() as connection:
        connection.execute(
            "CREATE MODEL m OPTIONS (model_type = 'pca', num_principal_components = 1) AS SELECT range * 1.0 AS x FROM range(20)"
        )
        for statement in (
            f"ALTER MODEL m SET OPTIONS (description = '{LONG}', nope = 1)", f"DROP MODEL m@\"{LONG}\"", f'DROP MODEL "{LONG}"',
            f"SELECT * FROM {'y' * 200_000}", f"SELECT '{LONG}' AS y, nothing", f"ALTER MODEL m SET OPTIONS (labels = '{LONG}')",
            f"CREATE MODEL n OPTIONS ({'y' * 100_000} = 1, model_type = 'pca') AS SELECT 1 AS x", f"SET sqlml.{'y' * 100_000} = 1",
            f'SELECT * FROM ML.PREDICT(MODEL "\x1b\n{LONG}", (SELECT 1 AS x))',
            'ALTER MODEL "a\x1b\nb" DROP ALIAS "c\x00"',
            'ALTER MODEL m DROP ALIAS "c\x1b\nhint: d"',
        ):  # fmt: skip
            with pytest.raises(sqlml.Error) as caught:
                connection.execute(statement)
            error = caught.value
            assert len(str(error)) < 10_000
            assert not raw(str(error) + error.message + (error.hint or ""))
            assert "\n" not in error.message + (error.hint or "")
