-- The history of a model: versions, aliases, rollback, a change that is all or nothing, and a copy elsewhere.
-- Run from the root of the project: sqlml run sql_examples/versions.sql
-- It writes the folder body_mass_exported.

-- A model from scratch, with its history: this script may have run here before.
DROP MODEL IF EXISTS body_mass;
DROP MODEL IF EXISTS body_mass_restored;

CREATE OR REPLACE TABLE penguins AS
SELECT * FROM read_csv('sql_examples/data/penguins.csv') WHERE body_mass_g IS NOT NULL AND sex IS NOT NULL;

-- Every CREATE OR REPLACE adds a version. Both are judged by the same rows, which neither has seen.
CREATE MODEL body_mass
  OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['body_mass_g'],
           data_split_method = 'RANDOM', data_split_eval_fraction = 0.25) AS
SELECT species, sex, flipper_length_mm, culmen_length_mm, body_mass_g FROM penguins;

CREATE OR REPLACE MODEL body_mass
  OPTIONS (model_type = 'BOOSTED_TREE_REGRESSOR', input_label_cols = ['body_mass_g'], max_iterations = 20,
           data_split_method = 'RANDOM', data_split_eval_fraction = 0.25) AS
SELECT species, sex, flipper_length_mm, culmen_length_mm, body_mass_g FROM penguins;

SELECT version, is_default, model_type, value AS mean_absolute_error
FROM sqlml.model_versions JOIN sqlml.model_metrics USING (schema_name, model_name, version)
WHERE model_name = 'body_mass' AND metric = 'mean_absolute_error' ORDER BY version;

-- Names of your own for versions. What asks for @champion does not change when the alias moves.
ALTER MODEL body_mass SET ALIAS champion = 1;
ALTER MODEL body_mass SET ALIAS challenger = 2;

SELECT round(avg(abs(a.predicted_body_mass_g - b.predicted_body_mass_g)), 1) AS grams_apart
FROM ML.PREDICT(MODEL body_mass@champion, TABLE penguins) AS a
POSITIONAL JOIN ML.PREDICT(MODEL body_mass@challenger, TABLE penguins) AS b;

-- Roll back: the model's name alone means version 1 again.
ALTER MODEL body_mass SET DEFAULT VERSION = champion;

-- A new version and the predictions made with it become visible together, or, as here, not at all.
BEGIN;
CREATE OR REPLACE MODEL body_mass OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['body_mass_g']) AS
SELECT species, body_mass_g FROM penguins;
CREATE OR REPLACE TABLE predictions AS SELECT * FROM ML.PREDICT(MODEL body_mass, TABLE penguins);
ROLLBACK;

-- What nothing points at can go. What an alias points at cannot.
ALTER MODEL body_mass DROP ALIAS challenger;
DROP MODEL body_mass@2;

-- The whole model with its history as a folder, and back under another name.
EXPORT MODEL body_mass OPTIONS (uri = 'body_mass_exported', overwrite = true);
IMPORT MODEL body_mass_restored OPTIONS (uri = 'body_mass_exported');

SELECT count(*) AS penguins, count(*) FILTER (a.predicted_body_mass_g = b.predicted_body_mass_g) AS same_prediction
FROM ML.PREDICT(MODEL body_mass, TABLE penguins) AS a
POSITIONAL JOIN ML.PREDICT(MODEL body_mass_restored@champion, TABLE penguins) AS b;

-- Who did what: every change has its time, user, host and statement, and a model that moves takes its history along.
SELECT event, version, alias, default_version, split_part(reason, ',', 2) AS reason FROM sqlml.model_events
WHERE model_id = (SELECT max_by(model_id, happened_at) FROM sqlml.model_events WHERE model_name = 'body_mass_restored')
ORDER BY sequence;
