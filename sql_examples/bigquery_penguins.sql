-- A script as it is written for BigQuery, run on DuckDB. Only the first two statements are local: they put the data where BigQuery has it.
-- Run from the root of the project: sqlml run sql_examples/bigquery_penguins.sql

SET sqlml.dialect = 'bigquery';
CREATE SCHEMA IF NOT EXISTS ml_datasets;
LOAD DATA OVERWRITE ml_datasets.penguins FROM FILES (format = 'CSV', uris = ['sql_examples/data/penguins.csv'], skip_leading_rows = 1);

CREATE SCHEMA IF NOT EXISTS bqml_tutorial;

#standardSQL
CREATE OR REPLACE MODEL `bqml_tutorial.penguins_model`
TRANSFORM (
  ML.STANDARD_SCALER(culmen_length_mm) OVER () AS culmen_length,
  SAFE_DIVIDE(culmen_length_mm, culmen_depth_mm) AS slenderness,
  flipper_length_mm, island, species,
  IF(sex IN ('MALE', 'FEMALE'), sex, NULL) AS sex,
  body_mass_g
)
OPTIONS (model_type = 'linear_reg', input_label_cols = ['body_mass_g'], data_split_method = 'NO_SPLIT') AS
SELECT * EXCEPT (row_number)
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY species ORDER BY body_mass_g DESC) AS row_number
  FROM `bigquery-public-data.ml_datasets.penguins`
  WHERE body_mass_g IS NOT NULL
)
WHERE MOD(ABS(FARM_FINGERPRINT(CONCAT(species, CAST(row_number AS STRING)))), 10) < 8;

SELECT * FROM ML.EVALUATE(MODEL `bqml_tutorial.penguins_model`,
  (SELECT * FROM `bigquery-public-data.ml_datasets.penguins` WHERE body_mass_g IS NOT NULL));

CREATE OR REPLACE TABLE bqml_tutorial.predictions AS
SELECT species, island, predicted_body_mass_g, SAFE_CAST(body_mass_g AS INT64) AS body_mass_g
FROM ML.PREDICT(MODEL `bqml_tutorial.penguins_model`, TABLE `bigquery-public-data.ml_datasets.penguins`);

SELECT
  REGEXP_EXTRACT(species, r'^\w+') AS genus,
  COUNTIF(body_mass_g IS NULL) AS not_weighed,
  ROUND(AVG(predicted_body_mass_g)) AS predicted,
  APPROX_QUANTILES(body_mass_g, 2)[OFFSET(1)] AS median
FROM bqml_tutorial.predictions
GROUP BY genus
ORDER BY genus;
