"""What a user may rely on between BEGIN and COMMIT, and while somebody else trains."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from crash.changes import KINDS, choose
from crash.expected import LEDGER, MAIN, POINTS, VARIANTS, State, after, predict, statements
from crash.invariants import digest, look

import sqlml
from sqlml.dbapi.connection import Connection
from sqlml.errors import Error, IntegrityError, ProgrammingError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / f"{MAIN}.duckdb"


@pytest.fixture
def connections(path: Path) -> Iterator[list[Connection]]:
    opened = [sqlml.connect(path, config={"threads": 1}) for _ in range(2)]
    opened[0].execute(POINTS)
    opened[0].execute(LEDGER)
    opened[0].execute(f"CREATE MODEL m {VARIANTS['linear 1']}")
    yield opened
    for connection in opened:
        connection.close()


def answer(connection: Connection, model: str, variant: str = "linear 1") -> str:
    return digest(connection.execute(predict(model, variant)).fetchall())


def versions(connection: Connection) -> list[tuple[object, ...]]:
    return connection.execute(f"SELECT model_name, version, is_default FROM {MAIN}.sqlml.model_versions ORDER BY ALL").fetchall()


def entries(connection: Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT entry FROM ledger ORDER BY entry").fetchall()


def test_a_transaction_is_all_there_for_others_after_commit_and_not_before(connections: list[Connection]) -> None:
    writer, reader = connections
    before = answer(reader, "m")
    writer.execute("BEGIN")
    writer.execute(f"CREATE OR REPLACE MODEL m {VARIANTS['linear 2']}")
    writer.execute(f"CREATE MODEL other {VARIANTS['clusters 1']}")
    writer.execute("INSERT INTO ledger VALUES (1)")
    writer.execute("ALTER MODEL m SET ALIAS champion = 2")
    # The writer sees its own, others what was committed.
    assert answer(writer, "m@champion") != before
    assert answer(reader, "m") == before
    assert versions(reader) == [("m", 1, True)]
    assert entries(reader) == []
    with pytest.raises(ProgrammingError) as caught:
        answer(reader, "m@2")
    assert caught.value.code == "unknown_version"
    writer.execute("COMMIT")
    assert versions(reader) == [("m", 1, False), ("m", 2, True), ("other", 1, True)]
    assert entries(reader) == [(1,)]
    assert answer(reader, "m") == answer(writer, "m@champion") != before
    assert answer(reader, "m@1") == before


@pytest.mark.parametrize("end", ["ROLLBACK", "an error", "close"])
def test_a_transaction_that_does_not_commit_leaves_nothing(connections: list[Connection], path: Path, end: str) -> None:
    writer, reader = connections
    before = versions(reader), entries(reader), answer(reader, "m")
    writer.execute("BEGIN")
    writer.execute("INSERT INTO ledger VALUES (1)")
    writer.execute(f"CREATE OR REPLACE MODEL m {VARIANTS['linear 2']}")
    writer.execute(f"CREATE MODEL other {VARIANTS['transform 1']}")
    writer.execute("DROP MODEL m@1")
    if end == "ROLLBACK":
        writer.execute("ROLLBACK")
    elif end == "close":
        writer.close()
    else:
        with pytest.raises(Error):
            writer.execute("CREATE MODEL third OPTIONS (model_type = 'no such type') AS SELECT 1 AS x")
        with pytest.raises(Error) as caught:
            writer.execute("COMMIT")
        assert caught.value.code == "transaction_aborted"
    assert (versions(reader), entries(reader), answer(reader, "m")) == before
    assert reader.execute("SELECT count(*) FROM sqlml._state WHERE version > 1").fetchall() == [(0,)]
    # The numbers of versions that nobody ever saw are free.
    reader.execute(f"CREATE OR REPLACE MODEL m {VARIANTS['linear 3']}")
    assert versions(reader) == [("m", 1, False), ("m", 2, True)]


def test_a_transaction_sees_the_models_of_its_first_statement(connections: list[Connection]) -> None:
    writer, reader = connections
    reader.execute("BEGIN")
    before = answer(reader, "m")
    writer.execute(f"CREATE OR REPLACE MODEL m {VARIANTS['linear 2']}")
    writer.execute("DROP MODEL m@1")
    assert answer(reader, "m") == before
    assert answer(reader, "m@1") == before
    reader.execute("COMMIT")
    assert answer(reader, "m") != before


def test_the_loser_of_two_changes_is_told_and_can_try_again(connections: list[Connection]) -> None:
    first, second = connections
    second.execute("BEGIN")
    entries(second)
    first.execute(f"CREATE OR REPLACE MODEL m {VARIANTS['linear 2']}")
    second.execute("INSERT INTO ledger VALUES (7)")
    with pytest.raises(IntegrityError) as caught:
        second.execute("ALTER MODEL m SET ALIAS champion = 1")
    assert caught.value.code == "version_conflict"
    assert "ROLLBACK" in (caught.value.hint or "")
    second.execute("ROLLBACK")
    assert entries(second) == []
    second.execute("ALTER MODEL m SET ALIAS champion = 1")
    assert first.execute(f"SELECT alias, version FROM {MAIN}.sqlml.model_aliases").fetchall() == [("champion", 1)]


@pytest.mark.parametrize("in_transaction", [False, True])
def test_others_predict_while_a_model_is_trained(path: Path, connections: list[Connection], in_transaction: bool) -> None:
    _, reader = connections
    before = answer(reader, "m")
    predicted = threading.Event()
    seen: list[str] = []
    failures: list[BaseException] = []

    def wait_for_a_prediction(event: object) -> None:
        # Training waits here until the other connection has predicted: it is not by luck that the two overlap.
        if type(event).__name__ != "StatementStarted" and not predicted.is_set():
            seen.append(answer(reader, "m"))
            predicted.set()

    writer = sqlml.connect(path, config={"threads": 1}, on_event=wait_for_a_prediction)

    def train() -> None:
        try:
            if in_transaction:
                writer.execute("BEGIN")
            writer.execute(f"CREATE OR REPLACE MODEL m {VARIANTS['trees 2']}")
            if in_transaction:
                writer.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 - shown by the test's own thread
            failures.append(error)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join(60)
    assert not failures
    assert not thread.is_alive()
    assert predicted.is_set()
    assert seen == [before]
    assert answer(reader, "m", "trees 2") == answer(writer, "m@2", "trees 2")
    writer.close()


def test_many_who_change_and_read_at_once_leave_a_catalog_in_order(path: Path, connections: list[Connection]) -> None:
    """Threads with connections of their own; what is refused is refused as a conflict or for what others did meanwhile."""
    names = [f"{MAIN}.{name}" for name in ("alpha", "beta", "gamma")]
    for name in names:
        connections[0].execute(f"CREATE MODEL {name} {VARIANTS['linear 1']}")
    wanted = {variant: answer_of(path, variant) for variant in ("linear 1", "linear 2", "linear 3")}
    usual = {
        "version_conflict",
        "unknown_model",
        "unknown_version",
        "unknown_alias",
        "model_exists",
        "version_in_use",
        "transaction_aborted",
    }
    failures: list[str] = []
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        moments = random.Random(number)
        connection = sqlml.connect(path, config={"threads": 1})
        barrier.wait()
        for _ in range(12):
            name = moments.choice(names)
            variant = moments.choice(list(wanted))
            texts = moments.choice((
                [f"CREATE OR REPLACE MODEL {name} {VARIANTS[variant]}"],
                [f"ALTER MODEL {name} SET ALIAS champion = {moments.randrange(1, 6)}"],
                [f"ALTER MODEL {name} SET DEFAULT VERSION = {moments.randrange(1, 4)}"],
                [f"DROP MODEL {name}@{moments.randrange(1, 4)}"],
                ["BEGIN", f"CREATE OR REPLACE MODEL {name} {VARIANTS[variant]}", f"INSERT INTO ledger VALUES ({number})", "COMMIT"],
                ["BEGIN", f"DROP MODEL {name}", f"CREATE MODEL {name} {VARIANTS[variant]}", "COMMIT"],
            ))  # fmt: skip
            try:
                for text in texts if number < 3 else ():
                    connection.execute(text)
                if number == 3 and answer(connection, name) not in wanted.values():
                    failures.append(f"{name} predicts what no version of it does")
            except Error as error:
                if error.code not in usual:
                    failures.append(f"{texts}: {error}")
                if connection.session().in_transaction:
                    connection.rollback()
        connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    state, problems = look(connections[0], {found: variant for variant, found in wanted.items()})
    assert not problems
    assert set(names) < set(state["models"])
    shown = {variant for model in state["models"].values() for variant in model["versions"].values()}
    assert shown <= set(wanted)


def answer_of(path: Path, variant: str) -> str:
    """What a variant predicts, from a model that is gone again."""
    with sqlml.connect(path, config={"threads": 1}) as connection:
        connection.execute(f"CREATE MODEL sample {VARIANTS[variant]}")
        found = answer(connection, "sample", variant)
        connection.execute("DROP MODEL sample")
    return found


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"refresh", "copy", "close", "checkpoint"}])
def test_the_plain_model_of_the_kill_harness_agrees_with_sqlml(connections: list[Connection], kind: str) -> None:
    connection = connections[0]
    connection.execute("DROP MODEL m")
    state: State = {"models": {}, "ledger": []}
    wanted: dict[str, str] = {}
    for change in choose(kind, state, random.Random(1)):
        connection.session()._settings.keep_versions = change.get("keep")
        for statement in statements(change):
            connection.execute(statement)
        state = after(state, change)
    for variant in {v for model in state["models"].values() for v in model["versions"].values()}:
        connection.session()._settings.keep_versions = None
        connection.execute(f"CREATE MODEL sample {VARIANTS[variant]}")
        wanted[answer(connection, "sample", variant)] = variant
        connection.execute("DROP MODEL sample")
    assert look(connection, wanted) == (state, [])


def test_two_who_replace_one_model_and_the_one_who_commits_last(tmp_path: Path) -> None:
    path = tmp_path / "shared.duckdb"
    statement = "CREATE OR REPLACE MODEL m OPTIONS (model_type = 'linear_reg', input_label_cols = ['y']) AS SELECT i AS x, i * 2 AS y FROM range(20) AS r(i)"
    with sqlml.connect(path) as first, sqlml.connect(path) as second:
        first.execute(statement)
        first.execute("BEGIN")
        first.execute(statement)
        second.execute(statement)
        with pytest.raises(sqlml.IntegrityError) as caught:
            first.execute("COMMIT")
        assert caught.value.code == "version_conflict"
        assert second.execute("SELECT n_versions FROM sqlml.models").fetchall() == [(2,)]
