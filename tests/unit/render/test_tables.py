from __future__ import annotations

from collections.abc import Callable

import pytest
from rich.cells import cell_len

from sqlml.render.tables import draw, fit
from sqlml.render.terminal import Terminal
from sqlml.types import Column, Schema, SqlType

Make = Callable[..., Terminal]


def schema(**columns: str) -> Schema:
    return Schema(tuple(Column(name, SqlType(type_)) for name, type_ in columns.items()))


def fetcher(rows: list[tuple[object, ...]]) -> Callable[[int], list[tuple[object, ...]]]:
    left = list(rows)

    def fetch(n_rows: int) -> list[tuple[object, ...]]:
        taken = left[:n_rows]
        del left[:n_rows]
        return taken

    return fetch


def drawn(terminal: Terminal, columns: Schema, rows: list[tuple[object, ...]], max_rows: int = 40) -> list[str]:
    return list(draw(columns, fetcher(rows), terminal, max_rows))


def test_a_table(make_terminal: Make) -> None:
    lines = drawn(make_terminal(), schema(species="VARCHAR", n="BIGINT", mean="DOUBLE"), [("Adelie", 152, 3700.5), (None, 2, None)])
    assert lines == [
        " species │   n │   mean",
        "─────────┼─────┼────────",
        " Adelie  │ 152 │ 3700.5",
        " NULL    │   2 │   NULL",
        "(2 rows)",
    ]


def test_without_line_drawing_characters(make_terminal: Make) -> None:
    lines = drawn(make_terminal(encoding="ascii"), schema(a="VARCHAR", b="VARCHAR"), [("x", "y" * 200), ("z", "")])
    assert lines[:2] == [" a | b", "---+" + "-" * 76]
    assert lines[2].endswith("yyy~")
    assert all(line.isascii() for line in lines)


def test_no_rows(make_terminal: Make) -> None:
    assert drawn(make_terminal(), schema(a="VARCHAR"), []) == [" a", "───", "(0 rows)"]


def test_wide_characters_stay_in_line(make_terminal: Make) -> None:
    lines = drawn(make_terminal(), schema(a="VARCHAR", b="VARCHAR"), [("日本", "x"), ("é", "y")])
    assert [cell_len(line.split("│")[0]) for line in lines[2:4]] == [6, 6]


def test_long_results_are_cut_on_a_terminal_only(make_terminal: Make) -> None:
    rows: list[tuple[object, ...]] = [(number,) for number in range(5000)]
    on_terminal = drawn(make_terminal(), schema(n="BIGINT"), rows, max_rows=3)
    assert [line.strip() for line in on_terminal[2:]] == ["0", "1", "2", "(first 3 rows; there are more)"]
    in_file = drawn(make_terminal(tty=False), schema(n="BIGINT"), rows, max_rows=3)
    assert len(in_file) == 5003
    assert in_file[-1] == "(5000 rows)"
    assert drawn(make_terminal(), schema(n="BIGINT"), rows[:3], max_rows=3)[-1] == "(3 rows)"


def test_long_texts_are_cut_before_columns_go(make_terminal: Make) -> None:
    columns = schema(id="BIGINT", text="VARCHAR", mass="DOUBLE")
    lines = drawn(make_terminal(width=40), columns, [(1, "x" * 300, 1.5), (2, "short", 2.5)])
    assert max(map(cell_len, lines[:4])) == 40
    assert "xxx…" in lines[2]
    assert lines[2].endswith("1.5")
    assert lines[-1] == "(2 rows)"


def test_columns_that_do_not_fit_are_named(make_terminal: Make) -> None:
    columns = Schema(tuple(Column(f"column_{number}", SqlType("BIGINT")) for number in range(20)))
    row: tuple[object, ...] = tuple(range(20))
    lines = drawn(make_terminal(width=60), columns, [row, row])
    assert max(map(cell_len, lines[:4])) <= 60
    assert " column_0 │ column_1 " in lines[0]
    assert "column_6" not in lines[0]
    assert lines[-1] == "(15 of 20 columns hidden: column_5, column_6, column_7, column_8, column_9, column_10, …)"
    whole = drawn(make_terminal(tty=False, width=60), columns, [row, row])
    assert "column_19" in whole[0]
    assert whole[-1] == "(2 rows)"


def test_one_column_wider_than_the_terminal(make_terminal: Make) -> None:
    lines = drawn(make_terminal(width=20), schema(text="VARCHAR"), [("x" * 50,), ("y",)])
    assert lines[2] == " " + "x" * 17 + "…"
    assert drawn(make_terminal(width=10), schema(text="VARCHAR"), [("x" * 50,), ("y",)])[1:3] == ["─" * 10, " " + "x" * 7 + "…"]


def test_a_single_row_that_does_not_fit_stands_upright(make_terminal: Make) -> None:
    columns = schema(model="VARCHAR", statement="VARCHAR", deleted="BOOLEAN")
    lines = drawn(make_terminal(width=30), columns, [("m", "CREATE MODEL m\n  OPTIONS (model_type = 'LINEAR_REG')", None)])
    assert lines == [
        " model     │ m",
        " statement │ CREATE MODEL m",
        "           │   OPTIONS (model_type = 'LINEAR_REG')",
        " deleted   │ NULL",
        "(1 row)",
    ]


def test_line_breaks_in_several_rows_are_written_out(make_terminal: Make) -> None:
    lines = drawn(make_terminal(), schema(a="VARCHAR"), [("x\ny",), ("z",)])
    assert lines[2] == " x\\ny"


def test_a_plan_is_printed_as_it_is(make_terminal: Make) -> None:
    columns = schema(explain_key="VARCHAR", explain_value="VARCHAR")
    assert drawn(make_terminal(width=10), columns, [("physical_plan", "╭─ Scan ───────╮\n╰──────────────╯")]) == [
        "╭─ Scan ───────╮",
        "╰──────────────╯",
    ]


@pytest.mark.parametrize("width", [30, 200])
@pytest.mark.parametrize("tty", [True, False])
def test_a_terminal_never_gets_a_strangers_commands(make_terminal: Make, width: int, tty: bool) -> None:
    evil = "\x1b]0;title\x07\x1b[2J\r\u202e\x9b31m\u2028"
    columns = Schema((Column(evil, SqlType("VARCHAR")), Column("b" * 50, SqlType("VARCHAR")), Column(evil + "2", SqlType("VARCHAR"))))
    for rows in ([(evil, [evil], {evil: evil})], [(evil, evil, evil)] * 2):
        text = "\n".join(drawn(make_terminal(width=width, tty=tty), columns, rows))  # type: ignore[arg-type]
        assert not set(text) & set("\x1b\x07\r\u202e\x9b\u2028")
        assert "\\x1b" in text


def test_null_steps_back_in_colour(make_terminal: Make) -> None:
    assert drawn(make_terminal(no_color=""), schema(a="VARCHAR"), [(None,), ("NULL",)])[2:4] == [" \x1b[2mNULL\x1b[0m", " NULL"]


def test_fit_keeps_numbers_whole() -> None:
    layout = fit(schema(a="VARCHAR", b="DOUBLE"), [("x" * 100, 123456789.0)], 30)
    assert layout.widths == (14, 11)
    assert not layout.fits
