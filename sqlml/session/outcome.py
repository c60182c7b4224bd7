"""What a statement leaves behind, and what it says while it runs: the one interface between the session and the three doors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlml.training.data import Iteration
from sqlml.types import Schema

if TYPE_CHECKING:
    from sqlml.engines.engine import Result


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know: what was imputed, not converged, or accepted without effect."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class StatementStarted:
    """A statement begins; `index` counts from 0 within the text."""

    sql: str
    index: int


@dataclass(frozen=True, slots=True)
class IterationDone:
    iteration: Iteration
    of: int | None
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage of training in the user's words: "reading", "training", "evaluating", "saving"."""

    stage: str
    n_rows: int | None = None


@dataclass(frozen=True, slots=True)
class ConsentAsked:
    """A recorded query that somebody else wrote is about to run, and the statement waits for `answer`. Only where a session may ask."""

    model: str
    """With its version."""
    statement: str
    """The recorded CREATE MODEL, whole: who agrees must have seen all of it."""
    answer: Callable[[bool], None]


Event = Notice | StatementStarted | IterationDone | StageStarted | ConsentAsked
EventHandler = Callable[[Event], None]
"""Called on the caller's thread."""


@dataclass(frozen=True)
class Outcome:
    """A finished or streaming statement."""

    schema: Schema | None
    """None when there are no rows to fetch."""
    result: Result | None
    message: str
    """One line for people, e.g. `model body_mass: version 1 from 342 rows`; "" when the engine did the statement."""
    notices: tuple[Notice, ...] = ()
    n_rows_changed: int = -1
    """Rows that INSERT, UPDATE, DELETE changed; -1 where that means nothing."""
