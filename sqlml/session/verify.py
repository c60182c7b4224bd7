"""VERIFY MODEL: trains a version again from its record, publishes nothing, and says part by part what is as it was.

One row a part: `identical` is true, false, or NULL where it cannot be known. What is computed in double precision counts as identical
within 1e-12 of the largest number of its kind, and `detail` says how far it is; trees must agree in every bit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from sqlml import sql
from sqlml.catalog.records import SourceRecord, VersionRecord
from sqlml.engines.engine import Engine
from sqlml.errors import DataError, IntegrityError, NotSupportedError, ProgrammingError
from sqlml.plan.nodes import TrainModel, Verify
from sqlml.plan.repeatability import Doubt, doubts, doubts_behind
from sqlml.session.differences import TOLERANCE, Difference, array_difference, difference_of, prediction_difference
from sqlml.session.progress import EventProgress
from sqlml.session.recorded_training import RecordedSession, recorded_training
from sqlml.session.train import Learned, Trial, learn_model
from sqlml.state import Array
from sqlml.training.source_changes import SourceChange, compare_sources

_MAX_SOURCES = 100
"""Rows for parts of data sets: more would hide the rest."""
_SHARES = ("r2_score", "explained_variance")
"""Metrics that are 1 minus something: near 0 they have lost their digits."""
_MACROS = (
    f"SELECT function_name, macro_definition FROM {sql.call('duckdb_functions')}"
    " WHERE function_type = 'macro' AND NOT internal AND macro_definition IS NOT NULL"
)
_PARTS_OF_DATA = ("file", "partition")


@dataclass(frozen=True, slots=True)
class Part:
    """One row of the report."""

    part: str
    identical: bool | None
    recorded: str = ""
    now: str = ""
    detail: str = ""


@dataclass
class _Seen:
    predictions: Part | None = None
    exact: bool = False
    """Whether every bit must agree."""


def verify_model(plan: Verify, session: RecordedSession, progress: EventProgress) -> pa.Table:
    """The report, a row a part: part, identical, recorded, now, detail.

    Raises: OperationalError `consent_needed`; NotSupportedError `recorded_effect`; what CREATE MODEL raises, in the recorded text.
    """
    version = plan.model.version
    session.recorded.require_consent(version, plan.query_place, session.emit, progress.check)
    seen = _Seen()

    def look(trial: Trial) -> None:
        seen.exact = trial.plan.spec.encoding(trial.plan.options).dtype == "float32"
        seen.predictions = _predictions(plan, trial, session, exact=seen.exact)

    with recorded_training(plan.statement, version, plan.query_place, session) as training:
        found = _doubts(plan, training.plan, session.engine)
        learned = learn_model(training.plan, session.engine, session.models, progress, training.snapshot, look=look)
    assert learned is not None, "nothing keeps it from training"
    then, now = version.record, learned.record
    same_hash = then.hash_vector == now.hash_vector
    parts = [
        _query(plan, found),
        *_data(then, now, same_hash=same_hash),
        _libraries(then, now),
        _options(then, now),
        _split(then, now, same_hash=same_hash),
        _features(then, now),
        *_arrays(version.arrays, learned, exact=seen.exact),
        *([_metrics(then.metrics, now.metrics)] if now.metrics else []),
        *([] if seen.predictions is None else [seen.predictions]),
    ]
    names = ("part", "identical", "recorded", "now", "detail")
    types = {"identical": pa.bool_()}
    return pa.table({name: pa.array([getattr(part, name) for part in parts], types.get(name, pa.string())) for name in names})


def _doubts(plan: Verify, training: TrainModel, engine: Engine) -> tuple[Doubt, ...]:
    """What speaks against the query's giving the same rows each time, in its text, its views and its macros."""
    source, span = plan.statement.source, plan.statement.node.query
    assert span is not None, "it was read as one with a query"
    read = engine.sources(training.query.text, training.parameters).sources
    views = {".".join(view.path[1:]): view.definition for view in read if view.definition is not None}
    macros = {str(name).lower(): str(text) for name, text in engine.rows(_MACROS)}
    return doubts(source, span) + doubts_behind(source, span, views, macros)


def _query(plan: Verify, found: tuple[Doubt, ...]) -> Part:
    """Whether the training query gives the same rows of the same data each time."""
    notes = [f"{doubt.what}: {doubt.advice}" for doubt in found]
    if not plan.model.version.record.context:
        notes.append("the schema that it was written in was not recorded: names are those of the current one")
    identical: bool | None = True
    if any(doubt.is_certain for doubt in found):
        identical = False
    elif found:
        identical = None
    shown = ", ".join(doubt.what for doubt in found)
    return Part("query", identical, "", "", ("cannot be repeated: " if identical is False else "") + "; ".join(notes) if notes else shown)


def _data(then: VersionRecord, now: VersionRecord, *, same_hash: bool) -> list[Part]:
    """The rows of the query first, then each thing that it reads."""
    changes = {id(change.then or change.now): change for change in compare_sources(then.sources, now.sources, same_hash=same_hash)}
    by_identity = {(record.kind, record.name, record.partition): record for record in now.sources}
    parts = []
    n_parts = 0
    for record in then.sources:
        change = changes.pop(id(record), None)
        if record.kind in _PARTS_OF_DATA:
            n_parts += change is not None
            if change is None or n_parts > _MAX_SOURCES:
                continue
        if record.kind == "view":
            continue  # what is under it tells
        if record.kind == "query":
            present = next((source for source in now.sources if source.kind == "query"), None)
        else:
            present = by_identity.get((record.kind, record.name, record.partition)) if change is None else change.now
        parts.append(_source(record, present, change, same_hash=same_hash))
    parts += [_source(None, change.now, change, same_hash=same_hash) for change in list(changes.values())[:_MAX_SOURCES]]
    return parts


def _source(then: SourceRecord | None, now: SourceRecord | None, change: SourceChange | None, *, same_hash: bool) -> Part:
    record = then or now
    assert record is not None, "a change is of something"
    identical: bool | None = change is None
    if change is not None and change.change == "unknown":
        identical = None
    name = "data" if record.kind == "query" else f"{record.kind} {record.partition or record.name}"
    detail = "" if change is None else str(change)
    if identical is None and not same_hash:
        detail = "fingerprints of this release of the engine cannot be compared with the recorded ones"
    return Part(name, identical, _content(then), _content(now), detail)


def _content(source: SourceRecord | None) -> str:
    if source is None:
        return ""
    rows = "" if source.n_rows is None else f"{source.n_rows} rows"
    return ", ".join(text for text in (rows, source.fingerprint, source.snapshot) if text)


def _libraries(then: VersionRecord, now: VersionRecord) -> Part:
    names = sorted({*then.libraries, *now.libraries})
    changed = [name for name in names if then.libraries.get(name) != now.libraries.get(name)]
    shown = changed or names
    old, new = (
        ", ".join(f"{name} {libraries[name]}" for name in shown if name in libraries) for libraries in (then.libraries, now.libraries)
    )
    return Part("libraries", not changed, old, new, f"other releases: {', '.join(changed)}" if changed else "")


def _options(then: VersionRecord, now: VersionRecord) -> Part:
    old, new = ({name: json.dumps(value, default=str) for name, value in record.options.items()} for record in (then, now))
    changed = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    recorded, present = (
        "; ".join(f"{name} = {options[name]}" for name in changed if name in options) or f"seed {record.seed}"
        for options, record in ((old, then), (new, now))
    )
    return Part("options", not changed and then.seed == now.seed, recorded, present, f"changed: {', '.join(changed)}" if changed else "")


def _split(then: VersionRecord, now: VersionRecord, *, same_hash: bool) -> Part:
    old, new = (f"{record.split_method}: {record.n_train} to train, {record.n_eval} to evaluate" for record in (then, now))
    if old == new and then.n_eval and not same_hash:
        return Part("split", None, old, new, "as many rows, but another release of the engine may deal them otherwise")
    return Part("split", old == new, old, new)


def _features(then: VersionRecord, now: VersionRecord) -> Part:
    old, new = ({feature.name: feature for feature in record.features} for record in (then, now))
    gone, come = [name for name in old if name not in new], [name for name in new if name not in old]
    worst = Difference()
    changed = []
    for name in (name for name in old if name in new):
        a, b = old[name], new[name]
        numbers = ("minimum", "maximum", "mean", "median", "stddev")
        found = difference_of([getattr(a, field) for field in numbers], [getattr(b, field) for field in numbers])
        worst = worst.or_larger(found)
        same = (a.sql_type, a.category_count, a.null_count, a.dimension) == (b.sql_type, b.category_count, b.null_count, b.dimension)
        if not same or not found.is_within(TOLERANCE):
            changed.append(name)
    problems = [f"{what}: {', '.join(names)}" for what, names in (("gone", gone), ("new", come), ("other values", changed)) if names]
    return Part("features", not problems, f"{len(old)} columns", f"{len(new)} columns", "; ".join(problems) or worst.words())


def _arrays(then: Mapping[str, Mapping[str, Array]], learned: Learned, *, exact: bool) -> list[Part]:
    """The encoding, the state, and what was kept beside them."""
    parts = []
    for section in sorted({*then, *learned.arrays}, key=lambda name: (name != "encoding", name != "state", name)):
        old, new = then.get(section), learned.arrays.get(section)
        if old is None or new is None:
            known = "this release keeps it, the one of the training did not" if old is None else "this release does not keep it"
            parts.append(Part(section, None, detail=known))
            continue
        worst = Difference()
        for name in sorted({*old, *new}):
            worst = worst.or_larger(array_difference(name, old.get(name), new.get(name)))
        within = 0.0 if exact and section == "state" else TOLERANCE
        parts.append(Part(section, worst.is_within(within), f"{len(old)} arrays", f"{len(new)} arrays", worst.words()))
    return parts


def _metrics(then: Mapping[str, float | None], now: Mapping[str, float | None]) -> Part:
    names = list(dict.fromkeys([*then, *now]))
    differences = {name: difference_of([then.get(name)], [now.get(name)], name, scale=float(name in _SHARES)) for name in names}
    changed = [name for name in names if not differences[name].is_within(TOLERANCE)]
    shown = changed or names
    recorded, present = (", ".join(f"{name} {_number(metrics.get(name))}" for name in shown) for metrics in (then, now))
    worst = Difference()
    for found in differences.values():
        worst = worst.or_larger(found)
    return Part("metrics", not changed, recorded, present, worst.words())


def _number(value: float | None) -> str:
    return "NULL" if value is None else f"{value:.6g}"


def _predictions(plan: Verify, trial: Trial, session: RecordedSession, *, exact: bool) -> Part | None:
    """The largest difference of predictions over the evaluation rows, or the training rows where none evaluate."""
    if not trial.plan.spec.task.predicts:
        return None
    try:
        found, n_rows = prediction_difference(plan.model, trial, session.models)
    except (DataError, ProgrammingError, NotSupportedError, IntegrityError) as error:
        return Part("predictions", None, detail=f"the recorded version cannot be scored on these rows: {error.message}")
    return Part("predictions", found.is_within(0.0 if exact else TOLERANCE), f"{n_rows} rows", f"{n_rows} rows", found.words())
