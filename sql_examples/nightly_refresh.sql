-- A nightly job: train again when the data have changed, promote only what is not worse, score the new rows, keep the last few versions.
-- Run from the root of the project: sqlml run sql_examples/nightly_refresh.sql
-- The first run makes the model. REFRESH then runs a training query that an earlier run recorded in the file, so this script consents to it.
SET sqlml.allow_recorded_queries = true;
SET sqlml.keep_versions = 5;

-- What has arrived: the penguins of one more island every night, up to all three.
CREATE TABLE IF NOT EXISTS penguins AS
SELECT * FROM read_csv('sql_examples/data/penguins.csv') LIMIT 0;

INSERT INTO penguins
SELECT * FROM read_csv('sql_examples/data/penguins.csv')
WHERE body_mass_g IS NOT NULL AND sex IS NOT NULL
  AND island = (SELECT min(island) FROM read_csv('sql_examples/data/penguins.csv') WHERE island NOT IN (SELECT island FROM penguins));

-- Only the first night: nothing happens where the model is there already.
CREATE MODEL IF NOT EXISTS body_mass
  OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['body_mass_g'],
           data_split_method = 'RANDOM', data_split_eval_fraction = 0.25, lineage_partition_col = 'island') AS
SELECT species, sex, flipper_length_mm, culmen_length_mm, body_mass_g FROM penguins;

-- New version, promotion and predictions are one transaction: whoever reads sees last night's of all three, or tonight's.
BEGIN;

-- The recorded statement on tonight's rows. Both versions are judged by the same rows; one that errs 2 % more is kept, and not used.
REFRESH MODEL body_mass IF DATA CHANGED
  PROMOTE IF mean_absolute_error <= incumbent.mean_absolute_error * 1.02;

CREATE OR REPLACE TABLE scored AS
SELECT island, species, sex, body_mass_g, predicted_body_mass_g,
       (SELECT default_version FROM sqlml.models WHERE model_name = 'body_mass') AS version
FROM ML.PREDICT(MODEL body_mass, TABLE penguins);

COMMIT;

SELECT island, version, count(*) AS penguins, round(avg(abs(predicted_body_mass_g - body_mass_g))) AS grams_off
FROM scored GROUP BY ALL ORDER BY island;

-- Why each version is there, and whether it is used.
SELECT v.version, v.is_default, v.n_rows, coalesce(e.reason, 'created') AS reason
FROM sqlml.model_versions AS v
JOIN sqlml.model_events AS e ON e.model_name = v.model_name AND e.version = v.version AND e.event = 'version_published'
WHERE v.model_name = 'body_mass' ORDER BY v.version;

-- What was trained on which island.
SELECT version, partition, n_rows FROM sqlml.model_lineage WHERE model_name = 'body_mass' AND partition IS NOT NULL ORDER BY ALL;
