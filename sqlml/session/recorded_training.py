"""A recorded statement, bound again where and as it was written: what REFRESH and VERIFY have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlml import sql
from sqlml.catalog.records import SourceRecord, StoredVersion, VersionRecord
from sqlml.catalog.store import Catalog
from sqlml.engines.engine import Engine
from sqlml.errors import Error
from sqlml.models._options import Options
from sqlml.plan.context import PlanContext
from sqlml.plan.create_model import bind_training
from sqlml.plan.model_options import model_options, model_type
from sqlml.plan.nodes import TrainModel
from sqlml.plan.recorded import RecordedStatement
from sqlml.session.models import LoadedModels
from sqlml.session.naming import Naming
from sqlml.session.outcome import Event
from sqlml.session.recorded_queries import RecordedQueries
from sqlml.session.snapshot import Snapshot
from sqlml.settings import Settings
from sqlml.source import Span
from sqlml.training.rows import HASH_VECTOR_SQL, TrainingRows
from sqlml.training.splits import HASH


@dataclass(frozen=True)
class RecordedSession:
    """What running a recorded statement takes from the session."""

    engine: Engine
    catalog: Catalog
    models: LoadedModels
    settings: Settings
    naming: Naming
    recorded: RecordedQueries
    open_snapshot: Callable[[], Snapshot]
    emit: Callable[[Event], None]


@dataclass(frozen=True)
class RecordedTraining:
    """A recorded statement that is bound, and the snapshot that it will read."""

    plan: TrainModel
    snapshot: Snapshot


@contextmanager
def recorded_training(
    statement: RecordedStatement, version: StoredVersion, place: Span, session: RecordedSession
) -> Iterator[RecordedTraining]:
    """For as long as it is open, names mean what they meant to the recorded statement, which is bound, and a snapshot is there to run it.

    Args: place, the model's name in the running statement.
    Raises: what binding CREATE MODEL raises, showing the recorded text; ProgrammingError `unknown_schema`; NotSupportedError
        `recorded_effect`.
    """
    snapshot: Snapshot | None = None
    try:
        with session.naming.of(version.record.context, version.key.database, place):
            # As in CREATE MODEL before the snapshot: where binding asks what the engine refuses, a transaction would be lost.
            plan = _bind(statement, version, session)
            snapshot = session.open_snapshot()
            yield RecordedTraining(plan, snapshot)
    except Error as error:
        # What is about the running statement has its place already.
        raise (error if error.span is place else statement.locate(error)) from error.__cause__
    finally:
        if snapshot is not None:
            snapshot.close()
        session.naming.restore()


def bound_options(statement: RecordedStatement, session: RecordedSession) -> Options:
    """The options of a recorded statement alone, as this release takes them, whatever becomes of its query.

    Raises: ProgrammingError, NotSupportedError for options that this release does not take.
    """
    given = _context(statement, session).settings(statement.node.options)
    options, _ = model_options(model_type(given, statement.node), given, statement.node)
    return options


def _context(statement: RecordedStatement, session: RecordedSession) -> PlanContext:
    return PlanContext(statement.source, session.engine, session.catalog, session.models, statement.parameters, session.settings)


def _bind(statement: RecordedStatement, version: StoredVersion, session: RecordedSession) -> TrainModel:
    plan = bind_training(statement.node, version.key, _context(statement, session))
    # What was drawn then is drawn again, and the text still belongs where it was written.
    plan = replace(plan, seed=version.record.seed, context=version.record.context or plan.context)
    session.recorded.check_harmless(version, plan, session.engine)
    return plan


def content(rows: TrainingRows) -> tuple[int, str]:
    """The number of rows, and their fingerprint as `TrainingRows.survey` makes it. One pass."""
    counts = f"{sql.call('count', '*')}, {sql.call('sum', sql.cast(HASH, 'HUGEINT'))}"
    ((n_rows, total),) = rows.rows(f"SELECT {counts} FROM all_rows")
    return int(str(n_rows)), f"{int(str(total or 0)) % 2**64:016x}"


def hash_vector(engine: Engine) -> str:
    """The self-test of the engine's hash: fingerprints made with another value cannot be compared."""
    return str(engine.rows(HASH_VECTOR_SQL)[0][0])


def query_source(record: VersionRecord) -> SourceRecord | None:
    """What was recorded of all rows of the training query."""
    return next((source for source in record.sources if source.kind == "query" and source.part_of is None), None)
