from __future__ import annotations

from collections.abc import Callable

from sqlml.errors import OperationalError, ProgrammingError
from sqlml.render.messages import error_text
from sqlml.render.terminal import Terminal
from sqlml.source import Source, Span

Make = Callable[..., Terminal]
TEXT = "CREATE MODEL m\n  OPTIONS(learn_rat=0.5)\n"


def an_error(name: str, text: str = TEXT, word: str = "learn_rat") -> ProgrammingError:
    start = text.index(word)
    error = ProgrammingError('unknown option "learn_rat"', code="unknown_option", hint="did you mean learn_rate?")
    return error.at(Span(start, start + len(word))).with_source(Source(text, name))


def test_in_a_script(make_terminal: Make) -> None:
    assert error_text(an_error("jobs/a.sql"), make_terminal()).split("\n") == [
        'jobs/a.sql:2:11: error: unknown option "learn_rat" [unknown_option]',
        "    OPTIONS(learn_rat=0.5)",
        "            ^^^^^^^^^",
        "hint: did you mean learn_rate?",
    ]


def test_typed(make_terminal: Make) -> None:
    assert error_text(an_error(""), make_terminal()).split("\n")[:3] == [
        'error: unknown option "learn_rat" [unknown_option]', "  line 2, column 11", "    OPTIONS(learn_rat=0.5)",
    ]  # fmt: skip


def test_without_a_place(make_terminal: Make) -> None:
    assert error_text(OperationalError("disk full", code="disk_full"), make_terminal()) == "error: disk full [disk_full]"


def test_red_on_a_terminal_only(make_terminal: Make) -> None:
    assert "\x1b[31m" in error_text(an_error(""), make_terminal(no_color=""))
    for plain in ({"no_color": "1"}, {"no_color": "", "term": "dumb"}, {"no_color": "", "tty": False}):
        assert "\x1b" not in error_text(an_error(""), make_terminal(**plain))


def test_a_line_that_is_too_wide_is_shown_around_its_caret(make_terminal: Make) -> None:
    text = "SELECT " + "x, " * 1000 + "learn_rat, " + "y, " * 1000
    _, _, line, carets, _ = error_text(an_error("", text), make_terminal(width=60)).split("\n")
    assert len(line) <= 60
    assert line[carets.index("^") : carets.rindex("^") + 1] == "learn_rat"


def test_control_characters_are_written_out(make_terminal: Make) -> None:
    error = (
        ProgrammingError("no column \x1b[2J", code="unknown_column", hint="try \x07")
        .at(Span(9, 10))
        .with_source(Source("SELECT '\x1b'", "a\x1b.sql"))
    )
    assert not set(error_text(error, make_terminal())) & set("\x1b\x07")
