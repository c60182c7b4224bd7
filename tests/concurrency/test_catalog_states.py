"""Connections of one process in any order of statements, against plain values that say what each of them must see.

Every connection that is in a transaction sees the state that there was at its first statement and what it did itself; without one it sees what is
committed. Of two transactions that change the same model or the same name, only one commits; the other one gets an IntegrityError and
leaves nothing.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from unittest import mock

import pytest
from crash.expected import MAIN, POINTS, VARIANTS, predict
from crash.invariants import digest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import sqlml
from sqlml.catalog import publishing
from sqlml.catalog.records import ModelKey, StoredVersion
from sqlml.dbapi.connection import Connection
from sqlml.errors import Error, IntegrityError

SHOWN = ("linear 1", "linear 2", "clusters 3")
N_WRITERS, N_READERS = 3, 2
NAMES = ("alpha", "beta", "gamma")


@cache
def trained() -> dict[str, tuple[StoredVersion, str]]:
    """Versions to publish, and what each predicts; trained once, since here only publishing is of interest."""
    with tempfile.TemporaryDirectory() as folder, sqlml.connect(Path(folder) / f"{MAIN}.duckdb", config={"threads": 1}) as connection:
        connection.execute(POINTS)
        found = {}
        for index, variant in enumerate(SHOWN):
            connection.execute(f"CREATE MODEL m{index} {VARIANTS[variant]}")
            stored = connection.session()._catalog.load(ModelKey(MAIN, "main", f"m{index}"))
            found[variant] = stored, digest(connection.execute(predict(f"m{index}", variant)).fetchall())
        return found


@dataclass
class Model:
    """What must be known of a model."""

    number: int
    """Of the model, whatever its name is."""
    versions: dict[int, str]
    default: int
    last: int
    aliases: dict[str, int] = field(default_factory=dict)


View = dict[str, Model]


@dataclass
class Transaction:
    """An open transaction of one connection."""

    view: View
    began: int
    """The number of commits that it sees."""
    touched: set[object] = field(default_factory=set)
    has_failed: bool = False


class Catalogs(RuleBasedStateMachine):
    """Writers and readers of one file."""

    @initialize()
    def open_connections(self) -> None:
        trained()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / f"{MAIN}.duckdb"
        self.connections = [sqlml.connect(self.path, config={"threads": 1}) for _ in range(N_WRITERS + N_READERS)]
        self.open: list[Transaction | None] = [None] * len(self.connections)
        self.committed: View = {}
        self.commits: list[set[object]] = []
        """What each commit touched, in order."""
        self.n_models = self.n_looks = 0
        self.pauses = mock.patch.object(publishing, "PAUSES_SECONDS", (0.0,))
        self.pauses.start()
        self.connections[0].execute(POINTS)
        # The schema is made here, or the first two models would be in each other's way.
        self.publish(0, "alpha", SHOWN[0])

    def teardown(self) -> None:
        if hasattr(self, "connections"):
            for connection in self.connections:
                connection.close()
            self.pauses.stop()
            self.folder.cleanup()

    # ---- What the connections do ----

    writers = st.integers(0, N_WRITERS - 1)
    everyone = st.integers(0, N_WRITERS + N_READERS - 1)

    @rule(who=everyone)
    def begin(self, who: int) -> None:
        if self.open[who] is None:
            self.connections[who].execute("BEGIN")
            # DuckDB's snapshot is that of the first statement which reads the database.
            self.connections[who].execute("SELECT count(*) FROM points").fetchall()
            self.open[who] = Transaction(copy.deepcopy(self.committed), len(self.commits))

    @rule(who=everyone)
    def commit(self, who: int) -> None:
        transaction, self.open[who] = self.open[who], None
        if transaction is None:
            return
        lost = transaction.has_failed or self.meets_commits(transaction.touched, transaction.began)
        if not lost:
            self.connections[who].execute("COMMIT")
            self.settle(transaction.view, transaction.touched)
            return
        with pytest.raises(Error) as caught:
            self.connections[who].execute("COMMIT")
        if transaction.has_failed:
            assert caught.value.code == "transaction_aborted"
        else:
            assert isinstance(caught.value, IntegrityError)
        assert not self.connections[who].session().in_transaction

    @rule(who=everyone)
    def rollback(self, who: int) -> None:
        if self.open[who] is not None:
            self.connections[who].execute("ROLLBACK")
            self.open[who] = None

    @rule(who=writers, name=st.sampled_from(NAMES), variant=st.sampled_from(SHOWN))
    def publish(self, who: int, name: str, variant: str) -> None:
        def publish() -> None:
            stored, _ = trained()[variant]
            catalog = self.connections[who].session()._catalog
            catalog.publish(ModelKey(MAIN, "main", name), stored.record, stored.arrays, replace=True)

        def change(view: View) -> set[object]:
            if name in view:
                model = view[name]
                model.last += 1
                model.default = model.last
                model.versions[model.last] = variant
                return {model.number}
            self.n_models += 1
            view[name] = Model(self.n_models, {1: variant}, 1, 1)
            return {name}

        self.write(who, publish, change)

    @rule(who=writers, name=st.sampled_from(NAMES), pick=st.integers(0, 9))
    def set_default(self, who: int, name: str, pick: int) -> None:
        model = self.view(who).get(name)
        if model is not None:
            version = sorted(model.versions)[pick % len(model.versions)]

            def change(view: View) -> set[object]:
                moved = view[name].default != version
                view[name].default = version
                return {view[name].number} if moved else set()

            self.write(who, self.statement(who, f"ALTER MODEL {name} SET DEFAULT VERSION = {version}"), change)

    @rule(who=writers, name=st.sampled_from(NAMES), pick=st.integers(0, 9), alias=st.sampled_from(("champion", "other")))
    def set_alias(self, who: int, name: str, pick: int, alias: str) -> None:
        model = self.view(who).get(name)
        if model is not None:
            version = sorted(model.versions)[pick % len(model.versions)]

            def change(view: View) -> set[object]:
                moved = view[name].aliases.get(alias) != version
                view[name].aliases[alias] = version
                return {view[name].number} if moved else set()

            self.write(who, self.statement(who, f"ALTER MODEL {name} SET ALIAS {alias} = {version}"), change)

    @rule(who=writers, name=st.sampled_from(NAMES), pick=st.integers(0, 9))
    def drop_version(self, who: int, name: str, pick: int) -> None:
        model = self.view(who).get(name)
        free = [] if model is None else sorted(set(model.versions) - {model.default, *model.aliases.values()})
        if free:
            version = free[pick % len(free)]

            def change(view: View) -> set[object]:
                del view[name].versions[version]
                return {view[name].number}

            self.write(who, self.statement(who, f"DROP MODEL {name}@{version}"), change)

    @rule(who=writers, name=st.sampled_from(NAMES))
    def drop(self, who: int, name: str) -> None:
        if name in self.view(who):

            def change(view: View) -> set[object]:
                return {view.pop(name).number, name}

            self.write(who, self.statement(who, f"DROP MODEL {name}"), change)

    @rule(who=writers, name=st.sampled_from(NAMES), to=st.sampled_from(NAMES))
    def rename(self, who: int, name: str, to: str) -> None:
        view = self.view(who)
        if name in view and to not in view:

            def change(view: View) -> set[object]:
                view[to] = view.pop(name)
                return {view[to].number, name, to}

            self.write(who, self.statement(who, f"ALTER MODEL {name} RENAME TO {to}"), change)

    @rule(who=everyone, name=st.sampled_from(NAMES), pick=st.integers(0, 9))
    def predict(self, who: int, name: str, pick: int) -> None:
        transaction = self.open[who]
        model = self.view(who).get(name)
        if model is None or (transaction is not None and transaction.has_failed):
            return
        meanings = {
            "": model.default,
            **{f"@{number}": number for number in model.versions},
            **{f"@{a}": n for a, n in model.aliases.items()},
        }
        reference, version = sorted(meanings.items())[pick % len(meanings)]
        variant = model.versions[version]
        found = self.connections[who].execute(predict(f"{name}{reference}", variant)).fetchall()
        assert digest(found) == trained()[variant][1]

    # ---- What must hold ----

    @precondition(lambda self: hasattr(self, "connections"))
    @invariant()
    def everyone_sees_what_is_theirs(self) -> None:
        self.n_looks += 1
        for who in {self.n_looks % len(self.connections), (self.n_looks * 3 + 1) % len(self.connections)}:
            connection, transaction = self.connections[who], self.open[who]
            assert connection.session().in_transaction == (transaction is not None)
            if transaction is None or not transaction.has_failed:
                assert seen(connection) == told(self.view(who))

    # ---- Inside ----

    def view(self, who: int) -> View:
        transaction = self.open[who]
        return self.committed if transaction is None else transaction.view

    def statement(self, who: int, text: str) -> Callable[[], object]:
        return lambda: self.connections[who].execute(text)

    def meets_commits(self, touched: set[object], began: int) -> bool:
        return any(touched & others for others in self.commits[began:])

    def write(self, who: int, work: Callable[[], object], change: Callable[[View], set[object]]) -> None:
        """Runs a change; it fails with a conflict only where somebody else changes the same."""
        transaction = self.open[who]
        if transaction is not None and transaction.has_failed:
            with pytest.raises(Error):
                work()
            return
        view = copy.deepcopy(self.view(who))
        touched = change(view)
        began = len(self.commits) if transaction is None else transaction.began
        others = [other.touched for index, other in enumerate(self.open) if other is not None and index != who and not other.has_failed]
        may_conflict = self.meets_commits(touched, began) or any(touched & other for other in others)
        conflict: IntegrityError | None = None
        try:
            work()
        except IntegrityError as error:
            conflict = error
        if conflict is not None:
            assert may_conflict, f"a conflict with nobody: {conflict}"
            assert conflict.code == "version_conflict"
            if transaction is not None:
                transaction.has_failed = True
            return
        if transaction is None:
            self.settle(view, touched)
        else:
            transaction.view = view
            transaction.touched |= touched

    def settle(self, view: View, touched: set[object]) -> None:
        """Merges what a commit touched into what is committed."""
        if touched:
            names = {name for name in touched if isinstance(name, str)}
            numbers = {number for number in touched if isinstance(number, int)}
            for name in names:
                self.committed.pop(name, None)
            for name, model in view.items():
                if name in names or model.number in numbers:
                    self.committed[name] = copy.deepcopy(model)
        self.commits.append(touched)


def told(view: View) -> object:
    return {
        name: (
            model.default,
            model.last,
            dict(sorted(model.aliases.items())),
            dict(sorted(model.versions.items())),
        )
        for name, model in view.items()
    }


def seen(connection: Connection) -> object:
    """What a connection sees, in queries of the catalog's views; versions by their statements."""
    execute = connection.execute
    lasts = dict(execute(f"SELECT model_id, max(last_version) FROM {MAIN}.sqlml._events GROUP BY model_id").fetchall())
    catalog = connection.session()._catalog
    aliases: dict[str, dict[str, int]] = {}
    for name, alias, version in execute(f"SELECT model_name, alias, version FROM {MAIN}.sqlml.model_aliases").fetchall():
        aliases.setdefault(name, {})[alias] = version
    versions: dict[str, dict[int, str]] = {}
    for name, version, statement in execute(f"SELECT model_name, version, statement FROM {MAIN}.sqlml.model_versions").fetchall():
        versions.setdefault(name, {})[version] = next(variant for variant in SHOWN if statement.endswith(VARIANTS[variant]))
    return {
        info.key.name: (info.default_version, lasts[info.model_id], dict(sorted(aliases.get(info.key.name, {}).items())),
                        dict(sorted(versions[info.key.name].items())))
        for info in catalog.list_models(MAIN)
    }  # fmt: skip


TestCatalogs = Catalogs.TestCase
TestCatalogs.settings = settings(
    max_examples=8, stateful_step_count=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
