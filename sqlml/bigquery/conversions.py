"""CAST and SAFE_CAST: what a value of one type becomes as another, where BigQuery and DuckDB differ.

No types of columns are known here, so the text asks for the type of the value where that matters. `typeof` is folded when the statement is
planned: the branches that do not apply cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sqlglot import exp

from sqlml import sql
from sqlml.bigquery import number_text
from sqlml.bigquery.refusals import format_clauses
from sqlml.bigquery.translation import generate, raw, safely
from sqlml.errors import NotSupportedError
from sqlml.syntax.tokens import tokenize

if TYPE_CHECKING:
    from sqlml.bigquery.translate import Translating


def _is(value: str, *types: str) -> str:
    return f"system.main.typeof({value}) IN ({', '.join(sql.literal(name) for name in types)})"


def _is_decimal(value: str) -> str:
    return f"system.main.starts_with(system.main.typeof({value}), 'DECIMAL')"


def _text(value: str) -> str:
    return f"CAST({value} AS VARCHAR)"


def _bad(kind: str, value: str) -> str:
    return f"system.main.error('bad value for {kind}: ' || {_text(value)})"


def _to_integer(value: str) -> str:
    """Halves go away from zero; text is a whole number, decimal or hexadecimal."""
    real = f"TRY_CAST({_text(value)} AS DOUBLE)"
    text = f"system.main.trim({_text(value)})"
    number = rf"system.main.regexp_full_match({text}, '[+-]?\d+')"
    hexadecimal = rf"system.main.regexp_full_match({text}, '[+-]?0[xX][0-9a-fA-F]+')"
    # DuckDB reads no sign before hexadecimal digits.
    digits = f"CAST(system.main.ltrim({text}, '+-') AS BIGINT) * CASE WHEN system.main.starts_with({text}, '-') THEN -1 ELSE 1 END"
    return (
        f"CASE WHEN {_is(value, 'DOUBLE', 'FLOAT')} OR {_is_decimal(value)} THEN CAST(system.main.round({real}) AS BIGINT)"
        f" WHEN {_is(value, 'VARCHAR')} AND {hexadecimal} THEN {digits}"
        f" WHEN {_is(value, 'VARCHAR')} AND NOT {number} THEN CAST({_bad('INT64', value)} AS BIGINT)"
        f" ELSE CAST({value} AS BIGINT) END"
    )


def _to_text(value: str) -> str:
    """Whole FLOAT64 without a point, NaN in BigQuery's spelling, bytes as the UTF-8 that they are, times with thousandths or millionths."""
    number = f"TRY_CAST({_text(value)} AS DOUBLE)"  # through its text, which every type has
    real = f"CASE WHEN {_text(value)} = 'nan' THEN 'NaN' ELSE {number_text.real(number)} END"
    return (
        f"CASE WHEN {_is(value, 'DOUBLE', 'FLOAT')} THEN {real}"
        f" WHEN {_is_decimal(value)} THEN {number_text.decimal(value)}"
        f" WHEN {_is(value, 'BLOB')} THEN system.main.decode(TRY_CAST({value} AS BLOB))"
        f" WHEN {_is(value, 'TIMESTAMP', 'TIMESTAMP WITH TIME ZONE', 'TIME')} THEN {number_text.clock(_text(value))}"
        f" ELSE {_text(value)} END"
    )


def _to_boolean(value: str) -> str:
    known = f"system.main.lower({_text(value)}) IN ('true', 'false')"
    return (
        f"CASE WHEN {_is(value, 'VARCHAR')} AND NOT {known} THEN CAST({_bad('BOOL', value)} AS BOOLEAN) ELSE CAST({value} AS BOOLEAN) END"
    )


def _to_bytes(value: str) -> str:
    """The cast around it does nothing but show what it is (`byte_text.is_bytes`)."""
    return f"CAST(CASE WHEN {_is(value, 'BLOB')} THEN TRY_CAST({value} AS BLOB) ELSE system.main.encode({_text(value)}) END AS BLOB)"


_CONVERSIONS: Mapping[str, Callable[[str], str]] = {
    "BIGINT": _to_integer, "VARCHAR": _to_text, "BOOLEAN": _to_boolean, "BLOB": _to_bytes,
}  # fmt: skip


def cast(node: exp.Cast, work: Translating) -> exp.Expr:
    """`CAST(x AS type)`, `SAFE_CAST(x AS type)` and typed literals such as `DATE '2026-01-31'`."""
    if node.args.get("format") is not None:
        raise _format_error(node, work)
    target = generate(node.args["to"])
    if isinstance(node, exp.TryCast):
        return raw(safely([node.this], lambda arguments: _write(arguments[0], target)))
    return raw(_write(node.this, target))


def with_format(node: exp.Expr, work: Translating) -> exp.Expr:
    """What the parser makes of `CAST(x AS DATE FORMAT '…')`."""
    raise _format_error(node, work)


def _format_error(node: exp.Expr, work: Translating) -> NotSupportedError:
    """With its place at the clause: the first one behind what is cast."""
    clauses = format_clauses(tokenize(work.read.text, "bigquery"))
    start = work.read.span_of(node).start
    span = next((clause for clause in clauses if clause.start > start), None) or (clauses[0] if clauses else work.read.span_of(node))
    return NotSupportedError(
        "CAST with FORMAT is not available", code="construct_not_supported", span=span,
        hint="use FORMAT_DATE, FORMAT_TIMESTAMP, PARSE_DATE, PARSE_TIMESTAMP and their like",
    )  # fmt: skip


def _write(value: exp.Expr, target: str) -> str:
    convert = _CONVERSIONS.get(target)
    if convert is None or (value.is_string and target == "VARCHAR"):
        return f"CAST({generate(value)} AS {target})"
    return f"({convert(generate(value))})"
