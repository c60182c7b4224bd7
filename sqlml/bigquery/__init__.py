"""BigQuery's SQL on DuckDB: a query is read by sqlglot, every construct is looked up in a table, and what no table knows is an error."""
