"""What the BigQuery flavour costs before a statement runs: reading, binding and planning a statement of 60 lines, beyond DuckDB's own part.

    python tests/benchmarks/bench_bigquery.py [repeats]

The tables are empty, so that nothing but planning is measured; the time inside DuckDB is taken off. Figures are medians in one process, in
milliseconds of wall clock and of processor time.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

PLAIN = """
WITH events AS (
  SELECT
    user_pseudo_id AS user_id,
    event_name,
    TIMESTAMP_MICROS(event_timestamp) AS moment,
    EXTRACT(DAYOFWEEK FROM TIMESTAMP_MICROS(event_timestamp)) AS weekday,
    EXTRACT(HOUR FROM TIMESTAMP_MICROS(event_timestamp)) AS hour,
    device,
    LOWER(TRIM(country)) AS country,
    SAFE_CAST(revenue AS FLOAT64) AS revenue
  FROM `some-project.analytics.events`
  WHERE event_date BETWEEN '20260101' AND '20260131'
    AND event_name NOT IN ('app_remove', 'app_exception')
    AND country IS NOT NULL
),
first_touch AS (
  SELECT
    user_id,
    MIN(moment) AS first_seen,
    ANY_VALUE(device) AS device,
    ANY_VALUE(country) AS country
  FROM events
  GROUP BY user_id
),
windowed AS (
  SELECT
    e.user_id,
    e.event_name,
    e.moment,
    f.first_seen,
    TIMESTAMP_DIFF(e.moment, f.first_seen, HOUR) AS hours_in,
    LAG(e.moment) OVER (PARTITION BY e.user_id ORDER BY e.moment) AS before,
    ROW_NUMBER() OVER (PARTITION BY e.user_id ORDER BY e.moment) AS number,
    e.revenue
  FROM events AS e
  JOIN first_touch AS f USING (user_id)
  WHERE e.moment < TIMESTAMP_ADD(f.first_seen, INTERVAL 24 HOUR)
)
SELECT
  user_id,
  COUNT(*) AS n_events,
  COUNTIF(event_name = 'level_complete') AS n_levels,
  COUNTIF(event_name = 'spend_currency') AS n_spent,
  COUNT(DISTINCT DATE(moment)) AS n_days,
  SUM(IFNULL(revenue, 0)) AS revenue_in_all,
  SAFE_DIVIDE(SUM(revenue), COUNT(*)) AS per_event,
  AVG(TIMESTAMP_DIFF(moment, before, SECOND)) AS pause,
  MAX(hours_in) AS last_hour,
  APPROX_QUANTILES(revenue, 4)[OFFSET(2)] AS typical,
  IF(MAX(number) > 50, 'heavy', 'light') AS kind,
  CASE
    WHEN SUM(revenue) > 100 THEN 'whale'
    WHEN SUM(revenue) > 0 THEN 'buyer'
    ELSE 'none'
  END AS segment,
  FORMAT_TIMESTAMP('%Y-%m', MIN(first_seen)) AS cohort,
  MOD(ABS(FARM_FINGERPRINT(user_id)), 10) < 8 AS in_training
FROM windowed
GROUP BY user_id
ORDER BY n_events DESC
LIMIT 100
""".strip()
PREDICT = f"SELECT user_id, predicted_typical, kind FROM ML.PREDICT(MODEL value, (\n{PLAIN}\n)) WHERE kind != 'light'"
SETUP = """
CREATE SCHEMA analytics;
CREATE TABLE analytics.events (user_pseudo_id STRING, event_name STRING, event_timestamp INT64, device STRING, country STRING, revenue FLOAT64,
  event_date STRING);
CREATE MODEL value OPTIONS (model_type = 'LINEAR_REG', input_label_cols = ['typical'], data_split_method = 'NO_SPLIT') AS
  SELECT x AS n_events, x * 2 AS n_levels, IF(MOD(x, 2) = 0, 'heavy', 'light') AS kind, x * 3.5 AS typical FROM UNNEST(GENERATE_ARRAY(1, 40)) AS x
"""


def main(repeats: int) -> None:
    import sqlml
    from sqlml.bigquery.translate import Context, translate
    from sqlml.engines import duckdb as engine

    inside = [0.0, 0.0]
    original: Callable[..., Any] = engine.call

    def timed(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        wall, processor = time.perf_counter(), time.process_time()
        try:
            return original(function, *arguments, **keywords)
        finally:
            inside[0] += time.perf_counter() - wall
            inside[1] += time.process_time() - processor

    engine.call = timed  # type: ignore[assignment]
    print(f"{'':34} {'wall ms':>9} {'of it DuckDB':>13} {'ours':>7} {'ours, processor':>16}")
    with sqlml.connect(":memory:", dialect="bigquery") as connection:
        connection.execute(SETUP)
        for name, statement in (("60 lines", PLAIN), ("60 lines in ML.PREDICT", PREDICT)):
            rows = []
            for _ in range(repeats):
                inside[:] = [0.0, 0.0]
                wall, processor = time.perf_counter(), time.process_time()
                cursor = connection.execute(statement)
                taken = time.perf_counter() - wall, time.process_time() - processor
                cursor.fetchall()
                rows.append((taken[0], inside[0], taken[0] - inside[0], taken[1] - inside[1]))
            print(f"{name:34} " + " ".join(_ms(column) for column in zip(*rows, strict=True)))
    print(f"\n{'stages, wall ms':34}")
    from sqlml.bigquery.reading import read
    from sqlml.syntax import parse_script

    text = PLAIN.replace("FARM_FINGERPRINT(user_id)", "user_id")
    script = ";\n".join([PREDICT] * 17)
    stages: dict[str, Callable[[], object]] = {
        "finding ML calls": lambda: parse_script(sqlml.source.Source(PLAIN), "bigquery"), "reading": lambda: read(text),
        "reading and translating": lambda: translate(text, Context()), f"check of {len(script.splitlines())} lines": lambda: sqlml.check(script),
    }  # fmt: skip
    for name, stage in stages.items():
        stage()
        taken_all = []
        for _ in range(max(3, repeats // 4)):
            wall = time.perf_counter()
            stage()
            taken_all.append(time.perf_counter() - wall)
        print(f"{name:34} {_ms(taken_all)}")


def _ms(seconds: Any) -> str:
    return f"{statistics.median(seconds) * 1e3:9.2f}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
