"""Numbers and times as the text that BigQuery writes, as SQL: what a cast to STRING, TO_JSON_STRING and FORMAT have in common."""

from __future__ import annotations

from sqlml import sql


def real(value: str) -> str:
    """SQL (VARCHAR) of a finite or infinite DOUBLE: fifteen digits, seventeen where these are not the number; no point behind a whole one.

    DuckDB writes the shortest text, which is the same wherever that has fifteen digits at most and no exponent. Other numbers are written
    by `printf`, which takes longer.
    """
    shortest = f"CAST({value} AS VARCHAR)"
    short, exact = sql.call("printf", "'%.15g'", value), sql.call("printf", "'%.17g'", value)
    unpointed = sql.call("regexp_replace", shortest, "'[.]0$'", "''")
    size = sql.call("abs", value)
    return (
        f"CASE WHEN {size} >= 1e-4 AND {size} < 1e15 AND {sql.call('strlen', shortest)} <= 16"
        f" THEN {unpointed}"
        f" WHEN {value} = 0 AND NOT {sql.call('signbit', value)} THEN '0'"
        f" WHEN NOT {sql.call('isfinite', value)} THEN {shortest}"
        f" WHEN CAST({short} AS DOUBLE) = {value} THEN {short} ELSE {exact} END"
    )


def decimal(value: str) -> str:
    """SQL (VARCHAR) of a DECIMAL: as many places as it needs, no point behind a whole number."""
    text = sql.call("regexp_replace", f"CAST({value} AS VARCHAR)", r"'([.]\d*?)0+$'", r"'\1'")
    return sql.call("rtrim", text, "'.'")


def moment(value: str, pattern: str) -> str:
    """SQL (VARCHAR) of a TIMESTAMP by a pattern of strftime; the fraction of a second has no, three or six digits behind it."""
    micros = sql.call("microsecond", value)
    written = [sql.call("strftime", value, sql.literal(pattern.replace("%S", "%S" + fraction))) for fraction in ("", ".%g", ".%f")]
    return f"CASE WHEN {micros} % 1000000 = 0 THEN {written[0]} WHEN {micros} % 1000 = 0 THEN {written[1]} ELSE {written[2]} END"


def clock(text: str) -> str:
    """SQL (VARCHAR) of what the engine writes of a time: three or six digits behind the seconds, where it leaves out zeros at the end."""
    longer = sql.call("regexp_replace", text, r"'[.](\d+)'", r"'.\100'")
    return sql.call("regexp_replace", longer, r"'[.](\d{6}|\d{3})\d*'", r"'.\1'")
