-- Feature engineering that is learned once and applied the same way ever after: who earns more than 50,000 dollars, once more.
-- Run from the root of the project: sqlml run sql_examples/feature_engineering.sql

-- The census as it came: blanks in front of every text, ? where nothing was answered. Only the label is cleaned here.
CREATE OR REPLACE VIEW census AS
SELECT * EXCLUDE (functional_weight, education) REPLACE (trim(income_bracket) AS income_bracket)
FROM read_parquet('sql_examples/data/census_adult_income.parquet');

-- Plain expressions see one row. Functions with OVER () also learn something of all training rows (a mean, boundaries, a vocabulary), which
-- becomes a constant of the model. The label passes through as it is.
CREATE OR REPLACE MODEL income_linear
  TRANSFORM (
    income_bracket,
    ML.STANDARD_SCALER(hours_per_week) OVER () AS hours,
    ML.MIN_MAX_SCALER(education_num) OVER () AS education,
    -- How earnings grow with age is no straight line: ten age groups of about the same size, each with a weight of its own.
    ML.QUANTILE_BUCKETIZE(age, 10) OVER () AS age_group,
    -- Most people have no capital gain at all, so these boundaries are chosen by hand.
    ML.BUCKETIZE(capital_gain, [1, 3000, 5000, 7000, 10000]) AS gain_group,
    ln(1 + capital_loss) AS capital_loss,
    -- ? becomes NULL, and the most frequent answer takes its place.
    ML.IMPUTER(nullif(trim(workclass), '?'), 'most_frequent') OVER () AS workclass,
    coalesce(nullif(trim(occupation), '?'), 'unknown') AS occupation,
    -- Marital status and sex together say more than either: .* makes a feature of every field of the STRUCT.
    ML.FEATURE_CROSS(STRUCT(trim(marital_status) AS marital, trim(sex) AS sex)).*,
    -- Countries of fewer than 50 people share one number.
    ML.ONE_HOT_ENCODER(trim(native_country), 'none', 1000, 50) OVER () AS country)
  OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['income_bracket'],
           data_split_method = 'RANDOM', data_split_eval_fraction = 0.25) AS
SELECT * FROM census;

-- Trees find thresholds without help, so they get numbers as they are, products of numbers, and numbers for texts.
CREATE OR REPLACE MODEL income_trees
  TRANSFORM (
    * EXCEPT (workclass, occupation, native_country, education_num, hours_per_week),
    ML.POLYNOMIAL_EXPAND(STRUCT(education_num AS education, hours_per_week AS hours), 2).*,
    ML.LABEL_ENCODER(trim(occupation), 100, 5) OVER () AS occupation,
    ML.HASH_BUCKETIZE(workclass || native_country, 50) AS origin,
    capital_gain - capital_loss AS capital)
  OPTIONS (model_type = 'BOOSTED_TREE_CLASSIFIER', input_label_cols = ['income_bracket'], max_iterations = 30, early_stop = FALSE,
           data_split_method = 'RANDOM', data_split_eval_fraction = 0.25) AS
SELECT * FROM census;

-- The rows set aside for evaluation took no part in any mean, boundary or vocabulary.
CREATE OR REPLACE TABLE engineered AS
SELECT 'logistic regression' AS model, * FROM ML.EVALUATE(MODEL income_linear)
UNION ALL
SELECT 'boosted trees', * FROM ML.EVALUATE(MODEL income_trees);

SELECT model, round(accuracy, 3) AS accuracy, round(roc_auc, 3) AS roc_auc FROM engineered ORDER BY roc_auc DESC;

-- Whoever asks for a prediction gives raw columns, blanks, ? and all; the label is not needed.
SELECT age, trim(occupation) AS occupation, predicted_income_bracket AS predicted,
       round(list_max(list_transform(predicted_income_bracket_probs, lambda p: p.prob)), 3) AS probability
FROM ML.PREDICT(MODEL income_linear, (
  SELECT 45 AS age, ' Private' AS workclass, 14 AS education_num, ' Married-civ-spouse' AS marital_status, ' Exec-managerial' AS occupation,
         ' Female' AS sex, 0 AS capital_gain, 0 AS capital_loss, 50 AS hours_per_week, ' United-States' AS native_country
  UNION ALL
  SELECT 19, ' ?', 9, ' Never-married', ' ?', ' Male', 0, 0, NULL, ' Atlantis'))
ORDER BY age;

-- What the raw columns were like in the training rows.
SELECT input, min, max, round(mean, 1) AS mean, median, category_count FROM ML.FEATURE_INFO(MODEL income_linear) LIMIT 5;

-- What was learned of the age groups: high earnings grow likelier up to the fifties, and less likely after.
SELECT pair.category AS age_group, round(pair.weight, 2) AS weight
FROM (SELECT unnest(category_weights) AS pair FROM ML.WEIGHTS(MODEL income_linear) WHERE processed_input = 'age_group')
ORDER BY CAST(replace(age_group, 'bin_', '') AS INTEGER);

-- The features alone, for several models: TRANSFORM_ONLY needs no label and predicts nothing.
CREATE OR REPLACE MODEL prepared
  TRANSFORM (
    income_bracket,
    ML.ROBUST_SCALER(age) OVER () AS age,
    ML.MAX_ABS_SCALER(capital_gain) OVER () AS capital_gain,
    ML.QUANTILE_BUCKETIZE(hours_per_week, 4, 'bucket_ranges') OVER () AS hours,
    trim(relationship) AS relationship)
  OPTIONS (model_type = 'TRANSFORM_ONLY') AS
SELECT * FROM census;

-- Its outputs come first, then the input's other columns. Many people work 40 hours: equal boundaries leave a group between them empty.
SELECT hours, count(*) AS people, round(avg(age), 2) AS age FROM ML.TRANSFORM(MODEL prepared, TABLE census) GROUP BY hours ORDER BY hours;

CREATE OR REPLACE MODEL income_prepared
  OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['income_bracket'],
           data_split_method = 'RANDOM', data_split_eval_fraction = 0.25) AS
SELECT age, capital_gain, hours, relationship, income_bracket FROM ML.TRANSFORM(MODEL prepared, TABLE census);

SELECT round(roc_auc, 3) AS roc_auc FROM ML.EVALUATE(MODEL income_prepared);

-- The functions stand in ordinary queries, too: what they learn is then of the rows of the query. Here texts become words and pairs of
-- neighbouring words; of these, the ones that occur in two texts are numbered by alphabet (married, spouse), and 0 counts all others.
CREATE OR REPLACE TABLE statuses AS
SELECT DISTINCT trim(marital_status) AS status FROM census;

CREATE OR REPLACE TABLE words AS
SELECT status, ML.NGRAMS(TEXT_ANALYZE(status, analyzer => 'PATTERN_ANALYZER'), [1, 2]) AS terms FROM statuses;

SELECT status, terms, ML.BAG_OF_WORDS(terms, 100, 2) OVER () AS bag FROM words ORDER BY status;
