"""Run as a program: kills the change that brings an old database to the present format, at some of its steps, and looks at what is left.

Arguments: a folder with the old database, the number of its format, and its file of answers. Prints a line a death: the step, and the
formats that are recorded afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from kept_databases import QUESTIONS

import sqlml

from . import points
from .__main__ import import_everything

STATEMENT = "ALTER MODEL groups SET ALIAS champion = 1"
EVERY = 5
"""Of the steps between BEGIN and COMMIT, one in so many."""


def change(path: Path, death: tuple[int, str] | None) -> None:
    with sqlml.connect(path, config={"threads": 1}) as connection:
        if death is not None:
            points.die_at_step(death[0], where=death[1], delay=0, tell=lambda _: None)
        with points.Recorder() if death is None else connection as recorder:
            connection.execute(STATEMENT)
        if death is None:
            assert isinstance(recorder, points.Recorder)
            path.with_suffix(".json").write_text(json.dumps(points.steps(recorder.names)))


def look(path: Path, answers: list[list[object]]) -> None:
    with sqlml.connect(path, config={"threads": 1}) as connection:
        for question, rows in zip(QUESTIONS, answers, strict=True):
            found = json.loads(json.dumps([list(row) for row in connection.execute(question).fetchall()], default=str))
            assert [row for row in found if row[0] != "alias_set"] == rows, question
        formats = [number for (number,) in connection.execute("SELECT format FROM sqlml._format ORDER BY format").fetchall()]
        n_aliases = len(connection.execute("SELECT alias FROM sqlml.model_aliases").fetchall()) if len(formats) > 1 else 0
        # What the change was for is there with the format, or neither is.
        assert n_aliases == len(formats) - 1, (n_aliases, formats)
        connection.execute(STATEMENT)
        sys.stdout.write(f"{formats}\n")
        sys.stdout.flush()


def in_a_fork(work: object, *arguments: object) -> int:
    sys.stdout.flush()
    if (child := os.fork()) == 0:
        try:
            work(*arguments)  # type: ignore[operator]
            os._exit(0)
        except BaseException:  # noqa: BLE001 - a fork ends here, whatever happens
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
            os._exit(1)
    return os.waitpid(child, 0)[1]


def main() -> None:
    import_everything()
    old, answers = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
    path = old.with_name("dying.duckdb")
    shutil.copy(old, path)
    if in_a_fork(change, path, None):
        raise SystemExit("the change does not run")
    steps = json.loads(path.with_suffix(".json").read_text())
    for number, name in enumerate(steps, start=1):
        if name == "SELECT" or (name not in {"BEGIN", "COMMIT"} and number % EVERY):
            continue
        for where in ("before", "after"):
            path.unlink()
            shutil.copy(old, path)
            status = in_a_fork(change, path, (number, where))
            sys.stdout.write(f"{where} {name}: {'killed' if os.WIFSIGNALED(status) else 'alive'}, ")
            if in_a_fork(look, path, answers):
                raise SystemExit("the database is not as it must be")


if __name__ == "__main__":
    main()
