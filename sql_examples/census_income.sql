-- Who earns more than 50,000 dollars? Logistic regression and boosted trees on the census of 1994, compared on rows that neither has seen.
-- Run from the root of the project: sqlml run sql_examples/census_income.sql

CREATE OR REPLACE VIEW census AS
SELECT age, workclass, education_num, marital_status, occupation, relationship, race, sex, capital_gain, capital_loss, hours_per_week,
       native_country, trim(income_bracket) AS income_bracket
FROM read_parquet('sql_examples/data/census_adult_income.parquet');

-- The split is random and depends on the rows only, so both models train on the same rows and are judged by the others.
CREATE OR REPLACE MODEL income_linear
  OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['income_bracket'],
           data_split_method = 'RANDOM', data_split_eval_fraction = 0.25) AS
SELECT * FROM census;

CREATE OR REPLACE MODEL income_trees
  OPTIONS (model_type = 'BOOSTED_TREE_CLASSIFIER', input_label_cols = ['income_bracket'], max_iterations = 50, early_stop = FALSE,
           data_split_method = 'RANDOM', data_split_eval_fraction = 0.25) AS
SELECT * FROM census;

CREATE OR REPLACE TABLE comparison AS
SELECT 'logistic regression' AS model, * FROM ML.EVALUATE(MODEL income_linear)
UNION ALL
SELECT 'boosted trees', * FROM ML.EVALUATE(MODEL income_trees);

FROM comparison ORDER BY roc_auc DESC;

-- What the trees look at.
SELECT feature, importance_weight AS splits, round(importance_gain, 2) AS gain
FROM ML.FEATURE_IMPORTANCE(MODEL income_trees)
ORDER BY importance_gain DESC LIMIT 5;

-- A higher threshold over all rows: fewer false alarms, more misses.
SELECT threshold, precision, recall
FROM (SELECT 0.5 AS threshold, * FROM ML.EVALUATE(MODEL income_trees, TABLE census, STRUCT(0.5 AS threshold))
      UNION ALL
      SELECT 0.8, * FROM ML.EVALUATE(MODEL income_trees, TABLE census, STRUCT(0.8 AS threshold)))
ORDER BY threshold;

-- The surest predictions that are wrong: the first rows to look at.
SELECT age, occupation, education_num, hours_per_week, income_bracket,
       list_max(list_transform(predicted_income_bracket_probs, lambda p: p.prob)) AS certainty
FROM ML.PREDICT(MODEL income_trees, TABLE census)
WHERE predicted_income_bracket <> income_bracket
ORDER BY certainty DESC, age, occupation LIMIT 5;
