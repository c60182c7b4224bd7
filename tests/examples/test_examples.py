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


def run(script: str, capsys: pytest.CaptureFixture[str]) -> sqlml.Connection:
    """Runs a script on a database file and opens what it left."""
    code = main(["run", f"sql_examples/{script}", "--database", "example.duckdb"])
    out, err = capsys.readouterr()
    assert code == 0, err
    assert out
    return sqlml.connect("example.duckdb", read_only=True)


def test_every_script_is_tested():
    tested = {name for name in globals() if name.startswith("test_")}
    assert {f"test_{Path(script).stem}" for script in SCRIPTS} <= tested


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_can_run_again_on_its_database(script, project, capsys):
    run(script, capsys).close()
    run(script, capsys).close()


def test_quickstart(project, capsys):
    with run("quickstart.sql", capsys) as connection:
        assert connection.execute("SELECT model_name, default_version FROM sqlml.models").fetchall() == [("body_mass", 1)]
        ((r2,),) = connection.execute("SELECT r2_score FROM ML.EVALUATE(MODEL body_mass)").fetchall()
        assert r2 == pytest.approx(0.8723738276892019, rel=1e-9)  # scikit-learn's, for the same columns one-hot encoded and imputed
        groups = connection.execute(
            "SELECT count(*), count(predicted_body_mass_g), avg(predicted_body_mass_g - body_mass_g) FROM ML.PREDICT(MODEL body_mass, TABLE penguins)"
        ).fetchall()
        assert groups == [(344, 344, pytest.approx(0.0, abs=1e-6))]  # least squares with an intercept errs by 0 on average


def test_census_income(project, capsys):
    with run("census_income.sql", capsys) as connection:
        areas = dict(connection.execute("SELECT model, roc_auc FROM comparison").fetchall())
        assert areas["logistic regression"] == pytest.approx(0.907, abs=0.01)
        assert areas["boosted trees"] == pytest.approx(0.928, abs=0.01)
        splits = connection.execute("SELECT DISTINCT n_rows, n_train, n_eval FROM sqlml.model_versions").fetchall()
        assert len(splits) == 1
        (n_rows, _, n_eval) = splits[0]
        assert n_rows == 32_561
        assert n_eval == pytest.approx(n_rows / 4, rel=0.03)


def test_feature_engineering(project, capsys):
    with run("feature_engineering.sql", capsys) as connection:
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


def test_clusters(project, capsys):
    with run("clusters.sql", capsys) as connection:
        # Gentoo penguins are a group of their own; Adelie and Chinstrap are mixed.
        purity = connection.execute(
            "SELECT max(n) / sum(n) FROM (SELECT centroid_id, count(*) AS n FROM grouped WHERE species LIKE 'Gentoo%' GROUP BY centroid_id)"
        ).fetchall()
        assert purity == [(1.0,)]
        assert connection.execute("SELECT count(DISTINCT centroid_id), count(*) FROM grouped").fetchall() == [(3, 342)]
        ((explained,),) = connection.execute("SELECT total_explained_variance_ratio FROM ML.EVALUATE(MODEL axes)").fetchall()
        assert explained == pytest.approx(0.8815679694372629, rel=1e-9)  # scikit-learn's, of the standardised columns


def test_partitioned(project, capsys):
    with run("partitioned.sql", capsys) as connection:
        assert connection.execute("SELECT n_rows FROM sqlml.model_versions").fetchall() == [(291,)]
        rows = connection.execute("SELECT island, count(*), count(predicted_body_mass_g) FROM scored GROUP BY island").fetchall()
        assert rows == [("Torgersen", 51, 51)]
        error = connection.execute("SELECT avg(abs(predicted_body_mass_g - body_mass_g)) FROM scored").fetchall()
        assert error[0][0] < 350
    assert sorted(path.name for path in (project / "penguins_by_island").iterdir()) == ["island=Biscoe", "island=Dream", "island=Torgersen"]
