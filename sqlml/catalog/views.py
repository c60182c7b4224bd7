"""The readable views of schema `sqlml`, for any DuckDB client. sqlml itself reads tables only: a view is a stranger's code.

They name the tables without the database, so that they work wherever the file is attached.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlml import sql

_NOW = sql.call("make_timestamp", sql.call("epoch_us", sql.call("now")))
"""The present in UTC; AT TIME ZONE would need the ICU extension in every client."""

_LIVE = f"""SELECT n.schema_name, n.model_name, n.model_id, e.model_type, e.default_version, e.n_versions, e.description, e.labels,
  e.aliases, e.created_at, e.happened_at AS modified_at, e.expires_at
FROM sqlml._names AS n
JOIN (SELECT schema_key, name_key, {sql.call("max", "sequence")} AS sequence FROM sqlml._names GROUP BY schema_key, name_key) AS l
  ON n.schema_key = l.schema_key AND n.name_key = l.name_key AND n.sequence = l.sequence
JOIN (SELECT model_id, {sql.call("max", "sequence")} AS sequence FROM sqlml._events GROUP BY model_id) AS s
  ON n.model_id = s.model_id
JOIN sqlml._events AS e ON e.model_id = s.model_id AND e.sequence = s.sequence
WHERE e.expires_at IS NULL OR e.expires_at > {_NOW} OR {sql.call("cardinality", "e.aliases")} > 0"""
"""The models that are there: claimed, not dropped, not expired. One with aliases does not expire."""


def _of_versions(table: str, columns: str, order: str) -> str:
    return f"""SELECT m.schema_name, m.model_name, t.version, {columns}
FROM ({_LIVE}) AS m JOIN sqlml.{table} AS t ON m.model_id = t.model_id
ORDER BY m.schema_name, m.model_name, t.version{order}"""


VIEWS: Mapping[str, str] = {
    "models": f"""SELECT schema_name, model_name, model_type, default_version, n_versions, description, labels, created_at, modified_at,
  expires_at, aliases, model_id
FROM ({_LIVE}) ORDER BY schema_name, model_name""",
    "model_versions": _of_versions(
        "_versions",
        "t.version = m.default_version AS is_default, t.created_at, t.model_type, t.label, t.n_rows, t.n_train, t.n_eval, t.split_method, "
        "t.seed, t.duration_ms, t.options, t.statement, t.query, t.parameters, t.libraries, t.environment, t.notices, t.checksum",
        "",
    ),
    "model_metrics": _of_versions("_metrics", "t.metric, t.value", ", t.position"),
    "training_info": _of_versions(
        "_iterations", "t.iteration, t.loss, t.eval_loss, t.learning_rate, t.duration_ms, t.cluster_info", ", t.position"
    ),
    "model_aliases": f"""SELECT schema_name, model_name, alias.key AS alias, alias.value AS version
FROM (SELECT schema_name, model_name, unnest({sql.call("map_entries", "aliases")}) AS alias FROM ({_LIVE}) AS m)
ORDER BY schema_name, model_name, alias.key""",
    "model_lineage": _of_versions(
        "_sources",
        "t.kind, t.name, t.n_rows, t.fingerprint, t.columns, t.partition, t.size_bytes, t.modified_at, t.snapshot, t.position, t.part_of",
        ", t.position",
    ),
    "model_events": """SELECT happened_at, actor, host, event, schema_name, model_name, version, alias, default_version, reason, statement,
  run_id, model_id, sequence
FROM sqlml._events ORDER BY happened_at, model_id, sequence""",
    "runs": """SELECT run_id, name, started_at, finished_at, status, n_statements, error_code, message, actor, host
FROM sqlml._runs ORDER BY started_at, run_id""",
}
VIEWS_SINCE: Mapping[str, int] = {"model_aliases": 2, "runs": 2}
"""The format that a view came with; the others have been there from the first."""
