"""A BigQuery query as SQL of DuckDB: every node of the tree by its rule, every function by its row of the table.

What has neither rule nor row is an error: nothing is passed on in the hope that DuckDB means the same by it. The rules work from the leaves
up, so a rule sees what is below it translated already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from sqlglot import exp
from sqlglot.errors import ErrorLevel, UnsupportedError

from sqlml import sql
from sqlml.bigquery.other_dialects import instead
from sqlml.bigquery.part import Part
from sqlml.bigquery.queries import prepare
from sqlml.bigquery.reading import CALL, SAFE, Read, read
from sqlml.bigquery.rules import RULES, UNCHANGED
from sqlml.bigquery.table import TRANSLATIONS
from sqlml.bigquery.translation import Call, Shape, Translation, lasting, once, raw, safely
from sqlml.errors import Error, NotSupportedError, ProgrammingError, did_you_mean
from sqlml.source import Span


@dataclass(frozen=True)
class Context:
    """What a translation may ask; without a database it knows of nothing."""

    is_function: Callable[[str], bool] = lambda name: False
    """Whether the user has made a function of that name."""
    databases: Callable[[], Collection[str]] = tuple
    """Attached databases: a project of another name means the current one."""
    tables: Callable[[str], Collection[str]] = lambda schema: ()
    """Tables and views of a schema, "" for the current one."""
    describe: Callable[[str], Sequence[tuple[str, str]]] = lambda query: ()
    """The names and types of a query's columns, in the engine's SQL; nothing where that is not known."""
    rows: Callable[[str], Sequence[tuple[object, ...]]] = lambda query: ()
    """The rows of a query in the engine's SQL; none without a database."""
    check_file: Callable[[str, bool], None] = lambda path, writes: None
    """Raises where a path may not be read, or be written."""
    has_database: bool = False
    notices: list[tuple[str, str]] = field(default_factory=list)
    """What was accepted without effect; translations add to it."""
    projects: Mapping[str, str] = field(default_factory=dict)
    """Names of projects and datasets in BigQuery to what they mean here, e.g. `bigquery-public-data.ml_datasets` to `samples.main`."""


@dataclass
class Translating:
    """One statement on its way; what rules are given beside their node."""

    read: Read
    context: Context

    def note(self, message: str) -> None:
        """Says that something was accepted and has no effect."""
        if ("bigquery", message) not in self.context.notices:
            self.context.notices.append(("bigquery", message))

    def refuse(self, node: exp.Expr, message: str, hint: str | None = None) -> NotSupportedError:
        """The error for what BigQuery takes and sqlml does not."""
        return NotSupportedError(message, code="construct_not_supported", span=self.read.span_of(node), hint=hint)


def translate(text: str, context: Context, part: Part = Part.STATEMENT) -> str:
    """A statement in BigQuery's SQL, or a part of one, as DuckDB's.

    Raises: ProgrammingError `syntax_error`, `unknown_function`, `function_argument`; NotSupportedError `construct_not_supported`. The spans
        are in the text.
    """
    if not text.strip():
        return text  # a query without FROM
    before, after = part.value
    try:
        return _translate(f"{before}{text}{after}", context, part)
    except Error as error:
        raise _moved(error, len(before), len(text)) from error.__cause__


def find_problems(text: str, context: Context, part: Part = Part.STATEMENT) -> list[Error]:
    """All that `translate` would refuse, where it raises the first: what is refused stays as it is, and the rest is looked at."""
    if not text.strip():
        return []
    before, after = part.value
    problems: list[Error] = []
    try:
        _translate(f"{before}{text}{after}", context, part, problems)
    except Error as error:
        problems.append(error)
    return [_moved(error, len(before), len(text)) for error in problems]


def _moved(error: Error, shift: int, length: int) -> Error:
    """The error with its place in the text, where it has one in the statement that was made of it."""
    if error.span is not None:
        start = min(max(0, error.span.start - shift), max(0, length - 1))
        error.span = Span(start, max(start + 1, min(error.span.end - shift, length)))
    return error


def _translate(text: str, context: Context, part: Part, problems: list[Error] | None = None) -> str:
    """Args: problems, where errors are put instead of raising them; nothing is generated if there are any."""
    found = read(text)
    work = Translating(found, context)
    root = exp.Tuple(expressions=[found.tree])  # so that the statement itself can be replaced
    whole = Span(0, len(text))
    try:
        prepare(found.tree)
        for node in reversed(list(found.tree.walk())):
            try:
                _apply(node, work)
            except Error as error:
                if problems is None:
                    raise
                problems.append(error.at(whole))
            except Exception as error:
                if not problems or isinstance(error, RecursionError):
                    raise
                # A rule met what it does not expect because something below was refused.
        return "" if problems else " ".join(_generate(node) for node in _parts(root.expressions[0], part))
    except RecursionError:
        raise ProgrammingError("the statement is nested too deeply", code="syntax_error", span=whole) from None
    except UnsupportedError:
        raise NotSupportedError(
            "the statement has a construct that DuckDB cannot say", code="construct_not_supported", span=whole
        ) from None
    except Error as error:
        raise error.at(whole) from error.__cause__


def _parts(tree: exp.Expr, part: Part) -> list[exp.Expr]:
    match part:
        case Part.STATEMENT:
            return [tree]
        case Part.RELATION:
            return [tree.args["from_"].this]
        case Part.CTE:
            return list(tree.args["with_"].expressions)
        case Part.EXPRESSION:
            return [_unnamed(item) for item in tree.expressions]
        case Part.FROM:
            return [tree.args["from_"], *tree.args.get("laterals", ()), *tree.args.get("joins", ())]
        case Part.WHERE:
            return [tree.args["where"]]
        case _:
            assert_never(part)


def _unnamed(item: exp.Expr) -> exp.Expr:
    """Without the name that an item of a select list was given."""
    if isinstance(item, exp.Subquery):
        item.set("alias", None)
    return item.unalias()


def _generate(node: exp.Expr) -> str:
    return node.sql(dialect="duckdb", identify=True, comments=False, unsupported_level=ErrorLevel.RAISE)


def _apply(node: exp.Expr, work: Translating) -> None:
    if isinstance(node, exp.Window):
        _check_window(node, work)
    if isinstance(node, exp.Window) and isinstance(_called(node.this), exp.Anonymous):
        _replace(node, _window(node, work))
        return
    if isinstance(node, exp.Anonymous):
        if _window_of(node) is None:
            _replace(node, _shortened(node, _call(node, "", work)))
        return
    rule = RULES.get(type(node))
    if rule is not None:
        result = rule(node, work)
        if result is not node:
            _replace(node, _shortened(node, result))
    elif type(node) not in UNCHANGED:
        raise work.refuse(node, f"{_words(node)} is not available in the BigQuery flavour")


def _replace(node: exp.Expr, result: exp.Expr) -> None:
    node.replace(result)


def _shortened(node: exp.Expr, result: exp.Expr) -> exp.Expr:
    """What a scalar expression became, without long repetitions."""
    if not isinstance(result, exp.Var) or not isinstance(node, exp.Condition) or _is_aggregate(node):
        return result
    text = str(result.this)
    shorter = once(text, list(node.iter_expressions()))
    return result if shorter is text else raw(shorter)


def _is_aggregate(node: exp.Expr) -> bool:
    """Whether a call is no function of one row."""
    name = CALL.fullmatch(str(node.this)) if isinstance(node, exp.Anonymous) else None
    row = None if name is None else TRANSLATIONS.get(name[2].upper())
    return row is not None and row.shape is not Shape.SCALAR


def _words(node: exp.Expr) -> str:
    """The class of a node in a user's words: "TableSample" is TABLE SAMPLE."""
    import re

    if isinstance(node, exp.Func):
        return f"{node.sql_name()}()"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()


def _called(node: exp.Expr) -> exp.Expr:
    """What is under IGNORE NULLS."""
    return node.this if isinstance(node, exp.IgnoreNulls | exp.RespectNulls) else node


def _window_of(node: exp.Expr) -> exp.Window | None:
    """The OVER clause that belongs to a call."""
    above = node.parent
    if isinstance(above, exp.IgnoreNulls | exp.RespectNulls):
        above = above.parent
    return above if isinstance(above, exp.Window) and _called(above.this) is node else None


_RANDOM = re.compile(r"system\.main\.(?:random|uuid|gen_random_uuid|nextval)\(")


def _check_window(node: exp.Window, work: Translating) -> None:
    """Makes PARTITION BY and ORDER BY what DuckDB takes: nothing there may give another value the next time."""
    order = node.args.get("order")
    for part in [*node.args.get("partition_by", ()), *(order.expressions if order is not None else ())]:
        for found in part.find_all(exp.Var):
            if _RANDOM.search(str(found.this)):
                raise work.refuse(
                    node, "RAND and GENERATE_UUID cannot stand in OVER (…)",
                    "compute the number before: SELECT …, ROW_NUMBER() OVER (ORDER BY r) FROM (SELECT *, RAND() AS r FROM …)",
                )  # fmt: skip
            found.set("this", lasting(str(found.this)))


def _window(node: exp.Window, work: Translating) -> exp.Expr:
    call = _called(node.this)
    nulls = "IGNORE" if isinstance(node.this, exp.IgnoreNulls) else "RESPECT" if isinstance(node.this, exp.RespectNulls) else ""
    bare = node.copy()
    bare.set("this", raw("__sqlml"))
    over = bare.sql(dialect="duckdb", identify=True, comments=False).removeprefix("__sqlml")
    assert isinstance(call, exp.Anonymous)
    return _call(call, over, work, nulls)


def _call(node: exp.Anonymous, over: str, work: Translating, nulls: str = "") -> exp.Expr:
    found = CALL.fullmatch(str(node.this))
    if found is None:  # `schema.function(…)`
        if work.context.is_function(str(node.this)) and not over:
            node.set("this", sql.quote(str(node.this)))
            return node
        owner = f"{node.parent.this.name}." if isinstance(node.parent, exp.Dot) else ""
        raise _unknown(f"{owner}{node.this}", work.read.span_of(node), work)
    span = work.read.call_span(int(found[1]))
    is_safe = found[2].upper().startswith(SAFE)
    name = found[2].upper().removeprefix(SAFE)
    row = TRANSLATIONS.get(name)
    if row is None:
        written = work.read.text[span.start : span.end]
        if not is_safe and not over and work.context.is_function(written):
            node.set("this", sql.quote(written))
            return node
        raise _unknown(written, span, work)
    call = _read_call(row, node, over, span, nulls)
    if is_safe:
        text = safely(call.arguments, lambda arguments: _write(row, replace(call, arguments=tuple(arguments))))
    else:
        text = _write(row, call)
    if over and row.shape is Shape.SCALAR:
        raise ProgrammingError(f"{row.name} takes no OVER clause", code="function_argument", span=call.span)
    return raw(text)


_OURS = re.compile(rf"__sqlml_fn_\d+_(?:{SAFE})?", re.IGNORECASE)


def _unknown(name: str, span: Span, work: Translating) -> ProgrammingError:
    del work
    name = _OURS.sub("", name)
    known = instead(name) or did_you_mean(name.upper(), list(TRANSLATIONS))
    return ProgrammingError(
        f"there is no function {name}, or sqlml does not know it", code="unknown_function", span=span,
        hint=known or "what sqlml knows of BigQuery's functions is in docs/bigquery.md",
    )  # fmt: skip


def _write(row: Translation, call: Call) -> str:
    return row.render(call) if callable(row.render) else _fill(row, call)


def _fill(row: Translation, call: Call) -> str:
    text = str(row.render)
    over = "" if "{over}" in text else call.over
    return text.format(*call.sqls, *[""] * (row.arity[1] - len(call)), over=call.over) + over


def _read_call(row: Translation, node: exp.Anonymous, over: str, span: Span, nulls: str) -> Call:
    """The call with DISTINCT, ORDER BY and the like taken off its arguments.

    Raises: ProgrammingError `function_argument`.
    """
    arguments = list(node.expressions)
    found: dict[str, object] = {"nulls": nulls}
    if arguments:
        last = arguments[-1]
        while True:
            if isinstance(last, exp.Limit):
                found["limit"] = " LIMIT " + last.expression.sql(dialect="duckdb")
            elif isinstance(last, exp.Order):
                found["order"] = " " + exp.Order(expressions=last.expressions).sql(dialect="duckdb", identify=True, comments=False).strip()
            elif isinstance(last, exp.IgnoreNulls | exp.RespectNulls):
                found["nulls"] = "IGNORE" if isinstance(last, exp.IgnoreNulls) else "RESPECT"
            elif isinstance(last, exp.HavingMax):
                which = "MAX" if last.args.get("max") else "MIN"
                found["having"] = (which, last.expression.sql(dialect="duckdb", identify=True, comments=False))
            else:
                break
            last = last.this
        arguments[-1:] = [] if last is None else [last]
    if arguments and isinstance(arguments[0], exp.Distinct):
        found["distinct"] = True
        arguments = [*arguments[0].expressions, *arguments[1:]]
    least, most = row.arity
    if not least <= len(arguments) <= most:
        number = str(least) if least == most else f"{least} to {most}"
        raise ProgrammingError(
            f"{row.name} takes {number} argument{'s' * (number != '1')}, got {len(arguments)}", code="function_argument", span=span,
            hint=f"write {row.signature}",
        )  # fmt: skip
    names = {"distinct": "DISTINCT", "nulls": f"{found.get('nulls')} NULLS", "order": "ORDER BY", "limit": "LIMIT", "having": "HAVING"}
    for field_name, word in names.items():
        if found.get(field_name) and word not in row.modifiers:
            raise ProgrammingError(f"{row.name} takes no {word}", code="function_argument", span=span, hint=f"write {row.signature}")
    return Call(row.name, tuple(arguments), over, span, **found)  # type: ignore[arg-type]  # fields of Call
