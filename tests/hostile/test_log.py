"""Names, events and records under any content that their columns admit: an error of ours at most, whatever is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
import sample_models
from forging import attacker, model_id
from victim import Victim, assert_harmless

DAMAGE = [
    "UPDATE sqlml._events SET sequence = 2147483647 WHERE model_id = '{id}' AND event = 'version_published' AND version = 1",
    "UPDATE sqlml._events SET happened_at = '290000-01-01'",
    "UPDATE sqlml._events SET happened_at = 'infinity'",
    "UPDATE sqlml._events SET created_at = '290000-01-01 (BC)'",
    "UPDATE sqlml._events SET expires_at = '-infinity'",
    "UPDATE sqlml._events SET aliases = MAP {{'champion': 7}}",
    "UPDATE sqlml._events SET aliases = MAP {{'champion': NULL}}",
    "UPDATE sqlml._events SET aliases = MAP {{'champion': -2147483648}}",
    "UPDATE sqlml._events SET aliases = MAP(list_transform(range(500000), lambda x: 'a' || x), list_resize([1], 500000, 1)) WHERE model_id = '{id}'",
    "UPDATE sqlml._events SET labels = MAP {{'a': NULL}}",
    "UPDATE sqlml._events SET labels = MAP {{'\x1b[31m': '\u202e'}}, description = chr(0) || chr(27)",
    "UPDATE sqlml._events SET default_version = 99, last_version = 99",
    "UPDATE sqlml._events SET default_version = -1",
    "UPDATE sqlml._events SET default_version = NULL",
    "UPDATE sqlml._events SET last_version = 2147483647",
    "UPDATE sqlml._events SET n_versions = -2147483648",
    "UPDATE sqlml._events SET model_type = NULL",
    "DELETE FROM sqlml._events",
    "UPDATE sqlml._names SET sequence = 2147483647",
    "UPDATE sqlml._names SET sequence = -2147483648",
    "UPDATE sqlml._names SET model_id = 'nobody'",
    "UPDATE sqlml._names SET model_id = '{id}'",
    "UPDATE sqlml._names SET model_name = 'another', schema_name = 'nowhere'",
    "UPDATE sqlml._names SET model_name = repeat('n', 16000000) WHERE model_id = '{id}'",
    "UPDATE sqlml._names SET model_name = '', schema_name = ''",
    "INSERT INTO sqlml._names SELECT _names.* REPLACE ('copy ' || i AS name_key, 'copy ' || i AS model_name) FROM sqlml._names, range(2000) r(i) WHERE model_id = '{id}'",
    "UPDATE sqlml._versions SET options = MAP {{'x': repeat('[', 1000000)}}",
    "UPDATE sqlml._versions SET options = MAP {{'x': '1' || repeat('0', 5000)}}",
    "UPDATE sqlml._versions SET options = MAP {{'x': '1e400'}}",
    "UPDATE sqlml._versions SET options = MAP {{'x': repeat('{{\"a\":', 100000)}}",
    "UPDATE sqlml._versions SET options = MAP {{}}",
    "UPDATE sqlml._versions SET options = MAP(map_keys(options), list_transform(map_keys(options), lambda x: '[[1, 2], null]'))",
    "UPDATE sqlml._versions SET options = MAP(map_keys(options), list_transform(map_keys(options), lambda x: '\"x\"'))",
    "UPDATE sqlml._versions SET options = MAP(map_keys(options), list_transform(map_keys(options), lambda x: 'null'))",
    "UPDATE sqlml._versions SET options = MAP(list_transform(range(100000), lambda x: 'o' || x), list_resize(['1'], 100000, '1'))",
    "UPDATE sqlml._versions SET statement = 'CREATE MODEL ' || chr(27) || ']0;title' || chr(7) || chr(8238)",
    "UPDATE sqlml._versions SET statement = repeat('(', 1000000)",
    "UPDATE sqlml._versions SET classes = []",
    "UPDATE sqlml._versions SET classes = ['x']",
    "UPDATE sqlml._versions SET classes = ['x', 'y', 'z']",
    "UPDATE sqlml._versions SET classes = list_resize(['x'], 500000, 'x') WHERE model_type = 'LINEAR_REG'",
    "UPDATE sqlml._versions SET classes = list_transform(classes, lambda x: 'x')",
    "UPDATE sqlml._versions SET classes = list_reverse(classes)",
    "UPDATE sqlml._versions SET label = NULL, label_type = NULL",
    "UPDATE sqlml._versions SET label = 'x\"; DROP TABLE houses; --'",
    "UPDATE sqlml._versions SET label_type = 'VARCHAR); DROP TABLE houses; --'",
    "UPDATE sqlml._versions SET label_type = 'INTEGER[](SELECT content FROM read_text(''secret/secret.csv''))'",
    "UPDATE sqlml._versions SET n_rows = -9223372036854775808, n_train = 9223372036854775807, n_eval = -1, seed = -1, duration_ms = -1",
    "UPDATE sqlml._versions SET created_at = '290000-01-01'",
    "UPDATE sqlml._features SET name = 'x\"; DROP TABLE houses; --'",
    "UPDATE sqlml._features SET name = 'same'",
    "UPDATE sqlml._features SET sql_type = 'DOUBLE); DROP TABLE houses; --'",
    "UPDATE sqlml._features SET sql_type = repeat('STRUCT(a ', 100000)",
    "UPDATE sqlml._features SET sql_type = 'STRUCT(' || repeat('\"\"', 100000)",
    "UPDATE sqlml._features SET mean = 'nan'::DOUBLE, minimum = 'inf'::DOUBLE, category_count = -1, dimension = 9223372036854775807",
    "UPDATE sqlml._metrics SET metric = 'same'",
    "UPDATE sqlml._metrics SET metric = repeat('m', 1000000), value = 'nan'::DOUBLE",
    "UPDATE sqlml._metrics SET position = position + 1",
    "UPDATE sqlml._iterations SET loss = 'nan'::DOUBLE, iteration = 9223372036854775807, duration_ms = -9223372036854775808",
    "UPDATE sqlml._iterations SET cluster_info = list_resize([{{'centroid_id': 1, 'cluster_radius': 1, 'cluster_size': 1}}], 100000)",
    "UPDATE sqlml._sources SET name = '../../etc/passwd', kind = 'file'",
    "UPDATE sqlml._sources SET part_of = position",
    "UPDATE sqlml._sources SET part_of = 2147483647, n_rows = -1",
    "UPDATE sqlml._format SET applied_at = 'infinity'",
    "DELETE FROM sqlml._versions",
    "DELETE FROM sqlml._state",
]  # fmt: skip


@pytest.mark.parametrize("change", DAMAGE)
def test_a_row_that_says_something_else(database: Path, secret: Path, victim: Victim, change: str) -> None:
    with attacker(database) as connection:
        connection.execute(change.format(id=model_id(connection, "big")))
    answers = victim.run(database, [text for model in ("price", "big", "groups") for text in sample_models.statements(model)])
    assert_harmless(answers)
    assert victim.run(database, ["SELECT count(*) FROM houses"]).statements[0].rows == [["300"]]


@pytest.mark.parametrize("model", sample_models.MODELS)
def test_an_alias_or_a_default_of_a_version_that_is_not_there(database: Path, victim: Victim, model: str) -> None:
    with attacker(database) as connection:
        connection.execute("UPDATE sqlml._events SET default_version = 2, last_version = 5, aliases = MAP {'gone': 4}")
    answers = victim.run(
        database, [*sample_models.statements(model)[:8], f"DESCRIBE MODEL {model}@gone", f"DROP MODEL {model}@gone", f"DROP MODEL {model}"]
    )
    assert_harmless(answers)
    assert next(answer for answer in answers.statements if "@gone" in answer.statement).code in {
        "unknown_version",
        "damaged_state",
        "unknown_alias",
    }


def test_two_models_that_claim_one_id(database: Path, victim: Victim) -> None:
    with attacker(database) as connection:
        connection.execute(f"UPDATE sqlml._names SET model_id = '{model_id(connection, 'price')}' WHERE name_key = 'trees'")
    answers = victim.run(database, sample_models.statements("trees") + sample_models.statements("price"))
    assert_harmless(answers)
