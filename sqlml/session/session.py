"""The one session core behind the three doors: text in, outcomes out.

A session has one engine. Statements run one after the other on a worker thread, results are fetched on it too, and errors leave with the
user's
text attached. A statement without ML goes to the engine as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, assert_never

from sqlml.catalog.store import Catalog
from sqlml.errors import Error, InterfaceError, InternalError, NotSupportedError, ProgrammingError
from sqlml.plan.bind import bind
from sqlml.plan.context import BoundParameters, PlanContext
from sqlml.plan.nodes import (
    AlterModel,
    CatalogChange,
    KeepModel,
    MoveAlias,
    MoveDefault,
    Plan,
    RemoveAlias,
    RemoveModel,
    Rename,
    RunQuery,
    ShowRows,
    TrainModel,
)
from sqlml.plan.splice import Spliced, located
from sqlml.session.change_catalog import change_catalog
from sqlml.session.function_names import explain_unknown_function
from sqlml.session.models import LoadedModels
from sqlml.session.outcome import Event, EventHandler, Notice, Outcome, StatementStarted
from sqlml.session.progress import EventProgress
from sqlml.session.results import LocatedResult, TableResult
from sqlml.session.snapshot import Snapshot
from sqlml.session.train import describe_outcome, train_model
from sqlml.session.worker import CancelToken, Worker
from sqlml.settings import Settings
from sqlml.source import Source, Span
from sqlml.syntax import find_parameters, parse_statement, split_statements
from sqlml.syntax.nodes import Query

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from sqlml.engines.engine import Engine, Parameters, Result

_CHANGES_MACROS = re.compile(r"\b(macro|function|attach|detach|import)\b", re.IGNORECASE)


def open_session(
    database: str | duckdb.DuckDBPyConnection = ":memory:",
    *,
    read_only: bool = False,
    config: Mapping[str, object] | None = None,
    dialect: str = "duckdb",
) -> Session:
    """A session on a database file, on ":memory:", or on an open DuckDB connection (which stays open when the session closes).

    Raises: OperationalError `file_locked`, `cannot_open`, …; NotSupportedError `dialect_not_supported`.
    """
    from sqlml.engines.duckdb import adopt_engine, open_engine

    if dialect != "duckdb":
        raise NotSupportedError(
            f'the SQL flavour "{dialect}" is not available in this release', code="dialect_not_supported", hint="use dialect='duckdb'"
        )
    if isinstance(database, str):
        return Session(open_engine(database, read_only=read_only, config=config), dialect=dialect)
    if read_only or config:
        raise InterfaceError("read_only and config belong to a connection that sqlml opens itself", code="adopted_connection")
    return Session(adopt_engine(database), dialect=dialect)


@dataclass
class _Running:
    """What the statement that is being run has open, so that another thread can close it when control returns without it."""

    snapshot: Snapshot | None = None
    in_user_transaction: bool = False
    notices: list[Notice] = field(default_factory=list)


class Session:
    """Runs text over one engine."""

    def __init__(self, engine: Engine, *, dialect: str = "duckdb", settings: Settings | None = None) -> None:
        self._engine = engine
        self._settings = settings or Settings()
        self._dialect = dialect
        self._catalog = Catalog(engine)
        self._models = LoadedModels(engine, self._catalog)
        self._running = _Running()
        self._worker = Worker(engine.interrupt, self._abandon)
        self._trusted: frozenset[str] | None = None
        self._is_open = True

    @property
    def dialect(self) -> str:
        return self._dialect

    @property
    def in_transaction(self) -> bool:
        return self._engine.in_transaction

    def statements(self, text: str, name: str = "") -> list[Span]:
        """The spans of the statements of a text."""
        return split_statements(Source(text, name), self._dialect)

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
            spans = split_statements(source, self._dialect)
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
            keys = [key for _, key in find_parameters(source, span, self._dialect)]
            if isinstance(parameters, Mapping):
                result.append((span, {key: parameters[key] for key in keys if isinstance(key, str) and key in parameters} or None))
                continue
            count = max((key + 1 for key in keys if isinstance(key, int)), default=0)
            result.append((span, list(parameters[position : position + count]) or None))
            position += count
        if not isinstance(parameters, Mapping) and position != len(parameters):
            raise ProgrammingError(
                f"the text has {position} parameters, {len(parameters)} values were given", code="parameter_count", source=source
            )
        return result

    def _run_statement(
        self, source: Source, span: Span, parameters: Parameters, token: CancelToken, emit: Callable[[Event], None]
    ) -> Outcome:
        token.check()
        self._running = _Running(in_user_transaction=self._engine.in_transaction)
        try:
            self._models.free()
            node = parse_statement(source, span, self._dialect)
            if isinstance(node, Query) and not node.calls:
                outcome = self._pass_through(source, span, parameters)
            else:
                outcome = self._run_model_statement(node, source, span, parameters, token, emit)
        except Error as error:
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
        if _CHANGES_MACROS.search(text):
            self._trusted = None
        try:
            result = self._engine.run(text, parameters)
        except Error as error:
            if error.span is not None and error.source is None:
                error.span = Span(error.span.start + span.start, error.span.end + span.start)
            raise
        return self._outcome(result, None)

    def _run_model_statement(
        self, node: object, source: Source, span: Span, parameters: Parameters, token: CancelToken, emit: Callable[[Event], None]
    ) -> Outcome:
        self._check_trust()
        self._catalog.keep_versions = self._settings.keep_versions
        self._catalog.lock_timeout_seconds = self._settings.lock_timeout_seconds
        self._catalog.cause = replace(self._catalog.cause, statement=source.text[span.start : span.end])
        bound = BoundParameters(parameters, find_parameters(source, span, self._dialect), source.text)
        context = PlanContext(source, self._engine, self._catalog, self._models, bound, self._settings)
        plan = bind(node, context)  # type: ignore[arg-type]  # a Statement
        token.check()
        progress = EventProgress(token, emit)
        return self._execute(plan, progress)

    def _execute(self, plan: Plan, progress: EventProgress) -> Outcome:
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
                return Outcome(None, None, describe_outcome(plan.key, version, record), tuple(progress.notices))
            case KeepModel():
                return Outcome(None, None, f"model {plan.key} exists; nothing was trained")
            case RemoveModel() | AlterModel() | MoveDefault() | MoveAlias() | RemoveAlias() | Rename():
                return self._change_catalog(plan, progress)
            case ShowRows():
                result = TableResult(plan.rows)
                return Outcome(result.schema, result, "")
            case _:
                assert_never(plan)

    def _change_catalog(self, plan: CatalogChange, progress: EventProgress) -> Outcome:
        message = change_catalog(plan, self._catalog, progress)
        return Outcome(None, None, message, tuple(progress.notices))

    def _outcome(self, result: Result, text: Spliced | None, progress: EventProgress | None = None) -> Outcome:
        if result.schema is None or result.n_rows_changed >= 0:  # an engine may give the count of changed rows as a row
            return Outcome(None, None, "", tuple(progress.notices) if progress else (), result.n_rows_changed)
        wrapped = result if text is None else LocatedResult(result, text)
        return Outcome(wrapped.schema, wrapped, "", tuple(progress.notices) if progress else (), result.n_rows_changed)

    def _check_trust(self) -> None:
        """Refuses ML while a macro stands in the way of a built-in function that generated SQL calls; once per set of databases."""
        changed = self._engine.changed_meanings()
        if changed:
            raise NotSupportedError(
                f"models would compute something else under SET {', '.join(changed)}", code="changed_meaning",
                hint=f"RESET {changed[0].partition(' ')[0]}; it can be set again afterwards",
            )  # fmt: skip
        databases = frozenset(self._engine.databases())
        if databases == self._trusted:
            return
        macros = self._engine.shadowing_macros()
        if macros:
            raise NotSupportedError(
                f"the database has macros with the names of built-in functions: {', '.join(macros[:5])}", code="shadowed_builtin",
                hint="drop or rename them (DROP MACRO …), or detach the database; models could compute something else than they say",
            )  # fmt: skip
        self._trusted = databases

    def _abort_user_transaction(self) -> None:
        """An error aborts the user's transaction, whether the engine or sqlml raised it: half a transaction must not be committed."""
        if self._running.in_user_transaction and self._engine.in_transaction:
            self._engine.abort_transaction()

    def _abandon(self) -> None:
        """Called when control returns before the worker does: whatever the statement has open is closed on its behalf."""
        if self._running.snapshot is not None:
            self._running.snapshot.abandon()

    def _check_open(self) -> None:
        if not self._is_open:
            raise InterfaceError("the connection is closed", code="connection_closed")


__all__ = ["Session", "open_session"]
