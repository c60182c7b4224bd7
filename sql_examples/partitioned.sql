-- Train on some partitions of a hive-partitioned Parquet data set, score another. Only the files that are needed are read.
-- Run from the root of the project: sqlml run sql_examples/partitioned.sql
-- It writes the data set to the folder penguins_by_island.

COPY (SELECT * FROM read_csv('sql_examples/data/penguins.csv') WHERE body_mass_g IS NOT NULL)
TO 'penguins_by_island' (FORMAT parquet, PARTITION_BY (island), OVERWRITE);

-- One folder for each island.
SELECT island, count(*) AS penguins FROM read_parquet('penguins_by_island/*/*.parquet', hive_partitioning = true)
GROUP BY island ORDER BY island;

-- The filter is on the partition column: the folder of Torgersen is not opened.
CREATE OR REPLACE MODEL body_mass
  OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['body_mass_g']) AS
SELECT species, culmen_length_mm, culmen_depth_mm, flipper_length_mm, sex, body_mass_g
FROM read_parquet('penguins_by_island/*/*.parquet', hive_partitioning = true)
WHERE island IN ('Biscoe', 'Dream');

CREATE OR REPLACE TABLE scored AS
SELECT *
FROM ML.PREDICT(MODEL body_mass, (
  SELECT * FROM read_parquet('penguins_by_island/*/*.parquet', hive_partitioning = true) WHERE island = 'Torgersen'));

SELECT island, count(*) AS penguins, round(avg(body_mass_g)) AS weighed, round(avg(predicted_body_mass_g)) AS predicted FROM scored
GROUP BY island;

SELECT mean_absolute_error, r2_score
FROM ML.EVALUATE(MODEL body_mass, (
  SELECT * FROM read_parquet('penguins_by_island/*/*.parquet', hive_partitioning = true) WHERE island = 'Torgersen'));
