"""Aggregates: counting, sums, spread, quantiles, lists of values. With OVER they are windows, as in DuckDB."""

from __future__ import annotations

from sqlml.bigquery.translation import Call, Example, Shape, Translation

_DISTINCT = frozenset({"DISTINCT"})


def _over(expression: str, rows: str = "UNNEST([1, 2, 2, NULL, 5]) AS x") -> str:
    return f"(SELECT {expression} FROM {rows})"


def _aggregate(
    name: str,
    function: str,
    value: str,
    *,
    arguments: str = "x",
    arity: tuple[int, int] = (1, 1),
    cast: str = "",
    rows: str = "",
    differs: str = "",
) -> Translation:
    inside = ", ".join(f"{{{index}}}" for index in range(arity[1]))

    def render(call: Call) -> str:
        distinct = "DISTINCT " if call.distinct else ""
        text = f"system.main.{function}({distinct}{inside.format(*call.sqls)}){call.over}"
        return f"CAST({text} AS {cast})" if cast else text

    example = f"{name}({arguments})"
    return Translation(
        name, example, render, (Example(_over(example, rows) if rows else _over(example), value),), arity=arity, shape=Shape.AGGREGATE,
        modifiers=_DISTINCT, differs=differs,
    )  # fmt: skip


def _count(call: Call) -> str:
    distinct = "DISTINCT " if call.distinct else ""
    return f"system.main.count({distinct}{call.sqls[0]}){call.over}"


def _countif(call: Call) -> str:
    distinct = "DISTINCT " if call.distinct else ""
    counted = call.sql(0) if distinct else "*"
    return f"system.main.count({distinct}{counted}) FILTER (WHERE {call.sql(0)}){call.over}"


def _sum(call: Call) -> str:
    """Of INT64 it is INT64, where DuckDB gives a wider integer; the second aggregate is there for its type."""
    distinct = "DISTINCT " if call.distinct else ""
    total = f"system.main.sum({distinct}{call.sql(0)}){call.over}"
    return f"system.main.cast_to_type({total}, system.main.any_value({call.sql(0)} + CAST(0 AS BIGINT)){call.over})"


def _any_value(call: Call) -> str:
    """Like BigQuery, the first value, NULL too; HAVING MAX takes that of the row with the greatest."""
    if call.having is not None:
        function = "arg_max_null" if call.having[0] == "MAX" else "arg_min_null"
        return f"system.main.{function}({call.sql(0)}, {call.having[1]}){call.over}"
    return f"system.main.any_value({call.sql(0)}){call.over}"


def _list(call: Call, function: str, rest: str = "", filtered: bool = False) -> str:
    distinct = "DISTINCT " if call.distinct else ""
    condition = f" FILTER (WHERE {call.sql(0)} IS NOT NULL)" if filtered else ""
    return f"system.main.{function}({distinct}{call.sql(0)}{rest}{call.order}){condition}{call.over}"


def _array_agg(call: Call) -> str:
    """NULLs are kept unless IGNORE NULLS; LIMIT takes the first of the order."""
    if call.having is not None:
        call.refuse("ARRAY_AGG with HAVING is not available")
    text = _list(call, "list", filtered=call.nulls == "IGNORE")
    return f"{text}[1:{call.limit.removeprefix(' LIMIT ')}]" if call.limit else text


def _string_agg(call: Call) -> str:
    separator = call.sql(1) if len(call) > 1 else "','"
    if not call.limit and not call.distinct:  # with DISTINCT the order may name the argument, which must then stand as it is
        value = call.sql(0)
        refused = "system.main.error('STRING_AGG of BYTES is not available')"
        text = f"CASE WHEN system.main.typeof({value}) = 'BLOB' THEN {refused} ELSE {value} END"
        return f"system.main.string_agg({text}, {separator}{call.order}){call.over}"
    if not call.limit:
        return _list(call, "string_agg", f", {separator}")
    values = _list(call, "list", filtered=True)
    return f"system.main.array_to_string({values}[1:{call.limit.removeprefix(' LIMIT ')}], {separator})"


def _quantiles(call: Call) -> str:
    """The boundaries of so many parts of equal size, least and greatest value included; exact here."""
    number = call.arguments[1]
    count = getattr(number, "this", None)
    text = str(count).removeprefix("CAST(").removesuffix(" AS BIGINT)")
    if not text.isdigit() or int(text) < 1:
        call.fail("the number of APPROX_QUANTILES must be a positive integer literal")
    steps = ", ".join(f"{index}e0 / {text}" for index in range(int(text) + 1))
    distinct = "DISTINCT " if call.distinct else ""
    return f"system.main.quantile_disc({distinct}{call.sql(0)}, [{steps}]){call.over}"


def _top_count(call: Call) -> str:
    number = call.sql(1)
    # NULL is a value too, and no key of a map: it is packed.
    entries = f"system.main.map_entries(system.main.histogram(system.main.struct_pack(v := {call.sql(0)})))"
    ordered = f"system.main.list_sort(system.main.list_transform({entries}, lambda e: system.main.struct_pack(c := e.value, v := e.key.v)), 'DESC')"
    shown = "lambda e: system.main.struct_pack(value := e.v, count := CAST(e.c AS BIGINT))"
    return f"system.main.list_transform({ordered}[1:{number}], {shown})"


def _percentile(call: Call, function: str) -> str:
    return f"system.main.{function}({call.sql(0)}, {call.sql(1)}){call.over}"


_WHOLE = "UNNEST([0, 3, NULL, 1, 2]) AS x"

ROWS = (
    Translation(
        "COUNT", "COUNT(*), COUNT([DISTINCT] x)", _count,
        (Example(_over("COUNT(*)"), "5"), Example(_over("COUNT(x)"), "4"), Example(_over("COUNT(DISTINCT x)"), "3")),
        shape=Shape.AGGREGATE, modifiers=_DISTINCT,
    ),
    Translation(
        "COUNTIF", "COUNTIF([DISTINCT] condition)", _countif,
        (Example(_over("COUNTIF(x > 1)"), "3"), Example(_over("COUNTIF(x > 9)"), "0"), Example(_over("COUNTIF(NULL)"), "0")),
        shape=Shape.AGGREGATE, modifiers=_DISTINCT,
    ),
    Translation(
        "SUM", "SUM([DISTINCT] x)", _sum,
        (Example(_over("SUM(x)"), "10"), Example(_over("SUM(DISTINCT x)"), "8"), Example("(SELECT SUM(x) FROM UNNEST([0.5, 1.5]) AS x)", "2.0")),
        shape=Shape.AGGREGATE, modifiers=_DISTINCT, differs="of INTERVAL is not available",
    ),
    _aggregate("AVG", "avg", "2.5", differs="of NUMERIC is FLOAT64"),
    _aggregate("MIN", "min", "1", differs="NaN is the greatest number, where BigQuery gives NaN as soon as there is one"),
    _aggregate("MAX", "max", "5"),
    _aggregate("LOGICAL_AND", "bool_and", "false", arguments="x > 1"),
    _aggregate("LOGICAL_OR", "bool_or", "true", arguments="x > 4"),
    _aggregate("BIT_AND", "bit_and", "0"),
    _aggregate("BIT_OR", "bit_or", "7"),
    _aggregate("BIT_XOR", "bit_xor", "4"),
    _aggregate("STDDEV", "stddev_samp", "1.2583057392117916", rows="UNNEST([1, 2.5, 3.5]) AS x"),
    _aggregate("STDDEV_SAMP", "stddev_samp", "1.2583057392117916", rows="UNNEST([1, 2.5, 3.5]) AS x"),
    _aggregate("STDDEV_POP", "stddev_pop", "1.0", rows="UNNEST([1, 3]) AS x"),
    _aggregate("VARIANCE", "var_samp", "2.0", rows="UNNEST([1, 3]) AS x"),
    _aggregate("VAR_SAMP", "var_samp", "2.0", rows="UNNEST([1, 3]) AS x"),
    _aggregate("VAR_POP", "var_pop", "1.0", rows="UNNEST([1, 3]) AS x"),
    _aggregate(
        "CORR", "corr", "1.0", arguments="y, x", arity=(2, 2), rows="UNNEST([STRUCT(1.0 AS y, 1.0 AS x), (2.0, 2.0), (3.0, 3.0)])"
    ),
    _aggregate(
        "COVAR_POP", "covar_pop", "-1.6800000000000002", arguments="y, x", arity=(2, 2),
        rows="UNNEST([STRUCT(1.0 AS y, 1.0 AS x), (2.0, 6.0), (9.0, 3.0), (2.0, 6.0), (9.0, 3.0)])",
    ),
    _aggregate(
        "COVAR_SAMP", "covar_samp", "-2.1", arguments="y, x", arity=(2, 2),
        rows="UNNEST([STRUCT(1.0 AS y, 1.0 AS x), (2.0, 6.0), (9.0, 3.0), (2.0, 6.0), (9.0, 3.0)])",
    ),
    Translation(
        "ANY_VALUE", "ANY_VALUE(x [HAVING MAX | MIN y])", _any_value,
        (
            Example("(SELECT ANY_VALUE(x) FROM UNNEST(['a']) AS x)", "a"),
            Example("(SELECT ANY_VALUE(x HAVING MAX y) FROM UNNEST([STRUCT('a' AS x, 1 AS y), ('b', 2)]))", "b"),
        ),
        shape=Shape.AGGREGATE, modifiers=frozenset({"HAVING"}), differs="takes a value that is not NULL where there is one",
    ),
    *(
        Translation(
            name, f"{name}(x, y)", f"system.main.{function}({{0}}, {{1}})",
            (Example(f"(SELECT {name}(x, y) FROM UNNEST([STRUCT('a' AS x, 1 AS y), ('b', 2)]))", value),), arity=(2, 2), shape=Shape.AGGREGATE,
        )
        for name, function, value in (("MAX_BY", "arg_max_null", "b"), ("MIN_BY", "arg_min_null", "a"))
    ),
    Translation(
        "ARRAY_AGG", "ARRAY_AGG([DISTINCT] x [IGNORE | RESPECT NULLS] [ORDER BY y] [LIMIT n])", _array_agg,
        (
            Example("(SELECT ARRAY_AGG(x) FROM UNNEST([2, 1, -2, 3, -2, 1, 2]) AS x)", "[2, 1, -2, 3, -2, 1, 2]"),
            Example("(SELECT ARRAY_AGG(DISTINCT x ORDER BY x) FROM UNNEST([2, 1, -2, 3, -2, 1, 2]) AS x)", "[-2, 1, 2, 3]"),
            Example("(SELECT ARRAY_AGG(x IGNORE NULLS) FROM UNNEST([NULL, 1, -2, 3]) AS x)", "[1, -2, 3]"),
            Example("(SELECT ARRAY_AGG(x ORDER BY ABS(x) DESC LIMIT 2) FROM UNNEST([2, 1, -2, 3]) AS x)", "[3, 2]"),
            Example("(SELECT ARRAY_AGG(x) FROM UNNEST([1]) AS x WHERE x > 1)", "NULL"),
        ),
        shape=Shape.AGGREGATE, modifiers=frozenset({"DISTINCT", "IGNORE NULLS", "RESPECT NULLS", "ORDER BY", "LIMIT", "HAVING"}),
        differs="NULL elements may stand in a result, where BigQuery reports an error",
    ),
    Translation(
        "ARRAY_CONCAT_AGG", "ARRAY_CONCAT_AGG(x [ORDER BY y] [LIMIT n])",
        lambda call: f"system.main.flatten({_array_agg(call)})",
        (Example("(SELECT ARRAY_CONCAT_AGG(x) FROM (SELECT [1, 2] AS x UNION ALL SELECT [3]))", "[1, 2, 3]"),),
        shape=Shape.AGGREGATE, modifiers=frozenset({"ORDER BY", "LIMIT"}),
    ),
    Translation(
        "STRING_AGG", "STRING_AGG([DISTINCT] x[, separator] [ORDER BY y] [LIMIT n])", _string_agg,
        (
            Example("(SELECT STRING_AGG(x) FROM UNNEST(['apple', NULL, 'pear', 'banana', 'pear']) AS x)", "apple,pear,banana,pear"),
            Example("(SELECT STRING_AGG(x, ' & ') FROM UNNEST(['apple', 'pear']) AS x)", "apple & pear"),
            Example("(SELECT STRING_AGG(DISTINCT x, ' & ' ORDER BY x DESC) FROM UNNEST(['apple', 'pear', 'apple']) AS x)", "pear & apple"),
            Example("(SELECT STRING_AGG(x, ' & ' ORDER BY LENGTH(x) LIMIT 1) FROM UNNEST(['apple', 'pear']) AS x)", "pear"),
        ),
        arity=(1, 2), shape=Shape.AGGREGATE, modifiers=frozenset({"DISTINCT", "ORDER BY", "LIMIT"}),
    ),
    Translation(
        "APPROX_COUNT_DISTINCT", "APPROX_COUNT_DISTINCT(x)", "system.main.count(DISTINCT {0}){over}",
        (Example(_over("APPROX_COUNT_DISTINCT(x)"), "3"),), shape=Shape.AGGREGATE, differs="is exact",
    ),
    Translation(
        "APPROX_QUANTILES", "APPROX_QUANTILES([DISTINCT] x, n)", _quantiles,
        (
            Example("(SELECT APPROX_QUANTILES(x, 2) FROM UNNEST([1, 1, 1, 4, 5, 6, 7, 8, 9, 10]) AS x)", "[1, 5, 10]"),
            Example("(SELECT APPROX_QUANTILES(x, 100)[OFFSET(90)] FROM UNNEST([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) AS x)", "9"),
        ),
        arity=(2, 2), shape=Shape.AGGREGATE, modifiers=frozenset({"DISTINCT", "IGNORE NULLS"}),
        differs="is exact; RESPECT NULLS is refused",
    ),
    Translation(
        "APPROX_TOP_COUNT", "APPROX_TOP_COUNT(x, n)", _top_count,
        (
            Example(
                "(SELECT APPROX_TOP_COUNT(x, 2) FROM UNNEST(['apple', 'apple', 'pear', 'pear', 'pear', 'banana']) AS x)",
                "[{value: pear, count: 3}, {value: apple, count: 2}]",
            ),
            Example(
                "(SELECT APPROX_TOP_COUNT(x, 2) FROM UNNEST([NULL, 'pear', 'pear', 'pear', 'apple', NULL]) AS x)",
                "[{value: pear, count: 3}, {value: NULL, count: 2}]",
            ),
        ),
        arity=(2, 2), shape=Shape.AGGREGATE, differs="is exact",
    ),
    Translation(
        "PERCENTILE_CONT", "PERCENTILE_CONT(x, p) OVER (…)", lambda call: _percentile(call, "quantile_cont"),
        (
            Example(f"(SELECT PERCENTILE_CONT(x, 0.5) OVER () FROM {_WHOLE} LIMIT 1)", "1.5"),
            Example(f"(SELECT PERCENTILE_CONT(x, 0.01) OVER () FROM {_WHOLE} LIMIT 1)", "0.03"),
        ),
        arity=(2, 2), shape=Shape.WINDOW, modifiers=frozenset({"IGNORE NULLS"}), differs="RESPECT NULLS is refused",
    ),
    Translation(
        "PERCENTILE_DISC", "PERCENTILE_DISC(x, p) OVER (…)", lambda call: _percentile(call, "quantile_disc"),
        (Example("(SELECT PERCENTILE_DISC(x, 0.5) OVER () FROM UNNEST(['c', NULL, 'b', 'a']) AS x LIMIT 1)", "b"),),
        arity=(2, 2), shape=Shape.WINDOW, modifiers=frozenset({"IGNORE NULLS"}), differs="RESPECT NULLS is refused",
    ),
)  # fmt: skip
