"""The readable views, through DuckDB alone."""

from __future__ import annotations

import datetime
from pathlib import Path

import duckdb
from catalog_samples import START, arrays, key, record

from sqlml.catalog.store import Catalog
from sqlml.engines.duckdb import DuckDBEngine


def test_any_client_reads_the_views(catalog: Catalog, engine: DuckDBEngine, clock, path: Path) -> None:
    engine.rows("CREATE SCHEMA sales")
    catalog.publish(key(), record(), arrays())
    clock.advance(days=1)
    catalog.publish(key(), record(model_type="PCA", metrics={"m": 0.5}, iterations=(), sources=()), {}, replace=True)
    catalog.set_options(key(), {"description": "text", "labels": [("team", "ml")], "expiration_timestamp": datetime.datetime(9999, 1, 1)})
    catalog.publish(key("Other", "sales"), record(metrics={}, iterations=(), sources=()), {})
    catalog.publish(key("dropped"), record(), {})
    catalog.drop(key("dropped"))
    catalog.publish(key("expired"), record(), {})
    catalog.set_options(key("expired"), {"expiration_timestamp": START})
    engine.close()
    later = START + datetime.timedelta(days=1)

    with duckdb.connect(":memory:") as client:
        client.execute(f"ATTACH '{path}' AS elsewhere (READ_ONLY)")
        client.execute("USE elsewhere.sqlml")

        def rows(query: str) -> list[tuple[object, ...]]:
            return client.execute(query).fetchall()

        assert rows("SELECT * EXCLUDE (model_id) FROM models") == [
            ("main", "churn", "PCA", 2, 2, "text", {"team": "ml"}, START, later, datetime.datetime(9999, 1, 1), {}),
            ("sales", "Other", "KMEANS", 1, 1, None, {}, later, later, None, {}),
        ]
        assert rows("SELECT model_name, version, is_default, n_rows, options['num_clusters'], libraries['numpy'] FROM model_versions") == [
            ("churn", 1, False, 1000, "2", "2.4"), ("churn", 2, True, 1000, "2", "2.4"), ("Other", 1, True, 1000, "2", "2.4"),
        ]  # fmt: skip
        assert rows("SELECT model_name, version, metric, value FROM model_metrics") == [
            ("churn", 1, "z_first", 0.1 + 0.2), ("churn", 1, "a_second", None), ("churn", 1, "not_a_number", float("inf")), ("churn", 2, "m", 0.5),
        ]  # fmt: skip
        assert rows("SELECT iteration, loss, len(cluster_info) FROM training_info") == [(0, 1.0, None), (1, -0.0, 2), (2, None, 0)]
        assert rows("SELECT version, kind, name, n_rows, fingerprint FROM model_lineage") == [
            (1, "table", "penguins", 1000, "1:2"), (1, "file", "a b.parquet", None, None),
        ]  # fmt: skip
        events = rows("SELECT model_name, event, version FROM model_events")
        assert events[:2] == [("churn", "created", None), ("churn", "version_published", 1)]
        assert ("churn", "version_published", 2) in events[2:]
        assert ("dropped", "dropped", None) in events
        assert ("expired", "options_changed", None) in events
