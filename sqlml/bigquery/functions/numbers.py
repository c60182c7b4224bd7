"""Numbers: careful arithmetic, rounding, logarithms, trigonometry, random numbers."""

from __future__ import annotations

from sqlml.bigquery.translation import Call, Example, Translation


def _real(name: str, function: str, example: str, value: str, *, domain: str = "", message: str = "") -> Translation:
    """A function of one FLOAT64; outside its domain BigQuery has an error where DuckDB may give NULL."""
    text = f"system.main.{function}(CAST({{0}} AS DOUBLE))"
    if domain:
        text = f"CASE WHEN {domain} THEN system.main.error('{message}') ELSE {text} END"
    return Translation(name, f"{name}(x)", text, (Example(example, value), Example(f"{name}(NULL)", "NULL")))


def _round(call: Call) -> str:
    """Halves go away from zero in both; INT64 gives FLOAT64 in BigQuery."""
    digits = call.sql(1) if len(call) > 1 else "0"
    return f"system.main.round({_widened(call.sql(0))}, CAST({digits} AS INTEGER))"


def _widened(value: str) -> str:
    """INT64 as FLOAT64; NUMERIC and FLOAT64 as they are."""
    return f"({value} * 1.0e0)"


def _mod(call: Call) -> str:
    left, right = call.sqls
    return f"CASE WHEN {right} = 0 THEN system.main.error('division by zero: MOD') ELSE ({left} % {right}) END"


def _div(call: Call) -> str:
    left, right = call.sqls
    return f"CASE WHEN {right} = 0 THEN system.main.error('division by zero: DIV') ELSE ({left} // {right}) END"


def _log(call: Call) -> str:
    value = f"CAST({call.sql(0)} AS DOUBLE)"
    bad = f"{call.sql(0)} <= 0"
    if len(call) == 1:
        return f"CASE WHEN {bad} THEN system.main.error('LOG of a number that is not positive') ELSE system.main.ln({value}) END"
    base = f"CAST({call.sql(1)} AS DOUBLE)"
    wrong = f"{bad} OR {call.sql(1)} <= 0 OR {call.sql(1)} = 1"
    return (
        f"CASE WHEN {wrong} THEN system.main.error('LOG of a number or to a base that is not positive, or to base 1') "
        f"ELSE system.main.ln({value}) / system.main.ln({base}) END"
    )


def _extreme(name: str) -> Translation:
    return Translation(
        name, f"{name}(x, …)", lambda call: _greatest(call, name.lower()), arity=(1, 1000),
        examples=(
            Example(f"{name}(3, 5, 1)", "5" if name == "GREATEST" else "1"), Example(f"{name}(3, NULL)", "NULL"),
            Example(f"{name}('a', 'b')", "b" if name == "GREATEST" else "a"),
        ),
    )  # fmt: skip


def _greatest(call: Call, function: str) -> str:
    """NULL where any value is, which DuckDB would skip."""
    nulls = " OR ".join(f"{value} IS NULL" for value in call.sqls)
    return f"CASE WHEN {nulls} THEN NULL ELSE system.main.{function}({', '.join(call.sqls)}) END"


def _safe(name: str, operator: str, example: str, value: str, overflow: str) -> Translation:
    return Translation(
        name, f"{name}(x, y)", f"TRY(({{0}} {operator} {{1}}))", arity=(2, 2),
        examples=(Example(example, value), Example(overflow, "NULL"), Example(f"{name}(NULL, 1)", "NULL")),
    )  # fmt: skip


def _pow(name: str) -> Translation:
    """No real number, or none that FLOAT64 holds, is an error."""
    value = "system.main.pow(CAST({0} AS DOUBLE), CAST({1} AS DOUBLE))"
    finite = "system.main.isfinite(CAST({0} AS DOUBLE)) AND system.main.isfinite(CAST({1} AS DOUBLE))"
    return Translation(
        name, f"{name}(x, y)",
        f"CASE WHEN {finite} AND NOT system.main.isfinite({value}) THEN system.main.error('floating point error: {name}') ELSE {value} END",
        (
            Example(f"{name}(2.0, 3.0)", "8.0"), Example(f"{name}(1.0, NULL)", "NULL"), Example(f"{name}(-2, 3)", "-8.0"),
            Example(f"SAFE.{name}(-1, 0.5)", "NULL"), Example(f"SAFE.{name}(0, -1)", "NULL"), Example(f"SAFE.{name}(10, 400)", "NULL"),
            Example(f"{name}(CAST('-inf' AS FLOAT64), 0.5)", "+inf"),
        ),
        arity=(2, 2),
    )  # fmt: skip


def _distance(name: str, function: str, examples: tuple[Example, ...], *, zero: bool) -> Translation:
    """Of vectors as arrays of FLOAT64; of another length, or with NULL within, they are an error of the engine's."""

    def render(call: Call) -> str:
        vectors = [f"CAST({vector} AS DOUBLE[])" for vector in call.sqls]
        text = f"system.main.{function}({', '.join(vectors)})"
        if zero:
            return text
        nothing = " OR ".join(f"system.main.list_inner_product({vector}, {vector}) = 0" for vector in vectors)
        return f"CASE WHEN {nothing} THEN system.main.error('{name} of a vector without length') ELSE {text} END"

    return Translation(name, f"{name}(vector, vector)", render, examples, arity=(2, 2), differs="sparse vectors are refused")


_DECIMAL = r"(?:[0-9][0-9,]*[.]?[0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]+)?"


def _parse(name: str, kind: str, *examples: Example) -> Translation:
    """The sign may stand before or behind the number, apart from it, and commas among the digits before the point."""
    valid = rf"system.main.regexp_full_match({{0}}, '\s*(?:[+-]\s*{_DECIMAL}|{_DECIMAL}\s*[+-]?)\s*')"
    sign = r"CASE WHEN system.main.regexp_matches({0}, '^\s*-|-\s*$') THEN '-' ELSE '' END"
    number = f"system.main.regexp_extract(system.main.replace({{0}}, ',', ''), '{_DECIMAL}')"
    bad = f"CAST(system.main.error('bad value for {name}: ' || {{0}}) AS {kind})"
    return Translation(
        name, f"{name}(text)", f"CASE WHEN NOT {valid} THEN {bad} ELSE CAST({sign} || {number} AS {kind}) END",
        (
            Example(f"{name}('123.45')", "123.45"), Example(f"{name}('  -  12.34 ')", "-12.34"), Example(f"{name}('12.34e-1-')", "-1.234"),
            Example(f"{name}('1,2,,3,.45 + ')", "123.45"), Example(f"{name}('.1234  ')", "0.1234"), Example(f"SAFE.{name}('1 2')", "NULL"),
            Example(f"SAFE.{name}('  - 12.3 - ')", "NULL"), Example(f"SAFE.{name}('$12.34')", "NULL"), Example(f"{name}(NULL)", "NULL"),
            Example(f"SAFE.{name}('12.34E100')", "NULL"), *examples,
        ),
    )  # fmt: skip


_BIG = "9223372036854775807"

ROWS = (
    Translation(
        "ABS", "ABS(x)", "system.main.abs({0})",
        (Example("ABS(-25)", "25"), Example("ABS(-2.5)", "2.5"), Example("ABS(NULL)", "NULL")),
    ),
    Translation("SIGN", "SIGN(x)", "system.main.sign({0})", (Example("SIGN(-25)", "-1"), Example("SIGN(0)", "0"), Example("SIGN(25)", "1"))),
    Translation(
        "IS_NAN", "IS_NAN(x)", "system.main.isnan(CAST({0} AS DOUBLE))",
        (Example("IS_NAN(CAST('NaN' AS FLOAT64))", "true"), Example("IS_NAN(25)", "false")),
    ),
    Translation(
        "IS_INF", "IS_INF(x)", "system.main.isinf(CAST({0} AS DOUBLE))",
        (Example("IS_INF(CAST('-inf' AS FLOAT64))", "true"), Example("IS_INF(25)", "false")),
    ),
    Translation(
        "IEEE_DIVIDE", "IEEE_DIVIDE(x, y)",
        "CASE WHEN {1} = 0 THEN CASE WHEN {0} = 0 OR system.main.isnan(CAST({0} AS DOUBLE)) THEN CAST('nan' AS DOUBLE)"
        " WHEN {0} > 0 THEN CAST('inf' AS DOUBLE) WHEN {0} < 0 THEN CAST('-inf' AS DOUBLE) END"
        " ELSE CAST({0} AS DOUBLE) / CAST({1} AS DOUBLE) END",
        (
            Example("IEEE_DIVIDE(20.0, 4.0)", "5.0"), Example("IEEE_DIVIDE(0.0, 25.0)", "0.0"), Example("IEEE_DIVIDE(25.0, 0.0)", "+inf"),
            Example("IEEE_DIVIDE(-25.0, 0.0)", "-inf"), Example("IEEE_DIVIDE(0.0, 0.0)", "nan"), Example("IEEE_DIVIDE(1, NULL)", "NULL"),
        ),
        arity=(2, 2),
    ),
    Translation(
        "SAFE_DIVIDE", "SAFE_DIVIDE(x, y)", "CASE WHEN {1} = 0 THEN NULL ELSE CAST({0} AS DOUBLE) / CAST({1} AS DOUBLE) END",
        (Example("SAFE_DIVIDE(20, 4)", "5.0"), Example("SAFE_DIVIDE(0, 20)", "0.0"), Example("SAFE_DIVIDE(20, 0)", "NULL")), arity=(2, 2),
        differs="of NUMERIC gives FLOAT64",
    ),
    _safe("SAFE_ADD", "+", "SAFE_ADD(5, 4)", "9", f"SAFE_ADD({_BIG}, 1)"),
    _safe("SAFE_SUBTRACT", "-", "SAFE_SUBTRACT(5, 4)", "1", f"SAFE_SUBTRACT(-{_BIG}, 2)"),
    _safe("SAFE_MULTIPLY", "*", "SAFE_MULTIPLY(20, 4)", "80", f"SAFE_MULTIPLY({_BIG}, 2)"),
    Translation("SAFE_NEGATE", "SAFE_NEGATE(x)", "TRY((-{0}))", (Example("SAFE_NEGATE(-5)", "5"), Example("SAFE_NEGATE(0)", "0"))),
    Translation(
        "MOD", "MOD(x, y)", _mod,
        (Example("MOD(25, 12)", "1"), Example("MOD(25, 0.5)", "0.0"), Example("MOD(-7, 3)", "-1"), Example("MOD(NULL, 3)", "NULL")),
        arity=(2, 2),
    ),
    Translation(
        "DIV", "DIV(x, y)", _div,
        (Example("DIV(20, 4)", "5"), Example("DIV(12, -7)", "-1"), Example("DIV(20, 3)", "6"), Example("DIV(0, 20)", "0")), arity=(2, 2),
    ),
    Translation(
        "ROUND", "ROUND(x[, digits])", _round,
        (
            Example("ROUND(2.5)", "3.0"), Example("ROUND(-2.5)", "-3.0"), Example("ROUND(2.8)", "3.0"), Example("ROUND(123.7, -1)", "120.0"),
            Example("ROUND(1.235, 2)", "1.24"), Example("ROUND(5)", "5.0"), Example("ROUND(NULL)", "NULL"),
        ),
        arity=(1, 2), differs="of NUMERIC gives FLOAT64; the third argument of BigQuery, a mode, is refused",
    ),
    Translation(
        "TRUNC", "TRUNC(x[, digits])",
        lambda call: f"system.main.trunc({_widened(call.sql(0))})" if len(call) == 1 else
        f"(system.main.trunc({_widened(call.sql(0))} * system.main.pow(10, {call.sql(1)})) / system.main.pow(10, {call.sql(1)}))",
        (Example("TRUNC(2.8)", "2.0"), Example("TRUNC(-2.8)", "-2.0"), Example("TRUNC(123.456, 1)", "123.4")), arity=(1, 2),
        differs="of NUMERIC gives FLOAT64",
    ),
    Translation(
        "CEIL", "CEIL(x)", lambda call: f"system.main.ceil({_widened(call.sql(0))})",
        (Example("CEIL(2.1)", "3.0"), Example("CEIL(-2.8)", "-2.0"), Example("CEIL(4)", "4.0")),
    ),
    Translation("CEILING", "CEILING(x)", lambda call: f"system.main.ceil({_widened(call.sql(0))})", (Example("CEILING(2.1)", "3.0"),)),
    Translation(
        "FLOOR", "FLOOR(x)", lambda call: f"system.main.floor({_widened(call.sql(0))})",
        (Example("FLOOR(2.8)", "2.0"), Example("FLOOR(-2.3)", "-3.0"), Example("FLOOR(4)", "4.0")),
    ),
    _real("SQRT", "sqrt", "SQRT(25.0)", "5.0", domain="{0} < 0", message="SQRT of a negative number"),
    _real("CBRT", "cbrt", "CBRT(8)", "2.0"),
    _real("EXP", "exp", "EXP(0.0)", "1.0"),
    _real("LN", "ln", "LN(1.0)", "0.0", domain="{0} <= 0", message="LN of a number that is not positive"),
    _real("LOG10", "log10", "LOG10(100.0)", "2.0", domain="{0} <= 0", message="LOG10 of a number that is not positive"),
    Translation("LOG", "LOG(x[, base])", _log, (Example("LOG(100.0, 10.0)", "2.0"), Example("LOG(1.0)", "0.0")), arity=(1, 2)),
    _pow("POW"),
    _pow("POWER"),
    _extreme("GREATEST"),
    _extreme("LEAST"),
    *(
        _real(name, name.lower(), f"{name}({given})", value)
        for name, given, value in (
            ("SIN", "0", "0.0"), ("COS", "0", "1.0"), ("TAN", "0", "0.0"), ("ASIN", "0", "0.0"), ("ACOS", "1", "0.0"), ("ATAN", "0", "0.0"),
            ("SINH", "0", "0.0"), ("COSH", "0", "1.0"), ("TANH", "0", "0.0"), ("ASINH", "0", "0.0"), ("ACOSH", "1", "0.0"),
            ("ATANH", "0", "0.0"),
        )
    ),
    Translation(
        "ATAN2", "ATAN2(x, y)", "system.main.atan2(CAST({0} AS DOUBLE), CAST({1} AS DOUBLE))", (Example("ATAN2(0, 1)", "0.0"),), arity=(2, 2)
    ),
    Translation(
        "RAND", "RAND()", "system.main.random()", (Example("RAND() BETWEEN 0 AND 1", "true"),), arity=(0, 0),
        differs="other numbers than BigQuery's, of course",
    ),
    Translation(
        "RANGE_BUCKET", "RANGE_BUCKET(point, boundaries)",
        "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL ELSE CAST(system.main.len(system.main.list_filter({1}, lambda __sqlml_b: __sqlml_b <= {0})) AS BIGINT) END",
        (
            Example("RANGE_BUCKET(20, [0, 10, 20, 30, 40])", "3"), Example("RANGE_BUCKET(-10, [5, 10, 20])", "0"),
            Example("RANGE_BUCKET(25, [0, 10])", "2"), Example("RANGE_BUCKET(NULL, [0, 10])", "NULL"),
        ),
        arity=(2, 2),
    ),
    _distance(
        "COSINE_DISTANCE", "list_cosine_distance",
        (
            Example("ROUND(COSINE_DISTANCE([1.0, 2.0], [3.0, 4.0]), 6)", "0.01613"), Example("COSINE_DISTANCE(NULL, [1.0])", "NULL"),
            Example("ROUND(COSINE_DISTANCE([2, 1], [4, 3]), 6)", "0.01613"), Example("SAFE.COSINE_DISTANCE([0.0, 0.0], [3.0, 4.0])", "NULL"),
            Example("SAFE.COSINE_DISTANCE([1.0], [3.0, 4.0])", "NULL"),
        ),
        zero=False,
    ),
    _distance(
        "EUCLIDEAN_DISTANCE", "list_distance",
        (
            Example("ROUND(EUCLIDEAN_DISTANCE([1.0, 2.0], [3.0, 4.0]), 3)", "2.828"), Example("EUCLIDEAN_DISTANCE([0.0, 0.0], [3.0, 4.0])", "5.0"),
            Example("EUCLIDEAN_DISTANCE([1, 2], NULL)", "NULL"), Example("SAFE.EUCLIDEAN_DISTANCE([1.0, NULL], [3.0, 4.0])", "NULL"),
        ),
        zero=True,
    ),
    _parse(
        "PARSE_NUMERIC", "DECIMAL(38, 9)", Example("PARSE_NUMERIC('12.34E27')", "12340000000000000000000000000"),
        Example("PARSE_NUMERIC('1.0123456789')", "1.012345679"),
    ),
    _parse("PARSE_BIGNUMERIC", "DECIMAL(38, 18)"),
    Translation(
        "BIT_COUNT", "BIT_COUNT(x)", "CAST(system.main.bit_count({0}) AS BIGINT)", (Example("BIT_COUNT(5)", "2"), Example("BIT_COUNT(0)", "0"))
    ),
)  # fmt: skip
