"""VERIFY MODEL: trains a version again from its record, publishes nothing, and says part by part what is as it was.

One row a part: `identical` is true, false, or NULL where it cannot be known. What is computed in double precision counts as identical
within 1e-12 of the largest number of its kind, and `detail` says how far it is; trees must agree in every bit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from sqlml import sql
from sqlml.catalog.records import ModelKey, SourceRecord, VersionRecord
from sqlml.engines.engine import Engine
from sqlml.engines.sources import ReadSource
from sqlml.errors import DataError, Error, IntegrityError, NotSupportedError, OperationalError, ProgrammingError
from sqlml.plan.nodes import TrainModel, Verify
from sqlml.plan.repeatability import ROW_ID, Doubt, doubts, doubts_behind, temporary_doubt
from sqlml.session.differences import TOLERANCE, Difference, array_difference, difference_of, prediction_difference
from sqlml.session.progress import EventProgress
from sqlml.session.recorded_training import RecordedSession, bound_options, hash_vector, recorded_training
from sqlml.session.train import Learned, Trial, learn_model, libraries, lineage_query, recorded_options
from sqlml.state import Array
from sqlml.training.lineage import LineageQuery, present_apart, present_sources, recorded_path
from sqlml.training.source_changes import SourceChange, compare_sources

_MAX_SOURCES = 100
"""Rows for parts of data sets: more would hide the rest."""
_SHARES = ("r2_score", "explained_variance")
"""Metrics that are 1 minus something: near 0 they have lost their digits."""
_MACROS = (
    f"SELECT function_name, macro_definition, database_name = 'temp' FROM {sql.call('duckdb_functions')}"
    " WHERE function_type = 'macro' AND NOT internal AND macro_definition IS NOT NULL"
)
_TOLD = frozenset({
    "file_not_found", "io_error", "network_error", "permission_denied", "missing_extension", "missing_package", "training_failed",
    "training_diverged",
})  # fmt: skip
"""Failures of carrying out that say something of the data or of the model, not of the running statement."""
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

    Where the version cannot be trained again, the report has the parts that can be told without that, and what stood in the way.

    Raises: OperationalError `consent_needed`, `cancelled`, `out_of_memory`; NotSupportedError `recorded_effect`; in a transaction of the
        user, what CREATE MODEL raises, in the recorded text: the engine has ended the transaction with it.
    """
    version = plan.model.version
    session.recorded.require_consent(version, plan.query_place, session.emit, progress.check)
    seen = _Seen()

    def look(trial: Trial) -> None:
        seen.exact = trial.plan.spec.encoding(trial.plan.options).dtype == "float32"
        seen.predictions = _predictions(plan, trial, session, exact=seen.exact)

    try:
        with recorded_training(plan.statement, version, plan.query_place, session) as training:
            found = _doubts(plan, training.plan, session.engine)
            try:
                learned = learn_model(training.plan, session.engine, session.models, progress, training.snapshot, look=look)
            except Error as error:
                if not _is_told(error, session.engine):
                    raise
                return _table(_untrained(plan, training.plan, found, error, session, progress))
    except Error as error:
        if not _is_told(error, session.engine):
            raise
        return _table(_unbound(plan, error, session, progress))
    assert learned is not None, "nothing keeps it from training"
    then, now = version.record, learned.record
    same_hash = then.hash_vector == now.hash_vector
    return _table(
        [
            _query(plan, found),
            *_data(then, now.sources, same_hash=same_hash),
            _libraries(then, now.libraries),
            _options(then, now.options, now.seed),
            _split(then, now, same_hash=same_hash),
            _features(then, now),
            *_arrays(version.arrays, learned, exact=seen.exact),
            *([_metrics(then.metrics, now.metrics)] if now.metrics else []),
            *([] if seen.predictions is None else [seen.predictions]),
        ]
    )


def _table(parts: Sequence[Part]) -> pa.Table:
    names = ("part", "identical", "recorded", "now", "detail")
    types = {"identical": pa.bool_()}
    return pa.table({name: pa.array([getattr(part, name) for part in parts], types.get(name, pa.string())) for name in names})


# ---- What cannot be trained again ----


def _is_told(error: Error, engine: Engine) -> bool:
    """Whether a failure says something of the version, so that it belongs into the report; else it is about the running statement."""
    if engine.in_transaction:  # the user's, which has failed with it
        return False
    if isinstance(error, OperationalError):
        return error.code in _TOLD
    told = isinstance(error, ProgrammingError | DataError | NotSupportedError | IntegrityError)
    return told and error.code not in ("recorded_effect", "version_conflict")


def _unbound(plan: Verify, error: Error, session: RecordedSession, progress: EventProgress) -> list[Part]:
    """The parts of a version whose statement does not get as far as giving rows: each thing that it read is looked at by itself."""
    version, statement = plan.model.version, plan.statement
    then = version.record
    span = statement.node.query
    assert span is not None, "it was read as one with a query"
    found = doubts(statement.source, span)
    partition = then.options.get("lineage_partition_col")
    query = LineageQuery(then.query, None, (), version.key.database, None if partition is None else str(partition))
    # Files cannot be read without the query's own call, so only the set of them is there; a partition goes with its table.
    there = tuple(source for source in then.sources if source.kind != "file")
    present = present_apart(session.engine, query, [source for source in there if source.kind not in ("partition", "model")], progress)
    parents, gone = _parents(there, version.key, session)
    data = _data(
        replace(then, sources=there), (*present.records, *parents), same_hash=hash_vector(session.engine) == then.hash_vector,
        gone={**present.gone, **gone},
    )  # fmt: skip
    try:
        options = _options(then, recorded_options(bound_options(statement, session)), then.seed)
        failed = Part("query", False, "", "", "; ".join([f"does not run: {error.message}", *_notes(plan, found)]))
    except Error as other:
        options = Part("options", False, "", "", f"this release does not take them: {other.message}")
        failed = replace(
            _query(plan, found), identical=None, detail="; ".join(["not run, as the options are not taken", *_notes(plan, found)])
        )
    untrained = Part("training", None, "", "", "nothing was trained, so what was learned is not compared")
    return [failed, *data, _libraries(then, libraries()), options, untrained]


def _untrained(
    plan: Verify, training: TrainModel, found: tuple[Doubt, ...], error: Error, session: RecordedSession, progress: EventProgress
) -> list[Part]:
    """The parts of a version whose query runs, over rows that nothing can be learned from.

    Raises: what running the query raises.
    """
    then = plan.model.version.record
    sources, _ = present_sources(session.engine, lineage_query(training), then.sources, progress)
    same_hash = hash_vector(session.engine) == then.hash_vector
    return [
        _query(plan, found),
        *_data(then, sources, same_hash=same_hash),
        _libraries(then, libraries()),
        _options(then, recorded_options(training.options), training.seed),
        Part("training", False, "", "", f"nothing can be learned, so what was learned is not compared: {error.message}"),
    ]


def _parents(
    sources: Sequence[SourceRecord], key: ModelKey, session: RecordedSession
) -> tuple[list[SourceRecord], dict[tuple[str, str], str]]:
    """The models that a query calls, as they are now, and those that are gone."""
    there: list[SourceRecord] = []
    gone: dict[tuple[str, str], str] = {}
    for source in sources:
        if source.kind != "model":
            continue
        name, _, number = source.name.rpartition("@")
        path = recorded_path(name, key.database)
        try:
            found = session.catalog.identify(ModelKey(*path), int(number))
        except (ProgrammingError, OperationalError, IntegrityError, ValueError, TypeError) as error:
            if isinstance(error, OperationalError) and error.code == "cancelled":
                raise
            gone[source.kind, source.name] = "gone"
        else:
            there.append(SourceRecord(source.kind, source.name, fingerprint=found.checksum or None))
    return there, gone


# ---- The query ----


def _doubts(plan: Verify, training: TrainModel, engine: Engine) -> tuple[Doubt, ...]:
    """What speaks against the query's giving the same rows each time, in its text, its views and its macros."""
    source, span = plan.statement.source, plan.statement.node.query
    assert span is not None, "it was read as one with a query"
    read = engine.sources(training.query.text, training.parameters).sources
    views = {".".join(view.path[1:]): view.definition for view in read if view.definition is not None}
    macros: dict[str, str] = {}
    temporary: set[str] = set()
    for name, text, is_temporary in engine.rows(_MACROS):
        key = str(name).lower()
        macros[key] = f"{macros[key]}, {text}" if key in macros else str(text)  # one text for each number of arguments
        temporary.update([key] if is_temporary else [])
    lost = [temporary_doubt(name.kind, name.path[-1]) for name in read if name.path[0] == "temp"]
    found = (*doubts(source, span), *lost, *doubts_behind(source, span, views, macros, temporary))
    if any(doubt.what.startswith(ROW_ID) for doubt in found) and _has_row_id(read, engine):
        found = tuple(doubt for doubt in found if not doubt.what.startswith(ROW_ID))
    return found


def _has_row_id(read: Sequence[ReadSource], engine: Engine) -> bool:
    """Whether a table has a column of its own that is called as the place of a row."""
    tables = [source.relation for source in read if source.kind == "table" and source.relation is not None]
    return any(engine.describe(f"SELECT * FROM {relation}").find(ROW_ID) is not None for relation in tables)


def _query(plan: Verify, found: tuple[Doubt, ...]) -> Part:
    """Whether the training query gives the same rows of the same data each time."""
    notes = _notes(plan, found)
    identical: bool | None = True
    if any(doubt.is_certain for doubt in found):
        identical = False
    elif found:
        identical = None
    return Part("query", identical, "", "", ("cannot be repeated: " if identical is False else "") + "; ".join(notes))


def _notes(plan: Verify, found: tuple[Doubt, ...]) -> list[str]:
    notes = [f"{doubt.what}: {doubt.advice}" for doubt in found]
    if not plan.model.version.record.context:
        notes.append("the schema that it was written in was not recorded: names are those of the current one")
    return notes


# ---- The parts ----


def _data(
    then: VersionRecord, present: Sequence[SourceRecord], *, same_hash: bool, gone: Mapping[tuple[str, str], str] | None = None
) -> list[Part]:
    """The rows of the query first, then each thing that it reads.

    Args: gone, what is known not to be there, by kind and name, in words; else what is not among the present is not read any more.
    """
    gone = gone or {}
    changes = {id(change.then or change.now): change for change in compare_sources(then.sources, present, same_hash=same_hash)}
    by_identity = {(record.kind, record.name, record.partition): record for record in present}
    same_engine = then.libraries.get("duckdb") == libraries().get("duckdb")
    parts = []
    n_parts = 0
    for record in then.sources:
        change = changes.pop(id(record), None)
        if record.kind in _PARTS_OF_DATA:
            n_parts += change is not None
            # Where a table is gone, so are its partitions.
            if change is None or n_parts > _MAX_SOURCES or ("table", record.name) in gone:
                continue
        if record.kind == "view" and record.fingerprint is None and change is None:
            continue  # its definition was not recorded: what is under it tells
        if record.kind == "query":
            now = next((source for source in present if source.kind == "query"), None)
        else:
            now = by_identity.get((record.kind, record.name, record.partition)) if change is None else change.now
        part = _source(record, now, change, same_hash=same_hash)
        if (record.kind, record.name) in gone:
            part = replace(part, detail=f"{record.kind} {record.name}: {gone[record.kind, record.name]}")
        elif record.kind == "view" and change is not None and change.change == "changed" and not same_engine:
            part = replace(part, identical=None, detail="another release of the engine may write the same definition otherwise")
        parts.append(part)
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


def _libraries(then: VersionRecord, now: Mapping[str, str]) -> Part:
    names = sorted({*then.libraries, *now})
    changed = [name for name in names if then.libraries.get(name) != now.get(name)]
    shown = changed or names
    old, new = (", ".join(f"{name} {releases[name]}" for name in shown if name in releases) for releases in (then.libraries, now))
    return Part("libraries", not changed, old, new, f"other releases: {', '.join(changed)}" if changed else "")


def _options(then: VersionRecord, options: Mapping[str, object], seed: int) -> Part:
    old, new = ({name: json.dumps(value, default=str) for name, value in values.items()} for values in (then.options, options))
    changed = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    recorded, present = (
        "; ".join(f"{name} = {values[name]}" for name in changed if name in values) or f"seed {drawn}"
        for values, drawn in ((old, then.seed), (new, seed))
    )
    return Part("options", not changed and then.seed == seed, recorded, present, f"changed: {', '.join(changed)}" if changed else "")


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
