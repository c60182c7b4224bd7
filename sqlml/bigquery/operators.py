"""Rules for operators and literals whose meaning is another one in DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from sqlml.bigquery.translation import generate, raw, render

if TYPE_CHECKING:
    from sqlml.bigquery.translate import Translating

_POSITIONS = (
    exp.Limit, exp.Offset, exp.Order, exp.Ordered, exp.Group, exp.Interval, exp.DataTypeParam, exp.DataType, exp.WindowSpec, exp.TableSample,
    exp.Bracket,
)  # fmt: skip
"""Where an integer is a count or a place and no value of type INT64."""
_LARGEST = 2**63


def literal(node: exp.Literal, work: Translating) -> exp.Expr:
    """Integers are INT64 and decimals FLOAT64, where DuckDB takes the smallest type that holds them."""
    if node.is_string or isinstance(node.parent, _POSITIONS):
        return node
    text = str(node.this)
    if not text.isdigit():
        return raw(text if "e" in text.lower() else f"{text}e0")
    if int(text) == _LARGEST and isinstance(node.parent, exp.Neg):
        return raw(f"CAST({text} AS HUGEINT)")
    if int(text) >= _LARGEST:
        raise work.refuse(node, f"{text} is beyond INT64", "write NUMERIC '…'")
    return raw(f"CAST({text} AS BIGINT)")


def negation(node: exp.Neg, work: Translating) -> exp.Expr:
    del work
    text = generate(node.this)
    if text == f"CAST({_LARGEST} AS HUGEINT)":
        return raw(f"CAST(-{_LARGEST} AS BIGINT)")
    return raw(f"(-{render(node.this)})")


def hexadecimal(node: exp.HexString, work: Translating) -> exp.Expr:
    """`0x1F` is an integer."""
    del work
    return raw(f"CAST({int(str(node.this), 16)} AS BIGINT)")


def json_literal(node: exp.ParseJSON, work: Translating) -> exp.Expression:
    """`JSON '…'`, its members in alphabetical order as BigQuery keeps them."""
    del work
    return raw(f"CAST(system.main.json_normalize({render(node.this)}) AS JSON)")


def division(node: exp.Div, work: Translating) -> exp.Expr:
    """Division by zero is an error, where DuckDB gives NULL or infinity."""
    del work
    left, right = render(node.this), render(node.expression)
    return raw(f"(CASE WHEN {right} = 0 THEN system.main.error('division by zero') ELSE {left} / {right} END)")


def like(node: exp.Like, work: Translating) -> exp.Expr:
    """A backslash takes the meaning from what follows it; DuckDB wants that said."""
    quantifier = node.expression
    is_negated = bool(node.args.get("negate"))
    if isinstance(quantifier, exp.Any | exp.All):
        listed = quantifier.this
        if not isinstance(listed, exp.Tuple | exp.Paren):
            raise work.refuse(node, "LIKE ANY and LIKE ALL take a list of patterns")
        patterns = listed.expressions if isinstance(listed, exp.Tuple) else [listed.this]
        # NOT goes with each LIKE: `x NOT LIKE ANY (…)` asks for a pattern that does not match.
        word = " OR " if isinstance(quantifier, exp.Any) else " AND "
        return raw("(" + word.join(_like(node.this, pattern, is_negated) for pattern in patterns) + ")")
    return raw(f"({_like(node.this, quantifier, is_negated)})")


def _like(value: exp.Expr, pattern: exp.Expr, is_negated: bool) -> str:
    return f"{render(value)} {'NOT ' if is_negated else ''}LIKE {render(pattern)} ESCAPE '\\'"


def bits(node: exp.Binary, work: Translating) -> exp.Expr:
    """`&`, `|`, `^`, `<<`, `>>` of INT64."""
    del work
    left, right = render(node.this), render(node.expression)
    match node:
        case exp.BitwiseAnd():
            return raw(f"({left} & {right})")
        case exp.BitwiseOr():
            return raw(f"({left} | {right})")
        case exp.BitwiseXor():
            return raw(f"system.main.xor({left}, {right})")
        case exp.BitwiseLeftShift():
            # Bits go over the edge, where DuckDB reports an overflow.
            shifted = f"(CAST(CAST({left} AS BIT) << CAST({right} AS INTEGER) AS BIGINT))"
            return raw(f"CASE WHEN {right} >= 64 THEN CAST(0 AS BIGINT) ELSE {shifted} END")
        case _:
            # No sign is carried along.
            shifted = f"(CAST(CAST({left} AS BIT) >> CAST({right} AS INTEGER) AS BIGINT))"
            return raw(f"CASE WHEN {right} >= 64 THEN CAST(0 AS BIGINT) ELSE {shifted} END")


def bit_not(node: exp.BitwiseNot, work: Translating) -> exp.Expr:
    del work
    return raw(f"(~{render(node.this)})")
