"""Training and predicting over the DB-API."""

from __future__ import annotations

import threading
import time

import pytest

import sqlml

BIRDS = """
CREATE TABLE birds AS
SELECT CASE range % 3 WHEN 0 THEN 'adelie' WHEN 1 THEN 'gentoo' ELSE 'chinstrap' END AS species,
       CASE WHEN range % 10 = 0 THEN NULL ELSE 180 + range % 50 END AS flipper,
       3000 + 10 * (range % 50) + 100 * (range % 3) AS mass
FROM range(300)
"""
TRAIN = "CREATE OR REPLACE MODEL weight OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['mass']) AS SELECT * FROM birds"


@pytest.fixture
def birds(connection: sqlml.Connection) -> sqlml.Connection:
    connection.execute(BIRDS)
    return connection


def test_train_and_predict(birds: sqlml.Connection) -> None:
    cursor = birds.execute(TRAIN)
    assert cursor.description is None
    assert cursor.statusmessage.startswith("model ")
    assert "version 1" in cursor.statusmessage
    rows = birds.execute("SELECT predicted_mass, mass FROM ML.PREDICT(MODEL weight, TABLE birds) WHERE flipper IS NOT NULL").fetchall()
    assert len(rows) == 270
    assert all(abs(predicted - mass) < 60 for predicted, mass in rows)


def test_notices_are_messages(birds: sqlml.Connection) -> None:
    cursor = birds.execute(TRAIN)
    assert cursor.messages
    assert birds.messages == cursor.messages
    for kind, message in cursor.messages:
        assert kind is sqlml.Warning
        assert isinstance(message, sqlml.Warning)
        assert message.code
    assert any("flipper" in str(message) for _, message in cursor.messages)
    cursor.execute("SELECT 1")
    assert cursor.messages == []
    assert birds.messages == []


def test_columns_are_known_before_a_row_is_read(birds: sqlml.Connection) -> None:
    birds.execute(TRAIN)
    cursor = birds.execute("SELECT * FROM ML.PREDICT(MODEL weight, (SELECT * FROM birds LIMIT 0))")
    assert cursor.description is not None
    assert [column[0] for column in cursor.description] == ["predicted_mass", "species", "flipper", "mass"]
    assert cursor.description[0][1] == sqlml.NUMBER
    assert cursor.fetchall() == []


def test_parameters_reach_the_inner_query(birds: sqlml.Connection) -> None:
    birds.execute(TRAIN)
    query = "SELECT count(*) FROM ML.PREDICT(MODEL weight, (SELECT * FROM birds WHERE species = {})) WHERE predicted_mass > {}"
    assert birds.execute(query.format("?", "?"), ["gentoo", 0]).fetchone() == (100,)
    assert birds.execute(query.format("$kind", "$least"), {"kind": "gentoo", "least": 1e9}).fetchone() == (0,)


def test_an_error_has_code_place_and_hint(birds: sqlml.Connection) -> None:
    with pytest.raises(sqlml.ProgrammingError) as caught:
        birds.execute("CREATE MODEL m\n  OPTIONS (model_type = 'LINEAR_REG', learn_rat = 0.5) AS SELECT 1 AS y")
    error = caught.value
    assert (error.code, error.line, error.column) == ("unknown_option", 2, 39)
    assert error.hint == "did you mean learn_rate?"


def test_a_model_rolled_back_is_gone(birds: sqlml.Connection) -> None:
    birds.execute("BEGIN")
    birds.execute(TRAIN)
    assert birds.execute("SELECT count(*) FROM ML.PREDICT(MODEL weight, TABLE birds)").fetchone() == (300,)
    birds.rollback()
    with pytest.raises(sqlml.ProgrammingError) as caught:
        birds.execute("SELECT * FROM ML.PREDICT(MODEL weight, TABLE birds)")
    assert caught.value.code == "unknown_model"


def test_interrupt_in_the_middle_of_training(birds: sqlml.Connection) -> None:
    timer = threading.Timer(0.7, birds.interrupt)
    timer.start()
    started = time.monotonic()
    with pytest.raises(sqlml.OperationalError) as caught:
        birds.execute(
            "CREATE MODEL slow OPTIONS (model_type = 'BOOSTED_TREE_REGRESSOR', input_label_cols = ['y'], max_iterations = 5000, "
            "early_stop = FALSE, data_split_method = 'NO_SPLIT') AS SELECT random() AS a, random() AS b, random() AS y FROM range(200000)"
        )
    timer.join()
    assert caught.value.code == "cancelled"
    assert time.monotonic() - started < 2.0
    assert birds.execute("SHOW MODELS").fetchall() == []


def test_events_of_a_training() -> None:
    events: list[object] = []
    with sqlml.connect(on_event=events.append) as connection:
        connection.execute(BIRDS)
        connection.execute(TRAIN)
    names = [type(event).__name__ for event in events]
    assert names[0] == "StatementStarted"
    assert "StageStarted" in names
    assert "Notice" in names
