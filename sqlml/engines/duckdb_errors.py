"""DuckDB's failures as ours: the PEP 249 class that fits, a code, the bare sentence, the place as a span, advice as the hint.

The text of the message is what is read, since failures that arrive through an Arrow stream have lost their class. DuckDB can give errors
as JSON with byte offsets, but only for a whole database instance, other people's connections included; so the place is read from the
excerpt that closes a message, where a caret stands below the line.

A Python exception inside a batch function passes through DuckDB as text. It is kept here meanwhile, and the text carries its number.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import OrderedDict

from sqlml.engines.duckdb_error_rules import RULES, Rule
from sqlml.errors import Error, OperationalError, did_you_mean
from sqlml.source import Span

_KIND = re.compile(r"(?P<kind>[A-Za-z][A-Za-z ]{1,30}?) Error: ")
_EXCERPT = re.compile(r"\n\nLINE (?P<line>\d+): (?P<text>[^\n]*)\n(?P<indent> *)(?P<carets>\^+)\s*\Z")
_CANDIDATES = re.compile(r"\s*(?P<kind>Did you mean|Candidate \w+):?[: ]*(?P<names>[^\n]*)\??")
_SENTENCE_END = re.compile(r"[.!]?\n+|\. (?=[A-Z])")
_LINKS = re.compile(r"\s*(?:See also|For more info\w*, (?:see|visit)) https?://\S+")
_CARRIED = re.compile(r"\[sqlml:(\d+)\]")
_RAISED = re.compile(r"Conversion Error: Could not convert string 'sqlml: (?P<message>.*?)' to INT64(?:\Z|\n)", re.DOTALL)
"""A message of ours, raised where DuckDB takes no call of `error`."""
_LINE_END = re.compile(r"\r\n|[\r\n]")
_SPACE = re.compile(r"[^\S\r\n\t]")
_NAMED_ONCE = {"unknown_table", "unknown_schema", "unknown_setting"}
"""DROP, INSERT, USE and the like give no place; the name is in the text, and not in that of a view, since those were checked before."""
_MEMORY = "raise memory_limit, or set temp_directory so that it can go to disk"
_INTERNAL_NAMES = ("pg_", "sqlite_", "duckdb_", "information_schema")


def translated(error: BaseException, statement: str = "", start: int = 0) -> Error:
    """The error that the user meets.

    Args:
        statement: the text that DuckDB was given.
        start: where it starts in the text that the span is to point into; negative when something was put before that text.
    """
    if isinstance(error, Error):
        return error
    text = str(error)
    raised = _RAISED.match(text)
    if raised is not None:
        text = f"Invalid Input Error: {raised['message']}"
    carried = _CARRIED.search(text)
    if carried and (inside := _carried.pop(int(carried[1]), None)) is not None:
        return _from_function(inside)
    if isinstance(error, KeyboardInterrupt):
        return OperationalError("the statement was cancelled", code="cancelled")
    if isinstance(error, MemoryError):
        return OperationalError("out of memory", code="out_of_memory", hint=_MEMORY)
    kind_found = _KIND.match(text)
    kind = kind_found["kind"].lower() if kind_found else ""
    body = text[kind_found.end() :] if kind_found else text
    excerpt = _EXCERPT.search(body)
    if excerpt:
        body = body[: excerpt.start()]
    rule, found = _rule(kind, body)
    groups = {name: value or "" for name, value in found.groupdict().items()}
    message, suggestion, advice = _sentence(body, groups)
    if rule.message is not None:
        message, advice = rule.message.format_map(groups), None
    hint = rule.hint.format_map(groups) if rule.hint else suggestion or advice
    span = None
    if excerpt:
        span = _place(excerpt, statement, groups.get("name"))
    elif rule.code in _NAMED_ONCE:
        span = _only(statement, groups["name"])
    if span is not None:
        span = Span(span.start + start, span.end + start) if span.start + start >= 0 else None
    return rule.error(message, code=rule.code, span=span, hint=hint)


# ---- Exceptions of batch functions ----

_KEPT_FAILURES = 64
"""Failures waiting to be fetched; several threads may fail in one statement, and one of them is reported."""

_carried: OrderedDict[int, BaseException] = OrderedDict()
_numbers = itertools.count(1)


def carried(error: BaseException) -> RuntimeError:
    """An exception to raise through DuckDB in place of `error`, which `translated` finds again."""
    number = next(_numbers)
    _carried[number] = error
    while len(_carried) > _KEPT_FAILURES:
        _carried.popitem(last=False)
    message = error.message if isinstance(error, Error) else "the function failed"
    return RuntimeError(f"{message} [sqlml:{number}]")


def _from_function(error: BaseException) -> Error:
    if isinstance(error, Error):
        return error
    if isinstance(error, KeyboardInterrupt):
        return OperationalError("the statement was cancelled", code="cancelled")
    if isinstance(error, MemoryError):
        return OperationalError("out of memory", code="out_of_memory", hint=_MEMORY)
    failure = OperationalError("a model failed on a batch of rows", code="batch_function_failed")
    failure.__cause__ = error
    return failure


# ---- Sentence and hint ----


def _rule(kind: str, body: str) -> tuple[Rule, re.Match[str]]:
    for rule in RULES:
        if not rule.kinds or kind in rule.kinds:
            found = re.search(rule.pattern, body)
            if found:
                return rule, found
    raise AssertionError("the last rule takes everything")


def _sentence(body: str, groups: dict[str, str]) -> tuple[str, str | None, str | None]:
    """DuckDB's first sentence, what there is in place of what was not found, and the other sentences."""
    body = _LINKS.sub("", body.partition("\nTraceback (most recent call last)")[0]).strip()
    suggestion = None
    candidates = _CANDIDATES.search(body)
    if candidates:
        rest = body[candidates.end() :]
        body = body[: candidates.start()]
        if "call" in groups:
            signatures = [line.strip() for line in rest.splitlines() if line.strip()]
            suggestion = "there are: " + "; ".join(signatures) if 0 < len(signatures) <= 6 else "cast the arguments to other types"
        else:
            known = re.findall(r'"([^"]+)"', candidates["names"])
            suggestion = _suggestion(groups.get("name", ""), known)
    first, rest = _SENTENCE_END.split(body.strip(), maxsplit=1) if _SENTENCE_END.search(body.strip()) else (body.strip(), "")
    advice = " ".join(rest.split()).removeprefix("* ").removesuffix(".")
    return first.strip().rstrip("!").removesuffix("."), suggestion, advice or None


def _suggestion(name: str, known: list[str]) -> str | None:
    """DuckDB proposes the closest name however far it is, and its own tables among them."""
    known = [candidate for candidate in known if not candidate.startswith(_INTERNAL_NAMES)]
    bare = {candidate.rpartition(".")[2]: candidate for candidate in known}
    close = did_you_mean(name.rpartition(".")[2], list(bare))
    if close is None:
        return f"there are: {', '.join(known)}" if len(known) > 1 else None
    return close


# ---- Place ----


def _place(excerpt: re.Match[str], sql: str, name: str | None) -> Span | None:
    """The span that the carets of an excerpt stand below, or None when the excerpt is not of this text."""
    start, line = _line(sql, int(excerpt["line"]))
    indent = len(excerpt["indent"]) - len(f"LINE {excerpt['line']}: ")
    # A long line is cut around the place, with dots at the cuts.
    for cut_start, cut_end in ((0, 0), (0, 3), (3, 0), (3, 3)):
        window = excerpt["text"][cut_start : len(excerpt["text"]) - cut_end]
        # DuckDB replaces the spaces of other scripts by its own.
        if (cut_start and not excerpt["text"].startswith("...")) or (cut_end and not excerpt["text"].endswith("...")):
            continue
        plain_line, plain_window = _SPACE.sub(" ", line), _SPACE.sub(" ", window)
        at = plain_line.find(plain_window) if cut_start or cut_end else (0 if plain_line == plain_window else -1)
        if at >= 0:
            break
    else:
        return None
    first = _character(window, indent - cut_start)
    last = _character(window, indent - cut_start + len(excerpt["carets"]))
    while last > first and window[last - 1].isspace():
        last -= 1  # a tab has no width
    span = Span(start + at + first, start + at + max(last, first + 1))
    if name is None or name.lower() in sql[span.start : span.end].lower():
        return span
    # Terminals and DuckDB do not agree on the width of every character, so the caret may stand beside the name.
    bare = name.rpartition(".")[2].lower()
    places = [found.start() for found in re.finditer(re.escape(bare), line.lower())]
    if not places:
        return None
    nearest = start + min(places, key=lambda place: abs(start + place - span.start))
    return Span(nearest, nearest + len(bare))


def _only(sql: str, name: str) -> Span | None:
    """Where a name stands, if in one place only."""
    places = [found.span() for found in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", sql, re.IGNORECASE)]
    return Span(*places[0]) if len(places) == 1 else None


def _line(sql: str, number: int) -> tuple[int, str]:
    """Where a line starts, and its text."""
    starts = [0, *(found.end() for found in _LINE_END.finditer(sql))]
    if number > len(starts):
        return len(sql), ""
    start = starts[number - 1]
    return start, _LINE_END.split(sql[start:], maxsplit=1)[0]


def _character(text: str, cells: int) -> int:
    """The index of the character that is shown `cells` columns from the start."""
    shown = 0
    joined = False
    for index, character in enumerate(text):
        width = 0 if joined else _width(character)
        joined = character == "\u200d"
        if shown >= cells and width:
            return index
        shown += width
    return len(text)


def _width(character: str) -> int:
    if character != "\u00ad" and unicodedata.category(character) in {"Mn", "Me", "Cc", "Cf", "Zl", "Zp"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
