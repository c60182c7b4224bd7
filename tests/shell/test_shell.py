"""The loop, on a real session, with inputs given and output kept."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from sqlml.render.display import Display
from sqlml.render.terminal import Terminal
from sqlml.session.session import Session, open_session
from sqlml.shell.app import Shell


class Inputs:
    """A reader of given inputs; an exception among them is raised."""

    def __init__(self, *inputs: str | BaseException) -> None:
        self._inputs: Iterator[str | BaseException] = iter(inputs)

    def read(self) -> str:
        given = next(self._inputs, EOFError())
        if isinstance(given, BaseException):
            raise given
        return given


@pytest.fixture
def session() -> Iterator[Session]:
    session = open_session()
    yield session
    session.close()


@pytest.fixture
def terminal() -> Terminal:
    return Terminal(io.StringIO(), io.StringIO())


@pytest.fixture
def shell(session: Session, terminal: Terminal) -> Shell:
    return Shell(session, Display(terminal))


def shown(shell: Shell) -> tuple[str, str]:
    """What was written since the last call: data, words."""
    streams = (shell.display.terminal.out, shell.display.terminal.err)
    texts = []
    for stream in streams:
        assert isinstance(stream, io.StringIO)
        texts.append(stream.getvalue())
        stream.seek(0)
        stream.truncate()
    return texts[0], texts[1]


def test_statements_and_their_results(shell: Shell) -> None:
    shell.run(
        Inputs(
            "CREATE TABLE t (x INTEGER);",
            "INSERT INTO t VALUES (1), (2);",
            "INSERT INTO t VALUES (3);",
            "SELECT sum(x) AS s FROM t; SELECT 'b' AS b;",
        )
    )
    assert shown(shell) == (" s\n───\n 6\n(1 row)\n b\n───\n b\n(1 row)\n", "2 rows changed\n1 row changed\n")


def test_errors_do_not_end_it(shell: Shell) -> None:
    shell.run(Inputs("SELECT * FROM nowhere;", "SELEC 1;", "SELECT * FROM ML.NOTHING(MODEL m);", "SELECT error('mine');", "SELECT 1 AS a;"))
    data, words = shown(shell)
    assert data == " a\n───\n 1\n(1 row)\n"
    assert words.count("error: ") == 4
    assert "^" in words
    assert "Traceback" not in words


def test_an_error_stops_the_rest_of_its_input(shell: Shell) -> None:
    shell.run(Inputs("SELECT * FROM nowhere; CREATE TABLE t AS SELECT 1;", "SELECT count(*) AS n FROM duckdb_tables();"))
    assert " 0\n" in shown(shell)[0]


def test_a_bug_of_ours_does_not_end_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    with monkeypatch.context() as patch:
        patch.setattr(shell.display, "outcome", broken)
        shell.take("SELECT 1;")
    assert shown(shell)[1].startswith("error: unexpected failure: by zero [internal]")
    shell.take("SELECT 1 AS a;")
    assert shown(shell)[0].startswith(" a\n")


def test_ctrl_c_at_the_prompt_and_while_running(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shell.session, "run_each", interrupted)
        shell.run(Inputs(KeyboardInterrupt(), "SELECT 1;"))
    assert shown(shell) == ("", "cancelled\n")
    shell.run(Inputs("SELECT 1 AS a;"))
    assert shown(shell)[0].startswith(" a\n")


def test_being_told_to_end_ends_it(shell: Shell) -> None:
    class Terminated(KeyboardInterrupt):
        pass

    with pytest.raises(Terminated):
        shell.run(Inputs(Terminated(), "SELECT 1;"))
    assert shown(shell) == ("", "")


@pytest.mark.parametrize("word", [".quit", ".QUIT", "quit", "exit", "quit;"])
def test_leaving(shell: Shell, word: str) -> None:
    shell.run(Inputs(word, "SELECT 1;"))
    assert shell.is_done
    assert shown(shell) == ("", "")


def test_tables_and_models(shell: Shell) -> None:
    shell.run(Inputs("CREATE TABLE birds (x INTEGER);", ".tables"))
    assert " birds\n" in shown(shell)[0]
    shell.run(Inputs(".models"))
    data, words = shown(shell)
    assert "model" in data
    assert words == ""


def test_timer(shell: Shell) -> None:
    shell.run(Inputs(".timer", ".timer on", "SELECT 1;", ".timer OFF", "SELECT 1;"))
    off, seconds, *rest = shown(shell)[1].splitlines()
    assert off == "timer is off"
    assert seconds.endswith(" s")
    assert 0 <= float(seconds.split()[0]) < 10
    assert rest == []


def test_rows(shell: Shell) -> None:
    shell.run(Inputs(".rows 7", ".rows"))
    assert shell.display.max_rows == 7
    assert shown(shell)[1] == "tables show up to 7 rows\n"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (".tabels", "did you mean .tables?"),
        (".xyz", "there are .help"),
        (".timer maybe", "on or off"),
        (".rows 0", "above 0"),
        (".rows x", "above 0"),
        (".", "unknown command"),
        (".tables birds", "takes nothing"),
        (".help ML.PREDICTT", "did you mean ML.PREDICT?"),
        (".help ML.FORECAST", "not available"),
        (".help ML.PREDICT now", ".help takes one name"),
    ],
)
def test_wrong_commands(shell: Shell, command: str, said: str) -> None:
    shell.take(command)
    assert said in shown(shell)[1]


def test_help_names_every_command(shell: Shell) -> None:
    from sqlml.shell.commands import COMMANDS

    shell.take(".help")
    words = shown(shell)[1]
    assert all(command.usage in words and command.doc in words for command in COMMANDS.values())


@pytest.mark.parametrize("command", [".help ML.WEIGHTS", ".HELP weights", ".help ml.weights;"])
def test_help_of_a_function(shell: Shell, command: str) -> None:
    from sqlml.help.pages import find_page
    from sqlml.help.text import page_text

    shell.take(command)
    assert shown(shell)[1] == f"{page_text(find_page('ML.WEIGHTS'))}\n"


def test_help_lists_all_pages(shell: Shell) -> None:
    shell.take(".help all")
    assert {"ML.PREDICT", "TEXT_ANALYZE", "LINEAR_REG"} <= set(shown(shell)[1].split())


def test_nothing_typed(shell: Shell) -> None:
    shell.run(Inputs("", "  ;  ", "\n", ";;"))
    assert shown(shell) == ("", "")


@pytest.mark.parametrize(("answer", "n_versions"), [("y", 2), ("Yes ", 2), ("", 1), ("n", 1), (EOFError(), 1)])
def test_a_query_that_somebody_else_wrote_is_shown_before_it_runs(
    tmp_path: Path, terminal: Terminal, answer: str | BaseException, n_versions: int
) -> None:
    path = str(tmp_path / "a.duckdb")
    other = open_session(path)
    other.run("CREATE MODEL m OPTIONS (model_type = 'linear_reg') AS SELECT i AS x, 2e0 * i AS label /* \x1b[2J */ FROM range(9) r(i)")
    other.close()
    questions = []

    def confirm(question: str) -> str:
        questions.append(question)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    session = open_session(path)
    shell = Shell(session, Display(terminal, quiet=True), confirm=confirm)
    shell.run_statements("BEGIN; REFRESH MODEL m; COMMIT")
    (question,) = questions
    assert question.startswith("m@1 was not made in this session.")
    assert "SELECT i AS x, 2e0 * i AS label /* \\x1b[2J */ FROM range(9)" in question
    assert question.endswith("\nrun it? [y/N] ")
    assert (n_versions == 2) == ("consent" not in shown(shell)[1])
    if n_versions == 1:
        shell.run_statements("ROLLBACK")
    shown(shell)
    shell.run_statements("SELECT count(*) AS n FROM sqlml.model_versions")
    assert str(n_versions) in shown(shell)[0]
    session.close()
