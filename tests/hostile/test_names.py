"""Names and texts of any content: the catalog gives back what it was given, and a terminal is shown none of it raw."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sqlml.errors import Error, InternalError
from sqlml.printable import printable, printable_block
from sqlml.render.display import Display, Format
from sqlml.render.terminal import Terminal
from sqlml.session.outcome import Notice, StageStarted, StatementStarted
from sqlml.session.session import Session, open_session
from sqlml.sql import literal, quote

NAMES = [
    "it's", 'say "x"', "two\nlines", "tab\there", "\u202egnp.exe", "zero\u200bwidth", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "nul\x00byte", "a\rb",
    '"; DROP TABLE t; --', "' OR 1=1 --", "$$", "/* */", "--", "😀", "n" * 10_000, " leading", "trailing ", "a.b", "`tick`", "m@1", "@", "__sqlml_row",
    "__sqlml_catalog_rows", "__sqlml_t1", "_versions", "sqlml", "select", "MODEL", "true", "1", "é", "e\u0301", "ﬁ", "İ", "ß", "\u2028", "\u2066x\u2069", "\ufeffbom",
    "{x}", "%s", "\\n", "\\x1b", "[bold]x[/bold]", "x\nhint: pip install evil", "\U000e0041", "\u00ad", "\x9b31m", "\x7f", ";", "?", "$1", "x" + "\u0300" * 50,
]  # fmt: skip
names = st.one_of(
    st.sampled_from(NAMES),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
    st.lists(
        st.sampled_from(["\x1b[2J", "\u202e", '"', "'", "\n", "\x00", "x", " ", "@", ".", "`", ";", "\u200d"]), min_size=1, max_size=6
    ).map("".join),
)


class Screen(io.StringIO):
    """A stream that says that it is a terminal."""

    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


def raw(text: str) -> list[str]:
    """The characters of an output that a terminal would act on; a tab in a line of the user's own text stays, so that the caret fits."""
    return [
        character for character in text if character not in "\n\t" and unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    ]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    opened = open_session(str(tmp_path_factory.mktemp("names") / "names.duckdb"))
    opened.run("CREATE TABLE t AS SELECT CAST(i AS DOUBLE) AS a, i % 7 AS b, 'c' || (i % 3) AS c FROM range(60) r(i)")
    yield opened
    opened.close()


def rows(session: Session, text: str) -> list[tuple[object, ...]]:
    outcome = session.run(text)
    return session.fetch(outcome, 10_000)


def shown(session: Session, text: str, form: Format = Format.TABLE) -> str:
    """What a terminal gets of a statement, standard error included."""
    screen, beside = Screen(), Screen()
    display = Display(Terminal(screen, beside), output_format=form, progress=False)  # its own line moves the cursor
    os.environ["NO_COLOR"] = "1"
    try:
        for outcome in session.run_each(text, on_event=display.on_event):
            display.outcome(session, outcome)
    except Error as error:
        display.error(error)
    finally:
        del os.environ["NO_COLOR"]
    return screen.getvalue() + beside.getvalue()


ALL = bool(os.environ.get("SQLML_ALL_ATTACKS"))
quick = settings(
    max_examples=25 if ALL else 6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def with_examples(part: int) -> Callable[[object], object]:
    """A sixth of the names, each part another; all with SQLML_ALL_ATTACKS=1."""

    def decorate(function: object) -> object:
        for name in NAMES if ALL else NAMES[part::6]:
            function = example(name)(function)  # type: ignore[arg-type]
        return function

    return decorate


@quick
@with_examples(0)
@given(names)
def test_a_model_of_any_name(session: Session, name: str) -> None:
    quoted = quote(name)
    made = shown(session, f"CREATE OR REPLACE MODEL {quoted} OPTIONS (model_type = 'kmeans', num_clusters = 2) AS SELECT a, b FROM t")
    session.run(f"ALTER MODEL {quoted} SET OPTIONS (description = {literal(name)})")
    assert not raw(made)
    found = [row for row in rows(session, "SHOW MODELS") if row[2] == name]
    assert len(found) == 1, made
    assert found[0][-1] == name
    for text in (
        "SHOW MODELS", f"SHOW VERSIONS FROM MODEL {quoted}", f"DESCRIBE MODEL {quoted}", f"SHOW CREATE MODEL {quoted}", "SELECT * FROM sqlml.models",
        "SELECT * FROM sqlml.model_events", f"SELECT * FROM ML.PREDICT(MODEL {quoted}, (FROM t LIMIT 3))", f"SELECT * FROM ML.CENTROIDS(MODEL {quoted})",
        f"SELECT * FROM ML.PREDICT(MODEL {quoted}@77, TABLE t)", f"SELECT * FROM ML.WEIGHTS(MODEL {quoted})", f"SELECT nothing FROM ML.PREDICT(MODEL {quoted}, TABLE t)",
        f"ALTER MODEL {quoted} SET OPTIONS (labels = [({literal(name)}, {literal(name)})])", f"CREATE MODEL {quoted} OPTIONS (model_type = 'kmeans') AS SELECT a FROM t",
        f"DESCRIBE MODEL {quote(name + 'x')}",
    ):  # fmt: skip
        assert not raw(shown(session, text)), text
    assert "internal" not in made
    assert {item["model_name"] for item in json.loads(shown(session, "SELECT model_name FROM sqlml.models", Format.JSON))} == {name}
    dropped = shown(session, f"DROP MODEL {quoted}")
    assert not raw(dropped)
    assert rows(session, "SHOW MODELS") == []
    assert rows(session, "SELECT count(*) FROM t") == [(60,)]


@quick
@with_examples(1)
@given(names)
def test_a_column_and_an_alias_of_any_name(session: Session, name: str) -> None:
    column, alias = quote(name), quote(name)
    created = f"CREATE OR REPLACE MODEL m OPTIONS (model_type = 'linear_reg', input_label_cols = ['the label']) AS SELECT a AS {column}, c, b AS \"the label\" FROM t"
    refused = None
    try:
        session.run(created)
    except Error as error:
        refused = error
    if refused is not None:
        # Names of our own are refused by name; nothing else is.
        assert not isinstance(refused, InternalError), refused
        assert name.startswith("__sqlml") or name.casefold() in {"c", "the label"}, refused
        assert not raw(shown(session, created))
        return
    inputs = [row for row in rows(session, "DESCRIBE MODEL m") if row[0] == "input"]
    assert [row[1] for row in inputs] == [name, "c"]
    predicted = rows(
        session,
        f'SELECT predicted_label FROM (SELECT * RENAME ("predicted_the label" AS predicted_label) FROM ML.PREDICT(MODEL m, (SELECT a AS {column}, c FROM t)))',
    )
    assert len(predicted) == 60
    for text in (
        "DESCRIBE MODEL m", "SELECT * FROM ML.WEIGHTS(MODEL m)", "SELECT * FROM ML.FEATURE_INFO(MODEL m)", f"SELECT * FROM ML.PREDICT(MODEL m, (SELECT a AS {column}, c FROM t))",
        "SELECT * FROM ML.PREDICT(MODEL m, (SELECT a, c FROM t))", f"SELECT * FROM ML.PREDICT(MODEL m, (SELECT 'x' AS {column}, c FROM t))",
        f"ALTER MODEL m SET ALIAS {alias} = 1", f"SELECT * FROM ML.PREDICT(MODEL m@{alias}, TABLE t)", "SHOW VERSIONS FROM MODEL m", f"ALTER MODEL m DROP ALIAS {alias}",
    ):  # fmt: skip
        output = shown(session, text)
        assert not raw(output), text
        assert "internal" not in output, output


@quick
@with_examples(2)
@given(names)
def test_a_label_class_and_a_category_of_any_text(session: Session, name: str) -> None:
    query = f"SELECT a, CASE WHEN a > 20 THEN {literal(name)} ELSE 'other class' END AS y, CASE WHEN b > 3 THEN {literal(name)} ELSE 'z' END AS f FROM t"
    session.run(f"CREATE OR REPLACE MODEL m OPTIONS (model_type = 'logistic_reg', input_label_cols = ['y']) AS {query}")
    assert {row[0] for row in rows(session, f"SELECT DISTINCT predicted_y FROM ML.PREDICT(MODEL m, ({query}))")} == {name, "other class"}
    for text in (
        "DESCRIBE MODEL m",
        "SELECT * FROM ML.WEIGHTS(MODEL m)",
        "SELECT * FROM ML.CONFUSION_MATRIX(MODEL m)",
        f"SELECT * FROM ML.PREDICT(MODEL m, ({query}))",
    ):
        output = shown(session, text)
        assert not raw(output), text
        assert "internal" not in output
    table = shown(session, f"SELECT DISTINCT predicted_y FROM ML.PREDICT(MODEL m, ({query}))", Format.CSV)
    assert (
        {line[0] for line in csv.reader(io.StringIO(table, newline=""))} == {"predicted_y", name, "other class"}
        or "\r" in name
        or "\0" in name
    )


@quick
@given(names)
def test_notices_and_progress(name: str) -> None:
    screen, beside = Screen(), Screen()
    display = Display(Terminal(screen, beside))
    display.notice(Notice("code", f"about {name}"))
    display.on_event(StatementStarted(name, 0))
    display.on_event(StageStarted(name, 3))
    display.say(name)
    text = beside.getvalue().replace("\x1b[33m", "").replace("\x1b[0m", "")
    assert not raw(text)


@given(st.text())
def test_what_is_printed_holds_nothing_that_commands(text: str) -> None:
    assert not raw(printable(text))
    assert "\n" not in printable(text)
    assert all(line.startswith("  ") for line in printable_block(text).split("\n")[1:])


def test_a_name_cannot_pass_for_a_line_of_ours(session: Session) -> None:
    output = shown(session, 'DESCRIBE MODEL "x\nhint: pip install evil\nerror: none"')
    assert not any(line.startswith(("hint: pip", "error: none")) for line in output.split("\n"))


@pytest.mark.parametrize(
    "name",
    [
        "a'b.duckdb",
        'a"b.duckdb',
        "a b\u202e.duckdb",
        "\x1b[31m.duckdb",
        "two\nlines.duckdb",
        "x;--.duckdb",
        "😀.duckdb",
        "-x.duckdb",
        "a.b.c",
    ],
)
def test_a_file_of_any_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    script = "CREATE MODEL m OPTIONS (model_type = 'kmeans', num_clusters = 2) AS SELECT CAST(i AS DOUBLE) AS x FROM range(20) r(i); SHOW MODELS; DESCRIBE MODEL m; SELECT nothing"
    done = subprocess.run(
        [sys.executable, "-m", "sqlml", str(path), "-c", script], capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path
    )
    assert not raw(done.stdout + done.stderr)
    assert "internal" not in done.stderr
    assert done.returncode == 1, done.stderr
    assert path.exists()


@pytest.mark.parametrize("name", ["", "n" * 70_000])
def test_no_name_and_one_beyond_measure_are_refused(session: Session, name: str) -> None:
    for text in (
        f"CREATE MODEL {quote(name)} OPTIONS (model_type = 'kmeans', num_clusters = 2) AS SELECT a FROM t",
        f"DESCRIBE MODEL {quote(name)}",
        f"DROP MODEL {quote(name)}",
    ):
        with contextlib.suppress(InternalError), pytest.raises(Error) as caught:
            session.run(text)
        assert not isinstance(caught.value, InternalError)
