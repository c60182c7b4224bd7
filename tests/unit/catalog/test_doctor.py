"""What the doctor finds in a catalog, and what repairing removes of it."""

from __future__ import annotations

import datetime

import pytest
from catalog_samples import arrays, key, record

from sqlml.catalog.doctor import Examination, examine
from sqlml.catalog.records import ModelKey, StoredVersion
from sqlml.catalog.store import Catalog
from sqlml.catalog.unreachable import remove_unreachable
from sqlml.catalog.view_checks import make_views
from sqlml.engines.duckdb import DuckDBEngine
from sqlml.state import damaged_state

KEY = key()
NOW = datetime.datetime(2026, 1, 2, 4)


def accept(version: StoredVersion) -> None:
    """No version is refused for what it says."""


def examined(engine: DuckDBEngine, *, keep_versions: int | None = None) -> Examination:
    return examine(engine, "db", accept, keep_versions=keep_versions, now=NOW)


def kinds(found: Examination) -> list[tuple[str, str | None, int | None]]:
    return [(finding.kind, finding.model, finding.version) for finding in found.findings]


def publish(catalog: Catalog, *names: str, versions: int = 1) -> None:
    for name in names:
        for _ in range(versions):
            catalog.publish(key(name), record(), arrays(), replace=True)


def test_a_database_without_models_is_healthy(engine: DuckDBEngine) -> None:
    found = examined(engine)
    assert (found.format, found.findings, found.versions) == (0, [], [])


def test_a_healthy_catalog(catalog: Catalog, engine: DuckDBEngine) -> None:
    publish(catalog, "churn", versions=3)
    publish(catalog, "Other", "gone")
    catalog.set_alias(KEY, "champion", 2)
    catalog.drop(key("gone"))
    catalog.drop_version(KEY, 1)
    found = examined(engine)
    assert found.findings == []
    versions = sorted((v.model, v.version, v.model_type, v.is_default, v.aliases, v.damage, v.is_surplus) for v in found.versions)
    assert versions == [
        ("Other", 1, "KMEANS", True, (), None, False),
        ("churn", 2, "KMEANS", False, ("champion",), None, False),
        ("churn", 3, "KMEANS", True, (), None, False),
    ]
    # 3,000 + 6 + 5 + 1 numbers, one more of the encoding, and texts of some 5,000 bytes.
    assert all(8 * 3013 + 5000 < version.n_bytes < 8 * 3013 + 5100 for version in found.versions)
    assert [version.n_rows for version in found.versions] == [21, 21, 21]


def test_a_version_that_does_not_match_its_checksum_is_named_and_the_others_are_examined(catalog: Catalog, engine: DuckDBEngine) -> None:
    publish(catalog, "churn", "other", versions=2)
    engine.rows(
        "UPDATE sqlml._state SET floats = list_reverse(floats) WHERE section = 'state' AND name = 'weights' AND chunk = 1 AND version = 1 "
        "AND model_id = (SELECT model_id FROM sqlml._names WHERE name_key = 'churn')"
    )
    engine.rows(
        "DELETE FROM sqlml._state WHERE name = 'scalar' AND version = 2 AND model_id = (SELECT model_id FROM sqlml._names WHERE name_key = 'other')"
    )
    found = examined(engine)
    assert sorted(kinds(found)) == [("damaged_version", "churn", 1), ("damaged_version", "other", 2)]
    assert {(v.model, v.version): v.damage is None for v in found.versions} == {
        ("churn", 1): False, ("churn", 2): True, ("other", 1): True, ("other", 2): False,
    }  # fmt: skip
    assert "checksum" in next(finding.message for finding in found.findings if finding.model == "churn")


def test_what_loading_refuses_is_damage(catalog: Catalog, engine: DuckDBEngine) -> None:
    publish(catalog, "churn", versions=2)

    def refuse(version: StoredVersion) -> None:
        if version.version == 1:
            raise damaged_state("its trees have a cycle")
        raise ZeroDivisionError("nobody expected this")

    found = examine(engine, "db", refuse, keep_versions=None, now=NOW)
    assert [finding.kind for finding in found.findings] == ["damaged_version"] * 2
    assert ["cycle" in found.findings[0].message, "nobody expected this" in found.findings[1].message] == [True, True]


def test_versions_that_the_log_names_and_that_are_gone(catalog: Catalog, engine: DuckDBEngine) -> None:
    publish(catalog, "churn", versions=3)
    catalog.set_alias(KEY, "champion", 2)
    for version in (2, 3):
        for table in ("_versions", "_metrics", "_iterations", "_features", "_sources", "_state"):
            engine.rows(f"DELETE FROM sqlml.{table} WHERE version = {version}")
    found = examined(engine)
    assert sorted(kinds(found), key=str) == sorted(
        [("lost_version", "churn", 2), ("lost_version", "churn", 3), ("lost_version", "churn", None)], key=str
    )
    assert len(found.problems) == 3


def test_a_version_whose_record_is_gone_keeps_its_rows(catalog: Catalog, engine: DuckDBEngine) -> None:
    publish(catalog, "churn", versions=2)
    engine.rows("DELETE FROM sqlml._versions WHERE version = 1")
    found = examined(engine)
    assert ("lost_record", "churn", 1) in kinds(found)
    assert found.unreachable == []
    assert remove_unreachable(engine, "db") == []


def test_names_and_logs_that_do_not_meet(catalog: Catalog, engine: DuckDBEngine) -> None:
    publish(catalog, "a", "b", "c", "d")
    ids = dict(engine.rows("SELECT model_name, model_id FROM sqlml._names"))
    engine.rows(f"DELETE FROM sqlml._events WHERE model_id = '{ids['a']}'")
    engine.rows(f"DELETE FROM sqlml._names WHERE model_id = '{ids['b']}'")
    engine.rows(f"UPDATE sqlml._events SET default_version = 7 WHERE model_id = '{ids['c']}' AND sequence = 2")
    engine.rows("INSERT INTO sqlml._names SELECT * REPLACE ('e' AS name_key, 'e' AS model_name) FROM sqlml._names WHERE name_key = 'd'")
    found = examined(engine)
    assert {(finding.kind, finding.model) for finding in found.problems} == {
        ("lost_log", "a"), ("lost_name", ids["a"]), ("lost_name", ids["b"]), ("damaged_log", "c"), ("lost_name", ids["c"]), ("damaged_log", "e"),
    }  # fmt: skip
    assert found.unreachable == []
    assert all(version.damage is None for version in found.versions)
    assert len(found.versions) == 4


def test_an_expired_model_and_what_retention_would_drop_are_no_problems(catalog: Catalog, engine: DuckDBEngine) -> None:
    publish(catalog, "churn", versions=5)
    publish(catalog, "old")
    catalog.set_alias(KEY, "champion", 1)
    catalog.set_default(KEY, 2)
    catalog.set_options(key("old"), {"expiration_timestamp": datetime.datetime(2026, 1, 2, 3, 30)})
    found = examined(engine, keep_versions=2)
    assert kinds(found) == [("expired", "old", None)]
    assert found.problems == []
    assert [(v.model, v.version) for v in found.versions if v.is_surplus] == [("churn", 3)]
    assert not any(version.is_surplus for version in examined(engine).versions)


def test_a_strangers_schema_and_shadowing_macros(catalog: Catalog, engine: DuckDBEngine) -> None:
    publish(catalog, "churn")
    engine.rows("CREATE MACRO sum(x) AS 7")
    engine.rows("CREATE TABLE sqlml.notes(x INTEGER)")
    engine.rows("CREATE VIEW sqlml.more AS SELECT 1 AS x")
    assert [finding.kind for finding in examined(engine).findings] == ["shadowed_builtin", "foreign_object", "foreign_object"]
    engine.rows("ALTER TABLE sqlml._metrics ADD COLUMN more VARCHAR")
    found = examined(engine)
    assert [finding.kind for finding in found.problems] == ["shadowed_builtin", "foreign_catalog"]
    assert found.versions == []


def leave_rows(engine: DuckDBEngine, model_id: str, version: int) -> None:
    """Rows as a crash of some other program might leave them."""
    engine.rows(f"INSERT INTO sqlml._metrics VALUES ('{model_id}', {version}, 0, 'loss', 1.0)")
    engine.rows(f"INSERT INTO sqlml._state VALUES ('{model_id}', {version}, 'state', 'w', 0, [1], NULL, [1.0], NULL)")


def test_repair_removes_what_nothing_can_reach_and_nothing_else(catalog: Catalog, engine: DuckDBEngine) -> None:
    publish(catalog, "churn", "gone", versions=3)
    ids = {str(name): str(model_id) for name, model_id in engine.rows("SELECT model_name, model_id FROM sqlml._names")}
    catalog.drop_version(KEY, 2)
    catalog.drop(key("gone"))
    before = [catalog.load(KEY, version) for version in (1, 3)]
    leave_rows(engine, ids["churn"], 2)
    leave_rows(engine, ids["churn"], 9)
    leave_rows(engine, ids["gone"], 1)
    leave_rows(engine, "nobody", 1)
    found = examined(engine)
    assert [finding.kind for finding in found.problems] == ["unreachable_rows"] * 4
    expected = {
        (ids["churn"], 2, "dropped_version"),
        (ids["churn"], 9, "unpublished"),
        (ids["gone"], 1, "dropped_model"),
        ("nobody", 1, "unknown_model"),
    }
    assert {(row.model_id, row.version, row.cause) for row in found.unreachable} == expected
    removed = remove_unreachable(engine, "db")
    assert {(row.model_id, row.version, row.cause) for row in removed} == expected
    assert [row.n_rows for row in removed] == [2] * 4
    assert examined(engine).findings == []
    after = [catalog.load(KEY, version) for version in (1, 3)]
    assert [version.checksum for version in after] == [version.checksum for version in before]
    assert remove_unreachable(engine, "db") == []


@pytest.mark.parametrize("reached", ["default", "alias"])
def test_repair_never_removes_what_a_name_reaches(catalog: Catalog, engine: DuckDBEngine, reached: str) -> None:
    publish(catalog, "churn", versions=3)
    if reached == "alias":
        catalog.set_alias(KEY, "champion", 2)
    else:
        catalog.set_default(KEY, 2)
    # A log that contradicts itself: what was dropped is pointed at, and the last version was never published.
    engine.rows("UPDATE sqlml._events SET event = 'version_dropped', version = 2 WHERE sequence = 3")
    assert remove_unreachable(engine, "db") == []
    assert catalog.load(KEY, 2).version == 2


def test_models_that_are_copied_and_models_that_are_read_in_place_are_examined_alike(
    catalog: Catalog, engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(catalog, "a", "b", "c", versions=2)
    engine.rows("UPDATE sqlml._metrics SET value = 1 WHERE version = 2 AND position = 0")
    copied = examined(engine)
    monkeypatch.setattr("sqlml.catalog.doctor._COPIED_VERSIONS", 3)
    assert examined(engine) == copied
    monkeypatch.setattr("sqlml.catalog.doctor._COPIED_BYTES", 10)
    assert examined(engine) == copied
    assert [v.damage is None for v in copied.versions] == [True, False] * 3
    assert set(engine.databases()) == {"db"}


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ("DROP VIEW sqlml.models", "lost_view", "view sqlml.models is gone"),
        (
            "CREATE OR REPLACE VIEW sqlml.models AS SELECT * FROM read_text('/etc/hostname')",
            "changed_view",
            "is not the one that sqlml makes",
        ),
        ("CREATE OR REPLACE VIEW sqlml.models AS SELECT * FROM (FROM sqlml._names)", "changed_view", "--repair makes it anew"),
        ("ALTER VIEW sqlml.runs RENAME TO other", "lost_view", "view sqlml.runs is gone"),
    ],
)
def test_views_that_are_gone_or_say_something_else_are_made_anew(
    catalog: Catalog, engine: DuckDBEngine, change: str, kind: str, says: str
) -> None:
    publish(catalog, "churn")
    before = engine.rows("SELECT view_name, sql FROM duckdb_views() WHERE schema_name = 'sqlml' ORDER BY ALL")
    engine.rows(change)
    found = examined(engine)
    assert [finding.kind for finding in found.problems] == [kind]
    assert says in found.problems[0].message
    make_views(engine, "db", found.broken_views)
    assert examined(engine).problems == []
    after = engine.rows("SELECT view_name, sql FROM duckdb_views() WHERE schema_name = 'sqlml' AND view_name <> 'other' ORDER BY ALL")
    assert after == before
    assert set(engine.databases()) == {"db"}


def test_a_table_in_place_of_a_view_is_left_for_its_owner(catalog: Catalog, engine: DuckDBEngine) -> None:
    publish(catalog, "churn")
    engine.rows("DROP VIEW sqlml.models")
    engine.rows("CREATE TABLE sqlml.models AS SELECT 1 AS x")
    found = examined(engine)
    assert [(finding.kind, finding.is_problem) for finding in found.findings] == [("lost_view", True)]
    assert found.broken_views == []


def test_models_whose_schema_is_gone_are_named(catalog: Catalog, engine: DuckDBEngine) -> None:
    engine.rows('CREATE SCHEMA "S t"')
    publish(catalog, "churn")
    catalog.publish(ModelKey("db", "S t", "foo"), record(), arrays())
    engine.rows('DROP SCHEMA "S t"')
    found = examined(engine)
    assert [(finding.kind, finding.model, finding.message) for finding in found.problems] == [
        ("lost_schema", '"S t".foo', 'schema "S t" of model "S t".foo is gone; CREATE SCHEMA "S t" brings it back')
    ]
    engine.rows('CREATE SCHEMA "s T"')
    assert examined(engine).findings == []
