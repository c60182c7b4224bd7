"""Running what a database has recorded: whose word it is, and what such a query may not do.

A recorded query comes from a file. It runs without questions only where this session published the version itself; else somebody must have
said yes: a setting, or an answer in the shell. Even then it only reads: a query that calls functions with effects is refused.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable

from sqlml.catalog.reader import VersionId
from sqlml.catalog.records import StoredVersion
from sqlml.engines.engine import Engine
from sqlml.errors import NotSupportedError, OperationalError
from sqlml.plan.nodes import TrainModel
from sqlml.printable import printable
from sqlml.session.outcome import ConsentAsked, Event
from sqlml.settings import Settings
from sqlml.source import Span
from sqlml.syntax.names import unquote
from sqlml.syntax.tokens import TokenKind, tokenize

_SHOWN_LINES = 12
_SHOWN_COLUMNS = 160

_READERS = re.compile(
    r"read_\w+|\w+_scan|\w+_scan_dumb|range|generate_series|unnest|repeat|repeat_row|glob|json_each|json_tree|sniff_csv|parquet_\w+"
    r"|duckdb_(?:tables|columns|views|schemas|databases|types)|summary|test_all_types|query|query_table|st_read\w*|icu_calendar_names"
    r"|pg_timezone_names|which_secret",
    re.IGNORECASE,
)
"""Table functions that only read. What the engine or an extension has besides may write files, change settings or run SQL elsewhere."""
_EFFECTS = frozenset({"NEXTVAL", "WRITE_LOG", "SETSEED"})
"""Functions of values that change something: numbers of sequences and draws, no files. A plan does not show them, so only the text is
looked at: hidden in a view they do no more harm than that."""


class RecordedQueries:
    """What of the recorded queries this session may run."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._own: set[VersionId] = set()
        self._allowed: set[VersionId] = set()
        self.can_ask = False
        """Whether somebody answers ConsentAsked."""

    def published(self, version: VersionId) -> None:
        """Notes a version that this session made."""
        self._own.add(version)

    def require_consent(self, version: StoredVersion, span: Span, emit: Callable[[Event], None], check: Callable[[], None]) -> None:
        """Asks, where asking is possible and needed.

        Raises: OperationalError `consent_needed`; what `check` raises while it waits.
        """
        found = VersionId(version.model_id, version.version, version.checksum)
        if self._settings.allow_recorded_queries or found in self._own or found in self._allowed:
            return
        name = f"{version.key}@{version.version}"
        if self.can_ask and _ask(name, version.record.statement, emit, check):
            self._allowed.add(found)
            return
        raise OperationalError(
            f"the training query of {name} was not written in this session, and runs only with your consent:\n"
            f"{shown(version.record.statement)}", code="consent_needed", span=span,
            hint="when you have read it: SET sqlml.allow_recorded_queries = true, or --allow-recorded-queries, or"
            " connect(…, settings={'allow_recorded_queries': True})",
        )  # fmt: skip

    def check_harmless(self, version: StoredVersion, plan: TrainModel, engine: Engine) -> None:
        """Refuses a query that calls a table function with effects. The plan tells, since views and macros would hide it in the text.

        Raises: NotSupportedError `recorded_effect`.
        """
        if VersionId(version.model_id, version.version, version.checksum) in self._own:
            return
        rows = engine.rows(f"EXPLAIN (FORMAT json) {plan.query.text}", plan.parameters)
        found = [name for name in _table_functions(json.loads(str(rows[0][1]))) if not _READERS.fullmatch(name)]
        statement = version.record.statement
        names = (unquote(token, "duckdb") for token in tokenize(statement) if token.kind in (TokenKind.WORD, TokenKind.QUOTED))
        found += [name for name in names if name.upper() in _EFFECTS]
        if found:
            raise NotSupportedError(
                f"the training query of {version.key}@{version.version} calls {found[0].lower()}, which may do more than read",
                code="recorded_effect", span=plan.query_span,
                hint="a recorded query may only read; CREATE OR REPLACE MODEL runs it as your own statement",
            )  # fmt: skip


def shown(statement: str) -> str:
    """The first lines of a statement for people: nothing in them moves the cursor or turns the direction of text."""
    lines = statement.splitlines() or [""]
    kept = [printable(line[:_SHOWN_COLUMNS], keep="\t") + ("…" if len(line) > _SHOWN_COLUMNS else "") for line in lines[:_SHOWN_LINES]]
    if len(lines) > _SHOWN_LINES:
        kept.append(f"… {len(lines) - _SHOWN_LINES} more lines; SHOW CREATE MODEL shows all")
    return "\n".join(f"  {line}" for line in kept)


def _ask(name: str, statement: str, emit: Callable[[Event], None], check: Callable[[], None]) -> bool:
    answered = threading.Event()
    answers: list[bool] = []

    def answer(yes: bool) -> None:
        answers.append(yes)
        answered.set()

    emit(ConsentAsked(name, statement, answer))
    while not answered.wait(0.05):
        check()
    return answers[0]


def _table_functions(plan: object) -> list[str]:
    """The functions of a plan's leaves."""
    names: list[str] = []
    pending = list(plan) if isinstance(plan, list) else []
    while pending:
        node = pending.pop()
        pending.extend(node["children"])
        function = node["extra_info"].get("Function")
        if function is not None:
            names.append(str(function))
    return names
