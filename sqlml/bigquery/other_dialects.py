"""What people write from other dialects, and what BigQuery calls it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlml.bigquery.refusals import NO_SERVICE
from sqlml.errors import did_you_mean
from sqlml.syntax.function_names import ROW_FUNCTIONS, VALUE_FUNCTIONS

_NOW, _LENGTH, _DATE_DIFF = "write CURRENT_TIMESTAMP()", "write LENGTH(text)", "write DATE_DIFF(later, earlier, DAY)"
_MEDIAN = "write APPROX_QUANTILES(x, 2)[OFFSET(1)], or PERCENTILE_CONT(x, 0.5) OVER ()"
_FORMATTED = "write FORMAT_DATE('%Y-%m-%d', date) or FORMAT_TIMESTAMP('%F %T', timestamp)"
_IFNULL = "write IFNULL(x, value)"
INSTEAD: Mapping[str, str] = {
    **dict.fromkeys(("NOW", "GETDATE", "SYSDATE", "SYSTIMESTAMP", "UTC_TIMESTAMP"), _NOW),
    **dict.fromkeys(("LEN", "STRLEN"), _LENGTH),
    **dict.fromkeys(("DATEDIFF", "DATESUB"), _DATE_DIFF),
    **dict.fromkeys(("STRFTIME", "TO_CHAR", "DATE_FORMAT"), _FORMATTED),
    **dict.fromkeys(("NVL", "ISNULL"), _IFNULL),
    "MEDIAN": _MEDIAN,
    **dict.fromkeys(("DATE_PART", "DATEPART"), "write EXTRACT(YEAR FROM date)"),
    "DATEADD": "write DATE_ADD(date, INTERVAL 1 DAY)",
    **dict.fromkeys(("TO_DATE", "STR_TO_DATE"), "write PARSE_DATE('%Y-%m-%d', text)"),
    **dict.fromkeys(("TO_TIMESTAMP", "STRPTIME"), "write PARSE_TIMESTAMP('%F %T', text)"),
    "APPROX_TOP_SUM": "write SELECT x, SUM(weight) AS s FROM t GROUP BY x ORDER BY s DESC LIMIT n",
}
"""By the name of a function that BigQuery has not, or that sqlml has not."""


def instead(name: str) -> str | None:
    """A hint for the name of a function that is not known; None where nothing can be said."""
    upper = name.upper()
    if upper.startswith("AI."):
        return NO_SERVICE
    if upper.startswith("ML."):
        return did_you_mean(upper, [f"ML.{known}" for known in sorted(ROW_FUNCTIONS | VALUE_FUNCTIONS)])
    return INSTEAD.get(upper)
