"""What has to be known before anything is killed: what each variant predicts, and which steps each kind of change takes."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

import sqlml
from sqlml.errors import Error

from . import points
from .changes import KINDS, choose
from .expected import EMPTY, LEDGER, MAIN, OTHER, POINTS, VARIANTS, State, after, predict, statements
from .invariants import digest

FIRST = "first create"
"""A kind of change: the one that makes the schema."""


@dataclass(frozen=True)
class Lesson:
    """Learned by a process of its own, since none may fork that has opened a database."""

    predictions: dict[str, str]
    """Variant -> digest of what it predicts."""
    steps: dict[str, list[str]]
    """Kind of change -> its steps; kinds that this release does not have are left out."""

    @property
    def variants(self) -> dict[str, str]:
        """Digest -> variant."""
        return {found: variant for variant, found in self.predictions.items()}

    @property
    def kinds(self) -> list[str]:
        return [kind for kind in self.steps if kind != FIRST]

    @property
    def has_copy(self) -> bool:
        return "copy" in self.steps

    def write(self, path: Path) -> None:
        path.write_text(json.dumps([self.predictions, self.steps]))

    @classmethod
    def read(cls, path: Path) -> Lesson:
        return cls(*json.loads(path.read_text()))


def learn(folder: Path) -> Lesson:
    """Runs every variant and every kind of change once."""
    predictions: dict[str, str] = {}
    steps: dict[str, list[str]] = {}
    state: State = EMPTY
    moments = random.Random(0)
    connection = sqlml.connect(folder / f"{MAIN}.duckdb", config={"threads": 1})
    connection.session()._settings.allow_recorded_queries = True
    connection.execute(POINTS)
    connection.execute(LEDGER)
    connection.execute(f"ATTACH '{folder / f'{OTHER}.duckdb'}' AS {OTHER}")
    with points.Recorder() as first:
        connection.execute(f"CREATE MODEL {MAIN}.first {VARIANTS['linear 1']}")
    steps[FIRST] = points.steps(first.names)
    connection.execute(f"DROP MODEL {MAIN}.first")
    for variant, text in VARIANTS.items():
        connection.execute(f"CREATE MODEL {MAIN}.m {text}")
        predictions[variant] = digest(connection.execute(predict(f"{MAIN}.m", variant)).fetchall())
        connection.execute(f"DROP MODEL {MAIN}.m")
    if len(set(predictions.values())) != len(predictions):
        raise AssertionError("two variants predict the same")
    for kind in KINDS:
        *helpers, change = choose(kind, state, moments)
        for helper in helpers:
            connection.session()._settings.keep_versions = helper.get("keep")
            for statement in statements(helper):
                connection.execute(statement)
            state = after(state, helper)
        connection.session()._settings.keep_versions = change.get("keep")
        try:
            with points.Recorder() as recorder:
                for statement in statements(change):
                    connection.execute(statement)
        except Error as error:
            if error.code != "statement_not_supported":
                raise
            continue
        steps[kind] = points.steps(recorder.names)
        state = after(state, change)
    connection.close()
    return Lesson(predictions, steps)
