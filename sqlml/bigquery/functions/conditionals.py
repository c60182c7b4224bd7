"""Choosing between values, NULL and errors."""

from __future__ import annotations

from sqlml.bigquery.translation import Example, Translation

ROWS = (
    Translation(
        "COALESCE", "COALESCE(x, …)", lambda call: f"COALESCE({', '.join(call.sqls)})",
        (Example("COALESCE(NULL, 'B', 'C')", "B"), Example("COALESCE(NULL, NULL)", "NULL")), arity=(1, 1000),
    ),
    Translation("IFNULL", "IFNULL(x, y)", "COALESCE({0}, {1})", (Example("IFNULL(NULL, 0)", "0"), Example("IFNULL(10, 0)", "10")), arity=(2, 2)),
    Translation("NULLIF", "NULLIF(x, y)", "NULLIF({0}, {1})", (Example("NULLIF(0, 0)", "NULL"), Example("NULLIF(10, 0)", "10")), arity=(2, 2)),
    Translation("NULLIFZERO", "NULLIFZERO(x)", "NULLIF({0}, 0)", (Example("NULLIFZERO(0)", "NULL"), Example("NULLIFZERO(2)", "2"))),
    Translation("ZEROIFNULL", "ZEROIFNULL(x)", "COALESCE({0}, 0)", (Example("ZEROIFNULL(NULL)", "0"), Example("ZEROIFNULL(2)", "2"))),
    Translation("ERROR", "ERROR(message)", "system.main.error({0})", (Example("IF(TRUE, 1, ERROR('no'))", "1"),)),
)  # fmt: skip
