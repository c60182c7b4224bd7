"""Numbering and navigation: functions that have a meaning only with OVER."""

from __future__ import annotations

from sqlml.bigquery.translation import Call, Example, Shape, Translation

_NULLS = frozenset({"IGNORE NULLS", "RESPECT NULLS"})


def _number(name: str, value: str, arity: tuple[int, int] = (0, 0), argument: str = "") -> Translation:
    def render(call: Call) -> str:
        return f"system.main.{name.lower()}({', '.join(call.sqls)}){call.over}"

    example = f"(SELECT ARRAY_AGG(r ORDER BY x) FROM (SELECT x, {name}({argument}) OVER (ORDER BY x) AS r FROM UNNEST([1, 2, 2, 5]) AS x))"
    return Translation(
        name, f"{name}({'n' if argument else ''}) OVER (…)", render, (Example(example, value),), arity=arity, shape=Shape.WINDOW
    )


def _navigate(name: str, arity: tuple[int, int], *cases: tuple[str, str]) -> Translation:
    def render(call: Call) -> str:
        nulls = f" {call.nulls} NULLS" if call.nulls else ""
        return f"system.main.{name.lower()}({', '.join(call.sqls)}{nulls}){call.over}"

    rows = "UNNEST([STRUCT(1 AS k, 'a' AS x), (2, NULL), (3, 'c')])"
    examples = tuple(
        Example(f"(SELECT ARRAY_AGG(r ORDER BY k) FROM (SELECT k, {call} OVER (ORDER BY k) AS r FROM {rows}))", value)
        for call, value in cases
    )
    return Translation(name, f"{name}(x …) OVER (…)", render, examples, arity=arity, shape=Shape.WINDOW, modifiers=_NULLS)


ROWS = (
    Translation(
        "ROW_NUMBER", "ROW_NUMBER() OVER (…)", "system.main.row_number()",
        (Example("(SELECT ARRAY_AGG(r ORDER BY x) FROM (SELECT x, ROW_NUMBER() OVER (ORDER BY x) AS r FROM UNNEST([7, 5]) AS x))", "[1, 2]"),),
        arity=(0, 0), shape=Shape.WINDOW,
    ),
    _number("RANK", "[1, 2, 2, 4]"),
    _number("DENSE_RANK", "[1, 2, 2, 3]"),
    _number("PERCENT_RANK", "[0.0, 0.3333333333333333, 0.3333333333333333, 1.0]"),
    _number("CUME_DIST", "[0.25, 0.75, 0.75, 1.0]"),
    _number("NTILE", "[1, 1, 2, 2]", (1, 1), "2"),
    _navigate("LAG", (1, 3), ("LAG(x)", "[NULL, a, NULL]"), ("LAG(x, 2, 'none')", "[none, none, a]")),
    _navigate("LEAD", (1, 3), ("LEAD(x)", "[NULL, c, NULL]"), ("LEAD(x, 1, 'none')", "[NULL, c, none]")),
    _navigate("FIRST_VALUE", (1, 1), ("FIRST_VALUE(x)", "[a, a, a]"), ("FIRST_VALUE(x IGNORE NULLS)", "[a, a, a]")),
    _navigate("LAST_VALUE", (1, 1), ("LAST_VALUE(x)", "[a, NULL, c]"), ("LAST_VALUE(x IGNORE NULLS)", "[a, a, c]")),
    _navigate("NTH_VALUE", (2, 2), ("NTH_VALUE(x, 2)", "[NULL, NULL, NULL]"), ("NTH_VALUE(x, 2 IGNORE NULLS)", "[NULL, NULL, c]")),
)  # fmt: skip
