"""REFRESH MODEL: whose queries run, what names mean in them, what happens when it fails, and what is left then."""

from __future__ import annotations

import datetime
import decimal
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sqlml
from sqlml.catalog.records import ModelKey
from sqlml.errors import DataError, Error, IntegrityError, OperationalError, ProgrammingError
from sqlml.plan.recorded import decode_parameters, encode_parameters
from sqlml.session.outcome import StageStarted
from sqlml.session.session import Session, open_session

Run = Callable[..., list[tuple[Any, ...]]]
LINE = "CREATE MODEL line OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y']) AS SELECT x, y FROM points"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened = open_session(str(tmp_path / "test.duckdb"))
    opened.run("CREATE TABLE points AS SELECT i AS x, 2e0 * i + i % 3 AS y FROM range(40) r(i)")
    yield opened
    opened.close()


def rows_of(session: Session, text: str, parameters: Any = None, **more: Any) -> list[dict[str, Any]]:
    outcome = session.run(text, parameters, **more)
    assert outcome.schema is not None
    return [dict(zip(outcome.schema.names, row, strict=True)) for row in session.fetch(outcome, 100_000)]


def refresh(session: Session, clauses: str = "", parameters: Any = None) -> dict[str, Any]:
    (row,) = rows_of(session, f"REFRESH MODEL line {clauses}", parameters)
    return row


def forge(path: Path, statement: str, parameters: dict[str, str] | None = None) -> None:
    """A database whose model says that another statement made it, with a checksum that holds."""
    with_model = open_session(str(path))
    with_model.run("CREATE TABLE points AS SELECT i AS x, 2e0 * i AS y FROM range(40) r(i)")
    with_model.run(LINE)
    catalog = with_model._catalog
    stored = catalog.load(ModelKey(path.stem, "main", "line"))
    record = replace(stored.record, statement=statement, parameters=parameters or {})
    catalog.publish(stored.key, record, stored.arrays, replace=True)
    with_model.close()


# ---- Whose query runs ----


def test_a_query_that_another_session_wrote_needs_consent(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    forge(path, LINE)
    with open_then_close(path) as session:
        with pytest.raises(OperationalError) as raised:
            session.run("REFRESH MODEL line")
        assert raised.value.code == "consent_needed"
        assert "SELECT x, y FROM points" in str(raised.value)
        assert "allow_recorded_queries" in str(raised.value.hint)
        assert raised.value.column == 15
        assert len(rows_of(session, "SHOW VERSIONS FROM MODEL line")) == 2
        session.run("SET sqlml.allow_recorded_queries = true")
        assert refresh(session)["new_version"] == 3
        session.run("RESET sqlml.allow_recorded_queries")
        assert refresh(session)["new_version"] == 4, "version 3 is this session's own"


def test_a_version_that_took_the_number_of_ones_own_needs_consent(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with open_then_close(path) as session:
        session.run("CREATE TABLE points AS SELECT i AS x, 2e0 * i AS y FROM range(40) r(i)")
        session.run(f"BEGIN; {LINE}; ROLLBACK")
        other = open_session(session._engine.connection.cursor())  # type: ignore[attr-defined]
        other.run(LINE.replace("SELECT x", "SELECT x + 1 AS x"))
        other.close()
        with pytest.raises(OperationalError, match="consent"):
            refresh(session)


def test_who_is_asked_sees_the_statement_and_decides(tmp_path: Path) -> None:
    from sqlml.session.outcome import ConsentAsked

    path = tmp_path / "a.duckdb"
    forge(path, LINE)
    asked = []

    def answers(yes: bool) -> Callable[[Any], None]:
        def on_event(event: Any) -> None:
            if isinstance(event, ConsentAsked):
                asked.append(event)
                event.answer(yes)

        return on_event

    with open_then_close(path) as session:
        session.ask_for_consent()
        with pytest.raises(OperationalError, match="consent"):
            session.run("REFRESH MODEL line", on_event=answers(False))
        (row,) = rows_of(session, "REFRESH MODEL line", on_event=answers(True))
        assert row["decision"] == "promoted"
        assert [event.statement for event in asked] == [LINE, LINE]
        assert asked[0].model == "line@2"


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DROP TABLE points", "damaged_state"),
        ("SELECT 1", "damaged_state"),
        (f"{LINE}; DROP TABLE points", "damaged_state"),
        ("CREATE MODEL line OPTIONS (model_type = 'LINEAR_REG')", "damaged_state"),
        ("CREATE MODEL line OPTIONS (model_type = 'LINEAR_REG') AS SELECT 1) TO 'x'; COPY (SELECT 1", "damaged_state"),
        ("CREATE MODEL line OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['y']) AS SELECT x, y FROM points)", "damaged_state"),
        (LINE.replace("points", "(COPY points TO '{file}')"), "syntax_error"),
        (LINE.replace("SELECT x, y FROM points", "WITH w AS (INSERT INTO points VALUES (1, 2) RETURNING *) SELECT x, y FROM w"), ""),
        (LINE.replace("SELECT x, y FROM points", "SELECT x, y FROM points, enable_logging(storage = 'file', storage_path = '{file}')"),
         "recorded_effect"),
        (LINE.replace("SELECT x, y FROM points", "SELECT x, y FROM points, query('FROM force_checkpoint()')"), "recorded_effect"),
        (LINE.replace("SELECT x, y FROM points", "SELECT x + nextval('numbers') AS x, y FROM points"), "recorded_effect"),
        (LINE.replace("points", "hidden"), "recorded_effect"),
    ],
)  # fmt: skip
def test_a_recorded_query_only_reads(tmp_path: Path, statement: str, code: str) -> None:
    path, file = tmp_path / "a.duckdb", tmp_path / "made"
    forge(path, statement.replace("{file}", str(file)))
    with open_then_close(path) as session:
        session.run("CREATE SEQUENCE numbers; CREATE VIEW hidden AS SELECT p.* FROM points p, enable_logging()")
        session.run("SET sqlml.allow_recorded_queries = true")
        with pytest.raises(Error) as raised:
            session.run("REFRESH MODEL line")
        assert raised.value.code == code or not code
        if code in ("syntax_error", ""):  # the engine has no such query: VERIFY reports that, and has not run it
            assert rows_of(session, "VERIFY MODEL line")[0]["identical"] is False
        else:
            with pytest.raises(Error) as raised:
                session.run("VERIFY MODEL line")
            assert raised.value.code == code
        assert not file.exists()
        assert rows_of(session, "SELECT count(*) AS n FROM points") == [{"n": 40}]
        assert rows_of(session, "SELECT value FROM duckdb_settings() WHERE name = 'enable_logging'") in (
            [{"value": "0"}],
            [{"value": "false"}],
        )
        assert len(rows_of(session, "SHOW VERSIONS FROM MODEL line")) == 2


def test_a_forged_parameter_is_refused(tmp_path: Path) -> None:
    for index, text in enumerate(["{", '{"type":"int","value":[1]}', "[" * 100_000, '{"type":"unheard","value":1}', "null"]):
        path = tmp_path / f"a{index}.duckdb"
        forge(path, LINE + " WHERE x > $low", {"low": text})
        with open_then_close(path) as session:
            session.run("SET sqlml.allow_recorded_queries = true")
            with pytest.raises(IntegrityError) as raised:
                session.run("REFRESH MODEL line")
            assert raised.value.code == "damaged_state"


# ---- Parameters ----


@pytest.mark.parametrize(
    "value",
    [
        None, True, 7, -(10**30), 0.1, float("inf"), "text '\"\n", b"\x00\xff", decimal.Decimal("1.10"), datetime.date(2026, 1, 2),
        datetime.time(1, 2, 3, 4), datetime.datetime(2026, 1, 2, 3, 4, 5, 6), datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
        datetime.timedelta(days=-1, microseconds=5), [1, "a", None, [2.5]], {"a": 1, "b": [True]},
    ],
)  # fmt: skip
def test_values_of_parameters_come_back_as_they_were(value: object) -> None:
    stored, unknown = encode_parameters({"p": value})
    (found,) = decode_parameters(stored).values()
    assert (found, type(found), unknown) == (value, type(value), ())


def test_a_value_of_another_type_is_remembered_by_name_only() -> None:
    stored, unknown = encode_parameters({"low": complex(1, 2)})
    assert (decode_parameters(stored), unknown) == ({}, ("low",))


def test_parameters_are_reused_and_replaced(session: Session) -> None:
    session.run(LINE + " WHERE x < ? AND x >= ?", [30, 10])
    assert refresh(session)["rows"] == 20
    assert refresh(session, "WITH (p2 = 5)")["rows"] == 25
    assert refresh(session)["rows"] == 25, "the new value is recorded with the version that is the default now"
    assert refresh(session, "WITH (p1 = $upper)", {"upper": 20})["rows"] == 15


def test_an_option_that_was_a_parameter_gives_way(session: Session) -> None:
    session.run(
        "CREATE MODEL line OPTIONS (model_type = 'LINEAR_REG', l2_reg = ?, input_label_cols = ['y']) AS SELECT x, y FROM points WHERE x < ?",
        [0.5, 30],
    )
    row = refresh(session, "OPTIONS (l2_reg = ?)", [2.0])
    assert row["rows"] == 30
    (created,) = rows_of(session, "SHOW CREATE MODEL line")
    assert "l2_reg = 2" in str(created)
    assert "x < ?" in str(created)
    assert refresh(session, "WITH (p1 = 25)")["rows"] == 25, "it is the only one left"


def test_parameters_with_names_and_a_date(session: Session) -> None:
    session.run("CREATE TABLE days AS SELECT DATE '2026-01-01' + i::INTEGER AS day, i AS x, 2e0 * i AS y FROM range(60) r(i)")
    statement = LINE.replace("SELECT x, y FROM points", "SELECT x, y FROM days WHERE day < @cutoff")
    session.run(statement, {"cutoff": datetime.date(2026, 1, 21)})
    assert refresh(session)["rows"] == 20
    assert refresh(session, "WITH (cutoff = DATE '2026-02-10')")["rows"] == 40
    with pytest.raises(ProgrammingError, match="did you mean cutoff") as raised:
        refresh(session, "WITH (cutof = DATE '2026-02-10')")
    assert raised.value.code == "unknown_parameter"


# ---- What names mean ----


def test_names_mean_what_they_meant_when_the_model_was_made(session: Session) -> None:
    session.run("CREATE SCHEMA sales; CREATE TABLE sales.points AS FROM points LIMIT 25; USE sales")
    session.run(LINE)
    session.run("USE main")
    (row,) = rows_of(session, "REFRESH MODEL sales.line")
    assert row["rows"] == 25
    assert rows_of(session, "SELECT current_schema() AS s") == [{"s": "main"}]


@pytest.mark.parametrize("in_transaction", [False, True])
def test_the_current_schema_is_the_users_again_after_an_error(session: Session, in_transaction: bool) -> None:
    session.run("CREATE SCHEMA sales; CREATE TABLE sales.points AS FROM points LIMIT 25; CREATE SCHEMA mine; USE sales")
    session.run(LINE)
    session.run("USE mine; ALTER TABLE sales.points DROP y")
    if in_transaction:
        session.run("BEGIN")
    with pytest.raises(Error) as raised:
        session.run("REFRESH MODEL sales.line")
    assert raised.value.source is not None
    assert raised.value.source.name == "the statement recorded with sales.line@1"
    if in_transaction:
        session.run("ROLLBACK")
    assert rows_of(session, "SELECT current_schema() AS s") == [{"s": "mine"}]


def test_a_schema_that_is_gone_is_named(session: Session) -> None:
    session.run("CREATE SCHEMA sales; USE sales")
    session.run(LINE.replace("MODEL line", "MODEL main.line").replace("points", "main.points"))
    session.run("USE main; DROP SCHEMA sales")
    with pytest.raises(ProgrammingError, match="sales") as raised:
        session.run("REFRESH MODEL line")
    assert (raised.value.code, raised.value.column) == ("unknown_schema", 15)


# ---- Decisions ----


def test_an_incumbent_that_cannot_read_the_rows_does_not_pass(session: Session) -> None:
    session.run(LINE.replace("SELECT x, y FROM points", "SELECT * FROM points"))
    session.run("ALTER TABLE points RENAME x TO z")
    row = refresh(session, "PROMOTE IF r2_score >= incumbent.r2_score")
    assert (row["decision"], row["old_metrics"]) == ("kept", {})
    assert "incumbent cannot be scored" in row["reason"]
    assert "x" in row["reason"]
    row = refresh(session, "PROMOTE IF r2_score > 0.5")
    assert (row["decision"], row["old_metrics"]) == ("kept", {}), "whatever the condition asks for"
    assert rows_of(session, "SELECT default_version FROM sqlml.models") == [{"default_version": 1}]


@pytest.mark.parametrize(
    ("alias", "by_hand"),
    [("", "ALTER MODEL line SET DEFAULT VERSION = <new_version>"), (" AS champion", "ALTER MODEL line SET ALIAS champion = <new_version>")],
)
def test_a_condition_promotes_nothing_over_an_incumbent_that_was_not_scored(session: Session, alias: str, by_hand: str) -> None:
    session.run("CREATE TABLE t AS SELECT x::DOUBLE AS x, y FROM points")
    session.run(LINE.replace("points", "t"))
    session.run("ALTER TABLE t ALTER x TYPE VARCHAR")
    row = refresh(session, f"PROMOTE IF r2_score > -10{alias}")
    assert (row["decision"], row["old_metrics"], row["new_version"]) == ("kept", {}, 2)
    assert re.search("not compared: feature x .*DOUBLE, the input has VARCHAR", row["reason"])
    assert row["reason"].endswith(by_hand)
    assert rows_of(session, "SELECT default_version, aliases FROM sqlml.models") == [{"default_version": 1, "aliases": {}}]
    row = refresh(session)
    assert row["decision"] == "promoted", "without a condition it is what was asked for"
    assert re.search("not compared: feature x .*DOUBLE, the input has VARCHAR", row["reason"])


def test_an_incumbent_that_lacks_a_class_does_not_pass(session: Session) -> None:
    session.run("CREATE TABLE kinds AS SELECT i AS x, CASE WHEN i % 7 < 3 THEN 'a' ELSE 'b' END AS y FROM range(200) r(i)")
    session.run(LINE.replace("LINEAR_REG", "LOGISTIC_REG").replace("points", "kinds"))
    session.run("INSERT INTO kinds SELECT 500 + i, 'c' FROM range(50) r(i)")
    row = refresh(session, "PROMOTE IF accuracy >= incumbent.accuracy")
    assert row["decision"] == "kept"
    assert "does not know the class c" in row["reason"]
    row = refresh(session)
    assert row["decision"] == "promoted"
    assert "not compared" in row["reason"]


def test_a_metric_that_is_unknown_does_not_pass(session: Session) -> None:
    session.run("CREATE TABLE below AS SELECT i AS x, -2e0 * i - 5 AS y FROM range(40) r(i)")
    session.run(LINE.replace("points", "below"))
    row = refresh(session, "PROMOTE IF mean_squared_log_error < 5")
    assert row["decision"] == "kept"
    assert "NULL" in row["reason"]


def test_both_versions_are_scored_on_the_same_rows(session: Session) -> None:
    session.run(LINE)
    session.run("INSERT INTO points SELECT i, 5e0 * i FROM range(100, 140) r(i)")
    row = refresh(session, "PROMOTE IF FALSE")
    (own,) = rows_of(session, "SELECT * FROM ML.EVALUATE(MODEL line@2)")
    (old,) = rows_of(session, "SELECT * FROM ML.EVALUATE(MODEL line@1, TABLE points)")
    assert row["new_metrics"] == own
    assert row["old_metrics"] == pytest.approx(old), "80 rows are too few for a split, so all evaluate"
    assert row["decision"] == "kept"


# ---- All or nothing ----


def test_in_a_transaction_it_is_all_or_nothing(session: Session) -> None:
    session.run(LINE)
    session.run("BEGIN")
    session.run("INSERT INTO points VALUES (100, 200)")
    assert refresh(session)["rows"] == 41
    assert len(rows_of(session, "SHOW VERSIONS FROM MODEL line")) == 2
    session.run("ROLLBACK")
    assert len(rows_of(session, "SHOW VERSIONS FROM MODEL line")) == 1
    assert refresh(session)["rows"] == 40


def test_cancelled_it_leaves_nothing(session: Session) -> None:
    session.run("CREATE SCHEMA sales; CREATE TABLE sales.points AS FROM points; USE sales")
    session.run(LINE)
    session.run("USE main")

    def on_event(event: Any) -> None:
        if isinstance(event, StageStarted) and event.stage == "evaluating":
            session.cancel()

    with pytest.raises(OperationalError) as raised:
        session.run("REFRESH MODEL sales.line", on_event=on_event)
    assert raised.value.code == "cancelled"
    assert len(rows_of(session, "SHOW VERSIONS FROM MODEL sales.line")) == 1
    assert rows_of(session, "SELECT current_schema() AS s") == [{"s": "main"}]
    assert not session.in_transaction


def test_a_default_that_moved_meanwhile_is_a_conflict(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.run(LINE)
    refresh(session, "PROMOTE IF FALSE")
    other = open_session(session._engine.connection.cursor())  # type: ignore[attr-defined]
    add_version = session._catalog.add_version

    def after_another(*arguments: Any) -> int:
        other.run("ALTER MODEL line SET DEFAULT VERSION = 2")
        return add_version(*arguments)

    monkeypatch.setattr(session._catalog, "add_version", after_another)
    with pytest.raises(IntegrityError) as raised:
        session.run("REFRESH MODEL line")
    assert raised.value.code == "version_conflict"
    other.close()
    assert len(rows_of(session, "SHOW VERSIONS FROM MODEL line")) == 2


def test_data_that_cannot_be_learned_from_show_the_recorded_text(session: Session) -> None:
    session.run(LINE)
    session.run("INSERT INTO points VALUES (1, NULL)")
    with pytest.raises(DataError) as raised:
        session.run("REFRESH MODEL line")
    assert raised.value.code == "null_label"
    assert "of the statement recorded with line@1" in str(raised.value)


def test_other_kinds_of_model_are_refused_and_others_of_the_kind_taken(session: Session) -> None:
    session.run(LINE)
    with pytest.raises(ProgrammingError) as raised:
        session.run("REFRESH MODEL line OPTIONS (model_type = 'KMEANS')")
    assert (raised.value.code, raised.value.column) == ("model_task", 42)
    row = refresh(session, "OPTIONS (model_type = 'BOOSTED_TREE_REGRESSOR') PROMOTE IF r2_score > 2 AS trees")
    assert row["decision"] == "kept"
    assert {row["model_type"] for row in rows_of(session, "SELECT model_type FROM sqlml.model_versions")} == {
        "LINEAR_REG", "BOOSTED_TREE_REGRESSOR"
    }  # fmt: skip


def test_unchanged_data_in_another_order_are_unchanged(session: Session) -> None:
    session.run(LINE)
    session.run("CREATE OR REPLACE TABLE points AS FROM points ORDER BY x DESC")
    assert refresh(session, "IF DATA CHANGED")["decision"] == "unchanged"
    session.run("UPDATE points SET y = y + 1 WHERE x = 3")
    row = refresh(session, "IF DATA CHANGED")
    assert (row["decision"], row["new_version"]) == ("promoted", 2)


class open_then_close:  # noqa: N801 - read as a function, in a with statement
    def __init__(self, path: Path) -> None:
        self._session = open_session(str(path))

    def __enter__(self) -> Session:
        return self._session

    def __exit__(self, *_: object) -> None:
        self._session.close()


def test_a_recorded_effect_is_allowed_to_who_wrote_it(session: Session) -> None:
    session.run("CREATE SEQUENCE numbers")
    session.run(LINE.replace("SELECT x, y", "SELECT x + 0 * nextval('numbers') AS x, y"))
    assert refresh(session)["decision"] == "promoted"


def test_a_statement_that_was_not_recorded_whole_needs_its_value(session: Session) -> None:
    session.run(LINE + " WHERE x < $limit", {"limit": 30})
    catalog, key = session._catalog, ModelKey("test", "main", "line")
    stored = catalog.load(key)
    unknown, _ = encode_parameters({"limit": object()})
    catalog.publish(key, replace(stored.record, parameters=unknown), stored.arrays, replace=True)
    session.run("SET sqlml.allow_recorded_queries = true")
    with pytest.raises(ProgrammingError, match=r"WITH \(limit") as raised:
        refresh(session)
    assert raised.value.code == "missing_parameter"
    assert refresh(session, "WITH (limit = 20)")["rows"] == 20


def test_a_model_that_predicted_under_its_old_name_is_refreshed_under_the_new_one() -> None:
    with sqlml.connect() as connection:
        connection.execute("CREATE TABLE known AS SELECT i AS x, i * 2 AS y FROM range(20) AS r(i)")
        connection.execute("CREATE MODEL early OPTIONS (model_type = 'linear_reg', input_label_cols = ['y']) AS SELECT x, y FROM known")
        assert len(connection.execute("FROM ML.PREDICT(MODEL early, TABLE known)").fetchall()) == 20
        connection.execute("ALTER MODEL early RENAME TO late")
        assert connection.execute("REFRESH MODEL late").fetchall()[0][:4] == ("late", 1, 2, "promoted")
