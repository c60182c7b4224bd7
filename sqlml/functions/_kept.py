"""What training keeps of a model for later questions, beside its state: scores of the evaluation rows, residuals, attributions, distances.

Each is an aggregate over rows that are gone when the question comes. It is learned once the model can predict, by the same SQL that
predicts later, and stored as a section of its own with the version.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from sqlml.functions._spec import CallContext, Input, LoadedModel
from sqlml.models._options import Options
from sqlml.models._spec import ModelSpec


class TrainedRows(Protocol):
    """The rows of a training, which queries of `rows` may name; both inputs hold the columns of the training query."""

    @property
    def training(self) -> Input: ...
    @property
    def evaluation(self) -> Input:
        """The rows that evaluate, or the training rows where none do."""
        ...

    @property
    def n_evaluation(self) -> int:
        """Rows of `evaluation`."""
        ...

    @property
    def is_held_out(self) -> bool:
        """Whether the evaluation rows were kept from training."""
        ...

    @property
    def answers(self) -> CallContext:
        """Binds the model's scores over the inputs."""
        ...

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """All rows of a query that is made of the inputs."""
        ...


@dataclass(frozen=True)
class Kept:
    """One section of a version."""

    section: str
    state: type[Any]
    """A frozen dataclass as `sqlml.state` stores it; LoadedModel.kept[section] once a model is loaded."""
    applies: Callable[[ModelSpec, Options], bool]
    learn: Callable[[LoadedModel, TrainedRows], Any | None]
    """(model, its rows) -> the state, or None when there is nothing to keep."""


_MODULES: tuple[str, ...] = ("residuals", "distances", "attributions", "scores")
"""Each is `sqlml.functions._kept_<name>` with a constant KEPT."""


@cache
def kept_sections() -> tuple[Kept, ...]:
    """All sections that exist."""
    return tuple(import_module(f"sqlml.functions._kept_{name}").KEPT for name in _MODULES)
