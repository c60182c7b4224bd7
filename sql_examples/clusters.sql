-- Do penguins fall into groups by their measurements alone? K-means, then two principal components to draw them.
-- Run from the root of the project: sqlml run sql_examples/clusters.sql

CREATE OR REPLACE TABLE penguins AS
SELECT row_number() OVER () AS id, * FROM read_csv('sql_examples/data/penguins.csv') WHERE body_mass_g IS NOT NULL;

CREATE OR REPLACE MODEL groups
  OPTIONS (model_type = 'KMEANS', num_clusters = 3, kmeans_init_method = 'KMEANS++') AS
SELECT culmen_length_mm, culmen_depth_mm, flipper_length_mm, body_mass_g FROM penguins;

SELECT * FROM ML.EVALUATE(MODEL groups);

-- The groups against the species, which the model was not told.
CREATE OR REPLACE TABLE grouped AS
SELECT id, species, centroid_id, nearest_centroids_distance[1].distance AS distance FROM ML.PREDICT(MODEL groups, TABLE penguins);

PIVOT grouped ON species USING count(*) GROUP BY centroid_id ORDER BY centroid_id;

-- What a typical penguin of each group measures.
PIVOT (SELECT centroid_id, feature, round(numerical_value, 1) AS value FROM ML.CENTROIDS(MODEL groups))
ON feature USING first(value) GROUP BY centroid_id ORDER BY centroid_id;

-- The least typical ones.
SELECT id, species, centroid_id, round(distance, 2) AS distance FROM grouped ORDER BY distance DESC, id LIMIT 3;

-- Four measurements on two axes.
CREATE OR REPLACE MODEL axes
  OPTIONS (model_type = 'PCA', num_principal_components = 2) AS
SELECT culmen_length_mm, culmen_depth_mm, flipper_length_mm, body_mass_g FROM penguins;

SELECT * FROM ML.PRINCIPAL_COMPONENT_INFO(MODEL axes);

CREATE OR REPLACE TABLE points AS
SELECT id, species, principal_component_1, principal_component_2
FROM ML.PREDICT(MODEL axes, TABLE penguins, STRUCT(TRUE AS keep_original_columns));

SELECT species, round(avg(principal_component_1), 2) AS x, round(avg(principal_component_2), 2) AS y FROM points
GROUP BY species ORDER BY species;
