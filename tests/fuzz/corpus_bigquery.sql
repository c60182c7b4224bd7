-- Statements in the form of BigQuery ML's documentation, and around them BigQuery's query language. A statement ends with ";" at the end of a line.
CREATE MODEL ds.m4 OPTIONS (model_type='dnn_classifier',
  hidden_units=HPARAM_CANDIDATES([STRUCT([32]), STRUCT([64, 32])]), num_trials=4) AS SELECT * FROM ds.t;
CREATE MODEL ds.m5 OPTIONS (model_type='dnn_linear_combined_regressor',
  optimizer=[STRUCT('dnn', 'ADAM'), STRUCT('linear', 'FTRL')],
  learn_rate=[STRUCT('dnn', 0.001), STRUCT('linear', 0.01)]) AS SELECT * FROM ds.t;
CREATE MODEL ds.m6 OPTIONS (model_type='ARIMA_PLUS', time_series_timestamp_col='d', time_series_data_col='v',
  auto_arima=FALSE, non_seasonal_order=(1, 1, 2), holiday_region=['US', 'GB'])
  AS (training_data AS (SELECT d, v FROM ds.s),
      custom_holiday AS (SELECT 'US' AS region, 'launch' AS holiday_name, DATE '2025-05-01' AS primary_date,
                                2 AS preholiday_days, 1 AS postholiday_days));
CREATE MODEL ds.m7 TRANSFORM (id, ML.QUANTILE_BUCKETIZE(x, 5) OVER () AS xb)
  OPTIONS (model_type='TRANSFORM_ONLY') AS SELECT id, x FROM ds.t;
CREATE MODEL ds.m8 INPUT (f1 FLOAT64, f2 INT64) OUTPUT (predicted_label FLOAT64)
  OPTIONS (model_type='XGBOOST', model_path='gs://bucket/dir/*');
CREATE MODEL ds.m9 OPTIONS (model_type='AUTOML_CLASSIFIER',
  optimization_objective=STRUCT('MAXIMIZE_PRECISION_AT_RECALL', 0.3)) AS SELECT * FROM ds.t;
CREATE MODEL ds.m10 OPTIONS (model_type='CONTRIBUTION_ANALYSIS', contribution_metric='SUM(rev)/SUM(n)',
  is_test_col='is_test', dimension_id_cols=['city', 'sku'], min_apriori_support=0.05) AS SELECT * FROM ds.t;
CREATE MODEL ds.m11 REMOTE WITH CONNECTION DEFAULT OPTIONS (endpoint='some-model');
ALTER MODEL IF EXISTS ds.m1 SET OPTIONS (description='v1', labels=[('team', 'ml')],
  expiration_timestamp=TIMESTAMP '2030-01-01 00:00:00 UTC');
EXPORT MODEL `p.ds.m3` OPTIONS (uri='gs://bucket/out/', trial_id=3);
DROP MODEL IF EXISTS ds.m1;
CREATE MODEL ds.m1 OPTIONS (model_type = 'linear_reg') AS SELECT a, b, label FROM ds.t;
CREATE MODEL IF NOT EXISTS `p.ds.m2`
  OPTIONS (MODEL_TYPE='LOGISTIC_REG', INPUT_LABEL_COLS=['y'], CLASS_WEIGHTS=[('0', 0.9), ('1', 0.1)],
           DATA_SPLIT_METHOD='SEQ', DATA_SPLIT_EVAL_FRACTION=0.3, DATA_SPLIT_COL='ts')
  AS SELECT * FROM ds.t WHERE y IS NOT NULL;
CREATE OR REPLACE MODEL ds.m3
  TRANSFORM (ML.STANDARD_SCALER(a) OVER () AS a_s, ML.FEATURE_CROSS(STRUCT(c, d)) AS cd, EXTRACT(DAYOFWEEK FROM e) AS w,
             * EXCEPT (a, c, d))
  OPTIONS (model_type='boosted_tree_regressor', input_label_cols=['y'], num_trials=20, max_tree_depth=HPARAM_RANGE(2, 10),
           booster_type=HPARAM_CANDIDATES(['GBTREE', 'DART']))
  AS (SELECT a, c, d, e, y FROM `bigquery-public-data.ml_datasets.penguins` WHERE MOD(ABS(FARM_FINGERPRINT(CAST(id AS STRING))), 10) < 8);
CREATE OR REPLACE MODEL ds.sales OPTIONS (model_type='ARIMA_PLUS', time_series_timestamp_col='date', time_series_data_col='total',
  holiday_region='US') AS (training_data AS (SELECT date, SUM(amount) AS total FROM ds.sales GROUP BY date),
  custom_holiday AS (SELECT 'US' AS region, 'x' AS holiday_name, DATE '2026-01-01' AS primary_date, 1 AS preholiday_days, 1 AS postholiday_days));
CREATE MODEL ds.remote INPUT (x FLOAT64, s STRING) OUTPUT (y ARRAY<FLOAT64>) REMOTE WITH CONNECTION `project.us.connection` OPTIONS (endpoint = 'https://x');
CREATE OR REPLACE MODEL `ds.clusters` OPTIONS (model_type='kmeans', num_clusters=4, kmeans_init_method='KMEANS++', standardize_features=TRUE) AS SELECT * EXCEPT (id) FROM ds.t;
CREATE MODEL ds.imported OPTIONS (MODEL_TYPE='ONNX', MODEL_PATH='gs://bucket/model.onnx');
ALTER MODEL IF EXISTS ds.m1 SET OPTIONS (description = 'a "model"', labels = [('team', 'x')], expiration_timestamp = TIMESTAMP '2030-01-01 00:00:00 UTC');
DROP MODEL IF EXISTS `p.ds.m2`;
EXPORT MODEL ds.m1 OPTIONS (uri = 'out/m1');
SELECT * FROM ML.PREDICT(MODEL ds.m2, (SELECT a, b FROM ds.t), STRUCT(0.4 AS threshold, TRUE AS keep_original_columns));
SELECT id, p.label, p.prob FROM ML.PREDICT(MODEL ds.m2, TABLE `p-x.ds.t`), UNNEST(predicted_y_probs) AS p WHERE p.label = '1' ORDER BY p.prob DESC LIMIT 10;
SELECT id, (SELECT prob FROM UNNEST(predicted_y_probs) WHERE label = '1') AS score FROM ML.PREDICT(MODEL m, (SELECT * FROM t WHERE d BETWEEN '2026-01-01' AND @until));
SELECT * FROM ML.EVALUATE(MODEL ds.m2, (WITH c AS (SELECT * FROM ds.t) SELECT * FROM c), STRUCT(0.5 AS threshold));
SELECT * FROM ML.RECOMMEND(MODEL ds.mf, (SELECT DISTINCT user FROM ds.t));
SELECT * FROM ML.FORECAST(MODEL ds.sales, STRUCT(30 AS horizon, 0.8 AS confidence_level));
SELECT * FROM ML.EXPLAIN_FORECAST(MODEL ds.sales, STRUCT(3 AS horizon, 0.95 AS confidence_level));
SELECT * FROM ML.DETECT_ANOMALIES(MODEL ds.clusters, STRUCT(0.02 AS contamination), TABLE ds.t);
SELECT * FROM ML.METRICS((SELECT p, a FROM ds.t), predicted_col => 'p', actual_col => 'a', task_type => 'classification');
SELECT * FROM ML.CONFUSION_MATRIX(MODEL ds.m2, (SELECT * FROM ds.t), STRUCT(0.5 AS threshold));
SELECT * FROM ML.ROC_CURVE(MODEL ds.m2, TABLE ds.t, GENERATE_ARRAY(0.1, 0.9, 0.1));
SELECT * FROM ML.WEIGHTS(MODEL ds.m1, STRUCT(TRUE AS standardize)) WHERE processed_input != '__INTERCEPT__';
SELECT iteration, loss, duration_ms FROM ML.TRAINING_INFO(MODEL `ds.m1`) ORDER BY 1;
SELECT centroid_id, ARRAY_AGG(STRUCT(feature, numerical_value) ORDER BY centroid_id) FROM ML.CENTROIDS(MODEL ds.clusters) GROUP BY centroid_id;
SELECT * FROM ML.EXPLAIN_PREDICT(MODEL ds.m2, TABLE ds.t, STRUCT(3 AS top_k_features, 0.5 AS threshold));
SELECT * FROM ML.GLOBAL_EXPLAIN(MODEL ds.m3, STRUCT(TRUE AS class_level_explain));
SELECT ML.BUCKETIZE(f, [2.5, 5.0]) AS b, ML.QUANTILE_BUCKETIZE(f, 4) OVER () AS q, ML.NGRAMS(SPLIT(s, ' '), [1, 2], '-') AS n FROM ds.t;
SELECT ML.POLYNOMIAL_EXPAND(STRUCT(ML.IMPUTER(x, 'mean') OVER () AS x)) AS p, ML.DISTANCE([1.0, 2.0], [3.0, 4.0], 'COSINE') FROM ds.t;
SELECT * FROM AI.FORECAST(TABLE ds.t, data_col => 'x', timestamp_col => 'ts', horizon => 10);
SELECT * FROM VECTOR_SEARCH(TABLE ds.base, 'embedding', (SELECT * FROM ds.q), top_k => 5, distance_type => 'COSINE');
SELECT * FROM ML.PREDICT(MODEL m, (SELECT * FROM ML.TRANSFORM(MODEL n, (SELECT * FROM t, UNNEST([1, 2]) AS e WITH OFFSET AS o))));
WITH a AS (SELECT 1 AS x UNION ALL SELECT 2), b AS (SELECT * FROM ML.PREDICT(MODEL m, TABLE a)) SELECT b.*, RANK() OVER (PARTITION BY b.x ORDER BY b.y DESC) AS r FROM b QUALIFY r = 1;
SELECT AS STRUCT 1 AS a, 'x' AS b;
SELECT AS VALUE STRUCT(1 AS a, [STRUCT(2 AS b), STRUCT(3)] AS c);
SELECT ARRAY(SELECT AS STRUCT x, y FROM UNNEST([1, 2]) AS x WITH OFFSET AS y WHERE x > 1)[SAFE_OFFSET(0)].x;
SELECT * EXCEPT (a) REPLACE (b + 1 AS b), COUNTIF(c > 0) OVER (ORDER BY d ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM ds.t TABLESAMPLE SYSTEM (10 PERCENT);
SELECT * FROM ds.t PIVOT (SUM(v) AS s, COUNT(*) AS n FOR q IN ('Q1', 'Q2' AS second));
SELECT * FROM ds.t UNPIVOT INCLUDE NULLS (v FOR q IN (q1, q2 AS 'second'));
SELECT _TABLE_SUFFIX AS s, COUNT(*) FROM `ds.events_*` WHERE _TABLE_SUFFIX BETWEEN '20260101' AND '20260131' GROUP BY s;
SELECT table_name, data_type FROM ds.INFORMATION_SCHEMA.COLUMNS WHERE table_schema = 'ds';
SELECT CAST(2.5 AS INT64), SAFE_CAST('x' AS FLOAT64), SAFE.SUBSTR('foo', 0, -2), DATE '2026-01-31' + INTERVAL 1 MONTH, TIMESTAMP '2026-01-31 10:00:00+01', b'\xff', r'\d', """a
"b" c""", NUMERIC '1.5', JSON '{"a": [1]}', 0x1F, 1e3, .5, -9223372036854775808;
SELECT DATE_TRUNC(d, WEEK(MONDAY)), TIMESTAMP_DIFF(a, b, MINUTE), FORMAT_DATE('%Y-%m', d), PARSE_TIMESTAMP('%Y-%m-%d', s, 'UTC'), EXTRACT(ISOWEEK FROM d AT TIME ZONE 'Europe/Berlin'), INTERVAL '1-2 3 4:5:6' YEAR TO SECOND FROM ds.t;
SELECT STRING_AGG(DISTINCT s, ', ' ORDER BY s LIMIT 3), ARRAY_AGG(x IGNORE NULLS ORDER BY x DESC LIMIT 2), APPROX_QUANTILES(x, 4)[OFFSET(2)], ANY_VALUE(x HAVING MAX y), PERCENTILE_CONT(x, 0.5) OVER (PARTITION BY g) FROM ds.t GROUP BY ROLLUP (a, b);
SELECT CASE WHEN a LIKE 'x\\_%' THEN 1 WHEN b IN UNNEST(@list) THEN 2 ELSE NULL END, IF(a IS NULL, 1, 2), COALESCE(a, b), a IS NOT DISTINCT FROM b, NOT a, a || b, a & b << 2, ~c, s[0], j.x.y, j['k'] FROM ds.t AS t LEFT JOIN UNNEST(t.items) AS i ON TRUE CROSS JOIN u USING (id);
SELECT LAST_VALUE(x IGNORE NULLS) OVER w, LAG(x, 1, 0) OVER (w ORDER BY y) FROM ds.t WINDOW w AS (PARTITION BY a ORDER BY b RANGE BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING);
FROM ds.t |> WHERE a > 1 |> EXTEND a * 2 AS b |> AGGREGATE SUM(b) AS s GROUP BY c |> ORDER BY s DESC |> LIMIT 3;
SELECT 1 # a comment
  , 2 -- another
  /* and ; one more */, ?;
CREATE OR REPLACE TABLE ds.t2 (a INT64 NOT NULL OPTIONS (description = 'x'), b ARRAY<STRUCT<c STRING, d NUMERIC(10, 2)>>, e TIMESTAMP DEFAULT CURRENT_TIMESTAMP()) PARTITION BY DATE(e) CLUSTER BY a OPTIONS (expiration_timestamp = NULL);
CREATE TABLE ds.t3 PARTITION BY d AS SELECT DATE '2026-01-01' AS d, GENERATE_UUID() AS id;
CREATE TEMP FUNCTION twice(x INT64) RETURNS INT64 AS (x * 2);
CREATE SCHEMA IF NOT EXISTS ds OPTIONS (location = 'EU');
CREATE OR REPLACE VIEW ds.v AS SELECT * FROM ds.t WHERE x > (SELECT AVG(x) FROM ds.t);
INSERT INTO ds.t (a, b) VALUES (1, 'x'), (2, DEFAULT);
UPDATE ds.t SET a = a + 1, b = (SELECT MAX(b) FROM u) WHERE id IN (1, 2);
DELETE FROM ds.t WHERE TRUE;
TRUNCATE TABLE ds.t;
MERGE ds.t AS t USING (SELECT * FROM u) AS u ON t.id = u.id WHEN MATCHED AND u.x > 0 THEN UPDATE SET a = u.a WHEN MATCHED THEN DELETE WHEN NOT MATCHED BY TARGET THEN INSERT (id, a) VALUES (u.id, u.a) WHEN NOT MATCHED BY SOURCE THEN DELETE;
EXPORT DATA OPTIONS (uri = 'out/x_*.csv', format = 'CSV', overwrite = TRUE, header = TRUE, field_delimiter = ';') AS SELECT * FROM ds.t;
LOAD DATA OVERWRITE ds.t FROM FILES (format = 'CSV', uris = ['out/a.csv'], skip_leading_rows = 1);
ALTER TABLE IF EXISTS ds.t ADD COLUMN IF NOT EXISTS c STRING;
DECLARE x, y INT64 DEFAULT 5;
SET (x, y) = (1, 2);
IF x > 1 THEN SELECT 1; ELSE SELECT 2; END IF;
BEGIN TRANSACTION; COMMIT TRANSACTION;
EXECUTE IMMEDIATE 'SELECT 1' INTO x;
CREATE PROCEDURE ds.p(IN x INT64) BEGIN SELECT x; END;
SELECT SUM(IF(a.b[OFFSET(0)].c = 'x', 1, 0)) / COUNT(*) AS share FROM `p.ds.t` AS a, a.b AS c, UNNEST(c.d) AS d WITH OFFSET;
(SELECT 1 AS x INTERSECT DISTINCT SELECT 2) EXCEPT DISTINCT SELECT 3 ORDER BY 1 LIMIT 1 OFFSET 2;
SELECT ST_DISTANCE(ST_GEOGPOINT(1, 2), ST_GEOGPOINT(3, 4)), JSON_VALUE(j, '$.a[0].b'), TO_JSON_STRING(STRUCT(1 AS a)), FORMAT('%05d %s %t', 1, 'x', d), NET.HOST(u), HLL_COUNT.INIT(x) FROM ds.t;
SELECT * FROM ds.t FOR SYSTEM_TIME AS OF TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR) WHERE _PARTITIONTIME >= '2026-01-01';
ASSERT (SELECT COUNT(*) FROM ds.t) > 0 AS 'no rows';

SELECT DATE_TRUNC(d, MONTH) AS d, COUNT(*) AS n FROM (SELECT DATE '2020-01-05' AS d UNION ALL SELECT DATE '2020-01-09') GROUP BY d;

SELECT LOWER(i.cat) AS cat, SUM(q) s FROM (SELECT [STRUCT('A' AS cat, 1 AS q),('a',2)] items), UNNEST(items) AS i GROUP BY cat;

SELECT EXTRACT(YEAR FROM ts) AS year, COUNT(*) FROM (SELECT TIMESTAMP '2020-01-01' ts, 7 year) GROUP BY year;

SELECT x AS y, SUM(y) AS s FROM (SELECT 1 AS x, 2 AS y UNION ALL SELECT 1, 3) GROUP BY y;

SELECT UPPER(x) AS x, COUNT(*) n FROM UNNEST(['a','A','b']) x GROUP BY ROLLUP(x) ORDER BY 1;

SELECT UPPER(x) AS x, COUNT(*) n FROM UNNEST(['a','A','b']) x GROUP BY GROUPING SETS ((x), ()) ORDER BY 1;

FROM UNNEST(['a','A','b']) x |> AGGREGATE COUNT(*) n GROUP BY UPPER(x) AS x;

SELECT prob.prob, prob.label FROM UNNEST([STRUCT('a' AS label, 0.5 AS prob)]) AS prob;

SELECT MAX(prob.prob)+1 FROM UNNEST([STRUCT('a' AS label, 0.5 AS prob)]) AS prob WHERE prob.prob > 0.1;

SELECT (SELECT prob.prob FROM UNNEST(probs) AS prob WHERE prob.label='a') FROM (SELECT [STRUCT('a' AS label, 0.5 AS prob)] AS probs);

SELECT key.key FROM UNNEST([STRUCT(STRUCT(1 AS z) AS key)]) AS key;

SELECT key.key.z FROM UNNEST([STRUCT(STRUCT(1 AS z) AS key)]) AS key;

SELECT prob FROM UNNEST([STRUCT('a' AS label, 0.5 AS prob)]) AS prob;

SELECT * FROM UNNEST([STRUCT('a' AS label, 0.5 AS prob)]) AS prob;

SELECT s.a FROM (SELECT STRUCT(1 AS a) AS s UNION ALL SELECT STRUCT(2)) ORDER BY 1;

SELECT s.a, s.b FROM (SELECT STRUCT(1 AS a, 2 AS b) AS s UNION ALL SELECT STRUCT(3 AS b, 4 AS a));

SELECT k, v.s FROM UNNEST([STRUCT('a' AS k, STRUCT(1 AS s) AS v), ('b', STRUCT(2))]);

SELECT e.k FROM (SELECT [STRUCT('a' AS k)] AS arr UNION ALL SELECT [STRUCT('b')]), UNNEST(arr) e;

SELECT IF(FALSE, STRUCT(1 AS a), STRUCT(2)).a;

SELECT CASE WHEN FALSE THEN STRUCT(1 AS a) ELSE STRUCT(2) END.a;

SELECT ARRAY_CONCAT([STRUCT(1 AS a)], [STRUCT(2)])[OFFSET(1)].a;

SELECT (1,'x') = STRUCT(1 AS a, 'x' AS b);

SELECT STRUCT(1 AS a) IN (STRUCT(1), STRUCT(2));

SELECT id FROM ga.ar WHERE STRUCT(id,'x') IN (SELECT AS STRUCT 1,'x');

SELECT id FROM ga.ar WHERE (id,'x') IN UNNEST([STRUCT(1 AS a,'x' AS b)]);

SELECT id FROM ga.ar WHERE (id,'x') IN (SELECT (1,'x'));

SELECT id FROM ga.ar WHERE (id,'x') IN ((1,'x'),(2,'y'));

INSERT INTO st SELECT STRUCT(1 AS b, 2 AS a);

SELECT * FROM st;

INSERT INTO st VALUES ((2,3)), (STRUCT(4,5));

UPDATE st SET s = (7,8) WHERE s.a=1;

SELECT * FROM st ORDER BY s.a;

SELECT id, tags FROM ga.ar t CROSS JOIN t.tags;

SELECT id, items.v FROM ga.ar t, t.items;

SELECT id, tag FROM ga.ar t, t.tags AS tag;

SELECT id, tag, o FROM ga.ar t, t.tags AS tag WITH OFFSET o;

SELECT id, items.v, offset FROM ga.ar t, t.items WITH OFFSET ORDER BY offset;

SELECT items.item_name FROM ga.ar f, UNNEST(items) items;

SELECT items.item_name FROM ga.ar, UNNEST(items) AS items WITH OFFSET o;

SELECT tags FROM ga.ar, UNNEST(tags) AS tags;

SELECT f.id, t FROM ga.ar f, UNNEST(f.tags) t;

SELECT id, x FROM ga.ar LEFT JOIN UNNEST(tags) x ON x='a';

SELECT STRUCT(1,'x');

SELECT TO_JSON_STRING(STRUCT(1,'x')), CAST(STRUCT(1,'x') AS STRUCT<a INT64, b STRING>).b;

SELECT ARRAY<STRUCT<a INT64, b STRUCT<c STRING>>>[(1, STRUCT('z'))][OFFSET(0)].b.c;

SELECT STRUCT<a INT64, b STRING>(1,'q').b;

SELECT a, COUNT(*) FROM (SELECT 1 AS a) t GROUP BY t.a;

SELECT t.a, COUNT(*) FROM (SELECT 1 AS a) t JOIN (SELECT 1 AS a) u ON t.a=u.a GROUP BY a;

SELECT *, a+1 AS b FROM (SELECT 1 AS a, 2 AS b2) GROUP BY a, b2, b;

SELECT x, _TABLE_SUFFIX FROM `ga.e_*` WHERE _TABLE_SUFFIX NOT LIKE 'i%';

SELECT x FROM `ga.e_*` WHERE _TABLE_SUFFIX LIKE 'i%';

SELECT x FROM `ga.e_*` WHERE CONCAT('x',_TABLE_SUFFIX) LIKE '%1';

SELECT x, SUM(x) OVER (PARTITION BY MOD(x,2) ORDER BY x) FROM UNNEST([1,2,3]) x ORDER BY 1;

SELECT x, SUM(x) OVER (PARTITION BY MOD(x,x-2) ORDER BY x) FROM UNNEST([1,2,3]) x ORDER BY 1;

SELECT x, SUM(x) OVER w FROM UNNEST([1,2,3]) x WINDOW w AS (PARTITION BY DIV(x,2)) ORDER BY 1;

SELECT x FROM UNNEST(['10','2']) x QUALIFY ROW_NUMBER() OVER (ORDER BY CAST(x AS INT64))=1;

SELECT x, ROW_NUMBER() OVER (PARTITION BY SUBSTR(x,1,1) ORDER BY LENGTH(x)/2) FROM UNNEST(['10','2']) x ORDER BY 1;

SELECT x, ROW_NUMBER() OVER (ORDER BY LN(x), SQRT(x), DATE(2020,x,1), FORMAT('%d',x), LEFT('a',x)) FROM UNNEST([1,2]) x;

SELECT x, ROW_NUMBER() OVER (PARTITION BY ABS(MOD(FARM_FINGERPRINT(CAST(x AS STRING)),10)) ORDER BY SPLIT('a,b')[OFFSET(0)]) FROM UNNEST([1,2]) x;

SELECT ROW_NUMBER() OVER (ORDER BY RAND()) FROM UNNEST([1,2]) x;

SELECT x, FIRST_VALUE(x) OVER (PARTITION BY DATE(2020,x,1) ORDER BY x) FROM UNNEST([1,13]) x;

FROM (SELECT 1 a,'x' b,3 v UNION ALL SELECT 2,'y',4 UNION ALL SELECT 1,'z',5) |> AGGREGATE SUM(v) AS s GROUP AND ORDER BY a, b DESC;

FROM Produce |> AGGREGATE SUM(sales) AS total_sales GROUP AND ORDER BY category, item DESC;

FROM Produce |> AGGREGATE SUM(sales) DESC GROUP BY item;

FROM Produce |> AGGREGATE SUM(sales) DESC, COUNT(*) ASC GROUP BY category;

FROM Produce |> AGGREGATE COUNT(*) ASC, SUM(sales) AS s GROUP BY category DESC;

FROM Produce |> AGGREGATE COUNT(*) AS n, SUM(sales) AS s;

FROM Produce |> AGGREGATE COUNT(*) GROUP AND ORDER BY UPPER(category) AS c;

WITH a AS (SELECT x, k FROM t), b AS (SELECT *, FARM_FINGERPRINT(k) AS f FROM a) SELECT x, f = FARM_FINGERPRINT(k) FROM b;

WITH a AS (SELECT x, k FROM t WHERE x > @m), b AS (SELECT *, FARM_FINGERPRINT(k) AS f FROM a WHERE x > 1) SELECT x, MOD(ABS(FARM_FINGERPRINT(k)),2) FROM b WHERE x=@m+2;

WITH a AS (WITH z AS (SELECT x,k FROM t) SELECT *, TO_JSON_STRING(z) AS j FROM z) SELECT j, FARM_FINGERPRINT(j) IS NULL FROM a;

WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i+1 FROM n WHERE i<3), m AS (SELECT CAST(i AS STRING) s FROM n) SELECT s, FARM_FINGERPRINT(s)>0 IS NULL FROM m;

WITH a AS (SELECT nope FROM t) SELECT FARM_FINGERPRINT(k) FROM a;

WITH a AS (SELECT NOPE(x) AS k FROM t) SELECT FARM_FINGERPRINT(k) FROM a;

WITH a AS (SELECT k FROM t) SELECT FARM_FINGERPRINT(kk) FROM a;

WITH `a` AS (SELECT k FROM t) SELECT FARM_FINGERPRINT(k)>0 IS NULL FROM `a`;

WITH a AS ((SELECT k FROM t)) SELECT FARM_FINGERPRINT(k)>0 IS NULL FROM a;

WITH a AS (SELECT k FROM t UNION ALL SELECT 'q') SELECT COUNT(FARM_FINGERPRINT(k)) FROM a;

MERGE INTO t USING s ON t.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (s.id, DEFAULT);

SELECT `p.ga.f`(2), `p`.ga.f(3);

SELECT 'a' NOT LIKE ALL ('b', 'c'), 'a' NOT LIKE 'x%', 'a' LIKE ANY ('b');

CREATE SCHEMA `p.newds`;
