"""REFRESH MODEL: the recorded statement on today's data, both versions on the same rows, and the decision.

All of it reads one snapshot. The new version is published together with what moves to it, or kept beside the others; in the user's
transaction both happen there. Whatever fails, or is cancelled, leaves nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from sqlml.catalog.records import Reference
from sqlml.catalog.store import Placement
from sqlml.engines.engine import Engine
from sqlml.errors import DataError, Error, IntegrityError, NotSupportedError, ProgrammingError
from sqlml.functions._spec import LoadedModel
from sqlml.plan.gate import INCUMBENT, Metrics
from sqlml.plan.nodes import Refresh
from sqlml.session.progress import EventProgress
from sqlml.session.recorded_training import RecordedSession, content, hash_vector, query_source, recorded_training
from sqlml.session.train import Trial, learn_model
from sqlml.shown_names import typed_name
from sqlml.training.rows import TrainingRows

PROMOTED, KEPT, UNCHANGED = "promoted", "kept", "unchanged"
_SHOWN = 5


@dataclass(frozen=True)
class Refreshed:
    """What a REFRESH did: the row that it gives."""

    model: str
    old_version: int
    new_version: int | None
    """None where nothing was trained."""
    decision: str
    reason: str
    old_metrics: Mapping[str, float | None]
    new_metrics: Mapping[str, float | None]
    n_rows: int
    duration_ms: int

    def table(self) -> pa.Table:
        metrics = pa.map_(pa.string(), pa.float64())
        return pa.table({
            "model": pa.array([self.model]), "old_version": pa.array([self.old_version], pa.int64()),
            "new_version": pa.array([self.new_version], pa.int64()), "decision": pa.array([self.decision]),
            "reason": pa.array([self.reason]), "old_metrics": pa.array([list(self.old_metrics.items())], metrics),
            "new_metrics": pa.array([list(self.new_metrics.items())], metrics), "rows": pa.array([self.n_rows], pa.int64()),
            "duration_ms": pa.array([self.duration_ms], pa.int64()),
        })  # fmt: skip


@dataclass
class _Judged:
    """What both versions made of the same rows."""

    metrics: dict[str, Metrics] = field(default_factory=dict)
    """By owner: "" for the new version, incumbent, aliases."""
    problems: dict[str, str] = field(default_factory=dict)
    """Why a version could not be scored, by owner."""


def refresh_model(plan: Refresh, session: RecordedSession, progress: EventProgress) -> Refreshed:
    """Runs it.

    Raises: OperationalError `consent_needed`; NotSupportedError `recorded_effect`; ProgrammingError `unknown_schema`; what CREATE MODEL
        raises, in the recorded text; IntegrityError `version_conflict`.
    """
    started = time.monotonic()
    version = plan.incumbent.version
    others = {alias: _load(session, plan, number) for alias, number in plan.others.items()}
    session.recorded.require_consent(version, plan.query_place, session.emit, progress.check)
    judged = _Judged()
    seen: list[int] = []

    def is_unchanged(rows: TrainingRows) -> bool:
        n_rows, fingerprint = content(rows)
        seen.append(n_rows)
        found = query_source(version.record)
        if hash_vector(session.engine) != version.record.hash_vector or found is None or found.fingerprint is None:
            progress.notice("other_hash", f"the fingerprint of version {version.version} is another engine's; the data count as changed")
            return False
        return (found.n_rows, found.fingerprint) == (n_rows, fingerprint)

    unless = is_unchanged if plan.if_data_changed else None
    with recorded_training(plan.statement, version, plan.query_place, session) as training:

        def look(trial: Trial) -> None:
            judged.metrics[""] = trial.metrics
            for owner, model in {INCUMBENT: plan.incumbent, **others}.items():
                _judge(owner, model, trial, judged)
                if session.engine.in_aborted_transaction:
                    break  # the engine refused it, and answers nothing more; what was learned is there

        learned = learn_model(training.plan, session.engine, session.models, progress, training.snapshot, unless=unless, look=look)
    old = version.version
    if learned is None:
        reason = f"unchanged: the training query gives the {seen[0]} rows that version {old} was trained on"
        if plan.overrides:
            reason += f"; nothing was trained with {', '.join(plan.overrides)}"
        return Refreshed(str(plan.key), old, None, UNCHANGED, reason, version.record.metrics, {}, seen[0], _elapsed(started))
    decision, reason = _decide(plan, judged, session.engine)
    progress.stage("saving")
    placement = Placement(decision == PROMOTED, plan.alias, old, reason)
    number = session.catalog.add_version(plan.key, version.model_id, learned.record, learned.arrays, placement)
    session.recorded.published(session.catalog.identify(plan.key, number))
    return Refreshed(
        str(plan.key), old, number, decision, reason, judged.metrics.get(INCUMBENT, {}), learned.record.metrics, learned.record.n_rows,
        _elapsed(started),
    )  # fmt: skip


# ---- The decision ----


def _load(session: RecordedSession, plan: Refresh, reference: Reference) -> LoadedModel:
    try:
        return session.models.load(plan.key, reference)
    except Error as error:
        raise error.at(plan.query_place) from error.__cause__


def _judge(owner: str, model: LoadedModel, trial: Trial, judged: _Judged) -> None:
    """Scores another version on the rows of the new one.

    Raises: OperationalError `cancelled`, and other failures that say nothing of the version.
    """
    try:
        _check_comparable(model, trial.model, f"version {model.version.version}")
        judged.metrics[owner] = trial.metrics_of(model)
    except (DataError, ProgrammingError, NotSupportedError, IntegrityError) as error:
        judged.problems[owner] = error.message


def _check_comparable(model: LoadedModel, new: LoadedModel, name: str) -> None:
    """Raises: DataError `different_tasks`, `different_classes`."""
    if model.spec.task is not new.spec.task:
        raise DataError(f"{name} is for {model.spec.task.value}, the new one for {new.spec.task.value}", code="different_tasks")
    unknown = [text for text in new.classes if text not in model.classes]
    if unknown:
        shown = ", ".join(unknown[:_SHOWN]) + (", …" if len(unknown) > _SHOWN else "")
        raise DataError(f"{name} does not know the class {shown}", code="different_classes")
    if len(new.classes) == 2 < len(model.classes):
        raise DataError(f"{name} has {len(model.classes)} classes, the new one 2", code="different_classes")


def _decide(plan: Refresh, judged: _Judged, engine: Engine) -> tuple[str, str]:
    if plan.gate is None:
        problem = judged.problems.get(INCUMBENT)
        return PROMOTED, "promoted: no condition was given" + (f"; not compared: {problem}" if problem else "")
    # A condition is there so that nothing worse is promoted: over an incumbent that was not scored, that cannot be told, whatever it names.
    for owner in dict.fromkeys((INCUMBENT, *(name.owner for name in plan.gate.names))):
        if owner not in judged.metrics:
            problem = judged.problems.get(owner, "another version could not be scored")
            return KEPT, f"kept: {owner} cannot be scored on the evaluation rows; not compared: {problem}; {_by_hand(plan, engine)}"
    shown = plan.gate.shown(judged.metrics)
    holds = plan.gate.decide(engine, judged.metrics)
    if holds is None:
        return KEPT, f"kept: the condition is unknown, as a value in it is NULL: {shown}"
    return (PROMOTED, f"promoted: {shown}") if holds else (KEPT, f"kept: not {shown}")


def _by_hand(plan: Refresh, engine: Engine) -> str:
    """What promotes the version that was kept; its number is in the row, and not known before it is stored."""
    key = plan.key
    name = key.typed if key.database == engine.current_database() else ".".join(map(typed_name, (key.database, key.schema, key.name)))
    moved = "DEFAULT VERSION" if plan.alias is None else f"ALIAS {typed_name(plan.alias)}"
    return f"to promote it all the same: ALTER MODEL {name} SET {moved} = <new_version>"


def _elapsed(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
