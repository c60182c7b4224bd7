"""Statements about models: the reference's corpus, every clause, every way to get one wrong."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest

from sqlml.errors import DatabaseError, NotSupportedError
from sqlml.source import Source, Span
from sqlml.syntax import (
    AlterModelOptions,
    CreateModel,
    DescribeModel,
    DescribeModelType,
    DropModel,
    SetDefaultVersion,
    ShowCreateModel,
    ShowModels,
    ShowModelTypes,
    ShowVersions,
    Statement,
    parse_script,
    split_statements,
)
from sqlml.types import HparamCandidates, HparamRange

CORPUS = """\
CREATE MODEL ds.m1 OPTIONS (model_type = 'linear_reg') AS SELECT a, b, label FROM ds.t;
CREATE MODEL IF NOT EXISTS `p.ds.m2`
  OPTIONS (MODEL_TYPE='LOGISTIC_REG', INPUT_LABEL_COLS=['y'], CLASS_WEIGHTS=[('0', 0.9), ('1', 0.1)],
           DATA_SPLIT_METHOD='SEQ', DATA_SPLIT_EVAL_FRACTION=0.3, DATA_SPLIT_COL='ts')
  AS SELECT * FROM ds.t WHERE y IS NOT NULL;
CREATE OR REPLACE MODEL ds.m3
  TRANSFORM (ML.STANDARD_SCALER(a) OVER () AS a_s, ML.FEATURE_CROSS(STRUCT(c, d)) AS cd,
             * EXCEPT (a, c, d))
  OPTIONS (model_type='boosted_tree_regressor', input_label_cols=['y'], num_trials=20, max_parallel_trials=2,
           learn_rate=HPARAM_RANGE(0.01, 0.5), max_tree_depth=HPARAM_CANDIDATES([4, 6, 8]),
           booster_type=HPARAM_CANDIDATES(['GBTREE', 'DART']), hparam_tuning_objectives=['R2_SCORE'])
  AS (SELECT a, c, d, e, y FROM ds.t);
CREATE MODEL ds.m4 OPTIONS (model_type='dnn_classifier',
  hidden_units=HPARAM_CANDIDATES([STRUCT([32]), STRUCT([64, 32])]), num_trials=4) AS SELECT * FROM ds.t;
CREATE MODEL ds.m5 OPTIONS (model_type='dnn_linear_combined_regressor',
  optimizer=[STRUCT('dnn', 'ADAM'), STRUCT('linear', 'FTRL')],
  learn_rate=[STRUCT('dnn', 0.001), STRUCT('linear', 0.01)]) AS SELECT * FROM ds.t;
CREATE MODEL ds.m7 TRANSFORM (id, ML.QUANTILE_BUCKETIZE(x, 5) OVER () AS xb)
  OPTIONS (model_type='TRANSFORM_ONLY') AS SELECT id, x FROM ds.t;
CREATE MODEL ds.m9 OPTIONS (model_type='AUTOML_CLASSIFIER',
  optimization_objective=STRUCT('MAXIMIZE_PRECISION_AT_RECALL', 0.3)) AS SELECT * FROM ds.t;
CREATE MODEL ds.m10 OPTIONS (model_type='CONTRIBUTION_ANALYSIS', contribution_metric='SUM(rev)/SUM(n)',
  is_test_col='is_test', dimension_id_cols=['city', 'sku'], min_apriori_support=0.05) AS SELECT * FROM ds.t;
ALTER MODEL IF EXISTS ds.m1 SET OPTIONS (description='v1', labels=[('team', 'ml')],
  expiration_timestamp=TIMESTAMP '2030-01-01 00:00:00 UTC');
DROP MODEL IF EXISTS ds.m1;
"""

NOT_YET = [
    (
        """CREATE MODEL ds.m6 OPTIONS (model_type='ARIMA_PLUS', non_seasonal_order=(1, 1, 2))
             AS «(training_data AS (SELECT d, v FROM ds.s),
                 custom_holiday AS (SELECT 'US' AS region))»""",
        "clause_not_supported",
    ),
    (
        "CREATE MODEL ds.m8 «INPUT (f1 FLOAT64, f2 INT64)» OUTPUT (predicted_label FLOAT64) OPTIONS (model_type='XGBOOST', model_path='x')",
        "clause_not_supported",
    ),
    ("CREATE MODEL m «OUTPUT (predicted_label FLOAT64)»", "clause_not_supported"),
    ("CREATE MODEL ds.m11 «REMOTE WITH CONNECTION DEFAULT» OPTIONS (endpoint='some-model')", "clause_not_supported"),
    ("CREATE MODEL ds.m11 «REMOTE WITH CONNECTION `p.r.c`» OPTIONS (endpoint='some-model')", "clause_not_supported"),
    ("CREATE «TEMP» MODEL m AS SELECT 1", "clause_not_supported"),
    ("CREATE OR REPLACE «TEMPORARY» MODEL m AS SELECT 1", "clause_not_supported"),
    ("«EXPLAIN» CREATE MODEL m AS SELECT 1", "statement_not_supported"),
    ("«explain» ANALYZE DROP MODEL m", "statement_not_supported"),
]

WRONG = [
    # names
    "CREATE MODEL«»",
    "CREATE MODEL «AS» SELECT 1",
    "CREATE MODEL «OPTIONS» (a = 1) AS SELECT 1",
    "CREATE MODEL «'m'» AS SELECT 1",
    "CREATE MODEL «3» AS SELECT 1",
    "CREATE MODEL «a.b.c.d» AS SELECT 1",
    "CREATE MODEL «`a..b`» AS SELECT 1",
    'CREATE MODEL «""» AS SELECT 1',
    "CREATE MODEL a.«»",
    "CREATE MODEL a.«(» AS SELECT 1)",
    "CREATE MODEL my«-»project.ds.m AS SELECT 1",
    "CREATE MODEL m«@3» AS SELECT 1",
    "CREATE MODEL m «@» 3 AS SELECT 1",
    "CREATE MODEL «SELECT» 1",
    # CREATE MODEL
    "CREATE OR REPLACE MODEL «IF NOT EXISTS» m AS SELECT 1",
    "CREATE MODEL IF NOT «m» AS SELECT 1",
    "CREATE MODEL m «SELECT» 1",
    "CREATE MODEL m OPTIONS (a = 1) «SELECT» 1",
    "CREATE MODEL m OPTIONS (a = 1) «(»SELECT 1)",
    "CREATE MODEL m «FOO»",
    "CREATE MODEL m «,» n AS SELECT 1",
    "CREATE MODEL m OPTIONS (a = 1) AS«»",
    "CREATE MODEL m OPTIONS (a = 1) AS («)»",
    "CREATE MODEL m OPTIONS (a = 1) AS «1»",
    "CREATE MODEL m OPTIONS (a = 1) AS «x» FROM t",
    "CREATE MODEL m OPTIONS (a = 1) «OPTIONS» (b = 1) AS SELECT 1",
    "CREATE MODEL m TRANSFORM (a) «TRANSFORM» (b) AS SELECT 1",
    "CREATE MODEL m OPTIONS (a = 1) «TRANSFORM» (b) AS SELECT 1",
    "CREATE MODEL m TRANSFORM («)» AS SELECT 1",
    "CREATE MODEL m AS SELECT 1 FROM t «OPTIONS» (a = 1)",
    "CREATE MODEL m OPTIONS «(»a = 1 AS SELECT 1",
    "CREATE MODEL m OPTIONS (a = 1)«)» AS SELECT 1",
    "CREATE MODEL m OPTIONS (a = [1«)» AS SELECT 1",
    "CREATE MODEL m «OPTIONS» AS SELECT 1",
    # the others
    "DROP MODEL«»",
    "DROP MODEL IF EXISTS«»",
    "DROP MODEL m «@»3",
    "DROP MODEL m «@best»",
    "DROP MODEL m«@» best",
    "DROP MODEL a«,» b",
    "DROP MODEL a «CASCADE»",
    "DROP MODEL m«@»",
    "DROP MODEL m@«'x'»",
    "DROP MODEL m@«3.5»",
    "ALTER MODEL m«»",
    "ALTER MODEL m «SET» x = 1",
    "ALTER MODEL m SET OPTIONS «x» = 1",
    "ALTER MODEL m SET OPTIONS («)»",
    "ALTER MODEL m SET OPTIONS (a = 1) «x»",
    "ALTER MODEL m«@3» SET OPTIONS (a = 1)",
    "ALTER MODEL m SET DEFAULT «=» 3",
    "ALTER MODEL m SET DEFAULT VERSION «3»",
    "ALTER MODEL m SET DEFAULT VERSION =«»",
    "ALTER MODEL m SET DEFAULT VERSION = «-»1",
    "ALTER MODEL m SET DEFAULT VERSION = 1 «2»",
    "ALTER MODEL «SET» OPTIONS (a = 1)",
    "SHOW MODELS «x»",
    "SHOW MODELS FROM«»",
    "SHOW MODELS FROM s «t»",
    "SHOW MODELS LIKE «x»",
    "SHOW MODELS LIKE«»",
    "SHOW MODELS LIKE 'x' «FROM» s",
    "SHOW VERSIONS FROM «m»",
    "SHOW VERSIONS FROM MODEL m«@2»",
    "SHOW VERSIONS FROM MODEL«»",
    "SHOW CREATE MODEL«»",
    "SHOW CREATE MODEL m «n»",
    "SHOW MODEL «m»",
    "SHOW MODEL TYPES «x»",
    "DESCRIBE MODEL m «n»",
    "DESCRIBE MODEL TYPE linear_reg «x»",
    "DESCRIBE MODEL TYPE «''»",
]


def parse(text: str, dialect: str = "duckdb") -> Statement:
    (node,) = parse_script(Source(text), dialect)
    return node


def piece(text: str, span: Span | None) -> str | None:
    return None if span is None else text[span.start : span.end]


@pytest.mark.parametrize("dialect", ["duckdb", "bigquery"])
def test_the_corpus_of_the_reference(dialect: str) -> None:
    nodes = parse_script(Source(CORPUS), dialect)
    spans = split_statements(Source(CORPUS), dialect)
    assert [node.span for node in nodes] == spans
    assert [type(node) for node in nodes] == [CreateModel] * 8 + [AlterModelOptions, DropModel]
    third = nodes[2]
    assert isinstance(third, CreateModel)
    assert third.replace
    assert third.name.parts == ("ds", "m3")
    options = {option.name: option.value.value for option in third.options}
    assert options["learn_rate"] == HparamRange(0.01, 0.5)
    assert options["booster_type"] == HparamCandidates(("GBTREE", "DART"))
    assert (piece(CORPUS, third.transform) or "").startswith("ML.STANDARD_SCALER(a) OVER () AS a_s")
    assert (piece(CORPUS, third.transform) or "").endswith("* EXCEPT (a, c, d)")
    assert piece(CORPUS, third.query) == "SELECT a, c, d, e, y FROM ds.t"
    altered = nodes[8]
    assert isinstance(altered, AlterModelOptions)
    assert [option.value.value for option in altered.options] == [
        "v1",
        [("team", "ml")],
        datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC),
    ]


@pytest.mark.parametrize(("marked", "code"), NOT_YET)
def test_what_is_known_and_not_available(marked: str, code: str, refused: Callable[..., DatabaseError]) -> None:
    assert isinstance(refused(marked, code), NotSupportedError)
    refused(marked, code, "bigquery")


@pytest.mark.parametrize("marked", WRONG)
def test_what_is_wrong_and_where(marked: str, refused: Callable[..., DatabaseError]) -> None:
    refused(f"SELECT 1;\n  {marked} -- the end\n;", "syntax_error")


def test_messages_say_what_was_expected_and_found(refused: Callable[..., DatabaseError]) -> None:
    error = refused("CREATE MODEL m OPTIONS (a = 1) «SELECT» 1", "syntax_error")
    assert str(error) == (
        'expected AS before the query, found "SELECT"\n  line 1, column 32\n  CREATE MODEL m OPTIONS (a = 1) SELECT 1\n'
        f"  {' ' * 31}^^^^^^\nhint: write AS before the query"
    )
    assert refused("CREATE MODEL m «FOO»", "syntax_error").message == 'expected TRANSFORM ( or OPTIONS ( or AS, found "FOO"'
    assert refused("CREATE MODEL m OPTIONS () «FOO»", "syntax_error").message == 'expected AS, found "FOO"'
    assert refused("DROP MODEL«»", "syntax_error").message == "expected the name of a model, found the end of the statement"


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("m", ("m",)),
        ("Ds.M", ("Ds", "M")),
        ("a.b.c", ("a", "b", "c")),
        ("a . /* x */ b", ("a", "b")),
        ("`a.b-x.c d`", ("a", "b-x", "c d")),
        ("`a`.`b`.`c`", ("a", "b", "c")),
        ("`a.b`.c", ("a", "b", "c")),
        ('"a.b"."c""d"', ("a.b", 'c"d')),
        ("model", ("model",)),
        ("options", ("options",)),
        ("main.select", ("main", "select")),
        ("ünï.模型", ("ünï", "模型")),
    ],
)
def test_names(written: str, parts: tuple[str, ...]) -> None:
    text = f"CREATE MODEL {written} AS SELECT 1"
    node = parse(text)
    assert isinstance(node, CreateModel)
    assert node.name.parts == parts
    assert piece(text, node.name.span) == written


def test_names_in_bigquery_may_be_in_double_quotes_too() -> None:
    node = parse('DROP MODEL "a"."b"@`x.y`', "bigquery")
    assert isinstance(node, DropModel)
    assert (node.name.parts, node.name.reference) == (("a", "b"), "x.y")


@pytest.mark.parametrize(
    ("written", "reference"),
    [("m@3", 3), ("m@champion", "champion"), ('m@"my alias"', "my alias"), ("`a.m`@2", 2), ("m@order", "order"), ("😀@ü", "ü")],
)
def test_versions(written: str, reference: str | int) -> None:
    text = f"DESCRIBE MODEL {written}"
    node = parse(text)
    assert isinstance(node, DescribeModel)
    assert node.name.reference == reference
    assert piece(text, node.name.span) == written


@pytest.mark.parametrize(
    ("written", "query"),
    [
        ("AS SELECT 1", "SELECT 1"),
        ("AS (SELECT 1)", "SELECT 1"),
        ("as ( /* x */ (SELECT 1) -- y\n )", "SELECT 1"),
        ("AS (SELECT 1) UNION ALL (SELECT 2)", "(SELECT 1) UNION ALL (SELECT 2)"),
        ("AS WITH a AS (SELECT 1) SELECT * FROM a", "WITH a AS (SELECT 1) SELECT * FROM a"),
        ("AS FROM t", "FROM t"),
        ("AS TABLE t", "TABLE t"),
        ("AS VALUES (1, 2)", "VALUES (1, 2)"),
        ("AS SELECT options(1) FROM t", "SELECT options(1) FROM t"),
        ("", None),
    ],
)
def test_the_training_query(written: str, query: str | None) -> None:
    text = f"CREATE MODEL m {written}"
    node = parse(text)
    assert isinstance(node, CreateModel)
    assert piece(text, node.query) == query


def test_the_clauses_of_create_model() -> None:
    text = "create model if not exists options transform (a, b) options (x = 1) as select 1"
    node = parse(text)
    assert isinstance(node, CreateModel)
    assert (node.name.parts, node.replace, node.if_not_exists) == (("options",), False, True)
    assert (piece(text, node.transform), piece(text, node.options_span)) == ("a, b", "options (x = 1)")
    bare = parse("CREATE MODEL m")
    assert isinstance(bare, CreateModel)
    assert (bare.options, bare.options_span, bare.transform, bare.query) == ((), None, None, None)


def test_drop_and_alter() -> None:
    drop = parse("DROP MODEL IF EXISTS a.b@2")
    assert isinstance(drop, DropModel)
    assert (drop.name.parts, drop.name.reference, drop.if_exists) == (("a", "b"), 2, True)
    for written, version in (("3", 3), ("champion", "champion"), ('"a b"', "a b")):
        text = f"ALTER MODEL IF EXISTS m SET DEFAULT VERSION = {written}"
        node = parse(text)
        assert isinstance(node, SetDefaultVersion)
        assert (node.version, node.if_exists, piece(text, node.version_span)) == (version, True, written)


@pytest.mark.parametrize(
    ("text", "schema", "pattern"),
    [
        ("SHOW MODELS", None, None),
        ("show models FROM main", ("main",), None),
        ("SHOW MODELS IN a.b LIKE 'churn''%'", ("a", "b"), "churn'%"),
        ("SHOW MODELS FROM `a.b`", ("a", "b"), None),
        ("SHOW MODELS LIKE 'x'", None, "x"),
    ],
)
def test_show_models(text: str, schema: tuple[str, ...] | None, pattern: str | None) -> None:
    assert parse(text) == ShowModels(schema, pattern, Span(0, len(text)))


def test_the_other_statements_that_show() -> None:
    assert parse("SHOW MODEL TYPES") == ShowModelTypes(Span(0, 16))
    versions = parse("SHOW VERSIONS FROM MODEL a.b")
    assert isinstance(versions, ShowVersions)
    assert versions.name.parts == ("a", "b")
    create = parse("SHOW CREATE MODEL m@2")
    assert isinstance(create, ShowCreateModel)
    assert create.name.reference == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DESCRIBE MODEL TYPE linear_reg", "linear_reg"),
        ("DESC MODEL TYPE 'Linear_Reg'", "Linear_Reg"),
        ('describe model type "kmeans"', "kmeans"),
    ],
)
def test_describe_model_type(text: str, expected: str) -> None:
    node = parse(text)
    assert isinstance(node, DescribeModelType)
    assert node.model_type == expected


@pytest.mark.parametrize(
    ("text", "parts"), [("DESC MODEL m", ("m",)), ("DESCRIBE MODEL type", ("type",)), ("DESCRIBE MODEL type.m", ("type", "m"))]
)
def test_describe_model(text: str, parts: tuple[str, ...]) -> None:
    node = parse(text)
    assert isinstance(node, DescribeModel)
    assert node.name.parts == parts
