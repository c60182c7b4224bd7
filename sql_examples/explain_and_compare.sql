-- Is this model any good, why does it say so, and is it fair? Three versions of one model on the census of 1994.
-- Run from the root of the project: sqlml run sql_examples/explain_and_compare.sql

CREATE OR REPLACE TABLE people AS
SELECT row_number() OVER () AS person, age, trim(workclass) AS workclass, education_num, trim(marital_status) AS marital_status,
       trim(occupation) AS occupation, trim(relationship) AS relationship, trim(race) AS race, trim(sex) AS sex,
       capital_gain, capital_loss, hours_per_week, trim(income_bracket) AS income_bracket
FROM read_parquet('sql_examples/data/census_adult_income.parquet');

-- Every fourth person is kept from all training: these judge every version alike.
CREATE OR REPLACE TABLE held_out AS SELECT * FROM people WHERE person % 4 = 0;
CREATE OR REPLACE TABLE training AS SELECT * EXCLUDE (person) FROM people WHERE person % 4 <> 0;

DROP MODEL IF EXISTS income;

-- Version 1, the plain one. enable_global_explain averages the attributions of many rows while they are there.
CREATE MODEL income
  OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['income_bracket'], data_split_method = 'NO_SPLIT',
           enable_global_explain = TRUE) AS
SELECT * FROM training;

-- Version 2: trees see what columns mean together.
CREATE OR REPLACE MODEL income
  OPTIONS (model_type = 'BOOSTED_TREE_CLASSIFIER', input_label_cols = ['income_bracket'], data_split_method = 'NO_SPLIT',
           max_iterations = 30, early_stop = FALSE, enable_global_explain = TRUE) AS
SELECT * FROM training;

-- Version 3: the same trees, not told sex and race. Is that fair now? See the end.
CREATE OR REPLACE MODEL income
  OPTIONS (model_type = 'BOOSTED_TREE_CLASSIFIER', input_label_cols = ['income_bracket'], data_split_method = 'NO_SPLIT',
           max_iterations = 30, early_stop = FALSE, enable_global_explain = TRUE) AS
SELECT * EXCLUDE (sex, race) FROM training;

-- How good are they? Three of four people earn less than 50,000, so an accuracy of 0.77 is had by always saying <=50K.
SELECT 1 AS version, * FROM ML.EVALUATE(MODEL income@1, TABLE held_out)
UNION ALL
SELECT 2, * FROM ML.EVALUATE(MODEL income@2, TABLE held_out)
UNION ALL
SELECT 3, * FROM ML.EVALUATE(MODEL income@3, TABLE held_out)
ORDER BY version;

-- The errors are of two kinds: a third of those who earn more are missed, few of the others are taken for them. Rows are what is true, columns
-- what was predicted; signs cannot be in their names, so __50K is <=50K and _50K is >50K.
SELECT * FROM ML.CONFUSION_MATRIX(MODEL income@2, TABLE held_out);

-- Can one believe the probabilities? In each bin, predicted and observed shares should be about the same; here they are 1 % apart on average.
SELECT lower_bound, upper_bound, n_rows, round(mean_predicted, 3) AS predicted, round(observed_rate, 3) AS observed,
       round(expected_calibration_error, 3) AS expected_calibration_error, round(brier_score, 3) AS brier_score
FROM ML.CALIBRATION(MODEL income@2, TABLE held_out, STRUCT(5 AS num_bins)) ORDER BY bin;

-- Whoever can write to one person in ten only reaches four times as many of those who earn more among the likeliest tenth as among any (lift);
-- the likeliest three tenths hold five of six (gain).
SELECT decile, n_rows, round(response_rate, 3) AS response_rate, round(lift, 2) AS lift, round(cumulative_gain, 3) AS cumulative_gain
FROM ML.LIFT(MODEL income@2, TABLE held_out) ORDER BY decile;

-- Is version 2 really better than version 1, or were these rows kind to it? Both are scored on the same rows; difference is value_a - value_b,
-- and where its bounds have 0 between them, the rows do not tell. For log_loss lower is better, so a negative difference speaks for a.
CREATE OR REPLACE TABLE comparison AS
SELECT '2 - 1' AS versions, * FROM ML.COMPARE(MODEL income@2, MODEL income@1, TABLE held_out)
UNION ALL
SELECT '2 - 3', * FROM ML.COMPARE(MODEL income@2, MODEL income@3, TABLE held_out);

-- Trees beat the straight line in everything; to leave out sex and race costs next to nothing.
SELECT versions, metric, round(value_a, 4) AS value_a, round(value_b, 4) AS value_b, round(difference, 4) AS difference,
       round(lower_bound, 4) AS lower_bound, round(upper_bound, 4) AS upper_bound,
       lower_bound > 0 OR upper_bound < 0 AS is_more_than_chance
FROM comparison ORDER BY versions, metric;

-- Why does version 2 say what it says of three people? Attributions are log odds of the class that is predicted: what is above 0 speaks for
-- it, what is below against it. Together with the baseline, which is what it says of nobody in particular, they are the prediction.
CREATE OR REPLACE TABLE explained AS
SELECT * FROM ML.EXPLAIN_PREDICT(MODEL income@2, (SELECT * FROM held_out WHERE person IN (4, 8, 12)), STRUCT(100 AS top_k_features));

SELECT person, income_bracket AS actual, predicted_income_bracket AS predicted, round(probability, 3) AS probability,
       round(baseline_prediction_value, 4) AS baseline,
       round(list_sum(list_transform(top_feature_attributions, lambda a: a.attribution)), 4) AS attributions,
       round(prediction_value, 4) AS prediction_value
FROM explained ORDER BY person;

-- The three features that said most of each, and what the person has there.
SELECT person, predicted_income_bracket AS predicted, top.feature,
       to_json(explained) ->> top.feature AS value, round(top.attribution, 3) AS attribution
FROM (SELECT *, unnest(top_feature_attributions[1:3]) AS top FROM explained) AS explained
ORDER BY person, abs(top.attribution) DESC;

-- The same on average over many people. Sex says little beside relationship (a Husband is a man), so version 3 can do without it.
SELECT feature, round(with_both.attribution, 3) AS with_sex_and_race, round(without.attribution, 3) AS without_them
FROM ML.GLOBAL_EXPLAIN(MODEL income@2) AS with_both LEFT JOIN ML.GLOBAL_EXPLAIN(MODEL income@3) AS without USING (feature)
ORDER BY with_sex_and_race DESC;

-- One number for all hides whom it is wrong about: of the women who earn more, more are missed (recall). Look at n_rows first, small slices
-- say little.
SELECT slice, n_rows, round(accuracy, 3) AS accuracy, round(precision, 3) AS precision, round(recall, 3) AS recall, round(roc_auc, 3) AS roc_auc
FROM ML.SLICE_METRICS(MODEL income@2, TABLE held_out, STRUCT(['sex', 'race'] AS slice_cols));

-- Is it fair? DPL is what the world is like: the share of men who earn more, less that of women. DPPL and DI say what the model makes of it,
-- RD whom it misses. CDDL and CDDPL compare women with men of the same occupation.
CREATE OR REPLACE TABLE fairness AS
SELECT 2 AS version, 'sex' AS facet, * FROM ML.FAIRNESS(MODEL income@2, TABLE held_out,
  STRUCT('sex' AS facet, 'Female' AS disadvantaged_value, 'Male' AS advantaged_value, '>50K' AS positive_label, 'occupation' AS group_col))
UNION ALL
SELECT 3, 'sex', * FROM ML.FAIRNESS(MODEL income@3, TABLE held_out,
  STRUCT('sex' AS facet, 'Female' AS disadvantaged_value, 'Male' AS advantaged_value, '>50K' AS positive_label, 'occupation' AS group_col))
UNION ALL
SELECT 2, 'race', * FROM ML.FAIRNESS(MODEL income@2, TABLE held_out,
  STRUCT('race' AS facet, 'Black' AS disadvantaged_value, 'White' AS advantaged_value, '>50K' AS positive_label, 'occupation' AS group_col))
UNION ALL
SELECT 3, 'race', * FROM ML.FAIRNESS(MODEL income@3, TABLE held_out,
  STRUCT('race' AS facet, 'Black' AS disadvantaged_value, 'White' AS advantaged_value, '>50K' AS positive_label, 'occupation' AS group_col));

-- Not to tell a model of sex does not make it fair to women: what is in its other columns says it, too. A fair range is a rule of thumb;
-- which measure matters is for those who know what the prediction is used for.
SELECT facet, measure, round(max(value) FILTER (version = 2), 3) AS with_sex_and_race, round(max(value) FILTER (version = 3), 3) AS without_them,
       fair_range, first(compares) AS compares
FROM fairness
WHERE measure IN ('DPL', 'DPPL', 'DI', 'RD', 'AD', 'CDDPL')
GROUP BY ALL ORDER BY facet DESC, measure;
