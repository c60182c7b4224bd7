"""The one session core behind the three doors: text in, outcomes out.

A session has one engine. Statements run one after the other on a worker thread, results are fetched on it too, and errors leave with the
user's
text attached. A statement without ML goes to the engine as it was written.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, assert_never

import numpy as np

from sqlml.bigquery.statements import check_assignment, explain_setting, is_of_engine
from sqlml.catalog.publishing import is_conflict
from sqlml.catalog.records import ModelKey, VersionRecord
from sqlml.catalog.store import Catalog
from sqlml.errors import Error, IntegrityError, InterfaceError, InternalError, ProgrammingError
from sqlml.plan.bind import bind
from sqlml.plan.context import BoundParameters, PlanContext
from sqlml.plan.nodes import (
    AlterModel,
    CatalogChange,
    ChangeSetting,
    CopyStored,
    KeepModel,
    MoveAlias,
    MoveDefault,
    Plan,
    ReadFolder,
    Refresh,
    RemoveAlias,
    RemoveModel,
    Rename,
    RestoreSetting,
    RunQuery,
    ShowRows,
    TrainModel,
    Verify,
    WriteFolder,
)
from sqlml.plan.splice import Spliced, located
from sqlml.session.change_catalog import change_catalog
from sqlml.session.function_names import explain_unknown_function
from sqlml.session.models import LoadedModels
from sqlml.session.move_model import Mover
from sqlml.session.naming import Naming
from sqlml.session.outcome import Event, EventHandler, Notice, Outcome, StatementStarted
from sqlml.session.progress import EventProgress
from sqlml.session.protection import check_catalog_kept
from sqlml.session.recorded_queries import RecordedQueries
from sqlml.session.recorded_training import RecordedSession
from sqlml.session.refresh import refresh_model
from sqlml.session.results import LocatedResult, TableResult
from sqlml.session.runs import RunningScript, begin_script, end_script
from sqlml.session.settings import SessionSettings
from sqlml.session.settings_sources import initial_settings
from sqlml.session.snapshot import Snapshot
from sqlml.session.train import describe_outcome, train_model
from sqlml.session.trust import Trust
from sqlml.session.verify import verify_model
from sqlml.session.worker import CancelToken, Worker
from sqlml.settings import Settings
from sqlml.source import Source, Span
from sqlml.syntax import find_parameters, parse_statement, split_statements
from sqlml.syntax.nodes import Query, ResetSetting, SetSetting, ShowSettings

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from sqlml.engines.engine import Engine, Parameters, Result

_ROW_SECONDS = 10.0
"""How long the row of a script may take."""
_KEY_OF_CATALOG = re.compile(r'\b(?:model_id|schema_key)\b|"[0-9a-f]{32}, ')
"""A duplicate of such a key, which COMMIT finds, is two changes of one model."""


def open_session(
    database: str | duckdb.DuckDBPyConnection = ":memory:",
    *,
    read_only: bool = False,
    config: Mapping[str, object] | None = None,
    dialect: str | None = None,
    settings: Mapping[str, object] | None = None,
    origin: str = "connection",
) -> Session:
    """A session on a database file, on ":memory:", or on an open DuckDB connection (which stays open when the session closes).

    Args:
        dialect: the setting `dialect`, by a name of its own.
        settings: values of sqlml's settings by name, stronger than those of the environment and of the configuration file.
        origin: where those were given, for messages and SHOW sqlml.
    Raises: OperationalError `file_locked`, `cannot_open`, …; NotSupportedError `dialect_not_supported`; ProgrammingError
        `unknown_setting`, `setting_value`, `configuration_file`.
    """
    from sqlml.engines.duckdb import adopt_engine, open_engine

    if settings is not None and not (isinstance(settings, Mapping) and all(isinstance(name, str) for name in settings)):
        raise InterfaceError("settings must map names to values", code="settings", hint="write settings={'keep_versions': 10}")
    values = initial_settings({**({} if dialect is None else {"dialect": dialect}), **(settings or {})}, origin=origin)
    if not isinstance(database, str) and (read_only or config):
        raise InterfaceError("read_only and config belong to a connection that sqlml opens itself", code="adopted_connection")
    engine: Engine = open_engine(database, read_only=read_only, config=config) if isinstance(database, str) else adopt_engine(database)
    try:
        return Session(engine, settings=values)
    except Error:
        engine.close()
        raise


@dataclass
class _Running:
    """What the statement that is being run has open, so that another thread can close it when control returns without it."""

    snapshot: Snapshot | None = None
    in_user_transaction: bool = False
    notices: list[Notice] = field(default_factory=list)


class Session:
    """Runs text over one engine."""

    def __init__(self, engine: Engine, *, settings: Settings | None = None) -> None:
        self._engine = engine
        self._changeable = SessionSettings(engine, settings or Settings())
        self._settings = self._changeable.values
        self._catalog = Catalog(engine)
        self._models = LoadedModels(engine, self._catalog)
        self._naming = Naming(engine)
        self._recorded = RecordedQueries(self._settings)
        self._running = _Running()
        self._worker = Worker(engine.interrupt, self._abandon)
        self._trust = Trust(engine)
        self._is_open = True

    @property
    def dialect(self) -> str:
        return self._settings.dialect

    def ask_for_consent(self) -> None:
        """From now on somebody answers ConsentAsked, which is an event; before, what needs consent is an error."""
        self._recorded.can_ask = True

    @property
    def in_transaction(self) -> bool:
        return self._engine.in_transaction

    def statements(self, text: str, name: str = "") -> list[Span]:
        """The spans of the statements of a text."""
        return split_statements(Source(text, name), self.dialect)

    def run(self, text: str, parameters: Parameters = None, *, name: str = "", on_event: EventHandler | None = None) -> Outcome:
        """Runs every statement of a text and gives the last one's outcome.

        Raises: sqlml errors, with the text and the place in it; what ran before the statement that failed stays done.
        """
        n_left = len(self._split(Source(text, name), parameters))
        last = Outcome(None, None, "")
        for last in self.run_each(text, parameters, name=name, on_event=on_event):
            n_left -= 1
            if n_left and last.result is not None:
                last.result.close()  # nobody can fetch it, and the engine would buffer it for the next statement
        return last

    def run_each(
        self, text: str, parameters: Parameters = None, *, name: str = "", on_event: EventHandler | None = None
    ) -> Iterator[Outcome]:
        """Runs the statements of a text one by one, as the iterator is advanced."""
        source = Source(text, name)
        for index, (span, given) in enumerate(self._split(source, parameters)):
            self._check_open()

            def work(
                token: CancelToken, emit: Callable[[Event], None], span: Span = span, given: Parameters = given, index: int = index
            ) -> Outcome:
                emit(StatementStarted(source.text[span.start : span.end], index))
                return self._run_statement(source, span, given, token, emit)

            try:
                yield self._worker.run(work, on_event)
            except Error as error:
                raise error.with_source(source) from error.__cause__

    def fetch(self, outcome: Outcome, n_rows: int) -> list[tuple[object, ...]]:
        """Up to n_rows rows of an outcome as Python values."""
        result = outcome.result
        if result is None:
            return []
        return self._worker.run(lambda token, emit: result.fetch(n_rows))

    def to_arrow(self, outcome: Outcome) -> pa.Table:
        """The rows that are left of an outcome.

        Raises: InterfaceError `no_result` for a statement without rows.
        """
        result = outcome.result
        if result is None:
            raise InterfaceError("the statement gave no rows", code="no_result")
        return self._worker.run(lambda token, emit: result.to_arrow())

    def begin_script(self, name: str) -> RunningScript:
        """Says that the statements up to `end_script` are a script's: what they change carries its id."""
        return self._worker.run(lambda token, emit: begin_script(name, self._engine, self._catalog))

    def end_script(self, script: RunningScript, n_statements: int, error: BaseException | None = None) -> None:
        """Writes the script's row to `sqlml.runs`, if its database has models and can be written.

        Raises: sqlml errors when the row cannot be written; OperationalError `cancelled` after some seconds, when what was cancelled
            before still holds the engine.
        """
        limit = threading.Timer(_ROW_SECONDS, self.cancel)
        limit.start()
        try:
            self._worker.run(lambda token, emit: end_script(script, self._engine, self._catalog, n_statements, error))
        finally:
            limit.cancel()

    def cancel(self) -> None:
        """Cancels the running statement, from any thread; it ends with OperationalError `cancelled` within a second."""
        self._worker.cancel()

    def close(self) -> None:
        """Closes the engine; closing twice is harmless. A transaction that is open is rolled back, as the engine does."""
        if self._is_open:
            self._is_open = False
            try:
                self._worker.run(lambda token, emit: self._engine.close())
            finally:
                self._worker.close()

    def _split(self, source: Source, parameters: Parameters) -> list[tuple[Span, Parameters]]:
        """The statements with the parameters that each of them uses."""
        try:
            spans = split_statements(source, self.dialect)
        except Error as error:
            if error.code != "syntax_error":
                raise
            # Text that does not end is the engine's to report, in its own words.
            return [(Span(0, len(source.text)), parameters)]
        if len(spans) <= 1 or not parameters:
            return [(span, parameters) for span in spans]
        result: list[tuple[Span, Parameters]] = []
        position = 0
        for span in spans:
            keys = [key for _, key in find_parameters(source, span, self.dialect)]
            if isinstance(parameters, Mapping):
                result.append((span, {key: parameters[key] for key in keys if isinstance(key, str) and key in parameters} or None))
                continue
            count = max((key + 1 for key in keys if isinstance(key, int)), default=0)
            result.append((span, list(parameters[position : position + count]) or None))
            position += count
        if not isinstance(parameters, Mapping) and position != len(parameters):
            raise ProgrammingError(
                f"the text has {position} parameters, {len(parameters)} values were given",
                code="parameter_count",
                source=source,
                hint="give one value for each ?",
            )
        return result

    def _run_statement(
        self, source: Source, span: Span, parameters: Parameters, token: CancelToken, emit: Callable[[Event], None]
    ) -> Outcome:
        token.check()
        self._running = _Running(in_user_transaction=self._engine.in_transaction)
        try:
            self._naming.restore()
            self._models.free()
            node = parse_statement(source, span, self.dialect)
            if self.dialect == "bigquery":
                check_assignment(source, span)
            if isinstance(node, Query):
                check_catalog_kept(source, span, self.dialect, self._engine, self._catalog)
            if isinstance(node, Query) and not node.calls and (self.dialect == "duckdb" or is_of_engine(source, span)):
                outcome = self._pass_through(source, span, parameters)
            else:
                outcome = self._run_model_statement(node, source, span, parameters, token, emit)
        except Error as error:
            if self.dialect == "bigquery":
                explain_setting(error)
            explain_unknown_function(error, source).with_source(source)
            self._abort_user_transaction()
            raise
        except Exception as error:
            self._abort_user_transaction()
            raise InternalError(
                f"sqlml failed unexpectedly: {error or type(error).__name__}", code="internal", span=span, source=source,
                hint="this is a bug in sqlml; please report it with the statement",
            ) from error  # fmt: skip
        return outcome

    def _pass_through(self, source: Source, span: Span, parameters: Parameters) -> Outcome:
        text = source.text[span.start : span.end]
        self._trust.notice(text)
        try:
            result = self._engine.run(text, parameters)
        except Error as error:
            if error.span is not None and error.source is None:
                error.span = Span(error.span.start + span.start, error.span.end + span.start)
            if is_conflict(error) and _KEY_OF_CATALOG.search(error.message):
                raise IntegrityError(
                    "a model was changed by someone else at the same time", code="version_conflict", span=span,
                    hint="nothing of the transaction was kept; run it again",
                ) from error  # fmt: skip
            raise
        return self._outcome(result, None)

    def _run_model_statement(
        self, node: object, source: Source, span: Span, parameters: Parameters, token: CancelToken, emit: Callable[[Event], None]
    ) -> Outcome:
        if not isinstance(node, SetSetting | ResetSetting | ShowSettings):
            self._trust.check()
        self._catalog.keep_versions = self._settings.keep_versions
        self._catalog.lock_timeout_seconds = self._settings.lock_timeout_seconds
        self._catalog.cause = replace(self._catalog.cause, statement=source.text[span.start : span.end])
        found = find_parameters(source, span, self.dialect)
        bound = BoundParameters(parameters, found, source.text, has_operator_at=self.dialect != "bigquery")
        context = PlanContext(source, self._engine, self._catalog, self._models, bound, self._settings)
        # Numbers of a stored model may be as large as a DOUBLE holds: an infinite score is an answer, and no warning of numpy's.
        with np.errstate(all="ignore"):
            plan = bind(node, context)  # type: ignore[arg-type]  # a Statement
        token.check()
        progress = EventProgress(token, emit, is_shown=self._settings.progress)
        return self._execute(plan, progress, emit)

    def _execute(self, plan: Plan, progress: EventProgress, emit: Callable[[Event], None]) -> Outcome:
        match plan:
            case RunQuery():
                for code, message in plan.notices:
                    progress.notice(code, message)
                try:
                    result = self._engine.run(plan.text.text, plan.parameters)
                except Error as error:
                    raise located(error, plan.text) from error.__cause__
                return self._outcome(result, plan.text, progress)
            case TrainModel():
                self._running.snapshot = Snapshot(self._engine)
                version, record = train_model(plan, self._engine, self._catalog, self._models, progress, self._running.snapshot)
                if not plan.if_not_exists or self._is_stored(plan.key, version, record):
                    self._recorded.published(self._catalog.identify(plan.key, version))
                return Outcome(None, None, describe_outcome(plan.key, version, record), tuple(progress.notices))
            case KeepModel():
                return Outcome(None, None, f"model {plan.key} exists; nothing was trained")
            case RemoveModel() | AlterModel() | MoveDefault() | MoveAlias() | RemoveAlias() | Rename():
                return self._change_catalog(plan, progress)
            case CopyStored() | WriteFolder() | ReadFolder():
                mover = Mover(self._engine, self._catalog, self._models, self._settings)
                return Outcome(None, None, mover.run(plan, progress), tuple(progress.notices))
            case ChangeSetting() | RestoreSetting():
                self._change_setting(plan)
                return Outcome(None, None, "")
            case Refresh():
                return self._rows(refresh_model(plan, self._for_recorded(emit), progress).table(), progress)
            case Verify():
                return self._rows(verify_model(plan, self._for_recorded(emit), progress), progress)
            case ShowRows():
                return self._rows(plan.rows)
            case _:
                assert_never(plan)

    def _is_stored(self, key: ModelKey, version: int, record: VersionRecord) -> bool:
        """Whether a version is the one that was just trained: with IF NOT EXISTS somebody else may have been faster."""
        stored = self._catalog.load(key, version).record
        return (stored.statement, stored.parameters, stored.context) == (record.statement, record.parameters, record.context)

    def _for_recorded(self, emit: Callable[[Event], None]) -> RecordedSession:
        """What running a recorded statement needs of this session."""

        def open_snapshot() -> Snapshot:
            self._running.snapshot = Snapshot(self._engine)
            return self._running.snapshot

        return RecordedSession(self._engine, self._catalog, self._models, self._settings, self._naming, self._recorded, open_snapshot, emit)

    def _rows(self, table: pa.Table, progress: EventProgress | None = None) -> Outcome:
        result = TableResult(table)
        return Outcome(result.schema, result, "", tuple(progress.notices) if progress else ())

    def _change_catalog(self, plan: CatalogChange, progress: EventProgress) -> Outcome:
        message = change_catalog(plan, self._catalog, progress)
        return Outcome(None, None, message, tuple(progress.notices))

    def _change_setting(self, plan: ChangeSetting | RestoreSetting) -> None:
        try:
            if isinstance(plan, RestoreSetting):
                self._changeable.reset(plan.name)
            else:
                self._changeable.change(plan.name, plan.value)
        except Error as error:
            # The engine's own span is of another text.
            error.span = plan.value_span if isinstance(plan, ChangeSetting) and error.code != "unknown_setting" else plan.name_span
            raise

    def _outcome(self, result: Result, text: Spliced | None, progress: EventProgress | None = None) -> Outcome:
        if result.schema is None or result.n_rows_changed >= 0:  # an engine may give the count of changed rows as a row
            return Outcome(None, None, "", tuple(progress.notices) if progress else (), result.n_rows_changed)
        wrapped = result if text is None else LocatedResult(result, text)
        return Outcome(wrapped.schema, wrapped, "", tuple(progress.notices) if progress else (), result.n_rows_changed)

    def _abort_user_transaction(self) -> None:
        """An error aborts the user's transaction, whether the engine or sqlml raised it: half a transaction must not be committed."""
        if self._running.in_user_transaction and self._engine.in_transaction:
            self._engine.abort_transaction()

    def _abandon(self) -> None:
        """Called when control returns before the worker does: whatever the statement has open is closed on its behalf."""
        if self._running.snapshot is not None:
            self._running.snapshot.abandon()
            self._naming.restore()

    def _check_open(self) -> None:
        if not self._is_open:
            raise InterfaceError("the connection is closed", code="connection_closed")


__all__ = ["Session", "open_session"]
