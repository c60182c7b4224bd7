"""Arrays: length, parts, joining, series of numbers."""

from __future__ import annotations

from sqlml.bigquery.translation import Call, Example, Translation


def _generate(call: Call) -> str:
    """A series from first to last, both included where a step meets them; FLOAT64 as soon as one of the three is."""
    first, last = call.sqls[:2]
    step = call.sql(2) if len(call) > 2 else "CAST(1 AS BIGINT)"
    count = f"system.main.floor(({last} - {first}) / {step} + 1e-9)"
    steps = f"system.main.range(CAST({count} AS BIGINT) + 1)"
    series = f"system.main.list_transform({steps}, lambda __sqlml_i: {first} + __sqlml_i * {step})"
    empty = f"({step} > 0 AND {first} > {last}) OR ({step} < 0 AND {first} < {last})"
    return (
        f"CASE WHEN {first} IS NULL OR {last} IS NULL OR {step} IS NULL THEN NULL"
        f" WHEN {step} = 0 THEN system.main.error('the step of GENERATE_ARRAY cannot be 0')"
        f" WHEN {empty} THEN {series}[1:0] ELSE {series} END"
    )


def _concat(call: Call) -> str:
    """NULL where any array is NULL, which DuckDB would skip."""
    nulls = " OR ".join(f"{value} IS NULL" for value in call.sqls)
    return f"CASE WHEN {nulls} THEN NULL ELSE ({' || '.join(call.sqls)}) END"


def _to_string(call: Call) -> str:
    """NULL elements are left out, or written as the third argument says."""
    if len(call) == 2:
        return f"system.main.array_to_string(system.main.list_filter({call.sql(0)}, lambda e: e IS NOT NULL), {call.sql(1)})"
    return f"system.main.array_to_string(system.main.list_transform({call.sql(0)}, lambda __sqlml_e: COALESCE(__sqlml_e, {call.sql(2)})), {call.sql(1)})"


def _slice(call: Call) -> str:
    """Both ends are part of it; they count from 0, below 0 from the end, and beyond the array they are its ends."""
    array, first, last = call.sqls
    size = f"system.main.len({array})"
    start = f"CASE WHEN {first} >= 0 THEN {first} + 1 ELSE system.main.greatest(1, {size} + {first} + 1) END"
    end = f"CASE WHEN {last} >= 0 THEN system.main.least({last} + 1, {size}) ELSE {size} + {last} + 1 END"
    return f"CASE WHEN {first} IS NULL OR {last} IS NULL THEN NULL WHEN {start} > {end} THEN {array}[1:0] ELSE {array}[{start}:{end}] END"


ROWS = (
    Translation(
        "ARRAY_LENGTH", "ARRAY_LENGTH(array)", "CAST(system.main.len({0}) AS BIGINT)",
        (Example("ARRAY_LENGTH(['coffee', NULL, 'milk'])", "3"), Example("ARRAY_LENGTH(CAST(NULL AS ARRAY<INT64>))", "NULL")),
    ),
    Translation(
        "ARRAY_CONCAT", "ARRAY_CONCAT(array, …)", _concat,
        (Example("ARRAY_CONCAT([1, 2], [3, 4], [5, 6])", "[1, 2, 3, 4, 5, 6]"), Example("ARRAY_CONCAT([1], CAST(NULL AS ARRAY<INT64>))", "NULL")),
        arity=(1, 1000),
    ),
    Translation(
        "ARRAY_SLICE", "ARRAY_SLICE(array, first, last)", _slice,
        (
            Example("ARRAY_SLICE(['a', 'b', 'c', 'd', 'e'], 1, 3)", "[b, c, d]"), Example("ARRAY_SLICE(['a', 'b', 'c', 'd', 'e'], -1, 3)", "[]"),
            Example("ARRAY_SLICE(['a', 'b', 'c', 'd', 'e'], 1, -3)", "[b, c]"), Example("ARRAY_SLICE(['a', 'b', 'c', 'd', 'e'], -3, -1)", "[c, d, e]"),
            Example("ARRAY_SLICE(['a', 'b', 'c', 'd', 'e'], 0, 30)", "[a, b, c, d, e]"), Example("ARRAY_SLICE(['a', 'b', 'c'], -9, 1)", "[a, b]"),
            Example("ARRAY_SLICE(['a', 'b', 'c'], 1, -9)", "[]"), Example("ARRAY_SLICE(['a'], NULL, 1)", "NULL"), Example("ARRAY_SLICE(['a', 'b'], 5, 9)", "[]"),
        ),
        arity=(3, 3),
    ),
    Translation("ARRAY_REVERSE", "ARRAY_REVERSE(array)", "system.main.list_reverse({0})", (Example("ARRAY_REVERSE([1, 2, 3])", "[3, 2, 1]"),)),
    Translation(
        "ARRAY_TO_STRING", "ARRAY_TO_STRING(array, separator[, null])", _to_string,
        (
            Example("ARRAY_TO_STRING(['coffee', 'tea', 'milk', NULL], '--', 'MISSING')", "coffee--tea--milk--MISSING"),
            Example("ARRAY_TO_STRING(['cake', 'pie', NULL], '--')", "cake--pie"),
        ),
        arity=(2, 3),
    ),
    Translation(
        "ARRAY_FIRST", "ARRAY_FIRST(array)",
        "CASE WHEN system.main.len({0}) = 0 THEN system.main.error('ARRAY_FIRST of an empty array') ELSE ({0})[1] END",
        (Example("ARRAY_FIRST(['a', 'b', 'c'])", "a"), Example("ARRAY_FIRST(CAST(NULL AS ARRAY<INT64>))", "NULL")),
    ),
    Translation(
        "ARRAY_LAST", "ARRAY_LAST(array)",
        "CASE WHEN system.main.len({0}) = 0 THEN system.main.error('ARRAY_LAST of an empty array') ELSE ({0})[-1] END",
        (Example("ARRAY_LAST(['a', 'b', 'c'])", "c"), Example("SAFE.ARRAY_LAST(CAST([] AS ARRAY<STRING>))", "NULL")),
    ),
    Translation(
        "GENERATE_ARRAY", "GENERATE_ARRAY(first, last[, step])", _generate,
        (
            Example("GENERATE_ARRAY(1, 5)", "[1, 2, 3, 4, 5]"), Example("GENERATE_ARRAY(0, 10, 3)", "[0, 3, 6, 9]"),
            Example("GENERATE_ARRAY(10, 0, -3)", "[10, 7, 4, 1]"), Example("GENERATE_ARRAY(4, 4, 10)", "[4]"),
            Example("GENERATE_ARRAY(10, 0, 3)", "[]"), Example("GENERATE_ARRAY(5, NULL, 1)", "NULL"),
            Example("GENERATE_ARRAY(0.0, 1.0, 0.25)", "[0.0, 0.25, 0.5, 0.75, 1.0]"), Example("ARRAY_LENGTH(GENERATE_ARRAY(0, 1, 0.1))", "11"),
        ),
        arity=(2, 3), differs="a FLOAT64 series is first + i * step, so that its last bits may differ from a running sum's",
    ),
)  # fmt: skip
