"""Every script of sql_examples runs, as `sqlml run` runs it, and says what it promises."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import sqlml
from sqlml.cli.main import main

EXAMPLES = Path(__file__).parents[2] / "sql_examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.sql"))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder like the project's root, so that a script may write where it stands."""
    shutil.copytree(EXAMPLES, tmp_path / "sql_examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where what a script left is kept: it runs once for the tests of what it did and of doing it again."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def run(project, kept, capsys):
    """Runs a script on a database file and opens what it left."""

    def run(script: str, *, again: bool = False) -> sqlml.Connection:
        if again or not (kept / script).exists():
            code = main(["run", f"sql_examples/{script}", "--database", "example.duckdb"])
            out, err = capsys.readouterr()
            assert code == 0, err
            assert out
            if not again:
                shutil.copytree(project, kept / script)
        else:
            shutil.copytree(kept / script, project, dirs_exist_ok=True)
        return sqlml.connect("example.duckdb", read_only=True)

    return run


def test_every_script_is_tested():
    tested = {name for name in globals() if name.startswith("test_")}
    assert {f"test_{Path(script).stem}" for script in SCRIPTS} <= tested


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_can_run_again_on_its_database(script, run):
    run(script).close()
    run(script, again=True).close()


def test_quickstart(run):
    with run("quickstart.sql") as connection:
        assert connection.execute("SELECT model_name, default_version FROM sqlml.models").fetchall() == [("body_mass", 1)]
        ((r2,),) = connection.execute("SELECT r2_score FROM ML.EVALUATE(MODEL body_mass)").fetchall()
        assert r2 == pytest.approx(0.8723738276892019, rel=1e-9)  # scikit-learn's, for the same columns one-hot encoded and imputed
        groups = connection.execute(
            "SELECT count(*), count(predicted_body_mass_g), avg(predicted_body_mass_g - body_mass_g) FROM ML.PREDICT(MODEL body_mass, TABLE penguins)"
        ).fetchall()
        assert groups == [(344, 344, pytest.approx(0.0, abs=1e-6))]  # least squares with an intercept errs by 0 on average


def test_census_income(run):
    with run("census_income.sql") as connection:
        areas = dict(connection.execute("SELECT model, roc_auc FROM comparison").fetchall())
        assert areas["logistic regression"] == pytest.approx(0.907, abs=0.01)
        assert areas["boosted trees"] == pytest.approx(0.928, abs=0.01)
        splits = connection.execute("SELECT DISTINCT n_rows, n_train, n_eval FROM sqlml.model_versions").fetchall()
        assert len(splits) == 1
        (n_rows, _, n_eval) = splits[0]
        assert n_rows == 32_561
        assert n_eval == pytest.approx(n_rows / 4, rel=0.03)


def test_feature_engineering(run):
    with run("feature_engineering.sql") as connection:
        areas = dict(connection.execute("SELECT model, roc_auc FROM engineered").fetchall())
        assert areas["logistic regression"] == pytest.approx(0.914, abs=0.01)
        assert areas["boosted trees"] == pytest.approx(0.926, abs=0.01)
        # What the TRANSFORM_ONLY model keeps are the quantiles and extremes of the raw columns, so the table says it, too.
        ((median, low, high, largest),) = connection.execute("""
            SELECT quantile_disc(age, 0.5), quantile_disc(age, 0.25), quantile_disc(age, 0.75), max(abs(capital_gain)) FROM census
        """).fetchall()
        raw, prepared = (
            connection.execute(f"SELECT age, capital_gain FROM {source} ORDER BY ALL").fetchall()
            for source in ("census", "ML.TRANSFORM(MODEL prepared, TABLE census)")
        )
        assert len(prepared) == 32_561
        assert prepared == [(pytest.approx((age - median) / (high - low)), pytest.approx(gain / largest)) for age, gain in raw]
        # The models judge the raw columns of rows that they were not trained on, and a row without a label gets a prediction.
        ((n_rows, n_eval),) = connection.execute(
            "SELECT n_rows, n_eval FROM sqlml.model_versions WHERE model_name = 'income_linear' ORDER BY version DESC LIMIT 1"
        ).fetchall()
        assert (n_rows, n_eval) == (32_561, pytest.approx(n_rows / 4, rel=0.03))
        unlabelled = "SELECT * EXCLUDE (income_bracket) FROM census"
        ((agreeing, everyone),) = connection.execute(f"""
            SELECT count(*) FILTER (a.predicted_income_bracket = b.predicted_income_bracket), count(*)
            FROM (FROM ML.PREDICT(MODEL income_linear, ({unlabelled}))) AS a
            POSITIONAL JOIN (FROM ML.PREDICT(MODEL income_linear, TABLE census)) AS b
        """).fetchall()
        assert agreeing == everyone == 32_561


def test_clusters(run):
    with run("clusters.sql") as connection:
        # Gentoo penguins are a group of their own; Adelie and Chinstrap are mixed.
        purity = connection.execute(
            "SELECT max(n) / sum(n) FROM (SELECT centroid_id, count(*) AS n FROM grouped WHERE species LIKE 'Gentoo%' GROUP BY centroid_id)"
        ).fetchall()
        assert purity == [(1.0,)]
        assert connection.execute("SELECT count(DISTINCT centroid_id), count(*) FROM grouped").fetchall() == [(3, 342)]
        ((explained,),) = connection.execute("SELECT total_explained_variance_ratio FROM ML.EVALUATE(MODEL axes)").fetchall()
        assert explained == pytest.approx(0.8815679694372629, rel=1e-9)  # scikit-learn's, of the standardised columns


def test_partitioned(run, project):
    with run("partitioned.sql") as connection:
        assert connection.execute("SELECT n_rows FROM sqlml.model_versions").fetchall() == [(291,)]
        rows = connection.execute("SELECT island, count(*), count(predicted_body_mass_g) FROM scored GROUP BY island").fetchall()
        assert rows == [("Torgersen", 51, 51)]
        error = connection.execute("SELECT avg(abs(predicted_body_mass_g - body_mass_g)) FROM scored").fetchall()
        assert error[0][0] < 350
    assert sorted(path.name for path in (project / "penguins_by_island").iterdir()) == ["island=Biscoe", "island=Dream", "island=Torgersen"]


def test_versions(run, project):
    with run("versions.sql") as connection:

        def rows(query: str) -> list[tuple]:
            return connection.execute(query).fetchall()

        # Version 2 was dropped, and what was rolled back left neither a version nor a table.
        assert rows("SELECT model_name, version, is_default FROM sqlml.model_versions") == [
            ("body_mass", 1, True), ("body_mass_restored", 1, True)
        ]  # fmt: skip
        assert rows("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'predictions'") == [(0,)]
        assert rows("SELECT model_name, alias, version FROM sqlml.model_aliases") == [
            ("body_mass", "champion", 1), ("body_mass_restored", "champion", 1)
        ]  # fmt: skip
        first, second = (
            rows(f"SELECT predicted_body_mass_g FROM ML.PREDICT(MODEL {name}, TABLE penguins)")
            for name in ("body_mass", "body_mass_restored")
        )
        assert first == second
        assert len(first) == 333
        history = rows("SELECT event FROM sqlml.model_events WHERE model_name LIKE 'body_mass%' GROUP BY ALL")
        assert {"created", "version_published", "alias_set", "default_changed", "alias_dropped", "version_dropped", "imported"} == {
            event for (event,) in history
        }
    assert (project / "body_mass_exported" / "manifest.json").is_file()


def test_nightly_refresh(run):
    nights = []
    for _ in range(4):
        with run("nightly_refresh.sql", again=True) as connection:
            nights.append(connection.execute("SELECT version, is_default, n_rows FROM sqlml.model_versions").fetchall())
            ((n_rows, n_versions, used),) = connection.execute(
                "SELECT count(*), count(DISTINCT version), max(version) FROM scored"
            ).fetchall()
        # All rows are scored by one version, which is the one in use.
        assert (n_rows, n_versions, used) == (nights[-1][-1][2], 1, nights[-1][-1][0])
    # An island a night, a version for each; on the fourth night nothing has changed, and nothing is trained.
    assert nights[2] == [(1, False, 163), (2, False, 286), (3, True, 333)]
    assert nights[3] == nights[2]


def test_explain_and_compare(run):
    with run("explain_and_compare.sql") as connection:

        def rows(query: str) -> list[tuple]:
            return connection.execute(query).fetchall()

        # Baseline and attributions add up to the prediction, which is the log odds of the probability of ML.PREDICT.
        explained = rows("""
            SELECT baseline_prediction_value, list_transform(top_feature_attributions, lambda a: a.attribution), prediction_value, odds
            FROM explained INNER JOIN (
              SELECT person, ln(p.prob / (1 - p.prob)) AS odds FROM (
                SELECT *, unnest(predicted_income_bracket_probs) AS p FROM ML.PREDICT(MODEL income@2, TABLE held_out))
              WHERE p.label = predicted_income_bracket) USING (person)
        """)
        assert len(explained) == 3
        for baseline, attributions, value, odds in explained:
            assert len(attributions) == 11  # every column of the training rows but the label
            assert [abs(attribution) for attribution in attributions] == sorted(map(abs, attributions), reverse=True)
            assert value == pytest.approx(baseline + sum(attributions), abs=1e-12)
            assert value == pytest.approx(odds, abs=1e-6)  # XGBoost's probabilities have seven digits

        # The four cells are those of the predictions; bins and deciles hold every row once, and observe as many who earn more.
        predicted = "FROM ML.PREDICT(MODEL income@2, TABLE held_out)"
        cells = dict(rows(f"SELECT income_bracket || predicted_income_bracket, count(*) {predicted} GROUP BY ALL"))
        assert rows("SELECT * FROM ML.CONFUSION_MATRIX(MODEL income@2, TABLE held_out)") == [
            (label, cells[f"{label}<=50K"], cells[f"{label}>50K"]) for label in ("<=50K", ">50K")
        ]
        totals = (sum(cells.values()), cells[">50K<=50K"] + cells[">50K>50K"])
        assert rows("SELECT sum(n_rows), sum(n_positives) FROM ML.LIFT(MODEL income@2, TABLE held_out)") == [totals]
        assert rows("SELECT sum(n_rows), sum(n_rows * observed_rate) FROM ML.CALIBRATION(MODEL income@2, TABLE held_out)") == [
            (totals[0], pytest.approx(totals[1]))
        ]

        # value_a is what ML.EVALUATE gives for the first model, value_b for the second.
        compared = {(versions, metric): found for versions, metric, *found in rows("SELECT * EXCLUDE (n_rows) FROM comparison")}
        ((area, loss),) = rows("SELECT roc_auc, log_loss FROM ML.EVALUATE(MODEL income@1, TABLE held_out)")
        assert compared["2 - 1", "roc_auc"][1] == pytest.approx(area, rel=1e-12)
        assert compared["2 - 1", "log_loss"][1] == pytest.approx(loss, rel=1e-12)
        for value_a, value_b, difference, lower, upper in compared.values():
            assert difference == value_a - value_b
            assert lower <= difference <= upper
        assert compared["2 - 1", "roc_auc"][3] > 0
        assert compared["2 - 1", "log_loss"][4] < 0
        assert all(lower < 0 < upper for (versions, _), (*_, lower, upper) in compared.items() if versions == "2 - 3")

        # A slice is judged as its rows alone are.
        slices = "SELECT n_rows, recall, roc_auc FROM ML.SLICE_METRICS(MODEL income@2, TABLE held_out, STRUCT(['sex'] AS slice_cols))"
        women = "(SELECT * FROM held_out WHERE sex = 'Female')"
        assert rows(f"{slices} WHERE slice = 'sex=Female'") == rows(
            f"SELECT (SELECT count(*) FROM {women}), recall, roc_auc FROM ML.EVALUATE(MODEL income@2, {women})"
        )

        # The measures by hand.
        ((gap, ratio, recall_gap, labels_gap),) = rows("""
            WITH r AS (
              SELECT sex, avg((predicted_income_bracket = '>50K')::INT) AS accepted, avg((income_bracket = '>50K')::INT) AS positive,
                     avg((predicted_income_bracket = '>50K')::INT) FILTER (income_bracket = '>50K') AS recall
              FROM ML.PREDICT(MODEL income@2, TABLE held_out) GROUP BY sex)
            SELECT a.accepted - d.accepted, d.accepted / a.accepted, a.recall - d.recall, a.positive - d.positive
            FROM r AS a, r AS d WHERE a.sex = 'Male' AND d.sex = 'Female'
        """)
        measures = dict(rows("SELECT measure, value FROM fairness WHERE version = 2 AND facet = 'sex'"))
        by_hand = {"DPPL": gap, "DI": ratio, "RD": recall_gap, "EO_TPR": recall_gap, "DPL": labels_gap}
        assert {name: measures[name] for name in by_hand} == pytest.approx(by_hand, abs=1e-12)
        assert rows("SELECT count(DISTINCT (version, facet)), count(*) FROM fairness WHERE value IS NULL") == [(0, 0)]

        # What is not a feature has no attribution.
        told, untold = (set(rows(f"SELECT feature FROM ML.GLOBAL_EXPLAIN(MODEL income@{version})")) for version in (2, 3))
        assert told - untold == {("sex",), ("race",)}


def test_bigquery_penguins(run):
    with run("bigquery_penguins.sql") as connection:
        assert connection.execute("SELECT count(*), count(body_mass_g) FROM bqml_tutorial.predictions").fetchall() == [(344, 342)]
        ((r2,),) = connection.execute("SELECT r2_score FROM ML.EVALUATE(MODEL bqml_tutorial.penguins_model)").fetchall()
        assert 0.8 < r2 < 0.95
        # What is stored of the TRANSFORM clause is the engine's own SQL: a session in the other flavour uses the model.
        predicted = connection.execute(
            "SELECT count(predicted_body_mass_g) FROM ML.PREDICT(MODEL bqml_tutorial.penguins_model, TABLE ml_datasets.penguins)"
        )
        assert predicted.fetchall() == [(344,)]
