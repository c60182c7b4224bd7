-- How heavy is a penguin? Train, evaluate, predict.
-- Run from the root of the project: sqlml run sql_examples/quickstart.sql

CREATE OR REPLACE TABLE penguins AS FROM read_csv('sql_examples/data/penguins.csv');

CREATE OR REPLACE MODEL body_mass
  OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['body_mass_g']) AS
  SELECT species, island, culmen_length_mm, culmen_depth_mm, flipper_length_mm, sex, body_mass_g
  FROM penguins WHERE body_mass_g IS NOT NULL;

-- How good is it?
SELECT * FROM ML.EVALUATE(MODEL body_mass);

-- What did it learn? Numbers weigh grams a millimetre, categories grams.
SELECT * FROM ML.WEIGHTS(MODEL body_mass);

-- Predictions are rows: group them, join them, store them. The two penguins that nobody weighed get one, too.
SELECT species, count(*) AS penguins, round(avg(body_mass_g)) AS weighed, round(avg(predicted_body_mass_g)) AS predicted
FROM ML.PREDICT(MODEL body_mass, TABLE penguins)
GROUP BY species ORDER BY species;

-- Every CREATE OR REPLACE adds a version, and the older ones stay.
CREATE OR REPLACE MODEL body_mass
  OPTIONS (model_type = 'BOOSTED_TREE_REGRESSOR', input_label_cols = ['body_mass_g']) AS
  SELECT species, island, culmen_length_mm, culmen_depth_mm, flipper_length_mm, sex, body_mass_g
  FROM penguins WHERE body_mass_g IS NOT NULL;

SELECT 'linear' AS model, mean_absolute_error, r2_score FROM ML.EVALUATE(MODEL body_mass@1, (FROM penguins WHERE body_mass_g IS NOT NULL))
UNION ALL
SELECT 'trees', mean_absolute_error, r2_score FROM ML.EVALUATE(MODEL body_mass@2, (FROM penguins WHERE body_mass_g IS NOT NULL))
ORDER BY model;

-- Both were scored on rows that they had trained on, which flatters the trees. Back to version 1.
ALTER MODEL body_mass SET DEFAULT VERSION = 1;

SHOW MODELS;
