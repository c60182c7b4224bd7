"""How one function of BigQuery is said in DuckDB: the rows of the table of translations, and a call as a row sees it.

A row holds the SQL, BigQuery's own example with its documented value, and what differs. The values are tested (`tests/bigquery`), and
`docs/bigquery.md` is made of the rows, so a row is all there is to say about a function.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NoReturn

from sqlglot import exp
from sqlglot.errors import ErrorLevel

from sqlml import sql
from sqlml.errors import NotSupportedError, ProgrammingError
from sqlml.source import Span


class Shape(Enum):
    """What a function is computed from."""

    SCALAR = "scalar"
    AGGREGATE = "aggregate"
    WINDOW = "window"


@dataclass(frozen=True, slots=True)
class Example:
    """An expression and the value that BigQuery's documentation gives for it, as text (`NULL`, `[1, 2]`, `2026-01-31`)."""

    sql: str
    value: str


@dataclass(frozen=True, slots=True)
class Translation:
    """A function of BigQuery.

    `render` is SQL of DuckDB with `{0}`, `{1}` … for the arguments, each in brackets where it needs them, or a function of the call. The text
    stands in an expression as it is: put it in brackets unless it is a function call. Built-ins are written `system.main.name(…)`.
    """

    name: str
    signature: str
    render: str | Callable[[Call], str]
    examples: tuple[Example, ...]
    arity: tuple[int, int] = (1, 1)
    """The least and the most arguments."""
    shape: Shape = Shape.SCALAR
    differs: str = ""
    """What is not as in BigQuery, for the documentation."""
    modifiers: frozenset[str] = frozenset()
    """Of DISTINCT, IGNORE NULLS, RESPECT NULLS, ORDER BY, LIMIT, HAVING: what may stand among the arguments. The row renders them."""


@dataclass(frozen=True)
class Call:
    """A call as its row sees it: arguments are translated already."""

    name: str
    arguments: tuple[exp.Expr, ...]
    over: str
    """` OVER (…)` with a space before it, or "". A row of shape AGGREGATE or WINDOW puts it behind its function."""
    span: Span
    """In the text that was read."""
    distinct: bool = False
    nulls: str = ""
    """"IGNORE", "RESPECT" or ""."""
    order: str = ""
    """` ORDER BY …` with a space before it, or ""."""
    limit: str = ""
    having: tuple[str, str] | None = None
    """HAVING MAX x is ("MAX", x)."""

    def __len__(self) -> int:
        return len(self.arguments)

    def sql(self, index: int) -> str:
        """An argument as SQL of DuckDB, in brackets unless it is simple."""
        return render(self.arguments[index])

    @property
    def sqls(self) -> list[str]:
        return [render(argument) for argument in self.arguments]

    def text(self, index: int) -> str | None:
        """The text of a string literal, or None."""
        argument = self.arguments[index]
        return str(argument.this) if isinstance(argument, exp.Literal) and argument.is_string else None

    def part(self, index: int, allowed: Sequence[str]) -> str:
        """A date part such as DAY, ISOWEEK or WEEK(MONDAY), in capitals.

        Raises: ProgrammingError `function_argument`.
        """
        argument = self.arguments[index]
        found = ""
        if isinstance(argument, exp.WeekStart):
            found = f"WEEK({argument.name.upper()})"
        elif isinstance(argument, exp.Column | exp.Var | exp.Identifier):
            found = argument.name.upper()
        elif isinstance(argument, exp.Week | exp.Anonymous):
            found = f"WEEK({argument.expressions[0].name.upper()})" if argument.expressions else str(argument.name).upper()
        if found not in allowed:
            self.fail(f"the part of {self.name} must be one of {', '.join(allowed)}, got {found or render(argument)}")
        return found

    def fail(self, message: str, hint: str | None = None) -> NoReturn:
        """Raises: ProgrammingError `function_argument`."""
        raise ProgrammingError(message, code="function_argument", span=self.span, hint=hint)

    def refuse(self, message: str, hint: str | None = None) -> NoReturn:
        """Raises: NotSupportedError `construct_not_supported`, for what BigQuery takes and sqlml does not."""
        raise NotSupportedError(message, code="construct_not_supported", span=self.span, hint=hint)


_SIMPLE = (exp.Column, exp.Identifier, exp.Literal, exp.Paren, exp.Boolean, exp.Null, exp.Parameter, exp.Anonymous, exp.Cast, exp.Array)


def render(node: exp.Expr) -> str:
    """A translated node as SQL of DuckDB, in brackets unless it is simple."""
    text = generate(node)
    return text if isinstance(node, (*_SIMPLE, exp.Var)) else f"({text})"


TEXT = "sqlml_text"
"""Where a rule notes what a sum is as SQL of DuckDB."""
_COLUMN_PARTS = len(("this", "table", "db", "catalog"))


def generate(node: exp.Expr) -> str:
    """A translated node as SQL of DuckDB.

    Raises: UnsupportedError of the generator, which else would write something else and only log that.
    """
    if isinstance(node, exp.Var):
        return str(node.this)
    if isinstance(node, exp.Add | exp.Sub) and TEXT in node.meta:
        return str(node.meta[TEXT])
    if type(node) is exp.Column and len(node.args) <= _COLUMN_PARTS and all(isinstance(part, exp.Identifier) for part in node.parts):
        return ".".join(sql.quote(str(part.this)) for part in node.parts)
    return node.sql(dialect="duckdb", identify=True, comments=False, unsupported_level=ErrorLevel.RAISE)


def raw(text: str) -> exp.Var:
    """SQL of DuckDB as a node."""
    return exp.Var(this=text)


ERROR = "system.main.error("
"""What BigQuery refuses when the statement runs, a row refuses with this."""
_VOLATILE = re.compile(r"system\.main\.(?:error|random|uuid|nextval|gen_random_uuid)\(")
_BOUND = "__sqlml_safe"


def safely(arguments: Sequence[exp.Expr], write: Callable[[Sequence[exp.Expr]], str]) -> str:
    """What `write` says of the arguments, NULL instead of its errors; errors of the arguments stay errors.

    The engine's TRY holds nothing that may give another value the next time, which is what it takes an error for. So our own errors become
    NULL in the text, and an argument that holds such a thing is computed before, as the parameter of a lambda.
    """
    texts = [generate(argument) for argument in arguments]
    bound = [index for index, text in enumerate(texts) if _VOLATILE.search(text)]
    seen = [raw(f"{_BOUND}.a{index}") if index in bound else argument for index, argument in enumerate(arguments)]
    text = f"TRY({_without_errors(write(seen))})"
    if not bound:
        return text
    fields = ", ".join(f"a{index} := {texts[index]}" for index in bound)
    return f"system.main.list_transform([system.main.struct_pack({fields})], lambda {_BOUND}: {text})[1]"


_LONG, _REPEATED = 2_000, 200
_ONCE = re.compile(r"__sqlml_once(\d+):")
_COMPUTES = re.compile(r"[A-Za-z_]\(")


def once(text: str, arguments: Sequence[exp.Expr]) -> str:
    """The text of an expression, with arguments that it repeats computed before: nested ones would make it longer with every level.

    They become the parameter of a lambda, which is slower than an expression of columns: so only where the text is long.
    """
    if len(text) < _LONG:
        return text
    texts = list(dict.fromkeys(generate(argument) for argument in arguments))
    if not any(len(argument) > _REPEATED and text.count(argument) > 1 for argument in texts):
        return text
    name = f"__sqlml_once{max((int(number) for number in _ONCE.findall(text)), default=0) + 1}"
    body, fields = text, []
    for index, argument in enumerate(sorted(texts, key=len, reverse=True)):
        if _COMPUTES.search(argument) and argument in body:  # an aggregate among them may not stand in the lambda
            body = body.replace(argument, f"{name}.a{index}")
            fields.append(f"a{index} := {argument}")
    if "SELECT " in body:  # nor may a query
        return text
    return f"system.main.list_transform([system.main.struct_pack({', '.join(fields)})], lambda {name}: {body})[1]"


def _without_errors(text: str) -> str:
    """The text with NULL in the place of every call of `error`."""
    return _with_errors(text, lambda _: "NULL")


RAISED = "sqlml: "
"""What a text begins with whose conversion to a number is to fail, for the sake of its message."""


def lasting(text: str) -> str:
    """The text with errors that DuckDB lets stand in OVER (…), where it takes nothing that may give another value the next time.

    That is what it thinks of `error`; of a text that is no number it does not. The element of a list of NULLs is of any type.
    """
    return _with_errors(text, lambda message: f"[NULL][CAST({sql.literal(RAISED)} || {message} AS BIGINT)]")


def _with_errors(text: str, write: Callable[[str], str]) -> str:
    """Args: write, SQL of a message -> what stands in the place of the call."""
    done: list[str] = []
    while (start := text.find(ERROR)) >= 0:
        depth, end, quoted = 1, start + len(ERROR), False
        while depth:
            character = text[end]
            quoted ^= character == "'"
            depth += 0 if quoted else (character == "(") - (character == ")")
            end += 1
        done += [text[:start], write(text[start + len(ERROR) : end - 1])]
        text = text[end:]
    return "".join([*done, text])
