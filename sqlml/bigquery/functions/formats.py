"""FORMAT: printf with BigQuery's rules. The format is a literal, so what is done with each argument is known when it is translated."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlml import sql
from sqlml.bigquery.translation import Call, Example, Translation
from sqlml.bigquery.value_text import value_text

_DIRECTIVE = re.compile(r"%(?P<flags>[-+ #0']*)(?P<width>\*|\d+)?(?:(?P<point>\.)(?P<precision>\*|\d*))?(?P<kind>.)?", re.DOTALL)
_INTEGERS = "('BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT', 'HUGEINT', 'UBIGINT', 'UINTEGER', 'USMALLINT', 'UTINYINT', '\"NULL\"')"
_WIDEST = 10_000


@dataclass(frozen=True)
class _Directive:
    """One `%…`; width and precision are SQL of an integer, or None."""

    flags: str
    width: str | None
    precision: str | None
    kind: str

    def has(self, flag: str) -> bool:
        return flag in self.flags


def _format(call: Call) -> str:
    text = call.text(0)
    if text is None:
        call.refuse("the format of FORMAT must be written as text", "a format that is computed cannot be translated")
    taken = 1

    def argument() -> str:
        nonlocal taken
        if taken >= len(call):
            call.fail(f"FORMAT has too few arguments for the format {text!r}", "every % takes one, and every * one before it")
        taken += 1
        return call.sql(taken - 1)

    def number(written: str | None) -> str | None:
        if written is not None and written != "*" and int(written or 0) > _WIDEST:
            call.fail(f"a width of FORMAT is {_WIDEST} at most")
        return f"CAST({argument()} AS BIGINT)" if written == "*" else written and str(int(written))

    parts, done = [], 0
    for found in _DIRECTIVE.finditer(text):
        parts.append(sql.literal(text[done : found.start()]))
        done = found.end()
        kind = found["kind"] or ""
        if found[0] == "%%":
            parts.append("'%'")
            continue
        if kind in "pP" and kind:
            call.refuse("%p and %P of FORMAT write protocol buffers, which are not available", "use %t, or TO_JSON_STRING")
        if kind not in "diuoxXsStTfFeEgG" or kind in ("S", ""):
            call.fail(f"FORMAT does not know {found[0]}", "it knows %d %i %o %x %X %f %F %e %E %g %G %s %t %T and %%")
        width = number(found["width"])
        precision = number((found["precision"] or "0") if found["point"] else None)
        written = _written(_Directive(found["flags"], width, precision, kind), argument(), call)
        given = [f"{size} IS NOT NULL" for size in (width, precision) if size is not None and not size.isdigit()]
        parts.append(f"CASE WHEN {' AND '.join(given)} THEN {written} END" if given else written)
    parts.append(sql.literal(text[done:]))
    if taken < len(call):
        call.fail(f"FORMAT has {len(call) - 1} arguments, and the format {text!r} takes {taken - 1}")
    shown = [f"({part})" if part.startswith("CASE") else part for part in parts if part != "''"] or ["''"]
    return f"({' || '.join(shown)})"


def _written(directive: _Directive, value: str, call: Call) -> str:
    match directive.kind.lower():
        case "t":
            return _text(directive, f"({value_text(value, literal=directive.kind == 'T')})")
        case "s":
            kind = f"system.main.typeof({value}) IN ('VARCHAR', 'JSON', '\"NULL\"')"
            return _text(directive, f"CASE WHEN {kind} THEN CAST({value} AS VARCHAR) ELSE {_wrong(directive, 'STRING', value)} END")
        case "f" | "e" | "g":
            return _real(directive, value, call)
        case _:
            return _integer(directive, value)


def _wrong(directive: _Directive, wanted: str, value: str) -> str:
    return f"system.main.error('%{directive.kind} of FORMAT takes {wanted}, got a value of type ' || system.main.typeof({value}))"


def _text(directive: _Directive, text: str) -> str:
    """The precision is the greatest number of characters."""
    if directive.precision is not None:
        cut = f"system.main.substring({text}, 1, {directive.precision})"
        text = cut if directive.precision.isdigit() else f"CASE WHEN {directive.precision} < 0 THEN {text} ELSE {cut} END"
    return _padded(directive, "", text, zeros=None)


def _integer(directive: _Directive, value: str) -> str:
    checked = f"CASE WHEN system.main.typeof({value}) IN {_INTEGERS} THEN TRY_CAST({value} AS HUGEINT) ELSE {_wrong(directive, 'INT64', value)} END"
    kind, precision = directive.kind.lower(), directive.precision
    magnitude = f"system.main.abs({checked})"
    pattern = {"x": "%x", "o": "%o"}.get(kind)
    digits = f"CAST({magnitude} AS VARCHAR)" if pattern is None else f"system.main.printf('{pattern}', CAST({magnitude} AS UBIGINT))"
    if precision is not None:
        digits = f"({_zeros(precision, digits)} || {digits})"
    if kind == "o" and directive.has("#"):
        digits = f"CASE WHEN system.main.starts_with({digits}, '0') THEN {digits} ELSE '0' || {digits} END"
    if directive.has("'"):
        digits = _grouped(digits, *{"x": (4, ":"), "o": (4, ",")}.get(kind, (3, ",")))
    prefix = f"CASE WHEN {checked} = 0 THEN '' ELSE '0x' END" if kind == "x" and directive.has("#") else ""
    sign = _sign(directive, f"{checked} < 0")
    head = " || ".join(part for part in (sign, prefix) if part)
    zeros = directive.has("0") and precision is None
    text = _padded(directive, head, digits, zeros="TRUE" if zeros else None)
    return f"system.main.upper({text})" if directive.kind == "X" else text


def _real(directive: _Directive, value: str, call: Call) -> str:
    kind, precision = directive.kind.lower(), directive.precision if directive.precision is not None else "6"
    is_decimal = f"system.main.starts_with(system.main.typeof({value}), 'DECIMAL(')"
    allowed = f"system.main.typeof({value}) IN ('DOUBLE', 'FLOAT', '\"NULL\"') OR {is_decimal}"
    # A decimal becomes text first: the branch has to be something for every type.
    checked = f"CASE WHEN {allowed} THEN TRY_CAST({value} AS DOUBLE) ELSE {_wrong(directive, 'FLOAT64 or NUMERIC', value)} END"
    size = f"system.main.abs({checked})"
    if precision.isdigit():
        places = "1" if kind == "g" and int(precision) == 0 else str(min(int(precision), 1_000))
        if directive.has("#") and kind != "g" and places == "0":
            call.refuse("the flag # of FORMAT without places is not available")
        hash_ = "#" if directive.has("#") and kind == "g" else ""
        digits = f"system.main.printf('%{hash_}.{places}{kind}', {size})"
        if kind == "f":
            exact = f"TRY_CAST(CAST({value} AS VARCHAR) AS DECIMAL(38, 9))"
            kept = min(int(places), 9)
            rounded = f"CAST(system.main.abs(CAST({exact} AS DECIMAL(38, {kept}))) AS VARCHAR)"
            rest = f" || '{'0' * (int(places) - kept)}'" if int(places) > kept else ""
            digits = f"CASE WHEN {is_decimal} THEN {rounded}{rest} ELSE {digits} END"
    else:
        least = "1" if kind == "g" else "0"
        used = f"CASE WHEN {precision} < 0 THEN 6 ELSE system.main.greatest({precision}, {least}) END"
        digits = f"system.main.printf('%.' || {used} || '{kind}', {size})"
    is_finite = f"system.main.isfinite({checked})"
    if directive.has("'") and kind != "e":
        whole = f"system.main.regexp_extract({digits}, '^\\d+')"
        rest = f"system.main.regexp_replace({digits}, '^\\d+', '')"
        digits = f"CASE WHEN {is_finite} THEN {_grouped(whole, 3, ',')} || {rest} ELSE {digits} END"
    sign = _sign(directive, f"system.main.signbit({checked})")
    text = _padded(directive, sign, digits, zeros=is_finite if directive.has("0") else None)
    return f"system.main.upper({text})" if directive.kind.isupper() else text


def _sign(directive: _Directive, is_negative: str) -> str:
    plus = "+" if directive.has("+") else " " if directive.has(" ") else ""
    return f"CASE WHEN {is_negative} THEN '-' ELSE '{plus}' END"


def _zeros(width: str, text: str) -> str:
    return f"system.main.repeat('0', system.main.greatest(0, {width} - system.main.length({text})))"


def _grouped(digits: str, size: int, separator: str) -> str:
    turned = f"system.main.regexp_replace(system.main.reverse({digits}), '(.{{{size}}})', '\\1{separator}', 'g')"
    return f"system.main.ltrim(system.main.reverse({turned}), '{separator}')"


def _padded(directive: _Directive, head: str, body: str, zeros: str | None) -> str:
    """Head (sign and prefix) and body, as wide as asked for.

    Args: zeros, SQL of whether zeros go between them, or None for never.
    """
    head = " || ".join(f"({part})" if part.startswith("CASE") else part for part in [head] if part)
    body = f"({body})" if body.startswith("CASE") else body
    text = f"({head} || {body})" if head else body
    width = directive.width
    if width is None:
        return text
    size = width if width.isdigit() else f"system.main.abs({width})"
    missing = f"system.main.greatest(0, {size} - system.main.length({text}))"
    left = f"{text} || system.main.repeat(' ', {missing})"
    if directive.has("-"):
        return f"({left})"
    right = f"system.main.repeat(' ', {missing}) || {text}"
    if zeros is not None:
        filled = f"{head} || system.main.repeat('0', {missing}) || {body}" if head else f"system.main.repeat('0', {missing}) || {body}"
        right = f"CASE WHEN {zeros} THEN {filled} ELSE {right} END" if zeros != "TRUE" else filled
    if width.isdigit():
        return f"({right})"
    return f"CASE WHEN {width} < 0 THEN {left} ELSE {right} END"


def _example(arguments: str, value: str) -> Example:
    return Example(f"FORMAT({arguments})", value)


ROWS = (
    Translation(
        "FORMAT", "FORMAT(format, x, …)", _format,
        (
            _example("'%d', 10", "10"), _example("'%s', 'abc'", "abc"), _example("'%%|%s', 'x'", "%|x"), _example("'-%s-', 'abcd효과'", "-abcd효과-"),
            _example("'%10d|%-10d|%010d', 5, 5, -5", "         5|5         |-000000005"), _example("'%f %E', 1.1, 2.2", "1.100000 2.200000E+00"),
            _example("'%.3f', 2.0005", "2.001"), _example("\"%'d\", 12345678", "12,345,678"), _example("\"%'.2f\", 1234567.891", "1,234,567.89"),
            _example("\"%'x %'o\", 12345678, 55555", "bc:614e 15,4403"), _example("'%5.2s|', 'abc'", "   ab|"), _example("'%*d|%-*s|', 4, 7, 3, 'a'", "   7|a  |"),
            _example("'%.2f', NUMERIC '1.005'", "1.01"), _example("'%g %g', 1e20, 0.5", "1e+20 0.5"), _example("'%x %#X %o', 255, 255, 8", "ff 0XFF 10"),
            _example("'%t', 1.0", "1.0"), _example("'%t', DATE '2001-05-21'", "2001-05-21"), _example("'%t|%T', NULL, NULL", "NULL|NULL"),
            _example("'%T', 'a\"b'", "'a\"b'"), _example("'%T', DATE '2001-05-21'", 'DATE "2001-05-21"'),
            _example("'%T', TIMESTAMP '2001-05-21 13:51:36+00'", 'TIMESTAMP "2001-05-21 13:51:36+00"'), _example("'%t', [0, 1]", "[0, 1]"),
            _example("'%T', ['a', NULL]", '["a", NULL]'), _example("'%d', CAST(NULL AS INT64)", "NULL"), _example("'abc'", "abc"),
            _example("'%T', CAST('inf' AS FLOAT64)", 'CAST("inf" AS FLOAT64)'),
        ),
        arity=(1, 1000),
        differs="the format is a literal; %t and %T write scalars and arrays of them, not STRUCT; %p and %P are refused",
    ),
)  # fmt: skip
