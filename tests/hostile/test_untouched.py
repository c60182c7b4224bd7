"""What the other tests rest on: an unharmed database answers all of their statements, and a harmed one is told from it."""

from __future__ import annotations

from pathlib import Path

import pytest
import sample_models
from forging import Tripwire, attacker
from victim import Victim, assert_harmless


@pytest.mark.parametrize("model", sample_models.MODELS)
def test_an_honest_database_answers_everything(database: Path, victim: Victim, model: str) -> None:
    with attacker(database):
        pass
    answers = victim.run(database, sample_models.statements(model))
    assert_harmless(answers)
    assert answers.codes() <= {"", "function_not_applicable", "without_p_values"}


def test_a_tripwire_notices(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    wire = Tripwire(tmp_path)
    assert wire.touched() == []
    (tmp_path / "file").read_text()
    assert wire.touched() == ["file"]
    wire.close()


def test_a_victim_that_dies_or_surprises_is_noticed(database: Path, victim: Victim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("victim.SECONDS", 1)
    assert "hung" in victim.run(database, ["SELECT count(*) FROM range(100000000000) a(i) WHERE hash(i) = 1"]).died
    monkeypatch.undo()
    assert victim.run(database, ["SHOW MODELS"]).codes() == {""}
